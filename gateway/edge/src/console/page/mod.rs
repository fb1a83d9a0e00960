//! The panel's page: one HTML file, one style, one script, all in the binary.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::header,
    response::{Html, IntoResponse, Response},
};

use super::Shared;
use crate::panel::{Language, Message};

/// Texts of the page that the script switches with the language.
const TEXTS: [&str; 40] = [
    "ui-online",
    "ui-offline",
    "ui-enter-code",
    "ui-send",
    "ui-document",
    "ui-document-hk",
    "ui-document-passport",
    "ui-document-other",
    "ui-confirm-letter",
    "ui-confirm-yes",
    "ui-confirm-no",
    "ui-language",
    "ui-sound",
    "ui-choices",
    "ui-lost",
    "ui-bench",
    "ui-bench-about",
    "ui-sheet",
    "ui-sheet-about",
    "ui-nobody",
    "ui-ack-none",
    "ui-clock-unset",
    "ui-board",
    "ui-board-red",
    "ui-board-amber",
    "ui-board-green",
    "ui-board-buzzer",
    "ui-board-sound-rest",
    "ui-board-sound-busy",
    "ui-board-sound-yes",
    "ui-board-sound-already",
    "ui-board-sound-no",
    "ui-board-sound-ask",
    "ui-board-sound-alarm",
    "ui-board-hatch-open",
    "ui-board-hatch-shut",
    "ui-board-yes",
    "ui-board-no",
    "ui-board-open-lid",
    "ui-board-close-lid",
];

#[derive(Template)]
#[template(path = "panel.html")]
struct Index {
    lang: &'static str,
    site: String,
    station: String,
    bench: String,
    board: &'static str,
    texts: String,
}

/// `GET /`.
pub(super) async fn index(State(shared): State<Arc<Shared>>) -> Response {
    let status = shared.station.panel().borrow().status.clone();
    let texts: serde_json::Map<String, serde_json::Value> = Language::ALL
        .into_iter()
        .map(|language| {
            let said = TEXTS.map(|key| (key.to_owned(), language.say(&Message::new(key)).into()));
            (language.tag().to_owned(), serde_json::Value::Object(said.into_iter().collect()))
        })
        .collect();
    let page = Index {
        lang: shared.station.language().borrow().tag(),
        site: status.site,
        station: status.station,
        bench: shared.bench.clone().unwrap_or_default(),
        board: match &shared.board {
            Some(board) if board.has_hatch() => "hatch",
            Some(_) => "drawn",
            None => "",
        },
        texts: serde_json::Value::Object(texts).to_string(),
    };
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => (axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// `GET /page.css`.
pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("panel.css"))
}

/// `GET /page.js`.
pub(super) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("panel.js"))
}

/// `GET /board.css`.
pub(super) async fn board_style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("board.css"))
}

/// `GET /board.js`.
pub(super) async fn board_script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("board.js"))
}
