//! EXIF, XMP and IPTC of a file as they lie in its segments, for programs that copy them into another file.

use std::sync::Arc;

use super::markers::APP1;
use crate::{ByteRange, DecodeError, Metadata, RandomAccess};

const APP13: u8 = 0xed;
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// The resource of Photoshop's that holds IPTC records.
const IPTC_RESOURCE: [u8; 2] = [0x04, 0x04];
/// More bytes than segments before the scan can sensibly have: a profile may take 16 MiB.
const MOST: u64 = 32 << 20;

/// Reads the segments before `scan`, where the first scan begins.
pub(super) fn read(source: &dyn RandomAccess, scan: u64) -> Result<Metadata, DecodeError> {
    let bytes = source.read_range(ByteRange::new(0, scan.min(MOST)))?;
    let mut found = Metadata::default();
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, marker, after @ ..] = rest {
        if matches!(*marker, 0xff | 0x01 | 0xd0..=0xd8) {
            rest = &rest[if *marker == 0xff { 1 } else { 2 }..];
            continue;
        }
        let [high, low, ..] = *after else { break };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(body) = after.get(2..length) else { break };
        match *marker {
            APP1 => {
                if let Some(exif) = body.strip_prefix(b"Exif\0").and_then(|body| body.get(1..)) {
                    found.exif.get_or_insert_with(|| Arc::from(exif));
                } else if let Some(xmp) = body.strip_prefix(XMP) {
                    found.xmp.get_or_insert_with(|| Arc::from(xmp));
                }
            }
            APP13 => {
                if let Some(iptc) = body.strip_prefix(b"Photoshop 3.0\0").and_then(iptc) {
                    found.iptc.get_or_insert_with(|| Arc::from(iptc));
                }
            }
            _ => {}
        }
        rest = &after[length..];
    }
    Ok(found)
}

/// The IPTC records among Photoshop's resources.
fn iptc(mut resources: &[u8]) -> Option<&[u8]> {
    loop {
        let body = resources.strip_prefix(b"8BIM")?;
        let (id, body) = body.split_at_checked(2)?;
        // A name of even length, its own length byte included.
        let name = usize::from(*body.first()?) + 1;
        let body = body.get(name.next_multiple_of(2)..)?;
        let (length, body) = body.split_at_checked(4)?;
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let data = body.get(..length)?;
        if id == IPTC_RESOURCE && !data.is_empty() {
            return Some(data);
        }
        resources = body.get(length.checked_next_multiple_of(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryAccess;

    #[test]
    fn each_kind_is_found_in_its_segment_and_cut_segments_are_none() {
        let segment = |marker: u8, body: &[u8]| {
            let length = (body.len() as u16 + 2).to_be_bytes();
            [&[0xff, marker], &length[..], body].concat()
        };
        let photoshop = b"Photoshop 3.0\08BIM\x04\x01\0\0\0\0\0\x01x\08BIM\x04\x04\x01n\0\0\0\x03abc\0";
        let file = [
            &[0xff, 0xd8][..],
            &segment(APP1, b"Exif\0\0II*\0"),
            &segment(APP1, &[XMP, b"<x/>"].concat()),
            &segment(APP13, photoshop),
        ]
        .concat();
        let read = |length: usize| read(&MemoryAccess::new(&file[..length]), length as u64).unwrap();
        let all = read(file.len());
        assert_eq!(all.exif.as_deref(), Some(&b"II*\0"[..]));
        assert_eq!(all.xmp.as_deref(), Some(&b"<x/>"[..]));
        assert_eq!(all.iptc.as_deref(), Some(&b"abc"[..]));
        for length in 0..file.len() {
            assert!(read(length).iptc.is_none(), "{length}");
        }
    }
}
