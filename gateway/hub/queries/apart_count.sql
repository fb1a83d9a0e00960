select count(*) from apart
