select max(seq) from box_event where box = ?1 and journal = ?2 and what = ?3
