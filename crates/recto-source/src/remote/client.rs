//! One fetch over HTTP: redirects followed by hand, every wait bounded.

mod heads;
mod incoming;
mod limits;
mod redirects;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::ByteRange;
use ureq::http::header::{
    ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use ureq::http::{Request, Response};
use ureq::{Agent, Body, Timeout};

use self::heads::{content_range, header, refusal};
pub(crate) use self::incoming::Incoming;
use self::incoming::found;
pub(crate) use self::limits::Limits;
pub(crate) use self::redirects::{KnownWay, Way};
use super::address::{Address, Prefixes};
use super::error::FetchError;

/// Connections that are kept for what is asked for next, in all and of one origin.
const IDLE_CONNECTIONS: (usize, usize) = (64, 32);
/// Longest validator that is kept, in bytes.
const MOST_VALIDATOR: usize = 1024;

/// Why there is no file.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The origin says that there is none.
    Gone,
    /// It cannot be had.
    Fetch(Arc<FetchError>),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Fetch(Arc::new(error))
    }
}

/// What the origin says to tell versions apart by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

impl Validators {
    fn of(response: &Response<Body>) -> Self {
        let text = |name| header(response, name).filter(|text| text.len() <= MOST_VALIDATOR).map(str::to_owned);
        Self { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    /// The entity tag that no two versions share, byte for byte. RFC 9110 §8.8.1.
    pub(crate) fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|tag| tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2)
    }
}

/// What the origin answers.
pub(crate) enum Answer {
    /// What is kept is still the same.
    Unchanged(Validators),
    /// Here it is.
    Found(Box<Incoming>),
    /// Here is how it begins; there is more of it.
    Begun(Begun),
}

/// The beginning of a file that is longer, and that can be asked for by ranges.
pub(crate) struct Begun {
    pub(crate) bytes: Vec<u8>,
    /// Length of all of it in bytes.
    pub(crate) length: u64,
    pub(crate) validators: Validators,
    /// Where redirects led to it.
    pub(crate) way: Option<Way>,
}

/// Whoever asks origins.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    prefixes: Prefixes,
    limits: Limits,
}

impl Client {
    pub(crate) fn new(prefixes: Prefixes, limits: Limits) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(64 << 10)
            .max_idle_connections(IDLE_CONNECTIONS.0)
            .max_idle_connections_per_host(IDLE_CONNECTIONS.1)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_per_read(Some(limits.silence))
            .timeout_per_write(Some(limits.silence))
            .user_agent(concat!("Recto/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: Agent::new_with_config(config), prefixes, limits }
    }

    pub(crate) fn admits(&self, address: &Address) -> bool {
        self.prefixes.admit(address)
    }

    /// Asks for a file, or whether it is still the one that `known` is of; for its first `beginning` bytes, if that is not 0.
    /// Origins that know no ranges give all of it.
    pub(crate) fn get(&self, address: &Address, known: &Validators, beginning: u64) -> Result<Answer, Failure> {
        let deadline = Instant::now() + self.limits.timeout;
        let conditions = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
        let mut asked: Vec<(HeaderName, String)> =
            conditions.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        asked.extend(beginning.checked_sub(1).map(|last| (RANGE, format!("bytes=0-{last}"))));
        let (response, way) = self.answer(address, &asked, deadline)?;
        match response.status().as_u16() {
            206 if beginning > 0 => match self.begun(response, way, beginning, deadline) {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) | Err(FetchError::Truncated { .. } | FetchError::Connection { .. }) => {
                    self.get(address, known, 0)
                }
                Err(error) => Err(error.into()),
            },
            200 => Ok(Answer::Found(Box::new(found(response, self.limits, deadline)?))),
            304 if !known.is_empty() => Ok(Answer::Unchanged(Validators::of(&response))),
            status @ (401 | 404 | 410 | 429 | 500 | 502..=504) => Err(refusal(status)),
            // An empty file has no first byte; and some origins refuse whoever asks for ranges.
            _ if beginning > 0 => self.get(address, known, 0),
            status => Err(refusal(status)),
        }
    }

    /// Asks for what comes behind a beginning, and from where on it comes: from 0 when the origin thinks better of it.
    pub(crate) fn rest(&self, address: &Address, begun: &Begun) -> Result<(u64, Box<Incoming>), Failure> {
        if begun.length > self.limits.max_file {
            return Err(self.limits.too_long().into());
        }
        let deadline = Instant::now() + self.limits.timeout;
        let from = begun.bytes.len() as u64;
        let asked = match begun.validators.strong_etag() {
            Some(etag) => vec![(RANGE, format!("bytes={from}-")), (IF_RANGE, etag.to_owned())],
            None => Vec::new(),
        };
        let (response, _) = self.answer(address, &asked, deadline)?;
        match response.status().as_u16() {
            206 if content_range(&response) == Some((from, begun.length - from, begun.length))
                && header(&response, ETAG) == begun.validators.etag.as_deref() =>
            {
                let mut incoming = found(response, self.limits, deadline)?;
                incoming.length = Some(begun.length - from);
                Ok((from, Box::new(incoming)))
            }
            200 => Ok((0, Box::new(found(response, self.limits, deadline)?))),
            // The rest of another version, or of who knows what.
            206 | 412 | 416 => match self.get(address, &Validators::default(), 0)? {
                Answer::Found(incoming) => Ok((0, incoming)),
                Answer::Unchanged(_) | Answer::Begun(_) => Err(FetchError::Changed.into()),
            },
            status => Err(refusal(status)),
        }
    }

    /// Longest time that one file may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.limits.timeout
    }

    /// Asks for a range of the version with this entity tag, of a file of so many bytes: where redirects led lately, if it is there still,
    /// else at its own address.
    pub(crate) fn read(
        &self,
        address: &Address,
        etag: &str,
        (range, length): (ByteRange, u64),
        way: &KnownWay,
        deadline: Instant,
    ) -> Result<Vec<u8>, FetchError> {
        let last = range.offset.saturating_add(range.length).saturating_sub(1);
        let asked = [(RANGE, format!("bytes={}-{last}", range.offset)), (IF_MATCH, etag.to_owned())];
        let is_wanted = |response: &Response<Body>| {
            response.status().as_u16() == 206
                && header(response, ETAG) == Some(etag)
                && content_range(response) == Some((range.offset, range.length, length))
        };
        if let Some(target) = way.target(Instant::now()).filter(|target| self.admits(target)) {
            let answer = self.ask(&target, &asked, deadline);
            let bytes = answer.ok().filter(is_wanted).map(|response| self.all_of(response, range, deadline));
            if let Some(Ok(bytes)) = bytes {
                return Ok(bytes);
            }
            way.learn(None);
        }
        let (response, found_way) = match self.answer(address, &asked, deadline) {
            Ok(answer) => answer,
            Err(Failure::Gone) => return Err(FetchError::Changed),
            Err(Failure::Fetch(error)) => return Err(Arc::into_inner(error).unwrap_or(FetchError::Abandoned)),
        };
        match response.status().as_u16() {
            206 if is_wanted(&response) => {}
            // All of it, though a part was asked for; or it is another one by now.
            200 | 206 | 404 | 410 | 412 | 416 => return Err(FetchError::Changed),
            status @ (401 | 403 | 451) => return Err(FetchError::Refused { status }),
            status => return Err(FetchError::Status { status }),
        }
        let bytes = self.all_of(response, range, deadline)?;
        way.learn(found_way);
        Ok(bytes)
    }

    /// The bytes of a range that was asked for.
    fn all_of(&self, response: Response<Body>, range: ByteRange, deadline: Instant) -> Result<Vec<u8>, FetchError> {
        // Limits of files are not for parts of them.
        let mut incoming = found(response, Limits { max_file: range.length, ..self.limits }, deadline)?;
        incoming.length = Some(range.length);
        incoming.all()
    }

    fn ask(
        &self,
        at: &Address,
        asked: &[(HeaderName, String)],
        deadline: Instant,
    ) -> Result<Response<Body>, FetchError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.limits.explain(ureq::Error::Timeout(Timeout::Global)));
        }
        let mut request =
            Request::get(at.as_str()).header("Accept", "image/*,*/*;q=0.8").header("Accept-Encoding", "identity");
        for (name, value) in asked {
            request = request.header(name, value);
        }
        let request = request.body(()).map_err(|error| self.limits.explain(error.into()))?;
        let request = self.agent.configure_request(request).timeout_global(Some(left));
        let request = if at.is_here() { request.proxy(None) } else { request };
        self.agent.run(request.build()).map_err(|error| self.limits.explain(error))
    }

    /// The beginning of a file, or all of it if it is no longer; `None` when the answer is not what was asked for.
    fn begun(
        &self,
        response: Response<Body>,
        way: Option<Way>,
        beginning: u64,
        deadline: Instant,
    ) -> Result<Option<Answer>, FetchError> {
        let Some((0, count, length)) = content_range(&response) else { return Ok(None) };
        if count != beginning.min(length) {
            return Ok(None);
        }
        let mut incoming = found(response, self.limits, deadline)?;
        incoming.length = Some(count);
        if count == length {
            return Ok(Some(Answer::Found(Box::new(incoming))));
        }
        let validators = incoming.validators.clone();
        Ok(Some(Answer::Begun(Begun { bytes: incoming.all()?, length, validators, way })))
    }
}
