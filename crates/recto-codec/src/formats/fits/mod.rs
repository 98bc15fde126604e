//! FITS: arrays of numbers as gray images. Every image of the file, and every plane of a cube, is a page. Rows are stored from
//! bottom to top and lie at known places, so a region reads only its own numbers.
//!
//! Unscaled bytes are shown as they are. Everything else is stretched, linearly and to 16 bits: from the least to the largest
//! value as the header says it (`DATAMIN`, `DATAMAX`), or as at most a million evenly spread values of the page have it.
//! What is marked as missing (`BLANK`, NaN) is black.

mod header;
mod values;

use std::sync::{Arc, OnceLock};

use recto_iiif::Dimensions;

use self::header::{Array, find_page};
use super::held::{check_held, check_size, strip_bytes, strip_rows, unreduced};
use crate::{
    ByteRange, ColorModel, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level,
    OpenOptions, Orientation, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Most values looked at to find the range.
const MAX_SAMPLES: u64 = 1 << 20;

/// Bytes of a row read at a time while looking for the range.
const PIECE_BYTES: u64 = 256 * 1024;

/// Most rows that are looked at: each is a read of its own.
const MAX_SAMPLE_ROWS: u64 = 256;

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Fits, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Fits, what: what.into() }
}

fn ended(what: &'static str) -> impl Fn(std::io::Error) -> DecodeError {
    move |error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt(format!("it ends in {what}")),
        _ => DecodeError::Io(error),
    }
}

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"SIMPLE  =") && first.get(9..30).is_some_and(|value| value.trim_ascii() == b"T")
}

/// Opens a plane.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    let (array, pages) = find_page(source.as_ref(), options.page)?;
    check_size(array.size, SourceFormat::Fits, options)?;
    let pixels = if array.values.is_bytes() { PixelFormat::Gray8 } else { PixelFormat::Gray16 };
    let facts = ImageFacts {
        source_format: SourceFormat::Fits,
        compression: array.values.name().to_owned(),
        levels: vec![Level { size: array.size, grid: None }],
        max_denominator: 1,
        pages,
        orientation: Orientation::Normal,
        color: ColorModel::Gray,
        bits_per_sample: pixels.bytes_per_sample() as u8 * 8,
        has_alpha: false,
        icc: None,
        dpi: None,
    };
    Ok(Box::new(FitsDecoder { source, facts, array, pixels, range: OnceLock::new(), max_bytes: options.max_bytes }))
}

struct FitsDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    array: Array,
    pixels: PixelFormat,
    /// The values that become black and white.
    range: OnceLock<(f64, f64)>,
    max_bytes: u64,
}

impl FitsDecoder {
    fn row_bytes(&self) -> u64 {
        u64::from(self.array.size.width_px) * self.array.values.bytes()
    }

    /// Where columns `x..x + w` of row `y`, counted from the top, lie.
    fn row(&self, y: u32, x: u32, w: u32) -> Option<ByteRange> {
        let stored = u64::from(self.array.size.height_px - 1 - y);
        let at = stored.checked_mul(self.row_bytes())?.checked_add(self.array.at)?;
        let bytes = self.array.values.bytes();
        Some(ByteRange::new(at.checked_add(u64::from(x) * bytes)?, u64::from(w) * bytes))
    }

    fn range(&self, control: &Control) -> Result<(f64, f64), DecodeError> {
        if let Some(range) = self.range.get() {
            return Ok(*range);
        }
        let range = match self.array.range {
            Some(range) => range,
            None => self.look_for_range(control)?,
        };
        Ok(*self.range.get_or_init(|| range))
    }

    /// Rows spread evenly, as many values as may be looked at.
    fn look_for_range(&self, control: &Control) -> Result<(f64, f64), DecodeError> {
        let size = self.array.size;
        let width = u64::from(size.width_px).min(PIECE_BYTES / self.array.values.bytes()) as u32;
        let all = u64::from(size.height_px);
        let rows = if size.area_px() <= MAX_SAMPLES {
            all
        } else {
            (MAX_SAMPLES / u64::from(width)).clamp(1, MAX_SAMPLE_ROWS).min(all)
        };
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for i in 0..rows {
            control.check()?;
            let range = self.row((i * all / rows) as u32, (size.width_px - width) / 2, width);
            let range = range.ok_or_else(|| corrupt("its rows do not fit"))?;
            let bytes = self.source.read_range(range).map_err(ended("its data"))?;
            self.array.values.each(&bytes, |value| {
                if value.is_finite() {
                    least = least.min(value);
                    most = most.max(value);
                }
            });
        }
        Ok(if least <= most { (least, most) } else { (0.0, 1.0) })
    }
}

impl Decoder for FitsDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let region = wanted.region;
        let strip = strip_bytes(region.w, region.h, self.pixels);
        let stored = strip / self.pixels.bytes_per_pixel() as u64 * self.array.values.bytes();
        Cost {
            bytes_read: (region.area_px() * self.array.values.bytes()).min(self.source.len()),
            // The strip, its numbers, and where its rows lie; before that, a piece of a row at a time.
            bytes_held: (strip + 2 * stored).max(PIECE_BYTES) + 16 * 1024,
            pixels: region.area_px(),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels, wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Fits)?;
        let range = if self.array.values.is_bytes() { (0.0, 255.0) } else { self.range(control)? };
        Ok(Box::new(FitsRows { decoder: self, geometry, range, next: wanted.region.y, control: control.clone() }))
    }
}

struct FitsRows<'a> {
    decoder: &'a FitsDecoder,
    geometry: DecodedGeometry,
    range: (f64, f64),
    next: u32,
    control: Control,
}

impl RowSource for FitsRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (rect, format) = (self.geometry.rect, self.geometry.format);
        let stride = rect.w as usize * format.bytes_per_pixel();
        let rows = u64::from(strip_rows(stride)).min(rect.bottom() - u64::from(self.next)) as u32;
        if rows == 0 {
            return Ok(None);
        }
        let ranges = (self.next..self.next + rows)
            .map(|y| self.decoder.row(y, rect.x, rect.w))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| corrupt("its rows do not fit"))?;
        let stored = self.decoder.source.read_ranges(&ranges).map_err(ended("its data"))?;
        let mut data = Vec::with_capacity(rows as usize * stride);
        for row in &stored {
            if format == PixelFormat::Gray8 {
                data.extend_from_slice(row);
            } else {
                self.decoder.array.values.each(row, |value| {
                    data.extend_from_slice(&stretched(value, self.range).to_ne_bytes());
                });
            }
        }
        self.next += rows;
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows), format, data)))
    }
}

/// A value as a sample; what is no number is black. Where all values are equal, all are black.
fn stretched(value: f64, (least, most): (f64, f64)) -> u16 {
    // Halves do not overflow where the range does.
    let part = (value / 2.0 - least / 2.0) / (most / 2.0 - least / 2.0);
    (part.clamp(0.0, 1.0) * 65535.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_stretched_over_their_range() {
        for (value, range, want) in [
            (0.0, (0.0, 1.0), 0),
            (1.0, (0.0, 1.0), 65535),
            (0.5, (0.0, 1.0), 32768),
            (-3.0, (0.0, 1.0), 0),
            (f64::NAN, (0.0, 1.0), 0),
            (f64::INFINITY, (0.0, 1.0), 65535),
            (5.0, (5.0, 5.0), 0),
            (0.0, (-f64::MAX, f64::MAX), 32768),
        ] {
            assert_eq!(stretched(value, range), want, "{value} in {range:?}");
        }
    }

    #[test]
    fn a_text_about_it_is_none() {
        assert!(sniff(b"SIMPLE  =                    T / conforms"));
        assert!(!sniff(b"SIMPLE  =                    F / conforms"));
        assert!(!sniff(b"SIMPLE things"));
    }
}
