//! What a request means on one image, in exact pixels; and its canonical text.

use crate::{Dimensions, Rect};

use super::{
    ApiVersion, ImageRequest, Limits, PercentRect, Region, RequestError, ResolvedRequest, Size, Upscale,
    error::echo,
    size::{DEFAULT_TILE, Target, TileGrid, percent_of, scaled},
};

impl Region {
    /// The pixels of an image of this size that the region names, cut at the edges. Image API 3.0 §4.1.
    ///
    /// `square` is centred. Percentages are rounded to the nearest pixel and are at least one pixel wide and high.
    ///
    /// # Errors
    ///
    /// [`RequestError::OutsideImage`] when no pixel is left.
    pub fn resolve(&self, image: Dimensions) -> Result<Rect, RequestError> {
        let wanted = match self {
            Self::Full => Some(image.rect()),
            Self::Square => {
                let side = image.width_px.min(image.height_px);
                Some(Rect::new((image.width_px - side) / 2, (image.height_px - side) / 2, side, side))
            }
            Self::Pixels(rect) => Some(*rect),
            Self::Percent(percent) => percent_rect(percent, image),
        };
        wanted
            .and_then(|rect| rect.intersection(image.rect()))
            .ok_or_else(|| RequestError::OutsideImage { given: echo(&self.to_string()), image })
    }
}

fn percent_rect(percent: &PercentRect, image: Dimensions) -> Option<Rect> {
    if percent.x >= 100.0 || percent.y >= 100.0 {
        return None;
    }
    let start = |side: u32, n: f64| percent_of(side, n).min(side.saturating_sub(1));
    let length = |side: u32, n: f64| percent_of(side, n).max(1);
    Some(Rect::new(
        start(image.width_px, percent.x),
        start(image.height_px, percent.y),
        length(image.width_px, percent.w),
        length(image.height_px, percent.h),
    ))
}

impl ImageRequest {
    /// What this asks for on an image of this size, whose `info.json` announces tiles of [`DEFAULT_TILE`].
    ///
    /// # Errors
    ///
    /// As [`ImageRequest::resolve_on`].
    pub fn resolve(&self, image: Dimensions, limits: &Limits) -> Result<ResolvedRequest, RequestError> {
        self.resolve_on(TileGrid { image, tile: DEFAULT_TILE }, limits)
    }

    /// What this asks for on an image with this announced grid. The grid matters only where a side becomes one pixel, see
    /// the module [`size`](super::scaled) function.
    ///
    /// Without `^`, version 3 refuses sizes above the region; `!w,h` is then served at the region's own size instead
    /// (§4.2). Version 2 upscales within the limits (`sizeAboveFull`), except for `!w,h` and `max`, whose exact scaling 2.1.1 §4.2
    /// leaves to the server. `max` and `!w,h` shrink to the limits; every other size above them is refused.
    ///
    /// # Errors
    ///
    /// [`RequestError::OutsideImage`], [`RequestError::Upscale`] or [`RequestError::OverLimit`].
    pub fn resolve_on(&self, grid: TileGrid, limits: &Limits) -> Result<ResolvedRequest, RequestError> {
        let region = self.region.resolve(grid.image)?;
        let size = self.resolve_size(region, grid, limits)?;
        Ok(ResolvedRequest { region, size, rotation: self.rotation, quality: self.quality, format: self.format })
    }

    fn resolve_size(&self, region: Rect, grid: TileGrid, limits: &Limits) -> Result<Dimensions, RequestError> {
        let size = match self.size {
            Size::Max(Upscale::Forbidden) => limits.largest(region, grid),
            Size::Max(Upscale::Allowed) => limits.largest_upscaled(region, grid),
            Size::Full => region.dimensions(),
            Size::Width(w, _) => scaled(region, grid, Target::Width(w)),
            Size::Height(h, _) => scaled(region, grid, Target::Height(h)),
            Size::Percent(n, _) => scaled(region, grid, Target::Percent(n)),
            Size::Exact(size, _) => size,
            Size::Confined(limit, upscale) => self.confined(region, grid, limits, limit, upscale),
        };
        let own = region.dimensions();
        let above = size.width_px > own.width_px || size.height_px > own.height_px;
        let percent_above = matches!(self.size, Size::Percent(n, _) if n > 100.0);
        if self.size.upscale() == Upscale::Forbidden && (above || percent_above) {
            let given = self.size.text(self.version);
            return Err(RequestError::Upscale { given: echo(&given), wanted: size, region: own });
        }
        // A side at the end of the number range stands for anything beyond it.
        let beyond = above && (size.width_px == u32::MAX || size.height_px == u32::MAX);
        let passed = limits.passed_by(size).or_else(|| beyond.then(|| format!("{} px a side", u32::MAX - 1)));
        match passed {
            Some(limit) => {
                let given = self.size.text(self.version);
                Err(RequestError::OverLimit { given: echo(&given), wanted: size, limit })
            }
            None => Ok(size),
        }
    }

    fn confined(
        &self,
        region: Rect,
        grid: TileGrid,
        limits: &Limits,
        limit: Dimensions,
        upscale: Upscale,
    ) -> Dimensions {
        let own = region.dimensions();
        let upscale = upscale == Upscale::Allowed && self.version == ApiVersion::V3;
        let size = if !upscale && own.width_px <= limit.width_px && own.height_px <= limit.height_px {
            own
        } else {
            scaled(region, grid, Target::Confined(limit))
        };
        if limits.allow(size) {
            return size;
        }
        // The limits bind, and not the box: the largest allowed size of this shape is inside the box as well.
        if upscale { limits.largest_upscaled(region, grid) } else { limits.largest(region, grid) }
    }
}

impl ResolvedRequest {
    /// The canonical `region/size/rotation/quality.format` for an image whose `info.json` announces tiles of [`DEFAULT_TILE`].
    pub fn canonical(&self, version: ApiVersion, image: Dimensions, limits: &Limits) -> String {
        self.canonical_on(version, TileGrid { image, tile: DEFAULT_TILE }, limits)
    }

    /// The canonical `region/size/rotation/quality.format` (Image API 3.0 §4.8, 2.1.1 §4.7). Parsed and resolved with the same
    /// version, grid and limits, it gives this value again.
    pub fn canonical_on(&self, version: ApiVersion, grid: TileGrid, limits: &Limits) -> String {
        let size = match version {
            ApiVersion::V2 => self.canonical_size_2(grid),
            ApiVersion::V3 => self.canonical_size_3(grid, limits),
        };
        let Self { region, rotation, quality, format, .. } = self;
        let format = format.extension();
        if *region == grid.image.rect() {
            format!("full/{size}/{rotation}/{quality}.{format}")
        } else {
            format!("{region}/{size}/{rotation}/{quality}.{format}")
        }
    }

    fn canonical_size_2(&self, grid: TileGrid) -> String {
        let Dimensions { width_px, height_px } = self.size;
        if self.size == self.region.dimensions() {
            "full".to_owned()
        } else if scaled(self.region, grid, Target::Width(width_px)) == self.size {
            format!("{width_px},")
        } else {
            format!("{width_px},{height_px}")
        }
    }

    fn canonical_size_3(&self, grid: TileGrid, limits: &Limits) -> String {
        let Dimensions { width_px, height_px } = self.size;
        if self.size == limits.largest(self.region, grid) {
            return "max".to_owned();
        }
        if width_px <= self.region.w && height_px <= self.region.h {
            return format!("{width_px},{height_px}");
        }
        if self.size == limits.largest_upscaled(self.region, grid) {
            return "^max".to_owned();
        }
        format!("^{width_px},{height_px}")
    }

    /// A short text, equal exactly for equal values: `x,y,w,h/w,h/rotation/quality.format`, whatever the version or the
    /// limits. It is stable between releases, so derivatives may be stored under it.
    pub fn key(&self) -> String {
        let Self { region, size, rotation, quality, format } = self;
        format!("{region}/{},{}/{rotation}/{quality}.{}", size.width_px, size.height_px, format.extension())
    }
}
