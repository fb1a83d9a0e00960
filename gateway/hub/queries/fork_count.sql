select count(*) from fork where journal = ?1
