//! Commands to a controller, as bytes.

use super::{H4_COMMAND, ScanKind};

/// A command's number: group and command in one (§5.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opcode(pub u16);

impl Opcode {
    /// Reset (§7.3.2).
    pub const RESET: Self = Self(0x0C03);
    /// Set Event Mask (§7.3.1).
    pub const SET_EVENT_MASK: Self = Self(0x0C01);
    /// Read Local Supported Commands (§7.4.2).
    pub const READ_LOCAL_SUPPORTED_COMMANDS: Self = Self(0x1002);
    /// LE Set Event Mask (§7.8.1).
    pub const LE_SET_EVENT_MASK: Self = Self(0x2001);
    /// LE Read Local Supported Features (§7.8.3).
    pub const LE_READ_LOCAL_SUPPORTED_FEATURES: Self = Self(0x2003);
    /// LE Set Scan Parameters (§7.8.10).
    pub const LE_SET_SCAN_PARAMETERS: Self = Self(0x200B);
    /// LE Set Scan Enable (§7.8.11).
    pub const LE_SET_SCAN_ENABLE: Self = Self(0x200C);
    /// LE Set Extended Scan Parameters (§7.8.64).
    pub const LE_SET_EXTENDED_SCAN_PARAMETERS: Self = Self(0x2041);
    /// LE Set Extended Scan Enable (§7.8.65).
    pub const LE_SET_EXTENDED_SCAN_ENABLE: Self = Self(0x2042);

    /// The name that the standard gives it, for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RESET => "Reset",
            Self::SET_EVENT_MASK => "Set Event Mask",
            Self::READ_LOCAL_SUPPORTED_COMMANDS => "Read Local Supported Commands",
            Self::LE_SET_EVENT_MASK => "LE Set Event Mask",
            Self::LE_READ_LOCAL_SUPPORTED_FEATURES => "LE Read Local Supported Features",
            Self::LE_SET_SCAN_PARAMETERS => "LE Set Scan Parameters",
            Self::LE_SET_SCAN_ENABLE => "LE Set Scan Enable",
            Self::LE_SET_EXTENDED_SCAN_PARAMETERS => "LE Set Extended Scan Parameters",
            Self::LE_SET_EXTENDED_SCAN_ENABLE => "LE Set Extended Scan Enable",
            _ => "another command",
        }
    }
}

/// A command to the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Forget everything.
    Reset,
    /// Let LE events through; the default mask keeps them back.
    SetEventMask,
    /// Let advertising reports through, the extended ones too.
    LeSetEventMask,
    /// Which commands it knows.
    ReadLocalSupportedCommands,
    /// What it can do, extended advertising among it.
    LeReadLocalSupportedFeatures,
    /// Listen without a pause. The scan must be off.
    SetScanParameters {
        /// With the legacy command or with the extended one.
        kind: ScanKind,
        /// Ask each advertiser for a scan response.
        active: bool,
    },
    /// Start or stop. The controller's filter of duplicates stays off: a repeat shows that a seal is alive.
    SetScanEnable {
        /// With the legacy command or with the extended one.
        kind: ScanKind,
        /// Scan or not.
        enable: bool,
    },
}

impl Command {
    /// Its number.
    #[must_use]
    pub fn opcode(self) -> Opcode {
        match self {
            Self::Reset => Opcode::RESET,
            Self::SetEventMask => Opcode::SET_EVENT_MASK,
            Self::LeSetEventMask => Opcode::LE_SET_EVENT_MASK,
            Self::ReadLocalSupportedCommands => Opcode::READ_LOCAL_SUPPORTED_COMMANDS,
            Self::LeReadLocalSupportedFeatures => Opcode::LE_READ_LOCAL_SUPPORTED_FEATURES,
            Self::SetScanParameters { kind: ScanKind::Legacy, .. } => Opcode::LE_SET_SCAN_PARAMETERS,
            Self::SetScanParameters { kind: ScanKind::Extended, .. } => {
                Opcode::LE_SET_EXTENDED_SCAN_PARAMETERS
            }
            Self::SetScanEnable { kind: ScanKind::Legacy, .. } => Opcode::LE_SET_SCAN_ENABLE,
            Self::SetScanEnable { kind: ScanKind::Extended, .. } => Opcode::LE_SET_EXTENDED_SCAN_ENABLE,
        }
    }

    /// The packet for the line: type, opcode, length, parameters.
    #[must_use]
    pub fn packet(self) -> Vec<u8> {
        let parameters = self.parameters();
        let [low, high] = self.opcode().0.to_le_bytes();
        let mut packet = vec![H4_COMMAND, low, high, u8::try_from(parameters.len()).unwrap_or_default()];
        packet.extend(parameters);
        packet
    }

    fn parameters(self) -> Vec<u8> {
        // 100 ms in units of 0.625 ms; the window is the whole interval.
        const INTERVAL: [u8; 2] = 0x00A0_u16.to_le_bytes();
        const FILTER_OFF: u8 = 0x00;
        // The controller's public address, and advertisements from anybody.
        const FROM_ANYBODY: [u8; 2] = [0x00, 0x00];
        // Seals send on the 1M PHY. Listening on the coded one too would halve the time for each.
        const PHY_1M: u8 = 0x01;
        match self {
            Self::Reset | Self::ReadLocalSupportedCommands | Self::LeReadLocalSupportedFeatures => Vec::new(),
            // The default and bit 61, LE Meta.
            Self::SetEventMask => 0x2000_1FFF_FFFF_FFFF_u64.to_le_bytes().to_vec(),
            // The default and bit 12, LE Extended Advertising Report.
            Self::LeSetEventMask => 0x0000_0000_0000_101F_u64.to_le_bytes().to_vec(),
            Self::SetScanParameters { kind: ScanKind::Legacy, active } => {
                [&[u8::from(active)], INTERVAL.as_slice(), &INTERVAL, &FROM_ANYBODY].concat()
            }
            Self::SetScanParameters { kind: ScanKind::Extended, active } => {
                [FROM_ANYBODY.as_slice(), &[PHY_1M, u8::from(active)], &INTERVAL, &INTERVAL].concat()
            }
            Self::SetScanEnable { kind: ScanKind::Legacy, enable } => {
                vec![u8::from(enable), FILTER_OFF]
            }
            // Then duration and period, both 0: until it is switched off.
            Self::SetScanEnable { kind: ScanKind::Extended, enable } => {
                vec![u8::from(enable), FILTER_OFF, 0, 0, 0, 0]
            }
        }
    }
}
