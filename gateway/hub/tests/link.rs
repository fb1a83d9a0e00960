//! The hub at a real broker: what it acknowledges, what it retains, and when it asks for everything again.
//! Needs Debian's mosquitto; without it the tests say SKIPPED.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may stop at once"
)]

mod common;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use common::{Gateway, a_box, collected, reading, tube};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, PublishOptions, QoS};
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};
use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        Checklist, Fact, Role, WallTime,
        id::{CampaignId, OperatorId, RoundId},
    },
    filter,
    rule::{
        order::{CampaignTerms, ElsewhereTerms, Order, OrderDocument, Round, Secret, StaffEntry, WhenStale},
        row::StaffRow,
    },
    wire::{
        ack::Ack,
        ask::{Answer, Ask},
        keys::{HubSeeds, Seed},
        order,
        part::{self, Joiner, PART_BYTES_MAX, Part},
    },
};
use waypost_hub::{RunError, Running, config::Config, store::Job};

const LONG: Duration = Duration::from_secs(20);

struct Broker {
    process: Child,
    port: u16,
}

impl Broker {
    fn start(dir: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = dir.join("mosquitto.conf");
        std::fs::write(&config, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(process) => Some(Self { process, port }),
            Err(error) => {
                println!("SKIPPED: mosquitto cannot be started: {error}");
                None
            }
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _gone_already = self.process.wait();
    }
}

fn seeds() -> HubSeeds {
    HubSeeds { ack_key: Seed::from_bytes([101; 32]), order_key: Seed::from_bytes([102; 32]) }
}

struct Up {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
    http: SocketAddr,
    epoch: u64,
}

impl Up {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(LONG, self.task).await.expect("it stops").unwrap().unwrap();
    }
}

async fn hub(dir: &Path, broker: u16, gateways: &[&Gateway]) -> Up {
    let data = dir.join("hub");
    std::fs::create_dir_all(&data).unwrap();
    let keys = data.join("keys.json");
    if !keys.exists() {
        let mut file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(keys).unwrap();
        file.write_all(serde_json::to_string(&seeds()).unwrap().as_bytes()).unwrap();
    }
    let mut text = format!(
        "dir = \"hub\"\nfilters_every_s = 1\n[mqtt]\nhost = \"127.0.0.1\"\nport = {broker}\n[http]\nlisten = \"127.0.0.1:0\"\n\
         [clock.simulated]\nstart = \"2020-09-03T02:00:00Z\"\nrate = 1\n"
    );
    for place in gateways.iter().map(|gateway| gateway.place()) {
        let kind = serde_json::to_string(&place.kind).unwrap();
        text += &format!(
            "[[gateway]]\nid = \"{}\"\nsite = \"{}\"\nkind = {kind}\nkey = \"{}\"\n",
            place.gateway,
            place.site,
            place.key.unwrap()
        );
    }
    let file = dir.join("hub.toml");
    std::fs::write(&file, text).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (up, is_up) = oneshot::channel();
    let config = Config::read(&file).unwrap();
    let task = tokio::spawn(waypost_hub::run(config, Some(up), Box::new(|| ()), async {
        let _dropped_is_stopped_too = stopped.await;
    }));
    let Running { http_addr, epoch } = timeout(LONG, is_up).await.expect("the hub comes up").unwrap();
    Up { stop, task, http: http_addr, epoch }
}

/// Somebody else at the broker.
struct Peer {
    client: AsyncClient,
    events: EventLoop,
}

impl Peer {
    async fn new(name: &str, port: u16, filter: &str) -> Self {
        let mut options = MqttOptions::new(name, ("127.0.0.1", port));
        options.set_max_packet_size(Some(512 * 1024));
        let (client, events) = AsyncClient::builder(options).capacity(64).build();
        client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        Self { client, events }
    }

    async fn publish(&self, topic: &str, bytes: Vec<u8>, retain: bool) {
        self.client.publish(topic, bytes, PublishOptions::at_least_once().retain(retain)).await.unwrap();
    }

    async fn upload(&self, gateway: &Gateway, job: Job) {
        let Job::Upload(_, bytes) = job else { unreachable!() };
        self.publish(&format!("waypost/v1/{}/ledger", gateway.name), bytes, false).await;
    }

    /// Waits for a message of which something can be made.
    async fn wait<T>(&mut self, mut read: impl FnMut(&str, &[u8]) -> Option<T>) -> T {
        let wait = async {
            loop {
                // The broker may not be up yet: the next poll connects again.
                let Ok(Event::Incoming(Packet::Publish(publish))) = self.events.poll().await else {
                    continue;
                };
                if let Some(found) = read(std::str::from_utf8(&publish.topic).unwrap(), &publish.payload) {
                    return found;
                }
            }
        };
        timeout(LONG, wait).await.expect("the message comes")
    }

    /// Sends until it is acknowledged, as a gateway does: what comes before the hub has subscribed is not kept.
    async fn until_ack(&mut self, gateway: &Gateway, job: Job, wanted: impl Fn(&Ack) -> bool) -> Ack {
        let tries = async {
            loop {
                self.upload(gateway, job.clone()).await;
                if let Ok(ack) = timeout(Duration::from_millis(500), self.ack(&wanted)).await {
                    return ack;
                }
            }
        };
        timeout(LONG, tries).await.expect("it is acknowledged")
    }

    async fn ack(&mut self, wanted: impl Fn(&Ack) -> bool) -> Ack {
        let key = seeds().ack().public();
        self.wait(|topic, bytes| {
            let ack = topic.ends_with("/ack").then(|| Ack::open(bytes, &key).expect("signed by the hub"))?;
            wanted(&ack).then_some(ack)
        })
        .await
    }
}

fn get(address: SocketAddr, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_is_committed_is_acknowledged_signed_and_retained() {
    let dir = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(dir.path()) else { return };
    let mut centre = Gateway::new("ctc-1", 1);
    let laboratory = Gateway::new("lab-1", 2);
    let stranger = Gateway::new("ctc-9", 9);
    centre.write(0, Fact::BoxStarted { box_id: a_box("B-1") });
    centre.write(1, collected(1));
    centre.write(1, Fact::TubePacked { tube: tube("T-00000001"), box_id: a_box("B-1") });
    let up = hub(dir.path(), broker.port, &[&centre, &laboratory]).await;
    let mut peer = Peer::new("peer", broker.port, "waypost/v1/#").await;

    let ack = peer.until_ack(&centre, centre.batch(1, 4), |ack| ack.ledger.held == 4).await;
    assert_eq!((ack.journal, ack.ledger.link, ack.ledger.safe), (centre.journal, centre.link_at(4), 4));
    assert_eq!(ack.epoch, up.epoch);
    assert!(ack.time >= "2020-09-03T02:00:00Z".parse().unwrap());

    // Not from the gateway whose topic it is: kept apart, and it stops nothing.
    let Job::Upload(_, forged) = stranger.all() else { unreachable!() };
    peer.publish("waypost/v1/ctc-1/ledger", forged, false).await;
    // The same again is acknowledged again; the next moves on and brings the manifest's order.
    peer.upload(&centre, centre.batch(1, 4)).await;
    peer.ack(|ack| ack.ledger.held == 4).await;
    let checklist = Checklist::COMPLETE;
    centre.write(2, Fact::BoxClosed { box_id: a_box("B-1"), tubes: 1, checklist });
    let due = WallTime(common::DAY + 90 * common::MINUTE);
    centre.write(
        3,
        Fact::BoxSealed { box_id: a_box("B-1"), reading: reading(), mechanical: None, tubes: 1, due },
    );
    peer.upload(&centre, centre.batch(5, 6)).await;
    let keys = [seeds().order().public()];
    let document = peer
        .wait(|topic, bytes| {
            let is_it = topic == "waypost/v1/lab-1/order/manifest";
            is_it
                .then(|| order::open(bytes, &keys).expect("signed with the order key"))
                .filter(|document| matches!(&document.order, Order::Manifest { boxes } if !boxes.is_empty()))
        })
        .await;
    assert_eq!(document.to, ["lab-1"]);
    let Order::Manifest { boxes } = document.order else { unreachable!() };
    assert_eq!(boxes[0].tubes, ["T-00000001"]);

    // An order laid into the folder while the hub runs.
    let orders = dir.path().join("hub/orders");
    std::fs::create_dir_all(&orders).unwrap();
    std::fs::write(orders.join("junk.json"), "{}").unwrap();
    let staff = r#"{"id":"-","epoch":1,"number":1,"order":{"kind":"staff","people":[]}}"#;
    std::fs::write(orders.join("staff.json"), staff).unwrap();
    let staff = peer
        .wait(|topic, bytes| {
            (topic == "waypost/v1/all/order/staff/-").then(|| order::open(bytes, &keys).expect("signed"))
        })
        .await;
    assert_eq!(staff.number, 1);

    // What the pages say, and to whom.
    let host = up.http.to_string();
    let (http, asked) = (up.http, host.clone());
    let page =
        move |path: &'static str, host: String| tokio::task::spawn_blocking(move || get(http, path, &host));
    let summary = page("/api/summary", asked.clone()).await.unwrap();
    let json: serde_json::Value = serde_json::from_str(summary.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(json["boxes"][0]["state"], "sealed");
    assert_eq!(json["alarms"][0]["kind"], "not_signed", "{json}");
    assert!(page("/", asked.clone()).await.unwrap().contains("Waypost control room"));
    assert!(page("/trace?code=T-00000001", asked.clone()).await.unwrap().contains("tube packed"));
    assert!(page("/healthz", asked.clone()).await.unwrap().starts_with("HTTP/1.1 200"));
    assert!(page("/api/trace/nothing", asked).await.unwrap().starts_with("HTTP/1.1 404"));
    assert!(page("/api/summary", "hub.example".to_owned()).await.unwrap().starts_with("HTTP/1.1 403"));
    let said = std::fs::read_to_string(dir.path().join("hub/http.addr")).unwrap();
    assert_eq!(said.trim(), host);

    // Acknowledgement and orders are retained: who comes later gets them.
    up.stop().await;
    let mut late = Peer::new("late", broker.port, "waypost/v1/#").await;
    assert_eq!(late.ack(|_| true).await.ledger.held, 6);
}

#[tokio::test]
async fn a_store_behind_a_retained_acknowledgement_asks_for_everything_in_a_new_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(dir.path()) else { return };
    let mut centre = Gateway::new("ctc-1", 1);
    for number in 1..10 {
        centre.write(number, collected(number as usize));
    }
    let up = hub(dir.path(), broker.port, &[&centre]).await;
    let mut peer = Peer::new("peer", broker.port, "waypost/v1/+/ack").await;
    peer.until_ack(&centre, centre.all(), |ack| ack.ledger.held == 10).await;
    up.stop().await;

    // The whole folder is put back to nothing but its keys, the file that would tell too.
    for name in ["store.db", "store.db-wal", "store.db-shm", "epoch"] {
        let _absent_is_fine = std::fs::remove_file(dir.path().join("hub").join(name));
    }
    let up = hub(dir.path(), broker.port, &[&centre]).await;
    assert_eq!(up.epoch, 1, "the folder tells nothing");
    let ack = peer.until_ack(&centre, centre.batch(1, 2), |ack| ack.epoch > 1).await;
    assert!(ack.ledger.held <= 2, "held goes back, and the gateway sends again");
    peer.upload(&centre, centre.all()).await;
    peer.ack(|ack| ack.epoch == 2 && ack.ledger.held == 10).await;
    up.stop().await;
}

#[tokio::test]
async fn a_hub_that_cannot_write_down_its_address_is_there_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(dir.path()) else { return };
    let written = dir.path().join("hub").join("http.addr");
    std::fs::create_dir_all(written.with_extension("addr.new")).unwrap();
    let up = hub(dir.path(), broker.port, &[]).await;
    tokio::net::TcpStream::connect(up.http).await.expect("its pages are served");
    assert!(!written.exists());
    up.stop().await;
}

#[tokio::test]
async fn a_long_order_goes_in_parts_and_a_short_one_clears_them() {
    let dir = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(dir.path()) else { return };
    let centre = Gateway::new("ctc-1", 1);
    let up = hub(dir.path(), broker.port, &[&centre]).await;
    let mut peer = Peer::new("peer", broker.port, "waypost/v1/all/order/staff/#").await;
    let keys = [seeds().order().public()];
    let staff = |number, people: u32| {
        let entry = |n: u32| StaffEntry {
            badge: format!("{n:064x}"),
            person: StaffRow::without_pin(OperatorId::new(format!("s-{n}")).unwrap(), Role::Staff),
        };
        let order = Order::Staff { people: (0..people).map(entry).collect() };
        let id = "-".to_owned();
        OrderDocument { id, epoch: 1, number, not_before: None, expires: None, to: Vec::new(), order }
    };
    let orders = dir.path().join("hub/orders");
    std::fs::create_dir_all(&orders).unwrap();
    let lay = |document: &OrderDocument| {
        std::fs::write(orders.join("staff.json"), serde_json::to_vec(document).unwrap()).unwrap();
    };
    let long = staff(1, 4_000);
    lay(&long);
    let mut joiner = Joiner::default();
    let mut topics = Vec::new();
    let whole = peer
        .wait(|topic, bytes| {
            assert!(bytes.len() <= PART_BYTES_MAX);
            if !part::is_topic(topic) {
                assert!(bytes.is_empty(), "the whole's topic is only cleared");
                return None;
            }
            topics.push(topic.to_owned());
            joiner.take(Part::open(bytes, &keys).expect("signed")).unwrap()
        })
        .await;
    assert_eq!(order::open(&whole, &keys).unwrap(), long);
    assert!(topics.len() > 4);

    let short = staff(2, 3);
    lay(&short);
    let mut cleared = Vec::new();
    let mut opened = None;
    peer.wait(|topic, bytes| {
        match bytes {
            [] if part::is_topic(topic) => cleared.push(topic.to_owned()),
            [] => {}
            bytes => opened = Some(order::open(bytes, &keys).expect("signed")),
        }
        (cleared.len() == topics.len()).then_some(())
    })
    .await;
    topics.sort();
    cleared.sort();
    assert_eq!((opened, cleared), (Some(short), topics));
    up.stop().await;
}

#[tokio::test]
async fn filters_are_retained_and_questions_answered() {
    let dir = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(dir.path()) else { return };
    let mut first = Gateway::new("post-1", 1);
    let second = Gateway::new("post-2", 2);
    let stranger = Gateway::new("post-9", 9);
    let (campaign, round) = (CampaignId::new("masks").unwrap(), RoundId::new("r1").unwrap());
    let token = |n: u8| ClaimToken([n; 16]);
    let served = |n| Fact::ClaimServed {
        campaign: campaign.clone(),
        round: round.clone(),
        claim: token(n),
        packs: 2,
        proxy: None,
        provisional: false,
        approved_by: None,
    };
    first.write(7, served(1));
    first.write(8, served(2));
    let up = hub(dir.path(), broker.port, &[&first, &second]).await;
    let terms = CampaignTerms {
        id: campaign.clone(),
        name: "Masks".to_owned(),
        rounds: vec![Round {
            id: round.clone(),
            from: "2020-09-01".to_owned(),
            until: "2020-09-30".to_owned(),
            packs_first: 2,
            packs_again: 1,
        }],
        hash: Default::default(),
        documents: vec!["hk".to_owned()],
        proxies_max: 2,
        daily_quota: None,
        appeal: "Call 1823".to_owned(),
        disputes_until: None,
        elsewhere: Some(ElsewhereTerms { stale_after_min: 60, when_stale: WhenStale::Serve }),
    };
    let document = OrderDocument {
        id: campaign.to_string(),
        epoch: 1,
        number: 1,
        not_before: None,
        expires: None,
        to: Vec::new(),
        order: Order::Campaign { terms, key: Secret::new("ab".repeat(32)) },
    };
    let orders = dir.path().join("hub/orders");
    std::fs::create_dir_all(&orders).unwrap();
    std::fs::write(orders.join("masks.cose"), order::sign(&document, &seeds().order()).unwrap()).unwrap();
    let mut peer = Peer::new("peer", broker.port, "waypost/v1/#").await;
    peer.until_ack(&first, first.all(), |ack| ack.ledger.held == 3).await;

    // Who comes later gets the list and the pieces that it names, as both are retained.
    let keys = [seeds().order().public()];
    let holds = |pieces: &[Vec<u8>], n| pieces.iter().any(|piece| filter::contains(piece, token(n)).unwrap());
    let mut late = Peer::new("late", broker.port, "waypost/v1/all/#").await;
    let (mut joiner, mut whole) = (Joiner::default(), std::collections::BTreeMap::new());
    let mut lists = Vec::new();
    let pieces = late
        .wait(|topic, bytes| {
            if topic.starts_with("waypost/v1/all/filter/masks.r1/") && !bytes.is_empty() {
                let part = Part::open(bytes, &keys).expect("signed");
                let digest = part.header.digest.clone();
                whole.extend(joiner.take(part).unwrap().map(|piece| (digest, piece)));
            } else if topic == "waypost/v1/all/order/filter/masks.r1" {
                lists.push(order::open(bytes, &keys).expect("signed"));
            }
            let Some(OrderDocument { order: Order::Filter { list }, .. }) = lists.last() else { return None };
            let pieces = list.pieces.iter().map(|piece| whole.get(&piece.digest).cloned());
            pieces.collect::<Option<Vec<_>>>().filter(|pieces| holds(pieces, 2))
        })
        .await;
    assert!(holds(&pieces, 1) && !holds(&pieces, 3));
    let versions: Vec<_> = lists.iter().map(|list| list.number).collect();
    assert!(versions.is_sorted());
    // The filter's age goes on though nothing new came.
    let newer = late
        .wait(|topic, bytes| {
            let is_list = topic == "waypost/v1/all/order/filter/masks.r1";
            is_list.then(|| order::open(bytes, &keys).expect("signed")).map(|list| list.number)
        })
        .await;
    assert!(Some(&newer) > versions.last());

    let ask = |id: &str, gateway: &Gateway, n| Ask {
        id: id.repeat(32),
        journal: gateway.journal,
        campaign: campaign.clone(),
        claim: token(n),
    };
    // Not by its own key, then another's person, one who was served here alone, and one who was served elsewhere.
    peer.publish("waypost/v1/post-2/ask", ask("0", &second, 1).sign(&stranger.key).unwrap(), false).await;
    peer.publish("waypost/v1/post-2/ask", ask("1", &second, 3).sign(&second.key).unwrap(), false).await;
    peer.publish("waypost/v1/post-1/ask", ask("2", &first, 1).sign(&first.key).unwrap(), false).await;
    peer.publish("waypost/v1/post-2/ask", ask("3", &second, 1).sign(&second.key).unwrap(), false).await;
    let mut answers = Vec::new();
    peer.wait(|topic, bytes| {
        if topic.ends_with("/answer") {
            answers.push((topic.to_owned(), Answer::open(bytes, &keys).expect("signed")));
        }
        (answers.len() == 3).then_some(())
    })
    .await;
    answers.sort_by(|one, other| one.1.id.cmp(&other.1.id));
    let told: Vec<_> = answers
        .iter()
        .map(|(topic, answer)| {
            let served = answer.says.served.first().map(|one| (one.site.to_string(), one.at));
            (topic.as_str(), &answer.id[..1], served)
        })
        .collect();
    let there = ("SITE-POST-1".to_owned(), WallTime(common::DAY + 7 * common::MINUTE));
    assert_eq!(
        told,
        [
            ("waypost/v1/post-2/answer", "1", None),
            ("waypost/v1/post-1/answer", "2", None),
            ("waypost/v1/post-2/answer", "3", Some(there)),
        ]
    );
    up.stop().await;
}
