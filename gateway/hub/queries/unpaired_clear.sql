delete from unpaired where box = ?1
