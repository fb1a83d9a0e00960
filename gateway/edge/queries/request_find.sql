SELECT first, last FROM request WHERE id = ?1
