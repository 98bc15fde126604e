//! Requests that can be answered on the spot: which they are, and their answers as bytes.
//!
//! Only plain ones: `GET`, without a query, with header fields that change nothing about the answer. All others go the long way,
//! and so does whatever is not at hand. Both ways write the same fields, from the same [`Representation`].

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use recto_iiif::image::{ApiVersion, ImagePath, ImageRequest, parse_path};
use recto_service::policy::Caller;

use crate::app::{Access, App};
use crate::base::is_host;
use crate::front::Outbox;
use crate::reply::Representation;
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
    let (version, rest) = [ApiVersion::V3, ApiVersion::V2].into_iter().find_map(|version| {
        let rest = plain.path.strip_prefix(app.image_prefix(version))?.strip_prefix('/')?;
        Some((version, rest))
    })?;
    let reached = app.reached_plainly(peer, plain.host);
    let caller = Caller { address: Some(reached.client) };
    match parse_path(rest, app.slashes()).ok()? {
        ImagePath::Image { identifier, region, size, rotation, quality_format } => {
            let request = ImageRequest::parse(version, &region, &size, &rotation, &quality_format).ok()?;
            if !offered(app, &request).is_empty() {
                return None;
            }
            let ready = app.images().ready(&identifier, &request, &caller)?;
            let service = spelled_service(app, &reached, version, &identifier, rest, 4);
            let canonical = ready.prepared.canonical();
            let mut representation = image_representation(app, &service, &ready.prepared, &canonical, false);
            if app.options().server_timing {
                // To find the answer is all the work there is; what is left is to copy it.
                representation.extra.extend(server_timing(ready.origin(), began.elapsed()));
            }
            write_head(&representation, ready.length(), out);
            app.images().write_ready(&ready, out.room(ready.length())).then(|| ready.length())
        }
        ImagePath::Info { identifier } => {
            let service = spelled_service(app, &reached, version, &identifier, rest, 1);
            let prepared = app.images().ready_info(&identifier, version, &service, &caller)?;
            let bytes = prepared.bytes.clone();
            write_head(&info_representation(app, version, plain.accept, prepared), bytes.len(), out);
            out.push(&bytes);
            Some(bytes.len())
        }
        _ => None,
    }
}

fn write_head(representation: &Representation, length: usize, out: &mut Outbox) {
    thread_local! {
        static DATE: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    DATE.with_borrow_mut(|(written, text)| {
        if *written != second {
            (*written, *text) = (second, httpdate::fmt_http_date(now.max(UNIX_EPOCH)));
        }
        representation.write_head(length, text.as_bytes(), out);
    });
}
