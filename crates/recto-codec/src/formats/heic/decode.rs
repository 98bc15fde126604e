//! Reading HEIC.

use std::sync::Arc;

use recto_iiif::Rect;

use super::{child, libheif};
use crate::formats::cicp;
use crate::formats::heif::{self, Meta, Picture};
use crate::formats::held::{HeldRows, check_held, check_page, check_size, strip_bytes, unreduced};
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, Level, Memo, MemoKey, OpenOptions,
    PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Kind of coded items, and of their configuration.
const CODEC: ([u8; 4], [u8; 4]) = (*b"hvc1", *b"hvcC");
/// What the library holds beside its pictures.
const STATE_BYTES: u64 = 16 << 20;
const BRANDS: [&[u8; 4]; 7] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1"];

/// Does a file that begins so look like it? AVIF, which has some of the same brands, is asked before.
pub(crate) fn sniff(first: &[u8]) -> bool {
    heif::brands(first).is_some_and(|mut brands| brands.any(|brand| BRANDS.contains(&brand)))
}

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Heic, what: what.into() }
}

/// Opens the primary picture.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    if !libheif::is_there() {
        return Err(DecodeError::Unsupported {
            format: SourceFormat::Heic,
            what: "no libheif on this machine (Debian: install `libheif1` and, where it exists, \
                   `libheif-plugin-libde265`)"
                .to_owned(),
        });
    }
    let meta = Meta::read(source.as_ref(), SourceFormat::Heic)?;
    let primary = meta.primary;
    let picture = Picture::of(&meta, source.as_ref(), primary, CODEC, &options.control)?;
    check_size(picture.size, SourceFormat::Heic, options)?;
    check_size(picture.tile, SourceFormat::Heic, options)?;
    let alpha = Picture::alpha(&meta, source.as_ref(), primary, CODEC, &options.control)?;
    let clip = picture.clip(&meta, primary)?;
    // hvcC: ISO/IEC 14496-15 §8.3.3.1.2.
    let (chroma, depth) = match picture.config.get(16..18) {
        Some(&[chroma, depth]) => (chroma & 3, (depth & 7) + 8),
        _ => return Err(corrupt("the configuration of its picture is cut off")),
    };
    let (icc, colour) = meta.colours(meta.item(primary)?);
    let icc = match (icc, colour) {
        (Some(icc), _) => Some(Arc::from(icc)),
        (None, Some(colour)) => cicp::profile(colour.primaries, colour.transfer),
        (None, None) => None,
    };
    let kind = ["4:0:0", "4:2:0", "4:2:2", "4:4:4"].get(usize::from(chroma)).copied().unwrap_or_default();
    let facts = ImageFacts {
        source_format: SourceFormat::Heic,
        compression: format!("HEVC, {kind}, {depth} bits"),
        levels: vec![Level { size: clip.rect.dimensions(), grid: None }],
        max_denominator: 1,
        pages: 1,
        orientation: clip.orientation,
        color: if chroma == 0 { ColorModel::Gray } else { ColorModel::Rgb },
        bits_per_sample: depth,
        has_alpha: alpha.is_some(),
        icc,
        dpi: None,
    };
    let (image, memo, max_bytes) = (options.memo.image(), Arc::clone(&options.memo), options.max_bytes);
    let premultiplied = alpha.is_some_and(|alpha| alpha.premultiplied);
    if premultiplied {
        return Err(DecodeError::Unsupported {
            format: SourceFormat::Heic,
            what: "colours multiplied by opacity".to_owned(),
        });
    }
    Ok(Box::new(HeicDecoder { source, facts, picture, clip: clip.rect, memo, image, max_bytes }))
}

struct HeicDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    picture: Picture,
    /// The part of the picture that is the image.
    clip: Rect,
    memo: Arc<Memo>,
    image: u64,
    max_bytes: u64,
}

impl HeicDecoder {
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

    /// The whole picture, from memory if it was decoded before: no part of it can be decoded alone.
    fn whole(&self, control: &Control) -> Result<Arc<Raster>, DecodeError> {
        let key = MemoKey { image: self.image, part: 0 };
        if let Some(known) = self.memo.get::<Raster>(key) {
            return Ok(known);
        }
        let size = self.picture.size;
        let wide = self.facts.bits_per_sample > 8;
        // Tiles at the edge of a grid reach beyond the picture.
        let side = size
            .width_px
            .max(size.height_px)
            .saturating_add(self.picture.tile.width_px.max(self.picture.tile.height_px));
        let decoded = child::decode(self.source.as_ref(), side, wide, size.area_px(), control)?;
        if decoded.size != size {
            return Err(corrupt(format!("its picture is coded as {} pixels, the container says {size}", decoded.size)));
        }
        let pixels = self.pixels();
        let keep = kept_samples(pixels);
        let data: Vec<u8> = if decoded.wide {
            let top = (1_u32 << decoded.bits) - 1;
            let stretched =
                |sample: &[u8; 2]| ((u32::from(u16::from_le_bytes(*sample)).min(top) * 65535 + top / 2) / top) as u16;
            let all = decoded.data.as_chunks::<8>().0.iter();
            all.flat_map(|pixel| keep.iter().map(|at| &pixel.as_chunks::<2>().0[*at]))
                .flat_map(|sample| stretched(sample).to_ne_bytes())
                .collect()
        } else {
            decoded.data.as_chunks::<4>().0.iter().flat_map(|pixel| keep.iter().map(|at| pixel[*at])).collect()
        };
        let raster = Arc::new(Raster::from_vec(size, pixels, data));
        self.memo.insert(key, Arc::clone(&raster), raster.data().len() as u64);
        Ok(raster)
    }
}

/// Which of red, green, blue and alpha make a pixel.
const fn kept_samples(pixels: PixelFormat) -> &'static [usize] {
    match pixels.samples() {
        1 => &[0],
        2 => &[0, 3],
        3 => &[0, 1, 2],
        _ => &[0, 1, 2, 3],
    }
}

impl Decoder for HeicDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let area = self.picture.size.area_px();
        let bytes = self.pixels().bytes_per_pixel() as u64;
        // Coded planes, the same as red, green, blue and alpha, and our copies of that.
        let samples = if self.facts.bits_per_sample > 8 { 2 } else { 1 };
        let held = area.saturating_mul(samples * (3 + 4 + 4) + bytes).saturating_add(self.source.len());
        Cost {
            bytes_read: self.source.len(),
            bytes_held: held
                .saturating_add(wanted.region.area_px() * bytes)
                .saturating_add(strip_bytes(wanted.region.w, wanted.region.h, self.pixels()))
                .saturating_add(STATE_BYTES),
            pixels: area,
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels(), wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Heic)?;
        let whole = self.whole(control)?;
        control.check()?;
        let Rect { x, y, w, h } = wanted.region;
        let bytes = whole.format().bytes_per_pixel();
        let first = (x + self.clip.x) as usize * bytes;
        let mut data = Vec::with_capacity(w as usize * h as usize * bytes);
        for row in y..y + h {
            data.extend_from_slice(&whole.row(row + self.clip.y)[first..first + w as usize * bytes]);
        }
        let raster = Raster::from_vec(wanted.region.dimensions(), whole.format(), data);
        Ok(Box::new(HeldRows::new(geometry, raster, control)))
    }
}
