SELECT id, parent, body, sum FROM row WHERE kind = ?1 AND parent = ?2 ORDER BY id LIMIT ?3
