//! Numbers that must lie within bounds.

use toml::Spanned;

use super::Fault;

/// A number within bounds, or the one to take where it is not given.
pub fn within<T: PartialOrd + Copy + std::fmt::Display>(
    given: Option<Spanned<T>>,
    bounds: std::ops::RangeInclusive<T>,
    default: T,
    name: &str,
) -> Result<T, Fault> {
    match given {
        None => Ok(default),
        Some(value) if bounds.contains(value.get_ref()) => Ok(value.into_inner()),
        Some(value) => {
            let what = format!("{name} is {} to {}", bounds.start(), bounds.end());
            Err(Fault::at(value.span(), what, format!("write for instance {name} = {default}")))
        }
    }
}
