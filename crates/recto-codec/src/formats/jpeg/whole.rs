//! A file as it is stored, without what must not leave: EXIF (orientation, thumbnail, location), XMP, IPTC, comments, and
//! further pictures behind the end.

use super::markers::{APP0, APP2, APP14, DAC, DHT, DQT, DRI, EOI, ICC_TAG, Markers, SOI, SOS, corrupt};
use crate::{DecodeError, Orientation, RandomAccess};

/// True when any browser shows the stored samples as we would: upright, 8 bits, gray or colour, Huffman coded.
pub(super) fn can_leave(markers: &Markers) -> bool {
    markers.orientation == Orientation::Normal
        && markers.frame.precision == 8
        && markers.frame.process.is_huffman_dct()
        && matches!(markers.frame.components.len(), 1 | 3)
}

/// The file from start to end marker with only the segments that decoding needs, and the profile. `None` when it has no end
/// marker, or its segments are not in order: then it is decoded.
pub(super) fn without_metadata(source: &dyn RandomAccess) -> Result<Option<Vec<u8>>, DecodeError> {
    let length = usize::try_from(source.len()).map_err(|_| corrupt("it is larger than the memory"))?;
    let mut file = vec![0; length];
    source.read_at(0, &mut file)?;
    Ok(strip(&file))
}

fn strip(file: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(file.len());
    let mut rest = file.strip_prefix(&[0xff, SOI])?;
    out.extend_from_slice(&[0xff, SOI]);
    let mut scans = 0;
    loop {
        let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
        rest = rest.get(fill..)?;
        let (&marker, after) = rest.split_first()?;
        if fill == 0 || marker == 0 {
            return None;
        }
        rest = after;
        if marker == EOI {
            out.extend_from_slice(&[0xff, EOI]);
            return (scans > 0).then_some(out);
        }
        if matches!(marker, 0x01 | SOI | 0xd0..=0xd7) {
            continue;
        }
        let length = usize::from(u16::from_be_bytes(rest.first_chunk::<2>().copied()?));
        let segment = rest.get(..length.max(2))?;
        rest = rest.get(length.max(2)..)?;
        keep(marker, segment, &mut out);
        if marker == SOS {
            scans += 1;
            let end = scan_length(rest)?;
            out.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
        }
    }
}

/// Writes a segment (its length included) if it may leave.
fn keep(marker: u8, segment: &[u8], out: &mut Vec<u8>) {
    let body = segment.get(2..).unwrap_or_default();
    let kept = match marker {
        SOS | DQT | DHT | DAC | DRI | 0xc0..=0xcf => true,
        APP2 => body.starts_with(ICC_TAG),
        APP14 => body.starts_with(b"Adobe"),
        _ => false,
    };
    if kept {
        out.extend_from_slice(&[0xff, marker]);
        out.extend_from_slice(segment);
    } else if let (APP0, Some(header)) =
        (marker, body.first_chunk::<12>().filter(|header| header.starts_with(b"JFIF\0")))
    {
        // Version, unit and density stay; a thumbnail goes.
        out.extend_from_slice(&[0xff, APP0, 0, 16]);
        out.extend_from_slice(header);
        out.extend_from_slice(&[0, 0]);
    }
}

/// Bytes of entropy-coded data up to the next marker that is not a restart.
fn scan_length(data: &[u8]) -> Option<usize> {
    memchr::memchr_iter(0xff, data)
        .find(|at| data.get(at + 1).is_some_and(|next| !matches!(next, 0x00 | 0xd0..=0xd7 | 0xff)))
}
