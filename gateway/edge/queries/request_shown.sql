UPDATE request SET shown = 1 WHERE id = ?1
