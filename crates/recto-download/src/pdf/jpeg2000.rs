//! What a PDF has to say about a JPEG 2000 file that it holds as it is: ISO/IEC 15444-1 Annexes A and I.

use crate::DownloadError;

/// What the headers of a JPEG 2000 file say, and what has to stand before a bare code stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jpeg2000Facts {
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    /// The boxes that make a file of a bare code stream; empty for a file.
    pub(super) wrapping: Vec<u8>,
}

const SIGNATURE: &[u8] = b"\0\0\0\x0cjP  \r\n\x87\n";

const fn refused(reason: &'static str) -> DownloadError {
    DownloadError::Image { format: "JPEG 2000", reason }
}

/// Reads the headers.
pub(super) fn read(bytes: &[u8]) -> Result<Jpeg2000Facts, DownloadError> {
    if bytes.starts_with(&[0xff, 0x4f, 0xff, 0x51]) {
        let stream = code_stream(bytes)?;
        if !matches!(stream.components, 1 | 3) {
            return Err(refused("is a bare code stream without known colours"));
        }
        return Ok(Jpeg2000Facts {
            width_px: stream.width_px,
            height_px: stream.height_px,
            wrapping: wrapping(&stream, bytes.len()),
        });
    }
    if !bytes.starts_with(SIGNATURE) {
        return Err(refused("does not begin as JPEG 2000 does"));
    }
    let mut at = SIGNATURE.len();
    loop {
        let (kind, content, next) = next_box(bytes, at).ok_or(refused("is damaged"))?;
        if kind == b"jp2c" {
            let stream = code_stream(bytes.get(content..).unwrap_or_default())?;
            return Ok(Jpeg2000Facts { width_px: stream.width_px, height_px: stream.height_px, wrapping: Vec::new() });
        }
        at = next;
    }
}

/// Kind, start of the content, and end of the box at this place; each is at least eight bytes, so that this comes to an end.
fn next_box(bytes: &[u8], at: usize) -> Option<(&[u8], usize, usize)> {
    let head = bytes.get(at..at + 8)?;
    let short = u32::from_be_bytes(head[..4].try_into().ok()?);
    let (start, length) = match short {
        0 => (at + 8, bytes.len() - at),
        1 => (at + 16, usize::try_from(u64::from_be_bytes(bytes.get(at + 8..at + 16)?.try_into().ok()?)).ok()?),
        length => (at + 8, length as usize),
    };
    let end = at.checked_add(length).filter(|end| *end >= start)?;
    Some((&head[4..], start, end))
}

struct Stream {
    width_px: u32,
    height_px: u32,
    components: u16,
    /// As the header box has it: depth less one, with the sign's bit.
    depth: u8,
}

fn code_stream(bytes: &[u8]) -> Result<Stream, DownloadError> {
    read_size(bytes).ok_or(refused("is damaged")).and_then(|stream| {
        let capabilities = bytes.get(6..8).is_some_and(|flags| flags[0] & 0x40 != 0);
        if capabilities {
            return Err(refused("is of the high-throughput kind, which PDF does not know"));
        }
        Ok(stream)
    })
}

fn read_size(bytes: &[u8]) -> Option<Stream> {
    if !bytes.starts_with(&[0xff, 0x4f, 0xff, 0x51]) {
        return None;
    }
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let width_px = number(8)?.checked_sub(number(16)?).filter(|width| *width > 0)?;
    let height_px = number(12)?.checked_sub(number(20)?).filter(|height| *height > 0)?;
    let components = u16::from_be_bytes(bytes.get(40..42)?.try_into().ok()?);
    Some(Stream { width_px, height_px, components, depth: *bytes.get(42)? })
}

/// The smallest file around a code stream: Annex I.5.
fn wrapping(stream: &Stream, length: usize) -> Vec<u8> {
    // 16 is sRGB, 17 is gray: I.5.3.3.
    let space: u32 = if stream.components == 1 { 17 } else { 16 };
    let mut out = SIGNATURE.to_vec();
    out.extend_from_slice(b"\0\0\0\x14ftypjp2 \0\0\0\0jp2 ");
    out.extend_from_slice(b"\0\0\0\x2djp2h\0\0\0\x16ihdr");
    out.extend_from_slice(&stream.height_px.to_be_bytes());
    out.extend_from_slice(&stream.width_px.to_be_bytes());
    out.extend_from_slice(&stream.components.to_be_bytes());
    out.extend_from_slice(&[stream.depth, 7, 0, 0]);
    out.extend_from_slice(b"\0\0\0\x0fcolr\x01\0\0");
    out.extend_from_slice(&space.to_be_bytes());
    // A length of 0 is "to the end of the file".
    let boxed = u32::try_from(length + 8).unwrap_or(0);
    out.extend_from_slice(&boxed.to_be_bytes());
    out.extend_from_slice(b"jp2c");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(capability: u8, components: u16) -> Vec<u8> {
        let mut bytes = vec![0xff, 0x4f, 0xff, 0x51, 0, 47, capability, 0];
        for number in [110_u32, 60, 10, 20, 64, 64, 0, 0] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(components.to_be_bytes());
        bytes.extend([7, 1, 1]);
        bytes
    }

    #[test]
    fn a_bare_code_stream_gets_boxes_and_a_file_stays() {
        let bare = stream(0, 3);
        let facts = read(&bare).unwrap();
        assert_eq!((facts.width_px, facts.height_px), (100, 40));
        let file = [facts.wrapping, bare].concat();
        let again = read(&file).unwrap();
        assert_eq!((again.width_px, again.height_px, again.wrapping.len()), (100, 40, 0));
    }

    #[test]
    fn what_pdf_cannot_hold_is_refused_with_the_reason() {
        for (bytes, reason) in [
            (b"II*\0".to_vec(), "does not begin"),
            (stream(0x40, 3), "high-throughput"),
            (stream(0, 4), "without known colours"),
            (SIGNATURE.to_vec(), "damaged"),
            ([SIGNATURE, &[0, 0, 0, 3], b"free"].concat(), "damaged"),
        ] {
            assert!(read(&bytes).unwrap_err().to_string().contains(reason), "{reason}");
        }
        let bare = stream(0, 1);
        let whole = [read(&bare).unwrap().wrapping, bare].concat();
        for length in 0..whole.len() - 3 {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let mut bytes = SIGNATURE.to_vec();
            bytes.extend(rest);
            let _ = read(&bytes);
        }
    }
}
