//! What the virtual controller does when it is told something.

use std::collections::HashSet;

use super::{RadioModel, Shared, Stall, identity};
use crate::seal::hci::{Opcode, ScanKind};

const OK: u8 = 0x00;
const UNKNOWN_COMMAND: u8 = 0x01;
const DISALLOWED: u8 = 0x0C;
const INVALID_PARAMETERS: u8 = 0x12;

/// Carries out a command and returns its status and what else it returns.
pub fn obey(shared: &mut Shared, opcode: Opcode, parameters: &[u8]) -> (u8, Vec<u8>) {
    if parameters.is_empty()
        && let Some(returned) = identity::answer(shared.model, opcode)
    {
        return (OK, returned);
    }
    let status = match (opcode, parameters) {
        (Opcode::RESET, []) => {
            shared.scanning = false;
            shared.resets += 1;
            if shared.stall != Stall::Dead {
                shared.stall = Stall::None;
            }
            OK
        }
        (Opcode::LE_READ_LOCAL_SUPPORTED_FEATURES, []) => {
            let extended = u8::from(shared.model == RadioModel::ExtendedOnly);
            return (OK, vec![0x01, extended << 4, 0, 0, 0, 0, 0, 0]);
        }
        (Opcode::SET_EVENT_MASK | Opcode::LE_SET_EVENT_MASK, [_, _, _, _, _, _, _, _]) => OK,
        _ => match scan_command(opcode, parameters) {
            Some((kind, _)) if (kind == ScanKind::Legacy) != (shared.model == RadioModel::Legacy) => {
                UNKNOWN_COMMAND
            }
            Some((_, step)) => scan_step(shared, step),
            None => UNKNOWN_COMMAND,
        },
    };
    (status, Vec::new())
}

/// What a scan command asks for.
enum ScanStep {
    Parameters {
        active: bool,
    },
    Enable {
        enable: bool,
        filter: bool,
    },
    /// Its parameters are none of the standard's.
    Wrong,
}

fn scan_command(opcode: Opcode, parameters: &[u8]) -> Option<(ScanKind, ScanStep)> {
    let (legacy, extended) = (ScanKind::Legacy, ScanKind::Extended);
    Some(match (opcode, parameters) {
        (Opcode::LE_SET_SCAN_PARAMETERS, [kind @ (0 | 1), _, _, _, _, _, _]) => {
            (legacy, ScanStep::Parameters { active: *kind == 1 })
        }
        (Opcode::LE_SET_EXTENDED_SCAN_PARAMETERS, [_, _, 0x01, kind @ (0 | 1), _, _, _, _]) => {
            (extended, ScanStep::Parameters { active: *kind == 1 })
        }
        (Opcode::LE_SET_SCAN_ENABLE, [enable @ (0 | 1), filter @ (0 | 1)]) => {
            (legacy, ScanStep::Enable { enable: *enable == 1, filter: *filter == 1 })
        }
        (Opcode::LE_SET_EXTENDED_SCAN_ENABLE, [enable @ (0 | 1), filter @ 0..=2, _, _, _, _]) => {
            (extended, ScanStep::Enable { enable: *enable == 1, filter: *filter > 0 })
        }
        (Opcode::LE_SET_SCAN_PARAMETERS | Opcode::LE_SET_SCAN_ENABLE, _) => (legacy, ScanStep::Wrong),
        (Opcode::LE_SET_EXTENDED_SCAN_PARAMETERS | Opcode::LE_SET_EXTENDED_SCAN_ENABLE, _) => {
            (extended, ScanStep::Wrong)
        }
        _ => return None,
    })
}

fn scan_step(shared: &mut Shared, step: ScanStep) -> u8 {
    match step {
        ScanStep::Parameters { .. } if shared.scanning => return DISALLOWED,
        ScanStep::Parameters { active } => shared.active = active,
        ScanStep::Enable { enable, filter } => {
            shared.scanning = enable;
            shared.filter = filter.then(HashSet::new);
            if enable && shared.stall == Stall::UntilScan {
                shared.stall = Stall::None;
            }
        }
        ScanStep::Wrong => return INVALID_PARAMETERS,
    }
    OK
}
