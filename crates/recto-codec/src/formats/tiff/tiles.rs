//! Tiles that were decoded for a region of several, remembered for the next region: viewers that do not keep to the grid of the file
//! ask for overlapping regions.

use std::sync::Arc;

use recto_iiif::Rect;

use super::directory::{Compression, Directory};
use crate::{DecodeRequest, Memo, MemoKey, Raster};

/// Tiles up to this many bytes are remembered.
const MOST_BYTES: u64 = 4 << 20;
/// Levels with fewer bytes are decoded again as quickly as their tiles are found.
const SMALL: u64 = 4 << 20;
/// A region may take this part of what is remembered, so that one look at a large image does not push out everything else.
const MOST_PART: u64 = 8;

/// The remembered tiles of one level, decoded at one scale.
#[derive(Debug)]
pub(super) struct Tiles {
    memo: Arc<Memo>,
    image: u64,
    /// Level and scale, as part numbers begin.
    first_part: u64,
    /// New ones are kept: not those of a whole level, which is looked at as a whole once, at one size, and kept at that.
    keeps: bool,
}

impl Tiles {
    /// `None` where they do not pay: a region within one tile is an answer that is kept as a whole.
    pub(super) fn new(memo: &Arc<Memo>, image: u64, directory: &Directory, wanted: &DecodeRequest) -> Option<Self> {
        let layout = &directory.layout;
        if !layout.tiled || directory.compression == Compression::None {
            return None;
        }
        let Rect { x, y, .. } = wanted.region;
        let (w, h) = (layout.chunk.width_px, layout.chunk.height_px);
        let across = wanted.region.right().div_ceil(w.into()) - u64::from(x / w);
        let down = wanted.region.bottom().div_ceil(h.into()) - u64::from(y / h);
        let tile_bytes = layout.chunk.area_px() * directory.interpretation.format.bytes_per_pixel() as u64;
        let level_bytes = directory.size.area_px() * directory.interpretation.format.bytes_per_pixel() as u64;
        let most = memo.max_bytes() / MOST_PART;
        let pays = across * down > 1
            && level_bytes >= SMALL
            && tile_bytes <= MOST_BYTES
            && tile_bytes.saturating_mul(across).saturating_mul(down) / u64::from(wanted.denominator).pow(2) <= most;
        // Below those of bands; chunks have 32 bits.
        let scale = u64::from(wanted.denominator.trailing_zeros());
        let first_part = 1 << 62 | (wanted.level as u64 & 0xff) << 40 | scale << 32;
        let keeps = wanted.region.dimensions() != directory.size;
        pays.then(|| Self { memo: Arc::clone(memo), image, first_part, keeps })
    }

    fn key(&self, index: usize) -> Option<MemoKey> {
        let index = u32::try_from(index).ok()?;
        Some(MemoKey { image: self.image, part: self.first_part | u64::from(index) })
    }

    pub(super) fn get(&self, index: usize) -> Option<Arc<Raster>> {
        self.memo.get(self.key(index)?)
    }

    /// True when tiles that are decoded are to be kept.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    pub(super) fn keep(&self, index: usize, tile: Arc<Raster>) {
        if let Some(key) = self.key(index) {
            let bytes = tile.data().len() as u64;
            self.memo.insert(key, tile, bytes);
        }
    }
}
