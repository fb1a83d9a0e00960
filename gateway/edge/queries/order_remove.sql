DELETE FROM order_doc WHERE kind = ?1 AND id = ?2
