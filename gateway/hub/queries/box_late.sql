-- Sealed, due and not yet at a laboratory.
select code, holder, due_ms from box where delivered = 0 and due_ms < ?1
