-- The lines of one journal that speak of a code, from a number on.
select record.line from trail
join record on record.journal = trail.journal and record.stream = 0 and record.seq = trail.seq
where trail.code = ?1 and trail.journal = ?2 and trail.seq >= ?3
order by trail.seq
