-- The services of a person in a campaign that stand, with their records.
select journal.no, journal.id, journal.gateway, claim.seq, record.line
from round
join claim on claim.round = round.no and claim.token = ?2 and claim.voided = 0
join journal on journal.no = claim.journal
join record on record.journal = claim.journal and record.stream = 0 and record.seq = claim.seq
where round.campaign = ?1
