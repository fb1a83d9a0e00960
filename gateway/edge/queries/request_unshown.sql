-- Looks back over a bounded number of requests: what lies further back was at the counter long ago.
SELECT first, last, id
FROM (SELECT first, last, id, shown FROM request ORDER BY first DESC LIMIT ?1)
WHERE shown = 0
ORDER BY first
