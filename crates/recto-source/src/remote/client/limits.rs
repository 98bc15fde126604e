//! How long and how much.

use std::time::Duration;

use recto_config::ByteSize;
use ureq::Timeout;

use super::super::error::FetchError;

/// Longest time until there is a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time without a single byte.
const SILENCE: Duration = Duration::from_secs(30);

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(super) timeout: Duration,
    pub(super) connect: Duration,
    pub(super) silence: Duration,
    pub(super) max_file: u64,
    pub(super) max_option: &'static str,
}

impl Limits {
    pub(crate) fn new(timeout: Duration, max_file: u64, max_option: &'static str) -> Self {
        // More than a day is as good as no end, and times stay within what clocks can add.
        Self {
            timeout: timeout.min(Duration::from_hours(24)),
            connect: CONNECT,
            silence: SILENCE,
            max_file,
            max_option,
        }
    }

    pub(super) fn too_long(&self) -> FetchError {
        FetchError::TooLong { limit: ByteSize::from_bytes(self.max_file), option: self.max_option }
    }

    pub(super) fn explain(&self, error: ureq::Error) -> FetchError {
        let timed_out = |what, limit: Duration| FetchError::TimedOut { what, limit: limit.into() };
        let failed = |reason: String| FetchError::Connection { reason };
        match error {
            ureq::Error::Timeout(Timeout::PerRead | Timeout::PerWrite) => timed_out("waiting for a byte", self.silence),
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => timed_out("connecting", self.connect),
            ureq::Error::Timeout(_) => timed_out("fetching it", self.timeout),
            ureq::Error::HostNotFound => failed("its host name is not known".to_owned()),
            ureq::Error::Io(error) => failed(error.to_string()),
            // Those hold a URL.
            ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => failed("its URL is not understood".to_owned()),
            error => failed(error.to_string()),
        }
    }
}
