//! What the operator sees and hears, as data. It is drawn on screens and on a web page alike.
//!
//! Texts are keys of Fluent messages with arguments, so that the language can be changed at the counter.

mod buttons;
mod draw;
pub(crate) mod glyph;
mod language;
mod palette;
mod png;
mod terminal;
pub(crate) mod text;
mod view;
pub mod words;

use serde::Serialize;

pub use buttons::Buttons;
pub use draw::{Drawn, PAGE_TIME, draw, test_card};
pub use language::Language;
pub use png::{HEIGHT_MIN, PictureError, SIDE_MAX, WIDTH_MIN, png};
pub use terminal::terminal;
pub use view::{ButtonsView, ChoiceView, PanelView, StatusWords, render};

/// The whole panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What the station is doing: «Pack tubes».
    pub title: Message,
    /// The verdict or the prompt, large.
    pub main: Message,
    /// What kind of answer it is; decides icon, colour and sound, never colour alone.
    pub tone: Tone,
    /// Up to [`LINES_MAX`] lines under it: why, and what to do next.
    pub lines: Vec<Message>,
    /// How far the work at hand is.
    pub progress: Option<Progress>,
    /// What can be chosen now; each is also a printed command barcode.
    pub choices: Vec<Choice>,
    /// The line that always shows.
    pub status: Status,
    /// First and last number of the records that the shown verdict wrote; none where it wrote none.
    pub records: Option<(u64, u64)>,
    /// Microseconds from reading to verdict, the claim's hash left out; none where nothing was asked.
    pub verdict_us: Option<u64>,
    /// Microseconds that the claim's hash took.
    pub hash_us: Option<u64>,
    /// Counts up with every change, so that a page can tell what it has seen.
    pub version: u64,
    /// Counts up with every answer or piece of news, and not with what changes by itself (time, the hub's word): who
    /// gives a tone gives it once for each.
    pub shown: u64,
    /// Scans answered since the start of the process, this one included: who sent the n-th waits for n here.
    pub answered: u64,
}

/// Most lines under the main one.
pub const LINES_MAX: usize = 6;

/// A Fluent message: key and arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// The message's key.
    pub key: &'static str,
    /// Its arguments, by name. They are data (a code, a number): never translated.
    pub args: Vec<(&'static str, Arg)>,
}

/// An argument of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// A text, shown as it is.
    Text(String),
    /// A number, shown and pluralised by the language.
    Number(i64),
    /// Another message, translated before it is put in.
    Message(Box<Message>),
}

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Waiting for the next scan.
    Ready,
    /// Working: a claim is hashed.
    Busy,
    /// Yes.
    Yes,
    /// No.
    No,
    /// It is so already: neither yes nor no.
    Already,
    /// A question: scan a badge, choose a reason.
    Ask,
    /// Something is wrong beyond this scan.
    Alarm,
}

/// How far the work at hand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Done.
    pub done: u32,
    /// Of these.
    pub of: u32,
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The code that chooses it, as on its printed barcode: `CMD-CLOSE-BOX`.
    pub code: String,
    /// What it says.
    pub label: Message,
}

/// The line that always shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Status {
    /// The site's name.
    pub site: String,
    /// The station's kind.
    pub station: String,
    /// Pseudonym of who is signed in.
    pub person: Option<String>,
    /// Ledger records not yet at the hub.
    pub unsynced: u64,
    /// Seconds since the hub's last acknowledgement came; none: none came yet.
    pub ack_age_s: Option<u64>,
    /// Quality of the clock.
    pub clock: String,
    /// Wall time as the gateway believes it, RFC 3339 in the site's time zone.
    pub time: String,
    /// The broker is reached.
    pub online: bool,
    /// Devices that are missing, by name.
    pub missing: Vec<String>,
    /// Devices that send bytes which are nothing, by name: their speed may be wrong.
    pub noisy: Vec<String>,
    /// The lid stands open, where there is one with a switch.
    pub lid_open: bool,
    /// Every certificate of the gateway has ended, so there is no link; work goes on.
    pub certificate_ended: bool,
    /// How well the journal can be written.
    pub journal: JournalState,
}

/// How well the journal can be written, for the line that always shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum JournalState {
    /// All is well.
    #[default]
    Well,
    /// Its disk has little room.
    Low,
    /// Its disk is nearly full.
    Critical,
    /// Something in it is not as it was written; what is asked is answered where it can be.
    Flawed,
    /// Stopped: its disk is full.
    Full,
    /// Stopped: its disk takes no writes.
    ReadOnly,
    /// Stopped: its disk fails.
    Failed,
    /// Stopped: it is damaged.
    Damaged,
}

impl JournalState {
    /// Nothing can be recorded.
    pub fn is_stopped(self) -> bool {
        self >= Self::Full
    }
}

impl Message {
    /// A message without arguments.
    pub fn new(key: &'static str) -> Self {
        Self { key, args: Vec::new() }
    }

    /// Adds a text.
    pub fn text(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, Arg::Text(value.to_string())));
        self
    }

    /// Adds a number.
    pub fn number(mut self, name: &'static str, value: impl TryInto<i64>) -> Self {
        self.args.push((name, Arg::Number(value.try_into().unwrap_or(i64::MAX))));
        self
    }

    /// Adds another message.
    pub fn message(mut self, name: &'static str, value: Message) -> Self {
        self.args.push((name, Arg::Message(Box::new(value))));
        self
    }
}
