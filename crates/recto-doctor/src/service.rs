//! What an `info.json` announces, read as leniently as viewers read it.

use std::collections::BTreeSet;

use recto_iiif::{
    Dimensions, Rect,
    image::{ApiVersion, ComplianceLevel, Limits, TileGrid},
};
use serde_json::Value;

use crate::address::Address;

/// An image service.
#[derive(Clone, Debug)]
pub(crate) struct ImageService {
    /// Where its `info.json` was found, without `/info.json`.
    pub(crate) base: Address,
    /// `id` or `@id`.
    pub(crate) id: Option<String>,
    pub(crate) version: ApiVersion,
    pub(crate) level: Option<ComplianceLevel>,
    pub(crate) size: Dimensions,
    pub(crate) tiles: Vec<TileSet>,
    pub(crate) sizes: Vec<Dimensions>,
    pub(crate) limits: Limits,
    /// Features, formats and qualities beyond the level, by name.
    pub(crate) extra: BTreeSet<String>,
    pub(crate) document: Value,
}

/// An entry of `tiles`.
#[derive(Clone, Debug)]
pub(crate) struct TileSet {
    pub(crate) tile: Dimensions,
    pub(crate) factors: Vec<u32>,
    /// True where `height` is given.
    pub(crate) has_height: bool,
}

impl ImageService {
    /// Reads an `info.json`; `None` when it has no size, without which nothing can be asked for.
    pub(crate) fn read(base: Address, document: Value) -> Option<Self> {
        let number = |value: &Value, name: &str| {
            let number = value.get(name)?.as_u64().filter(|number| *number > 0)?;
            u32::try_from(number).ok()
        };
        let size = Dimensions::new(number(&document, "width")?, number(&document, "height")?);
        let version = version(&document);
        // Version 2 keeps what is beyond the level in an object within `profile`.
        let profiles = match document.get("profile") {
            Some(Value::Array(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        let level = profiles.iter().filter_map(Value::as_str).find_map(level);
        let beyond: Vec<&Value> =
            std::iter::once(&document).chain(profiles.iter().filter(|profile| profile.is_object())).collect();
        let limit = |name: &str| beyond.iter().find_map(|place| number(place, name));
        let limits = Limits {
            max_width_px: limit("maxWidth"),
            max_height_px: limit("maxHeight"),
            max_area_px: beyond.iter().find_map(|place| place.get("maxArea")?.as_u64()),
        };
        let names = ["extraFeatures", "extraFormats", "extraQualities", "supports", "formats", "qualities"];
        let lists = beyond.iter().flat_map(|place| names.iter().filter_map(|name| place.get(*name)?.as_array()));
        let extra = lists.flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
        let list = |name: &str| document.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let tiles = list("tiles").iter().filter_map(|tile| tile_set(tile, number)).collect();
        let sizes = list("sizes");
        let sizes =
            sizes.iter().filter_map(|size| Some(Dimensions::new(number(size, "width")?, number(size, "height")?)));
        let id = document.get("id").or_else(|| document.get("@id")).and_then(Value::as_str).map(ToOwned::to_owned);
        let sizes = sizes.collect();
        Some(Self { base, id, version, level, size, tiles, sizes, limits, extra, document })
    }

    /// The tiles that viewers ask for: the first set, or the size that they choose themselves.
    pub(crate) fn grid(&self) -> TileGrid {
        let stored = self.tiles.first().map(|set| set.tile);
        TileGrid::announced(self.size, stored, &self.limits)
    }

    pub(crate) fn address(&self, path: &str) -> Address {
        self.base.with_path(format!("{}/{path}", self.base.path))
    }

    pub(crate) fn is_level_0(&self) -> bool {
        self.level == Some(ComplianceLevel::Level0)
    }

    /// The request for a tile as viewers write it in this version.
    pub(crate) fn tile_path(&self, region: Rect, size: Dimensions) -> String {
        let region = if region == self.size.rect() { "full".to_owned() } else { region.to_string() };
        match self.version {
            ApiVersion::V2 => format!("{region}/{},/0/default.jpg", size.width_px),
            ApiVersion::V3 => format!("{region}/{},{}/0/default.jpg", size.width_px, size.height_px),
        }
    }

    /// The word for the size of the whole.
    pub(crate) const fn max(&self) -> &'static str {
        match self.version {
            ApiVersion::V2 => "full",
            ApiVersion::V3 => "max",
        }
    }
}

fn tile_set(tile: &Value, number: impl Fn(&Value, &str) -> Option<u32>) -> Option<TileSet> {
    let width = number(tile, "width")?;
    let height = number(tile, "height");
    let factors = tile.get("scaleFactors").and_then(Value::as_array).into_iter().flatten();
    let factors = factors.filter_map(|factor| factor.as_u64().filter(|factor| *factor > 0));
    Some(TileSet {
        tile: Dimensions::new(width, height.unwrap_or(width)),
        factors: factors.filter_map(|factor| u32::try_from(factor).ok()).collect(),
        has_height: height.is_some(),
    })
}

/// True for a document that is an `info.json` of any version.
pub(crate) fn is_info(document: &Value) -> bool {
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    text("protocol") == recto_iiif::image::PROTOCOL
        || text("type").starts_with("ImageService")
        || contexts(document).iter().any(|context| context.contains("/image/"))
        || (document.get("width").is_some() && document.get("height").is_some() && document.get("profile").is_some())
}

/// The values of `@context`.
pub(crate) fn contexts(document: &Value) -> Vec<&str> {
    match document.get("@context") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn version(document: &Value) -> ApiVersion {
    let is_3 = document.get("type").and_then(Value::as_str) == Some("ImageService3")
        || contexts(document).contains(&ApiVersion::V3.context());
    if is_3 { ApiVersion::V3 } else { ApiVersion::V2 }
}

/// The level in a profile: `level2` or the URI of the document, whatever its version.
pub(crate) fn level(profile: &str) -> Option<ComplianceLevel> {
    let levels = [ComplianceLevel::Level0, ComplianceLevel::Level1, ComplianceLevel::Level2];
    levels.into_iter().find(|level| {
        profile == level.name()
            || profile.ends_with(&format!("/{}.json", level.name()))
            || profile.ends_with(&format!("#{}", level.name()))
    })
}
