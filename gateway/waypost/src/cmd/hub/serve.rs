//! `waypost hub --config FILE`: the central end itself.

use std::{
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use serde::Serialize;
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use waypost_edge::alive::{self, Parts, Pulse};
use waypost_hub::{Running, config::Config};

/// Threads for the link and the pages; the store has one of its own.
const WORKERS: usize = 2;

/// What is printed once the pages answer.
#[derive(Serialize)]
struct Up {
    http: String,
    epoch: u64,
}

/// Runs until SIGTERM or SIGINT.
pub fn run(config: &Path) -> ExitCode {
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::cmd::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn serve(config: &Path) -> Result<(), Box<dyn Error>> {
    let config = Config::read(config)?;
    crate::cmd::log::start();
    let _installed_already = rustls::crypto::ring::default_provider().install_default();
    let runtime = runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(async {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            alive::stopping();
        };
        let (up, is_up) = oneshot::channel();
        let store = Pulse::default();
        let beating = store.clone();
        let hub = waypost_hub::run(config, Some(up), Box::new(move || beating.beat()), shutdown);
        let say = async move {
            if let Ok(running) = is_up.await {
                print(running)?;
                alive::ready();
                if let Some(every) = alive::listened() {
                    let status = move || format!("pages at http://{}", running.http_addr);
                    tokio::spawn(alive::feed(Parts::new([("store", store)]), every, status, alive::tell));
                }
            }
            Ok::<_, io::Error>(())
        };
        let (outcome, said) = tokio::join!(hub, say);
        outcome?;
        said?;
        Ok(())
    })
}

fn print(Running { http_addr, epoch }: Running) -> io::Result<()> {
    let up = Up { http: format!("http://{http_addr}"), epoch };
    writeln!(io::stdout().lock(), "{}", serde_json::to_string(&up)?)
}
