-- Who served this person in this round and has not taken it back.
select journal.gateway, claim.seq from claim join journal on journal.no = claim.journal
where claim.round = ?1 and claim.token = ?2 and claim.voided = 0
order by journal.gateway, claim.seq
