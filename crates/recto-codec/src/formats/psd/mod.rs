//! Photoshop documents (PSD, PSB): the flattened picture that they hold beside their layers. Its rows lie channel by channel
//! at known places, packed or not, so a region reads only its own rows.

mod header;
mod rows;

use std::sync::Arc;

use self::header::{Header, Mode};
use self::rows::{PsdRows, Stored};
use super::held::{check_held, check_page, check_size, strip_bytes, strip_rows, unreduced};
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, Level, OpenOptions, Orientation,
    PixelFormat, RandomAccess, RowSource, SourceFormat,
};

/// Buffers whose size does not depend on the region.
const BUFFER_BYTES: u64 = 16 * 1024;

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Psd, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Psd, what: what.into() }
}

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"8BPS\x00\x01") || first.starts_with(b"8BPS\x00\x02")
}

/// Opens the flattened picture.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    let header = Header::read(source.as_ref())?;
    check_size(header.size, SourceFormat::Psd, options)?;
    check_held(Stored::held_bytes(&header), options.max_bytes, SourceFormat::Psd)?;
    let stored = Stored::read(source.as_ref(), &header)?;
    let pixels = pixel_format(&header);
    let facts = ImageFacts {
        source_format: SourceFormat::Psd,
        compression: stored.name().to_owned(),
        levels: vec![Level { size: header.size, grid: None }],
        max_denominator: 1,
        pages: 1,
        orientation: Orientation::Normal,
        color: match header.mode {
            Mode::Bitmap => ColorModel::Bitonal,
            Mode::Gray => ColorModel::Gray,
            Mode::Indexed | Mode::Rgb => ColorModel::Rgb,
            Mode::Cmyk => ColorModel::Cmyk,
            Mode::Lab => ColorModel::Lab,
        },
        // Floating point is given out in 16 bits.
        bits_per_sample: if header.depth == 32 { 16 } else { header.depth },
        has_alpha: pixels.has_alpha(),
        icc: header.icc.clone(),
        dpi: header.dpi,
    };
    Ok(Box::new(PsdDecoder { source, facts, header, stored, pixels, max_bytes: options.max_bytes }))
}

fn pixel_format(header: &Header) -> PixelFormat {
    let wide = header.depth > 8;
    match (header.mode, header.has_alpha, wide) {
        (Mode::Bitmap, ..) | (Mode::Gray, false, false) => PixelFormat::Gray8,
        (Mode::Gray, false, true) => PixelFormat::Gray16,
        (Mode::Gray, true, false) => PixelFormat::GrayAlpha8,
        (Mode::Gray, true, true) => PixelFormat::GrayAlpha16,
        (Mode::Indexed, true, _) | (Mode::Rgb, true, false) => PixelFormat::Rgba8,
        (Mode::Indexed, false, _) | (Mode::Rgb, false, false) => PixelFormat::Rgb8,
        (Mode::Rgb, false, true) => PixelFormat::Rgb16,
        (Mode::Rgb, true, true) => PixelFormat::Rgba16,
        (Mode::Cmyk, _, false) => PixelFormat::Cmyk8,
        (Mode::Cmyk, _, true) => PixelFormat::Cmyk16,
        (Mode::Lab, _, false) => PixelFormat::Lab8,
        (Mode::Lab, _, true) => PixelFormat::Lab16,
    }
}

struct PsdDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    header: Header,
    stored: Stored,
    pixels: PixelFormat,
    max_bytes: u64,
}

impl Decoder for PsdDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let region = wanted.region;
        let rows = u64::from(strip_rows(region.w as usize * self.pixels.bytes_per_pixel()).min(region.h));
        let (channels, row) = (self.header.channels_used(), self.header.row_bytes());
        Cost {
            bytes_read: (channels * u64::from(region.h) * row).min(self.source.len()),
            // The strip, the stored bytes of one channel of it, and a row unpacked. Packed rows can be longer than plain ones.
            bytes_held: strip_bytes(region.w, region.h, self.pixels) + rows * (row + row / 64 + 8) + row + BUFFER_BYTES,
            pixels: region.area_px(),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels, wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Psd)?;
        Ok(Box::new(PsdRows::new(self.source.as_ref(), &self.header, &self.stored, geometry, control)))
    }
}
