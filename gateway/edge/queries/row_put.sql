INSERT INTO row (kind, id, parent, body, sum) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (kind, id) DO UPDATE SET parent = excluded.parent, body = excluded.body, sum = excluded.sum
