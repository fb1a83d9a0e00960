//! Hostile input at a whole gateway and hub: codes that hold anything, and messages that no gateway sends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use serde_json::{Value, json};
use waypost_drivers::{
    bench::{VirtualPrinter, VirtualScanner},
    printer::Dialect,
};
use waypost_integration_tests::{
    codes,
    gateway::Plan,
    leak,
    mqtt::Client,
    program,
    wait::{SOON, pause, until, until_true},
    world::World,
};

/// Stands in every hostile code: it is to be found nowhere afterwards.
const MARK: &str = "HOSTILE";

/// What a printer's, a terminal's, a browser's, a shell's, a database's or our own language would obey.
fn hostile() -> Vec<String> {
    let long = |length: usize| format!("{MARK}{}", "A".repeat(length));
    vec![
        format!("<script>alert('{MARK}')</script>"),
        format!("<img src=x onerror={MARK}>"),
        format!("';DROP TABLE ledger;--{MARK}"),
        format!("%s%s%n%x{MARK}"),
        format!("{{ $item }} {{ {MARK} }}"),
        format!("../../../../etc/{MARK}"),
        format!("file:///etc/{MARK}"),
        format!("$(reboot){MARK}`id`"),
        format!("{MARK}\",\"tone\":\"yes"),
        // Turned right to left, with an invisible joiner, and in letters that only look like ours.
        format!("\u{202e}{MARK}\u{202c}T-00000001"),
        format!("T-0000\u{200d}0001{MARK}"),
        format!("СMD-CLOSE-SHIFT{MARK}"),
        // A terminal's, a label printer's and a receipt printer's commands.
        format!("\u{1b}[2J\u{1b}]0;{MARK}\u{7}"),
        format!("^XA^FO50,50^FD{MARK}^FS^XZ~JR"),
        format!("\u{1b}@\u{1d}V\u{0}{MARK}\u{10}\u{14}\u{1}"),
        format!("\u{0}\u{0}{MARK}\u{1}\u{1f}"),
        format!("CMD-{MARK}"),
        format!("QTY-99999999999999999999{MARK}"),
        // Element strings that promise more than they hold, or far too much.
        format!("]C1{}{MARK}", "3922".repeat(40)),
        format!("(8003){}{MARK}", "9".repeat(300)),
        format!("]d2{}", format!("99{MARK}\u{1d}").repeat(200)),
        long(4_096),
    ]
}

#[test]
fn hostile_codes_reach_no_page_log_printer_or_record_as_what_they_are() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let devices = tempfile::tempdir().unwrap();
    let scanner = VirtualScanner::new(devices.path(), "scanner").unwrap();
    let printer = runtime.block_on(VirtualPrinter::tcp(Dialect::EscPos)).unwrap();
    let sections = format!(
        "[[scanner]]\nname = \"counter\"\nport = \"{}\"\n[[printer]]\nname = \"counter printer\"\nkind = \"escpos\"\n\
         address = \"{}\"\n",
        scanner.path().display(),
        printer.address()
    );
    let mut world = World::make(&[Plan::testing_centre("ctc-1").with(&sections)], "persistence true");
    world.hub.start();
    world.gateways[0].start();
    world.gateways[0].sign_in();
    let console = world.gateways[0].console();
    let mut pages = Vec::new();

    // From the page.
    for text in hostile() {
        let response = console.post("/scan").body(json!({ "text": text }).to_string()).send().unwrap();
        let status = response.status();
        let body = response.text().unwrap();
        if status.is_success() {
            let answer: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                (&answer["tone"], &answer["records"]),
                (&json!("no"), &Value::Null),
                "{text:?}: {answer}"
            );
        } else {
            assert!(status.is_client_error(), "{text:?}: {status}");
        }
        pages.push(body);
    }
    // From a scanner on a serial line, and between them a code that is right.
    for (number, text) in (1..).zip(hostile()) {
        scanner.scan(&text).unwrap();
        let tube = codes::tube(number);
        // A scanner that sent noise is not believed at once: who is not heard scans again.
        until_true(&format!("{tube} is collected after {text:?}"), SOON, || {
            pages.push(console.panel().0.to_string());
            scanner.scan(&tube).unwrap();
            pause(400);
            world.gateways[0].facts_of(&tube) == 1
        });
    }
    let ledger = world.gateways[0].ledger();
    let of = |kind: &str| ledger.iter().filter(|line| line.contains(&format!("\"{kind}\""))).count();
    assert_eq!(of("tube_collected"), hostile().len());
    let beside = ["journal_started", "gateway_started", "order_applied", "clock_found", "shift_opened"];
    let others: usize = beside.iter().map(|kind| of(kind)).sum();
    assert_eq!(ledger.len(), hostile().len() + others, "a record for each tube, and for nothing else");

    // A returnable box's number may hold markup by the standard: it is an id, and it is quoted wherever it is shown.
    let serial = "<img/src=x>&\"'";
    console.yes(&format!("]C1800302112345678900{serial}"));
    world.settle();
    let hub = |path: &str| {
        let url = format!("http://127.0.0.1:{}{path}", world.hub.port());
        reqwest::blocking::get(url).unwrap().text().unwrap()
    };
    let page = until("the hub shows the box", SOON, || {
        Some(hub("/")).filter(|page| page.contains("02112345678900"))
    });
    let trace = hub("/trace?code=02112345678900%3Cimg%2Fsrc%3Dx%3E%26%22%27");
    assert!(trace.contains("02112345678900"), "{trace}");
    for page in [&page, &trace, &console.get("/").send().unwrap().text().unwrap()] {
        assert!(!page.contains("<img/src=x>"), "{page}");
    }

    // The end-of-shift report comes on paper.
    console.yes("CMD-CLOSE-SHIFT");
    let papers =
        until("the report is printed", SOON, || Some(printer.papers()).filter(|papers| !papers.is_empty()));
    for paper in papers {
        assert!(!paper.bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()));
    }
    world.gateways[0].process().assert_runs();
    world.gateways[0].stop();
    world.hub.stop();
    for page in &pages {
        assert!(!page.contains(MARK), "{page}");
    }
    let files = leak::files(&world.dir());
    assert!(files.iter().any(|(name, _)| name.ends_with("journal.db")), "the journal was not searched");
    for (name, bytes) in &files {
        assert!(!bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()), "in {name}");
    }
}

#[test]
fn messages_that_no_gateway_sends_are_refused_counted_and_raised() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let mut world =
        World::make(&[Plan::testing_centre("ctc-1"), Plan::testing_centre("ctc-2")], "persistence true");
    // What the first gateway really sends is heard, as a rogue broker hears it.
    let port = world.broker.port();
    let mut ear = Client::connect(port, "ear", true).unwrap();
    ear.subscribe("waypost/v1/ctc-1/ledger").unwrap();
    world.hub.start();
    world.gateways[0].start();
    world.gateways[1].start();
    world.gateways[0].sign_in();
    let batch = until("a batch is heard", SOON, || {
        ear.next(std::time::Duration::from_millis(200)).unwrap().map(|message| message.payload)
    });
    world.settle();
    let stored = world.hub.store().len();

    let mut rogue = Client::connect(port, "rogue", true).unwrap();
    let mut flipped = batch.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let streams = ["ledger", "track", "alarm", "status", "health"];
    for stream in streams {
        let topic = format!("waypost/v1/ctc-1/{stream}");
        for message in [
            batch[..batch.len() / 2].to_vec(),
            flipped.clone(),
            vec![0xd2; 300],
            vec![0x9f; 60_000],
            // A zstd frame that says it unpacks to 16 GiB.
            [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &[0, 0, 0, 0, 4, 0, 0, 0][..]].concat(),
            Vec::new(),
            b"{\"gateway\":\"ctc-1\"".to_vec(),
        ] {
            rogue.publish_one(&topic, &message).unwrap();
        }
    }
    // Longer than a batch may be: the hub never takes it in, and stays linked.
    rogue.publish_one("waypost/v1/ctc-1/ledger", &vec![0xd2; 300_000]).unwrap();
    // Another gateway's batch, and one of a gateway that nobody knows.
    rogue.publish_one("waypost/v1/ctc-2/ledger", &batch).unwrap();
    rogue.publish_one("waypost/v1/nobody/ledger", &batch).unwrap();
    // The same batch again is nothing new, and nothing wrong.
    rogue.publish_one("waypost/v1/ctc-1/ledger", &batch).unwrap();

    let alarms = || {
        let summary = world.hub.summary();
        let alarms: Vec<_> = summary["alarms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alarm| {
                (alarm["kind"].as_str().unwrap().to_owned(), alarm["subject"].as_str().unwrap().to_owned())
            })
            .collect();
        alarms
    };
    for gateway in ["ctc-1", "ctc-2", "unlisted"] {
        let wanted = ("not_signed".to_owned(), gateway.to_owned());
        until_true(&format!("the hub raises what came as {gateway}"), SOON, || alarms().contains(&wanted));
    }
    // Work goes on, and nothing of it got into the store: that holds what is in the journals, line by line.
    let console = world.gateways[0].console();
    console.yes(&codes::tube(1));
    world.settle();
    assert!(world.hub.store().len() > stored);
}
