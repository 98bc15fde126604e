//! TIFF files of any layout, written by hand.

use recto_iiif::Dimensions;

pub(crate) const ASCII: u16 = 2;
pub(crate) const SHORT: u16 = 3;
pub(crate) const LONG: u16 = 4;
pub(crate) const FLOAT: u16 = 11;

/// An entry: tag, field type, values.
pub(crate) type Entry = (u16, u16, Vec<u64>);

/// A file that is being written.
pub(crate) struct Builder {
    pub(crate) big_endian: bool,
    pub(crate) big_tiff: bool,
    pub(crate) bytes: Vec<u8>,
    /// So many bytes are left out behind the header: what is written comes after them.
    pub(crate) skip: u64,
    /// Where the position of the next directory goes.
    link: usize,
}

impl Builder {
    pub(crate) fn new(big_endian: bool, big_tiff: bool) -> Self {
        let mut builder = Self { big_endian, big_tiff, bytes: Vec::new(), skip: 0, link: 0 };
        builder.bytes.extend(if big_endian { b"MM" } else { b"II" });
        if big_tiff {
            builder.put(43, 2);
            builder.put(8, 2);
            builder.put(0, 2);
        } else {
            builder.put(42, 2);
        }
        builder.link = builder.bytes.len();
        builder.put(0, builder.wide());
        builder
    }

    fn wide(&self) -> usize {
        if self.big_tiff { 8 } else { 4 }
    }

    pub(crate) fn encode(&self, value: u64, bytes: usize) -> Vec<u8> {
        if self.big_endian { value.to_be_bytes()[8 - bytes..].to_vec() } else { value.to_le_bytes()[..bytes].to_vec() }
    }

    fn put(&mut self, value: u64, bytes: usize) {
        let encoded = self.encode(value, bytes);
        self.bytes.extend(encoded);
    }

    /// Appends chunks; gives where each lies and how long it is.
    pub(crate) fn chunks(&mut self, chunks: &[Vec<u8>]) -> (Vec<u64>, Vec<u64>) {
        let mut offsets = Vec::new();
        for chunk in chunks {
            offsets.push(self.bytes.len() as u64 + self.skip);
            self.bytes.extend(chunk);
        }
        (offsets, chunks.iter().map(|chunk| chunk.len() as u64).collect())
    }

    /// Writes a directory, linked from nowhere; gives where it lies.
    pub(crate) fn loose_directory(&mut self, entries: &[Entry]) -> u64 {
        let mut entries = entries.to_vec();
        entries.sort_by_key(|(tag, ..)| *tag);
        let wide = self.wide();
        let mut table = Vec::new();
        for (tag, kind, values) in &entries {
            let size = match kind {
                1 | 2 | 7 => 1,
                3 => 2,
                4 | 9 | 11 => 4,
                _ => 8,
            };
            let mut field: Vec<u8> = values.iter().flat_map(|value| self.encode(*value, size)).collect();
            if field.len() > wide {
                let at = self.bytes.len() as u64 + self.skip;
                self.bytes.extend(&field);
                field = self.encode(at, wide);
            }
            field.resize(wide, 0);
            table.extend(self.encode(u64::from(*tag), 2));
            table.extend(self.encode(u64::from(*kind), 2));
            table.extend(self.encode(values.len() as u64, wide));
            table.extend(field);
        }
        let at = self.bytes.len() as u64 + self.skip;
        self.put(entries.len() as u64, if self.big_tiff { 8 } else { 2 });
        self.bytes.extend(table);
        self.put(0, wide);
        at
    }

    /// Writes a directory at the end of the chain.
    pub(crate) fn directory(&mut self, entries: &[Entry]) -> u64 {
        let at = self.loose_directory(entries);
        let (link, encoded) = (self.link, self.encode(at, self.wide()));
        self.bytes[link..link + encoded.len()].copy_from_slice(&encoded);
        self.link = self.bytes.len() - self.wide();
        at
    }

    /// Makes the last directory of the chain point there.
    pub(crate) fn point_last_to(&mut self, offset: u64) {
        let (link, encoded) = (self.link, self.encode(offset, self.wide()));
        self.bytes[link..link + encoded.len()].copy_from_slice(&encoded);
    }
}

/// How pixels are cut into chunks: tiles, or strips of so many rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Tiles(Dimensions),
    Strips(u32),
}

/// Everything about one image; `rows` gives stored samples: for each plane, for each row, its bytes in the file's order.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) size: Dimensions,
    pub(crate) cut: Cut,
    pub(crate) compression: u64,
    pub(crate) predictor: u64,
    pub(crate) photometric: u64,
    pub(crate) bits: usize,
    pub(crate) samples: usize,
    pub(crate) planar: bool,
    pub(crate) extra: Vec<Entry>,
}

impl Picture {
    /// The entries and chunks of a picture whose samples are numbers, pixel by pixel.
    pub(crate) fn write(&self, builder: &mut Builder, samples: &[u32]) -> Vec<Entry> {
        let planes = if self.planar { self.samples } else { 1 };
        let together = self.samples / planes;
        let (chunk, tiled) = match self.cut {
            Cut::Tiles(tile) => (tile, true),
            Cut::Strips(rows) => (Dimensions::new(self.size.width_px, rows), false),
        };
        let mut chunks = Vec::new();
        for plane in 0..planes {
            for top in (0..self.size.height_px).step_by(chunk.height_px as usize) {
                for left in (0..self.size.width_px).step_by(chunk.width_px as usize) {
                    let rows = if tiled { chunk.height_px } else { chunk.height_px.min(self.size.height_px - top) };
                    let mut raw = Vec::new();
                    for y in top..top + rows {
                        let row: Vec<u32> = (left..left + chunk.width_px)
                            .flat_map(|x| (0..together).map(move |sample| (x, sample)))
                            .map(|(x, sample)| {
                                if x >= self.size.width_px || y >= self.size.height_px {
                                    return 0x55 & ((1 << self.bits) - 1);
                                }
                                let pixel = y as usize * self.size.width_px as usize + x as usize;
                                samples[pixel * self.samples + plane + sample]
                            })
                            .collect();
                        raw.extend(self.pack(builder, &row, together));
                    }
                    chunks.push(compress(self.compression, &raw));
                }
            }
        }
        let (offsets, counts) = builder.chunks(&chunks);
        let mut entries: Vec<Entry> = vec![
            (256, LONG, vec![self.size.width_px.into()]),
            (257, LONG, vec![self.size.height_px.into()]),
            (258, SHORT, vec![self.bits as u64; self.samples]),
            (259, SHORT, vec![self.compression]),
            (262, SHORT, vec![self.photometric]),
            (277, SHORT, vec![self.samples as u64]),
            (284, SHORT, vec![if self.planar { 2 } else { 1 }]),
            (317, SHORT, vec![self.predictor]),
        ];
        if tiled {
            entries.push((322, LONG, vec![chunk.width_px.into()]));
            entries.push((323, LONG, vec![chunk.height_px.into()]));
            entries.push((324, LONG, offsets));
            entries.push((325, LONG, counts));
        } else {
            entries.push((273, LONG, offsets));
            entries.push((278, LONG, vec![chunk.height_px.into()]));
            entries.push((279, LONG, counts));
        }
        entries.extend(self.extra.iter().cloned());
        entries
    }

    /// One row as it is stored before compression.
    fn pack(&self, builder: &Builder, row: &[u32], together: usize) -> Vec<u8> {
        let mask = ((1_u64 << self.bits) - 1) as u32;
        let predicted: Vec<u32> = row
            .iter()
            .enumerate()
            .map(|(i, sample)| match self.predictor {
                2 if i >= together => sample.wrapping_sub(row[i - together]) & mask,
                _ => *sample,
            })
            .collect();
        if self.bits >= 8 && self.bits.is_multiple_of(8) {
            return predicted.iter().flat_map(|sample| builder.encode(u64::from(*sample), self.bits / 8)).collect();
        }
        let mut bits: Vec<bool> = Vec::new();
        for sample in predicted {
            bits.extend((0..self.bits).rev().map(|bit| sample >> bit & 1 == 1));
        }
        pack_bits(&bits)
    }
}

/// Bits, most significant first, the last byte filled with zeros.
pub(crate) fn pack_bits(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0, |sum, (i, bit)| sum | u8::from(*bit) << (7 - i)))
        .collect()
}

/// Compresses with the scheme of this tag value.
pub(crate) fn compress(scheme: u64, raw: &[u8]) -> Vec<u8> {
    use std::io::Write;
    match scheme {
        1 => raw.to_vec(),
        5 => weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(raw).unwrap(),
        8 | 32946 => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(raw).unwrap();
            encoder.finish().unwrap()
        }
        32773 => pack_runs(raw),
        50000 => zstd::encode_all(raw, 1).unwrap(),
        _ => unreachable!("no such scheme here"),
    }
}

/// `PackBits` with runs of both kinds, and a byte 128 here and there, which means nothing.
fn pack_runs(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < raw.len() {
        let run = raw[at..].iter().take(128).take_while(|byte| **byte == raw[at]).count();
        if run >= 3 {
            out.extend([(257 - run) as u8, raw[at]]);
            at += run;
        } else {
            let length = (raw.len() - at).min(37);
            out.push(length as u8 - 1);
            out.extend(&raw[at..at + length]);
            at += length;
            out.push(128);
        }
    }
    out
}
