//! A bit flips in a page of the journal's file or of its log, or one of them is cut: no verdict is wrong, the gateway says
//! so, and what the chain proves comes back.
//!
//! What a salvage brings back and what it names as lost are together what was there, each record once; and one flipped bit
//! costs at most [`LOST_BY_A_BIT_MAX`] record.

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

/// Records that are lost by one flipped bit, at most: the one that the bit is of. A page that names or orders others is not
/// needed to find them, and each of them is proven by its neighbours' links.
const LOST_BY_A_BIT_MAX: u64 = 1;

/// What came of a salvage, in records.
#[derive(Debug, Clone, Copy, Default)]
struct Came {
    /// How many there were.
    there: u64,
    /// Those that could be read without it.
    readable: u64,
    /// Those that it brought back.
    back: u64,
    /// Those that its report names as lost.
    lost: u64,
}

impl Came {
    fn add(&mut self, other: Self) {
        self.there += other.there;
        self.readable += other.readable;
        self.back += other.back;
        self.lost += other.lost;
    }

    fn share(self) -> f64 {
        if self.there == 0 { 1.0 } else { (self.back as f64 / self.there as f64 * 1e6).round() / 1e6 }
    }
}

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
    let (mut tried, mut silent, mut slowest) = (0.0, 0.0, Duration::ZERO);
    let (mut flips, mut cuts) = (Came::default(), Came::default());
    let (mut flips_with_loss, mut lost_by_a_bit) = (0.0, 0);
    for (number, kind) in [(1, SiteKind::PostOffice), (2, SiteKind::TestingCentre)] {
        let whole = Whole::make(&root.join(format!("whole-{number}")), kind, number, seed, tally).await?;
        for damage in damages(&whole, pages, &mut dice) {
            let folder = root.join("damaged");
            tried += 1.0;
            let Some((came, took)) = whole.try_with(damage, &folder, tally).await? else {
                silent += 1.0;
                continue;
            };
            slowest = slowest.max(took);
            if damage.is_flip() {
                flips.add(came);
                flips_with_loss += f64::from(u8::from(came.lost > 0));
                lost_by_a_bit = lost_by_a_bit.max(came.lost);
                let more = came.lost.saturating_sub(LOST_BY_A_BIT_MAX);
                tally.lose(more, || format!("{damage:?}: one bit took {} records away", came.lost));
            } else {
                cuts.add(came);
            }
        }
    }
    tally.more.insert("faults", tried);
    tally.more.insert("harmless", silent);
    tally.more.insert("flips_records_there", flips.there as f64);
    tally.more.insert("flips_readable_before", flips.readable as f64);
    tally.more.insert("flips_brought_back", flips.back as f64);
    tally.more.insert("flips_named_lost", flips.lost as f64);
    tally.more.insert("flips_brought_back_share", flips.share());
    tally.more.insert("flips_with_loss", flips_with_loss);
    tally.more.insert("flips_lost_records_max", lost_by_a_bit as f64);
    tally.more.insert("cuts_records_there", cuts.there as f64);
    tally.more.insert("cuts_readable_before", cuts.readable as f64);
    tally.more.insert("cuts_brought_back", cuts.back as f64);
    tally.more.insert("cuts_named_lost", cuts.lost as f64);
    tally.more.insert("cuts_brought_back_share", cuts.share());
    tally.more.insert("salvaged_ms_max", (slowest.as_secs_f64() * 1e4).round() / 10.0);
    Ok(())
}

impl Damage {
    fn is_flip(self) -> bool {
        matches!(self, Self::Flip(..) | Self::FlipLog(..))
    }
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
    ) -> Result<Option<(Came, Duration)>, Failure> {
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
        let readable = self.readable(folder);
        self.lay(folder, Some(damage))?;
        let mut came = Came { there: self.lines.len() as u64, readable, ..Came::default() };
        let began = Instant::now();
        let (old, new) = (self.gateway.journal, Uuid::from_u128(u128::MAX >> 1));
        let order = Salvage { dir: folder.to_owned(), gateway: self.gateway.name.clone(), journal: old, new };
        let salvaged = match salvage(&order, |_| Ok::<_, JournalError>(())) {
            Ok(Ok(salvaged)) => salvaged,
            Ok(Err(error)) | Err(error) => {
                tally.lose(1, || format!("{damage:?}: no salvage: {error}"));
                return Ok(Some((came, began.elapsed())));
            }
        };
        let took = began.elapsed();
        let lines = Reader::open(&old_dir(folder, old)).and_then(|reader| {
            // Holes are declared, so only what stands behind them can be wrong.
            verify(&reader, |_, _| ())?;
            reader.lines(Stream::Ledger, 0, LINES_MAX, usize::MAX)
        })?;
        let invented = lines.iter().filter(|line| !self.had(line.seq, &line.line)).count() as u64;
        tally.invent(invented, || format!("{damage:?}: the salvage has records that never were"));
        // Each number once: brought back, or named as lost.
        let mut fates = vec![0_u32; self.lines.len()];
        let backs = lines.iter().map(|line| line.seq..=line.seq);
        for range in backs.chain(salvaged.lost.iter().map(|lost| lost.first..=lost.last)) {
            for seq in range {
                match usize::try_from(seq).ok().and_then(|seq| fates.get_mut(seq.checked_sub(1)?)) {
                    Some(fate) => *fate += 1,
                    None => tally.invent(1, || format!("{damage:?}: record {seq} never was")),
                }
            }
        }
        came.back = lines.len() as u64;
        came.lost = salvaged.lost.iter().map(|lost| lost.last + 1 - lost.first).sum();
        let wrong = fates.iter().filter(|fate| **fate != 1).count() as u64;
        tally.lose(wrong, || {
            format!("{damage:?}: {wrong} records are neither brought back nor named as lost, or both")
        });
        Ok(Some((came, took)))
    }

    fn had(&self, seq: u64, line: &str) -> bool {
        let at = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        at.and_then(|at| self.lines.get(at)).is_some_and(|own| own == line)
    }

    /// Records that SQLite reads by their numbers, as they were written.
    fn readable(&self, folder: &Path) -> u64 {
        let Ok(reader) = Reader::open(folder) else { return 0 };
        let reads = |seq: &u64| {
            let found = reader.lines(Stream::Ledger, seq - 1, 1, usize::MAX);
            found.is_ok_and(|lines| lines.iter().any(|line| line.seq == *seq && self.had(*seq, &line.line)))
        };
        (1..=self.lines.len() as u64).filter(reads).count() as u64
    }
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
