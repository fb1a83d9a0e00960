insert into unpaired (box, journal, seq, kind, giver, taker, time_ms) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
