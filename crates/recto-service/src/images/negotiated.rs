//! One URL, several formats: which may stand in for JPEG, and the same picture in one of them.

use recto_iiif::Dimensions;
use recto_iiif::image::Format;

use super::{ImageService, Prepared, etag_of};

impl ImageService {
    /// The formats that may stand in for JPEG, best first; none unless that is switched on.
    pub fn negotiable(&self) -> &[Format] {
        &self.inner.negotiable
    }

    /// The same picture in another format, under a key and validator of its own; as it was where it cannot be written so.
    #[must_use]
    pub fn in_format(&self, prepared: Prepared, format: Format) -> Prepared {
        let mut resolved = prepared.resolved;
        let size = resolved.size;
        let side = if resolved.rotation.quarter_turns().is_some() {
            size
        } else {
            // No corner reaches farther, whatever the angle.
            let across = f64::from(size.width_px).hypot(size.height_px.into()).ceil() as u32;
            Dimensions::new(across, across)
        };
        if !recto_codec::can_write(format, side) {
            return prepared;
        }
        resolved.format = format;
        let key = prepared.image.key(&resolved.key());
        Prepared { etag: etag_of(key), resolved, key, ..prepared }
    }
}
