//! The hub's authority: who may be a gateway, and with which certificate.
//!
//! `<dir>/authority/` holds the authority of broker and gateways and the root's list of keys; the root itself is taken
//! away by the operator. `<dir>/codes/` holds one-time codes, `<dir>/gateways/` what each enrolled gateway's keys and
//! certificates are. Commands and the running hub share these files: each change is made under a lock, and a file is
//! there whole or not at all.
//!
//! What it promises: a code enrols one gateway once, within its time; a revoked gateway gets nothing, its certificates
//! are on the revocation list and its signature is believed no more; an expired certificate renews as long as it is not
//! revoked.

pub mod acl;
pub mod authority;
mod file;
pub mod registry;
pub(crate) mod serve;

use std::net::SocketAddr;

use waypost_core::wire::enrolment::BrokerAddress;

/// Where gateways are enrolled, and what they are told.
#[derive(Debug, Clone)]
pub struct Enrol {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What gateways are told, as `host:port`.
    pub address: String,
    /// Where they find the broker.
    pub broker: BrokerAddress,
    /// How long a certificate holds.
    pub days: u32,
    /// The longest time that a gateway is offline; it renews three times that before the end.
    pub offline_days: u32,
}

impl Enrol {
    /// Days before the end from which a certificate is renewed: three times the longest time offline.
    pub fn renew_days(&self) -> u32 {
        self.offline_days.saturating_mul(3)
    }
}
