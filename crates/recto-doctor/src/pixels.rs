//! Pictures as answers bring them: size, format, and whether two show the same.

use image::{ImageFormat, ImageReader, Limits, RgbImage};
use recto_iiif::Dimensions;

/// How many pixels are decoded at most.
const MOST_AREA_PX: u64 = 100_000_000;

/// The size of a picture, from its header.
pub(crate) fn size(bytes: &[u8]) -> Option<Dimensions> {
    let reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    let (width, height) = reader.into_dimensions().ok()?;
    Some(Dimensions::new(width, height))
}

/// The word for the format that the bytes are in.
pub(crate) fn format(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"%PDF") {
        return Some("pdf");
    }
    if bytes.starts_with(b"\0\0\0\x0cjP  ") || bytes.starts_with(&[0xff, 0x4f, 0xff, 0x51]) {
        return Some("jp2");
    }
    Some(match image::guess_format(bytes).ok()? {
        ImageFormat::Jpeg => "jpg",
        ImageFormat::Png => "png",
        ImageFormat::Gif => "gif",
        ImageFormat::Tiff => "tif",
        ImageFormat::WebP => "webp",
        ImageFormat::Avif => "avif",
        _ => return None,
    })
}

/// The pixels of a JPEG or PNG picture.
pub(crate) fn decode(bytes: &[u8]) -> Option<RgbImage> {
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png)) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_AREA_PX * 4);
    reader.limits(limits);
    Some(reader.decode().ok()?.into_rgb8())
}

/// What is done to a picture before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transform {
    Nothing,
    /// Clockwise by so many quarter turns.
    Turned(u8),
    /// Left and right exchanged.
    Mirrored,
    /// Without colour.
    Gray,
}

impl Transform {
    pub(crate) fn apply(self, picture: &RgbImage) -> RgbImage {
        match self {
            Self::Nothing => picture.clone(),
            Self::Turned(1) => image::imageops::rotate90(picture),
            Self::Turned(2) => image::imageops::rotate180(picture),
            Self::Turned(_) => image::imageops::rotate270(picture),
            Self::Mirrored => image::imageops::flip_horizontal(picture),
            Self::Gray => {
                let mut gray = picture.clone();
                for pixel in gray.pixels_mut() {
                    let [red, green, blue] = pixel.0.map(u32::from);
                    let luma = (299 * red + 587 * green + 114 * blue) / 1000;
                    pixel.0 = [luma as u8; 3];
                }
                gray
            }
        }
    }
}

/// The mean difference of two pictures of one size, in steps of 256; `None` when their sizes differ.
pub(crate) fn difference(one: &RgbImage, two: &RgbImage) -> Option<f64> {
    if one.dimensions() != two.dimensions() || one.is_empty() {
        return None;
    }
    let sum: u64 = one.iter().zip(two.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    Some(sum as f64 / one.len() as f64)
}

/// The mean difference in the columns `from..to`, where the two stand side by side at these offsets.
pub(crate) fn column_difference(one: &RgbImage, two: &RgbImage, shift: u32, from: u32, to: u32) -> f64 {
    let mut sum = 0_u64;
    let mut count = 0_u64;
    for y in 0..one.height().min(two.height()) {
        for x in from..to.min(one.width()) {
            let Some(other) = two.get_pixel_checked(x + shift, y) else { continue };
            let own = one.get_pixel(x, y);
            sum += own.0.iter().zip(other.0).map(|(a, b)| u64::from(a.abs_diff(b))).sum::<u64>();
            count += 3;
        }
    }
    if count == 0 { 0.0 } else { sum as f64 / count as f64 }
}

/// How much the pixels of a picture vary: the mean distance from its mean.
pub(crate) fn variation(picture: &RgbImage) -> f64 {
    let count = picture.len().max(1) as f64;
    let mean = picture.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    picture.iter().map(|value| (f64::from(*value) - mean).abs()).sum::<f64>() / count
}
