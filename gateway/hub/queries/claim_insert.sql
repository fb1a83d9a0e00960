insert or ignore into claim (round, token, journal, seq) values (?1, ?2, ?3, ?4)
