//! What is made of the originals.

use recto_engine::RenderOptions;
use recto_iiif::Dimensions;
use recto_iiif::image::{ApiVersion, Format, Limits};

/// Bump when the same options would give other files than before.
const FILES_VERSION: u32 = 1;

/// What is made of the originals.
#[derive(Clone, Debug)]
pub struct TileOptions {
    /// The URL under which the tree will be served, without a slash at its end.
    pub url: String,
    /// Which versions of the Image API; with more than one, each gets a folder of its own.
    pub versions: Vec<ApiVersion>,
    /// Side of a tile in pixels; `None` is the stored grid where there is one, as the live server announces it.
    pub tile_px: Option<u32>,
    /// Side of a tile in pixels where there is no stored grid.
    pub flat_tile_px: u32,
    /// Formats, best first; JPEG is always among them.
    pub formats: Vec<Format>,
    /// Further sizes of the whole image: the longer side in pixels.
    pub sizes: Vec<u32>,
    /// Most pixels of a file that shows the whole image; larger images are shown whole at the next level below.
    pub largest_px: u64,
    /// How pictures are made.
    pub render: RenderOptions,
    /// Images of at least so many pixels whose files have no reduced sizes get them for as long as it takes: the live server's option
    /// `image.pyramid_from_pixels`, on which pixels depend.
    pub pyramid_from_px: Option<u64>,
    /// Licence or rights statement, a URI.
    pub rights: Option<String>,
    /// Threads.
    pub threads: usize,
    /// Replace files that this did not make.
    pub overwrite: bool,
    /// Remove what was made of originals that are gone.
    pub prune: bool,
    /// Most bytes that decoding one original may hold.
    pub max_bytes: u64,
}

impl Default for TileOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            versions: vec![ApiVersion::V3],
            tile_px: None,
            flat_tile_px: 512,
            formats: vec![Format::Jpg],
            sizes: Vec::new(),
            largest_px: 25_000_000,
            render: RenderOptions::default(),
            pyramid_from_px: None,
            rights: None,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            overwrite: false,
            prune: false,
            max_bytes: 4 << 30,
        }
    }
}

impl TileOptions {
    /// What stands before the identifiers of a version.
    pub(crate) fn prefix(&self, version: ApiVersion) -> &'static str {
        match version {
            _ if self.versions.len() < 2 => "",
            ApiVersion::V2 => "2/",
            ApiVersion::V3 => "3/",
        }
    }

    /// Images above the largest are announced with the area of their largest level below it, so that `max` is that level.
    pub(crate) fn limits(&self, size: Dimensions) -> Limits {
        let mut level = size;
        let mut factor = 1_u32;
        while level.area_px() > self.largest_px.max(1) && level != Dimensions::new(1, 1) {
            let Some(next) = factor.checked_mul(2) else { break };
            factor = next;
            level = size.reduced(factor);
        }
        Limits { max_area_px: (factor > 1).then(|| level.area_px()), ..Limits::NONE }
    }

    /// Everything that makes a difference to pictures, in words.
    pub(crate) fn words(&self) -> String {
        format!(
            "{FILES_VERSION} {:?} {:?} {} {:?} {:?} {} {:?} {:?}",
            self.versions,
            self.tile_px,
            self.flat_tile_px,
            self.formats,
            self.sizes,
            self.largest_px,
            self.render,
            self.pyramid_from_px
        )
    }

    /// Everything that makes a difference to `info.json` alone, in words.
    pub(crate) fn document_words(&self) -> String {
        format!("{} {:?}", self.url, self.rights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_above_the_largest_is_limited_to_a_level_of_its_own() {
        let options = TileOptions::default();
        for (size, want) in [
            ((5000, 5000), None),
            ((5001, 5000), Some(2501 * 2500)),
            ((20_000, 15_000), Some(5000 * 3750)),
            ((u32::MAX, u32::MAX), Some(4096 * 4096)),
        ] {
            assert_eq!(options.limits(Dimensions::new(size.0, size.1)).max_area_px, want, "{size:?}");
        }
        let none = TileOptions { largest_px: 0, ..options };
        assert_eq!(none.limits(Dimensions::new(300, 200)).max_area_px, Some(1));
    }
}
