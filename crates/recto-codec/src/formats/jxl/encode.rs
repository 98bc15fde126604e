//! Writing JPEG XL: lossless, 8 bits, or 16 where there is no alpha.

use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, PixelFormat, Raster};

const FORMAT: &str = "jxl";
/// Where the encoder's own numbers end; memory is held for the whole image, so area is what counts.
const MAX_SIDE_PX: u32 = 1 << 18;
/// The encoder predicts from neighbours on both sides.
const LEAST_SIDE_PX: u32 = 2;
const MAX_AREA_PX: u64 = 1 << 28;
/// How much of the image the encoder looks at for its codes goes up to 127.
const LOOK_PER_EFFORT: u8 = 14;

/// The encoder. It writes no profile: its pixels are sRGB.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    let (size, pixels) = (header.size, header.pixels);
    if size.width_px.max(size.height_px) > MAX_SIDE_PX {
        return Err(EncodeError::SideTooLong { format: FORMAT, size, limit_px: MAX_SIDE_PX });
    }
    if size.width_px.min(size.height_px) < LEAST_SIDE_PX {
        return Err(EncodeError::SideTooShort { format: FORMAT, size, least_px: LEAST_SIDE_PX });
    }
    if size.area_px() > MAX_AREA_PX {
        return Err(EncodeError::AreaTooLarge { format: FORMAT, size, limit_px: MAX_AREA_PX });
    }
    let color = match pixels {
        PixelFormat::Gray8 | PixelFormat::Gray16 => ColorSpace::Luma,
        PixelFormat::GrayAlpha8 => ColorSpace::LumaA,
        PixelFormat::Rgb8 | PixelFormat::Rgb16 => ColorSpace::RGB,
        PixelFormat::Rgba8 => ColorSpace::RGBA,
        // The encoder says 8 bits of opacity whatever it writes (zune-jpegxl 0.5).
        _ => return Err(EncodeError::PixelFormat { format: FORMAT, pixels }),
    };
    if header.icc.is_some() {
        return Err(failed("it has no place for a colour profile"));
    }
    let depth = if pixels.bytes_per_sample() == 2 { BitDepth::Sixteen } else { BitDepth::Eight };
    let effort = options.jxl_effort.clamp(1, 9) * LOOK_PER_EFFORT;
    let options = EncoderOptions::new(size.width_px as usize, size.height_px as usize, color, depth)
        .set_num_threads(1)
        .set_effort(effort);
    Ok(Box::new(JxlEncoder { header: header.clone(), options, data: Vec::new(), rows_left: size.height_px }))
}

fn failed(what: impl std::fmt::Display) -> EncodeError {
    EncodeError::Failed { format: FORMAT, what: what.to_string() }
}

/// Collects the rows: the encoder looks at the whole image.
struct JxlEncoder {
    header: EncodeHeader,
    options: EncoderOptions,
    data: Vec<u8>,
    rows_left: u32,
}

impl Encoder for JxlEncoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        let (size, pixels) = (self.header.size, self.header.pixels);
        if rows.format() != pixels || rows.width_px() != size.width_px || rows.height_px() > self.rows_left {
            return Err(failed("rows do not fit the header"));
        }
        self.rows_left -= rows.height_px();
        self.data.extend_from_slice(rows.data());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        if self.rows_left > 0 {
            return Err(failed(format_args!("{} rows are missing", self.rows_left)));
        }
        let mut file = Vec::new();
        JxlSimpleEncoder::new(&self.data, self.options)
            .encode(&mut file)
            .map_err(|error| failed(format!("{error:?}").trim()))?;
        Ok(file)
    }

    fn written_bytes(&self) -> u64 {
        0
    }
}
