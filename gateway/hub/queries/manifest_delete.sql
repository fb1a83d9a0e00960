delete from manifest where box = ?1
