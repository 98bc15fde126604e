//! URLs in one normal form, so that what begins with a prefix really lies beneath it.

use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::identifier::split_page;

/// Longest URL in bytes.
const MOST_BYTES: usize = 4095;
/// How often percent signs are decoded to look for what is hidden; an origin decodes once or twice.
const MOST_DECODING: usize = 4;
/// Longest part of a URL in a message, in characters.
const MOST_SHOWN: usize = 300;

const CLIMBS: &str = "it holds a segment `.` or `..`";
const BACKSLASH: &str = "it holds a backslash";
const CONTROL: &str = "it holds a control character";

/// True when a text is meant as a URL that is fetched: it begins with `http://` or `https://`.
pub(crate) fn is_url(text: &str) -> bool {
    let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// The URL as messages and logs may show it: without its query, which may hold a token, and without a user's name.
pub(crate) fn shown(text: &str) -> String {
    let (text, has_more) = match text.find(['?', '#']) {
        Some(end) => (text.get(..end).unwrap_or_default(), true),
        None => (text, false),
    };
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or_else(|| authority.to_owned(), |(_, host)| format!("…@{host}"));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let whole = format!("{scheme}{separator}{host}{path}");
    let mut short: String = whole.chars().take(MOST_SHOWN).collect();
    if short.len() < whole.len() {
        short.push('…');
    }
    let mut text = short.escape_debug().to_string();
    if has_more {
        text.push_str("?…");
    }
    text
}

/// An `http` or `https` URL in normal form: scheme and host in small letters, no default port, no user, no fragment, percent
/// signs only before what needs them, no segment that climbs however it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    text: Arc<str>,
    /// Where the path begins.
    path: usize,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        parse(text).map(|(address, _)| address)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// As messages show it.
    pub(crate) fn shown(&self) -> String {
        shown(&self.text)
    }

    /// Scheme, host and port, as `https://a.org`.
    pub(crate) fn origin(&self) -> &str {
        self.text.get(..self.path).unwrap_or_default()
    }

    fn path(&self) -> &str {
        let tail = self.text.get(self.path..).unwrap_or_default();
        tail.split_once('?').map_or(tail, |(path, _)| path)
    }

    /// True when it leads to this machine itself, where no proxy is asked.
    pub(crate) fn is_here(&self) -> bool {
        let (_, authority) = self.origin().split_once("://").unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map_or(rest, |(host, _)| host),
            None => authority.split_once(':').map_or(authority, |(host, _)| host),
        };
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Where a reference (of a redirect) leads that was found here. RFC 3986 section 5.2.
    ///
    /// # Errors
    /// The rule that the target breaks.
    pub(crate) fn join(&self, reference: &str) -> Result<Self, &'static str> {
        let reference = reference.trim().split_once('#').map_or(reference.trim(), |(before, _)| before);
        let scheme = self.origin().split_once("://").map_or("https", |(scheme, _)| scheme);
        let absolute = if has_scheme(reference) {
            reference.to_owned()
        } else if reference.starts_with("//") {
            format!("{scheme}:{reference}")
        } else if reference.starts_with('/') {
            format!("{}{reference}", self.origin())
        } else if reference.starts_with('?') {
            format!("{}{}{reference}", self.origin(), self.path())
        } else if reference.is_empty() {
            self.text.to_string()
        } else {
            let folder = self.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{}{folder}/{reference}", self.origin())
        };
        Self::parse(&without_dots(&absolute))
    }
}

/// The URL and the page that an identifier means.
///
/// # Errors
/// The rule that the URL breaks.
pub(crate) fn page_of(text: &str) -> Result<(Address, u32), &'static str> {
    let (url, page) = split_page(text).unwrap_or((text, 1));
    Address::parse(url).map(|address| (address, page))
}

/// URLs that what is fetched must begin with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefixes(Vec<Arc<str>>);

impl Prefixes {
    /// Reads prefixes.
    ///
    /// # Errors
    /// The first one that is none, and the rule that it breaks.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, (String, &'static str)> {
        let parse = |text: &String| prefix(text).map_err(|rule| (text.clone(), rule));
        texts.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn admit(&self, address: &Address) -> bool {
        self.0.iter().any(|prefix| address.as_str().starts_with(&**prefix))
    }
}

/// One prefix in normal form. It names the whole host: `https://a.org` would also be the beginning of `https://a.org.evil/`.
pub(crate) fn prefix(text: &str) -> Result<Arc<str>, &'static str> {
    let (address, has_path) = parse(text)?;
    if has_path { Ok(address.text) } else { Err("the host is not followed by `/`") }
}

/// The address, and whether a path was given.
fn parse(text: &str) -> Result<(Address, bool), &'static str> {
    if text.len() > MOST_BYTES {
        return Err("it is longer than 4095 bytes");
    }
    if text.chars().any(char::is_control) {
        return Err(CONTROL);
    }
    if text.contains('\\') {
        return Err(BACKSLASH);
    }
    if text.contains('#') {
        return Err("it holds a fragment (`#`)");
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => ("http", 80),
        "https" => ("https", 443),
        _ => return Err("it does not begin with `http://` or `https://`"),
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = normal_authority(authority, default_port)?;
    let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
    let has_path = !path.is_empty();
    let path = if has_path { normal(path, Part::Path)? } else { "/".to_owned() };
    let query = query.map(|query| normal(query, Part::Query).map(|query| format!("?{query}"))).transpose()?;
    let origin = format!("{scheme}://{authority}");
    let whole = format!("{origin}{path}{}", query.unwrap_or_default());
    if whole.len() > MOST_BYTES {
        return Err("it is longer than 4095 bytes");
    }
    Ok((Address { text: whole.into(), path: origin.len() }, has_path))
}

fn normal_authority(authority: &str, default_port: u16) -> Result<String, &'static str> {
    const PORT: &str = "its port is no number from 1 to 65535";
    if authority.contains('@') {
        return Err("it names a user (`@`)");
    }
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (inner, after) = rest.split_once(']').ok_or("its host is no IPv6 address")?;
        let address: Ipv6Addr = inner.parse().map_err(|_| "its host is no IPv6 address")?;
        let port = if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or(PORT)?) };
        (format!("[{address}]"), port)
    } else {
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        let host = host.to_ascii_lowercase();
        if host.is_empty() {
            return Err("it has no host");
        }
        if host.len() > 253 || !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')) {
            return Err("its host is no host name; names in other scripts are written in the form `xn--…`");
        }
        (host, port)
    };
    match port {
        None | Some("") => Ok(host),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse::<u16>() {
            Ok(0) | Err(_) => Err(PORT),
            Ok(port) if port == default_port => Ok(host),
            Ok(port) => Ok(format!("{host}:{port}")),
        },
        Some(_) => Err(PORT),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

/// A path or a query in normal form. RFC 3986 section 6.2.2.
fn normal(text: &str, part: Part) -> Result<String, &'static str> {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let (byte, is_encoded) = if byte == b'%' {
            let digits = bytes.next().and_then(hex).zip(bytes.next().and_then(hex));
            let (high, low) = digits.ok_or("a `%` is not followed by two hexadecimal digits")?;
            (high << 4 | low, true)
        } else {
            (byte, false)
        };
        // What a query means is the origin's alone.
        let stays = if is_encoded { part == Part::Path && is_unreserved(byte) } else { is_allowed(byte, part) };
        if stays { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    check_depths(&out, part).map_or(Ok(out), Err)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn is_allowed(byte: u8, part: Part) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@/".contains(&byte) || (byte == b'?' && part == Part::Query)
}

/// The rule that a part breaks as it stands, or once an origin has decoded it, or once more.
fn check_depths(text: &str, part: Part) -> Option<&'static str> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..MOST_DECODING {
        if let Some(rule) = check_bytes(&bytes, part) {
            return Some(rule);
        }
        let decoded = decode(&bytes);
        if decoded == bytes {
            return None;
        }
        bytes = decoded;
    }
    Some("its percent signs are encoded over and over")
}

fn check_bytes(bytes: &[u8], part: Part) -> Option<&'static str> {
    if bytes.iter().any(u8::is_ascii_control) {
        return Some(CONTROL);
    }
    if bytes.contains(&b'\\') {
        return Some(BACKSLASH);
    }
    let ends = |byte: &u8| match part {
        Part::Path => *byte == b'/',
        Part::Query => matches!(byte, b'/' | b'&' | b'=' | b'?'),
    };
    // Some origins take what follows a `;` for parameters, and climb on `..;x`.
    let climbs = bytes.split(ends).any(|segment| match segment.split(|byte| *byte == b';').next() {
        Some(b"..") => true,
        Some(b".") => part == Part::Path,
        _ => false,
    });
    climbs.then_some(CLIMBS)
}

/// Every `%XX` as its byte; whatever else stays.
fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        let digits = match (*first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = digits {
            out.push(high << 4 | low);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

fn has_scheme(reference: &str) -> bool {
    let end = reference.find(['/', '?', ':']).unwrap_or(0);
    reference.get(end..).is_some_and(|rest| rest.starts_with(':'))
        && reference.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// Takes the segments `.` and `..` out of the path of an absolute URL, as a browser does with those of a reference.
fn without_dots(url: &str) -> String {
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let start = before.find("://").map_or(0, |at| at + 3);
    let path_start = before.get(start..).and_then(|rest| rest.find('/')).map_or(before.len(), |at| start + at);
    let (origin, path) = before.split_at(path_start);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    let slash = if path.is_empty() { "" } else { "/" };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{origin}{slash}{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal_of(text: &str) -> Result<String, &'static str> {
        Address::parse(text).map(|address| address.as_str().to_owned())
    }

    #[test]
    fn urls_have_one_normal_form() {
        for (given, want) in [
            ("https://a.org/x.jpg", "https://a.org/x.jpg"),
            ("HTTPS://A.Org/X.jpg", "https://a.org/X.jpg"),
            ("https://a.org:443/x", "https://a.org/x"),
            ("http://a.org:80/x", "http://a.org/x"),
            ("http://a.org:0443/x", "http://a.org:443/x"),
            ("https://a.org:/x", "https://a.org/x"),
            ("https://a.org", "https://a.org/"),
            ("https://a.org?x=1", "https://a.org/?x=1"),
            ("https://a.org/a%2fb%41%7e%c3%bc", "https://a.org/a%2FbA~%C3%BC"),
            ("https://a.org/ü and \"<>`{}[]|^", "https://a.org/%C3%BC%20and%20%22%3C%3E%60%7B%7D%5B%5D%7C%5E"),
            ("https://a.org/x?q=%41 ü/?&b", "https://a.org/x?q=%41%20%C3%BC/?&b"),
            ("https://a.org//x/https://b.org/y", "https://a.org//x/https://b.org/y"),
            ("https://[2001:DB8:0:0::1]:8443/x", "https://[2001:db8::1]:8443/x"),
            ("https://a.org/a;b/v1..2/...", "https://a.org/a;b/v1..2/..."),
        ] {
            assert_eq!(normal_of(given).as_deref(), Ok(want), "{given}");
            assert_eq!(normal_of(want).as_deref(), Ok(want), "{want}");
        }
    }

    #[test]
    fn urls_that_trick_are_refused_by_the_rule_they_break() {
        let user = "it names a user (`@`)";
        let scheme = "it does not begin with `http://` or `https://`";
        let port = "its port is no number from 1 to 65535";
        let host = "its host is no host name; names in other scripts are written in the form `xn--…`";
        let percent = "a `%` is not followed by two hexadecimal digits";
        for (given, want) in [
            ("https://a.org/x/../../secret", CLIMBS),
            ("https://a.org/x/./y", CLIMBS),
            ("https://a.org/..", CLIMBS),
            ("https://a.org/%2e%2e/secret", CLIMBS),
            ("https://a.org/x/.%2E/secret", CLIMBS),
            ("https://a.org/%252e%252e/secret", CLIMBS),
            ("https://a.org/x%2F..%2Fsecret", CLIMBS),
            ("https://a.org/x/..;a=b/secret", CLIMBS),
            ("https://a.org/get?file=public/../secret", CLIMBS),
            ("https://a.org/get?file=public%2f%2e%2e%2fsecret", CLIMBS),
            ("https://a.org/%252525252e", "its percent signs are encoded over and over"),
            ("https://a.org\\@evil.org/", BACKSLASH),
            ("https://a.org/%5c..%5csecret", BACKSLASH),
            ("https://a.org/%00", CONTROL),
            ("https://a.org/x\r\nHost: evil", CONTROL),
            ("https://a.org/x%0d%0a", CONTROL),
            ("https://a.org@evil.org/", user),
            ("https://a.org:x@evil.org/", user),
            ("https://a.org/x#@evil.org", "it holds a fragment (`#`)"),
            ("https://a.org#/", "it holds a fragment (`#`)"),
            ("https:///x", "it has no host"),
            ("https://:443/x", "it has no host"),
            ("https://bücher.example/", host),
            ("https://a%2eorg/", host),
            ("https://a.org:0/", port),
            ("https://a.org:65536/", port),
            ("https://a.org:+80/", port),
            ("https://[::1]x/", port),
            ("https://[::1/", "its host is no IPv6 address"),
            ("https://[localhost]/", "its host is no IPv6 address"),
            ("https://a.org/100%", percent),
            ("https://a.org/%4", percent),
            ("https://a.org/%zz", percent),
            ("ftp://a.org/x", scheme),
            ("file:///etc/passwd", scheme),
            ("https:/a.org/x", scheme),
            ("a.org/x", scheme),
            ("", scheme),
        ] {
            assert_eq!(normal_of(given), Err(want), "{given}");
        }
        assert_eq!(normal_of(&format!("https://a.org/{}", "x".repeat(4090))), Err("it is longer than 4095 bytes"));
        assert_eq!(normal_of(&format!("https://a.org/{}", "ü".repeat(1000))), Err("it is longer than 4095 bytes"));
    }

    #[test]
    fn a_prefix_admits_what_lies_beneath_it_alone() {
        let prefixes =
            Prefixes::parse(&["https://A.org:443/scans/".to_owned(), "http://b.org:8080/".to_owned()]).unwrap();
        for (url, want) in [
            ("https://a.org/scans/x.jpg", true),
            ("https://a.org:443/scans/x.jpg", true),
            ("HTTPS://A.ORG/scans/x.jpg?token=1", true),
            ("https://a.org/%73cans/x.jpg", true),
            ("https://a.org/Scans/x.jpg", false),
            ("https://a.org/scansx", false),
            ("https://a.org/secret", false),
            ("http://a.org/scans/x.jpg", false),
            ("https://a.org:444/scans/x.jpg", false),
            ("https://a.org.evil/scans/x.jpg", false),
            ("https://a.org./scans/x.jpg", false),
            ("https://evil.org/https://a.org/scans/x.jpg", false),
            ("http://b.org:8080/x", true),
            ("http://b.org:80800/x", false),
            ("http://b.org/x", false),
        ] {
            let admits = Address::parse(url).is_ok_and(|address| prefixes.admit(&address));
            assert_eq!(admits, want, "{url}");
        }
    }

    #[test]
    fn a_prefix_names_a_whole_host() {
        for (given, want) in [
            ("https://a.org/", Ok("https://a.org/")),
            ("https://a.org/x", Ok("https://a.org/x")),
            ("https://a.org/x?id=", Ok("https://a.org/x?id=")),
            ("https://a.org", Err("the host is not followed by `/`")),
            ("https://a.org?x/", Err("the host is not followed by `/`")),
            ("https://", Err("it has no host")),
            ("https:", Err("it does not begin with `http://` or `https://`")),
            ("/srv/scans", Err("it does not begin with `http://` or `https://`")),
        ] {
            assert_eq!(prefix(given), want.map(Arc::from), "{given}");
        }
    }

    #[test]
    fn a_redirect_leads_where_a_browser_would_go() {
        let here = Address::parse("https://a.org/b/c/d.jpg?q").unwrap();
        for (reference, want) in [
            ("https://b.org/x#part", Ok("https://b.org/x")),
            ("HTTP://b.org", Ok("http://b.org/")),
            ("//b.org/x", Ok("https://b.org/x")),
            ("/x y", Ok("https://a.org/x%20y")),
            ("x", Ok("https://a.org/b/c/x")),
            ("../x?y", Ok("https://a.org/b/x?y")),
            ("../../../../x", Ok("https://a.org/x")),
            ("./", Ok("https://a.org/b/c/")),
            ("..", Ok("https://a.org/b/")),
            ("?z", Ok("https://a.org/b/c/d.jpg?z")),
            ("", Ok("https://a.org/b/c/d.jpg?q")),
            ("%2e%2e/x", Err(CLIMBS)),
            ("javascript:alert(1)", Err("it does not begin with `http://` or `https://`")),
            ("https://u:p@b.org/", Err("it names a user (`@`)")),
        ] {
            let joined = here.join(reference);
            assert_eq!(joined.as_ref().map(Address::as_str).map_err(|rule| *rule), want, "{reference}");
        }
    }

    #[test]
    fn messages_show_neither_queries_nor_users() {
        for (given, want) in [
            ("https://a.org/x?token=secret", "https://a.org/x?…"),
            ("https://a.org/x#secret", "https://a.org/x?…"),
            ("https://user:secret@a.org/x", "https://…@a.org/x"),
            ("https://a.org/x\n", "https://a.org/x\\n"),
            ("https://a.org/x@y", "https://a.org/x@y"),
        ] {
            assert_eq!(shown(given), want);
        }
        assert_eq!(shown(&format!("https://a.org/{}", "x".repeat(400))).chars().count(), 301);
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (given, want) in [
            ("http://127.0.0.1:8080/x", true),
            ("http://localhost/x", true),
            ("http://[::1]:80/x", true),
            ("http://localhost.org/x", false),
            ("http://10.0.0.1/x", false),
        ] {
            assert_eq!(Address::parse(given).unwrap().is_here(), want, "{given}");
        }
    }
}
