-- The first end of each kind for each box.
select unpaired.box, unpaired.kind, unpaired.time_ms, journal.gateway
from unpaired join journal on journal.no = unpaired.journal
where unpaired.time_ms < ?1
group by unpaired.box, unpaired.kind
having unpaired.time_ms = min(unpaired.time_ms)
