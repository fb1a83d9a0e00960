//! Papers of a whole gateway: after the commit, once, and marked where they come again.

use serde_json::Value;
use waypost_drivers::{
    bench::{Paper, VirtualPrinter, VirtualRadio, VirtualSeal},
    printer::Dialect,
    seal::{SealKey, hex},
};
use waypost_integration_tests::{
    codes,
    console::Answer,
    export,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders,
    wait::{SOON, until, until_true},
};

use crate::{codes as expected, paper::Picture, read};

fn papers(device: &VirtualPrinter, count: usize) -> Vec<Paper> {
    until(&format!("{count} papers"), SOON, || {
        let papers = device.papers();
        assert!(papers.len() <= count, "{} papers, not {count}", papers.len());
        (papers.len() == count).then_some(papers)
    })
}

fn lines(answer: &Answer) -> String {
    answer.0["lines"].to_string()
}

fn reprints(gateway: &Gateway) -> Vec<(u64, u64)> {
    let facts = gateway.ledger().into_iter().map(|line| export::record(&line)["fact"].clone());
    let again = facts.filter(|fact: &Value| fact["kind"] == "paper_reprinted");
    again.map(|fact| (fact["record"].as_u64().unwrap(), fact["number"].as_u64().unwrap())).collect()
}

#[test]
fn a_receipt_comes_once_after_the_commit_and_a_reprint_bears_its_number_also_after_a_kill() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let device = runtime.block_on(VirtualPrinter::tcp(Dialect::EscPos)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let section = format!(
        "[[printer]]\nname = \"counter printer\"\nkind = \"escpos\"\naddress = \"{}\"\n",
        device.address()
    );
    let mut gateway = Gateway::make(dir.path(), Plan::post_office("po-1").with(&section), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff(), orders::campaign()]);
    gateway.start();
    gateway.sign_in();
    let console = gateway.console();
    assert_eq!(console.scan("CMD-REPRINT").tone(), "no", "nothing was printed yet");
    console.scan("CMD-STOCK-IN");
    console.scan("CMD-ITEM-PACKS");
    console.yes("QTY-100");

    let served = console.yes(&codes::hkid(1));
    papers(&device, 1);
    assert_eq!(console.scan(&codes::hkid(1)).tone(), "no", "served once");
    console.yes("CMD-REPRINT");
    let both = papers(&device, 2);
    let [first, again] = [&both[0], &both[1]].map(|paper| {
        assert!(paper.whole);
        Picture::of_receipt(&paper.bytes)
    });
    assert!(
        again.rows.ends_with(&first.rows[16..]) && again.rows.len() > first.rows.len(),
        "the same, marked"
    );
    let record = served.records().unwrap().0;
    assert_eq!(reprints(&gateway), [(record, 1)]);

    // The paper ends in the middle of the next receipt. The verdict comes all the same, and the panel says what to do.
    device.load(100);
    console.yes(&codes::hkid(2));
    until_true("the panel says what to do", SOON, || {
        lines(&console.panel()).contains("counter printer is out of paper: load a new roll")
    });
    console.yes(&codes::hkid(3));
    device.load(1_000_000);
    let all = papers(&device, 4);
    assert!(all.iter().all(|paper| paper.whole));
    until_true("the panel has nothing more to say", SOON, || {
        !lines(&console.panel()).contains("out of paper")
    });

    // Nothing is printed again by a start; a person asks, and the count goes on.
    let latest = console.yes("CMD-REPRINT").records().unwrap();
    papers(&device, 5);
    gateway.kill();
    gateway.start();
    gateway.sign_in();
    gateway.console().yes("CMD-REPRINT");
    papers(&device, 6);
    let numbers = reprints(&gateway);
    let [.., (before, 1), (after, 2)] = numbers.as_slice() else { panic!("{numbers:?}") };
    assert!(before == after && *after > record && *after < latest.0, "{numbers:?}");

    device.unplug();
    until_true("the panel says what is missing", SOON, || {
        let panel = gateway.console().panel();
        panel.0["status"]["missing"].to_string().contains("counter printer")
            && lines(&panel).contains("counter printer is not reached: check its cable")
    });
    let report = gateway.console().yes("CMD-CLOSE-SHIFT");
    assert_eq!(report.main(), "Shift closed");
    runtime.block_on(device.plug()).unwrap();
    papers(&device, 7);
    gateway.process().assert_runs();
    gateway.stop();
    gateway.verify();
}

#[test]
fn a_sealed_box_gets_its_label_and_a_scanner_reads_the_box_on_it() {
    const SEAL: &str = "S-0001";
    const ADDRESS: &str = "54:48:E6:8F:80:A5";
    const KEY: &str = "231d39c1d7cc1ab1aee224cd096db932";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let dir = tempfile::tempdir().unwrap();
    let radio = VirtualRadio::new(dir.path(), "radio").unwrap();
    let key: [u8; 16] = hex::decode(KEY).unwrap().try_into().unwrap();
    radio.add(VirtualSeal::new(ADDRESS.parse().unwrap(), SealKey::new(key)).shared()).unwrap();
    let device = VirtualPrinter::serial(Dialect::Zpl, dir.path(), "labels").unwrap();
    let section = format!(
        "[seal_reader]\nport = \"{}\"\n[[printer]]\nkind = \"zpl\"\nport = \"{}\"\nbaud = 115200\n",
        radio.path().display(),
        device.path().display()
    );
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let mut gateway =
        Gateway::make(dir.path(), Plan::testing_centre("ctc-1").with(&section), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff(), orders::seals(&[(SEAL, ADDRESS, KEY)])]);
    gateway.start();
    gateway.sign_in();
    let console = gateway.console();
    let grai = "02112345678900AB12";
    console.yes(&format!("]C18003{grai}"));
    console.yes(&codes::tube(1));
    console.scan("CMD-CLOSE-BOX");
    console.yes("CMD-CHECK-ALL");
    until("the seal is heard and taken", SOON, || {
        Some(console.scan(SEAL)).filter(|answer| answer.tone() == "yes")
    });
    let label = Picture::of_label(&papers(&device, 1)[0].bytes);
    gateway.stop();
    let Some(found) = read(&[("gateway-label".to_owned(), label)]) else { return };
    let code = format!("8003{grai}");
    assert_eq!(found[0], expected(&[("]d2", &code), ("]C1", &code)]));
}
