//! Bytes as text: what a file says of its encoding, or what it is found to be.

use std::borrow::Cow;

use crate::tables;
use crate::words::{At, Report};

/// The text of a file. UTF-8, which nearly all are in, is not copied.
pub(super) fn text<'a>(bytes: &'a [u8], report: &mut Report) -> Cow<'a, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_wide = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'<', 0, ..] | [0, b'<', ..]);
    if !is_wide && let Some(encoding) = declared(bytes) {
        let (text, _, has_errors) = encoding.decode(bytes);
        if has_errors {
            report.warning(
                At::FILE,
                "encoding",
                format!("some bytes are not {}, which the file says it is in", encoding.name()),
                "save the file in UTF-8 and declare that",
            );
        }
        return text;
    }
    match std::str::from_utf8(bytes) {
        // In UTF-16 of Western text, all is valid UTF-8 too.
        Ok(text) if !is_wide && memchr::memchr(0, &bytes[..bytes.len().min(64)]).is_none() => Cow::Borrowed(text),
        // Cut in the middle of a character.
        Err(error) if !is_wide && error.error_len().is_none() => String::from_utf8_lossy(&bytes[..error.valid_up_to()]),
        _ => Cow::Owned(tables::encoding::decode(bytes, report)),
    }
}

/// The encoding that `<?xml … encoding="…"?>` or `<meta … charset=…>` name, if it is none of Unicode's.
fn declared(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = &bytes[..bytes.len().min(1024)];
    if head.trim_ascii_start().first() != Some(&b'<') {
        return None;
    }
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let declaration = head.split_once("<?xml").and_then(|(_, rest)| Some(rest.split_once("?>")?.0));
    let named = declaration
        .and_then(|declaration| declaration.split_once("encoding"))
        .or_else(|| head.split_once("charset"))
        .and_then(|(_, rest)| rest.trim_start().strip_prefix('='))?;
    let name = named.trim_start_matches([' ', '"', '\'']).split(['"', '\'', ' ', '>', ';', '/']).next()?;
    let encoding = encoding_rs::Encoding::for_label(name.as_bytes())?;
    // What could be read of it is not in UTF-16, whatever it says.
    (encoding != encoding_rs::UTF_8 && encoding.is_ascii_compatible()).then_some(encoding)
}
