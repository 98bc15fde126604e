//! The size of a picture in H.264 without a container that tells it: the sequence parameter set, ITU-T H.264 §7.3.2.1.1.

/// A parameter set is far shorter than this.
const MOST_BYTES: usize = 1024;

/// Size as it is shown, and the length of a picture in seconds (0 where it is not told), of the first parameter set in a part of a
/// stream.
pub(super) fn picture(stream: &[u8]) -> Option<((f64, f64), f64)> {
    let start = stream.windows(4).position(|window| window[..3] == [0, 0, 1] && window[3] & 0x1f == 7)?;
    let unit = &stream[start + 4..];
    let mut bits = Bits { bytes: unescaped(&unit[..unit.len().min(MOST_BYTES)]), at: 0 };
    parameters(&mut bits)
}

/// Without the bytes that keep a unit from looking like a start code.
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(unit.len());
    for byte in unit {
        if !(*byte == 3 && out.ends_with(&[0, 0])) {
            out.push(*byte);
        }
    }
    out
}

struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn bit(&mut self) -> Option<u32> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit.into())
    }

    fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.bit()? == 1)
    }

    /// A number whose length is told by the zeros before it: §9.1.
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 30 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    fn signed(&mut self) -> Option<i64> {
        let number = i64::from(self.number()?);
        Some(if number % 2 == 0 { -number / 2 } else { number / 2 + 1 })
    }
}

fn parameters(bits: &mut Bits) -> Option<((f64, f64), f64)> {
    let profile = bits.bits(8)?;
    bits.bits(16)?;
    bits.number()?;
    let mut chroma = 1;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma = bits.number()?;
        if chroma == 3 {
            bits.flag()?;
        }
        bits.number()?;
        bits.number()?;
        bits.flag()?;
        if bits.flag()? {
            scaling_lists(bits, if chroma == 3 { 12 } else { 8 })?;
        }
    }
    bits.number()?;
    match bits.number()? {
        0 => {
            bits.number()?;
        }
        1 => {
            bits.flag()?;
            bits.signed()?;
            bits.signed()?;
            for _ in 0..bits.number()?.min(255) {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.number()?;
    bits.flag()?;
    let (across, down) = (f64::from(bits.number()?) + 1.0, f64::from(bits.number()?) + 1.0);
    let is_frames = bits.flag()?;
    if !is_frames {
        bits.flag()?;
    }
    bits.flag()?;
    let fields = if is_frames { 1.0 } else { 2.0 };
    let (mut width, mut height) = (across * 16.0, down * 16.0 * fields);
    if bits.flag()? {
        let [left, right, top, bottom] =
            [bits.number()?, bits.number()?, bits.number()?, bits.number()?].map(f64::from);
        let (unit_x, unit_y) = match chroma {
            1 => (2.0, 2.0),
            2 => (2.0, 1.0),
            _ => (1.0, 1.0),
        };
        width -= (left + right) * unit_x;
        height -= (top + bottom) * unit_y * fields;
    }
    let (shape, frame_s) = if bits.flag()? { usability(bits).unwrap_or((1.0, 0.0)) } else { (1.0, 0.0) };
    Some(((width * shape, height), frame_s))
}

fn scaling_lists(bits: &mut Bits, count: usize) -> Option<()> {
    for index in 0..count {
        if bits.flag()? {
            let (mut last, mut next) = (8, 8);
            for _ in 0..if index < 6 { 16 } else { 64 } {
                if next != 0 {
                    next = (last + bits.signed()?).rem_euclid(256);
                }
                last = if next == 0 { last } else { next };
            }
        }
    }
    Some(())
}

/// The shape of pixels and the length of a picture: Annex E.1.1.
fn usability(bits: &mut Bits) -> Option<(f64, f64)> {
    const SHAPES: [(u32, u32); 17] = [
        (1, 1),
        (1, 1),
        (12, 11),
        (10, 11),
        (16, 11),
        (40, 33),
        (24, 11),
        (20, 11),
        (32, 11),
        (80, 33),
        (18, 11),
        (15, 11),
        (64, 33),
        (160, 99),
        (4, 3),
        (3, 2),
        (2, 1),
    ];
    let mut shape = 1.0;
    if bits.flag()? {
        let (across, down) = match bits.bits(8)? {
            255 => (bits.bits(16)?, bits.bits(16)?),
            known => SHAPES.get(known as usize).copied().unwrap_or((1, 1)),
        };
        if across > 0 && down > 0 {
            shape = f64::from(across) / f64::from(down);
        }
    }
    if bits.flag()? {
        bits.flag()?;
    }
    if bits.flag()? {
        bits.bits(4)?;
        if bits.flag()? {
            bits.bits(24)?;
        }
    }
    if bits.flag()? {
        bits.number()?;
        bits.number()?;
    }
    let mut frame_s = 0.0;
    if bits.flag()? {
        let (units, scale) = (bits.bits(32)?, bits.bits(32)?);
        if scale > 0 {
            // A tick is the length of a field.
            frame_s = 2.0 * f64::from(units) / f64::from(scale);
        }
    }
    Some((shape, if frame_s < 1.0 { frame_s } else { 0.0 }))
}
