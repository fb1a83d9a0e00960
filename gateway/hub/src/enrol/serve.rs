//! Where gateways ask for certificates: two routes over plain HTTP, since all that matters is signed both ways.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore};
use waypost_core::wire::{
    enrolment::{Answer, ENROL_PATH, EnrolRequest, Grant, RENEW_PATH, from_hex},
    sign::{OpenError, SignError},
};

use super::{
    Enrol,
    authority::{Authority, AuthorityError, Issued},
    registry::{Registry, RegistryError, is_plain},
};
use crate::{causes::Causes, clock::Clock, ingest::orders::OrderBook, keys::Keys, places::Places};

/// Longest request, in bytes.
const REQUEST_BYTES_MAX: usize = 8 * 1024;

/// Requests that are worked on at once; others are told to come back.
const AT_ONCE_MAX: usize = 4;

/// How long a request may take in all, its body included.
const PATIENCE: Duration = Duration::from_secs(20);

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// What answers are made from.
pub(crate) struct Office {
    pub settings: Enrol,
    pub dir: PathBuf,
    pub registry: Registry,
    pub places: Arc<Places>,
    pub book: Arc<OrderBook>,
    pub keys: Arc<Keys>,
    pub clock: Clock,
}

/// Why nothing is granted.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the request is not signed as it must be")]
    Open(#[from] OpenError),
    #[error("the hub does not list this gateway")]
    NotListed,
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("the grant cannot be signed")]
    Sign(#[from] SignError),
    #[error("the hub's work on the request ended")]
    Ended,
}

impl Refused {
    /// A word for the gateway's program, and the status.
    fn code(&self) -> (&'static str, StatusCode) {
        match self {
            Self::Open(_) | Self::Authority(AuthorityError::Request) => {
                ("malformed", StatusCode::BAD_REQUEST)
            }
            Self::NotListed | Self::Registry(RegistryError::Unknown) => ("unknown", StatusCode::FORBIDDEN),
            Self::Registry(RegistryError::Code) => ("code", StatusCode::FORBIDDEN),
            Self::Registry(RegistryError::Revoked) => ("revoked", StatusCode::FORBIDDEN),
            Self::Registry(RegistryError::Proof) => ("proof", StatusCode::FORBIDDEN),
            _ => ("hub", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

struct Shared {
    office: Arc<Office>,
    places: Semaphore,
}

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, office: Office) {
    let shared = Arc::new(Shared { office: Arc::new(office), places: Semaphore::new(AT_ONCE_MAX) });
    let router = Router::new()
        .route(ENROL_PATH, post(enrol))
        .route(RENEW_PATH, post(renew))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(shared);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "gateways cannot be enrolled any more");
    }
}

async fn enrol(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    answer(&shared, move |office| office.enrol(&body)).await
}

async fn renew(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    answer(&shared, move |office| office.renew(&body)).await
}

async fn answer(
    shared: &Shared,
    work: impl FnOnce(&Office) -> Result<Answer, Refused> + Send + 'static,
) -> Response {
    let Ok(_place) = shared.places.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": "busy" }))).into_response();
    };
    let office = Arc::clone(&shared.office);
    let done = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(move || work(&office))).await;
    match done.map_or(Err(Refused::Ended), |done| done.unwrap_or(Err(Refused::Ended))) {
        Ok(answer) => Json(answer).into_response(),
        Err(refused) => {
            tracing::warn!(why = %Causes(&refused), "no certificate was given");
            let (code, status) = refused.code();
            (status, Json(json!({ "error": code }))).into_response()
        }
    }
}

impl Office {
    fn enrol(&self, body: &[u8]) -> Result<Answer, Refused> {
        let asked = EnrolRequest::open_first(body)?;
        self.is_listed(&asked)?;
        let authority = Authority::open(&self.dir)?;
        let now = self.clock.now();
        let issued = self.registry.enrol(&asked, now, || self.issue(&authority, &asked))?;
        // Certificates of an earlier enrolment hold no more.
        authority.write_revoked(&self.registry.revoked()?, now)?;
        self.places.refresh(&self.registry);
        tracing::info!(gateway = %asked.gateway, key = %asked.sign_key, ends = %issued.ends, "a gateway was enrolled");
        self.grant(&authority, &asked, issued)
    }

    fn renew(&self, body: &[u8]) -> Result<Answer, Refused> {
        let known = |name: &str| {
            let id = waypost_core::fact::id::GatewayId::new(name).ok()?;
            self.registry.read(&id).ok()?.map(|known| known.sign_key)
        };
        let asked = EnrolRequest::open(body, known)?;
        self.is_listed(&asked)?;
        let authority = Authority::open(&self.dir)?;
        let proof = asked.old_key_proof.as_deref().and_then(from_hex).unwrap_or_default();
        let proved = asked.proved();
        let proves = |tls_key: &str| {
            let key = from_hex(tls_key).unwrap_or_default();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(&proved, &proof).is_ok()
        };
        let issued =
            self.registry.renew(&asked, self.clock.now(), proves, || self.issue(&authority, &asked))?;
        tracing::info!(gateway = %asked.gateway, ends = %issued.ends, "a certificate was renewed");
        self.grant(&authority, &asked, issued)
    }

    fn is_listed(&self, asked: &EnrolRequest) -> Result<(), Refused> {
        let listed = self.places.gateway(asked.gateway.as_str()).is_some();
        if listed && is_plain(&asked.gateway) { Ok(()) } else { Err(Refused::NotListed) }
    }

    fn issue(&self, authority: &Authority, asked: &EnrolRequest) -> Result<Issued, Refused> {
        Ok(authority.issue(&asked.gateway, &asked.request, self.clock.now(), self.settings.days)?)
    }

    fn grant(&self, authority: &Authority, asked: &EnrolRequest, issued: Issued) -> Result<Answer, Refused> {
        let grant = Grant {
            nonce: asked.nonce.clone(),
            gateway: asked.gateway.clone(),
            certificate: issued.certificate,
            ca: authority.ca().to_owned(),
            time: self.clock.now(),
            renew_from: issued.ends.plus_ms(-i64::from(self.settings.renew_days()) * DAY_MS),
            ends: issued.ends,
            broker: self.settings.broker.clone(),
            lowest: self.book.lowest(&asked.gateway),
        };
        Ok(Answer::make(authority.root(), authority.keys(), &grant, &self.keys.order)?)
    }
}
