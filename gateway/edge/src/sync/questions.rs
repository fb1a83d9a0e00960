//! Questions about a person to the hub, and its answers.
//!
//! Whoever asks waits at most [`ANSWER_PATIENCE`]: a person stands at the counter. A question is sent once, and only on a
//! connection that is there; what comes of it later is dropped.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::{Instant, timeout},
};
use uuid::Uuid;
use waypost_core::{
    code::claim::ClaimToken,
    fact::id::CampaignId,
    rule::elsewhere::HubSays,
    wire::{
        ask::{Answer, Ask},
        keys::PublicKey,
    },
};

/// How long an answer is waited for. A satellite's way there and back takes 1.2 s.
pub const ANSWER_PATIENCE: Duration = Duration::from_millis(1_500);

/// Questions that wait to be sent, and questions that wait for their answers.
const QUESTIONS_MAX: usize = 16;

/// A question on its way.
pub(super) struct Question {
    campaign: CampaignId,
    claim: ClaimToken,
    reply: oneshot::Sender<HubSays>,
}

/// Where questions are asked. Clones lead to the same link.
#[derive(Debug, Clone)]
pub struct HubDesk {
    questions: mpsc::Sender<Question>,
}

/// Where the link takes them; clones are the same.
#[derive(Clone)]
pub struct Questions {
    waiting: Arc<Mutex<mpsc::Receiver<Question>>>,
}

impl std::fmt::Debug for Questions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Questions")
    }
}

/// A desk, and the link's end of it.
pub fn desk() -> (HubDesk, Questions) {
    let (questions, waiting) = mpsc::channel(QUESTIONS_MAX);
    (HubDesk { questions }, Questions { waiting: Arc::new(Mutex::new(waiting)) })
}

impl HubDesk {
    /// What the hub holds of a person; none where it does not answer in time.
    pub async fn ask(&self, campaign: CampaignId, claim: ClaimToken) -> Option<HubSays> {
        let (reply, answer) = oneshot::channel();
        self.questions.try_send(Question { campaign, claim, reply }).ok()?;
        timeout(ANSWER_PATIENCE, answer).await.ok()?.ok()
    }
}

impl Questions {
    /// The next question that somebody still waits for.
    pub(super) async fn next(&self) -> Question {
        let mut waiting = self.waiting.lock().await;
        loop {
            match waiting.recv().await {
                Some(question) if !question.reply.is_closed() => return question,
                Some(_) => {}
                // Nobody can ask any more.
                None => std::future::pending().await,
            }
        }
    }

    /// Nobody waits for what was asked while there was no link.
    pub(super) async fn forget(&self) {
        let mut waiting = self.waiting.lock().await;
        while waiting.try_recv().is_ok() {}
    }
}

/// Questions of one connection that wait for their answers, the oldest in front.
#[derive(Default)]
pub(super) struct Open {
    open: VecDeque<(String, Instant, oneshot::Sender<HubSays>)>,
}

impl Open {
    /// The message's content for a question, which from now on waits for its answer. None where the system gives no
    /// randomness.
    pub(super) fn begin(&mut self, question: Question, journal: Uuid) -> Option<Ask> {
        let Question { campaign, claim, reply } = question;
        self.open.retain(|(_, since, reply)| since.elapsed() < ANSWER_PATIENCE && !reply.is_closed());
        if self.open.len() >= QUESTIONS_MAX {
            return None;
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        self.open.push_back((id.clone(), Instant::now(), reply));
        Some(Ask { id, journal, campaign, claim })
    }

    /// Takes an answer. One that nobody waits for is nothing.
    ///
    /// # Errors
    /// It is not believed.
    pub(super) fn answered(
        &mut self,
        message: &[u8],
        keys: &[PublicKey],
    ) -> Result<(), waypost_core::wire::sign::OpenError> {
        let Answer { id, says, .. } = Answer::open(message, keys)?;
        if let Some(at) = self.open.iter().position(|(open, ..)| *open == id)
            && let Some((.., reply)) = self.open.remove(at)
        {
            // Who asked may have gone on without.
            let _too_late = reply.send(says);
        }
        Ok(())
    }
}
