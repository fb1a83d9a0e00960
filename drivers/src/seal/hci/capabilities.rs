//! Whether a controller scans with the extended commands: read from what it says of itself.
//!
//! A controller that hears extended advertisements must be asked with the extended commands, which report legacy
//! advertisements too; some know no others. Once one sort was used, the other is refused until a reset (§3.1.1).

use super::Opcode;

/// Which of the two sets of scan commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanKind {
    /// Those of Bluetooth 4.0: advertisements of at most 31 bytes.
    Legacy,
    /// Those of Bluetooth 5.0: legacy advertisements and extended ones.
    Extended,
}

impl ScanKind {
    /// The one that this is not.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Legacy => Self::Extended,
            Self::Extended => Self::Legacy,
        }
    }
}

/// What a controller said of itself; nothing is known at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    feature: bool,
    command: bool,
}

impl Capabilities {
    /// Takes the return parameters of an answer, without the status. Those of other commands, and such as are too
    /// short, change nothing.
    pub fn note(&mut self, opcode: Opcode, returned: &[u8]) {
        // LE features (Vol 6, Part B, §4.6): bit 12, LE Extended Advertising.
        const FEATURE: (usize, u8) = (1, 1 << 4);
        // Supported commands (§6.27): octet 37, bits 5 and 6, LE Set Extended Scan Parameters and Enable.
        const COMMANDS: (usize, u8) = (37, (1 << 5) | (1 << 6));
        let has = |(octet, bits): (usize, u8)| returned.get(octet).is_some_and(|found| found & bits == bits);
        match opcode {
            Opcode::LE_READ_LOCAL_SUPPORTED_FEATURES => self.feature = has(FEATURE),
            Opcode::READ_LOCAL_SUPPORTED_COMMANDS => self.command = has(COMMANDS),
            _ => {}
        }
    }

    /// Which commands to try first. Controllers forget to list one or the other, so either sign is enough; a wrong one
    /// is refused with Unknown HCI Command.
    #[must_use]
    pub fn scan(self) -> ScanKind {
        if self.feature || self.command { ScanKind::Extended } else { ScanKind::Legacy }
    }
}
