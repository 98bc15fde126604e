//! The URLs that viewers build from `info.json`, read off their packages.
//!
//! - OpenSeadragon 6.1.1 (its IIIF tile source; Universal Viewer 4.4.0 and Mirador 4.0.0 use the same class): level sizes and
//!   tile sizes are rounded up. A level smaller than a tile in *both* directions is asked for as `full`, as is a tile that covers the image.
//!   The size is `w,h` in version 3. In version 2 it is `w,` for small levels and from level 0 servers, else `w,h`; the
//!   release inside Mirador writes `w,` for all. Where the width equals the image's (version 2), or both sides do (version 3), it
//!   writes `full` or `max`. When `sizes` has one entry for each level it takes the level sizes from there.
//! - Leaflet-IIIF 3.0.0: powers of two from the tile width, coordinates always (never `full`), sizes rounded up, `w,h` in version 3
//!   and `w,` in version 2. It knows square tiles only.

use recto_iiif::image::ApiVersion;
use serde_json::Value;

/// A tile as a viewer asks for it, and the size at which it lays it out.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Of the URL.
    pub region: String,
    /// Of the URL.
    pub size: String,
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u64,
}

/// What a viewer reads from `info.json`.
#[derive(Clone, Debug)]
pub struct Announced {
    /// Of the image.
    pub width: u64,
    /// Of the image.
    pub height: u64,
    /// Of a tile.
    pub tile_width: u64,
    /// Of a tile.
    pub tile_height: u64,
    /// `scaleFactors`.
    pub factors: Vec<u64>,
    /// `sizes`.
    pub sizes: Vec<(u64, u64)>,
}

impl Announced {
    /// Reads an `info.json`.
    ///
    /// # Panics
    /// When it lacks what viewers need.
    pub fn read(info: &Value) -> Self {
        let tile = &info["tiles"][0];
        let number = |value: &Value| value.as_u64().expect("a number");
        let tile_width = number(&tile["width"]);
        Self {
            width: number(&info["width"]),
            height: number(&info["height"]),
            tile_width,
            tile_height: tile["height"].as_u64().unwrap_or(tile_width),
            factors: tile["scaleFactors"].as_array().expect("a list").iter().map(number).collect(),
            sizes: (info["sizes"].as_array().expect("a list").iter())
                .map(|size| (number(&size["width"]), number(&size["height"])))
                .collect(),
        }
    }

    /// Level sizes as OpenSeadragon sees them, finest first: from `sizes` when those are one for each level.
    fn level_sizes(&self) -> Vec<(u64, u64)> {
        let computed = self.factors.iter().map(|s| (self.width.div_ceil(*s), self.height.div_ceil(*s))).collect();
        let mut sizes = self.sizes.clone();
        sizes.sort_by_key(|size| size.0);
        if sizes.last().is_none_or(|largest| largest.0 < self.width && largest.1 < self.height) {
            sizes.push((self.width, self.height));
        }
        sizes.reverse();
        let round = |whole: u64, part: u64| (2 * whole + part) / (2 * part);
        let one_per_level = sizes.len() == self.factors.len()
            && sizes
                .iter()
                .zip(&self.factors)
                .all(|(size, s)| round(self.width, size.0) == *s && round(self.height, size.1) == *s);
        if one_per_level { sizes } else { computed }
    }
}

/// How OpenSeadragon writes sizes in version 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Widths {
    /// `w,h` for tiles in version 2.
    Both,
    /// `w,` for tiles in version 2.
    Only,
}

/// Every tile that OpenSeadragon asks for, and so Mirador and Universal Viewer.
pub fn openseadragon(info: &Announced, version: ApiVersion, widths: Widths) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (&factor, (level_width, level_height)) in info.factors.iter().zip(info.level_sizes()) {
        let (tile_width, tile_height) = (info.tile_width, info.tile_height);
        for row in 0..level_height.div_ceil(tile_height) {
            for column in 0..level_width.div_ceil(tile_width) {
                let (x, y) = (column * tile_width * factor, row * tile_height * factor);
                let (w, h) = ((tile_width * factor).min(info.width - x), (tile_height * factor).min(info.height - y));
                let small = level_width < tile_width && level_height < tile_height;
                let (width, height) = if small {
                    (level_width, level_height)
                } else {
                    (
                        tile_width.min(level_width - column * tile_width),
                        tile_height.min(level_height - row * tile_height),
                    )
                };
                let covers = small || (x == 0 && y == 0 && w == info.width && h == info.height);
                let size = match version {
                    ApiVersion::V2 if width == info.width => "full".to_owned(),
                    ApiVersion::V3 if width == info.width && height == info.height => "max".to_owned(),
                    ApiVersion::V2 if small || widths == Widths::Only => format!("{width},"),
                    _ => format!("{width},{height}"),
                };
                let region = if covers { "full".to_owned() } else { format!("{x},{y},{w},{h}") };
                asked.push(Asked { region, size, width, height });
            }
        }
    }
    asked
}

/// Every tile that Leaflet-IIIF asks for. It knows square tiles only.
pub fn leaflet(info: &Announced, version: ApiVersion) -> Vec<Asked> {
    let mut asked = Vec::new();
    for &factor in &info.factors {
        let step = info.tile_width * factor;
        for y in (0..info.height).step_by(step as usize) {
            for x in (0..info.width).step_by(step as usize) {
                let (w, h) = (step.min(info.width - x), step.min(info.height - y));
                let (width, height) = (w.div_ceil(factor), h.div_ceil(factor));
                let size = match version {
                    ApiVersion::V2 => format!("{width},"),
                    ApiVersion::V3 => format!("{width},{height}"),
                };
                asked.push(Asked { region: format!("{x},{y},{w},{h}"), size, width, height });
            }
        }
    }
    asked
}
