DELETE FROM row WHERE kind = ?1 AND id = ?2
