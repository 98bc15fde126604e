//! The directories of a file's pages, kept between openings: a chain of thousands need not be walked for each page.
//!
//! ```text
//! "RTC2", number of pages, number of levels; for each page the number of its first level; for each level:
//! place of the directory (8 bytes), width, height, tile width, tile height (0: strips), flags
//! ```
//!
//! All numbers are little-endian, of 4 bytes where nothing else is said.

use std::io;

use recto_iiif::Dimensions;

use super::pyramid::{MAX_DIRECTORIES, Outline};
use crate::{ByteRange, RandomAccess};

/// The part's name on the shelf: of the whole file, since every page is found by it.
pub(super) const PART: &str = "file-tiff-chain";

const MAGIC: &[u8; 4] = b"RTC2";
const HEAD: u64 = 12;
const RECORD: u64 = 28;

/// What is known of a page.
pub(super) enum Page {
    /// Its levels in the chain, and how many pages there are.
    Levels(Vec<Outline>, u32),
    /// It does not exist; how many pages there are.
    None(u32),
}

/// Writes the levels, of which those at `starts` begin a page.
pub(super) fn write(levels: &[Outline], starts: &[usize], out: &mut dyn io::Write) -> io::Result<()> {
    let mut bytes = MAGIC.to_vec();
    for number in [starts.len(), levels.len()].into_iter().chain(starts.iter().copied()) {
        bytes.extend_from_slice(&(number as u32).to_le_bytes());
    }
    for level in levels {
        bytes.extend_from_slice(&level.offset.to_le_bytes());
        let tile = level.tile.unwrap_or(Dimensions::new(0, 0));
        let flags = u32::from(level.reduced) | u32::from(level.mask) << 1 | u32::from(level.page) << 2;
        for number in [level.size.width_px, level.size.height_px, tile.width_px, tile.height_px, flags] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    out.write_all(&bytes)
}

/// Reads what is known of a page, from 1; `None` when the part is of no use.
pub(super) fn page(part: &dyn RandomAccess, wanted: u32) -> Option<Page> {
    let read = |offset: u64, length: u64| part.read_range(ByteRange::new(offset, length)).ok();
    let number = |bytes: &[u8]| bytes.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    let head = read(0, HEAD)?;
    let (pages, levels) = (number(head.get(4..)?)?, number(head.get(8..)?)?);
    if !head.starts_with(MAGIC) || pages == 0 || pages > levels || u64::from(levels) > MAX_DIRECTORIES {
        return None;
    }
    if wanted == 0 || wanted > pages {
        return Some(Page::None(pages));
    }
    // The start of the page, and of the one behind it.
    let starts = read(HEAD + 4 * u64::from(wanted - 1), if wanted < pages { 8 } else { 4 })?;
    let start = number(&starts)?;
    let end = starts.get(4..).and_then(number).unwrap_or(levels);
    let count = end.checked_sub(start).filter(|count| *count > 0 && end <= levels)?;
    let records = HEAD + 4 * u64::from(pages) + RECORD * u64::from(start);
    let records = read(records, RECORD * u64::from(count))?;
    let outline = |record: &[u8]| {
        let field = |index: usize| record.get(8 + 4 * index..).and_then(number);
        let (tile, flags) = (Dimensions::new(field(2)?, field(3)?), field(4)?);
        Some(Outline {
            offset: u64::from_le_bytes(*record.first_chunk()?),
            size: Dimensions::new(field(0)?, field(1)?),
            tile: (!tile.is_empty()).then_some(tile),
            reduced: flags & 1 != 0,
            mask: flags & 2 != 0,
            page: flags & 4 != 0,
            // It was put into its page already.
            slide: None,
        })
    };
    let levels = records.chunks_exact(RECORD as usize).map(outline).collect::<Option<Vec<_>>>()?;
    Some(Page::Levels(levels, pages))
}
