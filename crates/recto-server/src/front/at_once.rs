//! Requests that can be answered on the spot: which they are, and their answers as bytes.
//!
//! Only plain ones: `GET`, without a query, with header fields that change nothing about the answer. All others go the long way,
//! and so does whatever is not at hand. Both ways write the same fields, from the same [`Representation`](crate::reply::Representation).

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use recto_iiif::image::{ApiVersion, ImagePath, ImageRequest, parse_path};
use recto_service::Origin;
use recto_service::policy::Caller;

use crate::app::{Access, App};
use crate::base::is_host;
use crate::front::Outbox;
use crate::front::recent::{Asked, Found};
use crate::reply::field;
use crate::routes::image::{image_representation, info_representation, offered, server_timing, spelled_service};

/// Fields of requests without any say in the answer. `Accept` has one in `info.json`, and is read there.
const WITHOUT_SAY: &[&str] = &[
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "cookie",
    "dnt",
    "origin",
    "pragma",
    "priority",
    "save-data",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "sec-gpc",
    "upgrade-insecure-requests",
];

/// A request's head, as far as it matters.
struct Plain<'h> {
    path: &'h str,
    host: &'h str,
    accept: Option<&'h str>,
    agent: Option<&'h str>,
    referer: Option<&'h str>,
}

impl<'h> Plain<'h> {
    /// `None` for a request that is not plain.
    fn of(head: &httparse::Request<'_, 'h>) -> Option<Self> {
        let path = head.path.filter(|path| path.starts_with('/') && !path.contains('?'))?;
        if head.method != Some("GET") || head.version != Some(1) {
            return None;
        }
        let (mut host, mut accept, mut agent, mut referer) = (None, None, None, None);
        for field in head.headers.iter() {
            let value = || std::str::from_utf8(field.value).ok();
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            if is("host") {
                if host.is_some() {
                    return None;
                }
                host = Some(value()?);
            } else if is("user-agent") {
                agent = value();
            } else if is("accept") {
                if accept.is_some() {
                    return None;
                }
                accept = Some(value()?);
            } else if is("referer") {
                referer = value();
            } else if is("connection") {
                if !field.value.eq_ignore_ascii_case(b"keep-alive") {
                    return None;
                }
            } else if !WITHOUT_SAY.iter().any(|name| is(name)) {
                return None;
            }
        }
        let host = host.filter(|host| is_host(host))?;
        Some(Self { path, host, accept, agent, referer })
    }
}

/// Puts the whole answer behind what `out` holds, if it is one that can be given at once; else `out` stays as it was.
pub(super) fn answer(app: &App, head: &httparse::Request<'_, '_>, peer: SocketAddr, out: &mut Outbox) -> bool {
    let began = Instant::now();
    let start = out.len();
    let Some(plain) = Plain::of(head) else { return false };
    let Some(bytes) = write(app, &plain, peer, began, out) else {
        out.truncate(start);
        return false;
    };
    if app.options().access_log {
        Access {
            client: peer.ip(),
            method: "GET",
            path: plain.path,
            status: 200,
            bytes: Some(bytes as u64),
            referer: plain.referer,
            agent: plain.agent,
        }
        .log(began);
    }
    true
}

/// The length of the body that was written.
fn write(app: &App, plain: &Plain<'_>, peer: SocketAddr, began: Instant, out: &mut Outbox) -> Option<usize> {
    // No proxy had its say, so the client is who holds the connection.
    let caller = Caller { address: Some(peer.ip()), user: None };
    let asked = Asked { host: plain.host, path: plain.path, accept: plain.accept };
    let found = app.recent().find(&asked);
    if let Found::Answer(answer) = &found {
        if app.images().still_stands(&answer.standing, answer.body.len(), &caller) {
            out.push(&answer.head);
            end_head(app, answer.standing.origin(), began, out);
            out.push(&answer.body);
            return Some(answer.body.len());
        }
        app.recent().forget(&asked);
    }
    let reached = app.reached_plainly(peer, plain.host);
    let keeps = matches!(found, Found::Again);
    let (start, purges) = (out.len(), app.images().purges());
    let (version, rest) = [ApiVersion::V3, ApiVersion::V2].into_iter().find_map(|version| {
        let rest = plain.path.strip_prefix(app.image_prefix(version))?.strip_prefix('/')?;
        Some((version, rest))
    })?;
    match parse_path(rest, app.slashes()).ok()? {
        ImagePath::Image { identifier, region, size, rotation, quality_format } => {
            let request = ImageRequest::parse(version, &region, &size, &rotation, &quality_format).ok()?;
            if !offered(app, &request).is_empty() {
                return None;
            }
            let ready = app.images().ready(&identifier, &request, &caller)?;
            let service = spelled_service(app, &reached, version, &identifier, rest, 4);
            let canonical = ready.prepared.canonical();
            image_representation(app, &service, &ready.prepared, &canonical, false).write_head(ready.length(), out);
            let head = out.len();
            end_head(app, Some(ready.origin()), began, out);
            let body = out.len();
            if !app.images().write_ready(&ready, out.room(ready.length())) {
                return None;
            }
            if keeps {
                let standing = app.images().standing(&identifier, &ready, purges);
                app.recent().keep(&asked, out.between(start, head), out.since(body), standing);
            }
            Some(ready.length())
        }
        ImagePath::Info { identifier } => {
            let service = spelled_service(app, &reached, version, &identifier, rest, 1);
            let prepared = app.images().ready_info(&identifier, version, &service, &caller)?;
            let bytes = prepared.bytes.clone();
            info_representation(app, version, plain.accept, prepared).write_head(bytes.len(), out);
            if keeps && let Some(standing) = app.images().standing_info(&identifier, purges) {
                app.recent().keep(&asked, out.since(start), &bytes, standing);
            }
            end_head(app, None, began, out);
            out.push(&bytes);
            Some(bytes.len())
        }
        _ => None,
    }
}

/// Writes the fields that differ each time, and ends the head. To find an answer is all the work there is; what is left is to copy it.
fn end_head(app: &App, origin: Option<Origin>, began: Instant, out: &mut Outbox) {
    thread_local! {
        static DATE: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    if app.options().server_timing
        && let Some((name, value)) = origin.and_then(|origin| server_timing(origin, began.elapsed()))
    {
        field(out, name.as_str().as_bytes(), value.as_bytes());
    }
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    DATE.with_borrow_mut(|(written, text)| {
        if *written != second {
            (*written, *text) = (second, httpdate::fmt_http_date(now.max(UNIX_EPOCH)));
        }
        field(out, b"date", text.as_bytes());
    });
    out.push(b"\r\n");
}
