//! `GET /events`: every change of the panel, and of the board where the page draws it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use waypost_drivers::board::Outputs;

use super::{Shared, problem::problem, view::View};
use crate::panel::{Language, Panel, render};

/// A comment keeps a quiet event stream open, in case something between counts the seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The present state first, then every change. A page that is slow misses states, never the latest.
pub(super) async fn events(State(shared): State<Arc<Shared>>, Query(view): Query<View>) -> Response {
    let Ok(permit) = Arc::clone(&shared.listeners).try_acquire_owned() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too many pages follow this panel; close one");
    };
    let mut panels = shared.station.panel();
    let mut board = shared.board.as_ref().map(|board| board.outputs());
    panels.mark_changed();
    if let Some(board) = &mut board {
        board.mark_changed();
    }
    let asked = view.lang.as_deref().and_then(Language::from_tag);
    let languages = shared.station.language().subscribe();
    let follow = Follow { panels, languages, board, asked, _permit: permit };
    let events = stream::unfold(follow, |mut follow| async move {
        let event = follow.next().await?;
        Some((Ok::<_, Infallible>(event), follow))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// What one page follows.
struct Follow {
    panels: watch::Receiver<Arc<Panel>>,
    languages: watch::Receiver<Language>,
    board: Option<watch::Receiver<Outputs>>,
    /// The language that the page asked for, whatever the counter's is.
    asked: Option<Language>,
    /// It comes back when the page goes away.
    _permit: OwnedSemaphorePermit,
}

impl Follow {
    /// The next event; none when the station has ended.
    async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            biased;
            changed = self.panels.changed() => changed.ok()?,
            changed = self.languages.changed() => changed.ok()?,
            outputs = changed(&mut self.board) => {
                return Some(Event::default().event("board").json_data(outputs).unwrap_or_default());
            }
        }
        let panel = self.panels.borrow_and_update().clone();
        let language = self.asked.unwrap_or(*self.languages.borrow_and_update());
        Some(Event::default().event("panel").json_data(render(&panel, language)).unwrap_or_default())
    }
}

/// What stands on the board when that has changed; never where there is none.
async fn changed(board: &mut Option<watch::Receiver<Outputs>>) -> Outputs {
    if let Some(outputs) = board
        && outputs.changed().await.is_ok()
    {
        return *outputs.borrow_and_update();
    }
    std::future::pending().await
}
