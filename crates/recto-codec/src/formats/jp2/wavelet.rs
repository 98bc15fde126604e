//! The inverse wavelet transforms, of a window of a resolution. ISO/IEC 15444-1, annex F.
//!
//! A window is wider than what is wanted from it by as much as the filters reach, so that what happens at its edges (they are
//! mirrored as if the image ended there) is cut off afterwards.

#![expect(clippy::inline_always, reason = "the innermost loops of decoding; half as fast where calls remain")]

use super::codestream::Area;

/// A coefficient that one of the transforms works on.
pub(super) trait Sample: Copy + Default + 'static {
    /// By how many samples a window must be wider on each side.
    const REACH: u32;

    /// A single low or high row or column: the only case without neighbours.
    fn lone_high(value: Self) -> Self;

    /// Merges a row of low and high samples. `low` and `high` have one sample of room before and behind them, and `odd` says
    /// that a high sample is first.
    fn merge_row(low: &mut [Self], high: &mut [Self], odd: bool, out: &mut [Self]);

    /// Transforms columns in place: rows of `pitch` samples, of which those in `columns` are treated.
    fn merge_columns(rows: &mut Rows<'_, Self>, odd: bool);
}

/// Some columns of interleaved rows.
pub(super) struct Rows<'a, T> {
    pub(super) data: &'a mut [T],
    pub(super) pitch: usize,
    pub(super) count: usize,
    pub(super) columns: std::ops::Range<usize>,
}

impl<T: Copy> Rows<'_, T> {
    /// Changes each second row from `first` on by its two neighbours; where one is missing, the other counts twice.
    #[inline(always)]
    fn lift(&mut self, first: usize, change: impl Fn(&mut T, T, T)) {
        let (pitch, columns) = (self.pitch, self.columns.clone());
        for row in (first..self.count).step_by(2) {
            let (before, rest) = self.data.split_at_mut(row * pitch);
            let (here, after) = rest.split_at_mut(pitch.min(rest.len()));
            let above = row.checked_sub(1).and_then(|row| before.get(row * pitch..)?.get(columns.clone()));
            let below = if row + 1 < self.count { after.get(columns.clone()) } else { None };
            let Some(here) = here.get_mut(columns.clone()) else { return };
            let (Some(above), Some(below)) = (above.or(below), below.or(above)) else { return };
            for ((here, above), below) in here.iter_mut().zip(above).zip(below) {
                change(here, *above, *below);
            }
        }
    }

    /// Changes each second row from `first` on.
    #[inline(always)]
    fn each(&mut self, first: usize, change: impl Fn(&mut T)) {
        for row in (first..self.count).step_by(2) {
            let start = row * self.pitch;
            if let Some(row) = self.data.get_mut(start + self.columns.start..start + self.columns.end) {
                row.iter_mut().for_each(&change);
            }
        }
    }
}

/// Fills the room before and behind the samples with what a mirror shows there.
fn mirror<T: Copy>(padded: &mut [T]) {
    if let [before, samples @ .., behind] = padded
        && let (Some(first), Some(last)) = (samples.first(), samples.last())
    {
        (*before, *behind) = (*first, *last);
    }
}

/// Changes samples by two neighbours of the other kind: those at `from` and `from + 1` in the padded row for the first one.
#[inline(always)]
fn lift<T: Copy>(samples: &mut [T], neighbours: &[T], from: usize, change: impl Fn(&mut T, T, T)) {
    let end = samples.len().saturating_sub(1);
    let Some(samples) = samples.get_mut(1..end.max(1)) else { return };
    let (left, right) = (neighbours.get(from..).unwrap_or_default(), neighbours.get(from + 1..).unwrap_or_default());
    for ((sample, left), right) in samples.iter_mut().zip(left).zip(right) {
        change(sample, *left, *right);
    }
}

fn interleave<T: Copy>(low: &[T], high: &[T], odd: bool, out: &mut [T]) {
    let inner = |padded: &[T]| -> std::ops::Range<usize> { 1..padded.len().saturating_sub(1).max(1) };
    let (low, high) = (low.get(inner(low)).unwrap_or_default(), high.get(inner(high)).unwrap_or_default());
    let (first, second) = if odd { (high, low) } else { (low, high) };
    let (pairs, rest) = out.as_chunks_mut::<2>();
    for (pair, (a, b)) in pairs.iter_mut().zip(first.iter().zip(second)) {
        *pair = [*a, *b];
    }
    if let ([last], Some(sample)) = (rest, first.last()) {
        *last = *sample;
    }
}

/// Where the neighbours of low and of high samples begin in the padded rows of the other kind.
const fn starts(odd: bool) -> (usize, usize) {
    if odd { (1, 0) } else { (0, 1) }
}

impl Sample for i32 {
    const REACH: u32 = 2;

    fn lone_high(value: Self) -> Self {
        value / 2
    }

    fn merge_row(low: &mut [Self], high: &mut [Self], odd: bool, out: &mut [Self]) {
        let (of_low, of_high) = starts(odd);
        mirror(high);
        lift(low, high, of_low, update_53);
        mirror(low);
        lift(high, low, of_high, predict_53);
        interleave(low, high, odd, out);
    }

    fn merge_columns(rows: &mut Rows<'_, Self>, odd: bool) {
        let (low, high) = (usize::from(odd), usize::from(!odd));
        rows.lift(low, update_53);
        rows.lift(high, predict_53);
    }
}

// Damaged files hold any number; wrapping is as good as anything else then.
#[inline(always)]
fn update_53(low: &mut i32, left: i32, right: i32) {
    *low = low.wrapping_sub(left.wrapping_add(right).wrapping_add(2) >> 2);
}

#[inline(always)]
fn predict_53(high: &mut i32, left: i32, right: i32) {
    *high = high.wrapping_add(left.wrapping_add(right) >> 1);
}

const ALPHA: f32 = -1.586_134_3;
const BETA: f32 = -0.052_980_12;
const GAMMA: f32 = 0.882_911_1;
const DELTA: f32 = 0.443_506_85;
const LOW_FACTOR: f32 = 1.230_174_1;
/// Twice the reciprocal of the other: the gain of high bands is in it.
const HIGH_FACTOR: f32 = 1.625_732_4;

impl Sample for f32 {
    const REACH: u32 = 4;

    fn lone_high(value: Self) -> Self {
        value
    }

    fn merge_row(low: &mut [Self], high: &mut [Self], odd: bool, out: &mut [Self]) {
        let (of_low, of_high) = starts(odd);
        for sample in low.iter_mut() {
            *sample *= LOW_FACTOR;
        }
        for sample in high.iter_mut() {
            *sample *= HIGH_FACTOR;
        }
        mirror(high);
        lift(low, high, of_low, |sample, left, right| *sample -= DELTA * (left + right));
        mirror(low);
        lift(high, low, of_high, |sample, left, right| *sample -= GAMMA * (left + right));
        mirror(high);
        lift(low, high, of_low, |sample, left, right| *sample -= BETA * (left + right));
        mirror(low);
        lift(high, low, of_high, |sample, left, right| *sample -= ALPHA * (left + right));
        interleave(low, high, odd, out);
    }

    fn merge_columns(rows: &mut Rows<'_, Self>, odd: bool) {
        let (low, high) = (usize::from(odd), usize::from(!odd));
        rows.each(low, |sample| *sample *= LOW_FACTOR);
        rows.each(high, |sample| *sample *= HIGH_FACTOR);
        rows.lift(low, |sample, above, below| *sample -= DELTA * (above + below));
        rows.lift(high, |sample, above, below| *sample -= GAMMA * (above + below));
        rows.lift(low, |sample, above, below| *sample -= BETA * (above + below));
        rows.lift(high, |sample, above, below| *sample -= ALPHA * (above + below));
    }
}

/// Samples of an area, row after row.
#[derive(Debug)]
pub(super) struct Grid<T> {
    pub(super) area: Area,
    pub(super) samples: Vec<T>,
}

impl<T: Sample> Grid<T> {
    pub(super) fn zeroed(area: Area) -> Self {
        Self { area, samples: vec![T::default(); area.area_px() as usize] }
    }

    fn row(&self, y: u32) -> &[T] {
        let width = self.area.width() as usize;
        let start = y.saturating_sub(self.area.y0) as usize * width;
        self.samples.get(start..start + width).unwrap_or_default()
    }

    /// The part in `area`, which lies inside.
    pub(super) fn cropped(self, area: Area) -> Self {
        if area == self.area {
            return self;
        }
        let from = area.x0.saturating_sub(self.area.x0) as usize;
        let columns = from..from + area.width() as usize;
        let mut samples = Vec::with_capacity(area.area_px() as usize);
        for y in area.y0..area.y1 {
            samples.extend_from_slice(self.row(y).get(columns.clone()).unwrap_or_default());
        }
        samples.resize(area.area_px() as usize, T::default());
        Self { area, samples }
    }
}

/// What of the four bands a window of a resolution is made of: low and low, high horizontally, high vertically, both.
pub(super) fn band_areas(window: Area) -> [Area; 4] {
    let low = |from: u32, to: u32| (from.div_ceil(2), to.div_ceil(2));
    let high = |from: u32, to: u32| (from / 2, to / 2);
    let (lx, ly) = (low(window.x0, window.x1), low(window.y0, window.y1));
    let (hx, hy) = (high(window.x0, window.x1), high(window.y0, window.y1));
    [(lx, ly), (hx, ly), (lx, hy), (hx, hy)].map(|(x, y)| Area { x0: x.0, y0: y.0, x1: x.1, y1: y.1 })
}

/// Grown by the reach of the filters, but not beyond the resolution.
pub(super) fn grown<T: Sample>(wanted: Area, resolution: Area) -> Area {
    Area {
        x0: wanted.x0.saturating_sub(T::REACH),
        y0: wanted.y0.saturating_sub(T::REACH),
        x1: wanted.x1.saturating_add(T::REACH),
        y1: wanted.y1.saturating_add(T::REACH),
    }
    .intersection(resolution)
}

/// Columns that are transformed together: their part of all rows stays in the cache.
const COLUMNS: usize = 64;

/// Makes a window of a resolution from its bands, whose areas are those of [`band_areas`].
pub(super) fn merge<T: Sample>(window: Area, bands: &[Grid<T>; 4]) -> Grid<T> {
    let mut out = Grid::zeroed(window);
    let [ll, hl, lh, hh] = bands;
    let width = window.width() as usize;
    if window.is_empty() {
        return out;
    }
    let padded = |grid: &Grid<T>| vec![T::default(); grid.area.width() as usize + 2];
    let (mut low, mut high) = (padded(ll), padded(hl));
    let odd = window.x0 % 2 == 1;
    for (y, row) in (window.y0..window.y1).zip(out.samples.chunks_exact_mut(width)) {
        let (from_low, from_high) = if y % 2 == 0 { (ll, hl) } else { (lh, hh) };
        let (from_low, from_high) = (from_low.row(y / 2), from_high.row(y / 2));
        if width == 1 {
            let lone = if odd { from_high.first().map(|v| T::lone_high(*v)) } else { from_low.first().copied() };
            row.fill(lone.unwrap_or_default());
            continue;
        }
        if let Some(inner) = low.get_mut(1..=from_low.len()) {
            inner.copy_from_slice(from_low);
        }
        if let Some(inner) = high.get_mut(1..=from_high.len()) {
            inner.copy_from_slice(from_high);
        }
        T::merge_row(&mut low, &mut high, odd, row);
    }
    let count = window.height() as usize;
    let odd = window.y0 % 2 == 1;
    if count == 1 {
        if odd {
            out.samples.iter_mut().for_each(|sample| *sample = T::lone_high(*sample));
        }
        return out;
    }
    for start in (0..width).step_by(COLUMNS) {
        let columns = start..(start + COLUMNS).min(width);
        T::merge_columns(&mut Rows { data: &mut out.samples, pitch: width, count, columns }, odd);
    }
    out
}
