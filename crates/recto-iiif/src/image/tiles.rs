//! Level 0: every request that viewers make of a static tree, and nothing else. Compliance documents, §5.

use std::collections::HashSet;

use crate::Dimensions;

use super::{
    ApiVersion, InfoSubject,
    info::tile_regions,
    size::{Target, scale_factors, scaled},
};

/// The paths below the image's base URI that have to exist as files, `region/size/0/default.jpg`, each once.
///
/// For every tile, the canonical form of the version (3: `w,h`; 2: `w,`). For the tile that is the whole image, both `full` and its
/// coordinates, as OpenSeadragon writes the one and Leaflet-IIIF the other. For every entry of `sizes`, the whole image at
/// that size (in version 2 as `w,` and `w,h`), and the largest as `max` (in version 2 also `full`). In version 2,
/// OpenSeadragon writes the size `full` for any tile that is as wide as the whole image, so those are there as well.
pub fn level0(subject: &InfoSubject<'_>, version: ApiVersion) -> impl Iterator<Item = String> {
    let grid = subject.grid();
    let image = grid.image;
    // A tile one pixel wide or high can have the same URL at two factors, and then the finer one is meant.
    let mut seen = HashSet::new();
    let tiles = scale_factors(grid)
        .flat_map(move |factor| tile_regions(grid, factor).map(move |region| (factor, region)))
        .filter_map(move |(factor, region)| {
            let size = scaled(region, grid, Target::Factor(factor));
            let text = size_text(size, version);
            let may_repeat = size.width_px == 1 || size.height_px == 1;
            (!may_repeat || seen.insert((region.to_string(), text.clone()))).then_some((factor, region, text))
        })
        .flat_map(move |(factor, region, text)| {
            let wide = version == ApiVersion::V2 && factor == 1 && region.w == image.width_px;
            let own = wide.then(|| format!("{region}/full/0/default.jpg"));
            std::iter::once(format!("{region}/{text}/0/default.jpg")).chain(own)
        });
    tiles.chain(full_texts(subject, version).into_iter().map(|size| format!("full/{size}/0/default.jpg")))
}

/// The sizes at which the whole image is asked for.
fn full_texts(subject: &InfoSubject<'_>, version: ApiVersion) -> Vec<String> {
    let grid = subject.grid();
    let mut texts = vec!["max".to_owned()];
    if version == ApiVersion::V2 && subject.limits.allow(grid.image) {
        texts.push("full".to_owned());
    }
    for size in subject.sizes(version) {
        texts.push(size_text(size, version));
        texts.push(format!("{},{}", size.width_px, size.height_px));
    }
    let mut seen = HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts
}

fn size_text(size: Dimensions, version: ApiVersion) -> String {
    match version {
        ApiVersion::V2 => format!("{},", size.width_px),
        ApiVersion::V3 => format!("{},{}", size.width_px, size.height_px),
    }
}
