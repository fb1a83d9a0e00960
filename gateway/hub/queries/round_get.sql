select no from round where campaign = ?1 and round = ?2
