//! The control room's pages and their data, for this machine only.

mod guard;
mod page;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    middleware,
    response::{
        Html, IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures_util::stream::{self, Stream};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Semaphore, watch};
use waypost_core::fact::id::ID_BYTES_MAX;

use crate::{
    causes::Causes,
    clock::Clock,
    store::{StoreError, view::View},
};

/// Pages that may follow the events at once.
const FOLLOWERS_MAX: usize = 32;

/// Shortest time between two events of a page.
const EVENT_PAUSE: Duration = Duration::from_millis(500);

/// What the pages are made from.
pub(crate) struct Shared {
    /// The store.
    pub view: View,
    /// The time.
    pub clock: Clock,
    /// The time zone of the pages.
    pub zone: TimeZone,
    /// Grows with each commit.
    pub changes: watch::Receiver<u64>,
    /// Whether the broker is reached.
    pub online: watch::Receiver<bool>,
    /// Where this listens.
    pub address: SocketAddr,
    followers: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        view: View,
        clock: Clock,
        zone: TimeZone,
        changes: watch::Receiver<u64>,
        online: watch::Receiver<bool>,
        address: SocketAddr,
    ) -> Self {
        Self {
            view,
            clock,
            zone,
            changes,
            online,
            address,
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
        }
    }
}

/// All pages.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let asset = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/", get(page::home))
        .route("/live", get(page::live))
        .route("/trace", get(page::trace))
        .route("/events", get(events))
        .route("/api/summary", get(summary))
        .route("/api/trace/{code}", get(trace))
        .route("/healthz", get(healthz))
        .route("/page.css", asset("text/css; charset=utf-8", include_str!("../../assets/page.css")))
        .route("/page.js", asset("text/javascript; charset=utf-8", include_str!("../../assets/page.js")))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::guard))
        .with_state(shared)
}

/// A page that cannot be made.
struct Failed(StoreError);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        tracing::error!(error = %Causes(&self.0), "a page cannot be made");
        (StatusCode::INTERNAL_SERVER_ERROR, "The store cannot be read. The log of the hub says why.\n")
            .into_response()
    }
}

/// Reads the store on a thread that may wait.
async fn read<T: Send + 'static>(
    shared: &Arc<Shared>,
    read: impl FnOnce(&View) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failed> {
    let view = shared.view.clone();
    match tokio::task::spawn_blocking(move || read(&view)).await {
        Ok(outcome) => outcome.map_err(Failed),
        Err(_) => Err(Failed(StoreError::Ended)),
    }
}

async fn summary(State(shared): State<Arc<Shared>>) -> Result<Response, Failed> {
    Ok(Json(read(&shared, View::summary).await?).into_response())
}

async fn trace(State(shared): State<Arc<Shared>>, Path(code): Path<String>) -> Result<Response, Failed> {
    let asked = code.clone();
    let found =
        if code.len() > ID_BYTES_MAX { None } else { read(&shared, move |view| view.trace(&code)).await? };
    Ok(match found {
        Some(trace) => Json(trace).into_response(),
        None => {
            let body = json!({ "code": asked, "kind": null, "trail": [] });
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
    })
}

async fn healthz(State(shared): State<Arc<Shared>>) -> Response {
    let broker = *shared.online.borrow();
    let store = read(&shared, |view| view.on_the_road().map(|_| ())).await.is_ok();
    let status = if broker && store { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "broker": broker, "store": store }))).into_response()
}

/// Says that something changed, at most once each [`EVENT_PAUSE`].
async fn events(State(shared): State<Arc<Shared>>) -> Response {
    let Ok(place) = Arc::clone(&shared.followers).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many pages are open.\n").into_response();
    };
    let mut changes = shared.changes.clone();
    changes.mark_changed();
    Sse::new(follow(changes, place)).keep_alive(KeepAlive::default()).into_response()
}

fn follow(
    changes: watch::Receiver<u64>,
    place: tokio::sync::OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((changes, place, true), |(mut changes, place, first)| async move {
        if !first {
            tokio::time::sleep(EVENT_PAUSE).await;
        }
        changes.changed().await.ok()?;
        let number = *changes.borrow_and_update();
        let event = Event::default().event("changed").data(number.to_string());
        Some((Ok(event), (changes, place, false)))
    })
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// The code to be traced.
    #[serde(default)]
    code: String,
}

/// What the form of the page asks.
type AskedQuery = Query<Asked>;

/// A page.
type Page = Html<String>;
