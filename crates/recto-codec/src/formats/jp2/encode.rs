//! Writing JP2: tiles are coded as soon as their rows are there, boxes go around the codestream at the end.

use std::sync::Arc;

use recto_iiif::Dimensions;

use super::boxes::SIGNATURE;
use super::compress::{Coding, Compressor, Failure};
use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, PixelFormat, Raster};

const FORMAT: &str = "jp2";
/// Sides that are coded as one tile.
const WHOLE_PX: u32 = 2048;
/// Side of the tiles of larger ones.
const TILE_PX: u32 = 1024;
/// Side of precincts: what readers fetch together.
const PRECINCT_PX: u32 = 256;
const MAX_RESOLUTIONS: u32 = 6;
const MAX_SIDE_PX: u32 = i32::MAX as u32 - TILE_PX;
const MAX_TILES: u64 = 65_535;
const INCHES_PER_METER: f64 = 39.370_078_740_157_48;

/// How a JP2 file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Jp2Options {
    /// 1..=100; 100 is lossless.
    pub quality: u8,
    /// Side of the tiles in pixels, a power of two of at least 64; `None` for one tile where the image is small, else 1024.
    pub tile_px: Option<u32>,
}

impl Default for Jp2Options {
    fn default() -> Self {
        Self { quality: 80, tile_px: None }
    }
}

/// The encoder of answers.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    jp2_encoder(header, &Jp2Options { quality: options.jp2_quality, ..Jp2Options::default() })
}

/// An encoder of JP2 files with more to choose than answers need: for converting originals.
///
/// # Errors
/// [`EncodeError::SideTooLong`], [`EncodeError::PixelFormat`], or what the encoder says to the size of the tiles.
pub fn jp2_encoder(header: &EncodeHeader, options: &Jp2Options) -> Result<Box<dyn Encoder>, EncodeError> {
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
    if options.tile_px.is_some_and(|side| side < 64 || !side.is_power_of_two()) {
        return Err(failed("the side of tiles must be a power of two of at least 64"));
    }
    let tile = tile_size(size, options.tile_px);
    let samples = header.pixels.samples() as u32;
    let is_rgb =
        matches!(header.pixels, PixelFormat::Rgb8 | PixelFormat::Rgba8 | PixelFormat::Rgb16 | PixelFormat::Rgba16);
    let shorter = tile.width_px.min(tile.height_px).max(1);
    let coding = Coding {
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
        block_style: 0,
        packet_markers: 0,
        origin: (0, 0),
        chroma_step: (1, 1),
    };
    let compressor = Compressor::new(coding).map_err(|Failure(what)| failed(what))?;
    let stride = size.width_px as usize * header.pixels.bytes_per_pixel();
    Ok(Box::new(Jp2Encoder {
        compressor,
        size,
        pixels: header.pixels,
        icc: header.icc.clone(),
        dpi: header.dpi,
        tile,
        stride,
        rows_left: size.height_px,
        held: Vec::new(),
    }))
}

/// The quality of a JPEG with the same number, about, as peak signal-to-noise ratio.
fn decibels(quality: u8) -> f32 {
    25.0 + f32::from(quality.max(1)) * 0.2
}

fn tile_size(size: Dimensions, wanted: Option<u32>) -> Dimensions {
    let mut side = match wanted {
        Some(side) => side,
        None if size.width_px.max(size.height_px) <= WHOLE_PX => return size,
        None => TILE_PX,
    };
    let count = |side: u32| u64::from(size.width_px.div_ceil(side)) * u64::from(size.height_px.div_ceil(side));
    while count(side) > MAX_TILES {
        side *= 2;
    }
    Dimensions::new(side, side)
}

fn failed(what: impl Into<String>) -> EncodeError {
    EncodeError::Failed { format: FORMAT, what: what.into() }
}

struct Jp2Encoder {
    compressor: Compressor,
    size: Dimensions,
    pixels: PixelFormat,
    icc: Option<Arc<[u8]>>,
    dpi: Option<(f64, f64)>,
    tile: Dimensions,
    stride: usize,
    rows_left: u32,
    /// Rows of the tiles that are not complete.
    held: Vec<u8>,
}

impl Jp2Encoder {
    /// Codes the row of tiles that is held.
    fn tiles(&mut self) -> Result<(), EncodeError> {
        let sample = self.pixels.bytes_per_sample();
        let pixel = self.pixels.bytes_per_pixel();
        let mut planes = Vec::new();
        for column in 0..self.compressor.tiles().0 {
            let size = self.compressor.next_size();
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
            self.compressor.tile(&planes).map_err(|Failure(what)| failed(what))?;
        }
        self.held.clear();
        Ok(())
    }
}

impl Encoder for Jp2Encoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        if rows.format() != self.pixels || rows.width_px() != self.size.width_px || rows.height_px() > self.rows_left {
            return Err(failed("rows do not fit the header"));
        }
        let mut data = rows.data();
        while !data.is_empty() {
            let height = self.compressor.next_size().height_px as usize;
            let (now, later) = data.split_at(data.len().min(height * self.stride - self.held.len()));
            self.held.extend_from_slice(now);
            data = later;
            if self.held.len() == height * self.stride {
                self.tiles()?;
            }
        }
        self.rows_left -= rows.height_px();
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        if self.rows_left > 0 {
            return Err(failed(format!("{} rows are missing", self.rows_left)));
        }
        let head = head(self.size, self.pixels, self.icc.as_deref(), self.dpi);
        let codestream = self.compressor.finish().map_err(|Failure(what)| failed(what))?;
        let mut file = head;
        file.reserve_exact(codestream.len() + 16);
        // A box of more than 32 bits of length says so in a longer header.
        if let Ok(length) = u32::try_from(codestream.len() + 8) {
            file.extend(length.to_be_bytes());
            file.extend(b"jp2c");
        } else {
            file.extend(1_u32.to_be_bytes());
            file.extend(b"jp2c");
            file.extend((codestream.len() as u64 + 16).to_be_bytes());
        }
        file.extend_from_slice(&codestream);
        Ok(file)
    }

    fn written_bytes(&self) -> u64 {
        self.compressor.written_bytes()
    }
}

fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut all = (content.len() as u32 + 8).to_be_bytes().to_vec();
    all.extend(name);
    all.extend_from_slice(content);
    all
}

/// Everything before the codestream.
fn head(size: Dimensions, pixels: PixelFormat, icc: Option<&[u8]>, dpi: Option<(f64, f64)>) -> Vec<u8> {
    let samples = pixels.samples() as u16;
    let mut image = Vec::new();
    image.extend(size.height_px.to_be_bytes());
    image.extend(size.width_px.to_be_bytes());
    image.extend(samples.to_be_bytes());
    image.extend([pixels.bytes_per_sample() as u8 * 8 - 1, 7, 0, 0]);
    let color = match (icc, pixels) {
        (Some(profile), _) => [&[2, 0, 0], profile].concat(),
        (None, PixelFormat::Cmyk8 | PixelFormat::Cmyk16) => vec![1, 0, 0, 0, 0, 0, 12],
        (None, _) if samples < 3 => vec![1, 0, 0, 0, 0, 0, 17],
        (None, _) => vec![1, 0, 0, 0, 0, 0, 16],
    };
    let mut header = [boxed(*b"ihdr", &image), boxed(*b"colr", &color)].concat();
    if pixels.has_alpha() {
        let mut definitions = samples.to_be_bytes().to_vec();
        for channel in 0..samples {
            let (kind, association) = if channel + 1 == samples { (1, 0) } else { (0, channel + 1) };
            for value in [channel, kind, association] {
                definitions.extend(value.to_be_bytes());
            }
        }
        header.extend(boxed(*b"cdef", &definitions));
    }
    if let Some(resolution) = dpi.and_then(resolution) {
        header.extend(boxed(*b"res ", &boxed(*b"resc", &resolution)));
    }
    [SIGNATURE.to_vec(), boxed(*b"ftyp", b"jp2 \0\0\0\0jp2 "), boxed(*b"jp2h", &header)].concat()
}

/// The content of a resolution box: fractions of 16 bits and powers of ten, per metre.
fn resolution((x, y): (f64, f64)) -> Option<Vec<u8>> {
    let fraction = |dpi: f64| {
        let mut value = dpi * INCHES_PER_METER;
        let mut exponent = 0_i8;
        while value > 65_535.0 {
            value /= 10.0;
            exponent += 1;
            if exponent > 30 {
                return None;
            }
        }
        let denominator = (65_535.0 / value).floor().clamp(1.0, 65_535.0);
        let numerator = (value * denominator).round();
        (numerator >= 1.0).then_some((numerator as u16, denominator as u16, exponent))
    };
    let ((vn, vd, ve), (hn, hd, he)) = (fraction(y)?, fraction(x)?);
    let words = [vn, vd, hn, hd].into_iter().flat_map(u16::to_be_bytes);
    Some(words.chain([ve as u8, he as u8]).collect())
}
