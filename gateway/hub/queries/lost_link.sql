-- The link at the end of a declared range.
select link_after from lost_range where journal = ?1 and stream = 0 and last = ?2 and applied = 1
