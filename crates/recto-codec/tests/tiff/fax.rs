//! CCITT codes of every kind, made by an encoder of others.

use fax::encoder::Encoder;
use fax::maps::{black, white};
use fax::{Color, VecWriter};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::Rng;

use crate::builder::{Builder, LONG, SHORT, pack_bits};
use crate::{open_bytes, read, read_all};

/// Rows of black (`true`) and white, with runs of every length there is a code for.
fn picture(size: Dimensions) -> Vec<Vec<bool>> {
    let (width, mut seed) = (size.width_px as usize, 9_u32);
    let mut next = |limit: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % limit
    };
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for y in 0..size.height_px {
        let mut row = match (y % 3, rows.last()) {
            (1 | 2, Some(above)) => above.clone(),
            _ => Vec::new(),
        };
        if row.is_empty() {
            let mut color = next(2) == 1;
            while row.len() < width {
                let longest = [4, 70, 900, 3000][next(4) as usize];
                row.extend(std::iter::repeat_n(color, 1 + next(longest) as usize));
                color = !color;
            }
            row.truncate(width);
        } else {
            let shift = next(5) as usize;
            row.rotate_right(shift);
            row[..shift.max(1)].fill(false);
        }
        rows.push(row);
    }
    rows.push(vec![true; width]);
    rows.push(vec![false; width]);
    rows.truncate(size.height_px as usize);
    rows
}

fn file(size: Dimensions, compression: u64, options: u64, strips: &[Vec<u8>], rows_per_strip: u32) -> Vec<u8> {
    let mut builder = Builder::new(false, false);
    let (offsets, counts) = builder.chunks(strips);
    builder.directory(&[
        (256, LONG, vec![size.width_px.into()]),
        (257, LONG, vec![size.height_px.into()]),
        (259, SHORT, vec![compression]),
        (262, SHORT, vec![0]),
        (273, LONG, offsets),
        (278, LONG, vec![rows_per_strip.into()]),
        (279, LONG, counts),
        (292, LONG, vec![options]),
    ]);
    builder.bytes
}

fn check(name: &str, bytes: &[u8], rows: &[Vec<bool>], size: Dimensions) {
    let decoder = open_bytes(bytes).unwrap();
    let expected = |region: Rect| -> Vec<u8> {
        (region.y..region.y + region.h)
            .flat_map(|y| &rows[y as usize][region.x as usize..(region.x + region.w) as usize])
            .map(|black| if *black { 0 } else { 255 })
            .collect()
    };
    let whole = read_all(decoder.as_ref(), 0).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(whole.data() == expected(size.rect()), "{name}");
    for region in Rng::new(3).rects_in(size, 5) {
        assert!(read(decoder.as_ref(), 0, region, 1).unwrap().data() == expected(region), "{name} {region}");
    }
}

fn group_4(rows: &[Vec<bool>]) -> Vec<u8> {
    let mut encoder = Encoder::new(VecWriter::new());
    for row in rows {
        let colors = row.iter().map(|black| if *black { Color::Black } else { Color::White });
        encoder.encode_line(colors, row.len() as u16).unwrap();
    }
    encoder.finish().unwrap().finish()
}

/// The codes of one row in one dimension.
fn one_dimension(row: &[bool]) -> Vec<bool> {
    let mut bits = Vec::new();
    let mut code = |run: u16, is_black: bool| {
        let code = if is_black { black::encode(run) } else { white::encode(run) }.unwrap();
        bits.extend((0..code.len).rev().map(|bit| code.data >> bit & 1 == 1));
    };
    let (mut at, mut color) = (0, false);
    while at < row.len() {
        let mut run = row[at..].iter().take_while(|black| **black == color).count();
        at += run;
        while run >= 2560 {
            code(2560, color);
            run -= 2560;
        }
        if run >= 64 {
            code((run & !63) as u16, color);
        }
        code((run & 63) as u16, color);
        color = !color;
    }
    bits
}

const SIZE: Dimensions = Dimensions::new(6001, 150);
const END_OF_LINE: [bool; 12] = [false, false, false, false, false, false, false, false, false, false, false, true];

#[test]
fn group_4_is_read_in_one_strip_and_in_many() {
    let rows = picture(SIZE);
    check("one strip", &file(SIZE, 4, 0, &[group_4(&rows)], SIZE.height_px), &rows, SIZE);
    let strips: Vec<Vec<u8>> = rows.chunks(17).map(group_4).collect();
    check("many strips", &file(SIZE, 4, 0, &strips, 17), &rows, SIZE);
}

#[test]
fn group_3_is_read_with_and_without_fill_before_its_line_ends() {
    let rows = picture(SIZE);
    for aligned in [false, true] {
        let mut bits = Vec::new();
        for row in &rows {
            while aligned && bits.len() % 8 != 4 {
                bits.push(false);
            }
            bits.extend(END_OF_LINE);
            bits.extend(one_dimension(row));
        }
        bits.extend([END_OF_LINE; 6].concat());
        check("group 3", &file(SIZE, 3, if aligned { 4 } else { 0 }, &[pack_bits(&bits)], SIZE.height_px), &rows, SIZE);
    }
}

#[test]
fn group_3_without_line_ends_is_read() {
    let rows = picture(SIZE);
    let bits: Vec<bool> = rows.iter().flat_map(|row| one_dimension(row)).collect();
    check("bare group 3", &file(SIZE, 3, 0, &[pack_bits(&bits)], SIZE.height_px), &rows, SIZE);
}

#[test]
fn modified_huffman_rows_begin_at_bytes_or_words() {
    let rows = picture(SIZE);
    for (compression, unit) in [(2, 8), (32771, 16)] {
        let mut bits: Vec<bool> = Vec::new();
        for row in &rows {
            bits.resize(bits.len().next_multiple_of(unit), false);
            bits.extend(one_dimension(row));
        }
        check("modified Huffman", &file(SIZE, compression, 0, &[pack_bits(&bits)], SIZE.height_px), &rows, SIZE);
    }
}

#[test]
fn a_group_4_strip_that_ends_early_is_damaged_at_that_row() {
    let rows = picture(SIZE);
    let decoder_of = |strip: Vec<u8>| open_bytes(&file(SIZE, 4, 0, &[strip], SIZE.height_px)).unwrap();
    let error = read_all(decoder_of(group_4(&rows[..100])).as_ref(), 0).unwrap_err();
    assert_eq!(error.to_string(), "the TIFF file is damaged: strip 0 of 150 rows ends at row 100");
}
