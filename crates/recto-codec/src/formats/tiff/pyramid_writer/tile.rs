//! One tile: cut out of a row of tiles, padded, and compressed.

use std::io::Write as _;

use flate2::Compression as Effort;
use flate2::write::ZlibEncoder;
use recto_iiif::Dimensions;

use super::{PyramidCompression, PyramidOptions};
use crate::formats::tiff::encode::predict;
use crate::formats::{jpeg, webp};
use crate::{EncodeError, EncodeHeader, EncodeOptions, PixelFormat, Subsampling};

/// Effort of Deflate: beyond it files hardly shrink and time doubles.
const DEFLATE_EFFORT: u32 = 6;
/// Effort of Zstandard.
const ZSTD_EFFORT: i32 = 9;

/// How the tiles of one level are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coder {
    pub(super) pixels: PixelFormat,
    /// Pixels are stored with 1 bit.
    pub(super) bitonal: bool,
    pub(super) tile: u32,
    pub(super) compression: PyramidCompression,
    pub(super) quality: u8,
    pub(super) subsampling: Subsampling,
}

/// A compressed tile.
pub(super) struct Coded {
    /// Its bytes, without tables that all tiles of a level share.
    pub(super) bytes: Vec<u8>,
    /// Quantisation and Huffman tables of a JPEG stream, as segments.
    pub(super) tables: Vec<u8>,
    /// What the frame of a JPEG stream says.
    pub(super) frame: Option<Frame>,
}

/// What a directory must know of its JPEG streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) size: Dimensions,
    pub(super) components: u8,
    /// Sampling factors of the first component.
    pub(super) sampling: (u8, u8),
    /// Three components are red, green and blue.
    pub(super) is_rgb: bool,
}

impl Coder {
    pub(super) fn new(pixels: PixelFormat, bitonal: bool, options: &PyramidOptions) -> Self {
        Self {
            pixels,
            bitonal,
            tile: options.tile,
            compression: options.compression,
            quality: options.quality,
            subsampling: options.subsampling,
        }
    }

    /// True when samples are stored as differences from their left neighbours.
    pub(super) fn predicts(&self) -> bool {
        !self.bitonal && matches!(self.compression, PyramidCompression::Deflate | PyramidCompression::Zstd)
    }

    /// Cuts tile `column` out of rows that are `width` pixels wide and compresses it.
    pub(super) fn encode(&self, band: &[u8], width: u32, column: u32) -> Result<Coded, EncodeError> {
        let pixels = self.cut(band, width, column);
        match self.compression {
            PyramidCompression::Jpeg => self.jpeg(pixels),
            PyramidCompression::Webp => self.webp(pixels),
            PyramidCompression::None | PyramidCompression::Deflate | PyramidCompression::Zstd => self.packed(pixels),
        }
    }

    /// The pixels of a tile; what lies outside of the image repeats its last column and row.
    fn cut(&self, band: &[u8], width: u32, column: u32) -> Vec<u8> {
        let pixel = self.pixels.bytes_per_pixel();
        let (tile, stride) = (self.tile as usize, width as usize * pixel);
        let left = column as usize * tile;
        let across = tile.min(width as usize - left);
        let mut out = Vec::with_capacity(tile * tile * pixel);
        for row in band.chunks_exact(stride).take(tile) {
            let part = &row[left * pixel..(left + across) * pixel];
            out.extend_from_slice(part);
            for _ in across..tile {
                out.extend_from_slice(&part[part.len() - pixel..]);
            }
        }
        let line = tile * pixel;
        while out.len() < tile * line {
            out.extend_from_within(out.len() - line..);
        }
        out
    }

    fn header(&self) -> EncodeHeader {
        let size = Dimensions::new(self.tile, self.tile);
        EncodeHeader { size, pixels: self.pixels, bitonal: false, icc: None, dpi: None }
    }

    fn jpeg(&self, mut pixels: Vec<u8>) -> Result<Coded, EncodeError> {
        let options = EncodeOptions {
            jpeg_quality: self.quality,
            jpeg_subsampling: self.subsampling,
            jpeg_progressive: false,
            ..EncodeOptions::default()
        };
        if self.pixels == PixelFormat::Cmyk8 {
            // Files have inks inverted and a marker that says so; tiles have them as they are, and none.
            for ink in &mut pixels {
                *ink = !*ink;
            }
        }
        let header = self.header();
        let mut encoder = jpeg::encoder(&header, &options)?;
        encoder.write(&crate::Raster::from_vec(header.size, self.pixels, pixels))?;
        let stream = encoder.finish()?;
        split(&stream).ok_or_else(|| EncodeError::Failed { format: "tif", what: "a JPEG tile has no scan".to_owned() })
    }

    fn webp(&self, pixels: Vec<u8>) -> Result<Coded, EncodeError> {
        let header = self.header();
        let options = EncodeOptions { webp_quality: self.quality, webp_effort: 2, ..EncodeOptions::default() };
        let mut encoder = webp::encoder(&header, &options)?;
        encoder.write(&crate::Raster::from_vec(header.size, self.pixels, pixels))?;
        Ok(Coded { bytes: encoder.finish()?, tables: Vec::new(), frame: None })
    }

    fn packed(&self, pixels: Vec<u8>) -> Result<Coded, EncodeError> {
        let line = self.tile as usize * self.pixels.bytes_per_pixel();
        let mut raw = if self.bitonal {
            let byte = |pixels: &[u8]| pixels.iter().enumerate().fold(0, |byte, (i, pixel)| byte | (pixel & 0x80) >> i);
            pixels.chunks(self.tile as usize).flat_map(|row| row.chunks(8).map(byte)).collect()
        } else {
            stored_order(pixels, self.pixels)
        };
        if self.predicts() {
            for row in raw.chunks_exact_mut(line) {
                predict(row, self.pixels.samples(), self.pixels.bytes_per_sample());
            }
        }
        let failed = |error: std::io::Error| EncodeError::Failed { format: "tif", what: error.to_string() };
        let bytes = match self.compression {
            PyramidCompression::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::with_capacity(raw.len() / 2), Effort::new(DEFLATE_EFFORT));
                encoder.write_all(&raw).map_err(failed)?;
                encoder.finish().map_err(failed)?
            }
            PyramidCompression::Zstd => zstd::bulk::compress(&raw, ZSTD_EFFORT).map_err(failed)?,
            _ => raw,
        };
        Ok(Coded { bytes, tables: Vec::new(), frame: None })
    }
}

/// Samples as a little-endian file has them: a* and b* with a sign.
fn stored_order(mut pixels: Vec<u8>, format: PixelFormat) -> Vec<u8> {
    match format {
        PixelFormat::Lab8 => {
            for [_, a, b] in pixels.as_chunks_mut::<3>().0 {
                (*a, *b) = (*a ^ 0x80, *b ^ 0x80);
            }
        }
        _ if format.bytes_per_sample() == 2 => {
            let lab = format == PixelFormat::Lab16;
            for (i, sample) in pixels.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                let value = u16::from_ne_bytes(*sample);
                *sample = (if lab && i % 3 > 0 { value ^ 0x8000 } else { value }).to_le_bytes();
            }
        }
        _ => {}
    }
    pixels
}

/// A complete JPEG stream as a tile; one that is smaller is filled up. `None` for what cannot be a tile.
pub(super) fn whole(stream: &[u8], tile: Dimensions) -> Option<Coded> {
    let is_whole = |coded: &Coded| coded.frame.is_some_and(|frame| frame.size == tile);
    let coded = split(stream)?;
    if is_whole(&coded) {
        return Some(coded);
    }
    split(&jpeg::fill(stream, tile)?).filter(is_whole)
}

/// Takes the tables out of a complete JPEG stream, and what a tile does not need. `None` for what is no such stream.
pub(super) fn split(stream: &[u8]) -> Option<Coded> {
    let mut rest = stream.strip_prefix(&[0xff, 0xd8])?;
    let (mut bytes, mut tables, mut frame) = (Vec::with_capacity(stream.len()), Vec::new(), None::<Frame>);
    let mut is_rgb = false;
    bytes.extend_from_slice(&[0xff, 0xd8]);
    loop {
        let [0xff, marker, high, low, ..] = *rest else { return None };
        if marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        if marker == 0xda {
            bytes.extend_from_slice(rest);
            let frame = Some(Frame { is_rgb: frame?.is_rgb || is_rgb, ..frame? });
            return Some(Coded { bytes, tables, frame });
        }
        let length = usize::from(u16::from_be_bytes([high, low])) + 2;
        let segment = rest.get(..length)?;
        match marker {
            0xdb | 0xc4 => tables.extend_from_slice(segment),
            0xee if segment.get(4..9) == Some(b"Adobe") => is_rgb = segment.get(15) == Some(&0),
            0xe0..=0xef | 0xfe => {}
            // Progressive tiles are read by few.
            0xc2..=0xcf => return None,
            0xc0 | 0xc1 => {
                let [_, _, _, _, _, h1, h0, w1, w0, components, first, sampling, ..] = *segment else { return None };
                frame = Some(Frame {
                    is_rgb: first == b'R',
                    size: Dimensions::new(u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into()),
                    components,
                    sampling: (sampling >> 4, sampling & 15),
                });
                bytes.extend_from_slice(segment);
            }
            _ => bytes.extend_from_slice(segment),
        }
        rest = &rest[length..];
    }
}
