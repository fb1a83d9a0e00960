update lost_range set applied = 1 where journal = ?1 and stream = ?2 and first = ?3 and last = ?4
