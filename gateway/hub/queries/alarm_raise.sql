insert into alarm (key, kind, subject, gateway, since_ms, journal, seq) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
on conflict (key) do update set
    since_ms = case when settled_ms is null then since_ms else excluded.since_ms end,
    gateway = excluded.gateway,
    settled_ms = null
where settled_ms is not null or gateway <> excluded.gateway
