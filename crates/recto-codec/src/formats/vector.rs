//! What page descriptions have in common (PDF, SVG): any scale costs only its own pixels, so levels are made up, and a
//! region is drawn in bands whose memory is bounded, however large the page is.

use recto_iiif::{Dimensions, Rect};

use super::held::strip_rows;
use crate::{Control, DecodeError, DecodeRequest, DecodedGeometry, ImageFacts, Level, PixelFormat, Raster, RowSource};

/// The longest side that a page is given: the renderers count pixels in 16 bits, some with a sign.
pub(crate) const MAX_SIDE_PX: u32 = 32_000;

/// The most pixels that a page is given: 36 by 24 inches at 300 dots per inch are 78 million.
pub(crate) const MAX_AREA_PX: f64 = 100e6;

/// About how many pixels are drawn at a time: a page of A4 at 300 dots per inch at once, as what a page shows is decoded
/// again for every band.
const BAND_PX: u64 = 12_000_000;

/// Bytes of a drawn pixel.
const DRAWN_BYTES: u64 = 4;

/// Levels end when they fit into this.
const SMALLEST_LEVEL_PX: u32 = 256;

/// The pixels of a page of `width` by `height` points (1/72 inch) at `dpi` dots per inch, or at as many as keep it within
/// [`MAX_AREA_PX`] and [`MAX_SIDE_PX`]; and the dots per inch taken.
pub(crate) fn page_pixels(width: f64, height: f64, dpi: f64) -> (Dimensions, f64) {
    let inches = |points: f64| (points / 72.0).max(1e-6);
    let (w, h) = (inches(width), inches(height));
    let by_area = (MAX_AREA_PX / (w * h)).sqrt();
    let by_side = f64::from(MAX_SIDE_PX) / w.max(h);
    let dpi = dpi.min(by_area).min(by_side);
    let pixels = |inches: f64| ((inches * dpi).round() as u32).clamp(1, MAX_SIDE_PX);
    (Dimensions::new(pixels(w), pixels(h)), dpi)
}

/// Every halving of `size`, down to what fits into a small square.
pub(crate) fn levels(size: Dimensions) -> Vec<Level> {
    let mut levels = vec![Level { size, grid: None }];
    let mut scale = 1;
    while levels.last().is_some_and(|level| level.size.width_px.max(level.size.height_px) > SMALLEST_LEVEL_PX) {
        scale *= 2;
        levels.push(Level { size: size.reduced(scale), grid: None });
    }
    levels
}

/// Rows drawn at a time for a region this wide.
fn band_rows(width_px: u32) -> u32 {
    (BAND_PX / u64::from(width_px.max(1))).clamp(1, u64::from(MAX_SIDE_PX)) as u32
}

/// How many bands a region takes.
pub(crate) fn band_count(region: Rect) -> u64 {
    u64::from(region.h.div_ceil(band_rows(region.w)))
}

/// Bytes of a band as drawn, and of the strips made of it.
pub(crate) fn band_bytes(region: Rect, pixels: PixelFormat) -> u64 {
    let stride = region.w as usize * pixels.bytes_per_pixel();
    u64::from(region.w) * u64::from(region.h.min(band_rows(region.w))) * DRAWN_BYTES
        + stride as u64 * u64::from(strip_rows(stride).min(region.h))
}

/// Draws what lies in this rectangle of a level: four bytes a pixel, red, green, blue, and alpha that they are multiplied by.
pub(crate) type Draw<'a> = Box<dyn Fn(Rect) -> Result<Vec<u8>, DecodeError> + Send + 'a>;

/// A region that is drawn band by band.
pub(crate) struct Bands<'a> {
    geometry: DecodedGeometry,
    draw: Draw<'a>,
    /// The drawn band, and how many of its bytes were given.
    band: Vec<u8>,
    given: usize,
    /// The first row that was not drawn yet.
    next: u32,
    control: Control,
}

impl<'a> Bands<'a> {
    /// Gives `wanted` as `pixels` (`Rgb8` or `Rgba8`).
    pub(crate) fn new(
        facts: &ImageFacts,
        pixels: PixelFormat,
        wanted: &DecodeRequest,
        control: &Control,
        draw: Draw<'a>,
    ) -> Self {
        let geometry = super::held::unreduced(facts, pixels, wanted);
        Self { geometry, draw, band: Vec::new(), given: 0, next: wanted.region.y, control: control.clone() }
    }
}

impl RowSource for Bands<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (rect, pixels) = (self.geometry.rect, self.geometry.format);
        let drawn_stride = rect.w as usize * DRAWN_BYTES as usize;
        if self.given == self.band.len() {
            let rows = u64::from(band_rows(rect.w)).min(rect.bottom() - u64::from(self.next)) as u32;
            if rows == 0 {
                return Ok(None);
            }
            // The one before goes before the next is made.
            self.band = Vec::new();
            self.band = (self.draw)(Rect::new(rect.x, self.next, rect.w, rows))?;
            assert_eq!(self.band.len(), drawn_stride * rows as usize, "a band is drawn wholly");
            self.given = 0;
            self.next += rows;
        }
        let stride = rect.w as usize * pixels.bytes_per_pixel();
        let rows = (strip_rows(stride) as usize).min((self.band.len() - self.given) / drawn_stride);
        let strip = &self.band[self.given..self.given + rows * drawn_stride];
        self.given += strip.len();
        let mut data = Vec::with_capacity(rows * stride);
        for pixel in strip.as_chunks::<4>().0 {
            if pixels == PixelFormat::Rgb8 {
                data.extend_from_slice(&pixel[..3]);
            } else {
                data.extend_from_slice(&divided(*pixel));
            }
        }
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows as u32), pixels, data)))
    }
}

/// A pixel whose colour is not multiplied by its alpha.
fn divided([r, g, b, a]: [u8; 4]) -> [u8; 4] {
    let sample = |value: u8| match a {
        0 => 0,
        255 => value,
        _ => ((u32::from(value) * 255 + u32::from(a) / 2) / u32::from(a)).min(255) as u8,
    };
    [sample(r), sample(g), sample(b), a]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_get_the_dots_asked_for_until_they_are_too_large() {
        for (width, height, dpi, size, taken) in [
            (595.0, 842.0, 300.0, (2479, 3508), 300.0),
            (72.0, 36.0, 72.0, (72, 36), 72.0),
            // 2 m by 1 m.
            (5669.3, 2834.6, 300.0, (14142, 7071), 179.6),
            // A strip of 100 m.
            (283_464.6, 72.0, 300.0, (32_000, 8), 8.1),
            (0.0, 0.0, 300.0, (1, 1), 300.0),
            (1e9, 1e9, 300.0, (10_000, 10_000), 0.00072),
        ] {
            let (got, got_dpi) = page_pixels(width, height, dpi);
            assert_eq!((got.width_px, got.height_px), size, "{width} by {height}");
            assert!((got_dpi - taken).abs() <= taken * 0.01, "{width} by {height}: {got_dpi}");
        }
    }

    #[test]
    fn levels_halve_until_they_are_small() {
        let sizes: Vec<_> =
            levels(Dimensions::new(1001, 300)).into_iter().map(|level| level.size.to_string()).collect();
        assert_eq!(sizes, ["1001x300", "501x150", "251x75"]);
        assert_eq!(levels(Dimensions::new(1, 256)).len(), 1);
    }

    #[test]
    fn alpha_is_divided_out() {
        assert_eq!(divided([64, 128, 0, 128]), [128, 255, 0, 128]);
        assert_eq!(divided([3, 2, 1, 255]), [3, 2, 1, 255]);
        assert_eq!(divided([3, 2, 1, 0]), [0, 0, 0, 0]);
    }
}
