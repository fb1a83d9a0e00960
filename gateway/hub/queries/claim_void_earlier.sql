update claim set voided = 1
where round = ?1 and token = ?2 and voided = 0 and journal in (
    select earlier.no from journal earlier join journal here on earlier.gateway = here.gateway
    where here.no = ?3 and earlier.no != here.no
)
