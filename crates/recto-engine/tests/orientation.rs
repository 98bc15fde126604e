//! Originals of every format under every orientation: shown upright, and no answer says anything of it any more.

#![cfg(test)]

use std::sync::Arc;

use recto_codec::{
    Control, DecodeRequest, EncodeHeader, EncodeOptions, MemoryAccess, OpenOptions, Orientation, PixelFormat, Raster,
    Subsampling, encoder, open, read_raster,
};
use recto_engine::{RenderOptions, execute, plan};
use recto_iiif::image::{Format, Quality, ResolvedRequest, Rotation};
use recto_iiif::{Dimensions, Rect};

const STORED: Dimensions = Dimensions::new(96, 64);

/// The shown picture: a gradient in red to the right, in green to the bottom.
fn shown_pixel(size: Dimensions, x: u32, y: u32) -> [u8; 3] {
    [(x * 255 / (size.width_px - 1)) as u8, (y * 255 / (size.height_px - 1)) as u8, 128]
}

/// Where a stored pixel is shown, by the words of the TIFF specification: what row 0 and column 0 are.
fn place(tag: u16, x: u32, y: u32) -> (u32, u32) {
    let (right, bottom) = (STORED.width_px - 1 - x, STORED.height_px - 1 - y);
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

fn shown_size(tag: u16) -> Dimensions {
    if tag >= 5 { STORED.transposed() } else { STORED }
}

fn file(format: Format, tag: u16) -> Vec<u8> {
    let size = shown_size(tag);
    let pixels = (0..STORED.height_px).flat_map(|y| (0..STORED.width_px).map(move |x| place(tag, x, y)));
    let data = pixels.flat_map(|(x, y)| shown_pixel(size, x, y)).collect();
    let raster = Raster::from_vec(STORED, PixelFormat::Rgb8, data);
    let options = EncodeOptions {
        jpeg_quality: 100,
        jpeg_subsampling: Subsampling::None,
        webp_quality: 100,
        jp2_quality: 100,
        ..EncodeOptions::default()
    };
    let header = EncodeHeader { size: STORED, pixels: PixelFormat::Rgb8, bitonal: false, icc: None, dpi: None };
    let mut encoder = encoder(format, &header, &options).unwrap();
    encoder.write(&raster).unwrap();
    tagged(format, encoder.finish().unwrap(), tag)
}

/// A directory with the orientation alone.
fn exif(tag: u16) -> Vec<u8> {
    let mut out = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&[0; 6]);
    out
}

fn tagged(format: Format, file: Vec<u8>, tag: u16) -> Vec<u8> {
    let exif = exif(tag);
    match format {
        Format::Jpg => {
            let length = (exif.len() as u16 + 8).to_be_bytes();
            [&file[..2], &[0xff, 0xe1], &length, b"Exif\0\0", &exif, &file[2..]].concat()
        }
        Format::Png => {
            let chunk = [b"eXIf".as_slice(), &exif].concat();
            let sum = crc(&chunk).to_be_bytes();
            [&file[..33], &(exif.len() as u32).to_be_bytes(), &chunk, &sum, &file[33..]].concat()
        }
        Format::Webp => {
            let simple = &file[12..];
            let body = if simple.starts_with(b"VP8X") { panic!("a simple file was written") } else { simple };
            let mut extended = b"WEBPVP8X\x0a\0\0\0\x08\0\0\0".to_vec();
            extended.extend_from_slice(&(STORED.width_px - 1).to_le_bytes()[..3]);
            extended.extend_from_slice(&(STORED.height_px - 1).to_le_bytes()[..3]);
            extended.extend_from_slice(body);
            extended.extend_from_slice(b"EXIF");
            extended.extend_from_slice(&(exif.len() as u32).to_le_bytes());
            extended.extend_from_slice(&exif);
            [b"RIFF".as_slice(), &(extended.len() as u32).to_le_bytes(), &extended].concat()
        }
        Format::Jp2 => {
            // A box before the codestream's, behind the header.
            let at = file.windows(4).position(|name| name == b"jp2c").unwrap() - 4;
            let length = (exif.len() as u32 + 24).to_be_bytes();
            [&file[..at], &length, b"uuidJpgTiffExif->JP2", &exif, &file[at..]].concat()
        }
        _ => {
            // The directory again at the end, with the tag in its place.
            let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
            let from = number(4);
            let count = usize::from(u16::from_le_bytes([file[from], file[from + 1]]));
            let mut entries: Vec<Vec<u8>> =
                (0..count).map(|entry| file[from + 2 + entry * 12..][..12].to_vec()).collect();
            entries.retain(|entry| entry[..2] != [0x12, 0x01]);
            entries.push([&[0x12, 0x01, 3, 0, 1, 0, 0, 0][..], &tag.to_le_bytes()[..], &[0, 0]].concat());
            entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
            let mut file = file;
            file.resize(file.len().next_multiple_of(4), 0);
            let at = (file.len() as u32).to_le_bytes();
            file[4..8].copy_from_slice(&at);
            file.extend_from_slice(&(entries.len() as u16).to_le_bytes());
            file.extend(entries.concat());
            file.extend_from_slice(&[0; 4]);
            file
        }
    }
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

#[test]
fn d13_every_orientation_of_every_format_is_shown_upright_and_leaves_no_trace() {
    for source in [Format::Jpg, Format::Tif, Format::Png, Format::Webp, Format::Jp2] {
        for tag in 1..=8_u16 {
            let access = MemoryAccess::new(file(source, tag));
            let decoder = open(Arc::new(access.clone()), &OpenOptions::default())
                .unwrap_or_else(|error| panic!("{source:?} {tag}: {error}"));
            let size = shown_size(tag);
            assert_eq!(decoder.facts().orientation, Orientation::from_tag(tag.into()), "{source:?} {tag}");
            assert_eq!(decoder.facts().size(), size, "{source:?} {tag}");
            let whole = size.rect();
            let tile = Rect::new(size.width_px - 32, size.height_px - 32, 32, 32);
            for (region, scale) in [(whole, 1), (tile, 1), (Rect::new(0, 0, 32, 32), 1), (whole, 2), (tile, 2)] {
                for format in [Format::Png, Format::Jpg, Format::Webp, Format::Tif, Format::Jp2] {
                    let asked = Dimensions::new(region.w / scale, region.h / scale);
                    let request = ResolvedRequest {
                        region,
                        size: asked,
                        rotation: Rotation::NONE,
                        quality: Quality::Default,
                        format,
                    };
                    let mut options = RenderOptions::default();
                    options.encode.jpeg_quality = 95;
                    options.encode.webp_quality = 100;
                    let plan = plan(&*decoder, &request, &options).unwrap();
                    let name = format!("{source:?} {tag} as {format:?}: {plan}");
                    let made = execute(&plan, &*decoder, &access, &options, &Control::default())
                        .unwrap_or_else(|error| panic!("{name}: {error}"));
                    for trace in
                        [&b"Exif\0\0"[..], b"eXIf", b"EXIF", b"JpgTiffExif", b"II\x2a\0\x08\0\0\0\x01\0\x12\x01"]
                    {
                        assert!(!made.windows(trace.len()).any(|window| window == trace), "{name}: {trace:?}");
                    }
                    let answer = open(Arc::new(MemoryAccess::new(made)), &OpenOptions::default()).unwrap();
                    assert_eq!(answer.facts().orientation, Orientation::Normal, "{name}");
                    assert_eq!(answer.facts().size(), asked, "{name}");
                    let wanted = DecodeRequest { level: 0, region: asked.rect(), denominator: 1 };
                    let raster = read_raster(&*answer, &wanted, &Control::default()).unwrap().0;
                    for (x, y) in [(2, 2), (asked.width_px - 3, 2), (2, asked.height_px - 3)] {
                        let pixel = &raster.row(y)[x as usize * 3..][..3];
                        let want = shown_pixel(size, region.x + x * scale, region.y + y * scale);
                        let close = pixel.iter().zip(want).all(|(made, want)| made.abs_diff(want) <= 12);
                        assert!(close, "{name} at {x},{y}: {pixel:?} for {want:?}");
                    }
                }
            }
        }
    }
}
