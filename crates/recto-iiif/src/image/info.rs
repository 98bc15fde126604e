//! `info.json`: what is announced of one image, in the order and words of each version.

use serde_json::{Map, Value, json};

use crate::{Dimensions, Rect};

use super::{
    ApiVersion, ComplianceLevel, Format, Limits,
    compliance::PROTOCOL,
    size::{DEFAULT_TILE, Target, TileGrid, scale_factors, scaled},
};

/// What there is to announce of one image.
#[derive(Clone, Debug)]
pub struct InfoSubject<'a> {
    /// The base URI of the image service, without a slash at its end.
    pub id: String,
    /// Size of the whole image in pixels, as it is shown.
    pub size: Dimensions,
    /// True sizes of the stored levels, as shown, largest first; may be empty.
    pub levels: Vec<Dimensions>,
    /// Size of a stored tile as shown; [`DEFAULT_TILE`] is announced when there is none.
    pub tile: Option<Dimensions>,
    /// How large an answer may be.
    pub limits: Limits,
    /// The formats that can be written.
    pub formats: &'a [Format],
    /// The formats that a client should rather ask for, best first. Only those in `formats` are announced.
    pub preferred_formats: Vec<Format>,
    /// Licence or rights statement, a URI.
    pub rights: Option<String>,
    /// Services of this image, as they stand in the document.
    pub service: Vec<Value>,
    /// Resources that hold this image; version 3 only.
    pub part_of: Vec<Value>,
    /// Machine-readable descriptions of this image; version 3 only.
    pub see_also: Vec<Value>,
    /// Number of pages of the file that this image is one of.
    pub pages: Option<u32>,
    /// The level that is announced.
    pub level: ComplianceLevel,
}

impl<'a> InfoSubject<'a> {
    /// An image of which only this is known: no stored levels, no limits, level 2.
    pub fn new(id: impl Into<String>, size: Dimensions, formats: &'a [Format]) -> Self {
        Self {
            id: id.into(),
            size,
            levels: Vec::new(),
            tile: None,
            limits: Limits::NONE,
            formats,
            preferred_formats: Vec::new(),
            rights: None,
            service: Vec::new(),
            part_of: Vec::new(),
            see_also: Vec::new(),
            pages: None,
            level: ComplianceLevel::Level2,
        }
    }

    /// The tile grid that is announced; hand it to [`ImageRequest::resolve_on`](super::ImageRequest::resolve_on).
    pub fn grid(&self) -> TileGrid {
        TileGrid::announced(self.size, self.tile, &self.limits)
    }

    /// `sizes`: every power-of-two level down to one tile, and stored levels of other ratios; smallest first, all within the limits.
    ///
    /// Levels are announced at the size that viewers compute for them (rounded up), also where the file rounded down: they then
    /// use this list and their own arithmetic alike. In version 2 a size is listed only when `w,` gives it as well as
    /// `w,h`, since viewers write either.
    pub fn sizes(&self, version: ApiVersion) -> Vec<Dimensions> {
        let grid = self.grid();
        let whole = grid.image.rect();
        let powers = scale_factors(grid).map(|factor| scaled(whole, grid, Target::Factor(factor)));
        let stored = self.levels.iter().copied().map(|level| as_viewers_count(level, grid));
        let mut sizes: Vec<_> = powers
            .chain(stored)
            .filter(|size| !size.is_empty() && size.width_px <= whole.w && size.height_px <= whole.h)
            .filter(|size| self.limits.allow(*size))
            .filter(|size| version == ApiVersion::V3 || scaled(whole, grid, Target::Width(size.width_px)) == *size)
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

impl TileGrid {
    /// The grid that is announced for an image with stored tiles of this size, if any. Tiles above the limits are halved
    /// until they can be served (Image API 3.0 §5.2).
    pub fn announced(image: Dimensions, stored: Option<Dimensions>, limits: &Limits) -> Self {
        let mut tile = stored.filter(|tile| !tile.is_empty()).unwrap_or(DEFAULT_TILE);
        let largest =
            |tile: Dimensions| Dimensions::new(tile.width_px.min(image.width_px), tile.height_px.min(image.height_px));
        while tile != Dimensions::new(1, 1) && !limits.allow(largest(tile)) {
            tile = Dimensions::new((tile.width_px / 2).max(1), (tile.height_px / 2).max(1));
        }
        Self { image, tile }
    }
}

/// A stored level at the size that viewers compute, when it is a power of two away but for rounding; otherwise as it is.
fn as_viewers_count(level: Dimensions, grid: TileGrid) -> Dimensions {
    (0..u32::BITS)
        .map(|shift| scaled(grid.image.rect(), grid, Target::Factor(1 << shift)))
        .find(|size| size.width_px.abs_diff(level.width_px) <= 1 && size.height_px.abs_diff(level.height_px) <= 1)
        .unwrap_or(level)
}

fn sizes_json(subject: &InfoSubject<'_>, version: ApiVersion) -> Value {
    let entry = |size: Dimensions| json!({ "width": size.width_px, "height": size.height_px });
    subject.sizes(version).into_iter().map(entry).collect()
}

fn tiles_json(grid: TileGrid) -> Value {
    let mut tile = Map::new();
    tile.insert("width".to_owned(), grid.tile.width_px.into());
    if grid.tile.height_px != grid.tile.width_px {
        tile.insert("height".to_owned(), grid.tile.height_px.into());
    }
    tile.insert("scaleFactors".to_owned(), scale_factors(grid).collect());
    json!([tile])
}

/// `maxWidth`, `maxHeight` and `maxArea`; `maxWidth` is there whenever `maxHeight` is, and one that says the same is left out.
fn insert_limits(target: &mut Map<String, Value>, limits: &Limits) {
    if let Some(width) = limits.width_px() {
        target.insert("maxWidth".to_owned(), width.into());
    }
    if let Some(height) = limits.height_px().filter(|height| Some(*height) != limits.width_px()) {
        target.insert("maxHeight".to_owned(), height.into());
    }
    if let Some(area) = limits.max_area_px {
        target.insert("maxArea".to_owned(), area.into());
    }
}

fn insert_unless_empty(target: &mut Map<String, Value>, key: &str, values: Vec<Value>) {
    if !values.is_empty() {
        target.insert(key.to_owned(), Value::Array(values));
    }
}

fn extra_formats(subject: &InfoSubject<'_>, version: ApiVersion) -> Vec<Value> {
    let extra = |format: &&Format| format.is_extra(version, subject.level);
    subject.formats.iter().filter(extra).map(|format| format.extension().into()).collect()
}

fn extra_qualities(subject: &InfoSubject<'_>, version: ApiVersion) -> Vec<Value> {
    match subject.level {
        ComplianceLevel::Level0 => Vec::new(),
        _ => version.extra_qualities().map(|quality| quality.word().into()).collect(),
    }
}

fn extra_features(subject: &InfoSubject<'_>, version: ApiVersion) -> Vec<Value> {
    if subject.level == ComplianceLevel::Level0 {
        return Vec::new();
    }
    let mut features: Vec<Value> = version.extra_features().iter().map(|name| Value::from(*name)).collect();
    // 3.0 §5.7: a server that announces upscaling must announce a limit.
    if version == ApiVersion::V3 && !subject.limits.is_none() {
        features.push("sizeUpscaling".into());
    }
    features
}

/// Version 2.1.1.
pub mod v2 {
    use super::{ApiVersion, InfoSubject, Map, PROTOCOL, Value};

    /// The document of Image API 2.1.1 §5.
    pub fn info(subject: &InfoSubject<'_>) -> Value {
        let version = ApiVersion::V2;
        let mut info = Map::new();
        let mut put = |key: &str, value: Value| info.insert(key.to_owned(), value);
        put("@context", version.context().into());
        put("@id", subject.id.as_str().into());
        put("protocol", PROTOCOL.into());
        put("width", subject.size.width_px.into());
        put("height", subject.size.height_px.into());
        put("sizes", super::sizes_json(subject, version));
        put("tiles", super::tiles_json(subject.grid()));
        put("profile", profile(subject));
        if let Some(rights) = &subject.rights {
            put("license", rights.as_str().into());
        }
        match subject.service.as_slice() {
            [] => {}
            [only] => drop(put("service", only.clone())),
            several => drop(put("service", several.to_vec().into())),
        }
        if let Some(pages) = subject.pages {
            put("pageCount", pages.into());
        }
        Value::Object(info)
    }

    /// The level's URI, and what there is beyond it (2.1.1 §5.3).
    fn profile(subject: &InfoSubject<'_>) -> Value {
        let version = ApiVersion::V2;
        let mut extra = Map::new();
        super::insert_unless_empty(&mut extra, "formats", super::extra_formats(subject, version));
        super::insert_unless_empty(&mut extra, "qualities", super::extra_qualities(subject, version));
        super::insert_limits(&mut extra, &subject.limits);
        super::insert_unless_empty(&mut extra, "supports", super::extra_features(subject, version));
        let mut profile = vec![Value::from(subject.level.uri(version))];
        if !extra.is_empty() {
            profile.push(Value::Object(extra));
        }
        Value::Array(profile)
    }
}

/// Version 3.0.
pub mod v3 {
    use super::{ApiVersion, InfoSubject, Map, PROTOCOL, Value};

    /// The document of Image API 3.0 §5.
    pub fn info(subject: &InfoSubject<'_>) -> Value {
        let version = ApiVersion::V3;
        let mut info = Map::new();
        let mut put = |key: &str, value: Value| info.insert(key.to_owned(), value);
        put("@context", version.context().into());
        put("id", subject.id.as_str().into());
        put("type", "ImageService3".into());
        put("protocol", PROTOCOL.into());
        put("profile", subject.level.name().into());
        put("width", subject.size.width_px.into());
        put("height", subject.size.height_px.into());
        super::insert_limits(&mut info, &subject.limits);
        let mut put = |key: &str, value: Value| info.insert(key.to_owned(), value);
        put("sizes", super::sizes_json(subject, version));
        put("tiles", super::tiles_json(subject.grid()));
        if let Some(rights) = &subject.rights {
            put("rights", rights.as_str().into());
        }
        let preferred = subject.preferred_formats.iter().filter(|format| subject.formats.contains(format));
        let preferred = preferred.map(|format| format.extension().into()).collect();
        super::insert_unless_empty(&mut info, "preferredFormats", preferred);
        super::insert_unless_empty(&mut info, "extraFormats", super::extra_formats(subject, version));
        super::insert_unless_empty(&mut info, "extraQualities", super::extra_qualities(subject, version));
        super::insert_unless_empty(&mut info, "extraFeatures", super::extra_features(subject, version));
        super::insert_unless_empty(&mut info, "partOf", subject.part_of.clone());
        super::insert_unless_empty(&mut info, "seeAlso", subject.see_also.clone());
        super::insert_unless_empty(&mut info, "service", subject.service.clone());
        if let Some(pages) = subject.pages {
            info.insert("pageCount".to_owned(), pages.into());
        }
        Value::Object(info)
    }
}

/// The regions of the tiles at one scale factor, row by row, cut at the edges.
pub(super) fn tile_regions(grid: TileGrid, factor: u32) -> impl Iterator<Item = Rect> {
    let Dimensions { width_px, height_px } = grid.image;
    let step = |tile: u32| u64::from(tile.max(1)) * u64::from(factor);
    let (step_x, step_y) = (step(grid.tile.width_px), step(grid.tile.height_px));
    let starts = |side: u32, step: u64| (0..u64::from(side)).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    starts(height_px, step_y).flat_map(move |y| {
        starts(width_px, step_x).map(move |x| {
            let w = step_x.min(u64::from(width_px) - x);
            let h = step_y.min(u64::from(height_px) - y);
            Rect::new(x as u32, y as u32, w as u32, h as u32)
        })
    })
}
