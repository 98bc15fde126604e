//! Writes tiled, pyramidal TIFF while rows come in: in bounded memory, to any place that can be written and sought.
//!
//! ```text
//! rows ─> row of tiles ─> compressed by the crew ─> written in order
//!   └─ pairs of rows averaged ─> next level, in the same way
//! ```
//!
//! Tiles come first and directories last, so it is known at the end whether the file needs the form for more than 4 GiB. Levels
//! halve until one fits into a tile, each `ceil(size / 2)` of the one before, as `info.json` announces them.

mod crew;
pub(crate) mod halve;
mod tile;

use std::fmt;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::sync::Arc;

use recto_iiif::{Dimensions, ErrorKind};

use self::crew::{Band, Crew, Done};
use self::tile::{Coder, Frame};
use super::fields::{self, BYTE, Field, HEADER, LONG, SHORT, UNDEFINED, place_kind};
use super::tag;
use crate::{
    EncodeError, EncodeHeader, EncodeOptions, Encoder, Metadata, Orientation, PixelFormat, Raster, Subsampling,
    TiffCompression,
};

/// How the tiles of a pyramid are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PyramidCompression {
    /// As they are.
    None,
    /// Deflate, with horizontal prediction; nothing is lost.
    Deflate,
    /// Zstandard, with horizontal prediction; nothing is lost.
    Zstd,
    /// JPEG, for 8-bit pixels without transparency.
    Jpeg,
    /// WebP, for 8-bit gray and colour.
    Webp,
}

impl PyramidCompression {
    /// True when it can hold such pixels.
    pub const fn holds(self, pixels: PixelFormat) -> bool {
        match self {
            Self::None | Self::Deflate | Self::Zstd => true,
            Self::Jpeg => matches!(pixels, PixelFormat::Gray8 | PixelFormat::Rgb8 | PixelFormat::Cmyk8),
            Self::Webp => {
                matches!(pixels, PixelFormat::Gray8 | PixelFormat::GrayAlpha8 | PixelFormat::Rgb8 | PixelFormat::Rgba8)
            }
        }
    }

    /// Black and white is stored without loss where that was not asked for.
    const fn fitting(self, bitonal: bool) -> Self {
        match (self, bitonal) {
            (Self::Jpeg | Self::Webp, true) => Self::Deflate,
            _ => self,
        }
    }

    const fn tag(self) -> u64 {
        match self {
            Self::None => 1,
            Self::Jpeg => 7,
            Self::Deflate => 8,
            Self::Zstd => 50_000,
            Self::Webp => 50_001,
        }
    }
}

/// When a file has the form for more than 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BigTiff {
    /// When it needs it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never; a file that needs it is an error.
    Never,
}

/// How a pyramid is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PyramidOptions {
    /// Side of a tile in pixels, a multiple of 16, up to 4096.
    pub tile: u32,
    /// How tiles are compressed.
    pub compression: PyramidCompression,
    /// Quality of JPEG and WebP, 1..=100.
    pub quality: u8,
    /// Chroma subsampling of JPEG.
    pub subsampling: Subsampling,
    /// The form of the file.
    pub big: BigTiff,
    /// Levels are `SubIFDs` of their page; else they follow it in the chain, marked as reduced.
    pub sub_ifds: bool,
    /// Threads that compress, the caller among them.
    pub threads: usize,
}

impl Default for PyramidOptions {
    fn default() -> Self {
        Self {
            tile: 256,
            compression: PyramidCompression::Jpeg,
            quality: 85,
            subsampling: Subsampling::Both,
            big: BigTiff::Auto,
            sub_ifds: false,
            threads: 1,
        }
    }
}

/// Makes the tile in a column and row of level 0 from what the original has already, as a complete sequential JPEG stream; `None`
/// where that cannot be. Streams that are smaller than a tile (at the edges) are filled up, without loss of what they show.
pub type TileMaker = Arc<dyn Fn(u32, u32) -> Option<Vec<u8>> + Send + Sync>;

/// One image that becomes a page.
pub struct PyramidPage {
    /// Size, pixels, profile, resolution.
    pub header: EncodeHeader,
    /// How the rows are to be shown; noted, not applied.
    pub orientation: Orientation,
    /// What is known beside the pixels.
    pub metadata: Metadata,
    /// How its tiles are compressed, where that is not [`PyramidOptions::compression`].
    pub compression: Option<PyramidCompression>,
    /// Makes the tiles of level 0 without loss; pixels are used where it gives none.
    pub maker: Option<TileMaker>,
}

impl fmt::Debug for PyramidPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PyramidPage").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Why a pyramid could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PyramidError {
    /// The pixels could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The place where it is written refused.
    #[error("the pyramid could not be written")]
    Io(#[from] io::Error),
    /// A tile must have a side that JPEG and TIFF allow.
    #[error("tiles of {side} pixels are not possible; give a multiple of 16 up to 4096")]
    TileSide {
        /// The side asked for.
        side: u32,
    },
    /// The compression cannot hold the pixels.
    #[error("{compression:?} cannot hold pixels of the form {pixels:?}; Deflate and Zstd hold all")]
    Compression {
        /// The compression asked for.
        compression: PyramidCompression,
        /// The pixels.
        pixels: PixelFormat,
    },
    /// More than 4 GiB in a file that must not be a `BigTIFF`.
    #[error("the file would have {bytes} bytes, and was asked not to be a BigTIFF, which ends at 4 GiB")]
    NeedsBigTiff {
        /// The length that it would have.
        bytes: u64,
    },
}

impl PyramidError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Encode(error) => error.kind(),
            Self::Io(_) => ErrorKind::Internal,
            Self::TileSide { .. } => ErrorKind::Malformed,
            Self::Compression { .. } => ErrorKind::Unsupported,
            Self::NeedsBigTiff { .. } => ErrorKind::TooLarge,
        }
    }
}

/// What became of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PyramidReport {
    /// Resolutions written.
    pub levels: usize,
    /// Tiles of level 0.
    pub tiles: u64,
    /// Those of them that hold the original's own coefficients.
    pub transcoded_tiles: u64,
}

/// Side of a tile that this writes.
const MAX_TILE: u32 = 4096;
/// A file that ends below this is a classic one.
const CLASSIC_END: u64 = u32::MAX as u64;

/// See the module.
pub struct PyramidWriter<W> {
    out: W,
    position: u64,
    options: PyramidOptions,
    crew: Crew,
    page: Option<OpenPage>,
    /// Directories of finished pages: page by page, its levels.
    pages: Vec<Vec<Directory>>,
}

struct OpenPage {
    page: PyramidPage,
    levels: Vec<LevelState>,
    rows: u32,
    transcoded: u64,
}

struct LevelState {
    size: Dimensions,
    coder: Coder,
    band: Vec<u8>,
    /// Rows that were taken.
    rows: u32,
    /// A row that waits for the one below.
    upper: Vec<u8>,
    halved: Vec<u8>,
    tiles: Vec<(u64, u64)>,
    tables: Option<Vec<u8>>,
    frame: Option<Frame>,
}

impl LevelState {
    fn across(&self) -> u32 {
        self.size.width_px.div_ceil(self.coder.tile)
    }
}

/// A directory but for the places of others.
struct Directory {
    fields: Vec<Field>,
    tiles: Vec<(u64, u64)>,
    exif: Vec<Field>,
    gps: Vec<Field>,
}

impl<W: Write + Seek> PyramidWriter<W> {
    /// Begins a file at the place where `out` stands, which counts as its first byte.
    ///
    /// # Errors
    /// [`PyramidError::TileSide`], or what `out` says.
    pub fn new(mut out: W, options: &PyramidOptions) -> Result<Self, PyramidError> {
        if options.tile == 0 || !options.tile.is_multiple_of(16) || options.tile > MAX_TILE {
            return Err(PyramidError::TileSide { side: options.tile });
        }
        out.write_all(&[0; HEADER as usize])?;
        Ok(Self {
            out,
            position: HEADER,
            options: *options,
            crew: Crew::new(options.threads),
            page: None,
            pages: Vec::new(),
        })
    }

    /// Begins a page.
    ///
    /// # Errors
    /// [`PyramidError::Compression`] when the compression cannot hold its pixels; when the page before has too few rows.
    pub fn begin(&mut self, mut page: PyramidPage) -> Result<(), PyramidError> {
        if self.page.is_some() {
            return Err(failed("a page begins before the one before it has ended").into());
        }
        let EncodeHeader { size, pixels, bitonal, .. } = page.header;
        let bitonal = bitonal && pixels == PixelFormat::Gray8;
        if size.is_empty() {
            return Err(failed("a page has no pixels").into());
        }
        let compression = page.compression.unwrap_or(self.options.compression);
        if !bitonal && !compression.holds(pixels) {
            return Err(PyramidError::Compression { compression, pixels });
        }
        let mut options = PyramidOptions { compression: compression.fitting(bitonal), ..self.options };
        // Tiles that are made of the original and those that are not must be of one kind.
        let sampling = page.maker.as_ref().and_then(|maker| sampling_of(maker, &options, pixels));
        match sampling {
            Some(subsampling) => options.subsampling = subsampling,
            None => page.maker = None,
        }
        let mut levels = Vec::new();
        let mut level_size = size;
        loop {
            let coder = Coder::new(pixels, bitonal && levels.is_empty(), &options);
            levels.push(LevelState {
                size: level_size,
                coder,
                band: Vec::new(),
                rows: 0,
                upper: Vec::new(),
                halved: Vec::new(),
                tiles: Vec::new(),
                tables: None,
                frame: None,
            });
            if level_size.width_px <= self.options.tile && level_size.height_px <= self.options.tile {
                break;
            }
            level_size = Dimensions::new(level_size.width_px.div_ceil(2), level_size.height_px.div_ceil(2));
        }
        self.page = Some(OpenPage { page, levels, rows: 0, transcoded: 0 });
        Ok(())
    }

    /// Takes the next rows of the page.
    ///
    /// # Errors
    /// When they do not fit the page, when an encoder gives up, or what the place says where it is written.
    pub fn write(&mut self, rows: &Raster) -> Result<(), PyramidError> {
        let Some(mut page) = self.page.take() else { return Err(failed("rows come outside of a page").into()) };
        let header = &page.page.header;
        let fits = rows.width_px() == header.size.width_px
            && rows.format() == header.pixels
            && u64::from(page.rows) + u64::from(rows.height_px()) <= u64::from(header.size.height_px);
        if !fits {
            return Err(failed(format!("rows of {rows:?} in an image of {}", header.size)).into());
        }
        for y in 0..rows.height_px() {
            self.take_row(&mut page, 0, rows.row(y))?;
            page.rows += 1;
        }
        self.page = Some(page);
        Ok(())
    }

    /// Ends the page, once all its rows were written.
    ///
    /// # Errors
    /// As [`PyramidWriter::write`], or when rows are missing.
    pub fn end(&mut self) -> Result<PyramidReport, PyramidError> {
        let Some(mut page) = self.page.take() else { return Err(failed("no page has begun").into()) };
        let size = page.page.header.size;
        if page.rows != size.height_px {
            return Err(failed(format!("{} of {} rows were written", page.rows, size.height_px)).into());
        }
        while let Some(done) = self.crew.take() {
            self.keep(&mut page, done?)?;
        }
        let number = self.pages.len();
        let report = PyramidReport {
            levels: page.levels.len(),
            tiles: page.levels.first().map_or(0, |level| level.tiles.len() as u64),
            transcoded_tiles: page.transcoded,
        };
        let OpenPage { page, levels, .. } = page;
        let directories =
            levels.into_iter().enumerate().map(|(index, level)| describe(&page, level, index, number)).collect();
        self.pages.push(directories);
        Ok(report)
    }

    /// Ends the file and gives the place back, flushed.
    ///
    /// # Errors
    /// [`PyramidError::NeedsBigTiff`], or what the place says.
    pub fn finish(mut self) -> Result<W, PyramidError> {
        if self.page.is_some() || self.pages.is_empty() {
            return Err(failed("the file ends in the middle of a page, or without one").into());
        }
        let start = self.position.next_multiple_of(8);
        self.out.write_all(&[0; 8][..(start - self.position) as usize])?;
        let plan = |big: bool, pages: &[Vec<Directory>], sub_ifds: bool| lay_out(pages, start, big, sub_ifds);
        let big = match self.options.big {
            BigTiff::Always => true,
            BigTiff::Auto => plan(false, &self.pages, self.options.sub_ifds).1 > CLASSIC_END,
            BigTiff::Never => {
                let end = plan(false, &self.pages, self.options.sub_ifds).1;
                if end > CLASSIC_END {
                    return Err(PyramidError::NeedsBigTiff { bytes: end });
                }
                false
            }
        };
        let (directories, _) = plan(big, &self.pages, self.options.sub_ifds);
        let first = directories.iter().find(|placed| placed.in_chain).map_or(start, |placed| placed.at);
        for placed in directories {
            self.out.write_all(&fields::directory(placed.fields, placed.at, placed.next, big))?;
        }
        let end = self.out.stream_position()?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&fields::header(first, big))?;
        self.out.seek(SeekFrom::Start(end))?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Bytes written so far.
    pub fn written_bytes(&self) -> u64 {
        self.position
    }

    fn take_row(&mut self, page: &mut OpenPage, index: usize, row: &[u8]) -> Result<(), PyramidError> {
        let Some(level) = page.levels.get_mut(index) else { return Ok(()) };
        if level.band.is_empty() {
            let rows = level.coder.tile.min(level.size.height_px - level.rows);
            level.band.reserve_exact(row.len() * rows as usize);
        }
        level.band.extend_from_slice(row);
        level.rows += 1;
        let last = level.rows == level.size.height_px;
        let full = last || level.rows.is_multiple_of(level.coder.tile);
        if index + 1 < page.levels.len() {
            let level = &mut page.levels[index];
            if level.rows % 2 == 1 {
                level.upper.clear();
                level.upper.extend_from_slice(row);
            }
            if level.rows.is_multiple_of(2) || last {
                let mut halved = std::mem::take(&mut level.halved);
                halve::halve(&level.upper, row, level.coder.pixels, &mut halved);
                self.take_row(page, index + 1, &halved)?;
                page.levels[index].halved = halved;
            }
        }
        if full {
            self.give_band(page, index)?;
        }
        Ok(())
    }

    fn give_band(&mut self, page: &mut OpenPage, index: usize) -> Result<(), PyramidError> {
        let level = &mut page.levels[index];
        let band = Band {
            coder: level.coder,
            level: index,
            row: (level.rows - 1) / level.coder.tile,
            width: level.size.width_px,
            pixels: std::mem::take(&mut level.band),
            maker: page.page.maker.clone().filter(|_| index == 0),
        };
        let across = level.across();
        // While one row of tiles is compressed the next is filled; never more than that.
        let base = &page.levels[0];
        let whole =
            u64::from(base.size.width_px) * u64::from(base.coder.tile) * base.coder.pixels.bytes_per_pixel() as u64;
        let most = if self.crew.is_alone() { 0 } else { whole / 4 * 5 };
        self.crew.give(band, across);
        while let Some(done) = self.crew.take_ready() {
            self.keep(page, done?)?;
        }
        while self.crew.held_bytes() > most {
            let Some(done) = self.crew.take() else { break };
            self.keep(page, done?)?;
        }
        Ok(())
    }

    /// Writes a tile that was made.
    fn keep(&mut self, page: &mut OpenPage, done: Done) -> Result<(), PyramidError> {
        let Done { level, index, mut coded, transcoded, .. } = done;
        page.transcoded += u64::from(transcoded);
        let Some(level) = page.levels.get_mut(level) else { return Err(failed("a tile of no level").into()) };
        if level.frame.is_none() {
            level.frame = coded.frame;
        }
        if let (Some(frame), Some(first)) = (coded.frame, level.frame)
            && frame.components > 1
            && (frame.components, frame.sampling) != (first.components, first.sampling)
        {
            return Err(failed("tiles of one level have unlike chroma subsampling").into());
        }
        let tables = level.tables.get_or_insert_with(|| coded.tables.clone());
        if *tables != coded.tables {
            // Tables of its own come before its frame, and count for it alone.
            coded.bytes.splice(2..2, coded.tables.iter().copied());
        }
        if level.tiles.len() != index {
            return Err(failed("tiles came out of turn").into());
        }
        level.tiles.push((self.position, coded.bytes.len() as u64));
        self.out.write_all(&coded.bytes)?;
        self.position += coded.bytes.len() as u64;
        Ok(())
    }
}

impl<W> fmt::Debug for PyramidWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PyramidWriter").field("position", &self.position).finish_non_exhaustive()
    }
}

/// A directory and its place.
struct Placed {
    fields: Vec<Field>,
    at: u64,
    next: u64,
    in_chain: bool,
}

/// Gives every directory its place from `start` on; also where the last of them ends.
fn lay_out(pages: &[Vec<Directory>], start: u64, big: bool, sub_ifds: bool) -> (Vec<Placed>, u64) {
    let mut placed: Vec<Placed> = Vec::new();
    let mut at = start;
    let place = |fields: Vec<Field>, in_chain: bool, placed: &mut Vec<Placed>, at: &mut u64| {
        let extent = fields::extent(&fields, big);
        placed.push(Placed { fields, at: *at, next: 0, in_chain });
        *at += extent;
    };
    for levels in pages {
        let mut subs = Vec::new();
        if sub_ifds {
            for level in levels.iter().skip(1) {
                subs.push(at);
                place(with_tiles(level, big), false, &mut placed, &mut at);
            }
        }
        for (index, level) in levels.iter().enumerate() {
            if sub_ifds && index > 0 {
                break;
            }
            let mut own = with_tiles(level, big);
            for (fields, pointer) in [(&level.exif, tag::EXIF_IFD), (&level.gps, tag::GPS_IFD)] {
                if !fields.is_empty() {
                    own.push(Field::numbers(pointer, place_kind(big), &[at]));
                    place(fields.clone(), false, &mut placed, &mut at);
                }
            }
            if index == 0 && !subs.is_empty() {
                own.push(Field::numbers(tag::SUB_IFDS, place_kind(big), &subs));
            }
            place(own, true, &mut placed, &mut at);
        }
    }
    let chain: Vec<usize> = (0..placed.len()).filter(|index| placed[*index].in_chain).collect();
    for pair in chain.windows(2) {
        placed[pair[0]].next = placed[pair[1]].at;
    }
    (placed, at)
}

fn with_tiles(directory: &Directory, big: bool) -> Vec<Field> {
    let mut fields = directory.fields.clone();
    let offsets: Vec<u64> = directory.tiles.iter().map(|tile| tile.0).collect();
    let lengths: Vec<u64> = directory.tiles.iter().map(|tile| tile.1).collect();
    fields.push(Field::numbers(tag::TILE_OFFSETS, place_kind(big), &offsets));
    fields.push(Field::numbers(tag::TILE_BYTE_COUNTS, LONG, &lengths));
    fields
}

/// The chroma subsampling of the tiles that `maker` makes; `None` when they do not fit the page.
fn sampling_of(maker: &TileMaker, options: &PyramidOptions, pixels: PixelFormat) -> Option<Subsampling> {
    if options.compression != PyramidCompression::Jpeg {
        return None;
    }
    let frame = tile::split(&maker(0, 0)?)?.frame?;
    match (pixels, frame.components, frame.sampling) {
        (PixelFormat::Gray8, 1, _) => Some(options.subsampling),
        (PixelFormat::Rgb8, 3, _) if frame.is_rgb => None,
        (PixelFormat::Rgb8, 3, (1, 1)) => Some(Subsampling::None),
        (PixelFormat::Rgb8, 3, (2, 1)) => Some(Subsampling::Horizontal),
        (PixelFormat::Rgb8, 3, (2, 2)) => Some(Subsampling::Both),
        _ => None,
    }
}

/// The fields of a level's directory, in any order.
fn describe(page: &PyramidPage, level: LevelState, index: usize, number: usize) -> Directory {
    let coder = &level.coder;
    let jpeg = coder.compression == PyramidCompression::Jpeg;
    // WebP knows colour only.
    let (photometric, samples, colors) = match (coder.pixels, coder.compression) {
        (PixelFormat::Gray8, PyramidCompression::Webp) => (2, 3, 3),
        (PixelFormat::GrayAlpha8, PyramidCompression::Webp) => (2, 4, 3),
        (PixelFormat::Rgb8, PyramidCompression::Jpeg) => (6, 3, 3),
        (pixels, _) => match pixels {
            PixelFormat::Gray8 | PixelFormat::Gray16 | PixelFormat::GrayAlpha8 | PixelFormat::GrayAlpha16 => {
                (1, pixels.samples(), 1)
            }
            PixelFormat::Rgb8 | PixelFormat::Rgb16 | PixelFormat::Rgba8 | PixelFormat::Rgba16 => {
                (2, pixels.samples(), 3)
            }
            PixelFormat::Cmyk8 | PixelFormat::Cmyk16 => (5, 4, 4),
            PixelFormat::Lab8 | PixelFormat::Lab16 => (8, 3, 3),
        },
    };
    let bits = if coder.bitonal { 1 } else { 8 * coder.pixels.bytes_per_sample() as u64 };
    let kind = u64::from(index > 0) | if number > 0 { 2 } else { 0 };
    let tile = u64::from(coder.tile);
    let mut fields = vec![
        Field::numbers(tag::NEW_SUBFILE_TYPE, LONG, &[kind]),
        Field::numbers(tag::IMAGE_WIDTH, LONG, &[level.size.width_px.into()]),
        Field::numbers(tag::IMAGE_LENGTH, LONG, &[level.size.height_px.into()]),
        Field::numbers(tag::BITS_PER_SAMPLE, SHORT, &vec![bits; samples]),
        Field::numbers(tag::COMPRESSION, SHORT, &[coder.compression.tag()]),
        Field::numbers(tag::PHOTOMETRIC, SHORT, &[photometric]),
        Field::numbers(tag::ORIENTATION, SHORT, &[page.orientation as u64]),
        Field::numbers(tag::SAMPLES_PER_PIXEL, SHORT, &[samples as u64]),
        Field::numbers(tag::PLANAR_CONFIGURATION, SHORT, &[1]),
        Field::numbers(tag::TILE_WIDTH, LONG, &[tile]),
        Field::numbers(tag::TILE_LENGTH, LONG, &[tile]),
    ];
    if coder.predicts() {
        fields.push(Field::numbers(tag::PREDICTOR, SHORT, &[2]));
    }
    if samples > colors {
        fields.push(Field::numbers(tag::EXTRA_SAMPLES, SHORT, &[2]));
    }
    if let Some(tables) = level.tables.as_deref().filter(|_| jpeg) {
        let stream = [&[0xff, 0xd8], tables, &[0xff, 0xd9]].concat();
        fields.push(Field::opaque(tag::JPEG_TABLES, UNDEFINED, &stream));
    }
    if let Some(frame) = level.frame.filter(|_| photometric == 6) {
        let (across, down) = frame.sampling;
        fields.push(Field::numbers(tag::YCBCR_SUBSAMPLING, SHORT, &[across.into(), down.into()]));
        let full_range = [0_u32, 255, 128, 255, 128, 255];
        let bytes = full_range.iter().flat_map(|number| [*number, 1]).flat_map(u32::to_le_bytes).collect();
        fields.push(Field::raw(tag::REFERENCE_BLACK_WHITE, fields::RATIONAL, 6, bytes));
    }
    if let Some(icc) = &page.header.icc {
        fields.push(Field::opaque(tag::ICC_PROFILE, UNDEFINED, icc));
    }
    let (mut exif, mut gps) = (Vec::new(), Vec::new());
    if index == 0 {
        fields.extend(Field::resolution(page.header.dpi));
        if let Some(xmp) = &page.metadata.xmp {
            fields.push(Field::opaque(tag::XMP, BYTE, xmp));
        }
        if let Some(iptc) = &page.metadata.iptc {
            fields.push(Field::opaque(tag::IPTC, UNDEFINED, iptc));
        }
        if let Some(block) = &page.metadata.exif {
            let block = super::metadata::Block::read(block);
            fields.extend(block.words);
            (exif, gps) = (block.exif, block.gps);
        }
    }
    Directory { fields, tiles: level.tiles, exif, gps }
}

fn failed(what: impl Into<String>) -> EncodeError {
    EncodeError::Failed { format: "tif", what: what.into() }
}

/// A pyramid as the answer to a request: made in memory, by the thread that asks.
pub(super) struct PyramidEncoder {
    writer: PyramidWriter<Cursor<Vec<u8>>>,
}

impl PyramidEncoder {
    pub(super) fn new(header: &EncodeHeader, options: &EncodeOptions) -> Result<Self, EncodeError> {
        let options = PyramidOptions {
            compression: match options.tiff_compression {
                TiffCompression::None => PyramidCompression::None,
                TiffCompression::Deflate => PyramidCompression::Deflate,
            },
            ..PyramidOptions::default()
        };
        let mut writer = PyramidWriter::new(Cursor::new(Vec::new()), &options).map_err(encode_error)?;
        let page = PyramidPage {
            header: header.clone(),
            orientation: Orientation::Normal,
            metadata: Metadata::default(),
            compression: None,
            maker: None,
        };
        writer.begin(page).map_err(encode_error)?;
        Ok(Self { writer })
    }
}

impl Encoder for PyramidEncoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        self.writer.write(rows).map_err(encode_error)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        self.writer.end().map_err(encode_error)?;
        Ok(self.writer.finish().map_err(encode_error)?.into_inner())
    }

    fn written_bytes(&self) -> u64 {
        self.writer.written_bytes()
    }
}

fn encode_error(error: PyramidError) -> EncodeError {
    match error {
        PyramidError::Encode(error) => error,
        other => failed(other.to_string()),
    }
}
