DELETE FROM track WHERE seq <= ?1
