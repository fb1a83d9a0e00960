insert into gateway (id, seen_ms, queued, online) values (?1, ?2, ?3, ?4)
on conflict (id) do update set seen_ms = excluded.seen_ms, queued = excluded.queued, online = excluded.online
