//! One epoch: gateways and a hub from new, a number of cuts, and at the end the count of everything.

use std::{collections::BTreeMap, path::Path};

use waypost_core::fact::SiteKind;
use waypost_hub::places::{Place, Places};
use waypost_powercut::{Dice, Power};

use super::{
    Profile, Spoil,
    channel::Channel,
    gateway::{Failure, Gateway},
    hub::Hub,
    tally::Tally,
};

/// Most steps between two cuts.
const STEPS_MAX: u64 = 10;
/// Messages that the hub takes in one commit.
const GROUP_MAX: u64 = 6;
/// Cuts in a row while starting, after which power stays.
const CUTS_IN_START_MAX: u32 = 5;
/// Rounds in a calm within which everything must have come to the hub.
const CALM_ROUNDS_MAX: u32 = 100;

/// One epoch's.
pub struct World {
    gateways: Vec<Gateway>,
    hub: Hub,
    up: Channel,
    down: Channel,
    dice: Dice,
    now_ms: u64,
    profile: Profile,
    /// Nothing of it has run: what does not start then is no loss.
    fresh: bool,
}

impl World {
    /// All from new.
    pub fn new(
        root: &Path,
        profile: Profile,
        spoil: Option<Spoil>,
        seed: u64,
        epoch: u64,
    ) -> Result<Self, Failure> {
        let mut dice = Dice::new(seed, epoch);
        let mut lane = |number| Dice::new(dice.roll(), number);
        let kinds: &[SiteKind] = match profile {
            Profile::Counter => &[SiteKind::PostOffice],
            Profile::Centre => &[SiteKind::TestingCentre],
            _ => &[SiteKind::PostOffice, SiteKind::TestingCentre],
        };
        let unsynced = spoil == Some(Spoil::SynchronousOff);
        let gateways = kinds
            .iter()
            .zip(1_u64..)
            .map(|(kind, number)| {
                let id = u128::from(epoch) << 8 | u128::from(number);
                Gateway::new(root, *kind, id, unsynced, lane(number))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let places = Places::new(gateways.iter().map(|gateway| Place {
            secret_key: None,
            gateway: gateway.name.clone(),
            site: gateway.site.clone(),
            kind: gateway.kind,
            name: gateway.site.to_string(),
            key: Some(gateway.public_key()),
        }));
        let keys: BTreeMap<_, _> =
            gateways.iter().map(|gateway| (gateway.name.to_string(), gateway.public_key())).collect();
        let hub = Hub::new(root, places, keys, spoil == Some(Spoil::AckBeforeCommit))?;
        let (up, down) = (Channel::new(lane(10)), Channel::new(lane(11)));
        Ok(Self { gateways, hub, up, down, dice, now_ms: 0, profile, fresh: true })
    }

    /// So many cuts, then the count. It ends early where something is wrong.
    pub async fn run(&mut self, cuts: u64, tally: &mut Tally) -> Result<(), Failure> {
        let wrongs = tally.wrongs();
        for at in 0..self.gateways.len() {
            self.start_gateway(at, tally).await?;
        }
        self.start_hub(tally).await?;
        self.fresh = false;
        let until = tally.cuts + cuts;
        while tally.cuts < until && tally.wrongs() == wrongs {
            self.live(tally).await?;
        }
        if tally.wrongs() == wrongs {
            self.calm(tally).await?;
        }
        for gateway in &mut self.gateways {
            gateway.stop().await;
        }
        Ok(())
    }

    /// Work until power fails somewhere; then it comes back.
    async fn live(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        let struck = self.strike();
        for _ in 0..self.dice.below(STEPS_MAX) + 1 {
            self.step(tally).await?;
            if self.is_dark() {
                break;
            }
        }
        // Some are stopped in good order first: closing brings the log into the file.
        if self.dice.percent(10) {
            for at in &struck {
                match self.gateways.get_mut(*at) {
                    Some(gateway) => gateway.stop().await,
                    None => self.hub.stop(),
                }
            }
        }
        tally.cuts += 1;
        self.back_on(struck, tally).await
    }

    /// Power is gone where it struck and where a start left little of it, and comes back.
    async fn back_on(&mut self, struck: Vec<usize>, tally: &mut Tally) -> Result<(), Failure> {
        for at in 0..=self.gateways.len() {
            if !struck.contains(&at) && self.power(at).is_on() {
                continue;
            }
            match self.gateways.get_mut(at) {
                Some(gateway) => gateway.cut(&mut self.dice, tally).await,
                None => self.hub.cut(&mut self.dice, tally),
            }
            self.start_at(at, true, tally).await?;
        }
        Ok(())
    }

    /// Chooses whose power fails, and after how much of the disk's work. The hub comes after the gateways.
    fn strike(&mut self) -> Vec<usize> {
        let hub = self.gateways.len();
        let one = self.dice.index(hub);
        let struck: Vec<usize> = match (self.profile, self.dice.below(10)) {
            (Profile::Hub, _) => vec![hub],
            (_, 0..4) => vec![one],
            (_, 4..7) => vec![hub],
            (_, 7..9) => vec![one, hub],
            _ => (0..=hub).collect(),
        };
        for at in &struck {
            let steps = self.steps();
            // Where it is gone already it stays gone: a disk does not come back as it was.
            if self.power(*at).is_on() {
                self.power(*at).fails_after(steps);
            }
        }
        struck
    }

    /// Of a gateway; behind the last of them, of the hub.
    fn power(&self, at: usize) -> &Power {
        self.gateways.get(at).map_or(self.hub.power(), |gateway| gateway.power())
    }

    /// Few are as likely as many.
    fn steps(&mut self) -> u64 {
        let most = 1 << (2 + self.dice.below(9));
        1 + self.dice.below(most)
    }

    fn is_dark(&self) -> bool {
        !self.hub.power().is_on() || self.gateways.iter().any(|gateway| !gateway.power().is_on())
    }

    /// A moment of everybody's work.
    async fn step(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        self.now_ms += 50 + self.dice.below(2_000);
        for at in 0..self.gateways.len() {
            let at_once = self.dice.below(8);
            let prunes = self.dice.percent(5);
            let Some(gateway) = self.gateways.get_mut(at) else { continue };
            gateway.work(at_once, tally).await?;
            if prunes {
                let pruned = gateway.prune(tally).await;
                if gateway.power().is_on() {
                    pruned?;
                }
            }
            self.send(at)?;
        }
        let mut taken = Vec::new();
        for _ in 0..self.dice.below(GROUP_MAX + 1) {
            taken.extend(self.up.take());
        }
        self.hub_takes(taken)?;
        if self.dice.percent(10) {
            let acks = self.hub.tick()?;
            self.acknowledge(acks);
        }
        self.deliver().await
    }

    /// What a gateway's window allows goes on its way.
    fn send(&mut self, at: usize) -> Result<(), Failure> {
        let Some(gateway) = self.gateways.get_mut(at) else { return Ok(()) };
        match gateway.messages(self.now_ms) {
            Ok(messages) => messages.into_iter().for_each(|message| self.up.send(at, message)),
            Err(_) if !gateway.power().is_on() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn hub_takes(&mut self, taken: Vec<(usize, Vec<u8>)>) -> Result<(), Failure> {
        let messages: Vec<_> = taken
            .into_iter()
            .filter_map(|(at, message)| Some((self.gateways.get(at)?.name.to_string(), message)))
            .collect();
        if !messages.is_empty() {
            let acks = self.hub.take(&messages)?;
            self.acknowledge(acks);
        }
        Ok(())
    }

    fn acknowledge(&mut self, acks: Vec<(String, Vec<u8>)>) {
        for (name, ack) in acks {
            if let Some(at) = self.gateways.iter().position(|gateway| gateway.name.as_str() == name) {
                self.down.send(at, ack);
            }
        }
    }

    async fn deliver(&mut self) -> Result<(), Failure> {
        let key = self.hub.key();
        while let Some((at, ack)) = self.down.take() {
            if let Some(gateway) = self.gateways.get_mut(at) {
                gateway.hear(&ack, &key, self.now_ms).await?;
            }
        }
        Ok(())
    }

    async fn start_gateway(&mut self, at: usize, tally: &mut Tally) -> Result<(), Failure> {
        self.start_at(at, false, tally).await
    }

    async fn start_hub(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        self.start_at(self.gateways.len(), false, tally).await
    }

    /// Starts one of them. Power may fail again in the middle of it, some times.
    async fn start_at(&mut self, at: usize, may_fail: bool, tally: &mut Tally) -> Result<(), Failure> {
        let mut cuts = 0;
        loop {
            let fails = may_fail && cuts < CUTS_IN_START_MAX && self.dice.percent(20);
            let steps = self.steps().min(200);
            let (power, started) = match self.gateways.get_mut(at) {
                Some(gateway) => {
                    let power = gateway.power().clone();
                    if fails {
                        power.fails_after(steps);
                    }
                    let wrongs = tally.wrongs();
                    let started = gateway.start(tally).await;
                    if !self.fresh && power.is_on() && tally.wrongs() == wrongs && started.is_err() {
                        let gone = gateway.oracle.waiting().max(1);
                        let why = started.as_ref().err().map(ToString::to_string).unwrap_or_default();
                        tally.lose(gone, || format!("{}: the journal does not start: {why}", gateway.name));
                        return Ok(());
                    }
                    (power, started)
                }
                None => {
                    let power = self.hub.power().clone();
                    if fails {
                        power.fails_after(steps);
                    }
                    let started = self.hub.start(tally).map(|acks| self.acknowledge(acks));
                    (power, started)
                }
            };
            if power.is_on() {
                return started;
            }
            tally.cuts += 1;
            cuts += 1;
            match self.gateways.get_mut(at) {
                Some(gateway) => gateway.cut(&mut self.dice, tally).await,
                None => self.hub.cut(&mut self.dice, tally),
            }
        }
    }

    /// Nothing fails any more: everything must come to the hub, and then be there once.
    async fn calm(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        let wrongs = tally.wrongs();
        (self.up.calm, self.down.calm) = (true, true);
        // A last cut for all, so that nobody's power is about to fail.
        tally.cuts += 1;
        for at in 0..=self.gateways.len() {
            match self.gateways.get_mut(at) {
                Some(gateway) => gateway.cut(&mut self.dice, tally).await,
                None => self.hub.cut(&mut self.dice, tally),
            }
            self.start_at(at, false, tally).await?;
        }
        if tally.wrongs() > wrongs {
            return Ok(());
        }
        for _ in 0..CALM_ROUNDS_MAX {
            // Longer than the longest patience of a window.
            self.now_ms += 200_000;
            for at in 0..self.gateways.len() {
                if let Some(gateway) = self.gateways.get_mut(at) {
                    gateway.work(0, tally).await?;
                }
                self.send(at)?;
            }
            let taken: Vec<_> = std::iter::from_fn(|| self.up.take()).collect();
            self.hub_takes(taken)?;
            self.deliver().await?;
            let hub = &self.hub;
            if self.gateways.iter().all(|gateway| hub.held(gateway.journal) == gateway.last()) {
                break;
            }
        }
        self.count(tally)
    }

    fn count(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        let mut stored: BTreeMap<(String, String), u64> = BTreeMap::new();
        for row in self.hub.lines()? {
            *stored.entry(row).or_default() += 1;
        }
        let mut counts = [0; 3];
        for gateway in &mut self.gateways {
            gateway.read(tally)?;
            for (count, more) in counts.iter_mut().zip(gateway.oracle.counts) {
                *count += more;
            }
            let name = gateway.name.to_string();
            for line in gateway.oracle.lines() {
                match stored.remove(&(name.clone(), line.clone())) {
                    Some(1) => {}
                    Some(more) => tally.double(more - 1, || format!("hub: {more} times {line}")),
                    None => tally.lose(1, || format!("hub: {name}'s record is not there: {line}")),
                }
            }
        }
        for ((name, line), times) in stored {
            tally.invent(times, || format!("hub: {name} never recorded {line}"));
        }
        let here = self.hub.counts();
        for ((count, here), what) in counts.into_iter().zip(here).zip(["collected", "packed", "served"]) {
            tally.double(here.saturating_sub(count).max(0).unsigned_abs(), || {
                format!("hub: {here} {what}, and {count} are recorded")
            });
            tally.lose(count.saturating_sub(here).max(0).unsigned_abs(), || {
                format!("hub: {here} {what}, and {count} are recorded")
            });
        }
        Ok(())
    }
}
