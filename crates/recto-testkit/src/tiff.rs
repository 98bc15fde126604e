//! Uncompressed tiled pyramids written by hand: classic or BigTIFF, either byte order, levels as a chain of pages or below the
//! first one.

use recto_iiif::Dimensions;

/// Where reduced levels are noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// As further pages with the reduced-image bit.
    Chain,
    /// As `SubIFDs` of the first page.
    SubIfds,
}

/// How the file is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Size of a tile; multiples of 16.
    pub tile: Dimensions,
    /// Samples per pixel of 8 bits: 1 is gray, 3 is RGB.
    pub samples: u16,
    /// Motorola byte order.
    pub big_endian: bool,
    /// 64-bit offsets.
    pub big_tiff: bool,
    /// Where reduced levels are noted.
    pub levels: Levels,
}

/// Writes a pyramid of these levels, largest first: size and rows without gaps. Tiles are padded with 0xA5, so that a reader
/// which shows padding is found out.
///
/// # Panics
/// When a level's bytes do not fit its size.
pub fn pyramid(layout: &Layout, levels: &[(Dimensions, Vec<u8>)]) -> Vec<u8> {
    let mut file = File { layout: *layout, bytes: Vec::new() };
    file.header();
    let tiles: Vec<Vec<u64>> = levels.iter().map(|(size, rows)| file.tiles(*size, rows)).collect();
    let reduced = |file: &mut File| -> Vec<u64> {
        levels.iter().zip(&tiles).skip(1).map(|((size, _), tiles)| file.directory(*size, tiles, 1, &[])).collect()
    };
    match layout.levels {
        Levels::SubIfds => {
            let below = reduced(&mut file);
            let first = file.directory(levels[0].0, &tiles[0], 0, &below);
            file.link_first(first);
        }
        Levels::Chain => {
            let first = file.directory(levels[0].0, &tiles[0], 0, &[]);
            file.link_first(first);
            let mut end = file.bytes.len();
            for ((size, _), tiles) in levels.iter().zip(&tiles).skip(1) {
                let next = file.directory(*size, tiles, 1, &[]);
                file.patch(end - file.offset_bytes(), next);
                end = file.bytes.len();
            }
        }
    }
    file.bytes
}

/// The width of a page of [`fax_pages`].
pub const fn fax_width(page: u32) -> u32 {
    8 + page % 7
}

/// A book of so many white pages in CCITT Group 4, of one row each: page `n`, from 1, is [`fax_width`] pixels wide. A page takes
/// about a hundred bytes, so ten thousand are a megabyte.
pub fn fax_pages(pages: u32) -> Vec<u8> {
    let mut bytes = b"II\x2a\0".to_vec();
    // One row: all white (vertical mode, no offset), then the end of the block.
    bytes.extend([16_u32.to_le_bytes(), [0; 4], [0x80, 0x08, 0x00, 0x80]].concat());
    for page in 1..=pages {
        let entries = [(256, fax_width(page)), (257, 1), (258, 1), (259, 4), (262, 0), (273, 12), (278, 1), (279, 4)];
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, value) in entries {
            // One number of four bytes, in the entry itself.
            bytes.extend([u16::to_le_bytes(tag), [4, 0], [1, 0], [0, 0]].concat());
            bytes.extend(value.to_le_bytes());
        }
        let next = if page < pages { bytes.len() as u32 + 4 } else { 0 };
        bytes.extend(next.to_le_bytes());
    }
    bytes
}

struct File {
    layout: Layout,
    bytes: Vec<u8>,
}

impl File {
    const fn offset_bytes(&self) -> usize {
        if self.layout.big_tiff { 8 } else { 4 }
    }

    fn encode(&self, value: u64, bytes: usize) -> Vec<u8> {
        if self.layout.big_endian {
            value.to_be_bytes()[8 - bytes..].to_vec()
        } else {
            value.to_le_bytes()[..bytes].to_vec()
        }
    }

    fn put(&mut self, value: u64, bytes: usize) {
        let encoded = self.encode(value, bytes);
        self.bytes.extend(encoded);
    }

    fn patch(&mut self, at: usize, offset: u64) {
        let encoded = self.encode(offset, self.offset_bytes());
        self.bytes[at..at + encoded.len()].copy_from_slice(&encoded);
    }

    fn header(&mut self) {
        self.bytes.extend(if self.layout.big_endian { b"MM" } else { b"II" });
        if self.layout.big_tiff {
            self.put(43, 2);
            self.put(8, 2);
            self.put(0, 2);
        } else {
            self.put(42, 2);
        }
        self.put(0, self.offset_bytes());
    }

    fn link_first(&mut self, offset: u64) {
        self.patch(if self.layout.big_tiff { 8 } else { 4 }, offset);
    }

    /// Writes the tiles of a level and gives where they lie.
    fn tiles(&mut self, size: Dimensions, rows: &[u8]) -> Vec<u64> {
        let (tile, samples) = (self.layout.tile, usize::from(self.layout.samples));
        let stride = size.width_px as usize * samples;
        assert_eq!(rows.len(), stride * size.height_px as usize, "the rows fit the size");
        let mut offsets = Vec::new();
        for top in (0..size.height_px).step_by(tile.height_px as usize) {
            for left in (0..size.width_px).step_by(tile.width_px as usize) {
                offsets.push(self.bytes.len() as u64);
                let visible = (size.width_px - left).min(tile.width_px) as usize * samples;
                for y in top..top + tile.height_px {
                    let mut row = vec![0xa5; tile.width_px as usize * samples];
                    if y < size.height_px {
                        let start = y as usize * stride + left as usize * samples;
                        row[..visible].copy_from_slice(&rows[start..start + visible]);
                    }
                    self.bytes.extend(row);
                }
            }
        }
        offsets
    }

    /// Writes a directory, its values before it, and gives where it lies. Its last bytes are the link to the next one, 0.
    fn directory(&mut self, size: Dimensions, tiles: &[u64], subfile: u64, below: &[u64]) -> u64 {
        const SHORT: u64 = 3;
        const LONG: u64 = 4;
        let offset_type = if self.layout.big_tiff { 16 } else { LONG };
        let samples = usize::from(self.layout.samples);
        let tile_bytes = self.layout.tile.area_px() * samples as u64;
        let mut entries = vec![
            (254, LONG, vec![subfile]),
            (256, LONG, vec![size.width_px.into()]),
            (257, LONG, vec![size.height_px.into()]),
            (258, SHORT, vec![8; samples]),
            (259, SHORT, vec![1]),
            (262, SHORT, vec![if samples == 1 { 1 } else { 2 }]),
            (277, SHORT, vec![samples as u64]),
            (322, LONG, vec![self.layout.tile.width_px.into()]),
            (323, LONG, vec![self.layout.tile.height_px.into()]),
            (324, offset_type, tiles.to_vec()),
            (325, LONG, vec![tile_bytes; tiles.len()]),
        ];
        if !below.is_empty() {
            entries.push((330, if self.layout.big_tiff { 18 } else { LONG }, below.to_vec()));
        }
        entries.sort_by_key(|(tag, ..)| *tag);
        let inline = self.offset_bytes();
        let fields: Vec<Vec<u8>> = entries
            .iter()
            .map(|(_, kind, values)| {
                let width = if *kind == SHORT {
                    2
                } else if *kind == LONG {
                    4
                } else {
                    8
                };
                let mut bytes: Vec<u8> = values.iter().flat_map(|value| self.encode(*value, width)).collect();
                if bytes.len() > inline {
                    let at = self.bytes.len() as u64;
                    self.bytes.extend(bytes);
                    self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
                    bytes = self.encode(at, inline);
                }
                bytes.resize(inline, 0);
                bytes
            })
            .collect();
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = self.bytes.len() as u64;
        self.put(entries.len() as u64, if self.layout.big_tiff { 8 } else { 2 });
        for ((tag, kind, values), field) in entries.iter().zip(fields) {
            self.put(*tag, 2);
            self.put(*kind, 2);
            self.put(values.len() as u64, inline);
            self.bytes.extend(field);
        }
        self.put(0, inline);
        at
    }
}
