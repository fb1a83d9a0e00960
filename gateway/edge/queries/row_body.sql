SELECT parent, body, sum FROM row WHERE kind = ?1 AND id = ?2
