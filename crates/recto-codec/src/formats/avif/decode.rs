//! Reading AVIF.

use std::sync::Arc;

use recto_iiif::{Dimensions, Rect};

use super::av1::{self, Layout, Yuv};
use super::from_yuv::{Meaning, Rows, Scale};
use crate::formats::heif::{self, Alpha, Coded, Colour, Meta, Picture};
use crate::formats::held::{check_held, check_page, check_size, strip_bytes, strip_rows, unreduced};
use crate::formats::{cicp, exif};
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level, Memo, MemoKey,
    OpenOptions, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat, TileGrid,
};

/// Kind of coded items, and of their configuration.
const CODEC: ([u8; 4], [u8; 4]) = (*b"av01", *b"av1C");
const MAX_EXIF_BYTES: u64 = 1 << 20;
/// What rav1d holds beside its pictures, whatever their size.
const STATE_BYTES: u64 = 24 << 20;

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    heif::brands(first).is_some_and(|mut brands| brands.any(|brand| brand == b"avif" || brand == b"avis"))
}

pub(super) fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Avif, what: what.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Avif, what: what.into() }
}

/// Opens the primary picture.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    let meta = Meta::read(source.as_ref(), SourceFormat::Avif)?;
    let primary = meta.primary;
    let picture = Picture::of(&meta, source.as_ref(), primary, CODEC, &options.control)?;
    check_size(picture.size, SourceFormat::Avif, options)?;
    check_size(picture.tile, SourceFormat::Avif, options)?;
    let alpha = Picture::alpha(&meta, source.as_ref(), primary, CODEC, &options.control)?;
    if let Some(alpha) = &alpha {
        check_size(alpha.picture.tile, SourceFormat::Avif, options)?;
        if alpha.picture.size != picture.size {
            return Err(unsupported("opacity of another size than the picture"));
        }
    }
    let coding = Coding::of(&picture.config)?;
    let alpha_bits = alpha.as_ref().map(|alpha| Coding::of(&alpha.picture.config)).transpose()?;
    let bits = coding.bits.max(alpha_bits.map_or(0, |coding| coding.bits));
    let clip = picture.clip(&meta, primary)?;
    let (icc, colour) = meta.colours(meta.item(primary)?);
    let icc = match (icc, colour) {
        (Some(icc), _) => Some(Arc::from(icc)),
        (None, Some(colour)) => cicp::profile(colour.primaries, colour.transfer),
        (None, None) => None,
    };
    let kind = match coding.layout {
        Layout::Monochrome => "4:0:0",
        Layout::Both => "4:2:0",
        Layout::Horizontal => "4:2:2",
        Layout::Full => "4:4:4",
    };
    let grid = (picture.is_grid() && clip.rect == picture.size.rect())
        .then_some(TileGrid { tile: picture.tile, passes_through: false });
    let shape = grid.map_or_else(String::new, |grid| format!(", grid of {}", grid.tile));
    let facts = ImageFacts {
        source_format: SourceFormat::Avif,
        compression: format!("AV1, {kind}, {} bits{shape}", coding.bits),
        levels: vec![Level { size: clip.rect.dimensions(), grid }],
        max_denominator: 1,
        pages: 1,
        orientation: clip.orientation,
        color: if coding.layout == Layout::Monochrome { ColorModel::Gray } else { ColorModel::Rgb },
        bits_per_sample: bits,
        has_alpha: alpha.is_some(),
        icc,
        dpi: dpi(&meta, source.as_ref()),
    };
    let image = options.memo.image();
    let memo = Arc::clone(&options.memo);
    let max_bytes = options.max_bytes;
    Ok(Box::new(AvifDecoder {
        source,
        facts,
        meta,
        picture,
        alpha,
        coding,
        colour,
        clip: clip.rect,
        memo,
        image,
        max_bytes,
    }))
}

/// Resolution, from the EXIF item. Its orientation does not count in this container.
fn dpi(meta: &Meta, source: &dyn RandomAccess) -> Option<(f64, f64)> {
    let id =
        meta.referring(*b"cdsc", meta.primary).find(|id| meta.item(*id).is_ok_and(|item| item.kind == *b"Exif"))?;
    let bytes = meta.bytes(source, meta.item(id).ok()?, MAX_EXIF_BYTES).ok()?;
    let (skip, rest) = bytes.split_first_chunk::<4>()?;
    exif::parse(rest.get(u32::from_be_bytes(*skip) as usize..)?).dpi
}

/// What the configuration of a coded item says.
#[derive(Clone, Copy)]
struct Coding {
    layout: Layout,
    bits: u8,
}

impl Coding {
    fn of(config: &[u8]) -> Result<Self, DecodeError> {
        let Some(&[_, _, layout, _]) = config.first_chunk::<4>() else {
            return Err(corrupt("the configuration of its picture is cut off"));
        };
        let bits = match layout >> 5 & 3 {
            0b00 => 8,
            0b10 => 10,
            0b11 => 12,
            _ => return Err(corrupt("the configuration of its picture has an impossible depth")),
        };
        let layout = match layout >> 2 & 7 {
            // Subsampling of what is not there; writers disagree on it.
            0b100..=0b111 => Layout::Monochrome,
            0b011 => Layout::Both,
            0b010 => Layout::Horizontal,
            0b000 => Layout::Full,
            _ => return Err(corrupt("the configuration of its picture has an impossible subsampling")),
        };
        Ok(Self { layout, bits })
    }

    /// Bytes of a decoded picture of so many pixels.
    fn bytes(self, pixels: u64) -> u64 {
        let samples = match self.layout {
            Layout::Monochrome => 2,
            Layout::Both => 3,
            Layout::Horizontal => 4,
            Layout::Full => 6,
        };
        pixels.saturating_mul(samples * if self.bits > 8 { 2 } else { 1 }) / 2
    }
}

struct AvifDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    meta: Meta,
    picture: Picture,
    alpha: Option<Alpha>,
    coding: Coding,
    colour: Option<Colour>,
    /// The part of the picture that is the image.
    clip: Rect,
    memo: Arc<Memo>,
    image: u64,
    max_bytes: u64,
}

impl AvifDecoder {
    fn pixels(&self) -> PixelFormat {
        let wide = self.facts.bits_per_sample > 8;
        match (self.facts.color, self.facts.has_alpha, wide) {
            (ColorModel::Gray, false, false) => PixelFormat::Gray8,
            (ColorModel::Gray, true, false) => PixelFormat::GrayAlpha8,
            (ColorModel::Gray, false, true) => PixelFormat::Gray16,
            (ColorModel::Gray, true, true) => PixelFormat::GrayAlpha16,
            (_, false, false) => PixelFormat::Rgb8,
            (_, true, false) => PixelFormat::Rgba8,
            (_, false, true) => PixelFormat::Rgb16,
            (_, true, true) => PixelFormat::Rgba16,
        }
    }

    /// `region` of the image, in pixels of the picture.
    fn within(&self, region: Rect) -> Rect {
        Rect::new(region.x + self.clip.x, region.y + self.clip.y, region.w, region.h)
    }

    /// Pictures that a region needs: colour and opacity.
    fn needed(&self, region: Rect) -> impl Iterator<Item = (&Picture, Coded)> {
        let alpha = self.alpha.as_ref().map(|alpha| &alpha.picture);
        std::iter::once(&self.picture).chain(alpha).flat_map(move |picture| {
            let touched = picture.items.iter().filter(move |coded| coded.rect.intersection(region).is_some());
            touched.map(move |coded| (picture, *coded))
        })
    }

    /// One decoded item, from memory if it was decoded before.
    fn decoded(&self, coded: Coded, tile: Dimensions, control: &Control) -> Result<Arc<Yuv>, DecodeError> {
        let key = MemoKey { image: self.image, part: u64::from(coded.id) };
        if let Some(known) = self.memo.get::<Yuv>(key) {
            return Ok(known);
        }
        let item = self.meta.item(coded.id)?;
        let stream = self.meta.bytes(self.source.as_ref(), item, self.max_bytes)?;
        // The coded size may be another one than the container says; it must not be a larger one.
        let most = u32::try_from(tile.area_px()).unwrap_or(u32::MAX);
        let yuv = av1::decode(&stream, most, control)?;
        if yuv.size != tile {
            return Err(corrupt(format!("its picture is coded as {} pixels, the container says {tile}", yuv.size)));
        }
        let yuv = Arc::new(yuv);
        self.memo.insert(key, Arc::clone(&yuv), yuv.bytes());
        Ok(yuv)
    }

    fn meaning(&self, yuv: &Yuv) -> Result<Meaning, DecodeError> {
        let coded = Colour { primaries: 2, transfer: 2, matrix: yuv.matrix, full_range: yuv.full_range };
        let Colour { primaries, matrix, full_range, .. } = self.colour.unwrap_or(coded);
        if matrix == 0 && !matches!(yuv.layout, Layout::Full | Layout::Monochrome) {
            return Err(corrupt("its colours are red, green and blue, yet subsampled"));
        }
        Meaning::of(matrix, primaries, full_range).ok_or_else(|| unsupported(format!("matrix coefficients {matrix}")))
    }
}

impl Decoder for AvifDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let region = self.within(wanted.region);
        let mut cost = Cost::default();
        let mut largest = 0;
        for (picture, coded) in self.needed(region) {
            let length = self.meta.item(coded.id).map_or(0, Meta::length);
            let pixels = picture.tile.area_px();
            let coding = Coding::of(&picture.config).unwrap_or(self.coding);
            cost.bytes_read = cost.bytes_read.saturating_add(length);
            cost.bytes_held = cost.bytes_held.saturating_add(coding.bytes(pixels));
            cost.pixels = cost.pixels.saturating_add(pixels);
            // While one is decoded: the stream twice, the decoder's picture with its grain, and what it knows of blocks.
            let here = length.saturating_add(coding.bytes(pixels)).saturating_add(pixels).saturating_mul(2);
            largest = largest.max(here);
        }
        let rows = u64::from(region.w) * 4 * 16;
        cost.bytes_held = cost
            .bytes_held
            .saturating_add(largest)
            .saturating_add(strip_bytes(region.w, region.h, self.pixels()))
            .saturating_add(rows + STATE_BYTES);
        cost.pixels = cost.pixels.max(region.area_px());
        cost
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels(), wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Avif)?;
        let region = self.within(wanted.region);
        let mut color = Vec::new();
        let mut alpha = Vec::new();
        for (picture, coded) in self.needed(region) {
            control.check()?;
            let yuv = self.decoded(coded, picture.tile, control)?;
            let meaning = self.meaning(&yuv);
            if std::ptr::eq(picture, &raw const self.picture) {
                let gray = yuv.layout == Layout::Monochrome;
                if gray != (self.facts.color == ColorModel::Gray) || yuv.bits != self.coding.bits {
                    return Err(corrupt("its picture is coded otherwise than the container says"));
                }
                color.push((coded.rect, yuv, meaning?));
            } else {
                alpha.push((coded.rect, yuv));
            }
        }
        control.check()?;
        let premultiplied = self.alpha.as_ref().is_some_and(|alpha| alpha.premultiplied);
        Ok(Box::new(AvifRows { geometry, region, color, alpha, premultiplied, given: 0, control: control.clone() }))
    }
}

struct AvifRows {
    geometry: DecodedGeometry,
    /// In pixels of the picture.
    region: Rect,
    color: Vec<(Rect, Arc<Yuv>, Meaning)>,
    alpha: Vec<(Rect, Arc<Yuv>)>,
    premultiplied: bool,
    given: u32,
    control: Control,
}

impl RowSource for AvifRows {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        self.control.check()?;
        let Rect { w, h, .. } = self.region;
        let format = self.geometry.format;
        let rows = strip_rows(w as usize * format.bytes_per_pixel()).min(h - self.given);
        if rows == 0 {
            return Ok(None);
        }
        let strip_rect = Rect::new(self.region.x, self.region.y + self.given, w, rows);
        let mut strip = Raster::zeroed(Dimensions::new(w, rows), format);
        let mut opacity = vec![1.0_f32; if self.alpha.is_empty() { 0 } else { w as usize }];
        let mut luma = Vec::new();
        let (samples, wide) = (format.samples(), format.bytes_per_sample() == 2);
        for y in 0..rows {
            let picture_y = strip_rect.y + y;
            for (rect, yuv) in &self.alpha {
                let Some(part) = rect.intersection(Rect::new(strip_rect.x, picture_y, w, 1)) else { continue };
                let scale = Scale::new(yuv.bits, yuv.full_range);
                let Some(plane) = yuv.planes.first() else { continue };
                plane.luma_row(
                    (part.x - rect.x) as usize,
                    (part.y - rect.y) as usize,
                    part.w as usize,
                    scale,
                    &mut luma,
                );
                let at = (part.x - strip_rect.x) as usize;
                if let Some(place) = opacity.get_mut(at..at + luma.len()) {
                    place.copy_from_slice(&luma);
                }
            }
            let row = strip.row_mut(y);
            for (rect, yuv, meaning) in &self.color {
                let Some(part) = rect.intersection(Rect::new(strip_rect.x, picture_y, w, 1)) else { continue };
                let first = (part.x - strip_rect.x) as usize;
                let mut source = Rows::new(yuv, *meaning);
                source.row(part.x - rect.x, part.y - rect.y, part.w, |index, mut rgb| {
                    let column = first + index;
                    let alpha = opacity.get(column).copied();
                    if let Some(alpha) = alpha.filter(|_| self.premultiplied) {
                        rgb = rgb.map(|sample| if alpha > 0.0 { sample / alpha } else { 0.0 });
                    }
                    let color = if samples < 3 { &rgb[..1] } else { &rgb[..] };
                    let values = color.iter().copied().chain(alpha);
                    if wide {
                        let at = column * samples * 2;
                        let place = row.get_mut(at..at + samples * 2).unwrap_or(&mut []);
                        for (place, value) in place.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                            *place = ((value.clamp(0.0, 1.0) * 65535.0 + 0.5) as u16).to_ne_bytes();
                        }
                    } else {
                        let at = column * samples;
                        let place = row.get_mut(at..at + samples).unwrap_or(&mut []);
                        for (place, value) in place.iter_mut().zip(values) {
                            *place = (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
                        }
                    }
                });
            }
        }
        self.given += rows;
        Ok(Some(strip))
    }
}
