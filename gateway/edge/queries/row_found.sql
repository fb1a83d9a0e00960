SELECT EXISTS (SELECT 1 FROM row INDEXED BY row_by_parent WHERE kind = ?1 AND parent = ?2 AND id = ?3)
