//! JPEG files, JPEG streams inside other files, and their compressed domain.
//!
//! Entropy decoding, DCT and colour conversion are libjpeg-turbo's, behind [`ffi`]; headers, metadata and everything in the
//! compressed domain are our own.

mod bits;
mod coding;
mod cut;
mod decode;
mod derived;
mod encode;
mod exif;
mod ffi;
mod fill;
mod flat;
mod huffman;
mod index;
mod input;
mod markers;
mod metadata;
mod progressive;
mod recode;
mod reduced;
mod stream;
mod walk;
mod whole;

pub(crate) use cut::{Form, Mosaic, lies_on_grid};
pub(crate) use decode::open;
pub use decode::open_jpeg_to_cut;
pub(crate) use encode::encoder;
pub(crate) use fill::fill;
pub(crate) use flat::MOST_BYTES_PER_PIXEL;
pub(crate) use stream::{StreamColor, coefficient_bytes, decode_within, library_bytes};

/// Does a file that begins so look like it?
pub(crate) fn sniff(first: &[u8]) -> bool {
    first.starts_with(&[0xff, 0xd8, 0xff])
}

/// Goes through everything that works on outside bytes without the library: headers, walk, index, cut, join. For fuzzing; whatever
/// the bytes are, it ends soon and does not panic.
#[cfg(test)]
pub(crate) fn exercise(bytes: &[u8]) {
    use std::sync::Arc;

    use recto_iiif::Dimensions;

    use crate::{Control, MemoryAccess, OpenOptions, Orientation};

    let control = Control::default();
    let source: Arc<dyn crate::RandomAccess> = Arc::new(MemoryAccess::new(bytes.to_vec()));
    let Ok(markers) = markers::Markers::read(&*source) else { return };
    let Ok(Some(coding)) = coding::Coding::new(&markers.parts()) else { return };
    if coding.size.area_px() > 1 << 22 {
        return;
    }
    let coding = Arc::new(coding);
    let options = OpenOptions::default();
    let Some(flat) = flat::Flat::new(&source, Arc::clone(&coding), markers.data_offset, &options, 1) else { return };
    let part = Dimensions::new(coding.size.width_px.div_ceil(2), coding.size.height_px.div_ceil(2)).rect();
    for turn in [Orientation::Normal, Orientation::Rotate90] {
        for gray in [false, true] {
            let form = Form { turn, gray };
            // Errors are what damage is to give.
            let _cut = flat.cut(part, form, &control);
            let mosaic = Mosaic { tile: coding.size, across: 1, region: part, form };
            let _joined = mosaic.join(&[bytes]);
        }
    }
}

#[cfg(test)]
mod tests;
