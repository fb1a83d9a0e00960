//! How much of its life a card has behind it, where it says so.
//!
//! eMMC and some SD cards tell it in EXT_CSD, which the kernel shows in sysfs: `life_time` holds two estimates in steps
//! of 10 % (JEDEC JESD84-B51, DEVICE_LIFE_TIME_EST_TYP_A and _B; 0x0B is more than all of it), `pre_eol_info` how much
//! of the spare blocks is used (PRE_EOL_INFO: 1 normal, 2 from 80 % on, 3 from 90 % on).

use super::{Check, Finding, Outcome, Patient};

/// Estimates from here on are a warning: 80 to 90 % of the life.
const WARN_FROM: u8 = 0x09;
/// More than the whole life.
const OVER: u8 = 0x0B;

pub struct Wear;

impl Check for Wear {
    fn id(&self) -> &'static str {
        "wear"
    }

    fn description(&self) -> &'static str {
        "wear of the card"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let blocks = patient.root.names("/sys/block");
        let told = blocks.iter().filter_map(|block| judge(patient, block));
        told.max_by_key(|finding| finding.outcome)
            .unwrap_or_else(|| Finding::skipped("no card here tells how worn it is (most SD cards do not)"))
    }
}

/// What one card says; none where it does not tell.
fn judge(patient: &Patient, block: &str) -> Option<Finding> {
    let read = |name: &str| patient.root.text(format!("/sys/block/{block}/device/{name}"));
    let life = read("life_time").unwrap_or_default();
    // Zero: not defined.
    let worst = life.split_whitespace().filter_map(number).filter(|estimate| *estimate > 0).max();
    let spare = read("pre_eol_info").as_deref().and_then(number).filter(|spare| *spare > 0);
    let outcome = match (worst, spare) {
        (None, None) => return None,
        (Some(OVER..), _) | (_, Some(3..)) => Outcome::Failure,
        (Some(WARN_FROM..), _) | (_, Some(2)) => Outcome::Warning,
        _ => Outcome::Ok,
    };
    let life = match worst {
        Some(OVER..) => "more than its whole life is used".to_owned(),
        Some(estimate) => format!("{} to {} % of its life is used", (estimate - 1) * 10, estimate * 10),
        None => "its life is not told".to_owned(),
    };
    let spare = match spare {
        Some(3..) => ", 90 % of its spare blocks",
        Some(2) => ", 80 % of its spare blocks",
        _ => "",
    };
    let found = format!("{block}: {life}{spare}");
    Some(match outcome {
        Outcome::Failure => Finding::failure(found, "replace the card now, after the hub holds every record"),
        Outcome::Warning => Finding::warning(found, "have a new card ready, and replace this one"),
        _ => Finding::ok(found),
    })
}

fn number(text: &str) -> Option<u8> {
    u8::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}
