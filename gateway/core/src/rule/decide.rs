//! From a request to its rule.

use super::{
    act::Act,
    answer::{Decision, Refusal},
    asked::{Asked, Facts, Stop, stop},
    campaign_end,
    custody::{comparison, handover, packing, sealing},
    entitlement, hand_out,
    ledger::{Ledger, LedgerError, load, load_shared},
    orders, paper, pin,
    place::Place,
    restore,
    roles::{May, may},
    row::{Desk, ONLY, StaffRow},
    seals, shift, stock, timers, trip,
};
use crate::fact::{Fact, id::OperatorId};

/// What is to be done about a request. Reads only.
///
/// # Errors
/// A damaged row or a failed store: no verdict, the writer stops.
pub fn decide(place: &Place<'_>, ledger: &dyn Ledger, act: &Act) -> Result<Decision, LedgerError> {
    match weigh(place, ledger, act) {
        Ok(facts) => Ok(Decision::Grant(facts)),
        Err(Stop::Refuse(refusal)) => Ok(Decision::Refuse(refusal)),
        Err(Stop::Already(already)) => Ok(Decision::Already(already)),
        Err(Stop::Ledger(error)) => Err(error),
    }
}

/// Whom the records of a request name: whose badge was scanned, else who is signed in; nobody for what the gateway
/// notes by itself. The writer puts this into [`Place::by`] where the one who asks did not say it.
///
/// # Errors
/// A damaged row or a failed store.
pub fn author(place: &Place<'_>, ledger: &dyn Ledger, act: &Act) -> Result<Option<OperatorId>, LedgerError> {
    Ok(match (may(place.kind, act), act) {
        (May::Gateway, _) => None,
        (_, Act::SignIn { badge, .. }) => load::<StaffRow>(ledger, badge)?.map(|person| person.operator),
        (_, Act::UnlockPin { approval, .. }) => {
            load::<StaffRow>(ledger, approval)?.map(|person| person.operator)
        }
        _ => load_shared::<Desk>(ledger, ONLY)?.and_then(|desk| desk.operator.clone()),
    })
}

fn weigh(place: &Place<'_>, ledger: &dyn Ledger, act: &Act) -> Facts {
    let who = may(place.kind, act);
    let desk = if who == May::Gateway { None } else { load_shared(ledger, ONLY)? }.unwrap_or_default();
    let asked = Asked { place, ledger, desk };
    match who {
        May::Gateway | May::AnyBadge => {}
        May::NotHere => return stop(Refusal::NotHere),
        May::Roles(needs) => {
            signed_in(&asked)?;
            if !asked.desk.role.is_some_and(|role| needs.contains(&role)) {
                return stop(Refusal::NotPermitted { needs: needs.to_vec() });
            }
        }
    }
    rule(&asked, act)
}

/// Somebody is, it is the one who asks, and a shift is open.
fn signed_in(asked: &Asked<'_>) -> Result<(), Stop> {
    if asked.desk.operator.is_none() || asked.desk.operator.as_ref() != asked.place.by {
        return stop(Refusal::NotSignedIn);
    }
    asked.day().map(|_| ())
}

fn rule(asked: &Asked<'_>, act: &Act) -> Facts {
    match act {
        Act::SignIn { badge, day, pin } => shift::sign_in(asked, badge, day, pin.as_ref()),
        Act::UnlockPin { badge, approval, pin } => pin::unlock(asked, badge, approval, pin.as_ref()),
        Act::EndSession => shift::end_session(asked),
        Act::CloseShift { unsynced } => shift::close(asked, *unsynced),
        Act::Reprint => paper::reprint(asked),
        Act::ScanTube { tube, booking } => packing::scan_tube(asked, tube, booking.as_ref()),
        Act::StartBox { box_id } => packing::start_box(asked, box_id),
        Act::UndoTube => packing::undo_tube(asked),
        Act::MoveTube { tube } => packing::move_tube(asked, tube),
        Act::CloseBox { checklist } => packing::close_box(asked, checklist),
        Act::ReopenBox { box_id } => packing::reopen_box(asked, box_id),
        Act::SealBox { box_id, reading, mechanical, due } => {
            sealing::seal_box(asked, box_id, reading, mechanical.as_ref(), *due)
        }
        Act::HandOverBox { box_id, to, reading, remark } => {
            handover::hand_over(asked, box_id, to, reading.as_ref(), *remark)
        }
        Act::ReceiveBox { box_id, from, reading, exception } => {
            handover::receive(asked, box_id, from, reading.as_ref(), *exception)
        }
        Act::OpenBox { box_id } => comparison::open_box(asked, box_id),
        Act::CompareTube { tube } => comparison::compare_tube(asked, tube),
        Act::FinishComparison => comparison::finish(asked),
        Act::SettleDiscrepancy { tube, reason } => comparison::settle(asked, tube, *reason),
        Act::EmptyBox { box_id } => comparison::empty_box(asked, box_id),
        Act::NoteSeal { reading } => seals::note(asked, reading),
        Act::NoteSealRestart { seal } => seals::note_restart(asked, seal),
        Act::MoveStock { item, quantity, reason, with } => {
            stock::move_goods(asked, item, *quantity, *reason, with.as_ref())
        }
        Act::CountStock { item, counted, reason } => stock::count_goods(asked, item, *counted, *reason),
        Act::Claim { campaign, claim, document, proxy, elsewhere } => {
            entitlement::claim(asked, campaign, (*claim, document), *proxy, elsewhere)
        }
        Act::VoidClaim { campaign, claim, approval, pin, reason } => {
            entitlement::void(asked, campaign, *claim, (approval.as_deref(), pin.as_ref()), *reason)
        }
        Act::ConfirmHandOut { campaign, claim, record, handed } => {
            hand_out::confirm(asked, campaign, *claim, *record, *handed)
        }
        Act::AtFence { fence } => trip::at_fence(asked, fence.as_ref()),
        Act::ApplyOrder { document } => orders::weigh(asked, document),
        Act::MakeCampaignPair { campaign, key } => campaign_end::make_pair(asked, campaign, key),
        Act::EndCampaign { campaign, hub_time } => campaign_end::end(asked, campaign, *hub_time),
        Act::RestoreLedger { part } => restore::weigh(asked, part),
        Act::Tick => timers::tick(asked),
        Act::RaiseAlarm { alarm, subject } => {
            Ok(vec![Fact::AlarmRaised { alarm: *alarm, subject: subject.clone() }])
        }
        Act::FindClock { boot, offset_ms, quality } => {
            Ok(vec![Fact::ClockFound { boot: *boot, offset_ms: *offset_ms, quality: *quality }])
        }
        Act::Start { version } => Ok(vec![Fact::GatewayStarted { version: version.clone() }]),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{
        fact::{
            ClockQuality, Moment, Role, SiteKind, WallTime,
            id::{BoxId, GatewayId, SiteId, TubeId},
        },
        rule::{
            MemoryLedger, RowKind,
            answer::Decision,
            ledger::store,
            row::{BoxRow, BoxState},
        },
    };

    struct Counted<'a>(&'a MemoryLedger, Cell<u32>);

    impl Ledger for Counted<'_> {
        fn body(&self, kind: RowKind, id: &str) -> Result<Option<String>, LedgerError> {
            self.1.set(self.1.get() + 1);
            self.0.body(kind, id)
        }
        fn children(&self, kind: RowKind, parent: &str, most: usize) -> Result<Vec<String>, LedgerError> {
            self.1.set(self.1.get() + 1);
            self.0.children(kind, parent, most)
        }
        fn ids(&self, kind: RowKind, most: usize) -> Result<Vec<String>, LedgerError> {
            self.1.set(self.1.get() + 1);
            self.0.ids(kind, most)
        }
    }

    #[test]
    fn a_tube_is_decided_on_with_three_reads() {
        let operator = OperatorId::new("s-1").unwrap();
        let open = BoxId::new("B-1").unwrap();
        let mut ledger = MemoryLedger::default();
        let desk = Desk {
            operator: Some(operator.clone()),
            role: Some(Role::Staff),
            day: Some("2020-09-03".into()),
            open_box: Some(open.clone()),
            ..Desk::default()
        };
        store(&mut ledger, ONLY, desk).unwrap();
        let packing = BoxRow { state: BoxState::Packing, ..BoxRow::default() };
        store(&mut ledger, open.as_str(), packing).unwrap();
        let place = Place {
            gateway: &GatewayId::new("gw").unwrap(),
            site: &SiteId::new("SITE").unwrap(),
            kind: SiteKind::TestingCentre,
            now: Moment { up_ms: 0, at: WallTime(0), clock: ClockQuality::Unset },
            boot: 1,
            next_seq: 1,
            by: Some(&operator),
            box_tubes_max: 50,
            par: &[],
        };
        let counted = Counted(&ledger, Cell::new(0));
        let act = Act::ScanTube { tube: TubeId::new("T-1").unwrap(), booking: None };
        let decision = decide(&place, &counted, &act).unwrap();
        assert!(matches!(decision, Decision::Grant(facts) if facts.len() == 2));
        assert_eq!(counted.1.get(), 3, "desk, tube, box");
    }
}
