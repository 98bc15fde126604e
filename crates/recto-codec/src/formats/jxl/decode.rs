//! Reading JPEG XL: the first frame, turned as it is to be shown.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jxl_oxide::image::BitDepth;
use jxl_oxide::{
    AllocTracker, CropInfo, EnumColourEncoding, ExtraChannelType, FrameBufferSample, InitializeResult, JxlImage,
    JxlThreadPool, RenderingIntent, color::ColourEncoding,
};
use recto_iiif::{Dimensions, Rect};

use crate::formats::held::{HeldRows, check_held, check_page, check_size, strip_bytes, unreduced};
use crate::{
    ByteRange, ColorModel, Control, Cost, DecodeError, DecodeRequest, Decoder, ImageFacts, Level, OpenOptions,
    Orientation, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Bytes handed over at a time.
const PIECE_BYTES: u64 = 64 * 1024;
/// Most bytes that may come before the pixels: a profile, mainly.
const MAX_HEADER_BYTES: u64 = 32 << 20;
/// What the decoder's tables take, whatever the size of the image.
const STATE_BYTES: u64 = 48 << 20;
/// Most bytes that opening may hold beside what it reads.
const OPEN_BYTES: u64 = 64 << 20;

/// Does a file that begins so look like it? A bare codestream, or the container.
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(&[0xff, 0x0a]) || first.starts_with(b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a")
}

fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Jxl, what: what.into() }
}

/// Runs a part of the decoder, which is young: a mistake in it is a damaged file, not the end of the server.
fn guarded<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(corrupt("the decoder gave up on it")))
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn failed(error: &Failure) -> DecodeError {
    corrupt(error.to_string())
}

/// The image with its headers read, and how many bytes that took.
fn read_headers(source: &dyn RandomAccess, limit_bytes: u64) -> Result<(JxlImage, u64), DecodeError> {
    let limit = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
    let builder = JxlImage::builder().pool(JxlThreadPool::none()).alloc_tracker(AllocTracker::with_limit(limit));
    let mut waiting = builder.build_uninit();
    let mut at = 0;
    // What the reader left of the last piece.
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        let length = PIECE_BYTES.min(source.len() - at);
        if length == 0 {
            return Err(corrupt("it ends in its header"));
        }
        if at > MAX_HEADER_BYTES {
            return Err(corrupt("its header does not end"));
        }
        buffer.extend(source.read_range(ByteRange::new(at, length))?);
        at += length;
        let taken = waiting.feed_bytes(&buffer).map_err(|error| failed(&error))?;
        buffer.drain(..taken.min(buffer.len()));
        match waiting.try_init().map_err(|error| failed(&error))? {
            InitializeResult::NeedMoreData(still) => waiting = still,
            InitializeResult::Initialized(image) => return Ok((image, at - buffer.len() as u64)),
        }
    }
}

/// Opens the image.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    check_page(options.page)?;
    let limit = options.max_bytes.min(OPEN_BYTES);
    guarded(move || {
        let (mut image, _) = read_headers(source.as_ref(), limit)?;
        let size = Dimensions::new(image.width(), image.height());
        check_size(size, SourceFormat::Jxl, options)?;
        let (icc, _) = colours(&mut image);
        let metadata = &image.image_header().metadata;
        if image.pixel_format().has_black() {
            return Err(DecodeError::Unsupported { format: SourceFormat::Jxl, what: "inks".to_owned() });
        }
        let (bits, kind) = match metadata.bit_depth {
            BitDepth::IntegerSample { bits_per_sample } => (bits_per_sample, "bits"),
            BitDepth::FloatSample { bits_per_sample, .. } => (bits_per_sample, "bits, floating point"),
        };
        let gray = image.pixel_format().is_grayscale();
        let alpha = metadata.ec_info.iter().find_map(|channel| match channel.ty {
            ExtraChannelType::Alpha { alpha_associated } => Some(alpha_associated),
            _ => None,
        });
        let how = if metadata.xyb_encoded { "lossy" } else { "original colours" };
        let moving = if metadata.animation.is_some() { ", animated" } else { "" };
        let facts = ImageFacts {
            source_format: SourceFormat::Jxl,
            compression: format!("JPEG XL, {how}, {bits} {kind}{moving}"),
            levels: vec![Level { size, grid: None }],
            max_denominator: 1,
            pages: 1,
            // The decoder turns what it gives.
            orientation: Orientation::Normal,
            color: if gray { ColorModel::Gray } else { ColorModel::Rgb },
            bits_per_sample: bits.min(32) as u8,
            has_alpha: alpha.is_some(),
            icc,
            dpi: None,
        };
        let channels = image.image_header().metadata.ec_info.len() as u64 + if gray { 1 } else { 3 };
        let decoder =
            JxlDecoder { source, facts, channels, premultiplied: alpha == Some(true), max_bytes: options.max_bytes };
        Ok(Box::new(decoder) as Box<dyn Decoder>)
    })
}

/// Asks for colours that can be described, and gives their profile; `None` is sRGB. True when they are made for it from a space
/// that has no white of its own.
fn colours(image: &mut JxlImage) -> (Option<Arc<[u8]>>, bool) {
    let metadata = &image.image_header().metadata;
    let gray = metadata.grayscale();
    let is_hdr = image.hdr_type().is_some();
    let standard = if gray {
        EnumColourEncoding::gray_srgb(RenderingIntent::Relative)
    } else {
        EnumColourEncoding::srgb(RenderingIntent::Relative)
    };
    match (&metadata.colour_encoding, metadata.xyb_encoded) {
        (ColourEncoding::IccProfile(_), false) => (image.original_icc().map(Arc::from), false),
        (ColourEncoding::Enum(encoding), _) if !is_hdr && encoding.is_srgb() => (None, false),
        (ColourEncoding::Enum(_), _) if !is_hdr => (Some(image.rendered_icc().into()), false),
        _ => {
            image.request_color_encoding(standard);
            (None, true)
        }
    }
}

struct JxlDecoder {
    source: Arc<dyn RandomAccess>,
    facts: ImageFacts,
    /// Colours and extra channels.
    channels: u64,
    premultiplied: bool,
    max_bytes: u64,
}

impl JxlDecoder {
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

    /// What the decoder may hold: the stream, and every channel in four bytes, several times over.
    fn working_bytes(&self) -> u64 {
        let area = self.facts.stored_size().area_px();
        area.saturating_mul(self.channels * 16).saturating_add(self.source.len() * 2).saturating_add(STATE_BYTES)
    }

    fn read(&self, region: Rect, control: &Control) -> Result<Raster, DecodeError> {
        let (mut image, mut at) = read_headers(self.source.as_ref(), self.working_bytes())?;
        colours(&mut image);
        image.set_image_region(CropInfo { width: region.w, height: region.h, left: region.x, top: region.y });
        let mut buffer = Vec::new();
        while image.num_loaded_keyframes() == 0 {
            control.check()?;
            let length = PIECE_BYTES.min(self.source.len() - at);
            if length == 0 {
                break;
            }
            buffer.extend(self.source.read_range(ByteRange::new(at, length))?);
            at += length;
            let taken = image.feed_bytes(&buffer).map_err(|error| failed(&error))?;
            buffer.drain(..taken.min(buffer.len()));
        }
        if image.num_loaded_keyframes() == 0 {
            return Err(corrupt("it ends in its first frame"));
        }
        control.check()?;
        let render = image.render_frame_cropped(0).map_err(|error| failed(&error))?;
        let pixels = self.pixels();
        let mut stream = render.stream();
        let got = (stream.width(), stream.height(), stream.channels() as usize);
        if got != (region.w, region.h, pixels.samples()) {
            return Err(corrupt(format!("its frame is {}x{} pixels of {} samples", got.0, got.1, got.2)));
        }
        let count = region.area_px() as usize * pixels.samples();
        let mut data = if pixels.bytes_per_sample() == 2 {
            let samples: Vec<u16> = written(count, |samples| stream.write_to_buffer(samples))?;
            samples.into_iter().flat_map(u16::to_ne_bytes).collect()
        } else {
            written(count, |samples: &mut [u8]| stream.write_to_buffer(samples))?
        };
        if self.premultiplied {
            divide_by_alpha(&mut data, pixels);
        }
        Ok(Raster::from_vec(region.dimensions(), pixels, data))
    }
}

fn written<T: FrameBufferSample + Clone + Default>(
    count: usize,
    write: impl FnOnce(&mut [T]) -> usize,
) -> Result<Vec<T>, DecodeError> {
    let mut samples = vec![T::default(); count];
    if write(&mut samples) < count {
        return Err(corrupt("its frame has too few pixels"));
    }
    Ok(samples)
}

fn divide_by_alpha(data: &mut [u8], pixels: PixelFormat) {
    let samples = pixels.samples();
    let divided = |sample: u32, alpha: u32, top: u32| {
        if alpha == 0 {
            0
        } else {
            ((u64::from(sample) * u64::from(top) + u64::from(alpha) / 2) / u64::from(alpha)).min(u64::from(top))
        }
    };
    if pixels.bytes_per_sample() == 1 {
        for pixel in data.chunks_exact_mut(samples) {
            let Some((alpha, color)) = pixel.split_last_mut() else { continue };
            for sample in color {
                *sample = divided((*sample).into(), (*alpha).into(), 255) as u8;
            }
        }
        return;
    }
    for pixel in data.chunks_exact_mut(samples * 2) {
        let Some((color, alpha)) = pixel.split_last_chunk_mut::<2>() else { continue };
        let alpha = u16::from_ne_bytes(*alpha);
        for sample in color.as_chunks_mut::<2>().0 {
            *sample = (divided(u16::from_ne_bytes(*sample).into(), alpha.into(), 65535) as u16).to_ne_bytes();
        }
    }
}

impl Decoder for JxlDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        let region = wanted.region;
        let bytes = self.pixels().bytes_per_pixel() as u64;
        Cost {
            bytes_read: self.source.len(),
            bytes_held: self.working_bytes().saturating_add(region.area_px() * bytes * 2).saturating_add(strip_bytes(
                region.w,
                region.h,
                self.pixels(),
            )),
            pixels: self.facts.stored_size().area_px(),
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let geometry = unreduced(&self.facts, self.pixels(), wanted);
        check_held(self.cost(wanted).bytes_held, self.max_bytes, SourceFormat::Jxl)?;
        let raster = guarded(|| self.read(wanted.region, control))?;
        Ok(Box::new(HeldRows::new(geometry, raster, control)))
    }
}
