insert into boot (journal, boot, offset_ms, quality) values (?1, ?2, ?3, ?4)
on conflict (journal, boot) do update set offset_ms = excluded.offset_ms, quality = excluded.quality
