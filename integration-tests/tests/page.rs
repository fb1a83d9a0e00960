//! The panel's page in a real browser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use waypost_integration_tests::{
    browser::Browser,
    codes,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders, program,
    wait::{SOON, until_true},
};

#[test]
fn the_page_shows_each_verdict_without_being_asked_and_takes_a_typed_code() {
    if !program::has(&["chromium", "chromedriver"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let mut gateway = Gateway::make(dir.path(), Plan::testing_centre("ctc-1"), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    gateway.start();
    gateway.sign_in();

    let browser = Browser::start(dir.path());
    browser.open(&gateway.console().url("/"));
    let text = || browser.run("return document.body.innerText").as_str().unwrap_or_default().to_owned();
    until_true("the page shows who is signed in", SOON, || text().contains("s-clerk"));

    // Scanned elsewhere: the page is told.
    let answer = gateway.console().yes(&codes::tube(1));
    until_true("the page shows the verdict", SOON, || text().contains(answer.main()));

    // Typed here, as a keyboard wedge does.
    browser.type_into("input:not([type=hidden])", &format!("{}\u{E007}", codes::tube(2)));
    until_true("the page shows what was typed into it", SOON, || text().contains(&codes::tube(2)));
    until_true("it is recorded", SOON, || gateway.facts_of(&codes::tube(2)) == 1);

    // A refusal shows in words and sign, not in colour alone.
    browser.type_into("input:not([type=hidden])", "HELLO\u{E007}");
    let refusal = gateway.console().scan("HELLO").main().to_owned();
    until_true("the page shows a refusal", SOON, || text().contains(&refusal));

    // The other language.
    gateway.console().post("/language").body("{\"lang\":\"zh-HK\"}").send().unwrap();
    until_true("the page changes its language", SOON, || {
        text().chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c))
    });
}
