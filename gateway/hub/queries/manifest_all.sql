-- Those still on the road first: where an order has no room for all, the delivered ones are left out. Each with the clock
-- of its sealing, and the offset that a later record gave to it.
select manifest.body, coalesce(box.delivered, 0), e.up_ms, e.at_ms, e.quality, boot.offset_ms
from manifest
left join box on box.code = manifest.box
left join box_event e on e.box = manifest.box and e.journal = manifest.journal and e.seq = manifest.seq
left join boot on boot.journal = e.journal and boot.boot = e.boot
order by 2, manifest.journal, manifest.seq
