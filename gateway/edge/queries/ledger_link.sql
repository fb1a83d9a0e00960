SELECT link FROM ledger WHERE seq = ?1
