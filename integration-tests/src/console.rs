//! A person in front of a gateway's console.

use std::time::Duration;

use reqwest::{
    StatusCode,
    blocking::{Client, RequestBuilder, Response},
};
use serde_json::{Value, json};

/// Longest wait for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

/// A gateway's console.
#[derive(Clone)]
pub struct Console {
    client: Client,
    port: u16,
}

/// The panel that answers a scan, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer(pub Value);

impl Answer {
    /// The kind of answer.
    pub fn tone(&self) -> &str {
        self.0["tone"].as_str().unwrap()
    }

    /// The verdict in words.
    pub fn main(&self) -> &str {
        self.0["main"].as_str().unwrap()
    }

    /// First and last number of the records that it wrote.
    pub fn records(&self) -> Option<(u64, u64)> {
        let records = self.0["records"].as_array()?;
        Some((records[0].as_u64().unwrap(), records[1].as_u64().unwrap()))
    }
}

impl Console {
    /// The console at a port of the loopback.
    pub fn new(port: u16) -> Self {
        let client = Client::builder().timeout(ANSWER_TIME_MAX).no_proxy().build().unwrap();
        Self { client, port }
    }

    /// Where a path of it is.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A request to be changed and sent.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path)).header("Content-Type", "application/json")
    }

    /// A request to be changed and sent.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    /// Scans a code; the answer comes after the commit.
    pub fn scan(&self, text: &str) -> Answer {
        answer(self.post("/scan").body(json!({ "text": text }).to_string()).send().unwrap())
    }

    /// Scans a code under a key: the same key is the same request.
    pub fn scan_once(&self, text: &str, key: &str) -> Answer {
        let request = self.post("/scan").header("Idempotency-Key", key);
        answer(request.body(json!({ "text": text }).to_string()).send().unwrap())
    }

    /// Scans a code of a gateway that may die under it: none where no answer came.
    pub fn try_scan(&self, text: &str) -> Option<Answer> {
        let response = self.post("/scan").body(json!({ "text": text }).to_string()).send().ok()?;
        let text = response.text().ok()?;
        serde_json::from_str(&text).ok().map(Answer)
    }

    /// The same under a key.
    pub fn try_scan_once(&self, text: &str, key: &str) -> Option<Answer> {
        let request = self.post("/scan").header("Idempotency-Key", key);
        let response = request.body(json!({ "text": text }).to_string()).send().ok()?;
        // A gateway that stops says that it does.
        (response.status() == StatusCode::OK).then_some(())?;
        let text = response.text().ok()?;
        serde_json::from_str(&text).ok().map(Answer)
    }

    /// Scans a code that must be granted; gives the panel.
    pub fn yes(&self, text: &str) -> Answer {
        let answer = self.scan(text);
        assert_eq!(answer.tone(), "yes", "{text}: {}", answer.0);
        answer
    }

    /// The live panel, if the console answers.
    pub fn try_panel(&self) -> Option<Answer> {
        let response = self.get("/panel").send().ok()?;
        (response.status() == StatusCode::OK).then(|| answer(response))
    }

    /// The live panel.
    pub fn panel(&self) -> Answer {
        self.try_panel().expect("the console answers")
    }
}

fn answer(response: Response) -> Answer {
    let status = response.status();
    let text = response.text().unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    Answer(serde_json::from_str(&text).unwrap())
}
