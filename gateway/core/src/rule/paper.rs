//! Papers: the last one may be printed again, each reprint with its number.

use super::{
    answer::Refusal,
    asked::{Asked, Facts, stop},
    change::{Applied, Change},
    row::Paper,
};
use crate::fact::{Fact, Role};

/// Reprints of one paper that anybody at the counter may ask for. A supervisor may ask for more.
pub const REPRINTS_MAX: u32 = 3;

pub(super) fn reprint(asked: &Asked<'_>) -> Facts {
    let Some(Paper { record, reprints }) = asked.desk.paper else {
        return stop(Refusal::NothingPrinted);
    };
    if reprints >= REPRINTS_MAX && asked.desk.role != Some(Role::Supervisor) {
        return stop(Refusal::NotPermitted { needs: vec![Role::Supervisor] });
    }
    Ok(vec![Fact::PaperReprinted { record, number: reprints.saturating_add(1) }])
}

pub(super) fn reprinted(change: &mut Change<'_>, record: u64, number: u32) -> Applied {
    change.edit_desk(|desk| desk.paper = Some(Paper { record, reprints: number }))
}
