//! TIFF, read and written: files made here by hand, and real ones where they are present.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bands;
mod builder;
#[path = "../counted/mod.rs"]
mod counted;
mod damage;
mod encode;
mod far;
mod fax;
mod jpeg;
mod limits;
mod microscope;
mod pages;
mod pixels;
mod pyramid;
mod real;
mod slide;
mod stored;
mod structure;
mod subsampled;
mod tiles;
mod webp;

use std::sync::Arc;

use recto_codec::{Control, DecodeError, DecodeRequest, Decoder, MemoryAccess, OpenOptions, Raster, open, read_raster};
use recto_iiif::Rect;

fn open_bytes(bytes: &[u8]) -> Result<Box<dyn Decoder>, DecodeError> {
    open_page(bytes, 1)
}

fn open_page(bytes: &[u8], page: u32) -> Result<Box<dyn Decoder>, DecodeError> {
    open(Arc::new(MemoryAccess::new(bytes)), &OpenOptions { page, ..OpenOptions::default() })
}

fn read(decoder: &dyn Decoder, level: usize, region: Rect, denominator: u32) -> Result<Raster, DecodeError> {
    let wanted = DecodeRequest { level, region, denominator };
    read_raster(decoder, &wanted, &Control::default()).map(|(raster, geometry)| {
        assert_eq!(raster.size(), geometry.rect.dimensions(), "the strips are what the geometry says");
        raster
    })
}

fn read_all(decoder: &dyn Decoder, level: usize) -> Result<Raster, DecodeError> {
    read(decoder, level, decoder.facts().levels[level].size.rect(), 1)
}
