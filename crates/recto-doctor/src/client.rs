//! Requests within the bounds of the options: each redirect seen, bodies cut, time and number counted.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::Request;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use crate::{Options, Progress, address::Address};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientError {
    /// The bounds of the options are reached.
    #[error("the bound of {0} is reached")]
    Spent(&'static str),
    /// A host that nothing named.
    #[error("the host `{0}` is named neither by the caller nor by a document")]
    Host(String),
    /// No connection, or no HTTP on it.
    #[error("{url}: {reason}")]
    Failed {
        /// The address.
        url: String,
        /// What happened.
        reason: String,
    },
}

impl ClientError {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            // These are the words of the library that speaks TLS.
            Self::Failed { reason, .. } if reason.contains("certificate") => {
                "Browsers refuse it too: give the server a certificate for this name, with those between it and the authority, in date. \
                 An authority of your own can be trusted with `--trust FILE`."
            }
            Self::Failed { .. } => "See whether the address is right and the server is up.",
            Self::Spent(_) => "Raise the bound.",
            Self::Host(_) => "Name the host in the document.",
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Where it came from at last.
    pub(crate) url: Address,
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// True when the body was longer than is read.
    pub(crate) is_cut: bool,
    /// From sending the request (the last of a chain) to the end of the body.
    pub(crate) elapsed: Duration,
    /// The redirects on the way.
    pub(crate) hops: Vec<Hop>,
}

/// A redirect.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) from: Address,
    pub(crate) status: u16,
    pub(crate) has_cors: bool,
}

pub(crate) struct Client<'o> {
    agent: Agent,
    pub(crate) options: &'o Options,
    progress: &'o mut dyn Progress,
    started: Instant,
    pub(crate) requests: u32,
    hosts: BTreeSet<String>,
}

/// A request that is being put together.
pub(crate) struct Wanted<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: &'a Address,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) follow: bool,
}

impl<'a> Wanted<'a> {
    pub(crate) fn get(url: &'a Address) -> Self {
        Self { method: "GET", url, headers: Vec::new(), follow: true }
    }

    pub(crate) fn method(url: &'a Address, method: &'static str) -> Self {
        Self { method, ..Self::get(url) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without_redirects(mut self) -> Self {
        self.follow = false;
        self
    }
}

impl<'o> Client<'o> {
    pub(crate) fn new(options: &'o Options, progress: &'o mut dyn Progress) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(64 << 10)
            .user_agent(options.user_agent.as_str())
            .tls_config(tls(options.trusted.as_deref()))
            .build();
        let agent = Agent::new_with_config(config);
        Self { agent, options, progress, started: Instant::now(), requests: 0, hosts: BTreeSet::new() }
    }

    /// Allows requests to the host of an address, because the caller or a document named it.
    pub(crate) fn name(&mut self, address: &Address) {
        self.hosts.insert(address.host.clone());
    }

    pub(crate) fn begin_check(&mut self, title: &str) {
        self.progress.check(title);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn get(&mut self, url: &Address) -> Result<Answer, ClientError> {
        self.send(&Wanted::get(url))
    }

    /// Sends a request and follows its redirects.
    pub(crate) fn send(&mut self, wanted: &Wanted<'_>) -> Result<Answer, ClientError> {
        let mut url = wanted.url.clone();
        let mut hops = Vec::new();
        loop {
            let mut answer = self.send_once(wanted, &url)?;
            let target = answer.header("location").and_then(|location| url.join(location));
            let is_redirect = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
            match target {
                Some(target) if wanted.follow && is_redirect && hops.len() < self.options.most_redirects as usize => {
                    hops.push(Hop { from: url, status: answer.status, has_cors: self.has_cors(&answer) });
                    self.name(&target);
                    url = target;
                }
                _ => {
                    answer.hops = hops;
                    return Ok(answer);
                }
            }
        }
    }

    /// True when a script on another site may read the answer.
    pub(crate) fn has_cors(&self, answer: &Answer) -> bool {
        answer.header("access-control-allow-origin").is_some_and(|value| value == "*" || value == self.options.origin)
    }

    fn send_once(&mut self, wanted: &Wanted<'_>, url: &Address) -> Result<Answer, ClientError> {
        if !self.hosts.contains(&url.host) {
            return Err(ClientError::Host(url.host.clone()));
        }
        if self.requests >= self.options.most_requests {
            return Err(ClientError::Spent("requests"));
        }
        if !self.options.delay.is_zero() && self.requests > 0 {
            std::thread::sleep(self.options.delay);
        }
        let left = self.options.most_time.checked_sub(self.started.elapsed()).filter(|left| !left.is_zero());
        let timeout = left.ok_or(ClientError::Spent("time"))?.min(self.options.timeout);
        self.requests += 1;
        self.progress.request(wanted.method, &url.to_string());

        let failed = |reason: String| ClientError::Failed { url: url.to_string(), reason };
        let has = |name: &str| wanted.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let mut request = Request::builder().method(wanted.method).uri(url.to_string());
        for (name, value) in [("Accept", "*/*"), ("Accept-Encoding", "identity"), ("Origin", &self.options.origin)] {
            if !has(name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in &wanted.headers {
            request = request.header(*name, value);
        }
        let request = request.body(()).map_err(|error| failed(error.to_string()))?;
        let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
        let begun = Instant::now();
        let response = self.agent.run(request).map_err(|error| failed(error.to_string()))?;
        let (parts, body) = response.into_parts();
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let (body, is_cut) = read(body, self.options.most_body_bytes).map_err(|error| failed(error.to_string()))?;
        Ok(Answer {
            url: url.clone(),
            status: parts.status.as_u16(),
            headers,
            body,
            is_cut,
            elapsed: begun.elapsed(),
            hops: Vec::new(),
        })
    }
}

/// Trusts the authorities of the file that was given, else the public ones.
fn tls(trusted: Option<&[u8]>) -> TlsConfig {
    let config = TlsConfig::builder();
    let Some(pem) = trusted else { return config.build() };
    let certificates: Vec<Certificate<'static>> = parse_pem(pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    config.root_certs(RootCerts::new_with_certs(&certificates)).build()
}

fn read(body: Body, most_bytes: usize) -> std::io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    // The limit is ours: one byte more tells whether anything was cut.
    let reader = body.into_with_config().limit(u64::MAX).reader();
    reader.take(most_bytes as u64 + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() > most_bytes;
    bytes.truncate(most_bytes);
    Ok((bytes, is_cut))
}

impl Answer {
    /// The value of a header; several of one name are joined.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The values of all headers of this name, joined.
    pub(crate) fn all(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        values.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// `Content-Type` without parameters, in small letters.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    pub(crate) fn is_json_type(&self) -> bool {
        matches!(self.media_type().as_str(), "application/json" | "application/ld+json")
    }

    pub(crate) fn json(&self) -> Option<Value> {
        let text = self.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.body);
        serde_json::from_slice(text).ok()
    }

    /// Status, type and length, for people.
    pub(crate) fn summary(&self) -> String {
        let kind = self.header("content-type").unwrap_or("no Content-Type");
        let more = if self.is_cut { "more than " } else { "" };
        let mut summary = format!("{} · {} · {more}{} bytes", self.status, excerpt(kind, 80), self.body.len());
        for hop in &self.hops {
            summary.push_str(&format!(" · after a redirect {} from {}", hop.status, hop.from));
        }
        summary
    }

    /// The summary, and how a body of text begins.
    pub(crate) fn seen(&self) -> String {
        let kind = self.media_type();
        let is_text = kind.starts_with("text/") || kind.contains("json") || kind.contains("xml");
        match std::str::from_utf8(&self.body) {
            Ok(text) if is_text && !text.is_empty() => format!("{} · {}", self.summary(), excerpt(text, 160)),
            _ => self.summary(),
        }
    }
}

/// The beginning of a text of others, on one line.
pub(crate) fn excerpt(text: &str, most: usize) -> String {
    let plain: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_were_named_are_asked() {
        let options = Options::default();
        let mut client_progress = ();
        let mut client = Client::new(&options, &mut client_progress);
        let url = Address::parse("http://127.0.0.1:9/").unwrap();
        assert_eq!(client.get(&url).unwrap_err(), ClientError::Host("127.0.0.1:9".to_owned()));
        assert_eq!(client.requests, 0);
        client.name(&url);
        assert!(matches!(client.get(&url), Err(ClientError::Failed { .. })));
    }

    #[test]
    fn what_is_the_matter_with_a_certificate_is_told_with_the_way_out() {
        let failed = |reason: &str| ClientError::Failed { url: "https://a.org/".to_owned(), reason: reason.to_owned() };
        let remedy = failed("io: invalid peer certificate: UnknownIssuer").remedy();
        assert!(remedy.contains("--trust FILE"), "{remedy}");
        assert_eq!(failed("connection refused").remedy(), "See whether the address is right and the server is up.");
    }

    #[test]
    fn excerpts_are_one_line_and_short() {
        assert_eq!(excerpt("a\n\tb \u{1b}[31m c", 100), "a b [31m c");
        assert_eq!(excerpt("äöü", 2), "äö…");
    }
}
