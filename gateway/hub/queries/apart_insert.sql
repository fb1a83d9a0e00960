insert or ignore into apart (gateway, reason, came_ms, message) values (?1, ?2, ?3, ?4)
