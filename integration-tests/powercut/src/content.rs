//! What a file holds: now, at its last sync, and what happened in between.

use crate::dice::Dice;

/// What a disk writes as one.
const SECTOR_BYTES: usize = 512;

/// Longest file, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

#[derive(Debug, Default)]
pub(crate) struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Since the last sync.
    changes: Vec<Change>,
}

impl Content {
    pub(crate) fn length(&self) -> usize {
        self.now.len()
    }

    /// Reads as much as there is; the rest is zeros. False: not all was there.
    pub(crate) fn read(&self, at: usize, out: &mut [u8]) -> bool {
        let here = self.now.get(at..).unwrap_or_default();
        let count = here.len().min(out.len());
        let (read, rest) = out.split_at_mut(count);
        read.copy_from_slice(here.get(..count).unwrap_or_default());
        rest.fill(0);
        rest.is_empty()
    }

    /// False: the file would be too long.
    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) -> bool {
        if at.saturating_add(bytes.len()) > FILE_BYTES_MAX {
            return false;
        }
        put(&mut self.now, at, bytes, &mut |gap| gap.fill(0));
        self.changes.push(Change::Write { at, bytes: bytes.to_vec() });
        true
    }

    pub(crate) fn cut(&mut self, length: usize) {
        self.now.truncate(length);
        self.changes.push(Change::Cut { length });
    }

    pub(crate) fn sync(&mut self) {
        for change in std::mem::take(&mut self.changes) {
            match change {
                Change::Write { at, bytes } => put(&mut self.synced, at, &bytes, &mut |gap| gap.fill(0)),
                Change::Cut { length } => self.synced.truncate(length),
            }
        }
    }

    /// What is there when power is back.
    pub(crate) fn after_cut(&self, dice: &mut Dice) -> Self {
        let mut survivors = survivors(&self.changes, dice);
        if dice.percent(50) {
            dice.shuffle(&mut survivors);
        }
        let tears = dice.percent(50);
        let mut image = self.synced.clone();
        for change in survivors {
            match change {
                Change::Cut { length } => image.truncate(*length),
                Change::Write { at, bytes } if tears && dice.percent(30) => {
                    tear(&mut image, *at, bytes, dice)
                }
                Change::Write { at, bytes } => put(&mut image, *at, bytes, &mut |gap| garbage(gap, dice)),
            }
        }
        // The new length can be on the disk without what was written there.
        if self.now.len() > image.len() && dice.percent(30) {
            let from = image.len();
            image.resize(self.now.len(), 0);
            garbage(image.get_mut(from..).unwrap_or_default(), dice);
        }
        Self { now: image.clone(), synced: image, changes: Vec::new() }
    }
}

/// None of the changes, all, those before some moment, or any.
fn survivors<'a>(changes: &'a [Change], dice: &mut Dice) -> Vec<&'a Change> {
    let share = match dice.below(4) {
        0 => 0,
        1 => 100,
        2 => return changes.iter().take(dice.index(changes.len() + 1)).collect(),
        _ => 5 + dice.below(90),
    };
    changes.iter().filter(|_| dice.percent(share)).collect()
}

/// Writes; what lies between the end so far and the write is filled.
fn put(image: &mut Vec<u8>, at: usize, bytes: &[u8], fill: &mut dyn FnMut(&mut [u8])) {
    let end = at + bytes.len();
    if image.len() < end {
        let from = image.len();
        image.resize(end, 0);
        if let Some(gap) = image.get_mut(from..at) {
            fill(gap);
        }
    }
    if let Some(place) = image.get_mut(at..end) {
        place.copy_from_slice(bytes);
    }
}

/// Writes some of the sectors that the write touches.
fn tear(image: &mut Vec<u8>, at: usize, bytes: &[u8], dice: &mut Dice) {
    let mut done = 0;
    while done < bytes.len() {
        let begin = at + done;
        let count = (SECTOR_BYTES - begin % SECTOR_BYTES).min(bytes.len() - done);
        if dice.percent(50) {
            let part = bytes.get(done..done + count).unwrap_or_default();
            put(image, begin, part, &mut |gap| garbage(gap, dice));
        }
        done += count;
    }
}

/// What was on these sectors before: nothing, or something else.
fn garbage(gap: &mut [u8], dice: &mut Dice) {
    if dice.percent(50) {
        gap.fill(0);
    } else {
        gap.fill_with(|| dice.roll().to_le_bytes()[0]);
    }
}
