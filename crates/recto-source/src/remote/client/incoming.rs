//! A file on its way: within its limits, and as long as it was announced.

use std::io::{self, Read};
use std::time::Instant;

use ureq::http::Response;
use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use ureq::{Body, BodyReader, Timeout};

use super::super::error::FetchError;
use super::heads::{header, is_web_page};
use super::{Limits, Validators};

/// A file on its way.
pub(crate) struct Incoming {
    /// Bytes that were announced.
    pub(crate) length: Option<u64>,
    pub(crate) validators: Validators,
    body: BodyReader<'static>,
    limits: Limits,
    deadline: Instant,
    got: u64,
}

pub(super) fn found(response: Response<Body>, limits: Limits, deadline: Instant) -> Result<Incoming, FetchError> {
    if is_web_page(&response) {
        return Err(FetchError::WebPage);
    }
    if let Some(encoding) = header(&response, CONTENT_ENCODING)
        && !matches!(encoding.trim().to_ascii_lowercase().as_str(), "identity" | "")
    {
        let encoding = encoding.chars().take(40).collect::<String>().escape_debug().to_string();
        return Err(FetchError::Encoded { encoding });
    }
    let is_chunked = header(&response, TRANSFER_ENCODING).is_some();
    let length = header(&response, CONTENT_LENGTH).and_then(|text| text.trim().parse().ok());
    let length: Option<u64> = length.filter(|_| !is_chunked);
    match length {
        Some(0) => return Err(FetchError::Empty),
        Some(length) if length > limits.max_file => return Err(limits.too_long()),
        _ => {}
    }
    let validators = Validators::of(&response);
    let body = response.into_body().into_with_config().limit(u64::MAX).reader();
    Ok(Incoming { length, validators, body, limits, deadline, got: 0 })
}

impl Incoming {
    /// All that was announced, which is not much.
    pub(super) fn all(mut self) -> Result<Vec<u8>, FetchError> {
        let mut bytes = vec![0; self.length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let count = self.read(rest)?;
            filled = filled.saturating_add(count);
        }
        // Whoever has seen the end can use the connection again.
        match self.body.read(&mut [0]) {
            Ok(0) => Ok(bytes),
            Ok(_) => Err(FetchError::Connection { reason: "it sends more than it announced".to_owned() }),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Reads what comes next; 0 bytes once all of it has come.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, FetchError> {
        if Instant::now() >= self.deadline {
            return Err(self.limits.explain(ureq::Error::Timeout(Timeout::Global)));
        }
        let count = loop {
            match self.body.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.explain(error)),
                Ok(count) => break count,
            }
        };
        self.got = self.got.saturating_add(count as u64);
        if self.got > self.limits.max_file {
            return Err(self.limits.too_long());
        }
        match self.length {
            Some(expected) if count == 0 && self.got != expected => {
                Err(FetchError::Truncated { got: self.got, expected })
            }
            _ if self.got == 0 => Err(FetchError::Empty),
            _ => Ok(count),
        }
    }

    fn explain(&self, error: io::Error) -> FetchError {
        match self.length {
            Some(expected) if error.kind() == io::ErrorKind::UnexpectedEof => {
                FetchError::Truncated { got: self.got, expected }
            }
            _ => self.limits.explain(error.into()),
        }
    }
}
