-- One row for each kind, subject and gateway, the newest first.
select kind, subject, gateway, min(since_ms) from alarm where settled_ms is null
group by kind, subject, gateway
order by min(since_ms) desc
limit ?1
