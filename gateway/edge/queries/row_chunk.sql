SELECT number, kind, id, parent, body, sum FROM row WHERE number > ?1 ORDER BY number LIMIT ?2
