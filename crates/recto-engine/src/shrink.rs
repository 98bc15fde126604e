//! Averaging of whole blocks of pixels: what makes a reduction by a thousand cost no more memory than one by four.

use recto_codec::{PixelFormat, Raster};

use crate::geometry::Axis;

/// Averages blocks of `x × y` pixels, counted from the decoded corner, which lies on the grid of blocks of the whole level:
/// every region sees the same blocks. The last block of a row or column may be smaller.
pub(crate) struct Shrink {
    x: u32,
    y: u32,
    rows_left: u32,
    sums: Vec<u64>,
    rows_summed: u32,
    width_px: u32,
    beyond: u32,
    format: PixelFormat,
}

impl Shrink {
    pub(crate) fn new(x: &Axis, y: &Axis, format: PixelFormat) -> Self {
        Self {
            x: x.shrink,
            y: y.shrink,
            rows_left: y.count,
            sums: vec![0; x.shrunk() as usize * format.samples()],
            rows_summed: 0,
            width_px: x.count,
            beyond: x.beyond,
            format,
        }
    }

    /// Takes the next rows and appends every row of blocks that is complete to `out`.
    pub(crate) fn put(&mut self, rows: &Raster, out: &mut Vec<u8>) {
        debug_assert_eq!((rows.width_px(), rows.format()), (self.width_px, self.format));
        for y in 0..rows.height_px() {
            match self.format.samples() {
                _ if self.format.bytes_per_sample() == 2 => self.add_wide(rows.row(y)),
                1 => self.add::<1>(rows.row(y)),
                2 => self.add::<2>(rows.row(y)),
                3 => self.add::<3>(rows.row(y)),
                _ => self.add::<4>(rows.row(y)),
            }
            self.rows_summed += 1;
            self.rows_left = self.rows_left.saturating_sub(1);
            if self.rows_summed == self.y || self.rows_left == 0 {
                self.flush(out);
            }
        }
    }

    fn add<const N: usize>(&mut self, row: &[u8]) {
        let (pixels, _) = row.as_chunks::<N>();
        let (sums, _) = self.sums.as_chunks_mut::<N>();
        for (block, sum) in pixels.chunks(self.x as usize).zip(sums) {
            // A block of a row is short enough for 32 bits: the longest row of all has fewer than 2^32 pixels, and blocks of
            // more than 2^24 are summed in parts.
            for part in block.chunks(1 << 24) {
                let mut partial = [0_u32; N];
                for pixel in part {
                    for (to, from) in partial.iter_mut().zip(pixel) {
                        *to += u32::from(*from);
                    }
                }
                for (to, from) in sum.iter_mut().zip(partial) {
                    *to += u64::from(from);
                }
            }
        }
    }

    fn add_wide(&mut self, row: &[u8]) {
        let samples = self.format.samples();
        let pixels = row.as_chunks::<2>().0;
        for (block, sums) in pixels.chunks(self.x as usize * samples).zip(self.sums.chunks_mut(samples)) {
            for pixel in block.chunks_exact(samples) {
                for (sum, sample) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(u16::from_ne_bytes(*sample));
                }
            }
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        let samples = self.format.samples();
        let wide = self.format.bytes_per_sample() == 2;
        for (block, sums) in self.sums.chunks_mut(samples).enumerate() {
            let from = block as u64 * u64::from(self.x);
            let columns = u64::from(self.x).min(u64::from(self.width_px) - from);
            let count = columns * u64::from(self.rows_summed);
            for sum in sums {
                let mean = (*sum + count / 2) / count;
                if wide {
                    out.extend_from_slice(&(mean as u16).to_ne_bytes());
                } else {
                    out.push(mean as u8);
                }
                *sum = 0;
            }
        }
        repeat_last(out, self.format.bytes_per_pixel(), self.beyond);
        self.rows_summed = 0;
    }
}

/// Appends the last pixel again, so many times.
pub(crate) fn repeat_last(out: &mut Vec<u8>, bytes_per_pixel: usize, times: u32) {
    for _ in 0..times {
        let from = out.len().saturating_sub(bytes_per_pixel);
        out.extend_from_within(from..);
    }
}
