//! JPEG tiles leave as they lie, and every reader sees the right colours in them.

use image::ImageReader;
use image::codecs::jpeg::JpegEncoder;
use recto_codec::{Control, CutRequest, Decoder, Orientation, PixelFormat};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};
use recto_testkit::card;

use crate::builder::{Builder, LONG, SHORT};
use crate::{open_bytes, read, read_all};

const TILE: Dimensions = Dimensions::new(64, 48);
const SIZE: Dimensions = Dimensions::new(150, 100);

/// A stream without its tables and markers, and the tables as a stream of their own.
fn split(stream: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut tile, mut tables) = (vec![0xff, 0xd8], vec![0xff, 0xd8]);
    let mut at = 2;
    loop {
        let marker = stream[at + 1];
        let length = 2 + usize::from(u16::from_be_bytes([stream[at + 2], stream[at + 3]]));
        match marker {
            0xdb | 0xc4 => tables.extend(&stream[at..at + length]),
            0xe0 | 0xee => {}
            0xda => {
                tile.extend(&stream[at..]);
                break;
            }
            _ => tile.extend(&stream[at..at + length]),
        }
        at += length;
    }
    tables.extend([0xff, 0xd9]);
    (tile, tables)
}

/// Cuts a picture (three samples per pixel) into JPEG tiles; the last pixel of a row or column fills the padding.
fn tiles(rows: &[u8], size: Dimensions) -> Vec<Vec<u8>> {
    let mut tiles = Vec::new();
    for top in (0..size.height_px).step_by(TILE.height_px as usize) {
        for left in (0..size.width_px).step_by(TILE.width_px as usize) {
            let mut pixels = Vec::new();
            for y in top..top + TILE.height_px {
                for x in left..left + TILE.width_px {
                    let (x, y) = (x.min(size.width_px - 1), y.min(size.height_px - 1));
                    let at = (y * size.width_px + x) as usize * 3;
                    pixels.extend(&rows[at..at + 3]);
                }
            }
            let mut stream = Vec::new();
            JpegEncoder::new_with_quality(&mut stream, 92)
                .encode(&pixels, TILE.width_px, TILE.height_px, image::ExtendedColorType::Rgb8)
                .unwrap();
            tiles.push(stream);
        }
    }
    tiles
}

/// Two levels of JPEG tiles. `photometric` 6 is luma and chroma; with 2 the same streams are taken for red, green and blue.
pub(crate) fn jpeg_pyramid(photometric: u64) -> Builder {
    let mut builder = Builder::new(false, false);
    let half = Dimensions::new(75, 50);
    for (size, mark) in [(SIZE, 0), (half, 1)] {
        let (tiles, tables): (Vec<_>, Vec<_>) = tiles(&card::rgb8(size), size).iter().map(|tile| split(tile)).unzip();
        let (offsets, counts) = builder.chunks(&tiles);
        builder.directory(&[
            (254, LONG, vec![mark]),
            (256, LONG, vec![size.width_px.into()]),
            (257, LONG, vec![size.height_px.into()]),
            (258, SHORT, vec![8, 8, 8]),
            (259, SHORT, vec![7]),
            (262, SHORT, vec![photometric]),
            (277, SHORT, vec![3]),
            (322, LONG, vec![TILE.width_px.into()]),
            (323, LONG, vec![TILE.height_px.into()]),
            (324, LONG, offsets),
            (325, LONG, counts),
            (347, 7, tables[0].iter().map(|byte| u64::from(*byte)).collect()),
        ]);
    }
    builder
}

/// Pixels of a stored tile as another decoder sees them.
fn seen_by_others(file: &[u8], decoder: &dyn Decoder, level: usize, column: u32, row: u32) -> Vec<u8> {
    let tile = decoder.stored_tile(level, column, row).expect("this tile leaves as it lies");
    assert_eq!((tile.format, tile.size), (Format::Jpg, TILE));
    let body = &file[tile.body.offset as usize..(tile.body.offset + tile.body.length) as usize];
    let stream = [&tile.head, body].concat();
    let image = ImageReader::new(std::io::Cursor::new(stream)).with_guessed_format().unwrap().decode().unwrap();
    image.to_rgb8().into_raw()
}

#[test]
fn interior_tiles_leave_and_padded_ones_stay() {
    let file = jpeg_pyramid(6).bytes;
    let decoder = open_bytes(&file).unwrap();
    assert!(decoder.facts().levels.iter().all(|level| level.grid.unwrap().passes_through));
    for (column, row, leaves) in
        [(0, 0, true), (1, 1, true), (2, 0, false), (0, 2, false), (3, 0, false), (9, 9, false)]
    {
        assert_eq!(decoder.stored_tile(0, column, row).is_some(), leaves, "{column},{row}");
    }
}

#[test]
fn other_readers_see_in_a_stored_tile_what_is_decoded_here() {
    for photometric in [2, 6] {
        let file = jpeg_pyramid(photometric).bytes;
        let decoder = open_bytes(&file).unwrap();
        for (level, column, row) in [(0, 0, 0), (0, 1, 0), (0, 1, 1), (1, 0, 0)] {
            let region = Rect::new(column * TILE.width_px, row * TILE.height_px, TILE.width_px, TILE.height_px);
            let ours = read(decoder.as_ref(), level, region, 1).unwrap();
            assert_eq!(ours.format(), PixelFormat::Rgb8);
            let theirs = seen_by_others(&file, decoder.as_ref(), level, column, row);
            let (worst, mean) = card::distance(ours.data(), &theirs);
            assert!(worst < 12 && mean < 1.0, "photometric {photometric}: {worst} {mean}");
        }
    }
}

#[test]
fn the_photometric_tag_decides_where_streams_have_no_marker() {
    let card = card::rgb8(SIZE);
    let luma_chroma = read_all(open_bytes(&jpeg_pyramid(6).bytes).unwrap().as_ref(), 0).unwrap();
    let (_, mean) = card::distance(luma_chroma.data(), &card);
    assert!(mean < 3.0, "{mean}");
    let as_they_are = read_all(open_bytes(&jpeg_pyramid(2).bytes).unwrap().as_ref(), 0).unwrap();
    assert!(card::distance(as_they_are.data(), &card).1 > 20.0, "luma and chroma shown as colours differ");
}

#[test]
fn reduced_decoding_gives_the_reduced_region_and_agrees_across_tiles() {
    let file = jpeg_pyramid(6).bytes;
    let decoder = open_bytes(&file).unwrap();
    assert_eq!(decoder.facts().max_denominator, 8);
    for denominator in [2, 4, 8] {
        let whole = read(decoder.as_ref(), 0, SIZE.rect(), denominator).unwrap();
        assert_eq!(whole.size(), SIZE.reduced(denominator));
        let region = Rect::new(33, 17, 90, 71);
        let part = read(decoder.as_ref(), 0, region, denominator).unwrap();
        let (x, y) = (region.x / denominator, region.y / denominator);
        for row in 0..part.height_px() {
            let from = x as usize * 3;
            assert_eq!(part.row(row), &whole.row(y + row)[from..from + part.stride()], "1/{denominator}, row {row}");
        }
    }
}

#[test]
fn turned_images_keep_their_tiles() {
    let mut builder = Builder::new(false, false);
    let (offsets, counts) = builder.chunks(&tiles(&card::rgb8(TILE), TILE));
    for orientation in [1, 6] {
        builder.directory(&[
            (256, LONG, vec![TILE.width_px.into()]),
            (257, LONG, vec![TILE.height_px.into()]),
            (258, SHORT, vec![8, 8, 8]),
            (259, SHORT, vec![7]),
            (262, SHORT, vec![6]),
            (274, SHORT, vec![orientation]),
            (277, SHORT, vec![3]),
            (322, LONG, vec![TILE.width_px.into()]),
            (323, LONG, vec![TILE.height_px.into()]),
            (324, LONG, offsets.clone()),
            (325, LONG, counts.clone()),
        ]);
    }
    assert!(open_bytes(&builder.bytes).unwrap().stored_tile(0, 0, 0).is_some());
    let turned = crate::open_page(&builder.bytes, 2).unwrap();
    assert!(turned.stored_tile(0, 0, 0).is_none());
    assert!(!turned.facts().levels[0].grid.unwrap().passes_through);
}

/// A part made of stored coefficients, as another decoder sees it.
fn cut(decoder: &dyn Decoder, level: usize, region: Rect, turn: Orientation) -> Option<(Dimensions, Vec<u8>)> {
    let wanted = CutRequest { region, turn, gray: false };
    let part = decoder.cut(level, &wanted, &Control::default()).unwrap();
    assert_eq!(part.is_some(), decoder.can_cut(level, &wanted), "{wanted:?}");
    let image = ImageReader::new(std::io::Cursor::new(part?)).with_guessed_format().unwrap().decode().unwrap();
    Some((Dimensions::new(image.width(), image.height()), image.to_rgb8().into_raw()))
}

#[test]
fn parts_of_several_tiles_are_put_together_of_their_coefficients() {
    for photometric in [2, 6] {
        let file = jpeg_pyramid(photometric).bytes;
        let decoder = open_bytes(&file).unwrap();
        for (level, region, possible) in [
            (0, Rect::new(0, 0, 128, 96), true),
            (0, Rect::new(64, 48, 86, 52), true),
            (0, Rect::new(0, 0, 150, 100), true),
            (0, Rect::new(48, 16, 32, 40), true),
            (0, Rect::new(128, 96, 22, 4), true),
            (1, Rect::new(0, 0, 75, 50), true),
            (0, Rect::new(3, 0, 64, 48), false),
            (0, Rect::new(0, 0, 151, 100), false),
            (2, Rect::new(0, 0, 8, 8), false),
        ] {
            let part = cut(decoder.as_ref(), level, region, Orientation::Normal);
            assert_eq!(part.is_some(), possible, "{level} {region}");
            let Some((size, pixels)) = part else { continue };
            assert_eq!(size, region.dimensions());
            let ours = read(decoder.as_ref(), level, region, 1).unwrap();
            let (worst, mean) = card::distance(ours.data(), &pixels);
            assert!(worst < 12 && mean < 1.0, "photometric {photometric} {region}: {worst} {mean}");
        }
    }
}

#[test]
fn parts_are_turned_without_loss() {
    let file = jpeg_pyramid(6).bytes;
    let decoder = open_bytes(&file).unwrap();
    let region = Rect::new(64, 0, 64, 96);
    let straight = read(decoder.as_ref(), 0, region, 1).unwrap();
    let (size, pixels) = cut(decoder.as_ref(), 0, region, Orientation::Rotate90).unwrap();
    assert_eq!(size, Dimensions::new(96, 64));
    let mut expected = Vec::new();
    for y in 0..64_usize {
        for x in 0..96_u32 {
            expected.extend_from_slice(&straight.row(95 - x)[y * 3..y * 3 + 3]);
        }
    }
    let (worst, mean) = card::distance(&expected, &pixels);
    assert!(worst < 12 && mean < 1.0, "{worst} {mean}");
    // Padding must not come to lie at the left or the top.
    assert!(cut(decoder.as_ref(), 0, Rect::new(128, 96, 22, 4), Orientation::Rotate180).is_none());
}
