select seq, link from fork where journal = ?1 and stream = 0 and link is not null order by seq desc, rowid desc limit 64
