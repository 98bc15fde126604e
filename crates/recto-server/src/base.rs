//! The public URL of this server, as the one who asks sees it.
//!
//! A configured base URL always wins. Else the `Host` header counts; what proxies add (`Forwarded`, `X-Forwarded-Proto`,
//! `-Host`, `-Port`, `-Prefix`) is believed only from trusted networks, since anyone can send it.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::{FORWARDED, HOST};
use ipnet::IpNet;

/// Finds the public URL of each request.
#[derive(Clone, Debug)]
pub(crate) struct PublicUrl {
    configured: Option<String>,
    trusted: Vec<IpNet>,
}

/// How a request reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Scheme, host, port if not the usual one, and path prefix, without a final slash.
    pub(crate) base: String,
    /// Who asked: behind trusted proxies, the one that they name.
    pub(crate) client: IpAddr,
}

impl PublicUrl {
    pub(crate) fn new(configured: Option<String>, trusted: Vec<IpNet>) -> Self {
        Self { configured, trusted }
    }

    /// The public URL for a request from `peer`. `authority` is the request target's own, as HTTP/2 has it.
    pub(crate) fn of(&self, peer: IpAddr, authority: Option<&str>, headers: &HeaderMap) -> Reached {
        let told =
            if self.is_trusted(peer) { Told::by(headers, |address| self.is_trusted(address)) } else { Told::default() };
        let own_host = authority.or_else(|| text(headers, HOST.as_str())).filter(|host| is_host(host));
        self.reached(peer, own_host, &told)
    }

    /// The public URL for a request from `peer` with this `Host`, which is one (see [`is_host`]), and nothing that a proxy adds.
    pub(crate) fn plain(&self, peer: IpAddr, host: &str) -> Reached {
        self.reached(peer, Some(host), &Told::default())
    }

    fn reached(&self, peer: IpAddr, own_host: Option<&str>, told: &Told<'_>) -> Reached {
        let client = told.client.unwrap_or(peer);
        if let Some(base) = &self.configured {
            return Reached { base: base.clone(), client };
        }
        let scheme = told.scheme.unwrap_or("http");
        let host = told.host.or(own_host).unwrap_or("localhost");
        let mut base = format!("{scheme}://{host}");
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        match (told.port, scheme) {
            (Some(port), _) if !has_port && usual_port(scheme) != port => base.push_str(&format!(":{port}")),
            _ => {}
        }
        if has_port
            && let Some((bare, port)) = host.rsplit_once(':')
            && port.parse() == Ok(usual_port(scheme))
        {
            base = format!("{scheme}://{bare}");
        }
        base.push_str(told.prefix.unwrap_or_default());
        Reached { base, client }
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// What trusted proxies say.
#[derive(Debug, Default)]
struct Told<'a> {
    scheme: Option<&'static str>,
    host: Option<&'a str>,
    port: Option<u16>,
    prefix: Option<&'a str>,
    client: Option<IpAddr>,
}

impl<'a> Told<'a> {
    /// `Forwarded` (RFC 7239) where it is there, else the `X-Forwarded-*` family. Of a list of hosts and schemes the first
    /// counts, as it was nearest to the client; of the addresses the last that is not itself trusted.
    fn by(headers: &'a HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> Self {
        let mut told = Self {
            prefix: first(text(headers, "x-forwarded-prefix"))
                .filter(|prefix| is_prefix(prefix))
                .map(|p| p.trim_end_matches('/')),
            ..Self::default()
        };
        if let Some(forwarded) = text(headers, FORWARDED.as_str()) {
            let pairs =
                forwarded.split(',').next().unwrap_or_default().split(';').filter_map(|pair| pair.split_once('='));
            for (name, value) in pairs {
                let value = value.trim().trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    "proto" => told.scheme = scheme(value),
                    "host" => told.host = Some(value).filter(|host| is_host(host)),
                    _ => {}
                }
            }
            let addresses = forwarded.split(',').filter_map(|element| {
                let (_, value) = element
                    .split(';')
                    .filter_map(|p| p.split_once('='))
                    .find(|(n, _)| n.trim().eq_ignore_ascii_case("for"))?;
                Some(value.trim().trim_matches('"'))
            });
            told.client = nearest(addresses, trusted);
            return told;
        }
        told.scheme = first(text(headers, "x-forwarded-proto")).and_then(scheme);
        told.host = first(text(headers, "x-forwarded-host")).filter(|host| is_host(host));
        told.port = first(text(headers, "x-forwarded-port")).and_then(|port| port.parse().ok());
        told.client = nearest(text(headers, "x-forwarded-for").unwrap_or_default().split(','), trusted);
        told
    }
}

fn nearest<'a>(addresses: impl Iterator<Item = &'a str>, trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let all: Vec<IpAddr> = addresses.filter_map(address).collect();
    all.iter().rev().copied().find(|address| !trusted(*address)).or(all.first().copied())
}

fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip())).or_else(|| {
        text.strip_prefix('[').and_then(|rest| rest.split_once(']')).and_then(|(inner, _)| inner.parse().ok())
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn first(list: Option<&str>) -> Option<&str> {
    list.and_then(|list| list.split(',').next()).map(str::trim).filter(|item| !item.is_empty())
}

fn scheme(text: &str) -> Option<&'static str> {
    if text.eq_ignore_ascii_case("https") {
        Some("https")
    } else if text.eq_ignore_ascii_case("http") {
        Some("http")
    } else {
        None
    }
}

const fn usual_port(scheme: &str) -> u16 {
    if scheme.len() == 5 { 443 } else { 80 }
}

/// A host, with a port or not, and nothing that could break out of a URL or a header.
pub(crate) fn is_host(text: &str) -> bool {
    let port = text.rsplit_once(':').filter(|(before, _)| !before.contains(':') || before.ends_with(']'));
    port.is_none_or(|(before, port)| !before.is_empty() && port.parse::<u16>().is_ok())
        && !text.is_empty()
        && text.len() <= 255
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']'))
}

/// HTTP/1.1 asks for exactly one `Host`, and for one that is a host. RFC 9112 §3.2.
pub(crate) fn has_sound_host(version: http::Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_host),
        (None, _) => version != http::Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

fn is_prefix(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'/' | b'%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect()
    }

    fn base(peer: &str, pairs: &[(&'static str, &'static str)]) -> String {
        let url = PublicUrl::new(None, vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        url.of(peer.parse().unwrap(), None, &headers(pairs)).base
    }

    #[test]
    fn the_public_url_is_the_one_that_was_asked_for() {
        const HOST: (&str, &str) = ("host", "a.example:8182");
        type Headers = &'static [(&'static str, &'static str)];
        let cases: &[(&str, Headers, &str)] = &[
            ("192.0.2.1", &[HOST], "http://a.example:8182"),
            ("192.0.2.1", &[("host", "a.example:80")], "http://a.example"),
            ("192.0.2.1", &[("host", "[::1]:8182")], "http://[::1]:8182"),
            ("192.0.2.1", &[("host", "a\"b")], "http://localhost"),
            ("192.0.2.1", &[], "http://localhost"),
            // Not from a trusted network: no effect.
            (
                "192.0.2.1",
                &[HOST, ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")],
                "http://a.example:8182",
            ),
            ("192.0.2.1", &[HOST, ("forwarded", "proto=https;host=evil.example")], "http://a.example:8182"),
            // nginx, Traefik, Apache.
            (
                "10.1.2.3",
                &[HOST, ("x-forwarded-proto", "https"), ("x-forwarded-host", "b.example")],
                "https://b.example",
            ),
            (
                "10.1.2.3",
                &[HOST, ("x-forwarded-proto", "https, http"), ("x-forwarded-host", "b.example, c.internal")],
                "https://b.example",
            ),
            (
                "10.1.2.3",
                &[
                    HOST,
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "b.example"),
                    ("x-forwarded-port", "8443"),
                ],
                "https://b.example:8443",
            ),
            (
                "10.1.2.3",
                &[HOST, ("x-forwarded-proto", "https"), ("x-forwarded-host", "b.example"), ("x-forwarded-port", "443")],
                "https://b.example",
            ),
            (
                "10.1.2.3",
                &[HOST, ("x-forwarded-proto", "https"), ("x-forwarded-host", "b.example:443")],
                "https://b.example",
            ),
            (
                "10.1.2.3",
                &[HOST, ("x-forwarded-host", "b.example"), ("x-forwarded-prefix", "/images/")],
                "http://b.example/images",
            ),
            (
                "10.1.2.3",
                &[HOST, ("x-forwarded-host", "b.example"), ("x-forwarded-prefix", "//evil.example")],
                "http://b.example",
            ),
            ("10.1.2.3", &[HOST, ("x-forwarded-proto", "javascript")], "http://a.example:8182"),
            ("10.1.2.3", &[HOST, ("forwarded", "for=192.0.2.60;proto=https;host=d.example")], "https://d.example"),
            (
                "10.1.2.3",
                &[HOST, ("forwarded", "For=\"[2001:db8::1]:4711\";Host=\"d.example:8443\";Proto=https, for=10.0.0.9")],
                "https://d.example:8443",
            ),
            ("::1", &[HOST, ("x-forwarded-proto", "https")], "https://a.example:8182"),
            ("::ffff:10.1.2.3", &[HOST, ("x-forwarded-host", "b.example")], "http://b.example"),
        ];
        for (peer, pairs, want) in cases {
            assert_eq!(base(peer, pairs), *want, "{peer} {pairs:?}");
        }
    }

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for (host, want) in [
            ("a.example", true),
            ("a.example:8182", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("[::1]:8182", true),
            ("a.example:99999", false),
            ("a.example:", false),
            (":80", false),
            ("a b", false),
            ("u@a.example", false),
            ("a.example/x", false),
            ("", false),
        ] {
            let headers = [(HOST, http::HeaderValue::from_static(host))].into_iter().collect();
            assert_eq!(has_sound_host(http::Version::HTTP_11, &headers), want, "{host}");
        }
        assert!(!has_sound_host(http::Version::HTTP_11, &HeaderMap::new()));
        assert!(has_sound_host(http::Version::HTTP_2, &HeaderMap::new()), "there the target has it");
    }

    #[test]
    fn a_configured_base_url_wins_over_everything() {
        let url = PublicUrl::new(Some("https://x.example/y".into()), vec!["0.0.0.0/0".parse().unwrap()]);
        let headers = headers(&[("host", "a"), ("x-forwarded-host", "b")]);
        assert_eq!(url.of("192.0.2.1".parse().unwrap(), None, &headers).base, "https://x.example/y");
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy_of_ours() {
        let url = PublicUrl::new(None, vec!["10.0.0.0/8".parse().unwrap()]);
        for (header, value, want) in [
            ("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
            ("forwarded", "for=203.0.113.9, for=\"198.51.100.7:5000\", for=10.0.0.2", "198.51.100.7"),
            ("x-forwarded-for", "rubbish", "10.0.0.1"),
        ] {
            let client = url.of("10.0.0.1".parse().unwrap(), None, &headers(&[(header, value)])).client;
            assert_eq!(client, want.parse::<IpAddr>().unwrap(), "{header}: {value}");
        }
    }
}
