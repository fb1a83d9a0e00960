//! What happened: recorded once and never changed. A mistake is mended by another fact that names it.
//!
//! Every fact is written with its `kind` first: `{"kind":"tube_packed","tube":"T-00000001","box":"B-0001"}`.

pub mod id;
mod kinds;
mod link;
mod place;
mod record;
mod seal;
mod time;

pub use kinds::{
    AlarmKind, Checklist, DiscrepancyCode, ExceptionReason, Fact, MovementReason, PreviousJournal,
    RepairReason, ShiftCounts, Stream,
};
pub use link::{BadLink, Link};
pub use place::{Role, SiteKind};
pub use record::{LINE_BYTES_MAX, LineError, Record};
pub use seal::{SealReading, SealState};
pub use time::{BadTime, ClockQuality, Moment, WallTime};
