select held, track_held from journal where id = ?1
