//! One fetch over HTTP: redirects followed by hand, every wait bounded.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_config::ByteSize;
use ureq::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED, LOCATION, TRANSFER_ENCODING,
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
}

/// What the origin answers.
pub(crate) enum Answer {
    /// What is kept is still the same.
    Unchanged(Validators),
    /// Here it is.
    Found(Box<Incoming>),
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

    /// Asks for a file, or whether it is still the one that `known` is of.
    pub(crate) fn get(&self, address: &Address, known: &Validators) -> Result<Answer, Failure> {
        let deadline = Instant::now() + self.limits.timeout;
        let mut at = address.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&at, known, deadline)?;
            match response.status().as_u16() {
                200 => {
                    return self
                        .found(response, deadline)
                        .map(|incoming| Answer::Found(Box::new(incoming)))
                        .map_err(Failure::from);
                }
                304 if !known.is_empty() => return Ok(Answer::Unchanged(Validators::of(&response))),
                301 | 302 | 303 | 307 | 308 => at = self.follow(&at, &response)?,
                404 | 410 => return Err(Failure::Gone),
                status @ (401 | 403 | 451) => return Err(FetchError::Refused { status }.into()),
                status => return Err(FetchError::Status { status }.into()),
            }
        }
        Err(FetchError::TooManyRedirects { limit: MOST_REDIRECTS }.into())
    }

    fn ask(&self, at: &Address, known: &Validators, deadline: Instant) -> Result<Response<Body>, FetchError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.limits.explain(ureq::Error::Timeout(Timeout::Global)));
        }
        let mut request =
            Request::get(at.as_str()).header("Accept", "image/*,*/*;q=0.8").header("Accept-Encoding", "identity");
        let conditions = [("If-None-Match", &known.etag), ("If-Modified-Since", &known.last_modified)];
        for (name, value) in conditions {
            if let Some(value) = value {
                request = request.header(name, value);
            }
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

    fn found(&self, response: Response<Body>, deadline: Instant) -> Result<Incoming, FetchError> {
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
            Some(length) if length > self.limits.max_file => return Err(self.limits.too_long()),
            _ => {}
        }
        let validators = Validators::of(&response);
        let body = response.into_body().into_with_config().limit(u64::MAX).reader();
        Ok(Incoming { length, validators, body, limits: self.limits, deadline, got: 0 })
    }
}

impl Incoming {
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
        let Ok(Answer::Found(mut incoming)) = client.get(&address, &Validators::default()) else {
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
