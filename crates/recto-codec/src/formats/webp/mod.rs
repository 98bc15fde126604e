//! Webp.

use std::sync::Arc;

use crate::{
    DecodeError, Decoder, EncodeError, EncodeHeader, EncodeOptions, Encoder, OpenOptions, RandomAccess, SourceFormat,
};

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"RIFF") && first.get(8..12) == Some(b"WEBP")
}

/// Opens one page.
pub(crate) fn open(_source: Arc<dyn RandomAccess>, _options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    Err(DecodeError::Unsupported { format: SourceFormat::Webp, what: "anything".to_owned() })
}

/// The encoder.
pub(crate) fn encoder(_header: &EncodeHeader, _options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    Err(EncodeError::NoEncoder { format: "webp" })
}

/// Decodes a complete WebP stream from memory to `Rgb8` or `Rgba8`.
pub(crate) fn decode_stream(_stream: &[u8]) -> Result<crate::Raster, DecodeError> {
    Err(DecodeError::Unsupported { format: SourceFormat::Webp, what: "anything".to_owned() })
}
