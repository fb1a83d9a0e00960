//! The page: exceptions first, then counts, gateways and boxes; and the chain of hands of one code.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Html,
};
use jiff::tz::TimeZone;
use serde_json::Value;
use waypost_core::fact::{WallTime, id::ID_BYTES_MAX};

use super::{AskedQuery, Failed, Page, Shared, read};
use crate::{
    project::{Totals, summary::Summary, trace::Trace},
    store::view::View,
};

/// A time for machines and for people.
type Shown = (String, String);

#[derive(Template)]
#[template(path = "page.html")]
struct Whole<'a> {
    main: String,
    live: bool,
    code: &'a str,
}

#[derive(Template)]
#[template(path = "live.html")]
struct Live {
    now: Shown,
    alarms: Vec<AlarmLine>,
    totals: Totals,
    gateways: Vec<GatewayLine>,
    boxes: Vec<BoxLine>,
}

struct AlarmLine {
    what: String,
    subject: String,
    traceable: bool,
    since: Shown,
    gateway: String,
}

struct GatewayLine {
    id: String,
    site: String,
    seen: Option<Shown>,
    queued: u64,
}

struct BoxLine {
    id: String,
    state: String,
    holder: String,
    since: Shown,
}

#[derive(Template)]
#[template(path = "trace.html")]
struct Traced<'a> {
    code: &'a str,
    trace: Option<TraceLines>,
}

struct TraceLines {
    kind: &'static str,
    code: String,
    steps: Vec<StepLine>,
}

struct StepLine {
    time: Shown,
    sure: bool,
    site: String,
    gateway: String,
    what: String,
    by: String,
    detail: String,
    journal: String,
    seq: u64,
}

/// `GET /`
pub(super) async fn home(State(shared): State<Arc<Shared>>) -> Result<Page, Failed> {
    let main = middle(&shared).await?;
    Ok(whole(main, true, ""))
}

/// `GET /live`: the page's middle.
pub(super) async fn live(State(shared): State<Arc<Shared>>) -> Result<Page, Failed> {
    Ok(Html(middle(&shared).await?))
}

/// `GET /trace?code=…`
pub(super) async fn trace(
    State(shared): State<Arc<Shared>>,
    Query(asked): AskedQuery,
) -> Result<Page, Failed> {
    let code: String = asked.code.trim().chars().take(ID_BYTES_MAX).collect();
    let wanted = code.clone();
    let found = read(&shared, move |view| view.trace(&wanted)).await?;
    let trace = found.map(|trace| trace_lines(trace, &shared.zone));
    let main = rendered(Traced { code: &code, trace }.render());
    Ok(whole(main, false, &code))
}

fn whole(main: String, live: bool, code: &str) -> Page {
    Html(rendered(Whole { main, live, code }.render()))
}

/// A template of ours fails only if memory does.
fn rendered(outcome: askama::Result<String>) -> String {
    outcome.unwrap_or_else(|error| {
        tracing::error!(%error, "a page cannot be rendered");
        "The page cannot be made.".to_owned()
    })
}

async fn middle(shared: &Arc<Shared>) -> Result<String, Failed> {
    let Summary { gateways, boxes, alarms, totals } = read(shared, View::summary).await?;
    let zone = &shared.zone;
    let is_box = |subject: &str| boxes.iter().any(|one| one.id == subject);
    let alarms = alarms
        .into_iter()
        .map(|alarm| AlarmLine {
            what: words(&alarm.kind),
            traceable: is_box(&alarm.subject),
            subject: alarm.subject,
            since: shown(alarm.since, zone),
            gateway: alarm.gateway,
        })
        .collect();
    let gateways = gateways
        .into_iter()
        .map(|one| GatewayLine {
            id: one.id,
            site: one.site,
            seen: one.last_seen.map(|at| shown(at, zone)),
            queued: one.queued,
        })
        .collect();
    let boxes = boxes
        .into_iter()
        .map(|one| BoxLine {
            id: one.id,
            state: words(&one.state),
            holder: one.holder,
            since: shown(one.since, zone),
        })
        .collect();
    Ok(rendered(Live { now: shown(shared.clock.now(), zone), alarms, totals, gateways, boxes }.render()))
}

fn trace_lines(trace: Trace, zone: &TimeZone) -> TraceLines {
    let steps = trace.trail.into_iter().map(|step| StepLine {
        time: shown(step.time, zone),
        sure: step.time_sure,
        site: step.site,
        gateway: step.gateway,
        what: words(&step.what),
        by: step.by.unwrap_or_default(),
        detail: detail(&step.detail),
        journal: step.record.journal.to_string(),
        seq: step.record.seq,
    });
    TraceLines { kind: trace.kind, code: trace.code, steps: steps.collect() }
}

/// A name of the records as words: `seal_opened` as "seal opened".
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn shown(at: WallTime, zone: &TimeZone) -> Shown {
    let local = zone.to_datetime(at.timestamp());
    (at.to_string(), local.strftime("%-d %b %H:%M:%S").to_string())
}

/// What a fact says, as `name: value` one after the other.
fn detail(value: &Value) -> String {
    let Some(fields) = value.as_object() else { return String::new() };
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => format!("({})", detail(value)),
        other => other.to_string(),
    };
    let parts: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}: {}", words(name), plain(value))).collect();
    parts.join(", ")
}
