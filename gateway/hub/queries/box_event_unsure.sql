select distinct box from box_event
where journal = ?1 and boot = ?2 and (quality < 2 or at_ms - up_ms not between ?3 - 86400000 and ?3 + 86400000)
