insert into campaign_pair (gateway, campaign, key) values (?1, ?2, ?3)
on conflict (gateway, campaign) do update set key = excluded.key
