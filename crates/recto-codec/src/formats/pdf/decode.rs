//! A page as an image.

use std::sync::{Arc, OnceLock};

use hayro::hayro_interpret::{InterpreterSettings, TransformExt};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{PixmapMut, RasterizerSettings, RenderContext, RenderSettings, Resources, TargetInit};
use hayro::{RenderCache, render_into};
use recto_iiif::{Dimensions, Rect};

use super::document::{self, Document, Extent, Share};
use super::survey::{Look, Survey, survey};
use super::{contained, corrupt, effort};
use crate::formats::held::{check_held, check_size};
use crate::formats::vector::{Bands, band_bytes, band_count, levels, page_pixels};
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, OpenOptions, Orientation, PixelFormat,
    RandomAccess, RowSource, SourceFormat,
};

/// What the library holds beside pixels and pictures: fonts, outlines, the strips of a scene.
const LIBRARY_BYTES: u64 = 24 << 20;

/// Points of a page that has no size are those of A4.
const A4: (f64, f64) = (595.0, 842.0);

/// Does a file that begins so look like it? Readers find the header within the first kilobyte.
pub(crate) fn sniff(first: &[u8]) -> bool {
    memchr::memmem::find(first, b"%PDF-").is_some()
}

/// Opens a page.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    let (share, extent, document) = document::open(source.as_ref(), options)?;
    let (geometry, survey) = contained(|| {
        let page = page_of(&document, options.page)?;
        Ok((PageGeometry::of(page, options.document_dpi), survey(page, Look::Dictionaries, options.max_bytes)?))
    })?;
    check_size(geometry.size, SourceFormat::Pdf, options)?;
    let facts = ImageFacts {
        source_format: SourceFormat::Pdf,
        compression: "page description".to_owned(),
        levels: levels(geometry.size),
        max_denominator: 1,
        pages: document.pages,
        orientation: Orientation::Normal,
        color: ColorModel::Rgb,
        bits_per_sample: 8,
        has_alpha: false,
        icc: None,
        dpi: Some((geometry.dpi, geometry.dpi)),
    };
    Ok(Box::new(PdfDecoder {
        source,
        share,
        extent,
        file_bytes: document.file_bytes,
        facts,
        page: options.page,
        survey,
        max_bytes: options.max_bytes,
        checked: OnceLock::new(),
    }))
}

/// The page with this number, from 1.
fn page_of(document: &Document, page: u32) -> Result<&Page<'_>, DecodeError> {
    let pages = document.pdf.pages();
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    if count == 0 {
        return Err(corrupt("it has no pages"));
    }
    let index = (page as usize).checked_sub(1);
    index.and_then(|index| pages.get(index)).ok_or(DecodeError::NoSuchPage { page, pages: count })
}

struct PageGeometry {
    size: Dimensions,
    dpi: f64,
}

impl PageGeometry {
    /// Crop box, turned as the page says, in its own unit.
    fn of(page: &Page<'_>, dpi: f64) -> Self {
        let unit = page.raw().get::<f32>(b"UserUnit").map_or(1.0, f64::from);
        let unit = if unit.is_finite() && unit > 0.0 { unit } else { 1.0 };
        let (width, height) = shown_points(page);
        let (size, dpi) = page_pixels(width * unit, height * unit, dpi);
        Self { size, dpi }
    }
}

/// Width and height of a page as shown, in its own units.
fn shown_points(page: &Page<'_>) -> (f64, f64) {
    let (width, height) = page.render_dimensions();
    let sane = |side: f32, instead: f64| if side.is_finite() && side > 0.0 { f64::from(side) } else { instead };
    (sane(width, A4.0), sane(height, A4.1))
}

/// From the page's units to the pixels of a level.
fn to_level(page: &Page<'_>, level: Dimensions) -> Affine {
    let (width, height) = shown_points(page);
    Affine::scale_non_uniform(f64::from(level.width_px) / width, f64::from(level.height_px) / height)
        * page.initial_transform(true).to_kurbo()
}

struct PdfDecoder {
    source: Arc<dyn RandomAccess>,
    share: Arc<Share>,
    extent: Extent,
    /// How many bytes of the file are held while a page is drawn.
    file_bytes: u64,
    facts: ImageFacts,
    page: u32,
    survey: Survey,
    max_bytes: u64,
    /// Set once the page was found to be no more work than it may be: what it really holds.
    checked: OnceLock<Survey>,
}

impl PdfDecoder {
    fn level(&self, wanted: &DecodeRequest) -> Dimensions {
        self.facts.levels.get(wanted.level).map_or(self.facts.stored_size(), |level| level.size)
    }

    fn check_effort(&self, document: &Document, control: &Control) -> Result<(), DecodeError> {
        if self.checked.get().is_none() {
            let page = page_of(document, self.page)?;
            let survey = contained(|| survey(page, Look::Contents, self.max_bytes))?;
            let (width, height) = shown_points(page);
            let transform = page.initial_transform(true).to_kurbo();
            effort::check(page, &InterpreterSettings::default(), transform, (width, height), control)?;
            self.checked.get_or_init(|| survey);
        }
        Ok(())
    }
}

impl Decoder for PdfDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let survey = self.checked.get().unwrap_or(&self.survey);
        Cost {
            bytes_read: survey.stored_bytes.min(self.source.len()),
            bytes_held: band_bytes(wanted.region, PixelFormat::Rgb8)
                .saturating_add(survey.held_bytes())
                .saturating_add(document::held_bytes(self.file_bytes))
                .saturating_add(LIBRARY_BYTES),
            pixels: wanted.region.area_px().saturating_add(survey.picture_px.saturating_mul(band_count(wanted.region))),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Pdf)?;
        let document = self.share.document(self.source.as_ref(), self.extent, self.max_bytes, control)?;
        self.check_effort(&document, control)?;
        // What was found in it may be more than it said.
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Pdf)?;
        let level = self.level(wanted);
        let page = self.page;
        let draw = Box::new(move |band: Rect| contained(|| draw(page_of(&document, page)?, level, band)));
        Ok(Box::new(Bands::new(&self.facts, PixelFormat::Rgb8, wanted, control, draw)))
    }
}

/// Draws a part of a page, on white.
fn draw(page: &Page<'_>, level: Dimensions, band: Rect) -> Result<Vec<u8>, DecodeError> {
    let side = |px: u32| u16::try_from(px).map_err(|_| corrupt("its page is too long"));
    let (width, height) = (side(band.w)?, side(band.h)?);
    let transform = Affine::translate((-f64::from(band.x), -f64::from(band.y))) * to_level(page, level);
    let mut context =
        RenderContext::new_with(width, height, RenderSettings { num_threads: 0, ..RenderSettings::default() });
    // Hinting bends letters to the pixels of one level; they would move from level to level.
    let settings = hayro::RenderSettings { hinting: false, ..hayro::RenderSettings::default() };
    render_into(page, &RenderCache::new(), &InterpreterSettings::default(), &settings, &mut context, transform);
    context.flush();
    let mut pixels = vec![0; usize::from(width) * usize::from(height) * 4];
    let pixmap = PixmapMut::new(width, height, &mut pixels).ok_or_else(|| corrupt("its page is too large"))?;
    let clear = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
    context.render_with(pixmap, &mut Resources::default(), clear);
    Ok(pixels)
}
