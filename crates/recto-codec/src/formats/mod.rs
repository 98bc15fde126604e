//! The formats: one folder each, registered in [`FORMATS`] and [`encoder`].

mod avif;
mod bands;
mod bmp;
mod cicp;
mod contained;
mod dicom;
mod exif;
mod exr;
mod fits;
mod gif;
mod heic;
mod heif;
mod held;
mod jp2;
mod jpeg;
mod jxl;
mod opening;
mod palette;
mod pdf;
mod png;
mod psd;
mod pyramided;
mod reader;
mod svg;
mod tiff;
mod tone;
mod vector;
mod webp;
mod xpm;

pub use contained::{CONTAINED, contain_with, run_contained};
pub use jp2::{Jp2Error, Jp2Options, Jp2Writer, jp2_encoder};
pub use jpeg::open_jpeg_to_cut;
pub(crate) use tiff::pyramid_writer as tiff_pyramid;

use std::sync::Arc;

use recto_iiif::image::Format;

use crate::{
    Control, DecodeError, Decoder, EncodeError, EncodeHeader, EncodeOptions, Encoder, Memo, RandomAccess, Shelf,
};

/// How to open a file, and what it may cost.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Which page, from 1.
    pub page: u32,
    /// Most pixels that an image may have.
    pub max_pixels: u64,
    /// Most bytes that opening and any single decode may hold at a time.
    pub max_bytes: u64,
    /// Dots per inch at which page descriptions (PDF) are drawn in full size. Pages that would be larger than 100 megapixels so
    /// get fewer.
    pub document_dpi: f64,
    /// Images of at least so many pixels get reductions that their files do not have, so that small pictures of them are not made of all
    /// their pixels each time; these are kept on the shelf. `None`: no image does.
    pub pyramid_from_px: Option<u64>,
    /// Where the decoder may remember parts of the image in memory.
    pub memo: Arc<Memo>,
    /// Where it may keep parts on disk.
    pub shelf: Option<Arc<dyn Shelf>>,
    /// Asked while the file is opened. What was opened does not keep to it: each decode has one of its own.
    pub control: Control,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            page: 1,
            max_pixels: 100_000_000_000,
            max_bytes: 4 << 30,
            document_dpi: 300.0,
            pyramid_from_px: None,
            memo: Arc::new(Memo::new(64 << 20)),
            shelf: None,
            control: Control::default(),
        }
    }
}

/// How much of a file is looked at to find its format.
pub const SNIFFED_BYTES: u64 = 1024;

/// A format that can be read.
pub struct ReadableFormat {
    /// Does a file that begins so look like it? Given are the first [`SNIFFED_BYTES`], or all if it is shorter.
    pub sniff: fn(&[u8]) -> bool,
    /// Opens one page.
    pub open: Open,
}

/// How a format opens one page of a file.
pub type Open = fn(Arc<dyn RandomAccess>, &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError>;

/// Every format that can be read, in the order in which they are tried.
pub static FORMATS: &[ReadableFormat] = &[
    ReadableFormat { sniff: jpeg::sniff, open: jpeg::open },
    ReadableFormat { sniff: png::sniff, open: png::open },
    ReadableFormat { sniff: tiff::sniff, open: tiff::open },
    ReadableFormat { sniff: webp::sniff, open: webp::open },
    ReadableFormat { sniff: gif::sniff, open: gif::open },
    ReadableFormat { sniff: bmp::sniff, open: bmp::open },
    ReadableFormat { sniff: jp2::sniff, open: jp2::open },
    ReadableFormat { sniff: dicom::sniff, open: dicom::open },
    ReadableFormat { sniff: psd::sniff, open: psd::open },
    ReadableFormat { sniff: fits::sniff, open: fits::open },
    ReadableFormat { sniff: exr::sniff, open: exr::open },
    ReadableFormat { sniff: xpm::sniff, open: xpm::open },
    ReadableFormat { sniff: pdf::sniff, open: pdf::open },
    ReadableFormat { sniff: svg::sniff, open: svg::open },
    ReadableFormat { sniff: avif::sniff, open: avif::open },
    ReadableFormat { sniff: heic::sniff, open: heic::open },
    ReadableFormat { sniff: jxl::sniff, open: jxl::open },
];

/// True when pages and regions of a file that begins so are read without the rest of it: a file of this kind that lies far away
/// can stay there. `first` are the first bytes, a kilobyte or more of them, of `length` in all.
pub fn is_read_in_parts(first: &[u8], length: u64) -> bool {
    tiff::sniff(first) || pdf::is_linearized(first, length)
}

/// Opens a page of a file; content decides the format.
///
/// # Errors
/// What is wrong with the file or not supported in it.
pub fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    let decoder = if source.read_ahead() == 0 {
        open_at_hand(source, options)?
    } else {
        let opening = Arc::new(opening::Opening::begin(source)?);
        let decoder = open_at_hand(Arc::clone(&opening) as Arc<dyn RandomAccess>, options);
        opening.end();
        decoder?
    };
    Ok(pyramided::wrap(decoder, options))
}

fn open_at_hand(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    let mut first = vec![0; source.len().min(SNIFFED_BYTES) as usize];
    source.read_at(0, &mut first)?;
    match FORMATS.iter().find(|format| (format.sniff)(&first)) {
        Some(format) => (format.open)(source, options),
        None => Err(DecodeError::Unrecognised {
            first_bytes: first.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
        }),
    }
}

/// The formats that can be written.
pub const WRITABLE: &[Format] = &[
    Format::Jpg,
    Format::Png,
    Format::Webp,
    Format::Gif,
    Format::Tif,
    Format::Jp2,
    Format::Avif,
    Format::Jxl,
    Format::Pdf,
];

pub(crate) fn encoder(
    format: Format,
    header: &EncodeHeader,
    options: &EncodeOptions,
) -> Result<Box<dyn Encoder>, EncodeError> {
    match format {
        Format::Jpg => jpeg::encoder(header, options),
        Format::Png => png::encoder(header, options),
        Format::Webp => webp::encoder(header, options),
        Format::Gif => gif::encoder(header, options),
        Format::Tif => tiff::encoder(header, options),
        Format::Jp2 => jp2::encoder(header, options),
        Format::Pdf => pdf::encoder(header, options),
        Format::Avif => avif::encoder(header, options),
        Format::Jxl => jxl::encoder(header, options),
        _ => Err(EncodeError::NoEncoder { format: format.extension() }),
    }
}
