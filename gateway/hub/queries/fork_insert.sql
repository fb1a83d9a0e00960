insert or ignore into fork (journal, stream, seq, link, line, came_ms) values (?1, ?2, ?3, ?4, ?5, ?6)
