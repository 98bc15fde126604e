//! SVG: drawn at any scale and region. Nothing outside the file is ever looked at: no links, no style sheets, no files; pictures
//! inside it are decoded within a bound. Fonts are the system's, and read when a file holds text.
//!
//! Parsing and drawing are `usvg`'s and `resvg`'s; [`survey`] bounds what a file becomes once its references are followed,
//! [`style`] what applying its style sheets takes, and [`picture`] what its pictures do.

mod picture;
mod sheet;
mod style;
mod survey;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use recto_iiif::{Dimensions, Rect};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Tree, fontdb, roxmltree};

use self::picture::Pictures;
use self::survey::Layers;
use super::held::{check_held, check_page, check_size};
use super::vector::{Bands, MAX_AREA_PX, MAX_SIDE_PX, band_bytes, levels};
use crate::{
    ByteRange, ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, Memo, MemoKey, OpenOptions,
    Orientation, PixelFormat, RandomAccess, RowSource, SourceFormat,
};

/// Most bytes of a file.
const MAX_FILE_BYTES: u64 = 32 << 20;
/// About how many bytes a parsed file takes for each of its own.
const PARSED_BYTES: u64 = 24;
/// Drawings that say they are smaller are shown this large: they have no pixels of their own.
const LEAST_SIDE_PX: f64 = 2048.0;
/// Bytes of a pixel of a picture: as decoded, and as drawn.
const PICTURE_BYTES: u64 = 12;
/// What drawing takes beside pixels: paths, masks of runs.
const LIBRARY_BYTES: u64 = 8 << 20;

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Svg, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Svg, what: what.into() }
}

/// Runs a part of the SVG library. Where a file makes it panic, that costs the request and no more.
fn contained<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(corrupt("it cannot be drawn")))
}

/// Does a file that begins so look like it? The element comes after declarations and comments.
pub(crate) fn sniff(first: &[u8]) -> bool {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    let element = memchr::memmem::find_iter(text, b"<svg");
    text.starts_with(b"<")
        && element
            .into_iter()
            .any(|at| text.get(at + 4).is_none_or(|next| next.is_ascii_whitespace() || b">/".contains(next)))
}

/// Opens the drawing.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    let length = source.len();
    if length > MAX_FILE_BYTES {
        let (format, unit) = (SourceFormat::Svg, "bytes");
        return Err(DecodeError::TooLarge { format, needed: length, limit: MAX_FILE_BYTES, unit });
    }
    let kept = Kept { key: MemoKey { image: options.memo.image(), part: 0 }, memo: Arc::clone(&options.memo) };
    let parsed = kept.parsed(source.as_ref(), options.max_bytes, &options.control)?;
    let size = shown_size(&parsed.tree);
    check_size(size, SourceFormat::Svg, options)?;
    let facts = ImageFacts {
        source_format: SourceFormat::Svg,
        compression: "drawing".to_owned(),
        levels: levels(size),
        max_denominator: 1,
        pages: 1,
        orientation: Orientation::Normal,
        color: ColorModel::Rgb,
        bits_per_sample: 8,
        has_alpha: true,
        icc: None,
        dpi: None,
    };
    let Parsed { layers, picture_px, held_bytes, .. } = *parsed;
    Ok(Box::new(SvgDecoder { source, kept, facts, layers, picture_px, held_bytes, max_bytes: options.max_bytes }))
}

/// The pixels of a drawing: as many as it says, times a whole number that makes small ones large.
fn shown_size(tree: &Tree) -> Dimensions {
    let (w, h) = (f64::from(tree.size().width()), f64::from(tree.size().height()));
    let longest = w.max(h);
    let times = if longest < LEAST_SIDE_PX { (LEAST_SIDE_PX / longest).ceil() } else { 1.0 };
    let times = times.min((MAX_AREA_PX / (w * h)).sqrt()).min(f64::from(MAX_SIDE_PX) / longest);
    let side = |length: f64| ((length * times).round() as u32).clamp(1, MAX_SIDE_PX);
    Dimensions::new(side(w), side(h))
}

/// A parsed file.
struct Parsed {
    tree: Tree,
    layers: Layers,
    picture_px: u64,
    /// About what it takes.
    held_bytes: u64,
}

/// Where a parsed file is kept; parsed again when it was dropped.
struct Kept {
    memo: Arc<Memo>,
    key: MemoKey,
}

impl Kept {
    fn parsed(&self, source: &dyn RandomAccess, max_bytes: u64, control: &Control) -> Result<Arc<Parsed>, DecodeError> {
        if let Some(parsed) = self.memo.get::<Parsed>(self.key) {
            return Ok(parsed);
        }
        check_held(source.len() * PARSED_BYTES, max_bytes, SourceFormat::Svg)?;
        let bytes = source.read_range(ByteRange::new(0, source.len()))?;
        control.check()?;
        let parsed = Arc::new(contained(|| parse(&bytes, max_bytes, control))?);
        self.memo.insert(self.key, Arc::clone(&parsed), parsed.held_bytes);
        Ok(parsed)
    }
}

fn parse(bytes: &[u8], max_bytes: u64, control: &Control) -> Result<Parsed, DecodeError> {
    let text = std::str::from_utf8(bytes).map_err(|error| corrupt(format!("it is no UTF-8 text ({error})")))?;
    survey::check_nesting(text)?;
    // Entities are known in old drawings; how far they grow is bounded by the parser.
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        nodes_limit: survey::MAX_NODES,
        ..roxmltree::ParsingOptions::default()
    };
    let document = roxmltree::Document::parse_with_options(text, options)
        .map_err(|error| corrupt(format!("it is no well-formed XML ({error})")))?;
    control.check()?;
    let weight = survey::check(&document)?;
    let held_bytes = weight.held_bytes.max(bytes.len() as u64 * PARSED_BYTES);
    check_held(held_bytes, max_bytes, SourceFormat::Svg)?;
    control.check()?;
    let has_text = document.descendants().any(|node| node.tag_name().name() == "text");
    let pictures = Arc::new(Pictures::new(control));
    let tree = Tree::from_xmltree(&document, &usvg_options(has_text, &pictures));
    control.check()?;
    let tree = tree.map_err(|error| match error {
        usvg::Error::InvalidSize => corrupt("it says no size"),
        error => corrupt(error.to_string()),
    })?;
    let picture_px = pictures.drawn_px()?;
    let layers = Layers::of(&tree)?;
    Ok(Parsed { tree, layers, picture_px, held_bytes })
}

/// The fonts of the system, found once.
static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_system_fonts();
    Arc::new(fonts)
});

fn usvg_options(has_text: bool, pictures: &Arc<Pictures>) -> usvg::Options<'static> {
    let fontdb = if has_text { Arc::clone(&FONTS) } else { Arc::default() };
    usvg::Options { image_href_resolver: picture::resolver(pictures), fontdb, ..usvg::Options::default() }
}

struct SvgDecoder {
    source: Arc<dyn RandomAccess>,
    kept: Kept,
    facts: ImageFacts,
    layers: Layers,
    picture_px: u64,
    /// About what the parsed file takes.
    held_bytes: u64,
    max_bytes: u64,
}

impl Decoder for SvgDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let level = self.facts.levels.get(wanted.level).map_or(self.facts.stored_size(), |level| level.size);
        let band = band_bytes(wanted.region, PixelFormat::Rgba8);
        // A layer may reach beyond the band by twice its size on each side, but not far beyond the drawing.
        let layer = (band * 25).min(level.area_px() * 4 * 2 + (1 << 16));
        Cost {
            bytes_read: self.source.len(),
            bytes_held: band
                .saturating_add(layer.saturating_mul(self.layers.most_at_once))
                .saturating_add(self.picture_px * PICTURE_BYTES)
                .saturating_add(self.held_bytes)
                .saturating_add(LIBRARY_BYTES),
            pixels: wanted.region.area_px().saturating_mul(1 + self.layers.count / 4).saturating_add(self.picture_px),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Svg)?;
        let parsed = self.kept.parsed(self.source.as_ref(), self.max_bytes, control)?;
        let level = self.facts.levels.get(wanted.level).map_or(self.facts.stored_size(), |level| level.size);
        let draw = Box::new(move |band: Rect| contained(|| draw(&parsed.tree, level, band)));
        Ok(Box::new(Bands::new(&self.facts, PixelFormat::Rgba8, wanted, control, draw)))
    }
}

fn draw(tree: &Tree, level: Dimensions, band: Rect) -> Result<Vec<u8>, DecodeError> {
    let mut pixmap = Pixmap::new(band.w, band.h).ok_or_else(|| corrupt("it cannot be drawn so large"))?;
    let (x, y) = (level.width_px as f32 / tree.size().width(), level.height_px as f32 / tree.size().height());
    let transform = Transform::from_row(x, 0.0, 0.0, y, -(band.x as f32), -(band.y as f32));
    resvg::render(tree, transform, &mut pixmap.as_mut());
    Ok(pixmap.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_is_found_behind_its_declarations() {
        for (text, want) in [
            ("<svg xmlns='http://www.w3.org/2000/svg'/>", true),
            ("\u{feff}<?xml version='1.0'?>\n<!-- a --><svg>", true),
            ("<html><svgs>", false),
            ("text about <svg>", false),
            ("<svg", true),
        ] {
            assert_eq!(sniff(text.as_bytes()), want, "{text}");
        }
    }
}
