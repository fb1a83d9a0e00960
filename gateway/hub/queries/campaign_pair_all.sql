select gateway, campaign, key from campaign_pair limit ?1
