//! Where each frame lies.

use super::elements::Walker;
use super::header::{Header, MAX_FRAMES, Packing};
use super::{corrupt, ended, unsupported};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// Frames and the pieces that they are made of.
pub(super) struct Frames {
    /// Pieces of packed frames, in order; none for plain ones.
    pieces: Vec<ByteRange>,
    /// Index of the first piece of each frame, and behind it the number of pieces; empty when each frame is one piece.
    first: Vec<u32>,
}

impl Frames {
    /// Finds them.
    pub(super) fn find(source: &dyn RandomAccess, header: &Header, control: &Control) -> Result<Self, DecodeError> {
        let in_items = header.pixels.length == u64::MAX;
        match (header.packing, in_items) {
            (Packing::None, false) => return Ok(Self { pieces: Vec::new(), first: Vec::new() }),
            (Packing::None, true) => return Err(corrupt("its pixels are in items, which only packed ones are")),
            (_, false) => return Err(corrupt("its pixels are packed and not in items")),
            (_, true) => {}
        }
        let mut walker = Walker::new(source, header.pixels.offset, control);
        let mut pieces = walker.items(MAX_FRAMES + 1)?;
        if pieces.is_empty() {
            return Err(corrupt("its pixels have no items"));
        }
        let table = pieces.remove(0);
        let frames = header.frames as usize;
        if pieces.len() == frames {
            return Ok(Self { pieces, first: Vec::new() });
        }
        if pieces.len() < frames {
            return Err(corrupt(format!("it says that it has {frames} frames, there are pieces for {}", pieces.len())));
        }
        let first = if frames == 1 { vec![0] } else { first_pieces(source, table, &pieces, frames)? };
        let first = first.into_iter().chain([pieces.len() as u32]).collect();
        Ok(Self { pieces, first })
    }

    /// Bytes that are held.
    pub(super) fn held_bytes(&self) -> u64 {
        (self.pieces.capacity() * size_of::<ByteRange>() + self.first.capacity() * size_of::<u32>()) as u64
    }

    /// The pieces of a packed frame, from 0.
    pub(super) fn pieces(&self, frame: u32) -> &[ByteRange] {
        let frame = frame as usize;
        let (from, to) = match (self.first.get(frame), self.first.get(frame + 1)) {
            (Some(from), Some(to)) => (*from as usize, *to as usize),
            _ => (frame, frame + 1),
        };
        self.pieces.get(from..to).unwrap_or_default()
    }
}

/// The first piece of each frame, by the table of offsets in front of the pieces.
fn first_pieces(
    source: &dyn RandomAccess,
    table: ByteRange,
    pieces: &[ByteRange],
    frames: usize,
) -> Result<Vec<u32>, DecodeError> {
    if table.length != frames as u64 * 4 {
        return Err(unsupported("frames in several pieces without a table of them"));
    }
    let table = source.read_range(table).map_err(ended("its table of frames"))?;
    // Offsets count from the first piece's own head.
    let start = pieces.first().map_or(0, |piece| piece.offset);
    let first: Option<Vec<u32>> = table
        .as_chunks()
        .0
        .iter()
        .map(|bytes| {
            let at = start + u64::from(u32::from_le_bytes(*bytes));
            pieces.binary_search_by_key(&at, |piece| piece.offset).ok().map(|piece| piece as u32)
        })
        .collect();
    let first = first.filter(|first| first.first() == Some(&0) && first.is_sorted_by(|one, next| one < next));
    first.ok_or_else(|| corrupt("its table of frames does not fit its pieces"))
}
