//! Failures as answers: one table of statuses per API, and messages that say what to do.

use http::header::{ACCEPT, CACHE_CONTROL, RETRY_AFTER, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use recto_iiif::ErrorKind;
use recto_iiif::image::RequestError;
use recto_service::ServiceError;
use serde_json::json;

use crate::reply::{Reply, insert_text, plain};

/// Whose rules choose the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// Image API 3.0 §7.3 and 2.1 §7.3. Sizes over the limits are 400 (§4.2 says so; the table of §7.3 could be read otherwise).
    Image,
    /// Everything else, by RFC 9110.
    Other,
}

/// The status for a kind of failure.
pub(crate) fn status(api: Api, kind: ErrorKind) -> StatusCode {
    match (kind, api) {
        (ErrorKind::Malformed, _) => StatusCode::BAD_REQUEST,
        (ErrorKind::NotFound, _) => StatusCode::NOT_FOUND,
        (ErrorKind::Unauthorized, _) => StatusCode::UNAUTHORIZED,
        (ErrorKind::Forbidden, _) => StatusCode::FORBIDDEN,
        (ErrorKind::TooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
        (ErrorKind::Unsupported, Api::Image) => StatusCode::NOT_IMPLEMENTED,
        (ErrorKind::Unsupported, Api::Other) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        (ErrorKind::Unavailable { .. }, _) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A failure, ready to be told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem {
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) parameter: Option<&'static str>,
    pub(crate) given: Option<String>,
    pub(crate) expected: Option<String>,
    pub(crate) hint: Option<String>,
    /// Where no kind says it.
    pub(crate) status: Option<StatusCode>,
}

impl Problem {
    /// A failure that is the request's own.
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind: Some(kind), title: title(kind), detail: detail.into(), ..Self::default() }
    }

    /// With a way out.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn kind(&self) -> ErrorKind {
        self.kind.unwrap_or(ErrorKind::Internal)
    }

    /// As an answer: `application/problem+json` where the client takes JSON or the API speaks it, plain text else.
    pub(crate) fn reply(&self, api: Api, request: &HeaderMap) -> Reply {
        let kind = self.kind();
        let status = self.status.unwrap_or_else(|| status(api, kind));
        let wants_json =
            request.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("json"));
        let mut reply = if wants_json || api == Api::Other {
            let mut body = json!({
                "type": format!("urn:recto:problem:{}", code(kind)),
                "title": self.title,
                "status": status.as_u16(),
                "detail": self.detail,
            });
            for (name, value) in [
                ("parameter", self.parameter.map(str::to_owned)),
                ("given", self.given.clone()),
                ("expected", self.expected.clone()),
                ("hint", self.hint.clone()),
            ] {
                if let Some(value) = value {
                    body[name] = value.into();
                }
            }
            plain(status, "application/problem+json; charset=utf-8", body.to_string())
        } else {
            let mut text = format!("{}: {}\n", self.title, self.detail);
            for (name, value) in [("expected", &self.expected), ("hint", &self.hint)] {
                if let Some(value) = value {
                    text.push_str(&format!("{name}: {value}\n"));
                }
            }
            plain(status, "text/plain; charset=utf-8", text)
        };
        let headers = reply.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Accept"));
        if let ErrorKind::Unavailable { retry_after } = kind {
            insert_text(headers, RETRY_AFTER, &retry_after.as_secs().max(1).to_string());
        }
        // What is not there yet may be in a moment, and a manifest is asked for by its name only once.
        if api == Api::Image && matches!(kind, ErrorKind::NotFound | ErrorKind::CorruptSource | ErrorKind::Malformed) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=5"));
        }
        reply
    }
}

impl From<&RequestError> for Problem {
    fn from(error: &RequestError) -> Self {
        Self {
            kind: Some(error.kind()),
            title: title(error.kind()),
            detail: error.to_string(),
            parameter: Some(error.parameter()),
            given: Some(error.given().to_owned()),
            expected: Some(error.expected().to_owned()),
            hint: error.hint(),
            status: None,
        }
    }
}

impl From<&ServiceError> for Problem {
    fn from(error: &ServiceError) -> Self {
        let root = error.root();
        let kind = root.kind();
        match root {
            ServiceError::Request(request) => Self::from(request),
            // What went wrong inside is for the log; paths and causes are not for the client.
            _ if kind == ErrorKind::Internal => {
                Self::new(kind, "something went wrong inside the server; the log says what")
            }
            other => Self::new(kind, other.to_string()),
        }
    }
}

const fn title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Malformed => "bad request",
        ErrorKind::NotFound => "not found",
        ErrorKind::Unauthorized => "login needed",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::TooLarge => "too large",
        ErrorKind::Unsupported => "not supported",
        ErrorKind::CorruptSource => "damaged original",
        ErrorKind::Unavailable { .. } => "busy",
        _ => "internal error",
    }
}

const fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Malformed => "malformed",
        ErrorKind::NotFound => "not-found",
        ErrorKind::Unauthorized => "unauthorized",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::TooLarge => "too-large",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::CorruptSource => "corrupt-source",
        ErrorKind::Unavailable { .. } => "unavailable",
        _ => "internal",
    }
}
