//! The appliance's own web pages: the panel live in a browser, and the same as JSON.
//!
//! It listens on the loopback only and answers no foreign `Host` or `Origin`: a page from elsewhere that runs in the
//! same browser can neither read the panel nor scan for the operator.
//!
//! - `GET /` the page; `GET /events` server-sent events, one `panel` for every change; `GET /panel` the panel now.
//! - `POST /scan {"text":…, "document":…}` answers with the panel of its own verdict, after the commit. The same
//!   `Idempotency-Key` is the same request.
//! - `POST /board {"press":"yes"}` or `"no"`, or `{"lid_open":true}`: the hands on a board that the page draws; its lamps
//!   and buzzer come as events `board`.
//! - `POST /language {"lang":…}` changes the counter's language; `GET /screen.png` is the small screen.

mod board;
mod events;
mod guard;
mod page;
mod problem;
mod routes;
mod view;

use std::{net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::Semaphore};

use waypost_drivers::board::MemoryBoard;

use crate::{clock::Clock, station::StationHandle};

/// Longest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 8 * 1024;
/// Most pages that follow the panel at once.
pub const LISTENERS_MAX: usize = 32;

/// What the console needs to know.
#[derive(Debug, Clone)]
pub struct ConsoleConfig {
    /// Address of the virtual devices of a demonstration; the page then has a drawer for them.
    pub bench: Option<String>,
    /// The clock that the bench may step; none on a real gateway.
    pub bench_clock: Option<Clock>,
    /// The board that the page draws; none where there is another one, or no board.
    pub board: Option<MemoryBoard>,
}

/// What every route shares.
struct Shared {
    station: StationHandle,
    bench: Option<String>,
    bench_clock: Option<Clock>,
    board: Option<MemoryBoard>,
    address: SocketAddr,
    listeners: Arc<Semaphore>,
}

/// Serves until the future ends; requests under way are finished first.
pub async fn serve(
    listener: TcpListener,
    station: StationHandle,
    config: ConsoleConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let shared = Arc::new(Shared {
        station,
        bench: config.bench,
        bench_clock: config.bench_clock,
        board: config.board,
        address: listener.local_addr()?,
        listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
    });
    axum::serve(listener, routes::router(shared)).with_graceful_shutdown(shutdown).await
}
