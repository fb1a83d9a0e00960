//! A panel for every page that a station can show: each message of the Fluent file stands on at least one of them.

use std::collections::BTreeSet;

use waypost_edge::panel::{Choice, JournalState, LINES_MAX, Message, Panel, Progress, Status, Tone};

/// What a station is doing: its title, its prompts and its choices, as the stations put them together.
struct Work {
    title: &'static str,
    prompts: &'static [&'static str],
    choices: &'static [(&'static str, &'static str)],
}

const WORK: [Work; 17] = [
    Work { title: "title-sign-in", prompts: &["ask-badge", "ask-unshown"], choices: &[] },
    Work { title: "title-sign-in", prompts: &["ask-day"], choices: &[("CMD-DAY", "choice-day")] },
    Work {
        title: "title-collect",
        prompts: &["ask-tube-or-box", "ask-tube-of-booking"],
        choices: &[
            ("CMD-HANDOVER", "choice-hand-over"),
            ("CMD-REOPEN", "choice-reopen"),
            ("CMD-COUNT", "choice-count"),
            ("CMD-STOCK-IN", "choice-stock-in"),
            ("CMD-CLOSE-SHIFT", "choice-close-shift"),
        ],
    },
    Work {
        title: "title-pack",
        prompts: &["ask-tubes-for", "ask-tube-to-move"],
        choices: &[
            ("CMD-CLOSE-BOX", "choice-close-box"),
            ("CMD-UNDO", "choice-undo"),
            ("CMD-MOVE", "choice-move"),
        ],
    },
    Work {
        title: "title-checklist",
        prompts: &["ask-checklist"],
        choices: &[
            ("CMD-CHECK-ABSORBENT", "choice-check-absorbent"),
            ("CMD-CHECK-CLOSED", "choice-check-closed"),
            ("CMD-CHECK-MARK", "choice-check-mark"),
            ("CMD-CHECK-CLEAN", "choice-check-clean"),
            ("CMD-CHECK-ALL", "choice-check-all"),
            ("CMD-CANCEL", "choice-back-to-packing"),
        ],
    },
    Work {
        title: "title-seal",
        prompts: &["ask-fit-seal", "ask-box-to-seal", "ask-box-to-reopen"],
        choices: &[
            ("CMD-SEAL", "choice-seal-nearest"),
            ("CMD-REOPEN", "choice-reopen"),
            ("CMD-CANCEL", "choice-cancel"),
        ],
    },
    Work {
        title: "title-hand-over",
        prompts: &["ask-place-to", "ask-boxes-to", "ask-boxes-to-give"],
        choices: &[("CMD-CANCEL", "choice-cancel")],
    },
    Work {
        title: "title-vehicle",
        prompts: &["ask-place-here", "ask-boxes-at", "ask-boxes-to-take", "ask-seal-of-box"],
        choices: &[
            ("CMD-EXCEPTION", "choice-exception"),
            ("CMD-DAMAGED", "choice-damaged"),
            ("CMD-RECEIVE", "choice-receive"),
            ("CMD-HANDOVER", "choice-hand-over"),
            ("CMD-CANCEL", "choice-cancel"),
        ],
    },
    Work {
        title: "title-receive",
        prompts: &[
            "ask-place-from",
            "ask-boxes-from",
            "ask-damaged-box",
            "ask-box-to-open",
            "ask-box-to-empty",
        ],
        choices: &[
            ("CMD-OPEN", "choice-open"),
            ("CMD-DAMAGED", "choice-damaged"),
            ("CMD-NO-SEAL", "choice-no-seal"),
            ("CMD-EMPTY", "choice-empty"),
            ("CMD-SETTLE", "choice-settle"),
            ("CMD-CLOSE-SHIFT", "choice-close-shift"),
        ],
    },
    Work {
        title: "title-compare",
        prompts: &["ask-tubes-of"],
        choices: &[("CMD-FINISH", "choice-finish"), ("CMD-CANCEL", "choice-cancel")],
    },
    Work {
        title: "title-settle",
        prompts: &["ask-tube-to-settle", "ask-settle-reason"],
        choices: &[
            ("CMD-REASON-FOUND", "reason-found"),
            ("CMD-REASON-LOST", "reason-lost"),
            ("CMD-REASON-DAMAGED", "reason-damaged"),
            ("CMD-REASON-EXPLAINED", "reason-explained"),
            ("CMD-CANCEL", "choice-cancel"),
        ],
    },
    Work {
        title: "title-masks",
        prompts: &["ask-document", "busy-claim"],
        choices: &[
            ("CMD-PROXY", "choice-proxy"),
            ("CMD-VOID", "choice-void"),
            ("CMD-COUNT", "choice-count"),
            ("CMD-STOCK-IN", "choice-stock-in"),
            ("CMD-CLOSE-SHIFT", "choice-close-shift"),
        ],
    },
    Work {
        title: "title-proxy",
        prompts: &["ask-proxy-document", "ask-person-document"],
        choices: &[("CMD-CANCEL", "choice-cancel")],
    },
    Work {
        title: "title-void",
        prompts: &["ask-void-reason", "ask-void-supervisor"],
        choices: &[
            ("CMD-REASON-MISTAKE", "reason-mistake"),
            ("CMD-REASON-RETURNED", "reason-returned"),
            ("CMD-CANCEL", "choice-cancel"),
        ],
    },
    Work {
        title: "title-warehouse",
        prompts: &["ask-site"],
        choices: &[
            ("CMD-STOCK-IN", "choice-stock-in"),
            ("CMD-STOCK-OUT", "choice-stock-out"),
            ("CMD-COUNT", "choice-count"),
            ("CMD-CLOSE-SHIFT", "choice-close-shift"),
        ],
    },
    Work {
        title: "title-stock",
        prompts: &["stock-choose-work", "stock-choose-item"],
        choices: &[
            ("CMD-ITEM-TUBES", "item-tubes"),
            ("CMD-ITEM-BOXES", "item-boxes"),
            ("CMD-ITEM-SEALS", "item-seals"),
            ("CMD-ITEM-PACKS", "item-packs"),
            ("CMD-CANCEL", "choice-cancel"),
        ],
    },
    Work {
        title: "title-stock",
        prompts: &["stock-key-quantity", "stock-key-count"],
        choices: &[
            ("CMD-QUANTITY-10", "choice-quantity"),
            ("CMD-QUANTITY-50", "choice-quantity"),
            ("CMD-QUANTITY-100", "choice-quantity"),
            ("CMD-CANCEL", "choice-cancel"),
        ],
    },
];

/// Families of messages that are the main line, with their tone.
const MAIN: [(&str, Tone); 12] = [
    ("ask-", Tone::Ready),
    ("busy-", Tone::Busy),
    ("yes-", Tone::Yes),
    ("no-", Tone::No),
    ("claim-", Tone::No),
    ("compared-", Tone::Alarm),
    ("already-", Tone::Already),
    ("scan-", Tone::No),
    ("stock-", Tone::Ask),
    ("refusal-", Tone::No),
    ("alarm-", Tone::Alarm),
    ("enrol-", Tone::No),
];

/// Families of messages that stand inside another one, with one that they stand in and its argument.
const INNER: [(&str, &str, &str); 7] = [
    ("state-seal-", "refusal-seal-not-closed", "state"),
    ("state-tube-", "refusal-tube-state", "state"),
    ("state-box-", "refusal-box-state", "state"),
    ("role-", "refusal-not-permitted", "role"),
    ("exception-", "refusal-needs-exception", "reason"),
    ("reason-", "yes-settled", "reason"),
    ("item-", "yes-stock-counted", "item"),
];

/// The messages that stand on a panel, in the order of the English files, each with the names of its arguments.
pub fn messages() -> Vec<(&'static str, Vec<&'static str>)> {
    let texts: [&'static str; 2] =
        [include_str!("../../locales/en/station.ftl"), include_str!("../../locales/en/print.ftl")];
    let mut messages: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in texts.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" =").filter(|(name, _)| !name.starts_with(' ')) {
            messages.push((name, Vec::new()));
        }
        for part in line.split("{ $").skip(1) {
            let argument = part.split([' ', '}']).next().unwrap();
            let (_, arguments) = messages.last_mut().unwrap();
            if !arguments.contains(&argument) {
                arguments.push(argument);
            }
        }
    }
    // What stands on paper only.
    messages.retain(|(key, _)| !key.starts_with("print-"));
    messages
}

/// All pages, each with the key of its main line.
pub fn pages() -> Vec<(String, Panel)> {
    let all = messages();
    let of = |family: &str| -> Vec<&str> {
        all.iter().map(|(key, _)| *key).filter(|key| key.starts_with(family)).collect()
    };
    let mut mains: Vec<(String, Message, Tone)> = Vec::new();
    for (key, _) in &all {
        let tone = MAIN.iter().find(|(family, _)| key.starts_with(family)).map(|(_, tone)| *tone);
        let tone = if *key == "journal-stopped" { Some(Tone::Alarm) } else { tone };
        mains.extend(tone.map(|tone| ((*key).to_owned(), message(&all, key, None), tone)));
    }
    let (next, lines) = (of("next-"), [of("line-"), of("printer-")].concat());
    let count = mains.len();
    assert!(count > next.len() && count > lines.len(), "each line finds a page");
    let mut pages: Vec<(String, Panel)> = Vec::new();
    for (at, (name, main, tone)) in mains.into_iter().enumerate() {
        let work =
            WORK.iter().find(|work| work.prompts.contains(&main.key)).unwrap_or(&WORK[at % WORK.len()]);
        // A prompt has few lines, an answer some, and every tenth page as many as there can be.
        let many = match at % 10 {
            9 => LINES_MAX - 1,
            _ if tone == Tone::Ready => 1,
            _ => 1 + at % 2,
        };
        let mut shown: Vec<Message> =
            (0..many).map(|step| message(&all, lines[(at + step * 13) % lines.len()], None)).collect();
        shown.push(message(&all, next[at % next.len()], None));
        pages.push((name, panel(work, main, tone, shown, at, &all)));
    }
    pages.extend(inner(&all));
    pages.extend(left(&pages, &all));
    pages
}

/// Pages for the messages that stand inside others: one in the main line, the next ones below.
fn inner(all: &[(&'static str, Vec<&'static str>)]) -> Vec<(String, Panel)> {
    let mut pages = Vec::new();
    for (family, outer, argument) in INNER {
        let keys = all.iter().map(|(key, _)| *key).filter(|key| key.starts_with(family));
        let texts: Vec<Message> =
            keys.map(|key| message(all, outer, Some((argument, message(all, key, None))))).collect();
        let tone = if outer.starts_with("yes-") { Tone::Yes } else { Tone::No };
        for some in texts.chunks(1 + LINES_MAX) {
            let (main, lines) = some.split_first().unwrap();
            let at = pages.len();
            let work = &WORK[at % WORK.len()];
            pages.push((family.to_owned(), panel(work, main.clone(), tone, lines.to_vec(), at, all)));
        }
    }
    pages
}

/// Pages for titles and choices that [`WORK`] does not have yet, six choices each.
fn left(pages: &[(String, Panel)], all: &[(&'static str, Vec<&'static str>)]) -> Vec<(String, Panel)> {
    let shown = keys_on(pages);
    let of = |family: &str| -> Vec<&'static str> {
        let keys = all.iter().map(|(key, _)| *key);
        keys.filter(|key| key.starts_with(family) && !shown.contains(key)).collect()
    };
    let page = |title: &'static str, choices: &[&str]| {
        let work = Work { title, prompts: &[], choices: &[] };
        let mut panel = panel(&work, Message::new("ask-badge"), Tone::Ready, Vec::new(), 0, all);
        panel.choices = choices
            .iter()
            .map(|key| Choice { code: format!("CMD-{key}"), label: message(all, key, None) })
            .collect();
        (title.to_owned(), panel)
    };
    let choices = of("choice-");
    let titles = of("title-").into_iter().map(|title| page(title, &[]));
    titles.chain(choices.chunks(6).map(|six| page("title-sign-in", six))).collect()
}

/// Every key that stands on a page.
pub fn keys_on(pages: &[(String, Panel)]) -> BTreeSet<&'static str> {
    let mut keys = BTreeSet::new();
    let mut waiting: Vec<&Message> = Vec::new();
    for (_, panel) in pages {
        waiting.extend([&panel.title, &panel.main]);
        waiting.extend(&panel.lines);
        waiting.extend(panel.choices.iter().map(|choice| &choice.label));
    }
    while let Some(message) = waiting.pop() {
        keys.insert(message.key);
        for (_, argument) in &message.args {
            if let waypost_edge::panel::Arg::Message(inner) = argument {
                waiting.push(inner);
            }
        }
    }
    keys
}

fn panel(
    work: &Work,
    main: Message,
    tone: Tone,
    lines: Vec<Message>,
    at: usize,
    all: &[(&'static str, Vec<&'static str>)],
) -> Panel {
    let progress = match at % 3 {
        0 => None,
        1 => Some(Progress { done: (at % 51) as u32, of: 50 }),
        _ => Some(Progress { done: 50, of: 50 }),
    };
    Panel {
        title: Message::new(work.title),
        main,
        tone,
        lines,
        progress,
        choices: work
            .choices
            .iter()
            .map(|(code, label)| Choice { code: (*code).to_owned(), label: message(all, label, None) })
            .collect(),
        status: status(at),
        records: None,
        verdict_us: None,
        hash_us: None,
        version: 1,
        shown: 1,
        answered: 1,
    }
}

fn status(at: usize) -> Status {
    let missing: &[&str] = match at % 7 {
        2 => &["counter scanner"],
        5 => &["receiver", "seal reader"],
        _ => &[],
    };
    Status {
        site: "Kwai Chung testing centre".to_owned(),
        station: "testing_centre".to_owned(),
        person: (!at.is_multiple_of(4)).then(|| "s-7f3a".to_owned()),
        unsynced: [0, 1, 12, 4711][at % 4],
        ack_age_s: [None, Some(5), Some(55), Some(7260)][at / 2 % 4],
        clock: ["gnss", "ntp", "rtc", "unset"][at / 3 % 4].to_owned(),
        time: "2020-09-03T08:31:07+08:00".to_owned(),
        online: !at.is_multiple_of(5),
        missing: missing.iter().map(|name| (*name).to_owned()).collect(),
        noisy: if at % 13 == 6 { vec!["dock scanner".to_owned()] } else { Vec::new() },
        lid_open: at.is_multiple_of(11),
        certificate_ended: false,
        journal: if at % 17 == 9 { JournalState::Low } else { JournalState::Well },
    }
}

/// A message with an example for each of its arguments.
fn message(
    all: &[(&'static str, Vec<&'static str>)],
    key: &str,
    given: Option<(&'static str, Message)>,
) -> Message {
    let (key, arguments) = all.iter().find(|(one, _)| *one == key).unwrap_or_else(|| panic!("{key}"));
    let mut built = Message::new(key);
    for argument in arguments {
        if let Some((_, inner)) = given.as_ref().filter(|(name, _)| name == argument) {
            built = built.message(argument, inner.clone());
            continue;
        }
        let inner = |key| message(all, key, None);
        built = match *argument {
            "state" => built.message("state", inner("state-seal-open")),
            "role" => built.message("role", inner("role-supervisor")),
            "reason" => built.message("reason", inner("exception-seal-count-changed")),
            "item" if *key == "item-other" => built.text("item", "gloves"),
            "item" => built.message("item", inner("item-packs")),
            "what" => built.message("what", inner("yes-served")),
            "alarm" => built.message("alarm", inner("alarm-seal-opened")),
            "tube" => built.text("tube", "T-12345678"),
            "box" | "subject" => built.text(argument, "B-0012"),
            "from" if *key == "yes-tube-moved" => built.text("from", "B-0007"),
            "to" if *key == "yes-tube-moved" => built.text("to", "B-0012"),
            "from" | "site" => built.text(argument, "SITE-CTC1"),
            "to" => built.text("to", "V-001"),
            "seal" => built.text("seal", "SL-00417"),
            "booking" => built.text("booking", "BK-20200903-0417"),
            "day" => built.text("day", "2020-09-03"),
            "person" => built.text("person", "s-7f3a"),
            "masked" => built.text("masked", "A123****"),
            "time" => built.text("time", "2020-09-03 08:31"),
            "printer" => built.text("printer", "label printer"),
            "hub" => built.text("hub", "10.0.0.5:8091"),
            "broker" => built.text("broker", "broker.example.org:8883"),
            "where" => built.text("where", "2345 6789"),
            number => built.number(number, [1, 2, 12, 417][key.len() % 4]),
        };
    }
    built
}
