//! Jpeg.

use std::sync::Arc;

use crate::{
    DecodeError, Decoder, EncodeError, EncodeHeader, EncodeOptions, Encoder, OpenOptions, RandomAccess, SourceFormat,
};

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(&[0xff, 0xd8, 0xff])
}

/// Opens one page.
pub(crate) fn open(_source: Arc<dyn RandomAccess>, _options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    Err(DecodeError::Unsupported { format: SourceFormat::Jpeg, what: "anything".to_owned() })
}

/// The encoder.
pub(crate) fn encoder(_header: &EncodeHeader, _options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    Err(EncodeError::NoEncoder { format: "jpg" })
}

/// How the samples of a JPEG stream inside another file are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamColor {
    /// As its own markers say (JFIF, Adobe), like any JPEG file.
    Markers,
    /// One gray component.
    Gray,
    /// Three components that are red, green and blue already.
    Rgb,
    /// Three components that are luma and chroma.
    YcbCr,
    /// Four components that are inks as they are (0 is no ink, unless an Adobe marker says inverted).
    Cmyk,
}

/// Decodes a complete JPEG stream (tables joined) from memory, shrunk by `denominator` (1, 2, 4 or 8).
///
/// Gives `Gray8`, `Rgb8` or `Cmyk8` (0 is no ink).
pub(crate) fn decode_stream(
    _stream: &[u8],
    _color: StreamColor,
    _denominator: u32,
    _control: &crate::Control,
) -> Result<crate::Raster, DecodeError> {
    Err(DecodeError::Unsupported { format: SourceFormat::Jpeg, what: "anything".to_owned() })
}

/// Cuts a complete JPEG stream (tables joined) to its top left `visible` pixels without decoding: frame size lowered, surplus
/// MCUs dropped by transcoding the entropy-coded data. `None` when this stream cannot be cut so (progressive, arithmetic …).
pub(crate) fn cut_to(_stream: &[u8], _visible: recto_iiif::Dimensions) -> Result<Option<Vec<u8>>, DecodeError> {
    Ok(None)
}
