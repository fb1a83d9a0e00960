//! MQTT topics. A gateway writes only its own `ledger`, `track`, `health`, `alarm`, `status` and `ask`, and reads only its
//! own `ack`, `answer` and `order/…`, and `waypost/v1/all/order/…` and `waypost/v1/all/filter/…`.

use crate::fact::id::GatewayId;

/// What all topics begin with; the number grows with a change that an older reader would misread.
pub const PREFIX: &str = "waypost/v1";

/// What a gateway sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Up {
    /// Batches of the ledger.
    Ledger,
    /// Batches of the track.
    Track,
    /// The latest state; not stored.
    Health,
    /// Express copies of alarms.
    Alarm,
    /// Online or offline; retained, and the will.
    Status,
    /// Questions about a person.
    Ask,
}

impl Up {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Ledger, Self::Track, Self::Health, Self::Alarm, Self::Status, Self::Ask];

    /// The topic's last level.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Track => "track",
            Self::Health => "health",
            Self::Alarm => "alarm",
            Self::Status => "status",
            Self::Ask => "ask",
        }
    }

    /// The topic of a gateway.
    pub fn topic(self, gateway: &GatewayId) -> String {
        format!("{PREFIX}/{gateway}/{}", self.name())
    }

    /// The filter for all gateways.
    pub fn filter(self) -> String {
        format!("{PREFIX}/+/{}", self.name())
    }

    /// Reads a topic.
    pub fn parse(topic: &str) -> Option<(GatewayId, Self)> {
        let (gateway, name) = topic.strip_prefix(PREFIX)?.strip_prefix('/')?.split_once('/')?;
        let up = Self::ALL.into_iter().find(|up| up.name() == name)?;
        Some((GatewayId::new(gateway).ok()?, up))
    }
}

/// The hub's acknowledgement to a gateway: retained.
pub fn ack(gateway: &GatewayId) -> String {
    format!("{PREFIX}/{gateway}/ack")
}

/// An order of one kind to a gateway: retained.
pub fn order(gateway: &GatewayId, kind: &str) -> String {
    format!("{PREFIX}/{gateway}/order/{kind}")
}

/// An order to all gateways: retained.
pub fn order_to_all(kind: &str, id: &str) -> String {
    format!("{PREFIX}/all/order/{kind}/{id}")
}

/// The hub's answers to a gateway's questions: not retained.
pub fn answer(gateway: &GatewayId) -> String {
    format!("{PREFIX}/{gateway}/answer")
}

/// A piece of a filter, whose parts are retained beneath: the base at 0, the deltas since from 1.
pub fn filter_piece(id: &str, piece: u32) -> String {
    format!("{PREFIX}/all/filter/{id}/{piece}")
}

/// Is that a topic of pieces of filters?
pub fn is_filter(topic: &str) -> bool {
    topic.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with("/all/filter/"))
}

/// What a gateway subscribes to: its acknowledgements and its orders, and where claims are served the filters and
/// the answers to its questions.
pub fn subscriptions(gateway: &GatewayId, with_filters: bool) -> Vec<String> {
    let mut all = vec![ack(gateway), format!("{PREFIX}/{gateway}/order/#"), format!("{PREFIX}/all/order/#")];
    if with_filters {
        all.push(answer(gateway));
        all.push(format!("{PREFIX}/all/filter/#"));
    }
    all
}
