select count(*) from box where alarmed = 1
