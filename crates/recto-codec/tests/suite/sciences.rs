//! What sciences store: frames and planes as pages, slides whose tiles leave as they lie, and what is refused by name.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use recto_codec::{
    Control, DecodeError, DecodeRequest, Decoder, EncodeHeader, Jp2Options, Memo, MemoryAccess, OpenOptions,
    PixelFormat, RandomAccess, Raster, jp2_encoder, open, read_raster,
};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};
use recto_testkit::{Rng, card, data_dir};

use crate::fixtures::dicom::{File, jpeg};
use crate::fixtures::fits::{self, card as fits_card};
use crate::fixtures::{self, Fixture};

/// A damaged file must be answered within this.
const PATIENCE: Duration = Duration::from_secs(2);

fn open_page(bytes: &[u8], page: u32) -> Result<Box<dyn Decoder>, DecodeError> {
    open(Arc::new(MemoryAccess::new(bytes)), &OpenOptions { page, ..OpenOptions::default() })
}

fn read(decoder: &dyn Decoder, region: Rect) -> Result<Raster, DecodeError> {
    let wanted = DecodeRequest { level: 0, region, denominator: 1 };
    read_raster(decoder, &wanted, &Control::default()).map(|(raster, _)| raster)
}

fn whole(decoder: &dyn Decoder) -> Result<Raster, DecodeError> {
    read(decoder, decoder.facts().stored_size().rect())
}

#[test]
fn planes_and_further_images_of_fits_are_pages() {
    // Two planes of 2 by 3 in the first image, a table, and another image.
    let mut file = fits::file(8, &[2, 3, 2], &[], &[1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]);
    let table = ["XTENSION= 'BINTABLE'".to_owned()];
    let numbers = |cards: &[(&str, &str)]| cards.iter().map(|(word, value)| fits_card(word, value)).collect::<Vec<_>>();
    let axes = numbers(&[
        ("BITPIX", "8"),
        ("NAXIS", "2"),
        ("NAXIS1", "10"),
        ("NAXIS2", "1"),
        ("PCOUNT", "7"),
        ("GCOUNT", "1"),
    ]);
    file.extend(fits::header(&[&table[..], &axes].concat()));
    file.extend([0; 2880]);
    let image = ["XTENSION= 'IMAGE   '".to_owned()];
    let axes =
        numbers(&[("BITPIX", "8"), ("NAXIS", "2"), ("NAXIS1", "1"), ("NAXIS2", "2"), ("PCOUNT", "0"), ("GCOUNT", "1")]);
    file.extend(fits::header(&[&image[..], &axes].concat()));
    file.extend([21, 22]);
    for (page, want) in [(1, &[5, 6, 3, 4, 1, 2][..]), (2, &[15, 16, 13, 14, 11, 12]), (3, &[22, 21])] {
        let decoder = open_page(&file, page).unwrap_or_else(|error| panic!("page {page}: {error}"));
        assert_eq!(decoder.facts().pages, 3, "page {page}");
        assert_eq!(whole(decoder.as_ref()).unwrap().data(), want, "page {page}");
    }
    assert!(matches!(open_page(&file, 4), Err(DecodeError::NoSuchPage { page: 4, pages: 3 })));
}

#[test]
fn planes_of_fits_that_are_not_there_are_no_pages() {
    // A block behind the header, whatever the header says; the last cube has no numbers by its `GCOUNT`.
    for (sides, more, pages) in [
        (&[40, 60, 4_000_000_000][..], None, 1),
        (&[40, 36, 4_000_000_000], None, 2),
        (&[4000, 3000, 4_000_000_000], None, 1),
        (&[40, 36, 4_000_000_000], Some(fits_card("GCOUNT", "0")), 2),
    ] {
        let file = fits::file(8, sides, more.as_slice(), &[7; 2880]);
        assert_eq!(open_page(&file, 1).unwrap().facts().pages, pages, "{sides:?}");
        assert!(matches!(open_page(&file, pages + 1), Err(DecodeError::NoSuchPage { .. })), "{sides:?}");
    }
    let tiny = fits::file(8, &[1, 1, 4_000_000_000], &[], &vec![7; 70_000]);
    assert!(matches!(open_page(&tiny, 1), Err(DecodeError::Unsupported { .. })));
}

#[test]
fn what_fits_holds_beside_images_is_refused_by_name() {
    let compressed = {
        let mut file = fits::header(&[fits_card("SIMPLE", "T"), fits_card("BITPIX", "8"), fits_card("NAXIS", "0")]);
        let cards = ["BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "ZIMAGE"]
            .into_iter()
            .zip(["8", "2", "8", "1", "0", "1", "T"]);
        let cards: Vec<_> = cards.map(|(word, value)| fits_card(word, value)).collect();
        file.extend(fits::header(&[&["XTENSION= 'BINTABLE'".to_owned()][..], &cards].concat()));
        file.extend([0; 2880]);
        file
    };
    for (name, bytes, words) in [
        ("compressed", compressed, "compressed images"),
        ("a list", fits::file(8, &[5], &[], &[0; 5]), "no image"),
        ("odd numbers", fits::file(12, &[1, 1], &[], &[0]), "BITPIX 12"),
    ] {
        let error = open_page(&bytes, 1).err().unwrap_or_else(|| panic!("{name} opens"));
        assert!(matches!(&error, DecodeError::Unsupported { what, .. } if what.contains(words)), "{name}: {error}");
    }
}

const TILE: Dimensions = Dimensions::new(64, 48);
const SLIDE: Dimensions = Dimensions::new(150, 100);

/// A slide of JPEG tiles, the whole of it as pixels, and the tiles.
fn slide(photometric: &str) -> (Vec<u8>, Vec<u8>, Vec<Vec<u8>>) {
    let (columns, rows) = (SLIDE.width_px.div_ceil(TILE.width_px), SLIDE.height_px.div_ceil(TILE.height_px));
    let padded = Dimensions::new(columns * TILE.width_px, rows * TILE.height_px);
    let pixels = card::rgb8(padded);
    let line = |x: u32, y: u32, w: u32| {
        let at = (y * padded.width_px + x) as usize * 3;
        &pixels[at..at + w as usize * 3]
    };
    let mut tiles = Vec::new();
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let data =
            (0..TILE.height_px).flat_map(|y| line(column * TILE.width_px, row * TILE.height_px + y, TILE.width_px));
        tiles.push(jpeg(TILE, data.copied().collect()));
    }
    let shown = (0..SLIDE.height_px).flat_map(|y| line(0, y, SLIDE.width_px)).copied().collect();
    let file = File::new("1.2.840.10008.1.2.4.50")
        .text(0x0020_9311, "TILED_FULL")
        .word(0x0028_0002, 3)
        .text(0x0028_0004, photometric)
        .text(0x0028_0008, &tiles.len().to_string())
        .word(0x0028_0010, TILE.height_px as u16)
        .word(0x0028_0011, TILE.width_px as u16)
        .word(0x0028_0100, 8)
        .long(0x0048_0006, SLIDE.width_px)
        .long(0x0048_0007, SLIDE.height_px);
    (file.packed(&tiles), shown, tiles)
}

#[test]
fn tiles_of_a_slide_leave_as_they_lie() {
    let (bytes, shown, tiles) = slide("YBR_FULL_422");
    let decoder = open_page(&bytes, 1).unwrap();
    let facts = decoder.facts();
    assert_eq!((facts.stored_size(), facts.pages), (SLIDE, 1));
    let grid = facts.levels[0].grid.expect("a slide is stored in tiles");
    assert_eq!((grid.tile, grid.passes_through), (TILE, true));
    let (_, mean) = card::distance(whole(decoder.as_ref()).unwrap().data(), &shown);
    assert!(mean < 1.0, "{mean}");
    let source = MemoryAccess::new(bytes);
    for (column, row, leaves) in
        [(0, 0, true), (1, 1, true), (2, 0, false), (0, 2, false), (2, 2, false), (9, 9, false)]
    {
        let Some(tile) = decoder.stored_tile(0, column, row) else {
            assert!(!leaves, "tile {column}, {row}");
            continue;
        };
        assert!(leaves, "tile {column}, {row} is padded");
        assert_eq!((tile.format, tile.size), (Format::Jpg, TILE));
        let sent = [tile.head.to_vec(), source.read_range(tile.body).unwrap()].concat();
        let stored = &tiles[(row * 3 + column) as usize];
        // Frames are padded to an even length.
        assert_eq!(&sent[..stored.len()], &stored[..], "tile {column}, {row}");
        assert!(sent.len() <= stored.len() + 1, "tile {column}, {row}");
    }
    assert!(decoder.stored_tile(1, 0, 0).is_none(), "there is one level");
}

#[test]
fn frames_are_pages() {
    let size = Dimensions::new(3, 2);
    let data: Vec<u8> = (0..18).collect();
    let file = File::new("1.2.840.10008.1.2.1")
        .word(0x0028_0002, 1)
        .text(0x0028_0004, "MONOCHROME2")
        .text(0x0028_0008, "3")
        .word(0x0028_0010, 2)
        .word(0x0028_0011, 3)
        .word(0x0028_0100, 8)
        .pixels(&data);
    for page in 1..=3 {
        let decoder = open_page(&file, page).unwrap();
        assert_eq!((decoder.facts().pages, decoder.facts().stored_size()), (3, size));
        let want = &data[(page as usize - 1) * 6..page as usize * 6];
        assert_eq!(whole(decoder.as_ref()).unwrap().data(), want, "page {page}");
    }
    assert!(matches!(open_page(&file, 4), Err(DecodeError::NoSuchPage { page: 4, pages: 3 })));
}

#[test]
fn what_dicom_holds_beside_images_is_refused_by_name() {
    let image = |syntax| {
        File::new(syntax)
            .word(0x0028_0002, 1)
            .text(0x0028_0004, "MONOCHROME2")
            .word(0x0028_0010, 2)
            .word(0x0028_0011, 2)
    };
    let wide = image("1.2.840.10008.1.2.1").word(0x0028_0100, 32).pixels(&[0; 16]);
    let odd = File::new("1.2.840.10008.1.2.1")
        .word(0x0028_0002, 4)
        .text(0x0028_0004, "ARGB")
        .word(0x0028_0010, 2)
        .word(0x0028_0011, 2)
        .word(0x0028_0100, 8)
        .pixels(&[0; 16]);
    for (name, bytes, words) in [
        ("32 bits", wide, "32 bits"),
        ("another photometric", odd, "ARGB"),
        ("deflated", image("1.2.840.10008.1.2.1.99").pixels(&[]), "deflated"),
        ("JPEG-LS", image("1.2.840.10008.1.2.4.80").packed(&[vec![0; 4]]), "JPEG-LS"),
        ("video", image("1.2.840.10008.1.2.4.100").packed(&[vec![0; 4]]), "transfer syntax"),
        ("no pixels", image("1.2.840.10008.1.2.1").word(0x0028_0100, 8).packed(&[]), ""),
    ] {
        let error = open_page(&bytes, 1).err().unwrap_or_else(|| panic!("{name} opens"));
        match &error {
            DecodeError::Unsupported { what, .. } => assert!(what.contains(words), "{name}: {error}"),
            DecodeError::Corrupt { .. } => assert_eq!(name, "no pixels", "{error}"),
            error => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn dicom_sequences_end_within_what_holds_them() {
    // An item of 12 bytes holds a sequence of 8 more than it has.
    let mut item = b"\xfe\xff\x00\xe0\x0c\x00\x00\x00".to_vec();
    item.extend(b"\x40\x00\x75\x02SQ\x00\x00\x08\x00\x00\x00");
    item.extend(b"\xfe\xff\x00\xe0\x00\x00\x00\x00");
    let file = File::new("1.2.840.10008.1.2.1").bytes(0x0040_0275, b"SQ", &item).word(0x0028_0010, 2).pixels(&[0; 4]);
    match open_page(&file, 1) {
        Err(DecodeError::Corrupt { what, .. }) => assert!(what.contains("within what it holds"), "{what}"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opens"),
    }
}

/// A file that counts how often it is read, and how often from its beginning.
#[derive(Debug)]
struct Counted {
    file: MemoryAccess,
    reads: AtomicU64,
    heads: AtomicU64,
}

impl Counted {
    fn new(file: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { file: MemoryAccess::new(file), reads: AtomicU64::new(0), heads: AtomicU64::new(0) })
    }
}

impl RandomAccess for Counted {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.heads.fetch_add(u64::from(offset == 0), Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }
}

const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// A slide of many small tiles, each with its place.
fn placed_tiles(columns: u32, rows: u32) -> Vec<u8> {
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    let groups = places.map(|(column, row)| {
        let place = File::new(EXPLICIT).long(0x0048_021e, column * 2 + 1).long(0x0048_021f, row * 2 + 1);
        File::new(EXPLICIT).sequence(0x0048_021a, vec![place])
    });
    let pixels: Vec<u8> = (0..columns * rows).flat_map(|tile| [tile as u8; 4]).collect();
    File::new(EXPLICIT)
        .text(0x0020_9311, "TILED_SPARSE")
        .word(0x0028_0002, 1)
        .text(0x0028_0004, "MONOCHROME2")
        .text(0x0028_0008, &(columns * rows).to_string())
        .word(0x0028_0010, 2)
        .word(0x0028_0011, 2)
        .word(0x0028_0100, 8)
        .long(0x0048_0006, columns * 2)
        .long(0x0048_0007, rows * 2)
        .sequence(0x5200_9230, groups.collect())
        .pixels(&pixels)
}

#[test]
fn places_of_tiles_are_read_many_at_a_time_and_until_nobody_waits() {
    let source = Counted::new(placed_tiles(40, 25));
    let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
    let reads = source.reads.load(Ordering::Relaxed);
    assert!(reads < 100, "{reads} reads for a thousand tiles");
    let held = decoder.held_bytes();
    assert!((1000 * 12..1000 * 200).contains(&held), "{held} bytes");
    let tile = read(decoder.as_ref(), Rect::new(38 * 2, 24 * 2, 2, 2)).unwrap();
    assert_eq!(tile.data(), [(24 * 40 + 38) as u8; 4]);
    let options = OpenOptions::default();
    options.control.cancel();
    assert!(matches!(open(source, &options), Err(DecodeError::Cancelled)));
}

#[test]
fn tiles_are_opened_also_when_the_time_for_opening_is_over() {
    let (bytes, ..) = slide("YBR_FULL_422");
    let options = OpenOptions::default();
    let decoder = open(Arc::new(MemoryAccess::new(bytes)), &options).unwrap();
    options.control.cancel();
    assert!(whole(decoder.as_ref()).is_ok());
}

#[test]
fn tiles_of_a_slide_leave_nothing_in_the_memo() {
    let pixels: Vec<u8> = (0..TILE.area_px() as u32).map(|at| (at * at / 91) as u8).collect();
    let header = EncodeHeader { size: TILE, pixels: PixelFormat::Gray8, bitonal: false, icc: None, dpi: None };
    let mut encoder = jp2_encoder(&header, &Jp2Options { quality: 100, ..Jp2Options::default() }).unwrap();
    encoder.write(&Raster::from_vec(TILE, PixelFormat::Gray8, pixels.clone())).unwrap();
    let file = File::new("1.2.840.10008.1.2.4.90")
        .text(0x0020_9311, "TILED_FULL")
        .word(0x0028_0002, 1)
        .text(0x0028_0004, "MONOCHROME2")
        .text(0x0028_0008, "1")
        .word(0x0028_0010, TILE.height_px as u16)
        .word(0x0028_0011, TILE.width_px as u16)
        .word(0x0028_0100, 8)
        .long(0x0048_0006, TILE.width_px)
        .long(0x0048_0007, TILE.height_px - 1)
        .packed(&[encoder.finish().unwrap()]);
    let memo = Arc::new(Memo::new(64 << 20));
    let options = OpenOptions { memo: Arc::clone(&memo), ..OpenOptions::default() };
    let decoder = open(Arc::new(MemoryAccess::new(file)), &options).unwrap();
    for _ in 0..2 {
        let raster = whole(decoder.as_ref()).unwrap();
        assert_eq!(raster.data(), &pixels[..raster.data().len()]);
    }
    assert_eq!(memo.held_bytes(), 0);
}

#[test]
fn the_cost_of_the_largest_frame_is_told() {
    // 65,535 squared in three samples of 16 bits: its pixels times its bytes are more than 64 bits hold.
    let file = File::new("1.2.840.10008.1.2.5")
        .word(0x0028_0002, 3)
        .text(0x0028_0004, "RGB")
        .word(0x0028_0010, u16::MAX)
        .word(0x0028_0011, u16::MAX)
        .word(0x0028_0100, 16)
        .packed(&[vec![0; 64]]);
    let decoder = open_page(&file, 1).unwrap();
    let wanted = DecodeRequest { level: 0, region: decoder.facts().stored_size().rect(), denominator: 1 };
    let cost = decoder.cost(&wanted);
    assert_eq!((cost.bytes_read, cost.pixels), (64, 65_535 * 65_535));
    assert!(cost.bytes_held >= 2 * 6 * 65_535 * 65_535, "{cost:?}");
}

#[test]
fn the_first_number_of_a_palette_has_the_sign_of_the_pixels() {
    // PS3.3 C.7.6.3.1.5: four colours for -2, -1, 0 and 1; what is beyond is as the nearest.
    let mut file = File::new(EXPLICIT)
        .word(0x0028_0002, 1)
        .text(0x0028_0004, "PALETTE COLOR")
        .word(0x0028_0010, 1)
        .word(0x0028_0011, 6)
        .word(0x0028_0100, 16)
        .word(0x0028_0101, 16)
        .word(0x0028_0102, 15)
        .word(0x0028_0103, 1);
    for tag in [0x0028_1101, 0x0028_1102, 0x0028_1103] {
        let descriptor: Vec<u8> = [4_i16, -2, 8].into_iter().flat_map(i16::to_le_bytes).collect();
        file = file.bytes(tag, b"SS", &descriptor);
    }
    for (sample, tag) in [(0, 0x0028_1201), (1, 0x0028_1202), (2, 0x0028_1203)] {
        file = file.bytes(tag, b"OW", &[10, 20, 30, 40].map(|value| value + sample));
    }
    let numbers: Vec<u8> = [-3_i16, -2, -1, 0, 1, 2].into_iter().flat_map(i16::to_le_bytes).collect();
    let decoder = open_page(&file.pixels(&numbers), 1).unwrap();
    let want: Vec<u8> = [10, 10, 20, 30, 40, 40].into_iter().flat_map(|value| [value, value + 1, value + 2]).collect();
    assert_eq!(whole(decoder.as_ref()).unwrap().data(), want);
}

#[test]
fn the_headers_of_exr_are_read_once_for_all_strips() {
    let size = Dimensions::new(40, 1500);
    let source = Counted::new(fixtures::exr::rows(size));
    let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
    source.heads.store(0, Ordering::Relaxed);
    let raster = whole(decoder.as_ref()).unwrap();
    let heads = source.heads.load(Ordering::Relaxed);
    assert!(heads <= 1, "its beginning was read {heads} times");
    assert_eq!(decoder.held_bytes(), 1500 * 8);
    let part = read(decoder.as_ref(), Rect::new(7, 700, 20, 300)).unwrap();
    for y in 0..300 {
        assert_eq!(part.row(y), &raster.row(700 + y)[7 * 6..27 * 6], "row {y}");
    }
}

#[test]
fn real_medical_images_have_their_sizes_and_pixels() {
    let Some(data) = data_dir() else { return };
    let cases = [
        // The numbers at these places of the file are the colour.
        ("images/cantaloupe/dcm.dcm", (256, 120), 1, &[0x28, 0x28, 0x28][..]),
        ("images/libvips/dicom_test_image.dcm", (128, 128), 4, &[0, 0]),
    ];
    for (name, (w, h), pages, first) in cases {
        let bytes = std::fs::read(data.join(name)).unwrap();
        let decoder = open_page(&bytes, 1).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decoder.facts().stored_size(), Dimensions::new(w, h), "{name}");
        assert_eq!(decoder.facts().pages, pages, "{name}");
        assert_eq!(&whole(decoder.as_ref()).unwrap().data()[..first.len()], first, "{name}");
    }
}

/// Every form of the formats of this kind.
fn all() -> Vec<Fixture> {
    [
        fixtures::dicom::fixtures(),
        fixtures::exr::fixtures(),
        fixtures::fits::fixtures(),
        fixtures::pdf::fixtures(),
        fixtures::psd::fixtures(),
        fixtures::svg::fixtures(),
        fixtures::xpm::fixtures(),
    ]
    .concat_all()
}

/// Joins lists whose items cannot be copied.
trait ConcatAll<T> {
    fn concat_all(self) -> Vec<T>;
}

impl<T, const N: usize> ConcatAll<T> for [Vec<T>; N] {
    fn concat_all(self) -> Vec<T> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn changed_files_give_errors_or_pixels() {
    let options = OpenOptions { max_pixels: 1 << 24, max_bytes: 256 << 20, ..OpenOptions::default() };
    let mut rng = Rng::new(29);
    let mut opened = 0;
    for fixture in all() {
        for round in 0..60 {
            let mut bytes = fixture.bytes.clone();
            let headers = bytes.len().min(900);
            match round % 4 {
                // Changed in the headers, anywhere, cut, and doubled in parts.
                0 | 1 => {
                    for _ in 0..=rng.below(6) {
                        let end = if round % 4 == 0 { headers } else { bytes.len() };
                        bytes[rng.below(end as u32) as usize] = rng.next_u64() as u8;
                    }
                }
                2 => bytes.truncate(rng.below(bytes.len() as u32) as usize),
                _ => {
                    let (from, to) = (rng.below(headers as u32) as usize, rng.below(headers as u32) as usize);
                    let part = bytes[from.min(to)..from.max(to)].to_vec();
                    let at = rng.below(headers as u32) as usize;
                    bytes.splice(at..at, part);
                }
            }
            let started = Instant::now();
            let peak = crate::memory::peak_bytes(|| {
                let result = open(Arc::new(MemoryAccess::new(bytes.as_slice())), &options).and_then(|decoder| {
                    let size = decoder.facts().stored_size();
                    let region = Rect::new(size.width_px / 3, 0, size.width_px.div_ceil(3), size.height_px);
                    read(decoder.as_ref(), region)
                });
                opened += u32::from(result.is_ok());
            });
            assert!(started.elapsed() < PATIENCE, "{} round {round} took {:?}", fixture.name, started.elapsed());
            assert!(peak <= 300 << 20, "{} round {round} held {peak} bytes", fixture.name);
        }
    }
    assert!(opened > 100, "most damage is where it does not hurt: {opened}");
}
