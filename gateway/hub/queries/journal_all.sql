select no, id, gateway, held, link, top, track_held, track_top from journal order by no
