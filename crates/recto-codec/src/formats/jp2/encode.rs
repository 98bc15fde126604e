//! Writing JP2 and JPH: tiles are coded as soon as their rows are there, and written as soon as they are coded. Held are a row of
//! tiles as pixels (two of JPH), what it takes to code one of them (of JPH, one a thread), and some kilobytes for each.

use std::fmt;
use std::io::{self, Cursor, Seek, SeekFrom, Write};

use recto_iiif::{Dimensions, ErrorKind};

use super::compress::{Coding, Compressor, Failure};
use super::encode_boxes::{codestream_box, head};
use super::{codestream::block_style, high_throughput};
use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, Metadata, Orientation, PixelFormat, Raster};

const FORMAT: &str = "jp2";
/// Sides that are coded as one tile.
const WHOLE_PX: u32 = 2048;
/// Side of the tiles of larger ones.
const TILE_PX: u32 = 1024;
/// Side of tiles of high-throughput blocks, which most readers decode as a whole.
const HIGH_THROUGHPUT_TILE_PX: u32 = 512;
/// Side of precincts: what readers fetch together.
const PRECINCT_PX: u32 = 256;
const MAX_RESOLUTIONS: u32 = 6;
const MAX_SIDE_PX: u32 = i32::MAX as u32 - TILE_PX;
/// The library writes the list of their lengths as one marker segment.
const MAX_TILES: u64 = 10_921;
/// Pixels of more bytes than this may give a codestream whose length has more than 32 bits.
const LONG_BYTES: u64 = 1 << 31;

/// How a JP2 file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Jp2Options {
    /// 1..=100; 100 is lossless.
    pub quality: u8,
    /// Side of the tiles in pixels, a power of two of at least 64; `None` for one tile up to 2048 pixels a side, else 1024 (and more
    /// where there were too many). With high-throughput blocks, 512 in both cases.
    pub tile_px: Option<u32>,
    /// Blocks of the high-throughput kind (HTJ2K), which are coded more than three times as fast and take a tenth more bytes, or a
    /// sixth where something is lost; the file is a JPH file.
    pub high_throughput: bool,
    /// Threads that code tiles of high-throughput blocks; others are coded by the caller's.
    pub threads: usize,
}

impl Default for Jp2Options {
    fn default() -> Self {
        Self { quality: 80, tile_px: None, high_throughput: false, threads: 1 }
    }
}

/// Why a JP2 file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Jp2Error {
    /// The pixels could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The place where it is written refused.
    #[error("the file could not be written")]
    Io(#[from] io::Error),
}

impl Jp2Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Encode(error) => error.kind(),
            Self::Io(_) => ErrorKind::Internal,
        }
    }
}

impl From<Failure> for Jp2Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Encoder(what) => Self::Encode(failed(what)),
            Failure::Place(error) => Self::Io(error),
        }
    }
}

/// The encoder of answers.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    jp2_encoder(header, &Jp2Options { quality: options.jp2_quality, ..Jp2Options::default() })
}

/// An encoder of JP2 files in memory, with more to choose than answers need.
///
/// # Errors
/// [`EncodeError::SideTooLong`], [`EncodeError::PixelFormat`], or what the encoder says to the size of the tiles.
pub fn jp2_encoder(header: &EncodeHeader, options: &Jp2Options) -> Result<Box<dyn Encoder>, EncodeError> {
    let place = Cursor::new(Vec::new());
    let writer = Jp2Writer::new(place, header, Orientation::Normal, &Metadata::default(), options);
    Ok(Box::new(Jp2Encoder(writer.map_err(in_memory)?)))
}

/// How these pixels are coded.
fn coding(header: &EncodeHeader, options: &Jp2Options) -> Result<Coding, EncodeError> {
    let size = header.size;
    if size.width_px.max(size.height_px) > MAX_SIDE_PX {
        return Err(EncodeError::SideTooLong { format: FORMAT, size, limit_px: MAX_SIDE_PX });
    }
    match header.pixels {
        PixelFormat::Lab8 | PixelFormat::Lab16 => {
            return Err(EncodeError::PixelFormat { format: FORMAT, pixels: header.pixels });
        }
        _ => {}
    }
    let tile = tile_size(size, options)?;
    let samples = header.pixels.samples() as u32;
    let is_rgb =
        matches!(header.pixels, PixelFormat::Rgb8 | PixelFormat::Rgba8 | PixelFormat::Rgb16 | PixelFormat::Rgba16);
    let shorter = tile.width_px.min(tile.height_px).max(1);
    Ok(Coding {
        size,
        tile,
        bits: header.pixels.bytes_per_sample() as u32 * 8,
        components: samples,
        color_transform: is_rgb,
        quality: if options.quality >= 100 { Vec::new() } else { vec![decibels(options.quality)] },
        resolutions: (shorter.ilog2() + 1).min(MAX_RESOLUTIONS),
        precinct: Some(PRECINCT_PX),
        block: (64, 64),
        progression: 2,
        block_style: if options.high_throughput { block_style::HIGH_THROUGHPUT } else { 0 },
        packet_markers: 0,
        origin: (0, 0),
        chroma_step: (1, 1),
    })
}

/// The quality of a JPEG with the same number, about, as peak signal-to-noise ratio.
fn decibels(quality: u8) -> f32 {
    25.0 + f32::from(quality.max(1)) * 0.2
}

fn tile_size(size: Dimensions, options: &Jp2Options) -> Result<Dimensions, EncodeError> {
    let (whole_px, tile_px, most) = if options.high_throughput {
        (HIGH_THROUGHPUT_TILE_PX, HIGH_THROUGHPUT_TILE_PX, high_throughput::MAX_TILES)
    } else {
        (WHOLE_PX, TILE_PX, MAX_TILES)
    };
    let count = |side: u32| u64::from(size.width_px.div_ceil(side)) * u64::from(size.height_px.div_ceil(side));
    let mut side = match options.tile_px {
        Some(side) if side < 64 || !side.is_power_of_two() => {
            return Err(failed("the side of tiles must be a power of two of at least 64"));
        }
        Some(side) if count(side) > most => {
            let tiles = count(side);
            return Err(failed(format!(
                "it would have {tiles} tiles of {side} pixels, {most} are possible; choose larger ones"
            )));
        }
        Some(side) => side,
        None if size.width_px.max(size.height_px) <= whole_px => return Ok(size),
        None => tile_px,
    };
    while count(side) > most {
        side *= 2;
    }
    Ok(Dimensions::new(side, side))
}

fn failed(what: impl Into<String>) -> EncodeError {
    EncodeError::Failed { format: FORMAT, what: what.into() }
}

fn in_memory(error: Jp2Error) -> EncodeError {
    match error {
        Jp2Error::Encode(error) => error,
        Jp2Error::Io(error) => failed(error.to_string()),
    }
}

/// What codes the tiles.
enum Coder<W> {
    /// The library.
    Library(Compressor<W>),
    /// Ourselves, where they are of high-throughput blocks.
    Own(high_throughput::Compressor<W>),
}

impl<W: Write + Seek> Coder<W> {
    fn tiles(&self) -> (u32, u32) {
        match self {
            Self::Library(compressor) => compressor.tiles(),
            Self::Own(compressor) => compressor.tiles(),
        }
    }

    fn next_size(&self) -> Dimensions {
        match self {
            Self::Library(compressor) => compressor.next_size(),
            Self::Own(compressor) => compressor.next_size(),
        }
    }

    fn written_bytes(&self) -> u64 {
        match self {
            Self::Library(compressor) => compressor.written_bytes(),
            Self::Own(compressor) => compressor.written_bytes(),
        }
    }

    fn finish(self) -> Result<(W, u64), Failure> {
        match self {
            Self::Library(compressor) => compressor.finish(),
            Self::Own(compressor) => compressor.finish(),
        }
    }
}

/// Writes a JP2 file to a place that can be written and sought, while rows come in.
pub struct Jp2Writer<W> {
    coder: Coder<W>,
    size: Dimensions,
    pixels: PixelFormat,
    tile: Dimensions,
    stride: usize,
    rows_left: u32,
    /// Rows of the tiles that are not complete.
    held: Vec<u8>,
    /// Where the box around the codestream begins, and whether its length may have more than 32 bits.
    box_at: u64,
    is_long: bool,
}

impl<W> fmt::Debug for Jp2Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jp2Writer").field("size", &self.size).field("tile", &self.tile).finish_non_exhaustive()
    }
}

impl<W: Write + Seek> Jp2Writer<W> {
    /// Begins a file where `out` stands. The orientation is noted, not applied; `metadata` is kept as it is, but that EXIF says this
    /// orientation.
    ///
    /// # Errors
    /// As of [`jp2_encoder`], or what `out` says.
    pub fn new(
        mut out: W,
        header: &EncodeHeader,
        orientation: Orientation,
        metadata: &Metadata,
        options: &Jp2Options,
    ) -> Result<Self, Jp2Error> {
        let coding = coding(header, options)?;
        let EncodeHeader { size, pixels, .. } = *header;
        let tile = coding.tile;
        let brand = if options.high_throughput { b"jph " } else { b"jp2 " };
        out.write_all(&head(brand, header, orientation, metadata))?;
        let box_at = out.stream_position()?;
        let is_long = size.area_px().saturating_mul(pixels.bytes_per_pixel() as u64) >= LONG_BYTES;
        out.write_all(&codestream_box(is_long, 0))?;
        let coder = if options.high_throughput {
            Coder::Own(high_throughput::Compressor::new(&coding, pixels, options.threads, out)?)
        } else {
            Coder::Library(Compressor::new(coding, out)?)
        };
        Ok(Self {
            coder,
            size,
            pixels,
            tile,
            stride: size.width_px as usize * pixels.bytes_per_pixel(),
            rows_left: size.height_px,
            held: Vec::new(),
            box_at,
            is_long,
        })
    }

    /// How many tiles it has.
    pub fn tiles(&self) -> u64 {
        let (columns, rows) = self.coder.tiles();
        u64::from(columns) * u64::from(rows)
    }

    /// Takes the next rows, as wide as the header says and in its pixel format.
    ///
    /// # Errors
    /// When they do not fit the header, when the encoder gives up, or what the place says.
    pub fn write(&mut self, rows: &Raster) -> Result<(), Jp2Error> {
        if rows.format() != self.pixels || rows.width_px() != self.size.width_px || rows.height_px() > self.rows_left {
            return Err(failed("rows do not fit the header").into());
        }
        let mut data = rows.data();
        while !data.is_empty() {
            let height = self.coder.next_size().height_px as usize;
            let (now, later) = data.split_at(data.len().min(height * self.stride - self.held.len()));
            self.held.extend_from_slice(now);
            data = later;
            if self.held.len() == height * self.stride {
                self.row_of_tiles()?;
            }
        }
        self.rows_left -= rows.height_px();
        Ok(())
    }

    /// Ends the file, once all rows were written, and gives the place back, flushed.
    ///
    /// # Errors
    /// When rows are missing, when the encoder gives up, or what the place says.
    pub fn finish(self) -> Result<W, Jp2Error> {
        if self.rows_left > 0 {
            return Err(failed(format!("{} rows are missing", self.rows_left)).into());
        }
        let (mut out, bytes) = self.coder.finish()?;
        let end = out.stream_position()?;
        out.seek(SeekFrom::Start(self.box_at))?;
        out.write_all(&codestream_box(self.is_long, bytes))?;
        out.seek(SeekFrom::Start(end))?;
        out.flush()?;
        Ok(out)
    }

    /// Bytes of the codestream that were written so far.
    pub fn written_bytes(&self) -> u64 {
        self.coder.written_bytes()
    }

    /// Codes the row of tiles that is held.
    fn row_of_tiles(&mut self) -> Result<(), Jp2Error> {
        let compressor = match &mut self.coder {
            Coder::Library(compressor) => compressor,
            Coder::Own(compressor) => return Ok(compressor.row(std::mem::take(&mut self.held))?),
        };
        let sample = self.pixels.bytes_per_sample();
        let pixel = self.pixels.bytes_per_pixel();
        let mut planes = Vec::new();
        for column in 0..compressor.tiles().0 {
            let size = compressor.next_size();
            let start = column as usize * self.tile.width_px as usize * pixel;
            planes.clear();
            planes.reserve(size.area_px() as usize * pixel);
            for number in 0..self.pixels.samples() {
                for row in self.held.chunks_exact(self.stride) {
                    let row = row.get(start..start + size.width_px as usize * pixel).unwrap_or_default();
                    match sample {
                        1 => planes.extend(row.iter().skip(number).step_by(pixel)),
                        _ => planes.extend(row.chunks_exact(pixel).flat_map(|p| &p[2 * number..2 * number + 2])),
                    }
                }
            }
            compressor.tile(&planes)?;
        }
        self.held.clear();
        Ok(())
    }
}

/// A JP2 file in memory.
struct Jp2Encoder(Jp2Writer<Cursor<Vec<u8>>>);

impl Encoder for Jp2Encoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        self.0.write(rows).map_err(in_memory)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        Ok(self.0.finish().map_err(in_memory)?.into_inner())
    }

    fn written_bytes(&self) -> u64 {
        self.0.written_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_grow_where_there_were_more_than_a_file_lists() {
        for (high_throughput, side, tile_px, expected) in [
            (false, 2048, None, Some(2048)),
            (false, 2049, None, Some(1024)),
            (false, 104 * 1024, None, Some(1024)),
            (false, 105 * 1024, None, Some(2048)),
            (false, 200_000, None, Some(2048)),
            (false, 104 * 64, Some(64), Some(64)),
            (false, 105 * 64, Some(64), None),
            (false, 100, Some(4096), Some(4096)),
            (true, 512, None, Some(512)),
            (true, 513, None, Some(512)),
            (true, 255 * 512, None, Some(512)),
            (true, 256 * 512, None, Some(1024)),
            (true, 255 * 64, Some(64), Some(64)),
            (true, 256 * 64, Some(64), None),
        ] {
            let options = Jp2Options { tile_px, high_throughput, ..Jp2Options::default() };
            let found = tile_size(Dimensions::new(side, side), &options).ok();
            assert_eq!(found, expected.map(|side| Dimensions::new(side, side)), "{high_throughput} {side} {tile_px:?}");
        }
    }
}
