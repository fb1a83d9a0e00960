select link, line from record where journal = ?1 and stream = ?2 and seq = ?3
