//! Which keys a configuration may have.

use toml::de::{DeTable, DeValue};

use super::Fault;

/// Names at most this many changes away are offered as what was meant.
const NEAR_MAX: usize = 3;

/// A section: its name and its keys. A key with keys of its own is a section.
pub(super) struct Section {
    name: &'static str,
    keys: &'static [&'static str],
    sections: &'static [Section],
}

/// The whole file.
pub(super) const ROOT: Section = Section {
    name: "",
    keys: &["dir", "pair_within_min", "filters_every_s"],
    sections: &[
        Section {
            name: "mqtt",
            keys: &["host", "port", "client"],
            sections: &[Section { name: "tls", keys: &["ca", "cert", "key"], sections: &[] }],
        },
        Section {
            name: "enrol",
            keys: &["listen", "address", "broker", "days", "offline_days"],
            sections: &[],
        },
        Section { name: "http", keys: &["listen", "time_zone"], sections: &[] },
        Section {
            name: "clock",
            keys: &[],
            sections: &[Section { name: "simulated", keys: &["start", "rate"], sections: &[] }],
        },
        Section {
            name: "gateway",
            keys: &["id", "site", "kind", "name", "key", "secret_key"],
            sections: &[],
        },
    ],
};

/// Finds the first key that is not known.
pub(super) fn check(section: &Section, table: &DeTable<'_>) -> Result<(), Fault> {
    for (key, value) in table.iter() {
        let name: &str = key.get_ref();
        let inner = section.sections.iter().find(|inner| inner.name == name);
        match (inner, value.get_ref()) {
            (Some(inner), DeValue::Table(table)) => check(inner, table)?,
            (Some(inner), DeValue::Array(array)) => {
                for value in array.iter() {
                    if let DeValue::Table(table) = value.get_ref() {
                        check(inner, table)?;
                    }
                }
            }
            // A value where a section should be: its type is told when the file is read.
            (Some(_), _) => {}
            (None, _) if section.keys.contains(&name) => {}
            (None, _) => return Err(unknown(section, name, key.span())),
        }
    }
    Ok(())
}

fn unknown(section: &Section, name: &str, at: std::ops::Range<usize>) -> Fault {
    let known: Vec<_> = section.keys.iter().copied().chain(section.sections.iter().map(|s| s.name)).collect();
    let nearest = known.iter().map(|known| (strsim::osa_distance(known, name), known)).min();
    let place = if section.name.is_empty() { String::new() } else { format!(" in [{}]", section.name) };
    let remedy = match nearest {
        Some((distance, nearest)) if distance <= NEAR_MAX => format!("did you mean `{nearest}`?"),
        _ => format!("known keys are {}", known.join(", ")),
    };
    Fault::at(at, format!("unknown key `{name}`{place}"), remedy)
}
