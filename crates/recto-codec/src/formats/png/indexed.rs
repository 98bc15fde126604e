//! PNG with a palette: at most 256 colours, dithered where there were more. Half of the bytes, or less.

use png::{BitDepth, ColorType, Compression};

use super::encode::{failed, new_info, rows_encoder};
use crate::formats::palette::{self, Indexed};
use crate::{EncodeError, EncodeHeader, Encoder, PixelFormat, Raster};

/// Collects the rows: colours can be chosen only when all are known.
pub(super) struct IndexedEncoder {
    header: EncodeHeader,
    data: Vec<u8>,
    rows_left: u32,
}

impl IndexedEncoder {
    pub(super) fn new(header: &EncodeHeader) -> Self {
        Self { header: header.clone(), data: Vec::new(), rows_left: header.size.height_px }
    }
}

/// Has it pixels that are neither there nor not? A palette of colours cannot show them.
fn is_translucent(data: &[u8], pixels: PixelFormat) -> bool {
    pixels == PixelFormat::Rgba8 && data.as_chunks::<4>().0.iter().any(|[.., alpha]| !matches!(alpha, 0 | 255))
}

impl Encoder for IndexedEncoder {
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
        let (size, pixels) = (self.header.size, self.header.pixels);
        if is_translucent(&self.data, pixels) {
            let mut encoder = rows_encoder(&self.header)?;
            encoder.write(&Raster::from_vec(size, pixels, self.data))?;
            return encoder.finish();
        }
        let indexed = palette::index(&self.data, pixels, size).map_err(failed)?;
        drop(self.data);
        write(&self.header, indexed)
    }

    fn written_bytes(&self) -> u64 {
        0
    }
}

fn write(header: &EncodeHeader, indexed: Indexed) -> Result<Vec<u8>, EncodeError> {
    let Indexed { palette, indexes, transparent } = indexed;
    let (depth, bits) = match palette.len() {
        0..=2 => (BitDepth::One, 1),
        3..=4 => (BitDepth::Two, 2),
        5..=16 => (BitDepth::Four, 4),
        _ => (BitDepth::Eight, 8),
    };
    let mut info = new_info(header);
    info.color_type = ColorType::Indexed;
    info.bit_depth = depth;
    info.palette = Some(palette.concat().into());
    info.trns = transparent.map(|index| {
        let mut alphas = vec![255; usize::from(index) + 1];
        if let Some(last) = alphas.last_mut() {
            *last = 0;
        }
        alphas.into()
    });
    let mut file = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut file, info).map_err(failed)?;
    encoder.set_compression(Compression::Fast);
    // Indexes of neighbours say nothing of each other.
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(failed)?;
    let width = header.size.width_px as usize;
    let packed: Vec<u8> = if bits == 8 {
        indexes
    } else {
        let per_byte = 8 / bits;
        let pack = |pixels: &[u8]| {
            let shifted = pixels.iter().enumerate().map(|(at, index)| index << (8 - bits * (at + 1)));
            shifted.fold(0, |byte, bits| byte | bits)
        };
        indexes.chunks(width.max(1)).flat_map(|row| row.chunks(per_byte).map(pack)).collect()
    };
    writer.write_image_data(&packed).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}
