SELECT seq, line FROM track WHERE seq > ?1 ORDER BY seq LIMIT ?2
