insert into box (code, state, holder, since_ms, due_ms, delivered, compared, alarmed)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
on conflict (code) do update set
    state = excluded.state, holder = excluded.holder, since_ms = excluded.since_ms, due_ms = excluded.due_ms,
    delivered = excluded.delivered, compared = excluded.compared, alarmed = max(alarmed, excluded.alarmed)
