//! Where the parts of every tile lie: the codestream gone through from one to the next. ISO/IEC 15444-1, A.4.2.

use super::codestream::{self, MainHeader};
use super::corrupt;
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// More tile-parts than this are hostile: 255 of each of 65,535 tiles would be allowed.
const MAX_TILE_PARTS: usize = 1 << 20;
/// Bytes of the marker segment that a tile-part begins with.
const HEAD_BYTES: u64 = 12;
/// Tile-parts of no more bytes than this are short.
const SHORT_BYTES: u64 = 4 << 10;
/// Bytes that are read at a time where they are.
const WINDOW_BYTES: u64 = 64 << 10;

/// The tile-parts of all tiles.
#[derive(Debug)]
pub(super) struct TileParts {
    /// For each tile, its tile-parts: the header behind the SOT segment, and the data, together.
    pub(super) tiles: Vec<Vec<ByteRange>>,
    /// The codestream ended before it should.
    pub(super) is_cut: bool,
}

impl TileParts {
    /// Walks from one tile-part to the next.
    pub(super) fn read(
        source: &dyn RandomAccess,
        range: ByteRange,
        header: &MainHeader,
        control: &Control,
    ) -> Result<Self, DecodeError> {
        let (columns, rows) = header.size.tiles();
        let mut tiles = vec![Vec::new(); columns as usize * rows as usize];
        let (mut at, end) = (header.tile_parts_at, range.offset + range.length);
        let mut is_cut = false;
        let mut heads = Heads::default();
        for _ in 0..MAX_TILE_PARTS {
            control.check()?;
            if at + HEAD_BYTES > end {
                // The end marker is all that may be left; that it is missing harms nothing.
                is_cut |= at + 2 < end;
                break;
            }
            let [m0, m1, l0, l1, i0, i1, p0, p1, p2, p3, _, _] = heads.read(source, at, end)?;
            if u16::from_be_bytes([m0, m1]) != codestream::SOT {
                break;
            }
            if u16::from_be_bytes([l0, l1]) != 10 {
                return Err(corrupt("the header of a tile-part has a wrong length"));
            }
            let tile = usize::from(u16::from_be_bytes([i0, i1]));
            let length = u64::from(u32::from_be_bytes([p0, p1, p2, p3]));
            let next = if length == 0 { end } else { at + length };
            if next < at + 14 {
                return Err(corrupt("a tile-part is shorter than its header"));
            }
            let stop = next.min(end);
            is_cut |= next > end;
            let parts =
                tiles.get_mut(tile).ok_or_else(|| corrupt(format!("it holds a tile {tile}, which it has not")))?;
            parts.push(ByteRange::new(at + HEAD_BYTES, stop - (at + HEAD_BYTES)));
            at = next;
        }
        Ok(Self { tiles, is_cut })
    }

    /// Bytes that are held.
    pub(super) fn bytes(&self) -> u64 {
        let parts: usize = self.tiles.iter().map(Vec::capacity).sum();
        (self.tiles.len() * size_of::<Vec<ByteRange>>() + parts * size_of::<ByteRange>()) as u64
    }
}

/// Reads what tile-parts begin with; many at a time where they are short.
#[derive(Default)]
struct Heads {
    window: Vec<u8>,
    window_at: u64,
    /// The tile-part before.
    last: Option<u64>,
}

impl Heads {
    /// The head at a place, in a codestream with this end.
    fn read(&mut self, source: &dyn RandomAccess, at: u64, end: u64) -> Result<[u8; HEAD_BYTES as usize], DecodeError> {
        let is_short = self.last.replace(at).is_some_and(|last| at - last <= SHORT_BYTES);
        if let Some(head) = self.known(at) {
            return Ok(head);
        }
        let left = end.min(source.len()).saturating_sub(at);
        let length = if is_short { WINDOW_BYTES.min(left).max(HEAD_BYTES) } else { HEAD_BYTES };
        self.window = source.read_range(ByteRange::new(at, length))?;
        self.window_at = at;
        self.known(at).ok_or_else(|| corrupt("it ends in the header of a tile-part"))
    }

    fn known(&self, at: u64) -> Option<[u8; HEAD_BYTES as usize]> {
        let start = usize::try_from(at.checked_sub(self.window_at)?).ok()?;
        self.window.get(start..)?.first_chunk().copied()
    }
}
