INSERT INTO ledger (seq, link, line) VALUES (?1, ?2, ?3)
