//! Originals of every format under every orientation: shown upright, and no answer says anything of it any more.

#![cfg(test)]

use std::collections::HashMap;
use std::sync::Arc;

use recto_codec::{
    Control, DecodeRequest, Decoder, EncodeHeader, EncodeOptions, MemoryAccess, OpenOptions, Orientation, PixelFormat,
    Raster, Subsampling, encoder, open, read_raster,
};
use recto_engine::{RenderOptions, execute, plan};
use recto_iiif::image::{Format, Quality, ResolvedRequest, Rotation};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::edges;

const STORED: Dimensions = Dimensions::new(96, 64);

const TAGS: std::ops::RangeInclusive<u16> = 1..=8;

/// Where a pixel of a picture stored in this size is shown, by the words of the TIFF specification: what row 0 and column 0 are.
fn place(tag: u16, size: Dimensions, x: u32, y: u32) -> (u32, u32) {
    let (right, bottom) = (size.width_px - 1 - x, size.height_px - 1 - y);
    match tag {
        1 => (x, y),
        2 => (right, y),
        3 => (right, bottom),
        4 => (x, bottom),
        5 => (y, x),
        6 => (bottom, x),
        7 => (bottom, right),
        _ => (y, right),
    }
}

fn places(size: Dimensions) -> impl Iterator<Item = (u32, u32)> {
    (0..size.height_px).flat_map(move |y| (0..size.width_px).map(move |x| (x, y)))
}

fn shown_size(tag: u16) -> Dimensions {
    if tag >= 5 { STORED.transposed() } else { STORED }
}

/// The part as stored that is shown at `shown`.
fn stored_region(tag: u16, shown: Rect) -> Rect {
    let is_inside = |(x, y): &(u32, u32)| {
        let (x, y) = place(tag, STORED, *x, *y);
        (shown.x..shown.x + shown.w).contains(&x) && (shown.y..shown.y + shown.h).contains(&y)
    };
    let inside: Vec<_> = places(STORED).filter(is_inside).collect();
    let ((left, top), (right, bottom)) = (inside[0], inside[inside.len() - 1]);
    Rect::new(left, top, right - left + 1, bottom - top + 1)
}

/// Nothing that can be kept is lost.
fn encoding() -> EncodeOptions {
    EncodeOptions {
        jpeg_quality: 100,
        jpeg_subsampling: Subsampling::None,
        webp_quality: 100,
        jp2_quality: 100,
        avif_quality: 100,
        ..EncodeOptions::default()
    }
}

/// A picture of hard edges, stored so that it is shown upright under this tag, which is not in the file yet.
fn untagged(format: Format, tag: u16) -> Vec<u8> {
    let pixels = places(STORED).map(|(x, y)| place(tag, STORED, x, y));
    let data = pixels.flat_map(|(x, y)| edges::pixel(x, y)).collect();
    let raster = Raster::from_vec(STORED, PixelFormat::Rgb8, data);
    let header = EncodeHeader { size: STORED, pixels: PixelFormat::Rgb8, bitonal: false, icc: None, dpi: None };
    let mut encoder = encoder(format, &header, &encoding()).unwrap();
    encoder.write(&raster).unwrap();
    encoder.finish().unwrap()
}

/// The orientation in the words of XMP.
fn xmp(tag: u16) -> Vec<u8> {
    let words = concat!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">",
        "<rdf:Description rdf:about=\"\" xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" tiff:Orientation=",
    );
    format!("{words}\"{tag}\"/></rdf:RDF></x:xmpmeta>").into_bytes()
}

/// A directory with the orientation alone.
fn exif(tag: u16) -> Vec<u8> {
    let mut out = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&[0; 6]);
    out
}

/// The file with the orientation as EXIF and as XMP.
fn tagged(format: Format, file: Vec<u8>, tag: u16) -> Vec<u8> {
    let (exif, xmp) = (exif(tag), xmp(tag));
    match format {
        Format::Jpg => {
            let segment = |name: &[u8], data: &[u8]| {
                let length = ((name.len() + data.len() + 2) as u16).to_be_bytes();
                [&[0xff, 0xe1][..], &length, name, data].concat()
            };
            let (exif, xmp) = (segment(b"Exif\0\0", &exif), segment(b"http://ns.adobe.com/xap/1.0/\0", &xmp));
            [&file[..2], &exif[..], &xmp[..], &file[2..]].concat()
        }
        Format::Png => {
            let chunk = |name: &[u8], data: &[u8]| {
                let named = [name, data].concat();
                let sum = crc(&named).to_be_bytes();
                [&(data.len() as u32).to_be_bytes()[..], &named, &sum].concat()
            };
            let text = [&b"XML:com.adobe.xmp\0\0\0\0\0"[..], &xmp].concat();
            [&file[..33], &chunk(b"eXIf", &exif)[..], &chunk(b"iTXt", &text)[..], &file[33..]].concat()
        }
        Format::Webp => {
            let simple = &file[12..];
            let body = if simple.starts_with(b"VP8X") { panic!("a simple file was written") } else { simple };
            // EXIF and XMP are there.
            let mut extended = b"WEBPVP8X\x0a\0\0\0\x0c\0\0\0".to_vec();
            extended.extend_from_slice(&(STORED.width_px - 1).to_le_bytes()[..3]);
            extended.extend_from_slice(&(STORED.height_px - 1).to_le_bytes()[..3]);
            extended.extend_from_slice(body);
            for (name, data) in [(b"EXIF", &exif), (b"XMP ", &xmp)] {
                extended.extend_from_slice(name);
                extended.extend_from_slice(&(data.len() as u32).to_le_bytes());
                extended.extend_from_slice(data);
                extended.resize(extended.len().next_multiple_of(2), 0);
            }
            [b"RIFF".as_slice(), &(extended.len() as u32).to_le_bytes(), &extended].concat()
        }
        Format::Jp2 => {
            // Boxes before the codestream's, behind the header.
            let at = file.windows(4).position(|name| name == b"jp2c").unwrap() - 4;
            let uuid = |name: &[u8; 16], data: &[u8]| {
                let length = (data.len() as u32 + 24).to_be_bytes();
                [&length[..], b"uuid", name, data].concat()
            };
            let name = b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
            [&file[..at], &uuid(b"JpgTiffExif->JP2", &exif)[..], &uuid(name, &xmp)[..], &file[at..]].concat()
        }
        _ => {
            // The directory again at the end, with the tags in their places.
            let mut entries = directory(&file);
            entries.retain(|entry| entry[..2] != ORIENTATION.to_le_bytes());
            let mut file = file;
            file.resize(file.len().next_multiple_of(4), 0);
            let xmp_at = file.len() as u32;
            file.extend_from_slice(&xmp);
            file.resize(file.len().next_multiple_of(4), 0);
            entries.push([&ORIENTATION.to_le_bytes()[..], &[3, 0, 1, 0, 0, 0], &tag.to_le_bytes(), &[0, 0]].concat());
            let length = (xmp.len() as u32).to_le_bytes();
            entries.push([&[0xbc, 0x02, 1, 0][..], &length, &xmp_at.to_le_bytes()].concat());
            entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
            let at = (file.len() as u32).to_le_bytes();
            file[4..8].copy_from_slice(&at);
            file.extend_from_slice(&(entries.len() as u16).to_le_bytes());
            file.extend(entries.concat());
            file.extend_from_slice(&[0; 4]);
            file
        }
    }
}

/// The tag of the orientation in TIFF.
const ORIENTATION: u16 = 0x0112;

/// The entries of the first directory of a little-endian TIFF.
fn directory(file: &[u8]) -> Vec<Vec<u8>> {
    let from = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes([file[from], file[from + 1]]));
    (0..count).map(|entry| file[from + 2 + entry * 12..][..12].to_vec()).collect()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

/// An open original and its bytes.
struct Original {
    decoder: Box<dyn Decoder>,
    access: MemoryAccess,
}

/// An answer: what was done for it, and the file with its pixels.
struct Made {
    name: String,
    file: Vec<u8>,
    pixels: Raster,
}

impl Original {
    fn new(file: Vec<u8>) -> Self {
        let access = MemoryAccess::new(file);
        Self { decoder: open(Arc::new(access.clone()), &OpenOptions::default()).unwrap(), access }
    }

    fn answer(&self, region: Rect, size: Dimensions, format: Format) -> Made {
        let request = ResolvedRequest { region, size, rotation: Rotation::NONE, quality: Quality::Default, format };
        let options = RenderOptions { encode: encoding(), ..RenderOptions::default() };
        let plan = plan(&*self.decoder, &request, &options).unwrap();
        let name = format!("{} as {format:?}: {plan}", self.decoder.facts().source_format);
        let file = execute(&plan, &*self.decoder, &self.access, &options, &Control::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let answer = open(Arc::new(MemoryAccess::new(file.clone())), &OpenOptions::default()).unwrap();
        assert_eq!(answer.facts().orientation, Orientation::Normal, "{name}");
        assert_eq!(answer.facts().size(), size, "{name}");
        let wanted = DecodeRequest { level: 0, region: size.rect(), denominator: 1 };
        let pixels = read_raster(&*answer, &wanted, &Control::default()).unwrap().0;
        assert!(matches!(pixels.format(), PixelFormat::Rgb8 | PixelFormat::Rgba8), "{name}: {:?}", pixels.format());
        Made { name, file, pixels }
    }
}

impl Made {
    fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let bytes = self.pixels.format().bytes_per_pixel();
        self.pixels.row(y)[x as usize * bytes..][..3].try_into().unwrap()
    }

    /// Every pixel of it is within `most` of what is wanted there.
    fn assert_is(&self, tag: u16, most: u8, wanted: impl Fn(u32, u32) -> [u8; 3]) {
        for (x, y) in places(self.pixels.size()) {
            let (made, wanted) = (self.pixel(x, y), wanted(x, y));
            let far = made.iter().zip(wanted).map(|(made, wanted)| made.abs_diff(wanted)).max();
            assert!(far <= Some(most), "{tag}, {} at {x},{y}: {made:?} for {wanted:?}, within {most}", self.name);
        }
    }

    /// Nothing in the file says how the original was turned.
    fn assert_no_trace(&self, tag: u16, format: Format) {
        let directory_alone = &exif(tag)[..18];
        for trace in [&b"Exif\0\0"[..], b"eXIf", b"EXIF", b"JpgTiffExif", b"tiff:Orientation", directory_alone] {
            let is_there = self.file.windows(trace.len()).any(|window| window == trace);
            assert!(!is_there, "{tag}, {}: {:?}", self.name, String::from_utf8_lossy(trace));
        }
        let is_tiff = format == Format::Tif;
        let entries = if is_tiff { directory(&self.file) } else { Vec::new() };
        assert!(entries.iter().all(|entry| entry[..2] != ORIENTATION.to_le_bytes()), "{tag}, {}", self.name);
    }
}

/// How far a format's own rounding takes a pixel.
const fn rounding(format: Format) -> u8 {
    match format {
        Format::Jpg | Format::Pdf => 4,
        Format::Avif => 8,
        _ => 0,
    }
}

const SOURCES: [Format; 5] = [Format::Jpg, Format::Tif, Format::Png, Format::Webp, Format::Jp2];

#[test]
fn d13_every_orientation_of_every_format_is_shown_upright_pixel_by_pixel() {
    for (source, tag) in SOURCES.into_iter().flat_map(|source| TAGS.map(move |tag| (source, tag))) {
        let original = Original::new(tagged(source, untagged(source, tag), tag));
        let size = shown_size(tag);
        let facts = original.decoder.facts();
        assert_eq!(facts.orientation, Orientation::from_tag(tag.into()), "{source:?} {tag}");
        assert_eq!(facts.size(), size, "{source:?} {tag}");
        let corner = Rect::new(size.width_px - 32, size.height_px - 32, 32, 32);
        for region in [size.rect(), corner, Rect::new(0, 0, 32, 32), Rect::new(7, 5, 33, 21)] {
            let made = original.answer(region, region.dimensions(), Format::Png);
            made.assert_is(tag, rounding(source), |x, y| edges::pixel(region.x + x, region.y + y));
        }
        // At half the size: what the same file gives without the tag, turned by hand.
        let plain = Original::new(untagged(source, tag));
        for region in [size.rect(), corner] {
            let stored = stored_region(tag, region);
            let untagged = plain.answer(stored, stored.dimensions().reduced(2), Format::Png);
            let half = untagged.pixels.size();
            let mut turned = HashMap::new();
            for (x, y) in places(half) {
                turned.insert(place(tag, half, x, y), untagged.pixel(x, y));
            }
            let made = original.answer(region, region.dimensions().reduced(2), Format::Png);
            made.assert_is(tag, 2, |x, y| turned[&(x, y)]);
        }
    }
}

#[test]
fn d13_no_format_of_an_answer_says_how_the_original_was_turned() {
    let formats = [
        Format::Png,
        Format::Jpg,
        Format::Webp,
        Format::Tif,
        Format::Jp2,
        Format::Gif,
        Format::Avif,
        Format::Jxl,
        Format::Pdf,
    ];
    for (source, tag) in SOURCES.into_iter().flat_map(|source| TAGS.map(move |tag| (source, tag))) {
        let original = Original::new(tagged(source, untagged(source, tag), tag));
        let size = shown_size(tag);
        let corner = Rect::new(size.width_px - 32, size.height_px - 32, 32, 32);
        for format in formats {
            for region in [size.rect(), corner] {
                let made = original.answer(region, region.dimensions(), format);
                made.assert_no_trace(tag, format);
                // A coded original has more colours than a palette.
                if (source, format) != (Format::Jpg, Format::Gif) {
                    let most = rounding(source) + rounding(format);
                    made.assert_is(tag, most, |x, y| edges::pixel(region.x + x, region.y + y));
                }
            }
        }
    }
}
