//! Writes one image as a TIFF of strips: uncompressed, or Deflate with horizontal prediction.
//!
//! Pixels come first and the directory last, so that rows are written as they come. A file of 4 GiB or more is a `BigTIFF`.

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::ZlibEncoder;

use super::fields::{self, Field, HEADER, LONG, SHORT, UNDEFINED, place_kind};
use super::tag;
use crate::{EncodeError, EncodeHeader, Encoder, PixelFormat, Raster, TiffCompression};

/// Bytes of a strip before compression.
const STRIP: usize = 256 * 1024;
/// A file that may grow beyond this is written as `BigTIFF`; the difference to 4 GiB is for the directory.
const CLASSIC_LIMIT: u64 = (1 << 32) - (1 << 26);

/// See [`crate::Encoder`].
pub(super) struct TiffEncoder {
    header: EncodeHeader,
    compression: TiffCompression,
    big: bool,
    /// Pixels are 1 bit.
    bitonal: bool,
    rows_per_strip: u32,
    out: Vec<u8>,
    /// Rows of the strip that is being collected, as they will be stored.
    pending: Vec<u8>,
    pending_rows: u32,
    rows: u32,
    strips: Vec<(u64, u64)>,
}

impl TiffEncoder {
    pub(super) fn new(header: &EncodeHeader, compression: TiffCompression) -> Self {
        let bitonal = header.bitonal && header.pixels == PixelFormat::Gray8;
        let row = stored_row(header, bitonal);
        let pixels = (row as u64).saturating_mul(u64::from(header.size.height_px));
        let extra = header.icc.as_ref().map_or(0, |icc| icc.len() as u64);
        // Deflate may add some bytes to each strip.
        let big = pixels.saturating_add(pixels / 256).saturating_add(extra) > CLASSIC_LIMIT;
        Self {
            header: header.clone(),
            compression,
            big,
            bitonal,
            rows_per_strip: ((STRIP / row.max(1)) as u32).max(1).min(header.size.height_px.max(1)),
            out: vec![0; HEADER as usize],
            pending: Vec::new(),
            pending_rows: 0,
            rows: 0,
            strips: Vec::new(),
        }
    }

    fn push_row(&mut self, row: &[u8]) -> Result<(), EncodeError> {
        let start = self.pending.len();
        if self.bitonal {
            self.pending.extend(
                row.chunks(8)
                    .map(|pixels| pixels.iter().enumerate().fold(0, |byte, (i, pixel)| byte | (pixel & 0x80) >> i)),
            );
        } else if self.header.pixels == PixelFormat::Lab8 {
            self.pending.extend(row.as_chunks::<3>().0.iter().flat_map(|[l, a, b]| [*l, a ^ 0x80, b ^ 0x80]));
        } else if self.header.pixels.bytes_per_sample() == 2 {
            let lab = self.header.pixels == PixelFormat::Lab16;
            self.pending.extend(row.as_chunks::<2>().0.iter().enumerate().flat_map(|(i, sample)| {
                let sample = u16::from_ne_bytes(*sample);
                (if lab && i % 3 > 0 { sample ^ 0x8000 } else { sample }).to_le_bytes()
            }));
        } else {
            self.pending.extend_from_slice(row);
        }
        if self.predicts() {
            let samples = self.header.pixels.samples();
            predict(&mut self.pending[start..], samples, self.header.pixels.bytes_per_sample());
        }
        self.pending_rows += 1;
        self.rows += 1;
        if self.pending_rows == self.rows_per_strip || self.rows == self.header.size.height_px {
            self.flush()?;
        }
        Ok(())
    }

    fn predicts(&self) -> bool {
        self.compression == TiffCompression::Deflate && !self.bitonal
    }

    /// Writes the strip that was collected.
    fn flush(&mut self) -> Result<(), EncodeError> {
        let offset = self.out.len() as u64;
        match self.compression {
            TiffCompression::None => self.out.append(&mut self.pending),
            TiffCompression::Deflate => {
                let mut encoder = ZlibEncoder::new(std::mem::take(&mut self.out), Level::new(4));
                encoder.write_all(&self.pending).map_err(|error| failed(error.to_string()))?;
                self.out = encoder.finish().map_err(|error| failed(error.to_string()))?;
            }
        }
        self.strips.push((offset, self.out.len() as u64 - offset));
        self.pending.clear();
        self.pending_rows = 0;
        Ok(())
    }

    /// The fields of the directory.
    fn fields(&self) -> Vec<Field> {
        let pixels = self.header.pixels;
        let (photometric, colors) = match pixels {
            PixelFormat::Gray8 | PixelFormat::Gray16 | PixelFormat::GrayAlpha8 | PixelFormat::GrayAlpha16 => (1, 1),
            PixelFormat::Rgb8 | PixelFormat::Rgb16 | PixelFormat::Rgba8 | PixelFormat::Rgba16 => (2, 3),
            PixelFormat::Cmyk8 | PixelFormat::Cmyk16 => (5, 4),
            PixelFormat::Lab8 | PixelFormat::Lab16 => (8, 3),
        };
        let bits = if self.bitonal { 1 } else { 8 * pixels.bytes_per_sample() as u64 };
        let samples = pixels.samples();
        let deflate = self.compression == TiffCompression::Deflate;
        let place = place_kind(self.big);
        let mut fields = vec![
            Field::numbers(tag::IMAGE_WIDTH, LONG, &[self.header.size.width_px.into()]),
            Field::numbers(tag::IMAGE_LENGTH, LONG, &[self.header.size.height_px.into()]),
            Field::numbers(tag::BITS_PER_SAMPLE, SHORT, &vec![bits; samples]),
            Field::numbers(tag::COMPRESSION, SHORT, &[if deflate { 8 } else { 1 }]),
            Field::numbers(tag::PHOTOMETRIC, SHORT, &[photometric]),
            Field::numbers(tag::STRIP_OFFSETS, place, &self.strips.iter().map(|strip| strip.0).collect::<Vec<_>>()),
            Field::numbers(tag::SAMPLES_PER_PIXEL, SHORT, &[samples as u64]),
            Field::numbers(tag::ROWS_PER_STRIP, LONG, &[self.rows_per_strip.into()]),
            Field::numbers(tag::STRIP_BYTE_COUNTS, place, &self.strips.iter().map(|strip| strip.1).collect::<Vec<_>>()),
        ];
        fields.extend(Field::resolution(self.header.dpi));
        fields.push(Field::numbers(tag::PLANAR_CONFIGURATION, SHORT, &[1]));
        if self.predicts() {
            fields.push(Field::numbers(tag::PREDICTOR, SHORT, &[2]));
        }
        if samples > colors {
            fields.push(Field::numbers(tag::EXTRA_SAMPLES, SHORT, &[2]));
        }
        if let Some(icc) = &self.header.icc {
            fields.push(Field::opaque(tag::ICC_PROFILE, UNDEFINED, icc));
        }
        fields
    }
}

impl Encoder for TiffEncoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        if rows.width_px() != self.header.size.width_px || rows.format() != self.header.pixels {
            return Err(failed(format!("rows of {rows:?} in an image of {}", self.header.size)));
        }
        if u64::from(self.rows) + u64::from(rows.height_px()) > u64::from(self.header.size.height_px) {
            return Err(failed("more rows than the image has".to_owned()));
        }
        (0..rows.height_px()).try_for_each(|y| self.push_row(rows.row(y)))
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        if self.rows != self.header.size.height_px {
            return Err(failed(format!("{} of {} rows were written", self.rows, self.header.size.height_px)));
        }
        let at = self.out.len().next_multiple_of(8);
        self.out.resize(at, 0);
        let directory = fields::directory(self.fields(), at as u64, 0, self.big);
        if !self.big && (at + directory.len()) as u64 > u64::from(u32::MAX) {
            return Err(failed("its pixels did not become smaller than 4 GiB".to_owned()));
        }
        self.out.extend(directory);
        self.out[..HEADER as usize].copy_from_slice(&fields::header(at as u64, self.big));
        Ok(self.out)
    }

    fn written_bytes(&self) -> u64 {
        self.out.len() as u64
    }
}

/// Bytes of a row as stored.
fn stored_row(header: &EncodeHeader, bitonal: bool) -> usize {
    let width = header.size.width_px as usize;
    if bitonal { width.div_ceil(8) } else { width * header.pixels.bytes_per_pixel() }
}

/// Each sample becomes its difference from the one to the left.
pub(super) fn predict(row: &mut [u8], samples: usize, bytes_per_sample: usize) {
    if bytes_per_sample == 1 {
        for i in (samples..row.len()).rev() {
            row[i] = row[i].wrapping_sub(row[i - samples]);
        }
        return;
    }
    let values = row.as_chunks_mut::<2>().0;
    for i in (samples..values.len()).rev() {
        values[i] = u16::from_le_bytes(values[i]).wrapping_sub(u16::from_le_bytes(values[i - samples])).to_le_bytes();
    }
}

fn failed(what: String) -> EncodeError {
    EncodeError::Failed { format: "tif", what }
}
