//! The keys that name boxes and consignments.

use std::{fmt, str::FromStr};

use super::{Elements, Fault, check, table};

/// AI 00, the number of a consignment: 18 digits, the last a check digit. It is not used again for twelve months.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sscc(String);

impl Sscc {
    /// The number of 17 digits and the check digit that belongs to them.
    ///
    /// # Errors
    /// [`Fault`] where they are not 17 digits.
    pub fn with_check_digit(digits: &str) -> Result<Self, Fault> {
        let check = check::check_digit(digits).ok_or(Fault::Character)?;
        format!("{digits}{check}").parse()
    }

    /// The consignment of a code, if it names one.
    pub fn of(elements: &Elements) -> Option<Self> {
        elements.get("00").map(|value| Self(value.to_owned()))
    }

    /// The 18 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sscc {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        table::form(0).ok_or(Fault::Range)?.verify(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// AI 8003 with a serial, the number of one returnable box: a zero, 13 digits that name the type of box, the last of
/// them a check digit, and the serial of 1 to 16 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grai(String);

/// Characters of an AI 8003 value before the serial.
const GRAI_TYPE_LEN: usize = 14;

impl Grai {
    /// The box of a type (12 digits, their check digit is added) with a serial.
    ///
    /// # Errors
    /// [`Fault`] where type or serial are not of their form.
    pub fn with_check_digit(asset_type: &str, serial: &str) -> Result<Self, Fault> {
        let check = check::check_digit(asset_type).ok_or(Fault::Character)?;
        if asset_type.len() + 2 != GRAI_TYPE_LEN {
            return Err(Fault::Length);
        }
        format!("0{asset_type}{check}{serial}").parse()
    }

    /// The box of a code, if it names one: a type without a serial is no box.
    pub fn of(elements: &Elements) -> Option<Self> {
        elements.get("8003").filter(|value| value.len() > GRAI_TYPE_LEN).map(|value| Self(value.to_owned()))
    }

    /// The whole value of AI 8003.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The serial.
    pub fn serial(&self) -> &str {
        self.0.get(GRAI_TYPE_LEN..).unwrap_or_default()
    }
}

impl FromStr for Grai {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        table::form(8003).ok_or(Fault::Range)?.verify(text)?;
        if text.len() > GRAI_TYPE_LEN { Ok(Self(text.to_owned())) } else { Err(Fault::Length) }
    }
}

impl fmt::Display for Grai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consignment_has_18_digits_with_a_right_check_digit() {
        assert_eq!(Sscc::with_check_digit("37610425002123456").unwrap().as_str(), "376104250021234569");
        assert_eq!("376104250021234569".parse::<Sscc>().unwrap().to_string(), "376104250021234569");
        assert_eq!("376104250021234568".parse::<Sscc>(), Err(Fault::CheckDigit));
        assert_eq!("37610425002123456".parse::<Sscc>(), Err(Fault::Length));
        assert_eq!(Sscc::with_check_digit("3761042500212345"), Err(Fault::Length));
        assert_eq!(Sscc::with_check_digit("3761042500212345a"), Err(Fault::Character));
    }

    #[test]
    fn a_box_has_a_type_with_a_right_check_digit_and_a_serial() {
        let grai = Grai::with_check_digit("211234567890", "ABC").unwrap();
        assert_eq!((grai.as_str(), grai.serial()), ("02112345678900ABC", "ABC"));
        assert_eq!("02112345678900ABC".parse(), Ok(grai));
        assert_eq!("02112345678900".parse::<Grai>(), Err(Fault::Length));
        assert_eq!("02112345678901ABC".parse::<Grai>(), Err(Fault::CheckDigit));
        assert_eq!("12112345678900ABC".parse::<Grai>(), Err(Fault::Range));
        assert_eq!(Grai::with_check_digit("211234567890", ""), Err(Fault::Length));
        assert_eq!(Grai::with_check_digit("211234567890", "12345678901234567"), Err(Fault::Length));
        assert_eq!(Grai::with_check_digit("21123456789", "ABC"), Err(Fault::Length));
    }
}
