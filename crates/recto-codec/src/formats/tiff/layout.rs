//! Where do the tiles or strips of a directory lie, and which pixels does each hold?

use recto_iiif::Dimensions;

use super::ifd::Values;
use super::{corrupt, tag, too_large};
use crate::{ByteRange, DecodeError};

/// Longest side of a tile: tiles are held whole.
const MAX_TILE_SIDE: u64 = 1 << 16;

/// Most scans of an old JPEG stream that are looked at: one for each row and component of the highest.
const MAX_NAMED: usize = 1 << 18;

/// Whole numbers, in four bytes each where that is enough.
#[derive(Debug)]
enum Numbers {
    Short(Vec<u32>),
    Long(Vec<u64>),
}

impl Numbers {
    fn collect(numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut short = Vec::with_capacity(numbers.len());
        let mut long = Vec::new();
        let total = numbers.len();
        for number in numbers {
            match u32::try_from(number) {
                Ok(number) if long.is_empty() => short.push(number),
                _ => {
                    if long.is_empty() {
                        long.reserve(total);
                        long.extend(short.drain(..).map(u64::from));
                    }
                    long.push(number);
                }
            }
        }
        if long.is_empty() { Self::Short(short) } else { Self::Long(long) }
    }

    fn get(&self, index: usize) -> Option<u64> {
        match self {
            Self::Short(numbers) => numbers.get(index).copied().map(u64::from),
            Self::Long(numbers) => numbers.get(index).copied(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Short(numbers) => numbers.len(),
            Self::Long(numbers) => numbers.len(),
        }
    }

    fn held_bytes(&self) -> u64 {
        let bytes = match self {
            Self::Short(numbers) => size_of_val(numbers.as_slice()),
            Self::Long(numbers) => size_of_val(numbers.as_slice()),
        };
        bytes as u64
    }
}

/// The chunks (tiles or strips) of one directory. A strip is a chunk as wide as the image.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) size: Dimensions,
    pub(super) tiled: bool,
    /// Size of a chunk. Tiles at the edge are padded to it, strips are not.
    pub(super) chunk: Dimensions,
    pub(super) across: u32,
    pub(super) down: u32,
    offsets: Numbers,
    counts: Numbers,
}

impl Layout {
    /// Reads the layout of an image of `size` with `planes` separate planes (1 when samples lie together).
    pub(super) fn new(values: &Values, size: Dimensions, planes: u32, max_bytes: u64) -> Result<Self, DecodeError> {
        let tiled = values.numbers(tag::TILE_OFFSETS).is_some() || values.number(tag::TILE_WIDTH).is_some();
        let chunk = if tiled { tile_size(values)? } else { strip_size(values, size)? };
        let across = size.width_px.div_ceil(chunk.width_px);
        let down = size.height_px.div_ceil(chunk.height_px);
        let chunks = u64::from(across) * u64::from(down) * u64::from(planes);
        if chunks.saturating_mul(16) > max_bytes {
            return Err(too_large(chunks.saturating_mul(16), max_bytes, "bytes of memory for its tile table"));
        }
        // One more than there are: a chunk whose length is not noted reaches to the next.
        let (offsets, counts) = tables(values, tiled, chunks as usize + 1)?;
        if (offsets.len() as u64) < chunks {
            let what = if tiled { "tiles" } else { "strips" };
            return Err(corrupt(format!("it needs {chunks} {what} and names {}", offsets.len())));
        }
        Ok(Self { size, tiled, chunk, across, down, offsets, counts })
    }

    /// Where everything lies that the directory of an image of `size` names as its chunks, in a file of `file_length` bytes, be they
    /// more than its pixels need: for old JPEG streams, whose scans may be anything.
    pub(super) fn named(
        values: &Values,
        size: Dimensions,
        max_bytes: u64,
        file_length: u64,
    ) -> Result<Vec<ByteRange>, DecodeError> {
        let mut layout = Self::new(values, size, 1, max_bytes)?;
        (layout.offsets, layout.counts) = tables(values, layout.tiled, MAX_NAMED)?;
        Ok((0..layout.offsets.len()).filter_map(|index| layout.range(index, file_length)).collect())
    }

    /// One chunk that lies here, whatever the directory says: for old JPEG streams, which hold all of the image.
    pub(super) fn single(size: Dimensions, range: ByteRange) -> Self {
        Self {
            size,
            tiled: false,
            chunk: size,
            across: 1,
            down: 1,
            offsets: Numbers::Long(vec![range.offset]),
            counts: Numbers::Long(vec![range.length]),
        }
    }

    /// Tiles that follow each other in the file: where each begins, row by row, and where the last one ends.
    pub(super) fn of_starts(size: Dimensions, tile: Dimensions, starts: Vec<u64>) -> Self {
        Self {
            size,
            tiled: true,
            chunk: tile,
            across: size.width_px.div_ceil(tile.width_px),
            down: size.height_px.div_ceil(tile.height_px),
            offsets: Numbers::collect(starts.into_iter()),
            // Each reaches to the next.
            counts: Numbers::Short(Vec::new()),
        }
    }

    /// Number of the chunk in this place.
    pub(super) fn index(&self, plane: u32, column: u32, row: u32) -> usize {
        ((u64::from(plane) * u64::from(self.down) + u64::from(row)) * u64::from(self.across) + u64::from(column))
            as usize
    }

    /// What the chunk is called in messages.
    pub(super) fn name(&self, index: usize) -> String {
        format!("{} {index}", if self.tiled { "tile" } else { "strip" })
    }

    /// Where a chunk lies, in a file of `file_length` bytes. A chunk whose length is not noted reaches to the next, or to the
    /// end. `None` for a chunk that was never written (a sparse file).
    pub(super) fn range(&self, index: usize, file_length: u64) -> Option<ByteRange> {
        let offset = self.offsets.get(index)?;
        match self.counts.get(index) {
            Some(0) | None if offset == 0 => None,
            Some(count) if count > 0 => Some(ByteRange::new(offset, count)),
            _ => {
                let end = self.offsets.get(index + 1).filter(|next| *next > offset).unwrap_or(file_length);
                Some(ByteRange::new(offset, end.saturating_sub(offset)))
            }
        }
    }

    /// Number of chunks whose places are known.
    pub(super) fn chunks(&self) -> usize {
        self.offsets.len()
    }

    /// Bytes that the tables take.
    pub(super) fn held_bytes(&self) -> u64 {
        self.offsets.held_bytes() + self.counts.held_bytes()
    }

    /// Rows of the chunks in this row that hold pixels of the image, padding of tiles included.
    pub(super) fn stored_rows(&self, row: u32) -> u32 {
        if self.tiled {
            self.chunk.height_px
        } else {
            self.chunk.height_px.min(self.size.height_px.saturating_sub(row.saturating_mul(self.chunk.height_px)))
        }
    }
}

/// Where chunks lie and how long they are: the first `most` of both lists.
fn tables(values: &Values, tiled: bool, most: usize) -> Result<(Numbers, Numbers), DecodeError> {
    // Some writers of tiles use the tags of strips.
    let (offsets, counts) = match values.numbers(tag::TILE_OFFSETS) {
        Some(offsets) if tiled => (Some(offsets), values.numbers(tag::TILE_BYTE_COUNTS)),
        _ => (values.numbers(tag::STRIP_OFFSETS), None),
    };
    let offsets = offsets.ok_or_else(|| corrupt("it does not say where its pixels lie"))?;
    let counts = counts.or_else(|| values.numbers(tag::STRIP_BYTE_COUNTS));
    let counts = counts.map_or(Numbers::Short(Vec::new()), |counts| Numbers::collect(counts.take(most)));
    Ok((Numbers::collect(offsets.take(most)), counts))
}

fn tile_size(values: &Values) -> Result<Dimensions, DecodeError> {
    let side = |tag| {
        let side = values.number(tag).ok_or_else(|| corrupt("it does not say how large its tiles are"))?;
        match side {
            1..=MAX_TILE_SIDE => Ok(side as u32),
            0 => Err(corrupt("its tiles have no size")),
            _ => Err(too_large(side, MAX_TILE_SIDE, "pixels along the side of a tile")),
        }
    };
    Ok(Dimensions::new(side(tag::TILE_WIDTH)?, side(tag::TILE_LENGTH)?))
}

fn strip_size(values: &Values, size: Dimensions) -> Result<Dimensions, DecodeError> {
    match values.number(tag::ROWS_PER_STRIP).unwrap_or(u64::from(u32::MAX)) {
        0 => Err(corrupt("its strips have no rows")),
        rows => Ok(Dimensions::new(size.width_px, rows.min(u64::from(size.height_px)) as u32)),
    }
}
