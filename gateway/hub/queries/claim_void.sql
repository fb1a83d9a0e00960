update claim set voided = 1 where round = ?1 and token = ?2 and journal = ?3 and seq = ?4
