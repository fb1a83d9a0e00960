//! The rows of the ledger as types. Every one starts as its default.

use serde::{Deserialize, Serialize};

use super::{
    campaign::CampaignTerms,
    ledger::{Row, RowKind},
};
use crate::{
    code::{claim::ClaimToken, pin::PinVerifier},
    fact::{
        Role, SealReading, ShiftCounts, WallTime,
        id::{BoxId, OperatorId, SealId, SiteId},
    },
};

macro_rules! rows {
    ($($name:ident => $kind:ident),* $(,)?) => {$(
        impl Row for $name {
            const KIND: RowKind = RowKind::$kind;
        }
    )*};
}

rows! {
    Desk => Desk, SealRow => Seal, ClaimRow => Claim, ProxyRow => Proxy, StockRow => Stock,
    QuotaRow => Quota, StaffRow => Staff, Manifest => Manifest, TripRow => Trip, FenceRow => Fence,
    OrderRow => Order, CampaignRow => Campaign, PinRow => Pin,
}

/// The only id of a [`Desk`] or [`TripRow`].
pub const ONLY: &str = "-";

/// The counter itself, so that a restart goes on where it stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Desk {
    /// Who is signed in.
    pub operator: Option<OperatorId>,
    /// As what.
    pub role: Option<Role>,
    /// The day of the open shift; none is open where this is none.
    pub day: Option<String>,
    /// When it was opened, as a remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<WallTime>,
    /// The box that tubes go into (testing centre) or come out of (laboratory).
    pub open_box: Option<BoxId>,
    /// What was done in this shift.
    pub counts: ShiftCounts,
    /// Number of the latest record that undo would mend, and the tube.
    pub last_packed: Option<(u64, String)>,
    /// Number of the record of the latest claim served.
    pub last_claim: Option<u64>,
    /// The id of that claim's row.
    pub last_claim_of: Option<String>,
    /// The latest paper. It stays after the shift, whose report it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<Paper>,
}

/// A receipt, a label or a report, by the record that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Number of the record.
    pub record: u64,
    /// How often it was printed again.
    pub reprints: u32,
}

impl Paper {
    /// The paper of a record, not printed again yet.
    pub fn of(record: u64) -> Self {
        Self { record, reprints: 0 }
    }
}

/// Where a tube is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TubeState {
    /// Holds a specimen, is in no box.
    Collected,
    /// In a box.
    Packed,
    /// Left this site in its box.
    Away,
    /// Found at the laboratory, agrees with the manifest.
    Received,
    /// At the laboratory: does not agree with the manifest.
    Disputed,
    /// It was disputed, and that was settled with a reason.
    Settled,
}

/// A tube.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TubeRow {
    /// Where it is.
    pub state: TubeState,
    /// The box it is in.
    #[serde(rename = "box")]
    pub box_id: Option<BoxId>,
    /// Number of the record that put it there.
    pub seq: u64,
}

impl Row for TubeRow {
    const KIND: RowKind = RowKind::Tube;
    /// Its box while it is packed here. A tube that went away still names its box, but is no child of it: boxes
    /// come back and are used again.
    fn parent(&self) -> Option<&str> {
        match self.state {
            TubeState::Packed => self.box_id.as_ref().map(BoxId::as_str),
            _ => None,
        }
    }
}

/// What a box is doing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxState {
    /// Nothing in it.
    #[default]
    Empty,
    /// Tubes are being packed into it.
    Packing,
    /// Closed, not sealed.
    Closed,
    /// Sealed, here, packed here.
    Sealed,
    /// Given to the next one.
    HandedOver,
    /// In this vehicle.
    Carried,
    /// At this laboratory, unopened.
    Received,
    /// At this laboratory, open for comparison.
    Opened,
    /// Compared.
    Compared,
}

/// The parent of every box that has a time to keep here.
pub const DUE: &str = "due";

/// A box. Its tubes name it as theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BoxRow {
    /// What it is doing.
    pub state: BoxState,
    /// Tubes in it, as packed here or as its manifest says.
    pub tubes: u32,
    /// Tubes compared that agree with the manifest.
    pub matched: u32,
    /// Tubes compared that do not.
    pub extra: u32,
    /// Its seal.
    pub seal: Option<SealId>,
    /// The count of openings at which it was sealed.
    pub sealed_count: Option<u32>,
    /// When it must be at a laboratory.
    pub due: Option<WallTime>,
    /// Where it came from, or went.
    pub other: Option<SiteId>,
    /// It was received under exception.
    pub exception: bool,
    /// Number of the record that brought it into this state.
    pub seq: u64,
    /// A warning that it is due soon was given.
    pub warned: bool,
    /// An alarm that it is late was given.
    pub late: bool,
}

impl Row for BoxRow {
    const KIND: RowKind = RowKind::Box;
    /// [`DUE`] while it is sealed or carried, has a time to keep and is not late yet: what a tick must look at.
    fn parent(&self) -> Option<&str> {
        let on_its_way = matches!(self.state, BoxState::Sealed | BoxState::Carried);
        (on_its_way && self.due.is_some() && !self.late).then_some(DUE)
    }
}

impl BoxRow {
    /// Sealed and in the hands of this site.
    pub fn is_in_custody(&self) -> bool {
        matches!(self.state, BoxState::Sealed | BoxState::Carried | BoxState::Received)
    }
}

/// A seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealRow {
    /// The latest reading that was written down. Its counter is the highest ever accepted.
    pub reading: SealReading,
    /// The box it is on.
    #[serde(rename = "box")]
    pub box_id: Option<BoxId>,
    /// `up_ms` of that reading.
    pub up_ms: u64,
    /// The boot of that reading.
    pub boot: u32,
    /// Its clock was in doubt: nothing but a new pairing ends that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
    /// Number of its latest pairing; 0 for the first one.
    #[serde(default, skip_serializing_if = "is_first")]
    pub pairing: u32,
    /// `up_ms` of the latest unauthentic reading that was written down in that boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised_ms: Option<u64>,
}

fn is_first(pairing: &u32) -> bool {
    *pairing == 0
}

/// One service of a person in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Which round.
    pub round: String,
    /// Packs.
    pub packs: u32,
    /// Number of the record.
    pub seq: u64,
    /// When, as a remark.
    pub at: WallTime,
    /// Where.
    pub site: SiteId,
    /// The day of the shift.
    #[serde(default)]
    pub day: String,
    /// Who fetched it, where it was a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ClaimToken>,
    /// Taken back since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub voided: bool,
    /// After a power cut between record and panel: what the operator said, whether the packs were handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed: Option<bool>,
}

/// A person in a campaign; the id is `campaign/token`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimRow {
    /// Every service, voided ones too, oldest first.
    pub served: Vec<Service>,
}

/// What a proxy fetched for others on one occasion; the id is `campaign/round/day/token`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProxyRow {
    /// Persons fetched for on that day.
    pub persons: u32,
}

/// Stock on hand; the id is the item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StockRow {
    /// How many: the sum of all movements, a count's variance being one. Never below zero.
    pub on_hand: i64,
    /// An alarm that it is low was given since goods last came.
    pub low: bool,
}

/// Handed out on a day; the id is `campaign/round/day`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QuotaRow {
    /// Persons served.
    pub persons: u32,
}

/// A member of staff; the id is the SHA-256 of the badge's code, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRow {
    /// Pseudonym.
    pub operator: OperatorId,
    /// What they may do.
    pub role: Role,
    /// What is asked beside the badge.
    #[serde(default)]
    pub pin: PinRule,
}

impl StaffRow {
    /// A person whose badge is enough.
    pub fn without_pin(operator: OperatorId, role: Role) -> Self {
        Self { operator, role, pin: PinRule::None }
    }
}

/// What is asked of a person beside the badge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinRule {
    /// Nothing: `"pin": "none"`. So it is too where an order says nothing of it.
    #[default]
    None,
    /// A PIN: `"pin": {"argon2id": {…}}`.
    Argon2id(PinVerifier),
}

/// Wrong PINs of a person; the id is the person, so that a new staff order changes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PinRow {
    /// How many in a row.
    pub wrong: u32,
    /// The boot of the latest.
    pub boot: u32,
    /// `up_ms` of the latest.
    pub up_ms: u64,
}

/// What a box on its way should hold; the id is the box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The box.
    #[serde(rename = "box")]
    pub box_id: BoxId,
    /// Who sealed it.
    pub from: SiteId,
    /// Its tubes, in order.
    pub tubes: Vec<String>,
    /// Its seal.
    pub seal: SealId,
    /// Frame counter at sealing: the next gateway takes no frame at or below it.
    pub counter: Option<u32>,
    /// The pairing of the seal's key at sealing.
    #[serde(default, skip_serializing_if = "is_first")]
    pub pairing: u32,
    /// Count of openings at sealing.
    pub event_count: Option<u32>,
    /// When it must be at a laboratory.
    pub due: WallTime,
}

/// The vehicle's trip.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TripRow {
    /// Under way.
    pub open: bool,
    /// Boxes taken since it began.
    pub boxes: u32,
    /// Boxes still in the vehicle.
    pub aboard: u32,
    /// The fence that the vehicle is in.
    pub fence: Option<String>,
}

/// A fence: a circle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FenceRow {
    /// The site it stands for.
    pub site: SiteId,
    /// Degrees, WGS 84.
    pub lat: f64,
    /// Degrees, WGS 84.
    pub lon: f64,
    /// Metres, 20 to 5,000.
    pub radius_m: f64,
}

/// The version of an order in force; the id is `kind/id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OrderRow {
    /// Higher half.
    pub epoch: u64,
    /// Lower half.
    pub number: u64,
}

/// A campaign in force, without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRow {
    /// What the order says, less the key.
    pub terms: CampaignTerms,
    /// It is over and its keys are destroyed here: it does not come into force again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}
