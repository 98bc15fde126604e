//! Writing GIF: up to 256 colours are kept exactly, more are reduced and dithered.

use gif::Frame;

use crate::formats::palette;
use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, PixelFormat, Raster};

const FORMAT: &str = "gif";
const MAX_SIDE_PX: u32 = u16::MAX as u32;

/// The encoder.
pub(crate) fn encoder(header: &EncodeHeader, _options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    let (size, pixels) = (header.size, header.pixels);
    if size.width_px.max(size.height_px) > MAX_SIDE_PX {
        return Err(EncodeError::SideTooLong { format: FORMAT, size, limit_px: MAX_SIDE_PX });
    }
    if !matches!(pixels, PixelFormat::Gray8 | PixelFormat::GrayAlpha8 | PixelFormat::Rgb8 | PixelFormat::Rgba8) {
        return Err(EncodeError::PixelFormat { format: FORMAT, pixels });
    }
    Ok(Box::new(GifEncoder { header: header.clone(), data: Vec::new(), rows_left: size.height_px }))
}

fn failed(error: impl std::fmt::Display) -> EncodeError {
    EncodeError::Failed { format: FORMAT, what: error.to_string() }
}

/// Collects the rows: colours can be chosen only when all are known.
struct GifEncoder {
    header: EncodeHeader,
    data: Vec<u8>,
    rows_left: u32,
}

impl Encoder for GifEncoder {
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
        let size = self.header.size;
        let indexed = palette::index(&self.data, self.header.pixels, size).map_err(failed)?;
        let (width, height) = (size.width_px as u16, size.height_px as u16);
        let mut encoder = gif::Encoder::new(Vec::new(), width, height, &indexed.palette.concat()).map_err(failed)?;
        let frame = Frame {
            width,
            height,
            transparent: indexed.transparent,
            buffer: indexed.indexes.into(),
            ..Frame::default()
        };
        encoder.write_frame(&frame).map_err(failed)?;
        encoder.into_inner().map_err(failed)
    }

    fn written_bytes(&self) -> u64 {
        0
    }
}
