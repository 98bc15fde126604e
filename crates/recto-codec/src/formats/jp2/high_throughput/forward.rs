//! The forward transforms of a tile: colours (ISO/IEC 15444-1, annex G) and wavelets (annex F).
//!
//! A plane is transformed where it is. Rows stay interleaved: row `y` of level `n` is row `y << n` of the plane. Columns do not: low
//! ones come first.

/// What a plane is made of.
pub(super) trait Sample: Copy + Default + Send + 'static {
    /// Of a sample less half of the range.
    fn of(value: i32) -> Self;

    /// Red, green and blue become luminance and chrominance.
    fn colors(first: &mut [Self], second: &mut [Self], third: &mut [Self]);

    /// Transforms columns in place.
    fn split_columns(rows: &mut Rows<'_, Self>);

    /// Transforms a row: low samples first. `scratch` is as long.
    fn split_row(row: &mut [Self], scratch: &mut [Self]);

    /// The coefficient in steps, with its sign in the highest bit.
    fn coded(self, steps: Steps) -> u32;

    /// How large it is, in steps.
    fn magnitude(self, steps: Steps) -> f32;
}

/// How coefficients of a band are quantised.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    /// One divided by the step.
    pub(super) per_unit: f32,
    /// The greatest magnitude.
    pub(super) most: u32,
}

/// Rows of a level.
pub(super) struct Rows<'a, T> {
    pub(super) data: &'a mut [T],
    /// From one row of the level to the next.
    pub(super) pitch: usize,
    pub(super) width: usize,
    pub(super) count: usize,
}

impl<T: Copy> Rows<'_, T> {
    /// Changes each second row from `first` on by its two neighbours; where one is missing, the other counts twice.
    #[inline]
    fn lift(&mut self, first: usize, change: impl Fn(&mut T, T, T)) {
        for row in (first..self.count).step_by(2) {
            let (before, rest) = self.data.split_at_mut(row * self.pitch);
            let (here, after) = rest.split_at_mut(self.pitch.min(rest.len()));
            let above = row.checked_sub(1).and_then(|row| before.get(row * self.pitch..)?.get(..self.width));
            let below = if row + 1 < self.count { after.get(..self.width) } else { None };
            let (Some(above), Some(below)) = (above.or(below), below.or(above)) else { return };
            for ((here, above), below) in here.iter_mut().zip(above).zip(below) {
                change(here, *above, *below);
            }
        }
    }

    /// Changes each second row from `first` on.
    #[inline]
    fn each(&mut self, first: usize, change: impl Fn(&mut T)) {
        for row in (first..self.count).step_by(2) {
            if let Some(row) = self.data.get_mut(row * self.pitch..row * self.pitch + self.width) {
                row.iter_mut().for_each(&change);
            }
        }
    }
}

/// Low and high samples of a row, apart from each other.
fn split<'s, T: Copy>(row: &[T], scratch: &'s mut [T]) -> (&'s mut [T], &'s mut [T]) {
    let (low, high) = scratch.split_at_mut(row.len().div_ceil(2));
    let (pairs, rest) = row.as_chunks::<2>();
    for (([a, b], low), high) in pairs.iter().zip(low.iter_mut()).zip(high.iter_mut()) {
        (*low, *high) = (*a, *b);
    }
    if let ([last], Some(low)) = (rest, low.last_mut()) {
        *low = *last;
    }
    (low, high)
}

/// Changes high samples by the low ones before and behind them.
#[inline]
fn lift_high<T: Copy>(low: &[T], high: &mut [T], change: impl Fn(&mut T, T, T)) {
    let count = high.len();
    for (high, pair) in high.iter_mut().zip(low.windows(2)) {
        change(high, pair[0], pair[1]);
    }
    if let (true, Some(high), Some(low)) = (low.len() == count, high.last_mut(), low.last()) {
        change(high, *low, *low);
    }
}

/// Changes low samples by the high ones before and behind them.
#[inline]
fn lift_low<T: Copy>(low: &mut [T], high: &[T], change: impl Fn(&mut T, T, T)) {
    if let (Some(low), Some(high)) = (low.first_mut(), high.first()) {
        change(low, *high, *high);
    }
    for (low, pair) in low.iter_mut().skip(1).zip(high.windows(2)) {
        change(low, pair[0], pair[1]);
    }
    if let (true, [_, .., last], Some(high)) = (low.len() > high.len(), low, high.last()) {
        change(last, *high, *high);
    }
}

/// Transforms a plane so often.
pub(super) fn transform<T: Sample>(plane: &mut [T], width: usize, height: usize, levels: u8) {
    let mut scratch = vec![T::default(); width];
    let (mut columns, mut count) = (width, height);
    for level in 0..levels {
        let pitch = width << level;
        if count > 1 {
            T::split_columns(&mut Rows { data: plane, pitch, width: columns, count });
        }
        if columns > 1 {
            for row in plane.chunks_mut(pitch) {
                let (Some(row), Some(scratch)) = (row.get_mut(..columns), scratch.get_mut(..columns)) else { continue };
                T::split_row(row, scratch);
            }
        }
        (columns, count) = (columns.div_ceil(2), count.div_ceil(2));
    }
}

impl Sample for i32 {
    fn of(value: i32) -> Self {
        value
    }

    fn colors(first: &mut [Self], second: &mut [Self], third: &mut [Self]) {
        for ((first, second), third) in first.iter_mut().zip(second).zip(third) {
            let (red, green, blue) = (*first, *second, *third);
            (*first, *second, *third) = ((red + 2 * green + blue) >> 2, blue - green, red - green);
        }
    }

    fn split_columns(rows: &mut Rows<'_, Self>) {
        rows.lift(1, predict_53);
        rows.lift(0, update_53);
    }

    fn split_row(row: &mut [Self], scratch: &mut [Self]) {
        let (low, high) = split(row, scratch);
        lift_high(low, high, predict_53);
        lift_low(low, high, update_53);
        row.copy_from_slice(scratch);
    }

    fn coded(self, _steps: Steps) -> u32 {
        self.unsigned_abs() | (self as u32 & super::block::NEGATIVE)
    }

    fn magnitude(self, _steps: Steps) -> f32 {
        self.unsigned_abs() as f32
    }
}

#[inline]
fn predict_53(high: &mut i32, left: i32, right: i32) {
    *high -= (left + right) >> 1;
}

#[inline]
fn update_53(low: &mut i32, left: i32, right: i32) {
    *low += (left + right + 2) >> 2;
}

const ALPHA: f32 = -1.586_134_3;
const BETA: f32 = -0.052_980_12;
const GAMMA: f32 = 0.882_911_1;
const DELTA: f32 = 0.443_506_85;
const LOW_FACTOR: f32 = 1.0 / 1.230_174_1;
/// Half of the other's reciprocal: the gain of high bands is not in it.
const HIGH_FACTOR: f32 = 1.0 / 1.625_732_4;

impl Sample for f32 {
    fn of(value: i32) -> Self {
        value as f32
    }

    fn colors(first: &mut [Self], second: &mut [Self], third: &mut [Self]) {
        for ((first, second), third) in first.iter_mut().zip(second).zip(third) {
            let (red, green, blue) = (*first, *second, *third);
            let luminance = 0.299 * red + 0.587 * green + 0.114 * blue;
            (*first, *second, *third) = (luminance, (blue - luminance) / 1.772, (red - luminance) / 1.402);
        }
    }

    fn split_columns(rows: &mut Rows<'_, Self>) {
        rows.lift(1, |high, above, below| *high += ALPHA * (above + below));
        rows.lift(0, |low, above, below| *low += BETA * (above + below));
        rows.lift(1, |high, above, below| *high += GAMMA * (above + below));
        rows.lift(0, |low, above, below| *low += DELTA * (above + below));
        rows.each(0, |low| *low *= LOW_FACTOR);
        rows.each(1, |high| *high *= HIGH_FACTOR);
    }

    fn split_row(row: &mut [Self], scratch: &mut [Self]) {
        let (low, high) = split(row, scratch);
        lift_high(low, high, |high, left, right| *high += ALPHA * (left + right));
        lift_low(low, high, |low, left, right| *low += BETA * (left + right));
        lift_high(low, high, |high, left, right| *high += GAMMA * (left + right));
        lift_low(low, high, |low, left, right| *low += DELTA * (left + right));
        low.iter_mut().for_each(|low| *low *= LOW_FACTOR);
        high.iter_mut().for_each(|high| *high *= HIGH_FACTOR);
        row.copy_from_slice(scratch);
    }

    fn coded(self, steps: Steps) -> u32 {
        let magnitude = (self.abs() * steps.per_unit) as u32;
        magnitude.min(steps.most) | (self.to_bits() & super::block::NEGATIVE)
    }

    fn magnitude(self, steps: Steps) -> f32 {
        self.abs() * steps.per_unit
    }
}
