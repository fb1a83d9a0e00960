//! Dates and times of element strings: `YYMMDD`, `hhmm`.

/// Whether six digits are a day of the calendar; day 00, "the last of the month", only where it is allowed.
pub(super) fn is_date(digits: &str, day_00_allowed: bool) -> bool {
    let (Some(year), Some(month), Some(day)) = (number(digits, 0), number(digits, 2), number(digits, 4))
    else {
        return false;
    };
    // No clock is at hand, and none is needed: year 00 means 2000 until 2049, a leap year.
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 => 29,
        2 => 28,
        _ => return false,
    };
    (u8::from(!day_00_allowed)..=last).contains(&day)
}

/// Whether four digits are a time of day.
pub(super) fn is_time(digits: &str) -> bool {
    number(digits, 0).is_some_and(|hour| hour < 24) && number(digits, 2).is_some_and(|minute| minute < 60)
}

fn number(digits: &str, at: usize) -> Option<u8> {
    let (&tens, &ones) = digits.as_bytes().get(at).zip(digits.as_bytes().get(at + 1))?;
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

/// The year that two digits mean, from 49 years before the current one to 50 years after it (GS1 General
/// Specifications, section 7.12).
pub fn full_year(two_digits: u8, current_year: u16) -> u16 {
    let century = current_year - current_year % 100;
    match i32::from(two_digits) - i32::from(current_year % 100) {
        51.. => century.saturating_sub(100) + u16::from(two_digits),
        -49..51 => century + u16::from(two_digits),
        _ => century + 100 + u16::from(two_digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_two_digits_lies_within_half_a_century() {
        for (two_digits, current, year) in [
            (20, 2020, 2020),
            (70, 2020, 2070),
            (71, 2020, 1971),
            (99, 2020, 1999),
            (0, 2020, 2000),
            (0, 2049, 2000),
            (0, 2050, 2100),
            (49, 2098, 2049),
            (48, 2098, 2148),
            (50, 2099, 2050),
            (49, 2099, 2149),
        ] {
            assert_eq!(full_year(two_digits, current), year, "{two_digits} in {current}");
        }
    }

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        for date in ["991225", "200229", "000229", "201231", "200430"] {
            assert!(is_date(date, false), "{date}");
        }
        for date in
            ["201301", "200001", "200132", "200431", "210229", "200100", "20010", "2001a1", "+1+1+1", ""]
        {
            assert!(!is_date(date, false), "{date}");
        }
        assert!(is_date("201200", true) && !is_date("201300", true) && !is_date("201232", true));
    }

    #[test]
    fn only_times_of_the_day_are_times() {
        assert!(is_time("0000") && is_time("2359"));
        assert!(!is_time("2400") && !is_time("1260") && !is_time("12") && !is_time(""));
    }
}
