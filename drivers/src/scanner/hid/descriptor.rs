//! HID report descriptors (USB HID 1.11, clause 6.2.2), as far as a scanner needs them: is it one, and where in its
//! reports is what.
//!
//! A point-of-sale scanner is known by its usage page, 8C (HID Point of Sale Usage Tables 1.02), never by a list of
//! vendors. Anything may come from a USB device, so everything is bounded: what does not fit makes the descriptor
//! unusable, and never more than [`REPORTS_MAX`] reports of [`REPORT_BYTES_MAX`] bytes are described.

use super::layout::Layout;

/// Longest descriptor that is looked at. Real ones of scanners have 50 to 500 bytes.
pub const DESCRIPTOR_BYTES_MAX: usize = 4096;
/// Longest report.
pub const REPORT_BYTES_MAX: usize = 1024;
/// Most input reports.
pub const REPORTS_MAX: usize = 32;
/// Global states that may be pushed.
const STACK_MAX: usize = 16;
/// Usages of one main item that are kept.
const USAGES_MAX: usize = 64;

/// The usage page of barcode scanners.
const PAGE_SCANNER: u16 = 0x8c;
/// The usage page of generic desktop controls, of which scanners use the byte count.
const PAGE_DESKTOP: u16 = 0x01;
const BYTE_COUNT: u16 = 0x3b;
const SYMBOLOGY_FIRST: u16 = 0xfb;
const SYMBOLOGY_LAST: u16 = 0xfd;
const DECODED_DATA: u16 = 0xfe;
const DATA_CONTINUED: u16 = 0xff;

/// Why a descriptor cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDescriptor {
    /// Longer than [`DESCRIPTOR_BYTES_MAX`].
    #[error("longer than {DESCRIPTOR_BYTES_MAX} bytes")]
    TooLong,
    /// It ends within an item.
    #[error("it ends within an item")]
    CutOff,
    /// More pushed states, or more or longer reports, than a scanner has.
    #[error("more than a scanner describes")]
    TooMuch,
}

/// What a descriptor says of a scanner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    /// One of its top collections is of the scanner page.
    pub is_scanner: bool,
    /// Its input reports that carry decoded data.
    pub layouts: Vec<Layout>,
    /// Bytes of its longest input report, with its id.
    pub report_bytes_max: usize,
}

/// Reads a descriptor.
///
/// # Errors
/// What does not hold together, or is beyond the bounds.
pub fn parse(descriptor: &[u8]) -> Result<Description, BadDescriptor> {
    if descriptor.len() > DESCRIPTOR_BYTES_MAX {
        return Err(BadDescriptor::TooLong);
    }
    let mut parser = Parser::default();
    let mut rest = descriptor;
    while let Some((&prefix, behind)) = rest.split_first() {
        // A long item says its own length; none is defined, so it is stepped over.
        if prefix == 0xfe {
            let length = usize::from(*behind.first().ok_or(BadDescriptor::CutOff)?);
            rest = behind.get(2 + length..).ok_or(BadDescriptor::CutOff)?;
            continue;
        }
        let size = match prefix & 0b11 {
            3 => 4,
            size => usize::from(size),
        };
        let (data, behind) = behind.split_at_checked(size).ok_or(BadDescriptor::CutOff)?;
        rest = behind;
        let value = data.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        parser.item(prefix & 0xfc, size, value)?;
    }
    Ok(parser.description())
}

#[derive(Debug, Default, Clone, Copy)]
struct Global {
    page: u16,
    size_bits: u32,
    count: u32,
    report_id: u8,
}

#[derive(Debug, Default)]
struct Parser {
    global: Global,
    stack: Vec<Global>,
    usages: Vec<Usage>,
    depth: usize,
    is_scanner: bool,
    reports: Vec<Report>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Usage {
    page: u16,
    id: u16,
}

/// An input report as far as it is described.
#[derive(Debug)]
struct Report {
    id: u8,
    bits: usize,
    layout: Layout,
}

impl Parser {
    fn item(&mut self, tag: u8, size: usize, value: u32) -> Result<(), BadDescriptor> {
        match tag {
            // Main items; each ends the local state.
            0x80 => {
                self.input(value)?;
                self.usages.clear();
            }
            0x90 | 0xb0 => self.usages.clear(),
            0xa0 => {
                if self.depth == 0 && self.usages.first().is_some_and(|usage| usage.page == PAGE_SCANNER) {
                    self.is_scanner = true;
                }
                self.depth = self.depth.saturating_add(1);
                self.usages.clear();
            }
            0xc0 => {
                self.depth = self.depth.saturating_sub(1);
                self.usages.clear();
            }
            // Global items.
            0x04 => self.global.page = low(value),
            0x74 => self.global.size_bits = value,
            0x84 => self.global.report_id = value.to_le_bytes()[0],
            0x94 => self.global.count = value,
            0xa4 => {
                if self.stack.len() == STACK_MAX {
                    return Err(BadDescriptor::TooMuch);
                }
                self.stack.push(self.global);
            }
            0xb4 => self.global = self.stack.pop().unwrap_or(self.global),
            // Local items: usage, usage minimum and maximum. With four bytes the page is in the upper two.
            0x08 | 0x18 => {
                let page = if size == 4 { low(value >> 16) } else { self.global.page };
                if self.usages.len() < USAGES_MAX {
                    self.usages.push(Usage { page, id: low(value) });
                }
            }
            0x28 => {
                let last = low(value);
                while let Some(usage) = self.usages.last().copied() {
                    if usage.id >= last || self.usages.len() == USAGES_MAX {
                        break;
                    }
                    self.usages.push(Usage { id: usage.id + 1, ..usage });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn input(&mut self, flags: u32) -> Result<(), BadDescriptor> {
        let Global { size_bits, count, report_id, .. } = self.global;
        let bits = usize::try_from(u64::from(size_bits) * u64::from(count)).unwrap_or(usize::MAX);
        let report = match self.reports.iter_mut().position(|report| report.id == report_id) {
            Some(index) => self.reports.get_mut(index),
            None if self.reports.len() == REPORTS_MAX => None,
            None => {
                // A report with an id begins with it.
                let bits = if report_id == 0 { 0 } else { 8 };
                self.reports.push(Report { id: report_id, bits, layout: Layout::of_report(report_id) });
                self.reports.last_mut()
            }
        };
        let report = report.ok_or(BadDescriptor::TooMuch)?;
        let start = report.bits;
        if bits > REPORT_BYTES_MAX * 8 - start.min(REPORT_BYTES_MAX * 8) {
            return Err(BadDescriptor::TooMuch);
        }
        report.bits = start + bits;
        // Bit 0 of the flags: constant, padding.
        if flags & 1 == 0 {
            place(&mut report.layout, &self.usages, start, size_bits, count);
        }
        Ok(())
    }

    fn description(self) -> Description {
        let mut description = Description { is_scanner: self.is_scanner, ..Description::default() };
        for Report { bits, mut layout, .. } in self.reports {
            layout.report_bytes = bits.div_ceil(8);
            description.report_bytes_max = description.report_bytes_max.max(layout.report_bytes);
            if layout.has_data() {
                description.layouts.push(layout);
            }
        }
        description
    }
}

/// Notes which bytes of the report a main item's usages take. The last usage stands for all fields that remain.
fn place(layout: &mut Layout, usages: &[Usage], start_bit: usize, size_bits: u32, count: u32) {
    let size = usize::try_from(size_bits).unwrap_or(usize::MAX);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    for (index, usage) in usages.iter().enumerate() {
        let fields = if index + 1 == usages.len() { count.saturating_sub(index) } else { 1 };
        let bit = start_bit.saturating_add(size.saturating_mul(index));
        if index >= count {
            return;
        }
        let byte = bit.is_multiple_of(8).then_some(bit / 8).filter(|_| size == 8);
        match (usage.page, usage.id, byte) {
            (PAGE_DESKTOP, BYTE_COUNT, Some(byte)) => layout.length = Some(byte),
            (PAGE_SCANNER, SYMBOLOGY_FIRST..=SYMBOLOGY_LAST, Some(byte)) => {
                let place = usize::from(usage.id - SYMBOLOGY_FIRST);
                for (place, byte) in (place..3).zip(byte..).take(fields) {
                    if let Some(known) = layout.symbology.get_mut(place) {
                        *known = Some(byte);
                    }
                }
            }
            (PAGE_SCANNER, DECODED_DATA, Some(byte)) => layout.data = byte..byte.saturating_add(fields),
            (PAGE_SCANNER, DATA_CONTINUED, _) => layout.continued = Some(bit),
            _ => {}
        }
    }
}

/// A usage or page is 16 bits.
fn low(value: u32) -> u16 {
    let [first, second, ..] = value.to_le_bytes();
    u16::from_le_bytes([first, second])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A scanner with the report that Access-IS, Honeywell and Zebra share: id 2, byte count, three identifier bytes, 56
    /// bytes of data, a vendor's byte, one reserved, the continuation bit.
    pub const SCANNER: &[u8] = &[
        0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, // page 8C, usage 2, application
        0x09, 0x12, 0xa1, 0x02, 0x85, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x01, //
        0x05, 0x01, 0x09, 0x3b, 0x81, 0x02, // byte count
        0x05, 0x8c, 0x09, 0xfb, 0x09, 0xfc, 0x09, 0xfd, 0x95, 0x03, 0x81, 0x02, // identifier
        0x09, 0xfe, 0x95, 0x38, 0x82, 0x02, 0x01, // 56 bytes of data
        0x06, 0x66, 0xff, 0x09, 0x04, 0x95, 0x01, 0x81, 0x02, // a vendor's
        0x09, 0x05, 0x81, 0x02, // reserved
        0x05, 0x8c, 0x09, 0xff, 0x25, 0x01, 0x75, 0x01, 0x95, 0x01, 0x81, 0x02, // continued
        0x95, 0x07, 0x81, 0x03, // padding
        0xc0, //
        0x09, 0x14, 0xa1, 0x02, 0x85, 0x04, 0x09, 0x00, 0x75, 0x08, 0x95, 0x3f, 0x91, 0x02,
        0xc0, // an output
        0xc0,
    ];

    #[test]
    fn a_scanner_is_known_by_its_page_and_its_report_by_its_usages() {
        let described = parse(SCANNER).unwrap();
        assert!(described.is_scanner);
        assert_eq!(described.layouts, [Layout::common()], "as the quirk table has it");
        assert_eq!(described.report_bytes_max, 64);
    }

    #[test]
    fn a_keyboard_and_an_empty_descriptor_are_no_scanners() {
        // USB HID 1.11, appendix E.6: a boot keyboard.
        const KEYBOARD: &[u8] = &[
            0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01,
            0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01,
            0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06,
            0x75, 0x08, 0x15, 0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xc0,
        ];
        let described = parse(KEYBOARD).unwrap();
        assert!(!described.is_scanner && described.layouts.is_empty());
        assert_eq!(described.report_bytes_max, 8);
        assert!(!parse(&[]).unwrap().is_scanner);
        // The scanner page within another application's collection makes no scanner of it.
        assert!(
            !parse(&[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01])
                .unwrap()
                .is_scanner
        );
    }

    #[test]
    fn usages_of_four_bytes_ranges_and_pushed_states_are_understood() {
        let descriptor = [
            &[0x0b, 0x02, 0x00, 0x8c, 0x00, 0xa1, 0x01][..],
            &[0xa4, 0x05, 0x8c, 0x75, 0x08, 0x95, 0x03, 0x19, 0xfb, 0x29, 0xfd, 0x81, 0x02],
            &[0x95, 0x08, 0x09, 0xfe, 0x81, 0x02, 0xb4],
        ]
        .concat();
        let described = parse(&descriptor).unwrap();
        assert!(described.is_scanner);
        let layout = &described.layouts[0];
        assert_eq!((layout.report_id, layout.symbology), (None, [Some(0), Some(1), Some(2)]));
        assert_eq!((layout.data.clone(), layout.length, layout.continued), (3..11, None, None));
    }

    #[test]
    fn what_is_beyond_the_bounds_is_refused() {
        assert_eq!(parse(&vec![0; DESCRIPTOR_BYTES_MAX + 1]), Err(BadDescriptor::TooLong));
        assert_eq!(parse(&[0x06, 0x8c]), Err(BadDescriptor::CutOff));
        assert_eq!(parse(&[0xfe, 0x03, 0x00, 0x01]), Err(BadDescriptor::CutOff));
        assert_eq!(parse(&[0xa4; 17]), Err(BadDescriptor::TooMuch));
        // 65,535 fields of 32 bits.
        let huge = [0x75, 0x20, 0x96, 0xff, 0xff, 0x81, 0x02];
        assert_eq!(parse(&huge), Err(BadDescriptor::TooMuch));
        let many: Vec<u8> = (1..=40).flat_map(|id| [0x85, id, 0x75, 0x08, 0x95, 0x01, 0x81, 0x02]).collect();
        assert_eq!(parse(&many), Err(BadDescriptor::TooMuch));
    }

    proptest! {
        #[test]
        fn nothing_panics_and_no_report_is_longer_than_the_bound(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(described) = parse(&bytes) {
                prop_assert!(described.report_bytes_max <= REPORT_BYTES_MAX);
                prop_assert!(described.layouts.len() <= REPORTS_MAX);
            }
        }

        #[test]
        fn a_scanner_with_some_bytes_changed_does_not_panic(at in 0..SCANNER.len(), byte in any::<u8>()) {
            let mut bytes = SCANNER.to_vec();
            bytes[at] = byte;
            let _ = parse(&bytes);
        }
    }
}
