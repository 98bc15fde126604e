//! Orientation and resolution, wherever a format keeps them, and metadata that would fill the memory.

use std::io::Write;
use std::sync::Arc;

use recto_codec::{DecodeError, ImageFacts, MemoryAccess, OpenOptions, Orientation, open};
use recto_iiif::Dimensions;

use crate::fixtures::png::{Form, chunk};

const SIZE: Dimensions = Dimensions::new(9, 7);

fn facts(file: &[u8]) -> Result<ImageFacts, DecodeError> {
    open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).map(|decoder| decoder.facts().clone())
}

fn png(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    Form { size: SIZE, depth: 8, color_type: 0, interlaced: false, chunks }.write(&|x, y| vec![(x * y) as u16])
}

/// An EXIF block with this orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0]);
    block
}

fn xmp(orientation: u8) -> Vec<u8> {
    format!("XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation=\"{orientation}\"/>").into_bytes()
}

#[test]
fn png_orientation_is_found_in_every_place() {
    let mut behind = png(&[]);
    let end = behind.len() - 12;
    behind.splice(end..end, chunk(*b"eXIf", &exif(6)));
    let mut damaged = behind.clone();
    damaged[end + 9] ^= 1;
    for (what, file, want) in [
        ("nowhere", png(&[]), Orientation::Normal),
        ("before the pixels", png(&[(*b"eXIf", exif(6))]), Orientation::Rotate90),
        ("behind the pixels", behind, Orientation::Rotate90),
        ("behind the pixels, with a wrong checksum", damaged, Orientation::Normal),
        ("in an XMP packet", png(&[(*b"iTXt", xmp(8))]), Orientation::Rotate270),
        ("in both, EXIF wins", png(&[(*b"iTXt", xmp(8)), (*b"eXIf", exif(3))]), Orientation::Rotate180),
    ] {
        let facts = facts(&file).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(facts.orientation, want, "{what}");
        assert_eq!(facts.size(), want.shown(SIZE), "{what}");
    }
}

#[test]
fn png_resolution_is_known_only_in_metres() {
    let density =
        |unit: u8| png(&[(*b"pHYs", [&11811u32.to_be_bytes()[..], &5906u32.to_be_bytes(), &[unit]].concat())]);
    let (x, y) = facts(&density(1)).unwrap().dpi.unwrap();
    assert!((x - 300.0).abs() < 0.01 && (y - 150.0).abs() < 0.02, "{x} {y}");
    assert_eq!(facts(&density(0)).unwrap().dpi, None);
}

/// An XMP packet with this orientation and so many bytes behind it, packed.
fn packed_xmp(orientation: u8, padding: usize) -> Vec<u8> {
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    write!(deflate, "<x tiff:Orientation=\"{orientation}\"/>").unwrap();
    for _ in 0..padding.div_ceil(1 << 20) {
        deflate.write_all(&vec![b' '; padding.min(1 << 20)]).unwrap();
    }
    [b"XML:com.adobe.xmp\0\x01\0\0\0", deflate.finish().unwrap().as_slice()].concat()
}

#[test]
fn a_packed_packet_is_read_unless_it_unpacks_to_more_than_the_limit() {
    let packet = png(&[(*b"iTXt", packed_xmp(8, 2000))]);
    assert_eq!(facts(&packet).unwrap().orientation, Orientation::Rotate270);
    // Texts that nobody asks for stay packed.
    let long = packed_xmp(8, 32 << 20);
    let text = [b"Comment\0\0", &long[22..]].concat();
    let bomb = png(&[(*b"iTXt", long), (*b"zTXt", text)]);
    let mut result = None;
    let peak = crate::memory::peak_bytes(|| result = Some(facts(&bomb)));
    assert!(peak < 16 << 20, "{peak} bytes were held");
    assert_eq!(result.unwrap().unwrap().orientation, Orientation::Normal);
}

#[test]
fn a_profile_that_unpacks_to_more_than_the_limit_is_not_kept() {
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..256 {
        deflate.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = [b"bomb\0\0", deflate.finish().unwrap().as_slice()].concat();
    let file = png(&[(*b"iCCP", bomb)]);
    let mut result = None;
    let peak = crate::memory::peak_bytes(|| result = Some(facts(&file)));
    assert!(peak < 100 << 20, "{peak} bytes were held");
    if let Some(Ok(facts)) = result {
        assert_eq!(facts.icc, None);
    }
}
