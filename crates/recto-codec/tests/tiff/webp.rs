//! WebP tiles (compression 50001): decoded exactly, and handed out as they lie.

use image::ExtendedColorType;
use image::codecs::webp::WebPEncoder;
use recto_codec::{DecodeError, PixelFormat};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};
use recto_testkit::card;

use crate::builder::{Builder, LONG, SHORT};
use crate::{open_bytes, read, read_all};

const TILE: Dimensions = Dimensions::new(64, 48);
const SIZE: Dimensions = Dimensions::new(150, 100);

/// Lossless tiles of the card, padded with its last pixels; and the tiles themselves.
fn file() -> (Vec<u8>, Vec<Vec<u8>>) {
    let rows = card::rgb8(SIZE);
    let mut tiles = Vec::new();
    for top in (0..SIZE.height_px).step_by(TILE.height_px as usize) {
        for left in (0..SIZE.width_px).step_by(TILE.width_px as usize) {
            let mut pixels = Vec::new();
            for (y, x) in (top..top + TILE.height_px).flat_map(|y| (left..left + TILE.width_px).map(move |x| (y, x))) {
                let at = (y.min(SIZE.height_px - 1) * SIZE.width_px + x.min(SIZE.width_px - 1)) as usize * 3;
                pixels.extend(&rows[at..at + 3]);
            }
            let mut stream = Vec::new();
            WebPEncoder::new_lossless(&mut stream)
                .encode(&pixels, TILE.width_px, TILE.height_px, ExtendedColorType::Rgb8)
                .unwrap();
            tiles.push(stream);
        }
    }
    let mut builder = Builder::new(false, false);
    let (offsets, counts) = builder.chunks(&tiles);
    builder.directory(&[
        (256, LONG, vec![SIZE.width_px.into()]),
        (257, LONG, vec![SIZE.height_px.into()]),
        (258, SHORT, vec![8, 8, 8]),
        (259, SHORT, vec![50001]),
        (262, SHORT, vec![2]),
        (277, SHORT, vec![3]),
        (322, LONG, vec![TILE.width_px.into()]),
        (323, LONG, vec![TILE.height_px.into()]),
        (324, LONG, offsets),
        (325, LONG, counts),
    ]);
    (builder.bytes, tiles)
}

#[test]
fn webp_tiles_are_decoded_exactly_wherever_a_region_lies() {
    let (bytes, _) = file();
    let decoder = open_bytes(&bytes).unwrap();
    let whole = read_all(decoder.as_ref(), 0).unwrap();
    assert_eq!(whole.format(), PixelFormat::Rgb8);
    assert!(whole.data() == card::rgb8(SIZE));
    let region = Rect::new(50, 40, 70, 55);
    let part = read(decoder.as_ref(), 0, region, 1).unwrap();
    let want: Vec<u8> = (40..95).flat_map(|y| whole.row(y)[50 * 3..120 * 3].to_vec()).collect();
    assert!(part.data() == want);
}

/// An animation of one frame in the corner of a canvas.
fn animation(canvas: Dimensions, frame: Dimensions) -> Vec<u8> {
    let mut still = Vec::new();
    WebPEncoder::new_lossless(&mut still)
        .encode(&vec![9; frame.area_px() as usize * 3], frame.width_px, frame.height_px, ExtendedColorType::Rgb8)
        .unwrap();
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    let chunk = |name: &[u8], payload: Vec<u8>| [name, &(payload.len() as u32).to_le_bytes(), &payload].concat();
    // Flags; then the place of the frame, its size, how long it is shown and how it is blended, and its own chunk.
    let header = [vec![2, 0, 0, 0], side(canvas.width_px), side(canvas.height_px)].concat();
    let shown = [vec![0; 6], side(frame.width_px), side(frame.height_px), vec![0; 4], still[12..].to_vec()].concat();
    chunk(b"RIFF", [b"WEBP".to_vec(), chunk(b"VP8X", header), chunk(b"ANMF", shown)].concat())
}

#[test]
fn tiles_that_are_animations_are_refused_and_so_are_frames_larger_than_their_place() {
    for frame in [TILE, Dimensions::new(400, 300)] {
        let mut builder = Builder::new(false, false);
        let (offsets, counts) = builder.chunks(&[animation(TILE, frame)]);
        builder.directory(&[
            (256, LONG, vec![TILE.width_px.into()]),
            (257, LONG, vec![TILE.height_px.into()]),
            (258, SHORT, vec![8, 8, 8]),
            (259, SHORT, vec![50001]),
            (262, SHORT, vec![2]),
            (277, SHORT, vec![3]),
            (322, LONG, vec![TILE.width_px.into()]),
            (323, LONG, vec![TILE.height_px.into()]),
            (324, LONG, offsets),
            (325, LONG, counts),
        ]);
        let error = read_all(open_bytes(&builder.bytes).unwrap().as_ref(), 0).unwrap_err();
        assert!(matches!(error, DecodeError::Corrupt { .. }), "{frame}: {error}");
        assert!(error.to_string().contains("tile 0: "), "{frame}: {error}");
        assert!(frame != TILE || error.to_string().contains("animation"), "{error}");
    }
}

#[test]
fn whole_webp_tiles_leave_as_they_lie_and_padded_ones_do_not() {
    let (bytes, tiles) = file();
    let decoder = open_bytes(&bytes).unwrap();
    let stored = decoder.stored_tile(0, 1, 1).expect("a tile in the middle");
    assert_eq!((stored.format, stored.size, stored.head.len()), (Format::Webp, TILE, 0));
    let body = stored.body.offset as usize..(stored.body.offset + stored.body.length) as usize;
    assert!(bytes[body] == tiles[4]);
    assert!(decoder.stored_tile(0, 2, 0).is_none(), "padded at the right");
    assert!(decoder.stored_tile(0, 0, 2).is_none(), "padded at the bottom");
}
