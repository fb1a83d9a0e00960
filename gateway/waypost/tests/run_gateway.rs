//! `waypost run`, `find` and `config` as a person or a script uses them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};
use waypost_core::{
    fact::{Role, SiteKind, WallTime, id::OperatorId},
    rule::{
        Act,
        order::{Order, OrderDocument, StaffEntry},
        row::StaffRow,
    },
};
use waypost_edge::{
    clock::Clock,
    identity::Identity,
    journal::{self, JournalConfig, Request, RequestId, Verdict},
};

const BADGE: &str = "STAFF-0000000000000001";
/// SHA-256 of the badge's code.
const BADGE_HASH: &str = "60fde18cf3663121458d9aa84b0c05b06384d370abab78baf18c1e668f4c69b1";
const KINDS: [&str; 5] = ["testing_centre", "post_office", "vehicle", "laboratory", "warehouse"];

fn waypost(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waypost")).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The example of a station, with a free port.
fn example(dir: &Path, station: &str) -> PathBuf {
    let output = waypost(&["config", "example", station]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let file = dir.join("gateway.toml");
    fs::write(&file, text.replace("127.0.0.1:8080", "127.0.0.1:0")).unwrap();
    file
}

/// A process that says where its panel is.
struct Gateway {
    process: Child,
    panel: String,
}

impl Gateway {
    fn start(config: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_waypost"))
            .args(["run", "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let panel = line.trim().strip_prefix("panel ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { process, panel }
    }

    async fn scan(&self, text: &str) -> Value {
        let client = reqwest::Client::new();
        let answer =
            client.post(format!("{}scan", self.panel)).json(&json!({ "text": text })).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.unwrap()
    }

    /// SIGTERM ends it with status 0, also while a page follows the panel.
    fn stop(mut self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }
}

/// Puts a person into the ledger, as a staff order does.
fn hire(data: &Path) {
    fs::create_dir_all(data).unwrap();
    let gateway = waypost_core::fact::id::GatewayId::new("ctc-kwai-chung").unwrap();
    let identity = Identity::create(data, gateway.clone()).unwrap();
    let badge = BADGE_HASH.to_owned();
    let person = StaffRow::without_pin(OperatorId::new("s-1").unwrap(), Role::Staff);
    let document = OrderDocument {
        id: "-".to_owned(),
        epoch: 1,
        number: 1,
        not_before: None,
        expires: None,
        to: Vec::new(),
        order: Order::Staff { people: vec![StaffEntry { badge, person }] },
    };
    let clock = Clock::simulated(WallTime(0), 1.0);
    let (writer, _) = journal::open(JournalConfig {
        dir: data.to_owned(),
        gateway,
        site: waypost_core::fact::id::SiteId::new("SITE-CTC1").unwrap(),
        kind: SiteKind::TestingCentre,
        box_tubes_max: 50,
        par: Vec::new(),
        clock,
        track_max: 1_000,
        journal: identity.journal,
    })
    .unwrap();
    let act = Act::ApplyOrder { document: Box::new(document) };
    let request = Request { id: RequestId::new("staff").unwrap(), by: None, act };
    assert!(matches!(writer.ask_blocking(request), Verdict::Granted { .. }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(writer.stop());
}

#[test]
fn every_example_is_right_runs_without_any_device_and_stops_when_told() {
    for station in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let config = example(dir.path(), station);
        let file = config.to_str().unwrap();
        let checked = waypost(&["run", "--config", file, "--check"]);
        assert!(checked.status.success(), "{}", said(&checked));
        assert!(!dir.path().join("waypost-data").exists(), "a check changes nothing");
        let gateway = Gateway::start(&config);
        let address = fs::read_to_string(dir.path().join("waypost-data/console.addr")).unwrap();
        assert_eq!(gateway.panel, format!("http://{}/", address.trim()));
        gateway.stop();
    }
}

#[test]
fn a_fault_of_the_configuration_is_told_with_file_line_and_remedy_and_status_1() {
    let dir = tempfile::tempdir().unwrap();
    let config = example(dir.path(), "vehicle");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("baud = 115200", "bauds = 115200")).unwrap();
    for args in [&["run", "--check", "--config"][..], &["run", "--config"], &["config", "check"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_waypost")).args(args).arg(&config).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = said(&output);
        let line = text[..text.find("baud = 115200").unwrap()].matches('\n').count() + 1;
        assert!(said.contains(&format!("gateway.toml:{line}: ")) && said.contains("`baud`"), "{said}");
    }
}

#[test]
fn work_at_the_panel_is_found_again_after_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let config = example(dir.path(), "testing_centre");
    hire(&dir.path().join("waypost-data"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut gateway = Gateway::start(&config);
    runtime.block_on(async {
        let day = gateway.scan(BADGE).await;
        assert_eq!(day["tone"], "ask", "an unconfirmed clock asks for the day: {day}");
        assert_eq!(gateway.scan("DAY-2020-10-05").await["tone"], "yes");
        assert_eq!(gateway.scan("B-0001").await["tone"], "yes");
        let packed = gateway.scan("T-00000001").await;
        assert_eq!((&packed["tone"], &packed["progress"]["done"]), (&json!("yes"), &json!(1)), "{packed}");
        assert_eq!(packed["status"]["person"], "s-1");
    });
    let file = config.to_str().unwrap();
    let found = waypost(&["find", "T-00000001", "--config", file, "--json"]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&found["kind"], &found["state"]["box"]), (&json!("tube"), &json!("B-0001")), "while it runs");
    assert_eq!(found["records"].as_array().unwrap().len(), 2);
    let second = waypost(&["run", "--config", file]);
    assert!(!second.status.success(), "a second process on the journal: {}", said(&second));
    let address = fs::read_to_string(dir.path().join("waypost-data/console.addr")).unwrap();
    assert_eq!(gateway.panel, format!("http://{}/", address.trim()), "and the first one's address stays");
    gateway.process.kill().unwrap();
    gateway.process.wait().unwrap();

    let gateway = Gateway::start(&config);
    runtime.block_on(async {
        assert_eq!(gateway.scan("T-00000001").await["tone"], "already");
        assert_eq!(gateway.scan("T-00000002").await["progress"]["done"], 2);
    });
    let found = waypost(&["find", "B-0001", "--data", dir.path().join("waypost-data").to_str().unwrap()]);
    assert!(said(&found).contains("tubes 2"), "{}", said(&found));
    let none = waypost(&["find", "T-00000099", "--config", file]);
    assert_eq!(none.status.code(), Some(1));
    let person = waypost(&["find", "A123456(3)", "--config", file]);
    assert!(!said(&person).contains("123456"), "{}", said(&person));
    gateway.stop();
}

#[test]
fn a_gateway_without_console_and_scanner_works_until_it_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gateway.toml");
    let config = "gateway = \"van-1\"\ndata = \"data\"\n[site]\nid = \"V-1\"\nname = \"Van\"\nkind = \"vehicle\"\n\
                  [seal_reader]\nport = \"radio\"\n";
    fs::write(&file, config).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .args(["run", "--config"])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("seal reader")), "its missing device is told, long after the start");
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
}
