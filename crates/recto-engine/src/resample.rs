//! Resampling in strips: only the source rows that a strip of the result needs are held.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, MulDiv, PixelType, ResizeAlg, ResizeOptions, Resizer};
use recto_codec::{PixelFormat, Raster};
use recto_iiif::Dimensions;

use crate::EngineError;
use crate::estimate::{pieces, strip_rows};
use crate::geometry::Axis;
use crate::options::Filter;
use crate::rows::Rows;
use crate::shrink::{Shrink, repeat_last};

/// Rows of a region at another size. Transparent pixels weigh by their opacity.
pub(crate) struct Resampled<'a> {
    rows: Box<dyn Rows + 'a>,
    x: Axis,
    y: Axis,
    filter: Filter,
    shrink: Option<Shrink>,
    resizer: Resizer,
    alpha: MulDiv,
    /// Source rows, premultiplied and shrunk; the first is row `held_from` of all shrunk rows.
    held: Vec<u8>,
    held_from: u32,
    next_row: u32,
    strip_rows: u32,
}

impl<'a> Resampled<'a> {
    pub(crate) fn new(rows: Box<dyn Rows + 'a>, x: Axis, y: Axis, filter: Filter) -> Self {
        let format = rows.format();
        let shrinks = x.shrink > 1 || y.shrink > 1;
        Self {
            shrink: shrinks.then(|| Shrink::new(&x, &y, format)),
            strip_rows: strip_rows(&x, &y, format.bytes_per_pixel()),
            resizer: Resizer::new(),
            alpha: MulDiv::new(),
            held: Vec::new(),
            held_from: 0,
            next_row: 0,
            rows,
            x,
            y,
            filter,
        }
    }

    fn row_bytes(&self) -> usize {
        self.x.extended() as usize * self.rows.format().bytes_per_pixel()
    }

    fn held_to(&self) -> u32 {
        self.held_from + (self.held.len() / self.row_bytes()) as u32
    }

    /// Pulls until all shrunk rows below `end` were held at some time.
    fn pull(&mut self, end: u32) -> Result<(), EngineError> {
        // As much as this strip needs and the last piece may bring, and no doubling.
        let row_bytes = self.row_bytes();
        let piece = pieces(row_bytes as u64, u64::from(self.y.shrunk())) as usize;
        let most = end.saturating_sub(self.held_from) as usize * row_bytes + piece;
        self.held.reserve_exact(most.saturating_sub(self.held.len()));
        while self.held_to() < end {
            if self.held_to() >= self.y.shrunk() {
                repeat_last(&mut self.held, row_bytes, 1);
                continue;
            }
            let mut piece =
                self.rows.next_rows()?.ok_or_else(|| EngineError::broken("the rows ended before the region"))?;
            if piece.format().has_alpha() {
                let (size, pixels) = (piece.size(), pixel_type(piece.format()));
                let mut image = Image::from_slice_u8(size.width_px, size.height_px, piece.data_mut(), pixels)
                    .map_err(|error| EngineError::broken(error.to_string()))?;
                self.alpha
                    .multiply_alpha_inplace(&mut image)
                    .map_err(|error| EngineError::broken(error.to_string()))?;
            }
            match &mut self.shrink {
                Some(shrink) => shrink.put(&piece, &mut self.held),
                None if self.x.beyond == 0 => self.held.extend_from_slice(piece.data()),
                None => {
                    for row in piece.data().chunks_exact(piece.stride()) {
                        self.held.extend_from_slice(row);
                        repeat_last(&mut self.held, piece.format().bytes_per_pixel(), self.x.beyond);
                    }
                }
            }
        }
        Ok(())
    }

    /// Drops held rows above `first`.
    fn drop_before(&mut self, first: u32) {
        let rows = first.min(self.held_to()).saturating_sub(self.held_from);
        self.held.drain(..rows as usize * self.row_bytes());
        self.held_from += rows;
    }

    fn resample(&mut self, to: u32) -> Result<Raster, EngineError> {
        let format = self.rows.format();
        let pixels = pixel_type(format);
        let from = self.next_row;
        let broken = |error: &dyn std::error::Error| EngineError::broken(format!("resampling: {error}"));
        let rows = (self.held.len() / self.row_bytes()) as u32;
        let source = ImageRef::new(self.x.extended(), rows, &self.held, pixels).map_err(|error| broken(&error))?;
        let size = Dimensions::new(self.x.out, to - from);
        let mut result = Image::from_vec_u8(
            size.width_px,
            size.height_px,
            vec![0; size.area_px() as usize * format.bytes_per_pixel()],
            pixels,
        )
        .map_err(|error| broken(&error))?;
        let (top, height) = strip_span(&self.y, from, to, self.held_from, rows);
        let (left, width) = inside(self.x.start, self.x.length, self.x.extended());
        let options = ResizeOptions::new().resize_alg(algorithm(self.filter)).crop(left, top, width, height);
        self.resizer.resize(&source, &mut result, &options.use_alpha(false)).map_err(|error| broken(&error))?;
        if format.has_alpha() {
            self.alpha.divide_alpha_inplace(&mut result).map_err(|error| broken(&error))?;
        }
        Ok(Raster::from_vec(size, format, result.into_vec()))
    }
}

impl Rows for Resampled<'_> {
    fn size(&self) -> Dimensions {
        Dimensions::new(self.x.out, self.y.out)
    }

    fn format(&self) -> PixelFormat {
        self.rows.format()
    }

    fn next_rows(&mut self) -> Result<Option<Raster>, EngineError> {
        if self.next_row == self.y.out {
            return Ok(None);
        }
        let to = self.next_row.saturating_add(self.strip_rows).min(self.y.out);
        let needed = self.y.needs(self.next_row, to, self.filter.support());
        self.drop_before(needed.start);
        self.pull(needed.end)?;
        let strip = self.resample(to)?;
        self.next_row = to;
        Ok(Some(strip))
    }
}

/// Where the rows `from..to` of the result come from, in held rows. Whole numbers stay whole, so that an axis that is not
/// resampled is recognised as such.
fn strip_span(y: &Axis, from: u32, to: u32, held_from: u32, rows: u32) -> (f64, f64) {
    if y.is_exact() {
        return (y.start + f64::from(from) - f64::from(held_from), f64::from(to - from));
    }
    let ratio = y.ratio();
    inside(y.start + ratio * f64::from(from) - f64::from(held_from), ratio * f64::from(to - from), rows)
}

/// Takes off what rounding put outside `0..limit`.
fn inside(start: f64, length: f64, limit: u32) -> (f64, f64) {
    let limit = f64::from(limit);
    let start = start.max(0.0);
    let mut length = length.min(limit - start);
    while start + length > limit {
        length = length.next_down();
    }
    (start, length)
}

fn algorithm(filter: Filter) -> ResizeAlg {
    ResizeAlg::Convolution(match filter {
        Filter::Lanczos3 => FilterType::Lanczos3,
        Filter::CatmullRom => FilterType::CatmullRom,
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Box => FilterType::Box,
    })
}

/// Samples of 16 bits have to begin at an even address: a vector's memory does, as every allocator in use aligns what is larger
/// than a few bytes; elsewhere the resampler refuses.
fn pixel_type(format: PixelFormat) -> PixelType {
    match (format.samples(), format.bytes_per_sample()) {
        (1, 1) => PixelType::U8,
        (2, 1) => PixelType::U8x2,
        (3, 1) => PixelType::U8x3,
        (_, 1) => PixelType::U8x4,
        (1, _) => PixelType::U16,
        (2, _) => PixelType::U16x2,
        (3, _) => PixelType::U16x3,
        _ => PixelType::U16x4,
    }
}
