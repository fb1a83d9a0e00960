//! Renewal by itself: looked at now and then, tried again with growing pauses, never in anybody's way.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{Enrolment, ask};
use crate::{
    clock::Clock,
    identity::Identity,
    sync::{LinkState, backoff},
};

/// How often the dates are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Limits of the pauses between tries: doubled from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// After a renewal the next one waits so long, whatever the clock says.
const REST: Duration = Duration::from_secs(6 * 3600);

/// What rustls says when a broker finds the certificate too old: also a clock that lost its time learns it so.
const ENDED: &str = "CertificateExpired";

/// Renews the certificate when it is time, until it is dropped. Tells the panel where every certificate has ended and
/// there is no link.
pub async fn tend(
    enrolment: Arc<Enrolment>,
    identity: Identity,
    clock: Clock,
    state: watch::Sender<LinkState>,
) {
    let mut backoff = backoff::Backoff::new(PAUSE.0, PAUSE.1);
    let mut next = Instant::now();
    loop {
        // By a clock that may be years off nothing ends. The broker has one of its own, and says what that finds.
        let now = clock.to_judge_by();
        let broker_says = state.borrow().trouble.as_ref().is_some_and(|trouble| trouble.contains(ENDED));
        let ended =
            (now.is_some_and(|now| enrolment.has_ended(now)) || broker_says) && !state.borrow().online;
        state.send_if_modified(|state| std::mem::replace(&mut state.certificate_ended, ended) != ended);
        if (now.is_some_and(|now| enrolment.is_due(now)) || broker_says) && Instant::now() >= next {
            match ask::renew(&enrolment, &identity).await {
                Ok(certificate) => {
                    tracing::info!(ends = %certificate.ends, "the certificate was renewed; it is tried next");
                    backoff.reset();
                    next = Instant::now() + REST;
                }
                Err(error) => {
                    let pause = backoff.next(backoff::random());
                    tracing::warn!(%error, pause_s = pause.as_secs(), "the certificate is not renewed yet");
                    next = Instant::now() + pause;
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
