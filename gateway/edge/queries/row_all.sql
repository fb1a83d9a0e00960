SELECT kind, id, parent, body, sum FROM row ORDER BY number
