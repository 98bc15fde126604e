//! Codestreams put together here: of blocks that are refined, whose passes are told of in every way.

use recto_iiif::{Dimensions, Rect};
use recto_testkit::Rng;

use super::super::codestream::{MainHeader, block_style};
use super::super::compress::Coding;
use super::super::tests::{difference, open};
use super::block::NEGATIVE;
use super::decode::tests::{cleanup, refined};
use super::decode::{Shape, signed};
use super::header;
use super::packets::{HeaderBits, TagTree};
use crate::{Control, DecodeError, DecodeRequest, Decoder, read_raster};

const SIZE: Dimensions = Dimensions::new(80, 70);
/// Side of a block.
const BLOCK: u32 = 32;
const COLUMNS: u32 = SIZE.width_px.div_ceil(BLOCK);
/// Bit planes of a sample without decompositions.
const PLANES: u8 = 9;
/// Those above the two that blocks have here.
const MISSING: u8 = PLANES - 2;

/// A block of two bit planes.
struct Refined {
    cleanup: Vec<u8>,
    more: Vec<u8>,
    /// Passes that it has behind each layer.
    passes: Vec<u32>,
    /// Groups of passes above its first one that have no bytes.
    groups: u32,
    length_bits: u32,
}

impl Refined {
    /// The layer that it comes with.
    fn first_layer(&self) -> u32 {
        self.passes.iter().position(|passes| *passes > 0).map_or(u32::MAX, |layer| layer as u32)
    }

    /// Passes before and behind a layer.
    fn span(&self, layer: usize) -> (u32, u32) {
        (layer.checked_sub(1).map_or(0, |before| self.passes[before]), self.passes[layer])
    }

    /// Lengths of segments, with their passes, and the bytes of a layer.
    fn segments(&self, layer: usize) -> (Vec<(u32, u32)>, Vec<u8>) {
        let (before, behind) = self.span(layer);
        let (mut segments, mut bytes) = (Vec::new(), Vec::new());
        if before == 0 && behind > 0 {
            segments.push((1 + 3 * self.groups, self.cleanup.len() as u32));
            bytes.extend_from_slice(&self.cleanup);
        }
        if behind > before.max(1) {
            // One of its passes ends somewhere.
            let place = |passes: u32| if passes == 2 { self.more.len() / 2 } else { self.more.len() };
            let is_last = self.passes.last() == Some(&behind);
            let (start, end) =
                (if before > 1 { place(before) } else { 0 }, if is_last { self.more.len() } else { place(behind) });
            segments.push((behind - before.max(1), (end - start) as u32));
            bytes.extend_from_slice(&self.more[start..end]);
        }
        (segments, bytes)
    }

    fn tell(&mut self, layer: usize, bits: &mut HeaderBits<'_>) {
        let (segments, _) = self.segments(layer);
        match segments.iter().map(|(passes, _)| passes).sum::<u32>() {
            1 => bits.put(false),
            2 => bits.put_all(0b10, 2),
            count @ 3..=5 => bits.put_all(0b1100 | (count - 3), 4),
            count => bits.put_all(0b1111 << 5 | (count - 6), 9),
        }
        let needed = |(passes, length): &(u32, u32)| (32 - length.leading_zeros()).saturating_sub(passes.ilog2());
        let needed = segments.iter().map(needed).max().unwrap_or(0).max(self.length_bits);
        (self.length_bits..needed).for_each(|_| bits.put(true));
        bits.put(false);
        self.length_bits = needed;
        segments.iter().for_each(|(passes, length)| bits.put_all(*length, needed + passes.ilog2()));
    }
}

/// The codestream of blocks, which are all that the image has.
fn codestream(header: &MainHeader, blocks: &mut [Refined]) -> Vec<u8> {
    let mut inclusion = TagTree::new(COLUMNS, blocks.iter().map(Refined::first_layer));
    let mut missing = TagTree::new(COLUMNS, blocks.iter().map(|block| u32::from(MISSING) - block.groups));
    let (mut packets, mut lengths) = (Vec::new(), Vec::new());
    for layer in 0..usize::from(header.layers) {
        let start = packets.len();
        let mut bits = HeaderBits::new(&mut packets);
        bits.put(true);
        for (number, block) in blocks.iter_mut().enumerate() {
            let leaf = (number % COLUMNS as usize, number / COLUMNS as usize);
            let (before, behind) = block.span(layer);
            if before == 0 {
                inclusion.tell(leaf, layer as u32 + 1, &mut bits);
            } else {
                bits.put(behind > before);
            }
            if behind == before {
                continue;
            }
            if before == 0 {
                missing.tell(leaf, u32::MAX, &mut bits);
            }
            block.tell(layer, &mut bits);
        }
        bits.end();
        blocks.iter().for_each(|block| packets.extend(block.segments(layer).1));
        lengths.push((packets.len() - start) as u32);
    }
    let head = header::tile_part(0, &lengths).unwrap();
    [header::written(header), head, packets, header::EOC.to_be_bytes().to_vec()].concat()
}

/// An image of gray, and what is to be seen of it: each block with passes behind each layer, and with groups of passes above, by chance.
fn image(layers: u16, is_causal: bool, mut chance: impl FnMut() -> (Vec<u32>, u32)) -> (Vec<u8>, Vec<u8>) {
    let coding = Coding {
        size: SIZE,
        tile: SIZE,
        bits: 8,
        components: 1,
        color_transform: false,
        quality: Vec::new(),
        resolutions: 1,
        precinct: None,
        block: (BLOCK, BLOCK),
        progression: 0,
        block_style: block_style::HIGH_THROUGHPUT,
        packet_markers: 0,
        origin: (0, 0),
        chroma_step: (1, 1),
    };
    let mut header = header::main_header(&coding);
    header.layers = layers;
    if is_causal {
        header.coding.iter_mut().for_each(|coding| coding.block_style |= block_style::CAUSAL);
    }
    let mut rng = Rng::new(layers.into());
    let mut pixels = vec![128; SIZE.area_px() as usize];
    let mut blocks = Vec::new();
    for y in (0..SIZE.height_px).step_by(BLOCK as usize) {
        for x in (0..SIZE.width_px).step_by(BLOCK as usize) {
            let (width, height) = ((SIZE.width_px - x).min(BLOCK) as usize, (SIZE.height_px - y).min(BLOCK) as usize);
            let shape = Shape { width, height, planes: PLANES, missing: MISSING, is_causal };
            let mut value = || rng.below(127) >> rng.below(7) | if rng.below(2) == 0 { NEGATIVE } else { 0 };
            let values: Vec<u32> = (0..width * height).map(|at| if at == 0 { 100 } else { value() }).collect();
            let (passes, groups) = chance();
            let count = passes.last().copied().unwrap_or(0).min(3);
            let (more, samples) = refined(&values, shape, count);
            for (row, samples) in samples.chunks(width).enumerate().filter(|_| count > 0) {
                let start = (y as usize + row) * SIZE.width_px as usize + x as usize;
                for (pixel, sample) in pixels[start..start + width].iter_mut().zip(samples) {
                    *pixel = (128 + signed(*sample) / 2) as u8;
                }
            }
            blocks.push(Refined { cleanup: cleanup(&values, shape).unwrap(), more, passes, groups, length_bits: 3 });
        }
    }
    (codestream(&header, &mut blocks), pixels)
}

fn pixels(file: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let wanted = DecodeRequest { level: 0, region: SIZE.rect(), denominator: 1 };
    read_raster(&open(file), &wanted, &Control::default()).map(|(raster, _)| raster.data().to_vec())
}

#[test]
fn blocks_of_up_to_three_passes_give_their_samples_and_the_librarys() {
    for is_causal in [false, true] {
        for most in [1, 2, 3, 4] {
            let mut rng = Rng::new(most);
            // Some blocks are left out.
            let of_block = || (vec![if most == 4 { rng.below(4) } else { most as u32 }], 0);
            let (file, expected) = image(1, is_causal, of_block);
            let name = format!("{most} passes, {is_causal}");
            assert!(pixels(&file).unwrap() == expected, "{name}");
            assert_eq!(difference(&open(&file), 4, &name), 0, "{name}");
        }
    }
}

#[test]
fn passes_may_come_in_several_layers() {
    let plans =
        [[1, 2, 3], [1, 3, 3], [1, 1, 3], [0, 1, 2], [0, 0, 1], [2, 2, 3], [3, 3, 3], [0, 3, 3], [0, 0, 0], [1, 1, 1]];
    let mut rng = Rng::new(5);
    for round in 0..10 {
        let (file, expected) = image(3, false, || (plans[rng.below(10) as usize].to_vec(), 0));
        assert!(pixels(&file).unwrap() == expected, "round {round}");
    }
}

#[test]
fn passes_above_the_first_one_count_as_missing_bit_planes() {
    let mut rng = Rng::new(6);
    for round in 0..10 {
        let of_block = || (vec![1 + rng.below(3)], rng.below(u32::from(MISSING) + 1));
        let (file, expected) = image(1, false, of_block);
        assert!(pixels(&file).unwrap() == expected, "round {round}");
    }
}

#[test]
fn blocks_of_several_sets_of_passes_are_not_understood() {
    let mut is_first = true;
    let of_block = || (if std::mem::take(&mut is_first) { vec![3, 4] } else { vec![3, 3] }, 0);
    let (file, _) = image(2, false, of_block);
    let error = pixels(&file).unwrap_err();
    assert!(matches!(error, DecodeError::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("several bit planes"), "{error}");
}

#[test]
fn a_tile_that_is_coded_in_its_own_way_is_read_by_the_library_as_a_whole() {
    let mut rng = Rng::new(7);
    let (mut file, expected) = image(1, false, || (vec![1 + rng.below(3)], 0));
    let find = |file: &[u8], marker: [u8; 2]| file.windows(2).position(|two| two == marker).unwrap();
    // The coding style stands in the header of the tile-part once more.
    let style_at = find(&file, [0xff, 0x52]);
    let style = file[style_at..style_at + 2 + usize::from(file[style_at + 3])].to_vec();
    let part_at = find(&file, [0xff, 0x90]);
    let length: [u8; 4] = file[part_at + 6..part_at + 10].try_into().unwrap();
    let length = u32::from_be_bytes(length) + style.len() as u32;
    file[part_at + 6..part_at + 10].copy_from_slice(&length.to_be_bytes());
    file.splice(part_at + 12..part_at + 12, style);
    assert!(pixels(&file).unwrap() == expected);
    let decoder = open(&file);
    let wanted = DecodeRequest { level: 0, region: Rect::new(20, 30, 40, 25), denominator: 1 };
    let (raster, _) = read_raster(&decoder, &wanted, &Control::default()).unwrap();
    for y in 0..25 {
        let start = (30 + y as usize) * SIZE.width_px as usize + 20;
        assert!(raster.row(y) == &expected[start..start + 40], "row {y}");
    }
    // That it takes a whole tile is reckoned from then on, and what was reckoned before is not let do it.
    let other = open(&file);
    let reckoned = other.cost(&wanted).bytes_held;
    let needed = decoder.cost(&wanted).bytes_held;
    let first = read_raster(&other, &wanted, &Control::default().within(reckoned));
    assert_eq!(first.is_err(), needed > reckoned);
    assert_eq!(other.cost(&wanted).bytes_held, needed);
    read_raster(&other, &wanted, &Control::default().within(needed)).unwrap();
}
