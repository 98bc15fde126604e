//! The calls into `OpenJPEG` for writing, behind a type that owns what it allocates. It writes bare codestreams, tile by tile, each
//! as soon as it is coded.

use std::ffi::c_void;
use std::io::{self, Seek, SeekFrom, Write};
use std::ptr::NonNull;

use openjpeg_sys as sys;
use recto_iiif::Dimensions;

use super::openjpeg::{Codec, Image, Stream, keep_message};

/// Bytes that the library hands over at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// How a codestream is coded.
#[derive(Clone, Debug)]
pub(super) struct Coding {
    pub(super) size: Dimensions,
    pub(super) tile: Dimensions,
    /// Of every sample, unsigned, at most 16. Up to 8 bits are given as bytes, others as words.
    pub(super) bits: u32,
    pub(super) components: u32,
    /// The first three components are transformed together.
    pub(super) color_transform: bool,
    /// The peak signal-to-noise ratio of each layer in decibels; none for lossless.
    pub(super) quality: Vec<f32>,
    /// Resolutions, 1..=33.
    pub(super) resolutions: u32,
    /// Side of precincts, a power of two; `None` for as large as they can be.
    pub(super) precinct: Option<u32>,
    pub(super) block: (u32, u32),
    /// 0 LRCP, 1 RLCP, 2 RPCL, 3 PCRL, 4 CPRL.
    pub(super) progression: u8,
    /// Bits of the code-block style.
    pub(super) block_style: u8,
    /// Markers around packets: 2 before each, 4 behind each header.
    pub(super) packet_markers: u8,
    /// Where image and tiles begin on the reference grid.
    pub(super) origin: (u32, u32),
    /// Distance of the samples of the second and third component.
    pub(super) chroma_step: (u32, u32),
}

/// Why a codestream was not written.
#[derive(Debug)]
pub(super) enum Failure {
    /// The encoder gave up, in its own terms.
    Encoder(String),
    /// The place where it is written refused.
    Place(io::Error),
}

/// Where the codestream goes, and what the library said.
struct Output<W> {
    place: W,
    /// Where the codestream begins in it.
    start: u64,
    /// Where the next bytes go, from there.
    position: u64,
    /// The first failure of the place.
    failed: Option<io::Error>,
    message: String,
}

impl<W: Write + Seek> Output<W> {
    /// True when the bytes were written.
    fn write(&mut self, data: &[u8]) -> bool {
        let written = self.place.write_all(data);
        self.position += data.len() as u64;
        self.went_well(written)
    }

    /// True when the next bytes go there.
    fn seek(&mut self, position: u64) -> bool {
        let moved = self.place.seek(SeekFrom::Start(self.start.saturating_add(position)));
        self.position = position;
        self.went_well(moved)
    }

    /// Keeps the first failure.
    fn went_well<T>(&mut self, result: io::Result<T>) -> bool {
        match result {
            Ok(_) => true,
            Err(error) => {
                if self.failed.is_none() {
                    self.failed = Some(error);
                }
                false
            }
        }
    }
}

#[expect(unsafe_code, reason = "called by OpenJPEG with what it was given")]
extern "C" fn write<W: Write + Seek>(buffer: *mut c_void, length: usize, user: *mut c_void) -> usize {
    // SAFETY: `user` is the `Output` that the stream was given, which outlives it and is used by no one else meanwhile.
    let output = unsafe { &mut *user.cast::<Output<W>>() };
    // SAFETY: the library's buffer has `length` bytes that it wrote.
    let data = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length) };
    // The library takes the largest number for a failure.
    if output.write(data) { length } else { usize::MAX }
}

#[expect(unsafe_code, reason = "called by OpenJPEG with what it was given")]
extern "C" fn skip<W: Write + Seek>(count: i64, user: *mut c_void) -> i64 {
    // SAFETY: as in `write`.
    let output = unsafe { &mut *user.cast::<Output<W>>() };
    match output.position.checked_add_signed(count) {
        Some(position) if output.seek(position) => count,
        _ => -1,
    }
}

#[expect(unsafe_code, reason = "called by OpenJPEG with what it was given")]
extern "C" fn seek<W: Write + Seek>(position: i64, user: *mut c_void) -> i32 {
    // SAFETY: as in `write`.
    let output = unsafe { &mut *user.cast::<Output<W>>() };
    match u64::try_from(position) {
        Ok(position) => i32::from(output.seek(position)),
        Err(_) => 0,
    }
}

/// A codestream that is being written.
pub(super) struct Compressor<W> {
    // Dropped in this order: the library's objects before what they point at.
    codec: Codec,
    stream: Stream,
    image: Image,
    output: Box<Output<W>>,
    tiles: (u32, u32),
    next_tile: u32,
    coding: Coding,
}

// SAFETY: the library's objects have no ties to the thread that made them; they are used through `&mut self` only.
#[expect(unsafe_code, reason = "OpenJPEG's handles are raw pointers")]
unsafe impl<W: Send> Send for Compressor<W> {}

impl<W: Write + Seek> Compressor<W> {
    /// Begins a codestream where `place` stands.
    pub(super) fn new(coding: Coding, mut place: W) -> Result<Self, Failure> {
        let out_of_memory = || Failure::Encoder("it is out of memory".to_owned());
        let start = place.stream_position().map_err(Failure::Place)?;
        let mut output = Box::new(Output { place, start, position: 0, failed: None, message: String::new() });
        let components: Vec<sys::opj_image_cmptparm_t> = (0..coding.components)
            .map(|number| {
                let (dx, dy) = if matches!(number, 1 | 2) { coding.chroma_step } else { (1, 1) };
                sys::opj_image_cmptparm_t {
                    dx,
                    dy,
                    w: coding.size.width_px.div_ceil(dx),
                    h: coding.size.height_px.div_ceil(dy),
                    x0: coding.origin.0,
                    y0: coding.origin.1,
                    prec: coding.bits,
                    bpp: coding.bits,
                    sgnd: 0,
                }
            })
            .collect();
        let space = if coding.components < 3 {
            sys::OPJ_COLOR_SPACE::OPJ_CLRSPC_GRAY
        } else {
            sys::OPJ_COLOR_SPACE::OPJ_CLRSPC_SRGB
        };
        let mut image = {
            // SAFETY: as many components are described as are said; the library only reads them.
            #[expect(unsafe_code, reason = "call into OpenJPEG")]
            let image = unsafe { sys::opj_image_tile_create(coding.components, components.as_ptr().cast_mut(), space) };
            Image(NonNull::new(image).ok_or_else(out_of_memory)?)
        };
        {
            // SAFETY: the image is alive and nobody else has it.
            #[expect(unsafe_code, reason = "memory of OpenJPEG")]
            let image = unsafe { image.0.as_mut() };
            (image.x0, image.y0) = coding.origin;
            image.x1 = coding.origin.0.checked_add(coding.size.width_px).ok_or_else(out_of_memory)?;
            image.y1 = coding.origin.1.checked_add(coding.size.height_px).ok_or_else(out_of_memory)?;
            image.color_space = space;
        }
        // SAFETY: makes a stream without ties to anything.
        #[expect(unsafe_code, reason = "call into OpenJPEG")]
        let stream = unsafe { sys::opj_stream_create(BUFFER_BYTES, 0) };
        let stream = Stream(NonNull::new(stream.cast()).ok_or_else(out_of_memory)?);
        let raw_stream = stream.0.as_ptr().cast();
        let user: *mut Output<W> = &raw mut *output;
        // SAFETY: the stream is alive; the functions are of the types that they are set as; `output` is in a box of its own
        // that is dropped after the stream.
        #[expect(unsafe_code, reason = "calls into OpenJPEG")]
        unsafe {
            sys::opj_stream_set_write_function(raw_stream, Some(write::<W>));
            sys::opj_stream_set_skip_function(raw_stream, Some(skip::<W>));
            sys::opj_stream_set_seek_function(raw_stream, Some(seek::<W>));
            sys::opj_stream_set_user_data(raw_stream, user.cast(), None);
        }
        // SAFETY: makes a codec without ties to anything.
        #[expect(unsafe_code, reason = "call into OpenJPEG")]
        let codec = unsafe { sys::opj_create_compress(sys::OPJ_CODEC_FORMAT::OPJ_CODEC_J2K) };
        let codec = Codec(NonNull::new(codec.cast()).ok_or_else(out_of_memory)?);
        let raw_codec = codec.0.as_ptr().cast();
        let mut parameters = parameters(&coding)?;
        let extra = [c"PLT=YES".as_ptr(), c"TLM=YES".as_ptr(), std::ptr::null()];
        // SAFETY: codec, image and stream are alive, the parameters were initialised by the library, the options end with a
        // null pointer, and the message lives in `output`, which is dropped after the codec.
        #[expect(unsafe_code, reason = "calls into OpenJPEG")]
        let is_started = unsafe {
            sys::opj_set_error_handler(raw_codec, Some(keep_message), (&raw mut (*user).message).cast());
            sys::opj_setup_encoder(raw_codec, &raw mut *parameters, image.0.as_ptr()) != 0
                && sys::opj_encoder_set_extra_options(raw_codec, extra.as_ptr()) != 0
                && sys::opj_start_compress(raw_codec, image.0.as_ptr(), raw_stream) != 0
        };
        let tiles = (
            coding.size.width_px.div_ceil(coding.tile.width_px),
            coding.size.height_px.div_ceil(coding.tile.height_px),
        );
        let mut compressor = Self { codec, stream, image, output, tiles, next_tile: 0, coding };
        if is_started { Ok(compressor) } else { Err(compressor.failure()) }
    }

    fn failure(&mut self) -> Failure {
        if let Some(error) = self.output.failed.take() {
            return Failure::Place(error);
        }
        let message = std::mem::take(&mut self.output.message);
        Failure::Encoder(if message.is_empty() { "no reason is given".to_owned() } else { message })
    }

    /// Columns and rows of tiles.
    pub(super) fn tiles(&self) -> (u32, u32) {
        self.tiles
    }

    /// Size of the tile that is next.
    pub(super) fn next_size(&self) -> Dimensions {
        let Coding { size, tile, .. } = self.coding;
        let (x, y) = (self.next_tile % self.tiles.0 * tile.width_px, self.next_tile / self.tiles.0 * tile.height_px);
        Dimensions::new(tile.width_px.min(size.width_px - x), tile.height_px.min(size.height_px.saturating_sub(y)))
    }

    /// Writes the next tile: its components one after another, samples of 8 bits or of 16 in the machine's order.
    pub(super) fn tile(&mut self, samples: &[u8]) -> Result<(), Failure> {
        let length = u32::try_from(samples.len()).map_err(|_| Failure::Encoder("a tile is too large".to_owned()))?;
        // SAFETY: both are alive; the library reads `length` bytes, and checks that this is what the tile has.
        #[expect(unsafe_code, reason = "call into OpenJPEG")]
        let is_written = unsafe {
            sys::opj_write_tile(
                self.codec.0.as_ptr().cast(),
                self.next_tile,
                samples.as_ptr().cast_mut(),
                length,
                self.stream.0.as_ptr().cast(),
            )
        };
        self.next_tile += 1;
        if is_written == 0 { Err(self.failure()) } else { Ok(()) }
    }

    /// Ends the codestream; gives back the place, which stands behind it, and its length.
    pub(super) fn finish(mut self) -> Result<(W, u64), Failure> {
        // SAFETY: both are alive.
        #[expect(unsafe_code, reason = "call into OpenJPEG")]
        let is_ended = unsafe { sys::opj_end_compress(self.codec.0.as_ptr().cast(), self.stream.0.as_ptr().cast()) };
        if is_ended == 0 {
            return Err(self.failure());
        }
        let Self { codec, stream, image, output, .. } = self;
        drop((codec, stream, image));
        let Output { place, position, .. } = *output;
        Ok((place, position))
    }

    pub(super) fn written_bytes(&self) -> u64 {
        self.output.position
    }
}

fn parameters(coding: &Coding) -> Result<Box<sys::opj_cparameters_t>, Failure> {
    let int =
        |value: u32| i32::try_from(value).map_err(|_| Failure::Encoder("it has no sides as long as this".to_owned()));
    let mut parameters = Box::<sys::opj_cparameters_t>::new_uninit();
    // SAFETY: the library sets every field of the structure, beginning with zeroes.
    #[expect(unsafe_code, reason = "call into OpenJPEG")]
    let mut parameters = unsafe {
        parameters.as_mut_ptr().write_bytes(0, 1);
        sys::opj_set_default_encoder_parameters(parameters.as_mut_ptr());
        parameters.assume_init()
    };
    parameters.tile_size_on = 1;
    parameters.cp_tx0 = int(coding.origin.0)?;
    parameters.cp_ty0 = int(coding.origin.1)?;
    parameters.cp_tdx = int(coding.tile.width_px)?;
    parameters.cp_tdy = int(coding.tile.height_px)?;
    parameters.image_offset_x0 = int(coding.origin.0)?;
    parameters.image_offset_y0 = int(coding.origin.1)?;
    parameters.prog_order = match coding.progression {
        0 => sys::OPJ_PROG_ORDER::OPJ_LRCP,
        1 => sys::OPJ_PROG_ORDER::OPJ_RLCP,
        2 => sys::OPJ_PROG_ORDER::OPJ_RPCL,
        3 => sys::OPJ_PROG_ORDER::OPJ_PCRL,
        _ => sys::OPJ_PROG_ORDER::OPJ_CPRL,
    };
    parameters.csty = coding.packet_markers.into();
    parameters.numresolution = int(coding.resolutions)?;
    parameters.cblockw_init = int(coding.block.0)?;
    parameters.cblockh_init = int(coding.block.1)?;
    parameters.mode = coding.block_style.into();
    parameters.tcp_mct = i8::from(coding.color_transform) as _;
    if let Some(precinct) = coding.precinct {
        parameters.csty |= 1;
        parameters.res_spec = int(coding.resolutions)?;
        let count = coding.resolutions as usize;
        parameters.prcw_init.iter_mut().take(count).for_each(|side| *side = precinct as i32);
        parameters.prch_init.iter_mut().take(count).for_each(|side| *side = precinct as i32);
    }
    if coding.quality.is_empty() {
        parameters.tcp_numlayers = 1;
        parameters.cp_disto_alloc = 1;
    } else {
        parameters.irreversible = 1;
        parameters.cp_fixed_quality = 1;
        let count = coding.quality.len().min(parameters.tcp_distoratio.len());
        parameters.tcp_numlayers = count as i32;
        parameters.tcp_distoratio[..count].copy_from_slice(&coding.quality[..count]);
    }
    Ok(parameters)
}
