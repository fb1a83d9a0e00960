insert or ignore into box_event
    (box, journal, seq, what, site, other, flagged, due_ms, boot, up_ms, at_ms, quality, stored_ms)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
