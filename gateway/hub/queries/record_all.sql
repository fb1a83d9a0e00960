-- Every line of a stream with its gateway, journal by journal in order.
select journal.gateway, record.line
from journal join record on record.journal = journal.no
where record.stream = ?1
order by journal.no, record.seq
