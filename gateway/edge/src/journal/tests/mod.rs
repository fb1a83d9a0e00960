//! Tests of the writer, with small rules of their own: goods come and go, tubes go into box `B`.

mod acknowledge;
mod damage;
mod failure;
mod group;
mod retention;
mod salvage;
mod start;
mod track;
mod witness;

use std::path::Path;

use tempfile::TempDir;
use uuid::Uuid;
use waypost_core::{
    fact::{
        Fact, MovementReason, SiteKind, WallTime,
        id::{BoxId, GatewayId, ItemId, OperatorId, SiteId, TubeId},
    },
    rule::{Act, Already, Decision, Ledger, LedgerError, LedgerMut, Place, Refusal, RowKind},
};

use super::{JournalConfig, Opened, Request, RequestId, Rules, Verdict, Writer, engine::Engine, open_with};
use crate::clock::Clock;

const JOURNAL: Uuid = Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0001);
/// The box that every tube goes into.
const BOX: &str = "B-1";

fn config(dir: &Path) -> JournalConfig {
    JournalConfig {
        dir: dir.to_owned(),
        gateway: GatewayId::new("ctc-1").unwrap(),
        site: SiteId::new("SITE-CTC1").unwrap(),
        kind: SiteKind::TestingCentre,
        box_tubes_max: 50,
        par: Vec::new(),
        clock: Clock::simulated(WallTime(1_599_091_200_000), 1.0),
        track_max: 100,
        journal: JOURNAL,
    }
}

fn rules() -> Rules {
    Rules { author: |place, _, _| Ok(place.by.cloned()), decide, apply }
}

fn decide(place: &Place<'_>, ledger: &dyn Ledger, act: &Act) -> Result<Decision, LedgerError> {
    Ok(match act {
        Act::MoveStock { item, quantity, reason, with } => {
            let on_hand = on_hand(ledger, item)?;
            if on_hand + quantity < 0 {
                return Ok(Decision::Refuse(Refusal::OutOfStock { on_hand }));
            }
            let (item, with) = (item.clone(), with.clone());
            Decision::Grant(vec![Fact::StockMoved { item, quantity: *quantity, reason: *reason, with }])
        }
        Act::ScanTube { tube, .. } => {
            if ledger.body(RowKind::Tube, tube.as_str())?.is_some() {
                return Ok(Decision::Already(Already::InThisBox));
            }
            if ledger.children(RowKind::Tube, BOX, 100)?.len() >= place.box_tubes_max as usize {
                return Ok(Decision::Refuse(Refusal::BoxFull { tubes_max: place.box_tubes_max }));
            }
            let packed = Fact::TubePacked { tube: tube.clone(), box_id: BoxId::new(BOX).unwrap() };
            Decision::Grant(vec![Fact::TubeCollected { tube: tube.clone(), booking: None }, packed])
        }
        Act::UndoTube => {
            let tubes = ledger.children(RowKind::Tube, BOX, 100)?;
            let Some(tube) = tubes.last() else { return Ok(Decision::Refuse(Refusal::NothingToUndo)) };
            let (tube, box_id) = (TubeId::new(tube.as_str()).unwrap(), BoxId::new(BOX).unwrap());
            Decision::Grant(vec![Fact::TubeTakenOut { tube, box_id, mends: 1 }])
        }
        // Longer than a line may be, behind one that is not.
        Act::RaiseAlarm { alarm, subject } => Decision::Grant(vec![
            Fact::StockMoved {
                item: ItemId::new("tubes").unwrap(),
                quantity: 1,
                reason: MovementReason::Received,
                with: None,
            },
            Fact::AlarmRaised { alarm: *alarm, subject: subject.clone() },
        ]),
        _ => Decision::Grant(Vec::new()),
    })
}

fn apply(_: &Place<'_>, ledger: &mut dyn LedgerMut, _: u64, fact: &Fact, _: &Act) -> Result<(), LedgerError> {
    match fact {
        Fact::StockMoved { item, quantity, .. } => {
            let on_hand = on_hand(ledger, item)? + quantity;
            ledger.put_body(RowKind::Stock, item.as_str(), None, &on_hand.to_string())
        }
        Fact::TubePacked { tube, box_id } => {
            ledger.put_body(RowKind::Tube, tube.as_str(), Some(box_id.as_str()), "{}")
        }
        Fact::TubeTakenOut { tube, .. } => ledger.remove(RowKind::Tube, tube.as_str()),
        _ => Ok(()),
    }
}

fn on_hand(ledger: &(impl Ledger + ?Sized), item: &ItemId) -> Result<i64, LedgerError> {
    Ok(ledger.body(RowKind::Stock, item.as_str())?.map_or(0, |body| body.parse().unwrap()))
}

fn id(text: &str) -> RequestId {
    RequestId::new(text).unwrap()
}

fn request(name: &str, act: Act) -> Request {
    Request { id: id(name), by: Some(OperatorId::new("s-7f3a").unwrap()), act }
}

fn goods(name: &str, quantity: i64) -> Request {
    let item = ItemId::new("packs").unwrap();
    request(name, Act::MoveStock { item, quantity, reason: MovementReason::Received, with: None })
}

fn tube(name: &str, tube: &str) -> Request {
    request(name, Act::ScanTube { tube: TubeId::new(tube).unwrap(), booking: None })
}

fn open(dir: &TempDir) -> (Writer, Opened) {
    open_with(config(dir.path()), rules()).unwrap()
}

/// The writer's inside, on the test's own thread.
fn engine(dir: &TempDir) -> Engine {
    Engine::open(config(dir.path()), rules()).unwrap().0
}

/// The numbers of the records that a yes wrote.
fn granted(verdict: &Verdict) -> (u64, u64) {
    match verdict {
        Verdict::Granted { first, last, .. } => (*first, *last),
        other => panic!("not granted: {other:?}"),
    }
}
