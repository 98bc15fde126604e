//! Reading PNG.

use std::sync::Arc;

use png::{BitDepth, ColorType, DecodingError, Limits, Reader, Transformations, Unit};
use recto_iiif::{Dimensions, Rect};

use super::super::bands::{BandRows, Bands};
use super::super::exif;
use super::super::held::{HeldRows, check_held, check_page, check_size, strip_bytes, strip_rows, unreduced};
use super::super::reader::{BUFFER_BYTES, SourceReader};
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level, OpenOptions,
    Orientation, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// What the metadata before the pixels may unpack to: profiles and text packets beyond it are hostile.
const METADATA_BYTES: u64 = 32 << 20;
/// What a packed XMP packet may unpack to; a longer one is as if absent.
const MAX_XMP_BYTES: usize = 1 << 20;
/// The inflater's tables, window and output buffer.
const INFLATE_BYTES: u64 = 512 * 1024;
const METERS_PER_INCH: f64 = 0.0254;
/// Only so many bytes at the end of the file are searched for metadata behind the pixels.
const TAIL_BYTES: u64 = 64 * 1024;
/// First column, first row, column step and row step of the seven Adam7 passes.
const ADAM7: [(u32, u32, u32, u32); 7] =
    [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"\x89PNG\r\n\x1a\n")
}

/// Opens the image (animations show their default image).
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    let mut decoder = png::Decoder::new_with_limits(SourceReader::new(Arc::clone(&source)), limits(options));
    decoder.set_transformations(Transformations::EXPAND);
    let header =
        decoder.read_header_info().map_err(|error| failed(error, options.max_bytes, || "in its header".into()))?;
    let size = Dimensions::new(header.width, header.height);
    check_size(size, SourceFormat::Png, options)?;
    let row_bytes = u64::from(size.width_px) * 8;
    check_held(row_bytes * 4 + INFLATE_BYTES, options.max_bytes, SourceFormat::Png)?;
    let reader =
        decoder.read_info().map_err(|error| failed(error, options.max_bytes, || "before its pixels".into()))?;
    let info = reader.info();
    let pixels = pixel_format(reader.output_color_type())?;
    let exif = info.exif_metadata.as_deref().map(exif::parse).or_else(|| tail_exif(source.as_ref()));
    let facts = ImageFacts {
        source_format: SourceFormat::Png,
        compression: if info.interlaced { "Deflate, interlaced" } else { "Deflate" }.to_owned(),
        levels: vec![Level { size, grid: None }],
        max_denominator: 1,
        pages: 1,
        orientation: exif.and_then(|exif| exif.orientation).or_else(|| xmp(info)).unwrap_or(Orientation::Normal),
        color: color_model(info),
        bits_per_sample: info.bit_depth as u8,
        has_alpha: pixels.has_alpha(),
        icc: info.icc_profile.as_deref().map(Arc::from),
        dpi: info.pixel_dims.and_then(dpi).or(exif.and_then(|exif| exif.dpi)),
    };
    let interlaced = info.interlaced;
    let bands = Bands::new(&options.memo, options.memo.image(), 0, size, pixels).filter(|_| !interlaced);
    Ok(Box::new(PngDecoder { source, facts, pixels, interlaced, bands, max_bytes: options.max_bytes }))
}

fn limits(options: &OpenOptions) -> Limits {
    Limits { bytes: usize::try_from(options.max_bytes.min(METADATA_BYTES)).unwrap_or(usize::MAX) }
}

fn pixel_format((color, depth): (ColorType, BitDepth)) -> Result<PixelFormat, DecodeError> {
    Ok(match (color, depth) {
        (ColorType::Grayscale, BitDepth::Eight) => PixelFormat::Gray8,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => PixelFormat::GrayAlpha8,
        (ColorType::Rgb, BitDepth::Eight) => PixelFormat::Rgb8,
        (ColorType::Rgba, BitDepth::Eight) => PixelFormat::Rgba8,
        (ColorType::Grayscale, BitDepth::Sixteen) => PixelFormat::Gray16,
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => PixelFormat::GrayAlpha16,
        (ColorType::Rgb, BitDepth::Sixteen) => PixelFormat::Rgb16,
        (ColorType::Rgba, BitDepth::Sixteen) => PixelFormat::Rgba16,
        (color, depth) => {
            return Err(DecodeError::Unsupported {
                format: SourceFormat::Png,
                what: format!("{color:?} pixels of {} bits", depth as u8),
            });
        }
    })
}

fn color_model(info: &png::Info<'_>) -> ColorModel {
    match (info.color_type, info.bit_depth) {
        (ColorType::Grayscale, BitDepth::One) if info.trns.is_none() => ColorModel::Bitonal,
        (ColorType::Grayscale | ColorType::GrayscaleAlpha, _) => ColorModel::Gray,
        (ColorType::Rgb | ColorType::Rgba | ColorType::Indexed, _) => ColorModel::Rgb,
    }
}

fn dpi(density: png::PixelDimensions) -> Option<(f64, f64)> {
    let known = matches!(density.unit, Unit::Meter) && density.xppu > 0 && density.yppu > 0;
    known.then(|| (f64::from(density.xppu) * METERS_PER_INCH, f64::from(density.yppu) * METERS_PER_INCH))
}

fn xmp(info: &png::Info<'_>) -> Option<Orientation> {
    let mut packet = info.utf8_text.iter().find(|text| text.keyword == "XML:com.adobe.xmp")?.clone();
    // Asked for its text as it is, the library would unpack it whole, however long that gets.
    packet.decompress_text_with_limit(MAX_XMP_BYTES).ok()?;
    exif::xmp_orientation(packet.get_text().ok()?.as_bytes())
}

/// An `eXIf` chunk behind the pixels, where some tools put it. Its checksum proves that it is one.
fn tail_exif(source: &dyn RandomAccess) -> Option<exif::ExifFacts> {
    let length = source.len().min(TAIL_BYTES);
    let mut tail = vec![0; length as usize];
    source.read_at(source.len() - length, &mut tail).ok()?;
    memchr::memmem::find_iter(&tail, b"eXIf").find_map(|at| {
        let data_length = u32::from_be_bytes(tail.get(at.checked_sub(4)?..at)?.try_into().ok()?) as usize;
        let end = at.checked_add(4)?.checked_add(data_length)?;
        let (chunk, crc) = (tail.get(at..end)?, tail.get(end..end.checked_add(4)?)?);
        (crc32fast::hash(chunk).to_be_bytes() == crc).then(|| exif::parse(&chunk[4..]))
    })
}

/// The reader's error as ours; `place` says where it happened.
fn failed(error: DecodingError, limit: u64, place: impl FnOnce() -> String) -> DecodeError {
    let format = SourceFormat::Png;
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Corrupt { format, what: format!("it ends {}", place()) }
        }
        DecodingError::IoError(error) => DecodeError::Io(error),
        DecodingError::LimitsExceeded => {
            DecodeError::TooLarge { format, needed: limit.saturating_add(1), limit, unit: "bytes of memory" }
        }
        DecodingError::Format(error) => DecodeError::Corrupt { format, what: format!("{} ({error})", place()) },
        DecodingError::Parameter(error) => DecodeError::Corrupt { format, what: format!("{} ({error})", place()) },
    }
}

struct PngDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    pixels: PixelFormat,
    interlaced: bool,
    /// Rows that are remembered.
    bands: Option<Bands>,
    max_bytes: u64,
}

impl PngDecoder {
    /// The bands, for a region that is cut from them.
    fn bands(&self, wanted: &DecodeRequest) -> Option<&Bands> {
        self.bands.as_ref().filter(|bands| bands.pay_for(wanted.region.w, wanted.region.h))
    }

    fn decode(&self, geometry: DecodedGeometry, control: &Control) -> Result<PngRows<'_>, DecodeError> {
        let row = vec![0; self.row_bytes() as usize];
        Ok(PngRows { decoder: self, reader: self.reader()?, geometry, row, next: 0, control: control.clone() })
    }

    fn reader(&self) -> Result<Reader<SourceReader>, DecodeError> {
        let limits = Limits { bytes: usize::try_from(self.max_bytes).unwrap_or(usize::MAX) };
        let mut decoder = png::Decoder::new_with_limits(SourceReader::new(Arc::clone(&self.source)), limits);
        decoder.set_transformations(Transformations::EXPAND);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        decoder.read_info().map_err(|error| failed(error, self.max_bytes, || "before its pixels".into()))
    }

    fn row_bytes(&self) -> u64 {
        u64::from(self.facts.stored_size().width_px) * self.pixels.bytes_per_pixel() as u64
    }
}

impl Decoder for PngDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let (size, region) = (self.facts.stored_size(), wanted.region);
        let rows = if self.interlaced { u64::from(size.height_px) } else { region.bottom() };
        let bytes_read = (u128::from(self.source.len()) * u128::from(rows) / u128::from(size.height_px)) as u64;
        let streaming = BUFFER_BYTES as u64 + INFLATE_BYTES + 4 * self.row_bytes();
        let region_bytes = if self.interlaced { region.area_px() * self.pixels.bytes_per_pixel() as u64 } else { 0 };
        let bands = self
            .bands(wanted)
            .map_or(0, |bands| bands.held_bytes() + strip_bytes(size.width_px, size.height_px, self.pixels));
        Cost {
            bytes_read: (bytes_read + BUFFER_BYTES as u64).min(self.source.len()),
            bytes_held: streaming + bands + region_bytes + strip_bytes(region.w, region.h, self.pixels),
            pixels: rows * u64::from(size.width_px),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels, wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Png)?;
        if let Some(bands) = self.bands(wanted) {
            let (whole, held) = (self.facts.stored_size().rect(), control.clone());
            let begin = move |rect: Rect| {
                // Whatever is wanted, decoding begins at the top.
                let rect = if rect.w == whole.w { whole } else { rect };
                let rows = self.decode(DecodedGeometry { rect, ..geometry }, &held)?;
                Ok((rect.y, Box::new(rows) as Box<dyn RowSource + 'a>))
            };
            return Ok(Box::new(BandRows::new(bands.clone(), geometry, Box::new(begin), control)));
        }
        let mut rows = self.decode(geometry, control)?;
        if !self.interlaced {
            return Ok(Box::new(rows));
        }
        let raster = rows.read_interlaced()?;
        Ok(Box::new(HeldRows::new(geometry, raster, control)))
    }
}

struct PngRows<'a> {
    decoder: &'a PngDecoder,
    reader: Reader<SourceReader>,
    geometry: DecodedGeometry,
    row: Vec<u8>,
    /// The row of the image that comes next.
    next: u32,
    control: Control,
}

impl PngRows<'_> {
    fn read_row(&mut self, place: impl Fn() -> String) -> Result<(), DecodeError> {
        match self.reader.read_row(&mut self.row) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(DecodeError::Corrupt { format: SourceFormat::Png, what: format!("it ends {}", place()) }),
            Err(error) => Err(failed(error, self.decoder.max_bytes, place)),
        }
    }

    /// Decodes all passes and keeps the pixels of the region.
    fn read_interlaced(&mut self) -> Result<Raster, DecodeError> {
        let (size, rect) = (self.decoder.facts.stored_size(), self.geometry.rect);
        let bytes_per_pixel = self.decoder.pixels.bytes_per_pixel();
        let mut raster = Raster::zeroed(rect.dimensions(), self.decoder.pixels);
        for (pass, &(first_x, first_y, step_x, step_y)) in ADAM7.iter().enumerate() {
            // A pass without columns has no rows in the file either.
            if first_x >= size.width_px {
                continue;
            }
            for y in (first_y..size.height_px).step_by(step_y as usize) {
                self.control.check()?;
                self.read_row(|| format!("in row {y} (pass {})", pass + 1))?;
                if y < rect.y || u64::from(y) >= rect.bottom() {
                    continue;
                }
                let out = raster.row_mut(y - rect.y);
                let skipped = rect.x.saturating_sub(first_x).div_ceil(step_x);
                let mut x = u64::from(first_x) + u64::from(skipped) * u64::from(step_x);
                let mut from = skipped as usize * bytes_per_pixel;
                while x < rect.right() {
                    let to = (x - u64::from(rect.x)) as usize * bytes_per_pixel;
                    out[to..to + bytes_per_pixel].copy_from_slice(&self.row[from..from + bytes_per_pixel]);
                    from += bytes_per_pixel;
                    x += u64::from(step_x);
                }
            }
        }
        to_native(raster.data_mut(), self.decoder.pixels);
        Ok(raster)
    }
}

impl RowSource for PngRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (rect, format) = (self.geometry.rect, self.geometry.format);
        while self.next < rect.y {
            if self.next.is_multiple_of(64) {
                self.control.check()?;
            }
            let y = self.next;
            self.read_row(|| format!("in row {y}"))?;
            self.next += 1;
        }
        let stride = rect.w as usize * format.bytes_per_pixel();
        let rows = u64::from(strip_rows(stride)).min(rect.bottom() - u64::from(self.next)) as u32;
        if rows == 0 {
            return Ok(None);
        }
        let start = rect.x as usize * format.bytes_per_pixel();
        let mut data = Vec::with_capacity(rows as usize * stride);
        for _ in 0..rows {
            let y = self.next;
            self.read_row(|| format!("in row {y}"))?;
            data.extend_from_slice(&self.row[start..start + stride]);
            self.next += 1;
        }
        to_native(&mut data, format);
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows), format, data)))
    }
}

/// 16-bit samples lie big-endian in the file.
fn to_native(data: &mut [u8], format: PixelFormat) {
    if format.bytes_per_sample() == 2 && cfg!(target_endian = "little") {
        for sample in data.chunks_exact_mut(2) {
            sample.swap(0, 1);
        }
    }
}
