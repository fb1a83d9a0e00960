-- Has anything been raised about this box, or the seal on it, that says it was tampered with?
select exists (
    select 1 from alarm
    where subject in (?1, (select seal from box where code = ?1))
      and kind in ('seal_opened', 'seal_tampered', 'seal_forged', 'seal_restarted', 'received_under_exception')
)
