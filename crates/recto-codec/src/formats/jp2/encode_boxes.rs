//! What a JP2 file has around its codestream: sizes, colours, resolution, and what is known beside the pixels.

use std::borrow::Cow;

use super::boxes::{EXIF_UUID, IPTC_UUID, SIGNATURE, XMP_UUID};
use crate::formats::exif;
use crate::{EncodeHeader, Metadata, Orientation, PixelFormat};

const INCHES_PER_METER: f64 = 39.370_078_740_157_48;
const ORIENTATION: u16 = 274;
/// Bytes of an entry of an EXIF directory.
const ENTRY: usize = 12;

/// Everything before the codestream, in a file of this brand. Metadata comes here, so that the first request to a file far away
/// brings it.
pub(super) fn head(brand: &[u8; 4], header: &EncodeHeader, orientation: Orientation, metadata: &Metadata) -> Vec<u8> {
    let kind = boxed(*b"ftyp", &[brand, &[0; 4], brand]);
    let mut head = [SIGNATURE, &kind, &boxed(*b"jp2h", &[&image(header)])].concat();
    if let Some(exif) = exif_saying(orientation, metadata) {
        head.extend(boxed(*b"uuid", &[EXIF_UUID, &exif]));
    }
    for (uuid, content) in [(XMP_UUID, &metadata.xmp), (IPTC_UUID, &metadata.iptc)] {
        if let Some(content) = content.as_deref().filter(|content| !content.is_empty()) {
            head.extend(boxed(*b"uuid", &[&uuid, content]));
        }
    }
    head
}

/// The header of the box around a codestream of so many bytes. A long one has room for any length; in a short one a length of more
/// than 32 bits is 0, which says that the box ends with the file.
pub(super) fn codestream_box(is_long: bool, bytes: u64) -> Vec<u8> {
    if is_long {
        return [&1_u32.to_be_bytes()[..], b"jp2c", &bytes.saturating_add(16).to_be_bytes()].concat();
    }
    let length = u32::try_from(bytes.saturating_add(8)).unwrap_or(0);
    [&length.to_be_bytes()[..], b"jp2c"].concat()
}

fn boxed(name: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let bytes: u64 = parts.iter().map(|part| part.len() as u64).sum();
    let mut all = match u32::try_from(bytes + 8) {
        Ok(length) => [length.to_be_bytes(), name].concat(),
        Err(_) => [&1_u32.to_be_bytes()[..], &name, &(bytes + 16).to_be_bytes()].concat(),
    };
    parts.iter().for_each(|part| all.extend_from_slice(part));
    all
}

/// The content of the header box.
fn image(header: &EncodeHeader) -> Vec<u8> {
    let pixels = header.pixels;
    let samples = pixels.samples() as u16;
    let mut image = Vec::new();
    image.extend(header.size.height_px.to_be_bytes());
    image.extend(header.size.width_px.to_be_bytes());
    image.extend(samples.to_be_bytes());
    image.extend([pixels.bytes_per_sample() as u8 * 8 - 1, 7, 0, 0]);
    let color = match (header.icc.as_deref(), pixels) {
        (Some(profile), _) => [&[2, 0, 0], profile].concat(),
        (None, PixelFormat::Cmyk8 | PixelFormat::Cmyk16) => vec![1, 0, 0, 0, 0, 0, 12],
        (None, _) if samples < 3 => vec![1, 0, 0, 0, 0, 0, 17],
        (None, _) => vec![1, 0, 0, 0, 0, 0, 16],
    };
    let mut boxes = [boxed(*b"ihdr", &[&image]), boxed(*b"colr", &[&color])].concat();
    if pixels.has_alpha() {
        let mut definitions = samples.to_be_bytes().to_vec();
        for channel in 0..samples {
            let (kind, association) = if channel + 1 == samples { (1, 0) } else { (0, channel + 1) };
            for value in [channel, kind, association] {
                definitions.extend(value.to_be_bytes());
            }
        }
        boxes.extend(boxed(*b"cdef", &[&definitions]));
    }
    if let Some(resolution) = header.dpi.and_then(resolution) {
        boxes.extend(boxed(*b"res ", &[&boxed(*b"resc", &[&resolution])]));
    }
    boxes
}

/// The content of a resolution box: fractions of 16 bits and powers of ten, per metre.
fn resolution((x, y): (f64, f64)) -> Option<Vec<u8>> {
    let fraction = |dpi: f64| {
        let mut value = dpi * INCHES_PER_METER;
        let mut exponent = 0_i8;
        while value > 65_535.0 {
            value /= 10.0;
            exponent += 1;
            if exponent > 30 {
                return None;
            }
        }
        let denominator = (65_535.0 / value).floor().clamp(1.0, 65_535.0);
        let numerator = (value * denominator).round();
        (numerator >= 1.0).then_some((numerator as u16, denominator as u16, exponent))
    };
    let ((vn, vd, ve), (hn, hd, he)) = (fraction(y)?, fraction(x)?);
    let words = [vn, vd, hn, hd].into_iter().flat_map(u16::to_be_bytes);
    Some(words.chain([ve as u8, he as u8]).collect())
}

/// The EXIF block to write: the one that is known, made to say this orientation; `None` when there is nothing to say.
///
/// The format has no other place for an orientation. A block may say another one than counts: of a TIFF it is the directory's that
/// counts, and decoders that turn pixels leave the block as it was.
fn exif_saying(orientation: Orientation, metadata: &Metadata) -> Option<Cow<'_, [u8]>> {
    let block = metadata.exif.as_deref().map(|block| block.strip_prefix(b"Exif\0\0").unwrap_or(block));
    let block = block.filter(|block| !block.is_empty());
    let is_said = if let Some(said) = block.and_then(|block| exif::parse(block).orientation) {
        said == orientation
    } else {
        // Where EXIF says nothing, readers go by XMP.
        let said = metadata.xmp.as_deref().and_then(exif::xmp_orientation).unwrap_or_default();
        (said, orientation) == (Orientation::Normal, Orientation::Normal)
    };
    if is_said {
        return block.map(Cow::Borrowed);
    }
    let changed = block.and_then(|block| with_orientation(block, orientation));
    Some(Cow::Owned(changed.unwrap_or_else(|| only_orientation(orientation))))
}

/// Numbers in a byte order.
#[derive(Clone, Copy)]
struct Order {
    is_big: bool,
}

impl Order {
    fn of(tiff: &[u8]) -> Option<Self> {
        match tiff.get(..4)? {
            b"II*\0" => Some(Self { is_big: false }),
            b"MM\0*" => Some(Self { is_big: true }),
            _ => None,
        }
    }

    fn read_u16(self, bytes: [u8; 2]) -> u16 {
        if self.is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn read_u32(self, bytes: [u8; 4]) -> u32 {
        if self.is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn u16(self, value: u16) -> [u8; 2] {
        if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// A directory's entry: tag, type SHORT, one value.
    fn entry(self, orientation: Orientation) -> [u8; ENTRY] {
        let mut entry = [0; ENTRY];
        let words = [self.u16(ORIENTATION), self.u16(3)].concat();
        let all = [&words[..], &self.u32(1), &self.u16(orientation as u16)].concat();
        entry.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        entry
    }
}

/// A block that says nothing else.
fn only_orientation(orientation: Orientation) -> Vec<u8> {
    let order = Order { is_big: false };
    [&b"II*\0\x08\0\0\0\x01\0"[..], &order.entry(orientation), &[0; 4]].concat()
}

/// The block with another orientation. Nothing in it moves, as maker's notes may hold places: where its directory has no such entry,
/// a longer one is put behind the end. `None` when it is damaged.
fn with_orientation(block: &[u8], orientation: Orientation) -> Option<Vec<u8>> {
    let order = Order::of(block)?;
    let directory = order.read_u32(*block.get(4..)?.first_chunk()?) as usize;
    let count = order.read_u16(*block.get(directory..)?.first_chunk()?);
    let first = directory.checked_add(2)?;
    let end = first.checked_add(usize::from(count) * ENTRY)?;
    let entries = block.get(first..end)?.as_chunks::<ENTRY>().0;
    let tag = |entry: &[u8; ENTRY]| order.read_u16([entry[0], entry[1]]);
    let new = order.entry(orientation);
    let mut changed = block.to_vec();
    if entries.iter().any(|entry| tag(entry) == ORIENTATION) {
        for entry in changed.get_mut(first..end)?.as_chunks_mut::<ENTRY>().0 {
            if tag(entry) == ORIENTATION {
                *entry = new;
            }
        }
        return Some(changed);
    }
    let next: [u8; 4] = block.get(end..end + 4).and_then(|next| next.try_into().ok()).unwrap_or_default();
    // Directories begin at even places.
    changed.resize(changed.len().next_multiple_of(2), 0);
    let place = order.u32(u32::try_from(changed.len()).ok()?);
    let before = entries.iter().take_while(|entry| tag(entry) < ORIENTATION).count();
    let (lower, higher) = entries.split_at(before);
    changed.extend(order.u16(count.checked_add(1)?));
    changed.extend([lower.as_flattened(), &new, higher.as_flattened(), &next].concat());
    changed.get_mut(4..8)?.copy_from_slice(&place);
    Some(changed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn said(exif: Option<&[u8]>, xmp: Option<&str>, orientation: Orientation) -> Option<Vec<u8>> {
        let metadata =
            Metadata { exif: exif.map(Arc::from), xmp: xmp.map(|xmp| Arc::from(xmp.as_bytes())), iptc: None };
        exif_saying(orientation, &metadata).map(Cow::into_owned)
    }

    /// A block with a description and a maker (behind the directory), and this orientation between them if any.
    fn block(is_big: bool, orientation: Option<[u8; ENTRY]>) -> Vec<u8> {
        let order = Order { is_big };
        let places = if orientation.is_some() { [50, 54] } else { [38, 42] };
        let text = |tag: u16, at: u32| [&order.u16(tag)[..], &order.u16(2), &order.u32(5), &order.u32(at)].concat();
        let mut block = if is_big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        block.extend(order.u32(8));
        block.extend(order.u16(2 + u16::from(orientation.is_some())));
        block.extend(text(270, places[0]));
        block.extend(orientation.into_iter().flatten());
        block.extend(text(305, places[1]));
        block.extend(order.u32(0));
        block.extend(b"maps atlas");
        block
    }

    #[test]
    fn a_block_is_made_to_say_the_orientation_and_keeps_all_else() {
        for orientation in Orientation::ALL {
            for is_big in [false, true] {
                let order = Order { is_big };
                let long = [&order.u16(ORIENTATION)[..], &order.u16(4), &order.u32(1), &order.u32(5)].concat();
                let long = *long.first_chunk::<ENTRY>().unwrap();
                for given in [None, Some(order.entry(Orientation::Rotate90)), Some(long)] {
                    let given = block(is_big, given);
                    let changed = said(Some(&given), None, orientation).unwrap();
                    let found = exif::parse(&changed).orientation.unwrap_or_default();
                    assert_eq!(found, orientation, "{is_big} {given:?}");
                    // What lies behind the directory stays where it was.
                    assert_eq!(changed.get(38..given.len()), given.get(38..), "{is_big} {given:?}");
                    let entries = |block: &[u8]| {
                        let at = order.read_u32(*block[4..].first_chunk().unwrap()) as usize;
                        let count = usize::from(order.read_u16(*block[at..].first_chunk().unwrap()));
                        let entries = block[at + 2..][..count * ENTRY].as_chunks::<ENTRY>().0.to_vec();
                        let tags: Vec<u16> = entries.iter().map(|entry| order.read_u16([entry[0], entry[1]])).collect();
                        assert!(tags.is_sorted(), "{tags:?}");
                        entries
                    };
                    let others = |block: &[u8]| {
                        let mut entries = entries(block);
                        entries.retain(|entry| order.read_u16([entry[0], entry[1]]) != ORIENTATION);
                        entries
                    };
                    assert_eq!(others(&changed), others(&given));
                }
            }
        }
    }

    #[test]
    fn a_block_is_written_only_where_something_is_to_be_said() {
        let xmp = r#"<x tiff:Orientation="6"/>"#;
        let damaged: &[u8] = b"II*\0\xff\xff\xff\xff";
        for (exif, xmp, orientation, written) in [
            (None, None, Orientation::Normal, false),
            (None, None, Orientation::Rotate180, true),
            // It would be turned by those who read XMP.
            (None, Some(xmp), Orientation::Normal, true),
            (None, Some(xmp), Orientation::Rotate90, true),
            (Some(damaged), None, Orientation::Normal, true),
            (Some(damaged), None, Orientation::Rotate90, true),
        ] {
            let found = said(exif, xmp, orientation);
            assert_eq!(found.is_some(), written, "{exif:?} {xmp:?} {orientation:?}");
            let says = found.and_then(|block| exif::parse(&block).orientation).unwrap_or_default();
            assert_eq!(says, orientation, "{exif:?} {xmp:?}");
        }
        // Nothing is changed where nothing must be.
        let given = block(true, Some(Order { is_big: true }.entry(Orientation::Transverse)));
        assert_eq!(said(Some(&given), Some(xmp), Orientation::Transverse), Some(given));
    }

    #[test]
    fn blocks_cut_anywhere_still_say_the_orientation() {
        let whole = block(false, None);
        for length in 0..whole.len() {
            let found = said(Some(&whole[..length]), None, Orientation::Rotate270).unwrap();
            assert_eq!(exif::parse(&found).orientation, Some(Orientation::Rotate270), "{length}");
        }
    }

    #[test]
    fn boxes_of_more_than_32_bits_of_length_say_so() {
        let most = u64::from(u32::MAX);
        for (is_long, bytes, expected) in [
            (false, 10, b"\0\0\0\x12jp2c".to_vec()),
            (false, most - 8, b"\xff\xff\xff\xffjp2c".to_vec()),
            (false, most, b"\0\0\0\0jp2c".to_vec()),
            (true, 10, b"\0\0\0\x01jp2c\0\0\0\0\0\0\0\x1a".to_vec()),
            (true, most, b"\0\0\0\x01jp2c\0\0\0\x01\0\0\0\x0f".to_vec()),
        ] {
            assert_eq!(codestream_box(is_long, bytes), expected, "{bytes}");
        }
    }
}
