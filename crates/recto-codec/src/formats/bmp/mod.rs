//! Bmp.

use std::sync::Arc;

use crate::{DecodeError, Decoder, OpenOptions, RandomAccess, SourceFormat};

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(b"BM")
}

/// Opens one page.
pub(crate) fn open(_source: Arc<dyn RandomAccess>, _options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    Err(DecodeError::Unsupported { format: SourceFormat::Bmp, what: "anything".to_owned() })
}
