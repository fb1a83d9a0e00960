//! A configuration that holds devices and nothing else, as those have who try one: the same keys, the same checks.

use std::path::Path;

use waypost_edge::config::{Config, ConfigError};

/// What a configuration must have, and a device by itself does not need.
const REST: &str = "gateway = \"bench\"\ndata = \".\"\n[site]\nid = \"SITE-BENCH\"\nname = \"bench\"\nkind = \"laboratory\"\n";

/// Why these settings are no device's.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A word is no setting.
    #[error("`{0}` is no setting: write KEY=VALUE as in the configuration, such as port=/dev/serial/by-id/…")]
    NoSetting(String),
    /// The configuration's check found a fault.
    #[error("{what}; {remedy}")]
    Wrong {
        /// What is wrong.
        what: String,
        /// What to write instead.
        remedy: String,
    },
    /// The configuration cannot be read at all.
    #[error(transparent)]
    Other(ConfigError),
}

/// A configuration of these sections.
///
/// # Errors
/// A fault that the configuration's own check finds.
pub fn config(sections: &str) -> Result<Config, SettingsError> {
    Config::parse(&format!("{REST}{sections}"), Path::new("settings")).map_err(|error| match error {
        ConfigError::Wrong { what, remedy, .. } => SettingsError::Wrong { what, remedy },
        other => SettingsError::Other(other),
    })
}

/// A section of `KEY=VALUE`: a value that is no number, no truth value and not in quotes is a text.
///
/// # Errors
/// A word without `=`, or with a key that is none.
pub fn section(head: &str, settings: &[String]) -> Result<String, SettingsError> {
    let mut text = format!("{head}\n");
    for setting in settings {
        let no_setting = || SettingsError::NoSetting(setting.clone());
        let (key, value) = setting.split_once('=').ok_or_else(no_setting)?;
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || !key.chars().all(is_key) {
            return Err(no_setting());
        }
        let value = match toml::from_str::<toml::Table>(&format!("value = {value}")) {
            Ok(table) if table.len() == 1 && !value.is_empty() => value.to_owned(),
            _ => toml::Value::String(value.to_owned()).to_string(),
        };
        text.push_str(&format!("{key} = {value}\n"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_what_the_configuration_would_hold() {
        let words =
            ["port=/dev/serial/by-id/usb-x", "baud=115200", "prefix=\"~\"", "suffix=cr"].map(str::to_owned);
        let text = section("[[scanner]]", &words).unwrap();
        assert_eq!(
            text,
            "[[scanner]]\nport = \"/dev/serial/by-id/usb-x\"\nbaud = 115200\nprefix = \"~\"\nsuffix = \"cr\"\n"
        );
        assert_eq!(config(&text).unwrap().scanners.len(), 1);
    }

    #[test]
    fn no_word_breaks_out_of_its_section() {
        for word in ["port", "=x", "a b=c", "[x]=1", "po\nrt=1"] {
            let error = section("[receiver]", &[word.to_owned()]).unwrap_err();
            assert!(matches!(error, SettingsError::NoSetting(_)), "{word}");
        }
        let text = section("[receiver]", &["port=1\n[site]".to_owned()]).unwrap();
        let read: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["receiver"]);
        assert_eq!(read["receiver"]["port"].as_str(), Some("1\n[site]"));
    }

    #[test]
    fn a_wrong_setting_is_told_with_its_remedy_and_without_a_file() {
        let text = section("[board]", &["red=99".to_owned()]).unwrap();
        let said = config(&text).unwrap_err().to_string();
        assert!(said.contains("BCM numbers 0 to 27") && !said.contains("settings:"), "{said}");
    }
}
