//! JPEG streams inside other files: tiles and strips of TIFF.

use recto_iiif::Dimensions;

use super::ffi::{Decompressor, Samples};
use super::input::Input;
use crate::{Control, DecodeError, PixelFormat, Raster, SourceFormat};

/// Most pixels of a stream that is decoded whole: far above any sane tile or strip, far below what hurts.
const MAX_STREAM_PIXELS: u64 = 256 << 20;
/// Most bytes that the library may take for one stream beside the pixels.
const MAX_STREAM_MEMORY: u64 = 2 << 30;
/// What the library takes for any stream: tables and its own state.
const FIXED_BYTES: u64 = 512 << 10;

/// How the samples of a JPEG stream inside another file are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamColor {
    /// As its own markers say (JFIF, Adobe), like any JPEG file.
    Markers,
    /// One gray component.
    Gray,
    /// Three components that are red, green and blue already.
    Rgb,
    /// Three components that are luma and chroma.
    YcbCr,
    /// Four components that are inks as they are (0 is no ink, unless an Adobe marker says inverted).
    Cmyk,
}

impl StreamColor {
    /// Number of components that this needs, when it says so.
    const fn components(self) -> Option<u32> {
        match self {
            Self::Markers => None,
            Self::Gray => Some(1),
            Self::Rgb | Self::YcbCr => Some(3),
            Self::Cmyk => Some(4),
        }
    }
}

/// The pixel format and library colour of a stream with so many components.
pub(super) fn output_of(components: u32) -> Result<(PixelFormat, Samples), DecodeError> {
    match components {
        1 => Ok((PixelFormat::Gray8, Samples::Gray)),
        3 => Ok((PixelFormat::Rgb8, Samples::Rgb)),
        4 => Ok((PixelFormat::Cmyk8, Samples::Cmyk)),
        other => Err(unsupported(format!("{other} components"))),
    }
}

pub(super) fn unsupported(what: String) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Jpeg, what }
}

/// Adobe's programs store inks inverted (255 is none); this turns them round.
pub(super) fn invert(samples: &mut [u8]) {
    for sample in samples {
        *sample = !*sample;
    }
}

/// Most bytes that the coefficients take of a stream of so many components that fills a place of this size, rounded up to whole units as
/// encoders do. A stream of several scans is held so until all of them were read.
pub(crate) fn coefficient_bytes(place: Dimensions, components: u16) -> u64 {
    let blocks = |side: u32| u64::from(side).next_multiple_of(32) / 8 + 4;
    let in_plane = blocks(place.width_px).saturating_mul(blocks(place.height_px));
    in_plane.saturating_mul(128 * u64::from(components)).min(MAX_STREAM_MEMORY)
}

/// What the library takes beside coefficients: a few rows of units as samples, with those above and below that smooth upsampling keeps.
pub(crate) fn library_bytes(width_px: u32, components: u16) -> u64 {
    (u64::from(width_px) + 64) * u64::from(components) * 32 * 3 + FIXED_BYTES
}

/// Decodes a complete JPEG stream (tables joined) from memory, shrunk by `denominator` (1, 2, 4 or 8): its first `rows` rows, counted
/// once shrunk, or as many as it has. If it is of several scans, its coefficients may take `most_coefficient_bytes`.
///
/// Gives `Gray8`, `Rgb8` or `Cmyk8` (0 is no ink).
pub(crate) fn decode_within(
    stream: &[u8],
    color: StreamColor,
    denominator: u32,
    rows: u32,
    most_coefficient_bytes: u64,
    control: &Control,
) -> Result<Raster, DecodeError> {
    if !matches!(denominator, 1 | 2 | 4 | 8) {
        return Err(unsupported(format!("a reduction by {denominator}")));
    }
    let mut decompressor = Decompressor::new(Input::Memory(stream), control, MAX_STREAM_MEMORY)?;
    let header = *decompressor.header();
    let size = Dimensions::new(header.width, header.height);
    if size.area_px() > MAX_STREAM_PIXELS {
        return Err(DecodeError::TooLarge {
            format: SourceFormat::Jpeg,
            needed: size.area_px(),
            limit: MAX_STREAM_PIXELS,
            unit: "pixels",
        });
    }
    if header.multiple_scans != 0 && header.coefficient_bytes > most_coefficient_bytes {
        return Err(DecodeError::TooLarge {
            format: SourceFormat::Jpeg,
            needed: header.coefficient_bytes,
            limit: most_coefficient_bytes,
            unit: "bytes of memory for a JPEG stream of several scans",
        });
    }
    if header.precision != 8 {
        return Err(unsupported(format!("{} bits a sample", header.precision)));
    }
    if color.components().is_some_and(|needed| needed != header.components) {
        let what = format!("a stream has {} components where {color:?} is expected", header.components);
        return Err(DecodeError::Corrupt { format: SourceFormat::Jpeg, what });
    }
    let stored = match color {
        StreamColor::Markers | StreamColor::Cmyk => Samples::AsMarked,
        StreamColor::Gray => Samples::Gray,
        StreamColor::Rgb => Samples::Rgb,
        StreamColor::YcbCr => Samples::YcbCr,
    };
    let (format, wanted) = output_of(header.components)?;
    let output = decompressor.start(stored, wanted, denominator)?;
    let mut raster = Raster::zeroed(Dimensions::new(output.width, output.height.min(rows)), format);
    decompressor.read(raster.data_mut())?;
    if format == PixelFormat::Cmyk8 && header.saw_adobe != 0 {
        invert(raster.data_mut());
    }
    Ok(raster)
}
