//! What the head of an answer says.

use ureq::Body;
use ureq::http::Response;
use ureq::http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName};

use super::super::error::FetchError;
use super::Failure;

/// A header's text, if it is one in plain characters.
pub(super) fn header(response: &Response<Body>, name: HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// True when it is said to be a page for people: a login or a notice comes so with status 200, and no image does.
pub(super) fn is_web_page(response: &Response<Body>) -> bool {
    let types = response.headers().get_all(CONTENT_TYPE).iter();
    types.map(|value| value.as_bytes().split(|byte| matches!(byte, b';' | b',')).next()).any(|first| {
        let first = first.unwrap_or_default().trim_ascii();
        first.eq_ignore_ascii_case(b"text/html") || first.eq_ignore_ascii_case(b"application/xhtml+xml")
    })
}

/// Why an answer with this status is no file.
pub(super) fn refusal(status: u16) -> Failure {
    match status {
        404 | 410 => Failure::Gone,
        401 | 403 | 451 => FetchError::Refused { status }.into(),
        status => FetchError::Status { status }.into(),
    }
}

/// The range that an answer gives, and the length of the whole: the first byte, how many they are, of how many. RFC 9110 §14.4.
pub(super) fn content_range(response: &Response<Body>) -> Option<(u64, u64, u64)> {
    let (range, length) = header(response, CONTENT_RANGE)?.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, length): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, length.parse().ok()?);
    let count = last.checked_sub(first)?.checked_add(1)?;
    (last < length).then_some((first, count, length))
}
