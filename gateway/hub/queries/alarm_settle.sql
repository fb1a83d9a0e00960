update alarm set settled_ms = ?2 where key = ?1 and settled_ms is null
