//! What one answer puts on the panel, and what stands there until the next.

use waypost_core::fact::id::ItemId;

use crate::panel::{Choice, Message, Progress, Tone};

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Screen {
    /// Its kind.
    pub tone: Tone,
    /// The answer, large.
    pub main: Message,
    /// Why, and what to do next.
    pub lines: Vec<Message>,
    /// First and last record that it wrote.
    pub records: Option<(u64, u64)>,
}

/// What stands on the panel whatever the last answer was.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// What the station is doing.
    pub title: Message,
    /// What to do next, where no answer stands.
    pub prompt: Message,
    /// Lines under an answer's own, most urgent first.
    pub lines: Vec<Message>,
    /// How far the work is.
    pub progress: Option<Progress>,
    /// What can be chosen.
    pub choices: Vec<Choice>,
}

impl Screen {
    /// An answer of one line.
    pub fn new(tone: Tone, main: Message) -> Self {
        Self { tone, main, lines: Vec::new(), records: None }
    }

    /// A question or a next step.
    pub fn ask(main: Message) -> Self {
        Self::new(Tone::Ask, main)
    }

    /// A no.
    pub fn no(main: Message) -> Self {
        Self::new(Tone::No, main)
    }

    /// A yes.
    pub fn yes(main: Message) -> Self {
        Self::new(Tone::Yes, main)
    }

    /// Adds a line.
    pub fn line(mut self, line: Message) -> Self {
        self.lines.push(line);
        self
    }
}

impl Frame {
    /// A title and what to do next.
    pub fn new(title: &'static str, prompt: Message) -> Self {
        Self { title: Message::new(title), prompt, lines: Vec::new(), progress: None, choices: Vec::new() }
    }

    /// Adds a choice.
    pub fn choice(mut self, code: &str, label: &'static str) -> Self {
        self.choices.push(Choice { code: code.to_owned(), label: Message::new(label) });
        self
    }
}

/// The choice of an item.
pub fn item_choice(item: &ItemId) -> Choice {
    Choice {
        code: format!("CMD-ITEM-{}", item.as_str().to_ascii_uppercase()),
        label: item_name(item.as_str()),
    }
}

/// What an item is called.
pub fn item_name(item: &str) -> Message {
    match item {
        "tubes" => Message::new("item-tubes"),
        "boxes" => Message::new("item-boxes"),
        "seals" => Message::new("item-seals"),
        "packs" => Message::new("item-packs"),
        _ => Message::new("item-other").text("item", item),
    }
}
