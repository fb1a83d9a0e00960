//! What is asked of the journal's writer.

use serde::{Deserialize, Serialize};

use super::{known::Elsewhere, order::OrderDocument, proof::PinProof};
use crate::{
    code::claim::ClaimToken,
    fact::{
        AlarmKind, Checklist, ClockQuality, ExceptionReason, MovementReason, RepairReason, SealReading,
        WallTime,
        id::{BookingId, BoxId, CampaignId, FenceId, ItemId, MechanicalSealId, SealId, SiteId, TubeId},
    },
    wire::{restore::RestorePart, secret_key::SecretPublicKey},
};

/// Something asked. Acts of people need a person signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// A badge was scanned: opens the shift, or changes person.
    SignIn {
        /// SHA-256 of the badge's code, hex.
        badge: String,
        /// The day that the operator confirmed (`2020-09-03`).
        day: String,
        /// What came of the PIN; none where none was keyed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<PinProof>,
    },
    /// Lets a person try again whose badge is locked. A supervisor agrees, another person.
    UnlockPin {
        /// Badge hash of the person.
        badge: String,
        /// Badge hash of the supervisor.
        approval: String,
        /// What came of the supervisor's PIN.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<PinProof>,
    },
    /// Nobody did anything for so long that whoever is signed in is signed out. The shift stays open.
    EndSession,
    /// Ends the shift.
    CloseShift {
        /// Records that the hub has not acknowledged.
        unsynced: u64,
    },
    /// A specimen was taken into the tube. With a box open it is packed in the same step.
    ScanTube {
        /// The tube.
        tube: TubeId,
        /// The booking scanned before it.
        booking: Option<BookingId>,
    },
    /// Begin to pack a box (testing centre), or choose the open one to go on with.
    StartBox {
        /// The box.
        box_id: BoxId,
    },
    /// Undo the last packing.
    UndoTube,
    /// Put a packed tube into the box that is open.
    MoveTube {
        /// The tube.
        tube: TubeId,
    },
    /// Close the open box.
    CloseBox {
        /// What was confirmed.
        checklist: Checklist,
    },
    /// Open a closed, unsealed box again.
    ReopenBox {
        /// The box.
        box_id: BoxId,
    },
    /// Seal a closed box.
    SealBox {
        /// The box.
        box_id: BoxId,
        /// What the seal says now.
        reading: SealReading,
        /// A mechanical seal's number beside it.
        mechanical: Option<MechanicalSealId>,
        /// When it must be at a laboratory.
        due: WallTime,
    },
    /// Give a box away.
    HandOverBox {
        /// The box.
        box_id: BoxId,
        /// To whom: vehicle or laboratory.
        to: SiteId,
        /// What its seal says now; none where no reader is at hand.
        reading: Option<SealReading>,
        /// The operator accepts that the seal is not as it should be.
        remark: Option<ExceptionReason>,
    },
    /// Take a box: into the vehicle or at the laboratory.
    ReceiveBox {
        /// The box.
        box_id: BoxId,
        /// From whom.
        from: SiteId,
        /// What its seal says now.
        reading: Option<SealReading>,
        /// Received under exception, with this reason. Needed wherever the seal is not closed, authentic and at its
        /// count; at a laboratory only a permitted person may.
        exception: Option<ExceptionReason>,
    },
    /// Open a received box at the laboratory.
    OpenBox {
        /// The box.
        box_id: BoxId,
    },
    /// Print the latest paper again.
    Reprint,
    /// A tube was found in the opened box.
    CompareTube {
        /// The tube.
        tube: TubeId,
    },
    /// All tubes in the opened box were scanned.
    FinishComparison,
    /// Settle a discrepancy.
    SettleDiscrepancy {
        /// The tube.
        tube: TubeId,
        /// Why.
        reason: RepairReason,
    },
    /// The compared box is empty.
    EmptyBox {
        /// The box.
        box_id: BoxId,
    },
    /// A seal was heard; written down when its state changed, else once a minute.
    NoteSeal {
        /// What it says.
        reading: SealReading,
    },
    /// Goods came or went.
    MoveStock {
        /// What.
        item: ItemId,
        /// Positive came, negative went.
        quantity: i64,
        /// Why.
        reason: MovementReason,
        /// The other side.
        with: Option<SiteId>,
    },
    /// Goods were counted.
    CountStock {
        /// What.
        item: ItemId,
        /// How many there are.
        counted: i64,
        /// Why they differ; needed where they do.
        reason: Option<RepairReason>,
    },
    /// Serve a person.
    Claim {
        /// The campaign.
        campaign: CampaignId,
        /// The person.
        claim: ClaimToken,
        /// `hk` or another document type.
        document: String,
        /// The proxy who is at the counter in their place.
        proxy: Option<ClaimToken>,
        /// What is known of other offices, and the supervisor who decides where that leaves it open.
        #[serde(default, skip_serializing_if = "Elsewhere::is_empty")]
        elsewhere: Elsewhere,
    },
    /// Take a served claim back. A supervisor agrees, another person than the one signed in.
    VoidClaim {
        /// The campaign.
        campaign: CampaignId,
        /// The person; none: the last one served here.
        claim: Option<ClaimToken>,
        /// Badge hash of the supervisor; none yet: refused with the word to scan it.
        approval: Option<String>,
        /// What came of the supervisor's PIN.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<PinProof>,
        /// Why.
        reason: RepairReason,
    },
    /// Power failed between the record of a claim and the panel: says whether the packs were handed over. The gateway
    /// names the record; nobody can choose one.
    ConfirmHandOut {
        /// The campaign.
        campaign: CampaignId,
        /// The person.
        claim: ClaimToken,
        /// Number of the claim's record.
        record: u64,
        /// They were.
        handed: bool,
    },
    /// The vehicle is in this fence now, or in none.
    AtFence {
        /// The fence.
        fence: Option<FenceId>,
    },
    /// A signed order whose signature holds.
    ApplyOrder {
        /// The order.
        document: Box<OrderDocument>,
    },
    /// A pair was made for a campaign's key; the hub learns its public half by the record.
    MakeCampaignPair {
        /// The campaign.
        campaign: CampaignId,
        /// The public half.
        key: SecretPublicKey,
    },
    /// A campaign is over and its keys were destroyed here.
    EndCampaign {
        /// The campaign.
        campaign: CampaignId,
        /// The latest time that the hub signed; none: this gateway's own clock judges, see
        /// [`campaign_end`](super::campaign_end).
        hub_time: Option<WallTime>,
    },
    /// A part of the ledger came back from the hub. Its signature holds.
    RestoreLedger {
        /// The part.
        part: Box<RestorePart>,
    },
    /// Time went by: warns of boxes that are due.
    Tick,
    /// A seal was started anew, by its telemetry.
    NoteSealRestart {
        /// Which.
        seal: SealId,
    },
    /// A driver or the journal itself raises an alarm.
    RaiseAlarm {
        /// What.
        alarm: AlarmKind,
        /// About what.
        subject: String,
    },
    /// The clock was found.
    FindClock {
        /// Which boot.
        boot: u32,
        /// `wall = up_ms + offset_ms`.
        offset_ms: i64,
        /// Who says so.
        quality: ClockQuality,
    },
    /// The gateway's process started.
    Start {
        /// Version of the software.
        version: String,
    },
}
