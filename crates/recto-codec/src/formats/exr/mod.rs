//! OpenEXR: light as floating point, shown in 16 bits (see [`tone`](super::tone)). Blocks of rows and tiles are read as a
//! region needs them.
//!
//! Of several parts the first that has colours or luminance is shown; of an image that reaches beyond its frame, all.

mod subsampled;

use std::io::{Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use exr::block::chunk::Chunk;
use exr::block::{self, UncompressedBlock};
use exr::error::Error;
use exr::io::PeekRead;
use exr::meta::attribute::SampleType;
use exr::meta::header::{Header, LayerAttributes};
use exr::meta::{BlockDescription, MetaData, Requirements, magic_number};
use exr::prelude::f16;
use recto_iiif::{Dimensions, Rect};

use self::subsampled::Subsampled;
use super::held::{check_held, check_page, check_size, unreduced};
use super::reader::SourceReader;
use super::tone;
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level, OpenOptions,
    Orientation, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Rows made in one go, at least.
const STRIP_ROWS: u32 = 128;
/// What the library holds beside blocks.
const LIBRARY_BYTES: u64 = 4 << 20;
/// Most blocks of an image.
const MAX_BLOCKS: usize = 4_000_000;

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Exr, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Exr, what: what.into() }
}

fn failed(error: Error) -> DecodeError {
    match error {
        Error::NotSupported(what) => unsupported(what.trim_end_matches(" not supported yet")),
        Error::Invalid(what) => corrupt(format!("invalid {what}")),
        Error::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => DecodeError::Io(error),
        Error::Io(_) => corrupt("it ends too early"),
        Error::Aborted => DecodeError::Cancelled,
    }
}

/// Runs a part of the library. Where a file makes it panic, that costs the request and no more.
fn contained<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(corrupt("its blocks cannot be read")))
}

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(&[0x76, 0x2f, 0x31, 0x01])
}

/// Opens the image.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    if let Some(subsampled) = contained(|| Subsampled::open(&source))? {
        let (size, block) = (subsampled.size(), subsampled.block());
        let compression = format!("{}, chroma at half the resolution", subsampled.compression());
        let shown = Shown { places: Vec::new(), colors: 3, has_alpha: subsampled.has_alpha() };
        let mut decoder = decoder(source, options, 0, shown, size, block, compression)?;
        decoder.subsampled = Some(subsampled);
        return Ok(Box::new(decoder));
    }
    let (part, shown, size, block) = contained(|| {
        let reader = block::read(SourceReader::new(Arc::clone(&source)), false).map_err(failed)?;
        let headers = reader.headers();
        let found = headers.iter().enumerate().find_map(|(i, header)| Some((i, Shown::of(header)?)));
        let (part, shown) = found.ok_or_else(|| unsupported("channels that are no colours, or deep data"))?;
        let blocks: usize = headers.iter().map(|header| header.chunk_count).sum();
        // Their places are a table in the file.
        if blocks > MAX_BLOCKS || blocks as u64 * 8 > source.len() {
            return Err(corrupt(format!("it says that it has {blocks} blocks")));
        }
        let header = &headers[part];
        let side = |length: usize| u32::try_from(length).map_err(|_| corrupt("its sides do not fit"));
        let size = Dimensions::new(side(header.layer_size.0)?, side(header.layer_size.1)?);
        let block = match header.blocks {
            BlockDescription::Tiles(tiles) => Dimensions::new(
                side(tiles.tile_size.0)?.min(size.width_px),
                side(tiles.tile_size.1)?.min(size.height_px),
            ),
            BlockDescription::ScanLines => {
                let rows = side(header.compression.scan_lines_per_block())?;
                Dimensions::new(size.width_px, rows.min(size.height_px))
            }
        };
        let block =
            Block { size: block, bytes_per_pixel: header.channels.bytes_per_pixel as u64, count: blocks as u64 };
        Ok((part, shown, size, (block, header.compression.to_string())))
    })?;
    let (block, compression) = block;
    Ok(Box::new(decoder(source, options, part, shown, size, block, compression)?))
}

fn decoder(
    source: Arc<dyn RandomAccess>,
    options: &OpenOptions,
    part: usize,
    shown: Shown,
    size: Dimensions,
    block: Block,
    compression: String,
) -> Result<ExrDecoder, DecodeError> {
    check_size(size, SourceFormat::Exr, options)?;
    check_held(block.bytes().saturating_mul(3), options.max_bytes, SourceFormat::Exr)?;
    let facts = ImageFacts {
        source_format: SourceFormat::Exr,
        compression,
        levels: vec![Level { size, grid: None }],
        max_denominator: 1,
        pages: 1,
        orientation: Orientation::Normal,
        color: if shown.is_gray() { ColorModel::Gray } else { ColorModel::Rgb },
        bits_per_sample: 16,
        has_alpha: shown.has_alpha,
        icc: None,
        dpi: None,
    };
    let table = OnceLock::new();
    Ok(ExrDecoder { source, facts, part, shown, block, table, subsampled: None, max_bytes: options.max_bytes })
}

/// Forgets what blocks are read without: it can be of any size.
fn forget_attributes(header: &mut Header) {
    let layer_position = header.own_attributes.layer_position;
    header.own_attributes = LayerAttributes { layer_position, ..LayerAttributes::default() };
    header.shared_attributes.other.clear();
}

/// What the library must know to read blocks, and where they lie.
struct Table {
    meta: MetaData,
    /// Of the part that is shown, in its full resolution, row after row.
    offsets: Vec<u64>,
}

impl Table {
    /// Reads the places of so many blocks of a part.
    fn read(source: &Arc<dyn RandomAccess>, part: usize, count: u64) -> Result<Self, DecodeError> {
        let mut reader = PeekRead::new(SourceReader::new(Arc::clone(source)));
        magic_number::validate_exr(&mut reader).map_err(failed)?;
        let requirements = Requirements::read(&mut reader).map_err(failed)?;
        // As strict as when the file was opened.
        let mut headers = Header::read_all(&mut reader, &requirements, true).map_err(failed)?;
        let tables = MetaData::read_offset_tables(&mut reader, &headers).map_err(failed)?;
        let mut offsets = tables.into_iter().nth(part).ok_or_else(|| corrupt("its headers changed"))?;
        if (offsets.len() as u64) < count {
            return Err(corrupt(format!("it has places for {} of its {count} blocks", offsets.len())));
        }
        // Behind these are the blocks of its lower resolutions.
        offsets.truncate(count as usize);
        offsets.shrink_to_fit();
        headers.iter_mut().for_each(forget_attributes);
        Ok(Self { meta: MetaData { requirements, headers }, offsets })
    }
}

/// How an image is cut.
#[derive(Clone, Copy)]
struct Block {
    size: Dimensions,
    bytes_per_pixel: u64,
    count: u64,
}

impl Block {
    fn bytes(&self) -> u64 {
        self.size.area_px().saturating_mul(self.bytes_per_pixel)
    }
}

/// Which channels are shown: for each channel of the file, the sample that it is.
#[derive(Clone)]
struct Shown {
    places: Vec<Option<usize>>,
    colors: usize,
    has_alpha: bool,
}

impl Shown {
    /// `None` when there is nothing to see.
    fn of(header: &Header) -> Option<Self> {
        if header.deep {
            return None;
        }
        let find = |name: &str| header.channels.list.iter().position(|channel| channel.name.to_string() == name);
        let colors = match (find("R"), find("G"), find("B"), find("Y")) {
            (Some(r), Some(g), Some(b), _) => vec![r, g, b],
            (.., Some(y)) => vec![y],
            // A single channel of whatever name: depth, a mask.
            _ if header.channels.list.len() == 1 => vec![0],
            _ => return None,
        };
        let alpha = find("A").filter(|alpha| !colors.contains(alpha));
        let mut places = vec![None; header.channels.list.len()];
        for (sample, channel) in colors.iter().copied().chain(alpha).enumerate() {
            places[channel] = Some(sample);
        }
        Some(Self { places, colors: colors.len(), has_alpha: alpha.is_some() })
    }

    const fn is_gray(&self) -> bool {
        self.colors == 1
    }

    const fn pixels(&self) -> PixelFormat {
        match (self.colors, self.has_alpha) {
            (1, false) => PixelFormat::Gray16,
            (1, true) => PixelFormat::GrayAlpha16,
            (_, false) => PixelFormat::Rgb16,
            (_, true) => PixelFormat::Rgba16,
        }
    }
}

struct ExrDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    part: usize,
    shown: Shown,
    block: Block,
    /// Read when the first strip is.
    table: OnceLock<Table>,
    /// For a file whose chroma is of lower resolution.
    subsampled: Option<Subsampled>,
    max_bytes: u64,
}

impl ExrDecoder {
    fn strip_rows(&self) -> u32 {
        self.block.size.height_px.max(1).saturating_mul(STRIP_ROWS.div_ceil(self.block.size.height_px.max(1)))
    }

    /// Columns and rows of blocks.
    fn grid(&self) -> (u32, u32) {
        let (size, block) = (self.facts.stored_size(), self.block.size);
        (size.width_px.div_ceil(block.width_px.max(1)), size.height_px.div_ceil(block.height_px.max(1)))
    }

    fn table(&self) -> Result<&Table, DecodeError> {
        if let Some(table) = self.table.get() {
            return Ok(table);
        }
        let (columns, rows) = self.grid();
        let table = Table::read(&self.source, self.part, u64::from(columns) * u64::from(rows))?;
        Ok(self.table.get_or_init(|| table))
    }

    /// Where the blocks lie that a strip needs, in the order of the file.
    fn offsets(&self, table: &Table, strip: Rect) -> Result<Vec<u64>, DecodeError> {
        let (block, (columns, _)) = (self.block.size, self.grid());
        let behind = |end: u64, side: u32| end.div_ceil(u64::from(side.max(1))) as u32;
        let mut offsets = Vec::new();
        for row in strip.y / block.height_px.max(1)..behind(strip.bottom(), block.height_px) {
            for column in strip.x / block.width_px.max(1)..behind(strip.right(), block.width_px) {
                let index = u64::from(row) * u64::from(columns) + u64::from(column);
                let offset = usize::try_from(index).ok().and_then(|index| table.offsets.get(index));
                offsets.push(*offset.ok_or_else(|| corrupt(format!("it has no block {index}")))?);
            }
        }
        offsets.sort_unstable();
        Ok(offsets)
    }

    /// Light of a strip: floating point, colours multiplied by alpha as they are stored.
    fn light(&self, strip: Rect, control: &Control) -> Result<Vec<f32>, DecodeError> {
        if let Some(subsampled) = &self.subsampled {
            return subsampled.light(self.source.as_ref(), strip, control);
        }
        let samples = self.shown.pixels().samples();
        let mut light = vec![0.0; strip.area_px() as usize * samples];
        let table = self.table()?;
        let header = table.meta.headers.get(self.part).ok_or_else(|| corrupt("its headers changed"))?;
        let mut reader = SourceReader::new(Arc::clone(&self.source));
        for offset in self.offsets(table, strip)? {
            control.check()?;
            reader.seek(SeekFrom::Start(offset))?;
            let chunk = Chunk::read(&mut reader, &table.meta).map_err(failed)?;
            if chunk.layer_index != self.part {
                return Err(corrupt("a block is of another part than its place in the table says"));
            }
            let block = UncompressedBlock::decompress_chunk(chunk, &table.meta, false).map_err(failed)?;
            self.put(&block, &header.channels, strip, &mut light);
        }
        Ok(light)
    }

    fn put(
        &self,
        block: &UncompressedBlock,
        channels: &exr::meta::attribute::ChannelList,
        strip: Rect,
        light: &mut [f32],
    ) {
        let samples = self.shown.pixels().samples();
        for line in block.lines(channels) {
            let (x, y) = (line.location.position.0, line.location.position.1);
            let Some(Some(sample)) = self.shown.places.get(line.location.channel) else { continue };
            let Some(row) = y.checked_sub(strip.y as usize).filter(|row| *row < strip.h as usize) else { continue };
            let first = (strip.x as usize).max(x);
            let end = (strip.x as usize + strip.w as usize).min(x + line.location.sample_count);
            if first >= end {
                continue;
            }
            let kind = channels.list[line.location.channel].sample_type;
            let bytes = kind.bytes_per_sample();
            let Some(values) = line.value.get((first - x) * bytes..(end - x) * bytes) else { continue };
            let at = (row * strip.w as usize + first - strip.x as usize) * samples + sample;
            let places = light.iter_mut().skip(at).step_by(samples);
            match kind {
                SampleType::F16 => {
                    let values = values.as_chunks().0.iter().map(|bytes| f16::from_ne_bytes(*bytes).to_f32());
                    places.zip(values).for_each(|(place, value)| *place = value);
                }
                SampleType::F32 => {
                    let values = values.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes));
                    places.zip(values).for_each(|(place, value)| *place = value);
                }
                SampleType::U32 => {
                    let values = values.as_chunks().0.iter().map(|bytes| u32::from_ne_bytes(*bytes) as f32);
                    places.zip(values).for_each(|(place, value)| *place = value);
                }
            }
        }
    }
}

impl Decoder for ExrDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let (region, pixels) = (wanted.region, self.shown.pixels());
        let rows = u64::from(self.strip_rows().min(region.h));
        let strip = u64::from(region.w) * rows * pixels.bytes_per_pixel() as u64;
        let blocks = self.block.size;
        let columns = (u64::from(region.w) / u64::from(blocks.width_px) + 2) * u64::from(blocks.width_px);
        let covered = columns * (u64::from(region.h) + 2 * u64::from(blocks.height_px));
        Cost {
            bytes_read: covered.saturating_mul(self.block.bytes_per_pixel).min(self.source.len()),
            // The strip as light and as samples; a block packed, unpacked and between; the table of blocks.
            bytes_held: strip * 3 + self.block.bytes() * 4 + self.block.count * 64 + LIBRARY_BYTES,
            pixels: covered.max(region.area_px()),
        }
    }

    fn held_bytes(&self) -> u64 {
        // The table, as if it were there: it is asked for that once.
        self.block.count.saturating_mul(size_of::<u64>() as u64)
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.shown.pixels(), wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Exr)?;
        Ok(Box::new(ExrRows { decoder: self, geometry, next: wanted.region.y, control: control.clone() }))
    }
}

struct ExrRows<'a> {
    decoder: &'a ExrDecoder,
    geometry: DecodedGeometry,
    next: u32,
    control: Control,
}

impl RowSource for ExrRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (rect, pixels) = (self.geometry.rect, self.geometry.format);
        if u64::from(self.next) >= rect.bottom() {
            return Ok(None);
        }
        // Strips end where blocks end.
        let rows = self.decoder.strip_rows();
        let end = (u64::from(self.next / rows) + 1) * u64::from(rows);
        let strip = Rect::new(rect.x, self.next, rect.w, (end.min(rect.bottom()) - u64::from(self.next)) as u32);
        let light = contained(|| self.decoder.light(strip, &self.control))?;
        let shown = &self.decoder.shown;
        let mut data = Vec::with_capacity(light.len() * 2);
        for pixel in light.chunks_exact(pixels.samples()) {
            let alpha = if shown.has_alpha { pixel[shown.colors].clamp(0.0, 1.0) } else { 1.0 };
            for value in &pixel[..shown.colors] {
                // Colours are stored multiplied by alpha.
                let value = if alpha > 0.0 { value / alpha } else { 0.0 };
                data.extend_from_slice(&tone::srgb(value).to_ne_bytes());
            }
            if shown.has_alpha {
                data.extend_from_slice(&tone::straight(alpha).to_ne_bytes());
            }
        }
        self.next += strip.h;
        Ok(Some(Raster::from_vec(strip.dimensions(), pixels, data)))
    }
}
