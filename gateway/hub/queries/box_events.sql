-- The latest events of a box, each with the offset that a later record gave to its boot.
select e.journal, e.seq, e.what, e.site, e.other, e.flagged, e.due_ms, e.up_ms, e.at_ms, e.quality, e.stored_ms,
       boot.offset_ms
from box_event e left join boot on boot.journal = e.journal and boot.boot = e.boot
where e.box = ?1
order by e.stored_ms desc, e.journal, e.seq desc
limit ?2
