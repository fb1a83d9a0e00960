delete from campaign_pair where gateway = ?1 and campaign = ?2
