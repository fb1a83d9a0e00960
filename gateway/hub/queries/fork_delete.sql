delete from fork where rowid = ?1
