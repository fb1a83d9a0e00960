select count(*) from lost_range where journal = ?1 and why <> 'sent'
