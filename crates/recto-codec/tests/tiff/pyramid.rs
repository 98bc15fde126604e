//! Pyramids: what the writer writes is what this reader and another one see.

use std::io::Cursor;
use std::sync::Arc;

use recto_codec::{
    BigTiff, EncodeHeader, EncodeOptions, Metadata, Orientation, PixelFormat, PyramidCompression, PyramidError,
    PyramidOptions, PyramidPage, PyramidWriter, Raster, Subsampling, encoder,
};
use recto_iiif::Dimensions;
use recto_iiif::image::Format;
use recto_testkit::position::Samples;
use tiff::decoder::{Decoder as Other, DecodingResult};

use crate::{open_bytes, open_page, read, read_all};

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

fn page(size: Dimensions, pixels: PixelFormat, bitonal: bool) -> PyramidPage {
    PyramidPage {
        header: EncodeHeader { size, pixels, bitonal, icc: None, dpi: None },
        orientation: Orientation::Normal,
        metadata: Metadata::default(),
        compression: None,
        maker: None,
    }
}

fn rows(size: Dimensions, pixels: PixelFormat, data: &[u8]) -> Vec<Raster> {
    let stride = size.width_px as usize * pixels.bytes_per_pixel();
    // Strips that end anywhere.
    data.chunks(37 * stride)
        .map(|rows| {
            let size = Dimensions::new(size.width_px, (rows.len() / stride) as u32);
            Raster::from_vec(size, pixels, rows.to_vec())
        })
        .collect()
}

fn write(options: &PyramidOptions, pages: Vec<(PyramidPage, Vec<u8>)>) -> Result<Vec<u8>, PyramidError> {
    let mut writer = PyramidWriter::new(Cursor::new(Vec::new()), options)?;
    for (page, data) in pages {
        let EncodeHeader { size, pixels, .. } = page.header;
        writer.begin(page)?;
        for rows in rows(size, pixels, &data) {
            writer.write(&rows)?;
        }
        writer.end()?;
    }
    Ok(writer.finish()?.into_inner())
}

fn options(compression: PyramidCompression) -> PyramidOptions {
    PyramidOptions { tile: 64, compression, ..PyramidOptions::default() }
}

/// `ceil(size / 2^n)` until it fits into a tile.
fn expected_levels(mut size: Dimensions, tile: u32) -> Vec<Dimensions> {
    let mut levels = vec![size];
    while size.width_px > tile || size.height_px > tile {
        size = Dimensions::new(size.width_px.div_ceil(2), size.height_px.div_ceil(2));
        levels.push(size);
    }
    levels
}

/// The averages of two by two samples, computed plainly; for pixels without transparency.
fn halved(size: Dimensions, pixels: PixelFormat, data: &[u8]) -> Vec<u8> {
    let (w, h, n) = (size.width_px as usize, size.height_px as usize, pixels.samples());
    let sample = |x: usize, y: usize, i: usize| {
        let at = (y.min(h - 1) * w + x.min(w - 1)) * n + i;
        match pixels.bytes_per_sample() {
            1 => u32::from(data[at]),
            _ => u32::from(u16::from_ne_bytes([data[2 * at], data[2 * at + 1]])),
        }
    };
    let mut out = Vec::new();
    for y in 0..h.div_ceil(2) {
        for x in 0..w.div_ceil(2) {
            for i in 0..n {
                let (x, y) = (2 * x, 2 * y);
                let sum = sample(x, y, i) + sample(x + 1, y, i) + sample(x, y + 1, i) + sample(x + 1, y + 1, i);
                let average = (sum + 2) / 4;
                match pixels.bytes_per_sample() {
                    1 => out.push(average as u8),
                    _ => out.extend_from_slice(&(average as u16).to_ne_bytes()),
                }
            }
        }
    }
    out
}

#[test]
fn lossless_pyramids_hold_every_pixel_and_its_averages_in_every_form() {
    use PyramidCompression::{Deflate, None, Zstd};
    for (compression, big, sub_ifds) in [
        (None, BigTiff::Auto, false),
        (Deflate, BigTiff::Always, true),
        (Zstd, BigTiff::Never, true),
        (Deflate, BigTiff::Auto, false),
    ] {
        for (samples, pixels) in FORMS {
            let name = format!("{samples:?} {compression:?} {big:?} {sub_ifds}");
            let data = samples.image(SIZE);
            let options = PyramidOptions { big, sub_ifds, ..options(compression) };
            let bitonal = samples == Samples::Bitonal;
            let file = write(&options, vec![(page(SIZE, pixels, bitonal), data.clone())]).unwrap();
            assert_eq!(file[2], if big == BigTiff::Always { 43 } else { 42 }, "{name}");
            let decoder = open_bytes(&file).unwrap();
            let facts = decoder.facts();
            let levels: Vec<Dimensions> = facts.levels.iter().map(|level| level.size).collect();
            assert_eq!(levels, expected_levels(SIZE, 64), "{name}");
            assert_eq!((facts.pages, facts.bits_per_sample == 1), (1, bitonal), "{name}");
            let mut expected = data.clone();
            for (index, size) in levels.iter().enumerate() {
                let level = read_all(decoder.as_ref(), index).unwrap();
                assert_eq!(level.format(), pixels, "{name}");
                if !pixels.has_alpha() || index == 0 {
                    assert!(level.data() == expected, "{name}: level {index}");
                }
                expected = halved(*size, pixels, &expected);
            }
            if !bitonal && compression != Zstd {
                let mut other = Other::new(Cursor::new(&file)).unwrap();
                let theirs = match other.read_image().unwrap() {
                    DecodingResult::U8(theirs) => theirs,
                    DecodingResult::U16(theirs) => theirs.iter().flat_map(|sample| sample.to_ne_bytes()).collect(),
                    _ => panic!("{name}: of another depth"),
                };
                assert!(theirs == data, "{name}: as another reader sees it");
                assert_eq!(other.more_images(), !sub_ifds, "{name}: levels follow in the chain, or do not");
            }
        }
    }
}

/// Pixels that JPEG and WebP keep nearly: slopes, in which a place can be told from another.
fn slopes(size: Dimensions, samples: usize) -> Vec<u8> {
    let mut data = Vec::new();
    for y in 0..size.height_px {
        for x in 0..size.width_px {
            let pixel =
                [x * 255 / size.width_px, y * 255 / size.height_px, 255 - x * 255 / size.width_px, (x + y) % 256];
            data.extend(pixel.iter().take(samples).map(|sample| *sample as u8));
        }
    }
    data
}

fn largest_difference(a: &[u8], b: &[u8]) -> u8 {
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn jpeg_and_webp_tiles_show_the_picture_and_leave_as_they_lie() {
    use PyramidCompression::{Jpeg, Webp};
    for (compression, pixels, subsampling, leaves) in [
        (Jpeg, PixelFormat::Gray8, Subsampling::Both, true),
        (Jpeg, PixelFormat::Rgb8, Subsampling::Both, true),
        (Jpeg, PixelFormat::Rgb8, Subsampling::Horizontal, true),
        (Jpeg, PixelFormat::Rgb8, Subsampling::None, true),
        (Webp, PixelFormat::Rgb8, Subsampling::Both, true),
    ] {
        let name = format!("{compression:?} {pixels:?} {subsampling:?}");
        let data = slopes(SIZE, pixels.samples());
        let options = PyramidOptions { subsampling, quality: 95, ..options(compression) };
        let file = write(&options, vec![(page(SIZE, pixels, false), data.clone())]).unwrap();
        let decoder = open_bytes(&file).unwrap();
        assert_eq!(decoder.facts().levels.len(), expected_levels(SIZE, 64).len(), "{name}");
        let back = read_all(decoder.as_ref(), 0).unwrap();
        assert_eq!(back.format(), pixels, "{name}");
        let worst = largest_difference(back.data(), &data);
        assert!(worst <= 12, "{name}: {worst}");
        for (index, level) in decoder.facts().levels.iter().enumerate() {
            assert_eq!(level.grid.unwrap().passes_through, leaves, "{name}: level {index}");
        }
        assert!(decoder.stored_tile(0, 1, 1).is_some(), "{name}");
    }
}

#[test]
fn inks_in_jpeg_tiles_are_neither_inverted_nor_mixed() {
    let data = slopes(SIZE, 4);
    let options = PyramidOptions { quality: 98, ..options(PyramidCompression::Jpeg) };
    let file = write(&options, vec![(page(SIZE, PixelFormat::Cmyk8, false), data.clone())]).unwrap();
    let decoder = open_bytes(&file).unwrap();
    let back = read_all(decoder.as_ref(), 0).unwrap();
    assert_eq!(back.format(), PixelFormat::Cmyk8);
    // The fourth sample jumps from 255 to 0 somewhere; the others are smooth.
    let differences = back.data().chunks(4).zip(data.chunks(4)).map(|(a, b)| largest_difference(&a[..3], &b[..3]));
    assert!(differences.max().unwrap() <= 12);
}

#[test]
fn tiles_share_their_tables_and_any_number_of_threads_writes_the_same_file() {
    let data = slopes(SIZE, 3);
    let files: Vec<Vec<u8>> = [1, 2, 5]
        .into_iter()
        .map(|threads| {
            let options = PyramidOptions { threads, ..options(PyramidCompression::Jpeg) };
            write(&options, vec![(page(SIZE, PixelFormat::Rgb8, false), data.clone())]).unwrap()
        })
        .collect();
    assert!(files[0] == files[1] && files[0] == files[2]);
    let tables = files[0].windows(2).filter(|pair| pair == &[0xff, 0xdb]).count();
    let levels = expected_levels(SIZE, 64).len();
    assert_eq!(tables, 2 * levels, "two quantisation tables a level, in its directory alone");
}

/// A part of the slopes as a JPEG file, coarsely.
fn jpeg_part(size: Dimensions, x: u32, y: u32, part: Dimensions, subsampling: Subsampling) -> Vec<u8> {
    let whole = slopes(size, 3);
    let header = EncodeHeader { size: part, pixels: PixelFormat::Rgb8, bitonal: false, icc: None, dpi: None };
    let options = EncodeOptions { jpeg_quality: 40, jpeg_subsampling: subsampling, ..EncodeOptions::default() };
    let mut encoder = encoder(Format::Jpg, &header, &options).unwrap();
    let data = (y..y + part.height_px)
        .flat_map(|y| &whole[(y * size.width_px + x) as usize * 3..][..part.width_px as usize * 3])
        .copied()
        .collect();
    encoder.write(&Raster::from_vec(part, PixelFormat::Rgb8, data)).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn tiles_that_the_original_has_already_are_kept_as_they_are() {
    for subsampling in [Subsampling::None, Subsampling::Horizontal, Subsampling::Both] {
        let mut given = page(SIZE, PixelFormat::Rgb8, false);
        given.maker = Some(Arc::new(move |column, row| {
            let (x, y) = (column * 64, row * 64);
            let part = Dimensions::new(64.min(SIZE.width_px - x), 64.min(SIZE.height_px - y));
            // One tile cannot be made; those at the edges are smaller, and filled up.
            ((column, row) != (2, 3)).then(|| jpeg_part(SIZE, x, y, part, subsampling))
        }));
        let options = PyramidOptions { threads: 2, quality: 95, ..options(PyramidCompression::Jpeg) };
        let mut writer = PyramidWriter::new(Cursor::new(Vec::new()), &options).unwrap();
        writer.begin(given).unwrap();
        for rows in rows(SIZE, PixelFormat::Rgb8, &slopes(SIZE, 3)) {
            writer.write(&rows).unwrap();
        }
        let report = writer.end().unwrap();
        assert_eq!((report.tiles, report.transcoded_tiles), (6 * 8, 6 * 8 - 1), "{subsampling:?}");
        let file = writer.finish().unwrap().into_inner();
        let decoder = open_bytes(&file).unwrap();
        for (column, row) in [(0, 0), (4, 6), (1, 5), (5, 2), (3, 7), (5, 7)] {
            let (x, y) = (column * 64, row * 64);
            let part = Dimensions::new(64.min(SIZE.width_px - x), 64.min(SIZE.height_px - y));
            let region = recto_iiif::Rect::new(x, y, part.width_px, part.height_px);
            let kept = read(decoder.as_ref(), 0, region, 1).unwrap();
            let stream = jpeg_part(SIZE, x, y, part, subsampling);
            let theirs = read_all(open_bytes(&stream).unwrap().as_ref(), 0).unwrap();
            // At an edge chroma is smoothed with what fills the tile.
            let inner = |side: u32| if side == 64 || subsampling == Subsampling::None { side } else { side - 2 };
            let row_bytes = inner(part.width_px) as usize * 3;
            let same = (0..inner(part.height_px)).all(|y| kept.row(y)[..row_bytes] == theirs.row(y)[..row_bytes]);
            assert!(same, "{column},{row} {subsampling:?}");
        }
        let whole = read_all(decoder.as_ref(), 0).unwrap();
        let worst = largest_difference(whole.data(), &slopes(SIZE, 3));
        assert!(worst <= 60, "{subsampling:?}: {worst}");
    }
}

#[test]
fn d20_pages_are_pages_whatever_their_sizes() {
    let sizes = [SIZE, Dimensions::new(167, 236), Dimensions::new(1, 1), Dimensions::new(64, 64)];
    for sub_ifds in [false, true] {
        let options = PyramidOptions { sub_ifds, ..options(PyramidCompression::Deflate) };
        let pages = sizes.map(|size| (page(size, PixelFormat::Gray8, false), Samples::Gray8.image(size)));
        let file = write(&options, pages.into()).unwrap();
        for (number, size) in (1..).zip(sizes) {
            let decoder = open_page(&file, number).unwrap();
            assert_eq!(decoder.facts().pages, sizes.len() as u32, "{sub_ifds}");
            let levels: Vec<Dimensions> = decoder.facts().levels.iter().map(|level| level.size).collect();
            assert_eq!(levels, expected_levels(size, 64), "page {number}, {sub_ifds}");
            assert!(read_all(decoder.as_ref(), 0).unwrap().data() == Samples::Gray8.image(size), "page {number}");
        }
    }
}

#[test]
fn what_is_known_beside_the_pixels_is_kept() {
    // An EXIF block in big-endian order: an exposure time of 1/50, a maker's note, a place.
    let mut exif = b"MM\0*\0\0\0\x08".to_vec();
    exif.extend(b"\0\x03\x01\x0f\0\x02\0\0\0\x05\0\0\0\x32\x87\x69\0\x04\0\0\0\x01\0\0\0\x38\x88\x25\0\x04\0\0\0\x01\0\0\0\x62\0\0\0\0");
    exif.extend(b"Leitz\0");
    exif.extend(b"\0\x02\x82\x9a\0\x05\0\0\0\x01\0\0\0\x5a\x92\x7c\0\x07\0\0\0\x02ab\0\0\0\0\0\0\0\0\0\0");
    exif.truncate(0x5a);
    exif.extend(b"\0\0\0\x01\0\0\0\x32\0\x01\0\x01\0\x02\0\0\0\x02N\0\0\0\0\0\0\0");
    let given = Metadata {
        exif: Some(exif.into()),
        xmp: Some(Arc::from(&b"<x:xmpmeta/>"[..])),
        iptc: Some(Arc::from(&b"\x1c\x02\x05\0\x01x"[..])),
    };
    let icc: Arc<[u8]> = (0..=255).collect();
    for sub_ifds in [false, true] {
        let mut described = page(SIZE, PixelFormat::Rgb8, false);
        described.metadata = given.clone();
        described.orientation = Orientation::Rotate90;
        described.header.icc = Some(icc.clone());
        described.header.dpi = Some((300.0, 299.5));
        let options = PyramidOptions { sub_ifds, ..options(PyramidCompression::Jpeg) };
        let file = write(&options, vec![(described, slopes(SIZE, 3))]).unwrap();
        let decoder = open_bytes(&file).unwrap();
        assert_eq!(decoder.facts().orientation, Orientation::Rotate90);
        assert_eq!(decoder.facts().levels.len(), expected_levels(SIZE, 64).len());
        assert_eq!(decoder.facts().icc, Some(icc.clone()));
        assert_eq!(decoder.facts().dpi, Some((300.0, 299.5)));
        let kept = decoder.metadata().unwrap();
        assert_eq!((&kept.xmp, &kept.iptc), (&given.xmp, &given.iptc));
        let block = kept.exif.unwrap();
        for (value, is_kept) in [
            (&b"Leitz\0"[..], true),
            (&[1, 0, 0, 0, 50, 0, 0, 0], true),
            (&b"\x01\0\x02\0\x02\0\0\0N\0"[..], true),
            (&b"ab\0\0"[..], false),
        ] {
            assert_eq!(block.windows(value.len()).any(|window| window == value), is_kept, "{value:?}");
        }
        // What was read from one file is written into the next.
        let mut again = page(SIZE, PixelFormat::Rgb8, false);
        again.metadata = Metadata { exif: Some(block.clone()), ..Metadata::default() };
        let file = write(&options, vec![(again, slopes(SIZE, 3))]).unwrap();
        assert_eq!(open_bytes(&file).unwrap().metadata().unwrap().exif, Some(block));
    }
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let jpeg = options(PyramidCompression::Jpeg);
    for (options, pixels, expected) in [
        (jpeg, PixelFormat::Rgba8, "Jpeg cannot hold pixels of the form Rgba8"),
        (jpeg, PixelFormat::Gray16, "Jpeg cannot hold pixels of the form Gray16"),
        (options(PyramidCompression::Webp), PixelFormat::Cmyk8, "Webp cannot hold pixels of the form Cmyk8"),
        (PyramidOptions { tile: 100, ..jpeg }, PixelFormat::Rgb8, "tiles of 100 pixels are not possible"),
        (PyramidOptions { tile: 8192, ..jpeg }, PixelFormat::Rgb8, "tiles of 8192 pixels are not possible"),
    ] {
        let data = vec![0; SIZE.area_px() as usize * pixels.bytes_per_pixel()];
        let error = write(&options, vec![(page(SIZE, pixels, false), data)]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let mut writer = PyramidWriter::new(Cursor::new(Vec::new()), &jpeg).unwrap();
    writer.begin(page(SIZE, PixelFormat::Rgb8, false)).unwrap();
    assert!(writer.end().unwrap_err().to_string().contains("0 of 471 rows were written"));
}

#[test]
fn the_server_answers_with_a_pyramid_where_it_is_asked_to() {
    let header = EncodeHeader {
        size: Dimensions::new(700, 300),
        pixels: PixelFormat::Rgb8,
        bitonal: false,
        icc: None,
        dpi: None,
    };
    let data = Samples::Rgb8.image(header.size);
    for (tiff_pyramid, levels) in [(true, 3), (false, 1)] {
        let options = EncodeOptions { tiff_pyramid, ..EncodeOptions::default() };
        let mut encoder = encoder(Format::Tif, &header, &options).unwrap();
        for rows in rows(header.size, header.pixels, &data) {
            encoder.write(&rows).unwrap();
        }
        let file = encoder.finish().unwrap();
        let decoder = open_bytes(&file).unwrap();
        assert_eq!(decoder.facts().levels.len(), levels);
        assert!(read_all(decoder.as_ref(), 0).unwrap().data() == data);
    }
}
