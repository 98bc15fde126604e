//! Where redirects lead, and for how long that is taken for known.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::Response;
use ureq::http::header::{CACHE_CONTROL, HeaderName, LOCATION};

use super::super::address::Address;
use super::super::error::FetchError;
use super::super::waiting::locked;
use super::heads::header;
use super::{Client, Failure};

const MOST_REDIRECTS: u32 = 5;
/// So long it is known at the most where a redirect leads that may lead elsewhere next time (302, 303, 307): many such targets are
/// signed for minutes.
const FOR_NOW: Duration = Duration::from_mins(1);
/// Likewise one that says that it is for good (301, 308).
const FOR_GOOD: Duration = Duration::from_mins(10);

/// Where redirects led, and until when that is known.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    target: Address,
    until: Instant,
}

/// The way to one version of a file, while it is known.
#[derive(Debug, Default)]
pub(crate) struct KnownWay(Mutex<Option<Way>>);

impl KnownWay {
    pub(crate) fn new(way: Option<Way>) -> Self {
        Self(Mutex::new(way))
    }

    /// Where the file is asked for at this time, other than at its own address.
    pub(super) fn target(&self, now: Instant) -> Option<Address> {
        locked(&self.0).as_ref().filter(|way| now < way.until).map(|way| way.target.clone())
    }

    /// `None` forgets what was known.
    pub(super) fn learn(&self, way: Option<Way>) {
        *locked(&self.0) = way;
    }
}

impl Client {
    /// What is answered at the end of all redirects, and the way there if there were any that may be remembered.
    pub(super) fn answer(
        &self,
        address: &Address,
        asked: &[(HeaderName, String)],
        deadline: Instant,
    ) -> Result<(Response<Body>, Option<Way>), Failure> {
        let mut at = address.clone();
        let mut span = FOR_GOOD;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&at, asked, deadline)?;
            match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => {
                    span = span.min(span_of(&response));
                    at = self.follow(&at, &response)?;
                }
                _ => {
                    let is_way = at != *address && !span.is_zero();
                    let way = is_way.then(|| Way { target: at, until: Instant::now() + span });
                    return Ok((response, way));
                }
            }
        }
        Err(FetchError::TooManyRedirects { limit: MOST_REDIRECTS }.into())
    }

    fn follow(&self, at: &Address, response: &Response<Body>) -> Result<Address, FetchError> {
        let bad = |rule| FetchError::BadRedirect { rule };
        let location = header(response, LOCATION).ok_or_else(|| bad("it does not say where"))?;
        let target = at.join(location).map_err(bad)?;
        if self.admits(&target) {
            return Ok(target);
        }
        tracing::warn!(
            url = at.shown(),
            target_origin = target.origin(),
            "a redirect is not followed: its target begins with none of `source.remote.prefixes`"
        );
        Err(FetchError::Redirect)
    }
}

/// How long it is known where a redirect leads; no time at all when it is to be asked each time.
fn span_of(response: &Response<Body>) -> Duration {
    let fields = response.headers().get_all(CACHE_CONTROL).iter();
    // What cannot be read may forbid it.
    let texts: Option<Vec<&str>> = fields.map(|value| value.to_str().ok()).collect();
    texts.map_or(Duration::ZERO, |texts| span(response.status().as_u16(), &texts.join(",")))
}

/// The shorter of what is the most for this status and what `Cache-Control` allows. RFC 9111 §5.2.2.
fn span(status: u16, cache_control: &str) -> Duration {
    let most = if matches!(status, 301 | 308) { FOR_GOOD } else { FOR_NOW };
    cache_control.split(',').fold(most, |span, directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Duration::ZERO,
            // No number is none at all.
            "max-age" => span.min(Duration::from_secs(value.trim().trim_matches('"').parse().unwrap_or(0))),
            _ => span,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9111_redirects_are_remembered_for_a_short_time_or_not_at_all() {
        for (status, cache_control, want) in [
            (302, "", 60),
            (303, "", 60),
            (307, "public", 60),
            (307, "public, max-age=86400", 60),
            (302, "Max-Age = \"20\"", 20),
            (301, "", 600),
            (308, "max-age=3600", 600),
            (308, "max-age=30, private", 30),
            (301, "max-age=0", 0),
            (301, "max-age=soon", 0),
            (302, "no-store", 0),
            (308, "max-age=60, No-Store", 0),
            (302, "no-cache=\"x\", max-age=9", 0),
        ] {
            assert_eq!(span(status, cache_control), Duration::from_secs(want), "{status} {cache_control}");
        }
    }

    #[test]
    fn a_way_is_known_until_its_time_is_over_or_it_is_forgotten() {
        let target = Address::parse("https://b.org/x").unwrap();
        let now = Instant::now();
        let way = Way { target: target.clone(), until: now + FOR_NOW };
        let known = KnownWay::new(Some(way.clone()));
        assert_eq!(known.target(now), Some(target.clone()));
        assert_eq!(known.target(now + FOR_NOW), None);
        known.learn(None);
        assert_eq!(known.target(now), None);
        known.learn(Some(way));
        assert_eq!(known.target(now), Some(target));
        assert_eq!(KnownWay::default().target(now), None);
    }
}
