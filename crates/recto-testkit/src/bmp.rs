//! Bitmaps written by hand, in every form that the format has.

use recto_iiif::Dimensions;

/// The parts of a bitmap that differ between its forms.
#[derive(Clone, Debug)]
pub struct Bitmap {
    /// Its size.
    pub size: Dimensions,
    /// First stored row shows at the top.
    pub top_down: bool,
    /// Bytes of the second header: 12, 40, 52, 56, 108 or 124.
    pub header_bytes: u32,
    /// Bits per pixel.
    pub bits: u16,
    /// The compression's number.
    pub compression: u32,
    /// Masks of red, green, blue and alpha, for bit fields.
    pub masks: [u32; 4],
    /// Colours of the palette.
    pub palette: Vec<[u8; 3]>,
    /// The stored pixels, padding included, in stored order.
    pub pixels: Vec<u8>,
}

impl Bitmap {
    /// Bytes from one stored row to the next.
    pub const fn row_bytes(width_px: u32, bits: u16) -> usize {
        (width_px as usize * bits as usize).div_ceil(32) * 4
    }

    /// The file.
    pub fn write(&self) -> Vec<u8> {
        let mut header = self.header_bytes.to_le_bytes().to_vec();
        let core = self.header_bytes == 12;
        if core {
            header.extend((self.size.width_px as u16).to_le_bytes());
            header.extend((self.size.height_px as u16).to_le_bytes());
        } else {
            let height = self.size.height_px as i32;
            header.extend((self.size.width_px as i32).to_le_bytes());
            header.extend((if self.top_down { -height } else { height }).to_le_bytes());
        }
        header.extend(1u16.to_le_bytes());
        header.extend(self.bits.to_le_bytes());
        if !core {
            header.extend(self.compression.to_le_bytes());
            // Length of the pixels, 300 dots per inch both ways, colours used.
            for field in [self.pixels.len() as u32, 11811, 11811, self.palette.len() as u32, 0] {
                header.extend(field.to_le_bytes());
            }
            let masks = if self.header_bytes >= 56 { &self.masks[..] } else { &self.masks[..3] };
            if self.header_bytes >= 52 || self.compression == 3 {
                header.extend(masks.iter().flat_map(|mask| mask.to_le_bytes()));
            }
            header.resize(header.len().max(self.header_bytes as usize), 0);
        }
        for [r, g, b] in &self.palette {
            header.extend([*b, *g, *r]);
            header.extend((!core).then_some(0));
        }
        let pixels_at = 14 + header.len() as u32;
        let mut file = b"BM".to_vec();
        file.extend((pixels_at + self.pixels.len() as u32).to_le_bytes());
        file.extend([0; 4]);
        file.extend(pixels_at.to_le_bytes());
        file.extend(header);
        file.extend(&self.pixels);
        file
    }
}

/// Stored rows from shown ones: each padded to four bytes, turned upside down unless `top_down`.
pub fn stored_rows(rows: &[u8], row_bytes: usize, top_down: bool) -> Vec<u8> {
    let padded = row_bytes.next_multiple_of(4);
    let pad = |row: &[u8]| {
        let mut row = row.to_vec();
        row.resize(padded, 0);
        row
    };
    let chunks = rows.chunks_exact(row_bytes);
    if top_down { chunks.flat_map(pad).collect() } else { chunks.rev().flat_map(pad).collect() }
}
