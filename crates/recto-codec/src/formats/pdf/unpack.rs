//! How long deflated bytes get, counted without keeping them.

use flate2::{Decompress, FlushDecompress, Status};

/// Bytes that are unpacked at a time.
const PIECE_BYTES: usize = 64 << 10;

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unpacked {
    /// Bytes that come out.
    pub(super) bytes: u64,
    /// Bytes that were read for that.
    pub(super) read: u64,
    /// How far they made sense. `None` when they end as deflated bytes do, with what was given, or behind what was to be
    /// counted.
    pub(super) wrong_at: Option<u64>,
}

/// Counts one stream after the other, in the same memory.
pub(super) struct Unpacker {
    inflater: Decompress,
    piece: Vec<u8>,
}

impl Unpacker {
    pub(super) fn new() -> Self {
        Self { inflater: Decompress::new(true), piece: vec![0; PIECE_BYTES] }
    }

    /// How long this gets when it is inflated, counted up to `most` and not much further; what is not deflated counts as
    /// next to nothing. As the PDF library does, the bytes are taken without their header if they make no sense with it.
    pub(super) fn count(&mut self, packed: &[u8], most: u64) -> Unpacked {
        let has_header = has_header(packed);
        let first = self.run(packed, has_header, most);
        if first.wrong_at.is_none() || !has_header {
            return first;
        }
        let bare = self.run(packed, false, most);
        Unpacked {
            bytes: first.bytes.max(bare.bytes),
            read: first.read.saturating_add(bare.read),
            wrong_at: if bare.wrong_at.is_some() { first.wrong_at } else { None },
        }
    }

    fn run(&mut self, packed: &[u8], has_header: bool, most: u64) -> Unpacked {
        self.inflater.reset(has_header);
        let is_sound = loop {
            let (read, bytes) = (self.inflater.total_in(), self.inflater.total_out());
            let left = packed.get(read as usize..).unwrap_or_default();
            let status = self.inflater.decompress(left, &mut self.piece, FlushDecompress::None);
            let stands_still = (self.inflater.total_in(), self.inflater.total_out()) == (read, bytes);
            match status {
                Err(_) => break false,
                Ok(Status::StreamEnd) => break true,
                Ok(_) if stands_still || self.inflater.total_out() >= most => break true,
                Ok(_) => {}
            }
        };
        let (read, bytes) = (self.inflater.total_in(), self.inflater.total_out());
        Unpacked { bytes, read, wrong_at: (!is_sound).then_some(read) }
    }
}

/// RFC 1950 §2.2: the method is 8, and the first two bytes are a multiple of 31.
fn has_header(packed: &[u8]) -> bool {
    let Some(&[first, second]) = packed.first_chunk::<2>() else { return false };
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn bytes_are_counted_with_a_header_and_without_one() {
        let zeros = vec![0; 3 << 20];
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&zeros).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(&zeros).unwrap();
        let bare = bare.finish().unwrap();
        let mut unpacker = Unpacker::new();
        for (what, packed) in [("with a header", &zlib), ("without one", &bare), ("again", &zlib)] {
            let want = Unpacked { bytes: 3 << 20, read: packed.len() as u64, wrong_at: None };
            assert_eq!(unpacker.count(packed, u64::MAX), want, "{what}");
            let some = unpacker.count(packed, 1 << 20);
            assert!(some.wrong_at.is_none() && (1 << 20..2 << 20).contains(&some.bytes), "{what}: {some:?}");
            let half = unpacker.count(&packed[..packed.len() / 2], u64::MAX);
            assert!(half.wrong_at.is_none() && half.bytes > 1 << 20, "{what}, cut off: {half:?}");
        }
        // Twenty blocks as they are, and one of a kind that there is not.
        let block = [&[0_u8, 0xff, 0xff, 0, 0][..], &vec![7; 0xffff]].concat();
        let damaged = [&[0x78_u8, 0x01][..], &block.repeat(20), &[7]].concat();
        let found = unpacker.count(&damaged, u64::MAX);
        assert_eq!(found.bytes, 20 * 0xffff);
        assert!(found.wrong_at.is_some_and(|at| at + 8 > damaged.len() as u64), "{found:?}");
        for text in ["", "x", "stream stream stream"] {
            let found = unpacker.count(text.as_bytes(), u64::MAX);
            assert!(found.bytes < 10_000, "{text}: {found:?}");
        }
    }
}
