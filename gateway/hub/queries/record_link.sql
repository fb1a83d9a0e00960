select link from record where journal = ?1 and stream = 0 and seq = ?2
