//! What the readers of this folder have in common: the wanted region checked, strips of a fitting height, limits.

use recto_iiif::Dimensions;

use crate::{
    Control, DecodeError, DecodeRequest, DecodedGeometry, ImageFacts, OpenOptions, PixelFormat, Raster, RowSource,
    SourceFormat,
};

/// About how many bytes a strip has.
const STRIP_BYTES: usize = 256 * 1024;

/// Rows per strip for rows of `stride` bytes.
pub(crate) fn strip_rows(stride: usize) -> u32 {
    (STRIP_BYTES / stride.max(1)).clamp(1, 256) as u32
}

/// Most bytes of a strip of a region `w` pixels wide and `h` rows high.
pub(crate) fn strip_bytes(w: u32, h: u32, format: PixelFormat) -> u64 {
    let stride = w as usize * format.bytes_per_pixel();
    stride as u64 * u64::from(strip_rows(stride).min(h))
}

/// Holds an image's size against the limits before anything is allocated for it.
pub(crate) fn check_size(size: Dimensions, format: SourceFormat, options: &OpenOptions) -> Result<(), DecodeError> {
    if size.is_empty() {
        return Err(DecodeError::Corrupt { format, what: format!("its header says that it has {size} pixels") });
    }
    if size.area_px() > options.max_pixels {
        return Err(DecodeError::TooLarge {
            format,
            needed: size.area_px(),
            limit: options.max_pixels,
            unit: "pixels",
        });
    }
    Ok(())
}

/// Holds what a decode will keep in memory against the limit.
pub(crate) fn check_held(needed: u64, limit: u64, format: SourceFormat) -> Result<(), DecodeError> {
    if needed > limit {
        return Err(DecodeError::TooLarge { format, needed, limit, unit: "bytes of memory" });
    }
    Ok(())
}

/// The page asked for, in a format that has only one.
pub(crate) fn check_page(page: u32) -> Result<(), DecodeError> {
    if page == 1 { Ok(()) } else { Err(DecodeError::NoSuchPage { page, pages: 1 }) }
}

/// What a reader without reductions gives for `wanted`.
///
/// # Panics
/// When `wanted` is not inside the image or asks for a reduction: that is the caller's contract.
pub(crate) fn unreduced(facts: &ImageFacts, format: PixelFormat, wanted: &DecodeRequest) -> DecodedGeometry {
    assert_eq!(wanted.denominator, 1, "this format has no reductions");
    let size = facts.levels[wanted.level].size;
    assert!(wanted.region.is_inside(size), "the region {} is inside {size}", wanted.region);
    DecodedGeometry { format, denominator: 1, rect: wanted.region }
}

/// A region held in memory, given out in strips.
pub(crate) struct HeldRows {
    geometry: DecodedGeometry,
    raster: Raster,
    given: u32,
    control: Control,
}

impl HeldRows {
    /// Gives the rows of `raster`, which is as large as the geometry's rectangle.
    pub(crate) fn new(geometry: DecodedGeometry, raster: Raster, control: &Control) -> Self {
        debug_assert_eq!(raster.size(), geometry.rect.dimensions());
        Self { geometry, raster, given: 0, control: control.clone() }
    }
}

impl RowSource for HeldRows {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let (size, stride) = (self.raster.size(), self.raster.stride());
        let rows = strip_rows(stride).min(size.height_px - self.given);
        if rows == 0 {
            return Ok(None);
        }
        let start = self.given as usize * stride;
        let data = self.raster.data()[start..start + rows as usize * stride].to_vec();
        self.given += rows;
        Ok(Some(Raster::from_vec(Dimensions::new(size.width_px, rows), self.raster.format(), data)))
    }
}
