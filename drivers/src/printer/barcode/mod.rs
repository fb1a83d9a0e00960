//! Bar codes as dots: a caller says which, how large a module is and where it stands.
//!
//! A printer's own bar codes differ from firmware to firmware and cannot be read back without the printer. What is drawn
//! here is what comes out, so a test can read it (`docs/decisions/0001-labels-are-drawn-here.md`).

mod linear;
mod matrix;

pub use linear::{Linear, QUIET as LINEAR_QUIET};
pub use matrix::{CodeError, Matrix};
