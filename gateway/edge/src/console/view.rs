//! How a page wants to see the panel.

use serde::Deserialize;

use super::Shared;
use crate::panel::Language;

/// `?lang=` chooses another language than the counter's.
#[derive(Debug, Default, Deserialize)]
pub(super) struct View {
    pub(super) lang: Option<String>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
}

impl View {
    pub(super) fn language(&self, shared: &Shared) -> Language {
        let asked = self.lang.as_deref().and_then(Language::from_tag);
        asked.unwrap_or_else(|| *shared.station.language().borrow())
    }
}
