//! From keys with their times to codes and typed lines, as a table.
//!
//! A scanner types a key every few milliseconds; a person takes 60 to 300. So a line whose keys come closer than
//! [`SCANNED_GAP_MEAN`] on average, none later than [`SCANNED_GAP_MAX`], was scanned, and anything else was typed. A
//! scanned line whose Enter does not come is half a code; a typed one waits for the person.
//!
//! The times are the kernel's own of each event, so a busy gateway does not make a person look like a scanner.

use std::time::{Duration, SystemTime};

use evdev::KeyCode;
use tokio::time::Instant;
use zeroize::Zeroize as _;

use super::keymap::{Keymap, Pressed};
use crate::scanner::aim::{CodeIds, split_aim};
use crate::scanner::assembler::CODE_BYTES_MAX;
use crate::scanner::{Assembled, Flaw, Scan, text};

/// Longest average gap between the keys of a scanned line.
pub const SCANNED_GAP_MEAN: Duration = Duration::from_millis(35);
/// Longest gap between two keys of a scanned line.
pub const SCANNED_GAP_MAX: Duration = Duration::from_millis(100);
/// Lines of fewer characters are typed, however fast: two keys can be hit at once.
pub const SCANNED_CHARS_MIN: usize = 4;
/// How long the Enter of a scanned line may take.
pub const REST_WITHIN: Duration = Duration::from_millis(300);
/// A typed line is forgotten when no key comes for so long.
pub const TYPED_WITHIN: Duration = Duration::from_secs(60);

/// How a scanner that plays a keyboard frames its codes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typing {
    /// What the scanner was set to send before each code. A scanned line without it is refused; a typed one needs none.
    pub prefix: String,
    /// Letters of the vendor's before each code.
    pub code_ids: CodeIds,
    /// The function key, 1 to 12, that it sends for a group separator; none: Ctrl-].
    pub separator_key: Option<u8>,
    /// Tab ends a line, too.
    pub tab_ends: bool,
}

/// What came of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyed {
    /// It was scanned, or is half of something that was.
    Scanned(Assembled),
    /// A person typed it.
    Typed(Scan),
}

/// Puts a line together. Holds at most one, of at most [`CODE_BYTES_MAX`] characters.
#[derive(Debug)]
pub struct Line {
    typing: Typing,
    keymap: Keymap,
    text: Vec<u8>,
    /// Characters of the line, also those that were not kept.
    length: usize,
    /// First and last key by the kernel's clock.
    times: Option<(SystemTime, SystemTime)>,
    gap_max: Duration,
    /// The kernel dropped events: the line is not what was sent.
    broken: bool,
    last_key: Option<Instant>,
}

impl Line {
    /// An empty line.
    pub fn new(typing: Typing) -> Self {
        let keymap = Keymap::new(typing.separator_key);
        Self {
            typing,
            keymap,
            text: Vec::new(),
            length: 0,
            times: None,
            gap_max: Duration::ZERO,
            broken: false,
            last_key: None,
        }
    }

    /// Takes a key that went down or up at `at` by the kernel's clock, and came at `now`.
    pub fn key(
        &mut self,
        key: KeyCode,
        down: bool,
        at: SystemTime,
        now: Instant,
        found: &mut impl FnMut(Keyed),
    ) {
        self.tick(now, found);
        let pressed = match self.keymap.key(key, down) {
            None => return,
            Some(Pressed::Char(b'\t')) if self.typing.tab_ends => Pressed::Enter,
            Some(pressed) => pressed,
        };
        match pressed {
            Pressed::Char(character) => {
                self.time(at);
                self.last_key = Some(now);
                self.length = self.length.saturating_add(1);
                if self.length <= CODE_BYTES_MAX {
                    self.text.push(character);
                }
            }
            Pressed::Enter => {
                self.time(at);
                self.end(found);
            }
            Pressed::Back => {
                if self.length <= CODE_BYTES_MAX && self.text.pop().is_some() {
                    self.length -= 1;
                }
                self.last_key = Some(now);
            }
            Pressed::Escape => self.clear(),
        }
    }

    /// The kernel dropped events.
    pub fn lost(&mut self) {
        self.broken = true;
        // Which modifiers are down is not known any more; a scanner lets all go between two codes.
        self.keymap = Keymap::new(self.typing.separator_key);
    }

    /// When [`Self::tick`] has something to do, if nothing comes.
    pub fn deadline(&self) -> Option<Instant> {
        let within = if self.is_scanned() { REST_WITHIN } else { TYPED_WITHIN };
        self.last_key.filter(|_| self.length > 0).map(|last| last + within)
    }

    /// Drops what is overdue at `now`.
    pub fn tick(&mut self, now: Instant, found: &mut impl FnMut(Keyed)) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.reset(found);
        }
    }

    /// The device went away: what is half-read stays half. Half a typed line is nothing.
    pub fn reset(&mut self, found: &mut impl FnMut(Keyed)) {
        if self.is_scanned() {
            let flaw = if self.length > CODE_BYTES_MAX { Flaw::TooLong } else { Flaw::Half };
            found(Keyed::Scanned(Assembled::Unreadable { flaw, length: self.length }));
        }
        self.clear();
    }

    fn time(&mut self, at: SystemTime) {
        self.times = Some(match self.times {
            None => (at, at),
            Some((first, last)) => {
                // A clock that was set meanwhile tells nothing: then it counts as typed.
                let gap = at.duration_since(last).unwrap_or(Duration::MAX);
                self.gap_max = self.gap_max.max(gap);
                (first, at)
            }
        });
    }

    fn is_scanned(&self) -> bool {
        let Some((first, last)) = self.times else { return false };
        let Ok(gaps) = u32::try_from(self.length.saturating_sub(1).max(1)) else { return true };
        self.length >= SCANNED_CHARS_MIN
            && self.gap_max <= SCANNED_GAP_MAX
            && last.duration_since(first).is_ok_and(|whole| whole / gaps <= SCANNED_GAP_MEAN)
    }

    fn end(&mut self, found: &mut impl FnMut(Keyed)) {
        if self.length > 0 {
            let scanned = self.is_scanned();
            match self.read(scanned) {
                Ok(scan) if scanned => found(Keyed::Scanned(Assembled::Scan(scan))),
                Ok(scan) => found(Keyed::Typed(scan)),
                Err(flaw) => found(Keyed::Scanned(Assembled::Unreadable { flaw, length: self.length })),
            }
        }
        self.clear();
    }

    fn read(&self, scanned: bool) -> Result<Scan, Flaw> {
        if self.broken {
            return Err(Flaw::Half);
        }
        if self.length > CODE_BYTES_MAX {
            return Err(Flaw::TooLong);
        }
        let line = text(&self.text)?;
        if !scanned {
            return Ok(Scan { text: line.to_owned(), symbology: None });
        }
        let code = line.strip_prefix(self.typing.prefix.as_str()).ok_or(Flaw::NoPrefix)?;
        let (symbology, code) = match split_aim(code) {
            (None, code) if !self.typing.code_ids.is_empty() => {
                let (aim, code) = self.typing.code_ids.split(code).ok_or(Flaw::UnknownCodeId)?;
                (Some(aim), code)
            }
            told => told,
        };
        Ok(Scan { text: code.to_owned(), symbology: symbology.map(str::to_owned) })
    }

    fn clear(&mut self) {
        // It may have been an identity number.
        self.text.zeroize();
        self.length = 0;
        self.times = None;
        self.gap_max = Duration::ZERO;
        self.broken = false;
        self.last_key = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of a text on the US layout, as a scanner sends them, Shift around each capital.
    fn keys(text: &str) -> Vec<(KeyCode, bool)> {
        const PLAIN: &str = "1234567890-=\0\0qwertyuiop[]\0\0asdfghjkl;'`\0\\zxcvbnm,./";
        const SHIFTED: &str = "!@#$%^&*()_+\0\0QWERTYUIOP{}\0\0ASDFGHJKL:\"~\0|ZXCVBNM<>?";
        let find = |row: &str, c: char| row.find(c).map(|at| KeyCode(2 + u16::try_from(at).unwrap()));
        let mut keys = Vec::new();
        for c in text.chars() {
            let (modifier, key) = match c {
                '\n' => (None, KeyCode::KEY_ENTER),
                '\t' => (None, KeyCode::KEY_TAB),
                ' ' => (None, KeyCode::KEY_SPACE),
                '\u{1d}' => (Some(KeyCode::KEY_LEFTCTRL), KeyCode::KEY_RIGHTBRACE),
                c => match find(PLAIN, c) {
                    Some(key) => (None, key),
                    None => (Some(KeyCode::KEY_LEFTSHIFT), find(SHIFTED, c).unwrap()),
                },
            };
            keys.extend(modifier.map(|key| (key, true)));
            keys.extend([(key, true), (key, false)]);
            keys.extend(modifier.map(|key| (key, false)));
        }
        keys
    }

    struct Keyboard {
        line: Line,
        start: Instant,
        ms: u64,
        out: Vec<Keyed>,
    }

    impl Keyboard {
        fn new(typing: Typing) -> Self {
            Self { line: Line::new(typing), start: Instant::now(), ms: 0, out: Vec::new() }
        }

        /// Each key so many milliseconds after the one before it.
        fn press(mut self, text: &str, gap_ms: u64) -> Self {
            for (key, down) in keys(text) {
                if down && !matches!(key, KeyCode::KEY_LEFTSHIFT | KeyCode::KEY_LEFTCTRL) {
                    self.ms += gap_ms;
                }
                let at = SystemTime::UNIX_EPOCH + Duration::from_millis(self.ms);
                let now = self.start + Duration::from_millis(self.ms);
                self.line.key(key, down, at, now, &mut |found| self.out.push(found));
            }
            self
        }

        fn wait(mut self, ms: u64) -> Self {
            self.ms += ms;
            let now = self.start + Duration::from_millis(self.ms);
            self.line.tick(now, &mut |found| self.out.push(found));
            self
        }
    }

    fn scanned(text: &str, symbology: Option<&str>) -> Keyed {
        let symbology = symbology.map(str::to_owned);
        Keyed::Scanned(Assembled::Scan(Scan { text: text.to_owned(), symbology }))
    }

    fn typed(text: &str) -> Keyed {
        Keyed::Typed(Scan { text: text.to_owned(), symbology: None })
    }

    fn flaw(flaw: Flaw, length: usize) -> Keyed {
        Keyed::Scanned(Assembled::Unreadable { flaw, length })
    }

    #[test]
    fn what_comes_fast_was_scanned_and_what_comes_slowly_was_typed() {
        for gap_ms in [0, 1, 8, 30] {
            let out = Keyboard::new(Typing::default()).press("]C1T-0000~a\u{1d}B\n", gap_ms).out;
            assert_eq!(out, [scanned("T-0000~a\u{1d}B", Some("]C1"))], "{gap_ms} ms");
        }
        for gap_ms in [60, 150, 2_000] {
            let out = Keyboard::new(Typing::default()).press("A123456(3)\n", gap_ms).out;
            assert_eq!(out, [typed("A123456(3)")], "{gap_ms} ms");
        }
    }

    #[test]
    fn a_short_line_and_one_with_a_pause_were_typed() {
        assert_eq!(Keyboard::new(Typing::default()).press("ab\n", 5).out, [typed("ab")]);
        let paused = Keyboard::new(Typing::default()).press("T-00", 5).wait(101).press("0001\n", 5);
        assert_eq!(paused.out, [typed("T-000001")]);
    }

    #[test]
    fn half_a_scanned_code_is_dropped_and_never_joined_to_the_next() {
        let out = Keyboard::new(Typing::default()).press("T-0000", 5).wait(300).press("T-00000002\n", 5).out;
        assert_eq!(out, [flaw(Flaw::Half, 6), scanned("T-00000002", None)]);
    }

    #[test]
    fn a_typed_line_waits_for_its_person_is_corrected_and_at_last_forgotten() {
        let mut keyboard = Keyboard::new(Typing::default()).press("A12", 200);
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(keyboard.ms);
        let now = keyboard.start + Duration::from_millis(keyboard.ms);
        keyboard.line.key(KeyCode::KEY_BACKSPACE, true, at, now, &mut |_| {});
        assert_eq!(keyboard.wait(30_000).press("3\n", 200).out, [typed("A13")]);
        let forgotten = Keyboard::new(Typing::default()).press("A1", 200).wait(60_000).press("B\n", 200);
        assert_eq!(forgotten.out, [typed("B")]);
    }

    #[test]
    fn a_prefix_and_a_vendors_letters_belong_to_scanned_lines_only() {
        let code_ids = CodeIds::new([("K".to_owned(), "]C1".to_owned())]);
        let typing = Typing { prefix: "~".to_owned(), code_ids, ..Typing::default() };
        let with = |text, gap_ms| Keyboard::new(typing.clone()).press(text, gap_ms).out;
        assert_eq!(with("~K10AB\n", 5), [scanned("10AB", Some("]C1"))]);
        assert_eq!(with("K10AB\n", 5), [flaw(Flaw::NoPrefix, 5)]);
        assert_eq!(with("~x10AB\n", 5), [flaw(Flaw::UnknownCodeId, 6)]);
        assert_eq!(with("K10AB\n", 150), [typed("K10AB")]);
    }

    #[test]
    fn tab_is_a_part_of_a_code_unless_it_ends_one() {
        let typing = Typing { tab_ends: true, ..Typing::default() };
        assert_eq!(Keyboard::new(typing).press("T-01\t", 5).out, [scanned("T-01", None)]);
        assert_eq!(Keyboard::new(Typing::default()).press("T-\t1\n", 5).out, [scanned("T-\t1", None)]);
    }

    #[test]
    fn a_line_of_which_the_kernel_dropped_keys_is_no_code() {
        let mut keyboard = Keyboard::new(Typing::default()).press("T-00", 5);
        keyboard.line.lost();
        let out = keyboard.press("0001\n", 5).press("T-2\nT-00000003\n", 5).out;
        assert_eq!(out, [flaw(Flaw::Half, 8), typed("T-2"), scanned("T-00000003", None)]);
    }

    #[test]
    fn a_line_without_end_costs_bounded_memory() {
        let keyboard = Keyboard::new(Typing::default()).press(&"7".repeat(5_000), 1);
        assert!(keyboard.line.text.capacity() < 2 * CODE_BYTES_MAX);
        assert_eq!(keyboard.press("\n", 1).out, [flaw(Flaw::TooLong, 5_000)]);
    }
}
