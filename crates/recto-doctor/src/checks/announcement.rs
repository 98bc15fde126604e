//! Tiles and sizes as they are announced: what viewers cannot use.

use super::{Check, Concern, Run};
use crate::{examination::Examination, service::TileSet};

pub(super) const ANNOUNCEMENT: Check = Check {
    id: "announcement",
    concern: Concern::Image,
    title: "announced tiles and sizes",
    why: "OpenSeadragon, Mirador and Universal Viewer ask for the announced tiles; Leaflet-IIIF computes powers of two from the first tile width alone.",
    section: "Image API 3.0 §5.4, §5.3",
    run: Run::Looks(announcement),
};

fn announcement(examination: &mut Examination<'_>) {
    let service = examination.image();
    let done = format!("GET {}/info.json", service.base);
    let tiles = service.document.get("tiles").map(ToString::to_string).unwrap_or_default();
    let Some(set) = service.tiles.first() else {
        let remedy = "Announce `tiles` with a width and scale factors 1, 2, 4, … until the image fits in one tile.";
        let message = "no tiles are announced; viewers choose sizes that the server may not be ready for";
        if service.is_level_0() && service.size.width_px.max(service.size.height_px) > 2000 {
            examination.warning("no tiles are announced at level 0; the image cannot be zoomed", &done, "", remedy);
        } else if service.size.width_px.max(service.size.height_px) > 1024 {
            examination.viewer(message, &done, "", remedy);
        }
        return;
    };
    look_at(examination, set, &done, &tiles);
    if service.tiles.len() > 1 {
        let message = "there are several sets of tiles; viewers use only the first";
        examination.note(message, &done, &tiles);
    }
    if service.is_level_0() && service.sizes.is_empty() {
        let remedy = "Announce `sizes` with the sizes of the whole image that are there.";
        examination.viewer("no sizes are announced at level 0; thumbnails cannot be asked for", &done, "", remedy);
    }
    for size in &service.sizes {
        let [w, h, width, height] =
            [service.size.width_px, service.size.height_px, size.width_px, size.height_px].map(f64::from);
        // Either side may have been computed from the other.
        if (height - width * h / w).abs() > 1.5 && (width - height * w / h).abs() > 1.5 {
            let remedy = "List sizes of the shape of the image.";
            examination.viewer("a listed size has another shape than the image", &done, &format!("{size} px"), remedy);
        }
    }
    if examination.is_clean() {
        examination.pass("all viewers can use what is announced", &done, &tiles);
    }
}

fn look_at(examination: &mut Examination<'_>, set: &TileSet, done: &str, tiles: &str) {
    let service = examination.image();
    if set.factors.is_empty() {
        let remedy = "Write `scaleFactors`.";
        examination.error("the tiles have no `scaleFactors`", done, tiles, remedy);
    }
    if set.factors.iter().any(|factor| !factor.is_power_of_two()) {
        let remedy = "Use 1, 2, 4, 8, …";
        examination.viewer("a scale factor is no power of two, which Leaflet-IIIF cannot use", done, tiles, remedy);
    }
    if set.has_height && set.tile.height_px != set.tile.width_px {
        let remedy = "Announce square tiles; the server cuts others out of its files.";
        examination.viewer("the tiles are not square, which Leaflet-IIIF cannot use", done, tiles, remedy);
    }
    let largest = set.factors.iter().copied().max().unwrap_or(1);
    let whole = service.size.reduced(largest);
    let (w, h) = (set.tile.width_px, set.tile.height_px);
    if !set.factors.is_empty() && (whole.width_px > w.saturating_mul(2) || whole.height_px > h.saturating_mul(2)) {
        let remedy = "Go on with scale factors until the image fits in one tile.";
        let message = "the scale factors end before the image fits in a tile; viewers need many tiles to show it whole";
        examination.viewer(message, done, tiles, remedy);
    }
    if !set.factors.is_empty() && !set.factors.contains(&1) {
        let remedy = "Add the scale factor 1.";
        examination.viewer("the scale factor 1 is missing; the image is never shown at full size", done, tiles, remedy);
    }
    let largest_tile = recto_iiif::Dimensions::new(w.min(service.size.width_px), h.min(service.size.height_px));
    if !service.limits.allow(largest_tile) {
        let remedy = "Announce smaller tiles, or larger limits.";
        examination.error("the tiles are larger than `maxWidth`, `maxHeight` or `maxArea` allow", done, tiles, remedy);
    }
    if w < 128 || h < 128 || w > 4096 || h > 4096 {
        let remedy = "256 to 1024 px serve viewers best.";
        examination.viewer("the tiles are very small or very large", done, tiles, remedy);
    }
}
