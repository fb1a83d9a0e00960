//! The routes, one function each.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Query, State},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;
use waypost_core::fact::WallTime;

use super::{BODY_BYTES_MAX, Shared, board, events, guard, page, problem::problem, view::View};
use crate::{
    panel::{self, Language, PanelView, render},
    station::{ScanInput, ScanRefused},
};

/// All routes behind the guard.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/page.css", get(page::style))
        .route("/page.js", get(page::script))
        .route("/panel", get(panel_now))
        .route("/events", get(events::events))
        .route("/board", post(board::hands))
        .route("/board.js", get(page::board_script))
        .route("/board.css", get(page::board_style))
        .route("/scan", post(scan))
        .route("/language", post(language))
        .route("/screen.png", get(screen))
        .route("/bench/clock", post(bench_clock))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::guard))
        .with_state(shared)
}

async fn panel_now(State(shared): State<Arc<Shared>>, Query(view): Query<View>) -> Json<PanelView> {
    let panel = shared.station.panel().borrow().clone();
    Json(render(&panel, view.language(&shared)))
}

#[derive(Deserialize)]
struct Scan {
    text: String,
    #[serde(default)]
    document: Option<String>,
    #[serde(default)]
    symbology: Option<String>,
}

/// A code, scanned or typed. The answer comes after the commit.
async fn scan(
    State(shared): State<Arc<Shared>>,
    Query(view): Query<View>,
    headers: HeaderMap,
    Json(scan): Json<Scan>,
) -> Response {
    let idempotency_key = match headers.get("Idempotency-Key").map(|value| value.to_str()) {
        None => None,
        Some(Ok(key)) => Some(key.to_owned()),
        Some(Err(_)) => return problem(StatusCode::BAD_REQUEST, "Idempotency-Key takes visible ASCII only"),
    };
    let input = ScanInput {
        text: scan.text,
        symbology: scan.symbology,
        document: scan.document,
        source: "console".to_owned(),
        idempotency_key,
    };
    match shared.station.scan(input).await {
        Ok(panel) => Json(render(&panel, view.language(&shared))).into_response(),
        Err(refused @ ScanRefused::BadKey) => problem(StatusCode::BAD_REQUEST, &refused.to_string()),
        Err(refused) => problem(StatusCode::SERVICE_UNAVAILABLE, &refused.to_string()),
    }
}

#[derive(Deserialize)]
struct Choose {
    lang: String,
}

async fn language(State(shared): State<Arc<Shared>>, Json(choose): Json<Choose>) -> Response {
    match Language::from_tag(&choose.lang) {
        Some(language) => {
            shared.station.language().send_replace(language);
            Json(json!({ "lang": language.tag() })).into_response()
        }
        None => problem(StatusCode::BAD_REQUEST, "lang is \"en\" or \"zh-HK\""),
    }
}

/// The panel as the small screen shows it; `?width=&height=` for a larger one.
async fn screen(State(shared): State<Arc<Shared>>, Query(view): Query<View>) -> Response {
    let now = shared.station.panel().borrow().clone();
    let width = view.width.unwrap_or(panel::WIDTH_MIN);
    let height = view.height.unwrap_or(panel::HEIGHT_MIN);
    match panel::png(&render(&now, view.language(&shared)), width, height) {
        Ok(bytes) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Turn {
    /// Steps the wall time, as a machine does that woke without a clock.
    StepTo(WallTime),
    /// Simulated milliseconds for each real one, from now on.
    Rate(f64),
}

/// Turns a simulated clock.
async fn bench_clock(State(shared): State<Arc<Shared>>, Json(turn): Json<Turn>) -> Response {
    let Some(clock) = &shared.bench_clock else {
        return problem(StatusCode::NOT_FOUND, "this gateway's clock is not simulated");
    };
    match turn {
        Turn::StepTo(at) => clock.step_to(at),
        Turn::Rate(rate) => clock.set_rate(rate),
    }
    Json(json!({ "time": clock.now().at })).into_response()
}
