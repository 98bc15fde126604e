//! What a codestream has around its packets. ISO/IEC 15444-1, annex A, and 15444-15, annex A.

use std::sync::Arc;

use super::super::codestream::{
    Area, COD, CodingStyle, Component, MAX_LEVELS, MainHeader, QCD, Quantisation, SIZ, SOC, SOT, Size, block_style,
};
use super::super::compress::Coding;

const CAP: u16 = 0xff50;
const TLM: u16 = 0xff55;
const PLT: u16 = 0xff58;
const SOD: u16 = 0xff93;
pub(super) const EOC: u16 = 0xffd9;

/// Parts of the standard that a reader must know: the fifteenth.
const PARTS: u32 = 1 << (32 - 15);
/// The same in the size's capabilities.
const OF_PART_15: u16 = 1 << 14;
/// Most tile-parts that one segment lists.
const LISTED_TOGETHER: usize = 10_921;
/// Bytes of lengths that one segment has room for.
const LENGTHS_TOGETHER: usize = 65_000;
/// Bits that coefficients may need beside those of their band's nominal range, and one more. No picture comes to more.
const GUARD_BITS: u8 = 2;

/// What one coefficient adds to a picture, as a norm, by decompositions: of low and of high bands. That of a band is the product of
/// both directions.
const NORMS: [(f32, f32); 6] =
    [(1.0, 1.0), (1.4021, 1.4425), (2.0304, 1.9669), (2.9012, 2.8838), (4.1153, 4.1474), (5.8245, 5.8945)];
/// Most decompositions, which are as many as there are norms.
const MOST_LEVELS: u8 = NORMS.len() as u8 - 1;
/// How much an error in luminance and in each chrominance does to the three colours, as squares.
const COLOR_ERRORS: [f32; 3] = [3.0, 3.258, 2.474];
/// How much finer steps are than those that numbers without any rule would need. Small coefficients become zero, which is up to four
/// times the error of rounding.
const FINER: f32 = 2.0;

/// What the main header says of a codestream that is coded so. Image and tiles begin at 0, components have the same size, there is one
/// layer and no marker around packets.
pub(super) fn main_header(coding: &Coding) -> MainHeader {
    let levels = coding.resolutions.saturating_sub(1).min(MOST_LEVELS.into()) as u8;
    let bits = coding.bits as u8;
    let precinct = coding.precinct.map_or(15, |side| side.ilog2() as u8);
    let count = coding.components as usize;
    let style = CodingStyle {
        levels,
        block: (coding.block.0.ilog2() as u8, coding.block.1.ilog2() as u8),
        block_style: block_style::HIGH_THROUGHPUT,
        reversible: coding.quality.is_empty(),
        precincts: [(precinct, precinct); MAX_LEVELS as usize + 1],
    };
    let quantisation = Arc::new(match coding.quality.last() {
        Some(decibels) => lossy(levels, *decibels, coding.color_transform),
        None => lossless(levels, bits, coding.color_transform),
    });
    MainHeader {
        size: Size {
            image: Area { x0: 0, y0: 0, x1: coding.size.width_px, y1: coding.size.height_px },
            tile: coding.tile,
            tile_origin: (0, 0),
            components: vec![Component { bits, signed: false, dx: 1, dy: 1 }; count],
        },
        progression: coding.progression,
        layers: 1,
        color_transform: coding.color_transform,
        sop: false,
        eph: false,
        coding: vec![style; count],
        quantisation: (0..count).map(|_| Arc::clone(&quantisation)).collect(),
        tile_parts_at: 0,
        needs_library: None,
    }
}

/// Decompositions of each band, and whether it is high horizontally and vertically.
fn bands(levels: u8) -> impl Iterator<Item = (u8, bool, bool)> {
    let high = (1..=levels).rev().flat_map(|level| [(level, true, false), (level, false, true), (level, true, true)]);
    std::iter::once((levels, false, false)).chain(high)
}

fn lossless(levels: u8, bits: u8, color_transform: bool) -> Quantisation {
    let steps = bands(levels).map(|(_, x, y)| (bits + u8::from(x) + u8::from(y), 0));
    // Differences of colours have one bit more.
    let guard_bits = GUARD_BITS + u8::from(color_transform);
    Quantisation { style: 0, guard_bits, steps: steps.collect() }
}

/// How much errors in a component count.
pub(super) fn error_weight(color_transform: bool, component: usize) -> f32 {
    if color_transform { COLOR_ERRORS.get(component).copied().unwrap_or(1.0) } else { 1.0 }
}

/// The mean of these.
fn mean_weight(color_transform: bool) -> f32 {
    (0..3).map(|component| error_weight(color_transform, component)).sum::<f32>() / 3.0
}

/// The error that a sample may have, in squares of steps: that of numbers rounded to steps is a twelfth.
pub(super) fn error_of_sample(color_transform: bool) -> f32 {
    FINER * FINER * mean_weight(color_transform) / 12.0
}

/// Steps by which an error in any band does as much to the picture, for a ratio of peak and noise of at least this.
fn lossy(levels: u8, decibels: f32, color_transform: bool) -> Quantisation {
    let base = (12.0 / mean_weight(color_transform)).sqrt() * 10_f32.powf(-decibels / 20.0) / FINER;
    let steps = bands(levels).map(|(level, x, y)| {
        let (low, high) = NORMS[usize::from(level)];
        let norm = |is_high| if is_high { high } else { low };
        let step = base / (norm(x) * norm(y));
        let exponent = (-step.log2().floor()).clamp(1.0, 31.0);
        let mantissa = ((step * exponent.exp2() - 1.0) * 2048.0).clamp(0.0, 2047.0);
        (exponent as u8, mantissa as u16)
    });
    Quantisation { style: 2, guard_bits: GUARD_BITS, steps: steps.collect() }
}

/// Bit planes of the band that has most of them.
fn most_planes(quantisation: &Quantisation) -> u8 {
    let exponents = quantisation.steps.iter().map(|(exponent, _)| *exponent);
    (quantisation.guard_bits + exponents.max().unwrap_or(0)).saturating_sub(1)
}

fn segment(marker: u16, content: &[u8]) -> Vec<u8> {
    let length = (content.len() + 2) as u16;
    [&marker.to_be_bytes(), &length.to_be_bytes(), content].concat()
}

/// The main header as it is written, but for the list of lengths at its end.
pub(super) fn written(header: &MainHeader) -> Vec<u8> {
    let mut out = SOC.to_be_bytes().to_vec();
    let size = &header.size;
    let mut siz = OF_PART_15.to_be_bytes().to_vec();
    for value in [size.image.x1, size.image.y1, 0, 0, size.tile.width_px, size.tile.height_px, 0, 0] {
        siz.extend(value.to_be_bytes());
    }
    siz.extend((size.components.len() as u16).to_be_bytes());
    size.components.iter().for_each(|component| siz.extend([component.bits - 1, 1, 1]));
    out.extend(segment(SIZ, &siz));
    // All components are coded alike.
    let (Some(coding), Some(quantisation)) = (header.coding.first(), header.quantisation.first()) else { return out };
    out.extend(segment(CAP, &[&PARTS.to_be_bytes()[..], &capabilities(coding, quantisation).to_be_bytes()].concat()));
    let mut cod = vec![1, header.progression];
    cod.extend(header.layers.to_be_bytes());
    cod.push(header.color_transform.into());
    cod.extend([coding.levels, coding.block.0 - 2, coding.block.1 - 2, coding.block_style, coding.reversible.into()]);
    cod.extend(coding.precincts.iter().take(usize::from(coding.levels) + 1).map(|(x, y)| y << 4 | x));
    out.extend(segment(COD, &cod));
    let mut qcd = vec![quantisation.guard_bits << 5 | quantisation.style];
    for (exponent, mantissa) in &quantisation.steps {
        match quantisation.style {
            0 => qcd.push(exponent << 3),
            _ => qcd.extend((u16::from(*exponent) << 11 | mantissa).to_be_bytes()),
        }
    }
    out.extend(segment(QCD, &qcd));
    out
}

/// High-throughput blocks only, one set of passes each, none of a region of interest, coded alike in all tiles; what else a reader
/// must know is which wavelet there is, and how many bit planes.
fn capabilities(coding: &CodingStyle, quantisation: &Quantisation) -> u16 {
    let planes = u16::from(most_planes(quantisation));
    let bound = match planes {
        0..=8 => 0,
        9..=27 => planes - 8,
        _ => 13 + planes / 4,
    };
    u16::from(!coding.reversible) << 5 | bound
}

/// The list of the lengths of the tile-parts, in order of the tiles.
pub(super) fn lengths(tile_parts: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut tile = 0_u16;
    for (number, some) in (0_u8..).zip(tile_parts.chunks(LISTED_TOGETHER)) {
        // Numbers of 16 bits, lengths of 32.
        let mut content = vec![number, 0x60];
        for length in some {
            content.extend(tile.to_be_bytes());
            content.extend(length.to_be_bytes());
            tile = tile.wrapping_add(1);
        }
        out.extend(segment(TLM, &content));
    }
    out
}

/// What comes before the packets of a tile, which are so long; `None` when they are longer than a tile-part can be.
pub(super) fn tile_part(tile: u16, packets: &[u32]) -> Option<Vec<u8>> {
    let mut listed = Vec::new();
    let mut content = vec![0];
    let (mut number, mut bytes) = (0_u8, 0_u64);
    for length in packets {
        bytes += u64::from(*length);
        if content.len() > LENGTHS_TOGETHER {
            listed.extend(segment(PLT, &content));
            number = number.checked_add(1)?;
            content = vec![number];
        }
        // Seven bits a byte, the highest first.
        let groups = (32 - length.leading_zeros()).div_ceil(7).max(1);
        content.extend((0..groups).rev().map(|group| (length >> (7 * group) & 0x7f) as u8 | u8::from(group > 0) << 7));
    }
    listed.extend(segment(PLT, &content));
    let length = u32::try_from(bytes + listed.len() as u64 + 14).ok()?;
    let mut out = segment(SOT, &[&tile.to_be_bytes()[..], &length.to_be_bytes(), &[0, 1]].concat());
    out.extend(listed);
    out.extend(SOD.to_be_bytes());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::forward::{self, Sample};
    use super::*;

    /// Of low and of high bands, by decompositions, how many times the range of a line coefficients can be.
    fn gains<T: Sample>(to_f64: impl Fn(T) -> f64) -> Vec<(f64, f64)> {
        const COUNT: usize = 512;
        const UNIT: i32 = 1 << 20;
        (0..=5)
            .map(|levels| {
                let mut sums = vec![0.0; COUNT];
                for place in 0..COUNT {
                    let mut line = vec![T::default(); COUNT];
                    line[place] = T::of(UNIT);
                    forward::transform(&mut line, COUNT, 1, levels);
                    sums.iter_mut().zip(&line).for_each(|(sum, value)| *sum += to_f64(*value).abs() / f64::from(UNIT));
                }
                let low = COUNT >> levels;
                let most = |some: &[f64]| some.iter().copied().fold(0.0, f64::max);
                (most(&sums[..low]), most(&sums[low..(2 * low).min(COUNT)]))
            })
            .collect()
    }

    #[test]
    fn the_greatest_coefficients_of_any_picture_have_a_bit_plane() {
        let (exact, rounded) = (gains::<i32>(f64::from), gains::<f32>(f64::from));
        for bits in [8_u8, 16] {
            for color_transform in [false, true] {
                for quality in [None, Some(25.0_f32), Some(40.0), Some(44.8)] {
                    let quantisation = match quality {
                        None => lossless(5, bits, color_transform),
                        Some(decibels) => lossy(5, decibels, color_transform),
                    };
                    // Differences of two colours have twice the range of one.
                    let doubled = color_transform && quality.is_none();
                    let range = f64::from(1_u32 << (bits - 1 + u8::from(doubled)));
                    let gains = if quality.is_none() { &exact } else { &rounded };
                    for ((level, x, y), (exponent, mantissa)) in bands(5).zip(&quantisation.steps) {
                        let (low, high) = gains[usize::from(level)];
                        let gain = |is_high| if is_high { high } else { low };
                        let step = match quality {
                            None => 1.0,
                            Some(_) => {
                                (1.0 + f64::from(*mantissa) / 2048.0) * (f64::from(bits) - f64::from(*exponent)).exp2()
                            }
                        };
                        let most = range * gain(x) * gain(y) / step;
                        let planes = quantisation.guard_bits + exponent - 1;
                        let name = format!("{bits} {color_transform} {quality:?} {level} {x} {y}");
                        assert!(most < f64::from(planes).exp2(), "{name}: {most} in {planes}");
                        assert!(planes <= 30, "{name}: {planes}");
                    }
                }
            }
        }
    }

    #[test]
    fn lists_of_many_lengths_are_cut_into_segments() {
        let lengths: Vec<u32> = (0..25_000).collect();
        let listed = super::lengths(&lengths);
        let mut at = 0;
        let mut found = Vec::new();
        for number in 0..3_u8 {
            assert_eq!(listed[at..at + 2], TLM.to_be_bytes());
            let length = usize::from(u16::from_be_bytes([listed[at + 2], listed[at + 3]]));
            assert_eq!(listed[at + 4..at + 6], [number, 0x60]);
            for entry in listed[at + 6..at + 2 + length].as_chunks::<6>().0 {
                let [t0, t1, l0, l1, l2, l3] = *entry;
                assert_eq!(usize::from(u16::from_be_bytes([t0, t1])), found.len());
                found.push(u32::from_be_bytes([l0, l1, l2, l3]));
            }
            at += 2 + length;
        }
        assert!(at == listed.len() && found == lengths);
        // Packets of 3 bytes' worth of length each.
        let part = tile_part(7, &vec![1 << 14; 50_000]).unwrap();
        let mut at = 12;
        for (number, packets) in [21_667, 21_667, 6666].into_iter().enumerate() {
            assert_eq!(part[at..at + 2], PLT.to_be_bytes());
            let length = usize::from(u16::from_be_bytes([part[at + 2], part[at + 3]]));
            assert_eq!((usize::from(part[at + 4]), length - 3), (number, packets * 3));
            at += 2 + length;
        }
        assert_eq!(part[at..], SOD.to_be_bytes());
        let length = u32::from_be_bytes([part[6], part[7], part[8], part[9]]);
        assert_eq!(u64::from(length), part.len() as u64 + (50_000 << 14));
        assert_eq!(tile_part(7, &[u32::MAX]), None, "no tile-part is so long");
    }
}
