insert into manifest (box, journal, seq, body) values (?1, ?2, ?3, ?4)
on conflict (box) do update set journal = excluded.journal, seq = excluded.seq, body = excluded.body
