SELECT * FROM (SELECT kind, id, parent, body, sum FROM row WHERE (kind, id) > (?1, ?2) ORDER BY kind, id LIMIT 1)
UNION ALL
SELECT * FROM (SELECT kind, id, parent, body, sum FROM row WHERE (kind, id) < (?1, ?2) ORDER BY kind DESC, id DESC LIMIT 1)
