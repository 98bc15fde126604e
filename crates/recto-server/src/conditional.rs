//! Conditional requests and byte ranges: RFC 9110 sections 13 and 14.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};

/// Has the client what we would send? `If-None-Match` decides where it is there, else `If-Modified-Since`.
pub(crate) fn is_fresh(headers: &HeaderMap, etag: &str, last_modified: Option<SystemTime>) -> bool {
    if headers.contains_key(IF_NONE_MATCH) {
        let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        return lists
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
    }
    let since = headers
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| httpdate::parse_http_date(text).ok());
    match (since, last_modified) {
        (Some(since), Some(changed)) => whole_seconds(changed) <= whole_seconds(since),
        _ => false,
    }
}

/// Does the request's `If-Match`, if there is one, name this representation? Compared strongly, RFC 9110 §13.1.1.
pub(crate) fn matches(headers: &HeaderMap, etag: &str) -> bool {
    if !headers.contains_key(IF_MATCH) {
        return true;
    }
    let lists = headers.get_all(IF_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| tag == "*" || tag == etag)
}

/// What of the body is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    All,
    /// These bytes, first and last, both inside.
    Part(u64, u64),
    /// A range that lies outside.
    Unsatisfiable,
}

/// The `Range` of a request for a body of `length` bytes. Several ranges at once are answered with the whole, as allowed.
pub(crate) fn wanted_range(headers: &HeaderMap, length: u64, etag: &str) -> Wanted {
    let Some(range) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else { return Wanted::All };
    if let Some(condition) = headers.get(IF_RANGE)
        && condition.to_str().ok() != Some(etag)
    {
        return Wanted::All;
    }
    let Some(spec) = range.trim().strip_prefix("bytes=").filter(|spec| !spec.contains(',')) else { return Wanted::All };
    let Some((first, last)) = spec.split_once('-') else { return Wanted::All };
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (first.trim(), last.trim()) {
        ("", suffix) => match number(suffix) {
            None => Wanted::All,
            Some(suffix) if suffix == 0 || length == 0 => Wanted::Unsatisfiable,
            Some(suffix) => Wanted::Part(length.saturating_sub(suffix), length - 1),
        },
        (first, last) => match (number(first), last, number(last)) {
            (Some(first), _, _) if first >= length => Wanted::Unsatisfiable,
            (Some(first), "", _) => Wanted::Part(first, length - 1),
            (Some(first), _, Some(last)) if last >= first => Wanted::Part(first, last.min(length - 1)),
            _ => Wanted::All,
        },
    }
}

fn whole_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn none_match_decides_before_modified_since() {
        let changed = Some(UNIX_EPOCH + Duration::from_secs(784_111_777));
        let same = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (pairs, want) in [
            (&[][..], false),
            (&[("if-none-match", "\"a\"")], true),
            (&[("if-none-match", "W/\"a\"")], true),
            (&[("if-none-match", "\"x\", \"a\"")], true),
            (&[("if-none-match", "*")], true),
            (&[("if-none-match", "\"b\"")], false),
            (&[("if-modified-since", same)], true),
            (&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")], false),
            (&[("if-none-match", "\"b\""), ("if-modified-since", same)], false),
            (&[("if-modified-since", "rubbish")], false),
        ] {
            assert_eq!(is_fresh(&headers(pairs), "\"a\"", changed), want, "{pairs:?}");
        }
    }

    #[test]
    fn a_match_is_strong() {
        for (pairs, want) in [
            (&[][..], true),
            (&[("if-match", "\"a\"")], true),
            (&[("if-match", "\"x\", \"a\"")], true),
            (&[("if-match", "*")], true),
            (&[("if-match", "W/\"a\"")], false),
            (&[("if-match", "\"b\"")], false),
        ] {
            assert_eq!(matches(&headers(pairs), "\"a\""), want, "{pairs:?}");
        }
    }

    #[test]
    fn ranges_are_cut_to_the_body() {
        for (range, want) in [
            ("bytes=0-9", Wanted::Part(0, 9)),
            ("bytes=90-", Wanted::Part(90, 99)),
            ("bytes=-10", Wanted::Part(90, 99)),
            ("bytes=-1000", Wanted::Part(0, 99)),
            ("bytes=99-5000", Wanted::Part(99, 99)),
            ("bytes=100-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=99999999999999999999999-", Wanted::Unsatisfiable),
            ("bytes=9-0", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("lines=0-1", Wanted::All),
        ] {
            let headers: HeaderMap = [(RANGE, http::HeaderValue::from_static(range))].into_iter().collect();
            assert_eq!(wanted_range(&headers, 100, "\"a\""), want, "{range}");
        }
        let condition = headers(&[("range", "bytes=0-9"), ("if-range", "\"b\"")]);
        assert_eq!(wanted_range(&condition, 100, "\"a\""), Wanted::All);
    }
}
