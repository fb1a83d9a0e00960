//! Small texts that every drawing of the panel shares.

use super::{JournalState, Language, Message, Status};

/// The status line: site, person, what the hub lacks and since when, the clock's quality.
pub fn status_line(status: &Status, language: Language) -> String {
    status_parts(status, language).join(" | ")
}

/// The parts of the status line, in order of importance.
pub fn status_parts(status: &Status, language: Language) -> Vec<String> {
    let mut parts: Vec<String> = disk(status, language).into_iter().collect();
    parts.extend([person(status, language), unsynced(status, language), clock(status, language)]);
    parts.extend(missing(status, language));
    parts.extend(lid(status, language));
    if status.certificate_ended {
        parts.push(link(status, language));
    }
    parts.push(status.site.clone());
    parts
}

/// Who is signed in.
pub fn person(status: &Status, language: Language) -> String {
    match &status.person {
        Some(person) => person.clone(),
        None => language.say(&Message::new("ui-nobody")),
    }
}

/// How many records the hub lacks, and how old its last acknowledgement is.
pub fn unsynced(status: &Status, language: Language) -> String {
    let count = language.say(&Message::new("ui-unsynced").number("count", status.unsynced));
    let age = match status.ack_age_s {
        Some(seconds) if seconds < 60 => Message::new("ui-ack-seconds").number("seconds", seconds),
        Some(seconds) => Message::new("ui-ack-minutes").number("minutes", seconds / 60),
        None => Message::new("ui-ack-none"),
    };
    format!("{count}, {}", language.say(&age))
}

/// How far the clock can be believed.
pub fn clock(status: &Status, language: Language) -> String {
    let key = match status.clock.as_str() {
        "gnss" => "ui-clock-gnss",
        "ntp" => "ui-clock-ntp",
        "rtc" => "ui-clock-rtc",
        _ => "ui-clock-unset",
    };
    language.say(&Message::new(key))
}

/// Whether the broker is reached, and if not for a certificate that ended.
pub fn link(status: &Status, language: Language) -> String {
    let key = match (status.online, status.certificate_ended) {
        (true, _) => "ui-online",
        (false, false) => "ui-offline",
        (false, true) => "ui-certificate-ended",
    };
    language.say(&Message::new(key))
}

/// One text a device that is missing, or that is there and says nothing.
pub fn missing(status: &Status, language: Language) -> Vec<String> {
    let say = |key, name| language.say(&Message::new(key).text("device", name));
    let missing = status.missing.iter().map(|name| say("ui-missing", name));
    missing.chain(status.noisy.iter().map(|name| say("ui-noisy", name))).collect()
}

/// That the lid is open.
pub fn lid(status: &Status, language: Language) -> Option<String> {
    status.lid_open.then(|| language.say(&Message::new("ui-lid-open")))
}

/// What is wrong with the journal or its disk.
pub fn disk(status: &Status, language: Language) -> Option<String> {
    let key = match status.journal {
        JournalState::Well => return None,
        JournalState::Low => "ui-journal-low",
        JournalState::Critical => "ui-journal-critical",
        JournalState::Flawed | JournalState::Damaged => "ui-journal-damaged",
        JournalState::Full => "ui-journal-full",
        JournalState::ReadOnly => "ui-journal-read-only",
        JournalState::Failed => "ui-journal-failed",
    };
    Some(language.say(&Message::new(key)))
}
