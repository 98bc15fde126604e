//! Samples of any depth become samples of 8 or 16 bits.

use super::directory::SampleKind;

/// How the samples of a row lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) bits: u8,
    pub(super) kind: SampleKind,
    /// Samples of a pixel that lie together; 1 when each plane is a row of its own.
    pub(super) samples: usize,
}

/// What values mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Whole numbers over their whole range; floating point from the first number (black) to the second (white).
    Range(f64, f64),
    /// CIELAB: floating point is L*, a* and b* themselves, whole numbers are taken as they are.
    Lab,
    /// Numbers of colours.
    Palette,
}

/// The first `used` samples of each of `count` pixels from column `x` on, side by side: one byte each up to 8 bits (their
/// values as stored), else two (their values scaled to 16 bits). Negative values count as 0, as in libvips.
pub(super) fn gather<'a>(
    shape: Shape,
    planes: &[&'a [u8]],
    x: usize,
    count: usize,
    used: usize,
    scale: Scale,
    scratch: &'a mut Vec<u8>,
) -> &'a [u8] {
    let plain = shape.kind == SampleKind::Unsigned || (scale == Scale::Lab && shape.kind != SampleKind::Float);
    if let (8 | 16, [row], true) = (shape.bits, planes, plain && shape.samples == used) {
        let bytes = used * usize::from(shape.bits / 8);
        return &row[x * bytes..(x + count) * bytes];
    }
    scratch.clear();
    // Where sample `sample` of pixel `x + i` lies: in which row, and at which place in it.
    let together = planes.len() == 1;
    let place = |i: usize, sample: usize| {
        if together { (planes[0], (x + i) * shape.samples + sample) } else { (planes[sample], x + i) }
    };
    for i in 0..count {
        for sample in 0..used {
            let (row, index) = place(i, sample);
            match (shape.bits, shape.kind) {
                (8, _) => scratch.push(if plain { row[index] } else { (row[index] as i8).max(0) as u8 }),
                (16, SampleKind::Unsigned | SampleKind::Signed) => {
                    let value = u16::from_ne_bytes(bytes(row, index));
                    let value = if plain { value } else { (value as i16).max(0) as u16 };
                    scratch.extend_from_slice(&value.to_ne_bytes());
                }
                (1..8, _) => scratch.push(packed(row, index, shape.bits) as u8),
                (16 | 24 | 32 | 64, SampleKind::Float) => {
                    let value = float(row, index, shape.bits);
                    scratch.extend_from_slice(&from_real(value, scale, sample).to_ne_bytes());
                }
                (24 | 32 | 64, kind) => {
                    scratch.extend_from_slice(&top(row, index, shape.bits, kind).to_ne_bytes());
                }
                (bits, _) => {
                    let most = (1_u32 << bits) - 1;
                    let value = (packed(row, index, bits) * 65_535 + most / 2) / most;
                    scratch.extend_from_slice(&(value as u16).to_ne_bytes());
                }
            }
        }
    }
    scratch
}

fn bytes<const N: usize>(row: &[u8], index: usize) -> [u8; N] {
    std::array::from_fn(|byte| row[index * N + byte])
}

/// Sample number `index` of a row of samples of `bits` bits without gaps, most significant bit first.
fn packed(row: &[u8], index: usize, bits: u8) -> u32 {
    let bit = index * usize::from(bits);
    let byte = |at: usize| u32::from(row.get(at).copied().unwrap_or(0));
    let window = byte(bit / 8) << 16 | byte(bit / 8 + 1) << 8 | byte(bit / 8 + 2);
    (window >> (24 - bit % 8 - usize::from(bits))) & ((1 << bits) - 1)
}

/// The uppermost 16 bits of a whole number of 24, 32 or 64.
fn top(row: &[u8], index: usize, bits: u8, kind: SampleKind) -> u16 {
    let value = match bits {
        24 => u64::from(u24(bytes(row, index))) << 40,
        32 => u64::from(u32::from_ne_bytes(bytes(row, index))) << 32,
        _ => u64::from_ne_bytes(bytes(row, index)),
    };
    let value = if kind == SampleKind::Signed { (value as i64).max(0) as u64 } else { value };
    (value >> 48) as u16
}

fn u24([a, b, c]: [u8; 3]) -> u32 {
    if cfg!(target_endian = "little") { u32::from_le_bytes([a, b, c, 0]) } else { u32::from_be_bytes([0, a, b, c]) }
}

fn float(row: &[u8], index: usize, bits: u8) -> f64 {
    match bits {
        16 => narrow_float(u32::from(u16::from_ne_bytes(bytes(row, index))), 5, 10),
        24 => narrow_float(u24(bytes(row, index)), 7, 16),
        32 => f64::from(f32::from_ne_bytes(bytes(row, index))),
        _ => f64::from_ne_bytes(bytes(row, index)),
    }
}

/// Floating point of 16 and 24 bits: a sign, some bits of exponent, the rest of mantissa.
fn narrow_float(bits: u32, exponent_bits: u32, mantissa_bits: u32) -> f64 {
    let mantissa = f64::from(bits & ((1 << mantissa_bits) - 1)) / f64::from(1_u32 << mantissa_bits);
    let most = (1_u32 << exponent_bits) - 1;
    let exponent = bits >> mantissa_bits & most;
    let bias = (most >> 1) as i32;
    let value = match exponent {
        0 => mantissa * f64::from(1 - bias).exp2(),
        e if e == most => {
            if mantissa == 0.0 {
                f64::INFINITY
            } else {
                f64::NAN
            }
        }
        e => (1.0 + mantissa) * f64::from(e as i32 - bias).exp2(),
    };
    if bits >> (mantissa_bits + exponent_bits) & 1 == 1 { -value } else { value }
}

/// A real number with 16 bits; what is no number is 0.
fn from_real(value: f64, scale: Scale, sample: usize) -> u16 {
    let scaled = match (scale, sample) {
        (Scale::Range(black, white), _) => (value - black) / (white - black) * 65_535.0,
        (Scale::Lab, 0) => value * 655.35,
        (Scale::Lab, _) => (value + 128.0) * 256.0,
        (Scale::Palette, _) => value,
    };
    scaled.round().clamp(0.0, 65_535.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_floats_are_what_their_standards_say() {
        for (bits, exponent, mantissa, expected) in [
            (0x3c00, 5, 10, 1.0),
            (0xc000, 5, 10, -2.0),
            (0x0001, 5, 10, (-24_f64).exp2()),
            (0x7c00, 5, 10, f64::INFINITY),
            (0x3555, 5, 10, 0.333_251_953_125),
            (0x3f_0000, 7, 16, 1.0),
            (0xbe_8000, 7, 16, -0.75),
        ] {
            assert_eq!(narrow_float(bits, exponent, mantissa), expected, "{bits:x}");
        }
        assert!(narrow_float(0x7e00, 5, 10).is_nan());
    }
}
