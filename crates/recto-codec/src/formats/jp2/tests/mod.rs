//! Our decoder against the library, for every way of coding that the library writes and every real file.

mod coded;
mod high_throughput;
mod indexes;
mod own;

use std::io::Cursor;
use std::sync::Arc;

use recto_iiif::Dimensions;

use super::codestream::Area;
use super::compress::{Coding, Compressor};
use super::decode::Jp2Decoder;
use crate::{Control, DecodeError, DecodeRequest, Decoder as _, MemoryAccess, OpenOptions};
pub(super) use own::difference;

/// A picture of so many samples a pixel, of 8 bits: smooth parts, edges and some noise.
fn picture(size: Dimensions, samples: usize) -> Vec<u8> {
    let mut rng = recto_testkit::Rng::new(5);
    let colors = recto_testkit::card::rgb8(size);
    colors
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| {
            let noise = (rng.next_u64() & 3) as u8;
            [r.wrapping_add(noise), g, b, 255 - r / 2].into_iter().take(samples)
        })
        .collect()
}

fn coding(size: Dimensions) -> Coding {
    Coding {
        size,
        tile: size,
        bits: 8,
        components: 3,
        color_transform: true,
        quality: Vec::new(),
        resolutions: 5,
        precinct: None,
        block: (64, 64),
        progression: 0,
        block_style: 0,
        packet_markers: 0,
        origin: (0, 0),
        chroma_step: (1, 1),
    }
}

/// A bare codestream of interleaved samples; words in the machine's order where there are 16 bits.
fn encode(coding: &Coding, pixels: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(coding.clone(), Cursor::new(Vec::new()))
        .unwrap_or_else(|failure| panic!("{coding:?}: {failure:?}"));
    let (bytes, count) = (coding.bits.div_ceil(8) as usize, coding.components as usize);
    let (columns, rows) = compressor.tiles();
    for tile in 0..columns * rows {
        let place = compressor.next_size();
        let (x, y) = (tile % columns * coding.tile.width_px, tile / columns * coding.tile.height_px);
        let mut planes = Vec::new();
        for component in 0..count {
            let (dx, dy) = if matches!(component, 1 | 2) { coding.chroma_step } else { (1, 1) };
            for row in (y..y + place.height_px).step_by(dy as usize) {
                for column in (x..x + place.width_px).step_by(dx as usize) {
                    let pixel = row as usize * coding.size.width_px as usize + column as usize;
                    let at = (pixel * count + component) * bytes;
                    planes.extend_from_slice(&pixels[at..at + bytes]);
                }
            }
        }
        compressor.tile(&planes).unwrap_or_else(|failure| panic!("{coding:?}: {failure:?}"));
    }
    let (place, length) = compressor.finish().unwrap_or_else(|failure| panic!("{coding:?}: {failure:?}"));
    assert_eq!(place.position(), length, "it stands behind the codestream");
    place.into_inner()
}

pub(super) fn open(bytes: &[u8]) -> Jp2Decoder {
    Jp2Decoder::open(Arc::new(MemoryAccess::new(bytes)), &OpenOptions::default()).expect("the file opens")
}

/// Areas worth a test: the whole, edges, and some by chance.
fn areas(whole: Area, random: usize) -> Vec<Area> {
    let size = Dimensions::new(whole.width(), whole.height());
    let rects = recto_testkit::Rng::new(31).rects_in(size, random);
    let area = |rect: recto_iiif::Rect| Area {
        x0: whole.x0 + rect.x,
        y0: whole.y0 + rect.y,
        x1: whole.x0 + rect.x + rect.w,
        y1: whole.y0 + rect.y + rect.h,
    };
    rects.into_iter().map(area).collect()
}

#[test]
fn of_a_file_that_is_cut_off_behind_its_header_the_facts_are_told_and_pixels_are_damaged() {
    let size = Dimensions::new(97, 61);
    let bytes = encode(&coding(size), &picture(size, 3));
    let header_end = bytes.windows(2).position(|pair| pair == [0xff, 0x90]).unwrap();
    for kept in [header_end, header_end + 1, header_end + 2, header_end + 11] {
        let decoder = open(&bytes[..kept]);
        assert_eq!(decoder.facts().stored_size(), size);
        let whole = DecodeRequest { level: 0, region: size.rect(), denominator: 1 };
        let error = crate::read_raster(&decoder, &whole, &Control::default()).unwrap_err();
        assert!(matches!(error, DecodeError::Corrupt { .. }), "{kept}: {error}");
    }
    let cut = Jp2Decoder::open(Arc::new(MemoryAccess::new(&bytes[..header_end - 3])), &OpenOptions::default());
    assert!(matches!(cut, Err(DecodeError::Corrupt { .. })), "within the header");
}
