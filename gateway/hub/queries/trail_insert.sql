insert or ignore into trail (code, journal, seq) values (?1, ?2, ?3)
