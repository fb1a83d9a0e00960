insert into journal (id, gateway, link) values (?1, ?2, ?3)
