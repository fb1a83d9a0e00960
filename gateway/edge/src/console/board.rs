//! `POST /board`: the hands on a board that the page draws.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use waypost_drivers::board::Button;

use super::{Shared, problem::problem};

/// What is done to the board.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hands {
    /// A button is pressed shortly.
    Press(Button),
    /// The lid is opened or closed.
    LidOpen(bool),
}

/// Nothing is answered: what comes of it shows on the panel.
pub(super) async fn hands(State(shared): State<Arc<Shared>>, Json(hands): Json<Hands>) -> Response {
    let Some(board) = &shared.board else {
        let why =
            "this gateway's board is not drawn on the page; write [board] kind = \"page\" for one that is";
        return problem(StatusCode::NOT_FOUND, why);
    };
    match hands {
        Hands::Press(button) => board.press(button),
        Hands::LidOpen(open) => board.lid(open),
    }
    StatusCode::NO_CONTENT.into_response()
}
