//! What is written is read again, here and by others.

use std::io::Cursor;
use std::sync::Arc;

use recto_codec::{EncodeHeader, EncodeOptions, PixelFormat, Raster, TiffCompression, encoder};
use recto_iiif::Dimensions;
use recto_iiif::image::Format;
use recto_testkit::position::Samples;
use tiff::decoder::{Decoder as Other, DecodingResult};

use crate::{open_bytes, read_all};

const SIZE: Dimensions = Dimensions::new(333, 471);

const FORMS: [(Samples, PixelFormat); 10] = [
    (Samples::Bitonal, PixelFormat::Gray8),
    (Samples::Gray8, PixelFormat::Gray8),
    (Samples::GrayAlpha8, PixelFormat::GrayAlpha8),
    (Samples::Rgb8, PixelFormat::Rgb8),
    (Samples::Rgba8, PixelFormat::Rgba8),
    (Samples::Cmyk8, PixelFormat::Cmyk8),
    (Samples::Gray16, PixelFormat::Gray16),
    (Samples::GrayAlpha16, PixelFormat::GrayAlpha16),
    (Samples::Rgb16, PixelFormat::Rgb16),
    (Samples::Rgba16, PixelFormat::Rgba16),
];

fn header(samples: Samples, pixels: PixelFormat) -> EncodeHeader {
    EncodeHeader { size: SIZE, pixels, bitonal: samples == Samples::Bitonal, icc: None, dpi: None }
}

/// Writes in pieces of 100 rows.
fn write(header: &EncodeHeader, compression: TiffCompression, data: &[u8]) -> Vec<u8> {
    let options = EncodeOptions { tiff_compression: compression, ..EncodeOptions::default() };
    let mut encoder = encoder(Format::Tif, header, &options).unwrap();
    let stride = SIZE.width_px as usize * header.pixels.bytes_per_pixel();
    for rows in data.chunks(100 * stride) {
        let size = Dimensions::new(SIZE.width_px, (rows.len() / stride) as u32);
        encoder.write(&Raster::from_vec(size, header.pixels, rows.to_vec())).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn every_pixel_format_comes_back_here_and_in_another_reader() {
    for compression in [TiffCompression::None, TiffCompression::Deflate] {
        for (samples, pixels) in FORMS {
            let data = samples.image(SIZE);
            let file = write(&header(samples, pixels), compression, &data);
            let decoder = open_bytes(&file).unwrap();
            assert_eq!(decoder.facts().bits_per_sample == 1, samples == Samples::Bitonal);
            let back = read_all(decoder.as_ref(), 0).unwrap();
            assert_eq!(back.format(), pixels);
            assert!(back.data() == data, "{samples:?} {compression:?}");
            let mut other = Other::new(Cursor::new(&file)).unwrap();
            assert_eq!(other.dimensions().unwrap(), (SIZE.width_px, SIZE.height_px));
            match other.read_image() {
                Ok(DecodingResult::U8(theirs)) if samples != Samples::Bitonal => {
                    assert!(theirs == data, "{samples:?} {compression:?}");
                }
                Ok(DecodingResult::U16(theirs)) => {
                    let theirs: Vec<u8> = theirs.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
                    assert!(theirs == data, "{samples:?} {compression:?}");
                }
                Ok(_) => {}
                Err(error) => panic!("{samples:?} {compression:?}: {error}"),
            }
        }
    }
}

#[test]
fn profile_and_resolution_are_written() {
    let icc: Arc<[u8]> = (0..=255).collect();
    let header =
        EncodeHeader { icc: Some(icc.clone()), dpi: Some((300.0, 72.5)), ..header(Samples::Rgb8, PixelFormat::Rgb8) };
    let file = write(&header, TiffCompression::Deflate, &Samples::Rgb8.image(SIZE));
    let decoder = open_bytes(&file).unwrap();
    assert_eq!(decoder.facts().icc, Some(icc));
    assert_eq!(decoder.facts().dpi, Some((300.0, 72.5)));
}

#[test]
fn lab_comes_back_as_it_was() {
    for pixels in [PixelFormat::Lab8, PixelFormat::Lab16] {
        let samples = if pixels == PixelFormat::Lab8 { Samples::Rgb8 } else { Samples::Rgb16 };
        let data = samples.image(SIZE);
        let file = write(&header(samples, pixels), TiffCompression::Deflate, &data);
        let back = read_all(open_bytes(&file).unwrap().as_ref(), 0).unwrap();
        assert_eq!(back.format(), pixels);
        assert!(back.data() == data, "{pixels:?}");
    }
}

#[test]
fn missing_and_surplus_rows_are_errors() {
    let header = header(Samples::Gray8, PixelFormat::Gray8);
    let rows = |height| {
        let size = Dimensions::new(SIZE.width_px, height);
        Raster::zeroed(size, PixelFormat::Gray8)
    };
    let mut short = encoder(Format::Tif, &header, &EncodeOptions::default()).unwrap();
    short.write(&rows(SIZE.height_px - 1)).unwrap();
    assert!(short.finish().is_err());
    let mut long = encoder(Format::Tif, &header, &EncodeOptions::default()).unwrap();
    assert!(long.write(&rows(SIZE.height_px + 1)).is_err());
}
