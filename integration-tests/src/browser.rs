//! Debian's Chromium without a window, led by its chromedriver (W3C WebDriver over HTTP).

use std::{path::Path, process::Command, time::Duration};

use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::{
    port,
    process::Process,
    program,
    wait::{SOON, until},
};

/// A browser with one page.
pub struct Browser {
    client: Client,
    session: String,
    driver: Process,
}

impl Browser {
    /// Starts it; its log lies in `dir`.
    pub fn start(dir: &Path) -> Self {
        let port = port::free();
        let mut command = Command::new(program::find("chromedriver").expect("chromedriver is installed"));
        command.arg(format!("--port={port}"));
        let mut driver = Process::start("chromedriver", &mut command, &dir.join("chromedriver.log"));
        let client = Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        until("chromedriver answers", SOON, || {
            driver.assert_runs();
            client.get(format!("{base}/status")).send().ok()
        });
        let options = json!({
            "binary": program::find("chromium").expect("chromium is installed"),
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     format!("--user-data-dir={}", dir.join("browser").display())],
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
        }}});
        let answer = client.post(format!("{base}/session")).body(wanted.to_string()).send().unwrap();
        let answer: Value = serde_json::from_str(&answer.text().unwrap()).unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {answer}"));
        Self { session: format!("{base}/session/{id}"), client, driver }
    }

    /// Opens a page.
    pub fn open(&self, url: &str) {
        self.ask("/url", &json!({ "url": url }));
    }

    /// Runs a script in the page, the body of a function; gives what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.ask("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Types into the element that the selector finds; `\u{E007}` is Enter.
    pub fn type_into(&self, selector: &str, text: &str) {
        let found = self.ask("/element", &json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str).unwrap();
        self.ask(&format!("/element/{id}/value"), &json!({ "text": text }));
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let answer = self.client.post(url).body(body.to_string()).send().unwrap();
        let ok = answer.status().is_success();
        let answer: Value = serde_json::from_str(&answer.text().unwrap()).unwrap();
        assert!(ok, "{path}: {answer}");
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.client.delete(&self.session).send();
        self.driver.kill();
    }
}
