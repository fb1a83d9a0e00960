SELECT body FROM order_doc ORDER BY kind, id
