//! What goes into a station and what comes out of it, as data.

use std::time::Duration;

use jiff::{civil, tz::TimeZone};
use waypost_core::{
    code::{
        Badge,
        claim::{ClaimParams, ClaimToken, Document},
        pin::{Pin, PinVerifier},
    },
    fact::{
        Fact, Moment, SealReading, SiteKind,
        id::{BookingId, BoxId, CampaignId, ItemId, SealId, SiteId, TubeId},
    },
    rule::{Act, Already, Ledger, Refusal, elsewhere::Elsewhere},
};

use super::{command::Command, screen::Screen};

/// What a station knows of its place.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its site.
    pub site: SiteId,
    /// The site's work.
    pub kind: SiteKind,
    /// When sessions close, earliest first.
    pub closes: Vec<civil::Time>,
    /// Its time zone.
    pub time_zone: TimeZone,
    /// Tubes that a box holds.
    pub box_tubes_max: u32,
    /// Items that are counted.
    pub items: Vec<ItemId>,
    /// Whoever is signed in is signed out after so long without a scan.
    pub session_idle: Duration,
}

/// The latest readings of seals.
pub trait Seals {
    /// What a seal says now; unread where it was not heard.
    fn reading(&self, seal: &SealId) -> SealReading;
    /// Is this seal in an order that is here?
    fn is_known(&self, seal: &SealId) -> bool;
    /// The nearest of the seals that can close a box and are free, as far as the radio can tell.
    fn nearest(&self, is_free: &dyn Fn(&SealId) -> bool) -> Nearest;
}

/// Which seal is the nearest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nearest {
    /// None is near.
    None,
    /// This one, far louder than all others.
    One(SealId),
    /// Several are near, and none is far louder than all others.
    Several,
}

/// The world at the moment of a reading.
pub struct Around<'a> {
    /// The clock.
    pub now: Moment,
    /// What is committed.
    pub ledger: &'a dyn Ledger,
    /// What the radio heard.
    pub seals: &'a dyn Seals,
    /// Records that the hub has not acknowledged.
    pub unsynced: u64,
    /// The place.
    pub local: &'a Local,
}

/// A reading whose text is understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Scanned {
    /// A tube.
    Tube(TubeId),
    /// A box.
    Box(BoxId),
    /// A seal.
    Seal(SealId),
    /// A vehicle or another site.
    Place(SiteId),
    /// A booking.
    Booking(BookingId),
    /// A person's document.
    Document(Document),
    /// A command.
    Command(Command),
}

/// What a reading leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Ask the writer; the answer comes with [`Outcome`].
    Ask(Asked),
    /// Make a token first, on a thread of its own; then ask.
    Hash(HashJob),
    /// Compare a badge and a PIN first, on a thread of its own; then ask.
    Pin(Box<PinJob>),
    /// Nothing to ask.
    Show(Screen),
    /// Switch the counter's language.
    Language,
}

/// A question to the writer, with what its answer's panel needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The question.
    pub act: Act,
    /// The masked document number of a claim.
    pub masked: Option<String>,
}

impl From<Act> for Step {
    fn from(act: Act) -> Self {
        Self::Ask(Asked { act, masked: None })
    }
}

/// A badge and a PIN to be compared. None of its secrets can be printed.
#[derive(Debug, Clone, PartialEq)]
pub struct PinJob {
    /// The badge.
    pub badge: Badge,
    /// What was keyed.
    pub pin: Pin,
    /// What they are compared with.
    pub verifier: PinVerifier,
    /// What is asked with the result.
    pub act: Act,
}

/// A claim to be hashed.
#[derive(Debug, Clone, PartialEq)]
pub struct HashJob {
    /// The campaign.
    pub campaign: CampaignId,
    /// What a hash costs.
    pub params: ClaimParams,
    /// Whose claim.
    pub person: Document,
    /// Who stands at the counter for them.
    pub proxy: Option<Document>,
    /// What follows.
    pub purpose: Purpose,
}

/// What a hashed claim is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// Serve the person.
    Serve,
    /// Take the claim back.
    Void,
}

/// The tokens of a [`HashJob`].
#[derive(Debug, Clone, PartialEq)]
pub struct Hashed {
    /// The person.
    pub person: ClaimToken,
    /// The proxy.
    pub proxy: Option<ClaimToken>,
    /// What is known of the person at other offices.
    pub elsewhere: Elsewhere,
}

/// What the writer said.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done, and on disk.
    Granted {
        /// First and last number; none where nothing was written.
        records: Option<(u64, u64)>,
        /// What happened.
        facts: Vec<Fact>,
        /// The same request was answered so before.
        repeated: bool,
    },
    /// It was so already.
    Already(Already),
    /// No.
    Refused(Refusal),
    /// The journal cannot be written: nothing is decided any more.
    Failed,
}

/// May other questions be under way beside this one? What a station does next depends on the answer to all others.
pub fn runs_beside_others(act: &Act) -> bool {
    match act {
        Act::ScanTube { .. } | Act::CompareTube { .. } => true,
        // After a supervisor's badge the next one may be another supervisor's.
        Act::Claim { elsewhere, .. } => elsewhere.approval.is_none(),
        _ => false,
    }
}
