//! Writing PNG: rows go through the compressor as they come.

use std::borrow::Cow;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use png::{BitDepth, ColorType, Compression, PixelDimensions, StreamWriter, Unit};

use super::indexed::IndexedEncoder;
use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, PixelFormat, Raster};

const FORMAT: &str = "png";
const INCHES_PER_METER: f64 = 39.370_078_740_157_48;
/// PNG's own limit.
const MAX_SIDE_PX: u32 = i32::MAX as u32;
/// Compressed bytes per IDAT chunk.
const CHUNK_BYTES: usize = 64 * 1024;

/// The encoder.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    let has_colors = matches!(header.pixels, PixelFormat::Rgb8 | PixelFormat::Rgba8);
    let encoder = rows_encoder(header)?;
    Ok(if options.png_palette && has_colors { Box::new(IndexedEncoder::new(header)) } else { encoder })
}

/// The encoder that keeps every colour.
pub(super) fn rows_encoder(header: &EncodeHeader) -> Result<Box<dyn Encoder>, EncodeError> {
    let size = header.size;
    if size.width_px.max(size.height_px) > MAX_SIDE_PX {
        return Err(EncodeError::SideTooLong { format: FORMAT, size, limit_px: MAX_SIDE_PX });
    }
    let (color, mut depth) = color_type(header.pixels)?;
    let bitonal = header.bitonal && header.pixels == PixelFormat::Gray8;
    if bitonal {
        depth = BitDepth::One;
    }
    let mut info = new_info(header);
    info.color_type = color;
    info.bit_depth = depth;
    let file = SharedFile::default();
    let mut encoder = png::Encoder::with_info(file.clone(), info).map_err(failed)?;
    encoder.set_compression(Compression::Fast);
    let writer =
        encoder.write_header().and_then(|writer| writer.into_stream_writer_with_size(CHUNK_BYTES)).map_err(failed)?;
    Ok(Box::new(PngEncoder {
        writer,
        file,
        pixels: header.pixels,
        bitonal,
        width_px: size.width_px,
        rows_left: size.height_px,
        packed: Vec::new(),
    }))
}

/// Size, profile and resolution.
pub(super) fn new_info(header: &EncodeHeader) -> png::Info<'static> {
    let mut info = png::Info::with_size(header.size.width_px, header.size.height_px);
    info.icc_profile = header.icc.as_deref().map(|profile| Cow::Owned(profile.to_vec()));
    info.pixel_dims = header.dpi.and_then(pixel_dims);
    info
}

fn color_type(pixels: PixelFormat) -> Result<(ColorType, BitDepth), EncodeError> {
    Ok(match pixels {
        PixelFormat::Gray8 => (ColorType::Grayscale, BitDepth::Eight),
        PixelFormat::GrayAlpha8 => (ColorType::GrayscaleAlpha, BitDepth::Eight),
        PixelFormat::Rgb8 => (ColorType::Rgb, BitDepth::Eight),
        PixelFormat::Rgba8 => (ColorType::Rgba, BitDepth::Eight),
        PixelFormat::Gray16 => (ColorType::Grayscale, BitDepth::Sixteen),
        PixelFormat::GrayAlpha16 => (ColorType::GrayscaleAlpha, BitDepth::Sixteen),
        PixelFormat::Rgb16 => (ColorType::Rgb, BitDepth::Sixteen),
        PixelFormat::Rgba16 => (ColorType::Rgba, BitDepth::Sixteen),
        PixelFormat::Cmyk8 | PixelFormat::Cmyk16 | PixelFormat::Lab8 | PixelFormat::Lab16 => {
            return Err(EncodeError::PixelFormat { format: FORMAT, pixels });
        }
    })
}

fn pixel_dims((x, y): (f64, f64)) -> Option<PixelDimensions> {
    let per_meter = |dpi: f64| {
        let value = (dpi * INCHES_PER_METER).round();
        (value >= 1.0 && value <= f64::from(i32::MAX)).then_some(value as u32)
    };
    Some(PixelDimensions { xppu: per_meter(x)?, yppu: per_meter(y)?, unit: Unit::Meter })
}

pub(super) fn failed(error: impl std::fmt::Display) -> EncodeError {
    EncodeError::Failed { format: FORMAT, what: error.to_string() }
}

/// The file as it grows, readable beside the writer that owns the other end.
#[derive(Clone, Default)]
struct SharedFile(Arc<Mutex<Vec<u8>>>);

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct PngEncoder {
    writer: StreamWriter<'static, SharedFile>,
    file: SharedFile,
    pixels: PixelFormat,
    bitonal: bool,
    width_px: u32,
    rows_left: u32,
    packed: Vec<u8>,
}

impl PngEncoder {
    fn pack_row(&mut self, row: &[u8]) {
        self.packed.clear();
        if self.bitonal {
            self.packed.extend(
                row.chunks(8).map(|eight| eight.iter().enumerate().fold(0, |byte, (bit, &v)| byte | (v & 0x80) >> bit)),
            );
        } else {
            self.packed.extend(row.as_chunks().0.iter().flat_map(|s: &[u8; 2]| u16::from_ne_bytes(*s).to_be_bytes()));
        }
    }
}

impl Encoder for PngEncoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        if rows.format() != self.pixels || rows.width_px() != self.width_px || rows.height_px() > self.rows_left {
            return Err(failed("rows do not fit the header"));
        }
        self.rows_left -= rows.height_px();
        if !self.bitonal && self.pixels.bytes_per_sample() == 1 {
            return self.writer.write_all(rows.data()).map_err(failed);
        }
        for y in 0..rows.height_px() {
            self.pack_row(rows.row(y));
            self.writer.write_all(&self.packed).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        if self.rows_left > 0 {
            return Err(failed(format_args!("{} rows are missing", self.rows_left)));
        }
        self.writer.finish().map_err(failed)?;
        Ok(std::mem::take(&mut *self.file.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn written_bytes(&self) -> u64 {
        self.file.0.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }
}
