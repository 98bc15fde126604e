//! SVG: drawn at any scale and region. Nothing outside the file is ever looked at: no links, no style sheets, no files; pictures
//! inside it are decoded within a bound. Fonts are the system's, and read when a file holds text.
//!
//! Parsing and drawing are `usvg`'s and `resvg`'s. What parsing takes is found out by [`trial`], in a child of the program that
//! may be ended; what drawing takes is counted by [`effort`] on what was parsed, and [`picture`] bounds what is unpacked.

mod effort;
mod picture;
mod trial;

pub(super) use trial::{MOST_SECONDS as TRIAL_SECONDS, answer as try_contained};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, OnceLock};

use recto_iiif::{Dimensions, Rect};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Tree, fontdb, roxmltree};

use self::effort::Effort;
use self::picture::Pictures;
use super::held::{check_held, check_page, check_size};
use super::vector::{Bands, MAX_AREA_PX, MAX_SIDE_PX, band_bytes, band_count, levels};
use crate::{
    ByteRange, ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, Memo, MemoKey, OpenOptions,
    Orientation, PixelFormat, RandomAccess, RowSource, SourceFormat,
};

/// Most bytes of a file.
const MAX_FILE_BYTES: u64 = 32 << 20;
/// Most nodes of a document.
const MAX_NODES: u32 = 500_000;
/// About how many bytes parsing takes at least for each byte of a file, and for each node of a document.
const PARSED_BYTES: u64 = 24;
const NODE_BYTES: u64 = 768;
/// Drawings that say they are smaller are shown this large: they have no pixels of their own.
const LEAST_SIDE_PX: f64 = 2048.0;
/// What drawing takes beside pixels and large paths: masks of runs.
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
    let key = MemoKey { image: options.memo.image(), part: 0 };
    let kept = Kept { key, memo: Arc::clone(&options.memo), tried: OnceLock::new() };
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
    let Parsed { effort, parsing_bytes, .. } = *parsed;
    Ok(Box::new(SvgDecoder { source, kept, facts, effort, parsing_bytes, max_bytes: options.max_bytes }))
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
    effort: Effort,
    /// About what parsing it takes at one time.
    parsing_bytes: u64,
}

/// Where a parsed file is kept; parsed again when it was dropped.
struct Kept {
    memo: Arc<Memo>,
    key: MemoKey,
    /// What its first parse took, which is tried once: later reads of a source give the same bytes.
    tried: OnceLock<Option<u64>>,
}

impl Kept {
    fn parsed(&self, source: &dyn RandomAccess, max_bytes: u64, control: &Control) -> Result<Arc<Parsed>, DecodeError> {
        if let Some(parsed) = self.memo.get::<Parsed>(self.key) {
            return Ok(parsed);
        }
        check_held(source.len() * PARSED_BYTES, max_bytes, SourceFormat::Svg)?;
        let bytes = source.read_range(ByteRange::new(0, source.len()))?;
        control.check()?;
        let tried = if let Some(tried) = self.tried.get() {
            *tried
        } else {
            let tried = trial::run(&bytes, control)?;
            *self.tried.get_or_init(|| tried)
        };
        check_held(tried.unwrap_or(0), max_bytes, SourceFormat::Svg)?;
        let parsed = Arc::new(contained(|| parse(&bytes, tried, max_bytes, control))?);
        // What is counted may be more, as often as it is drawn, and what was measured may be more, with all that parsing took.
        let held_bytes = parsed.effort.held_bytes.saturating_add(source.len()).min(parsed.parsing_bytes);
        self.memo.insert(self.key, Arc::clone(&parsed), held_bytes);
        Ok(parsed)
    }
}

/// Parses a file. `tried` is what that took when it was tried.
fn parse(bytes: &[u8], tried: Option<u64>, max_bytes: u64, control: &Control) -> Result<Parsed, DecodeError> {
    let text = std::str::from_utf8(bytes).map_err(|error| corrupt(format!("it is no UTF-8 text ({error})")))?;
    // Entities are known in old drawings; how far they grow is bounded by the parser.
    let options =
        roxmltree::ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(text, options)
        .map_err(|error| corrupt(format!("it is no well-formed XML ({error})")))?;
    control.check()?;
    let counted = document.descendants().len() as u64 * NODE_BYTES;
    let measured = tried.filter(|took| *took > 0);
    let parsing_bytes = measured.unwrap_or(counted).max(bytes.len() as u64 * PARSED_BYTES);
    check_held(parsing_bytes, max_bytes, SourceFormat::Svg)?;
    let has_text = document.descendants().any(|node| node.tag_name().name() == "text");
    let pictures = Arc::new(Pictures::new(control));
    let tree = Tree::from_xmltree(&document, &usvg_options(has_text, &pictures));
    control.check()?;
    let tree = tree.map_err(|error| match error {
        usvg::Error::InvalidSize => corrupt("it says no size"),
        usvg::Error::ElementsLimitReached | usvg::Error::ParsingFailed(roxmltree::Error::NodesLimitReached) => {
            unsupported("more than a million elements once its references are followed, or a thousand in one another")
        }
        error => corrupt(error.to_string()),
    })?;
    let effort = Effort::of(&tree, shown_size(&tree), &pictures.sizes()?, control)?;
    Ok(Parsed { tree, effort, parsing_bytes })
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
    effort: Effort,
    /// About what parsing the file takes at one time.
    parsing_bytes: u64,
    max_bytes: u64,
}

impl SvgDecoder {
    fn level_size(&self, wanted: &DecodeRequest) -> Dimensions {
        self.facts.levels.get(wanted.level).map_or(self.facts.stored_size(), |level| level.size)
    }

    /// The part of the largest level's pixels that the wanted level has, and the part of these that is wanted.
    fn parts(&self, wanted: &DecodeRequest) -> (f64, f64) {
        let level = self.level_size(wanted).area_px();
        (effort::share(level, self.facts.stored_size().area_px()), effort::share(wanted.region.area_px(), level))
    }
}

impl Decoder for SvgDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let (level, seen) = self.parts(wanted);
        let band = band_bytes(wanted.region, PixelFormat::Rgba8);
        Cost {
            bytes_read: self.source.len(),
            bytes_held: band
                .saturating_add(self.effort.bytes(band, level))
                .saturating_add(self.parsing_bytes)
                .saturating_add(LIBRARY_BYTES),
            pixels: wanted.region.area_px().saturating_add(self.effort.pixels(level, seen, band_count(wanted.region))),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Svg)?;
        let (part, seen) = self.parts(wanted);
        self.effort.check(part, seen, band_count(wanted.region))?;
        let parsed = self.kept.parsed(self.source.as_ref(), self.max_bytes, control)?;
        let level = self.level_size(wanted);
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
