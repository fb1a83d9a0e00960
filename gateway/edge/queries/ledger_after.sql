SELECT seq, link, line FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT ?2
