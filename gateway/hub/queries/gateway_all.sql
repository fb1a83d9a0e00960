select id, seen_ms, queued, online from gateway
