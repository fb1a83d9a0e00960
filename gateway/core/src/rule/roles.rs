//! Who may do what, where: the one table of it. `docs/rules.md` shows it to people, and a test holds both equal.

use super::act::Act;
use crate::fact::{
    Role::{self, Driver, Laboratory, Maintainer, Staff, Supervisor},
    SiteKind,
};

/// Who may do an act at a kind of site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// The gateway itself does it; nobody needs to be signed in.
    Gateway,
    /// Whoever has a badge.
    AnyBadge,
    /// Whoever is signed in with one of these roles.
    Roles(&'static [Role]),
    /// It is not that site's work.
    NotHere,
}

/// A row of the table: acts that the same people may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Begin a shift or take a counter over.
    SignIn,
    /// Take a badge's lock off; agree to a void.
    Agree,
    /// End the shift.
    CloseShift,
    /// Print the latest paper again.
    Reprint,
    /// Collect, pack, undo, move, close, open again, seal.
    Pack,
    /// Hand over a box.
    HandOver,
    /// Receive a box.
    Receive,
    /// Receive a box under exception.
    ReceiveUnderException,
    /// Open a box, compare, settle.
    Compare,
    /// Put an empty box back.
    EmptyBox,
    /// Serve claims, void them with another person, say whether goods were handed over.
    Serve,
    /// Move and count stock.
    Stock,
    /// What the gateway notes by itself.
    Note,
}

/// One row: the work, its words in `docs/rules.md`, and who may do it at a testing centre, a post office, in a vehicle,
/// at a laboratory and in a warehouse.
pub type Line = (Work, &'static str, [May; 5]);

const EVERYBODY: May = May::Roles(&[Staff, Supervisor, Driver, Laboratory, Maintainer]);
const WORKING: May = May::Roles(&[Staff, Supervisor, Driver, Laboratory]);
const BOSS: May = May::Roles(&[Supervisor]);
const DESK: May = May::Roles(&[Staff, Supervisor]);
const ROAD: May = May::Roles(&[Driver, Supervisor]);
const DOCK: May = May::Roles(&[Staff, Laboratory, Supervisor]);
const BENCH: May = May::Roles(&[Laboratory, Supervisor]);
const NONE: May = May::NotHere;

/// The table.
pub const TABLE: [Line; 13] = [
    (Work::SignIn, "Sign in", [May::AnyBadge; 5]),
    (Work::Agree, "Agree to a void or to a badge's unlocking", [BOSS; 5]),
    (Work::CloseShift, "End the shift", [EVERYBODY; 5]),
    (Work::Reprint, "Print the latest paper again", [WORKING; 5]),
    (Work::Pack, "Collect, pack, undo, move, close, open again, seal", [DESK, NONE, NONE, NONE, NONE]),
    (Work::HandOver, "Hand over a box", [DESK, NONE, ROAD, NONE, NONE]),
    (Work::Receive, "Receive a box", [NONE, NONE, ROAD, DOCK, NONE]),
    (Work::ReceiveUnderException, "Receive a box under exception", [NONE, NONE, ROAD, BENCH, NONE]),
    (Work::Compare, "Open a box, compare, settle", [NONE, NONE, NONE, BENCH, NONE]),
    (Work::EmptyBox, "Put an empty box back", [DESK, NONE, NONE, DOCK, NONE]),
    (
        Work::Serve,
        "Serve claims, void them, say whether packs were handed over",
        [NONE, DESK, NONE, NONE, NONE],
    ),
    (Work::Stock, "Move and count stock", [DESK, DESK, ROAD, DOCK, DESK]),
    (
        Work::Note,
        "Note seals, fences, orders, timers, clocks, alarms, the end of an idle session",
        [May::Gateway; 5],
    ),
];

/// Who may do this act at that kind of site.
pub fn may(kind: SiteKind, act: &Act) -> May {
    if let Act::UnlockPin { .. } = act {
        // Its rule weighs the supervisor's badge, whoever is signed in.
        return May::AnyBadge;
    }
    may_do(kind, work(act))
}

/// Who may receive a box under exception.
pub fn may_receive_under_exception(kind: SiteKind) -> &'static [Role] {
    roles(may_do(kind, Work::ReceiveUnderException))
}

/// Who may be the second person: of a void, and of a badge's unlocking.
pub fn may_agree() -> &'static [Role] {
    roles(may_do(SiteKind::PostOffice, Work::Agree))
}

/// Who may serve claims.
pub fn may_serve() -> &'static [Role] {
    roles(may_do(SiteKind::PostOffice, Work::Serve))
}

/// The cell of the table.
pub fn may_do(kind: SiteKind, work: Work) -> May {
    let place = match kind {
        SiteKind::TestingCentre => 0,
        SiteKind::PostOffice => 1,
        SiteKind::Vehicle => 2,
        SiteKind::Laboratory => 3,
        SiteKind::Warehouse => 4,
    };
    let row = TABLE.iter().find(|(of, ..)| *of == work);
    row.and_then(|(_, _, cells)| cells.get(place)).copied().unwrap_or(NONE)
}

fn roles(may: May) -> &'static [Role] {
    match may {
        May::Roles(roles) => roles,
        May::Gateway | May::AnyBadge | May::NotHere => &[],
    }
}

fn work(act: &Act) -> Work {
    match act {
        Act::SignIn { .. } => Work::SignIn,
        Act::UnlockPin { .. } => Work::Agree,
        Act::CloseShift { .. } => Work::CloseShift,
        Act::Reprint => Work::Reprint,
        Act::NoteSeal { .. }
        | Act::NoteSealRestart { .. }
        | Act::AtFence { .. }
        | Act::ApplyOrder { .. }
        | Act::MakeCampaignPair { .. }
        | Act::EndCampaign { .. }
        | Act::RestoreLedger { .. }
        | Act::Tick
        | Act::RaiseAlarm { .. }
        | Act::FindClock { .. }
        | Act::EndSession
        | Act::Start { .. } => Work::Note,
        Act::ScanTube { .. }
        | Act::StartBox { .. }
        | Act::UndoTube
        | Act::MoveTube { .. }
        | Act::CloseBox { .. }
        | Act::ReopenBox { .. }
        | Act::SealBox { .. } => Work::Pack,
        Act::HandOverBox { .. } => Work::HandOver,
        Act::ReceiveBox { .. } => Work::Receive,
        Act::OpenBox { .. }
        | Act::CompareTube { .. }
        | Act::FinishComparison
        | Act::SettleDiscrepancy { .. } => Work::Compare,
        Act::EmptyBox { .. } => Work::EmptyBox,
        Act::MoveStock { .. } | Act::CountStock { .. } => Work::Stock,
        Act::Claim { .. } | Act::VoidClaim { .. } | Act::ConfirmHandOut { .. } => Work::Serve,
    }
}
