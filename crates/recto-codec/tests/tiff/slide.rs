//! Slides of Hamamatsu's (NDPI): levels of a page, and parts of JPEG streams that no frame could describe.

use std::io;
use std::sync::Arc;

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use recto_codec::{
    Control, CutRequest, DecodeError, Decoder, OpenOptions, Orientation, PixelFormat, RandomAccess, open,
};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::card;

use crate::builder::{ASCII, Builder, Entry, FLOAT, LONG, SHORT};
use crate::counted::Counted;
use crate::{open_bytes, open_page, read, read_all};

const SIGNED_LONG: u16 = 9;
/// Neither side is a whole number of parts.
const SIZE: Dimensions = Dimensions::new(250, 90);
const HALF: Dimensions = Dimensions::new(125, 45);
const QUARTER: Dimensions = Dimensions::new(62, 22);
const MACRO: Dimensions = Dimensions::new(70, 30);
/// Between two restart markers.
const PART: Dimensions = Dimensions::new(32, 8);

fn encode(rows: &[u8], size: Dimensions) -> Vec<u8> {
    let mut stream = Vec::new();
    JpegEncoder::new_with_quality(&mut stream, 92)
        .encode(rows, size.width_px, size.height_px, ExtendedColorType::Rgb8)
        .unwrap();
    stream
}

/// Everything before the data of a stream, for a frame of another size and with restart markers; and the data.
fn split(stream: &[u8], framed: Dimensions, interval: u32) -> (Vec<u8>, Vec<u8>) {
    let (mut head, mut at) = (stream[..2].to_vec(), 2);
    loop {
        let length = 2 + usize::from(u16::from_be_bytes([stream[at + 2], stream[at + 3]]));
        let mut segment = stream[at..at + length].to_vec();
        let marker = segment[1];
        if marker == 0xc0 {
            segment[5..7].copy_from_slice(&(framed.height_px as u16).to_be_bytes());
            segment[7..9].copy_from_slice(&(framed.width_px as u16).to_be_bytes());
        }
        at += length;
        if marker == 0xda {
            head.extend([0xff, 0xdd, 0, 4]);
            head.extend((interval as u16).to_be_bytes());
            head.extend(segment);
            return (head, stream[at..stream.len() - 2].to_vec());
        }
        head.extend(segment);
    }
}

/// A stream with a restart marker behind each part of this size, whose frame says `framed`; and where each part begins in it.
fn restarted(rows: &[u8], size: Dimensions, part: Dimensions, framed: Dimensions) -> (Vec<u8>, Vec<u64>) {
    let (mut stream, mut starts) = (Vec::new(), Vec::new());
    for top in (0..size.height_px).step_by(part.height_px as usize) {
        for left in (0..size.width_px).step_by(part.width_px as usize) {
            let mut pixels = Vec::new();
            for y in top..top + part.height_px {
                for x in left..left + part.width_px {
                    let (x, y) = (x.min(size.width_px - 1), y.min(size.height_px - 1));
                    let at = (y * size.width_px + x) as usize * 3;
                    pixels.extend(&rows[at..at + 3]);
                }
            }
            let (head, data) = split(&encode(&pixels, part), framed, part.width_px / 8);
            match starts.len() {
                0 => stream = head,
                parts => stream.extend([0xff, 0xd0 + ((parts - 1) % 8) as u8]),
            }
            starts.push(stream.len() as u64);
            stream.extend(data);
        }
    }
    stream.extend([0xff, 0xd9]);
    (stream, starts)
}

fn card_in_parts(size: Dimensions) -> (Vec<u8>, Vec<u64>) {
    restarted(&card::rgb8(size), size, PART, size)
}

/// A directory for a strip that lies there, made with this lens in this plane of focus.
fn entries(size: Dimensions, strip: (u64, u64), lens: f32, focal_plane: i32, starts: &[u64]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = vec![
        (256, LONG, vec![size.width_px.into()]),
        (257, LONG, vec![size.height_px.into()]),
        (258, SHORT, vec![8, 8, 8]),
        (259, SHORT, vec![7]),
        (262, SHORT, vec![6]),
        (271, ASCII, b"Hamamatsu\0".iter().map(|byte| u64::from(*byte)).collect()),
        (273, LONG, vec![strip.0]),
        (277, SHORT, vec![3]),
        (278, LONG, vec![size.height_px.into()]),
        (279, LONG, vec![strip.1]),
        (65420, LONG, vec![1]),
        (65421, FLOAT, vec![lens.to_bits().into()]),
        (65424, SIGNED_LONG, vec![u64::from(focal_plane as u32)]),
    ];
    if !starts.is_empty() {
        entries.push((65426, LONG, starts.to_vec()));
    }
    entries
}

/// Adds a level, or what a negative lens stands for.
fn add(builder: &mut Builder, size: Dimensions, lens: f32, focal_plane: i32, stream: Vec<u8>, starts: &[u64]) {
    let (offsets, counts) = builder.chunks(&[stream]);
    builder.directory(&entries(size, (offsets[0], counts[0]), lens, focal_plane, starts));
}

/// Two levels in parts and one without restart markers, the macro image, and the map.
pub(crate) fn slide() -> Vec<u8> {
    let mut builder = Builder::new(false, false);
    for (size, lens) in [(SIZE, 20.0), (HALF, 10.0)] {
        let (stream, starts) = card_in_parts(size);
        add(&mut builder, size, lens, 0, stream, &starts);
    }
    add(&mut builder, QUARTER, 5.0, 0, encode(&card::rgb8(QUARTER), QUARTER), &[]);
    add(&mut builder, MACRO, -1.0, 0, encode(&card::rgb8(MACRO), MACRO), &[]);
    let (offsets, _) = builder.chunks(&[vec![77; 600]]);
    builder.directory(&[
        (256, LONG, vec![30]),
        (257, LONG, vec![20]),
        (258, SHORT, vec![8]),
        (262, SHORT, vec![1]),
        (273, LONG, offsets),
        (65420, LONG, vec![1]),
        (65421, FLOAT, vec![(-2.0_f32).to_bits().into()]),
    ]);
    builder.bytes
}

/// The card as a JPEG file of its own.
fn flat(size: Dimensions) -> Box<dyn Decoder> {
    open_bytes(&card_in_parts(size).0).unwrap()
}

fn is_card(decoder: &dyn Decoder, level: usize) -> bool {
    let size = decoder.facts().levels[level].size;
    let raster = read_all(decoder, level).unwrap();
    let (worst, mean) = card::distance(raster.data(), &card::rgb8(size));
    raster.format() == PixelFormat::Rgb8 && worst < 12 && mean < 2.0
}

#[test]
fn d20_magnifications_of_a_slide_are_levels_and_its_macro_image_and_map_are_pages() {
    let file = slide();
    let decoder = open_bytes(&file).unwrap();
    let facts = decoder.facts();
    assert_eq!((facts.pages, facts.compression.as_str()), (3, "JPEG, restart intervals of 32x8"));
    assert_eq!(facts.levels.iter().map(|level| level.size).collect::<Vec<_>>(), [SIZE, HALF, QUARTER]);
    assert!(facts.levels.iter().all(|level| level.grid.is_none()), "such tiles are not for viewers");
    assert_eq!(facts.max_denominator, 8);
    assert!((0..3).all(|level| is_card(decoder.as_ref(), level)));
    let overview = open_page(&file, 2).unwrap();
    assert_eq!(overview.facts().size(), MACRO);
    assert!(is_card(overview.as_ref(), 0));
    let map = open_page(&file, 3).unwrap();
    assert_eq!(read_all(map.as_ref(), 0).unwrap().data(), [77; 600]);
    assert!(matches!(open_page(&file, 4), Err(DecodeError::NoSuchPage { page: 4, pages: 3 })));
}

#[test]
fn each_plane_of_focus_is_a_page_and_the_middle_one_comes_first() {
    let sides = [Dimensions::new(64, 48), Dimensions::new(32, 24)];
    let plain = |size: Dimensions, gray: u8| encode(&vec![gray; size.area_px() as usize * 3], size);
    // Plane by plane, and size by size.
    let planes = [(-2000, 40), (0, 120), (2000, 200)];
    let by_plane: Vec<_> = planes.iter().flat_map(|plane| sides.map(|size| (*plane, size))).collect();
    let by_size: Vec<_> = sides.iter().flat_map(|size| planes.map(|plane| (plane, *size))).collect();
    for order in [by_plane, by_size] {
        let mut builder = Builder::new(false, false);
        for ((focal_plane, gray), size) in order {
            add(&mut builder, size, 20.0, focal_plane, plain(size, gray), &[]);
        }
        add(&mut builder, MACRO, -1.0, 0, encode(&card::rgb8(MACRO), MACRO), &[]);
        for (page, gray) in [(1, 120_u8), (2, 40), (3, 200)] {
            let decoder = open_page(&builder.bytes, page).unwrap();
            assert_eq!(decoder.facts().pages, 4);
            assert_eq!(decoder.facts().levels.iter().map(|level| level.size).collect::<Vec<_>>(), sides, "{page}");
            for level in 0..2 {
                let raster = read_all(decoder.as_ref(), level).unwrap();
                assert!(raster.data().iter().all(|sample| sample.abs_diff(gray) < 3), "page {page}, level {level}");
            }
        }
    }
}

#[test]
fn a_part_of_a_slide_reads_the_restart_intervals_that_it_touches_and_has_their_pixels() {
    let source = Counted::new(slide());
    let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
    let (_, starts) = card_in_parts(SIZE);
    let flat = flat(SIZE);
    for (region, denominator) in [
        (Rect::new(0, 0, 250, 90), 1),
        (Rect::new(31, 7, 2, 2), 1),
        (Rect::new(40, 13, 100, 50), 1),
        (Rect::new(224, 80, 26, 10), 1),
        (Rect::new(0, 0, 250, 90), 2),
        (Rect::new(32, 16, 128, 64), 4),
        (Rect::new(0, 0, 250, 90), 8),
    ] {
        source.spent();
        let part = read(decoder.as_ref(), 0, region, denominator).unwrap();
        let (_, bytes) = source.spent();
        assert!(part.data() == read(flat.as_ref(), 0, region, denominator).unwrap().data(), "{region} {denominator}");
        let touched = |from: u32, end: u64, side: u32| end.div_ceil(side.into()) - u64::from(from / side);
        let across = touched(region.x, region.right(), PART.width_px);
        let parts = across * touched(region.y, region.bottom(), PART.height_px);
        let largest = starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(bytes <= parts * largest, "{region}: {bytes} bytes for {parts} parts of at most {largest}");
    }
}

#[test]
fn parts_of_a_slide_leave_with_their_coefficients() {
    let decoder = open_bytes(&slide()).unwrap();
    for region in [Rect::new(40, 16, 100, 50), Rect::new(0, 0, 32, 8), Rect::new(200, 80, 50, 10), SIZE.rect()] {
        let wanted = CutRequest { region, turn: Orientation::Normal, gray: false };
        assert!(decoder.can_cut(0, &wanted), "{region}");
        assert!(decoder.stored_tile(0, region.x / 32, region.y / 8).is_none(), "an interval by itself is no file");
        let cut = decoder.cut(0, &wanted, &Control::default()).unwrap().expect("it is made of intervals");
        let shown = read_all(open_bytes(&cut).unwrap().as_ref(), 0).unwrap();
        assert!(shown.data() == read(decoder.as_ref(), 0, region, 1).unwrap().data(), "{region}");
    }
    // Not on the grid of blocks, and of a level that has no intervals.
    let off = CutRequest { region: Rect::new(1, 0, 32, 8), turn: Orientation::Normal, gray: false };
    assert!(!decoder.can_cut(0, &off));
    assert!(!decoder.can_cut(2, &CutRequest { region: Rect::new(0, 0, 8, 8), ..off }));
}

/// A level that is longer than a frame can say: three parts side by side, each of one gray.
fn long_level(listed: bool) -> Vec<u8> {
    let (size, part) = (Dimensions::new(72_000, 8), Dimensions::new(24_000, 8));
    let row: Vec<u8> = (0..size.width_px * 3).map(|i| (i / (3 * part.width_px) * 80 + 40) as u8).collect();
    let (stream, starts) = restarted(&row.repeat(8), size, part, Dimensions::new(0, 8));
    let mut builder = Builder::new(false, false);
    add(&mut builder, size, 40.0, 0, stream, if listed { &starts } else { &[] });
    builder.bytes
}

#[test]
fn a_slide_longer_than_a_frame_can_say_is_read_and_one_without_its_list_is_refused() {
    let decoder = open_bytes(&long_level(true)).unwrap();
    assert_eq!(decoder.facts().size(), Dimensions::new(72_000, 8));
    for (region, grays) in [
        (Rect::new(71_990, 0, 10, 8), vec![200; 10]),
        (Rect::new(0, 3, 4, 1), vec![40; 4]),
        (Rect::new(23_998, 0, 4, 8), vec![40, 40, 120, 120]),
    ] {
        let raster = read(decoder.as_ref(), 0, region, 1).unwrap();
        for y in 0..region.h {
            let reds: Vec<u8> = raster.row(y).iter().step_by(3).copied().collect();
            assert!(reds.iter().zip(&grays).all(|(a, b): (&u8, &u8)| a.abs_diff(*b) < 3), "{region}: {reds:?}");
        }
    }
    let error = open_bytes(&long_level(false)).err().unwrap();
    assert!(matches!(error, DecodeError::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("72000x8 pixels without a list of its restart markers"), "{error}");
}

#[test]
fn a_list_of_restart_markers_that_does_not_fit_is_not_believed() {
    let (stream, starts) = card_in_parts(SIZE);
    let flat = read_all(flat(SIZE).as_ref(), 0).unwrap();
    let open_with = |starts: &[u64]| {
        let mut builder = Builder::new(false, false);
        add(&mut builder, SIZE, 20.0, 0, stream.clone(), starts);
        open_bytes(&builder.bytes).unwrap()
    };
    let (mut swapped, mut outside) = (starts.clone(), starts.clone());
    swapped.swap(4, 5);
    *outside.last_mut().unwrap() = stream.len() as u64;
    // Then the strip is decoded as a whole.
    for list in [&starts[..starts.len() - 1], &swapped[..], &outside[..]] {
        let decoder = open_with(list);
        assert_eq!(decoder.facts().compression, "JPEG, strips of 90 rows");
        assert!(read_all(decoder.as_ref(), 0).unwrap().data() == flat.data());
    }
    // The first is behind the head, whatever is noted.
    let mut shifted = starts.clone();
    shifted[0] = 0;
    assert!(read_all(open_with(&shifted).as_ref(), 0).unwrap().data() == flat.data());
    // In order, but not behind a marker: the fourth part does not end where it should.
    let mut wrong = starts.clone();
    wrong[4] += 1;
    let decoder = open_with(&wrong);
    assert!(read(decoder.as_ref(), 0, Rect::new(0, 0, 96, 8), 1).is_ok());
    let error = read(decoder.as_ref(), 0, Rect::new(96, 0, 32, 8), 1).err().unwrap();
    assert_eq!(error.to_string(), "the TIFF file is damaged: tile 3 does not end with a restart marker");
}

#[test]
fn a_small_level_whose_directory_and_stream_round_differently_is_shown() {
    for (directory, stream, shown) in [((62, 22), (63, 22), (62, 22)), ((63, 23), (62, 22), (62, 22))] {
        let of = |(w, h): (u32, u32)| Dimensions::new(w, h);
        let mut builder = Builder::new(false, false);
        add(&mut builder, of(directory), 5.0, 0, encode(&card::rgb8(of(stream)), of(stream)), &[]);
        let decoder = open_bytes(&builder.bytes).unwrap();
        assert_eq!(decoder.facts().size(), of(shown), "{directory:?} {stream:?}");
        let whole = read_all(open_bytes(&encode(&card::rgb8(of(stream)), of(stream))).unwrap().as_ref(), 0).unwrap();
        let raster = read_all(decoder.as_ref(), 0).unwrap();
        let row = shown.0 as usize * 3;
        assert!((0..shown.1).all(|y| raster.row(y) == &whole.row(y)[..row]), "{directory:?} {stream:?}");
    }
}

/// So many bytes of nothing lie within a file that is larger than classic TIFF can be.
const HOLE: u64 = 5 << 30;

/// Bytes around a hole.
#[derive(Debug)]
struct Sparse {
    written: Vec<u8>,
    hole: u64,
}

impl RandomAccess for Sparse {
    fn len(&self) -> u64 {
        self.written.len() as u64 + HOLE
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (byte, at) in buffer.iter_mut().zip(offset..) {
            let written = if at < self.hole { Some(at) } else { at.checked_sub(HOLE).filter(|at| *at >= self.hole) };
            *byte = written.map_or(0, |at| self.written[at as usize]);
        }
        Ok(())
    }
}

impl Sparse {
    /// Where what is written next will lie.
    fn next(&self) -> u64 {
        let at = self.written.len() as u64;
        if at < self.hole { at } else { at + HOLE }
    }

    /// Writes a directory in the form of large slides, to which the one whose end is `link` points; gives where its own is.
    fn directory(&mut self, entries: &[Entry], link: usize) -> usize {
        let (mut table, mut upper): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        for (tag, kind, values) in entries {
            let size = match *kind {
                ASCII => 1,
                SHORT => 2,
                _ => 4,
            };
            let mut field: Vec<u8> = match &values[..] {
                // What does not fit into the entry goes on behind the directory.
                [value] if *kind == LONG => value.to_le_bytes().to_vec(),
                values => values.iter().flat_map(|value| value.to_le_bytes().into_iter().take(size)).collect(),
            };
            if *kind == ASCII || (values.len() > 1 && field.len() > 4) {
                let at = self.next();
                self.written.extend(&field);
                field = at.to_le_bytes().to_vec();
            }
            field.resize(8, 0);
            table.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            table.extend((values.len() as u32).to_le_bytes());
            table.extend(&field[..4]);
            upper.extend(&field[4..]);
        }
        let at = self.next().to_le_bytes();
        self.written[link..link + 8].copy_from_slice(&at);
        self.written.extend((entries.len() as u16).to_le_bytes());
        self.written.extend(table);
        let link = self.written.len();
        self.written.extend([0; 8]);
        self.written.extend(upper);
        link
    }
}

#[test]
fn a_slide_beyond_4_gib_has_the_upper_halves_of_its_places_behind_each_directory() {
    let (stream, mut starts) = card_in_parts(SIZE);
    // The hole is behind the first part of the first level.
    let mut file = Sparse { written: b"II*\0\0\0\0\0\0\0\0\0".to_vec(), hole: 12 + starts[1] };
    file.written.extend(&stream);
    starts[1..].iter_mut().for_each(|start| *start += HOLE);
    let mut first = entries(SIZE, (12, stream.len() as u64 + HOLE), 40.0, 0, &[]);
    first.push((65426, LONG, starts.iter().map(|start| start & 0xffff_ffff).collect()));
    first.push((65432, LONG, starts.iter().map(|start| start >> 32).collect()));
    let (stream, starts) = card_in_parts(HALF);
    let link = file.directory(&first, 4);
    let second = (file.next(), stream.len() as u64);
    file.written.extend(stream);
    let link = file.directory(&entries(HALF, second, 20.0, 0, &starts), link);
    let overview = (file.next(), encode(&card::rgb8(MACRO), MACRO));
    file.written.extend(&overview.1);
    file.directory(&entries(MACRO, (overview.0, overview.1.len() as u64), -1.0, 0, &[]), link);

    let source = Arc::new(file);
    let decoder = open(Arc::clone(&source) as Arc<dyn RandomAccess>, &OpenOptions::default()).unwrap();
    let facts = decoder.facts();
    assert_eq!(facts.pages, 2);
    assert_eq!(facts.levels.iter().map(|level| level.size).collect::<Vec<_>>(), [SIZE, HALF]);
    let region = Rect::new(33, 9, 210, 80);
    let part = read(decoder.as_ref(), 0, region, 1).unwrap();
    assert!(part.data() == read(flat(SIZE).as_ref(), 0, region, 1).unwrap().data());
    assert!(read_all(decoder.as_ref(), 1).unwrap().data() == read_all(flat(HALF).as_ref(), 0).unwrap().data());
    let options = OpenOptions { page: 2, ..OpenOptions::default() };
    assert!(is_card(open(source, &options).unwrap().as_ref(), 0));
}
