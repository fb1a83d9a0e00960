//! The operator's languages: every text in Fluent files, switchable at the counter.

use std::sync::OnceLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use serde::{Deserialize, Serialize};
use unic_langid::LanguageIdentifier;

use super::{Arg, Message};

/// A language of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Traditional Chinese as written in Hong Kong.
    #[serde(rename = "zh-HK")]
    ZhHk,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::ZhHk];

    /// The tag of BCP 47.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhHk => "zh-HK",
        }
    }

    /// What its readers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::ZhHk => "繁體中文",
        }
    }

    /// The language of a tag; `zh`, in any form, is Traditional Chinese here.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.get(..2)? {
            "en" => Some(Self::En),
            "zh" => Some(Self::ZhHk),
            _ => None,
        }
    }

    /// The other one, for a key that switches.
    pub fn next(self) -> Self {
        match self {
            Self::En => Self::ZhHk,
            Self::ZhHk => Self::En,
        }
    }

    fn id(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }

    /// The Fluent files, in the order in which they are read.
    pub(crate) fn sources(self) -> [&'static str; 3] {
        match self {
            Self::En => [
                include_str!("../../locales/en/panel.ftl"),
                include_str!("../../locales/en/station.ftl"),
                include_str!("../../locales/en/print.ftl"),
            ],
            Self::ZhHk => [
                include_str!("../../locales/zh-HK/panel.ftl"),
                include_str!("../../locales/zh-HK/station.ftl"),
                include_str!("../../locales/zh-HK/print.ftl"),
            ],
        }
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static EN: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
        static ZH_HK: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
        let place = match self {
            Self::En => &EN,
            Self::ZhHk => &ZH_HK,
        };
        place.get_or_init(|| {
            let mut bundle = FluentBundle::new_concurrent(vec![self.id()]);
            bundle.set_use_isolating(false);
            for source in self.sources() {
                // A file with a fault still gives its sound messages; the tests refuse any fault.
                let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(sound, _)| sound);
                bundle.add_resource_overriding(resource);
            }
            bundle
        })
    }

    /// Is there a message of that key?
    pub fn knows(self, key: &str) -> bool {
        self.bundle().get_message(key).is_some_and(|message| message.value().is_some())
    }

    /// The message in this language. A missing key shows itself: the operator can still read it out.
    pub fn say(self, message: &Message) -> String {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(message.key).and_then(|found| found.value()) else {
            return message.key.to_owned();
        };
        let mut args = FluentArgs::new();
        for (name, value) in &message.args {
            let value = match value {
                Arg::Text(text) => FluentValue::from(text.as_str()),
                Arg::Number(number) => FluentValue::from(*number),
                Arg::Message(inner) => FluentValue::from(self.say(inner)),
            };
            args.set(*name, value);
        }
        bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
    }
}
