INSERT INTO order_doc (kind, id, epoch, number, body) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (kind, id) DO UPDATE SET epoch = excluded.epoch, number = excluded.number, body = excluded.body
