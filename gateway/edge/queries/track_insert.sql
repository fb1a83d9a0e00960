INSERT INTO track (seq, line) VALUES (?1, ?2)
