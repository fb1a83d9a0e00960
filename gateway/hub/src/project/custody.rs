//! From what every gateway saw of a box to where it is: pure, so that a test is a table.
//!
//! Order among gateways is by corrected time; within a round of a box's use it is by how far along the way an event is,
//! as clocks of two gateways may differ by more than a handover takes. Within a journal the numbers are the order.

use std::collections::BTreeMap;

use waypost_core::fact::SiteKind;

/// What happened to a box, as far as it matters to where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Packing began: a new round.
    Started,
    /// Closed.
    Closed,
    /// Opened again before it was sealed.
    Reopened,
    /// Sealed.
    Sealed,
    /// Given to another site.
    HandedOver,
    /// Taken from another site.
    Received,
    /// Opened where it may be.
    Opened,
    /// Compared with its manifest.
    Compared,
    /// Empty again.
    Emptied,
}

impl What {
    const ALL: [Self; 9] = [
        Self::Started,
        Self::Closed,
        Self::Reopened,
        Self::Sealed,
        Self::HandedOver,
        Self::Received,
        Self::Opened,
        Self::Compared,
        Self::Emptied,
    ];

    /// As it is stored.
    pub(crate) fn number(self) -> u8 {
        Self::ALL.iter().position(|what| *what == self).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
    }

    /// Of a stored number.
    pub(crate) fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// One event of a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which journal, by the store's number.
    pub journal: i64,
    /// Its place there.
    pub seq: u64,
    /// What happened.
    pub what: What,
    /// Where.
    pub site: String,
    /// The other side of a handover.
    pub other: Option<String>,
    /// Under exception, or with a remark.
    pub flagged: bool,
    /// When it must be at a laboratory, in milliseconds since 1970.
    pub due_ms: Option<i64>,
    /// Corrected time, in milliseconds since 1970.
    pub time_ms: i64,
}

/// Where a box is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxView {
    /// `packing`, `closed`, `sealed`, `handed_over`, `carried`, `received`, `opened`, `compared` or `empty`.
    pub state: &'static str,
    /// The site that has it.
    pub holder: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it must be at a laboratory.
    pub due_ms: Option<i64>,
    /// It is at a laboratory, or was in this round.
    pub delivered: bool,
    /// Its tubes were compared.
    pub compared: bool,
    /// Something in this round was under exception.
    pub flagged: bool,
}

/// One end of a handover without the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpaired {
    /// Which journal has the end that there is.
    pub journal: i64,
    /// Its place there.
    pub seq: u64,
    /// The giver recorded it; else the taker did.
    pub given: bool,
    /// Who gave.
    pub giver: String,
    /// Who took.
    pub taker: String,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}

/// Where the box is now; none where nothing is known of it.
pub fn view(events: &[Event], kind_of: &dyn Fn(&str) -> Option<SiteKind>) -> Option<BoxView> {
    let events = in_order(events);
    // A new round begins with packing. What lies before it is history.
    let started_ms = events.iter().rev().find(|event| event.what == What::Started).map(|event| event.time_ms);
    let round: Vec<_> = events.into_iter().filter(|event| Some(event.time_ms) >= started_ms).collect();
    let mut latest: BTreeMap<i64, &Event> = BTreeMap::new();
    for event in &round {
        latest.insert(event.journal, event);
    }
    let now = latest.into_values().max_by_key(|event| (along(event, kind_of), event.time_ms, event.seq))?;
    let arrived =
        |event: &&Event| event.what >= What::Received && kind_of(&event.site) == Some(SiteKind::Laboratory);
    Some(BoxView {
        state: state(now, kind_of),
        holder: match (now.what, &now.other) {
            (What::HandedOver, Some(taker)) => taker.clone(),
            _ => now.site.clone(),
        },
        since_ms: now.time_ms,
        due_ms: round.iter().rev().find_map(|event| event.due_ms),
        delivered: round.iter().any(arrived),
        compared: round.iter().any(|event| matches!(event.what, What::Compared | What::Emptied)),
        flagged: round.iter().any(|event| event.flagged),
    })
}

/// Ends of handovers that nothing pairs with: the n-th giving from one site to another pairs with the n-th taking.
pub fn unpaired(events: &[Event]) -> Vec<Unpaired> {
    /// What was given, and what was taken.
    type Ends<'a> = (Vec<&'a Event>, Vec<&'a Event>);
    let mut ends: BTreeMap<(&str, &str), Ends<'_>> = BTreeMap::new();
    for event in in_order(events) {
        let Some(other) = event.other.as_deref() else { continue };
        match event.what {
            What::HandedOver => ends.entry((&event.site, other)).or_default().0.push(event),
            What::Received => ends.entry((other, &event.site)).or_default().1.push(event),
            _ => {}
        }
    }
    let mut alone = Vec::new();
    for ((giver, taker), (given, taken)) in ends {
        let pairs = given.len().min(taken.len());
        let given = given.into_iter().skip(pairs).map(|event| (event, true));
        let taken = taken.into_iter().skip(pairs).map(|event| (event, false));
        alone.extend(given.chain(taken).map(|(event, given)| Unpaired {
            journal: event.journal,
            seq: event.seq,
            given,
            giver: giver.to_owned(),
            taker: taker.to_owned(),
            time_ms: event.time_ms,
        }));
    }
    alone
}

/// By time, but never against a journal's own numbers.
fn in_order(events: &[Event]) -> Vec<&Event> {
    let mut by_number: Vec<_> = events.iter().collect();
    by_number.sort_by_key(|event| (event.journal, event.seq));
    let mut keyed: Vec<(i64, &Event)> = Vec::with_capacity(by_number.len());
    for event in by_number {
        let before = keyed.last().filter(|(_, last)| last.journal == event.journal);
        let time_ms = before.map_or(event.time_ms, |(time_ms, _)| event.time_ms.max(*time_ms));
        keyed.push((time_ms, event));
    }
    keyed.sort_by_key(|(time_ms, event)| (*time_ms, event.what, event.journal, event.seq));
    keyed.into_iter().map(|(_, event)| event).collect()
}

/// How far along its way a box is with this event.
fn along(event: &Event, kind_of: &dyn Fn(&str) -> Option<SiteKind>) -> u8 {
    let to_laboratory = |site: &str| kind_of(site) == Some(SiteKind::Laboratory);
    match event.what {
        What::Started | What::Reopened => 1,
        What::Closed => 2,
        What::Sealed => 3,
        What::HandedOver if event.other.as_deref().is_some_and(to_laboratory) => 6,
        What::HandedOver => 4,
        What::Received if to_laboratory(&event.site) => 7,
        What::Received => 5,
        What::Opened => 8,
        What::Compared => 9,
        What::Emptied => 10,
    }
}

fn state(event: &Event, kind_of: &dyn Fn(&str) -> Option<SiteKind>) -> &'static str {
    match event.what {
        What::Started | What::Reopened => "packing",
        What::Closed => "closed",
        What::Sealed => "sealed",
        What::HandedOver => "handed_over",
        What::Received if kind_of(&event.site) == Some(SiteKind::Vehicle) => "carried",
        What::Received => "received",
        What::Opened => "opened",
        What::Compared => "compared",
        What::Emptied => "empty",
    }
}

#[cfg(test)]
mod tests;
