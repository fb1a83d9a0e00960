select line from fork where journal = ?1 and stream = 0 order by seq, rowid
