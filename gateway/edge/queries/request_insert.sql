INSERT INTO request (first, last, shown, id) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING
