//! Words for what the rules answer: each refusal has a message of its own that says what to do next.

use waypost_core::{
    fact::{
        ExceptionReason, Fact, RepairReason, Role, SealState, WallTime,
        id::{BoxId, TubeId},
    },
    rule::{
        Act, Already, Refusal,
        pin::ATTEMPTS_MAX,
        row::{BoxState, TubeState},
    },
};

use super::{
    age::age,
    screen::Screen,
    step::{Local, Outcome},
};
use crate::{
    panel::{JournalState, Message, Tone},
    sync::Secrets,
};

/// The panel of a refusal. `act` gives what it is about.
pub fn refused(refusal: &Refusal, act: &Act, local: &Local) -> Screen {
    let new = Message::new;
    let main = match refusal {
        Refusal::NotSignedIn => new("refusal-not-signed-in"),
        Refusal::UnknownBadge => new("refusal-unknown-badge"),
        Refusal::NotPermitted { needs } => new("refusal-not-permitted")
            .message("role", needs.first().map_or_else(|| new("role-supervisor"), |role| self::role(*role))),
        Refusal::NotHere => new("refusal-not-here"),
        Refusal::NoShift => new("refusal-no-shift"),
        Refusal::TubeInOtherBox { box_id } => new("refusal-tube-in-other-box").text("box", box_id),
        Refusal::TubeState { state } => new("refusal-tube-state").message("state", tube_state(*state)),
        Refusal::TubeUnknown => new("refusal-tube-unknown"),
        Refusal::NoOpenBox => new("refusal-no-open-box"),
        Refusal::OtherBoxOpen { box_id } => new("refusal-other-box-open").text("box", box_id),
        Refusal::BoxState { state } => new("refusal-box-state").message("state", box_state(*state)),
        Refusal::BoxFull { tubes_max } => new("refusal-box-full").number("max", *tubes_max),
        Refusal::BoxEmpty => new("refusal-box-empty"),
        Refusal::BoxUnknown => new("refusal-box-unknown"),
        Refusal::ChecklistIncomplete => new("refusal-checklist-incomplete"),
        Refusal::SealNotClosed { state, authentic } => {
            let state = if *authentic { seal_state(*state) } else { unproven(*state) };
            new("refusal-seal-not-closed").message("state", state)
        }
        Refusal::SealWithoutCount => new("refusal-seal-without-count"),
        Refusal::SealInUse { box_id } => new("refusal-seal-in-use").text("box", box_id),
        Refusal::SealReplay => new("refusal-seal-replay"),
        Refusal::NeedsException { reason } => {
            new("refusal-needs-exception").message("reason", exception(*reason))
        }
        Refusal::NothingToUndo => new("refusal-nothing-to-undo"),
        Refusal::NothingPrinted => new("refusal-nothing-printed"),
        Refusal::NoDiscrepancy => new("refusal-no-discrepancy"),
        Refusal::NoCampaign => new("refusal-no-campaign"),
        Refusal::CampaignNotOver => new("refusal-campaign-not-over"),
        Refusal::DocumentNotTaken => new("refusal-document-not-taken"),
        Refusal::AlreadyServed { .. } => new("refusal-already-served"),
        Refusal::QuotaReached { daily_quota } => new("refusal-quota-reached").number("quota", *daily_quota),
        Refusal::ProxyLimit { proxies_max } => new("refusal-proxy-limit").number("max", *proxies_max),
        Refusal::ProxyIsPerson => new("refusal-proxy-is-person"),
        Refusal::OutOfStock { on_hand } => new("refusal-out-of-stock").number("count", *on_hand),
        Refusal::BadQuantity => new("refusal-bad-quantity"),
        Refusal::NeedsReason { variance } => new("refusal-needs-reason").number("variance", *variance),
        Refusal::NeedsPin => new("ask-pin"),
        Refusal::PinLocked { left_ms } => {
            new("refusal-pin-locked").number("minutes", left_ms.div_ceil(60_000))
        }
        Refusal::NeedsSupervisor => new("refusal-needs-supervisor"),
        Refusal::SupervisorIsOperator => new("refusal-supervisor-is-operator"),
        Refusal::NoClaim => new("refusal-no-claim"),
        Refusal::ServedElsewhere { .. } => new("refusal-served-elsewhere"),
        Refusal::MaybeServed { .. } => new("refusal-maybe-served"),
        Refusal::ListStale { .. } => new("refusal-list-stale"),
        Refusal::ListTooOld { .. } => new("refusal-list-too-old"),
        Refusal::BadDay => new("refusal-bad-day"),
        Refusal::NoManifest => new("refusal-no-manifest"),
        Refusal::OrderOlder { .. } => new("refusal-order-older"),
        Refusal::OrderInvalid { .. } => new("refusal-order-invalid"),
    };
    // What only wants a choice is a question; everything else is a no.
    let mut screen = match refusal {
        Refusal::NeedsException { .. }
        | Refusal::NeedsReason { .. }
        | Refusal::NeedsPin
        | Refusal::MaybeServed { .. }
        | Refusal::ListStale { .. } => Screen::ask(main),
        _ => Screen::no(main),
    };
    screen.lines.extend(subject(act));
    match refusal {
        Refusal::AlreadyServed { site, at, appeal, .. } | Refusal::ServedElsewhere { site, at, appeal } => {
            let place = new("line-served-where").text("site", site).text("time", local_time(*at, local));
            screen.lines.push(place);
            screen.lines.push(new("line-appeal").text("where", appeal));
        }
        Refusal::MaybeServed { age_min, appeal }
        | Refusal::ListStale { age_min, appeal }
        | Refusal::ListTooOld { age_min, appeal } => {
            screen.lines.push(age(*age_min));
            screen.lines.push(new("line-appeal").text("where", appeal));
        }
        _ => {}
    }
    screen.lines.push(next_step(refusal));
    screen
}

/// What a person does now. A no without a way on is no answer.
fn next_step(refusal: &Refusal) -> Message {
    Message::new(match refusal {
        Refusal::NotSignedIn | Refusal::UnknownBadge | Refusal::NoShift => "next-scan-badge",
        Refusal::NotPermitted { .. } => "next-permitted-badge",
        Refusal::NotHere => "next-not-here",
        Refusal::TubeInOtherBox { .. } => "next-move",
        Refusal::TubeState { .. } | Refusal::TubeUnknown => "next-set-tube-aside",
        Refusal::NoOpenBox => "next-scan-box",
        Refusal::OtherBoxOpen { .. } => "next-close-box",
        Refusal::BoxFull { .. } => "next-box-full",
        Refusal::BoxState { .. } | Refusal::BoxUnknown => "next-check-box",
        Refusal::BoxEmpty => "next-pack-first",
        Refusal::ChecklistIncomplete => "next-checklist",
        Refusal::SealNotClosed { .. } => "next-close-seal",
        Refusal::SealWithoutCount => "next-mechanical-seal",
        Refusal::SealInUse { .. } | Refusal::SealReplay => "next-other-seal",
        Refusal::NeedsException { .. } => "next-exception",
        Refusal::NothingToUndo | Refusal::NothingPrinted | Refusal::NoDiscrepancy | Refusal::NoClaim => {
            "next-nothing"
        }
        Refusal::NoCampaign => "next-no-campaign",
        Refusal::DocumentNotTaken => "next-other-document",
        Refusal::AlreadyServed { .. } | Refusal::ServedElsewhere { .. } => "next-no-goods",
        Refusal::MaybeServed { .. } | Refusal::ListStale { .. } => "next-decide",
        Refusal::ListTooOld { .. } => "next-list-too-old",
        Refusal::QuotaReached { .. } => "next-other-day",
        Refusal::ProxyLimit { .. } | Refusal::ProxyIsPerson => "next-person-self",
        Refusal::OutOfStock { .. } => "next-restock",
        Refusal::BadQuantity => "next-quantity",
        Refusal::NeedsReason { .. } => "next-reason",
        Refusal::NeedsPin => "next-pin",
        Refusal::PinLocked { .. } => "next-unlock",
        Refusal::NeedsSupervisor | Refusal::SupervisorIsOperator => "next-supervisor-badge",
        Refusal::BadDay => "next-key-day",
        Refusal::NoManifest => "next-wait-manifest",
        Refusal::OrderOlder { .. } | Refusal::OrderInvalid { .. } | Refusal::CampaignNotOver => {
            "next-tell-centre"
        }
    })
}

/// Was a wrong PIN written down?
pub fn wrong_pin(outcome: &Outcome) -> bool {
    let Outcome::Granted { facts, .. } = outcome else { return false };
    facts.iter().any(|fact| matches!(fact, Fact::PinRefused { .. }))
}

/// The panel of a wrong PIN: how many more may be tried, or for how long none.
pub fn pin_refused(attempts: u32, locked_ms: u64) -> Screen {
    if locked_ms > 0 {
        let minutes = locked_ms.div_ceil(60_000);
        return Screen::no(Message::new("refusal-pin-locked").number("minutes", minutes))
            .line(Message::new("next-unlock"));
    }
    let left = ATTEMPTS_MAX.saturating_sub(attempts);
    Screen::no(Message::new("no-pin-wrong").number("left", left)).line(Message::new("next-badge-again"))
}

/// The panel of what is so already.
pub fn already(already: &Already, act: &Act) -> Screen {
    let main = Message::new(match already {
        Already::InThisBox => "already-in-this-box",
        Already::Collected => "already-collected",
        Already::BoxOpen => "already-box-open",
        Already::SignedIn => "already-signed-in",
        Already::Compared => "already-compared",
        Already::BoxHere => "already-box-here",
        Already::NotLocked => "already-not-locked",
        Already::CampaignEnded => "already-campaign-ended",
        Already::HandOutKnown => "already-hand-out-known",
        Already::OrderInForce => "already-order-in-force",
    });
    let mut screen = Screen::new(Tone::Already, main);
    screen.lines.extend(subject(act));
    screen.lines.push(Message::new("next-go-on"));
    screen
}

/// The campaign's key is not here.
pub fn no_key() -> Screen {
    Screen::no(Message::new("claim-no-key")).line(Message::new("next-tell-centre"))
}

/// The campaign's key is here and waits for a badge.
pub fn claims_wait() -> Screen {
    Screen::no(Message::new("claim-waits-badge"))
        .line(Message::new("next-badge-served"))
        .line(Message::new("next-badge-new"))
}

/// What stands on the panel while the campaign's key waits for a badge.
pub fn line_of_wait(secrets: &Secrets) -> Option<Message> {
    let key = if secrets.badge_was_new { "line-claims-wait-new-badge" } else { "line-claims-wait-badge" };
    secrets.wait_for_badge.then(|| Message::new(key))
}

/// The journal stopped: nothing may be handed out or taken in on this screen's word.
pub fn failed() -> Screen {
    Screen::new(Tone::Alarm, Message::new("journal-stopped")).line(Message::new("next-journal-stopped"))
}

/// The same, with what is wrong, and what the maintainer does.
pub fn stopped(state: JournalState) -> Screen {
    let mut screen = failed();
    let why = match state {
        JournalState::Full => "line-disk-full",
        JournalState::ReadOnly => "line-disk-read-only",
        JournalState::Damaged => "line-journal-damaged",
        _ => "line-disk-failed",
    };
    screen.lines.insert(0, Message::new(why));
    screen.lines.push(Message::new(match state {
        JournalState::Full => "next-card-full",
        JournalState::ReadOnly => "next-card-read-only",
        JournalState::Damaged => "next-journal-damaged",
        _ => "next-card-failed",
    }));
    screen
}

/// Work goes on, and somebody should see to the card.
pub fn disk_news(state: JournalState) -> Screen {
    let main = match state {
        JournalState::Low => "alarm-disk-low",
        JournalState::Critical => "alarm-disk-critical",
        _ => "alarm-journal-damaged",
    };
    Screen::new(Tone::Alarm, Message::new(main)).line(Message::new("next-see-to-card"))
}

/// The tube or box that an act is about.
fn subject(act: &Act) -> Option<Message> {
    let tube = |tube: &TubeId| Some(Message::new("line-tube").text("tube", tube));
    match act {
        Act::ScanTube { tube: id, .. }
        | Act::MoveTube { tube: id }
        | Act::CompareTube { tube: id }
        | Act::SettleDiscrepancy { tube: id, .. } => tube(id),
        Act::StartBox { box_id }
        | Act::ReopenBox { box_id }
        | Act::SealBox { box_id, .. }
        | Act::HandOverBox { box_id, .. }
        | Act::ReceiveBox { box_id, .. }
        | Act::OpenBox { box_id }
        | Act::EmptyBox { box_id } => Some(line_box(box_id)),
        _ => None,
    }
}

/// The box that an answer is about.
pub fn line_box(box_id: &BoxId) -> Message {
    Message::new("line-box").text("box", box_id)
}

/// A role's name.
pub fn role(role: Role) -> Message {
    Message::new(match role {
        Role::Staff => "role-staff",
        Role::Supervisor => "role-supervisor",
        Role::Driver => "role-driver",
        Role::Laboratory => "role-laboratory",
        Role::Maintainer => "role-maintainer",
    })
}

/// A seal's state in words.
pub fn seal_state(state: SealState) -> Message {
    Message::new(match state {
        SealState::Closed => "state-seal-closed",
        SealState::LowBattery => "state-seal-low-battery",
        SealState::ClockInDoubt => "state-seal-clock-in-doubt",
        SealState::Open => "state-seal-open",
        SealState::Tampered => "state-seal-tampered",
        SealState::Silent => "state-seal-silent",
        SealState::Unread => "state-seal-unread",
    })
}

/// A state that no authenticated frame vouches for.
fn unproven(state: SealState) -> Message {
    match state {
        SealState::Closed | SealState::LowBattery => Message::new("state-seal-unproven"),
        other => seal_state(other),
    }
}

/// A tube's state in words.
pub fn tube_state(state: TubeState) -> Message {
    Message::new(match state {
        TubeState::Collected => "state-tube-collected",
        TubeState::Packed => "state-tube-packed",
        TubeState::Away => "state-tube-away",
        TubeState::Received => "state-tube-received",
        TubeState::Disputed => "state-tube-disputed",
        TubeState::Settled => "state-tube-settled",
    })
}

/// A box's state in words.
pub fn box_state(state: BoxState) -> Message {
    Message::new(match state {
        BoxState::Empty => "state-box-empty",
        BoxState::Packing => "state-box-packing",
        BoxState::Closed => "state-box-closed",
        BoxState::Sealed => "state-box-sealed",
        BoxState::HandedOver => "state-box-handed-over",
        BoxState::Carried => "state-box-carried",
        BoxState::Received => "state-box-received",
        BoxState::Opened => "state-box-opened",
        BoxState::Compared => "state-box-compared",
    })
}

/// Why an exception is needed, in words.
pub fn exception(reason: ExceptionReason) -> Message {
    Message::new(match reason {
        ExceptionReason::SealOpen => "exception-seal-open",
        ExceptionReason::SealTampered => "exception-seal-tampered",
        ExceptionReason::SealSilent => "exception-seal-silent",
        ExceptionReason::SealUnread => "exception-seal-unread",
        ExceptionReason::SealClockInDoubt => "exception-seal-clock-in-doubt",
        ExceptionReason::SealNotAuthentic => "exception-seal-not-authentic",
        ExceptionReason::SealCountChanged => "exception-seal-count-changed",
        ExceptionReason::WrongSeal => "exception-wrong-seal",
        ExceptionReason::CountUnknown => "exception-count-unknown",
        ExceptionReason::BoxDamaged => "exception-box-damaged",
    })
}

/// The key of a reason's name.
pub fn reason(reason: RepairReason) -> &'static str {
    match reason {
        RepairReason::Mistake => "reason-mistake",
        RepairReason::Returned => "reason-returned",
        RepairReason::Damaged => "reason-damaged",
        RepairReason::Lost => "reason-lost",
        RepairReason::Found => "reason-found",
        RepairReason::ExplainedByOtherSide => "reason-explained",
        RepairReason::Recounted => "reason-recounted",
    }
}

/// A time as the counter's clock on the wall would show it.
pub fn local_time(at: WallTime, local: &Local) -> String {
    let time = local.time_zone.to_datetime(at.timestamp());
    format!("{} {:02}:{:02}", time.date(), time.hour(), time.minute())
}
