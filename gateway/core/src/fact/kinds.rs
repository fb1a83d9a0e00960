//! Every kind of fact, and the small words they use.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Link, Role, SealReading,
    id::{
        BookingId, BoxId, CampaignId, FenceId, GatewayId, ItemId, MechanicalSealId, OperatorId, RoundId,
        SealId, SiteId, TubeId,
    },
    time::{ClockQuality, WallTime},
};
use crate::{code::claim::ClaimToken, wire::secret_key::SecretPublicKey};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    // --- the journal and the gateway ---
    /// First record of every journal.
    JournalStarted {
        /// Whose journal.
        gateway: GatewayId,
        /// Where it stood then.
        site: SiteId,
        /// The journal's id; the time within it means nothing.
        journal: Uuid,
        /// The journal before this one, where there was one that is not continued.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<PreviousJournal>,
    },
    /// The gateway's process started; `boot` in the record counts these.
    GatewayStarted {
        /// Version of the software.
        version: String,
    },
    /// From here on it is known what the clock of a boot was worth: `wall = up_ms + offset_ms`.
    ClockFound {
        /// The boot it holds for.
        boot: u32,
        /// Milliseconds to add to `up_ms` to get the milliseconds since 1970.
        offset_ms: i64,
        /// Who says so.
        quality: ClockQuality,
    },
    /// A signed order came into force.
    OrderApplied {
        /// `campaign`, `staff`, `seals`, `fences`, `manifest`, …
        order: String,
        /// The order's id among its kind.
        id: String,
        /// Version, higher half.
        epoch: u64,
        /// Version, lower half.
        number: u64,
    },
    /// A pair of keys was made here for a campaign: its key is encrypted to this public half.
    CampaignPairMade {
        /// The campaign.
        campaign: CampaignId,
        /// The public half.
        key: SecretPublicKey,
    },
    /// The campaign's last day for disputes was over by the hub's time, or long over by a right clock: its key, and the pair that it came to, were
    /// destroyed here.
    CampaignKeysDestroyed {
        /// The campaign.
        campaign: CampaignId,
    },
    /// Positions that the track's bound dropped, the oldest ones.
    TrackDropped {
        /// First number dropped.
        first: u64,
        /// Last number dropped.
        last: u64,
    },

    /// A part of the ledger came back from the hub, which made it of this gateway's earlier journals.
    LedgerRestored {
        /// Those journals, the oldest first; at most 32.
        from: Vec<Uuid>,
        /// Which part, from 1.
        part: u32,
        /// How many there are.
        parts: u32,
        /// Rows in this part.
        rows: u32,
        /// SHA-256 over the rows of all parts, hex.
        digest: String,
    },

    // --- people ---
    /// A shift began with a badge; `by` is who.
    ShiftOpened {
        /// The role of who opened it.
        role: Role,
        /// The day that it counts for, as the operator saw it (`2020-09-03`).
        day: String,
    },
    /// Another person took over at the counter.
    SignedIn {
        /// The role of who took over.
        role: Role,
    },
    /// Nobody did anything for so long that whoever was signed in is not any more; or the gateway was started, and a
    /// PIN is asked again.
    SessionEnded {
        /// Who was signed in.
        operator: OperatorId,
    },
    /// A badge was scanned and a wrong PIN keyed.
    PinRefused {
        /// Whose badge.
        operator: OperatorId,
        /// Wrong ones in a row, this one included.
        attempts: u32,
        /// Milliseconds for which none is taken now.
        locked_ms: u64,
    },
    /// A supervisor let a person try again.
    PinUnlocked {
        /// Whose badge.
        operator: OperatorId,
        /// The supervisor.
        approved_by: OperatorId,
    },
    /// The shift ended.
    ShiftClosed {
        /// What was done in it.
        counts: ShiftCounts,
        /// Ledger records that the hub had not acknowledged at that moment.
        unsynced: u64,
    },

    // --- paper ---
    /// A receipt, a label or a report was printed again.
    PaperReprinted {
        /// Number of the record that it is about.
        record: u64,
        /// Which reprint of it: 1 for the first one. It stands on the paper.
        number: u32,
    },

    // --- custody ---
    /// A specimen was taken into this tube.
    TubeCollected {
        /// The tube.
        tube: TubeId,
        /// The booking it answers, where one was scanned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        booking: Option<BookingId>,
    },
    /// Packing of an empty box began.
    BoxStarted {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
    },
    /// The tube went into the box.
    TubePacked {
        /// The tube.
        tube: TubeId,
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
    },
    /// The last packing was undone: the tube is out of the box again.
    TubeTakenOut {
        /// The tube.
        tube: TubeId,
        /// The box it was in.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// Number of the record that is mended.
        mends: u64,
    },
    /// The tube was put into another box, before either was closed.
    TubeMoved {
        /// The tube.
        tube: TubeId,
        /// The box it was in.
        from: BoxId,
        /// The box it is in now.
        to: BoxId,
        /// Number of the record that is mended.
        mends: u64,
    },
    /// The box was closed after the packing checklist.
    BoxClosed {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// Tubes in it.
        tubes: u32,
        /// What was confirmed.
        checklist: Checklist,
    },
    /// A closed box was opened again before it was sealed.
    BoxReopened {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// Number of the closing that is mended.
        mends: u64,
    },
    /// The seal is on and was read closed and authentic.
    BoxSealed {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// The reading that it was sealed on.
        reading: SealReading,
        /// A numbered mechanical seal beside it, where the electronic one has no count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mechanical: Option<MechanicalSealId>,
        /// Tubes in it.
        tubes: u32,
        /// When it must be at a laboratory: 90 minutes after the closing of its session.
        due: WallTime,
    },
    /// Custody given away here.
    BoxHandedOver {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// Who took it.
        to: SiteId,
        /// What the seal said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reading: Option<SealReading>,
        /// Why it was given away although the seal was not as it should be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remark: Option<ExceptionReason>,
    },
    /// Custody taken here.
    BoxReceived {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// Who gave it.
        from: SiteId,
        /// What the seal said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reading: Option<SealReading>,
        /// The manifest was here when it came.
        manifest: bool,
        /// Received under exception, for this reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exception: Option<ExceptionReason>,
    },
    /// The box was opened where it may be, by a permitted person.
    BoxOpened {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
    },
    /// A tube of the box was found and agrees with the manifest.
    TubeReceived {
        /// The tube.
        tube: TubeId,
        /// The box it came in.
        #[serde(rename = "box")]
        box_id: BoxId,
    },
    /// A tube does not agree with the manifest.
    DiscrepancyFound {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// The tube.
        tube: TubeId,
        /// How it disagrees.
        code: DiscrepancyCode,
    },
    /// All tubes of the box were compared.
    BoxCompared {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// Tubes that agree.
        matched: u32,
        /// On the manifest, not in the box.
        missing: u32,
        /// In the box, not on the manifest.
        extra: u32,
    },
    /// A discrepancy was settled.
    DiscrepancySettled {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
        /// The tube.
        tube: TubeId,
        /// The reason, from the list.
        reason: RepairReason,
    },
    /// The box is empty and ready to be used again.
    BoxEmptied {
        /// The box.
        #[serde(rename = "box")]
        box_id: BoxId,
    },

    // --- seals ---
    /// A seal's state changed.
    SealChanged {
        /// The box it is on, if any here.
        #[serde(rename = "box", default, skip_serializing_if = "Option::is_none")]
        box_id: Option<BoxId>,
        /// What it says now.
        reading: SealReading,
        /// What it said before.
        before: super::SealState,
    },
    /// A seal was paired anew, with a new key: its counters begin again, and a doubt about its clock ends.
    SealRepaired {
        /// Which.
        seal: SealId,
        /// Number of the pairing; it only grows.
        pairing: u32,
    },
    /// A seal's counters, written once a minute.
    SealHeard {
        /// What it says.
        reading: SealReading,
    },

    // --- stock ---
    /// Goods came or went.
    StockMoved {
        /// What.
        item: ItemId,
        /// How many: positive came, negative went. Never 0.
        quantity: i64,
        /// Why.
        reason: MovementReason,
        /// The other side, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        with: Option<SiteId>,
    },
    /// Goods were counted; stock on hand is set to what was counted.
    StockCounted {
        /// What.
        item: ItemId,
        /// Stock on hand by the movements before.
        expected: i64,
        /// What was found.
        counted: i64,
        /// Why they differ, where they do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<RepairReason>,
    },

    // --- masks ---
    /// A person was served.
    ClaimServed {
        /// The campaign.
        campaign: CampaignId,
        /// Its round.
        round: RoundId,
        /// The person, unlinkable.
        claim: ClaimToken,
        /// Packs handed out.
        packs: u32,
        /// The proxy who fetched them, where it was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proxy: Option<ClaimToken>,
        /// Served while it was not certain that the person may be: the ledger of the journal before this one was
        /// missing, or nothing fresh was known of other offices.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        provisional: bool,
        /// The supervisor who decided, where what is known of other offices left it open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<OperatorId>,
    },
    /// A served claim was taken back: the person may be served again.
    ClaimVoided {
        /// The campaign.
        campaign: CampaignId,
        /// Its round.
        round: RoundId,
        /// The person, unlinkable.
        claim: ClaimToken,
        /// Packs that came back.
        packs: u32,
        /// Number of the record that is mended.
        mends: u64,
        /// The supervisor who agreed; never the one in `by`.
        approved_by: OperatorId,
        /// Why, from the list.
        reason: RepairReason,
    },

    /// Power failed between the record of a claim and the panel: this is what the operator said after the start. Where
    /// the packs were not handed over, the person may be served again.
    HandOutConfirmed {
        /// Number of the claim's record.
        record: u64,
        /// The packs were handed over.
        handed: bool,
        /// The campaign.
        campaign: CampaignId,
        /// Its round.
        round: RoundId,
        /// The person, unlinkable.
        claim: ClaimToken,
        /// Packs of the claim.
        packs: u32,
    },

    // --- vehicles ---
    /// The first box of a trip was loaded.
    TripStarted {
        /// Where.
        from: SiteId,
    },
    /// The last box of a trip was delivered.
    TripEnded {
        /// Where.
        at: SiteId,
        /// Boxes carried.
        boxes: u32,
    },
    /// The vehicle came into a fence.
    FenceEntered {
        /// Which.
        fence: FenceId,
    },
    /// The vehicle left a fence.
    FenceLeft {
        /// Which.
        fence: FenceId,
    },

    // --- alarms ---
    /// Something that a person must look at.
    AlarmRaised {
        /// What.
        alarm: AlarmKind,
        /// The box, seal, item or person it is about.
        subject: String,
    },
}

impl Fact {
    /// Alarms go ahead of the backlog as an express copy.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Self::AlarmRaised { .. })
    }
}

/// The journal that this one follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousJournal {
    /// Its id.
    pub journal: Uuid,
    /// The last number known of it.
    pub last: u64,
    /// The link at that number.
    pub link: Link,
}

/// What was done in a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ShiftCounts {
    /// Tubes collected.
    pub tubes_collected: u32,
    /// Tubes packed, less those taken out.
    pub tubes_packed: u32,
    /// Boxes sealed.
    pub boxes_sealed: u32,
    /// Boxes handed over.
    pub boxes_handed_over: u32,
    /// Boxes received.
    pub boxes_received: u32,
    /// Tubes received after comparison.
    pub tubes_received: u32,
    /// Claims served, less those voided.
    pub claims_served: u32,
    /// Packs handed out, less those that came back.
    pub packs: u32,
}

/// The packing checklist of a Category B consignment (UN 3373, packing instruction P650).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checklist {
    /// Enough absorbent for the whole content lies between tubes and secondary packaging.
    pub absorbent: bool,
    /// The secondary packaging is closed.
    pub secondary_closed: bool,
    /// The UN 3373 mark is legible.
    pub mark_legible: bool,
    /// The outside is clean.
    pub outside_clean: bool,
}

impl Checklist {
    /// Everything confirmed.
    pub const COMPLETE: Self =
        Self { absorbent: true, secondary_closed: true, mark_legible: true, outside_clean: true };

    /// Is everything confirmed?
    pub fn is_complete(&self) -> bool {
        *self == Self::COMPLETE
    }
}

/// Why a box changed hands although its seal was not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionReason {
    /// The seal is open.
    SealOpen,
    /// The seal reports tampering.
    SealTampered,
    /// The seal is not heard any more.
    SealSilent,
    /// The seal could not be read at all.
    SealUnread,
    /// The seal's frame counter does not go with the time: its frames may be recordings.
    SealClockInDoubt,
    /// Frames came, none of them authentic.
    SealNotAuthentic,
    /// The seal was opened and closed again since it was fitted.
    SealCountChanged,
    /// Another seal is on it than the one it was sealed with.
    WrongSeal,
    /// It is not known with which count it was sealed: no manifest here yet.
    CountUnknown,
    /// The box itself is damaged.
    BoxDamaged,
}

/// How a tube disagrees with the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscrepancyCode {
    /// In the box, not on the manifest.
    NotOnManifest,
    /// On the manifest, not in the box.
    NotInBox,
}

/// Why something was mended, from a closed list: a free text could hold a person's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairReason {
    /// Keyed or scanned by mistake.
    Mistake,
    /// The goods came back.
    Returned,
    /// Damaged.
    Damaged,
    /// Lost.
    Lost,
    /// Found again.
    Found,
    /// Explained by a call to the other side.
    ExplainedByOtherSide,
    /// Counted anew.
    Recounted,
}

/// Why goods moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementReason {
    /// Came from another site.
    Received,
    /// Went to another site.
    Issued,
    /// Handed out or used up at work.
    Used,
    /// Came back.
    Returned,
    /// Thrown away.
    Discarded,
}

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// The seal of a box on its way was opened.
    SealOpened,
    /// It reports tampering.
    SealTampered,
    /// It has not been heard for too long.
    SealSilent,
    /// A frame was replayed, or a plain one sent in place of an encrypted one.
    SealForged,
    /// By its telemetry it was started anew: its battery was out, or another seal has its address.
    SealRestarted,
    /// Its frame counter does not go with the time: its frames may be recordings. Only a new pairing clears it.
    SealClockInDoubt,
    /// Its battery is low: it may fall silent on the way.
    SealBatteryLow,
    /// A box was received under exception.
    ReceivedUnderException,
    /// The 90 minutes are nearly over.
    DeliveryDueSoon,
    /// The 90 minutes are over.
    DeliveryLate,
    /// Tubes and manifest disagree.
    TubesDisagree,
    /// A count found more or less than the movements say.
    StockVariance,
    /// Stock is at or below its par level.
    StockLow,
    /// The journal cannot be written.
    JournalStopped,
    /// The journal's disk has little room.
    DiskLow,
    /// The journal's disk is nearly full: what is left is for the last records.
    DiskCritical,
    /// Something in the journal is not as it was written.
    JournalDamaged,
    /// What came from the broker was not believed: a wrong signature, an old order sent again, rubbish.
    MessageRefused,
}

/// A stream of numbered lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The journal: numbers without gaps, chained, never dropped.
    Ledger,
    /// Positions: numbers of their own, gaps allowed, no chain.
    Track,
}
