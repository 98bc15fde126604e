//! The contract of every writer, and the one place that picks it.

use std::sync::Arc;

use recto_iiif::Dimensions;
use recto_iiif::image::Format;

use crate::{EncodeError, PixelFormat, Raster};

/// What is going to be written.
#[derive(Clone, Debug)]
pub struct EncodeHeader {
    /// Size of the whole image.
    pub size: Dimensions,
    /// How the rows lie in memory.
    pub pixels: PixelFormat,
    /// True when only black and white occur: formats with 1-bit pixels use them.
    pub bitonal: bool,
    /// The profile to embed; `None` means sRGB (or gray with its curve), which is not written.
    pub icc: Option<Arc<[u8]>>,
    /// Dots per inch to note (horizontal, vertical).
    pub dpi: Option<(f64, f64)>,
}

/// Chroma subsampling of JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subsampling {
    /// 4:4:4.
    None,
    /// 4:2:2.
    Horizontal,
    /// 4:2:0.
    Both,
}

/// Compression of TIFF output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TiffCompression {
    /// As it is.
    None,
    /// Deflate with horizontal prediction.
    Deflate,
}

/// How each format is written. Part of every cache key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodeOptions {
    /// JPEG quality, 1..=100.
    pub jpeg_quality: u8,
    /// JPEG chroma subsampling.
    pub jpeg_subsampling: Subsampling,
    /// Progressive JPEG.
    pub jpeg_progressive: bool,
    /// WebP quality, 1..=100; 100 is lossless.
    pub webp_quality: u8,
    /// WebP effort, 0..=6.
    pub webp_effort: u8,
    /// TIFF compression.
    pub tiff_compression: TiffCompression,
    /// TIFF with tiles and reduced levels.
    pub tiff_pyramid: bool,
    /// PNG with a palette of at most 256 colours, where 8-bit colour is written.
    pub png_palette: bool,
    /// AVIF quality, 1..=100.
    pub avif_quality: u8,
    /// AVIF speed, 1 (smallest) ..=10 (fastest).
    pub avif_speed: u8,
    /// JPEG XL effort, 1 (fastest) ..=9 (smallest).
    pub jxl_effort: u8,
    /// JPEG 2000 quality, 1..=100; 100 is lossless.
    pub jp2_quality: u8,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            jpeg_quality: 80,
            jpeg_subsampling: Subsampling::Both,
            jpeg_progressive: false,
            webp_quality: 80,
            webp_effort: 0,
            tiff_compression: TiffCompression::Deflate,
            tiff_pyramid: false,
            png_palette: false,
            avif_quality: 60,
            avif_speed: 10,
            jxl_effort: 1,
            jp2_quality: 80,
        }
    }
}

/// Writes one image, top to bottom.
pub trait Encoder: Send {
    /// Takes the next rows, as wide as the header says and in its pixel format.
    ///
    /// # Errors
    /// When the encoder gives up.
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError>;

    /// Ends the image, once all rows were written, and gives the file.
    ///
    /// # Errors
    /// When the encoder gives up, or rows are missing.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, EncodeError>;

    /// Bytes written so far, as far as known.
    fn written_bytes(&self) -> u64;
}

/// Can a picture of this size be written in this format at all?
pub fn can_write(format: Format, size: Dimensions) -> bool {
    let header = EncodeHeader { size, pixels: PixelFormat::Rgb8, bitonal: false, icc: None, dpi: None };
    encoder(format, &header, &EncodeOptions::default()).is_ok()
}

/// The encoder for `format`.
///
/// # Errors
/// [`EncodeError::NoEncoder`], [`EncodeError::SideTooLong`], [`EncodeError::PixelFormat`].
pub fn encoder(
    format: Format,
    header: &EncodeHeader,
    options: &EncodeOptions,
) -> Result<Box<dyn Encoder>, EncodeError> {
    crate::formats::encoder(format, header, options)
}
