DELETE FROM request WHERE last <= ?1
