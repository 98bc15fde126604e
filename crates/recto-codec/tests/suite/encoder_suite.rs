//! What every writer must do: another reader sees the same pixels.

use std::io::Cursor;
use std::sync::Arc;

use image::{DynamicImage, ImageBuffer, ImageDecoder, ImageReader};
use recto_codec::formats::WRITABLE;
use recto_codec::{
    ColorModel, Control, DecodeRequest, EncodeError, EncodeHeader, EncodeOptions, ImageFacts, MemoryAccess,
    OpenOptions, PixelFormat, Raster, Subsampling, encoder, open, read_raster,
};
use recto_iiif::Dimensions;
use recto_iiif::image::Format;
use recto_testkit::position::{self, Samples};
use recto_testkit::{Rng, card};

use crate::fixtures::{self, SIZE, pixel_format};

/// Rows are written in strips of these heights, over and over.
const STRIPS: [u32; 4] = [1, 16, 3, 50];

fn options() -> EncodeOptions {
    EncodeOptions { webp_quality: 100, jp2_quality: 100, ..EncodeOptions::default() }
}

fn header(size: Dimensions, pixels: PixelFormat) -> EncodeHeader {
    EncodeHeader { size, pixels, bitonal: false, icc: None, dpi: None }
}

fn write(format: Format, header: &EncodeHeader, options: EncodeOptions, data: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = encoder(format, header, &options)?;
    let stride = header.size.width_px as usize * header.pixels.bytes_per_pixel();
    let (mut y, mut heights) = (0, STRIPS.into_iter().cycle());
    while y < header.size.height_px {
        let rows = heights.next().unwrap_or(1).min(header.size.height_px - y);
        let strip = data[y as usize * stride..(y + rows) as usize * stride].to_vec();
        encoder.write(&Raster::from_vec(Dimensions::new(header.size.width_px, rows), header.pixels, strip))?;
        y += rows;
    }
    encoder.finish()
}

/// What the `image` crate sees, or for JPEG 2000 another one, and the profile that it finds.
fn read_elsewhere(file: &[u8]) -> (DynamicImage, Option<Vec<u8>>) {
    if file.starts_with(b"\0\0\0\x0cjP") {
        return read_jp2_elsewhere(file);
    }
    let mut decoder = ImageReader::new(Cursor::new(file)).with_guessed_format().unwrap().into_decoder().unwrap();
    let icc = decoder.icc_profile().unwrap();
    (DynamicImage::from_decoder(decoder).unwrap(), icc)
}

fn read_jp2_elsewhere(file: &[u8]) -> (DynamicImage, Option<Vec<u8>>) {
    let image = hayro_jpeg2000::Image::new(file, &hayro_jpeg2000::DecodeSettings::default()).unwrap();
    // That reader shows only profiles that it understands.
    let icc = file.windows(4).position(|name| name == b"colr").and_then(|at| {
        let length = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
        (file[at + 4] == 2).then(|| file[at + 7..at - 4 + length].to_vec())
    });
    let (width, height) = (image.width(), image.height());
    let mut context = hayro_jpeg2000::DecoderContext::default();
    let decoded = image.decode(&mut context).unwrap();
    let components = decoded.components();
    let samples = (0..(width * height) as usize).flat_map(|at| components.iter().map(move |c| c.samples()[at]));
    let wide = image.original_bit_depth() == 16;
    let words = || samples.clone().map(|sample| sample as u16).collect::<Vec<_>>();
    let bytes = || samples.clone().map(|sample| sample as u8).collect::<Vec<_>>();
    let image = match (components.len(), wide) {
        (1, false) => ImageBuffer::from_raw(width, height, bytes()).map(DynamicImage::ImageLuma8),
        (2, false) => ImageBuffer::from_raw(width, height, bytes()).map(DynamicImage::ImageLumaA8),
        (3, false) => ImageBuffer::from_raw(width, height, bytes()).map(DynamicImage::ImageRgb8),
        (_, false) => ImageBuffer::from_raw(width, height, bytes()).map(DynamicImage::ImageRgba8),
        (1, true) => ImageBuffer::from_raw(width, height, words()).map(DynamicImage::ImageLuma16),
        (2, true) => ImageBuffer::from_raw(width, height, words()).map(DynamicImage::ImageLumaA16),
        (3, true) => ImageBuffer::from_raw(width, height, words()).map(DynamicImage::ImageRgb16),
        (_, true) => ImageBuffer::from_raw(width, height, words()).map(DynamicImage::ImageRgba16),
    };
    (image.unwrap(), icc)
}

/// The image in a layout that holds all that `samples` has.
fn in_layout(image: &DynamicImage, samples: Samples) -> Vec<u8> {
    let words = |words: Vec<u16>| words.into_iter().flat_map(u16::to_ne_bytes).collect();
    match samples {
        Samples::Bitonal | Samples::Gray8 => image.to_luma8().into_raw(),
        Samples::GrayAlpha8 => image.to_luma_alpha8().into_raw(),
        Samples::Rgb8 => image.to_rgb8().into_raw(),
        Samples::Rgba8 => image.to_rgba8().into_raw(),
        Samples::Gray16 => words(image.to_luma16().into_raw()),
        Samples::GrayAlpha16 => words(image.to_luma_alpha16().into_raw()),
        Samples::Rgb16 => words(image.to_rgb16().into_raw()),
        Samples::Rgba16 => words(image.to_rgba16().into_raw()),
        Samples::Cmyk8 => unreachable!("no writer of these keeps inks where the other reader shows them"),
    }
}

const LOSSLESS: [(Format, &[Samples]); 5] = [
    (
        Format::Png,
        &[
            Samples::Bitonal,
            Samples::Gray8,
            Samples::GrayAlpha8,
            Samples::Rgb8,
            Samples::Rgba8,
            Samples::Gray16,
            Samples::GrayAlpha16,
            Samples::Rgb16,
            Samples::Rgba16,
        ],
    ),
    (Format::Webp, &[Samples::Bitonal, Samples::Gray8, Samples::GrayAlpha8, Samples::Rgb8, Samples::Rgba8]),
    (Format::Gif, &[Samples::Bitonal, Samples::Gray8]),
    (
        Format::Tif,
        &[
            Samples::Bitonal,
            Samples::Gray8,
            Samples::Rgb8,
            Samples::Rgba8,
            Samples::Gray16,
            Samples::Rgb16,
            Samples::Rgba16,
        ],
    ),
    (
        Format::Jp2,
        &[
            Samples::Bitonal,
            Samples::Gray8,
            Samples::GrayAlpha8,
            Samples::Rgb8,
            Samples::Rgba8,
            Samples::Gray16,
            Samples::GrayAlpha16,
            Samples::Rgb16,
            Samples::Rgba16,
        ],
    ),
];

#[test]
fn lossless_writers_keep_every_sample() {
    for (format, all) in LOSSLESS {
        for &samples in all {
            for size in [SIZE, Dimensions::new(1, 1), Dimensions::new(7, 1), Dimensions::new(1, 300)] {
                let name = format!("{format:?} {samples:?} {size}");
                let data = samples.image(size);
                let mut header = header(size, pixel_format(samples));
                header.bitonal = samples == Samples::Bitonal;
                let file = write(format, &header, options(), &data).unwrap_or_else(|error| panic!("{name}: {error}"));
                let (image, _) = read_elsewhere(&file);
                assert_eq!((image.width(), image.height()), (size.width_px, size.height_px), "{name}");
                assert!(in_layout(&image, samples) == data, "{name}: pixels differ");
            }
        }
    }
}

#[test]
fn bitonal_png_has_one_bit_a_pixel() {
    let data = Samples::Bitonal.image(SIZE);
    let header = EncodeHeader { bitonal: true, ..header(SIZE, PixelFormat::Gray8) };
    let file = write(Format::Png, &header, options(), &data).unwrap();
    let decoder = open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).unwrap();
    assert_eq!((decoder.facts().bits_per_sample, decoder.facts().color), (1, ColorModel::Bitonal));
}

#[test]
fn gif_keeps_up_to_256_colours_and_transparency() {
    // 255 colours and nothing.
    let palette = position::palette();
    let data: Vec<u8> = position::indexes(SIZE)
        .into_iter()
        .flat_map(|index| {
            let [r, g, b] = palette[usize::from(index)];
            if index == 9 { [0; 4] } else { [r, g, b, 255] }
        })
        .collect();
    let file = write(Format::Gif, &header(SIZE, PixelFormat::Rgba8), options(), &data).unwrap();
    assert!(read_elsewhere(&file).0.to_rgba8().into_raw() == data);
}

#[test]
fn gif_comes_close_when_there_are_more_colours() {
    let data = card::rgb8(SIZE);
    let file = write(Format::Gif, &header(SIZE, PixelFormat::Rgb8), options(), &data).unwrap();
    let (worst, mean) = card::distance(&read_elsewhere(&file).0.to_rgb8().into_raw(), &data);
    assert!(worst <= 64 && mean <= 8.0, "differs by {worst}, {mean:.2} on average");
}

#[test]
fn jpeg_comes_close_at_every_quality() {
    let colors = card::rgb8(SIZE);
    let grays: Vec<u8> = colors.iter().step_by(3).copied().collect();
    for (samples, data) in [(Samples::Rgb8, colors), (Samples::Gray8, grays)] {
        for jpeg_subsampling in [Subsampling::None, Subsampling::Horizontal, Subsampling::Both] {
            for (jpeg_quality, most) in [(10, 8.0), (50, 4.0), (80, 2.5), (100, 1.5)] {
                let options = EncodeOptions { jpeg_quality, jpeg_subsampling, ..options() };
                let file = write(Format::Jpg, &header(SIZE, pixel_format(samples)), options, &data).unwrap();
                let (_, mean) = card::distance(&in_layout(&read_elsewhere(&file).0, samples), &data);
                assert!(mean <= most, "{samples:?} {jpeg_subsampling:?} {jpeg_quality}: {mean:.2} on average");
            }
        }
    }
}

#[test]
fn lossy_webp_comes_close_at_every_quality() {
    let data = card::rgb8(SIZE);
    let mut last = f64::INFINITY;
    for (quality, most) in [(1, 12.0), (50, 4.0), (80, 3.0), (99, 2.0)] {
        for effort in [0, 4] {
            let options = EncodeOptions { webp_quality: quality, webp_effort: effort, ..options() };
            let file = write(Format::Webp, &header(SIZE, PixelFormat::Rgb8), options, &data).unwrap();
            let (_, mean) = card::distance(&read_elsewhere(&file).0.to_rgb8().into_raw(), &data);
            assert!(mean <= most, "quality {quality}, effort {effort}: {mean:.2} on average");
            if effort == 4 {
                assert!(mean < last, "quality {quality} is better than the one before");
                last = mean;
            }
        }
    }
}

/// Reads with our own reader, which is another library than the writer.
fn read_here(file: Vec<u8>) -> (Raster, ImageFacts) {
    let decoder = open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).unwrap();
    let region = decoder.facts().stored_size().rect();
    let wanted = DecodeRequest { level: 0, region, denominator: 1 };
    (read_raster(decoder.as_ref(), &wanted, &Control::default()).unwrap().0, decoder.facts().clone())
}

#[test]
fn jxl_keeps_every_sample() {
    for samples in [Samples::Gray8, Samples::GrayAlpha8, Samples::Rgb8, Samples::Rgba8, Samples::Gray16, Samples::Rgb16]
    {
        for size in
            [SIZE, Dimensions::new(2, 2), Dimensions::new(7, 2), Dimensions::new(3, 300), Dimensions::new(257, 5)]
        {
            for effort in [1, 9] {
                let name = format!("{samples:?} {size} effort {effort}");
                let data = samples.image(size);
                let options = EncodeOptions { jxl_effort: effort, ..options() };
                let file = write(Format::Jxl, &header(size, pixel_format(samples)), options, &data)
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                let (raster, _) = read_here(file);
                assert_eq!((raster.size(), raster.format()), (size, pixel_format(samples)), "{name}");
                assert!(raster.data() == data, "{name}: pixels differ");
            }
        }
    }
    for pixels in [PixelFormat::GrayAlpha16, PixelFormat::Rgba16] {
        let refused = encoder(Format::Jxl, &header(SIZE, pixels), &options()).err();
        assert!(matches!(refused, Some(EncodeError::PixelFormat { .. })), "{pixels:?}: {refused:?}");
    }
}

#[test]
fn avif_comes_close_at_every_quality_speed_and_size() {
    for pixels in [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Rgba8, PixelFormat::Rgb16] {
        for (quality, speed, most) in
            [(1, 10, 24.0), (60, 10, 4.0), (60, 8, 4.0), (89, 10, 2.5), (90, 10, 2.0), (100, 10, 1.5)]
        {
            for size in [SIZE, Dimensions::new(1, 1), Dimensions::new(7, 1), Dimensions::new(2, 33)] {
                let name = format!("{pixels:?} {size} quality {quality} speed {speed}");
                let data = fixtures::avif::card(size, pixels);
                let options = EncodeOptions { avif_quality: quality, avif_speed: speed, ..options() };
                let file = write(Format::Avif, &header(size, pixels), options, &data)
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                let (raster, facts) = read_here(file);
                assert_eq!((raster.size(), raster.format()), (size, pixels), "{name}");
                assert_eq!(facts.bits_per_sample, if pixels.bytes_per_sample() == 2 { 10 } else { 8 }, "{name}");
                let eight = |data: &[u8]| match pixels.bytes_per_sample() {
                    1 => data.to_vec(),
                    _ => data.as_chunks::<2>().0.iter().map(|word| (u16::from_ne_bytes(*word) >> 8) as u8).collect(),
                };
                let (_, mean) = card::distance(&eight(raster.data()), &eight(&data));
                // Where chroma is subsampled, few pixels of many colours become one colour.
                let is_one_colour = quality < 90 && size != SIZE;
                assert!(is_one_colour || mean <= most, "{name}: {mean:.2} on average");
            }
        }
    }
}

#[test]
fn what_is_too_much_or_too_little_for_an_encoder_is_refused_before_any_row() {
    let refused = |format, w, h| encoder(format, &header(Dimensions::new(w, h), PixelFormat::Rgb8), &options()).err();
    assert!(matches!(refused(Format::Avif, 4097, 4096), Some(EncodeError::AreaTooLarge { limit_px: 16_777_216, .. })));
    assert!(refused(Format::Avif, 4096, 4096).is_none());
    assert!(matches!(refused(Format::Avif, 65_536, 1), Some(EncodeError::SideTooLong { .. })));
    assert!(matches!(refused(Format::Jxl, 1, 100), Some(EncodeError::SideTooShort { .. })));
    assert!(matches!(refused(Format::Jxl, 20_000, 20_000), Some(EncodeError::AreaTooLarge { .. })));
    let message = refused(Format::Avif, 5000, 5000).unwrap().to_string();
    assert!(message.contains("16777216 pixels") && message.contains("5000x5000"), "{message}");
}

#[test]
fn palette_png_keeps_few_colours_exactly_and_comes_close_to_many() {
    let options = EncodeOptions { png_palette: true, ..options() };
    let facts = |file: &[u8]| {
        let decoder = open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).unwrap();
        (decoder.facts().compression.clone(), decoder.facts().bits_per_sample)
    };
    for colors in [1_u8, 2, 3, 4, 5, 16, 17, 200] {
        let data: Vec<u8> = (0..SIZE.area_px()).flat_map(|at| [(at % u64::from(colors)) as u8, 7, 200]).collect();
        let file = write(Format::Png, &header(SIZE, PixelFormat::Rgb8), options, &data).unwrap();
        assert!(read_elsewhere(&file).0.to_rgb8().into_raw() == data, "{colors} colours");
        assert_eq!(file[25], 3, "{colors} colours are stored as a palette: {:?}", facts(&file));
    }
    let transparent: Vec<u8> =
        (0..SIZE.area_px()).flat_map(|at| if at % 9 == 0 { [0; 4] } else { [(at % 50) as u8, 7, 200, 255] }).collect();
    let file = write(Format::Png, &header(SIZE, PixelFormat::Rgba8), options, &transparent).unwrap();
    assert!(read_elsewhere(&file).0.to_rgba8().into_raw() == transparent);
    assert_eq!(file[25], 3);

    let many = card::rgb8(SIZE);
    let file = write(Format::Png, &header(SIZE, PixelFormat::Rgb8), options, &many).unwrap();
    let (worst, mean) = card::distance(&read_elsewhere(&file).0.to_rgb8().into_raw(), &many);
    assert!(worst <= 64 && mean <= 8.0, "differs by {worst}, {mean:.2} on average");
    // As noisy as a photograph: what filters cannot foretell.
    let mut rng = Rng::new(23);
    let many: Vec<u8> = many.iter().map(|sample| sample.saturating_add(rng.below(12) as u8)).collect();
    let file = write(Format::Png, &header(SIZE, PixelFormat::Rgb8), options, &many).unwrap();
    let full = write(Format::Png, &header(SIZE, PixelFormat::Rgb8), self::options(), &many).unwrap();
    assert!(file.len() * 10 < full.len() * 6, "{} of {} bytes", file.len(), full.len());

    // Negative controls: translucency and gray stay as they are.
    for samples in [Samples::Rgba8, Samples::Gray8, Samples::Rgb16] {
        let data = samples.image(SIZE);
        let file = write(Format::Png, &header(SIZE, pixel_format(samples)), options, &data).unwrap();
        assert_ne!(file[25], 3, "{samples:?}");
        assert!(in_layout(&read_elsewhere(&file).0, samples) == data, "{samples:?}");
    }
}

#[test]
fn lossy_jp2_comes_close_at_every_quality() {
    let data = card::rgb8(SIZE);
    let mut last = (f64::INFINITY, 0);
    for (jp2_quality, most) in [(1, 16.0), (50, 4.0), (80, 2.5), (99, 1.5)] {
        let options = EncodeOptions { jp2_quality, ..options() };
        let file = write(Format::Jp2, &header(SIZE, PixelFormat::Rgb8), options, &data).unwrap();
        let (_, mean) = card::distance(&read_elsewhere(&file).0.to_rgb8().into_raw(), &data);
        assert!(mean <= most, "quality {jp2_quality}: {mean:.2} on average");
        assert!(mean <= last.0 && file.len() > last.1, "quality {jp2_quality} is better than the one before");
        last = (mean, file.len());
    }
}

#[test]
fn large_jp2_is_written_in_tiles() {
    let size = Dimensions::new(2049, 40);
    let data = Samples::Rgb8.image(size);
    let file = write(Format::Jp2, &header(size, PixelFormat::Rgb8), options(), &data).unwrap();
    let decoder = open(Arc::new(MemoryAccess::new(file.as_slice())), &OpenOptions::default()).unwrap();
    assert_eq!(decoder.facts().levels[0].grid.map(|grid| grid.tile), Some(Dimensions::new(1024, 1024)));
    assert!(read_elsewhere(&file).0.to_rgb8().into_raw() == data, "pixels differ");
}

#[test]
fn profiles_and_resolution_are_written() {
    let profile: Arc<[u8]> = (0..1001u32).map(|i| (i * 7) as u8).collect();
    for (format, samples) in [
        (Format::Png, Samples::Rgb8),
        (Format::Webp, Samples::Rgb8),
        (Format::Webp, Samples::Rgba8),
        (Format::Webp, Samples::Gray8),
        (Format::Jpg, Samples::Rgb8),
        (Format::Jpg, Samples::Gray8),
        (Format::Tif, Samples::Rgb8),
        (Format::Jp2, Samples::Rgb8),
        (Format::Jp2, Samples::GrayAlpha8),
        (Format::Avif, Samples::Rgb8),
    ] {
        for quality in [80, 100] {
            let name = format!("{format:?} {samples:?} {quality}");
            let header = EncodeHeader {
                icc: Some(Arc::clone(&profile)),
                dpi: Some((300.0, 600.0)),
                ..header(SIZE, pixel_format(samples))
            };
            let options = EncodeOptions { webp_quality: quality, jp2_quality: quality, ..options() };
            let file = write(format, &header, options, &samples.image(SIZE)).unwrap();
            if format != Format::Avif {
                assert_eq!(read_elsewhere(&file).1.as_deref(), Some(&profile[..]), "{name}");
            }
            let decoder = open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).unwrap();
            assert_eq!(decoder.facts().icc.as_deref(), Some(&profile[..]), "{name}");
            assert_eq!(decoder.facts().has_alpha, header.pixels.has_alpha(), "{name}");
            if !matches!(format, Format::Webp | Format::Avif) {
                let (x, y) = decoder.facts().dpi.expect("the resolution is noted");
                assert!((x - 300.0).abs() < 0.02 && (y - 600.0).abs() < 0.02, "{name}: {x} {y}");
            }
        }
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused_before_any_row() {
    let refused = |format, size, pixels| encoder(format, &header(size, pixels), &options()).err();
    for format in [Format::Jpg, Format::Png, Format::Webp, Format::Gif, Format::Jp2, Format::Pdf] {
        let result = refused(format, SIZE, PixelFormat::Lab8);
        assert!(matches!(result, Some(EncodeError::PixelFormat { .. })), "{format:?}");
    }
    for format in Format::ALL.into_iter().filter(|format| !WRITABLE.contains(format)) {
        let result = refused(format, SIZE, PixelFormat::Rgb8);
        assert!(matches!(result, Some(EncodeError::NoEncoder { .. })), "{format:?}");
    }
    for (format, limit_px) in [(Format::Webp, 16383), (Format::Gif, 65535), (Format::Jpg, 65500), (Format::Pdf, 65500)]
    {
        for size in [Dimensions::new(limit_px + 1, 1), Dimensions::new(1, limit_px + 1)] {
            let result = refused(format, size, PixelFormat::Rgb8);
            assert!(matches!(result, Some(EncodeError::SideTooLong { .. })), "{format:?} {size}");
        }
        assert!(refused(format, Dimensions::new(limit_px, 1), PixelFormat::Rgb8).is_none(), "{format:?}");
    }
    for pixels in [PixelFormat::Cmyk16, PixelFormat::Rgb16, PixelFormat::Gray16] {
        for format in [Format::Webp, Format::Gif, Format::Jpg, Format::Pdf] {
            assert!(matches!(refused(format, SIZE, pixels), Some(EncodeError::PixelFormat { .. })), "{format:?}");
        }
    }
}

#[test]
fn a_pdf_holds_the_very_jpeg_and_its_size() {
    let data = card::rgb8(SIZE);
    let grays: Vec<u8> = data.iter().step_by(3).copied().collect();
    for (samples, data) in [(Samples::Rgb8, data), (Samples::Gray8, grays)] {
        for (dpi, size) in [(None, SIZE), (Some((150.0, 150.0)), Dimensions::new(602, 434))] {
            let name = format!("{samples:?} {dpi:?}");
            let header = EncodeHeader { dpi, ..header(SIZE, pixel_format(samples)) };
            let options = EncodeOptions { jpeg_quality: 95, jpeg_subsampling: Subsampling::None, ..options() };
            let jpeg = write(Format::Jpg, &header, options, &data).unwrap();
            let file = write(Format::Pdf, &header, options, &data).unwrap();
            assert!(memchr::memmem::find(&file, &jpeg).is_some(), "{name}: the stream is untouched");
            assert!(
                file == write(Format::Pdf, &header, options, &data).unwrap(),
                "{name}: the same picture, the same bytes"
            );
            let decoder = open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).unwrap();
            assert_eq!(decoder.facts().stored_size(), size, "{name}");
            let level = usize::from(size != SIZE);
            let wanted = DecodeRequest { level, region: SIZE.rect(), denominator: 1 };
            let (shown, _) = read_raster(decoder.as_ref(), &wanted, &Control::default()).unwrap();
            let seen: Vec<u8> =
                shown.data().iter().step_by(if samples == Samples::Gray8 { 3 } else { 1 }).copied().collect();
            let (_, mean) = card::distance(&seen, &data);
            assert!(mean <= 2.0, "{name}: {mean:.2} on average");
        }
    }
}

#[test]
fn a_pdf_keeps_black_and_white() {
    for size in [SIZE, Dimensions::new(5, 5), Dimensions::new(17, 9)] {
        let data = Samples::Bitonal.image(size);
        let header = EncodeHeader { bitonal: true, ..header(size, PixelFormat::Gray8) };
        let file = write(Format::Pdf, &header, options(), &data).unwrap();
        assert!(memchr::memmem::find(&file, b"/CCITTFaxDecode").is_some(), "{size}");
        let decoder = open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).unwrap();
        assert_eq!(decoder.facts().stored_size(), size);
        let wanted = DecodeRequest { level: 0, region: size.rect(), denominator: 1 };
        let (shown, _) = read_raster(decoder.as_ref(), &wanted, &Control::default()).unwrap();
        assert!(shown.data().iter().step_by(3).eq(&data), "{size}: pixels differ");
    }
}

#[test]
fn missing_or_surplus_rows_are_errors() {
    let rows = |height| Raster::zeroed(Dimensions::new(10, height), PixelFormat::Rgb8);
    let header = header(Dimensions::new(10, 10), PixelFormat::Rgb8);
    for &format in WRITABLE {
        let mut short = encoder(format, &header, &options()).unwrap();
        short.write(&rows(9)).unwrap();
        assert!(short.finish().is_err(), "{format:?}");
        let mut long = encoder(format, &header, &options()).unwrap();
        assert!(long.write(&rows(11)).is_err(), "{format:?}");
        let mut other = encoder(format, &header, &options()).unwrap();
        assert!(other.write(&Raster::zeroed(Dimensions::new(9, 1), PixelFormat::Rgb8)).is_err(), "{format:?}");
    }
}
