//! From a record to the paper that is due for it.

use jiff::tz::TimeZone;
use waypost_core::{
    fact::{ClockQuality, Fact, Record, Stream, WallTime},
    rule::{LedgerError, ledger::load, row::CampaignRow},
};

use super::{BoxLabel, Document, Receipt, Report, Sheet};
use crate::{
    journal::{JournalError, Reader},
    panel::Language,
};

/// Orders that may wait to be drawn. At the bound the panel says so, and nothing waits.
pub const ORDERS_MAX: usize = 32;
/// Times as they stand on paper, in the site's time.
const TIME_FORMAT: &str = "%Y-%m-%d %H:%M";

/// A paper that is wanted, after the commit of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperOrder {
    /// The record that it is about.
    pub record: u64,
    /// The how many-th reprint; 0 for the first print.
    pub reprint: u32,
    /// What is stored nowhere.
    pub beside: Beside,
    /// The counter's language.
    pub language: Language,
}

/// What a paper bears that no record has: it is gone after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// The masked number of a claim's document.
    pub masked: Option<String>,
    /// The day of the shift that was closed.
    pub day: Option<String>,
    /// When it was opened.
    pub opened: Option<WallTime>,
}

/// Has this fact a paper of its own?
pub fn has_paper(fact: &Fact) -> bool {
    matches!(fact, Fact::ClaimServed { .. } | Fact::BoxSealed { .. } | Fact::ShiftClosed { .. })
}

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The journal cannot be read.
    #[error("the record cannot be read")]
    Journal(#[from] JournalError),
    /// The ledger cannot be read.
    #[error("the campaign cannot be read")]
    Ledger(#[from] LedgerError),
    /// It was pruned, or is no record of a paper.
    #[error("record {0} has no paper")]
    NoPaper(u64),
}

/// Makes papers of records. Its calls read the journal and so belong on a thread that may wait.
#[derive(Debug, Clone)]
pub struct Papers {
    /// The journal.
    pub reader: Reader,
    /// The site's id.
    pub site: String,
    /// What people call the site.
    pub site_name: String,
    /// Its time zone.
    pub time_zone: TimeZone,
}

impl Papers {
    /// The paper of an order.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn sheet(&self, order: &PaperOrder) -> Result<Sheet, OrderError> {
        let none = || OrderError::NoPaper(order.record);
        let lines = self.reader.lines(Stream::Ledger, order.record.saturating_sub(1), 1, usize::MAX)?;
        let line = lines.first().filter(|line| line.seq == order.record).ok_or_else(none)?;
        let record = Record::from_line(&line.line).map_err(|_| none())?;
        let document = self.document(record, &order.beside)?.ok_or_else(none)?;
        Ok(Sheet { document, reprint: order.reprint })
    }

    fn document(&self, record: Record, beside: &Beside) -> Result<Option<Document>, OrderError> {
        let (site, site_name) = (self.site.clone(), self.site_name.clone());
        let time_is_sure = record.clock > ClockQuality::Rtc;
        Ok(Some(match record.fact {
            Fact::ClaimServed { campaign, packs, proxy, .. } => {
                let terms = load::<CampaignRow>(&self.reader, campaign.as_str())?.map(|row| row.terms);
                let (campaign, appeal) =
                    terms.map_or((campaign.to_string(), String::new()), |terms| (terms.name, terms.appeal));
                Document::Receipt(Receipt {
                    site_name,
                    site,
                    time: self.time(record.at),
                    time_is_sure,
                    campaign,
                    packs,
                    masked: beside.masked.clone(),
                    by_proxy: proxy.is_some(),
                    record: record.seq,
                    appeal,
                })
            }
            Fact::BoxSealed { box_id, reading, mechanical, tubes, due } => Document::Box(BoxLabel {
                box_id: box_id.to_string(),
                site_name,
                site,
                tubes,
                seal: reading.seal.to_string(),
                mechanical: mechanical.map(|number| number.to_string()),
                due: self.time(due),
                record: record.seq,
            }),
            Fact::ShiftClosed { counts, unsynced } => Document::Report(Report {
                site_name,
                site,
                day: beside.day.clone(),
                opened: beside.opened.map(|at| self.time(at)),
                closed: self.time(record.at),
                time_is_sure,
                person: record.by.map(|by| by.to_string()).unwrap_or_default(),
                counts,
                unsynced,
                record: record.seq,
            }),
            _ => return Ok(None),
        }))
    }

    fn time(&self, at: WallTime) -> String {
        at.timestamp().to_zoned(self.time_zone.clone()).strftime(TIME_FORMAT).to_string()
    }
}
