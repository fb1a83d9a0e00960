//! One disk: its files, its folder, and what is left of them after a cut.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    content::Content,
    dice::Dice,
    lock::Levels,
    power::{Off, Power},
    shm::Shm,
};

/// A disk in memory.
#[derive(Debug)]
pub struct Disk {
    power: Arc<Power>,
    folder: Mutex<Folder>,
    syncs: AtomicU64,
    writes: AtomicU64,
    flaw: Mutex<Option<(Flaw, u64)>>,
    refused: AtomicU64,
    /// Milliseconds that a sync takes.
    sync_ms: AtomicU64,
}

/// What a disk does wrong while its power is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// No write finds room.
    Full,
    /// No write is taken, and who opens a file to write gets it to read.
    ReadOnly,
}

/// A file; it outlives its name while somebody has it open.
#[derive(Debug, Default)]
pub(crate) struct Inode {
    pub(crate) content: Mutex<Content>,
    pub(crate) levels: Mutex<Levels>,
    shm: Mutex<Weak<Shm>>,
}

#[derive(Debug, Default)]
struct Folder {
    now: BTreeMap<String, Arc<Inode>>,
    synced: BTreeMap<String, Arc<Inode>>,
    /// Since the last sync of the folder: what became of a name. None: deleted.
    changes: Vec<(String, Option<Arc<Inode>>)>,
}

impl Disk {
    /// An empty disk.
    pub fn new(power: Arc<Power>) -> Self {
        Self {
            power,
            folder: Mutex::default(),
            syncs: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            flaw: Mutex::default(),
            refused: AtomicU64::new(0),
            sync_ms: AtomicU64::new(0),
        }
    }

    /// The disk that is found when power is back. Whoever has a file of the old one open keeps that, and every call
    /// there fails.
    pub fn after_cut(&self, dice: &mut Dice, power: Arc<Power>) -> Self {
        self.power.cut();
        let folder = self.folder();
        let mut left = folder.synced.clone();
        let names: BTreeSet<&String> = folder.changes.iter().map(|(name, _)| name).collect();
        for name in names {
            let of_name: Vec<_> = folder.changes.iter().filter(|(changed, _)| changed == name).collect();
            // What happened to one name happens in order.
            for (name, inode) in of_name.iter().take(dice.index(of_name.len() + 1)) {
                match inode {
                    Some(inode) => left.insert(name.clone(), Arc::clone(inode)),
                    None => left.remove(name),
                };
            }
        }
        let left: BTreeMap<_, _> = left
            .into_iter()
            .map(|(name, inode)| {
                let content = Mutex::new(lock(&inode.content).after_cut(dice));
                (name, Arc::new(Inode { content, ..Inode::default() }))
            })
            .collect();
        let folder = Folder { now: left.clone(), synced: left, changes: Vec::new() };
        Self { folder: Mutex::new(folder), ..Self::new(power) }
    }

    /// Syncs since it was made.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Writes since it was made.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// From now on so many writes are taken, and then none, until it [`heals`](Self::heals).
    pub fn fails(&self, flaw: Flaw, after_writes: u64) {
        *lock(&self.flaw) = Some((flaw, after_writes));
    }

    /// Takes writes again.
    pub fn heals(&self) {
        *lock(&self.flaw) = None;
    }

    /// Writes that it refused since it was made.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Lets every sync take so long.
    pub fn slow(&self, sync: Duration) {
        self.sync_ms.store(u64::try_from(sync.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A file's bytes as they are read now.
    pub fn image(&self, name: &str) -> Option<Vec<u8>> {
        let inode = Arc::clone(self.folder().now.get(name)?);
        let content = lock(&inode.content);
        let mut bytes = vec![0; content.length()];
        content.read(0, &mut bytes);
        Some(bytes)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        matches!(*lock(&self.flaw), Some((Flaw::ReadOnly, 0)))
    }

    /// What is wrong with the write that comes now.
    fn refuses(&self) -> Option<Flaw> {
        let mut flaw = lock(&self.flaw);
        let (what, left) = flaw.as_mut()?;
        if *left > 0 {
            *left -= 1;
            return None;
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Some(*what)
    }

    /// A file and whether it was made now; none where it is not there and is not to be made.
    pub(crate) fn open(&self, name: &str, make: bool) -> Result<Option<(Arc<Inode>, bool)>, Off> {
        self.power.check()?;
        let mut folder = self.folder();
        if let Some(inode) = folder.now.get(name) {
            return Ok(Some((Arc::clone(inode), false)));
        }
        if !make {
            return Ok(None);
        }
        self.power.step()?;
        let inode = Arc::new(Inode::default());
        folder.now.insert(name.to_owned(), Arc::clone(&inode));
        folder.changes.push((name.to_owned(), Some(Arc::clone(&inode))));
        Ok(Some((inode, true)))
    }

    /// False: it was not there.
    pub(crate) fn delete(&self, name: &str, sync_folder: bool) -> Result<bool, Off> {
        let was_there = {
            let mut folder = self.folder();
            self.power.check()?;
            let was_there = folder.now.remove(name).is_some();
            if was_there {
                folder.changes.push((name.to_owned(), None));
            }
            was_there
        };
        self.power.step()?;
        if sync_folder {
            self.sync_folder()?;
        }
        Ok(was_there)
    }

    pub(crate) fn length(&self, name: &str) -> Result<Option<usize>, Off> {
        self.power.check()?;
        Ok(self.folder().now.get(name).map(|inode| lock(&inode.content).length()))
    }

    /// False: not all of it is there.
    pub(crate) fn read(&self, inode: &Inode, at: usize, out: &mut [u8]) -> Result<bool, Off> {
        self.power.check()?;
        Ok(lock(&inode.content).read(at, out))
    }

    /// What is wrong with it, where it is not taken. The write during which power fails may survive or not.
    pub(crate) fn write(&self, inode: &Inode, at: usize, bytes: &[u8]) -> Result<Option<Flaw>, Off> {
        self.power.check()?;
        if let Some(flaw) = self.refuses() {
            return Ok(Some(flaw));
        }
        self.writes.fetch_add(1, Ordering::Relaxed);
        let fits = lock(&inode.content).write(at, bytes);
        self.power.step()?;
        Ok((!fits).then_some(Flaw::Full))
    }

    pub(crate) fn cut_file(&self, inode: &Inode, length: usize) -> Result<(), Off> {
        self.power.check()?;
        lock(&inode.content).cut(length);
        self.power.step()
    }

    /// Power can fail before it, and after it when nobody has heard of it yet.
    pub(crate) fn sync(&self, inode: &Inode) -> Result<(), Off> {
        self.power.step()?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.wait_for_sync();
        lock(&inode.content).sync();
        self.power.step()
    }

    pub(crate) fn sync_folder(&self) -> Result<(), Off> {
        self.power.step()?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let mut folder = self.folder();
        folder.synced = folder.now.clone();
        folder.changes.clear();
        self.power.step()
    }

    #[allow(clippy::disallowed_methods, reason = "a slow disk makes its caller wait, and nothing else")]
    fn wait_for_sync(&self) {
        let ms = self.sync_ms.load(Ordering::Relaxed);
        if ms > 0 {
            std::thread::sleep(Duration::from_millis(ms));
        }
    }

    pub(crate) fn check(&self) -> Result<(), Off> {
        self.power.check()
    }

    fn folder(&self) -> MutexGuard<'_, Folder> {
        lock(&self.folder)
    }
}

impl Inode {
    /// The shared memory of those that have it open; who is first gets it empty.
    pub(crate) fn shm(&self) -> Arc<Shm> {
        let mut weak = lock(&self.shm);
        weak.upgrade().unwrap_or_else(|| {
            let shm = Arc::new(Shm::default());
            *weak = Arc::downgrade(&shm);
            shm
        })
    }
}

/// Nothing here is left half done by a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
