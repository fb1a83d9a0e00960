//! Sample codes for a person who works a shift in a browser: those that make sense at this station, as text and bars.

use serde::Serialize;
use waypost_core::{
    code::{Meaning, code128, elements, hkid, label::LabelKinds, read},
    fact::SiteKind,
};

use super::{
    dice::Dice,
    world::{Site, TUBES_A_CENTRE, World},
};

/// Fresh tubes on the sheet of a centre.
const FRESH_TUBES: usize = 8;

/// A heading with its codes.
#[derive(Debug, Serialize)]
pub struct Group {
    title: String,
    codes: Vec<Code>,
}

/// One code.
#[derive(Debug, Serialize)]
struct Code {
    text: String,
    label: String,
    /// Widths of bars and spaces in modules, a bar first; empty where the code is keyed, not scanned.
    bars: Vec<u8>,
}

/// The sheet of a site.
pub fn sheet(world: &World, site: &Site) -> Vec<Group> {
    let [badge, supervisor] = &site.badges;
    let mut groups = vec![group(
        "Badges",
        [code(badge, &format!("{} works here", site.people[0])), code(supervisor, "supervisor")],
    )];
    let others = |kind: SiteKind| world.sites.iter().filter(move |other| other.kind == kind);
    let places = |kinds: &[SiteKind]| -> Vec<Code> {
        kinds.iter().flat_map(|kind| others(*kind)).map(|other| code(other.code, other.name)).collect()
    };
    let number = world
        .sites
        .iter()
        .filter(|other| other.kind == site.kind)
        .position(|other| other.gateway == site.gateway);
    match site.kind {
        SiteKind::TestingCentre => {
            groups.push(group("Fresh tubes", fresh_tubes(site)));
            groups.push(group(
                "Bookings",
                [code("BK-20201014A", "a booking"), code("BK-20201014B", "another")],
            ));
            let own = number.and_then(|number| world.crates.get(number)).map_or(&[][..], Vec::as_slice);
            groups.push(group("Empty boxes", own.iter().take(4).map(|one| code(&one.code, "box"))));
            groups.push(group(
                "Seals",
                own.iter().take(4).map(|one| code(&one.seal, "seal of the box in that place")),
            ));
            groups.push(group("Vehicles", places(&[SiteKind::Vehicle])));
        }
        SiteKind::Vehicle | SiteKind::Laboratory => {
            groups.push(group(
                "Places",
                places(&[SiteKind::TestingCentre, SiteKind::Laboratory, SiteKind::Vehicle]),
            ));
            let boxes = world.crates.iter().flat_map(|crates| crates.iter().take(4));
            groups.push(group("Boxes", boxes.map(|one| code(&one.code, "box"))));
            let tubes = world
                .sites
                .iter()
                .filter(|other| other.kind == SiteKind::TestingCentre)
                .flat_map(fresh_tubes);
            groups.push(group("Tubes of this evening", tubes));
        }
        SiteKind::PostOffice => {
            groups.push(group("Document numbers, made up: key them", fresh_numbers(site)));
            groups.push(group("Places", places(&[SiteKind::Warehouse])));
        }
        SiteKind::Warehouse => {
            groups.push(group(
                "Places",
                places(&[SiteKind::TestingCentre, SiteKind::PostOffice, SiteKind::Warehouse]),
            ));
        }
    }
    groups.push(group("Commands", commands(site.kind).iter().map(|(text, label)| code(text, label))));
    groups
}

fn group(title: &str, codes: impl IntoIterator<Item = Code>) -> Group {
    Group { title: title.to_owned(), codes: codes.into_iter().collect() }
}

/// A code with its bars, as a scanner would see it.
fn code(text: &str, label: &str) -> Code {
    let bars = match elements(text) {
        Some(elements) => code128::bars(&elements.scanned(), true),
        None => code128::bars(text, false),
    };
    // An identity card carries no bars: its number is keyed.
    let is_keyed = matches!(read(text, None, &LabelKinds::default()), Meaning::Hkid(_));
    let bars = if is_keyed { Vec::new() } else { bars.unwrap_or_default() };
    Code { text: text.to_owned(), label: label.to_owned(), bars }
}

/// Tubes that the day did not use.
fn fresh_tubes(site: &Site) -> Vec<Code> {
    let lane: u32 = site.code.bytes().map(u32::from).sum();
    let first = 99_000_000 + lane * 100;
    (0..FRESH_TUBES as u32).map(|number| code(&format!("T-{:08}", first + number), "tube")).collect()
}

/// Numbers that nobody came with.
fn fresh_numbers(site: &Site) -> Vec<Code> {
    let mut dice = Dice::new(TUBES_A_CENTRE as u64, site.code.bytes().map(u64::from).sum());
    let number = |_| {
        let body = format!("{}{:06}", char::from(b'A' + dice.below(26) as u8), dice.below(1_000_000));
        let digit = hkid::check_digit(&body)?;
        Some(code(&format!("{body}({digit})"), "not served yet"))
    };
    (0..6).filter_map(number).collect()
}

/// The commands of a kind of station.
fn commands(kind: SiteKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        SiteKind::TestingCentre => &[
            ("CMD-CLOSE-BOX", "close the box"),
            ("CMD-CHECK-ALL", "the checklist is right"),
            ("CMD-UNDO", "undo the last tube"),
            ("CMD-MOVE", "move a tube"),
            ("CMD-REOPEN", "open a closed box again"),
            ("CMD-CLOSE-SHIFT", "end the shift"),
        ],
        SiteKind::Vehicle => &[
            ("CMD-RECEIVE", "take boxes"),
            ("CMD-HANDOVER", "give boxes"),
            ("CMD-EXCEPTION", "go on under exception"),
            ("CMD-CLOSE-SHIFT", "end the shift"),
        ],
        SiteKind::Laboratory => &[
            ("CMD-RECEIVE", "take boxes"),
            ("CMD-EXCEPTION", "receive under exception"),
            ("CMD-OPEN", "open a box"),
            ("CMD-FINISH", "all tubes are scanned"),
            ("CMD-EMPTY", "the box is empty"),
            ("CMD-CLOSE-SHIFT", "end the shift"),
        ],
        SiteKind::PostOffice => &[
            ("CMD-PROXY", "a proxy comes for others"),
            ("CMD-VOID", "take a claim back"),
            ("CMD-CLOSE-SHIFT", "end the shift"),
        ],
        SiteKind::Warehouse => &[
            ("CMD-STOCK-OUT", "send goods"),
            ("CMD-STOCK-IN", "goods came"),
            ("CMD-COUNT", "count"),
            ("CMD-ITEM-TUBES", "tubes"),
            ("CMD-ITEM-PACKS", "packs of masks"),
            ("QTY-100", "a hundred"),
            ("CMD-CLOSE-SHIFT", "end the shift"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_code_is_one_that_a_station_understands() {
        let world = World::new(1);
        for site in &world.sites {
            for code in sheet(&world, site).iter().flat_map(|group| &group.codes) {
                let meaning = read(&code.text, None, &LabelKinds::default());
                let is_quantity = code.text.starts_with("QTY-");
                assert!(is_quantity || !matches!(meaning, Meaning::Refused(_)), "{}", code.text);
            }
        }
    }
}
