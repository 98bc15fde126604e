//! Pictures inside a drawing. The library unpacks one anew wherever it is used; here all that are the same become one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use resvg::usvg::{self, ImageHrefResolver, ImageKind};

use crate::formats::{gif, jpeg, png, webp};
use crate::{Control, DecodeError, MemoryAccess, OpenOptions, SourceFormat};

/// Most pixels of the pictures inside, each as often as it is drawn.
pub(super) const MAX_PICTURE_PX: u64 = 64_000_000;
/// Most bytes of the pictures inside, each as often as it is used: so often they are unpacked.
const MAX_PICTURE_BYTES: u64 = 256 << 20;

/// The pictures of one drawing.
pub(super) struct Pictures {
    known: Mutex<HashMap<Arc<Vec<u8>>, Option<Picture>>>,
    unpacked_bytes: AtomicU64,
    options: OpenOptions,
}

/// What is known of a picture.
#[derive(Clone, Copy)]
struct Picture {
    format: SourceFormat,
    px: u64,
}

impl Pictures {
    pub(super) fn new(control: &Control) -> Self {
        let options = OpenOptions { max_pixels: MAX_PICTURE_PX, control: control.clone(), ..OpenOptions::default() };
        Self { known: Mutex::default(), unpacked_bytes: AtomicU64::new(0), options }
    }

    /// The pixels of each, by where its bytes lie, unless there were too many bytes.
    pub(super) fn sizes(&self) -> Result<HashMap<*const Vec<u8>, u64>, DecodeError> {
        let (format, needed) = (SourceFormat::Svg, self.unpacked_bytes.load(Ordering::Relaxed));
        if needed > MAX_PICTURE_BYTES {
            let unit = "bytes of pictures inside, each as often as it is used";
            return Err(DecodeError::TooLarge { format, needed, limit: MAX_PICTURE_BYTES, unit });
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.iter().filter_map(|(data, picture)| Some((Arc::as_ptr(data), (*picture)?.px))).collect())
    }

    /// The picture that these bytes are. The same bytes are held once.
    fn resolve(&self, data: Arc<Vec<u8>>) -> Option<ImageKind> {
        self.options.control.check().ok()?;
        let length = data.len() as u64;
        if self.unpacked_bytes.fetch_add(length, Ordering::Relaxed).saturating_add(length) > MAX_PICTURE_BYTES {
            return None;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (data, picture) = if let Some((data, picture)) = known.get_key_value(&data) {
            (Arc::clone(data), *picture)
        } else {
            let picture = self.look(&data);
            known.insert(Arc::clone(&data), picture);
            (data, picture)
        };
        drop(known);
        match picture?.format {
            SourceFormat::Jpeg => Some(ImageKind::JPEG(data)),
            SourceFormat::Png => Some(ImageKind::PNG(data)),
            SourceFormat::Gif => Some(ImageKind::GIF(data)),
            SourceFormat::Webp => Some(ImageKind::WEBP(data)),
            _ => None,
        }
    }

    fn look(&self, data: &[u8]) -> Option<Picture> {
        // Drawings in drawings could be nested without end.
        if !(jpeg::sniff(data) || png::sniff(data) || gif::sniff(data) || webp::sniff(data)) {
            return None;
        }
        let picture = crate::formats::open(Arc::new(MemoryAccess::new(data)), &self.options).ok()?;
        let facts = picture.facts();
        Some(Picture { format: facts.source_format, px: facts.stored_size().area_px() })
    }
}

/// Nothing outside the file is looked at.
pub(super) fn resolver(pictures: &Arc<Pictures>) -> ImageHrefResolver<'static> {
    let pictures = Arc::clone(pictures);
    ImageHrefResolver {
        resolve_data: Box::new(move |_: &str, data: Arc<Vec<u8>>, _: &usvg::Options<'_>| pictures.resolve(data)),
        resolve_string: Box::new(|_: &str, _: &usvg::Options<'_>| None),
    }
}
