//! The owner of libheif: looked for once, when the first HEIC file is opened.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use libloading::Library;
use recto_iiif::Dimensions;

/// Names under which the library lies, by system.
const NAMES: [&str; 4] = ["libheif.so.1", "libheif.1.dylib", "libheif.dll", "heif.dll"];

const COLORSPACE_RGB: c_int = 1;
const CHROMA_RGBA: c_int = 11;
const CHROMA_RGBA_16_LITTLE_ENDIAN: c_int = 15;
const CHANNEL_INTERLEAVED: c_int = 10;

#[repr(C)]
struct HeifError {
    code: c_int,
    subcode: c_int,
    message: *const c_char,
}

/// The functions that are used, as `heif.h` declares them.
struct Functions {
    context_alloc: unsafe extern "C" fn() -> *mut c_void,
    context_free: unsafe extern "C" fn(*mut c_void),
    context_limit: unsafe extern "C" fn(*mut c_void, c_int),
    /// Only in newer versions; 0 decodes in the calling thread.
    context_threads: Option<unsafe extern "C" fn(*mut c_void, c_int)>,
    context_read: unsafe extern "C" fn(*mut c_void, *const c_void, usize, *const c_void) -> HeifError,
    primary: unsafe extern "C" fn(*mut c_void, *mut *mut c_void) -> HeifError,
    handle_release: unsafe extern "C" fn(*const c_void),
    options_alloc: unsafe extern "C" fn() -> *mut u8,
    options_free: unsafe extern "C" fn(*mut u8),
    decode: unsafe extern "C" fn(*const c_void, *mut *mut c_void, c_int, c_int, *const u8) -> HeifError,
    image_release: unsafe extern "C" fn(*const c_void),
    image_width: unsafe extern "C" fn(*const c_void, c_int) -> c_int,
    image_height: unsafe extern "C" fn(*const c_void, c_int) -> c_int,
    image_bits: unsafe extern "C" fn(*const c_void, c_int) -> c_int,
    image_plane: unsafe extern "C" fn(*const c_void, c_int, *mut c_int) -> *const u8,
}

static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();

#[expect(unsafe_code, reason = "a C library is loaded")]
fn load() -> Option<Functions> {
    let library = NAMES.iter().find_map(|name| {
        // SAFETY: libheif's initialisers set up its own tables and nothing else.
        unsafe { Library::new(*name) }.ok()
    })?;
    // Never unloaded: its functions are called as long as the program runs.
    let library: &'static Library = Box::leak(Box::new(library));
    macro_rules! function {
        ($name:literal) => {
            // SAFETY: the type is that of the declaration in `heif.h`, unchanged since version 1.4.
            *unsafe { library.get(concat!($name, "\0").as_bytes()) }.ok()?
        };
    }
    // SAFETY: as above.
    let context_threads = unsafe { library.get(b"heif_context_set_max_decoding_threads\0") }.ok().map(|symbol| *symbol);
    Some(Functions {
        context_alloc: function!("heif_context_alloc"),
        context_free: function!("heif_context_free"),
        context_limit: function!("heif_context_set_maximum_image_size_limit"),
        context_threads,
        context_read: function!("heif_context_read_from_memory_without_copy"),
        primary: function!("heif_context_get_primary_image_handle"),
        handle_release: function!("heif_image_handle_release"),
        options_alloc: function!("heif_decoding_options_alloc"),
        options_free: function!("heif_decoding_options_free"),
        decode: function!("heif_decode_image"),
        image_release: function!("heif_image_release"),
        image_width: function!("heif_image_get_width"),
        image_height: function!("heif_image_get_height"),
        image_bits: function!("heif_image_get_bits_per_pixel_range"),
        image_plane: function!("heif_image_get_plane_readonly"),
    })
}

fn functions() -> Option<&'static Functions> {
    FUNCTIONS.get_or_init(load).as_ref()
}

/// Is the library there?
pub(super) fn is_there() -> bool {
    functions().is_some()
}

/// A decoded picture: red, green, blue and alpha of `bits` bits, in two bytes each when they are more than 8.
pub(super) struct Decoded {
    pub(super) size: Dimensions,
    pub(super) bits: u8,
    pub(super) wide: bool,
    /// Rows without gaps; samples of two bytes are little-endian.
    pub(super) data: Vec<u8>,
}

/// Calls a release function when dropped.
struct Held<T> {
    pointer: T,
    release: fn(&Functions, &T),
    functions: &'static Functions,
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        (self.release)(self.functions, &self.pointer);
    }
}

#[expect(unsafe_code, reason = "messages of a C library")]
fn checked(error: &HeifError) -> Result<(), String> {
    if error.code == 0 {
        return Ok(());
    }
    if error.message.is_null() {
        return Err(format!("libheif says {}.{}", error.code, error.subcode));
    }
    // SAFETY: messages are texts with a zero at their end that live as long as the library or its context.
    let message = unsafe { CStr::from_ptr(error.message) };
    Err(format!("libheif says: {}", message.to_string_lossy()))
}

/// Decodes the primary picture, not turned and not clipped. `side_px` is the longest side that it may have.
#[expect(unsafe_code, reason = "a C library is called")]
pub(super) fn decode(file: &[u8], side_px: u32, wide: bool) -> Result<Decoded, String> {
    let functions = functions().ok_or("libheif is not there")?;
    // SAFETY: takes nothing; the result is freed by its owner below.
    let context = unsafe { (functions.context_alloc)() };
    if context.is_null() {
        return Err("libheif has no memory".to_owned());
    }
    // SAFETY (release): the pointer came from `context_alloc` and is freed once.
    let context = Held {
        pointer: context,
        release: |functions, context| unsafe { (functions.context_free)(*context) },
        functions,
    };
    // SAFETY: the context is live.
    unsafe { (functions.context_limit)(context.pointer, c_int::try_from(side_px).unwrap_or(c_int::MAX)) };
    if let Some(set_threads) = functions.context_threads {
        // SAFETY: the context is live.
        unsafe { set_threads(context.pointer, 0) };
    }
    // SAFETY: the context is live; the file outlives it, as `context` is dropped within this call.
    checked(&unsafe { (functions.context_read)(context.pointer, file.as_ptr().cast(), file.len(), null()) })?;
    let mut handle = null_mut();
    // SAFETY: the context is live; the pointer is to room for a pointer.
    checked(&unsafe { (functions.primary)(context.pointer, &raw mut handle) })?;
    // SAFETY (release): the handle came from `primary` and is released once, before its context.
    let handle = Held {
        pointer: handle,
        release: |functions, handle| unsafe { (functions.handle_release)(*handle) },
        functions,
    };
    // SAFETY: takes nothing; the result is freed by its owner below.
    let options = unsafe { (functions.options_alloc)() };
    if options.is_null() {
        return Err("libheif has no memory".to_owned());
    }
    // SAFETY (release): the pointer came from `options_alloc` and is freed once.
    let options = Held {
        pointer: options,
        release: |functions, options| unsafe { (functions.options_free)(*options) },
        functions,
    };
    // SAFETY: the structure begins with two bytes: its version, and `ignore_transformations`, since its first version.
    unsafe { options.pointer.add(1).write(1) };
    let chroma = if wide { CHROMA_RGBA_16_LITTLE_ENDIAN } else { CHROMA_RGBA };
    let mut image = null_mut();
    let result =
        // SAFETY: handle and options are live; the pointer is to room for a pointer.
        unsafe { (functions.decode)(handle.pointer, &raw mut image, COLORSPACE_RGB, chroma, options.pointer) };
    checked(&result)?;
    // SAFETY (release): the image came from `decode` and is released once.
    let image =
        Held { pointer: image, release: |functions, image| unsafe { (functions.image_release)(*image) }, functions };
    // SAFETY: the image is live.
    let width = unsafe { (functions.image_width)(image.pointer, CHANNEL_INTERLEAVED) };
    // SAFETY: the image is live.
    let height = unsafe { (functions.image_height)(image.pointer, CHANNEL_INTERLEAVED) };
    // SAFETY: the image is live.
    let bits = unsafe { (functions.image_bits)(image.pointer, CHANNEL_INTERLEAVED) };
    let mut stride = 0;
    // SAFETY: the image is live; the pointer is to room for a number.
    let plane = unsafe { (functions.image_plane)(image.pointer, CHANNEL_INTERLEAVED, &raw mut stride) };
    let (Ok(width), Ok(height), Ok(stride)) = (u32::try_from(width), u32::try_from(height), usize::try_from(stride))
    else {
        return Err("libheif gives a picture of no size".to_owned());
    };
    let row_bytes = width as usize * if wide { 8 } else { 4 };
    let fits = if wide { (9..=16).contains(&bits) } else { bits == 8 };
    if plane.is_null() || row_bytes > stride || !fits {
        return Err(format!("libheif gives {width}x{height} pixels of {bits} bits in rows of {stride} bytes"));
    }
    // With room for what goes behind it on its way to the parent of this process.
    let mut data = Vec::with_capacity(row_bytes * height as usize + super::child::TAIL_BYTES);
    for y in 0..height as usize {
        // SAFETY: the plane has `height` rows, `stride` bytes apart, of at least `row_bytes` bytes.
        data.extend_from_slice(unsafe { std::slice::from_raw_parts(plane.add(y * stride), row_bytes) });
    }
    Ok(Decoded { size: Dimensions::new(width, height), bits: bits as u8, wide, data })
}
