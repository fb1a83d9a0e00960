//! The hub's keys, made by `waypost hub init`.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{process, program};

/// The hub's public keys, as gateways must know them.
#[derive(Clone)]
pub struct HubKeys {
    /// Signs acknowledgements.
    pub ack_key: String,
    /// Signs orders.
    pub order_key: String,
}

impl HubKeys {
    /// Makes keys in a directory.
    pub fn make(dir: &Path) -> Self {
        let mut init = Command::new(program::waypost());
        init.args(["hub", "init"]).arg(dir).args(["--broker", "127.0.0.1", "--json"]);
        let public: Value = serde_json::from_str(&process::run(&mut init)).unwrap();
        Self {
            ack_key: public["ack_key"].as_str().unwrap().to_owned(),
            order_key: public["order_keys"][0].as_str().unwrap().to_owned(),
        }
    }
}
