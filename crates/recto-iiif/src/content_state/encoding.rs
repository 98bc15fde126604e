//! The encoding of §6: `encodeURIComponent`, then base64url without padding; and back.

/// The letters of base64url. RFC 4648 §5.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What `encodeURIComponent` leaves alone beside letters and digits.
const UNESCAPED: &[u8] = b"-_.!~*'()";

/// Why a text is not an encoded content state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// No base64url text has this many letters: one is missing or too many.
    #[error("{letters} letters are no whole number of bytes in base64url; the text was probably cut off")]
    Length {
        /// How many letters there are.
        letters: usize,
    },
    /// A character that base64url does not have.
    #[error("`{character}` at character {at} is not in the alphabet of base64url")]
    Character {
        /// What stands there.
        character: char,
        /// Where, counted from 1.
        at: usize,
    },
    /// The bytes are no UTF-8 text.
    #[error("the decoded bytes are no UTF-8 text from byte {at}")]
    NotText {
        /// Where, counted from 0.
        at: usize,
    },
    /// A `%` without two hexadecimal digits behind it.
    #[error("the `%` at byte {at} of the decoded text has no two hexadecimal digits behind it")]
    Escape {
        /// Where, counted from 0.
        at: usize,
    },
    /// The percent-escapes do not give UTF-8.
    #[error("the percent-escapes are no UTF-8 text from byte {at}")]
    EscapedNotText {
        /// Where in the result, counted from 0.
        at: usize,
    },
}

/// Encodes a content state for a query parameter. Only JSON is encoded; a URI stands as it is. §6.1, §6.2.
///
/// ```
/// use recto_iiif::content_state::{decode, encode};
///
/// assert_eq!(encode("{}"), "JTdCJTdE");
/// assert_eq!(decode("JTdCJTdE").unwrap(), "{}");
/// ```
pub fn encode(plain: &str) -> String {
    base64url(encode_uri_component(plain).as_bytes())
}

/// Decodes what [`encode`] made. As browsers do, it takes the letters `+` and `/` for `-` and `_`, and padding where there is some.
///
/// # Errors
///
/// [`EncodingError`], which says where.
pub fn decode(encoded: &str) -> Result<String, EncodingError> {
    let bytes = from_base64url(encoded)?;
    let escaped =
        String::from_utf8(bytes).map_err(|error| EncodingError::NotText { at: error.utf8_error().valid_up_to() })?;
    decode_uri_component(&escaped)
}

/// `encodeURIComponent` of ECMAScript.
pub fn encode_uri_component(text: &str) -> String {
    percent_encode(text, UNESCAPED)
}

/// Percent-encodes all but ASCII letters, digits and `kept`.
pub(super) fn percent_encode(text: &str, kept: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// `decodeURIComponent` of ECMAScript.
pub(super) fn decode_uri_component(text: &str) -> Result<String, EncodingError> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            decoded.push(byte);
            at += 1;
            continue;
        }
        let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else { return Err(EncodingError::Escape { at }) };
        decoded.push((high * 16 + low) as u8);
        at += 3;
    }
    String::from_utf8(decoded).map_err(|error| EncodingError::EscapedNotText { at: error.utf8_error().valid_up_to() })
}

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        // One byte fills two letters, two fill three.
        for letter in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * letter) & 63) as usize]));
        }
    }
    text
}

fn from_base64url(text: &str) -> Result<Vec<u8>, EncodingError> {
    let letters = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(letters.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0_usize);
    for character in letters.chars() {
        let value = match character {
            'A'..='Z' => character as u32 - 'A' as u32,
            'a'..='z' => character as u32 - 'a' as u32 + 26,
            '0'..='9' => character as u32 - '0' as u32 + 52,
            '-' | '+' => 62,
            '_' | '/' => 63,
            _ => return Err(EncodingError::Character { character, at: count + 1 }),
        };
        bits = bits << 6 | value;
        count += 1;
        if count.is_multiple_of(4) {
            bytes.extend([(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
            bits = 0;
        }
    }
    match count % 4 {
        0 => {}
        2 => bytes.push((bits >> 4) as u8),
        3 => bytes.extend([(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => return Err(EncodingError::Length { letters: count }),
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_specifications_own_example_is_met_to_the_bit() {
        let body = r#"{"id":"https://example.org/object1/canvas7#xywh=1000,2000,1000,2000","type":"Canvas","partOf":[{"id":"https://example.org/object1/manifest","type":"Manifest"}]}"#;
        let encoded = "JTdCJTIyaWQlMjIlM0ElMjJodHRwcyUzQSUyRiUyRmV4YW1wbGUub3JnJTJGb2JqZWN0MSUyRmNhbnZhczclMjN4eXdoJTNEMTAwMCUyQzIwMDAlMkMxMDAwJTJDMjAwMCUyMiUyQyUyMnR5cGUlMjIlM0ElMjJDYW52YXMlMjIlMkMlMjJwYXJ0T2YlMjIlM0ElNUIlN0IlMjJpZCUyMiUzQSUyMmh0dHBzJTNBJTJGJTJGZXhhbXBsZS5vcmclMkZvYmplY3QxJTJGbWFuaWZlc3QlMjIlMkMlMjJ0eXBlJTIyJTNBJTIyTWFuaWZlc3QlMjIlN0QlNUQlN0Q";
        assert_eq!(encode(body), encoded);
        assert_eq!(decode(encoded).unwrap(), body);
    }

    #[test]
    fn what_is_not_base64url_is_refused_with_its_place() {
        for (text, error) in [
            ("A", EncodingError::Length { letters: 1 }),
            ("JTdCJ", EncodingError::Length { letters: 5 }),
            ("JTd CJTdE", EncodingError::Character { character: ' ', at: 4 }),
            ("JT=dC", EncodingError::Character { character: '=', at: 3 }),
            ("é", EncodingError::Character { character: 'é', at: 1 }),
            ("_w", EncodingError::NotText { at: 0 }),
            ("YSU", EncodingError::Escape { at: 1 }),
            ("JTdn", EncodingError::Escape { at: 0 }),
            ("YSVGRg", EncodingError::EscapedNotText { at: 1 }),
        ] {
            assert_eq!(decode(text), Err(error), "{text}");
        }
    }

    #[test]
    fn padding_and_the_other_alphabet_are_taken_as_browsers_take_them() {
        assert_eq!(decode("YQ==").unwrap(), "a");
        assert_eq!(decode("YQ").unwrap(), "a");
        // The third byte `~` gives the letter 62, `?` the letter 63.
        assert_eq!((encode("aa~").as_str(), decode("YWF+").unwrap().as_str()), ("YWF-", "aa~"));
        assert_eq!((decode("YWE_").unwrap(), decode("YWE/").unwrap()), ("aa?".to_owned(), "aa?".to_owned()));
    }

    #[test]
    fn only_what_ecmascript_leaves_alone_is_left_alone() {
        assert_eq!(encode_uri_component("Az09-_.!~*'()"), "Az09-_.!~*'()");
        assert_eq!(encode_uri_component("+ %/?#é😀"), "%2B%20%25%2F%3F%23%C3%A9%F0%9F%98%80");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|byte| ALPHABET.contains(&byte)));
            prop_assert_eq!(decode(&encoded), Ok(text));
        }

        #[test]
        fn decoding_never_panics(text in any::<String>()) {
            let _ = decode(&text);
        }

        #[test]
        fn letters_of_any_number_are_decoded_or_refused(text in "[A-Za-z0-9_-]{0,40}") {
            let refused_for_length = matches!(decode(&text), Err(EncodingError::Length { .. }));
            prop_assert_eq!(refused_for_length, text.len() % 4 == 1);
        }
    }
}
