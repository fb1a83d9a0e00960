//! What a configuration must also hold, beyond keys and types.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
    path::Path,
};

use jiff::{civil, tz::TimeZone};
use toml::Spanned;
use waypost_core::{
    code::label::{DEFAULT_PATTERNS, LabelKind, LabelKinds, PatternError},
    fact::id::{GatewayId, ItemId, SiteId},
    wire::keys::PublicKey,
};

use super::{
    Config, Console, Fault, HubKeys, Mqtt, Par, SimulatedClock, Site, Tls,
    bound::within,
    device::{
        board::{apart, board},
        printer::printer,
        receiver::receiver,
        scanner::scanners,
        screen::screen,
        seal_reader::seal_reader,
    },
    raw::{Raw, RawConsole, RawHub, RawLabels, RawMqtt, RawPar, RawSimulated, RawSite},
};

/// Where the time zone is not given.
const TIME_ZONE: &str = "Asia/Hong_Kong";
/// Tubes that a box holds where it is not given.
const BOX_TUBES: u32 = 50;
/// Minutes without a scan that end a session where it is not given.
const SESSION_IDLE_MIN: u32 = 15;
/// Positions kept where not given.
const TRACK_MAX: u64 = 200_000;
/// Days that a record is kept after the hub has it twice, where not given.
const RETENTION_DAYS: u64 = 90;
/// Plain MQTT's port, and that of MQTT over TLS.
const MQTT_PORTS: [u16; 2] = [1883, 8883];

/// Checks it all. Relative paths stand beside the file, in `folder`.
pub fn check(raw: Raw, folder: &Path) -> Result<Config, Fault> {
    let board_span = raw.board.as_ref().map(Spanned::span);
    let config = Config {
        gateway: {
            let span = raw.gateway.span();
            let text = raw.gateway.into_inner();
            if text.contains(['/', '+', '#', '$']) {
                let what = "a gateway's id is part of MQTT topics and cannot contain / + # $";
                return Err(Fault::at(
                    span,
                    what,
                    "use letters, digits and hyphens, such as \"ctc-kwai-chung\"",
                ));
            }
            GatewayId::new(text)
                .map_err(|why| Fault::at(span, why.to_string(), "give an id such as \"ctc-kwai-chung\""))?
        },
        data: folder.join(&raw.data),
        site: site(raw.site)?,
        console: raw.console.map(console).transpose()?,
        mqtt: raw.mqtt.map(|mqtt| broker(mqtt, folder)).transpose()?,
        hub: raw.hub.map(hub_keys).transpose()?.unwrap_or_default(),
        scanners: scanners(raw.scanner)?,
        seal_reader: raw.seal_reader.map(seal_reader).transpose()?,
        receiver: raw.receiver.map(receiver).transpose()?,
        board: raw.board.map(board).transpose()?,
        screens: raw
            .screen
            .into_iter()
            .zip(1..)
            .map(|(raw, number)| screen(raw, number, folder))
            .collect::<Result<_, Fault>>()?,
        printers: raw
            .printer
            .into_iter()
            .zip(1..)
            .map(|(raw, number)| printer(raw, number))
            .collect::<Result<_, _>>()?,
        labels: labels(&raw.labels)?,
        stock: raw.stock.into_iter().map(par).collect::<Result<_, _>>()?,
        simulated: raw.clock.and_then(|clock| clock.simulated).map(simulated).transpose()?,
        track_max: within(raw.journal.track_max, 1_000..=10_000_000, TRACK_MAX, "track_max")?,
        retention_days: within(raw.journal.retention_days, 1..=366, RETENTION_DAYS, "retention_days")?,
    };
    apart(config.board.as_ref(), &config.screens, board_span)?;
    Ok(config)
}

fn site(raw: RawSite) -> Result<Site, Fault> {
    let span = raw.id.span();
    let id = SiteId::new(raw.id.into_inner())
        .map_err(|why| Fault::at(span, why.to_string(), "give an id such as \"SITE-CTC1\""))?;
    let mut closes = Vec::new();
    for time in raw.closes {
        let remedy = "write the time of day as \"13:30\"";
        let read = time.get_ref().parse::<civil::Time>();
        closes.push(read.map_err(|_| Fault::at(time.span(), "this is no time of day", remedy))?);
    }
    closes.sort();
    let time_zone = match raw.time_zone {
        Some(zone) => zone_named(zone.get_ref()).ok_or_else(|| {
            Fault::at(zone.span(), "no time zone has this name", "use a name such as \"Asia/Hong_Kong\"")
        })?,
        None => zone_named(TIME_ZONE).unwrap_or(TimeZone::UTC),
    };
    let box_tubes_max = within(raw.box_tubes_max, 1..=1_000, BOX_TUBES, "box_tubes_max")?;
    let (name, kind, language, campaign_keys) = (raw.name, raw.kind, raw.language, raw.campaign_keys);
    let session_idle_min = within(raw.session_idle_min, 1..=1_440, SESSION_IDLE_MIN, "session_idle_min")?;
    Ok(Site { id, name, kind, closes, time_zone, box_tubes_max, session_idle_min, campaign_keys, language })
}

fn zone_named(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

fn console(raw: RawConsole) -> Result<Console, Fault> {
    let span = raw.listen.span();
    let remedy = "write a loopback address and a port, such as \"127.0.0.1:8080\"";
    let listen: SocketAddr = raw
        .listen
        .get_ref()
        .parse()
        .map_err(|_| Fault::at(span.clone(), "this is no address with a port", remedy))?;
    if !listen.ip().is_loopback() {
        let what =
            format!("the console would answer to the network at {listen}; it has no sign-in of its own");
        return Err(Fault::at(span, what, remedy));
    }
    let bench = raw.bench.map(|bench| {
        let loopback = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
        if loopback.iter().any(|start| bench.get_ref().starts_with(start)) {
            return Ok(bench.into_inner());
        }
        let what = "the bench is not on this machine";
        Err(Fault::at(bench.span(), what, "write an address such as \"http://127.0.0.1:9100/bench/ctc-1\""))
    });
    Ok(Console { listen, bench: bench.transpose()? })
}

fn broker(raw: RawMqtt, folder: &Path) -> Result<Mqtt, Fault> {
    let span = raw.host.span();
    let host = raw.host.into_inner();
    if host.is_empty() || host.contains(['/', ' ']) {
        let remedy = "write host = \"mqtt.example.org\" and port on a line of its own";
        return Err(Fault::at(span, "this is no host", remedy));
    }
    let tls = raw.tls.map(|tls| Tls {
        ca: folder.join(tls.ca),
        cert: folder.join(tls.cert),
        key: folder.join(tls.key),
    });
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if tls.is_none() && !loopback {
        let what = format!("records would go to {host} over the network in plain MQTT");
        return Err(Fault::at(
            span,
            what,
            "add [mqtt.tls] with ca, cert and key, or use a broker on 127.0.0.1",
        ));
    }
    let [plain, secured] = MQTT_PORTS;
    let port = raw.port.unwrap_or(if tls.is_some() { secured } else { plain });
    Ok(Mqtt { host, port, tls })
}

fn hub_keys(raw: RawHub) -> Result<HubKeys, Fault> {
    Ok(HubKeys {
        ack_key: raw.ack_key.as_ref().map(public_key).transpose()?,
        order_keys: raw.order_keys.iter().map(public_key).collect::<Result<_, _>>()?,
    })
}

fn public_key(hex: &Spanned<String>) -> Result<PublicKey, Fault> {
    hex.get_ref().parse().map_err(|_| {
        let remedy = "copy the line that `waypost hub init` printed: 64 hexadecimal digits";
        Fault::at(hex.span(), "this is no public key", remedy)
    })
}

/// Patterns of kinds that are not configured stay those of a fresh installation.
fn labels(raw: &RawLabels) -> Result<LabelKinds, Fault> {
    let mut patterns: Vec<(LabelKind, &str, Option<Range<usize>>)> = Vec::new();
    for (kind, default) in DEFAULT_PATTERNS {
        let own = match kind {
            LabelKind::Tube => &raw.tube,
            LabelKind::Box => &raw.box_label,
            LabelKind::Seal => &raw.seal,
            LabelKind::Badge => &raw.badge,
            LabelKind::Vehicle => &raw.vehicle,
            LabelKind::Site => &raw.site,
            LabelKind::Booking => &raw.booking,
            LabelKind::Command => &raw.command,
        };
        match own {
            Some(own) => {
                patterns
                    .extend(own.get_ref().each().iter().map(|one| (kind, one.as_str(), Some(own.span()))));
            }
            None => patterns.push((kind, default, None)),
        }
    }
    LabelKinds::new(patterns.iter().map(|(kind, text, _)| (*kind, *text))).map_err(|why| {
        let (text, remedy) = match &why {
            PatternError::MatchesHkid { pattern } => {
                (Some(pattern), "give these labels a prefix that no identity card has, such as `T-`")
            }
            PatternError::Ambiguous { pattern, .. } => {
                (Some(pattern), "make the two kinds differ, by a prefix for instance")
            }
            PatternError::Syntax { pattern, .. }
            | PatternError::Empty { pattern }
            | PatternError::TooLong { pattern } => {
                (Some(pattern), "write for instance \"T-#{8}\": # a digit, @ a letter, ? either, {n} n times")
            }
            PatternError::TooMany => (None, "take some patterns out"),
        };
        let named = |one: &String| {
            patterns.iter().filter(|(_, text, _)| text == one).find_map(|(.., span)| span.clone())
        };
        let other = match &why {
            PatternError::Ambiguous { other, .. } => named(other),
            _ => None,
        };
        let span =
            text.and_then(named).or(other).or_else(|| patterns.iter().find_map(|(.., span)| span.clone()));
        Fault { span, what: why.to_string(), remedy: remedy.to_owned() }
    })
}

fn par(raw: RawPar) -> Result<Par, Fault> {
    let span = raw.item.span();
    let item = ItemId::new(raw.item.into_inner())
        .map_err(|why| Fault::at(span, why.to_string(), "give an item such as \"tubes\""))?;
    match *raw.par.get_ref() {
        par @ 0..=10_000_000 => Ok(Par { item, par }),
        _ => Err(Fault::at(raw.par.span(), "a par level is 0 to 10,000,000", "write for instance par = 200")),
    }
}

fn simulated(raw: RawSimulated) -> Result<SimulatedClock, Fault> {
    let remedy = "write for instance start = \"2020-09-03T00:00:00Z\"";
    let start = raw.start.get_ref().parse();
    let start = start.map_err(|_| Fault::at(raw.start.span(), "this is no time", remedy))?;
    match raw.rate {
        None => Ok(SimulatedClock { start, rate: 1.0 }),
        Some(rate) if *rate.get_ref() > 0.0 && *rate.get_ref() <= 100_000.0 => {
            Ok(SimulatedClock { start, rate: rate.into_inner() })
        }
        Some(rate) => Err(Fault::at(
            rate.span(),
            "a rate is above 0 and at most 100,000",
            "write for instance rate = 600",
        )),
    }
}
