//! Writing WebP.

use recto_iiif::Dimensions;

use super::container;
use super::libwebp::{self, Compression, Failure, MAX_SIDE_PX};
use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, PixelFormat, Raster};

const FORMAT: &str = "webp";
/// The quality that means that nothing is lost.
const LOSSLESS_QUALITY: u8 = 100;

/// The encoder.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    let (size, pixels) = (header.size, header.pixels);
    if size.width_px.max(size.height_px) > MAX_SIDE_PX {
        return Err(EncodeError::SideTooLong { format: FORMAT, size, limit_px: MAX_SIDE_PX });
    }
    let stored = match pixels {
        PixelFormat::Gray8 | PixelFormat::Rgb8 => PixelFormat::Rgb8,
        PixelFormat::GrayAlpha8 | PixelFormat::Rgba8 => PixelFormat::Rgba8,
        _ => return Err(EncodeError::PixelFormat { format: FORMAT, pixels }),
    };
    Ok(Box::new(WebpEncoder {
        header: header.clone(),
        stored,
        compression: match options.webp_quality {
            LOSSLESS_QUALITY.. => Compression::Lossless,
            quality => Compression::Lossy { quality },
        },
        effort: options.webp_effort,
        data: Vec::new(),
        rows_left: size.height_px,
    }))
}

fn failed(what: impl std::fmt::Display) -> EncodeError {
    EncodeError::Failed { format: FORMAT, what: what.to_string() }
}

/// Collects the rows: libwebp looks at the whole image.
struct WebpEncoder {
    header: EncodeHeader,
    stored: PixelFormat,
    compression: Compression,
    effort: u8,
    data: Vec<u8>,
    rows_left: u32,
}

impl Encoder for WebpEncoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        let (size, pixels) = (self.header.size, self.header.pixels);
        if rows.format() != pixels || rows.width_px() != size.width_px || rows.height_px() > self.rows_left {
            return Err(failed("rows do not fit the header"));
        }
        self.rows_left -= rows.height_px();
        match pixels {
            PixelFormat::Gray8 => self.data.extend(rows.data().iter().flat_map(|&v| [v; 3])),
            PixelFormat::GrayAlpha8 => {
                self.data.extend(rows.data().as_chunks().0.iter().flat_map(|&[v, a]: &[u8; 2]| [v, v, v, a]));
            }
            _ => self.data.extend_from_slice(rows.data()),
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        if self.rows_left > 0 {
            return Err(failed(format_args!("{} rows are missing", self.rows_left)));
        }
        let size: Dimensions = self.header.size;
        let raster = Raster::from_vec(size, self.stored, self.data);
        let encoded = libwebp::encode(&raster, self.compression, self.effort).map_err(|Failure(what)| failed(what))?;
        match self.header.icc.as_deref() {
            Some(icc) => container::with_profile(&encoded, size, icc).ok_or_else(|| failed("the profile does not fit")),
            None => Ok(encoded),
        }
    }

    fn written_bytes(&self) -> u64 {
        0
    }
}
