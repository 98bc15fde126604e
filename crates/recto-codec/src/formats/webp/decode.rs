//! Reading WebP.

use std::sync::Arc;

use recto_iiif::{Dimensions, Rect};

use super::container::{Coding, Container, Frame, corrupt};
use super::libwebp::{CropDecoder, Failure, Progress};
use crate::formats::exif;
use crate::formats::held::{HeldRows, check_held, check_page, check_size, strip_bytes, unreduced};
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, Level, MemoryAccess, OpenOptions,
    Orientation, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Data is handed over in pieces of this size, and the control asked between them.
const PIECE_BYTES: usize = 32 * 1024;
/// libwebp's own tables and row buffers, for a frame of this width.
const STATE_BYTES: u64 = 512 * 1024;
const STATE_BYTES_PER_COLUMN: u64 = 256;

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"RIFF") && first.get(8..12) == Some(b"WEBP")
}

/// Opens the image, or the first frame of an animation.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    Ok(Box::new(WebpDecoder::open(source, options)?))
}

/// Decodes a complete WebP stream of one picture from memory to `Rgb8` or `Rgba8`, within the limits of `options`.
pub(crate) fn decode_stream(stream: &[u8], options: &OpenOptions, control: &Control) -> Result<Raster, DecodeError> {
    let source: Arc<dyn RandomAccess> = Arc::new(MemoryAccess::new(stream));
    if Container::read(source.as_ref())?.animated {
        return Err(corrupt("it is an animation where one picture belongs"));
    }
    let decoder = WebpDecoder::open(source, options)?;
    decoder.read(decoder.facts.stored_size().rect(), control)
}

struct WebpDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    frame: Frame,
    max_bytes: u64,
}

impl WebpDecoder {
    fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Self, DecodeError> {
        let container = Container::read(source.as_ref())?;
        check_size(container.canvas, SourceFormat::Webp, options)?;
        check_size(container.frame.rect.dimensions(), SourceFormat::Webp, options)?;
        let exif = container.exif.as_deref().map(exif::parse).unwrap_or_default();
        let xmp = container.xmp.as_deref().and_then(exif::xmp_orientation);
        let coding = match container.frame.coding {
            Coding::Lossy | Coding::LossyWithAlpha => "WebP, lossy",
            Coding::Lossless => "WebP, lossless",
        };
        let facts = ImageFacts {
            source_format: SourceFormat::Webp,
            compression: format!("{coding}{}", if container.animated { ", animated" } else { "" }),
            levels: vec![Level { size: container.canvas, grid: None }],
            max_denominator: 1,
            pages: 1,
            orientation: exif.orientation.or(xmp).unwrap_or(Orientation::Normal),
            color: ColorModel::Rgb,
            bits_per_sample: 8,
            has_alpha: container.has_alpha(),
            icc: container.icc.map(Arc::from),
            dpi: exif.dpi,
        };
        Ok(Self { source, facts, frame: container.frame, max_bytes: options.max_bytes })
    }

    fn pixels(&self) -> PixelFormat {
        if self.facts.has_alpha { PixelFormat::Rgba8 } else { PixelFormat::Rgb8 }
    }

    /// Most bytes held while `region` is decoded, without the strip.
    fn held(&self, region: Rect) -> u64 {
        let frame = self.frame.rect;
        let inside = match self.frame.coding {
            Coding::Lossy => 0,
            Coding::LossyWithAlpha => frame.area_px(),
            // Four bytes a pixel of the whole frame; no part of it can be left out.
            Coding::Lossless => 4 * frame.area_px(),
        };
        let crop = region.intersection(frame).map_or(0, |visible| self.crop(visible).area_px());
        let bytes_per_pixel = self.pixels().bytes_per_pixel() as u64;
        let state = STATE_BYTES + STATE_BYTES_PER_COLUMN * u64::from(frame.w);
        self.frame.data.length + inside + (crop + region.area_px()) * bytes_per_pixel + state
    }

    /// What is cropped in the decoder for `visible`, in pixels of the frame. At the edge of a crop the decoder has no
    /// neighbours to interpolate colour from, so two pixels more on each side, beginning at an even column and row, give
    /// every visible pixel the value that it has in the whole image.
    fn crop(&self, visible: Rect) -> Rect {
        let frame = self.frame.rect;
        let (x, y) = ((visible.x - frame.x).saturating_sub(2) & !1, (visible.y - frame.y).saturating_sub(2) & !1);
        let right = (visible.right() - u64::from(frame.x) + 2).min(frame.w.into()) as u32;
        let bottom = (visible.bottom() - u64::from(frame.y) + 2).min(frame.h.into()) as u32;
        Rect::new(x, y, right - x, bottom - y)
    }

    fn read(&self, region: Rect, control: &Control) -> Result<Raster, DecodeError> {
        control.check()?;
        check_held(self.held(region), self.max_bytes, SourceFormat::Webp)?;
        let Some(visible) = region.intersection(self.frame.rect) else {
            return Ok(Raster::zeroed(region.dimensions(), self.pixels()));
        };
        let data = self.source.read_range(self.frame.data)?;
        let crop = self.crop(visible);
        let decoded = self.decode(&data, crop, control)?;
        if crop == region {
            return Ok(decoded);
        }
        // Place of the crop on the canvas.
        let (left, top) = (crop.x + self.frame.rect.x, crop.y + self.frame.rect.y);
        let mut raster = Raster::zeroed(region.dimensions(), self.pixels());
        let bytes_per_pixel = self.pixels().bytes_per_pixel();
        let from = (visible.x - left) as usize * bytes_per_pixel;
        let to = (visible.x - region.x) as usize * bytes_per_pixel;
        let length = visible.w as usize * bytes_per_pixel;
        for y in visible.y..visible.y + visible.h {
            raster.row_mut(y - region.y)[to..to + length].copy_from_slice(&decoded.row(y - top)[from..from + length]);
        }
        Ok(raster)
    }

    fn decode(&self, data: &[u8], crop: Rect, control: &Control) -> Result<Raster, DecodeError> {
        let failed = |Failure(what): Failure| corrupt(format!("its frame cannot be decoded ({what})"));
        let mut decoder = CropDecoder::new(data, crop, self.pixels()).map_err(failed)?;
        let mut known = 0;
        loop {
            control.check()?;
            known = data.len().min(known + PIECE_BYTES);
            match decoder.advance(known).map_err(failed)? {
                Progress::Done => return Ok(decoder.into_raster()),
                Progress::Hungry if known == data.len() => return Err(corrupt("it ends in its frame")),
                Progress::Hungry => {}
            }
        }
    }
}

impl Decoder for WebpDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        Cost {
            bytes_read: self.frame.data.length,
            bytes_held: self.held(wanted.region) + strip_bytes(wanted.region.w, wanted.region.h, self.pixels()),
            pixels: self.frame.rect.area_px().max(wanted.region.area_px()),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        let geometry = unreduced(&self.facts, self.pixels(), wanted);
        let raster = self.read(wanted.region, control)?;
        debug_assert_eq!(raster.size(), Dimensions::new(wanted.region.w, wanted.region.h));
        Ok(Box::new(HeldRows::new(geometry, raster, control)))
    }
}
