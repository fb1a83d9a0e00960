-- A declared range that begins at or before a number and ends at or behind it.
select first, last, link_before, link_after from lost_range
where journal = ?1 and stream = ?2 and first <= ?3 and last >= ?3
order by last desc
