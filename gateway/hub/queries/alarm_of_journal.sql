select alarm.key, record.line from alarm
join record on record.journal = alarm.journal and record.stream = 0 and record.seq = alarm.seq
where alarm.journal = ?1
