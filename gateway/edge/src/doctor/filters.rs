//! Does a post office know who was served elsewhere, and how old is that?

use waypost_core::{
    fact::{ClockQuality, Moment, SiteKind},
    rule::{
        Ledger, LedgerError, RowKind,
        elsewhere::{FilterRow, is_stale},
        ledger::load,
        row::CampaignRow,
    },
};

use super::{Check, Finding, Patient, causes, reader, span};
use crate::{filter::FILTERS_DIR, journal::Reader};

/// Filters and campaigns that are looked at.
const LOOKED_AT_MAX: usize = 64;

const REMEDY: &str =
    "connect the gateway to the hub; until then claims are served as the campaign's `elsewhere` says";

pub struct Filters;

impl Check for Filters {
    fn id(&self) -> &'static str {
        "filters"
    }

    fn description(&self) -> &'static str {
        "age of the filters of claims elsewhere"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let reader = match reader(patient) {
            Ok(reader) => reader,
            Err(finding) => return finding,
        };
        let Some(config) = &patient.config else { return Finding::no_configuration() };
        if config.site.kind != SiteKind::PostOffice {
            return Finding::skipped("this site serves no claims");
        }
        look(&reader, patient, &config.data.join(FILTERS_DIR)).unwrap_or_else(|error| {
            Finding::skipped(format!("the ledger cannot be read: {}", causes(&error)))
        })
    }
}

fn look(reader: &Reader, patient: &Patient, folder: &std::path::Path) -> Result<Finding, LedgerError> {
    let mut filters: Vec<FilterRow> = Vec::new();
    for id in reader.ids(RowKind::Filter, LOOKED_AT_MAX)? {
        filters.extend(load::<FilterRow>(reader, &id)?);
    }
    let now = Moment { up_ms: 0, at: patient.now, clock: ClockQuality::Ntp };
    let (mut ages, mut stale) = (Vec::new(), Vec::new());
    for id in reader.ids(RowKind::Campaign, LOOKED_AT_MAX)? {
        let Some(row) = load::<CampaignRow>(reader, &id)?.filter(|row| !row.ended) else { continue };
        let Some(policy) = &row.terms.elsewhere else { continue };
        let of_campaign: Vec<_> =
            filters.iter().filter(|filter| filter.list.campaign == row.terms.id).collect();
        if of_campaign.is_empty() {
            stale.push(format!("{id} has no filter"));
        }
        for filter in of_campaign {
            let age = span(patient.now.as_millis().saturating_sub(filter.as_of.as_millis()));
            let name = format!("{id}/{}", filter.list.round);
            let missing = filter.list.pieces.iter().any(|piece| !folder.join(&piece.digest).is_file());
            if missing {
                stale.push(format!("of {name} a piece is missing"));
            } else if is_stale(policy, Some(filter.as_of), now) {
                stale.push(format!("{name} is {age} old"));
            } else {
                ages.push(format!("{name} is {age} old"));
            }
        }
    }
    Ok(match (ages.is_empty(), stale.is_empty()) {
        (_, false) => Finding::warning(stale.join(", "), REMEDY),
        (false, true) => Finding::ok(ages.join(", ")),
        (true, true) => Finding::skipped("no campaign in force looks at claims elsewhere"),
    })
}
