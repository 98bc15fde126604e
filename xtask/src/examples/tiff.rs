//! A small TIFF writer: tiled JPEG pyramids and strips of G4, LZW or plain bytes, one directory after another.

use anyhow::{Context, Result, ensure};

/// One value of a directory.
enum Value {
    Short(Vec<u16>),
    Long(Vec<u32>),
    Rational(u32, u32),
    Text(&'static str),
    Bytes(Vec<u8>),
}

/// A TIFF in the making: the pixels first, then the directories that point at them.
pub(super) struct TiffWriter {
    bytes: Vec<u8>,
    directories: Vec<Vec<(u16, Value)>>,
}

/// One page of strips.
pub(super) struct StripPage<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) dpi: u32,
    pub(super) label: &'static str,
    pub(super) pixels: Strips<'a>,
}

/// The pixels of a page, and how to store them.
pub(super) enum Strips<'a> {
    /// 8-bit gray, LZW.
    GrayLzw(&'a [u8]),
    /// 1-bit, CCITT G4; true is black.
    BilevelG4(&'a [bool]),
    /// 1-bit, LZW; true is black.
    BilevelLzw(&'a [bool]),
}

impl TiffWriter {
    pub(super) fn new() -> Self {
        Self { bytes: b"II\x2a\0\0\0\0\0".to_vec(), directories: Vec::new() }
    }

    /// Adds a pyramid level of JPEG tiles. Each stream is complete; their tables must be the same and are stored once.
    pub(super) fn add_jpeg_level(
        &mut self,
        size: (u32, u32),
        tile: u32,
        streams: &[Vec<u8>],
        label: &'static str,
    ) -> Result<()> {
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        let mut tables = None;
        for stream in streams {
            let (own, rest) = split_tables(stream)?;
            ensure!(tables.get_or_insert_with(|| own.clone()) == &own, "the tiles of a level must share their tables");
            let at = self.append(&rest);
            offsets.push(at);
            counts.push(rest.len() as u32);
        }
        self.directories.push(vec![
            (254, Value::Long(vec![u32::from(!self.directories.is_empty())])),
            (256, Value::Long(vec![size.0])),
            (257, Value::Long(vec![size.1])),
            (258, Value::Short(vec![8, 8, 8])),
            (259, Value::Short(vec![7])),
            (262, Value::Short(vec![6])),
            (270, Value::Text(label)),
            (277, Value::Short(vec![3])),
            (284, Value::Short(vec![1])),
            (322, Value::Long(vec![tile])),
            (323, Value::Long(vec![tile])),
            (324, Value::Long(offsets)),
            (325, Value::Long(counts)),
            (347, Value::Bytes(tables.context("a level has tiles")?)),
            (530, Value::Short(vec![2, 2])),
        ]);
        Ok(())
    }

    pub(super) fn add_page(&mut self, page: &StripPage<'_>) -> Result<()> {
        let (data, compression, bits, photometric) = match page.pixels {
            Strips::GrayLzw(gray) => (lzw(gray)?, 5, 8, 1),
            Strips::BilevelG4(black) => (group4(black, page.width)?, 4, 1, 0),
            Strips::BilevelLzw(black) => (lzw(&packed(black, page.width))?, 5, 1, 0),
        };
        let at = self.append(&data);
        self.directories.push(vec![
            (254, Value::Long(vec![2])),
            (256, Value::Long(vec![page.width])),
            (257, Value::Long(vec![page.height])),
            (258, Value::Short(vec![bits])),
            (259, Value::Short(vec![compression])),
            (262, Value::Short(vec![photometric])),
            (270, Value::Text(page.label)),
            (273, Value::Long(vec![at])),
            (277, Value::Short(vec![1])),
            (278, Value::Long(vec![page.height])),
            (279, Value::Long(vec![data.len() as u32])),
            (282, Value::Rational(page.dpi, 1)),
            (283, Value::Rational(page.dpi, 1)),
            (296, Value::Short(vec![2])),
        ]);
        Ok(())
    }

    fn append(&mut self, data: &[u8]) -> u32 {
        if self.bytes.len() % 2 == 1 {
            self.bytes.push(0);
        }
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(data);
        at
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        // Where the offset of the next directory is to be written.
        let mut link = 4;
        for directory in std::mem::take(&mut self.directories) {
            let mut entries = Vec::new();
            for (tag, value) in &directory {
                let (kind, count, data) = encode(value);
                let mut field = [0u8; 4];
                if data.len() <= 4 {
                    field[..data.len()].copy_from_slice(&data);
                } else {
                    field = self.append(&data).to_le_bytes();
                }
                entries.extend_from_slice(&tag.to_le_bytes());
                entries.extend_from_slice(&kind.to_le_bytes());
                entries.extend_from_slice(&count.to_le_bytes());
                entries.extend_from_slice(&field);
            }
            let at = self.append(&(directory.len() as u16).to_le_bytes());
            self.bytes.extend_from_slice(&entries);
            self.bytes[link..link + 4].copy_from_slice(&at.to_le_bytes());
            link = self.bytes.len();
            self.bytes.extend_from_slice(&[0; 4]);
        }
        self.bytes
    }
}

fn encode(value: &Value) -> (u16, u32, Vec<u8>) {
    match value {
        Value::Short(all) => (3, all.len() as u32, all.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Value::Long(all) => (4, all.len() as u32, all.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Value::Rational(up, down) => (5, 1, [up.to_le_bytes(), down.to_le_bytes()].concat()),
        Value::Text(text) => (2, text.len() as u32 + 1, [text.as_bytes(), b"\0"].concat()),
        Value::Bytes(bytes) => (7, bytes.len() as u32, bytes.clone()),
    }
}

/// Splits a JPEG stream into its tables (with markers around) and the stream without them and without application data.
fn split_tables(stream: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut tables, mut rest) = (vec![0xff, 0xd8], vec![0xff, 0xd8]);
    let mut at = 2;
    loop {
        let head = stream.get(at..at + 4).context("a JPEG stream ends in its head")?;
        let (marker, length) = (head[1], usize::from(u16::from_be_bytes([head[2], head[3]])) + 2);
        let segment = stream.get(at..at + length).context("a JPEG segment is cut")?;
        match marker {
            0xdb | 0xc4 => tables.extend_from_slice(segment),
            0xe0..=0xef | 0xfe => {}
            0xda => {
                rest.extend_from_slice(&stream[at..]);
                tables.extend_from_slice(&[0xff, 0xd9]);
                return Ok((tables, rest));
            }
            _ => rest.extend_from_slice(segment),
        }
        at += length;
    }
}

fn lzw(data: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    Ok(encoder.encode(data)?)
}

fn group4(black: &[bool], width: u32) -> Result<Vec<u8>> {
    let columns = u16::try_from(width)?;
    let mut encoder = fax::encoder::Encoder::new(fax::VecWriter::new());
    for row in black.chunks_exact(width as usize) {
        let colours = row.iter().map(|&black| if black { fax::Color::Black } else { fax::Color::White });
        let Ok(()) = encoder.encode_line(colours, columns);
    }
    let Ok(writer) = encoder.finish();
    Ok(writer.finish())
}

/// Eight pixels a byte, rows beginning on bytes, black as 1.
fn packed(black: &[bool], width: u32) -> Vec<u8> {
    let row = |pixels: &[bool]| -> Vec<u8> {
        pixels
            .chunks(8)
            .map(|eight| eight.iter().enumerate().fold(0, |byte, (bit, &set)| byte | (u8::from(set) << (7 - bit))))
            .collect()
    };
    black.chunks_exact(width as usize).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_stream_is_split_into_tables_and_the_rest() {
        let mut stream = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut stream, 50);
        encoder.encode(&[90; 16 * 16 * 3], 16, 16, jpeg_encoder::ColorType::Rgb).unwrap();
        let (tables, rest) = split_tables(&stream).unwrap();
        assert!(tables.ends_with(&[0xff, 0xd9]) && rest.ends_with(&[0xff, 0xd9]));
        assert!(!rest.windows(2).any(|pair| pair == [0xff, 0xdb] || pair == [0xff, 0xc4]), "no tables are left behind");
        assert!(split_tables(&stream[..40]).is_err());
    }

    #[test]
    fn bits_are_packed_from_the_left_and_rows_begin_on_bytes() {
        let row = [true, false, false, false, false, false, false, true, true];
        assert_eq!(packed(&[row, row].concat(), 9), [0x81, 0x80, 0x81, 0x80]);
    }

    #[test]
    fn another_reader_gets_the_pixels_back() {
        let gray: Vec<u8> = (0..60u8).collect();
        let mut writer = TiffWriter::new();
        let page = StripPage { width: 10, height: 6, dpi: 300, label: "card", pixels: Strips::GrayLzw(&gray) };
        writer.add_page(&page).unwrap();
        let read = image::load_from_memory_with_format(&writer.finish(), image::ImageFormat::Tiff).unwrap();
        assert_eq!(read.to_luma8().into_raw(), gray);
    }
}
