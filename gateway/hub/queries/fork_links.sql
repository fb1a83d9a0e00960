-- Lines kept beside under this number that have a link: one of them may be the one that links.
select rowid, link, line from fork where journal = ?1 and stream = 0 and seq = ?2 and link is not null
