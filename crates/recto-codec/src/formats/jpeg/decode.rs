//! JPEG files as images: facts, cost, and rows of a region at full size, 1/2, 1/4 or 1/8.
//!
//! # Damaged files
//! A file that ends before the rows asked for are complete is refused ([`DecodeError::Corrupt`] names the row), since what
//! would follow is invented. Damage *inside* the data (garbage, a wrong restart marker) is shown as every browser shows it: the
//! library resynchronises. A missing end marker and anything behind it are harmless.

use std::sync::Arc;

use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};

use super::encode::MAX_SIDE_PX;
use super::ffi::{Decompressor, Samples};
use super::input::{BLOCK_BYTES, Input};
use super::markers::{Markers, Process};
use super::stream::{invert, output_of, unsupported};
use super::whole;
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level, OpenOptions,
    PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Columns beside the wanted ones that smooth upsampling of chroma looks at.
const MARGIN_PX: u32 = 4;
/// Rows stepped over between two looks at the control.
const SKIP_ROWS: u32 = 256;
/// A strip has so many bytes at most, unless that were fewer than [`MIN_STRIP_ROWS`].
const STRIP_BYTES: usize = 1 << 20;
const MIN_STRIP_ROWS: u32 = 16;
const MAX_STRIP_ROWS: u32 = 64;
/// What the library needs beside rows and coefficients: tables, and a few MCU rows.
const FIXED_BYTES: u64 = 512 << 10;

/// Opens a file.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    if options.page != 1 {
        return Err(DecodeError::NoSuchPage { page: options.page, pages: 1 });
    }
    let markers = Markers::read(&*source)?;
    let frame = &markers.frame;
    let too_large = |needed, limit, unit| DecodeError::TooLarge { format: SourceFormat::Jpeg, needed, limit, unit };
    let longest = frame.size.width_px.max(frame.size.height_px);
    if longest > MAX_SIDE_PX {
        return Err(too_large(longest.into(), MAX_SIDE_PX.into(), "pixels a side"));
    }
    if frame.size.area_px() > options.max_pixels {
        return Err(too_large(frame.size.area_px(), options.max_pixels, "pixels"));
    }
    if frame.precision != 8 {
        return Err(unsupported(format!("{} bits a sample", frame.precision)));
    }
    let (pixels, samples) = output_of(frame.components.len() as u32)?;
    let facts = ImageFacts {
        source_format: SourceFormat::Jpeg,
        compression: markers.describe(),
        levels: vec![Level { size: frame.size, grid: None }],
        max_denominator: if frame.process == Process::Lossless { 1 } else { 8 },
        pages: 1,
        orientation: markers.orientation,
        color: match pixels {
            PixelFormat::Gray8 => ColorModel::Gray,
            PixelFormat::Cmyk8 => ColorModel::Cmyk,
            _ => ColorModel::Rgb,
        },
        bits_per_sample: frame.precision,
        has_alpha: false,
        icc: markers.icc.clone(),
        dpi: markers.dpi,
    };
    Ok(Box::new(JpegDecoder { source, markers, facts, pixels, samples, max_bytes: options.max_bytes }))
}

struct JpegDecoder {
    source: Arc<dyn RandomAccess>,
    markers: Markers,
    facts: ImageFacts,
    pixels: PixelFormat,
    samples: Samples,
    max_bytes: u64,
}

impl JpegDecoder {
    fn check(&self, wanted: &DecodeRequest) -> Result<(), DecodeError> {
        if wanted.level != 0 || !wanted.region.is_inside(self.facts.stored_size()) {
            return Err(unsupported(format!("a region {} of level {}", wanted.region, wanted.level)));
        }
        if !wanted.denominator.is_power_of_two() || wanted.denominator > self.facts.max_denominator {
            return Err(unsupported(format!("a reduction by {}", wanted.denominator)));
        }
        Ok(())
    }

    fn is_lossless(&self) -> bool {
        self.markers.frame.process == Process::Lossless
    }

    /// Bytes that the library holds while it decodes.
    fn library_bytes(&self) -> u64 {
        let frame = &self.markers.frame;
        let coefficients = if self.markers.has_multiple_scans() { frame.coefficient_bytes() } else { 0 };
        // One row of MCUs as samples, with the rows above and below that smooth upsampling keeps.
        let mcu_row = u64::from(frame.size.width_px + 64) * frame.components.len() as u64 * 32 * 3;
        coefficients + mcu_row + FIXED_BYTES
    }
}

impl Decoder for JpegDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn metadata(&self) -> Result<crate::Metadata, DecodeError> {
        super::metadata::read(self.source.as_ref(), self.markers.scan_offset)
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let size = self.facts.stored_size();
        let rect = DecodedGeometry::reduced_rect(wanted, size);
        let bottom = wanted.region.bottom().min(size.height_px.into());
        let file = self.source.len();
        let (bytes_read, rows) = if self.markers.has_multiple_scans() {
            (file, u64::from(size.height_px))
        } else {
            let share = u128::from(file) * u128::from(bottom) / u128::from(size.height_px.max(1));
            ((share as u64 + self.markers.scan_offset + BLOCK_BYTES).min(file), bottom)
        };
        let strip = strip_rows(rect, self.pixels);
        let row_bytes = u64::from(size.width_px.div_ceil(wanted.denominator)) * self.pixels.bytes_per_pixel() as u64;
        let strips = u64::from(strip) * (row_bytes + u64::from(rect.w) * self.pixels.bytes_per_pixel() as u64);
        Cost {
            bytes_read,
            bytes_held: self.library_bytes() + strips + BLOCK_BYTES,
            pixels: rows * u64::from(size.width_px),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        self.check(wanted)?;
        control.check()?;
        let needed = self.cost(wanted).bytes_held;
        if needed > self.max_bytes {
            return Err(DecodeError::TooLarge {
                format: SourceFormat::Jpeg,
                needed,
                limit: self.max_bytes,
                unit: "bytes of memory",
            });
        }
        let size = self.facts.stored_size();
        let rect = DecodedGeometry::reduced_rect(wanted, size);
        let reduced = size.reduced(wanted.denominator);
        let input = Input::original(Arc::clone(&self.source));
        let mut decompressor = Decompressor::new(input, control, self.max_bytes)?;
        self.check_unchanged(&decompressor)?;
        let output = decompressor.start(Samples::AsMarked, self.samples, wanted.denominator)?;
        if (output.width, output.height) != (reduced.width_px, reduced.height_px) {
            return Err(unsupported(format!("a reduction to {}x{}", output.width, output.height)));
        }
        let (left, decoded_width) = self.crop(&mut decompressor, rect, reduced)?;
        Ok(Box::new(JpegRows {
            decompressor,
            geometry: DecodedGeometry { format: self.pixels, denominator: wanted.denominator, rect },
            control: control.clone(),
            trim_px: rect.x - left,
            decoded_width,
            next_row: rect.y,
            skipped: false,
            can_skip: !self.is_lossless(),
            inverted: self.pixels == PixelFormat::Cmyk8 && self.markers.adobe.is_some(),
        }))
    }

    fn stored_whole(&self, format: Format) -> Result<Option<Vec<u8>>, DecodeError> {
        if format != Format::Jpg || !whole::can_leave(&self.markers) || self.source.len() > self.max_bytes {
            return Ok(None);
        }
        whole::without_metadata(&*self.source)
    }
}

impl JpegDecoder {
    /// The library must have read what our own parser read, or the cost was wrong.
    fn check_unchanged(&self, decompressor: &Decompressor<'_>) -> Result<(), DecodeError> {
        let header = decompressor.header();
        let frame = &self.markers.frame;
        let same = header.width == frame.size.width_px
            && header.height == frame.size.height_px
            && header.components as usize == frame.components.len()
            && (header.saw_adobe != 0) == self.markers.adobe.is_some()
            && (header.multiple_scans == 0 || self.markers.has_multiple_scans());
        if same { Ok(()) } else { Err(super::markers::corrupt("its headers contradict each other")) }
    }

    /// Limits decoding to the columns of `rect` and what smooth upsampling needs beside them; gives the first column and the
    /// number of columns that are really decoded.
    fn crop(
        &self,
        decompressor: &mut Decompressor<'_>,
        rect: Rect,
        level: Dimensions,
    ) -> Result<(u32, u32), DecodeError> {
        if self.is_lossless() {
            return Ok((0, level.width_px));
        }
        let left = rect.x.saturating_sub(MARGIN_PX);
        let right = (rect.right() as u32).saturating_add(MARGIN_PX).min(level.width_px);
        decompressor.crop(left, right - left)
    }
}

fn strip_rows(rect: Rect, pixels: PixelFormat) -> u32 {
    let row_bytes = (rect.w as usize * pixels.bytes_per_pixel()).max(1);
    ((STRIP_BYTES / row_bytes) as u32).clamp(MIN_STRIP_ROWS, MAX_STRIP_ROWS)
}

struct JpegRows<'a> {
    decompressor: Decompressor<'a>,
    geometry: DecodedGeometry,
    control: Control,
    /// Columns decoded to the left of the wanted ones.
    trim_px: u32,
    decoded_width: u32,
    next_row: u32,
    skipped: bool,
    can_skip: bool,
    inverted: bool,
}

impl JpegRows<'_> {
    /// Steps over the rows above the wanted ones.
    fn skip(&mut self) -> Result<(), DecodeError> {
        let mut left = self.geometry.rect.y;
        while left > 0 {
            self.control.check()?;
            let count = left.min(SKIP_ROWS);
            if self.can_skip {
                self.decompressor.skip(count)?;
            } else {
                let row_bytes = self.decoded_width as usize * self.geometry.format.bytes_per_pixel();
                let mut row = vec![0; row_bytes];
                (0..count).try_for_each(|_| self.decompressor.read(&mut row))?;
            }
            left -= count;
        }
        Ok(())
    }
}

impl RowSource for JpegRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        let DecodedGeometry { format, rect, .. } = self.geometry;
        let left = rect.bottom() as u32 - self.next_row;
        if left == 0 {
            return Ok(None);
        }
        self.control.check()?;
        if !self.skipped {
            self.skip()?;
            self.skipped = true;
        }
        let rows = left.min(strip_rows(rect, format));
        let pixel = format.bytes_per_pixel();
        let decoded_stride = self.decoded_width as usize * pixel;
        let mut data = vec![0; decoded_stride * rows as usize];
        self.decompressor.read(&mut data)?;
        self.next_row += rows;
        let stride = rect.w as usize * pixel;
        if decoded_stride != stride {
            let skip = self.trim_px as usize * pixel;
            for row in 0..rows as usize {
                let from = row * decoded_stride + skip;
                data.copy_within(from..from + stride, row * stride);
            }
            data.truncate(stride * rows as usize);
        }
        if self.inverted {
            invert(&mut data);
        }
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows), format, data)))
    }
}
