//! JPEG 2000: real files against another reader where they are present, files put together here for what real ones lack, and
//! damage.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod boxes;
mod damage;
mod high_throughput;
mod jph;
mod reads;
mod real;
mod writes;

use std::sync::Arc;

use recto_codec::{
    Control, DecodeError, DecodeRequest, Decoder, EncodeHeader, Jp2Options, MemoryAccess, OpenOptions, PixelFormat,
    Raster, jp2_encoder, open, read_raster,
};
use recto_iiif::{Dimensions, Rect};

fn open_bytes(bytes: &[u8]) -> Result<Box<dyn Decoder>, DecodeError> {
    open(Arc::new(MemoryAccess::new(bytes)), &OpenOptions::default())
}

fn read(decoder: &dyn Decoder, level: usize, region: Rect) -> Result<Raster, DecodeError> {
    let wanted = DecodeRequest { level, region, denominator: 1 };
    read_raster(decoder, &wanted, &Control::default()).map(|(raster, geometry)| {
        assert_eq!(raster.size(), geometry.rect.dimensions(), "the strips are what the geometry says");
        raster
    })
}

fn read_all(decoder: &dyn Decoder, level: usize) -> Result<Raster, DecodeError> {
    read(decoder, level, decoder.facts().levels[level].size.rect())
}

/// A lossless file of these pixels, as our encoder writes it.
fn file(size: Dimensions, pixels: PixelFormat, data: Vec<u8>) -> Vec<u8> {
    let header = EncodeHeader { size, pixels, bitonal: false, icc: None, dpi: None };
    let mut encoder = jp2_encoder(&header, &Jp2Options { quality: 100, ..Jp2Options::default() }).unwrap();
    encoder.write(&Raster::from_vec(size, pixels, data)).unwrap();
    encoder.finish().unwrap()
}

/// The codestream in a file of our encoder.
fn codestream(file: &[u8]) -> &[u8] {
    let at = file.windows(4).position(|name| name == b"jp2c").unwrap();
    &file[at + 4..]
}

fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32 + 8).to_be_bytes();
    [&length[..], &name, content].concat()
}

/// A file with these boxes in its header, around a codestream.
fn wrapped(header: &[Vec<u8>], others: &[Vec<u8>], codestream: &[u8]) -> Vec<u8> {
    [
        b"\0\0\0\x0cjP  \r\n\x87\n".to_vec(),
        boxed(*b"ftyp", b"jpx \0\0\0\0jpx jp2 "),
        boxed(*b"jp2h", &header.concat()),
        others.concat(),
        boxed(*b"jp2c", codestream),
    ]
    .concat()
}
