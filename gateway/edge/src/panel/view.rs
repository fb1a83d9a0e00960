//! The panel in one language, as it is drawn and as it travels to a page.

use serde::Serialize;

use super::{Choice, Language, Panel, Progress, Status, Tone, words};

/// A panel in one language.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PanelView {
    /// Counts up with every change.
    pub version: u64,
    /// Counts up with every answer or piece of news: a tone sounds once for each.
    pub shown: u64,
    /// What the station is doing.
    pub title: String,
    /// The verdict or the prompt.
    pub main: String,
    /// The kind of answer.
    pub tone: Tone,
    /// A name of a picture, another one for every tone.
    pub icon: &'static str,
    /// `#rrggbb`, another one for every tone; never the only sign.
    pub colour: &'static str,
    /// Why, and what to do next.
    pub lines: Vec<String>,
    /// How far the work is.
    pub progress: Option<Progress>,
    /// What can be chosen.
    pub choices: Vec<ChoiceView>,
    /// What a board's two buttons do.
    pub buttons: ButtonsView,
    /// The line that always shows.
    pub status: Status,
    /// The same in words.
    pub status_words: StatusWords,
    /// Records that the verdict wrote.
    pub records: Option<(u64, u64)>,
    /// Microseconds from reading to verdict, the claim's hash left out.
    pub verdict_us: Option<u64>,
    /// Microseconds of the claim's hash.
    pub hash_us: Option<u64>,
    /// Scans answered since the start of the process.
    pub answered: u64,
    /// Language tag.
    pub lang: &'static str,
}

/// The status line in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusWords {
    /// Who is signed in.
    pub person: String,
    /// What the hub lacks, and how old its last answer is.
    pub unsynced: String,
    /// How far the clock can be believed.
    pub clock: String,
    /// Whether the broker is reached.
    pub link: String,
    /// Devices that are missing.
    pub missing: Vec<String>,
    /// That the lid is open; empty where it is not.
    pub lid: String,
    /// What is wrong with the journal or its disk; empty where nothing is.
    pub disk: String,
}

/// What a board's two buttons do, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ButtonsView {
    /// The button that says yes or goes on.
    pub yes: Option<ChoiceView>,
    /// The button that says no or goes back.
    pub no: Option<ChoiceView>,
}

/// A choice in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChoiceView {
    /// Its code.
    pub code: String,
    /// What it says.
    pub label: String,
}

/// Puts a panel into a language.
pub fn render(panel: &Panel, language: Language) -> PanelView {
    let choice =
        |choice: &Choice| ChoiceView { code: choice.code.clone(), label: language.say(&choice.label) };
    let buttons = panel.buttons();
    PanelView {
        version: panel.version,
        shown: panel.shown,
        title: language.say(&panel.title),
        main: language.say(&panel.main),
        tone: panel.tone,
        icon: panel.tone.icon(),
        colour: panel.tone.colour(),
        lines: panel.lines.iter().map(|line| language.say(line)).collect(),
        progress: panel.progress,
        choices: panel.choices.iter().map(choice).collect(),
        buttons: ButtonsView { yes: buttons.yes.map(choice), no: buttons.no.map(choice) },
        status: panel.status.clone(),
        status_words: StatusWords {
            person: words::person(&panel.status, language),
            unsynced: words::unsynced(&panel.status, language),
            clock: words::clock(&panel.status, language),
            link: words::link(&panel.status, language),
            missing: words::missing(&panel.status, language),
            lid: words::lid(&panel.status, language).unwrap_or_default(),
            disk: words::disk(&panel.status, language).unwrap_or_default(),
        },
        records: panel.records,
        verdict_us: panel.verdict_us,
        hash_us: panel.hash_us,
        answered: panel.answered,
        lang: language.tag(),
    }
}

impl Tone {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Ready, Self::Busy, Self::Yes, Self::No, Self::Already, Self::Ask, Self::Alarm];

    /// The picture's name; each has a shape of its own.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Ready => "chevron",
            Self::Busy => "hourglass",
            Self::Yes => "tick",
            Self::No => "cross",
            Self::Already => "equals",
            Self::Ask => "question",
            Self::Alarm => "triangle",
        }
    }

    /// The ground behind the main line. White text on each has a contrast of at least 4.5 : 1 (WCAG 2 AA).
    pub const fn colour(self) -> &'static str {
        match self {
            Self::Ready => "#31485c",
            Self::Busy => "#5b5b66",
            Self::Yes => "#12703a",
            Self::No => "#b3261e",
            Self::Already => "#76510a",
            Self::Ask => "#1d5fa8",
            Self::Alarm => "#8c1d6b",
        }
    }
}
