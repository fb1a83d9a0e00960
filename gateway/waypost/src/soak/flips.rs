//! A bit flips in a page of the journal's file or of its log, or one of them is cut: no verdict is wrong, the gateway says
//! so, and what the chain proves comes back.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use uuid::Uuid;
use waypost_core::{
    fact::{SiteKind, Stream},
    rule::Act,
};
use waypost_edge::journal::{
    self, JournalConfig, JournalError, Reader, Request, RequestId, Verdict, background,
    renew::old_dir,
    salvage::{Salvage, salvage},
    verify,
};
use waypost_powercut::{Dice, register};

use super::{
    gateway::{Failure, Gateway},
    tally::Tally,
};

/// Bytes of a page of the journal.
const PAGE: usize = 512;
/// Bytes of the log before its first frame, and of a frame's head.
const LOG_HEAD: usize = 32;
const FRAME_HEAD: usize = 24;
/// Requests in the journal that is damaged.
const ROUNDS: u32 = 60;
const AT_ONCE: u64 = 4;
/// Known tubes and claims that are asked for again.
const ASKED_AGAIN: usize = 48;
/// Lines read at once.
const LINES_MAX: usize = 1 << 20;

/// What a damaged journal is compared with.
struct Whole {
    gateway: Gateway,
    /// The file with the whole log in it.
    all: Vec<u8>,
    /// The file as it was, and the log that goes with it.
    file: Vec<u8>,
    log: Vec<u8>,
    witness: Vec<u8>,
    acts: Vec<Act>,
    /// What is answered to them where nothing is damaged.
    answers: Vec<String>,
    lines: Vec<String>,
}

/// One way to damage it.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// A bit of the file.
    Flip(usize, u8),
    /// A bit of the log.
    FlipLog(usize, u8),
    /// The file is this long.
    Cut(usize),
    /// The log is this long; 0: it is lost.
    CutLog(usize),
}

/// Damages journals in so many places, or in every page where that is 0.
pub async fn play(pages: u64, seed: u64, root: &Path, tally: &mut Tally) -> Result<(), Failure> {
    register()?;
    let mut dice = Dice::new(seed, 99);
    let (mut tried, mut silent, mut lost_records, mut slowest) = (0.0, 0.0, 0.0, Duration::ZERO);
    for (number, kind) in [(1, SiteKind::PostOffice), (2, SiteKind::TestingCentre)] {
        let whole = Whole::make(&root.join(format!("whole-{number}")), kind, number, seed, tally).await?;
        for damage in damages(&whole, pages, &mut dice) {
            let folder = root.join("damaged");
            let found = whole.try_with(damage, &folder, tally).await?;
            tried += 1.0;
            if let Some((gone, took)) = found {
                lost_records += gone as f64;
                slowest = slowest.max(took);
            } else {
                silent += 1.0;
            }
        }
    }
    tally.more.insert("faults", tried);
    tally.more.insert("harmless", silent);
    tally.more.insert("records_not_brought_back", lost_records);
    tally.more.insert("salvaged_ms_max", (slowest.as_secs_f64() * 1e4).round() / 10.0);
    Ok(())
}

/// A bit in each page, or in so many; as many frames of the log; some cuts of both.
fn damages(whole: &Whole, pages: u64, dice: &mut Dice) -> Vec<Damage> {
    let mut chosen = |count: usize| -> Vec<usize> {
        if pages == 0 {
            return (0..count).collect();
        }
        (0..pages).map(|_| dice.index(count.max(1))).collect()
    };
    let (of_file, of_log) = (
        chosen(whole.all.len() / PAGE),
        chosen(whole.log.len().saturating_sub(LOG_HEAD) / (FRAME_HEAD + PAGE)),
    );
    let mut all = vec![Damage::CutLog(0)];
    for page in of_file {
        all.push(Damage::Flip(page * PAGE + dice.index(PAGE), 1 << dice.below(8)));
        if page % 8 == 0 {
            all.push(Damage::Cut(page * PAGE + dice.index(PAGE)));
        }
    }
    for frame in of_log {
        let at = LOG_HEAD + frame * (FRAME_HEAD + PAGE) + dice.index(FRAME_HEAD + PAGE);
        all.push(Damage::FlipLog(at, 1 << dice.below(8)));
        if frame % 8 == 0 {
            all.push(Damage::CutLog(at));
        }
    }
    all
}

impl Whole {
    async fn make(
        folder: &Path,
        kind: SiteKind,
        number: u128,
        seed: u64,
        tally: &mut Tally,
    ) -> Result<Self, Failure> {
        let mut gateway = Gateway::new(folder, kind, number, false, Dice::new(seed, number as u64))?;
        gateway.start(tally).await?;
        for _ in 0..ROUNDS {
            gateway.work(AT_ONCE, tally).await?;
        }
        gateway.read(tally)?;
        let image = |name: &str| gateway.disk().image(name).unwrap_or_default();
        let (file, log) = (image("journal.db"), image("journal.db-wal"));
        let witness = fs::read(gateway.dir().join("tail"))?;
        let lines = gateway.oracle.lines().to_vec();
        let mut acts: Vec<Act> = gateway.known().iter().rev().take(ASKED_AGAIN).cloned().collect();
        let mut news = gateway.news();
        acts.append(&mut news);
        gateway.stop().await;
        let all = gateway.disk().image("journal.db").unwrap_or_default();
        let mut whole = Self { gateway, all, file, log, witness, acts, answers: Vec::new(), lines };
        let folder = folder.join("pristine");
        whole.lay(&folder, None)?;
        let (writer, _) = journal::open(whole.config(&folder))?;
        whole.answers = whole.ask(&writer).await?.iter().map(class).collect();
        writer.stop().await;
        fs::remove_dir_all(&folder)?;
        Ok(whole)
    }

    fn config(&self, dir: &Path) -> JournalConfig {
        self.gateway.config(dir.to_owned())
    }

    /// The files in a folder, damaged. A damaged file has all of the log in it already; a damaged log lies beside the
    /// file as it was before.
    fn lay(&self, folder: &Path, damage: Option<Damage>) -> Result<(), Failure> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir_all(folder)?,
        }
        let in_log = matches!(damage, Some(Damage::FlipLog(..) | Damage::CutLog(_)));
        let (mut file, mut log) =
            if in_log { (self.file.clone(), self.log.clone()) } else { (self.all.clone(), Vec::new()) };
        match damage {
            Some(Damage::Flip(at, bit)) => file.get_mut(at).into_iter().for_each(|byte| *byte ^= bit),
            Some(Damage::FlipLog(at, bit)) => log.get_mut(at).into_iter().for_each(|byte| *byte ^= bit),
            Some(Damage::Cut(length)) => file.truncate(length),
            Some(Damage::CutLog(length)) => log.truncate(length),
            None => {}
        }
        fs::write(folder.join("journal.db"), file)?;
        if !log.is_empty() {
            fs::write(folder.join("journal.db-wal"), log)?;
        }
        fs::write(folder.join("tail"), &self.witness)?;
        Ok(())
    }

    async fn ask(&self, writer: &journal::Writer) -> Result<Vec<Verdict>, Failure> {
        let mut verdicts = Vec::new();
        for (number, act) in self.acts.iter().enumerate() {
            let id = RequestId::new(format!("flip/{number}"))?;
            verdicts.push(writer.ask(Request { id, by: None, act: act.clone() }).await);
        }
        Ok(verdicts)
    }

    /// Damages it and looks what comes of that. None: nothing came of it, as nothing lay there.
    async fn try_with(
        &self,
        damage: Damage,
        folder: &Path,
        tally: &mut Tally,
    ) -> Result<Option<(u64, Duration)>, Failure> {
        self.lay(folder, Some(damage))?;
        // What the background would say, before anything is written.
        let looked = Reader::open(folder).map(|reader| {
            let verified = verify(&reader, |_, _| ()).is_ok_and(|verified| verified.is_whole());
            let same = read_lines(&reader).is_ok_and(|lines| lines == self.lines);
            let looked = background::look(&reader, &mut || true).is_ok_and(|flaw| flaw.is_none());
            (verified && looked, same)
        });
        let (well, same) = looked.unwrap_or((false, false));
        let mut told = !well;
        match journal::open(self.config(folder)) {
            Err(_) => told = true,
            Ok((writer, _)) => {
                let verdicts = self.ask(&writer).await?;
                writer.stop().await;
                for (number, (verdict, expected)) in verdicts.iter().zip(&self.answers).enumerate() {
                    tally.verdicts += 1;
                    let given = class(verdict);
                    if given == "failed" {
                        told = true;
                    } else if given != *expected {
                        tally.double(1, || {
                            format!("{damage:?}: request {number} got {given} and not {expected}")
                        });
                    }
                }
            }
        }
        if !told {
            if !same {
                tally.lose(1, || format!("{damage:?}: records are other ones, and nobody says so"));
            }
            return Ok(None);
        }
        // What a maintainer does then.
        self.lay(folder, Some(damage))?;
        let began = Instant::now();
        let (old, new) = (self.gateway.journal, Uuid::from_u128(u128::MAX >> 1));
        let order = Salvage { dir: folder.to_owned(), gateway: self.gateway.name.clone(), journal: old, new };
        match salvage(&order, |_| Ok::<_, JournalError>(())) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) | Err(error) => {
                tally.lose(1, || format!("{damage:?}: no salvage: {error}"));
                return Ok(Some((self.lines.len() as u64, began.elapsed())));
            }
        }
        let took = began.elapsed();
        let back = Reader::open(&old_dir(folder, old)).and_then(|reader| {
            let whole = verify_holes(&reader);
            Ok((read_lines(&reader)?, whole))
        })?;
        let invented = back.0.iter().filter(|line| !self.lines.contains(line)).count() as u64;
        tally.invent(invented, || format!("{damage:?}: the salvage has records that never were"));
        Ok(Some(((self.lines.len() - back.0.len().min(self.lines.len())) as u64, took)))
    }
}

/// Holes of a salvaged journal are declared, so only what stands behind them can be wrong.
fn verify_holes(reader: &Reader) -> bool {
    verify(reader, |_, _| ()).is_ok()
}

fn read_lines(reader: &Reader) -> Result<Vec<String>, JournalError> {
    let lines = reader.lines(Stream::Ledger, 0, LINES_MAX, usize::MAX)?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

/// A verdict without what differs from run to run.
fn class(verdict: &Verdict) -> String {
    let name = |text: String| text.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
    match verdict {
        Verdict::Granted { facts, .. } => {
            facts.iter().map(|fact| name(format!("{fact:?}"))).collect::<Vec<_>>().join("+")
        }
        Verdict::Already(already) => format!("already {}", name(format!("{already:?}"))),
        Verdict::Refused(refusal) => format!("refused {}", name(format!("{refusal:?}"))),
        Verdict::Failed(_) => "failed".to_owned(),
    }
}
