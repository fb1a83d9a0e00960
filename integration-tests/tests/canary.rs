//! Identity numbers typed through the whole system are nowhere afterwards: in no file, log, page, message, database or
//! core dump, in no encoding that a search would find.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use waypost_integration_tests::{
    codes,
    gateway::Plan,
    leak::{self, Canaries},
    mqtt::{Client, Message},
    program,
    wait::{SOON, until, until_true},
    world::World,
};

/// People who are typed in.
const PEOPLE: u32 = 12;

#[test]
fn identity_numbers_that_were_typed_are_nowhere_in_no_encoding() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let mut world = World::make(&[Plan::post_office("post-1")], "persistence true");
    let (listening, heard) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(Vec::new())));
    let ear = listen(world.broker.port(), &listening, &heard);
    world.hub.start();
    world.gateways[0].start();
    world.gateways[0].sign_in();
    let console = world.gateways[0].console();
    console.scan("CMD-STOCK-IN");
    console.scan("CMD-ITEM-PACKS");
    console.yes("QTY-500");
    let bodies: Vec<String> = (0..PEOPLE).map(codes::hkid_body).collect();
    let canaries = Canaries::new(bodies.iter().map(String::as_str));

    let mut pages = Vec::new();
    until_true("the campaign is in force", SOON, || {
        let answer = console.scan(&codes::hkid(0));
        pages.push(answer.0.to_string());
        answer.tone() != "no"
    });
    for n in 0..PEOPLE {
        // Right, wrong, twice: what is refused is written down as little as what is granted.
        for text in [codes::wrong_hkid(n), codes::hkid(n), "CMD-YES".to_owned(), codes::hkid(n)] {
            pages.push(console.scan(&text).0.to_string());
        }
        // The panel and the page themselves, as a browser gets them.
        for path in ["/panel", "/"] {
            pages.push(console.get(path).send().unwrap().text().unwrap());
        }
    }
    let claims = until("claims arrive", SOON, || {
        let claims = world.facts("claim_granted").len() + world.facts("claim_served").len();
        (claims > 0).then_some(claims)
    });
    println!("{claims} claims of {PEOPLE} people at the hub");
    world.settle();
    let url = format!("{}", world.hub.summary());
    pages.push(url);

    // The pages' buffers hold what was typed until they are used again: nobody else may read the process's memory, and no
    // core dump of it is written.
    let process = world.gateways[0].process().id();
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"], "{core}");
    let status = fs::metadata(format!("/proc/{process}/mem")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&status), 0, "its memory belongs to root alone");
    world.gateways[0].stop();
    world.hub.stop();
    listening.store(false, Ordering::SeqCst);
    ear.join().unwrap();
    let messages = heard.lock().unwrap();
    assert!(messages.iter().any(|message: &Message| message.topic.ends_with("/ledger")), "nothing was heard");
    for message in messages.iter() {
        assert_eq!(canaries.find(&message.payload), Default::default(), "in a message at {}", message.topic);
        assert_eq!(canaries.find(message.topic.as_bytes()), Default::default(), "in a topic");
        // Batches are compressed: their lines are the journal's, which is searched below.
    }
    for page in &pages {
        assert_eq!(canaries.find(page.as_bytes()), Default::default(), "on a page: {page}");
    }
    let files = leak::files(&world.dir());
    assert!(files.iter().any(|(name, _)| name.ends_with("journal.db")), "the journal was not searched");
    for (name, bytes) in &files {
        assert_eq!(canaries.find(bytes), Default::default(), "in {name}");
    }
    let lines: Vec<String> = world.gateways[0].ledger();
    assert!(!lines.is_empty());
    for line in &lines {
        assert_eq!(canaries.find(line.as_bytes()), Default::default(), "in a record: {line}");
    }
}

/// Hears everything that goes over the broker.
fn listen(
    port: u16,
    listening: &Arc<AtomicBool>,
    heard: &Arc<Mutex<Vec<Message>>>,
) -> thread::JoinHandle<()> {
    let (listening, heard) = (Arc::clone(listening), Arc::clone(heard));
    let mut client = Client::connect(port, "ear", true).unwrap();
    client.subscribe("#").unwrap();
    thread::spawn(move || {
        while listening.load(Ordering::SeqCst) {
            match client.next(Duration::from_millis(200)) {
                Ok(Some(message)) => heard.lock().unwrap().push(message),
                Ok(None) => {}
                // The broker is gone: there is nothing more to hear.
                Err(_) => return,
            }
        }
    })
}
