//! The bench for a person: what the drawer of a panel's page asks for, and what its buttons do.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use waypost_core::fact::SiteKind;

use super::{
    Failure,
    bench::{Bench, Devices},
    sheet::sheet,
    stage::Stage,
    time::DayClock,
    world::World,
};

/// Longest body, in bytes.
const BODY_BYTES_MAX: usize = 4096;

/// The bench's own small server.
pub struct Serving {
    address: SocketAddr,
    table: Arc<RwLock<Option<Table>>>,
    task: JoinHandle<()>,
}

/// What lies on the table.
#[derive(Clone)]
struct Table {
    world: Arc<World>,
    bench: Arc<Bench>,
    clock: DayClock,
}

type Shared = Arc<RwLock<Option<Table>>>;

impl Serving {
    /// Listens on a free port of the loopback; it answers once it is opened.
    pub async fn bind() -> Result<Self, Failure> {
        let failed =
            |error: std::io::Error| Failure::Command { command: "demo".to_owned(), why: error.to_string() };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let table: Shared = Arc::default();
        let routes = Router::new()
            .route("/bench/{gateway}/devices", get(devices))
            .route("/bench/{gateway}/sheet", get(codes))
            .route("/bench/{gateway}/do", post(act))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(middleware::from_fn(only_loopback))
            .with_state(Arc::clone(&table));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::warn!(%error, "the bench's page stopped");
            }
        });
        Ok(Self { address, table, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lays a stage's devices on the table.
    pub fn open(&self, stage: &Stage) {
        let table =
            Table { world: Arc::clone(&stage.world), bench: Arc::clone(&stage.bench), clock: stage.clock };
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Some(table);
    }

    /// Stops.
    pub fn close(&self) {
        self.task.abort();
    }
}

/// After the day every clock runs as fast as the one on the wall.
pub async fn slow_down(stage: &Stage) {
    let client = reqwest::Client::new();
    for (site, address) in stage.addresses() {
        let sent =
            client.post(format!("http://{address}/bench/clock")).json(&json!({ "rate": 1.0 })).send().await;
        if let Err(error) = sent {
            tracing::warn!(gateway = site.gateway, %error, "its clock still runs fast");
        }
    }
}

/// Panels of this machine may ask, nobody else: a page from elsewhere has another origin.
async fn only_loopback(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let is_local = |host: &str| {
        host.rsplit_once(':').is_some_and(|(name, _)| ["127.0.0.1", "localhost"].contains(&name))
    };
    let origin = text(header::ORIGIN).map(str::to_owned);
    let is_local_origin = |origin: &str| origin.strip_prefix("http://").is_some_and(is_local);
    if !text(header::HOST).is_some_and(is_local) || !origin.as_deref().is_none_or(is_local_origin) {
        return (StatusCode::FORBIDDEN, "the bench answers the panels of this machine only").into_response();
    }
    let mut response = match request.method() == Method::OPTIONS {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(&origin).ok()) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// The table, if it is laid.
fn table(shared: &Shared) -> Result<Table, StatusCode> {
    shared.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

/// `GET /bench/<gateway>/sheet`.
async fn codes(State(shared): State<Shared>, Path(gateway): Path<String>) -> Result<Json<Value>, StatusCode> {
    let table = table(&shared)?;
    let site = table.world.site(&gateway).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({ "groups": sheet(&table.world, site) })))
}

/// `GET /bench/<gateway>/devices`.
async fn devices(
    State(shared): State<Shared>,
    Path(gateway): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let table = table(&shared)?;
    let site = table.world.site(&gateway).ok_or(StatusCode::NOT_FOUND)?;
    let devices = table.bench.of(&gateway).ok_or(StatusCode::NOT_FOUND)?;
    let button = |label: &str, act: Value| json!({ "label": label, "do": act });
    let cables: Vec<Value> = Cable::ALL
        .into_iter()
        .filter_map(|cable| {
            let is_plugged = cable.is_plugged(devices)?;
            let (state, turn) = if is_plugged { ("plugged in", "unplug") } else { ("unplugged", "plug") };
            let mut act = serde_json::Map::new();
            act.insert(turn.to_owned(), json!(cable.name()));
            let actions = [button(if is_plugged { "Unplug" } else { "Plug in" }, Value::Object(act))];
            Some(json!({ "label": format!("{}: {state}", cable.name()), "actions": actions }))
        })
        .collect();
    let mut groups = vec![json!({ "title": "Cables", "rows": cables })];
    if devices.radio.is_some() {
        let here = table.bench.seals_at(&gateway);
        let rows: Vec<Value> = here.iter().filter_map(|number| seal_row(&table, number)).collect();
        groups.push(json!({ "title": "Seals within reach", "rows": rows }));
        let elsewhere = table.world.crates.iter().flat_map(|crates| crates.iter().take(4));
        let rows: Vec<Value> = elsewhere
            .filter(|one| !here.contains(&one.seal))
            .map(|one| json!({ "label": one.seal, "actions": [button("Bring here", json!({ "bring": one.seal }))] }))
            .collect();
        groups.push(json!({ "title": "Seals elsewhere", "rows": rows }));
    }
    if site.kind == SiteKind::Vehicle {
        let stops = table.world.sites.iter().filter(|stop| stop.kind != SiteKind::Vehicle);
        let rows: Vec<Value> = stops
            .map(|stop| json!({ "label": stop.name, "actions": [button("Drive there", json!({ "drive": stop.code }))] }))
            .collect();
        groups.push(json!({ "title": "Where the van is", "rows": rows }));
    }
    Ok(Json(json!({ "groups": groups })))
}

/// A seal with what can be done to it.
fn seal_row(table: &Table, number: &str) -> Option<Value> {
    let seal = table.bench.seal(number)?;
    let seal = seal.lock().unwrap_or_else(PoisonError::into_inner);
    let state =
        if seal.is_silent() { "silent".to_owned() } else { format!("{:?}", seal.state()).to_lowercase() };
    let turn = |label: &str, turn: &str| json!({ "label": label, "do": { "seal": number, "turn": turn } });
    let actions = [
        turn("Fit", "fit"),
        turn("Open", "open"),
        turn("Close", "close"),
        turn("Tamper", "tamper"),
        if seal.is_silent() { turn("Speak", "speak") } else { turn("Silence", "silence") },
    ];
    Some(json!({ "label": format!("{number}: {state}"), "actions": actions }))
}

/// What a button does.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Act {
    Scan { scan: String },
    Unplug { unplug: Cable },
    Plug { plug: Cable },
    Turn { seal: String, turn: Turn },
    Bring { bring: String },
    Drive { drive: String },
}

/// A device's cable.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cable {
    Scanner,
    Radio,
    Receiver,
}

/// What happens to a seal.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Turn {
    Fit,
    Open,
    Close,
    Tamper,
    Silence,
    Speak,
}

impl Cable {
    const ALL: [Self; 3] = [Self::Scanner, Self::Radio, Self::Receiver];

    fn name(self) -> &'static str {
        match self {
            Self::Scanner => "scanner",
            Self::Radio => "radio",
            Self::Receiver => "receiver",
        }
    }

    /// None where the gateway has no such device.
    fn is_plugged(self, devices: &Devices) -> Option<bool> {
        match self {
            Self::Scanner => Some(devices.scanner.is_plugged()),
            Self::Radio => devices.radio.as_ref().map(waypost_drivers::bench::VirtualRadio::is_plugged),
            Self::Receiver => {
                devices.receiver.as_ref().map(waypost_drivers::bench::VirtualReceiver::is_plugged)
            }
        }
    }

    fn turn(self, devices: &Devices, plug: bool) -> Result<(), waypost_drivers::bench::BenchError> {
        match (self, plug) {
            (Self::Scanner, true) => return devices.scanner.plug(),
            (Self::Scanner, false) => devices.scanner.unplug(),
            (Self::Radio, true) => return devices.radio.as_ref().map_or(Ok(()), |radio| radio.plug()),
            (Self::Radio, false) => drop(devices.radio.as_ref().map(|radio| radio.unplug())),
            (Self::Receiver, true) => {
                return devices.receiver.as_ref().map_or(Ok(()), |receiver| receiver.plug());
            }
            (Self::Receiver, false) => drop(devices.receiver.as_ref().map(|receiver| receiver.unplug())),
        }
        Ok(())
    }
}

/// `POST /bench/<gateway>/do`.
async fn act(
    State(shared): State<Shared>,
    Path(gateway): Path<String>,
    Json(act): Json<Act>,
) -> Result<Response, StatusCode> {
    let table = table(&shared)?;
    let site = table.world.site(&gateway).ok_or(StatusCode::NOT_FOUND)?;
    let devices = table.bench.of(&gateway).ok_or(StatusCode::NOT_FOUND)?;
    let done = match act {
        Act::Scan { scan } => devices.scanner.scan(&scan),
        Act::Unplug { unplug } => unplug.turn(devices, false),
        Act::Plug { plug } => plug.turn(devices, true),
        Act::Bring { bring } => table.bench.carry(&bring, Some(site.gateway)),
        Act::Turn { seal, turn } => {
            if let Some(seal) = table.bench.seal(&seal) {
                let mut seal = seal.lock().unwrap_or_else(PoisonError::into_inner);
                match turn {
                    Turn::Fit => seal.fit(),
                    Turn::Open => seal.open(),
                    Turn::Close => seal.close(),
                    Turn::Tamper => seal.tamper(),
                    Turn::Silence => seal.silence(true),
                    Turn::Speak => seal.silence(false),
                }
            }
            Ok(())
        }
        Act::Drive { drive } => {
            if let Some(stop) = table.world.sites.iter().find(|stop| stop.code == drive) {
                table.bench.position(&gateway, stop.place, 0.0, 0.0, table.clock.now());
            }
            Ok(())
        }
    };
    Ok(match done {
        Ok(()) => Json(json!({ "done": true })).into_response(),
        Err(error) => (StatusCode::CONFLICT, Json(json!({ "error": error.to_string() }))).into_response(),
    })
}
