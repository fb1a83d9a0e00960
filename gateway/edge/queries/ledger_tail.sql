SELECT seq, link FROM ledger ORDER BY seq DESC LIMIT 1
