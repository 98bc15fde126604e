//! Parts that leave with their stored coefficients show what decoding shows, turned and gray too.

use std::sync::Arc;

use recto_iiif::{Dimensions, Rect};

use super::super::decode::{JpegDecoder, open_jpeg_to_cut, open_with};
use super::super::ffi::{Decompressor, Samples};
use super::super::input::Input;
use super::super::stream::{StreamColor, decode_within};
use super::flat::Board;
use super::{Kind, Random, sequential_kinds, stream, stream_of};
use crate::{
    Control, CutRequest, DecodeRequest, Decoder, MemoryAccess, OpenOptions, Orientation, PixelFormat, Raster,
    read_raster,
};

fn opened(file: &[u8]) -> JpegDecoder {
    open_with(Arc::new(MemoryAccess::new(file.to_vec())), &OpenOptions::default(), 1).unwrap()
}

fn cut(decoder: &JpegDecoder, region: Rect, turn: Orientation, gray: bool) -> Vec<u8> {
    let wanted = CutRequest { region, turn, gray };
    assert!(decoder.can_cut(0, &wanted), "{wanted:?}");
    decoder.cut(0, &wanted, &Control::default()).unwrap().unwrap()
}

fn decoded(stream: &[u8]) -> Raster {
    decode_within(stream, StreamColor::Markers, 1, u32::MAX, u64::MAX, &Control::default()).unwrap()
}

fn region_of(decoder: &JpegDecoder, region: Rect) -> Raster {
    read_raster(decoder, &DecodeRequest { level: 0, region, denominator: 1 }, &Control::default()).unwrap().0
}

/// Luma as the library gives it.
fn luma(stream: &[u8]) -> Raster {
    let mut library = Decompressor::new(Input::Memory(stream), &Control::default(), 1 << 30).unwrap();
    let output = library.start(Samples::AsMarked, Samples::Gray, 1).unwrap();
    let mut raster = Raster::zeroed(Dimensions::new(output.width, output.height), PixelFormat::Gray8);
    library.read(raster.data_mut()).unwrap();
    raster
}

/// As shown under an orientation, by the words of the TIFF specification.
fn turned(picture: &Raster, turn: Orientation) -> Raster {
    let (w, h) = (picture.width_px(), picture.height_px());
    let size = turn.shown(picture.size());
    let pixel = picture.format().bytes_per_pixel();
    let mut data = Vec::new();
    for y in 0..size.height_px {
        for x in 0..size.width_px {
            let (x, y) = match turn {
                Orientation::Normal => (x, y),
                Orientation::MirrorHorizontal => (w - 1 - x, y),
                Orientation::Rotate180 => (w - 1 - x, h - 1 - y),
                Orientation::MirrorVertical => (x, h - 1 - y),
                Orientation::Transpose => (y, x),
                Orientation::Rotate90 => (y, h - 1 - x),
                Orientation::Transverse => (w - 1 - y, h - 1 - x),
                Orientation::Rotate270 => (w - 1 - y, x),
            };
            let at = x as usize * pixel;
            data.extend_from_slice(&picture.row(y)[at..at + pixel]);
        }
    }
    Raster::from_vec(size, picture.format(), data)
}

/// Greatest and mean difference, a border of so many pixels left out.
fn difference(a: &Raster, b: &Raster, border: u32) -> (u8, f64) {
    assert_eq!((a.size(), a.format()), (b.size(), b.format()));
    let pixel = a.format().bytes_per_pixel();
    if a.width_px() <= border * 2 {
        return (0, 0.0);
    }
    let columns = border as usize * pixel..(a.width_px() - border) as usize * pixel;
    let (mut worst, mut sum, mut count) = (0, 0_u64, 0_u64);
    for y in border..a.height_px().saturating_sub(border) {
        for (a, b) in a.row(y)[columns.clone()].iter().zip(&b.row(y)[columns.clone()]) {
            worst = worst.max(a.abs_diff(*b));
            sum += u64::from(a.abs_diff(*b));
            count += 1;
        }
    }
    (worst, sum as f64 / count.max(1) as f64)
}

/// A smooth picture with strong colours, as photographs are; few bytes a pixel.
fn photo(width: u32, height: u32, components: u32) -> Vec<u8> {
    let sample = |x: u32, y: u32, c: u32| {
        let (x, y) = (f64::from(x), f64::from(y));
        let wave = match c {
            0 => (x / 17.0 + y / 29.0).sin(),
            1 => (x / 23.0 - y / 13.0).cos(),
            2 => (x * y / 2500.0).sin(),
            _ => (y / 31.0).cos(),
        };
        (127.5 + 110.0 * wave) as u8
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    pixels.flat_map(|(x, y)| (0..components).map(move |c| sample(x, y, c))).collect()
}

fn photo_of(kind: Kind, width: u32, height: u32) -> Vec<u8> {
    stream_of(kind, width, height, &photo(width, height, kind.components))
}

/// Pixels of an MCU.
fn mcu(kind: Kind) -> (u32, u32) {
    let (h, v) = if kind.components == 3 { kind.sampling } else { (1, 1) };
    (h * 8, v * 8)
}

#[test]
fn parts_on_the_grid_show_the_decoded_pixels() {
    let (width, height) = (603, 207);
    let mut random = Random::new(21);
    for kind in sequential_kinds() {
        let file = photo_of(kind, width, height);
        let decoder = opened(&file);
        let (w, h) = mcu(kind);
        for _ in 0..12 {
            let (x, y) = (random.below(width.div_ceil(w)) * w, random.below(height.div_ceil(h)) * h);
            let region = Rect::new(x, y, 1 + random.below(width - x), 1 + random.below(height - y));
            let part = decoded(&cut(&decoder, region, Orientation::Normal, false));
            // Smooth upsampling has other neighbours at a part's border.
            let border = if kind.components == 3 && kind.sampling != (1, 1) { 2 } else { 0 };
            let (worst, _) = difference(&part, &region_of(&decoder, region), border);
            assert_eq!(worst, 0, "{kind:?} {region}");
        }
        let off = CutRequest { region: Rect::new(w, h + 1, 64, 64), turn: Orientation::Normal, gray: false };
        assert!(!decoder.can_cut(0, &off) && decoder.cut(0, &off, &Control::default()).unwrap().is_none());
    }
}

#[test]
fn seams_of_subsampled_parts_differ_by_little() {
    let mut worst_mean: f64 = 0.0;
    for sampling in [(2, 2), (2, 1), (1, 2)] {
        let file = photo_of(Kind { components: 3, sampling, ..Kind::default() }, 640, 512);
        let decoder = opened(&file);
        let region = Rect::new(256, 256, 256, 256);
        let part = decoded(&cut(&decoder, region, Orientation::Normal, false));
        let whole = region_of(&decoder, region);
        assert_eq!(difference(&part, &whole, 2).0, 0, "{sampling:?}");
        let (worst, mean) = difference(&part, &whole, 0);
        assert!(worst > 0, "{sampling:?}: the seam is where it may differ");
        assert!(worst <= 20, "{sampling:?}: {worst}");
        worst_mean = worst_mean.max(mean);
    }
    assert!(worst_mean < 0.05, "{worst_mean}");
}

#[test]
fn turned_parts_show_the_turned_pixels() {
    for kind in sequential_kinds() {
        let (w, h) = mcu(kind);
        // Whole MCUs on both axes, so that any turn is possible; then those turns that keep a partial MCU at the end.
        let file = photo_of(kind, 20 * w + 3, 9 * h + 5);
        let decoder = opened(&file);
        for turn in Orientation::ALL {
            let region = Rect::new(2 * w, h, 7 * w, 5 * h);
            let part = decoded(&cut(&decoder, region, turn, false));
            let border = if kind.components == 3 && kind.sampling != (1, 1) { 2 } else { 0 };
            let (worst, mean) = difference(&part, &turned(&region_of(&decoder, region), turn), border);
            // The transform rounds rows and columns in another order.
            assert!(worst <= 4 && mean < 0.5, "{kind:?} {turn:?}: {worst} {mean}");
        }
        let edge = Rect::new(18 * w, 7 * h, 2 * w + 3, 2 * h + 5);
        let possible = [true, false, false, false, true, false, false, false];
        for (turn, possible) in Orientation::ALL.into_iter().zip(possible) {
            assert_eq!(decoder.can_cut(0, &CutRequest { region: edge, turn, gray: false }), possible, "{turn:?}");
        }
        let part = decoded(&cut(&decoder, edge, Orientation::Transpose, false));
        let (worst, _) = difference(&part, &turned(&region_of(&decoder, edge), Orientation::Transpose), 2);
        assert!(worst <= 4, "{kind:?}: {worst}");
    }
}

#[test]
fn gray_parts_are_the_luma_that_is_stored() {
    for kind in sequential_kinds().into_iter().filter(|kind| kind.components != 4) {
        let (w, h) = mcu(kind);
        let file = photo_of(kind, 20 * w + 3, 9 * h + 5);
        let decoder = opened(&file);
        let whole = luma(&file);
        for region in [Rect::new(2 * w, h, 7 * w, 5 * h), Rect::new(18 * w, 7 * h, 2 * w + 3, 2 * h + 5)] {
            let part = decoded(&cut(&decoder, region, Orientation::Normal, true));
            assert_eq!(part.format(), PixelFormat::Gray8);
            let same = (0..region.h).all(|y| {
                let row = &whole.row(region.y + y)[region.x as usize..region.right() as usize];
                row == part.row(y)
            });
            assert!(same, "{kind:?} {region}");
        }
    }
    let inks = opened(&photo_of(Kind { components: 4, sampling: (1, 1), ..Kind::default() }, 64, 64));
    let part = CutRequest { region: Rect::new(0, 0, 32, 32), turn: Orientation::Normal, gray: true };
    assert!(!inks.can_cut(0, &part));
}

#[test]
fn parts_are_what_an_independent_decoder_shows_and_carry_no_metadata() {
    let icc = vec![7; 3000];
    let mut file = photo_of(Kind { components: 3, sampling: (2, 2), optimise: true, ..Kind::default() }, 640, 512);
    let segment = [b"\xff\xe2".as_slice(), &3016_u16.to_be_bytes(), b"ICC_PROFILE\0\x01\x01", &icc].concat();
    file.splice(2..2, segment);
    let decoder = opened(&file);
    for (turn, gray) in [(Orientation::Normal, false), (Orientation::Rotate90, false), (Orientation::Rotate180, true)] {
        let part = cut(&decoder, Rect::new(256, 128, 256, 256), turn, gray);
        assert!(memchr::memmem::find(&part, b"ICC_PROFILE").is_none());
        let theirs = image::load_from_memory_with_format(&part, image::ImageFormat::Jpeg).unwrap();
        let ours = decoded(&part);
        let theirs = if gray { theirs.into_luma8().into_raw() } else { theirs.into_rgb8().into_raw() };
        let total = ours.data().iter().zip(&theirs).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        assert!(total < ours.data().len() as u64 * 2, "{turn:?} {gray}: {total}");
    }
}

#[test]
fn scans_with_many_bytes_a_pixel_are_encoded_anew() {
    let noisy = stream(Kind { components: 3, sampling: (1, 1), quality: 98, ..Kind::default() }, 320, 200);
    assert!(noisy.len() > 320 * 200);
    let part = CutRequest { region: Rect::new(0, 0, 64, 64), turn: Orientation::Normal, gray: false };
    assert!(!opened(&noisy).can_cut(0, &part));
    let smooth = photo_of(Kind { components: 3, sampling: (1, 1), quality: 85, ..Kind::default() }, 320, 200);
    assert!(opened(&smooth).can_cut(0, &part));
}

#[test]
fn what_is_opened_to_be_cut_is_cut_wherever_that_is_possible() {
    let kind = Kind { components: 3, sampling: (1, 1), quality: 98, ..Kind::default() };
    let large = stream(kind, 320, 200);
    assert!(large.len() > 320 * 200, "it has many bytes a pixel");
    let several = stream(Kind { progressive: true, ..kind }, 320, 200);
    let shelf = || Some(Arc::new(Board::default()) as Arc<dyn crate::Shelf>);
    let part = CutRequest { region: Rect::new(64, 64, 256, 136), turn: Orientation::Normal, gray: false };
    for (name, file) in [("one scan", &large), ("several scans", &several)] {
        let source: Arc<dyn crate::RandomAccess> = Arc::new(MemoryAccess::new(file.clone()));
        let options = OpenOptions { shelf: shelf(), ..OpenOptions::default() };
        let usual = crate::open(Arc::clone(&source), &options).unwrap();
        usual.prepare(&Control::default()).unwrap();
        assert!(!usual.can_cut(0, &part), "{name}: a small picture is decoded for answers");
        let decoder = open_jpeg_to_cut(source, &options).unwrap();
        decoder.prepare(&Control::default()).unwrap();
        assert!(decoder.can_cut(0, &part), "{name}");
        let cut = decoder.cut(0, &part, &Control::default()).unwrap().unwrap();
        let wanted = DecodeRequest { level: 0, region: part.region, denominator: 1 };
        let (expected, _) = read_raster(usual.as_ref(), &wanted, &Control::default()).unwrap();
        assert!(decoded(&cut) == expected, "{name}");
    }
}

#[test]
fn the_standard_tables_are_the_librarys() {
    let file = stream(Kind { components: 3, sampling: (1, 1), ..Kind::default() }, 16, 16);
    let (parts, _) = super::super::coding::Parts::of_stream(&file).unwrap().unwrap();
    let theirs = parts.tables.iter().filter(|(marker, _)| *marker == 0xc4).flat_map(|(_, body)| body.to_vec());
    let mut ours = Vec::new();
    for (slot, table) in super::super::recode::Standard::new().tables(2) {
        table.write(slot, &mut ours);
    }
    assert_eq!(theirs.collect::<Vec<_>>(), ours);
}
