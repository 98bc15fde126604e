//! Rows of a region, from the tiles or strips that it touches and no others.
//!
//! Tiles are taken a row of tiles at a time, a few megabytes of compressed tiles at once; of low ones (restart intervals) those of the
//! next rows come along. Strips (and tiles too large to be held) are decompressed as a stream, some rows at a time. Chunks that are JPEG
//! or WebP images are decoded whole.
//!
//! Everything here counts in pixels of the level divided by the denominator; only JPEG has one other than 1.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use recto_iiif::{Dimensions, Rect};

use super::chunk::{Chunk, Wanted};
use super::corrupt;
use super::decompress::BLOCK;
use super::directory::{Compression, Directory};
use super::ifd::File;
use super::reader::StoredLevel;
use super::tiles::Tiles;
use crate::{ByteRange, Control, DecodeError, DecodeRequest, DecodedGeometry, Raster, RowSource};

/// Compressed bytes of neighbouring chunks that are read at once.
pub(super) const READ_AHEAD: u64 = 4 << 20;
/// The same of restart intervals, over as many rows of them as that takes.
pub(super) const INTERVALS_AHEAD: u64 = 1 << 20;
/// The most of them that are read so.
const MOST_INTERVALS_AHEAD: usize = 4096;
/// Chunks up to this many bytes are decompressed whole, larger ones as a stream.
const HELD_CHUNK: u64 = 4 << 20;
/// Bytes of a strip that is handed out, where the format leaves the choice.
pub(super) const STRIP: u64 = 512 * 1024;

/// Compressed chunks that were read ahead: the row of each, and the bytes of its planes.
type Ahead = VecDeque<(u32, Vec<Vec<u8>>)>;

/// See [`crate::RowSource`].
pub(super) struct Rows<'a> {
    file: &'a File,
    level: &'a StoredLevel,
    control: Control,
    geometry: DecodedGeometry,
    /// Size of a chunk in reduced pixels.
    chunk: Dimensions,
    /// The next row to give, in reduced pixels of the level.
    next: u32,
    /// The chunk that is being streamed, and its row of chunks.
    open: Option<(u32, Chunk)>,
    /// Compressed strips read ahead: the row of the first, and their bytes.
    ahead: Ahead,
    /// Restart intervals read ahead, by their numbers.
    intervals: HashMap<usize, Vec<u8>>,
    scratch: Vec<u8>,
    /// Where tiles are remembered.
    tiles: Option<Tiles>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        file: &'a File,
        level: &'a StoredLevel,
        wanted: &DecodeRequest,
        control: Control,
        tiles: Option<Tiles>,
    ) -> Self {
        let directory = &level.directory;
        let rect = DecodedGeometry::reduced_rect(wanted, directory.size);
        let geometry =
            DecodedGeometry { format: directory.interpretation.format, denominator: wanted.denominator, rect };
        let chunk = directory.layout.chunk.reduced(wanted.denominator);
        let next = rect.y;
        Self {
            file,
            level,
            control,
            geometry,
            chunk,
            next,
            open: None,
            ahead: Ahead::new(),
            intervals: HashMap::new(),
            scratch: Vec::new(),
            tiles,
        }
    }

    /// Gives what a row of tiles has of the region.
    fn tile_row(&mut self) -> Result<Raster, DecodeError> {
        let rect = self.geometry.rect;
        let row = self.next / self.chunk.height_px;
        let chunk_bottom = (u64::from(row) + 1) * u64::from(self.chunk.height_px);
        let rows = (chunk_bottom.min(rect.bottom()) - u64::from(self.next)) as u32;
        let mut out = Raster::zeroed(Dimensions::new(rect.w, rows), self.geometry.format);
        let columns = columns(rect, self.chunk);
        let keeps = self.tiles.as_ref().is_some_and(Tiles::keeps);
        let wanted = if keeps { self.wanted(self.chunk.height_px) } else { self.wanted_now(rows) };
        let mut column = *columns.start();
        while column <= *columns.end() {
            self.control.check()?;
            if let Some(tile) = self.tiles.as_ref().and_then(|tiles| tiles.get(self.index(column, row))) {
                self.copy_tile(&tile, column, row, &mut out);
                column += 1;
                continue;
            }
            let chunks = if self.level.directory.intervals {
                vec![vec![self.interval(row, column, &columns)?]]
            } else {
                read_chunks(self.file, self.level, &self.batch(row, column, *columns.end()))?
            };
            let count = chunks.len() as u32;
            for (column, planes) in (column..).zip(chunks) {
                self.control.check()?;
                let mut chunk = Chunk::decode(self.file, self.level, planes, column, row, wanted, &self.control)?;
                if keeps {
                    if let Some(tile) = self.whole_tile(&mut chunk, column, row) {
                        self.copy_tile(&tile, column, row, &mut out);
                        continue;
                    }
                    // Its sound rows may be all that is wanted.
                    chunk = self.open_again(column, row, rows)?;
                }
                let Some((part, from)) = self.part(column, row, rows) else { continue };
                let directory = &self.level.directory;
                chunk.give(directory, from, part.w, rows, &mut out, part.x - rect.x, &mut self.scratch)?;
            }
            column += count;
        }
        self.next += rows;
        Ok(out)
    }

    /// A chunk of which so many rows are wanted from the next on.
    fn open_again(&self, column: u32, row: u32, rows: u32) -> Result<Chunk, DecodeError> {
        let planes = vec![planes(&self.level.directory, column, row)];
        let read = read_chunks(self.file, self.level, &planes)?.pop().unwrap_or_default();
        Chunk::decode(self.file, self.level, read, column, row, self.wanted_now(rows), &self.control)
    }

    fn wanted(&self, rows: u32) -> Wanted {
        Wanted { denominator: self.geometry.denominator, rows }
    }

    /// What has to be decoded of a chunk for so many rows from the next on.
    fn wanted_now(&self, rows: u32) -> Wanted {
        self.wanted(self.next % self.chunk.height_px + rows)
    }

    fn index(&self, column: u32, row: u32) -> usize {
        self.level.directory.layout.index(0, column, row)
    }

    /// What `rows` rows from the next on have of a tile: where that lies in the image, and where in the tile.
    fn part(&self, column: u32, row: u32, rows: u32) -> Option<(Rect, Dimensions)> {
        let place = Rect::new(column * self.chunk.width_px, self.next, self.chunk.width_px, rows);
        let part = place.intersection(self.geometry.rect)?;
        Some((part, Dimensions::new(part.x - place.x, self.next - row * self.chunk.height_px)))
    }

    /// All of a tile, to be remembered; `None` where tiles are not, or where part of this one is damaged.
    fn whole_tile(&mut self, chunk: &mut Chunk, column: u32, row: u32) -> Option<Arc<Raster>> {
        let tiles = self.tiles.as_ref()?;
        let directory = &self.level.directory;
        let mut tile = Raster::zeroed(self.chunk, self.geometry.format);
        let begin = Dimensions::new(0, 0);
        let (w, h) = (self.chunk.width_px, self.chunk.height_px);
        chunk.give(directory, begin, w, h, &mut tile, 0, &mut self.scratch).ok()?;
        let tile = Arc::new(tile);
        tiles.keep(directory.layout.index(0, column, row), Arc::clone(&tile));
        Some(tile)
    }

    /// Copies what `out` wants of a tile.
    fn copy_tile(&self, tile: &Raster, column: u32, row: u32, out: &mut Raster) {
        let rows = out.height_px();
        let Some((part, from)) = self.part(column, row, rows) else { return };
        let pixel = out.format().bytes_per_pixel();
        let bytes = part.w as usize * pixel;
        let (source, target) = (from.width_px as usize * pixel, (part.x - self.geometry.rect.x) as usize * pixel);
        for y in 0..rows {
            out.row_mut(y)[target..target + bytes]
                .copy_from_slice(&tile.row(from.height_px + y)[source..source + bytes]);
        }
    }

    /// Chunks from `column` on that are read at once: the numbers of each one's planes.
    fn batch(&self, row: u32, column: u32, last: u32) -> Vec<Vec<usize>> {
        let directory = &self.level.directory;
        let most = largest_chunk(directory);
        let mut bytes = 0;
        let mut batch = Vec::new();
        for column in column..=last {
            let planes = planes(directory, column, row);
            let length = planes
                .iter()
                .filter_map(|index| directory.layout.range(*index, self.file.source.len()))
                .map(|range| range.length.min(most))
                .sum::<u64>();
            bytes += length;
            let is_known = self.tiles.as_ref().is_some_and(|tiles| tiles.get(self.index(column, row)).is_some());
            if (bytes > READ_AHEAD || is_known) && !batch.is_empty() {
                break;
            }
            batch.push(planes);
        }
        batch
    }

    /// Reads a restart interval, and with it those that come next: to the right, and in the rows below.
    fn interval(&mut self, row: u32, column: u32, columns: &RangeInclusive<u32>) -> Result<Vec<u8>, DecodeError> {
        let wanted = self.index(column, row);
        if let Some(bytes) = self.intervals.remove(&wanted) {
            return Ok(bytes);
        }
        let this = &*self;
        let directory = &this.level.directory;
        let last = ((this.geometry.rect.bottom() - 1) / u64::from(this.chunk.height_px)) as u32;
        let places = (row..=last).flat_map(|row| columns.clone().map(move |column| this.index(column, row)));
        let is_known = |index: usize| this.tiles.as_ref().is_some_and(|tiles| tiles.get(index).is_some());
        let (mut batch, mut bytes) = (vec![vec![wanted]], 0);
        for index in places.filter(|index| *index > wanted && !is_known(*index)) {
            let range = directory.layout.range(index, this.file.source.len());
            bytes += range.map_or(0, |range| range.length.min(largest_chunk(directory)));
            if bytes > INTERVALS_AHEAD || batch.len() >= MOST_INTERVALS_AHEAD {
                break;
            }
            batch.push(vec![index]);
        }
        let mut read = read_chunks(this.file, this.level, &batch)?.into_iter().flatten();
        let first = read.next().unwrap_or_default();
        self.intervals = batch.iter().skip(1).flatten().copied().zip(read).collect();
        Ok(first)
    }

    /// Gives the next rows of a chunk that is streamed, or of several small ones.
    fn streamed(&mut self) -> Result<Raster, DecodeError> {
        let rect = self.geometry.rect;
        let stride = u64::from(rect.w) * self.geometry.format.bytes_per_pixel() as u64;
        let (group, group_bytes) = group(&self.level.directory, self.level.directory.layout.chunk.width_px);
        let most = ((STRIP / stride.max(1)) as u32).max(1).next_multiple_of(group);
        // Chunks are decompressed in their whole width, however narrow the region is.
        let at_once = ((STRIP / group_bytes.max(1)) as u32).max(1) * group;
        let rows = self.strip_end(most, group) - self.next;
        let mut out = Raster::zeroed(Dimensions::new(rect.w, rows), self.geometry.format);
        let column = *columns(rect, self.chunk).start();
        let x = rect.x - column * self.chunk.width_px;
        let mut given = 0;
        while given < rows {
            self.control.check()?;
            let row = self.next / self.chunk.height_px;
            let first = self.next - row * self.chunk.height_px;
            // Chroma samples are shared by rows of one chunk: a part ends where such a group does.
            let to_group = if first.is_multiple_of(group) { at_once } else { group - first % group };
            let part = (rows - given).min(self.chunk.height_px - first).min(to_group);
            let mut chunk = match self.open.take() {
                Some((open_row, chunk)) if open_row == row => chunk,
                _ => self.open_chunk(column, row)?,
            };
            let mut target = Raster::zeroed(Dimensions::new(rect.w, part), self.geometry.format);
            let from = Dimensions::new(x, first);
            chunk.give(&self.level.directory, from, rect.w, part, &mut target, 0, &mut self.scratch)?;
            let start = given as usize * out.stride();
            out.data_mut()[start..start + target.data().len()].copy_from_slice(target.data());
            given += part;
            self.next += part;
            self.open = Some((row, chunk));
        }
        Ok(out)
    }

    /// Where a strip of at most `most` rows ends: with the region, or between two groups of rows that share chroma samples, since
    /// what a chunk has passed it does not give again.
    fn strip_end(&self, most: u32, group: u32) -> u32 {
        let end = (u64::from(self.next) + u64::from(most)).min(self.geometry.rect.bottom());
        // Groups are counted from the first row of a chunk.
        let over = if end < self.geometry.rect.bottom() { end as u32 % self.chunk.height_px % group } else { 0 };
        end as u32 - over
    }

    /// Opens the chunk in this place, from what was read ahead if it is small.
    fn open_chunk(&mut self, column: u32, row: u32) -> Result<Chunk, DecodeError> {
        let directory = &self.level.directory;
        let indices = planes(directory, column, row);
        let most = largest_chunk(directory);
        let length = self.file.source.len();
        let ranges: Vec<Option<ByteRange>> =
            indices.iter().map(|index| directory.layout.range(*index, length)).collect();
        let small = ranges.iter().flatten().all(|range| range.length.min(most) <= BLOCK);
        if !small && !directory.compression.is_image() {
            return Chunk::stream(self.file, self.level, &indices, column, row, &self.control);
        }
        if self.ahead.front().is_none_or(|(first, _)| *first != row) {
            self.ahead = self.read_ahead(column, row)?;
        }
        let planes = self.ahead.pop_front().map(|(_, planes)| planes).unwrap_or_default();
        let rest = self.geometry.rect.bottom() - u64::from(self.next);
        let wanted =
            self.wanted_now(rest.min(u64::from(self.chunk.height_px - self.next % self.chunk.height_px)) as u32);
        Chunk::decode(self.file, self.level, planes, column, row, wanted, &self.control)
    }

    /// Reads small chunks from `row` down, at least one.
    fn read_ahead(&self, column: u32, row: u32) -> Result<Ahead, DecodeError> {
        let directory = &self.level.directory;
        let most = largest_chunk(directory);
        let last = ((self.geometry.rect.bottom() - 1) / u64::from(self.chunk.height_px)) as u32;
        let mut bytes = 0;
        let mut batch = Vec::new();
        for row in row..=last {
            let planes = planes(directory, column, row);
            let ranges = planes.iter().filter_map(|index| directory.layout.range(*index, self.file.source.len()));
            bytes += ranges.map(|range| range.length.min(most)).sum::<u64>();
            if bytes > 2 * BLOCK && !batch.is_empty() {
                break;
            }
            batch.push(planes);
        }
        Ok((row..).zip(read_chunks(self.file, self.level, &batch)?).collect())
    }
}

impl RowSource for Rows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        if u64::from(self.next) >= self.geometry.rect.bottom() {
            return Ok(None);
        }
        let strip = if is_streamed(&self.level.directory, self.geometry.rect, self.chunk) {
            self.streamed()?
        } else {
            self.tile_row()?
        };
        Ok(Some(strip))
    }
}

/// True when the region is served from one column of chunks as a stream of rows.
pub(super) fn is_streamed(directory: &Directory, rect: Rect, chunk: Dimensions) -> bool {
    let columns = columns(rect, chunk);
    let one_column = columns.start() == columns.end();
    let held = raw_bytes(directory) <= HELD_CHUNK;
    one_column && (!directory.layout.tiled || (!held && !directory.compression.is_image()))
}

/// The columns of chunks that a region touches.
pub(super) fn columns(rect: Rect, chunk: Dimensions) -> RangeInclusive<u32> {
    rect.x / chunk.width_px..=((rect.right() - 1) / u64::from(chunk.width_px)) as u32
}

/// Numbers of the chunks in this place, one per plane that is shown.
pub(super) fn planes(directory: &Directory, column: u32, row: u32) -> Vec<usize> {
    let planes = if directory.planar { directory.interpretation.used as u32 } else { 1 };
    (0..planes).map(|plane| directory.layout.index(plane, column, row)).collect()
}

/// Rows that lie together (more than one with subsampled chroma), and their bytes in a chunk of `width` pixels.
pub(super) fn group(directory: &Directory, width: u32) -> (u32, u64) {
    if let Some((across, down)) = directory.interpretation.subsampling() {
        return (down as u32, u64::from(width.div_ceil(across as u32)) * (across * down + 2) as u64);
    }
    let bits = u64::from(width) * u64::from(directory.chunk_samples()) * u64::from(directory.bits);
    (1, bits.div_ceil(8))
}

/// Bytes of a chunk (one plane of it) once decompressed.
pub(super) fn raw_bytes(directory: &Directory) -> u64 {
    let (rows, bytes) = group(directory, directory.layout.chunk.width_px);
    bytes.saturating_mul(u64::from(directory.layout.chunk.height_px.div_ceil(rows)))
}

/// More compressed bytes than a chunk can need: what is noted beyond is not read.
pub(super) fn largest_chunk(directory: &Directory) -> u64 {
    let raw = raw_bytes(directory);
    match directory.compression {
        Compression::None => raw,
        // An old stream that is not cut into chunks may be anywhere; its length was checked against the file.
        compression if compression.is_image() => raw.saturating_mul(2).saturating_add(4 << 20),
        _ => raw.saturating_mul(2).saturating_add(64 * 1024),
    }
}

/// Where one chunk lies, of which at most `most` bytes count.
pub(super) fn inside(file: &File, range: ByteRange, most: u64, name: &str) -> Result<ByteRange, DecodeError> {
    let range = ByteRange::new(range.offset, range.length.min(most));
    match range.end() {
        Some(end) if end <= file.source.len() => Ok(range),
        _ => Err(corrupt(format!("{name} lies outside of it"))),
    }
}

/// Reads the planes of several chunks in one call; a plane that was never written is empty.
fn read_chunks(file: &File, level: &StoredLevel, chunks: &[Vec<usize>]) -> Result<Vec<Vec<Vec<u8>>>, DecodeError> {
    let layout = &level.directory.layout;
    let most = largest_chunk(&level.directory);
    let length = file.source.len();
    let mut ranges = Vec::new();
    for index in chunks.iter().flatten() {
        if let Some(range) = layout.range(*index, length) {
            ranges.push(inside(file, range, most, &layout.name(*index))?);
        }
    }
    let mut read = file.source.read_ranges(&ranges)?.into_iter();
    let mut plane = |index: &usize| {
        let was_read = layout.range(*index, length).is_some();
        if was_read { read.next().unwrap_or_default() } else { Vec::new() }
    };
    Ok(chunks.iter().map(|planes| planes.iter().map(&mut plane).collect()).collect())
}
