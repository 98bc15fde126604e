//! Identifiers: decoded, and as they stand in a URI. Image API 3.0 §3, §9.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::image::RequestError;

const IDENTIFIER_FORMS: &str =
    "a text in UTF-8, not empty, without control characters, where `%` begins a two-digit escape";
const SEGMENT_FORMS: &str = "text in UTF-8 where `%` begins a two-digit escape";

/// An identifier as it is meant: percent-escapes decoded, valid UTF-8, never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier(pub(crate) String);

impl Identifier {
    /// The identifier that is this very text.
    pub fn new(decoded: impl Into<String>) -> Self {
        Self(decoded.into())
    }

    /// Decodes one path segment, once: `%252F` is the text `%2F`.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`] for broken escapes, bytes that are not UTF-8, control characters, and nothing at all.
    pub fn parse_encoded(encoded: &str) -> Result<Self, RequestError> {
        let decoded = decode(encoded, "identifier")?;
        if decoded.is_empty() || decoded.chars().any(char::is_control) {
            return Err(RequestError::malformed("identifier", encoded, IDENTIFIER_FORMS));
        }
        Ok(Self(decoded.into_owned()))
    }

    /// The decoded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How it is written in a URI.
    ///
    /// ```
    /// use recto_iiif::identifier::Identifier;
    ///
    /// assert_eq!(Identifier::new("a/b 1.tif").encoded().to_string(), "a%2Fb%201.tif");
    /// ```
    pub const fn encoded(&self) -> EncodedIdentifier<'_> {
        EncodedIdentifier(self.0.as_str())
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An identifier as one path segment of a URI: everything is escaped but the unreserved characters of RFC 3986 §2.3
/// (letters, digits, `-`, `.`, `_`, `~`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedIdentifier<'a>(&'a str);

impl fmt::Display for EncodedIdentifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let mut rest = self.0;
        while let Some(at) = rest.bytes().position(|byte| !unreserved(byte)) {
            // The byte before a reserved one is ASCII, so this is a boundary; the rest moves by whole characters.
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut characters = tail.chars();
            if let Some(reserved) = characters.next() {
                for byte in reserved.encode_utf8(&mut [0; 4]).bytes() {
                    f.write_char('%')?;
                    write!(f, "{byte:02X}")?;
                }
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

/// Decodes the escapes of one segment, once; borrows where there are none.
pub(crate) fn decode<'a>(encoded: &'a str, parameter: &'static str) -> Result<Cow<'a, str>, RequestError> {
    if !encoded.contains('%') {
        return Ok(Cow::Borrowed(encoded));
    }
    let refused =
        || RequestError::malformed(parameter, encoded, SEGMENT_FORMS).with_hint("A `%` itself is written `%25`.");
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| (byte as char).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => decoded.push((high * 16 + low) as u8),
            _ => return Err(refused()),
        }
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn special_characters_are_escaped_and_come_back() {
        for (text, encoded) in [
            ("/?#[]@%", "%2F%3F%23%5B%5D%40%25"),
            ("a b+c", "a%20b%2Bc"),
            ("%2D", "%252D"),
            ("é漢😀", "%C3%A9%E6%BC%A2%F0%9F%98%80"),
            ("..", ".."),
            ("a;2", "a%3B2"),
            ("Az09-._~", "Az09-._~"),
        ] {
            assert_eq!(Identifier::new(text).encoded().to_string(), encoded, "{text}");
            assert_eq!(Identifier::parse_encoded(encoded).unwrap().as_str(), text, "{encoded}");
        }
    }

    #[test]
    fn unescaped_text_is_taken_as_it_is() {
        for text in ["ark:", "a+b", "a b", "é", "a;2,(x)"] {
            assert_eq!(Identifier::parse_encoded(text).unwrap().as_str(), text);
        }
        assert_eq!(Identifier::parse_encoded("%2d%2D").unwrap().as_str(), "--");
    }

    #[test]
    fn unsound_identifiers_are_refused() {
        for encoded in [
            "",
            "%",
            "%4",
            "%4g",
            "%%41",
            "%-1",
            "%+1",
            "%ff",
            "%C3",
            "%ED%A0%80",
            "%00",
            "a%0Ab",
            "%7F",
            "%C2%80",
            "\u{0}",
        ] {
            let refused = Identifier::parse_encoded(encoded).unwrap_err();
            assert_eq!((refused.parameter(), refused.given()), ("identifier", encoded), "{encoded}");
        }
    }

    proptest! {
        #[test]
        fn encoding_and_decoding_give_the_identifier_back(text in "[^\\p{Cc}]{1,40}") {
            let identifier = Identifier::new(text);
            let encoded = identifier.encoded().to_string();
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
            prop_assert_eq!(Identifier::parse_encoded(&encoded).unwrap(), identifier);
        }

        #[test]
        fn no_text_makes_decoding_panic(text in "\\PC{0,40}|[%0-9a-fA-F]{0,40}") {
            let _ = Identifier::parse_encoded(&text);
        }
    }
}
