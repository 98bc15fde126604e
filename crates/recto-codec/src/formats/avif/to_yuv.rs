//! Red, green and blue to luma and chroma, row by row, as rows come.

use crate::PixelFormat;

/// Weights of red and blue in luma: ITU-R BT.601, which every decoder knows.
const RED: f32 = 0.299;
const BLUE: f32 = 0.114;

/// Planes of samples of 8 or 10 bits, full range.
pub(super) struct Planes {
    pixels: PixelFormat,
    width: usize,
    /// Chroma of two by two pixels is one.
    halved: bool,
    top: f32,
    zero: f32,
    pub(super) luma: Vec<u16>,
    pub(super) blue: Vec<u16>,
    pub(super) red: Vec<u16>,
    pub(super) alpha: Vec<u16>,
    /// Sums of the chroma of a row that waits for its neighbour: blue and red difference, and how many were added.
    waiting: Vec<[f32; 3]>,
    rows: usize,
}

impl Planes {
    pub(super) fn new(pixels: PixelFormat, width: usize, bits: u8, halved: bool) -> Self {
        let top = f32::from((1_u16 << bits) - 1);
        let zero = f32::from(1_u16 << (bits - 1));
        let waiting = if halved { vec![[0.0; 3]; width.div_ceil(2)] } else { Vec::new() };
        Self {
            pixels,
            width,
            halved,
            top,
            zero,
            luma: Vec::new(),
            blue: Vec::new(),
            red: Vec::new(),
            alpha: Vec::new(),
            waiting,
            rows: 0,
        }
    }

    /// Takes one row.
    pub(super) fn push(&mut self, row: &[u8]) {
        let samples = self.pixels.samples();
        let by = if self.pixels.bytes_per_sample() == 2 { 65535.0 } else { 255.0 };
        let numbers: Vec<f32> = if self.pixels.bytes_per_sample() == 2 {
            row.as_chunks::<2>().0.iter().map(|sample| f32::from(u16::from_ne_bytes(*sample)) / by).collect()
        } else {
            row.iter().map(|sample| f32::from(*sample) / by).collect()
        };
        let round = |value: f32, top: f32| (value.clamp(0.0, top) + 0.5) as u16;
        for (column, pixel) in numbers.chunks_exact(samples).enumerate() {
            let (color, alpha) = match pixel {
                [gray, alpha] => ([*gray; 3], Some(*alpha)),
                [red, green, blue] => ([*red, *green, *blue], None),
                [red, green, blue, alpha] => ([*red, *green, *blue], Some(*alpha)),
                other => ([other.first().copied().unwrap_or(0.0); 3], None),
            };
            if let Some(alpha) = alpha {
                self.alpha.push(round(alpha * self.top, self.top));
            }
            let [red, green, blue] = color;
            if samples < 3 {
                self.luma.push(round(red * self.top, self.top));
                continue;
            }
            let luma = RED * red + (1.0 - RED - BLUE) * green + BLUE * blue;
            self.luma.push(round(luma * self.top, self.top));
            let blue = (blue - luma) / (2.0 * (1.0 - BLUE));
            let red = (red - luma) / (2.0 * (1.0 - RED));
            if self.halved {
                if let Some([sum_blue, sum_red, count]) = self.waiting.get_mut(column / 2) {
                    *sum_blue += blue;
                    *sum_red += red;
                    *count += 1.0;
                }
            } else {
                self.blue.push(round(blue * self.top + self.zero, self.top));
                self.red.push(round(red * self.top + self.zero, self.top));
            }
        }
        self.rows += 1;
        if self.rows.is_multiple_of(2) {
            self.give_waiting();
        }
    }

    fn give_waiting(&mut self) {
        let round = |value: f32, top: f32| (value.clamp(0.0, top) + 0.5) as u16;
        for [blue, red, count] in &mut self.waiting {
            if *count > 0.0 {
                self.blue.push(round(*blue / *count * self.top + self.zero, self.top));
                self.red.push(round(*red / *count * self.top + self.zero, self.top));
            }
            (*blue, *red, *count) = (0.0, 0.0, 0.0);
        }
    }

    /// Ends the last row, which may have no neighbour.
    pub(super) fn finish(&mut self) {
        self.give_waiting();
    }

    /// Width of the chroma planes.
    pub(super) fn chroma_width(&self) -> usize {
        if self.halved { self.width.div_ceil(2) } else { self.width }
    }
}
