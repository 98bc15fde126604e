//! The one table of output formats: every API version's list and every media type is read from here.

/// A format that a client may ask for: those of Image API 3.0 §4.5 and 2.1.1 §4.5, and two that both versions let a server
/// announce beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// JPEG.
    Jpg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// GIF.
    Gif,
    /// TIFF.
    Tif,
    /// JPEG 2000.
    Jp2,
    /// PDF.
    Pdf,
    /// AVIF: not in the specifications' tables.
    Avif,
    /// JPEG XL: not in the specifications' tables.
    Jxl,
}

impl Format {
    /// Every format that the specifications name.
    pub const SPECIFIED: [Self; 7] = [Self::Jpg, Self::Png, Self::Webp, Self::Gif, Self::Tif, Self::Jp2, Self::Pdf];

    /// Every format that has a word here.
    pub const ALL: [Self; 9] =
        [Self::Jpg, Self::Png, Self::Webp, Self::Gif, Self::Tif, Self::Jp2, Self::Pdf, Self::Avif, Self::Jxl];

    /// The word used in URLs, without a dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Tif => "tif",
            Self::Jp2 => "jp2",
            Self::Pdf => "pdf",
            Self::Avif => "avif",
            Self::Jxl => "jxl",
        }
    }

    /// The media type of an answer in this format.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Tif => "image/tiff",
            Self::Jp2 => "image/jp2",
            Self::Pdf => "application/pdf",
            Self::Avif => "image/avif",
            Self::Jxl => "image/jxl",
        }
    }

    /// True for formats that can hold transparent pixels.
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::Png | Self::Webp | Self::Gif | Self::Tif | Self::Avif | Self::Jxl)
    }

    /// The format with this URL word.
    pub fn from_extension(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.extension() == word)
    }
}
