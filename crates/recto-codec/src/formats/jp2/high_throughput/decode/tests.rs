//! Blocks of our encoder, and blocks with passes behind the cleanup pass, which are only written here.

use recto_testkit::Rng;

use super::super::block::{self, Samples};
use super::*;

/// What a block has where it is not refined: its shape, for magnitudes of so many bits above `gone` planes that are left out.
fn shape(width: usize, height: usize, bits: u8, gone: u8) -> Shape {
    Shape { width, height, planes: bits + gone, missing: bits - 1, is_causal: false }
}

fn coded(values: &[u32], width: usize, height: usize) -> Option<Vec<u8>> {
    let mut samples = Samples::new();
    let mut out = Vec::new();
    samples.fill(values.chunks(width), |value: u32| value).then(|| {
        block::encode(&samples, (width, height), &mut out);
        out
    })
}

/// Magnitudes of so many bits, and signs.
fn values(rng: &mut Rng, count: usize, bits: u32, kind: u32) -> Vec<u32> {
    let mut value = |at: usize| {
        let any = rng.below(1 << bits);
        let magnitude = match kind {
            0 => any,
            1 => (1 << bits) - 1,
            2 => any & (1 << rng.below(bits)),
            3 if rng.below(30) > 0 => 0,
            4 if at != count / 2 => 0,
            5 if at % 17 > 8 => any & 1,
            6 => any >> rng.below(bits + 1),
            _ => any.max(1),
        };
        if magnitude > 0 && rng.below(2) == 0 { magnitude | NEGATIVE } else { magnitude }
    };
    (0..count).map(&mut value).collect()
}

/// As a decoded block has it, without so many planes.
fn decoded(value: u32, gone: u8) -> u32 {
    match value & !NEGATIVE {
        0 => 0,
        magnitude => (2 * magnitude + 1) << gone | value & NEGATIVE,
    }
}

#[test]
fn samples_are_of_either_sign() {
    assert_eq!([0, 5, 5 | NEGATIVE].map(signed), [0, 5, -5]);
}

#[test]
fn what_was_coded_is_decoded() {
    let mut rng = Rng::new(1);
    let mut decoder = BlockDecoder::default();
    let sizes = [
        (64, 64),
        (4, 4),
        (1, 1),
        (1, 2),
        (2, 1),
        (1, 64),
        (64, 1),
        (3, 61),
        (61, 3),
        (5, 5),
        (8, 8),
        (16, 4),
        (4, 16),
        (32, 32),
        (63, 64),
        (64, 63),
        (17, 33),
        (2, 64),
        (64, 2),
        (7, 6),
    ];
    for (width, height) in sizes {
        for kind in 0..8 {
            for bits in [1, 2, 3, 5, 8, 11, 13, 14, 15, 16, 20, 25] {
                let values = values(&mut rng, width * height, bits, kind);
                let gone = rng.below(31 - bits) as u8;
                // One without anything is not coded.
                let Some(bytes) = coded(&values, width, height) else { continue };
                let segments = [Segment { data: &bytes, passes: 1 }];
                let got = decoder.decode(shape(width, height, bits as u8, gone), &segments);
                let name = format!("{width}x{height}, {bits} bits, kind {kind}, {gone} gone");
                let got = got.unwrap_or_else(|error| panic!("{name}: {error}"));
                let expected: Vec<u32> = values.iter().map(|value| decoded(*value, gone)).collect();
                assert!(got == expected, "{name}");
                let most = got.iter().map(|sample| sample & !NEGATIVE).max();
                assert_eq!(is_short(got), most < Some(1 << 15), "{name}");
            }
        }
    }
}

#[test]
fn a_block_that_says_more_than_it_can_have_is_damaged() {
    let mut decoder = BlockDecoder::default();
    let bytes = coded(&[700, 3, 0, 9], 2, 2).unwrap();
    let mut read = |shape: Shape, data: &[u8]| decoder.decode(shape, &[Segment { data, passes: 1 }]).map(<[u32]>::len);
    assert_eq!(read(shape(2, 2, 10, 0), &bytes).unwrap(), 4);
    assert!(read(shape(2, 2, 9, 0), &bytes).is_err(), "too many bits");
    assert!(read(shape(1, 2, 10, 0), &bytes).is_err(), "a second column");
    assert!(read(shape(2, 1, 10, 0), &bytes).is_err(), "a second row");
    assert!(read(Shape { planes: 31, ..shape(2, 2, 10, 0) }, &bytes).is_err(), "too many planes");
    assert!(read(Shape { missing: 10, ..shape(2, 2, 10, 0) }, &bytes).is_err(), "no plane is left");
    for length in 0..bytes.len() {
        // The last two bytes say how long it is.
        let _any = read(shape(2, 2, 10, 0), &bytes[..length]);
    }
    let without_sense: [&[u8]; 6] = [&[], &[7], &[0, 0], &[1, 0], &[0x0f, 0xff], &[3, 0]];
    for data in without_sense {
        assert!(read(shape(2, 2, 10, 0), data).is_err(), "{data:?}");
    }
}

#[test]
fn damaged_blocks_are_refused_or_have_some_samples() {
    let mut rng = Rng::new(2);
    let mut decoder = BlockDecoder::default();
    let mut damaged = 0;
    for round in 0..3000 {
        let (width, height) = (1 + rng.below(20) as usize, 1 + rng.below(20) as usize);
        let bits = 1 + rng.below(20);
        let values = values(&mut rng, width * height, bits, round % 8);
        let Some(mut bytes) = coded(&values, width, height) else { continue };
        for _ in 0..=rng.below(3) {
            let at = rng.below(bytes.len() as u32) as usize;
            bytes[at] ^= 1 << rng.below(8);
        }
        if rng.below(4) == 0 {
            bytes.truncate(rng.below(bytes.len() as u32) as usize);
        }
        let more: Vec<u8> = (0..rng.below(60)).map(|_| rng.next_u64() as u8).collect();
        let segments = [Segment { data: &bytes, passes: 1 }, Segment { data: &more, passes: 1 + rng.below(2) }];
        let shape = Shape { is_causal: round % 2 == 0, ..shape(width, height, bits as u8, rng.below(31 - bits) as u8) };
        match decoder.decode(shape, &segments) {
            Ok(samples) => assert_eq!(samples.len(), width * height),
            Err(error) => {
                assert!(matches!(error, DecodeError::Corrupt { .. }), "{error}");
                damaged += 1;
            }
        }
    }
    assert!(damaged > 500, "{damaged} are refused");
}

/// Bits that go forward; behind a byte of ones, a byte has seven of them.
#[derive(Default)]
struct Forward(Vec<u8>, u32);

impl Forward {
    fn put(&mut self, bit: bool) {
        if self.1 == 0 {
            self.1 = if self.0.last() == Some(&0xff) { 7 } else { 8 };
            self.0.push(0);
        }
        let room = if matches!(self.0[..], [.., 0xff, _]) { 7 } else { 8 };
        if let Some(last) = self.0.last_mut() {
            *last |= u8::from(bit) << (room - self.1);
        }
        self.1 -= 1;
    }
}

/// Bits whose bytes are written from the end backward; behind one above 8f, seven ones are all that a byte has.
#[derive(Default)]
struct Backward(Vec<u8>, u32);

impl Backward {
    fn put(&mut self, bit: bool) {
        let is_after_large = match self.0[..] {
            [.., before, _] => before > 0x8f,
            _ => true,
        };
        let is_full = self.1 == 8 || self.1 == 7 && is_after_large && self.0.last() == Some(&0x7f);
        if is_full || self.0.is_empty() {
            self.0.push(0);
            self.1 = 0;
        }
        if let Some(last) = self.0.last_mut() {
            *last |= u8::from(bit) << self.1;
        }
        self.1 += 1;
    }
}

/// Passes that refine a block whose magnitudes have one bit more than its cleanup pass: their bytes, and what is decoded then, with so
/// many passes in all.
pub(in super::super) fn refined(values: &[u32], shape: Shape, passes: u32) -> (Vec<u8>, Vec<u32>) {
    let Shape { width, height, is_causal, .. } = shape;
    let magnitude = |at: usize| values[at] & !NEGATIVE;
    // Those of the cleanup pass, to begin with.
    let mut significant: Vec<bool> = (0..values.len()).map(|at| magnitude(at) > 1).collect();
    let is_first = significant.clone();
    let (mut forward, mut backward) = (Forward::default(), Backward::default());
    for stripe in (0..height).step_by(4) {
        for group in (0..width).step_by(4) {
            let mut signs = Vec::new();
            for x in group..(group + 4).min(width) {
                for y in stripe..(stripe + 4).min(height) {
                    let at = y * width + x;
                    let lowest = if is_causal { (stripe + 3).min(height - 1) } else { height - 1 };
                    let mut near = (x.saturating_sub(1)..=(x + 1).min(width - 1))
                        .flat_map(|x| (y.saturating_sub(1)..=(y + 1).min(lowest)).map(move |y| y * width + x));
                    if significant[at] || !near.any(|near| significant[near]) {
                        continue;
                    }
                    significant[at] = magnitude(at) == 1;
                    forward.put(significant[at]);
                    if significant[at] {
                        signs.push(values[at] & NEGATIVE != 0);
                    }
                }
            }
            signs.into_iter().for_each(|sign| forward.put(sign));
        }
        for x in 0..width {
            for at in (stripe..(stripe + 4).min(height)).map(|y| y * width + x).filter(|at| is_first[*at]) {
                backward.put(magnitude(at) & 1 == 1);
            }
        }
    }
    let gone = shape.planes - shape.missing - 2;
    let expected = (0..values.len()).map(|at| match (is_first[at], significant[at], passes) {
        (true, _, 1 | 2) => (2 * (magnitude(at) / 2) + 1) << (gone + 1) | values[at] & NEGATIVE,
        (_, true, 2 | 3) => decoded(values[at], gone),
        _ => 0,
    });
    let mut bytes = forward.0;
    if passes > 2 {
        bytes.extend(backward.0.iter().rev());
    }
    (bytes, expected.collect())
}

/// The cleanup pass of values without their lowest bit.
pub(in super::super) fn cleanup(values: &[u32], shape: Shape) -> Option<Vec<u8>> {
    let halves: Vec<u32> = values.iter().map(|value| ((value & !NEGATIVE) / 2) | (value & NEGATIVE)).collect();
    coded(&halves, shape.width, shape.height)
}

#[test]
fn passes_behind_the_cleanup_pass_refine_samples() {
    let mut rng = Rng::new(3);
    let mut decoder = BlockDecoder::default();
    let sizes = [(64, 64), (4, 4), (1, 1), (1, 9), (9, 1), (5, 6), (6, 7), (13, 11), (32, 8), (3, 64), (64, 3)];
    let mut stuffed = [0, 0];
    for (width, height) in sizes {
        for round in 0..24 {
            let bits = 2 + rng.below(12);
            let values = values(&mut rng, width * height, bits, round % 8);
            let shape = shape(width, height, bits as u8 - 1, 1 + rng.below(8) as u8);
            let shape = Shape { is_causal: round % 3 == 0, ..shape };
            let Some(first) = cleanup(&values, shape) else { continue };
            for passes in [2, 3] {
                let (more, expected) = refined(&values, shape, passes);
                let segments = [Segment { data: &first, passes: 1 }, Segment { data: &more, passes: passes - 1 }];
                let name = format!("{width}x{height}, {bits} bits, round {round}, {passes} passes");
                let got = decoder.decode(shape, &segments).unwrap_or_else(|error| panic!("{name}: {error}"));
                if more.is_empty() {
                    continue;
                }
                assert!(got == expected, "{name}");
                stuffed[0] += usize::from(more.contains(&0xff));
                stuffed[1] += usize::from(more.windows(2).any(|two| two[0] == 0x7f && two[1] > 0x8f));
            }
        }
    }
    assert!(stuffed.iter().all(|count| *count > 3), "{stuffed:?} segments have stuffed bits");
}

#[test]
fn nothing_is_refined_below_the_last_bit_plane_or_by_no_bytes() {
    let mut decoder = BlockDecoder::default();
    let bytes = coded(&[700, 3, 0, 9], 2, 2).unwrap();
    let first = Segment { data: &bytes, passes: 1 };
    let more = Segment { data: &[0x55, 0x55], passes: 2 };
    let mut read = |gone, segments: &[Segment<'_>]| decoder.decode(shape(2, 2, 10, gone), segments).unwrap().to_vec();
    let (lowest, above) = (read(0, &[first]), read(1, &[first]));
    assert_eq!(lowest, [1401, 7, 0, 19]);
    assert_eq!(read(0, &[first, more]), lowest);
    assert_eq!(read(1, &[first, Segment { data: &[], passes: 2 }]), above);
    assert_ne!(read(1, &[first, more]), above);
}
