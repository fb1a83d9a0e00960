-- Are there manifests of sealings in this boot, before its clock was found, or by a clock that was far off?
select exists (
    select 1 from box_event e join manifest on manifest.box = e.box and manifest.journal = e.journal and manifest.seq = e.seq
    where e.journal = ?1 and e.boot = ?2 and (e.quality < 2 or e.at_ms - e.up_ms not between ?3 - 86400000 and ?3 + 86400000)
)
