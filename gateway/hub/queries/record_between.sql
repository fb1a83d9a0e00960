select seq, line from record where journal = ?1 and stream = 0 and seq between ?2 and ?3 order by seq
