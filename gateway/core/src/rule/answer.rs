//! What a rule answers.

use serde::{Deserialize, Serialize};

use super::row::{BoxState, TubeState};
use crate::fact::{
    ExceptionReason, Fact, Role, SealState, WallTime,
    id::{BoxId, SiteId},
};

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Do it: these facts, in this order. Empty where there is nothing worth writing (a seal heard again at once).
    Grant(Vec<Fact>),
    /// It is so already: neither yes nor no.
    Already(Already),
    /// No, and why.
    Refuse(Refusal),
}

/// What is so already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "already", rename_all = "snake_case")]
pub enum Already {
    /// The tube is in this box.
    InThisBox,
    /// The tube was collected.
    Collected,
    /// This box is the open one.
    BoxOpen,
    /// This person is signed in.
    SignedIn,
    /// The tube was compared.
    Compared,
    /// The box is here.
    BoxHere,
    /// This version of the order is in force.
    OrderInForce,
    /// No wrong PIN stands against that badge.
    NotLocked,
    /// The campaign is over, and its keys are destroyed here.
    CampaignEnded,
    /// It was said before whether the packs were handed over, or the claim was taken back.
    HandOutKnown,
}

/// Why something may not be done. Each has a Fluent message `refusal-<name with hyphens>` that says what to do next,
/// with the fields as arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// Nobody is signed in.
    NotSignedIn,
    /// The badge is not in the staff order.
    UnknownBadge,
    /// The person may not do this.
    NotPermitted {
        /// Roles that may.
        needs: Vec<Role>,
    },
    /// It is not this site's work.
    NotHere,
    /// No shift is open.
    NoShift,
    /// The day is not written as `2020-09-03`.
    BadDay,
    /// The tube is in another box.
    TubeInOtherBox {
        /// Which.
        #[serde(rename = "box")]
        box_id: BoxId,
    },
    /// The tube's state does not allow it.
    TubeState {
        /// What it is.
        state: TubeState,
    },
    /// The tube is not known here.
    TubeUnknown,
    /// No box is open.
    NoOpenBox,
    /// Another box is open; close it first.
    OtherBoxOpen {
        /// Which.
        #[serde(rename = "box")]
        box_id: BoxId,
    },
    /// The box's state does not allow it.
    BoxState {
        /// What it is.
        state: BoxState,
    },
    /// The box is full.
    BoxFull {
        /// How many tubes it holds.
        tubes_max: u32,
    },
    /// Nothing is in the box.
    BoxEmpty,
    /// The box is not known here.
    BoxUnknown,
    /// The packing checklist is not complete.
    ChecklistIncomplete,
    /// The seal was not read, or not as closed and authentic.
    SealNotClosed {
        /// What it is.
        state: SealState,
        /// A frame was authenticated.
        authentic: bool,
    },
    /// The seal's frames have no count of openings: a mechanical seal is needed beside it.
    SealWithoutCount,
    /// The seal is on another box.
    SealInUse {
        /// Which.
        #[serde(rename = "box")]
        box_id: BoxId,
    },
    /// The seal's frame is not newer than the one written down.
    SealReplay,
    /// Only under exception, with a reason: this one is found.
    NeedsException {
        /// What is wrong.
        reason: ExceptionReason,
    },
    /// The box's manifest has not come yet: the box waits unopened.
    NoManifest,
    /// Nothing to undo.
    NothingToUndo,
    /// No paper was due here that could be printed again.
    NothingPrinted,
    /// A discrepancy of that tube is not open.
    NoDiscrepancy,
    /// No campaign of that id is in force, or no round of it on this day.
    NoCampaign,
    /// The campaign's rounds or its time for disputes are not over by the hub's time.
    CampaignNotOver,
    /// The campaign takes no such document.
    DocumentNotTaken,
    /// Served already in this round.
    AlreadyServed {
        /// Where.
        site: SiteId,
        /// When, as a remark.
        at: WallTime,
        /// The record.
        seq: u64,
        /// Where to appeal.
        appeal: String,
    },
    /// Served at another office, by the hub's word: in this round, or in an earlier one where this one gives nothing
    /// again.
    ServedElsewhere {
        /// Where.
        site: SiteId,
        /// When, as a remark.
        at: WallTime,
        /// Where to appeal.
        appeal: String,
    },
    /// By the filter the person may have been served at another office, and the hub is not reached: a supervisor decides.
    MaybeServed {
        /// Minutes since the filter was made; none where that is not known.
        age_min: Option<u64>,
        /// Where to appeal.
        appeal: String,
    },
    /// Nothing fresh is known of other offices, and the campaign wants a supervisor to decide then.
    ListStale {
        /// Minutes since the filter was made; none where there is none.
        age_min: Option<u64>,
        /// Where to appeal.
        appeal: String,
    },
    /// Nothing fresh is known of other offices, and the campaign wants nobody to be served then.
    ListTooOld {
        /// Minutes since the filter was made; none where there is none.
        age_min: Option<u64>,
        /// Where to appeal.
        appeal: String,
    },
    /// The site's quota of the day is used up.
    QuotaReached {
        /// Persons a day.
        daily_quota: u32,
    },
    /// The proxy fetched for as many as allowed on one occasion.
    ProxyLimit {
        /// How many.
        proxies_max: u32,
    },
    /// A proxy cannot be the person.
    ProxyIsPerson,
    /// Not enough in stock.
    OutOfStock {
        /// What there is.
        on_hand: i64,
    },
    /// A quantity that makes no sense here.
    BadQuantity,
    /// Counted is not expected: a reason is needed.
    NeedsReason {
        /// Counted less expected.
        variance: i64,
    },
    /// The badge's PIN is needed.
    NeedsPin,
    /// Too many wrong PINs.
    PinLocked {
        /// Milliseconds until the next may be tried.
        left_ms: u64,
    },
    /// A supervisor's badge is needed.
    NeedsSupervisor,
    /// The supervisor must be another person.
    SupervisorIsOperator,
    /// No such claim here.
    NoClaim,
    /// The order is older than the one in force.
    OrderOlder {
        /// In force: epoch.
        epoch: u64,
        /// In force: number.
        number: u64,
    },
    /// The order says something that cannot be.
    OrderInvalid {
        /// What, for the person who made it.
        why: String,
    },
}
