-- Persons of whom a service stands in that round.
select distinct claim.token from claim join round on round.no = claim.round
where round.campaign = ?1 and round.round = ?2 and claim.voided = 0
