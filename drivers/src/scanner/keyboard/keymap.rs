//! From keys to characters: our own map, so that no layout, input method or Caps Lock of the system's bends a code.
//!
//! Scanners that play a keyboard type for the US layout unless they are set otherwise; codes are ASCII. Control
//! characters come as Ctrl with a key (a group separator as `Ctrl-]`), as Alt with the number on the numeric pad, or, on
//! some, as a function key, which the configuration names.

use evdev::KeyCode;

/// What a key press came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// A character.
    Char(u8),
    /// Enter, on either block: the line is complete.
    Enter,
    /// Backspace: what a person typed last is wrong.
    Back,
    /// Escape: the whole of it is.
    Escape,
}

/// Which modifiers are down, and what was keyed on the numeric pad with Alt.
#[derive(Debug, Default)]
pub struct Keymap {
    /// The function key, 1 to 12, that the scanner sends for a group separator; none: Ctrl-].
    separator_key: Option<u8>,
    shift: Sides,
    control: Sides,
    alt: Sides,
    caps_lock: bool,
    /// The number keyed with Alt so far, if any.
    alt_number: Option<u16>,
}

/// A modifier is down while one of its two keys is.
#[derive(Debug, Default, Clone, Copy)]
struct Sides {
    left: bool,
    right: bool,
}

impl Sides {
    fn down(self) -> bool {
        self.left || self.right
    }
}

/// The group separator.
const GS: u8 = 0x1d;

impl Keymap {
    /// A map with all keys up.
    pub fn new(separator_key: Option<u8>) -> Self {
        Self { separator_key, ..Self::default() }
    }

    /// Takes a key that went down or up.
    pub fn key(&mut self, key: KeyCode, down: bool) -> Option<Pressed> {
        if let Some(side) = self.modifier(key) {
            *side = down;
            let alt_ended = matches!(key, KeyCode::KEY_LEFTALT | KeyCode::KEY_RIGHTALT) && !down;
            return if alt_ended { self.end_of_alt() } else { None };
        }
        if !down {
            return None;
        }
        match key {
            KeyCode::KEY_CAPSLOCK => {
                self.caps_lock = !self.caps_lock;
                None
            }
            KeyCode::KEY_ENTER | KeyCode::KEY_KPENTER => Some(Pressed::Enter),
            KeyCode::KEY_BACKSPACE => Some(Pressed::Back),
            KeyCode::KEY_ESC => Some(Pressed::Escape),
            _ if self.alt.down() => {
                let digit = u16::from(pad(key)?.checked_sub(b'0').filter(|digit| *digit < 10)?);
                let number = self.alt_number.unwrap_or_default();
                // More digits than a character has wrap to no character.
                self.alt_number = Some(number.saturating_mul(10).saturating_add(digit));
                None
            }
            _ if self.separator_key.is_some() && self.separator_key == function_key(key) => {
                Some(Pressed::Char(GS))
            }
            _ => self.character(key).map(Pressed::Char),
        }
    }

    fn modifier(&mut self, key: KeyCode) -> Option<&mut bool> {
        Some(match key {
            KeyCode::KEY_LEFTSHIFT => &mut self.shift.left,
            KeyCode::KEY_RIGHTSHIFT => &mut self.shift.right,
            KeyCode::KEY_LEFTCTRL => &mut self.control.left,
            KeyCode::KEY_RIGHTCTRL => &mut self.control.right,
            KeyCode::KEY_LEFTALT => &mut self.alt.left,
            KeyCode::KEY_RIGHTALT => &mut self.alt.right,
            _ => return None,
        })
    }

    fn end_of_alt(&mut self) -> Option<Pressed> {
        let number = self.alt_number.take()?;
        u8::try_from(number).ok().filter(u8::is_ascii).map(Pressed::Char)
    }

    fn character(&self, key: KeyCode) -> Option<u8> {
        if let Some(character) = pad(key) {
            return Some(character);
        }
        let (plain, shifted) = block(key)?;
        if self.control.down() {
            // Ctrl with a character of the column of letters is its control character.
            let upper = shifted.to_ascii_uppercase();
            let code = if (b'@'..=b'_').contains(&upper) { upper } else { plain };
            return (b'@'..=b'_').contains(&code).then_some(code & 0x1f);
        }
        let shift = self.shift.down() != (self.caps_lock && plain.is_ascii_alphabetic());
        Some(if shift { shifted } else { plain })
    }
}

/// The numeric pad, with Num Lock on, as scanners take it to be.
fn pad(key: KeyCode) -> Option<u8> {
    Some(match key {
        KeyCode::KEY_KP0 => b'0',
        KeyCode::KEY_KP1 => b'1',
        KeyCode::KEY_KP2 => b'2',
        KeyCode::KEY_KP3 => b'3',
        KeyCode::KEY_KP4 => b'4',
        KeyCode::KEY_KP5 => b'5',
        KeyCode::KEY_KP6 => b'6',
        KeyCode::KEY_KP7 => b'7',
        KeyCode::KEY_KP8 => b'8',
        KeyCode::KEY_KP9 => b'9',
        KeyCode::KEY_KPDOT => b'.',
        KeyCode::KEY_KPPLUS => b'+',
        KeyCode::KEY_KPMINUS => b'-',
        KeyCode::KEY_KPASTERISK => b'*',
        KeyCode::KEY_KPSLASH => b'/',
        _ => return None,
    })
}

/// The main block on the US layout: plain, and with Shift.
fn block(key: KeyCode) -> Option<(u8, u8)> {
    /// The rows, in the order of the kernel's codes.
    const ROWS: [(KeyCode, &[u8], &[u8]); 4] = [
        (KeyCode::KEY_1, b"1234567890-=", b"!@#$%^&*()_+"),
        (KeyCode::KEY_Q, b"qwertyuiop[]", b"QWERTYUIOP{}"),
        (KeyCode::KEY_A, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
        (KeyCode::KEY_BACKSLASH, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    ];
    match key {
        KeyCode::KEY_SPACE => return Some((b' ', b' ')),
        KeyCode::KEY_TAB => return Some((b'\t', b'\t')),
        // The key that European keyboards have beside the left Shift.
        KeyCode::KEY_102ND => return Some((b'\\', b'|')),
        _ => {}
    }
    ROWS.iter().find_map(|(first, plain, shifted)| {
        let place = usize::from(key.0.checked_sub(first.0)?);
        Some((*plain.get(place)?, *shifted.get(place)?))
    })
}

fn function_key(key: KeyCode) -> Option<u8> {
    let number = match key {
        KeyCode::KEY_F11 => 11,
        KeyCode::KEY_F12 => 12,
        _ => key.0.checked_sub(KeyCode::KEY_F1.0)? + 1,
    };
    u8::try_from(number).ok().filter(|number| (1..=12).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What keys come to: those in braces are held down while the next is pressed.
    fn press(map: &mut Keymap, held: &[KeyCode], key: KeyCode) -> Option<Pressed> {
        for modifier in held {
            assert_eq!(map.key(*modifier, true), None);
        }
        let pressed = map.key(key, true);
        assert_eq!(map.key(key, false), None);
        for modifier in held {
            assert_eq!(map.key(*modifier, false), None);
        }
        pressed
    }

    fn plain(key: KeyCode) -> u8 {
        match press(&mut Keymap::default(), &[], key) {
            Some(Pressed::Char(character)) => character,
            other => panic!("{key:?}: {other:?}"),
        }
    }

    fn shifted(key: KeyCode) -> u8 {
        match press(&mut Keymap::default(), &[KeyCode::KEY_LEFTSHIFT], key) {
            Some(Pressed::Char(character)) => character,
            other => panic!("{key:?}: {other:?}"),
        }
    }

    #[test]
    fn every_printable_character_has_its_key_on_the_us_layout() {
        let keys = (1..=0x60).map(KeyCode);
        let typed: std::collections::BTreeSet<u8> = keys
            .filter_map(block)
            .flat_map(|(plain, shifted)| [plain, shifted])
            .filter(|character| *character != b'\t')
            .collect();
        assert_eq!(typed, (b' '..=b'~').collect());
        for (key, one, other) in [
            (KeyCode::KEY_0, b'0', b')'),
            (KeyCode::KEY_EQUAL, b'=', b'+'),
            (KeyCode::KEY_P, b'p', b'P'),
            (KeyCode::KEY_RIGHTBRACE, b']', b'}'),
            (KeyCode::KEY_L, b'l', b'L'),
            (KeyCode::KEY_GRAVE, b'`', b'~'),
            (KeyCode::KEY_BACKSLASH, b'\\', b'|'),
            (KeyCode::KEY_Z, b'z', b'Z'),
            (KeyCode::KEY_M, b'm', b'M'),
            (KeyCode::KEY_SLASH, b'/', b'?'),
            (KeyCode::KEY_KP7, b'7', b'7'),
            (KeyCode::KEY_KPASTERISK, b'*', b'*'),
            (KeyCode::KEY_SPACE, b' ', b' '),
        ] {
            assert_eq!((plain(key), shifted(key)), (one, other), "{key:?}");
        }
    }

    #[test]
    fn a_group_separator_comes_as_control_bracket_as_alt_number_or_as_a_function_key() {
        let mut map = Keymap::default();
        let gs = Some(Pressed::Char(GS));
        assert_eq!(press(&mut map, &[KeyCode::KEY_LEFTCTRL], KeyCode::KEY_RIGHTBRACE), gs);
        assert_eq!(press(&mut map, &[KeyCode::KEY_RIGHTCTRL], KeyCode::KEY_M), Some(Pressed::Char(b'\r')));
        assert_eq!(press(&mut map, &[KeyCode::KEY_RIGHTCTRL], KeyCode::KEY_6), Some(Pressed::Char(0x1e)));
        assert_eq!(press(&mut map, &[KeyCode::KEY_LEFTCTRL], KeyCode::KEY_1), None);

        map.key(KeyCode::KEY_LEFTALT, true);
        for key in [KeyCode::KEY_KP0, KeyCode::KEY_KP2, KeyCode::KEY_KP9] {
            assert_eq!(map.key(key, true), None);
            map.key(key, false);
        }
        assert_eq!(map.key(KeyCode::KEY_LEFTALT, false), gs);
        assert_eq!(press(&mut map, &[], KeyCode::KEY_KP2), Some(Pressed::Char(b'2')), "and it is over");
        map.key(KeyCode::KEY_LEFTALT, true);
        for _ in 0..9 {
            map.key(KeyCode::KEY_KP9, true);
        }
        assert_eq!(map.key(KeyCode::KEY_LEFTALT, false), None, "no such character");

        assert_eq!(press(&mut map, &[], KeyCode::KEY_F8), None);
        for (number, key) in [(8, KeyCode::KEY_F8), (11, KeyCode::KEY_F11), (1, KeyCode::KEY_F1)] {
            assert_eq!(press(&mut Keymap::new(Some(number)), &[], key), gs, "F{number}");
        }
    }

    #[test]
    fn caps_lock_turns_letters_only() {
        let mut map = Keymap::default();
        press(&mut map, &[], KeyCode::KEY_CAPSLOCK);
        assert_eq!(press(&mut map, &[], KeyCode::KEY_A), Some(Pressed::Char(b'A')));
        assert_eq!(press(&mut map, &[KeyCode::KEY_LEFTSHIFT], KeyCode::KEY_A), Some(Pressed::Char(b'a')));
        assert_eq!(press(&mut map, &[], KeyCode::KEY_1), Some(Pressed::Char(b'1')));
    }

    #[test]
    fn either_shift_counts_and_one_that_is_let_go_leaves_the_other() {
        let mut map = Keymap::default();
        map.key(KeyCode::KEY_LEFTSHIFT, true);
        map.key(KeyCode::KEY_RIGHTSHIFT, true);
        map.key(KeyCode::KEY_LEFTSHIFT, false);
        assert_eq!(map.key(KeyCode::KEY_A, true), Some(Pressed::Char(b'A')));
    }
}
