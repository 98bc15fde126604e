//! The calls into `OpenJPEG` for reading, behind types that own what it allocates. It is given bare codestreams only; what boxes
//! say is read by ourselves.

use std::ffi::{CStr, c_char, c_void};
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use openjpeg_sys as sys;

use super::codestream::{Area, MainHeader};
use super::pixels::Plane;
use super::{corrupt, unsupported};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// Bytes that the library reads at a time.
const BUFFER_BYTES: usize = 64 * 1024;
/// Most characters of its messages that are kept.
const MAX_MESSAGE: usize = 300;

/// Part of an original as the library's stream.
struct Input {
    source: Arc<dyn RandomAccess>,
    range: ByteRange,
    /// From the beginning of the range.
    position: u64,
    control: Control,
    /// The first failure of a read.
    failed: Option<io::Error>,
}

/// What the library says at the end of its stream.
const AT_END: usize = usize::MAX;

impl Input {
    fn read(&mut self, out: &mut [u8]) -> usize {
        let left = self.range.length.saturating_sub(self.position);
        let count = (out.len() as u64).min(left) as usize;
        if count == 0 || self.failed.is_some() || self.control.check().is_err() {
            return AT_END;
        }
        match self.source.read_at(self.range.offset + self.position, &mut out[..count]) {
            Ok(()) => {
                self.position += count as u64;
                count
            }
            Err(error) => {
                self.failed = Some(error);
                AT_END
            }
        }
    }
}

#[expect(unsafe_code, reason = "called by OpenJPEG with what it was given")]
extern "C" fn read(buffer: *mut c_void, length: usize, user: *mut c_void) -> usize {
    // SAFETY: `user` is the `Input` that the stream was given, which outlives it and is used by no one else meanwhile.
    let input = unsafe { &mut *user.cast::<Input>() };
    // SAFETY: the library's buffer has `length` bytes, all of them written before (it comes zeroed or was read into).
    let out = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    input.read(out)
}

#[expect(unsafe_code, reason = "called by OpenJPEG with what it was given")]
extern "C" fn skip(count: i64, user: *mut c_void) -> i64 {
    // SAFETY: as in `read`.
    let input = unsafe { &mut *user.cast::<Input>() };
    match input.position.checked_add_signed(count) {
        Some(position) if position <= input.range.length => {
            input.position = position;
            count
        }
        _ => -1,
    }
}

#[expect(unsafe_code, reason = "called by OpenJPEG with what it was given")]
extern "C" fn seek(position: i64, user: *mut c_void) -> i32 {
    // SAFETY: as in `read`.
    let input = unsafe { &mut *user.cast::<Input>() };
    match u64::try_from(position) {
        Ok(position) if position <= input.range.length => {
            input.position = position;
            1
        }
        _ => 0,
    }
}

/// Keeps the first message.
#[expect(unsafe_code, reason = "called by OpenJPEG with what it was given")]
pub(super) extern "C" fn keep_message(message: *const c_char, user: *mut c_void) {
    // SAFETY: `user` is the `String` that the handler was given, which outlives the codec and is used by no one else meanwhile.
    let kept = unsafe { &mut *user.cast::<String>() };
    if kept.is_empty() && !message.is_null() {
        // SAFETY: the library's messages end with a zero byte.
        let text = unsafe { CStr::from_ptr(message) };
        kept.extend(text.to_string_lossy().trim().chars().take(MAX_MESSAGE));
    }
}

pub(super) struct Stream(pub(super) NonNull<sys::opj_stream_t>);

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the stream was made by the library, and is destroyed once.
        #[expect(unsafe_code, reason = "call into OpenJPEG")]
        unsafe {
            sys::opj_stream_destroy(self.0.as_ptr().cast());
        }
    }
}

pub(super) struct Codec(pub(super) NonNull<sys::opj_codec_t>);

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: the codec was made by the library, and is destroyed once.
        #[expect(unsafe_code, reason = "call into OpenJPEG")]
        unsafe {
            sys::opj_destroy_codec(self.0.as_ptr().cast());
        }
    }
}

pub(super) struct Image(pub(super) NonNull<sys::opj_image_t>);

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the image was made by the library, and is destroyed once.
        #[expect(unsafe_code, reason = "call into OpenJPEG")]
        unsafe {
            sys::opj_image_destroy(self.0.as_ptr());
        }
    }
}

/// Decodes `area` (on the reference grid at full size) of a codestream, reduced `reduction` times: a plane for each of the
/// `wanted` components.
pub(super) fn decode(
    source: &Arc<dyn RandomAccess>,
    range: ByteRange,
    header: &MainHeader,
    (area, reduction): (Area, u8),
    wanted: &[usize],
    control: &Control,
) -> Result<Vec<Plane>, DecodeError> {
    control.check()?;
    // Both are declared before what points at them, so that they are dropped after it.
    let mut message = String::new();
    let mut input = Input { source: Arc::clone(source), range, position: 0, control: control.clone(), failed: None };
    let result = decode_image(&raw mut input, &raw mut message, header, (area, reduction), wanted);
    if let Some(error) = input.failed {
        return Err(error.into());
    }
    control.check()?;
    result?.map_err(|()| {
        if message.is_empty() {
            message.push_str("no reason is given");
        }
        corrupt(format!("its codestream cannot be decoded ({message})"))
    })
}

/// The inner failure is explained by the message.
fn decode_image(
    input: *mut Input,
    message: *mut String,
    header: &MainHeader,
    (area, reduction): (Area, u8),
    wanted: &[usize],
) -> Result<Result<Vec<Plane>, ()>, DecodeError> {
    let out_of_memory = || unsupported("more state than there is memory for");
    // SAFETY: makes a stream without ties to anything.
    #[expect(unsafe_code, reason = "call into OpenJPEG")]
    let stream = unsafe { sys::opj_stream_create(BUFFER_BYTES, 1) };
    let stream = Stream(NonNull::new(stream.cast()).ok_or_else(out_of_memory)?);
    let raw_stream = stream.0.as_ptr().cast();
    // SAFETY: the stream is alive; the functions are of the types that they are set as, and `input` outlives the stream.
    #[expect(unsafe_code, reason = "calls into OpenJPEG")]
    unsafe {
        sys::opj_stream_set_read_function(raw_stream, Some(read));
        sys::opj_stream_set_skip_function(raw_stream, Some(skip));
        sys::opj_stream_set_seek_function(raw_stream, Some(seek));
        sys::opj_stream_set_user_data(raw_stream, input.cast(), None);
        sys::opj_stream_set_user_data_length(raw_stream, (*input).range.length);
    }
    // SAFETY: makes a codec without ties to anything.
    #[expect(unsafe_code, reason = "call into OpenJPEG")]
    let codec = unsafe { sys::opj_create_decompress(sys::OPJ_CODEC_FORMAT::OPJ_CODEC_J2K) };
    let codec = Codec(NonNull::new(codec.cast()).ok_or_else(out_of_memory)?);
    let raw_codec = codec.0.as_ptr().cast();
    let mut parameters = std::mem::MaybeUninit::<sys::opj_dparameters_t>::zeroed();
    // SAFETY: the structure is plain data for which zeroes are valid; the library sets its defaults.
    #[expect(unsafe_code, reason = "call into OpenJPEG")]
    let mut parameters = unsafe {
        sys::opj_set_default_decoder_parameters(parameters.as_mut_ptr());
        parameters.assume_init()
    };
    parameters.cp_reduce = reduction.into();
    let mut image = std::ptr::null_mut();
    // SAFETY: codec and stream are alive, `message` outlives the codec, the parameters were initialised by the library.
    #[expect(unsafe_code, reason = "calls into OpenJPEG")]
    let has_header = unsafe {
        sys::opj_set_error_handler(raw_codec, Some(keep_message), message.cast());
        sys::opj_setup_decoder(raw_codec, &raw mut parameters) != 0
            && sys::opj_decoder_set_strict_mode(raw_codec, 1) != 0
            && sys::opj_read_header(raw_stream, raw_codec, &raw mut image) != 0
    };
    let Some(image) = NonNull::new(image).map(Image) else { return Ok(Err(())) };
    if !has_header {
        return Ok(Err(()));
    }
    let raw_image = image.0.as_ptr();
    // Components that are not wanted need not be decoded, unless they are transformed together with others.
    let subset: Vec<u32> = wanted.iter().map(|component| *component as u32).collect();
    let select = !header.color_transform && subset.len() < header.size.components.len();
    // SAFETY: all are alive; the numbers are of components that exist, each once, and `subset` holds as many as are named.
    #[expect(unsafe_code, reason = "calls into OpenJPEG")]
    let is_decoded = unsafe {
        (!select || sys::opj_set_decoded_components(raw_codec, subset.len() as u32, subset.as_ptr(), 0) != 0)
            && sys::opj_set_decode_area(
                raw_codec,
                raw_image,
                area.x0 as i32,
                area.y0 as i32,
                area.x1 as i32,
                area.y1 as i32,
            ) != 0
            && sys::opj_decode(raw_codec, raw_stream, raw_image) != 0
    };
    if !is_decoded {
        return Ok(Err(()));
    }
    // SAFETY: the image is alive, and holds `numcomps` components at `comps`.
    #[expect(unsafe_code, reason = "memory of OpenJPEG")]
    let components = unsafe {
        let image = image.0.as_ref();
        if image.comps.is_null() { &[] } else { std::slice::from_raw_parts(image.comps, image.numcomps as usize) }
    };
    let mut planes = Vec::with_capacity(wanted.len());
    for (index, number) in wanted.iter().enumerate() {
        // Selected ones are all that the image has then.
        let place = if select { index } else { *number };
        let component = components.get(place).ok_or_else(|| corrupt("a component is missing"))?;
        let coded = header.size.components.get(*number).ok_or_else(|| corrupt("a component is missing"))?;
        let place = area.divided(coded.dx, coded.dy).reduced(reduction);
        if (component.w, component.h) != (place.width(), place.height()) {
            return Err(unsupported("components of a size that its origin does not explain"));
        }
        if place.is_empty() {
            planes.push(Plane { area: place, samples: Vec::new() });
            continue;
        }
        if component.data.is_null() {
            return Ok(Err(()));
        }
        // SAFETY: the library allocated `w × h` samples for each component that it decoded, all of them written.
        #[expect(unsafe_code, reason = "memory of OpenJPEG")]
        let samples = unsafe { std::slice::from_raw_parts(component.data, place.area_px() as usize) };
        planes.push(Plane { area: place, samples: samples.to_vec() });
    }
    Ok(Ok(planes))
}
