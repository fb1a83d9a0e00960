//! Devices by themselves, without a gateway: what each of them says, in words and as JSON. One kind a file.

mod board;
mod gnss;
mod printer;
mod scanner;
mod screen;
mod seal;
pub mod section;

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use waypost_edge::config::Config;

/// Lines that may wait to be printed. At the bound the drivers wait, and their devices with them.
const LINES_MAX: usize = 64;
/// What `--watch` waits for; nobody looks on for longer.
const DAYS: Duration = Duration::from_secs(7 * 24 * 3600);

/// Something that a device says.
pub struct Line {
    /// For a person.
    pub words: String,
    /// For a machine; its names stand in the command's contract.
    pub json: Value,
    /// The device has shown by this that it works.
    pub works: bool,
}

impl Line {
    fn up() -> Self {
        Self { words: "it is there".to_owned(), json: json!({ "up": true }), works: false }
    }

    fn down(reason: &str) -> Self {
        Self {
            words: format!("away: {reason}"),
            json: json!({ "up": false, "reason": reason }),
            works: false,
        }
    }
}

/// Where the lines of one device go.
#[derive(Clone)]
pub struct Teller {
    device: String,
    lines: mpsc::Sender<(String, Line)>,
}

impl Teller {
    /// Says a line; false where nobody listens any more.
    async fn say(&self, line: Line) -> bool {
        self.lines.send((self.device.clone(), line)).await.is_ok()
    }
}

/// What is listened to, and for how long.
pub struct Listening {
    /// JSON, one object a line.
    pub json: bool,
    /// Until then.
    pub limit: Duration,
    /// End at the first reading.
    pub once: bool,
    /// Play every signal on a board, print a test page, show a test card.
    pub play: bool,
}

/// Shows what all devices of a configuration say until Ctrl-C.
///
/// # Errors
/// There is no device in it, or the output cannot be written.
pub fn watch(config: &Config, json: bool) -> io::Result<()> {
    let Config { scanners, seal_reader, receiver, board, printers, .. } = config;
    let singles = [seal_reader.is_some(), receiver.is_some(), board.is_some()];
    if scanners.is_empty() && printers.is_empty() && !singles.contains(&true) {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "there is no device to watch; plug one in, or give --config",
        ));
    }
    show(config, &Listening { json, limit: DAYS, once: false, play: false }).map(|_| ())
}

/// Starts every device of a configuration and shows what they say. Whether any of them has shown that it works.
///
/// # Errors
/// The output cannot be written, or the system has no thread to give.
pub fn show(config: &Config, listening: &Listening) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shown = runtime.block_on(async {
        let (out, mut lines) = mpsc::channel(LINES_MAX);
        let mut tasks = JoinSet::new();
        start(config, listening, out, &mut tasks)?;
        let end = Instant::now() + listening.limit;
        let mut worked = false;
        loop {
            let (device, line) = tokio::select! {
                line = lines.recv() => match line {
                    Some(line) => line,
                    None => return Ok(worked),
                },
                () = sleep_until(end) => return Ok(worked),
                told = tokio::signal::ctrl_c() => return told.map(|()| worked),
            };
            print(&device, &line, listening.json)?;
            worked |= line.works;
            if worked && listening.once {
                return Ok(true);
            }
        }
    });
    // A driver's thread that does not come back is left behind.
    runtime.shutdown_background();
    match shown {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        other => other,
    }
}

fn start(
    config: &Config,
    listening: &Listening,
    out: mpsc::Sender<(String, Line)>,
    tasks: &mut JoinSet<()>,
) -> io::Result<()> {
    let teller = |device: &str| Teller { device: device.to_owned(), lines: out.clone() };
    for scanner in &config.scanners {
        scanner::start(scanner, &config.labels, teller(&scanner.name), tasks);
    }
    if let Some(reader) = &config.seal_reader {
        seal::start(reader, teller("seal reader"), tasks);
    }
    if let Some(receiver) = &config.receiver {
        gnss::start(receiver, teller("receiver"), tasks);
    }
    for printer in &config.printers {
        printer::start(printer, listening.play, teller(&printer.name), tasks)?;
    }
    // A screen says nothing by itself, so that there is nothing to watch.
    for screen in config.screens.iter().filter(|_| listening.play) {
        screen::start(screen, teller(&screen.name), tasks)?;
    }
    if let Some(board) = &config.board {
        board::start(board, listening.play, teller("board"), tasks)?;
    }
    Ok(())
}

fn print(device: &str, line: &Line, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let mut object = serde_json::Map::new();
        object.insert("device".to_owned(), device.into());
        if let Value::Object(said) = &line.json {
            object.extend(said.clone());
        }
        writeln!(out, "{}", Value::Object(object))?;
    } else {
        writeln!(out, "{device}: {}", line.words)?;
    }
    out.flush()
}
