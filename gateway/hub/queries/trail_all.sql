select trail.journal, trail.seq, journal.id, journal.gateway, record.line from trail
join journal on journal.no = trail.journal
join record on record.journal = trail.journal and record.stream = 0 and record.seq = trail.seq
where trail.code = ?1
order by trail.journal, trail.seq
limit ?2
