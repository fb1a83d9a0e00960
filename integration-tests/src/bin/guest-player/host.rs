//! The line to the tests outside.

use std::{
    io::{self, BufRead, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use waypost_drivers::seal::hex;

/// The line. What is asked is answered at once, one question after the other.
pub struct Host(Mutex<()>);

impl Host {
    /// On standard input and output.
    pub fn new() -> Self {
        Self(Mutex::new(()))
    }

    /// A command to the virtual machine (QEMU's QMP).
    pub fn machine(&self, command: &str, arguments: Value) -> Value {
        self.ask(json!({ "machine": { "execute": command, "arguments": arguments } }))
    }

    /// Sends bytes out of the virtual serial adapter, as the device behind it would.
    pub fn serial(&self, bytes: &[u8]) {
        self.ask(json!({ "serial": hex::encode(bytes) }));
    }

    /// Keeps a picture, a PNG, to be compared with.
    pub fn expect_picture(&self, png: &[u8]) {
        self.ask(json!({ "picture": hex::encode(png) }));
    }

    /// Whether the machine's screen shows that picture now, dot by dot.
    pub fn sees_picture(&self) -> bool {
        self.ask(json!({ "sees": true })) == json!(true)
    }

    /// Keeps what the machine's screen shows, for a person to look at.
    pub fn photograph(&self, name: &str) {
        self.ask(json!({ "photograph": name }));
    }

    /// The result of a scenario: none, or why it failed.
    pub fn tell(&self, scenario: &str, failure: Option<String>) {
        let _line = self.line();
        say(&json!({ "scenario": scenario, "failure": failure }));
    }

    /// Something worth knowing, such as a figure.
    pub fn note(&self, scenario: &str, note: &str) {
        let _line = self.line();
        say(&json!({ "scenario": scenario, "note": note }));
    }

    /// Nothing more comes.
    pub fn end(&self) {
        let _line = self.line();
        say(&json!({ "end": true }));
    }

    fn ask(&self, question: Value) -> Value {
        let _line = self.line();
        say(&json!({ "ask": question }));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).unwrap();
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer.get("error").is_none(), "{question}: {answer}");
        answer["answer"].take()
    }

    fn line(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say(value: &Value) {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}").unwrap();
    out.flush().unwrap();
}
