SELECT id, parent, body, sum FROM row WHERE kind = ?1 ORDER BY id LIMIT ?2
