//! `gray` and `bitonal`, opacity onto a background, and the pixel formats that encoders take.

use recto_codec::{PixelFormat, Raster};
use recto_iiif::Dimensions;
use recto_iiif::image::Format;

use crate::EngineError;
use crate::rows::Rows;
use crate::turn::{Held, Turn, TurnedRaster};

/// The luma of sRGB values, by the weights of Rec. 601: those by which JPEG keeps luma, so that a gray tile that is stored luma and
/// one that was rendered show the same tones.
pub(crate) const fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((19_595 * r as u32 + 38_470 * g as u32 + 7_471 * b as u32 + 32_768) >> 16) as u8
}

/// The format after [`to_gray`].
pub(crate) const fn grayed(format: PixelFormat) -> PixelFormat {
    match format {
        PixelFormat::Rgb8 => PixelFormat::Gray8,
        PixelFormat::Rgba8 => PixelFormat::GrayAlpha8,
        PixelFormat::Rgb16 => PixelFormat::Gray16,
        PixelFormat::Rgba16 => PixelFormat::GrayAlpha16,
        same => same,
    }
}

/// As [`luma`], of 16 bits.
const fn luma16([r, g, b]: [u16; 3]) -> u16 {
    ((19_595 * r as u64 + 38_470 * g as u64 + 7_471 * b as u64 + 32_768) >> 16) as u16
}

/// RGB to shades of gray; gray stays. The luma is that of sRGB's values, not of light: what shows as gray keeps its value, and
/// the answer is the same whether it was resampled before or after.
pub(crate) fn to_gray(rows: Raster) -> Raster {
    let to = match rows.format() {
        PixelFormat::Rgb8 => rows.data().as_chunks::<3>().0.iter().map(|rgb| luma(*rgb)).collect(),
        PixelFormat::Rgba8 => {
            rows.data().as_chunks::<4>().0.iter().flat_map(|[r, g, b, a]| [luma([*r, *g, *b]), *a]).collect()
        }
        PixelFormat::Rgb16 | PixelFormat::Rgba16 => {
            let samples = rows.data().as_chunks::<2>().0;
            let pixels = samples.chunks_exact(rows.format().samples());
            let gray = |pixel: &[[u8; 2]]| luma16([pixel[0], pixel[1], pixel[2]].map(u16::from_ne_bytes)).to_ne_bytes();
            pixels.flat_map(|pixel| gray(pixel).into_iter().chain(pixel[3..].iter().flatten().copied())).collect()
        }
        _ => return rows,
    };
    Raster::from_vec(rows.size(), grayed(rows.format()), to)
}

/// The format after [`flatten`].
pub(crate) const fn flattened(format: PixelFormat, background: [u8; 3]) -> PixelFormat {
    let [r, g, b] = background;
    match format {
        PixelFormat::GrayAlpha8 if r == g && g == b => PixelFormat::Gray8,
        PixelFormat::GrayAlpha8 | PixelFormat::Rgba8 => PixelFormat::Rgb8,
        PixelFormat::GrayAlpha16 if r == g && g == b => PixelFormat::Gray16,
        PixelFormat::GrayAlpha16 | PixelFormat::Rgba16 => PixelFormat::Rgb16,
        same => same,
    }
}

/// Lays transparent pixels onto a background.
pub(crate) fn flatten(rows: Raster, background: [u8; 3]) -> Raster {
    let over = |sample: u8, alpha: u8, under: u8| {
        let (alpha, rest) = (u32::from(alpha), 255 - u32::from(alpha));
        ((u32::from(sample) * alpha + u32::from(under) * rest + 127) / 255) as u8
    };
    let to = flattened(rows.format(), background);
    let data = match (rows.format(), to) {
        (PixelFormat::GrayAlpha8, PixelFormat::Gray8) => {
            rows.data().as_chunks::<2>().0.iter().map(|[gray, alpha]| over(*gray, *alpha, background[0])).collect()
        }
        (PixelFormat::GrayAlpha8, _) => {
            let pixels = rows.data().as_chunks::<2>().0.iter();
            pixels.flat_map(|[gray, alpha]| background.map(|under| over(*gray, *alpha, under))).collect()
        }
        (PixelFormat::Rgba8, _) => {
            let [red, green, blue] = background;
            let pixels = rows.data().as_chunks::<4>().0.iter();
            pixels.flat_map(|[r, g, b, a]| [over(*r, *a, red), over(*g, *a, green), over(*b, *a, blue)]).collect()
        }
        (PixelFormat::GrayAlpha16 | PixelFormat::Rgba16, _) => flat_wide(&rows, to.samples(), background),
        _ => return rows,
    };
    Raster::from_vec(rows.size(), to, data)
}

fn flat_wide(rows: &Raster, samples: usize, background: [u8; 3]) -> Vec<u8> {
    let over = |sample: [u8; 2], alpha: u16, under: u8| {
        let (alpha, rest) = (u64::from(alpha), 65_535 - u64::from(alpha));
        let sum = u64::from(u16::from_ne_bytes(sample)) * alpha + u64::from(under) * 257 * rest;
        (((sum + 32_767) / 65_535) as u16).to_ne_bytes()
    };
    let colors = rows.format().samples() - 1;
    let pixels = rows.data().as_chunks::<2>().0.chunks_exact(colors + 1);
    pixels
        .flat_map(|pixel| {
            let alpha = u16::from_ne_bytes(pixel[colors]);
            (0..samples).flat_map(move |at| over(pixel[at.min(colors - 1)], alpha, background[at]))
        })
        .collect()
}

/// The pixel format in which `format`'s encoder takes pixels of this one.
pub(crate) const fn encodable(format: Format, pixels: PixelFormat) -> PixelFormat {
    match (format, pixels) {
        (Format::Webp, PixelFormat::Gray8) => PixelFormat::Rgb8,
        (Format::Webp | Format::Gif, PixelFormat::GrayAlpha8) => PixelFormat::Rgba8,
        (_, same) => same,
    }
}

/// Gray as equal red, green and blue.
pub(crate) fn to_rgb(rows: Raster) -> Raster {
    let (to, data) = match rows.format() {
        PixelFormat::Gray8 => (PixelFormat::Rgb8, rows.data().iter().flat_map(|gray| [*gray; 3]).collect()),
        PixelFormat::GrayAlpha8 => {
            let pixels = rows.data().as_chunks::<2>().0.iter();
            (PixelFormat::Rgba8, pixels.flat_map(|[gray, alpha]| [*gray, *gray, *gray, *alpha]).collect())
        }
        _ => return rows,
    };
    Raster::from_vec(rows.size(), to, data)
}

/// Black below `threshold`, white from it.
pub(crate) fn cut_at(mut rows: Raster, threshold: u8) -> Raster {
    for shade in rows.data_mut() {
        *shade = if *shade >= threshold { 255 } else { 0 };
    }
    rows
}

/// The threshold that separates shades into the two groups with the greatest variance between them (Otsu, 1979). Of
/// equally good ones the middle; 128 for a single shade.
pub(crate) fn otsu(histogram: &[u64; 256]) -> u8 {
    let total: u64 = histogram.iter().sum();
    let sum: f64 = histogram.iter().enumerate().map(|(shade, count)| shade as f64 * *count as f64).sum();
    let (mut below, mut sum_below) = (0_u64, 0.0);
    let mut best = 0.0;
    let mut thresholds = None;
    for (shade, count) in histogram.iter().enumerate().take(255) {
        below += count;
        sum_below += shade as f64 * *count as f64;
        let above = total - below;
        if below == 0 || above == 0 {
            continue;
        }
        let distance = sum_below / below as f64 - (sum - sum_below) / above as f64;
        let between = below as f64 * above as f64 * distance * distance;
        let threshold = shade as u32 + 1;
        match thresholds {
            Some((first, _)) if between == best => thresholds = Some((first, threshold)),
            Some(_) if between < best => {}
            _ => {
                best = between;
                thresholds = Some((threshold, threshold));
            }
        }
    }
    thresholds.map_or(128, |(first, last)| (first + last).div_ceil(2) as u8)
}

/// Gray rows cut at the threshold of the whole picture, which is held until it is known.
pub(crate) struct Otsu<'a> {
    rows: Option<Box<dyn Rows + 'a>>,
    size: Dimensions,
    held: Option<(Held, u8)>,
}

impl<'a> Otsu<'a> {
    pub(crate) fn new(rows: Box<dyn Rows + 'a>) -> Self {
        Self { size: rows.size(), rows: Some(rows), held: None }
    }

    fn read(mut rows: Box<dyn Rows + 'a>) -> Result<(Held, u8), EngineError> {
        let mut picture = TurnedRaster::new(rows.size(), PixelFormat::Gray8, Turn::default());
        let mut histogram = [0; 256];
        while let Some(strip) = rows.next_rows()? {
            for shade in strip.data() {
                histogram[usize::from(*shade)] += 1;
            }
            picture.put(&strip);
        }
        Ok((Held::new(picture.finish()?), otsu(&histogram)))
    }
}

impl Rows for Otsu<'_> {
    fn size(&self) -> Dimensions {
        self.size
    }

    fn format(&self) -> PixelFormat {
        PixelFormat::Gray8
    }

    fn next_rows(&mut self) -> Result<Option<Raster>, EngineError> {
        if let Some(rows) = self.rows.take() {
            self.held = Some(Self::read(rows)?);
        }
        Ok(self.held.as_mut().and_then(|(held, threshold)| Some(cut_at(held.next_piece()?, *threshold))))
    }
}

/// Error diffusion after Floyd and Steinberg, rows alternately from the left and from the right.
pub(crate) struct Dither {
    /// Errors carried to this row and to the next, in sixteenths, with a column more at each side.
    here: Vec<i32>,
    below: Vec<i32>,
    from_right: bool,
}

impl Dither {
    pub(crate) fn new(width_px: u32) -> Self {
        let columns = width_px as usize + 2;
        Self { here: vec![0; columns], below: vec![0; columns], from_right: false }
    }

    /// Takes the next gray rows and gives them in black and white.
    pub(crate) fn rows(&mut self, mut rows: Raster) -> Raster {
        for y in 0..rows.height_px() {
            self.row(rows.row_mut(y));
        }
        rows
    }

    fn row(&mut self, row: &mut [u8]) {
        let last = row.len() - 1;
        for step in 0..row.len() {
            let x = if self.from_right { last - step } else { step };
            // Column `x` of the picture is `x + 1` of the errors.
            let (at, ahead, behind) = if self.from_right { (x + 1, x, x + 2) } else { (x + 1, x + 2, x) };
            let wanted = i32::from(row[x]) * 16 + self.here[at];
            let made = if wanted >= 128 * 16 { 255 } else { 0 };
            let error = (wanted - made * 16) / 16;
            row[x] = made as u8;
            self.here[ahead] += error * 7;
            self.below[behind] += error * 3;
            self.below[at] += error * 5;
            self.below[ahead] += error;
        }
        self.here.fill(0);
        std::mem::swap(&mut self.here, &mut self.below);
        self.from_right = !self.from_right;
    }
}
