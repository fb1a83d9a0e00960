//! `waypost init`, `waypost hub init` and `waypost hub order` as a person or a script calls them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is wrong"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn waypost(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waypost")).args(args).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A directory of this test's own, removed when it ends.
struct Dir(std::path::PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("waypost-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_gateways_identity_is_made_once_and_only_its_public_part_is_printed() {
    let dir = Dir::new("init");
    let data = dir.0.join("gateway");
    let public = json(&waypost(&["init", text(&data), "--gateway", "post-1", "--json"]));
    assert_eq!(public["gateway"], "post-1");
    assert_eq!(public["key"].as_str().unwrap().len(), 64);
    let file = data.join("identity.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["journal"], public["journal"]);
    assert_ne!(kept["signing_key"], public["key"]);

    let again = waypost(&["init", text(&data), "--gateway", "post-1"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("there already"));
    let still: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(still, kept);
}

#[test]
fn an_id_that_cannot_stand_in_a_topic_is_refused() {
    let dir = Dir::new("init-bad");
    for id in ["a/b", "+", "#", "all", ""] {
        let output = waypost(&["init", text(&dir.0.join("g")), "--gateway", id]);
        assert_eq!(output.status.code(), Some(2), "{id}");
    }
    assert!(!dir.0.join("g").exists());
}

#[test]
fn an_order_of_each_kind_is_printed_signed_and_shown_without_its_secrets() {
    let dir = Dir::new("orders");
    let hub = dir.0.join("hub");
    let public = json(&waypost(&["hub", "init", text(&hub), "--json"]));
    let key = public["order_keys"][0].as_str().unwrap();
    assert_ne!(public["ack_key"].as_str().unwrap(), key);
    for kind in ["campaign", "staff", "seals", "fences", "manifest"] {
        let example = waypost(&["hub", "order", "example", kind]);
        let order = json(&example);
        let file = dir.0.join(format!("{kind}.json"));
        fs::write(&file, &example.stdout).unwrap();
        let mut sign = vec!["hub", "order", "sign", "--json", "--dir", text(&hub), text(&file)];
        if ["campaign", "seals"].contains(&kind) {
            let refused = waypost(&sign);
            assert_eq!(refused.status.code(), Some(1), "its secrets are signed for no gateway that is known");
            sign.push("--plain");
        }
        let signed = json(&waypost(&sign));
        assert_eq!(signed["kind"], kind);
        let cose = dir.0.join(format!("{kind}.cose"));
        assert_eq!(fs::metadata(&cose).unwrap().permissions().mode() & 0o777, 0o600);
        let shown = waypost(&["hub", "order", "show", "--key", key, text(&cose)]);
        assert_eq!(json(&shown)["order"]["kind"], kind);
        assert_eq!(json(&waypost(&["hub", "order", "show", "--dir", text(&hub), text(&cose)])), json(&shown));
        let secret = match kind {
            "campaign" => order["order"]["key"].as_str(),
            "seals" => order["order"]["seals"][0]["key"].as_str(),
            _ => None,
        };
        if let Some(secret) = secret {
            assert!(!String::from_utf8_lossy(&shown.stdout).contains(secret));
        }
        let again = waypost(&sign);
        assert_eq!(again.status.code(), Some(1), "an existing file is not written over");
    }
}

#[test]
fn an_order_signed_by_another_or_changed_is_not_shown() {
    let dir = Dir::new("orders-bad");
    let (hub, other) = (dir.0.join("hub"), dir.0.join("other"));
    json(&waypost(&["hub", "init", text(&hub), "--json"]));
    json(&waypost(&["hub", "init", text(&other), "--json"]));
    let file = dir.0.join("staff.json");
    fs::write(&file, &waypost(&["hub", "order", "example", "staff"]).stdout).unwrap();
    json(&waypost(&["hub", "order", "sign", "--json", "--dir", text(&hub), text(&file)]));
    let cose = dir.0.join("staff.cose");
    let shown = waypost(&["hub", "order", "show", "--dir", text(&other), text(&cose)]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(shown.stdout.is_empty());
    let mut bytes = fs::read(&cose).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&cose, bytes).unwrap();
    assert_eq!(waypost(&["hub", "order", "show", "--dir", text(&hub), text(&cose)]).status.code(), Some(1));
    fs::write(&file, "{\"id\":\"-\"}").unwrap();
    let bad =
        waypost(&["hub", "order", "sign", "--dir", text(&hub), "--out", text(&dir.0.join("x")), text(&file)]);
    assert!(String::from_utf8_lossy(&bad.stderr).contains("is no order"));
}
