//! Reductions computed on the way: each row is averaged with the one below it, as often as it takes.

use recto_iiif::{Dimensions, Rect};

use crate::formats::held::strip_rows;
use crate::formats::tiff_pyramid::halve::halve;
use crate::{DecodeError, DecodeRequest, DecodedGeometry, PixelFormat, Raster, RowSource};

/// One halving.
struct Step {
    /// Rows that it will be given, and was.
    rows: u32,
    taken: u32,
    /// The row that waits for the one below.
    upper: Vec<u8>,
    halved: Vec<u8>,
}

/// Rows of a region, reduced by a power of two. The region begins on the grid of the reduction, and ends on it or with the image.
pub(super) struct Halving<'a> {
    rows: Box<dyn RowSource + 'a>,
    geometry: DecodedGeometry,
    steps: Vec<Step>,
    given: u32,
}

impl<'a> Halving<'a> {
    /// `rect` is what `rows` becomes, in pixels of the reduced image.
    pub(super) fn new(rows: Box<dyn RowSource + 'a>, denominator: u32, rect: Rect) -> Self {
        let taken = rows.geometry();
        let steps = (0..denominator.ilog2()).map(|step| Step {
            rows: taken.rect.h.div_ceil(1 << step),
            taken: 0,
            upper: Vec::new(),
            halved: Vec::new(),
        });
        let geometry = DecodedGeometry { format: taken.format, denominator, rect };
        Self { steps: steps.collect(), rows, geometry, given: 0 }
    }

    /// About how many bytes the rows take that wait, for a request of such a reduction.
    pub(super) fn bytes(wanted: &DecodeRequest) -> u64 {
        // Of the widest pixels; a row and its half at each step, and the strip that is given.
        u64::from(wanted.region.w) * 8 * 4 + (1 << 20)
    }
}

/// Gives a row to a step; what comes out of the last goes to `out`.
fn take(steps: &mut [Step], row: &[u8], format: PixelFormat, out: &mut Vec<u8>) {
    let Some((step, rest)) = steps.split_first_mut() else {
        out.extend_from_slice(row);
        return;
    };
    step.taken += 1;
    let is_upper = step.taken % 2 == 1;
    if is_upper && step.taken < step.rows {
        step.upper.clear();
        step.upper.extend_from_slice(row);
        return;
    }
    let upper = if is_upper { row } else { &step.upper };
    halve(upper, row, format, &mut step.halved);
    take(rest, &step.halved, format, out);
}

impl RowSource for Halving<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        let DecodedGeometry { format, rect, .. } = self.geometry;
        let left = rect.h - self.given;
        if left == 0 {
            return Ok(None);
        }
        let stride = rect.w as usize * format.bytes_per_pixel();
        let enough = strip_rows(stride).min(left) as usize * stride;
        let mut out = Vec::with_capacity(enough);
        while out.len() < enough {
            let Some(strip) = self.rows.next_strip()? else { break };
            for y in 0..strip.height_px() {
                take(&mut self.steps, strip.row(y), format, &mut out);
            }
        }
        let rows = (out.len() / stride.max(1)) as u32;
        if rows == 0 || rows > left {
            return Ok(None);
        }
        self.given += rows;
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows), format, out)))
    }
}
