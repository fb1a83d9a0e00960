//! Requests with a key that a console chose: the same key again is the same request, also while it is under way.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use tokio::sync::oneshot;

use crate::panel::Panel;

/// Answers that are kept for a repeat of their key. Older ones are looked up in the journal by the writer.
pub const RECENT_MAX: usize = 1_024;

/// The latest requests with a key.
#[derive(Default)]
pub struct Recent {
    requests: HashMap<String, State>,
    order: VecDeque<String>,
}

enum State {
    /// Under way, and who else waits for it.
    UnderWay(Vec<oneshot::Sender<Arc<Panel>>>),
    Done(Arc<Panel>),
}

/// What a key means now.
pub enum Begun {
    /// It is new: ask.
    New,
    /// It was answered so before, or will be: nothing to ask.
    Known,
}

impl Recent {
    /// Begins a request, or joins the one of that key.
    pub fn begin(&mut self, key: &str, reply: &mut Option<oneshot::Sender<Arc<Panel>>>) -> Begun {
        match self.requests.get_mut(key) {
            Some(State::Done(panel)) => {
                if let Some(reply) = reply.take() {
                    let _ = reply.send(Arc::clone(panel));
                }
                Begun::Known
            }
            Some(State::UnderWay(waiting)) => {
                waiting.extend(reply.take());
                Begun::Known
            }
            None => {
                self.requests.insert(key.to_owned(), State::UnderWay(Vec::new()));
                self.order.push_back(key.to_owned());
                if self.order.len() > RECENT_MAX
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.requests.remove(&oldest);
                }
                Begun::New
            }
        }
    }

    /// Answers everybody who waits for that key.
    pub fn done(&mut self, key: &str, panel: &Arc<Panel>) {
        let Some(state) = self.requests.get_mut(key) else { return };
        if let State::UnderWay(waiting) = std::mem::replace(state, State::Done(Arc::clone(panel))) {
            for reply in waiting {
                let _ = reply.send(Arc::clone(panel));
            }
        }
    }
}
