insert or ignore into lost_range (journal, stream, first, last, link_before, link_after, why)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
