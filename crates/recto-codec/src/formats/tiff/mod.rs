//! TIFF and `BigTIFF`: pages, pyramids, tiles and strips, read in place; stored tiles handed out; strips and pyramids written.
//!
//! [`ifd`] reads directories, [`pyramid`] says which of them are pages and which levels, [`directory`] says what one means,
//! [`layout`] where its tiles or strips lie. [`rows`] takes [`chunk`]s, which pull bytes through [`decompress`] and [`pixels`] or are
//! [`picture`]s of their own; [`cost`] says before what that takes.
//! [`stored`] joins JPEG tables to tiles that leave as they lie. [`slide`] and [`intervals`] read what one maker's scanners write,
//! [`description`] what microscopes say in words. [`encode`] writes strips, [`pyramid_writer`] tiles and levels, both by [`fields`].

mod chain;
mod chunk;
mod cost;
mod decompress;
mod description;
mod directory;
mod encode;
mod fields;
mod ifd;
mod intervals;
mod layout;
mod metadata;
mod old_jpeg;
mod picture;
mod pixels;
mod predictor;
mod pyramid;
pub(crate) mod pyramid_writer;
mod reader;
mod rows;
mod samples;
mod slide;
mod stored;
mod tag;
mod tiles;
mod ycbcr;

use std::sync::Arc;

use crate::{
    DecodeError, Decoder, EncodeError, EncodeHeader, EncodeOptions, Encoder, OpenOptions, RandomAccess, SourceFormat,
};

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"II*\0")
        || first.starts_with(b"MM\0*")
        || first.starts_with(b"II+\0")
        || first.starts_with(b"MM\0+")
}

/// Opens one page.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    Ok(Box::new(reader::TiffDecoder::open(source, options)?))
}

/// The encoder.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    if options.tiff_pyramid {
        return Ok(Box::new(pyramid_writer::PyramidEncoder::new(header, options)?));
    }
    Ok(Box::new(encode::TiffEncoder::new(header, options.tiff_compression)))
}

/// The file breaks its own rules.
fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Tiff, what: what.into() }
}

/// The file has something that is not read.
fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: SourceFormat::Tiff, what: what.into() }
}

/// The file is larger than it may be.
fn too_large(needed: u64, limit: u64, unit: &'static str) -> DecodeError {
    DecodeError::TooLarge { format: SourceFormat::Tiff, needed, limit, unit }
}
