update journal set held = ?2, link = ?3, top = ?4, track_held = ?5, track_top = ?6 where no = ?1
