update box set seal = ?2 where code = ?1
