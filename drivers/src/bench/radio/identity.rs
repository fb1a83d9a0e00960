//! What the virtual controller says of itself: what a kernel asks for before it takes a controller.
//!
//! It knows Bluetooth LE only, so that the kernel asks for nothing of the other sort. Numbers are of the Bluetooth Core
//! Specification, Vol 4, Part E, §7.4 and §7.8; the bits of commands are those of §6.27.

use super::RadioModel;
use crate::seal::Address;
use crate::seal::hci::Opcode;

const READ_LOCAL_VERSION: Opcode = Opcode(0x1001);
const READ_LOCAL_FEATURES: Opcode = Opcode(0x1003);
const READ_BD_ADDR: Opcode = Opcode(0x1009);
const LE_READ_BUFFER_SIZE: Opcode = Opcode(0x2002);
const LE_READ_SUPPORTED_STATES: Opcode = Opcode(0x201C);
const LE_READ_NUMBER_OF_ADVERTISING_SETS: Opcode = Opcode(0x203B);

/// Its own address.
pub const ADDRESS: Address = Address([0xC0, 0x5E, 0xA1, 0xB0, 0x00, 0x01]);

/// What the command returns behind its status; none where it is no question that this controller answers.
pub fn answer(model: RadioModel, opcode: Opcode) -> Option<Vec<u8>> {
    // Bluetooth 4.0 and 5.0 (Assigned Numbers, §2.1).
    let version = if model == RadioModel::Legacy { 0x06 } else { 0x09 };
    Some(match opcode {
        READ_LOCAL_VERSION => vec![version, 0, 0, version, 0xFF, 0xFF, 0, 0],
        // LE is supported, the older sort is not.
        READ_LOCAL_FEATURES => vec![0, 0, 0, 0, 0x60, 0, 0, 0],
        READ_BD_ADDR => ADDRESS.to_air().to_vec(),
        LE_READ_BUFFER_SIZE => vec![27, 0, 1],
        LE_READ_SUPPORTED_STATES => vec![0xFF; 8],
        LE_READ_NUMBER_OF_ADVERTISING_SETS if model != RadioModel::Legacy => vec![1],
        Opcode::READ_LOCAL_SUPPORTED_COMMANDS => commands(model)?,
        _ => return None,
    })
}

/// The commands that it knows, a bit each.
fn commands(model: RadioModel) -> Option<Vec<u8>> {
    let always = [(5, 0xC0), (14, 0x28), (15, 0x02), (25, 0x07), (28, 0x08)];
    let scan = match model {
        RadioModel::Legacy => [(26, 0x0C), (26, 0)],
        RadioModel::ExtendedOnly => [(37, 0x60), (36, 0x80)],
        RadioModel::ExtendedUnsaid => return None,
    };
    let mut bits = vec![0; 64];
    for (octet, wanted) in always.into_iter().chain(scan) {
        if let Some(octet) = bits.get_mut(octet) {
            *octet |= wanted;
        }
    }
    Some(bits)
}
