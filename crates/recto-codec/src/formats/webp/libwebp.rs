//! The calls into libwebp, behind types that own what it allocates.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use libwebp_sys as sys;
use recto_iiif::{Dimensions, Rect};

use crate::{PixelFormat, Raster};

/// The longest side that the format has.
pub(super) const MAX_SIDE_PX: u32 = sys::WEBP_MAX_DIMENSION;

/// How far a decode came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All pixels are there.
    Done,
    /// More data is needed.
    Hungry,
}

/// Why libwebp gave up, in its own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure(pub(super) String);

/// A frame being decoded from a prefix of its data that grows.
pub(super) struct CropDecoder<'data> {
    /// Points into `config` and, through it, into `raster`.
    decoder: NonNull<sys::WebPIDecoder>,
    /// In a box of its own: libwebp keeps a pointer to it.
    _config: Box<sys::WebPDecoderConfig>,
    raster: Raster,
    data: &'data [u8],
}

// SAFETY: a decoder has no ties to the thread that made it; it is used through `&mut self` only.
#[expect(unsafe_code, reason = "libwebp's handle is a raw pointer")]
unsafe impl Send for CropDecoder<'_> {}

impl<'data> CropDecoder<'data> {
    /// Begins to decode `crop` of the frame whose chunks are `data`, as `Rgb8` or `Rgba8`. The crop must lie inside the frame.
    pub(super) fn new(data: &'data [u8], crop: Rect, format: PixelFormat) -> Result<Self, Failure> {
        let mode = match format {
            PixelFormat::Rgb8 => sys::WEBP_CSP_MODE::MODE_RGB,
            PixelFormat::Rgba8 => sys::WEBP_CSP_MODE::MODE_RGBA,
            _ => return Err(Failure("it decodes to 8-bit colour only".to_owned())),
        };
        let mut raster = Raster::zeroed(crop.dimensions(), format);
        let config = sys::WebPDecoderConfig::new().map_err(|()| Failure("it has another version".to_owned()))?;
        let mut config = Box::new(config);
        config.options.use_cropping = 1;
        config.options.crop_left = int(crop.x)?;
        config.options.crop_top = int(crop.y)?;
        config.options.crop_width = int(crop.w)?;
        config.options.crop_height = int(crop.h)?;
        config.output.colorspace = mode;
        config.output.is_external_memory = 1;
        config.output.u.RGBA = sys::WebPRGBABuffer {
            stride: c_int::try_from(raster.stride()).map_err(|_| Failure("its rows are too long".to_owned()))?,
            size: raster.data().len(),
            rgba: raster.data_mut().as_mut_ptr(),
        };
        // SAFETY: `config` is valid, was initialised by its constructor and stays where it is for as long as the decoder
        // lives; no data is passed yet.
        #[expect(unsafe_code, reason = "call into libwebp")]
        let decoder = unsafe { sys::WebPIDecode(ptr::null(), 0, &raw mut *config) };
        let decoder = NonNull::new(decoder).ok_or_else(|| Failure("it is out of memory".to_owned()))?;
        Ok(Self { decoder, _config: config, raster, data })
    }

    /// Decodes as far as the first `length` bytes allow. `length` never falls from call to call.
    pub(super) fn advance(&mut self, length: usize) -> Result<Progress, Failure> {
        let known = &self.data[..length];
        // SAFETY: the decoder is alive; `data` is borrowed for longer than the decoder lives and always begins at the same
        // address, as this call demands; the output is `raster`'s memory, whose size and stride libwebp was told.
        #[expect(unsafe_code, reason = "call into libwebp")]
        let status = unsafe { sys::WebPIUpdate(self.decoder.as_ptr(), known.as_ptr(), known.len()) };
        match status {
            sys::VP8StatusCode::VP8_STATUS_OK => Ok(Progress::Done),
            sys::VP8StatusCode::VP8_STATUS_SUSPENDED | sys::VP8StatusCode::VP8_STATUS_NOT_ENOUGH_DATA => {
                Ok(Progress::Hungry)
            }
            other => Err(Failure(format!("{other:?}").trim_start_matches("VP8_STATUS_").to_lowercase())),
        }
    }

    /// The pixels of the crop.
    pub(super) fn into_raster(mut self) -> Raster {
        let empty = Raster::zeroed(Dimensions::new(0, 0), self.raster.format());
        // The decoder still points at the memory, but is only dropped after this.
        std::mem::replace(&mut self.raster, empty)
    }
}

impl Drop for CropDecoder<'_> {
    fn drop(&mut self) {
        // SAFETY: the decoder came from `WebPIDecode` and is deleted once. It does not free external memory.
        #[expect(unsafe_code, reason = "call into libwebp")]
        unsafe {
            sys::WebPIDelete(self.decoder.as_ptr());
        }
    }
}

fn int(value: u32) -> Result<c_int, Failure> {
    c_int::try_from(value).map_err(|_| Failure("it has no sides as long as this".to_owned()))
}

/// How to compress.
#[derive(Clone, Copy, Debug)]
pub(super) enum Compression {
    /// Quality of 1..=99.
    Lossy { quality: u8 },
    /// Every sample is kept, also under transparent pixels.
    Lossless,
}

/// Encodes an `Rgb8` or `Rgba8` raster, with an effort of 0..=6.
pub(super) fn encode(raster: &Raster, compression: Compression, effort: u8) -> Result<Vec<u8>, Failure> {
    let config = config(compression, effort)?;
    let mut picture = Picture::new(raster, matches!(compression, Compression::Lossless))?;
    let mut output = Output::new();
    picture.0.writer = Some(sys::WebPMemoryWrite);
    picture.0.custom_ptr = (&raw mut output.0).cast();
    // SAFETY: both structures were initialised by the library's own functions; the writer's state outlives the call.
    #[expect(unsafe_code, reason = "call into libwebp")]
    let ok = unsafe { sys::WebPEncode(&raw const config, &raw mut picture.0) };
    if ok == 0 {
        return Err(Failure(format!("{:?}", picture.0.error_code).trim_start_matches("VP8_ENC_ERROR_").to_lowercase()));
    }
    Ok(output.bytes().to_vec())
}

fn config(compression: Compression, effort: u8) -> Result<sys::WebPConfig, Failure> {
    let mut config = sys::WebPConfig::new().map_err(|()| Failure("it has another version".to_owned()))?;
    match compression {
        Compression::Lossy { quality } => {
            config.quality = f32::from(quality);
            config.method = c_int::from(effort.min(6));
        }
        Compression::Lossless => {
            // SAFETY: `config` is initialised; levels of 0..=9 are valid.
            #[expect(unsafe_code, reason = "call into libwebp")]
            let ok = unsafe { sys::WebPConfigLosslessPreset(&raw mut config, c_int::from(effort.min(6))) };
            if ok == 0 {
                return Err(Failure("it refuses the lossless preset".to_owned()));
            }
            config.exact = 1;
        }
    }
    Ok(config)
}

/// libwebp's copy of the pixels.
struct Picture(sys::WebPPicture);

impl Picture {
    fn new(raster: &Raster, as_argb: bool) -> Result<Self, Failure> {
        let picture = sys::WebPPicture::new().map_err(|()| Failure("it has another version".to_owned()))?;
        let mut picture = Self(picture);
        picture.0.use_argb = c_int::from(as_argb);
        picture.0.width = int(raster.width_px())?;
        picture.0.height = int(raster.height_px())?;
        let stride = c_int::try_from(raster.stride()).map_err(|_| Failure("its rows are too long".to_owned()))?;
        let import = match raster.format() {
            PixelFormat::Rgb8 => sys::WebPPictureImportRGB,
            PixelFormat::Rgba8 => sys::WebPPictureImportRGBA,
            _ => return Err(Failure("it encodes 8-bit colour only".to_owned())),
        };
        // SAFETY: the raster holds `height` rows of `stride` bytes of the layout that the function reads, and sizes were set
        // from it just now.
        #[expect(unsafe_code, reason = "call into libwebp")]
        let ok = unsafe { import(&raw mut picture.0, raster.data().as_ptr(), stride) };
        if ok == 0 { Err(Failure("it is out of memory".to_owned())) } else { Ok(picture) }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised by the library; freeing one without pixels is allowed.
        #[expect(unsafe_code, reason = "call into libwebp")]
        unsafe {
            sys::WebPPictureFree(&raw mut self.0);
        }
    }
}

/// The file as libwebp writes it.
struct Output(sys::WebPMemoryWriter);

impl Output {
    fn new() -> Self {
        let mut writer = sys::WebPMemoryWriter { mem: ptr::null_mut(), size: 0, max_size: 0, pad: [0] };
        // SAFETY: the pointer is to a live value of the right type, which the call sets to empty.
        #[expect(unsafe_code, reason = "call into libwebp")]
        unsafe {
            sys::WebPMemoryWriterInit(&raw mut writer);
        }
        Self(writer)
    }

    fn bytes(&self) -> &[u8] {
        if self.0.mem.is_null() {
            return &[];
        }
        // SAFETY: the writer holds `size` initialised bytes at `mem`, and nobody writes while `self` is borrowed.
        #[expect(unsafe_code, reason = "memory of libwebp")]
        unsafe {
            std::slice::from_raw_parts(self.0.mem, self.0.size)
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: the writer was initialised by the library, and is cleared once.
        #[expect(unsafe_code, reason = "call into libwebp")]
        unsafe {
            sys::WebPMemoryWriterClear(&raw mut self.0);
        }
    }
}
