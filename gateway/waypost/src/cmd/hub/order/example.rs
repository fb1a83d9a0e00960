//! Orders to begin with: one of each kind, complete, with new keys at each call.

use std::{
    error::Error,
    io::{self, Write},
};

use clap::ValueEnum;
use waypost_core::{
    code::claim::ClaimParams,
    fact::{
        Role,
        id::{BoxId, CampaignId, FenceId, OperatorId, RoundId, SealId, SiteId},
    },
    rule::{
        order::{
            CampaignTerms, ElsewhereTerms, FenceEntry, Order, OrderDocument, Round, SealEntry, SealFormat,
            Secret, StaffEntry, WhenStale,
        },
        row::{FenceRow, Manifest, StaffRow},
    },
};

/// SHA-256 of the badge code `STAFF-EXAMPLE-CLERK-000001`.
const CLERK_BADGE: &str = "d9c0aa7f530b794dad28f33e60a96c58b967c2f3a7724ad277422f6290859b32";

/// SHA-256 of the badge code `STAFF-EXAMPLE-SUPER-000001`.
const SUPERVISOR_BADGE: &str = "c522d60337efa50b0372bbc255b7ce1f0639c950076f7b3e7e114ed89e649fe9";

/// The kinds of orders.
#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Who may fetch how many packs, when
    Campaign,
    /// Who may sign in
    Staff,
    /// Seals that a gateway meets, with their keys
    Seals,
    /// Places on the map
    Fences,
    /// Boxes on their way; the hub makes these by itself
    Manifest,
}

/// Prints an order of that kind as JSON, laid out to be edited.
pub fn print(kind: Kind) -> Result<(), Box<dyn Error>> {
    let (id, order) = match kind {
        Kind::Campaign => ("masks-2020-10", campaign()?),
        Kind::Staff => ("-", staff()?),
        Kind::Seals => ("-", seals()?),
        Kind::Fences => ("-", fences()?),
        Kind::Manifest => ("-", manifest()?),
    };
    let (id, to) = (id.to_owned(), Vec::new());
    let document = OrderDocument { id, epoch: 0, number: 1, not_before: None, expires: None, to, order };
    writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&document)?)?;
    Ok(())
}

fn campaign() -> Result<Order, Box<dyn Error>> {
    let round = |id: &str, from: &str, until: &str| -> Result<Round, Box<dyn Error>> {
        let (from, until) = (from.to_owned(), until.to_owned());
        Ok(Round { id: RoundId::new(id)?, from, until, packs_first: 2, packs_again: 1 })
    };
    let terms = CampaignTerms {
        id: CampaignId::new("masks-2020-10")?,
        name: "Reusable masks, October 2020".to_owned(),
        rounds: vec![round("r1", "2020-10-05", "2020-10-18")?, round("r2", "2020-10-19", "2020-10-31")?],
        hash: ClaimParams::default(),
        documents: vec!["hk".to_owned(), "passport".to_owned()],
        proxies_max: 2,
        daily_quota: Some(600),
        appeal: "Call 1823, or ask at the counter of any post office".to_owned(),
        disputes_until: None,
        elsewhere: Some(ElsewhereTerms { stale_after_min: 15, when_stale: WhenStale::Serve }),
    };
    Ok(Order::Campaign { terms, key: random_key(32)? })
}

fn staff() -> Result<Order, Box<dyn Error>> {
    let person = |badge: &str, operator: &str, role| -> Result<StaffEntry, Box<dyn Error>> {
        let person = StaffRow::without_pin(OperatorId::new(operator)?, role);
        Ok(StaffEntry { badge: badge.to_owned(), person })
    };
    let people = vec![
        person(CLERK_BADGE, "s-7f3a", Role::Staff)?,
        person(SUPERVISOR_BADGE, "s-0c21", Role::Supervisor)?,
    ];
    Ok(Order::Staff { people })
}

fn seals() -> Result<Order, Box<dyn Error>> {
    let (seal, address) = (SealId::new("SEAL-00001")?, "54:48:E6:8F:80:A5".to_owned());
    let key = Some(random_key(16)?);
    let seal = SealEntry {
        seal,
        address,
        key,
        format: SealFormat::Bthome,
        beside: None,
        interval_ms: Some(1_000),
        pairing: 0,
    };
    let tag = SealEntry {
        seal: SealId::new("TAG-00001")?,
        address: "AC:23:31:23:45:67".to_owned(),
        key: None,
        format: SealFormat::Minew,
        beside: Some(seal.seal.clone()),
        interval_ms: None,
        pairing: 0,
    };
    Ok(Order::Seals { seals: vec![seal, tag] })
}

fn fences() -> Result<Order, Box<dyn Error>> {
    let site = SiteId::new("SITE-LAB1")?;
    let fence = FenceRow { site, lat: 22.3364, lon: 114.1747, radius_m: 150.0 };
    Ok(Order::Fences { fences: vec![FenceEntry { id: FenceId::new("lab-1")?, fence }] })
}

fn manifest() -> Result<Order, Box<dyn Error>> {
    let one = Manifest {
        box_id: BoxId::new("B-0001")?,
        from: SiteId::new("SITE-CTC1")?,
        tubes: vec!["T-00000001".to_owned(), "T-00000002".to_owned()],
        seal: SealId::new("SEAL-00001")?,
        counter: Some(1042),
        pairing: 0,
        event_count: Some(3),
        due: "2020-09-03T07:00:00Z".parse()?,
    };
    Ok(Order::Manifest { boxes: vec![one] })
}

/// A new key of that many bytes, as hex.
fn random_key(bytes: usize) -> Result<Secret, Box<dyn Error>> {
    let mut key = vec![0; bytes];
    getrandom::fill(&mut key).map_err(|error| error.to_string())?;
    Ok(Secret::new(key.iter().map(|byte| format!("{byte:02x}")).collect()))
}
