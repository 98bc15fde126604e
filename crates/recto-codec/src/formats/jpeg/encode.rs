//! Writing JPEG.

use super::ffi::{Compressor, Parameters};
use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, PixelFormat, Raster, Subsampling};

/// The longest side that libjpeg reads and writes, a little less than the format's 65535.
pub(super) const MAX_SIDE_PX: u32 = 65_500;

/// Most bytes of a profile: 255 segments.
const MAX_ICC_BYTES: usize = 255 * (65_533 - 14);

/// The encoder.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    if header.size.width_px > MAX_SIDE_PX || header.size.height_px > MAX_SIDE_PX {
        return Err(EncodeError::SideTooLong { format: "jpg", size: header.size, limit_px: MAX_SIDE_PX });
    }
    let components = match header.pixels {
        PixelFormat::Gray8 => 1,
        PixelFormat::Rgb8 => 3,
        PixelFormat::Cmyk8 => 4,
        pixels => return Err(EncodeError::PixelFormat { format: "jpg", pixels }),
    };
    let (sampling_x, sampling_y) = match options.jpeg_subsampling {
        Subsampling::None => (1, 1),
        Subsampling::Horizontal => (2, 1),
        Subsampling::Both => (2, 2),
    };
    let (density_x, density_y) = header.dpi.map_or((0, 0), |(x, y)| (density(x), density(y)));
    let parameters = Parameters {
        width: header.size.width_px,
        height: header.size.height_px,
        components,
        quality: u32::from(options.jpeg_quality.clamp(1, 100)),
        sampling_x,
        sampling_y,
        progressive: u32::from(options.jpeg_progressive),
        density_x,
        density_y,
        ..Parameters::default()
    };
    // A profile that does not fit into the format's 255 segments is left out: no real one is near 16 MB.
    let icc = header.icc.as_deref().filter(|icc| icc.len() <= MAX_ICC_BYTES).unwrap_or_default();
    let compressor = Compressor::new(&parameters, icc)?;
    let rows_left = header.size.height_px;
    Ok(Box::new(JpegEncoder { compressor, pixels: header.pixels, width_px: header.size.width_px, rows_left }))
}

/// Dots per inch as the format notes them; 0 when they cannot be noted.
fn density(dpi: f64) -> u32 {
    let rounded = dpi.round();
    if rounded >= 1.0 && rounded <= f64::from(u16::MAX) { rounded as u32 } else { 0 }
}

struct JpegEncoder {
    compressor: Compressor,
    pixels: PixelFormat,
    width_px: u32,
    rows_left: u32,
}

impl Encoder for JpegEncoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        if rows.format() != self.pixels {
            return Err(EncodeError::PixelFormat { format: "jpg", pixels: rows.format() });
        }
        if rows.width_px() != self.width_px || rows.height_px() > self.rows_left {
            return Err(failed(format!("{} pixels do not continue this image", rows.size())));
        }
        if self.pixels == PixelFormat::Cmyk8 {
            // With the Adobe marker that four inks need, every reader expects them inverted.
            let mut inverted = rows.data().to_vec();
            super::stream::invert(&mut inverted);
            self.compressor.write(&inverted)?;
        } else {
            self.compressor.write(rows.data())?;
        }
        self.rows_left -= rows.height_px();
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        if self.rows_left > 0 {
            return Err(failed(format!("{} rows are missing", self.rows_left)));
        }
        self.compressor.finish()
    }

    fn written_bytes(&self) -> u64 {
        self.compressor.written_bytes()
    }
}

fn failed(what: String) -> EncodeError {
    EncodeError::Failed { format: "jpg", what }
}
