DELETE FROM request WHERE first = ?1
