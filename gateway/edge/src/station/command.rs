//! Commands: what a printed barcode, a choice on a page or a keyed word asks of the station.

use waypost_core::fact::{RepairReason, id::ItemId};

/// What commands begin with.
pub const COMMAND: &str = "CMD-";
/// What a keyed quantity begins with: `QTY-200`.
pub const QUANTITY: &str = "QTY-";
/// What a keyed day begins with: `DAY-2020-09-03`.
pub const DAY: &str = "DAY-";
/// Largest quantity that can be keyed.
pub const QUANTITY_MAX: i64 = 1_000_000;

/// A point of the packing checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Absorbent lies between tubes and secondary packaging.
    Absorbent,
    /// The secondary packaging is closed.
    Closed,
    /// The UN 3373 mark is legible.
    Mark,
    /// The outside is clean.
    Clean,
    /// All of them.
    All,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Undo the last tube.
    Undo,
    /// Move a tube from its box into the open one.
    Move,
    /// Close the open box: the checklist follows.
    CloseBox,
    /// Confirm a point of the checklist.
    Check(Check),
    /// Open a closed box again.
    Reopen,
    /// Seal a closed box.
    Seal,
    /// Give boxes away.
    HandOver,
    /// Take boxes.
    Receive,
    /// Accept what is wrong and go on under exception.
    Exception,
    /// The box is damaged: go on under exception.
    Damaged,
    /// Open a received box.
    Open,
    /// All tubes were scanned.
    Finish,
    /// The box is empty.
    Empty,
    /// Settle a discrepancy.
    Settle,
    /// Take a claim back.
    Void,
    /// The next document is a proxy's, the one after it the person's.
    Proxy,
    /// Count stock.
    Count,
    /// Stock comes in.
    StockIn,
    /// Stock goes out.
    StockOut,
    /// Choose an item.
    Item(ItemId),
    /// How many.
    Quantity(i64),
    /// A reason from the list.
    Reason(RepairReason),
    /// Print the latest paper again.
    Reprint,
    /// End the shift.
    CloseShift,
    /// The day is right.
    ConfirmDay,
    /// The day is this one.
    Day(String),
    /// Switch the language.
    Language,
    /// A key of a PIN.
    Pin(PinKey),
    /// A supervisor is going to unlock a badge.
    Unlock,
    /// The packs were handed over, or were not.
    Handed(bool),
    /// Leave what was begun.
    Cancel,
}

/// A key of a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinKey {
    /// 0 to 9.
    Digit(u8),
    /// With two buttons: the next digit.
    Turn,
    /// With two buttons: this digit, or the end.
    Take,
    /// The PIN is complete.
    Done,
    /// Begin again.
    Clear,
}

/// What a digit's printed code begins with, behind [`COMMAND`].
const DIGIT: &str = "DIGIT-";

/// Reasons with their codes.
pub const REASONS: [(RepairReason, &str); 7] = [
    (RepairReason::Mistake, "MISTAKE"),
    (RepairReason::Returned, "RETURNED"),
    (RepairReason::Damaged, "DAMAGED"),
    (RepairReason::Lost, "LOST"),
    (RepairReason::Found, "FOUND"),
    (RepairReason::ExplainedByOtherSide, "EXPLAINED"),
    (RepairReason::Recounted, "RECOUNTED"),
];

impl Command {
    /// Reads a whole code, in upper case; none where no command is called so.
    pub fn read(code: &str) -> Option<Self> {
        if let Some(number) = code.strip_prefix(QUANTITY) {
            let number =
                number.bytes().all(|digit| digit.is_ascii_digit()).then(|| number.parse().ok())??;
            return (number <= QUANTITY_MAX).then_some(Self::Quantity(number));
        }
        if let Some(digit) = code.strip_prefix(COMMAND).and_then(|code| code.strip_prefix(DIGIT)) {
            let digit = digit.parse().ok().filter(|_| digit.len() == 1)?;
            return Some(Self::Pin(PinKey::Digit(digit)));
        }
        if let Some(day) = code.strip_prefix(DAY) {
            let day: jiff::civil::Date = day.parse().ok()?;
            return Some(Self::Day(day.to_string()));
        }
        let name = code.strip_prefix(COMMAND)?;
        if let Some(item) = name.strip_prefix("ITEM-") {
            return ItemId::new(item.to_ascii_lowercase()).ok().map(Self::Item);
        }
        if let Some(reason) = name.strip_prefix("REASON-") {
            return REASONS
                .iter()
                .find(|(_, known)| *known == reason)
                .map(|(reason, _)| Self::Reason(*reason));
        }
        Some(match name {
            "UNDO" => Self::Undo,
            "MOVE" => Self::Move,
            "CLOSE-BOX" => Self::CloseBox,
            "CHECK-ABSORBENT" => Self::Check(Check::Absorbent),
            "CHECK-CLOSED" => Self::Check(Check::Closed),
            "CHECK-MARK" => Self::Check(Check::Mark),
            "CHECK-CLEAN" => Self::Check(Check::Clean),
            "CHECK-ALL" => Self::Check(Check::All),
            "REOPEN" => Self::Reopen,
            "SEAL" => Self::Seal,
            "HANDOVER" => Self::HandOver,
            "RECEIVE" => Self::Receive,
            "EXCEPTION" => Self::Exception,
            "DAMAGED" => Self::Damaged,
            "OPEN" => Self::Open,
            "FINISH" => Self::Finish,
            "EMPTY" => Self::Empty,
            "SETTLE" => Self::Settle,
            "VOID" => Self::Void,
            "PROXY" => Self::Proxy,
            "COUNT" => Self::Count,
            "STOCK-IN" => Self::StockIn,
            "STOCK-OUT" => Self::StockOut,
            "REPRINT" => Self::Reprint,
            "CLOSE-SHIFT" => Self::CloseShift,
            "DAY" => Self::ConfirmDay,
            "LANG" => Self::Language,
            "PIN-OK" => Self::Pin(PinKey::Done),
            "PIN-CLEAR" => Self::Pin(PinKey::Clear),
            "PIN-TURN" => Self::Pin(PinKey::Turn),
            "PIN-TAKE" => Self::Pin(PinKey::Take),
            "UNLOCK" => Self::Unlock,
            "HANDED-YES" => Self::Handed(true),
            "HANDED-NO" => Self::Handed(false),
            // Not the code that the no button looks for: while a PIN is keyed that button turns the digit.
            "CANCEL" | "PIN-LEAVE" => Self::Cancel,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_whole_or_not_at_all() {
        for (code, command) in [
            ("CMD-CLOSE-BOX", Some(Command::CloseBox)),
            ("CMD-ITEM-TUBES", ItemId::new("tubes").ok().map(Command::Item)),
            ("CMD-REASON-MISTAKE", Some(Command::Reason(RepairReason::Mistake))),
            ("QTY-200", Some(Command::Quantity(200))),
            ("DAY-2020-09-03", Some(Command::Day("2020-09-03".to_owned()))),
            ("QTY--5", None),
            ("QTY-99999999", None),
            ("QTY-", None),
            ("DAY-2020-02-31", None),
            ("CMD-REPRINT", Some(Command::Reprint)),
            ("CMD-CLOSE", None),
            ("CLOSE-BOX", None),
            ("CMD-REASON-BORED", None),
        ] {
            assert_eq!(Command::read(code), command, "{code}");
        }
    }
}
