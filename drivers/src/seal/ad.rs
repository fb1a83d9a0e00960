//! What stands in an advertisement: AD structures (Bluetooth Core 5.4, Vol 3, Part C, §11). What they hold is told apart in [`super::format`](mod@super::format).

use super::crypto::UUID_ON_AIR;

/// AD type "Service Data - 16-bit UUID" (Assigned Numbers §2.3).
pub const SERVICE_DATA_16: u8 = 0x16;
/// AD type "Manufacturer Specific Data".
pub const MANUFACTURER_DATA: u8 = 0xFF;

/// The AD structures of an advertisement, each with its type and value, in order.
///
/// A length of 0 ends them early, and one that is cut off ends them too.
pub fn structures(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&len, rest) = data.split_first()?;
        let (structure, rest) = rest.split_at_checked(usize::from(len))?;
        data = rest;
        structure.split_first().map(|(kind, value)| (*kind, value))
    })
}

/// The service data of UUID 0xFCD2 in an advertisement's data, from the device information byte on.
#[must_use]
pub fn bthome_service_data(data: &[u8]) -> Option<&[u8]> {
    structures(data)
        .filter(|(kind, _)| *kind == SERVICE_DATA_16)
        .find_map(|(_, value)| value.strip_prefix(&UUID_ON_AIR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_data_is_found_among_other_structures() {
        let data =
            [&[2, 0x01, 0x06], [6, 0x16, 0xD2, 0xFC, 0x40, 0x11, 0x00].as_slice(), &[3, 0x09, b'a', b'b']]
                .concat();
        assert_eq!(bthome_service_data(&data), Some([0x40, 0x11, 0x00].as_slice()));
    }

    #[test]
    fn another_service_or_a_structure_that_is_cut_off_is_nothing() {
        for data in [
            [].as_slice(),
            &[0],
            &[6, 0x16, 0x1C, 0x18, 0x40, 0x11, 0x00],
            &[7, 0x16, 0xD2, 0xFC, 0x40, 0x11, 0x00],
            &[0, 6, 0x16, 0xD2, 0xFC, 0x40, 0x11, 0x00],
            &[2, 0x16, 0xD2],
        ] {
            assert_eq!(bthome_service_data(data), None, "{data:02x?}");
        }
    }
}
