//! Tiles and strips that are images of their own: JPEG, WebP, JPEG 2000.

use std::sync::Arc;

use recto_iiif::Dimensions;

use super::chunk::Wanted;
use super::directory::Compression;
use super::ifd::File;
use super::reader::StoredLevel;
use super::stored::{check_frame, color_of, frame};
use super::{corrupt, too_large, unsupported};
use crate::formats::jpeg::StreamColor;
use crate::formats::{self, jpeg, webp};
use crate::{Control, DecodeError, DecodeRequest, Memo, MemoryAccess, OpenOptions, PixelFormat, Raster, read_raster};

/// How JPEG 2000 begins: bare, and in its own file format.
const JPEG_2000: [&[u8]; 2] = [b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"];

/// True when JPEG 2000 can be read at all.
pub(super) fn reads_jpeg_2000() -> bool {
    formats::FORMATS.iter().any(|format| (format.sniff)(JPEG_2000[0]))
}

/// Decodes a chunk of `rows` rows that is an image of its own: what is wanted of it, or more.
pub(super) fn picture(
    file: &File,
    level: &StoredLevel,
    bytes: Vec<u8>,
    rows: u32,
    wanted: Wanted,
    name: &str,
    control: &Control,
) -> Result<Raster, DecodeError> {
    let directory = &level.directory;
    let place = Dimensions::new(directory.layout.chunk.width_px, rows);
    if let Compression::Jpeg2000 { luma_chroma } = directory.compression {
        return jpeg_2000(bytes, place, luma_chroma, name, control);
    }
    if directory.compression == Compression::Webp {
        let stream = checked_webp(bytes, place, name)?;
        let raster = webp::decode_stream(&stream, &limits(place, control), control);
        let raster = raster.map_err(|error| of_chunk(error, name))?;
        return Ok(with_opaque_alpha(raster, directory.interpretation.used));
    }
    let (stream, color) = match (&level.streams, &directory.old_jpeg) {
        (_, Some(old)) => {
            let color = match (directory.samples, directory.photometric) {
                (1, _) => StreamColor::Gray,
                (3, 2) => StreamColor::Rgb,
                (3, _) => StreamColor::YcbCr,
                _ => StreamColor::Cmyk,
            };
            (old.complete(file, bytes, rows)?, color)
        }
        (Some(streams), None) => streams.complete(&bytes).map_err(|flaw| corrupt(format!("{name} {flaw}")))?,
        (None, None) => return Err(corrupt(format!("{name} holds no JPEG stream"))),
    };
    let frame = check_frame(frame(&stream), place, name)?;
    let color = color_of(&frame, color, directory.photometric);
    jpeg::decode_within(&stream, color, wanted.denominator, wanted.rows, level.coefficient_bytes(), control)
        .map_err(|error| of_chunk(error, name))
}

/// What a stream's decoder says, as about a chunk of this file.
fn of_chunk(error: DecodeError, name: &str) -> DecodeError {
    match error {
        DecodeError::Corrupt { what, .. } => corrupt(format!("{name}: {what}")),
        DecodeError::TooLarge { needed, limit, unit, .. } => too_large(needed, limit, unit),
        other => other,
    }
}

/// What an image may cost that lies in a chunk: no more than its place is worth.
fn limits(place: Dimensions, control: &Control) -> OpenOptions {
    OpenOptions {
        max_pixels: place.area_px(),
        max_bytes: place.area_px().saturating_mul(64).saturating_add(64 << 20),
        memo: Arc::new(Memo::new(0)),
        control: control.clone(),
        ..OpenOptions::default()
    }
}

/// Bytes that decoding a chunk takes beside its pixels and its stream.
pub(super) fn working_bytes(level: &StoredLevel) -> u64 {
    let directory = &level.directory;
    let (place, samples) = (directory.layout.chunk, directory.chunk_samples());
    match directory.compression {
        Compression::Jpeg | Compression::OldJpeg => {
            level.coefficient_bytes() + jpeg::library_bytes(place.width_px, samples)
        }
        // Lossless pixels are put together in four bytes each.
        Compression::Webp => place.area_px().saturating_mul(4).saturating_add(1 << 20),
        // Samples of four bytes, here and in the bands that they are made of.
        Compression::Jpeg2000 { .. } => {
            place.area_px().saturating_mul(4 * (2 * u64::from(samples) + 6)).saturating_add(4 << 20)
        }
        _ => 0,
    }
}

/// Checks the size of a WebP stream before it is decoded.
fn checked_webp(bytes: Vec<u8>, place: Dimensions, name: &str) -> Result<Vec<u8>, DecodeError> {
    let size = webp_size(&bytes).ok_or_else(|| corrupt(format!("{name} holds no WebP stream")))?;
    if size.width_px > place.width_px || size.height_px > place.height_px {
        return Err(corrupt(format!("{name} is of {size} pixels, its place of {place}")));
    }
    Ok(bytes)
}

/// The size in the header of a WebP stream.
fn webp_size(bytes: &[u8]) -> Option<Dimensions> {
    let number = |at: usize, count: usize| {
        bytes.get(at..at + count).map(|bytes| bytes.iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    match bytes.get(12..16)? {
        b"VP8X" => Some(Dimensions::new(number(24, 3)? + 1, number(27, 3)? + 1)),
        b"VP8L" => {
            let packed = number(21, 4)?;
            Some(Dimensions::new((packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => Some(Dimensions::new(number(26, 2)? & 0x3fff, number(28, 2)? & 0x3fff)),
        _ => None,
    }
}

/// Opaque tiles may lack the alpha that others have.
fn with_opaque_alpha(raster: Raster, used: usize) -> Raster {
    if used != 4 || raster.format() != PixelFormat::Rgb8 {
        return raster;
    }
    let pixels = raster.data().as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    Raster::from_vec(raster.size(), PixelFormat::Rgba8, pixels)
}

/// Decodes a JPEG 2000 tile. Aperio's may hold luma and chroma without saying so: `luma_chroma`.
fn jpeg_2000(
    bytes: Vec<u8>,
    place: Dimensions,
    luma_chroma: bool,
    name: &str,
    control: &Control,
) -> Result<Raster, DecodeError> {
    if !JPEG_2000.iter().any(|start| bytes.starts_with(start)) {
        return Err(corrupt(format!("{name} holds no JPEG 2000 stream")));
    }
    let named = |error: DecodeError| match error {
        DecodeError::Unsupported { what, .. } => unsupported(format!("JPEG 2000 tiles with {what}")),
        other => of_chunk(other, name),
    };
    let options = limits(place, control);
    let decoder = formats::open(Arc::new(MemoryAccess::new(bytes)), &options).map_err(named)?;
    let size = decoder.facts().stored_size();
    if size.width_px > place.width_px || size.height_px > place.height_px {
        return Err(corrupt(format!("{name} is of {size} pixels, its place of {place}")));
    }
    let wanted = DecodeRequest { level: 0, region: size.rect(), denominator: 1 };
    let (mut raster, _) = read_raster(decoder.as_ref(), &wanted, control).map_err(named)?;
    if luma_chroma && raster.format() == PixelFormat::Rgb8 {
        for pixel in raster.data_mut().as_chunks_mut::<3>().0 {
            *pixel = rgb(*pixel);
        }
    }
    Ok(raster)
}

/// Luma and chroma of full range (ITU-R BT.601) to red, green and blue.
fn rgb([luma, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (luma, cb, cr) = (i32::from(luma) << 16, i32::from(cb) - 128, i32::from(cr) - 128);
    let byte = |value: i32| ((value + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [byte(luma + 91_881 * cr), byte(luma - 22_554 * cb - 46_802 * cr), byte(luma + 116_130 * cb)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_and_chroma_become_colours() {
        for (from, to) in [
            ([255, 128, 128], [255, 255, 255]),
            ([0, 128, 128], [0, 0, 0]),
            ([76, 85, 255], [254, 0, 0]),
            ([29, 255, 107], [0, 0, 254]),
        ] {
            assert_eq!(rgb(from), to, "{from:?}");
        }
    }
}
