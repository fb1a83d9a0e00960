UPDATE row SET body = ?3, sum = ?4 WHERE kind = ?1 AND id = ?2
