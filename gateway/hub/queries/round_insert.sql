insert into round (campaign, round) values (?1, ?2)
