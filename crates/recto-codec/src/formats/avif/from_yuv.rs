//! Luma and chroma to red, green and blue: ISO/IEC 23091-2.

use super::av1::{Layout, Plane, Samples, Yuv};

/// What the samples of a picture mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Meaning {
    matrix: Matrix,
    pub(super) full_range: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Matrix {
    /// Green, blue and red as they are.
    Identity,
    /// Weights of red and blue in luma.
    Weights {
        red: f32,
        blue: f32,
    },
    GreenMagenta,
}

impl Meaning {
    /// Of coded matrix coefficients (and the primaries from which they may be derived); `None` for those that need more than
    /// a matrix.
    pub(super) fn of(matrix: u16, primaries: u16, full_range: bool) -> Option<Self> {
        let weights = |red, blue| Matrix::Weights { red, blue };
        let matrix = match (matrix, primaries) {
            (0, _) => Matrix::Identity,
            (1, _) | (12, 1) => weights(0.2126, 0.0722),
            (4, _) => weights(0.30, 0.11),
            // Unspecified is read as what nearly all writers mean by it.
            (2 | 5 | 6, _) | (12, 2 | 5 | 6) => weights(0.299, 0.114),
            (7, _) | (12, 7) => weights(0.212, 0.087),
            (8, _) => Matrix::GreenMagenta,
            (9, _) | (12, 9) => weights(0.2627, 0.0593),
            (12, 12) => weights(0.228_975, 0.079_287),
            _ => return None,
        };
        Some(Self { matrix, full_range })
    }
}

/// Turns samples of so many bits into numbers: luma 0..=1, chroma -0.5..=0.5.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    luma_black: f32,
    luma: f32,
    chroma_zero: f32,
    chroma: f32,
}

impl Scale {
    pub(super) fn new(bits: u8, full_range: bool) -> Self {
        let step = f32::from(1_u16 << (bits - 8));
        let top = f32::from((1_u16 << bits) - 1);
        let chroma_zero = 128.0 * step;
        if full_range {
            Self { luma_black: 0.0, luma: 1.0 / top, chroma_zero, chroma: 1.0 / top }
        } else {
            Self { luma_black: 16.0 * step, luma: 1.0 / (219.0 * step), chroma_zero, chroma: 1.0 / (224.0 * step) }
        }
    }

    pub(super) fn luma(self, sample: u16) -> f32 {
        ((f32::from(sample) - self.luma_black) * self.luma).clamp(0.0, 1.0)
    }
}

impl Plane {
    /// Samples from `x` on in row `y`.
    fn sample(&self, x: usize, y: usize) -> u16 {
        let at = y * self.width + x;
        match &self.samples {
            Samples::Eight(samples) => samples.get(at).copied().unwrap_or(0).into(),
            Samples::Sixteen(samples) => samples.get(at).copied().unwrap_or(0),
        }
    }

    fn height(&self) -> usize {
        let samples = match &self.samples {
            Samples::Eight(samples) => samples.len(),
            Samples::Sixteen(samples) => samples.len(),
        };
        samples.checked_div(self.width).unwrap_or(0)
    }

    /// Luma of `count` pixels from (`x`, `y`).
    pub(super) fn luma_row(&self, x: usize, y: usize, count: usize, scale: Scale, out: &mut Vec<f32>) {
        out.clear();
        let start = y * self.width + x;
        match &self.samples {
            Samples::Eight(samples) => {
                let row = samples.get(start..start + count).unwrap_or(&[]);
                out.extend(row.iter().map(|sample| scale.luma(u16::from(*sample))));
            }
            Samples::Sixteen(samples) => {
                let row = samples.get(start..start + count).unwrap_or(&[]);
                out.extend(row.iter().map(|sample| scale.luma(*sample)));
            }
        }
        out.resize(count, 0.0);
    }

    /// Chroma at `count` pixels of the picture from (`x`, `y`), linear between samples, which lie in the middle of the
    /// pixels that share them.
    fn chroma_row(&self, x: usize, y: usize, count: usize, layout: Layout, scale: Scale, out: &mut Vec<f32>) {
        out.clear();
        let (shift_x, shift_y) = layout.shifts();
        // The nearer sample counts three times as much as the one behind it.
        let near_and_far = |at: usize, shift: u32, last: usize| {
            let near = at >> shift;
            match (shift, at & 1) {
                (0, _) => (near, near),
                (_, 0) => (near, near.saturating_sub(1)),
                _ => (near, (near + 1).min(last)),
            }
        };
        let (last_x, last_y) = (self.width.saturating_sub(1), self.height().saturating_sub(1));
        let (near_y, far_y) = near_and_far(y, shift_y, last_y);
        let column = |x: usize| u32::from(self.sample(x, near_y)) * 3 + u32::from(self.sample(x, far_y));
        out.extend((x..x + count).map(|x| {
            let (near, far) = near_and_far(x, shift_x, last_x);
            let sum = column(near) * 3 + column(far);
            (sum as f32 / 16.0 - scale.chroma_zero) * scale.chroma
        }));
    }
}

/// Rows of one picture as red, green and blue (or gray), between 0 and 1.
pub(super) struct Rows<'a> {
    yuv: &'a Yuv,
    meaning: Meaning,
    scale: Scale,
    luma: Vec<f32>,
    blue: Vec<f32>,
    red: Vec<f32>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(yuv: &'a Yuv, meaning: Meaning) -> Self {
        let scale = Scale::new(yuv.bits, meaning.full_range);
        Self { yuv, meaning, scale, luma: Vec::new(), blue: Vec::new(), red: Vec::new() }
    }

    /// Gives `count` pixels from (`x`, `y`) to `put`, one after the other. Gray is three equal samples.
    pub(super) fn row(&mut self, x: u32, y: u32, count: u32, mut put: impl FnMut(usize, [f32; 3])) {
        let (x, y, count) = (x as usize, y as usize, count as usize);
        let (yuv, scale) = (self.yuv, self.scale);
        let Some(luma) = yuv.planes.first() else { return };
        luma.luma_row(x, y, count, scale, &mut self.luma);
        let (Some(blue), Some(red)) = (yuv.planes.get(1), yuv.planes.get(2)) else {
            for (index, gray) in self.luma.iter().enumerate() {
                put(index, [*gray; 3]);
            }
            return;
        };
        if self.meaning.matrix == Matrix::Identity {
            // All three are coded as luma is.
            blue.luma_row(x, y, count, scale, &mut self.blue);
            red.luma_row(x, y, count, scale, &mut self.red);
            for (index, ((green, blue), red)) in self.luma.iter().zip(&self.blue).zip(&self.red).enumerate() {
                put(index, [*red, *green, *blue]);
            }
            return;
        }
        blue.chroma_row(x, y, count, yuv.layout, scale, &mut self.blue);
        red.chroma_row(x, y, count, yuv.layout, scale, &mut self.red);
        let pixels = self.luma.iter().zip(&self.blue).zip(&self.red).enumerate();
        match self.meaning.matrix {
            Matrix::Weights { red: weight_red, blue: weight_blue } => {
                let (to_red, to_blue) = (2.0 * (1.0 - weight_red), 2.0 * (1.0 - weight_blue));
                let weight_green = 1.0 - weight_red - weight_blue;
                let (green_red, green_blue) =
                    (to_red * weight_red / weight_green, to_blue * weight_blue / weight_green);
                for (index, ((luma, blue), red)) in pixels {
                    put(
                        index,
                        [luma + to_red * red, luma - green_blue * blue - green_red * red, luma + to_blue * blue],
                    );
                }
            }
            Matrix::GreenMagenta | Matrix::Identity => {
                for (index, ((luma, green), orange)) in pixels {
                    put(index, [luma - green + orange, luma + green, luma - green - orange]);
                }
            }
        }
    }
}
