insert into record (journal, stream, seq, link, line) values (?1, ?2, ?3, ?4, ?5)
