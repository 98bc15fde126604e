//! Some tiles of what was read, remembered to be compared with what was written.

use recto_codec::Raster;
use recto_iiif::{Dimensions, Rect};

/// Tiles that are remembered of a page.
const TILES: u64 = 12;

/// Parts of an image, collected while its rows pass.
pub(crate) struct Samples {
    parts: Vec<(Rect, Vec<u8>)>,
    row: u32,
}

impl Samples {
    /// Chooses tiles: the corners, the middle, and others that differ from image to image.
    pub(crate) fn choose(size: Dimensions, tile: u32, seed: u64) -> Self {
        let across = u64::from(size.width_px.div_ceil(tile));
        let down = u64::from(size.height_px.div_ceil(tile));
        let total = across * down;
        let mut chosen = vec![0, across - 1, total - across, total - 1, (down / 2) * across + across / 2];
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for _ in chosen.len() as u64..TILES {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            chosen.push((state >> 33) % total);
        }
        chosen.sort_unstable();
        chosen.dedup();
        let part = |number: u64| {
            let (x, y) = ((number % across) as u32 * tile, (number / across) as u32 * tile);
            Rect::new(x, y, tile.min(size.width_px - x), tile.min(size.height_px - y))
        };
        Self { parts: chosen.into_iter().map(|number| (part(number), Vec::new())).collect(), row: 0 }
    }

    /// Looks at the next rows.
    pub(crate) fn take(&mut self, rows: &Raster) {
        let pixel = rows.format().bytes_per_pixel();
        for y in 0..rows.height_px() {
            let at = self.row + y;
            for (rect, data) in &mut self.parts {
                if at >= rect.y && u64::from(at) < rect.bottom() {
                    let row = rows.row(y);
                    data.extend_from_slice(&row[rect.x as usize * pixel..rect.right() as usize * pixel]);
                }
            }
        }
        self.row += rows.height_px();
    }

    /// What was collected, once all rows have passed.
    pub(crate) fn into_parts(self) -> Vec<(Rect, Vec<u8>)> {
        self.parts
    }
}
