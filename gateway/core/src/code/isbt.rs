//! ISBT 128 donation numbers (DIN), where a laboratory uses tubes of a blood bank again.
//!
//! A bar code says `=`, the 13 characters of the number and two flags. Flags 60 to 96 carry the check character of
//! ISO 7064 mod 37-2.

/// Characters of a donation number.
const DIN_LEN: usize = 13;
/// Flag that stands for check value 0.
const FLAG_CHECK_FIRST: u32 = 60;
const FLAG_CHECK_LAST: u32 = FLAG_CHECK_FIRST + 36;

/// Why a text is no donation number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IsbtError {
    /// Not `=`, 13 characters of a donation number and two flags.
    #[error("not a donation number")]
    Form,
    /// The check value in the flags is wrong.
    #[error("wrong check digit")]
    CheckDigit,
}

/// The donation number in the data of an ISBT 128 bar code.
///
/// # Errors
/// [`IsbtError`].
pub fn donation_number(data: &str) -> Result<&str, IsbtError> {
    let (din, flags) =
        data.strip_prefix('=').and_then(|rest| rest.split_at_checked(DIN_LEN)).ok_or(IsbtError::Form)?;
    let check = check_value(din).ok_or(IsbtError::Form)?;
    if flags.len() != 2 || !flags.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return Err(IsbtError::Form);
    }
    match flags.parse::<u32>() {
        Ok(flag @ FLAG_CHECK_FIRST..=FLAG_CHECK_LAST) if flag != FLAG_CHECK_FIRST + check => {
            Err(IsbtError::CheckDigit)
        }
        _ => Ok(din),
    }
}

/// The character that is printed beside a donation number for those who key it, or `None` where it is none.
pub fn check_character(din: &str) -> Option<char> {
    match check_value(din)? {
        36 => Some('*'),
        value => char::from_digit(value, 36).map(|c| c.to_ascii_uppercase()),
    }
}

fn check_value(din: &str) -> Option<u32> {
    let (facility, digits) = din.split_at_checked(2)?;
    let well_formed = din.len() == DIN_LEN
        && facility.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
        && digits.bytes().all(|c| c.is_ascii_digit());
    if !well_formed {
        return None;
    }
    let sum = din.chars().filter_map(|c| c.to_digit(36)).fold(0, |sum, value| (sum + value) * 2 % 37);
    Some((38 - sum) % 37)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_number_has_its_check_character_and_flag() {
        assert_eq!(check_character("G123498654321"), Some('H'));
        assert_eq!(donation_number("=G12349865432177"), Ok("G123498654321"));
        assert_eq!(donation_number("=G12349865432100"), Ok("G123498654321"), "flags without a check");
        assert_eq!(donation_number("=G12349865432176"), Err(IsbtError::CheckDigit));
    }

    #[test]
    fn another_form_is_refused() {
        for text in [
            "",
            "=",
            "G12349865432177",
            "=G1234986543217",
            "=G123498654321777",
            "=g12349865432177",
            "=Gé23498654321",
        ] {
            assert_eq!(donation_number(text), Err(IsbtError::Form), "{text}");
        }
        assert_eq!(check_character("G12349865432"), None);
    }
}
