-- Persons of whom more than one service stands in a round.
select round.campaign, round.round, claim.token
from claim join round on round.no = claim.round
where claim.voided = 0
group by claim.round, claim.token having count(*) > 1
order by round.campaign, round.round, claim.token
