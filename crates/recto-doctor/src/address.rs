//! Addresses of HTTP resources: taken apart as far as is needed, and relative ones resolved.

use std::fmt;

/// An absolute http or https address without a fragment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// True for https.
    pub(crate) is_secure: bool,
    /// Host and port, in small letters.
    pub(crate) host: String,
    /// From the slash on; never empty.
    pub(crate) path: String,
}

impl Address {
    /// Reads an absolute address. Characters that may not stand in one are escaped.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://")?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        // Names and passwords have no place in a report.
        let host = host.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let host = host.strip_suffix(if is_secure { ":443" } else { ":80" }).unwrap_or(&host).to_owned();
        let sound =
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
        let path = if path.starts_with('/') { escape(path) } else { format!("/{}", escape(path)) };
        sound.then_some(Self { is_secure, host, path })
    }

    /// What a reference in a document at this address means. RFC 3986 §5.2.
    pub(crate) fn join(&self, reference: &str) -> Option<Self> {
        let reference = reference.trim().split('#').next().unwrap_or_default();
        if let Some((scheme, _)) = reference.split_once(':')
            && !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            return Self::parse(reference);
        }
        if let Some(rest) = reference.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme()));
        }
        let own = self.path.split('?').next().unwrap_or("/");
        let path = if reference.starts_with('/') {
            reference.to_owned()
        } else if reference.is_empty() {
            self.path.clone()
        } else if reference.starts_with('?') {
            format!("{own}{reference}")
        } else {
            let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{reference}")
        };
        Some(Self { path: escape(&without_dots(&path)), ..self.clone() })
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    /// This address with another path.
    pub(crate) fn with_path(&self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self.clone() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.host, self.path)
    }
}

fn without_dots(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let path = format!("/{}", kept.join("/"));
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, want) in [
            ("https://Example.org", Some("https://example.org/")),
            ("http://example.org:80/a?b#c", Some("http://example.org/a?b")),
            ("https://user:secret@example.org/é^", Some("https://example.org/%C3%A9%5E")),
            ("http://[::1]:8080/x", Some("http://[::1]:8080/x")),
            ("https://example.org?q", Some("https://example.org/?q")),
            ("ftp://example.org/", None),
            ("https:///path", None),
            ("example.org", None),
            ("http://exa mple.org/", None),
        ] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn references_are_resolved_against_their_document() {
        let base = Address::parse("https://example.org/a/b/c?d").unwrap();
        for (reference, want) in [
            ("x", Some("https://example.org/a/b/x")),
            ("../x/./y", Some("https://example.org/a/x/y")),
            ("../../../x", Some("https://example.org/x")),
            ("/x?y#z", Some("https://example.org/x?y")),
            ("//other.org/x", Some("https://other.org/x")),
            ("?y", Some("https://example.org/a/b/c?y")),
            ("", Some("https://example.org/a/b/c?d")),
            ("http://other.org", Some("http://other.org/")),
            ("mailto:me@example.org", None),
        ] {
            assert_eq!(base.join(reference).map(|address| address.to_string()).as_deref(), want, "{reference}");
        }
    }
}
