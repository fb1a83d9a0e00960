select offset_ms from boot where journal = ?1 and boot = ?2
