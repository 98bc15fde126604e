//! Files that libraries do not write: JPEG of flat blocks with any components and markers, TIFF around it, inks with a profile.

/// A baseline JPEG of flat blocks of 8 × 8 pixels: the value of each component is exact, with no loss at all.
pub(crate) fn flat_jpeg(
    size: (u32, u32),
    components: u8,
    markers: &[u8],
    value: impl Fn(u32, u32, usize) -> u8,
) -> Vec<u8> {
    let (width, height) = size;
    assert!(width.is_multiple_of(8) && height.is_multiple_of(8));
    let mut out = vec![0xff, 0xd8];
    out.extend_from_slice(markers);
    // One table of ones: coefficients are stored as they are.
    out.extend_from_slice(&[0xff, 0xdb, 0, 67, 0]);
    out.extend_from_slice(&[1; 64]);
    out.extend_from_slice(&[0xff, 0xc0, 0, 8 + 3 * components, 8]);
    out.extend_from_slice(&(height as u16).to_be_bytes());
    out.extend_from_slice(&(width as u16).to_be_bytes());
    out.push(components);
    (1..=components).for_each(|component| out.extend_from_slice(&[component, 0x11, 0]));
    // Twelve lengths of differences, of four bits each; then one code, for the end of a block, of one bit.
    out.extend_from_slice(&[0xff, 0xc4, 0, 2 + 17 + 12, 0]);
    out.extend_from_slice(&[0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(0..12);
    out.extend_from_slice(&[0xff, 0xc4, 0, 2 + 17 + 1, 0x10]);
    out.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&[0xff, 0xda, 0, 6 + 2 * components, components]);
    (1..=components).for_each(|component| out.extend_from_slice(&[component, 0]));
    out.extend_from_slice(&[0, 63, 0]);
    let mut bits = Bits { out, pending: 0, count: 0 };
    let mut last = vec![0; usize::from(components)];
    for y in (0..height).step_by(8) {
        for x in (0..width).step_by(8) {
            for (component, last) in last.iter_mut().enumerate() {
                let coefficient = (i32::from(value(x, y, component)) - 128) * 8;
                let difference = coefficient - *last;
                *last = coefficient;
                let length = 32 - difference.unsigned_abs().leading_zeros();
                bits.put(length, 4);
                let coded = if difference < 0 { difference - 1 } else { difference };
                bits.put(coded as u32 & ((1 << length) - 1), length);
                bits.put(0, 1);
            }
        }
    }
    bits.put(0x7f, 7);
    let mut out = bits.out;
    out.extend_from_slice(&[0xff, 0xd9]);
    out
}

/// The marker by which Adobe's programs say what the components of a JPEG are: 0 colours or inks as they are, 1 luma and chroma,
/// 2 the same of inks. Inks beside such a marker are inverted.
pub(crate) fn adobe(transform: u8) -> Vec<u8> {
    [&[0xff, 0xee, 0, 14][..], b"Adobe\0\x64\0\0\0\0", &[transform]].concat()
}

/// A profile as the markers that bring it in a JPEG.
pub(crate) fn profile_markers(icc: &[u8]) -> Vec<u8> {
    let parts = icc.chunks(65_519);
    let count = parts.len() as u8;
    let segment = |(part, number): (&[u8], u8)| {
        let length = (part.len() as u16 + 16).to_be_bytes();
        [&[0xff, 0xe2][..], &length[..], b"ICC_PROFILE\0", &[number, count], part].concat()
    };
    parts.zip(1..).flat_map(segment).collect()
}

struct Bits {
    out: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.pending = self.pending << count | value;
        self.count += count;
        while self.count >= 8 {
            let byte = (self.pending >> (self.count - 8)) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
            self.count -= 8;
            self.pending &= (1 << self.count) - 1;
        }
    }
}

/// One directory of a TIFF.
pub(crate) struct Level {
    pub(crate) size: (u32, u32),
    pub(crate) tile: u32,
    pub(crate) tiles: Vec<Vec<u8>>,
}

/// A TIFF of tiles, little-endian.
pub(crate) fn tiff(
    levels: &[Level],
    bits: &[u16],
    photometric: u16,
    compression: u16,
    float: bool,
    icc: Option<&[u8]>,
) -> Vec<u8> {
    let mut out = b"II\x2a\0\0\0\0\0".to_vec();
    let mut link = 4;
    for (index, level) in levels.iter().enumerate() {
        let place = |out: &mut Vec<u8>, bytes: &[u8]| {
            out.resize(out.len().next_multiple_of(4), 0);
            out.extend_from_slice(bytes);
            (out.len() - bytes.len()) as u32
        };
        let offsets: Vec<u32> = level.tiles.iter().map(|tile| place(&mut out, tile)).collect();
        let lengths: Vec<u32> = level.tiles.iter().map(|tile| tile.len() as u32).collect();
        let longs = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let shorts = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let mut fields = vec![
            (254, 4, longs(&[u32::from(index > 0)])),
            (256, 4, longs(&[level.size.0])),
            (257, 4, longs(&[level.size.1])),
            (258, 3, shorts(bits)),
            (259, 3, shorts(&[compression])),
            (262, 3, shorts(&[photometric])),
            (277, 3, shorts(&[bits.len() as u16])),
            (322, 4, longs(&[level.tile])),
            (323, 4, longs(&[level.tile])),
            (324, 4, longs(&offsets)),
            (325, 4, longs(&lengths)),
        ];
        if float {
            fields.push((339, 3, shorts(&vec![3; bits.len()])));
        }
        if photometric == 6 {
            fields.push((530, 3, shorts(&[1, 1])));
        }
        if let Some(icc) = icc {
            fields.push((34675, 7, icc.to_vec()));
        }
        fields.sort_by_key(|field| field.0);
        let mut directory = (fields.len() as u16).to_le_bytes().to_vec();
        for (tag, kind, bytes) in &fields {
            let width = match kind {
                3 => 2,
                4 => 4,
                _ => 1,
            };
            directory.extend_from_slice(&u16::to_le_bytes(*tag));
            directory.extend_from_slice(&u16::to_le_bytes(*kind));
            directory.extend_from_slice(&((bytes.len() / width) as u32).to_le_bytes());
            let mut field = if bytes.len() > 4 { place(&mut out, bytes).to_le_bytes().to_vec() } else { bytes.clone() };
            field.resize(4, 0);
            directory.extend(field);
        }
        directory.extend_from_slice(&[0; 4]);
        let at = place(&mut out, &directory);
        out[link..link + 4].copy_from_slice(&at.to_le_bytes());
        link = out.len() - 4;
    }
    out
}

/// A profile of inks that is a table alone: `lab` says what the inks from 0 to 1 give.
pub(crate) fn ink_profile(side: u8, lab: impl Fn([f64; 4]) -> [f64; 3]) -> Vec<u8> {
    let mut table = b"mft2\0\0\0\0\x04\x03".to_vec();
    table.extend_from_slice(&[side, 0]);
    for value in [1, 0, 0, 0, 1, 0, 0, 0, 1_i32] {
        table.extend_from_slice(&(value << 16).to_be_bytes());
    }
    table.extend_from_slice(&[0, 2, 0, 2]);
    (0..4).for_each(|_| table.extend_from_slice(&[0, 0, 0xff, 0xff]));
    let side = usize::from(side);
    for index in 0..side.pow(4) {
        let ink = |place: u32| (index / side.pow(place) % side) as f64 / (side - 1) as f64;
        let [l, a, b] = lab([ink(3), ink(2), ink(1), ink(0)]);
        for value in [l * 652.8, (a + 128.0) * 256.0, (b + 128.0) * 256.0] {
            table.extend_from_slice(&(value.round().clamp(0.0, 65_535.0) as u16).to_be_bytes());
        }
    }
    (0..3).for_each(|_| table.extend_from_slice(&[0, 0, 0xff, 0xff]));
    let white = [b"XYZ \0\0\0\0".as_slice(), &[0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]].concat();
    profile(b"prtr", b"CMYK", b"Lab ", &[(b"A2B0", table), (b"wtpt", white)])
}

/// A profile of these tags, version 2.
pub(crate) fn profile(class: &[u8; 4], space: &[u8; 4], pcs: &[u8; 4], tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut header = vec![0; 128];
    header[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    header[12..16].copy_from_slice(class);
    header[16..20].copy_from_slice(space);
    header[20..24].copy_from_slice(pcs);
    header[24..36].copy_from_slice(&[7, 0xe8, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&[0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]);
    let mut out = header;
    out.extend_from_slice(&(tags.len() as u32).to_be_bytes());
    let mut at = (132 + tags.len() * 12).next_multiple_of(4);
    for (name, bytes) in tags {
        out.extend_from_slice(*name);
        out.extend_from_slice(&(at as u32).to_be_bytes());
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        at += bytes.len().next_multiple_of(4);
    }
    for (_, bytes) in tags {
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    let length = out.len() as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}
