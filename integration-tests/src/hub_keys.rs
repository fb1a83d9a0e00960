//! The hub's keys, made by `waypost hub init`.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{
    process, program,
    wall::{self, Wall},
};

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
        Self::make_at(dir, None)
    }

    /// The same on a machine with this wall clock.
    pub fn make_at(dir: &Path, wall: Option<&Wall>) -> Self {
        let mut init = Command::new(program::waypost());
        init.args(["hub", "init"]).arg(dir).args(["--broker", "127.0.0.1", "--json"]);
        wall::put_on(wall, &mut init);
        let public: Value = serde_json::from_str(&process::run(&mut init)).unwrap();
        Self {
            ack_key: public["ack_key"].as_str().unwrap().to_owned(),
            order_key: public["order_keys"][0].as_str().unwrap().to_owned(),
        }
    }
}
