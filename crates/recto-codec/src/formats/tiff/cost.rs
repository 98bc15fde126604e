//! What a read costs, as far as a directory says it.

use super::decompress::BLOCK;
use super::directory::Compression;
use super::ifd::File;
use super::old_jpeg::OldJpeg;
use super::picture;
use super::reader::StoredLevel;
use super::rows::{INTERVALS_AHEAD, READ_AHEAD, STRIP, columns, group, is_streamed, largest_chunk, planes, raw_bytes};
use crate::{Cost, DecodeRequest, DecodedGeometry};

/// What a read costs.
pub(super) fn cost(file: &File, level: &StoredLevel, wanted: &DecodeRequest) -> Cost {
    let directory = &level.directory;
    let layout = &directory.layout;
    let rect = DecodedGeometry::reduced_rect(wanted, directory.size);
    let chunk = layout.chunk.reduced(wanted.denominator);
    let columns = columns(rect, chunk);
    let rows = rect.y / chunk.height_px..=((rect.bottom() - 1) / u64::from(chunk.height_px)) as u32;
    let most = largest_chunk(directory);
    let length = file.source.len();
    let (mut bytes_read, mut row_of_chunks, mut largest) = (0_u64, 0_u64, 0_u64);
    for row in rows.clone() {
        let mut in_row = 0;
        for index in columns.clone().flat_map(|column| planes(directory, column, row)) {
            let bytes = layout.range(index, length).map_or(0, |range| range.length.min(most));
            in_row += bytes;
            largest = largest.max(bytes);
        }
        bytes_read += in_row;
        row_of_chunks = row_of_chunks.max(in_row);
    }
    let chunks = (u64::from(columns.end() - columns.start()) + 1) * (u64::from(rows.end() - rows.start()) + 1);
    let planes = if directory.planar { directory.interpretation.used as u64 } else { 1 };
    let stride = u64::from(rect.w) * directory.interpretation.format.bytes_per_pixel() as u64;
    let streamed = is_streamed(directory, rect, chunk);
    let (group_rows, group_bytes) = group(directory, layout.chunk.width_px);
    // A tile to be remembered is made beside what the decompressor gives.
    let kept = chunk.area_px() * directory.interpretation.format.bytes_per_pixel() as u64;
    let decoded = if directory.compression.is_image() {
        chunk.area_px() * u64::from(directory.chunk_samples()) * planes + kept + picture::working_bytes(level)
    } else if streamed {
        STRIP.max(group_bytes) * planes
    } else {
        raw_bytes(directory) * planes + kept
    };
    let compressed = match (streamed, directory.compression.is_image()) {
        (true, false) => 3 * BLOCK * planes,
        // The stream with its tables joined is a copy; of WebP there is one more.
        (_, true) => {
            let copies = if directory.compression == Compression::Webp { 2 } else { 1 };
            let ahead = if directory.intervals { bytes_read.min(INTERVALS_AHEAD + largest) } else { 0 };
            row_of_chunks.min(READ_AHEAD.max(largest)).max(ahead) + copies * largest
        }
        _ => row_of_chunks.min(READ_AHEAD.max(largest)),
    };
    let strip = if streamed {
        2 * (STRIP.max(stride) + stride * u64::from(group_rows - 1)).min(stride * u64::from(rect.h))
    } else {
        stride * u64::from(rect.h.min(chunk.height_px))
    };
    if directory.compression == Compression::None && !layout.tiled {
        bytes_read = bytes_read.min(u64::from(rect.h.div_ceil(group_rows) + 1) * group_bytes * planes);
    }
    let scans = directory.old_jpeg.as_ref().map_or(0, OldJpeg::scan_bytes);
    bytes_read += scans;
    // Lists of the chunks of a row, and of what was read for them.
    let lists = 1024 + 192 * planes * (u64::from(columns.end() - columns.start()) + 1);
    // Scans behind a stream are read, and put together.
    let bytes_held = strip + decoded + compressed + 2 * scans + lists;
    Cost { bytes_read, bytes_held, pixels: chunks * layout.chunk.area_px() }
}
