//! `waypost doctor` on machines and journals in every state, against the kept words of each.
//!
//! `WAYPOST_GOLDEN=write` writes them anew; look at `git diff` then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    fmt::Write,
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;
use waypost_core::{
    fact::{
        AlarmKind, SiteKind, WallTime,
        id::{GatewayId, SiteId},
    },
    rule::Act,
};
use waypost_edge::{
    clock::{Clock, build_time},
    journal::{Acknowledged, JournalConfig, Request, RequestId, Verdict, Writer, open},
    secret::Keeper,
};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/doctor.txt");
const DAY_MS: i64 = 86_400_000;
const JOURNAL: Uuid = Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0001);

/// A machine with a gateway, as a test sets it up.
struct Bench {
    dir: TempDir,
    config: String,
    now: WallTime,
    full: bool,
    /// Words that differ from run to run, and what stands for them.
    differs: Vec<(String, &'static str)>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bench = Self {
            config: site("post_office"),
            now: build_time().plus_ms(10 * DAY_MS),
            full: false,
            differs: vec![
                (dir.path().display().to_string(), "DIR"),
                (build_time().to_string(), "BUILT"),
                (build_time().plus_ms(10 * DAY_MS).to_string(), "NOW"),
            ],
            dir,
        };
        fs::create_dir_all(bench.root().join("run/systemd/timesync")).unwrap();
        fs::create_dir_all(bench.data()).unwrap();
        bench
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("machine")
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn file(&mut self, path: &str, content: &str) -> &mut Self {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// A journal of three records of a clock that is right, and one of the gateway's own a request.
    fn journal(&mut self, requests: u32) -> Writer {
        let clock = Clock::simulated(build_time().plus_ms(DAY_MS), 1.0);
        let config = JournalConfig {
            dir: self.data(),
            gateway: GatewayId::new("post-1").unwrap(),
            site: SiteId::new("SITE-PO1").unwrap(),
            kind: SiteKind::PostOffice,
            box_tubes_max: 50,
            par: Vec::new(),
            clock,
            track_max: 1000,
            journal: JOURNAL,
        };
        let (writer, _) = open(config).unwrap();
        for number in 0..requests {
            let act = Act::RaiseAlarm { alarm: AlarmKind::StockLow, subject: format!("item-{number}") };
            let id = RequestId::new(format!("r{number}")).unwrap();
            assert!(matches!(writer.ask_blocking(Request { id, by: None, act }), Verdict::Granted { .. }));
        }
        writer
    }

    /// The hub said, so long before now, that it has the records up to a number.
    fn acknowledged(&mut self, writer: &Writer, held: u64, ago_ms: i64) {
        let link = waypost_edge::journal::Reader::open(&self.data()).unwrap().link_at(held).unwrap().unwrap();
        let time = self.now.plus_ms(-ago_ms);
        let ack = Acknowledged { epoch: 1, time, journal: JOURNAL, held, safe: held, link, track_held: 0 };
        self.differs.push((time.to_string(), "THEN"));
        runtime().block_on(writer.acknowledged(ack)).unwrap();
    }

    fn stop(&self, writer: &Writer) {
        runtime().block_on(writer.stop());
    }

    /// Changes the file of a journal that nobody writes.
    fn sql(&self, statement: &str) {
        let connection = rusqlite::Connection::open(self.data().join("journal.db")).unwrap();
        connection.execute_batch(statement).unwrap();
    }

    /// What the whole doctor says: its exit status and its report.
    fn doctor(&self) -> (i32, Value) {
        let config = self.dir.path().join("gateway.toml");
        fs::write(&config, &self.config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
        command.args(["doctor", "--json", "--now", &self.now.to_string(), "--config"]).arg(&config);
        command.arg("--root").arg(self.root());
        if self.full {
            command.arg("--full");
        }
        let ran = command.output().unwrap();
        let report = serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)));
        (ran.status.code().unwrap(), report)
    }

    /// One check's part of it.
    fn check(&self, id: &str) -> Value {
        let (_, report) = self.doctor();
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no check {id}")).clone()
    }

    fn same(&self, text: &str) -> String {
        self.differs.iter().fold(text.to_owned(), |text, (differs, stands)| text.replace(differs, stands))
    }
}

fn site(kind: &str) -> String {
    format!(
        "gateway = \"post-1\"\ndata = \"data\"\n[site]\nid = \"SITE-PO1\"\nname = \"Post office\"\nkind = \"{kind}\"\n\
         time_zone = \"Asia/Hong_Kong\"\n"
    )
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A port on which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The check, the state's name, and how it comes about.
type State = (&'static str, &'static str, Box<dyn Fn(&mut Bench)>);

/// All states in their order: the check, the state's name, and how it comes about.
fn states() -> Vec<State> {
    fn state(check: &'static str, name: &'static str, set_up: impl Fn(&mut Bench) + 'static) -> State {
        (check, name, Box::new(set_up))
    }
    let emmc = |life: &'static str, spare: &'static str| {
        move |bench: &mut Bench| {
            bench.file("sys/block/mmcblk0/device/life_time", life);
            bench.file("sys/block/mmcblk0/device/pre_eol_info", spare);
        }
    };
    let hot = |temperature: &'static str| {
        move |bench: &mut Bench| {
            bench.file("sys/class/thermal/thermal_zone0/temp", temperature);
            bench.file("sys/class/thermal/cooling_device0/temp", "99000\n");
        }
    };
    let volt = |alarm: &'static str| {
        move |bench: &mut Bench| {
            bench.file("sys/class/hwmon/hwmon0/name", "cpu_thermal\n");
            bench.file("sys/class/hwmon/hwmon1/name", "rpi_volt\n");
            bench.file("sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm);
        }
    };
    let acknowledged = |requests: u32, held: u64, ago_ms: i64| {
        move |bench: &mut Bench| {
            let writer = bench.journal(requests);
            bench.acknowledged(&writer, held, ago_ms);
            bench.stop(&writer);
        }
    };
    // A certificate that ends so many days after now, and whether the key beside it is its own.
    let tls = |ends_in: i32, own_key: bool| {
        move |bench: &mut Bench| {
            let pem = bench.dir.path().join("tls");
            certificates(&pem, bench.now.as_millis() / DAY_MS + i64::from(ends_in), own_key);
            let ends = WallTime((bench.now.as_millis() / DAY_MS + i64::from(ends_in)) * DAY_MS);
            bench.differs.push((ends.to_string(), "ENDS"));
            bench.config += "[mqtt]\nhost = \"broker.invalid\"\n[mqtt.tls]\nca = \"tls/ca.pem\"\ncert = \"tls/cert.pem\"\n\
                 key = \"tls/key.pem\"\n";
        }
    };
    vec![
        state("clock", "a time server was heard", |bench| {
            bench.file("run/systemd/timesync/synchronized", "");
        }),
        state("clock", "with a battery", |bench| {
            bench.file("sys/class/rtc/rtc0/name", "rtc-ds3231\n");
        }),
        state("clock", "with a receiver", |bench| {
            bench.config += "[receiver]\nport = \"/dev/serial/by-id/usb-gnss\"\nbaud = 9600\n";
        }),
        state("clock", "with nothing that keeps it", |_| {}),
        state("clock", "of 1970", |bench| bench.now = WallTime(5_000)),
        state("clock", "before the hub's last word", |bench| {
            let writer = bench.journal(1);
            bench.acknowledged(&writer, 1, -DAY_MS);
            bench.stop(&writer);
        }),
        state("clock", "far ahead", |bench| {
            bench.now = bench.now.plus_ms(365 * DAY_MS);
            bench.differs.push((bench.now.to_string(), "LATER"));
        }),
        state("clock", "simulated", |bench| {
            bench.config =
                format!("{}[clock.simulated]\nstart = \"2020-09-03T00:00:00Z\"\nrate = 1.0\n", bench.config);
        }),
        state("disk_room", "no data yet", |bench| fs::remove_dir_all(bench.data()).unwrap()),
        state("wear", "nobody tells", |_| {}),
        state("wear", "a young card", emmc("0x01 0x02\n", "0x01\n")),
        state("wear", "an estimate that is not defined", emmc("0x00 0x03\n", "0x00\n")),
        state("wear", "an old card", emmc("0x09 0x04\n", "0x01\n")),
        state("wear", "little spare", emmc("0x05 0x05\n", "0x02\n")),
        state("wear", "beyond its life", emmc("0x0b 0x0a\n", "0x01\n")),
        state("wear", "no spare", emmc("0x05 0x05\n", "0x03\n")),
        state("wear", "nonsense", emmc("hello\n", "")),
        state("journal", "never run", |_| {}),
        state("journal", "nobody writes", |bench| {
            let writer = bench.journal(3);
            bench.stop(&writer);
        }),
        state("journal", "newer format", |bench| {
            let writer = bench.journal(1);
            bench.stop(&writer);
            bench.sql("PRAGMA user_version = 99");
        }),
        state("journal", "not a database", |bench| {
            fs::write(bench.data().join("journal.db"), vec![b'x'; 4096]).unwrap();
        }),
        state("journal", "something was set aside", |bench| {
            let writer = bench.journal(1);
            bench.stop(&writer);
            let aside = bench.data().join("quarantine/001");
            fs::create_dir_all(&aside).unwrap();
            fs::write(aside.join("begun.json"), json!({ "journal": JOURNAL }).to_string()).unwrap();
            fs::write(aside.join("report.json"), "{}").unwrap();
        }),
        state("journal", "a salvage was interrupted", |bench| {
            let writer = bench.journal(1);
            bench.stop(&writer);
            fs::create_dir_all(bench.data().join("quarantine/001")).unwrap();
        }),
        state("chain", "the end fits", |bench| {
            let writer = bench.journal(3);
            bench.stop(&writer);
        }),
        state("chain", "all fits", |bench| {
            let writer = bench.journal(100);
            bench.stop(&writer);
            bench.full = true;
        }),
        state("chain", "the last record was changed", |bench| {
            let writer = bench.journal(3);
            bench.stop(&writer);
            bench.sql("UPDATE ledger SET line = replace(line, 'item-2', 'item-9')");
        }),
        state("chain", "an old record was changed", |bench| {
            let writer = bench.journal(100);
            bench.stop(&writer);
            bench.sql("UPDATE ledger SET line = replace(line, 'item-2\"', 'item-9\"')");
            bench.full = true;
        }),
        state("chain", "records the hub has are gone", |bench| {
            let writer = bench.journal(3);
            bench.acknowledged(&writer, 5, 60_000);
            bench.stop(&writer);
            bench.sql("DELETE FROM ledger WHERE seq = 5");
        }),
        state("certificate", "none", |_| {}),
        state("certificate", "none is needed", |bench| {
            bench.config += "[mqtt]\nhost = \"127.0.0.1\"\nport = 1\n";
        }),
        state("certificate", "holds", tls(300, true)),
        state("certificate", "ends soon", tls(10, true)),
        state("certificate", "ended", tls(-3, true)),
        state("certificate", "by a clock that may be ten years ahead", move |bench| {
            tls(300, true)(bench);
            bench.now = bench.now.plus_ms(3_652 * DAY_MS);
        }),
        state("certificate", "of another key", tls(300, false)),
        state("certificate", "missing", move |bench| {
            tls(300, true)(bench);
            fs::remove_file(bench.dir.path().join("tls/cert.pem")).unwrap();
        }),
        state("broker", "none", |_| {}),
        state("broker", "nobody listens", |bench| {
            let port = free_port();
            bench.config += &format!("[mqtt]\nhost = \"127.0.0.1\"\nport = {port}\n");
            bench.differs.push((port.to_string(), "PORT"));
        }),
        state("broker", "listens", |bench| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            // Open until the test ends: the kernel answers for it.
            std::mem::forget(listener);
            bench.config += &format!("[mqtt]\nhost = \"127.0.0.1\"\nport = {port}\n");
            bench.differs.push((port.to_string(), "PORT"));
        }),
        state("acknowledgement", "never", |bench| {
            let writer = bench.journal(1);
            bench.stop(&writer);
        }),
        state("acknowledgement", "just now", acknowledged(3, 5, 30_000)),
        state("acknowledgement", "a day and more ago", acknowledged(3, 4, DAY_MS + 1)),
        state("acknowledgement", "long ago, and it has all", acknowledged(3, 5, 8 * DAY_MS)),
        state("acknowledgement", "long ago, and records wait", acknowledged(3, 2, 8 * DAY_MS)),
        state("acknowledgement", "by a clock that is wrong", move |bench| {
            acknowledged(3, 4, 0)(bench);
            bench.now = WallTime(5_000);
        }),
        state("campaign_keys", "another site", |bench| {
            bench.config = site("warehouse");
            let writer = bench.journal(1);
            bench.stop(&writer);
        }),
        state("campaign_keys", "no campaign", |bench| {
            let writer = bench.journal(1);
            bench.stop(&writer);
        }),
        state("campaign_keys", "here", |bench| campaign(bench, false)),
        state("campaign_keys", "destroyed", |bench| {
            campaign(bench, false);
            assert!(Keeper::open(&bench.data()).unwrap().destroy("campaign", "masks-2020-09").unwrap());
        }),
        state("campaign_keys", "the service's alone", |bench| {
            campaign(bench, false);
            fs::remove_file(bench.data().join("keys/rest.json")).unwrap();
        }),
        state("filters", "another site", |bench| {
            bench.config = site("warehouse");
            let writer = bench.journal(1);
            bench.stop(&writer);
        }),
        state("filters", "nothing to look at", |bench| campaign(bench, false)),
        state("filters", "none came yet", |bench| campaign(bench, true)),
        state("devices", "all there", |bench| {
            bench.file("dev/ttyUSB0", "");
            bench.config += "[[scanner]]\nname = \"counter\"\nport = \"/dev/ttyUSB0\"\nbaud = 9600\n";
        }),
        state("devices", "one is missing", |bench| {
            bench.config += "[[scanner]]\nname = \"counter\"\nport = \"/dev/ttyUSB0\"\nbaud = 9600\n";
        }),
        state("temperature", "nobody tells", |_| {}),
        state("temperature", "cool", hot("43312\n")),
        state("temperature", "warm", hot("74000\n")),
        state("temperature", "hot", hot("82500\n")),
        state("undervoltage", "nobody tells", |_| {}),
        state("undervoltage", "holds", volt("0\n")),
        state("undervoltage", "fell", volt("1\n")),
    ]
}

/// An authority, and a certificate that ends at the beginning of that day since 1970.
fn certificates(dir: &Path, ends_day: i64, own_key: bool) {
    let key = rcgen::KeyPair::generate().unwrap();
    let other = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["post-1".to_owned()]).unwrap();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = epoch + std::time::Duration::from_secs(u64::try_from(ends_day).unwrap() * 86_400);
    let certificate = params.self_signed(&key).unwrap();
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("ca.pem"), certificate.pem()).unwrap();
    fs::write(dir.join("cert.pem"), certificate.pem()).unwrap();
    let key = if own_key { key } else { other };
    fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
}

/// A campaign in force, with its key put away.
fn campaign(bench: &mut Bench, elsewhere: bool) {
    let writer = bench.journal(0);
    let round = json!({ "id": "r1", "from": "2020-09-01", "until": "2020-09-30", "packs_first": 2, "packs_again": 1 });
    let hash = json!({ "m_kib": 19456, "t": 2, "p": 1 });
    let terms = json!({
        "id": "masks-2020-09", "name": "Masks", "rounds": [round], "hash": hash,
        "documents": ["hk"], "proxies_max": 2, "daily_quota": null, "appeal": "1823",
    });
    let mut terms = terms;
    if elsewhere {
        terms["elsewhere"] = json!({ "stale_after_min": 60, "when_stale": "serve" });
    }
    let order = json!({ "kind": "campaign", "terms": terms, "key": "00".repeat(32) });
    let act = json!({ "act": "apply_order", "document": { "id": "masks-2020-09", "epoch": 1, "number": 1, "order": order } });
    let mut act: Act = serde_json::from_value(act).unwrap();
    if let Act::ApplyOrder { document } = &mut act {
        Keeper::open(&bench.data()).unwrap().put_away(document).unwrap();
    }
    let request = Request { id: RequestId::new("order").unwrap(), by: None, act };
    let verdict = writer.ask_blocking(request);
    assert!(matches!(verdict, Verdict::Granted { first: 1.., .. }), "{verdict:?}");
    bench.stop(&writer);
}

#[test]
fn every_state_of_every_check_is_told_in_the_words_that_were_kept() {
    let mut told = String::new();
    for (id, name, set_up) in states() {
        let mut bench = Bench::new();
        set_up(&mut bench);
        let check = bench.check(id);
        let outcome = check["outcome"].as_str().unwrap();
        writeln!(told, "{id}, {name}: {outcome}").unwrap();
        writeln!(told, "  {}", bench.same(check["found"].as_str().unwrap())).unwrap();
        match check["remedy"].as_str() {
            Some(remedy) => writeln!(told, "  → {}", bench.same(remedy)).unwrap(),
            None => assert!(matches!(outcome, "ok" | "skipped"), "{id}, {name}: what is to be done?"),
        }
    }
    if std::env::var("WAYPOST_GOLDEN").is_ok_and(|value| value == "write") {
        fs::write(GOLDEN, &told).unwrap();
    }
    let kept = fs::read_to_string(GOLDEN).unwrap();
    for (kept, told) in kept.lines().zip(told.lines()) {
        assert_eq!(kept, told);
    }
    assert_eq!(kept.lines().count(), told.lines().count());
}

#[test]
fn it_works_beside_the_gateway_that_writes_and_names_its_process() {
    let mut bench = Bench::new();
    symlink("/proc", bench.root().join("proc")).unwrap();
    let writer = bench.journal(3);
    let found = bench.check("journal")["found"].as_str().unwrap().to_owned();
    assert!(found.ends_with(&format!("process {} writes it", std::process::id())), "{found}");
    let chain = bench.check("chain");
    assert_eq!(chain["outcome"], "ok", "{chain}");
    bench.stop(&writer);
    let found = bench.check("journal")["found"].as_str().unwrap().to_owned();
    assert!(found.ends_with("no gateway writes it now"), "{found}");
}

#[test]
fn its_exit_status_is_one_where_a_check_failed_and_nothing_is_made() {
    let mut bench = Bench::new();
    let before = |bench: &Bench| fs::read_dir(bench.data()).unwrap().count();
    assert_eq!(before(&bench), 0);
    let (status, report) = bench.doctor();
    assert_eq!((status, report["outcome"].as_str().unwrap()), (0, "warning"), "{report}");
    assert_eq!(before(&bench), 0, "the doctor writes nothing");
    assert_eq!(report["gateway"], "post-1");
    let ids: Vec<_> = report["checks"].as_array().unwrap().iter().map(|check| &check["id"]).collect();
    assert_eq!(ids.len(), 13, "{ids:?}");
    bench.file("sys/class/hwmon/hwmon1/name", "rpi_volt\n");
    bench.file("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
    let (status, report) = bench.doctor();
    assert_eq!((status, report["outcome"].as_str().unwrap()), (1, "failure"), "{report}");
}

#[test]
fn people_get_a_table_with_words_and_no_colours_where_it_is_no_terminal() {
    let bench = Bench::new();
    let config = bench.dir.path().join("gateway.toml");
    fs::write(&config, &bench.config).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .args(["doctor", "--config"])
        .arg(&config)
        .arg("--root")
        .arg(bench.root())
        .output()
        .unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    assert!(!told.contains('\x1b'), "{told}");
    let line = told.lines().find(|line| line.contains("undervoltage")).unwrap();
    assert_eq!(line, "skipped   undervoltage     this machine does not tell it");
    assert!(told.contains("WARNING   clock"), "{told}");
    assert!(told.lines().last().unwrap().starts_with("13 checks: "), "{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
}
