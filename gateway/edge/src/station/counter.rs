//! What a station remembers of its counter between answers, so that a scan need not wait for the ledger.

use std::collections::BTreeMap;

use waypost_core::{
    fact::{
        Fact, Role, WallTime,
        id::{BoxId, OperatorId},
    },
    rule::{
        Ledger, LedgerError, RowKind,
        ledger::load,
        row::{BoxRow, BoxState, DUE, Desk, ONLY},
    },
};

/// Boxes whose time is watched; the panel shows the most urgent one.
const BOXES_MAX: usize = 256;

/// The counter. The ledger decides; this is only what the panel shows and whose name a question bears.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counter {
    /// Who is signed in.
    pub operator: Option<OperatorId>,
    /// As what.
    pub role: Option<Role>,
    /// The day of the open shift.
    pub day: Option<String>,
    /// When it was opened.
    pub opened: Option<WallTime>,
    /// The box on the desk.
    pub open_box: Option<BoxId>,
    /// Tubes packed into it, or compared.
    pub done: u32,
    /// Tubes that its manifest names; 0 where that is not known.
    pub of: u32,
    /// Boxes here that are under way, and when each must arrive.
    pub due: BTreeMap<BoxId, WallTime>,
}

impl Counter {
    /// As the ledger has it.
    ///
    /// # Errors
    /// A damaged row or a failed store.
    pub fn load(ledger: &dyn Ledger) -> Result<Self, LedgerError> {
        let mut counter = Self::default();
        counter.read_desk(ledger)?;
        counter.read_due(ledger)?;
        Ok(counter)
    }

    /// Takes up what an answer changed.
    ///
    /// # Errors
    /// A damaged row or a failed store.
    pub fn absorb(&mut self, facts: &[Fact], ledger: &dyn Ledger) -> Result<(), LedgerError> {
        let mut desk_changed = false;
        for fact in facts {
            match fact {
                Fact::TubePacked { box_id, .. } | Fact::TubeReceived { box_id, .. } => {
                    self.done += u32::from(self.open_box.as_ref() == Some(box_id));
                }
                Fact::TubeCollected { .. } | Fact::ClaimServed { .. } | Fact::AlarmRaised { .. } => {}
                Fact::BoxSealed { box_id, due, .. } => {
                    if self.due.len() < BOXES_MAX {
                        self.due.insert(box_id.clone(), *due);
                    }
                }
                Fact::BoxReceived { box_id, .. } => {
                    let row: Option<BoxRow> = load(ledger, box_id.as_str())?;
                    if let Some(BoxRow { state: BoxState::Carried, due: Some(due), .. }) = row
                        && self.due.len() < BOXES_MAX
                    {
                        self.due.insert(box_id.clone(), due);
                    }
                }
                Fact::BoxHandedOver { box_id, .. } => {
                    self.due.remove(box_id);
                }
                _ => desk_changed = true,
            }
        }
        if desk_changed { self.read_desk(ledger) } else { Ok(()) }
    }

    fn read_desk(&mut self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        let desk: Desk = load(ledger, ONLY)?.unwrap_or_default();
        let row: BoxRow = match &desk.open_box {
            Some(open) => load(ledger, open.as_str())?.unwrap_or_default(),
            None => BoxRow::default(),
        };
        (self.done, self.of) = match row.state {
            BoxState::Opened => (row.matched, row.tubes),
            _ => (row.tubes, 0),
        };
        self.operator = desk.operator;
        self.role = desk.role;
        self.day = desk.day;
        self.opened = desk.opened;
        self.open_box = desk.open_box;
        Ok(())
    }

    /// Boxes whose time became known since: a manifest may come after its box.
    ///
    /// # Errors
    /// A damaged row or a failed store.
    pub fn read_due(&mut self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        for id in ledger.children(RowKind::Box, DUE, BOXES_MAX)? {
            let due = load::<BoxRow>(ledger, &id)?.and_then(|row| row.due);
            if let (Ok(box_id), Some(due)) = (BoxId::new(id), due) {
                self.due.insert(box_id, due);
            }
        }
        Ok(())
    }
}
