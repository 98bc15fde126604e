//! One fetch over HTTP: redirects followed by hand, every wait bounded.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::ByteRange;
use recto_config::ByteSize;
use ureq::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE, TRANSFER_ENCODING,
};
use ureq::http::{Request, Response};
use ureq::{Agent, Body, BodyReader, Timeout};

use super::address::{Address, Prefixes};
use super::error::FetchError;

const MOST_REDIRECTS: u32 = 5;
/// Longest time until there is a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time without a single byte.
const SILENCE: Duration = Duration::from_secs(30);
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
}

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

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    timeout: Duration,
    connect: Duration,
    silence: Duration,
    max_file: u64,
    max_option: &'static str,
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

    fn too_long(&self) -> FetchError {
        FetchError::TooLong { limit: ByteSize::from_bytes(self.max_file), option: self.max_option }
    }

    fn explain(&self, error: ureq::Error) -> FetchError {
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
        let response = self.answer(address, &asked, deadline)?;
        match response.status().as_u16() {
            206 if beginning > 0 => match self.begun(response, beginning, deadline) {
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
        let response = self.answer(address, &asked, deadline)?;
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

    /// Asks for a range of the version with this entity tag, of a file of so many bytes.
    pub(crate) fn read(
        &self,
        address: &Address,
        etag: &str,
        (range, length): (ByteRange, u64),
        deadline: Instant,
    ) -> Result<Vec<u8>, FetchError> {
        let last = range.offset.saturating_add(range.length).saturating_sub(1);
        let asked = [(RANGE, format!("bytes={}-{last}", range.offset)), (IF_MATCH, etag.to_owned())];
        let response = match self.answer(address, &asked, deadline) {
            Ok(response) => response,
            Err(Failure::Gone) => return Err(FetchError::Changed),
            Err(Failure::Fetch(error)) => return Err(Arc::into_inner(error).unwrap_or(FetchError::Abandoned)),
        };
        let is_same = header(&response, ETAG) == Some(etag);
        match response.status().as_u16() {
            206 if is_same && content_range(&response) == Some((range.offset, range.length, length)) => {}
            // All of it, though a part was asked for; or it is another one by now.
            200 | 206 | 404 | 410 | 412 | 416 => return Err(FetchError::Changed),
            status @ (401 | 403 | 451) => return Err(FetchError::Refused { status }),
            status => return Err(FetchError::Status { status }),
        }
        // Limits of files are not for parts of them.
        let mut incoming = found(response, Limits { max_file: range.length, ..self.limits }, deadline)?;
        incoming.length = Some(range.length);
        incoming.all()
    }

    /// What is answered at the end of all redirects.
    fn answer(
        &self,
        address: &Address,
        asked: &[(HeaderName, String)],
        deadline: Instant,
    ) -> Result<Response<Body>, Failure> {
        let mut at = address.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&at, asked, deadline)?;
            match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => at = self.follow(&at, &response)?,
                _ => return Ok(response),
            }
        }
        Err(FetchError::TooManyRedirects { limit: MOST_REDIRECTS }.into())
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

    /// The beginning of a file, or all of it if it is no longer; `None` when the answer is not what was asked for.
    fn begun(&self, response: Response<Body>, beginning: u64, deadline: Instant) -> Result<Option<Answer>, FetchError> {
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
        Ok(Some(Answer::Begun(Begun { bytes: incoming.all()?, length, validators })))
    }
}

fn found(response: Response<Body>, limits: Limits, deadline: Instant) -> Result<Incoming, FetchError> {
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
    fn all(mut self) -> Result<Vec<u8>, FetchError> {
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

/// A header's text, if it is one in plain characters.
fn header(response: &Response<Body>, name: HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// True when it is said to be a page for people: a login or a notice comes so with status 200, and no image does.
fn is_web_page(response: &Response<Body>) -> bool {
    let types = response.headers().get_all(CONTENT_TYPE).iter();
    types.map(|value| value.as_bytes().split(|byte| matches!(byte, b';' | b',')).next()).any(|first| {
        let first = first.unwrap_or_default().trim_ascii();
        first.eq_ignore_ascii_case(b"text/html") || first.eq_ignore_ascii_case(b"application/xhtml+xml")
    })
}

/// Why an answer with this status is no file.
fn refusal(status: u16) -> Failure {
    match status {
        404 | 410 => Failure::Gone,
        401 | 403 | 451 => FetchError::Refused { status }.into(),
        status => FetchError::Status { status }.into(),
    }
}

/// The range that an answer gives, and the length of the whole: the first byte, how many they are, of how many. RFC 9110 §14.4.
fn content_range(response: &Response<Body>) -> Option<(u64, u64, u64)> {
    let (range, length) = header(response, CONTENT_RANGE)?.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, length): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, length.parse().ok()?);
    let count = last.checked_sub(first)?.checked_add(1)?;
    (last < length).then_some((first, count, length))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers one request with the beginning of a file, then says nothing more until the other side leaves.
    fn silent_origin() -> (String, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let origin = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").unwrap();
            assert!(stream.read(&mut head).is_ok_and(|count| count == 0));
        });
        (base, origin)
    }

    #[test]
    fn an_origin_that_falls_silent_is_given_up() {
        let (base, origin) = silent_origin();
        let silence = Duration::from_millis(100);
        let limits = Limits { silence, ..Limits::new(Duration::from_secs(20), 1000, "source.remote.max_file") };
        let client = Client::new(Prefixes::parse(std::slice::from_ref(&base)).unwrap(), limits);
        let address = Address::parse(&format!("{base}a.jpg")).unwrap();
        let Ok(Answer::Found(mut incoming)) = client.get(&address, &Validators::default(), 0) else {
            panic!("no file is found");
        };
        assert_eq!(incoming.length, Some(10));
        let mut buffer = [0; 100];
        assert_eq!(incoming.read(&mut buffer).unwrap(), 3);
        let error = incoming.read(&mut buffer).unwrap_err();
        assert_eq!(error.to_string(), "waiting for a byte took longer than 100 ms");
        drop(incoming);
        origin.join().unwrap();
    }
}
