//! One AV1 picture out of rav1d, whose only interface is that of the C library that it was ported from.

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use rav1d::include::dav1d::data::Dav1dData;
use rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dLogger, Dav1dSettings};
use rav1d::include::dav1d::headers::{
    DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I422, DAV1D_PIXEL_LAYOUT_I444,
};
use rav1d::include::dav1d::picture::Dav1dPicture;
use rav1d::src::lib::{
    dav1d_close, dav1d_data_create, dav1d_data_unref, dav1d_default_settings, dav1d_get_picture, dav1d_open,
    dav1d_picture_unref, dav1d_send_data,
};
use recto_iiif::Dimensions;

use crate::formats::contained;
use crate::{Control, DecodeError, SourceFormat};

/// How often data is offered again before the stream is given up: once for each picture that is in the way.
const MAX_ROUNDS: u32 = 64;

/// How chroma is subsampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Monochrome,
    Both,
    Horizontal,
    Full,
}

impl Layout {
    /// By how much chroma planes are smaller, as shifts: horizontally, vertically.
    pub(super) const fn shifts(self) -> (u32, u32) {
        match self {
            Self::Both => (1, 1),
            Self::Horizontal => (1, 0),
            Self::Monochrome | Self::Full => (0, 0),
        }
    }
}

/// A decoded picture: luma, and chroma of all but monochrome ones. Samples of 8 bits are single bytes.
#[derive(Debug)]
pub(super) struct Yuv {
    pub(super) size: Dimensions,
    pub(super) layout: Layout,
    /// 8, 10 or 12.
    pub(super) bits: u8,
    pub(super) matrix: u16,
    pub(super) full_range: bool,
    pub(super) planes: Vec<Plane>,
}

/// One plane, rows without gaps.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) samples: Samples,
}

#[derive(Debug)]
pub(super) enum Samples {
    Eight(Vec<u8>),
    Sixteen(Vec<u16>),
}

impl Yuv {
    pub(super) fn bytes(&self) -> u64 {
        let bytes = |plane: &Plane| match &plane.samples {
            Samples::Eight(samples) => samples.len(),
            Samples::Sixteen(samples) => samples.len() * 2,
        };
        self.planes.iter().map(|plane| bytes(plane) as u64).sum()
    }
}

/// Bytes before the planes of a picture on its way from a child process.
const HEAD_BYTES: usize = 16;

impl Yuv {
    /// `Y`, layout, bits, range, matrix, width and height, then the planes; numbers with the low byte first.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![b'Y', self.layout as u8, self.bits, u8::from(self.full_range)];
        bytes.extend(self.matrix.to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(self.size.width_px.to_le_bytes());
        bytes.extend(self.size.height_px.to_le_bytes());
        for plane in &self.planes {
            match &plane.samples {
                Samples::Eight(samples) => bytes.extend_from_slice(samples),
                Samples::Sixteen(samples) => bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
            }
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let odd = || "the AV1 decoder gave no picture".to_owned();
        if let Some(error) = bytes.strip_prefix(b"E") {
            return Err(String::from_utf8_lossy(error).into_owned());
        }
        let (head, mut rest) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(odd)?;
        let &[b'Y', layout, bits, range, m0, m1, _, _, w0, w1, w2, w3, h0, h1, h2, h3] = head else {
            return Err(odd());
        };
        let layout = [Layout::Monochrome, Layout::Both, Layout::Horizontal, Layout::Full]
            .into_iter()
            .find(|known| *known as u8 == layout)
            .ok_or_else(odd)?;
        let size = Dimensions::new(u32::from_le_bytes([w0, w1, w2, w3]), u32::from_le_bytes([h0, h1, h2, h3]));
        let mut planes = Vec::with_capacity(3);
        for index in 0..if layout == Layout::Monochrome { 1 } else { 3 } {
            let (shift_x, shift_y) = if index == 0 { (0, 0) } else { layout.shifts() };
            let width = size.width_px.div_ceil(1 << shift_x) as usize;
            let count = width.checked_mul(size.height_px.div_ceil(1 << shift_y) as usize).ok_or_else(odd)?;
            let length = count.checked_mul(if bits == 8 { 1 } else { 2 }).ok_or_else(odd)?;
            let (plane, behind) = rest.split_at_checked(length).ok_or_else(odd)?;
            rest = behind;
            let samples = if bits == 8 {
                Samples::Eight(plane.to_vec())
            } else {
                Samples::Sixteen(plane.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
            };
            planes.push(Plane { width, samples });
        }
        Ok(Self { size, layout, bits, matrix: u16::from_le_bytes([m0, m1]), full_range: range != 0, planes })
    }
}

/// Decodes a picture of at most this many pixels: in a child process where the program has one, since rav1d ends the process when it
/// finds itself wrong.
pub(super) fn decode(stream: &[u8], max_pixels: u32, control: &Control) -> Result<Yuv, DecodeError> {
    let most_bytes = u64::from(max_pixels) * 6 + 64;
    let yuv = match contained::decode("av1", max_pixels, stream, most_bytes, control) {
        Some(Ok(answer)) => Yuv::from_bytes(&answer),
        Some(Err(contained::Failure::Stopped(stopped))) => return Err(stopped),
        Some(Err(contained::Failure::Passing(error))) => return Err(error.into()),
        Some(Err(contained::Failure::Child(what))) => Err(what),
        None => decode_here(stream, max_pixels),
    };
    yuv.map_err(|what| DecodeError::Corrupt { format: SourceFormat::Avif, what })
}

/// What a child process answers.
pub(super) fn decode_for_parent(stream: &[u8], max_pixels: u32) -> Vec<u8> {
    match decode_here(stream, max_pixels) {
        Ok(yuv) => yuv.to_bytes(),
        Err(error) => [b"E", error.as_bytes()].concat(),
    }
}

/// Decodes in this thread.
#[expect(unsafe_code, reason = "rav1d is called as the C library")]
fn decode_here(stream: &[u8], max_pixels: u32) -> Result<Yuv, String> {
    let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
    // SAFETY: the pointer is to room for settings, which this call fills wholly.
    unsafe { dav1d_default_settings(NonNull::from(&mut settings).cast()) };
    // SAFETY: filled by the call above.
    let mut settings = unsafe { settings.assume_init() };
    settings.n_threads = 1;
    settings.max_frame_delay = 1;
    settings.frame_size_limit = max_pixels;
    settings.all_layers = 0;
    // What goes wrong is told by results; nothing is written to the program's streams.
    // SAFETY: without a function there is nothing that could be called.
    settings.logger = unsafe { Dav1dLogger::new(None, None) };

    let mut context = None;
    // SAFETY: both pointers are to live values of these types; the call writes a context, or leaves `None`.
    let result = unsafe { dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
    let Some(context) = context.filter(|_| result.0 == 0) else {
        return Err(format!("the AV1 decoder does not start ({})", result.0));
    };
    let context = Context(context);
    let mut data = Data(Dav1dData::default());
    // SAFETY: the pointer is to a live value; the call returns room for this many bytes, owned by it, or null.
    let room = unsafe { dav1d_data_create(Some(NonNull::from(&mut data.0)), stream.len()) };
    if room.is_null() {
        return Err("the AV1 stream does not fit into memory".to_owned());
    }
    // SAFETY: `room` holds as many bytes as the stream and is not a part of it.
    unsafe { std::ptr::copy_nonoverlapping(stream.as_ptr(), room, stream.len()) };
    for _ in 0..MAX_ROUNDS {
        let sent = if data.0.sz > 0 {
            // SAFETY: the context is open, the data is a live value that the decoder takes as far as it can.
            unsafe { dav1d_send_data(Some(context.0), Some(NonNull::from(&mut data.0))) }.0
        } else {
            0
        };
        let again = -libc::EAGAIN;
        if sent < 0 && sent != again {
            return Err(format!("the AV1 stream is wrong ({sent})"));
        }
        let mut picture = MaybeUninit::<Dav1dPicture>::uninit();
        // SAFETY: the context is open; the pointer is to room for a picture, which the call fills whatever it returns.
        let got = unsafe { dav1d_get_picture(Some(context.0), Some(NonNull::from(&mut picture).cast())) }.0;
        // SAFETY: filled by the call above, an empty picture on failure.
        let picture = Picture(unsafe { picture.assume_init() });
        if got == 0 {
            return picture.planes();
        }
        if got != again {
            return Err(format!("the AV1 stream is wrong ({got})"));
        }
        if data.0.sz == 0 && sent == 0 {
            break;
        }
    }
    Err("the AV1 stream holds no picture".to_owned())
}

struct Context(Dav1dContext);

impl Drop for Context {
    fn drop(&mut self) {
        let mut context = Some(self.0);
        // SAFETY: the context came from `dav1d_open` and is closed here alone.
        #[expect(unsafe_code, reason = "rav1d is called as the C library")]
        unsafe {
            dav1d_close(Some(NonNull::from(&mut context)));
        }
    }
}

struct Data(Dav1dData);

impl Drop for Data {
    fn drop(&mut self) {
        // SAFETY: what the decoder did not take is given back; an empty value has nothing to give.
        #[expect(unsafe_code, reason = "rav1d is called as the C library")]
        unsafe {
            dav1d_data_unref(Some(NonNull::from(&mut self.0)));
        }
    }
}

struct Picture(Dav1dPicture);

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the value was filled by `dav1d_get_picture`; its references are given back here alone.
        #[expect(unsafe_code, reason = "rav1d is called as the C library")]
        unsafe {
            dav1d_picture_unref(Some(NonNull::from(&mut self.0)));
        }
    }
}

impl Picture {
    #[expect(unsafe_code, reason = "rav1d's pictures are read through pointers")]
    #[expect(clippy::cast_ptr_alignment, reason = "rows begin at multiples of 64 bytes")]
    fn planes(&self) -> Result<Yuv, String> {
        let picture = &self.0;
        let (Ok(width), Ok(height)) = (u32::try_from(picture.p.w), u32::try_from(picture.p.h)) else {
            return Err("the AV1 picture has a negative size".to_owned());
        };
        let layout = match picture.p.layout {
            DAV1D_PIXEL_LAYOUT_I400 => Layout::Monochrome,
            DAV1D_PIXEL_LAYOUT_I420 => Layout::Both,
            DAV1D_PIXEL_LAYOUT_I422 => Layout::Horizontal,
            DAV1D_PIXEL_LAYOUT_I444 => Layout::Full,
            other => return Err(format!("the AV1 picture has the unknown layout {other}")),
        };
        let Some(header) = picture.seq_hdr else { return Err("the AV1 picture has no header".to_owned()) };
        // SAFETY: the header lives as long as the picture that refers to it.
        let header = unsafe { header.as_ref() };
        let (matrix, full_range) = (header.mtrx as u16, header.color_range != 0);
        let bits = picture.p.bpc as u8;
        let (shift_x, shift_y) = layout.shifts();
        let mut planes = Vec::with_capacity(3);
        let count = if layout == Layout::Monochrome { 1 } else { 3 };
        for (index, data) in picture.data.iter().enumerate().take(count) {
            let (shift_x, shift_y) = if index == 0 { (0, 0) } else { (shift_x, shift_y) };
            let plane_width = width.div_ceil(1 << shift_x) as usize;
            let plane_height = height.div_ceil(1 << shift_y) as usize;
            let stride = picture.stride[usize::from(index > 0)];
            let Some(data) = data else { return Err("the AV1 picture lacks a plane".to_owned()) };
            let row = |y: usize| -> *const u8 {
                // SAFETY: rows up to the plane's height lie `stride` bytes apart in the picture's memory.
                unsafe { data.as_ptr().cast::<u8>().offset(stride * y as isize) }
            };
            let samples = if bits == 8 {
                let mut samples = Vec::with_capacity(plane_width * plane_height);
                for y in 0..plane_height {
                    // SAFETY: a row holds at least as many bytes as the plane is wide.
                    samples.extend_from_slice(unsafe { std::slice::from_raw_parts(row(y), plane_width) });
                }
                Samples::Eight(samples)
            } else {
                let mut samples = Vec::with_capacity(plane_width * plane_height);
                for y in 0..plane_height {
                    // SAFETY: a row holds at least as many 16-bit samples as the plane is wide, and is aligned to 64 bytes.
                    samples.extend_from_slice(unsafe { std::slice::from_raw_parts(row(y).cast::<u16>(), plane_width) });
                }
                Samples::Sixteen(samples)
            };
            planes.push(Plane { width: plane_width, samples });
        }
        Ok(Yuv { size: Dimensions::new(width, height), layout, bits, matrix, full_range, planes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_crosses_to_the_parent_unchanged() {
        for (layout, bits) in [(Layout::Monochrome, 8), (Layout::Both, 8), (Layout::Horizontal, 10), (Layout::Full, 12)]
        {
            let (size, (shift_x, shift_y)) = (Dimensions::new(7, 5), layout.shifts());
            let planes = (0..if layout == Layout::Monochrome { 1 } else { 3 }).map(|index| {
                let (shift_x, shift_y) = if index == 0 { (0, 0) } else { (shift_x, shift_y) };
                let (width, height) = (7_usize.div_ceil(1 << shift_x), 5_usize.div_ceil(1 << shift_y));
                let values = (0..width * height).map(|at| at * 11 + index);
                let samples = match bits {
                    8 => Samples::Eight(values.map(|value| value as u8).collect()),
                    _ => Samples::Sixteen(values.map(|value| value as u16).collect()),
                };
                Plane { width, samples }
            });
            let yuv = Yuv { size, layout, bits, matrix: 513, full_range: bits == 8, planes: planes.collect() };
            let bytes = yuv.to_bytes();
            let again = Yuv::from_bytes(&bytes).unwrap();
            assert_eq!(format!("{again:?}"), format!("{yuv:?}"));
            assert!(Yuv::from_bytes(&bytes[..bytes.len() - 1]).is_err(), "one byte less is no picture");
        }
        assert_eq!(Yuv::from_bytes(b"Eno").unwrap_err(), "no");
        assert!(Yuv::from_bytes(b"").is_err());
    }
}
