//! The stage: broker, hub and eight gateways, each a process of its own, with their devices on the bench.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use tokio::process::Command;
use waypost_core::fact::{SiteKind, WallTime};

use super::{
    Failure,
    bench::Bench,
    broker::Broker,
    counter::Counter,
    process::Process,
    time::{DayClock, RATE},
    witness::Witness,
    world::{self, Site, World},
};

/// Everything that plays.
pub struct Stage {
    /// Where everything is kept.
    pub dir: PathBuf,
    /// The invented day.
    pub world: Arc<World>,
    /// Devices.
    pub bench: Arc<Bench>,
    /// What was shown.
    pub witness: Arc<Witness>,
    /// The day's time.
    pub clock: DayClock,
    /// The broker.
    pub broker: Broker,
    /// The hub's page.
    pub hub_address: SocketAddr,
    hub: Option<Process>,
    gateways: BTreeMap<&'static str, Standing>,
    keys: HubKeys,
    /// The gateways as the hub's configuration lists them.
    listed: String,
    bench_address: SocketAddr,
}

/// A gateway that stands.
struct Standing {
    process: Option<Process>,
    counter: Arc<Counter>,
}

/// What `waypost hub init --json` prints.
#[derive(Clone, Deserialize)]
struct HubKeys {
    ack_key: String,
    order_keys: Vec<String>,
}

/// What `waypost init --json` prints.
#[derive(Deserialize)]
struct Public {
    key: String,
    secret_key: String,
}

impl Stage {
    /// Sets everything up: keys, configurations, orders, broker, hub, gateways.
    pub async fn set(dir: &Path, world: World, bench_address: SocketAddr) -> Result<Self, Failure> {
        let world = Arc::new(world);
        let bench = Arc::new(Bench::new(&dir.join("bench"), &world)?);
        let broker = Broker::start(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let hub_dir = dir.join("hub");
        let keys: HubKeys = made(&["hub", "init", "--json", text(&hub_dir)?]).await?;
        let mut listed = Vec::new();
        for site in &world.sites {
            let data = gateway_dir(dir, site.gateway);
            let public: Public = made(&["init", "--json", "--gateway", site.gateway, text(&data)?]).await?;
            listed.push(hub_entry(site, &public));
        }
        let clock = DayClock::start(start_of_day());
        write_orders(&hub_dir, &world)?;
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let listed = listed.concat();
        let (hub, hub_address) =
            start_hub(&hub_dir, &hub_file(broker.address(), any_port, clock.now(), RATE, &listed)).await?;
        let mut stage = Self {
            dir: dir.to_owned(),
            world: Arc::clone(&world),
            bench,
            witness: Arc::default(),
            clock,
            broker,
            hub_address,
            hub: Some(hub),
            gateways: BTreeMap::new(),
            keys,
            listed,
            bench_address,
        };
        for site in &world.sites {
            let (process, address) = stage.start_gateway(site, stage.clock.now()).await?;
            let devices =
                stage.bench.of(site.gateway).ok_or_else(|| Failure::Unknown(site.gateway.to_owned()))?;
            let counter = Counter::follow(
                site.gateway,
                address,
                Arc::clone(&devices.scanner),
                Arc::clone(&stage.witness),
            );
            stage
                .gateways
                .insert(site.gateway, Standing { process: Some(process), counter: Arc::new(counter) });
        }
        Ok(stage)
    }

    /// The counter of a gateway.
    pub fn counter(&self, gateway: &str) -> Result<Arc<Counter>, Failure> {
        let standing = self.gateways.get(gateway).ok_or_else(|| Failure::Unknown(gateway.to_owned()))?;
        Ok(Arc::clone(&standing.counter))
    }

    /// All gateways with the address of their page.
    pub fn addresses(&self) -> impl Iterator<Item = (&Site, SocketAddr)> {
        self.world
            .sites
            .iter()
            .filter_map(|site| Some((site, self.gateways.get(site.gateway)?.counter.address())))
    }

    /// Pulls a gateway's plug.
    pub async fn kill(&mut self, gateway: &str) {
        if let Some(process) = self.gateways.get_mut(gateway).and_then(|standing| standing.process.take()) {
            process.kill().await;
        }
    }

    /// Puts it back.
    pub async fn restart(&mut self, gateway: &str) -> Result<(), Failure> {
        self.restart_at(gateway, self.clock.now()).await
    }

    /// Puts it back; its clock has no battery and nobody to ask.
    pub async fn restart_in_1970(&mut self, gateway: &str) -> Result<(), Failure> {
        self.restart_at(gateway, WallTime(0)).await
    }

    async fn restart_at(&mut self, gateway: &str, time: WallTime) -> Result<(), Failure> {
        let world = Arc::clone(&self.world);
        let site = world.site(gateway).ok_or_else(|| Failure::Unknown(gateway.to_owned()))?;
        let (process, address) = self.start_gateway(site, time).await?;
        if let Some(standing) = self.gateways.get_mut(gateway) {
            standing.process = Some(process);
            standing.counter.moved_to(address);
        }
        Ok(())
    }

    /// From now on the hub's clock runs as fast as the one on the wall: it is started again, on the same port.
    pub async fn slow_hub_down(&mut self) -> Result<(), Failure> {
        if let Some(hub) = self.hub.take() {
            hub.stop().await;
        }
        let file = hub_file(self.broker.address(), self.hub_address, self.clock.now(), 1.0, &self.listed);
        self.hub = Some(start_hub(&self.dir.join("hub"), &file).await?.0);
        Ok(())
    }

    /// Asks every process to stop, and waits.
    pub async fn strike(mut self) {
        for (_, standing) in std::mem::take(&mut self.gateways) {
            if let Some(process) = standing.process {
                process.stop().await;
            }
        }
        if let Some(hub) = self.hub.take() {
            hub.stop().await;
        }
        self.broker.cut_off().await;
    }

    async fn start_gateway(&self, site: &Site, time: WallTime) -> Result<(Process, SocketAddr), Failure> {
        let data = gateway_dir(&self.dir, site.gateway);
        let config = data.join("gateway.toml");
        let devices = self.bench.of(site.gateway).ok_or_else(|| Failure::Unknown(site.gateway.to_owned()))?;
        let mut file = format!(
            r#"# One gateway of the demonstration. The clock is simulated: a day in about a minute.
gateway = "{gateway}"
data = "."
[site]
id = "{code}"
name = "{name}"
kind = "{kind}"
{closes}box_tubes_max = {tubes}
session_idle_min = 1440
[console]
listen = "127.0.0.1:0"
bench = "http://{bench}/bench/{gateway}"
[mqtt]
host = "127.0.0.1"
port = {port}
[hub]
ack_key = "{ack}"
order_keys = {orders:?}
[clock.simulated]
start = "{start}"
rate = {RATE:.1}
[board]
kind = "page"
[[scanner]]
name = "scanner"
port = "{scanner}"
"#,
            gateway = site.gateway,
            code = site.code,
            name = site.name,
            kind = kind(site.kind),
            closes = match site.kind {
                SiteKind::TestingCentre => "closes = [\"13:30\", \"22:00\"]\n",
                _ => "",
            },
            tubes = world::TUBES_A_BOX,
            bench = self.bench_address,
            port = self.broker.address().port(),
            ack = self.keys.ack_key,
            orders = self.keys.order_keys,
            start = time,
            scanner = devices.scanner.path().display(),
        );
        if let Some(radio) = &devices.radio {
            file.push_str(&format!("[seal_reader]\nport = \"{}\"\n", radio.path().display()));
        }
        if let Some(receiver) = &devices.receiver {
            file.push_str(&format!("[receiver]\nport = \"{}\"\n", receiver.path().display()));
        }
        for (item, par) in stock(site.kind) {
            file.push_str(&format!("[[stock]]\nitem = \"{item}\"\npar = {par}\n"));
        }
        write(&config, &file)?;
        let args = ["run", "--config", text(&config)?];
        Ok(Process::start(site.gateway, &args, &data.join("gateway.log")).await?)
    }
}

/// When the gateways are switched on.
pub fn start_of_day() -> WallTime {
    world::SWITCH_ON.parse().unwrap_or_default()
}

/// `dir/gateways/<id>`.
pub fn gateway_dir(dir: &Path, gateway: &str) -> PathBuf {
    dir.join("gateways").join(gateway)
}

/// Items that a kind of site counts, with their par levels.
fn stock(kind: SiteKind) -> &'static [(&'static str, u32)] {
    match kind {
        SiteKind::TestingCentre => &[("tubes", 100), ("boxes", 2)],
        SiteKind::PostOffice => &[("packs", 100)],
        SiteKind::Warehouse => &[("tubes", 1000), ("boxes", 10), ("packs", 1000)],
        SiteKind::Vehicle | SiteKind::Laboratory => &[],
    }
}

/// A kind as configurations write it.
fn kind(kind: SiteKind) -> &'static str {
    match kind {
        SiteKind::TestingCentre => "testing_centre",
        SiteKind::PostOffice => "post_office",
        SiteKind::Vehicle => "vehicle",
        SiteKind::Laboratory => "laboratory",
        SiteKind::Warehouse => "warehouse",
    }
}

fn hub_entry(site: &Site, Public { key, secret_key }: &Public) -> String {
    format!(
        "[[gateway]]\nid = \"{}\"\nkey = \"{key}\"\nsecret_key = \"{secret_key}\"\nsite = \"{}\"\nkind = \"{}\"\nname = \"{}\"\n",
        site.gateway,
        site.code,
        kind(site.kind),
        site.name
    )
}

/// The hub's configuration.
fn hub_file(broker: SocketAddr, http: SocketAddr, start: WallTime, rate: f64, listed: &str) -> String {
    format!(
        "# The hub of the demonstration. The clock is simulated: a day in about a minute.\ndir = \".\"\n[mqtt]\n\
         host = \"127.0.0.1\"\nport = {}\n[http]\nlisten = \"{http}\"\n[clock.simulated]\nstart = \"{start}\"\n\
         rate = {rate:.1}\n{listed}",
        broker.port()
    )
}

async fn start_hub(dir: &Path, file: &str) -> Result<(Process, SocketAddr), Failure> {
    let config = dir.join("hub.toml");
    write(&config, file)?;
    Ok(Process::start("hub", &["hub", "--config", text(&config)?], &dir.join("hub.log")).await?)
}

fn write_orders(dir: &Path, world: &World) -> Result<(), Failure> {
    let orders = dir.join("orders");
    std::fs::create_dir_all(&orders).map_err(|source| Failure::File { path: orders.clone(), source })?;
    world.orders().into_iter().try_for_each(|(name, order)| write(&orders.join(name), &order.to_string()))
}

/// Writes a file that only its owner reads: an order may hold a key.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let failed = |source| Failure::File { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// Runs this binary and reads the one JSON object that it prints.
async fn made<T: for<'a> Deserialize<'a>>(args: &[&str]) -> Result<T, Failure> {
    let failed = |why: String| Failure::Command { command: args.join(" "), why };
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let output =
        Command::new(program).args(args).output().await.map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| failed(String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str()
        .ok_or_else(|| Failure::Command { command: path.display().to_string(), why: "no UTF-8".to_owned() })
}
