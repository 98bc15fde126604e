//! What will be done for a request, as a value: it can be printed, costed, and then executed.

use std::fmt;
use std::sync::Arc;

use recto_codec::formats::WRITABLE;
use recto_codec::{
    ColorModel, Cost, CutRequest, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, PixelFormat, StoredTile,
};
use recto_iiif::image::{Format, Quality, ResolvedRequest};
use recto_iiif::{Dimensions, Rect};

use crate::color::Wanted;
use crate::estimate::{self, Estimate};
use crate::geometry::{self, Axis};
use crate::options::{Bitonal, Depth, Filter, RenderOptions};
use crate::stored::{self, Stored};
use crate::turn::Turn;
use crate::{EngineError, color, quality, rotate};

/// What will be done for a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Plan {
    /// A stored tile leaves as it lies.
    StoredTile {
        /// Index of the level.
        level: usize,
        /// Column in the level's grid.
        column: u32,
        /// Row in the level's grid.
        row: u32,
        /// Bytes of the answer.
        bytes: u64,
        /// The profile that goes into the tile's head.
        profile: Option<Arc<[u8]>>,
    },
    /// A part leaves with its stored coefficients, without decoding: an edge tile cut to what is visible, several tiles put together,
    /// a region of a flat file; turned by quarters, without its colour. Rendered where that cannot be.
    Cut {
        /// Index of the level.
        level: usize,
        /// The part of it.
        part: CutRequest,
        /// What is done when it cannot be cut.
        otherwise: Box<RenderPlan>,
    },
    /// The whole file leaves without being decoded; rendered where that cannot be.
    StoredWhole {
        /// What is done when it cannot leave so.
        otherwise: Box<RenderPlan>,
    },
    /// Pixels are decoded, changed and encoded.
    Render(Box<RenderPlan>),
}

/// How black and white are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threshold {
    /// The original is black and white: its middle.
    Middle,
    /// As the options say.
    By(Bitonal),
}

/// The way of pixels from the original to the answer.
#[derive(Clone, Debug)]
pub struct RenderPlan {
    pub(crate) decode: DecodeRequest,
    pub(crate) level_size: Dimensions,
    /// What the decoder will give, in pixels of the reduced level.
    pub(crate) decoded: Rect,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) filter: Filter,
    /// Orientation, mirroring and quarter turns in one.
    pub(crate) turn: Turn,
    /// What is left of the rotation, in degrees clockwise.
    pub(crate) degrees: Option<f64>,
    /// Size of the answer.
    pub(crate) size: Dimensions,
    pub(crate) color: Wanted,
    pub(crate) color_words: String,
    pub(crate) gray: bool,
    pub(crate) threshold: Option<Threshold>,
    /// Only black and white go in, and nothing blurs them.
    pub(crate) stays_bitonal: bool,
    pub(crate) format: Format,
    pub(crate) jpeg_quality: u8,
    pub(crate) dpi: Option<(f64, f64)>,
    pub(crate) estimate: Estimate,
}

/// Plans a request that was resolved on this image. Does no input or output.
///
/// # Errors
/// [`EngineError::RegionOutside`], [`EngineError::ImpossibleSize`], [`EngineError::FormatNotWritten`].
pub fn plan(decoder: &dyn Decoder, request: &ResolvedRequest, options: &RenderOptions) -> Result<Plan, EngineError> {
    let facts = decoder.facts();
    if !request.region.is_inside(facts.size()) {
        return Err(EngineError::RegionOutside { region: request.region, size: facts.size() });
    }
    if request.size.is_empty() || request.size.area_px() > MOST_PIXELS {
        return Err(EngineError::ImpossibleSize { size: request.size });
    }
    if !WRITABLE.contains(&request.format) {
        return Err(EngineError::FormatNotWritten { format: request.format });
    }
    let stored = stored::find(decoder, request, options);
    if let Some(Stored::Tile { level, column, row }) = stored
        && let Some(tile) = decoder.stored_tile(level, column, row)
    {
        let profile = color::kept_profile(facts, options);
        let tile = stored::with_profile(tile, profile.as_deref());
        let bytes = tile.body.length.saturating_add(tile.head.len() as u64);
        return Ok(Plan::StoredTile { level, column, row, bytes, profile });
    }
    let otherwise = Box::new(render(decoder, request, options)?);
    Ok(match stored {
        Some(Stored::Whole) => Plan::StoredWhole { otherwise },
        _ => match stored::find_cut(decoder, &otherwise, options) {
            Some((level, part)) => Plan::Cut { level, part, otherwise },
            None => Plan::Render(otherwise),
        },
    })
}

/// The stored tile that a request is, if it is one: what [`plan`] would find, without planning anything else.
pub fn stored_request(decoder: &dyn Decoder, request: &ResolvedRequest, options: &RenderOptions) -> Option<StoredTile> {
    match stored::find(decoder, request, options)? {
        Stored::Tile { level, column, row } => {
            let tile = decoder.stored_tile(level, column, row)?;
            Some(stored::with_profile(tile, color::kept_profile(decoder.facts(), options).as_deref()))
        }
        Stored::Whole => None,
    }
}

/// Bytes of any picture can be counted in 64 bits below this.
const MOST_PIXELS: u64 = 1 << 48;

fn render(
    decoder: &dyn Decoder,
    request: &ResolvedRequest,
    options: &RenderOptions,
) -> Result<RenderPlan, EngineError> {
    let facts = decoder.facts();
    let orientation = Turn::of_orientation(facts.orientation);
    let (rotation, degrees) = Turn::of_rotation(request.rotation);
    let turn = orientation.then(rotation);
    let region = orientation.undo(request.region, facts.size());
    let scaled = if orientation.transpose { request.size.transposed() } else { request.size };
    let upright = turn.size(scaled);
    let size = degrees.map_or(upright, |degrees| rotate::bounding_box(upright, degrees));
    if size.area_px() > MOST_PIXELS {
        return Err(EngineError::ImpossibleSize { size });
    }

    let choice = geometry::choose(facts, region, scaled);
    let support = options.filter.support();
    let x = Axis::plan(choice.x, choice.reduced.width_px, scaled.width_px, support);
    let y = Axis::plan(choice.y, choice.reduced.height_px, scaled.height_px, support);
    let level_size = facts.levels.get(choice.level).map_or(facts.stored_size(), |level| level.size);
    let wanted = Rect::new(x.first, y.first, x.count, y.count);
    let decode = DecodeRequest {
        level: choice.level,
        region: enlarged(wanted, choice.denominator, level_size),
        denominator: choice.denominator,
    };
    let bitonal = request.quality == Quality::Bitonal;
    let threshold = match (bitonal, facts.color) {
        (false, _) => None,
        (true, ColorModel::Bitonal) => Some(Threshold::Middle),
        (true, _) => Some(Threshold::By(options.bitonal)),
    };
    let mut plan = RenderPlan {
        decode,
        level_size,
        decoded: DecodedGeometry::reduced_rect(&decode, level_size),
        x,
        y,
        filter: options.filter,
        turn,
        degrees,
        size,
        color: Wanted {
            keep: keeps_profile(facts, request, degrees, options),
            intent: options.intent,
            deep: stays_deep(facts, request, options),
            linear: false,
        },
        color_words: String::new(),
        gray: bitonal || request.quality == Quality::Gray,
        threshold,
        stays_bitonal: facts.color == ColorModel::Bitonal
            // Reduced levels of a black and white page may be gray.
            && (bitonal || (choice.level == 0 && x.is_exact() && y.is_exact() && degrees.is_none())),
        format: request.format,
        jpeg_quality: options.encode.jpeg_quality,
        dpi: dpi(facts, request, degrees),
        estimate: Estimate::default(),
    };
    let keeps_inks = plan.color.keep && facts.color == ColorModel::Cmyk;
    plan.color.linear = options.linear_light && !plan.is_exact() && !keeps_inks;
    plan.color_words = color::describe(facts, plan.color);
    plan.estimate = plan.cost(facts, decoder.cost(&decode), options);
    Ok(plan)
}

/// The pixels of a level that make these of its reduction.
fn enlarged(reduced: Rect, denominator: u32, level: Dimensions) -> Rect {
    let axis = |start: u32, count: u32, level: u32| {
        let from = u64::from(start) * u64::from(denominator);
        let to = ((u64::from(start) + u64::from(count)) * u64::from(denominator)).min(u64::from(level));
        (from as u32, to.saturating_sub(from) as u32)
    };
    let (x, w) = axis(reduced.x, reduced.w, level.width_px);
    let (y, h) = axis(reduced.y, reduced.h, level.height_px);
    Rect::new(x, y, w, h)
}

/// A profile is kept only where the format can embed it and the pixels stay in its space.
fn keeps_profile(facts: &ImageFacts, request: &ResolvedRequest, degrees: Option<f64>, options: &RenderOptions) -> bool {
    let inks = facts.color == ColorModel::Cmyk;
    let embeds = match request.format {
        Format::Jpg | Format::Tif => !(inks && degrees.is_some()),
        Format::Png | Format::Webp | Format::Avif => !inks,
        _ => false,
    };
    let stays = matches!(request.quality, Quality::Default | Quality::Color);
    embeds && stays && color::kept_profile(facts, options).is_some()
}

/// 16 bits stay where they are wanted, the format has them, and the answer is of more than black and white.
fn stays_deep(facts: &ImageFacts, request: &ResolvedRequest, options: &RenderOptions) -> bool {
    options.depth == Depth::AsStored
        && facts.bits_per_sample > 8
        && request.quality != Quality::Bitonal
        && match request.format {
            Format::Png | Format::Tif | Format::Jp2 | Format::Avif => true,
            Format::Jxl => !facts.has_alpha,
            _ => false,
        }
}

/// Dots per inch of the answer: the original's, scaled with its pixels. Unequal ones mean nothing after a turn by any angle.
fn dpi(facts: &ImageFacts, request: &ResolvedRequest, degrees: Option<f64>) -> Option<(f64, f64)> {
    let (mut x, mut y) = facts.dpi?;
    if facts.orientation.is_transposed() {
        (x, y) = (y, x);
    }
    x *= f64::from(request.size.width_px) / f64::from(request.region.w);
    y *= f64::from(request.size.height_px) / f64::from(request.region.h);
    if request.rotation.quarter_turns().is_some_and(|turns| turns % 2 == 1) {
        (x, y) = (y, x);
    }
    let sane = |dpi: f64| dpi.is_finite() && dpi > 0.0;
    let equal = (x - y).abs() <= 0.01 * x.abs();
    (sane(x) && sane(y) && (degrees.is_none() || equal)).then_some((x, y))
}

/// The pixel format that a decoder gives for such facts, at its largest.
fn expected_format(facts: &ImageFacts) -> PixelFormat {
    let wide = facts.bits_per_sample > 8;
    match (facts.color, facts.has_alpha, wide) {
        (ColorModel::Bitonal, false, _) | (ColorModel::Gray, false, false) => PixelFormat::Gray8,
        (ColorModel::Bitonal, true, _) | (ColorModel::Gray, true, false) => PixelFormat::GrayAlpha8,
        (ColorModel::Gray, false, true) => PixelFormat::Gray16,
        (ColorModel::Gray, true, true) => PixelFormat::GrayAlpha16,
        (ColorModel::Rgb, false, false) => PixelFormat::Rgb8,
        (ColorModel::Rgb, true, false) => PixelFormat::Rgba8,
        (ColorModel::Rgb, false, true) => PixelFormat::Rgb16,
        (ColorModel::Rgb, true, true) => PixelFormat::Rgba16,
        (ColorModel::Cmyk, _, false) => PixelFormat::Cmyk8,
        (ColorModel::Cmyk, _, true) => PixelFormat::Cmyk16,
        (ColorModel::Lab, _, false) => PixelFormat::Lab8,
        (ColorModel::Lab, _, true) => PixelFormat::Lab16,
    }
}

impl RenderPlan {
    /// True when decoded pixels are the answer's pixels, but for turns and colours.
    pub(crate) fn is_exact(&self) -> bool {
        self.x.is_exact() && self.y.is_exact()
    }

    /// What is decoded for it, of the original as stored.
    pub fn decode(&self) -> DecodeRequest {
        self.decode
    }

    /// Size of the answer, rotation included.
    pub fn size(&self) -> Dimensions {
        self.size
    }

    fn cost(&self, facts: &ImageFacts, decoding: Cost, options: &RenderOptions) -> Estimate {
        let stored = expected_format(facts);
        let keeps_inks = self.color.keep && facts.color == ColorModel::Cmyk;
        let middle = if keeps_inks { 4 } else { color::converted(stored).samples() };
        let wide = stored.bytes_per_sample() == 2;
        let width = |is_wide: bool| if is_wide { 2 } else { 1 };
        // Bytes of a sample while it is resampled, and in the answer.
        let between = width(self.color.linear || (wide && self.color.deep));
        let at_end = width(wide && self.color.deep);
        let scaled = Dimensions::new(self.x.out, self.y.out);
        let decoded_row = u64::from(self.decoded.w) * stored.bytes_per_pixel() as u64;
        // A piece is a strip of the decoder, or a part of it.
        let piece = estimate::pieces(decoded_row, u64::from(self.decoded.h)).min(decoding.bytes_held);
        let mut after = piece * if self.color.linear { 9 } else { 5 };
        if !self.is_exact() {
            after += estimate::resampling(&self.x, &self.y, self.filter, middle * between);
            if between == 2 {
                // A strip of the result, once more and as samples of a colour conversion.
                let rows = estimate::strip_rows(&self.x, &self.y, middle * between);
                after += u64::from(self.x.out) * u64::from(rows) * (middle * between) as u64 * 3;
            }
        }
        let widest = u64::from(self.size.width_px.max(scaled.width_px)) * 4 * between.max(at_end) as u64;
        after += estimate::pieces(widest, u64::from(self.size.height_px.max(scaled.height_px))) * 4;
        let mut samples = if self.gray { 1 } else { middle };
        if facts.has_alpha && self.gray {
            samples = 2;
        }
        if self.degrees.is_some() {
            // Rows of a turned picture are sampled from it, opacity included.
            samples = if samples <= 2 { 2 } else { 4 };
            after += scaled.area_px().saturating_mul((samples * at_end) as u64);
        } else if !self.turn.is_within_rows() {
            after += scaled.area_px().saturating_mul((samples * at_end) as u64);
        }
        if self.threshold == Some(Threshold::By(Bitonal::Otsu)) {
            after = after.saturating_add(self.size.area_px());
        }
        let pixels = match samples {
            1 => PixelFormat::Gray8,
            2 => PixelFormat::GrayAlpha8,
            3 => PixelFormat::Rgb8,
            _ => PixelFormat::Rgba8,
        };
        let pixels = if at_end == 2 { color::widened(pixels) } else { pixels };
        let pixels = quality::encodable(self.format, pixels);
        after = after.saturating_add(estimate::encoding(self.format, self.size, pixels, options.encode));
        estimate::total(decoding, after, scaled.area_px().saturating_add(self.size.area_px()))
    }
}

impl Plan {
    /// What executing it will cost.
    pub fn estimate(&self) -> Estimate {
        match self {
            Self::StoredTile { bytes, .. } => Estimate { bytes_held: *bytes, bytes_read: *bytes, pixels: 0 },
            Self::Cut { otherwise, .. } | Self::Render(otherwise) => otherwise.estimate,
            Self::StoredWhole { otherwise } => Estimate {
                // The file as it lies and the file as it leaves.
                bytes_held: otherwise.estimate.bytes_held.max(otherwise.estimate.bytes_read.saturating_mul(2)),
                ..otherwise.estimate
            },
        }
    }

    /// How the pixels are made, where decoding may be needed.
    pub fn render(&self) -> Option<&RenderPlan> {
        match self {
            Self::StoredTile { .. } => None,
            Self::Cut { otherwise, .. } | Self::StoredWhole { otherwise } | Self::Render(otherwise) => Some(otherwise),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoredTile { level, column, row, bytes, profile } => {
                write!(f, "stored tile: level {level}, column {column}, row {row}, {bytes} bytes")?;
                f.write_str(if profile.is_some() { ", profile kept" } else { "" })
            }
            Self::Cut { level, part, otherwise } => {
                write!(f, "cut: level {level}, region {}", part.region)?;
                let turn = Turn::of_orientation(part.turn);
                if !turn.is_none() {
                    write!(f, ", {turn}")?;
                }
                if part.gray {
                    f.write_str(", gray")?;
                }
                write!(f, "; else {otherwise}")
            }
            Self::StoredWhole { otherwise } => write!(f, "stored whole; else {otherwise}"),
            Self::Render(plan) => plan.fmt(f),
        }
    }
}

impl fmt::Display for RenderPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DecodeRequest { level, region, denominator } = self.decode;
        write!(f, "render: level {level} ({}), region {region}", self.level_size)?;
        if denominator > 1 {
            write!(f, " at 1/{denominator}")?;
        }
        if !self.is_exact() {
            if self.x.shrink > 1 || self.y.shrink > 1 {
                write!(f, ", averaged {}x{}", self.x.shrink, self.y.shrink)?;
            }
            write!(f, ", {} to {}x{}", self.filter, self.x.out, self.y.out)?;
            f.write_str(if self.color.linear { " in linear light" } else { "" })?;
        }
        if !self.turn.is_none() {
            write!(f, ", {}", self.turn)?;
        }
        if let Some(degrees) = self.degrees {
            write!(f, ", rotate {degrees} to {}", self.size)?;
        }
        write!(f, ", {}", self.color_words)?;
        match self.threshold {
            Some(Threshold::Middle) => f.write_str(", bitonal")?,
            Some(Threshold::By(Bitonal::Otsu)) => f.write_str(", bitonal by otsu")?,
            Some(Threshold::By(Bitonal::Dither)) => f.write_str(", bitonal by dither")?,
            None if self.gray => f.write_str(", gray")?,
            None => {}
        }
        f.write_str(if self.color.deep { ", 16 bits" } else { "" })?;
        write!(f, ", {}", self.format.extension())?;
        if self.format == Format::Jpg {
            write!(f, " q{}", self.jpeg_quality)?;
        }
        Ok(())
    }
}
