select code from box where code = ?1
union
select code from box where seal = ?1
