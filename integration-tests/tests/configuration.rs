//! A configuration that cannot be used is refused with file, line and remedy; so is a second process on a journal.

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
    path::Path,
    process::{Command, Output},
};

use waypost_integration_tests::{
    gateway::{Gateway, Plan},
    hub::{Hub, HubKeys},
    port, program,
};

fn gateway(dir: &Path) -> Gateway {
    let keys = HubKeys::make(&dir.join("keys"));
    Gateway::make(dir, Plan::testing_centre("ctc-1"), Some(port::free()), Some(&keys))
}

fn run(args: &[&str], config: &Path) -> Output {
    Command::new(program::waypost()).args(args).arg("--config").arg(config).output().unwrap()
}

/// Runs it with and without `--check`; it must say all of this and end with a failure.
fn refused(command: &str, config: &Path, says: &[&str]) {
    let attempts: &[&[&str]] = if command == "run" { &[&["run"], &["run", "--check"]] } else { &[&["hub"]] };
    for args in attempts {
        let output = run(args, config);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{args:?} took it: {said}");
        for word in says {
            assert!(said.contains(word), "{args:?} does not say {word}:\n{said}");
        }
    }
}

/// Changes a text in the file: gives `FILE:LINE` of it.
fn change(config: &Path, from: &str, to: &str) -> String {
    let text = fs::read_to_string(config).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from} in\n{text}");
    let line = text[..text.find(from).unwrap()].matches('\n').count() + 1;
    fs::write(config, text.replace(from, to)).unwrap();
    format!("{}:{line}:", config.display())
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one_file_line_and_remedy() {
    for (from, to, nearest) in [
        ("kind = \"testing", "kidn = \"testing", "`kind`"),
        ("box_tubes_max", "box_tube_max", "`box_tubes_max`"),
        ("listen", "lisen", "`listen`"),
        ("[console]", "[consol]", "`console`"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let config = gateway(dir.path()).config();
        let place = change(&config, from, to);
        let word = to.split([' ', '=']).next().unwrap().trim_matches(['[', ']']);
        refused("run", &config, &[&place, word, nearest, "remedy"]);
    }
}

#[test]
fn a_device_without_a_port_is_refused_with_the_line_and_what_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let text = fs::read_to_string(gateway.config()).unwrap();
    let line = text.lines().count() + 1;
    fs::write(gateway.config(), format!("{text}[[scanner]]\nname = \"counter\"\n")).unwrap();
    let place = format!("{}:{line}", gateway.config().display());
    refused("run", &gateway.config(), &[&place, "port", "remedy", "/dev/serial/by-id"]);
}

#[test]
fn plain_mqtt_beyond_this_machine_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = gateway(dir.path()).config();
    let place = change(&config, "host = \"127.0.0.1\"", "host = \"mqtt.example.org\"");
    refused("run", &config, &[&place, "plain MQTT", "remedy", "[mqtt.tls]"]);
}

#[test]
fn a_console_for_the_network_is_refused() {
    for listen in ["0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080"] {
        let dir = tempfile::tempdir().unwrap();
        let config = gateway(dir.path()).config();
        let text = fs::read_to_string(&config).unwrap();
        let old = text.lines().find(|line| line.starts_with("listen")).unwrap().to_owned();
        let place = change(&config, &old, &format!("listen = \"{listen}\""));
        refused("run", &config, &[&place, "remedy", "127.0.0.1"]);
    }
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_told() {
    let dir = tempfile::tempdir().unwrap();
    refused("run", &dir.path().join("none.toml"), &["none.toml", "--config"]);
    let config = dir.path().join("bad.toml");
    fs::write(&config, "gateway = \"a\"\nthis is no toml\n").unwrap();
    refused("run", &config, &["bad.toml:2:", "remedy"]);
}

#[test]
fn a_second_process_on_the_same_journal_is_refused_and_the_first_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut gateway = gateway(dir.path());
    gateway.start();
    let before = gateway.ledger();
    let other = gateway.dir().join("other.toml");
    let text = fs::read_to_string(gateway.config()).unwrap();
    let text = text.replace(&gateway.console().port().to_string(), &port::free().to_string());
    fs::write(&other, text).unwrap();
    let output = run(&["run"], &other);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("another process") || said.contains("already"), "{said}");
    assert!(said.contains("data"), "it names the journal's place: {said}");
    gateway.process().assert_runs();
    assert_eq!(gateway.ledger(), before);
    gateway.stop();
}

#[test]
fn a_good_file_is_checked_without_starting_anything() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let output = run(&["run", "--check"], &gateway.config());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!gateway.data().join("journal.db").exists(), "a check writes nothing");
}

#[test]
fn each_example_of_a_station_is_a_configuration_that_runs() {
    for kind in ["testing_centre", "post_office", "vehicle", "laboratory", "warehouse"] {
        let dir = tempfile::tempdir().unwrap();
        let example = Command::new(program::waypost()).args(["config", "example", kind]).output().unwrap();
        assert!(example.status.success(), "{kind}");
        let config = dir.path().join("waypost.toml");
        fs::write(&config, &example.stdout).unwrap();
        let output = run(&["run", "--check"], &config);
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_hub_refuses_its_configuration_with_the_same_words() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path());
    let hub = Hub::make(&dir.path().join("hub"), &[]);
    for (from, to, says) in [
        ("[[gateway]]", "[[gatewey]]", &["`gateway`", "remedy"][..]),
        ("host = \"127.0.0.1\"", "host = \"mqtt.example.org\"", &["remedy", "[mqtt.tls]"]),
        ("listen = \"127.0.0.1", "listen = \"0.0.0.0", &["remedy", "127.0.0.1"]),
        ("secret_key = \"", "secret_key = \"zz", &["remedy"]),
    ] {
        hub.configure(port::free(), [&gateway]);
        let place = change(&hub.config(), from, to);
        let mut all = vec![place.as_str()];
        all.extend_from_slice(says);
        refused("hub", &hub.config(), &all);
    }
}
