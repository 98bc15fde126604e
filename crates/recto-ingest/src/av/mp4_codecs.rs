//! Names of codecs in MP4 as RFC 6381 writes them.

use super::window::Numbers;

/// The codec of a sample entry, which begins with its kind.
pub(super) fn codec(entry: &[u8]) -> String {
    let Some(kind) = entry.get(..4) else { return String::new() };
    let name: String = kind.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect();
    let detail = match kind {
        b"avc1" | b"avc3" => find(entry, *b"avcC").and_then(|data| {
            let [profile, constraints, level] = data.get(1..4)?.try_into().ok()?;
            Some(format!(".{profile:02x}{constraints:02x}{level:02x}"))
        }),
        b"mp4a" => find(entry, *b"esds").and_then(elementary),
        b"vp09" => find(entry, *b"vpcC")
            .and_then(|data| Some(format!(".{:02}.{:02}.{:02}", data.get(4)?, data.get(5)?, data.get(6)? >> 4))),
        _ => None,
    };
    name + &detail.unwrap_or_default()
}

/// The content of a box inside an entry. Where it lies differs by kind and version, so it is looked for by its name.
fn find(entry: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    let at = entry.windows(4).position(|window| window == kind)?;
    entry.get(at + 4..)
}

/// The object types of an elementary stream descriptor: ISO/IEC 14496-1 §7.2.6.
fn elementary(data: &[u8]) -> Option<String> {
    // Version and flags, then the descriptor of the stream, then that of the decoder.
    let mut at = 4;
    let (tag, start) = descriptor(data, at)?;
    if tag == 3 {
        let flags = *data.get(start + 2)?;
        let url = if flags & 0x40 == 0 { 0 } else { 1 + usize::from(*data.get(start + 3)?) };
        at = start + 3 + if flags & 0x80 == 0 { 0 } else { 2 } + url + if flags & 0x20 == 0 { 0 } else { 2 };
    }
    let (tag, start) = descriptor(data, at)?;
    if tag != 4 {
        return None;
    }
    let object = *data.get(start)?;
    let audio = descriptor(data, start + 13).filter(|(tag, _)| *tag == 5).and_then(|(_, start)| {
        let bits = Numbers(data).be16(start)?;
        let kind = bits >> 11;
        Some(if kind == 31 { 32 + (bits >> 5 & 63) } else { kind })
    });
    Some(match audio {
        Some(audio) if object == 0x40 => format!(".40.{audio}"),
        _ => format!(".{object:x}"),
    })
}

/// Tag of a descriptor, and where its content begins.
fn descriptor(data: &[u8], at: usize) -> Option<(u8, usize)> {
    let tag = *data.get(at)?;
    // The length has at most four bytes of seven bits.
    let more = data.get(at + 1..)?.iter().take(4).position(|byte| byte & 0x80 == 0)?;
    Some((tag, at + 2 + more))
}
