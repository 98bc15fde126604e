//! Coefficients turned, stripped of their colour and written anew, without loss.

use recto_iiif::Dimensions;

use super::bits::BitWriter;
use super::coding::{Coding, Head, StoredColor, ZIGZAG};
use super::huffman::{AcCodes, DcCodes, TableSpec};
use super::markers::EOI;
use crate::Orientation;

/// The tables that the standard gives as typical (Annex K.3), which can code every picture of 8 bits.
pub(super) struct Standard {
    pub(super) dc: [TableSpec; 2],
    pub(super) ac: [TableSpec; 2],
}

impl Standard {
    pub(super) fn new() -> Self {
        let categories: [u8; 12] = std::array::from_fn(|category| category as u8);
        Self {
            dc: [
                TableSpec::new([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &categories),
                TableSpec::new([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &categories),
            ],
            ac: [
                TableSpec::new([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125], &all_symbols(LUMA_FIRST)),
                TableSpec::new([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119], &all_symbols(CHROMA_FIRST)),
            ],
        }
    }

    /// As in a DHT segment: class and slot, table. One pair, or two when chroma has its own.
    pub(super) fn tables(&self, pairs: usize) -> Vec<(u8, TableSpec)> {
        let pair = |slot: u8, dc: &TableSpec, ac: &TableSpec| [(slot, dc.clone()), (0x10 | slot, ac.clone())];
        (0_u8..).zip(self.dc.iter().zip(&self.ac)).take(pairs).flat_map(|(slot, (dc, ac))| pair(slot, dc, ac)).collect()
    }
}

/// Symbols with codes of up to 15 bits; the others follow in order of their number.
const LUMA_FIRST: &[u8] = &[
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14,
    0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82,
];
const CHROMA_FIRST: &[u8] = &[
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32,
    0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16,
    0x24, 0x34, 0xe1, 0x25, 0xf1,
];

fn all_symbols(first: &[u8]) -> Vec<u8> {
    let every = (0_u8..16).flat_map(|run| (1_u8..=10).map(move |size| run << 4 | size));
    let rest = every.filter(|symbol| !first.contains(symbol));
    first.iter().copied().chain(rest).collect()
}

/// The blocks of one component, in rows.
struct Plane {
    across: u32,
    down: u32,
    blocks: Vec<[i16; 64]>,
}

/// The coefficients of a part of a picture, in rows within each block.
pub(super) struct Coefficients {
    planes: Vec<Plane>,
}

impl Coefficients {
    /// Bytes for so many MCUs.
    pub(super) fn bytes(coding: &Coding, mcus: u64) -> u64 {
        let blocks = coding.components.iter().map(|component| u64::from(component.h * component.v)).sum::<u64>();
        mcus.saturating_mul(blocks).saturating_mul(128)
    }

    /// For so many MCUs across and down; of the first component alone when it is to be gray.
    pub(super) fn new(coding: &Coding, mcus: Dimensions, gray: bool) -> Self {
        let kept = if gray { 1 } else { coding.components.len() };
        let planes = coding.components.iter().take(kept).map(|component| {
            let (across, down) = (mcus.width_px * component.h, mcus.height_px * component.v);
            Plane { across, down, blocks: vec![[0; 64]; across as usize * down as usize] }
        });
        Self { planes: planes.collect() }
    }

    /// Puts down a block in rows.
    pub(super) fn put(&mut self, component: usize, x: u32, y: u32, block: &[i16; 64]) {
        let Some(plane) = self.planes.get_mut(component) else { return };
        let at = y as usize * plane.across as usize + x as usize;
        if let Some(place) = plane.blocks.get_mut(at) {
            *place = *block;
        }
    }

    /// Writes them as a stream that shows `size` pixels before the turn. `None` when a coefficient is too large.
    pub(super) fn write(&self, coding: &Coding, size: Dimensions, turn: Orientation) -> Option<Vec<u8>> {
        let turn = BlockTurn::of(turn);
        let gray = self.planes.len() == 1;
        let color = if gray { StoredColor::Gray } else { coding.color };
        let chroma = color == StoredColor::YcbCr;
        let standard = Standard::new();
        let mut head = Head::begin(color, coding.adobe());
        let components = coding.components.iter().zip(&self.planes).collect::<Vec<_>>();
        let mut frame = Vec::new();
        let mut scan = Vec::new();
        for (slot, (component, _)) in (0_u8..).zip(&components) {
            let mut quant = [0; 64];
            for (number, place) in ZIGZAG.iter().enumerate() {
                let from = turn.source(*place);
                let number_before = ZIGZAG.iter().position(|other| *other == from)?;
                quant[number] = component.quant[number_before];
            }
            head.quantisation(slot, &quant);
            let (h, v) = if turn.transpose { (component.v, component.h) } else { (component.h, component.v) };
            let (h, v) = if gray { (1, 1) } else { (h, v) };
            frame.push([component.id, (h << 4 | v) as u8, slot]);
            scan.push([component.id, if chroma && slot > 0 { 0x11 } else { 0 }]);
        }
        let wide = coding.components.iter().any(|component| component.quant.iter().any(|value| *value > 255));
        let shown = if turn.transpose { size.transposed() } else { size };
        head.frame(if wide { 0xc1 } else { 0xc0 }, shown, &frame);
        head.huffman(&standard.tables(if chroma { 2 } else { 1 }));
        head.scan(&scan);

        let codes: [(DcCodes, AcCodes); 2] =
            std::array::from_fn(|pair| (DcCodes::new(&standard.dc[pair]), AcCodes::new(&standard.ac[pair])));
        let mut writer = BitWriter::new(head.out);
        let mut last = [0_i32; 4];
        let mut ordered = [0; 64];
        let max_h = frame.iter().map(|[_, sampling, _]| u32::from(sampling >> 4)).max()?;
        let max_v = frame.iter().map(|[_, sampling, _]| u32::from(sampling & 15)).max()?;
        let columns = shown.width_px.div_ceil(max_h * 8);
        let rows = shown.height_px.div_ceil(max_v * 8);
        for row in 0..rows {
            for column in 0..columns {
                for (number, ((_, plane), [_, sampling, _])) in components.iter().zip(&frame).enumerate() {
                    let (h, v) = (u32::from(sampling >> 4), u32::from(sampling & 15));
                    let (dc, ac) = codes.get(usize::from(chroma && number > 0))?;
                    for y in row * v..(row + 1) * v {
                        for x in column * h..(column + 1) * h {
                            turn.block(plane, x, y, &mut ordered)?;
                            let last = last.get_mut(number)?;
                            writer.put_dc(dc, i32::from(ordered[0]) - *last)?;
                            *last = i32::from(ordered[0]);
                            ac.put_block(&ordered, &mut writer)?;
                        }
                    }
                }
            }
        }
        let mut out = writer.finish();
        out.extend_from_slice(&[0xff, EOI]);
        Some(out)
    }
}

/// A turn of a picture that is made of blocks: first transposed, then mirrored.
#[derive(Clone, Copy)]
struct BlockTurn {
    transpose: bool,
    mirror_x: bool,
    mirror_y: bool,
}

impl BlockTurn {
    const fn of(turn: Orientation) -> Self {
        let (transpose, mirror_x, mirror_y) = match turn {
            Orientation::Normal => (false, false, false),
            Orientation::MirrorHorizontal => (false, true, false),
            Orientation::Rotate180 => (false, true, true),
            Orientation::MirrorVertical => (false, false, true),
            Orientation::Transpose => (true, false, false),
            Orientation::Rotate90 => (true, true, false),
            Orientation::Transverse => (true, true, true),
            Orientation::Rotate270 => (true, false, true),
        };
        Self { transpose, mirror_x, mirror_y }
    }

    /// The place within a block before the turn that comes to this place.
    const fn source(self, place: u8) -> u8 {
        if self.transpose { (place % 8) * 8 + place / 8 } else { place }
    }

    /// Block `x`, `y` after the turn, in the order of the data.
    fn block(self, plane: &Plane, x: u32, y: u32, out: &mut [i16; 64]) -> Option<()> {
        let (across, down) = if self.transpose { (plane.down, plane.across) } else { (plane.across, plane.down) };
        let x = if self.mirror_x { across.checked_sub(x + 1)? } else { x };
        let y = if self.mirror_y { down.checked_sub(y + 1)? } else { y };
        let (x, y) = if self.transpose { (y, x) } else { (x, y) };
        let block = plane.blocks.get(y as usize * plane.across as usize + x as usize)?;
        for (value, place) in out.iter_mut().zip(ZIGZAG) {
            // Mirrored, waves of odd number change their sign.
            let odd = (self.mirror_x && place & 1 == 1) != (self.mirror_y && place >> 3 & 1 == 1);
            let stored = block[usize::from(self.source(place)) & 63];
            *value = if odd { -stored } else { stored };
        }
        Some(())
    }
}
