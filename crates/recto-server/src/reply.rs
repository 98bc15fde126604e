//! How answers are built: the headers that every answer carries, conditional and partial answers, failures.

use std::time::SystemTime;

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    LAST_MODIFIED, LOCATION, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::conditional::{Wanted, is_fresh, matches, wanted_range};
use crate::front::Outbox;

/// An answer on its way out.
pub(crate) type Reply = Response<Body>;

/// What scripts of other sites may read of an answer besides its body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Last-Modified, Content-Range, Content-Length, Location, Retry-After, Server-Timing",
);

/// Headers of every answer, whatever it is: scripts of any site may read it.
pub(crate) fn open_to_all(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.entry(ACCESS_CONTROL_EXPOSE_HEADERS).or_insert(EXPOSED);
}

/// The answer to `OPTIONS`: what browsers ask before they send `Authorization`. Needs no login, whatever is behind it.
pub(crate) fn preflight() -> Reply {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    let headers = reply.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Authorization, Accept, Content-Type, If-Match, If-None-Match, If-Modified-Since, Range, If-Range",
        ),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    reply
}

/// Sends the client elsewhere. `location` is made of encoded parts only.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Reply {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = status;
    if let Ok(location) = HeaderValue::from_str(location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}

/// What is known of a representation before its bytes are there.
#[derive(Clone, Debug)]
pub(crate) struct Representation {
    pub(crate) etag: String,
    pub(crate) last_modified: Option<SystemTime>,
    pub(crate) cache_control: HeaderValue,
    pub(crate) media_type: HeaderValue,
    pub(crate) vary: Option<HeaderValue>,
    pub(crate) extra: Vec<(HeaderName, HeaderValue)>,
}

/// Writes one field of a head.
pub(crate) fn field(out: &mut Outbox, name: &[u8], value: &[u8]) {
    out.push(name);
    out.push(b": ");
    out.push(value);
    out.push(b"\r\n");
}

impl Representation {
    /// The answer that needs no bytes, if the request's conditions give one: 412, or 304.
    pub(crate) fn before_body(&self, request: &HeaderMap) -> Option<Reply> {
        if !matches(request, &self.etag) {
            let mut reply = plain(
                StatusCode::PRECONDITION_FAILED,
                "text/plain; charset=utf-8",
                "the representation is another one now\n",
            );
            insert_text(reply.headers_mut(), ETAG, &self.etag);
            return Some(reply);
        }
        is_fresh(request, &self.etag, self.last_modified).then(|| self.not_modified())
    }

    fn headers(&self, headers: &mut HeaderMap) {
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(ETAG, etag);
        }
        if let Some(time) = self.last_modified_text()
            && let Ok(value) = HeaderValue::from_str(&time)
        {
            headers.insert(LAST_MODIFIED, value);
        }
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        if let Some(vary) = &self.vary {
            headers.insert(VARY, vary.clone());
        }
        for (name, value) in &self.extra {
            headers.append(name.clone(), value.clone());
        }
    }

    fn last_modified_text(&self) -> Option<String> {
        self.last_modified.map(|time| httpdate::fmt_http_date(time.max(SystemTime::UNIX_EPOCH)))
    }

    /// Writes the head of the answer with the whole body of so many bytes as HTTP/1.1 has it: the same fields as of
    /// [`Representation::with_body`] once it went through [`open_to_all`], and those that the server adds, save for those that differ
    /// each time and the empty line at the end.
    pub(crate) fn write_head(&self, length: usize, out: &mut Outbox) {
        let mut digits = itoa::Buffer::new();
        out.push(b"HTTP/1.1 200 OK\r\n");
        field(out, b"etag", self.etag.as_bytes());
        if let Some(time) = self.last_modified_text() {
            field(out, b"last-modified", time.as_bytes());
        }
        field(out, b"cache-control", self.cache_control.as_bytes());
        if let Some(vary) = &self.vary {
            field(out, b"vary", vary.as_bytes());
        }
        for (name, value) in &self.extra {
            field(out, name.as_str().as_bytes(), value.as_bytes());
        }
        field(out, b"content-type", self.media_type.as_bytes());
        field(out, b"accept-ranges", b"bytes");
        field(out, b"access-control-allow-origin", b"*");
        field(out, b"access-control-expose-headers", EXPOSED.as_bytes());
        field(out, b"content-length", digits.format(length).as_bytes());
    }

    fn not_modified(&self) -> Reply {
        let mut reply = Response::new(Body::empty());
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        self.headers(reply.headers_mut());
        reply
    }

    /// The answer to `HEAD`, for which no bytes were made.
    pub(crate) fn without_body(&self) -> Reply {
        let mut reply = Response::new(Body::empty());
        self.headers(reply.headers_mut());
        reply.headers_mut().insert(CONTENT_TYPE, self.media_type.clone());
        reply.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        reply
    }

    /// The bytes, or the part of them that was asked for.
    pub(crate) fn with_body(&self, method: &Method, request: &HeaderMap, bytes: Bytes) -> Reply {
        let mut reply = self.without_body();
        let length = bytes.len() as u64;
        let wanted = if method == Method::GET { wanted_range(request, length, &self.etag) } else { Wanted::All };
        match wanted {
            Wanted::All => *reply.body_mut() = Body::from(bytes),
            Wanted::Part(first, last) => {
                *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
                insert_text(reply.headers_mut(), CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
                *reply.body_mut() = Body::from(bytes.slice(first as usize..=last as usize));
            }
            Wanted::Unsatisfiable => {
                *reply.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                insert_text(reply.headers_mut(), CONTENT_RANGE, &format!("bytes */{length}"));
            }
        }
        reply
    }
}

/// Inserts a value made of our own digits and words.
pub(crate) fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// A small answer of text or JSON that nobody keeps.
pub(crate) fn plain(status: StatusCode, media_type: &'static str, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Body::from(text.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
