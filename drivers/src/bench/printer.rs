//! A virtual printer, on the network or on a serial line: it takes labels or receipts, answers how it is, and runs out of
//! paper where the test says.
//!
//! It knows only as much of its language as says where a paper ends: what is on it is for the test to read.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::sleep,
};

use super::plug::{BenchError, Plug};
use crate::printer::Dialect;

/// Bytes that it holds while it has no paper; then it takes no more.
const BUFFER_MAX: usize = 64 * 1024;
/// Papers that it keeps for the test; the oldest go first.
const PAPERS_MAX: usize = 64;
/// How often a line is looked at that is unplugged.
const LOOK: Duration = Duration::from_millis(20);

/// A piece of paper that came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// The commands that made it.
    pub bytes: Vec<u8>,
    /// It came out to its end: a label always, a receipt if it was cut.
    pub whole: bool,
}

/// A printer that prints into memory. It stops when it is dropped.
#[derive(Debug)]
pub struct VirtualPrinter {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
    wire: Wire,
}

#[derive(Debug)]
enum Wire {
    Tcp(SocketAddr),
    Serial(Arc<Plug>),
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something was changed by hand: paper, cover.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    dialect: Dialect,
    /// Labels, or rows of dots, until the paper is used up.
    paper: u32,
    cover_open: bool,
    held: Vec<u8>,
    receipt: Vec<u8>,
    papers: Vec<Paper>,
    /// How often it was asked how it is.
    asked: u64,
    /// The connection is cut after so many more bytes.
    cut_after: Option<usize>,
}

impl VirtualPrinter {
    /// A printer on a free port of this machine, with paper for a long day. Needs a Tokio runtime with its I/O driver.
    ///
    /// # Errors
    /// The system's own.
    pub async fn tcp(dialect: Dialect) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Shared::new(dialect);
        let task = Mutex::new(Some(tokio::spawn(serve(listener, Arc::clone(&shared)))));
        Ok(Self { shared, task, wire: Wire::Tcp(address) })
    }

    /// A printer that is plugged in at `dir/name`.
    ///
    /// # Errors
    /// [`BenchError::Io`].
    pub fn serial(dialect: Dialect, dir: &Path, name: &str) -> Result<Self, BenchError> {
        let plug = Arc::new(Plug::new(dir, name)?);
        let shared = Shared::new(dialect);
        let task = Mutex::new(Some(tokio::spawn(speak(Arc::clone(&plug), Arc::clone(&shared)))));
        Ok(Self { shared, task, wire: Wire::Serial(plug) })
    }

    /// Where it listens: `127.0.0.1:41234`. Empty on a serial line.
    pub fn address(&self) -> String {
        match &self.wire {
            Wire::Tcp(address) => address.to_string(),
            Wire::Serial(_) => String::new(),
        }
    }

    /// Its path. Empty on the network.
    pub fn path(&self) -> PathBuf {
        match &self.wire {
            Wire::Tcp(_) => PathBuf::new(),
            Wire::Serial(plug) => plug.path().to_owned(),
        }
    }

    /// So many labels, or rows of dots, are left from now on.
    pub fn load(&self, paper: u32) {
        self.shared.lock().paper = paper;
        self.shared.changed.notify_one();
    }

    /// Opens or closes the cover.
    pub fn cover(&self, open: bool) {
        self.shared.lock().cover_open = open;
        self.shared.changed.notify_one();
    }

    /// The cable is cut when so many more bytes have come.
    pub fn cut_after(&self, bytes: usize) {
        self.shared.lock().cut_after = Some(bytes);
    }

    /// Pulls the cable; the printer keeps what it holds.
    pub fn unplug(&self) {
        if let Wire::Serial(plug) = &self.wire {
            plug.unplug();
        } else if let Some(task) = self.task().take() {
            task.abort();
        }
    }

    /// Puts the cable back, at the same place.
    ///
    /// # Errors
    /// The system's own.
    pub async fn plug(&self) -> Result<(), BenchError> {
        match &self.wire {
            Wire::Serial(plug) => plug.plug(),
            Wire::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                *self.task() = Some(tokio::spawn(serve(listener, Arc::clone(&self.shared))));
                Ok(())
            }
        }
    }

    /// What came out, oldest first.
    pub fn papers(&self) -> Vec<Paper> {
        self.shared.lock().papers.clone()
    }

    /// How often it was asked how it is.
    pub fn asked(&self) -> u64 {
        self.shared.lock().asked
    }

    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for VirtualPrinter {
    fn drop(&mut self) {
        if let Some(task) = self.task().take() {
            task.abort();
        }
    }
}

impl Shared {
    fn new(dialect: Dialect) -> Arc<Self> {
        let state = State {
            dialect,
            paper: u32::MAX,
            cover_open: false,
            held: Vec::new(),
            receipt: Vec::new(),
            papers: Vec::new(),
            asked: 0,
            cut_after: None,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection at a time, as real printers have.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        // A gateway that goes away is nothing to a printer.
        let _ = connection(stream, &shared).await;
    }
}

async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let full = shared.lock().held.len() >= BUFFER_MAX;
        let answer = tokio::select! {
            read = stream.read(&mut buffer), if !full => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                match shared.lock().take(buffer.get(..length).unwrap_or_default()) {
                    Some(answer) => answer,
                    None => return Ok(()),
                }
            }
            () = shared.changed.notified() => shared.lock().go_on(),
        };
        stream.write_all(&answer).await?;
    }
}

async fn speak(plug: Arc<Plug>, shared: Arc<Shared>) {
    let mut buffer = [0; 1024];
    loop {
        let Ok(pty) = plug.pty() else {
            sleep(LOOK).await;
            continue;
        };
        let full = shared.lock().held.len() >= BUFFER_MAX;
        let answer = tokio::select! {
            read = pty.read(&mut buffer), if !full => match read {
                Ok(length) => shared.lock().take(buffer.get(..length).unwrap_or_default()),
                Err(_) => Some(Vec::new()),
            },
            () = shared.changed.notified() => Some(shared.lock().go_on()),
            // A cable that was pulled is let go of.
            () = sleep(LOOK) => Some(Vec::new()),
        };
        match answer {
            // A line that is full loses what is said, as a real one does.
            Some(answer) => drop(pty.send(&answer)),
            None => plug.unplug(),
        }
    }
}

impl State {
    /// Takes bytes and gives its answers; none where the cable is cut now.
    fn take(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = bytes;
        let mut cut = false;
        if let Some(left) = &mut self.cut_after {
            cut = bytes.len() >= *left;
            bytes = bytes.get(..*left).unwrap_or(bytes);
            *left -= bytes.len();
        }
        let mut answer = Vec::new();
        for byte in bytes {
            self.held.push(*byte);
            self.realtime(&mut answer);
        }
        self.print(&mut answer);
        if cut {
            self.cut_after = None;
            return None;
        }
        Some(answer)
    }

    fn go_on(&mut self) -> Vec<u8> {
        let mut answer = Vec::new();
        self.print(&mut answer);
        answer
    }

    /// What is answered at once, whatever waits before it.
    fn realtime(&mut self, answer: &mut Vec<u8>) {
        let (paper_out, cover) = (self.paper == 0, self.cover_open);
        match self.dialect {
            Dialect::Zpl if self.held.ends_with(b"~HS") => {
                self.held.truncate(self.held.len() - 3);
                let formats = u8::from(find(&self.held, b"^XZ").is_some());
                let partial = u8::from(formats == 0 && find(&self.held, b"^XA").is_some());
                let [out, open] = [paper_out, cover].map(u8::from);
                let pause = out | open;
                let text = format!(
                    "\u{2}030,{out},{pause},0480,{formats:03},0,0,{partial},000,0,0,0\u{3}\r\n\
                     \u{2}000,0,{open},0,0,2,4,0,{formats:08},1,000\u{3}\r\n\u{2}1234,0\u{3}\r\n"
                );
                answer.extend(text.into_bytes());
            }
            Dialect::Zpl if self.held.ends_with(b"~JA") => return self.held.clear(),
            Dialect::EscPos => {
                let Some([0x10, 0x04, question @ 1..=4]) = self.held.last_chunk::<3>() else { return };
                let (out, open) = (if paper_out { 0xFF } else { 0 }, if cover { 0xFF } else { 0 });
                answer.push(match question {
                    1 => 0x12 | ((out | open) & 0x08),
                    2 => 0x12 | (open & 0x04) | (out & 0x20),
                    3 => 0x12,
                    _ => 0x12 | (out & 0x60),
                });
                self.held.truncate(self.held.len() - 3);
            }
            Dialect::Zpl => return,
        }
        self.asked += 1;
    }

    /// Prints as far as there is paper.
    fn print(&mut self, answer: &mut Vec<u8>) {
        while self.paper > 0 && !self.cover_open {
            let took = match self.dialect {
                Dialect::Zpl => self.label(),
                Dialect::EscPos => self.command(answer),
            };
            if took == 0 {
                return;
            }
            self.held.drain(..took.min(self.held.len()));
        }
    }

    fn label(&mut self) -> usize {
        let Some(end) = find(&self.held, b"^XZ").map(|at| at + 3) else { return 0 };
        let start = self.held.get(..end).and_then(|label| find(label, b"^XA")).unwrap_or(0);
        let bytes = self.held.get(start..end).unwrap_or_default().to_vec();
        self.keep(Paper { bytes, whole: true });
        self.paper -= 1;
        end
    }

    /// One command at the front; the bytes that it has, or 0 where it is not all there.
    fn command(&mut self, answer: &mut Vec<u8>) -> usize {
        let number = |low: u8, high: u8| usize::from(low) | usize::from(high) << 8;
        match *self.held.as_slice() {
            [0x1D, b'v', b'0', _, x_low, x_high, y_low, y_high, ..] => {
                let rows = number(y_low, y_high);
                let length = 8 + number(x_low, x_high) * rows;
                let Some(bytes) = self.held.get(..length) else { return 0 };
                self.receipt.extend_from_slice(bytes);
                self.paper = self.paper.saturating_sub(u32::try_from(rows).unwrap_or(u32::MAX));
                length
            }
            [0x1D, b'v', ..] | [0x1D] | [0x1B] | [] => 0,
            [0x1B, b'@', ..] => {
                if !self.receipt.is_empty() {
                    self.receipt_out(false);
                }
                2
            }
            [0x1B, b'd', _, ..] => 3,
            [0x1D, b'r', b'\x01', ..] => {
                answer.push(0);
                3
            }
            [0x1D, b'V', _, ..] => {
                self.receipt_out(true);
                3
            }
            [0x1D, b'r' | b'V'] | [0x1B, b'd'] => 0,
            _ => 1,
        }
    }

    fn receipt_out(&mut self, whole: bool) {
        let bytes = std::mem::take(&mut self.receipt);
        self.keep(Paper { bytes, whole });
    }

    fn keep(&mut self, paper: Paper) {
        if self.papers.len() >= PAPERS_MAX {
            self.papers.remove(0);
        }
        self.papers.push(paper);
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
