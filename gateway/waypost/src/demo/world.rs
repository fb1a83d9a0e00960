//! The invented day: sites, people, goods and document numbers, all from one seed.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waypost_core::{
    code::{gs1, hkid},
    fact::SiteKind,
};

use super::dice::Dice;

/// The day that is played. Simulated time only.
pub const DAY: &str = "2020-10-14";
/// When the gateways are switched on: 07:30 in Hong Kong.
pub const SWITCH_ON: &str = "2020-10-13T23:30:00Z";
/// Tubes of each testing centre.
pub const TUBES_A_CENTRE: usize = 520;
/// Tubes that a box holds.
pub const TUBES_A_BOX: usize = 40;
/// Persons with an entitlement, one of whom goes to both post offices.
pub const PERSONS: usize = 900;
/// Persons who come back to the office that served them.
pub const REPEATS: usize = 79;
/// Numbers keyed with a wrong check digit.
pub const MISKEYED: usize = 20;
/// The campaign.
pub const CAMPAIGN: &str = "masks-2020-10";

/// One gateway and what its site has.
pub struct Site {
    /// The gateway's id.
    pub gateway: &'static str,
    /// The site's code, as on its label.
    pub code: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Its work.
    pub kind: SiteKind,
    /// Degrees north and east.
    pub place: (f64, f64),
    /// Badge codes: who works there, then who supervises.
    pub badges: [String; 2],
    /// Their pseudonyms.
    pub people: [String; 2],
}

/// A box with the seal that belongs to it on this day.
#[derive(Clone)]
pub struct Crate {
    /// The box's barcode text, a GRAI with serial.
    pub code: String,
    /// The box's id: the value of AI 8003.
    pub id: String,
    /// The seal's printed number.
    pub seal: String,
    /// The seal's radio address.
    pub mac: [u8; 6],
    /// The seal's key, hex.
    pub key: String,
}

/// What a person at a post office's counter shows.
#[derive(Clone)]
pub struct Visit {
    /// What is keyed.
    pub number: String,
    /// What it comes to.
    pub comes_to: ComesTo,
}

/// What a visit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComesTo {
    /// Served.
    Packs,
    /// Served here before.
    Again,
    /// The check digit is wrong.
    WrongDigit,
}

/// The whole of it.
pub struct World {
    /// Eight gateways.
    pub sites: Vec<Site>,
    /// Boxes of both centres, first centre's first.
    pub crates: [Vec<Crate>; 2],
    /// Tubes of both centres.
    pub tubes: [Vec<String>; 2],
    /// Visits at both post offices, in order.
    pub visits: [Vec<Visit>; 2],
    /// The number of the person who is served at both, while they are offline.
    pub twice: String,
    /// The campaign's key, hex.
    pub campaign_key: String,
}

/// Gateway, code, name, kind, degrees north and east.
const SITES: [(&str, &str, &str, SiteKind, f64, f64); 8] = [
    ("warehouse", "SITE-WH", "Kwai Chung warehouse", SiteKind::Warehouse, 22.3687, 114.1290),
    ("centre-1", "SITE-CTC1", "Sha Tin testing centre", SiteKind::TestingCentre, 22.3813, 114.1880),
    ("centre-2", "SITE-CTC2", "Sham Shui Po testing centre", SiteKind::TestingCentre, 22.3303, 114.1622),
    ("vehicle-1", "V-101", "Vehicle 101", SiteKind::Vehicle, 22.3687, 114.1290),
    ("vehicle-2", "V-102", "Vehicle 102", SiteKind::Vehicle, 22.3687, 114.1290),
    ("laboratory", "SITE-LAB", "Tai Po laboratory", SiteKind::Laboratory, 22.4587, 114.1740),
    ("post-office-1", "SITE-PO1", "Mong Kok post office", SiteKind::PostOffice, 22.3193, 114.1694),
    ("post-office-2", "SITE-PO2", "Tuen Mun post office", SiteKind::PostOffice, 22.3916, 113.9730),
];

impl World {
    /// Invents the day of a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let sites = SITES
            .iter()
            .enumerate()
            .map(|(at, &(gateway, code, name, kind, lat, lon))| Site {
                gateway,
                code,
                name,
                kind,
                place: (lat, lon),
                badges: [0, 1].map(|_| format!("STAFF-{}", dice.hex(13).to_uppercase())),
                people: [format!("s-{:04x}", 0x1000 + at), format!("u-{:04x}", 0x2000 + at)],
            })
            .collect();
        let boxes = TUBES_A_CENTRE.div_ceil(TUBES_A_BOX);
        let mut serial = 0;
        let crates = [0, 1].map(|_| (0..boxes).filter_map(|_| box_of(&mut serial, &mut dice)).collect());
        let mut tube = 40_000_000 + dice.below(1_000_000);
        let tubes = [0, 1].map(|_| {
            let next = |_| {
                tube += 1 + dice.below(3);
                format!("T-{tube:08}")
            };
            (0..TUBES_A_CENTRE).map(next).collect()
        });
        let persons = invent_numbers(&mut dice, PERSONS);
        let twice = persons.first().cloned().unwrap_or_default();
        let visits = queues(&persons, &mut dice);
        Self { sites, crates, tubes, visits, twice, campaign_key: dice.hex(32) }
    }

    /// A site by its gateway.
    pub fn site(&self, gateway: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.gateway == gateway)
    }

    /// The order documents that the hub signs: file name and content.
    pub fn orders(&self) -> Vec<(&'static str, Value)> {
        let document = |id: &str, order: Value| json!({ "id": id, "epoch": 1, "number": 1, "order": order });
        let people: Vec<Value> = self
            .sites
            .iter()
            .flat_map(|site| {
                let role = match site.kind {
                    SiteKind::Vehicle => "driver",
                    SiteKind::Laboratory => "laboratory",
                    _ => "staff",
                };
                site.badges.iter().zip(&site.people).zip([role, "supervisor"]).map(|((badge, person), role)| {
                    json!({ "badge": hex(&Sha256::digest(badge.as_bytes())), "operator": person, "role": role })
                })
            })
            .collect();
        let seals: Vec<Value> = self
            .crates
            .iter()
            .flatten()
            .map(|one| json!({ "seal": one.seal, "address": address(one.mac), "key": one.key }))
            .collect();
        let fences: Vec<Value> = self
            .sites
            .iter()
            .filter(|site| site.kind != SiteKind::Vehicle)
            .map(|site| {
                let (lat, lon) = site.place;
                json!({ "id": format!("F-{}", site.code), "site": site.code, "lat": lat, "lon": lon, "radius_m": 250.0 })
            })
            .collect();
        let terms = json!({
            "id": CAMPAIGN, "name": "Masks, second round at the counter", "documents": ["hk", "passport"],
            "proxies_max": 2, "daily_quota": null, "appeal": "the enquiry line 1823",
            "rounds": [
                { "id": "r1", "from": "2020-06-15", "until": "2020-07-15", "packs_first": 1, "packs_again": 0 },
                { "id": "r2", "from": "2020-10-05", "until": "2020-10-31", "packs_first": 2, "packs_again": 1 },
            ],
        });
        vec![
            ("staff.json", document("-", json!({ "kind": "staff", "people": people }))),
            ("seals.json", document("-", json!({ "kind": "seals", "seals": seals }))),
            ("fences.json", document("-", json!({ "kind": "fences", "fences": fences }))),
            (
                "campaign.json",
                document(CAMPAIGN, json!({ "kind": "campaign", "terms": terms, "key": self.campaign_key })),
            ),
        ]
    }

    /// Every invented number as letters and digits without the check digit, for whoever searches for a leak.
    pub fn keyed(&self) -> impl Iterator<Item = &str> {
        let numbers = self.visits.iter().flatten().map(|visit| visit.number.as_str());
        numbers.map(|number| number.split_once('(').map_or(number, |(body, _)| body))
    }
}

/// A returnable box (GRAI with serial) and the seal that it is sealed with.
fn box_of(serial: &mut u32, dice: &mut Dice) -> Option<Crate> {
    *serial += 1;
    let grai = gs1::Grai::with_check_digit("489123450001", &format!("{serial:04}")).ok()?;
    let [a, b, c] = [dice.next() as u8, dice.next() as u8, *serial as u8];
    Some(Crate {
        code: format!("]C18003{}", grai.as_str()),
        id: grai.as_str().to_owned(),
        seal: format!("S-{serial:04}"),
        mac: [0x54, 0x48, 0xE6, a, b, c],
        key: dice.hex(16),
    })
}

/// Document numbers with right check digits, no two alike.
fn invent_numbers(dice: &mut Dice, count: usize) -> Vec<String> {
    let mut numbers = std::collections::BTreeSet::new();
    let mut list = Vec::new();
    while list.len() < count {
        let letter = char::from(b'A' + dice.below(26) as u8);
        let body = format!("{letter}{:06}", dice.below(1_000_000));
        let Some(digit) = hkid::check_digit(&body) else { continue };
        if numbers.insert(body.clone()) {
            list.push(format!("{body}({digit})"));
        }
    }
    list
}

/// Who stands in which queue: half the persons each, the first one in both (not listed: played apart), then those who
/// come back and those whose number is keyed wrong, mixed in.
fn queues(persons: &[String], dice: &mut Dice) -> [Vec<Visit>; 2] {
    let rest = persons.get(1..).unwrap_or_default();
    let (one, two) = rest.split_at(rest.len() / 2);
    let mut queues = [one, two].map(|half| {
        half.iter()
            .map(|number| Visit { number: number.clone(), comes_to: ComesTo::Packs })
            .collect::<Vec<_>>()
    });
    let mut turn = 0;
    while turn < REPEATS + MISKEYED {
        let Some(queue) = queues.get_mut(turn % 2) else { break };
        let at = dice.below(queue.len() as u64) as usize;
        let Some(first) = queue.get(at).filter(|visit| visit.comes_to == ComesTo::Packs).cloned() else {
            continue;
        };
        turn += 1;
        let later = at + 1 + dice.below((queue.len() - at) as u64) as usize;
        let visit = match turn <= REPEATS {
            true => Visit { number: first.number, comes_to: ComesTo::Again },
            false => Visit { number: miskey(&first.number), comes_to: ComesTo::WrongDigit },
        };
        queue.insert(later.min(queue.len()), visit);
    }
    queues
}

/// The number with another check digit.
fn miskey(number: &str) -> String {
    let Some((body, digit)) = number.split_once('(') else { return number.to_owned() };
    let wrong = if digit.starts_with('0') { '1' } else { '0' };
    format!("{body}({wrong})")
}

/// `54:48:E6:8F:80:A5`.
pub fn address(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02X}")).join(":")
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_the_day_and_another_gives_another() {
        let (one, same, other) = (World::new(7), World::new(7), World::new(8));
        assert_eq!(one.tubes, same.tubes);
        assert_ne!(one.tubes, other.tubes);
        assert_eq!(one.campaign_key, same.campaign_key);
    }

    #[test]
    fn the_queues_hold_a_thousand_claims_with_that_of_the_one_who_goes_twice() {
        let world = World::new(1);
        let visits: Vec<_> = world.visits.iter().flatten().collect();
        let count = |what| visits.iter().filter(|visit| visit.comes_to == what).count();
        assert_eq!(count(ComesTo::Packs), PERSONS - 1);
        assert_eq!(count(ComesTo::Again) + count(ComesTo::WrongDigit) + PERSONS + 1, 1000);
    }

    #[test]
    fn a_visit_that_comes_again_stands_behind_the_first_one() {
        for queue in World::new(3).visits {
            let mut served = std::collections::BTreeSet::new();
            for visit in queue {
                match visit.comes_to {
                    ComesTo::Packs => assert!(served.insert(visit.number)),
                    ComesTo::Again => assert!(served.contains(&visit.number)),
                    ComesTo::WrongDigit => {}
                }
            }
        }
    }
}
