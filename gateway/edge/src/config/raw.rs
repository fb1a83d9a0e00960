//! The file as it is written: keys and types, each value with its place.

use serde::Deserialize;
use toml::{Spanned, de::DeTable};

use super::{
    Fault,
    device::{
        board::RawBoard, printer::RawPrinter, receiver::RawReceiver, scanner::RawScanner, screen::RawScreen,
        seal_reader::RawSealReader,
    },
    keys,
};

#[derive(Deserialize)]
pub struct Raw {
    pub gateway: Spanned<String>,
    pub data: String,
    pub site: RawSite,
    pub console: Option<RawConsole>,
    pub mqtt: Option<RawMqtt>,
    pub hub: Option<RawHub>,
    #[serde(default)]
    pub scanner: Vec<Spanned<RawScanner>>,
    pub seal_reader: Option<Spanned<RawSealReader>>,
    pub receiver: Option<Spanned<RawReceiver>>,
    pub board: Option<Spanned<RawBoard>>,
    #[serde(default)]
    pub printer: Vec<Spanned<RawPrinter>>,
    #[serde(default)]
    pub screen: Vec<RawScreen>,
    #[serde(default)]
    pub labels: RawLabels,
    #[serde(default)]
    pub stock: Vec<RawPar>,
    pub clock: Option<RawClock>,
    #[serde(default)]
    pub journal: RawJournal,
}

#[derive(Deserialize)]
pub struct RawSite {
    pub id: Spanned<String>,
    pub name: String,
    pub kind: waypost_core::fact::SiteKind,
    #[serde(default)]
    pub closes: Vec<Spanned<String>>,
    pub time_zone: Option<Spanned<String>>,
    pub box_tubes_max: Option<Spanned<u32>>,
    pub session_idle_min: Option<Spanned<u32>>,
    #[serde(default)]
    pub campaign_keys: super::CampaignKeys,
    #[serde(default)]
    pub language: crate::panel::Language,
}

#[derive(Deserialize)]
pub struct RawConsole {
    pub listen: Spanned<String>,
    pub bench: Option<Spanned<String>>,
}

#[derive(Deserialize)]
pub struct RawMqtt {
    pub host: Spanned<String>,
    pub port: Option<u16>,
    pub tls: Option<RawTls>,
}

#[derive(Deserialize)]
pub struct RawTls {
    pub ca: String,
    pub cert: String,
    pub key: String,
}

#[derive(Deserialize)]
pub struct RawHub {
    pub ack_key: Option<Spanned<String>>,
    #[serde(default)]
    pub order_keys: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawLabels {
    pub tube: Option<Spanned<Patterns>>,
    #[serde(rename = "box")]
    pub box_label: Option<Spanned<Patterns>>,
    pub seal: Option<Spanned<Patterns>>,
    pub badge: Option<Spanned<Patterns>>,
    pub vehicle: Option<Spanned<Patterns>>,
    pub site: Option<Spanned<Patterns>>,
    pub booking: Option<Spanned<Patterns>>,
    pub command: Option<Spanned<Patterns>>,
}

/// One pattern, or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a pattern in quotes, or several in brackets")]
pub enum Patterns {
    One(String),
    Many(Vec<String>),
}

impl Patterns {
    pub fn each(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

#[derive(Deserialize)]
pub struct RawPar {
    pub item: Spanned<String>,
    pub par: Spanned<i64>,
}

#[derive(Deserialize)]
pub struct RawClock {
    pub simulated: Option<RawSimulated>,
}

#[derive(Deserialize)]
pub struct RawSimulated {
    pub start: Spanned<String>,
    pub rate: Option<Spanned<f64>>,
}

#[derive(Deserialize, Default)]
pub struct RawJournal {
    pub track_max: Option<Spanned<u64>>,
    pub retention_days: Option<Spanned<u64>>,
}

/// Reads the text: first its form, then its keys, then its types.
pub fn read(text: &str) -> Result<Raw, Fault> {
    let form = |error: toml::de::Error| Fault {
        span: error.span(),
        what: format!("this is not TOML: {}", error.message().trim()),
        remedy:
            "write `key = value`, texts in quotes; `waypost config example testing_centre` shows a whole file"
                .to_owned(),
    };
    let tree = DeTable::parse(text).map_err(form)?;
    keys::check(&keys::ROOT, tree.get_ref())?;
    toml::from_str(text).map_err(|error| typed(&error))
}

/// A value of the wrong type, or a key that is needed and not there.
fn typed(error: &toml::de::Error) -> Fault {
    let message = error.message().trim().to_owned();
    let remedy = match message.strip_prefix("missing field ") {
        Some(name) => match remedy_for(name.trim_matches('`')) {
            Some(remedy) => remedy.to_owned(),
            None => format!("add {name} to this section"),
        },
        None => "change the value; `waypost config example testing_centre` shows each key with its type"
            .to_owned(),
    };
    let what = message.replace("missing field", "missing key");
    Fault { span: error.span(), what, remedy }
}

fn remedy_for(name: &str) -> Option<&'static str> {
    Some(match name {
        "port" => {
            "add the device's port by a path that stays the same, such as port = \"/dev/serial/by-id/…\""
        }
        "gateway" => "add the gateway's id, such as gateway = \"ctc-kwai-chung\"",
        "data" => "add where the journal is kept, such as data = \"/var/lib/waypost\"",
        "site" => "add the section [site] with id, name and kind",
        "kind" => {
            "add kind = \"testing_centre\", \"post_office\", \"vehicle\", \"laboratory\" or \"warehouse\""
        }
        _ => return None,
    })
}
