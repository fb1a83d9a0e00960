//! Orders come into force: only newer ones, only here, only such as can be.

use super::{
    act::Act,
    answer::{Already, Refusal},
    asked::{Asked, Facts, Stop, stop},
    campaign_end,
    change::{Applied, Change},
    custody::handover::listed,
    elsewhere::FilterRow,
    ledger::RowKind,
    order::{Order, OrderDocument, SealEntry},
    order_check::{self, REPAIRED_MAX},
    row::{BoxRow, BoxState, CampaignRow, Desk, Manifest, ONLY, OrderRow, SealRow, StaffRow},
    seals,
};
use crate::fact::{AlarmKind, ClockQuality, Fact};

/// Rows of one kind that are looked at when a list is replaced: more than any order may have.
const ROWS_MAX: usize = 20_000;

pub(super) fn weigh(asked: &Asked<'_>, document: &OrderDocument) -> Facts {
    let here = document.to.is_empty() || document.to.iter().any(|to| to == asked.place.gateway.as_str());
    if !here {
        return invalid("it is for other gateways");
    }
    let kind = document.order.kind();
    let version = OrderRow { epoch: document.epoch, number: document.number };
    match asked.row::<OrderRow>(&order_id(kind, &document.id))? {
        Some(row) if row == version => return stop(Already::OrderInForce),
        Some(row) if row > version => {
            return stop(Refusal::OrderOlder { epoch: row.epoch, number: row.number });
        }
        _ => {}
    }
    if let Err(why) = order_check::check(document) {
        return invalid(why);
    }
    if let Order::Campaign { terms, .. } = &document.order {
        campaign_end::not_ended(asked, terms)?;
    }
    in_its_time(asked, document)?;
    match &document.order {
        Order::Manifest { boxes } => return doubts(asked, boxes),
        // It comes every few minutes and says nothing that happened: no fact.
        Order::Filter { list } => {
            return campaign_end::has_not_ended(asked, &list.campaign).map(|()| Vec::new());
        }
        _ => {}
    }
    let mut facts = vec![Fact::OrderApplied {
        order: kind.to_owned(),
        id: document.id.clone(),
        epoch: document.epoch,
        number: document.number,
    }];
    if let Order::Seals { seals } = &document.order {
        facts.extend(repaired(asked, seals)?);
    }
    Ok(facts)
}

/// Seals that are known here and were paired anew since.
fn repaired(asked: &Asked<'_>, entries: &[SealEntry]) -> Facts {
    let mut facts = Vec::new();
    for SealEntry { seal, pairing, .. } in entries.iter().filter(|entry| entry.pairing > 0) {
        if asked.row::<SealRow>(seal.as_str())?.is_some_and(|row| row.pairing < *pairing) {
            facts.push(Fact::SealRepaired { seal: seal.clone(), pairing: *pairing });
        }
    }
    if facts.len() > REPAIRED_MAX {
        return invalid(format!("it pairs more than {REPAIRED_MAX} seals anew"));
    }
    Ok(facts)
}

fn invalid<T>(why: impl Into<String>) -> Result<T, Stop> {
    stop(Refusal::OrderInvalid { why: why.into() })
}

/// Dates are judged only with a clock that is right.
fn in_its_time(asked: &Asked<'_>, document: &OrderDocument) -> Result<(), Stop> {
    let now = asked.place.now;
    if now.clock == ClockQuality::Unset {
        return Ok(());
    }
    if document.not_before.is_some_and(|from| now.at < from) {
        return invalid("it is not in force yet");
    }
    if document.expires.is_some_and(|end| now.at > end) {
        return invalid("it has expired");
    }
    Ok(())
}

/// A box came before its manifest, and its seal was not what the manifest says now.
fn doubts(asked: &Asked<'_>, boxes: &[Manifest]) -> Facts {
    let mut facts = Vec::new();
    for manifest in boxes {
        let Some(row) = asked.row::<BoxRow>(manifest.box_id.as_str())? else {
            continue;
        };
        if !came_first(&row) {
            continue;
        }
        let seal: Option<SealRow> = asked.row(manifest.seal.as_str())?;
        let agrees = row.seal.as_ref() == Some(&manifest.seal)
            && seal.is_some_and(|seal| {
                let newer = manifest.counter.is_none_or(|sealed| seal.reading.counter > Some(sealed));
                newer && seal.reading.event_count == manifest.event_count
            });
        if !agrees {
            let subject = manifest.box_id.to_string();
            facts.push(Fact::AlarmRaised { alarm: AlarmKind::ReceivedUnderException, subject });
        }
    }
    Ok(facts)
}

/// Here, and it is not known with which count it was sealed.
fn came_first(row: &BoxRow) -> bool {
    matches!(row.state, BoxState::Carried | BoxState::Received) && row.due.is_none()
}

pub(super) fn applied(
    change: &mut Change<'_>,
    (kind, id): (&str, &str),
    (epoch, number): (u64, u64),
    act: &Act,
) -> Applied {
    change.put(&order_id(kind, id), OrderRow { epoch, number })?;
    match act {
        Act::ApplyOrder { document }
            if document.order.kind() == kind
                && document.id == id
                && (document.epoch, document.number) == (epoch, number) =>
        {
            write(change, &document.order)
        }
        _ => Ok(()),
    }
}

/// Takes a manifest or a filter that was granted. It leaves no fact of its own: a filter says nothing that happened here,
/// a manifest repeats what other gateways recorded, in as many
/// versions as the hub happened to send, and what comes of it here (receipts, comparisons, doubts) are facts.
pub(super) fn taken(change: &mut Change<'_>, document: &OrderDocument) -> Applied {
    let version = OrderRow { epoch: document.epoch, number: document.number };
    let id = order_id(document.order.kind(), &document.id);
    match &document.order {
        Order::Manifest { boxes } => {
            change.put(&id, version)?;
            clear(change, RowKind::Manifest, is_needed_here)?;
            boxes.iter().try_for_each(|manifest| write_manifest(change, manifest))
        }
        Order::Filter { list } => {
            change.put(&id, version)?;
            change.put(&document.id, FilterRow { as_of: list.as_of, list: list.clone() })
        }
        _ => Ok(()),
    }
}

fn write(change: &mut Change<'_>, order: &Order) -> Applied {
    match order {
        Order::Campaign { terms, .. } => {
            change.put(terms.id.as_str(), CampaignRow { terms: terms.clone(), ended: false })
        }
        Order::Staff { people } => {
            clear(change, RowKind::Staff, |_, _| Ok(false))?;
            for entry in people {
                change.put(&entry.badge, entry.person.clone())?;
            }
            sign_out_the_gone(change, people.iter().map(|entry| &entry.person))
        }
        // Their keys live outside the ledger; what is known of each seal stays. One that was never met has its pairing
        // noted: the same order must not make its counters begin again later.
        Order::Seals { seals } => {
            let anew = seals.iter().filter(|entry| entry.pairing > 0);
            anew.map(|entry| (&entry.seal, entry.pairing))
                .try_for_each(|(seal, pairing)| seals::note_pairing(change, seal, pairing))
        }
        Order::Fences { fences } => {
            clear(change, RowKind::Fence, |_, _| Ok(false))?;
            for entry in fences {
                change.put(entry.id.as_str(), entry.fence.clone())?;
            }
            Ok(())
        }
        // Without a fact: see `taken`.
        Order::Manifest { .. } | Order::Filter { .. } => Ok(()),
    }
}

fn clear(
    change: &mut Change<'_>,
    kind: RowKind,
    keep: impl Fn(&Change<'_>, &str) -> Result<bool, super::LedgerError>,
) -> Applied {
    for id in change.ledger.ids(kind, ROWS_MAX)? {
        if !keep(change, &id)? {
            change.ledger.remove(kind, &id)?;
        }
    }
    Ok(())
}

/// The hub takes a box off its list when it was received, but here it is still to be compared.
fn is_needed_here(change: &Change<'_>, box_id: &str) -> Result<bool, super::LedgerError> {
    Ok(change
        .row::<BoxRow>(box_id)?
        .is_some_and(|row| matches!(row.state, BoxState::Carried | BoxState::Received | BoxState::Opened)))
}

fn write_manifest(change: &mut Change<'_>, manifest: &Manifest) -> Applied {
    let id = manifest.box_id.as_str();
    if let Some(counter) = manifest.counter {
        seals::raise_floor(change, &manifest.seal, counter, manifest.pairing)?;
    }
    match change.row::<BoxRow>(id)? {
        Some(mut row) if came_first(&row) => {
            listed(&mut row, manifest);
            change.put(id, row)?;
            seals::put_on(change, &manifest.seal, &manifest.box_id)?;
        }
        // While it is here, the list that it came with holds. Only its time may be corrected: it was sealed by a clock
        // that was found later.
        Some(row) if is_needed_here(change, id)? => return correct_due(change, row, manifest),
        _ => {}
    }
    change.put(id, manifest.clone())
}

fn correct_due(change: &mut Change<'_>, mut row: BoxRow, manifest: &Manifest) -> Applied {
    let same_sealing = row.seal.as_ref() == Some(&manifest.seal) && row.sealed_count == manifest.event_count;
    if !same_sealing || row.due.is_none_or(|due| due == manifest.due) {
        return Ok(());
    }
    row.due = Some(manifest.due);
    change.put(manifest.box_id.as_str(), row)
}

/// Who is no more on the list is no more signed in; who has another role has it at once.
fn sign_out_the_gone<'a>(change: &mut Change<'_>, mut people: impl Iterator<Item = &'a StaffRow>) -> Applied {
    let Some(mut desk) = change.row::<Desk>(ONLY)? else {
        return Ok(());
    };
    let Some(operator) = &desk.operator else {
        return Ok(());
    };
    desk.role = people.find(|person| person.operator == *operator).map(|person| person.role);
    if desk.role.is_none() {
        desk.operator = None;
    }
    change.put(ONLY, desk)
}

fn order_id(kind: &str, id: &str) -> String {
    format!("{kind}/{id}")
}
