//! Safe owners of the C library: [`Decompressor`] and [`Compressor`], over `shim.c`.
//!
//! The shim catches every error of libjpeg and hands it over as a code; it calls back for input, output and the question
//! whether to go on. A panic in such a call is caught here and ends the work with an error.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::{io, ptr, slice};

// Linked for its static library alone; the shim calls the classic functions in it.
use turbojpeg_sys as _;

use super::input::Input;
use super::markers::corrupt;
use crate::{Control, DecodeError, EncodeError, SourceFormat};

/// Scans that a file may have: more are an attack on the time, real files have at most a dozen or two.
const MAX_SCANS: c_int = 500;

const OK: c_int = 0;
const MEMORY: c_int = 2;
const STOPPED: c_int = 3;
const TRUNCATED: c_int = 4;
const SCANS: c_int = 5;

/// How samples are understood, or given. The numbers are those of `shim.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Samples {
    /// As the stream's own markers say.
    AsMarked = 0,
    /// One gray component.
    Gray = 1,
    /// Red, green, blue.
    Rgb = 2,
    /// Luma and chroma.
    YcbCr = 3,
    /// Four inks.
    Cmyk = 4,
}

/// What libjpeg read up to the first scan.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u32,
    pub(super) precision: u32,
    pub(super) saw_adobe: u32,
    pub(super) multiple_scans: u32,
    pub(super) coefficient_bytes: u64,
}

/// What will come out.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Output {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u32,
    /// 1, or 2 in the machine's order for more than 8 bits.
    pub(super) sample_bytes: u32,
}

/// How to encode.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Parameters {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u32,
    pub(super) quality: u32,
    pub(super) sampling_x: u32,
    pub(super) sampling_y: u32,
    pub(super) progressive: u32,
    pub(super) density_x: u32,
    pub(super) density_y: u32,
    pub(super) optimise: u32,
    pub(super) arithmetic: u32,
    pub(super) restart_interval: u32,
    /// Bits of a sample; 0 for 8. More than 8 come as two bytes each, in the machine's order.
    pub(super) precision: u32,
    pub(super) lossless: u32,
}

impl Parameters {
    fn row_bytes(&self) -> usize {
        let each = if self.precision > 8 { 2 } else { 1 };
        self.width as usize * self.components as usize * each
    }
}

#[repr(C)]
struct RawDecoder {
    _opaque: [u8; 0],
}

#[repr(C)]
struct RawEncoder {
    _opaque: [u8; 0],
}

#[repr(C)]
struct RawSource {
    context: *mut c_void,
    read: extern "C" fn(*mut c_void, *mut *const u8, *mut usize) -> c_int,
    skip: extern "C" fn(*mut c_void, u64),
    go_on: extern "C" fn(*mut c_void) -> c_int,
}

#[repr(C)]
struct RawSink {
    context: *mut c_void,
    write: extern "C" fn(*mut c_void, *const u8, usize) -> c_int,
}

#[expect(unsafe_code, reason = "the functions of shim.c, with the types that it has")]
unsafe extern "C" {
    fn recto_jpeg_decoder_new(source: *const RawSource, max_memory: u64, max_scans: c_int) -> *mut RawDecoder;
    fn recto_jpeg_decoder_free(decoder: *mut RawDecoder);
    fn recto_jpeg_decoder_message(decoder: *const RawDecoder) -> *const c_char;
    fn recto_jpeg_decoder_header(decoder: *mut RawDecoder, header: *mut Header) -> c_int;
    fn recto_jpeg_decoder_start(
        decoder: *mut RawDecoder,
        stored: c_int,
        wanted: c_int,
        denominator: u32,
        output: *mut Output,
    ) -> c_int;
    fn recto_jpeg_decoder_crop(decoder: *mut RawDecoder, x: *mut u32, width: *mut u32) -> c_int;
    fn recto_jpeg_decoder_skip(decoder: *mut RawDecoder, rows: u32) -> c_int;
    fn recto_jpeg_decoder_read(decoder: *mut RawDecoder, buffer: *mut u8, row_bytes: usize, rows: u32) -> c_int;
    fn recto_jpeg_decoder_row(decoder: *const RawDecoder) -> u32;

    fn recto_jpeg_encoder_new(sink: *const RawSink) -> *mut RawEncoder;
    fn recto_jpeg_encoder_free(encoder: *mut RawEncoder);
    fn recto_jpeg_encoder_message(encoder: *const RawEncoder) -> *const c_char;
    fn recto_jpeg_encoder_start(
        encoder: *mut RawEncoder,
        parameters: *const Parameters,
        icc: *const u8,
        icc_length: usize,
    ) -> c_int;
    fn recto_jpeg_encoder_write(encoder: *mut RawEncoder, buffer: *const u8, row_bytes: usize, rows: u32) -> c_int;
    fn recto_jpeg_encoder_finish(encoder: *mut RawEncoder) -> c_int;
}

/// What the callbacks of a decoder work on.
struct Feed<'a> {
    input: Input<'a>,
    control: Control,
    stopped: Option<DecodeError>,
}

impl Feed<'_> {
    /// Runs `work`; a panic becomes an error that ends the decoding.
    fn guarded<T>(&mut self, otherwise: T, work: impl FnOnce(&mut Self) -> T) -> T {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            self.stopped = Some(DecodeError::Io(io::Error::other("reading the original panicked")));
            otherwise
        })
    }
}

extern "C" fn read(context: *mut c_void, data: *mut *const u8, length: *mut usize) -> c_int {
    #[expect(unsafe_code, reason = "the callback gets its state as a raw pointer")]
    // SAFETY: `context` is the feed that `Decompressor::new` leaked; it lives until the decompressor is dropped, and libjpeg
    // calls back only from within a call on that decompressor, which holds it exclusively and does not touch the feed.
    let feed = unsafe { &mut *context.cast::<Feed<'_>>() };
    let (bytes, count, code) = feed.guarded((ptr::null(), 0, -1), |feed| match feed.input.next_block(&feed.control) {
        Ok(Some(block)) => (block.as_ptr(), block.len(), 1),
        Ok(None) => (ptr::null(), 0, 0),
        Err(error) => {
            feed.stopped = Some(error);
            (ptr::null(), 0, -1)
        }
    });
    #[expect(unsafe_code, reason = "an out parameter of the callback")]
    // SAFETY: the shim passes the address of a local variable.
    unsafe {
        *data = bytes;
    }
    #[expect(unsafe_code, reason = "an out parameter of the callback")]
    // SAFETY: the shim passes the address of a local variable.
    unsafe {
        *length = count;
    }
    code
}

extern "C" fn skip(context: *mut c_void, bytes: u64) {
    #[expect(unsafe_code, reason = "the callback gets its state as a raw pointer")]
    // SAFETY: as in `read`.
    let feed = unsafe { &mut *context.cast::<Feed<'_>>() };
    feed.guarded((), |feed| feed.input.skip(bytes));
}

extern "C" fn go_on(context: *mut c_void) -> c_int {
    #[expect(unsafe_code, reason = "the callback gets its state as a raw pointer")]
    // SAFETY: as in `read`.
    let feed = unsafe { &mut *context.cast::<Feed<'_>>() };
    match feed.control.check() {
        Ok(()) => 1,
        Err(error) => {
            feed.stopped = Some(error);
            0
        }
    }
}

/// One decoding of one stream. After an error it is only good to be dropped.
pub(super) struct Decompressor<'a> {
    raw: NonNull<RawDecoder>,
    feed: NonNull<Feed<'a>>,
    header: Header,
    output: Output,
    denominator: u32,
    max_memory: u64,
    _owns: PhantomData<Feed<'a>>,
}

#[expect(unsafe_code, reason = "raw pointers are not Send by themselves")]
// SAFETY: both pointers are owned by this value alone, and neither libjpeg nor the feed (which is `Send`) is bound to a thread.
unsafe impl Send for Decompressor<'_> {}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Feed<'static>>();
};

impl<'a> Decompressor<'a> {
    /// Reads the header. `max_memory` bounds what the library may allocate, in bytes.
    pub(super) fn new(input: Input<'a>, control: &Control, max_memory: u64) -> Result<Self, DecodeError> {
        let feed = NonNull::from(Box::leak(Box::new(Feed { input, control: control.clone(), stopped: None })));
        let source = RawSource { context: feed.as_ptr().cast(), read, skip, go_on };
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the shim copies `source`; its context outlives the decoder (see `drop`).
        let raw = unsafe { recto_jpeg_decoder_new(&raw const source, max_memory, MAX_SCANS) };
        let Some(raw) = NonNull::new(raw) else {
            #[expect(unsafe_code, reason = "takes back the leaked box")]
            // SAFETY: it was leaked above, and nothing else has the pointer any more.
            drop(unsafe { Box::from_raw(feed.as_ptr()) });
            return Err(DecodeError::Io(io::ErrorKind::OutOfMemory.into()));
        };
        let mut new = Self {
            raw,
            feed,
            header: Header::default(),
            output: Output::default(),
            denominator: 1,
            max_memory,
            _owns: PhantomData,
        };
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid, and the out parameter is a whole `Header`.
        let code = unsafe { recto_jpeg_decoder_header(raw.as_ptr(), &raw mut new.header) };
        new.check(code)?;
        Ok(new)
    }

    /// What the header says.
    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// Begins to decode; a file with several scans is read whole by this.
    pub(super) fn start(&mut self, stored: Samples, wanted: Samples, denominator: u32) -> Result<Output, DecodeError> {
        self.denominator = denominator;
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid, and the out parameter is a whole `Output`.
        let code = unsafe {
            recto_jpeg_decoder_start(
                self.raw.as_ptr(),
                stored as c_int,
                wanted as c_int,
                denominator,
                &raw mut self.output,
            )
        };
        self.check(code)?;
        Ok(self.output)
    }

    /// Limits what follows to some columns and gives those really decoded: the left edge moves left to a block's edge.
    pub(super) fn crop(&mut self, x: u32, width: u32) -> Result<(u32, u32), DecodeError> {
        let (mut left, mut across) = (x, width);
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid, and both parameters are local variables.
        let code = unsafe { recto_jpeg_decoder_crop(self.raw.as_ptr(), &raw mut left, &raw mut across) };
        self.check(code)?;
        self.output.width = across;
        Ok((left, across))
    }

    /// Steps over rows.
    pub(super) fn skip(&mut self, rows: u32) -> Result<(), DecodeError> {
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid.
        let code = unsafe { recto_jpeg_decoder_skip(self.raw.as_ptr(), rows) };
        self.check(code)
    }

    /// Decodes the next rows into the whole of `buffer`, whose length is a multiple of a row's.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<(), DecodeError> {
        let samples = self.output.width as usize * self.output.components as usize;
        let row_bytes = samples * self.output.sample_bytes as usize;
        if row_bytes == 0 || !buffer.len().is_multiple_of(row_bytes) {
            return Err(corrupt("rows do not fit"));
        }
        let rows = (buffer.len() / row_bytes) as u32;
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid, `buffer` has `rows` rows of `row_bytes`, and the shim checks both against its own state.
        let code = unsafe { recto_jpeg_decoder_read(self.raw.as_ptr(), buffer.as_mut_ptr(), row_bytes, rows) };
        self.check(code)
    }

    /// The next row that will be decoded, in rows of the output.
    pub(super) fn row(&self) -> u32 {
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid.
        unsafe {
            recto_jpeg_decoder_row(self.raw.as_ptr())
        }
    }

    fn check(&mut self, code: c_int) -> Result<(), DecodeError> {
        if code == OK {
            return Ok(());
        }
        let error = match code {
            STOPPED => {
                #[expect(unsafe_code, reason = "the feed is shared with the callbacks")]
                // SAFETY: the feed is owned by this value, and no callback runs outside of a call into the shim.
                let feed = unsafe { self.feed.as_mut() };
                feed.stopped.take().unwrap_or(DecodeError::Cancelled)
            }
            MEMORY => DecodeError::TooLarge {
                format: SourceFormat::Jpeg,
                needed: self.header.coefficient_bytes.max(self.max_memory.saturating_add(1)),
                limit: self.max_memory,
                unit: "bytes of memory",
            },
            TRUNCATED => {
                let row = self.row().saturating_mul(self.denominator).min(self.header.height);
                corrupt(format!("its data ends before row {row} of {} is complete", self.header.height))
            }
            SCANS => DecodeError::TooLarge {
                format: SourceFormat::Jpeg,
                needed: MAX_SCANS as u64 + 1,
                limit: MAX_SCANS as u64,
                unit: "scans",
            },
            _ => {
                let message = self.message();
                corrupt(message)
            }
        };
        Err(error)
    }

    fn message(&self) -> String {
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid.
        let text = unsafe { recto_jpeg_decoder_message(self.raw.as_ptr()) };
        #[expect(unsafe_code, reason = "a C string from the shim")]
        // SAFETY: it lies in the handle, ends with a zero byte, and is copied before anything else happens.
        let text = unsafe { CStr::from_ptr(text) };
        text.to_string_lossy().into_owned()
    }
}

impl Drop for Decompressor<'_> {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid and not used again.
        unsafe {
            recto_jpeg_decoder_free(self.raw.as_ptr());
        }
        #[expect(unsafe_code, reason = "takes back the leaked box")]
        // SAFETY: `new` leaked it; the decoder that had its address is gone.
        drop(unsafe { Box::from_raw(self.feed.as_ptr()) });
    }
}

extern "C" fn write(context: *mut c_void, data: *const u8, length: usize) -> c_int {
    #[expect(unsafe_code, reason = "the callback gets its state as a raw pointer")]
    // SAFETY: `context` is the buffer that `Compressor::new` leaked; libjpeg calls back only from within a call on that
    // compressor, which holds it exclusively and does not touch the buffer.
    let out = unsafe { &mut *context.cast::<Vec<u8>>() };
    if out.try_reserve(length).is_err() {
        return 0;
    }
    #[expect(unsafe_code, reason = "bytes given by the shim")]
    // SAFETY: the shim passes its own block and how much of it is filled.
    let bytes = unsafe { slice::from_raw_parts(data, length) };
    out.extend_from_slice(bytes);
    1
}

/// One encoding into memory. After an error it is only good to be dropped.
pub(super) struct Compressor {
    raw: NonNull<RawEncoder>,
    out: NonNull<Vec<u8>>,
    row_bytes: usize,
}

#[expect(unsafe_code, reason = "raw pointers are not Send by themselves")]
// SAFETY: both pointers are owned by this value alone, and libjpeg is not bound to a thread.
unsafe impl Send for Compressor {}

impl Compressor {
    /// Writes the header.
    pub(super) fn new(parameters: &Parameters, icc: &[u8]) -> Result<Self, EncodeError> {
        let out = NonNull::from(Box::leak(Box::new(Vec::new())));
        let sink = RawSink { context: out.as_ptr().cast(), write };
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the shim copies `sink`; its context outlives the encoder (see `drop`).
        let raw = unsafe { recto_jpeg_encoder_new(&raw const sink) };
        let Some(raw) = NonNull::new(raw) else {
            #[expect(unsafe_code, reason = "takes back the leaked box")]
            // SAFETY: it was leaked above, and nothing else has the pointer any more.
            drop(unsafe { Box::from_raw(out.as_ptr()) });
            return Err(EncodeError::Failed { format: "jpg", what: "out of memory".to_owned() });
        };
        let mut new = Self { raw, out, row_bytes: parameters.row_bytes() };
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid; parameters and profile are only read, within their lengths.
        let code =
            unsafe { recto_jpeg_encoder_start(new.raw.as_ptr(), ptr::from_ref(parameters), icc.as_ptr(), icc.len()) };
        new.check(code)?;
        Ok(new)
    }

    /// Takes whole rows.
    pub(super) fn write(&mut self, rows: &[u8]) -> Result<(), EncodeError> {
        if self.row_bytes == 0 || !rows.len().is_multiple_of(self.row_bytes) {
            return Err(EncodeError::Failed { format: "jpg", what: "rows do not fit".to_owned() });
        }
        let count = (rows.len() / self.row_bytes) as u32;
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid, `rows` has `count` rows of `row_bytes`, and the shim checks both against its own state.
        let code = unsafe { recto_jpeg_encoder_write(self.raw.as_ptr(), rows.as_ptr(), self.row_bytes, count) };
        self.check(code)
    }

    /// Bytes given out so far.
    pub(super) fn written_bytes(&self) -> u64 {
        #[expect(unsafe_code, reason = "the buffer is shared with the callback")]
        // SAFETY: the buffer is owned by this value, and no callback runs outside of a call into the shim.
        let out = unsafe { self.out.as_ref() };
        out.len() as u64
    }

    /// Ends the file and gives it.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, EncodeError> {
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid.
        let code = unsafe { recto_jpeg_encoder_finish(self.raw.as_ptr()) };
        self.check(code)?;
        #[expect(unsafe_code, reason = "the buffer is shared with the callback")]
        // SAFETY: as in `written_bytes`.
        let out = unsafe { self.out.as_mut() };
        Ok(std::mem::take(out))
    }

    fn check(&mut self, code: c_int) -> Result<(), EncodeError> {
        if code == OK {
            return Ok(());
        }
        if code == MEMORY {
            return Err(EncodeError::Failed { format: "jpg", what: "out of memory".to_owned() });
        }
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid.
        let text = unsafe { recto_jpeg_encoder_message(self.raw.as_ptr()) };
        #[expect(unsafe_code, reason = "a C string from the shim")]
        // SAFETY: it lies in the handle, ends with a zero byte, and is copied before anything else happens.
        let text = unsafe { CStr::from_ptr(text) };
        Err(EncodeError::Failed { format: "jpg", what: text.to_string_lossy().into_owned() })
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "call into the shim")]
        // SAFETY: the handle is valid and not used again.
        unsafe {
            recto_jpeg_encoder_free(self.raw.as_ptr());
        }
        #[expect(unsafe_code, reason = "takes back the leaked box")]
        // SAFETY: `new` leaked it; the encoder that had its address is gone.
        drop(unsafe { Box::from_raw(self.out.as_ptr()) });
    }
}
