//! What a file holds, read from its headers alone.

use std::fmt;
use std::sync::Arc;

use recto_iiif::Dimensions;

/// A format that originals are stored in. (`recto_iiif::image::Format` is what clients ask for.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// TIFF or BigTIFF.
    Tiff,
    /// WebP.
    Webp,
    /// GIF.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// JPEG 2000 (JP2, JPX, or a bare codestream), also with high-throughput blocks (HTJ2K, JPH).
    Jp2,
    /// JPEG XL.
    Jxl,
    /// AVIF.
    Avif,
    /// HEIC.
    Heic,
    /// PDF.
    Pdf,
    /// Photoshop document.
    Psd,
    /// DICOM.
    Dicom,
    /// FITS.
    Fits,
    /// OpenEXR.
    Exr,
    /// SVG.
    Svg,
    /// X pixmap.
    Xpm,
}

impl SourceFormat {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Jpeg,
        Self::Tiff,
        Self::Png,
        Self::Webp,
        Self::Gif,
        Self::Bmp,
        Self::Jp2,
        Self::Jxl,
        Self::Avif,
        Self::Heic,
        Self::Pdf,
        Self::Psd,
        Self::Dicom,
        Self::Fits,
        Self::Exr,
        Self::Svg,
        Self::Xpm,
    ];

    /// What the names of its files end with, in small letters; the usual one comes first. A name is a hint: what a file is, its
    /// content says.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg", "jpe"],
            Self::Png => &["png"],
            Self::Tiff => &["tif", "tiff", "ptif", "ptiff", "btf", "svs", "ndpi"],
            Self::Webp => &["webp"],
            Self::Gif => &["gif"],
            Self::Bmp => &["bmp"],
            Self::Jp2 => &["jp2", "jpx", "jpf", "j2k", "j2c", "jph"],
            Self::Jxl => &["jxl"],
            Self::Avif => &["avif"],
            Self::Heic => &["heic", "heif"],
            Self::Pdf => &["pdf"],
            Self::Psd => &["psd", "psb"],
            Self::Dicom => &["dcm", "dicom"],
            Self::Fits => &["fits", "fit", "fts"],
            Self::Exr => &["exr"],
            Self::Svg => &["svg"],
            Self::Xpm => &["xpm"],
        }
    }

    /// The format whose files have names that end with this, in large letters or small ones.
    pub fn of_extension(extension: &str) -> Option<Self> {
        let has = |format: &Self| format.extensions().iter().any(|known| extension.eq_ignore_ascii_case(known));
        Self::ALL.into_iter().find(has)
    }

    /// True when files of it may be read in parts (see [`crate::is_read_in_parts`]).
    pub const fn may_be_read_in_parts(self) -> bool {
        matches!(self, Self::Tiff | Self::Pdf)
    }

    /// The usual media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Tiff => "image/tiff",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Jp2 => "image/jp2",
            Self::Jxl => "image/jxl",
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
            Self::Pdf => "application/pdf",
            Self::Psd => "image/vnd.adobe.photoshop",
            Self::Dicom => "application/dicom",
            Self::Fits => "image/fits",
            Self::Exr => "image/x-exr",
            Self::Svg => "image/svg+xml",
            Self::Xpm => "image/x-xpixmap",
        }
    }
}

impl fmt::Display for SourceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Tiff => "TIFF",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Jp2 => "JPEG 2000",
            Self::Jxl => "JPEG XL",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
            Self::Pdf => "PDF",
            Self::Psd => "PSD",
            Self::Dicom => "DICOM",
            Self::Fits => "FITS",
            Self::Exr => "OpenEXR",
            Self::Svg => "SVG",
            Self::Xpm => "XPM",
        })
    }
}

/// What the stored samples mean, before any conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColorModel {
    /// Black and white only.
    Bitonal,
    /// Shades of gray.
    Gray,
    /// Colour as red, green and blue (also: palette, `YCbCr`).
    Rgb,
    /// Inks (also: YCCK).
    Cmyk,
    /// CIELAB.
    Lab,
}

/// The EXIF and TIFF orientation: how stored rows and columns are to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Normal = 1,
    /// 2: mirrored left to right.
    MirrorHorizontal = 2,
    /// 3: turned by 180°.
    Rotate180 = 3,
    /// 4: mirrored top to bottom.
    MirrorVertical = 4,
    /// 5: transposed (mirrored left to right, then turned 270° clockwise).
    Transpose = 5,
    /// 6: to be turned 90° clockwise for showing.
    Rotate90 = 6,
    /// 7: transversed (mirrored left to right, then turned 90° clockwise).
    Transverse = 7,
    /// 8: to be turned 270° clockwise for showing.
    Rotate270 = 8,
}

impl Orientation {
    /// All of them, by their tag values.
    pub const ALL: [Self; 8] = [
        Self::Normal,
        Self::MirrorHorizontal,
        Self::Rotate180,
        Self::MirrorVertical,
        Self::Transpose,
        Self::Rotate90,
        Self::Transverse,
        Self::Rotate270,
    ];

    /// The orientation with this tag value; anything but 2 to 8 shows as stored.
    pub const fn from_tag(value: u64) -> Self {
        match value {
            2 => Self::MirrorHorizontal,
            3 => Self::Rotate180,
            4 => Self::MirrorVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Normal,
        }
    }

    /// True for 5 to 8: width and height change places.
    pub const fn is_transposed(self) -> bool {
        self as u8 >= 5
    }

    /// The size as shown of an image stored with `stored` pixels.
    #[must_use]
    pub const fn shown(self, stored: Dimensions) -> Dimensions {
        if self.is_transposed() { stored.transposed() } else { stored }
    }
}

/// The grid in which a level is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileGrid {
    /// Size of a stored tile; those at the right and bottom edge are padded to it.
    pub tile: Dimensions,
    /// True when tiles are complete images that can leave as they lie (see [`crate::Decoder::stored_tile`]).
    pub passes_through: bool,
}

/// One resolution of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its true size in stored pixels (orientation not applied).
    pub size: Dimensions,
    /// Its tiles, when it is stored in tiles; `None` for rows and strips.
    pub grid: Option<TileGrid>,
}

/// Everything one must know of an image before any pixel is decoded.
#[derive(Clone, Debug)]
pub struct ImageFacts {
    /// What it is stored as.
    pub source_format: SourceFormat,
    /// How the pixels are packed, for people: `JPEG, tiled 256x256`.
    pub compression: String,
    /// The resolutions, largest first; never empty. Only true reductions of the first are here, pages are not.
    pub levels: Vec<Level>,
    /// Powers of two by which decoding itself can shrink, cheaply: 1 for most formats, 8 for JPEG (1, 2, 4 and 8).
    pub max_denominator: u32,
    /// Number of pages in the file; at least 1.
    pub pages: u32,
    /// How it is to be shown.
    pub orientation: Orientation,
    /// What its samples mean.
    pub color: ColorModel,
    /// Bits per sample as stored: 1, 2, 4, 8, 16 …
    pub bits_per_sample: u8,
    /// True when pixels may be transparent.
    pub has_alpha: bool,
    /// The embedded ICC profile, as it lies in the file.
    pub icc: Option<Arc<[u8]>>,
    /// Resolution in dots per inch, when the file says it (horizontal, vertical).
    pub dpi: Option<(f64, f64)>,
}

impl ImageFacts {
    /// Size in stored pixels, orientation not applied.
    ///
    /// # Panics
    /// Never for facts that a decoder gave: there is at least one level.
    pub fn stored_size(&self) -> Dimensions {
        self.levels.first().expect("a decoder gives at least one level").size
    }

    /// Size as shown: what `info.json` announces as width and height.
    pub fn size(&self) -> Dimensions {
        self.orientation.shown(self.stored_size())
    }

    /// The tiles as shown that are worth announcing, for an image that is stored in tiles: these, so that they can leave as they lie
    /// and are read once. Of JPEG 2000 any part of a tile is read without the rest: larger ones than 512 pixels are divided, so that
    /// a viewer has the first soon.
    pub fn announced_tile(&self) -> Option<Dimensions> {
        let mut tile = self.orientation.shown(self.levels.first()?.grid?.tile);
        let is_even = |side: u32| side.is_multiple_of(2);
        while self.source_format == SourceFormat::Jp2
            && tile.width_px.max(tile.height_px) > LARGEST_READ_IN_PARTS
            && is_even(tile.width_px)
            && is_even(tile.height_px)
        {
            tile = Dimensions::new(tile.width_px / 2, tile.height_px / 2);
        }
        Some(tile)
    }
}

/// The largest side in pixels of announced tiles that need not be read whole.
const LARGEST_READ_IN_PARTS: u32 = 512;

/// What a file says beside its pixels, for programs that copy it into another. Nothing of it is needed to show the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// EXIF as a block of its own: a small TIFF whose first directory points to the rest.
    pub exif: Option<Arc<[u8]>>,
    /// An XMP packet.
    pub xmp: Option<Arc<[u8]>>,
    /// IPTC-IIM records.
    pub iptc: Option<Arc<[u8]>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_belongs_to_one_format() {
        let all: Vec<&str> = SourceFormat::ALL.into_iter().flat_map(SourceFormat::extensions).copied().collect();
        for (index, extension) in all.iter().enumerate() {
            assert!(!all[..index].contains(extension), "{extension}");
            assert_eq!(*extension, extension.to_ascii_lowercase());
        }
        for format in SourceFormat::ALL {
            for extension in format.extensions() {
                assert_eq!(SourceFormat::of_extension(extension), Some(format), "{extension}");
                assert_eq!(SourceFormat::of_extension(&extension.to_uppercase()), Some(format), "{extension}");
            }
        }
        for extension in ["", "xml", "ti", "tif "] {
            assert_eq!(SourceFormat::of_extension(extension), None, "{extension}");
        }
    }
}
