//! What is made of the originals.

use recto_codec::{BigTiff, PyramidCompression, PyramidOptions, Subsampling};

use crate::ConvertError;

/// The format of the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Tiled, pyramidal TIFF.
    #[default]
    Tif,
    /// JPEG 2000.
    Jp2,
    /// JPEG 2000 of high-throughput blocks (HTJ2K).
    Jph,
}

impl Target {
    /// The extension of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Tif => "tif",
            Self::Jp2 => "jp2",
            Self::Jph => "jph",
        }
    }

    /// What the names of such files end with: some of those that [`recto_codec::SourceFormat::extensions`] names. Slide scanners
    /// and bare codestreams have others.
    const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Tif => &["tif", "tiff", "ptif", "ptiff", "btf"],
            Self::Jp2 => &["jp2", "jpx"],
            Self::Jph => &["jph"],
        }
    }

    /// True when a file with this extension is of this format.
    pub(crate) fn has_extension(self, extension: &str) -> bool {
        self.extensions().iter().any(|known| extension.eq_ignore_ascii_case(known))
    }
}

/// When the coefficients of a JPEG original are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lossless {
    /// Where JPEG tiles are made of a JPEG original that can be cut: the largest level is the original itself, cut into tiles.
    #[default]
    Auto,
    /// Never: every tile is encoded anew.
    Never,
}

/// What is made of the originals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvertOptions {
    /// The format of the targets.
    pub target: Target,
    /// How tiles of TIFF are compressed; `None` is JPEG where the pixels allow it (8 bits, no transparency), else Deflate.
    pub compression: Option<PyramidCompression>,
    /// Quality of JPEG, WebP and JPEG 2000, 1..=100; 100 is lossless in JPEG 2000.
    pub quality: u8,
    /// Chroma subsampling of JPEG tiles of TIFF.
    pub subsampling: Subsampling,
    /// When the coefficients of a JPEG original are kept, in TIFF.
    pub lossless: Lossless,
    /// Side of a tile in pixels: a multiple of 16 up to 4096 in TIFF, 256 for `None`; a power of two of at least 64 in JPEG 2000, for
    /// `None` as [`recto_codec::Jp2Options`] has it.
    pub tile: Option<u32>,
    /// The form of a TIFF.
    pub big: BigTiff,
    /// Levels of TIFF are `SubIFDs`.
    pub sub_ifds: bool,
    /// Threads that write a TIFF or HTJ2K; one writes JPEG 2000 of other blocks.
    pub threads: usize,
    /// Replace targets that were not made by a conversion.
    pub overwrite: bool,
    /// Most bytes that decoding one original may hold.
    pub max_bytes: u64,
}

impl Default for ConvertOptions {
    fn default() -> Self {
        let pyramid = PyramidOptions::default();
        Self {
            target: Target::default(),
            compression: None,
            quality: pyramid.quality,
            subsampling: pyramid.subsampling,
            lossless: Lossless::default(),
            tile: None,
            big: pyramid.big,
            sub_ifds: pyramid.sub_ifds,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            overwrite: false,
            max_bytes: 4 << 30,
        }
    }
}

impl ConvertOptions {
    pub(crate) fn pyramid(&self) -> PyramidOptions {
        PyramidOptions {
            tile: self.tif_tile(),
            compression: self.compression.unwrap_or(PyramidCompression::Jpeg),
            quality: self.quality,
            subsampling: self.subsampling,
            big: self.big,
            sub_ifds: self.sub_ifds,
            threads: self.threads,
        }
    }

    /// Side of a tile of TIFF.
    pub(crate) fn tif_tile(&self) -> u32 {
        self.tile.unwrap_or(PyramidOptions::default().tile)
    }

    /// Holds the side of tiles against what the format allows.
    pub(crate) fn check(&self) -> Result<(), ConvertError> {
        let Some(side) = self.tile else { return Ok(()) };
        let (fits, rule) = match self.target {
            Target::Tif => (side.is_multiple_of(16) && (16..=4096).contains(&side), "a multiple of 16 up to 4096"),
            Target::Jp2 | Target::Jph => (side.is_power_of_two() && side >= 64, "a power of two of at least 64"),
        };
        if fits { Ok(()) } else { Err(ConvertError::TileSide { side, target: self.target.extension(), rule }) }
    }

    /// Everything that makes a difference to the target, in words: a journal compares it.
    pub(crate) fn words(&self) -> String {
        if self.target != Target::Tif {
            return format!("{} q{} tiles {:?}", self.target.extension(), self.quality, self.tile);
        }
        format!(
            "{} {:?} q{} {:?} {:?} {} {:?} {}",
            self.target.extension(),
            self.compression,
            self.quality,
            self.subsampling,
            self.lossless,
            self.tif_tile(),
            self.big,
            if self.sub_ifds { "subifd" } else { "chain" }
        )
    }
}

#[cfg(test)]
mod tests {
    use recto_codec::SourceFormat;

    use super::*;

    #[test]
    fn targets_have_extensions_by_which_they_are_read_again() {
        for (target, format) in
            [(Target::Tif, SourceFormat::Tiff), (Target::Jp2, SourceFormat::Jp2), (Target::Jph, SourceFormat::Jp2)]
        {
            assert!(target.has_extension(target.extension()), "{target:?}");
            for extension in target.extensions() {
                assert!(target.has_extension(&extension.to_uppercase()), "{extension}");
                assert_eq!(SourceFormat::of_extension(extension), Some(format), "{extension}");
            }
            assert!(!target.has_extension("svs") && !target.has_extension("j2k"), "{target:?}");
        }
    }
}
