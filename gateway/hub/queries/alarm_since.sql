update alarm set since_ms = ?2 where key = ?1
