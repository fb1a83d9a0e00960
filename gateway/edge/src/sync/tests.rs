//! The link against a broker and hub in the same process that lose, break, lie and forget.

mod hub;

use std::{fs, path::Path, time::Duration};

use futures_util::future::join_all;
use tokio::{sync::oneshot, task::JoinHandle};
use waypost_core::{
    code::claim::{ClaimParams, ClaimToken},
    fact::{
        AlarmKind, ClockQuality, Fact, Link, Record, SiteKind, Stream, WallTime,
        id::{CampaignId, RoundId, SiteId},
    },
    filter,
    rule::{
        Act, Ledger as _, RowKind,
        campaign_end::OWN_CLOCK_AFTER_MS,
        elsewhere::{HubSays, ServedElsewhere},
        order::{CampaignTerms, FilterList, Order, OrderDocument, PieceEntry, Round, Secret},
    },
    wire::{
        ask::Answer,
        keys::{Seed, SignKey},
        order::{self, ORDER_BYTES_MAX, Recipient},
        part::{self, PartHeader},
        restore::NewJournal,
        secret_key::{SecretKey, SecretPublicKey},
        topic,
    },
};

use super::*;
use crate::journal::{self, JournalConfig, Request, RequestId, Verdict};
use hub::Hub;

/// Longest time that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

fn key(name: &str, byte: u8) -> SignKey {
    SignKey::new(name, &Seed::from_bytes([byte; 32])).unwrap()
}

fn secret_key(byte: u8) -> SecretKey {
    SecretKey::new(&Seed::from_bytes([byte; 32]))
}

/// A gateway with a real journal, and the hub it is linked to.
struct World {
    dir: tempfile::TempDir,
    config: SyncConfig,
    parts: Parts,
    state: watch::Receiver<LinkState>,
    secrets: watch::Receiver<Secrets>,
    hub: Hub,
    desk: HubDesk,
    asked: u64,
}

/// A link under way.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        let _ = self.stop.send(());
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let gateway = GatewayId::new("post-1").unwrap();
        let clock = Clock::system();
        let journal = Uuid::from_bytes([3; 16]);
        let (writer, opened) = journal::open(JournalConfig {
            dir: dir.path().to_owned(),
            gateway: gateway.clone(),
            site: SiteId::new("SITE-PO1").unwrap(),
            kind: SiteKind::PostOffice,
            box_tubes_max: 50,
            par: Vec::new(),
            clock: clock.clone(),
            track_max: 1000,
            journal,
        })
        .unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let hub = Hub::start(gateway.clone(), journal, key("post-1", 7).public(), key("ack", 8)).await;
        let (state_sender, state) = watch::channel(LinkState::default());
        let (secrets_sender, secrets) = watch::channel(Secrets::default());
        let config = SyncConfig {
            gateway,
            data: dir.path().to_owned(),
            journal,
            boot: opened.boot,
            key: Arc::new(key("post-1", 7)),
            mqtt: Some(Mqtt { host: "127.0.0.1".to_owned(), port: hub.port, tls: None }),
            ack_key: Some(key("ack", 8).public()),
            order_keys: vec![key("order", 9).public()],
            secret_key: Arc::new(secret_key(5)),
            serves: true,
            enrolment: None,
            tuning: Tuning {
                reconnect: Pauses { first: Duration::from_millis(10), cap: Duration::from_millis(50) },
                reconnect_local: Pauses { first: Duration::from_millis(10), cap: Duration::from_millis(50) },
                gather: Duration::from_millis(20),
                stall: Duration::from_millis(300),
                health: Duration::from_secs(30),
                orders: Duration::from_millis(50),
            },
        };
        let keeper = Keeper::open(dir.path()).unwrap();
        let (desk, questions) = desk();
        let parts = Parts {
            writer,
            reader,
            clock,
            state: state_sender,
            secrets: secrets_sender,
            keeper,
            filters: Some(Filters::new(dir.path())),
            questions: Some(questions),
        };
        Self { dir, config, parts, state, secrets, hub, desk, asked: 0 }
    }

    fn run(&self) -> Running {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(self.config.clone(), self.parts.clone(), async {
            let _ = stopped.await;
        }));
        Running { stop, task }
    }

    async fn ask(&mut self, acts: impl IntoIterator<Item = Act>) {
        let writer = self.parts.writer.clone();
        let asked = acts.into_iter().map(|act| {
            self.asked += 1;
            let id = RequestId::new(format!("test-{}", self.asked)).unwrap();
            writer.ask(Request { id, by: None, act })
        });
        for verdict in join_all(asked).await {
            assert!(matches!(verdict, Verdict::Granted { .. }), "{verdict:?}");
        }
    }

    /// Writes so many records.
    async fn write(&mut self, records: u64) {
        let boot = self.config.boot;
        let quality = ClockQuality::Rtc;
        let act = move |offset_ms| Act::FindClock { boot, offset_ms, quality };
        self.ask((0..records).map(|n| act(i64::try_from(n).unwrap()))).await;
    }

    async fn raise_alarm(&mut self) -> u64 {
        self.ask([Act::RaiseAlarm { alarm: AlarmKind::StockLow, subject: "packs".to_owned() }]).await;
        self.parts.writer.last().0
    }

    /// Waits until the gateway believes that the hub has everything.
    async fn synced(&mut self) {
        let writer = self.parts.writer.clone();
        let all = self.state.wait_for(|state| state.held == writer.last().0);
        tokio::time::timeout(PATIENCE, all).await.expect("everything is acknowledged").unwrap();
    }

    /// Waits until the hub is in some state.
    async fn hub_is(&self, what: &str, is: impl Fn(&hub::State) -> bool) {
        let met = async {
            while !is(&self.hub.state()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, met).await.is_ok(), "never: {what}");
    }

    /// The hub has what the journal has, line by line and link by link.
    fn assert_equal(&self) {
        let lines = self.parts.reader.lines(Stream::Ledger, 0, usize::MAX, usize::MAX).unwrap();
        let lines: Vec<_> =
            lines.into_iter().map(|line| (line.seq, (line.line, line.link.unwrap()))).collect();
        let state = self.hub.state();
        let held: Vec<_> = state.ledger.iter().map(|(seq, row)| (*seq, row.clone())).collect();
        assert_eq!(held.len(), lines.len());
        assert!(held == lines, "another line");
    }
}

#[tokio::test]
async fn everything_arrives_and_is_acknowledged() {
    let mut world = World::new().await;
    world.write(3000).await;
    let running = world.run();
    world.synced().await;
    world.assert_equal();
    world.write(1).await;
    world.synced().await;
    world.assert_equal();
    for n in 0..5 {
        world.parts.writer.note_fix(format!("{{\"lat\":22.{n}}}")).await;
    }
    world.hub_is("five positions", |state| state.track.len() == 5).await;
    running.stop().await;
}

#[tokio::test]
async fn what_the_broker_confirms_and_drops_is_sent_again() {
    let mut world = World::new().await;
    world.write(3000).await;
    world.hub.state().drop_batches = 2;
    let running = world.run();
    world.synced().await;
    world.assert_equal();
    world.hub.state().drop_batches = 3;
    world.write(1).await;
    world.synced().await;
    world.assert_equal();
    running.stop().await;
}

#[tokio::test]
async fn a_broken_connection_goes_on_behind_what_is_held() {
    let mut world = World::new().await;
    world.hub.state().mute = true;
    let running = world.run();
    world.hub_is("a connection", |state| state.connections == 1).await;
    world.write(500).await;
    world.hub_is("something came", |state| state.held().0 >= 100).await;
    world.hub.close();
    world.hub_is("another connection", |state| state.connections >= 2).await;
    world.write(500).await;
    world.hub.state().mute = false;
    world.synced().await;
    world.assert_equal();
    running.stop().await;
}

#[tokio::test]
async fn a_hub_put_back_from_a_copy_gets_everything_again() {
    let mut world = World::new().await;
    world.write(400).await;
    let running = world.run();
    world.synced().await;
    {
        let mut state = world.hub.state();
        let _ = state.ledger.split_off(&101);
        state.epoch = 2;
    }
    world.hub.say_ack();
    world.hub_is("everything", |state| state.held().0 >= 402).await;
    world.synced().await;
    world.assert_equal();
    running.stop().await;
}

#[tokio::test]
async fn an_acknowledgement_that_is_not_the_hubs_or_not_of_our_chain_is_not_believed() {
    let mut world = World::new().await;
    world.hub.state().ack_key = key("ack", 99);
    world.write(50).await;
    let running = world.run();
    world
        .hub_is("everything twice", |state| {
            // The alarm about what was not believed may travel with them.
            state.came.iter().filter(|came| came.starts_with("ledger 1-5")).count() >= 2
        })
        .await;
    assert_eq!(world.state.borrow().held, 0);
    {
        let mut state = world.hub.state();
        state.ack_key = key("ack", 8);
        state.false_link = Some(Link::START.after(b"another history"));
    }
    world.hub.say_ack();
    let told = world.state.wait_for(|state| state.trouble.is_some());
    tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
    assert_eq!(world.state.borrow().held, 0);
    world.hub.state().false_link = None;
    world.hub.say_ack();
    world.synced().await;
    assert_eq!(world.state.borrow().trouble, None);
    running.stop().await;
}

#[tokio::test]
async fn an_alarm_goes_ahead_of_the_backlog() {
    let mut world = World::new().await;
    world.write(3000).await;
    let seq = world.raise_alarm().await;
    let running = world.run();
    world.synced().await;
    {
        let state = world.hub.state();
        assert_eq!(state.came.first(), Some(&format!("alarm {seq}")));
        let copy = state.alarms.first().unwrap();
        assert_eq!(Some(&copy.line), state.ledger.get(&seq).map(|(line, _)| line));
    }
    // A live one too.
    let seq = world.raise_alarm().await;
    world.hub_is("the live alarm", |state| state.alarms.iter().any(|alarm| alarm.seq == seq)).await;
    running.stop().await;
}

#[tokio::test]
async fn no_packet_is_longer_than_the_broker_takes() {
    let mut world = World::new().await;
    world.hub.state().packet_max = Some(4096);
    world.write(2000).await;
    let running = world.run();
    world.synced().await;
    world.assert_equal();
    assert!(world.hub.state().longest_packet <= 4096);
    running.stop().await;
}

#[tokio::test]
async fn the_will_says_offline_and_so_does_a_goodbye() {
    let mut world = World::new().await;
    let running = world.run();
    world.synced().await;
    world
        .hub_is("an empty queue is told", |state| {
            state.statuses.last().is_some_and(|status| status.online && status.queued_ledger == 0)
        })
        .await;
    let will = world.hub.state().will.clone().unwrap();
    assert!(will.retain);
    let will: waypost_core::wire::status::Status = waypost_core::wire::status::read(&will.message).unwrap();
    assert!(!will.online);
    running.stop().await;
    world.hub_is("offline", |state| state.statuses.last().is_some_and(|status| !status.online)).await;
    assert!(!world.state.borrow().online);
}

fn campaign(number: u64, key_byte: u8, to: &[&str]) -> OrderDocument {
    let key = Secret::new(format!("{key_byte:02x}").repeat(32));
    let round = Round {
        id: RoundId::new("r1").unwrap(),
        from: "2020-10-05".to_owned(),
        until: "2020-10-18".to_owned(),
        packs_first: 2,
        packs_again: 1,
    };
    let terms = CampaignTerms {
        id: CampaignId::new("masks-2020-10").unwrap(),
        name: "Masks".to_owned(),
        rounds: vec![round],
        hash: ClaimParams::default(),
        documents: vec!["hk".to_owned()],
        proxies_max: 2,
        daily_quota: None,
        appeal: "Call 1823".to_owned(),
        disputes_until: None,
        elsewhere: None,
    };
    OrderDocument {
        id: "masks-2020-10".to_owned(),
        epoch: 1,
        number,
        not_before: None,
        expires: None,
        to: to.iter().map(|to| (*to).to_owned()).collect(),
        order: Order::Campaign { terms, key },
    }
}

fn lay(dir: &Path, name: &str, bytes: &[u8]) {
    fs::create_dir_all(dir.join("orders")).unwrap();
    fs::write(dir.join("orders").join("new"), bytes).unwrap();
    fs::rename(dir.join("orders").join("new"), dir.join("orders").join(name)).unwrap();
}

impl World {
    async fn key_is(&mut self, key_byte: u8) {
        let campaign = CampaignId::new("masks-2020-10").unwrap();
        let given = self.secrets.wait_for(|secrets| {
            secrets.campaigns.get(&campaign).and_then(Secret::bytes) == Some([key_byte; 32])
        });
        tokio::time::timeout(PATIENCE, given).await.expect("the campaign's key is given out").unwrap();
    }

    fn orders_applied(&self) -> usize {
        let lines = self.parts.reader.lines(Stream::Ledger, 0, usize::MAX, usize::MAX).unwrap();
        lines.iter().filter(|line| line.line.contains("\"order_applied\"")).count()
    }
}

#[tokio::test]
async fn an_order_comes_into_force_and_no_older_one_after_it() {
    let mut world = World::new().await;
    let signer = key("order", 9);
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    let signed = |number, byte| order::sign(&campaign(number, byte, &[]), &signer).unwrap();
    world.hub.state().retained = vec![(topic.clone(), signed(2, 0x22))];
    let running = world.run();
    world.key_is(0x22).await;
    world.synced().await;
    assert_eq!(world.orders_applied(), 1);

    // An older one, one by another key, one for others, a cleared topic, rubbish: then a newer one.
    world.hub.publish(topic.clone(), signed(1, 0x11));
    world.hub.publish(topic.clone(), order::sign(&campaign(9, 0x99, &[]), &key("order", 66)).unwrap());
    world.hub.publish(topic.clone(), order::sign(&campaign(9, 0x98, &["post-2"]), &signer).unwrap());
    world.hub.publish(topic.clone(), Vec::new());
    world.hub.publish(topic.clone(), vec![0xd2; 100]);
    world.hub.publish(topic, signed(3, 0x33));
    world.key_is(0x33).await;
    assert_eq!(world.orders_applied(), 2);
    running.stop().await;

    // After a new start the keys are there without a broker.
    world.config.mqtt = None;
    let (secrets_sender, secrets) = watch::channel(Secrets::default());
    (world.parts.secrets, world.secrets) = (secrets_sender, secrets);
    let running = world.run();
    world.key_is(0x33).await;
    // And an order can be laid beside it by hand.
    lay(world.dir.path(), "campaign.cose", &signed(4, 0x44));
    world.key_is(0x44).await;
    lay(world.dir.path(), "campaign.cose", &signed(5, 0x55));
    world.key_is(0x55).await;
    assert_eq!(world.orders_applied(), 4);
    running.stop().await;
}

#[tokio::test]
async fn the_hubs_time_sets_a_clock_that_nothing_has_confirmed() {
    let mut world = World::new().await;
    assert_eq!(world.parts.clock.now().clock, ClockQuality::Unset);
    let running = world.run();
    world.write(1).await;
    world.synced().await;
    world
        .hub_is("a clock found", |state| {
            state
                .ledger
                .values()
                .any(|(line, _)| line.contains("\"clock_found\"") && line.contains("\"quality\":\"ntp\""))
        })
        .await;
    let now = world.parts.clock.now();
    assert_eq!(now.clock, ClockQuality::Ntp);
    assert!((now.at.as_millis() - 1_599_091_200_000).abs() < 60_000);
    running.stop().await;
}

/// Encrypted to a gateway that has the key of [`secret_key`] with that byte.
fn sealed(document: &OrderDocument, gateway: &str, byte: u8) -> Vec<u8> {
    let to = Recipient {
        gateway: GatewayId::new(gateway).unwrap(),
        key: secret_key(byte).public(),
        ephemeral: Seed::from_bytes([byte + 1; 32]),
    };
    order::sign_sealed(document, &key("order", 9), &[to]).unwrap()
}

impl World {
    fn refusals(&self) -> Vec<String> {
        let lines = self.parts.reader.lines(Stream::Ledger, 0, usize::MAX, usize::MAX).unwrap();
        let refused = lines.iter().filter(|line| line.line.contains("\"message_refused\""));
        refused.map(|line| line.line.clone()).collect()
    }

    async fn until(&self, what: &str, met: impl Fn() -> bool) {
        let began = std::time::Instant::now();
        while !met() {
            assert!(began.elapsed() < PATIENCE, "never: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn refused(&self, subject: &str) {
        let began = std::time::Instant::now();
        while !self.refusals().iter().any(|line| line.contains(&format!("\"{subject}\""))) {
            assert!(began.elapsed() < PATIENCE, "no alarm about {subject}: {:?}", self.refusals());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_key_in_an_order_is_read_by_its_gateway_and_lies_in_no_file_as_it_is() {
    let mut world = World::new().await;
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    world.hub.state().retained = vec![(topic.clone(), sealed(&campaign(2, 0xa7, &[]), "post-1", 5))];
    let running = world.run();
    world.key_is(0xa7).await;
    running.stop().await;
    let (bytes, hex) = ([0xa7; 32], "a7".repeat(32));
    let mut dirs = vec![world.dir.path().to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let content = fs::read(&path).unwrap();
            let holds = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
            assert!(!holds(&bytes) && !holds(hex.as_bytes()), "{}", path.display());
        }
    }
    // After a start it comes from the card.
    world.config.mqtt = None;
    let (secrets_sender, secrets) = watch::channel(Secrets::default());
    (world.parts.secrets, world.secrets) = (secrets_sender, secrets);
    let running = world.run();
    world.key_is(0xa7).await;
    running.stop().await;
}

#[tokio::test]
async fn what_was_tampered_with_is_refused_counted_and_raised_once() {
    let mut world = World::new().await;
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    let first = sealed(&campaign(2, 0x22, &[]), "post-1", 5);
    world.hub.state().retained = vec![(topic.clone(), first.clone())];
    let running = world.run();
    world.key_is(0x22).await;
    let second = sealed(&campaign(3, 0x33, &[]), "post-1", 5);
    world.hub.publish(topic.clone(), second.clone());
    world.key_is(0x33).await;

    // Yesterday's order, again and again, also after a start.
    for _ in 0..20 {
        world.hub.publish(topic.clone(), first.clone());
    }
    world.refused("order-older").await;
    // Another's signature.
    let foreign = order::sign(&campaign(9, 0x99, &[]), &key("order", 66)).unwrap();
    world.hub.publish(topic.clone(), foreign);
    world.refused("order-signature").await;
    // Encrypted with our name on it to a key that is not ours.
    world.hub.publish(topic.clone(), sealed(&campaign(9, 0x98, &[]), "post-1", 6));
    world.refused("order-secret").await;
    // Cut short, and much too long: each is read as nothing.
    world.hub.publish(topic.clone(), second.get(..second.len() / 2).unwrap().to_vec());
    world.refused("order-form").await;
    lay(world.dir.path(), "long.cose", &vec![0xd2; ORDER_BYTES_MAX + 100]);
    // Signed, and impossible.
    let mut impossible = campaign(9, 0x97, &[]);
    let Order::Campaign { terms, .. } = &mut impossible.order else { unreachable!() };
    terms.rounds.clear();
    world.hub.publish(topic.clone(), sealed(&impossible, "post-1", 5));
    world.refused("order-content").await;
    // An acknowledgement by a key that signs something else.
    world.hub.publish(topic::ack(&world.config.gateway), sealed(&impossible, "post-1", 5));
    world.refused("acknowledgement").await;

    assert_eq!(world.refusals().len(), 6, "one alarm an hour for each reason, however much comes");
    assert_eq!(world.orders_applied(), 2);
    world.key_is(0x33).await;
    running.stop().await;

    // The broker has yesterday's still.
    let newer = sealed(&campaign(4, 0x44, &[]), "post-1", 5);
    world.hub.state().retained = vec![(topic.clone(), first), (topic, newer)];
    let running = world.run();
    world.key_is(0x44).await;
    assert_eq!(world.orders_applied(), 3, "and no older one after a start either");
    running.stop().await;
}

/// The campaign of [`campaign`], which ends.
fn ending(number: u64, key_byte: u8) -> OrderDocument {
    let mut document = campaign(number, key_byte, &[]);
    let Order::Campaign { terms, .. } = &mut document.order else { unreachable!() };
    terms.disputes_until = Some("2020-11-30".to_owned());
    document
}

fn sealed_to(document: &OrderDocument, to: &SecretPublicKey) -> Vec<u8> {
    let gateway = GatewayId::new("post-1").unwrap();
    let to = Recipient { gateway, key: *to, ephemeral: Seed::from_bytes([0x61; 32]) };
    order::sign_sealed(document, &key("order", 9), &[to]).unwrap()
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut dirs, mut files) = (vec![dir.to_owned()], Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push((path.clone(), fs::read(&path).unwrap())) }
        }
    }
    files
}

fn assert_nowhere(dir: &Path, what: &str, needle: &[u8]) {
    for (path, content) in files(dir) {
        let found = content.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "{what} is in {}", path.display());
    }
}

impl World {
    /// What was recorded, in order.
    fn ledger(&self) -> impl Iterator<Item = Fact> {
        let lines = self.parts.reader.lines(Stream::Ledger, 0, usize::MAX, usize::MAX).unwrap();
        lines.into_iter().map(|line| Record::from_line(&line.line).unwrap().fact)
    }

    /// The log's frames are old versions of pages; once they are in the file it begins anew.
    fn bring_log_into_file(&self) {
        let connection = rusqlite::Connection::open(self.dir.path().join(journal::FILE)).unwrap();
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!(busy, 0);
    }

    /// The public half that went up as a record.
    async fn pair(&self) -> SecretPublicKey {
        let began = std::time::Instant::now();
        loop {
            let ledger = self.hub.state().ledger.clone();
            for (line, _) in ledger.values() {
                let record = Record::from_line(line).unwrap();
                if let Fact::CampaignPairMade { key, .. } = record.fact {
                    return key;
                }
            }
            assert!(began.elapsed() < PATIENCE, "no pair");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn the_keys_of_a_campaign_that_ended_are_nowhere_on_the_card() {
    let mut world = World::new().await;
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    // It comes with nothing for this gateway, and again encrypted to the pair that was made for it.
    let announced = order::sign_sealed(&ending(2, 0xa7), &key("order", 9), &[]).unwrap();
    world.hub.state().retained = vec![(topic.clone(), announced)];
    let running = world.run();
    let pair = world.pair().await;
    assert_ne!(pair, secret_key(5).public());
    let recorded = sealed_to(&ending(2, 0xa7), &pair);
    world.hub.state().retained = vec![(topic.clone(), recorded.clone())];
    world.hub.publish(topic.clone(), recorded.clone());
    world.key_is(0xa7).await;
    let [stored] = world.parts.reader.orders().unwrap().try_into().unwrap();
    let ciphertext = stored.order.secrets()[0].kept().unwrap().to_owned();
    let keys = world.dir.path().join("keys");
    let wrapped: Vec<_> = files(&keys)
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "key" || end == "pair"))
        .collect();
    assert_eq!(wrapped.len(), 2, "the key of the order's key, and the pair");

    // The day before its end nothing happens; the day after, all of it is gone, at the hub's word alone.
    world.hub.state().time = "2020-11-30T23:59:00Z".parse().unwrap();
    world.write(1).await;
    world.synced().await;
    assert_eq!(files(&keys).len(), 3);
    world.hub.state().time = "2020-12-01T12:00:00Z".parse().unwrap();
    world.write(1).await;
    world
        .hub_is("the end is on record", |state| {
            state.ledger.values().any(|(line, _)| line.contains("\"campaign_keys_destroyed\""))
        })
        .await;
    let campaign = CampaignId::new("masks-2020-10").unwrap();
    assert!(!world.secrets.borrow().campaigns.contains_key(&campaign));
    // The broker's copy of the order brings nothing back, after a start either, and is no alarm.
    world.hub.publish(topic, recorded.clone());
    world.write(1).await;
    world.synced().await;
    running.stop().await;
    let running = world.run();
    world.synced().await;
    running.stop().await;

    let dir = world.dir.path();
    assert_nowhere(dir, "the key", &[0xa7; 32]);
    assert_nowhere(dir, "the key in hex", "a7".repeat(32).as_bytes());
    for (path, bytes) in &wrapped {
        assert!(!path.exists(), "{}", path.display());
        // Without the quotes and the end of the line: as it could stand in another file.
        assert_nowhere(dir, "a wrapped key", bytes.get(1..bytes.len() - 2).unwrap());
    }
    assert_eq!(world.refusals(), Vec::<String>::new());
    // Whoever has the card and a recording of the order has every key that is left, and none opens it.
    let keeper = Keeper::open(dir).unwrap();
    assert!(keeper.campaign_pair(&campaign).unwrap().is_none());
    let signed_by = [key("order", 9).public()];
    assert!(
        order::open_sealed(&recorded, &signed_by, &world.config.gateway, &world.config.secret_key).is_err()
    );
    // What was stored of the order went as well, and is written over once the log is in the file.
    assert_eq!(world.parts.reader.orders().unwrap(), []);
    world.bring_log_into_file();
    assert_nowhere(dir, "the order's ciphertext", ciphertext.as_bytes());
}

#[tokio::test]
async fn the_filters_of_a_campaign_that_ended_leave_the_card_and_do_not_come_back() {
    let mut world = World::new().await;
    let signer = key("order", 9);
    let masks = CampaignId::new("masks-2020-10").unwrap();
    let piece = filter::build([ClaimToken([1; 16])]).unwrap();
    let filters = world.parts.filters.clone().unwrap();
    let is_asked = |filters: &Filters| !filters.ask(&masks, ClaimToken([1; 16])).is_empty();
    // Its order has nothing for this gateway yet; the terms come into force with the key.
    let order_topic = topic::order_to_all("campaign", "masks-2020-10");
    let announced = order::sign_sealed(&ending(2, 0xa7), &signer, &[]).unwrap();
    world.hub.state().retained = vec![(order_topic.clone(), announced)];
    let running = world.run();
    let pair = world.pair().await;
    world.hub.publish(order_topic, sealed_to(&ending(2, 0xa7), &pair));
    world.key_is(0xa7).await;
    let mut of_filter = vec![(
        topic::order_to_all("filter", "masks-2020-10.r1"),
        order::sign(&filter_list(5, &[&piece]), &signer).unwrap(),
    )];
    of_filter.extend(piece_parts(&piece, 0, 5, &signer));
    world.hub.state().retained = of_filter.clone();
    of_filter.iter().for_each(|(topic, bytes)| world.hub.publish(topic.clone(), bytes.clone()));
    world.until("the filter is asked", || is_asked(&filters)).await;
    let dir = world.dir.path().join(crate::filter::FILTERS_DIR);
    assert_eq!(files(&dir).len(), 1);

    world.hub.state().time = "2020-12-01T12:00:00Z".parse().unwrap();
    world.write(1).await;
    world.until("its file is gone", || files(&dir).is_empty()).await;
    assert!(!is_asked(&filters));
    assert_eq!(world.parts.reader.ids(RowKind::Filter, 10).unwrap(), Vec::<String>::new());
    // The broker still has it; a newer list comes too. After a start it is the same.
    of_filter[0].1 = order::sign(&filter_list(6, &[&piece]), &signer).unwrap();
    for (topic, bytes) in &of_filter {
        world.hub.publish(topic.clone(), bytes.clone());
    }
    world.write(1).await;
    world.synced().await;
    running.stop().await;
    world.parts.filters = Some(Filters::new(world.dir.path()));
    let running = world.run();
    world.write(1).await;
    world.synced().await;
    running.stop().await;
    assert!(files(&dir).is_empty());
    assert_eq!(world.parts.reader.ids(RowKind::Filter, 10).unwrap(), Vec::<String>::new());
    assert_eq!(world.refusals(), Vec::<String>::new(), "and it is no alarm");
}

#[tokio::test]
async fn a_gateway_that_hears_no_hub_destroys_keys_long_after_the_end_by_a_clock_that_is_right() {
    let mut world = World::new().await;
    // Nothing is ever heard of the hub; orders are laid by hand.
    world.config.mqtt = None;
    let dir = world.dir.path().to_owned();
    lay(&dir, "masks.cose", &order::sign_sealed(&ending(2, 0xa7), &key("order", 9), &[]).unwrap());
    let running = world.run();
    let pair_made = || {
        world.ledger().find_map(|fact| match fact {
            Fact::CampaignPairMade { key, .. } => Some(key),
            _ => None,
        })
    };
    world.until("a pair is made", || pair_made().is_some()).await;
    lay(&dir, "masks-sealed.cose", &sealed_to(&ending(2, 0xa7), &pair_made().unwrap()));
    world.key_is(0xa7).await;
    let keys = dir.join("keys");
    assert_eq!(files(&keys).len(), 3);
    let clock = world.parts.clock.clone();
    let end: WallTime = "2020-12-01T12:00:00Z".parse().unwrap();
    let set = |at: WallTime| {
        let offset_ms = at.as_millis() - i64::try_from(clock.now().up_ms).unwrap();
        assert!(clock.set(offset_ms, ClockQuality::Gnss));
    };
    running.stop().await;
    // It looks at each start; the margin is not over.
    set(end.plus_ms(OWN_CLOCK_AFTER_MS - 3_600_000));
    let running = world.run();
    running.stop().await;
    assert_eq!(files(&keys).len(), 3);
    set(end.plus_ms(OWN_CLOCK_AFTER_MS));
    let running = world.run();
    world.until("the keys are destroyed", || files(&keys).len() == 1).await;
    world.until("and that is on record", || world.parts.reader.orders().unwrap().is_empty()).await;
    running.stop().await;
}

#[tokio::test]
async fn an_order_of_a_campaign_waits_for_a_badge_and_comes_into_force_then() {
    let mut world = World::new().await;
    world.parts.keeper = Keeper::open(world.dir.path()).unwrap().with_badges();
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    world.hub.state().retained = vec![(topic, sealed(&campaign(2, 0x22, &[]), "post-1", 5))];
    let running = world.run();
    let waits = world.secrets.wait_for(|secrets| secrets.wait_for_badge);
    tokio::time::timeout(PATIENCE, waits).await.expect("the panel is told").unwrap();
    assert_eq!(world.orders_applied(), 0);
    let badge = waypost_core::code::Badge::new("STAFF-7Q2M-0001");
    world.parts.keeper.vault().unwrap().present(&badge, "hash", |_| true).unwrap();
    world.key_is(0x22).await;
    let settled = world.secrets.wait_for(|secrets| !secrets.wait_for_badge);
    tokio::time::timeout(PATIENCE, settled).await.expect("nothing waits any more").unwrap();
    running.stop().await;
}

#[tokio::test]
async fn who_forges_an_end_of_the_journal_or_a_ledger_is_refused_and_raised() {
    let mut world = World::new().await;
    let running = world.run();
    world.synced().await;
    let (gateway, journal) = (world.config.gateway.clone(), world.config.journal);
    let order = NewJournal { gateway: gateway.clone(), journal };
    // By a key that is nobody's, and by the one that may only acknowledge.
    world.hub.publish(order.topic(), order.sign(&key("order", 66)).unwrap());
    world.refused("order-signature").await;
    world.hub.publish(order.topic(), order.sign(&key("ack", 8)).unwrap());
    world.hub.publish(topic::order_to_all("restore", "x").replace("/all/", "/post-1/"), vec![0x9f; 500]);
    world.refused("order-form").await;
    assert!(!world.state.borrow().new_journal);
    running.stop().await;
}

#[tokio::test]
async fn an_order_in_parts_comes_into_force_whole_and_only_by_its_signer() {
    let mut world = World::new().await;
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    let long = |number, byte| {
        let mut document = campaign(number, byte, &[]);
        let Order::Campaign { terms, .. } = &mut document.order else { unreachable!() };
        terms.name = "Masks ".repeat(60_000);
        sealed(&document, "post-1", 5)
    };
    let parts = |whole: &[u8], number, signer: &SignKey| -> Vec<(String, Vec<u8>)> {
        let like = PartHeader {
            kind: "campaign".to_owned(),
            id: "masks-2020-10".to_owned(),
            epoch: 1,
            number,
            part: 0,
            parts: 0,
            bytes: 0,
            digest: String::new(),
        };
        let cut = part::cut(whole, &like, part::PART_BYTES_MAX, signer).unwrap();
        cut.into_iter().zip(1..).map(|(bytes, at)| (part::topic(&topic, at), bytes)).collect()
    };
    let signer = key("order", 9);
    let mut first = parts(&long(2, 0x22), 2, &signer);
    assert!(first.len() > 5);
    // The last part first, one of them twice, and one is missing.
    first.reverse();
    first.push(first.first().cloned().unwrap());
    let missing = first.remove(2);
    world.hub.state().retained = first.clone();
    let running = world.run();
    world.synced().await;
    // Somebody else's parts take nobody's place, nor does one that was cut short.
    for (topic, bytes) in parts(&long(9, 0x99), 9, &key("order", 66)) {
        world.hub.publish(topic, bytes);
    }
    world.refused("order-signature").await;
    world.hub.publish(missing.0.clone(), missing.1.get(..1000).unwrap().to_vec());
    world.refused("order-form").await;
    assert_eq!(world.orders_applied(), 0);
    world.hub.publish(missing.0.clone(), missing.1.clone());
    world.key_is(0x22).await;
    assert_eq!(world.orders_applied(), 1);

    // A newer one, of which the broker keeps all; of the older one some parts are left there.
    let second = parts(&long(3, 0x33), 3, &signer);
    world.hub.state().retained = first.iter().take(3).chain(&second).cloned().collect();
    world.hub.close();
    world.key_is(0x33).await;
    assert_eq!(world.orders_applied(), 2);
    assert_eq!(world.refusals().len(), 2, "what is left of the older one is no alarm");
    running.stop().await;
}

fn filter_list(number: u64, pieces: &[&[u8]]) -> OrderDocument {
    let list = FilterList {
        campaign: CampaignId::new("masks-2020-10").unwrap(),
        round: RoundId::new("r1").unwrap(),
        as_of: WallTime(i64::try_from(number).unwrap()),
        pieces: pieces
            .iter()
            .map(|piece| PieceEntry { digest: part::digest(piece), bytes: piece.len() as u64 })
            .collect(),
    };
    let order = Order::Filter { list };
    OrderDocument { id: "masks-2020-10.r1".to_owned(), order, ..campaign(number, 0, &[]) }
}

fn piece_parts(piece: &[u8], slot: u32, number: u64, signer: &SignKey) -> Vec<(String, Vec<u8>)> {
    let like = PartHeader {
        kind: "piece".to_owned(),
        id: "masks-2020-10.r1".to_owned(),
        epoch: 1,
        number,
        part: 0,
        parts: 0,
        bytes: 0,
        digest: String::new(),
    };
    let topic = topic::filter_piece("masks-2020-10.r1", slot);
    let cut = part::cut(piece, &like, part::PART_BYTES_MAX, signer).unwrap();
    cut.into_iter().zip(1..).map(|(bytes, at)| (part::topic(&topic, at), bytes)).collect()
}

#[tokio::test]
async fn a_filter_comes_into_force_with_its_last_piece_and_no_older_one_after_it() {
    let mut world = World::new().await;
    let signer = key("order", 9);
    let token = |n: u8| ClaimToken([n; 16]);
    let filters = world.parts.filters.clone().unwrap();
    let masks = CampaignId::new("masks-2020-10").unwrap();
    let says = |n| filters.ask(&masks, token(n)).first().map(|says| (says.as_of.as_millis(), says.hit));
    let (base, delta) = (filter::build([token(1)]).unwrap(), filter::build([token(2)]).unwrap());
    let list_topic = topic::order_to_all("filter", "masks-2020-10.r1");
    let first = order::sign(&filter_list(5, &[&base]), &signer).unwrap();
    // The list comes before its piece.
    let mut retained = vec![(list_topic.clone(), first.clone())];
    retained.extend(piece_parts(&base, 0, 5, &signer));
    world.hub.state().retained = retained;
    let running = world.run();
    world.until("the filter is asked", || says(1) == Some((5, true))).await;
    assert_eq!(says(2), Some((5, false)));
    // A newer list whose delta somebody else signed does not come into force.
    world.hub.publish(list_topic.clone(), order::sign(&filter_list(6, &[&base, &delta]), &signer).unwrap());
    for (topic, bytes) in piece_parts(&delta, 1, 6, &key("order", 66)) {
        world.hub.publish(topic, bytes);
    }
    world.refused("order-signature").await;
    assert_eq!(says(2), Some((5, false)));
    for (topic, bytes) in piece_parts(&delta, 1, 6, &signer) {
        world.hub.publish(topic, bytes);
    }
    world.until("the delta is asked", || says(2) == Some((6, true))).await;
    // Yesterday's list is refused and raised, and leaves no record of its own.
    world.hub.publish(list_topic, first);
    world.refused("order-older").await;
    assert_eq!(says(2), Some((6, true)));
    assert_eq!(world.orders_applied(), 0);
    running.stop().await;
    // After a start it is in force without the broker.
    world.parts.filters = Some(Filters::new(world.dir.path()));
    world.config.mqtt = None;
    let filters = world.parts.filters.clone().unwrap();
    let running = world.run();
    let says = |n| filters.ask(&masks, token(n)).first().map(|says| (says.as_of.as_millis(), says.hit));
    world.until("the filter is asked after a start", || says(2) == Some((6, true))).await;
    running.stop().await;
}

#[tokio::test]
async fn a_question_is_answered_by_the_hub_alone_and_waited_for_a_moment_only() {
    let mut world = World::new().await;
    let running = world.run();
    world.synced().await;
    let masks = CampaignId::new("masks-2020-10").unwrap();
    let served = HubSays {
        served: vec![ServedElsewhere {
            round: RoundId::new("r1").unwrap(),
            site: SiteId::new("SITE-2").unwrap(),
            at: WallTime(77),
        }],
    };
    let answer = |world: &World, signer: &SignKey, says: &HubSays| {
        let ask = world.hub.state().asks.last().cloned().unwrap();
        assert_eq!((ask.journal, ask.claim), (world.config.journal, ClaimToken([4; 16])));
        let answer = Answer { id: ask.id, time: WallTime(80), says: says.clone() };
        world.hub.publish(topic::answer(&world.config.gateway), answer.sign(signer).unwrap());
    };
    let (desk, campaign) = (world.desk.clone(), masks.clone());
    let asked = tokio::spawn(async move { desk.ask(campaign, ClaimToken([4; 16])).await });
    world.hub_is("a question", |state| state.asks.len() == 1).await;
    // Another's word first.
    answer(&world, &key("order", 66), &HubSays::default());
    answer(&world, &key("order", 9), &served);
    assert_eq!(asked.await.unwrap(), Some(served));
    world.refused("order-signature").await;
    // Nobody answers.
    assert_eq!(world.desk.ask(masks.clone(), ClaimToken([4; 16])).await, None);
    world.hub_is("another question", |state| state.asks.len() == 2).await;
    running.stop().await;
    // Nobody is there.
    assert_eq!(world.desk.ask(masks, ClaimToken([4; 16])).await, None);
    assert_eq!(world.hub.state().asks.len(), 2);
}
