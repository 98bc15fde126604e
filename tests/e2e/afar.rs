//! D11, D20: long originals in a store across a network, of which the server fetches what it needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use image::{GrayImage, ImageFormat, Luma};
use recto_testkit::linearized::{self, Linearized};
use recto_testkit::store::{Fill, HeldBack, Object, Store};

use crate::support::{Library, Server};

const LATENCY: Duration = Duration::from_millis(30);
const SIZE: (u32, u32) = (40_000, 30_000);
const TILE: u32 = 256;
const TILE_BYTES: u64 = (TILE * TILE) as u64;
/// From one tile to the next: what is between belongs to nobody.
const STRIDE: u64 = 256 << 10;
const MIB: u64 = 1 << 20;

fn noise(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// Width, height, tiles across, and the number of the first tile of each level; and how many tiles there are.
fn levels() -> (Vec<(u32, u32, u32, u64)>, u64) {
    let ((mut width, mut height), mut tiles, mut levels) = (SIZE, 0, Vec::new());
    loop {
        let across = width.div_ceil(TILE);
        levels.push((width, height, across, tiles));
        tiles += u64::from(across) * u64::from(height.div_ceil(TILE));
        if width.max(height) <= TILE {
            return (levels, tiles);
        }
        (width, height) = (width.div_ceil(2), height.div_ceil(2));
    }
}

/// A pyramid as `BigTIFF`, more than 4 GiB long: all directories before the tiles, or behind them.
#[derive(Clone)]
struct Pyramid {
    length: u64,
    first_tile: u64,
    directories: Vec<u8>,
    directories_at: u64,
    /// What lies in the place of each tile; noise if it is empty.
    tile: Vec<u8>,
}

impl Pyramid {
    fn new(directories_last: bool, tile: Vec<u8>) -> Self {
        let (levels, tiles) = levels();
        let stored = if tile.is_empty() { TILE_BYTES } else { tile.len() as u64 };
        let first_tile = if directories_last { 16 } else { MIB };
        let end_of_tiles = first_tile + (tiles - 1) * STRIDE + stored;
        let directories_at = if directories_last { end_of_tiles } else { 16 };
        let mut directories = Vec::new();
        for (number, (width, height, across, first)) in levels.iter().enumerate() {
            let count = u64::from(*across) * u64::from(height.div_ceil(TILE));
            let at = directories_at + directories.len() as u64;
            let values = at + 8 + 11 * 20 + 8;
            let next = if number + 1 == levels.len() { 0 } else { values + 12 * count };
            // One tile is noted where it is counted.
            let place = |own: u64, apart: u64| if count == 1 { own } else { apart };
            let entries: [(u16, u16, u64, u64); 11] = [
                (254, 4, 1, u64::from(number > 0)),
                (256, 4, 1, (*width).into()),
                (257, 4, 1, (*height).into()),
                (258, 3, 1, 8),
                (259, 3, 1, if tile.is_empty() { 1 } else { 7 }),
                (262, 3, 1, 1),
                (277, 3, 1, 1),
                (322, 4, 1, TILE.into()),
                (323, 4, 1, TILE.into()),
                (324, 16, count, place(first_tile + first * STRIDE, values)),
                (325, 4, count, place(stored, values + 8 * count)),
            ];
            directories.extend((entries.len() as u64).to_le_bytes());
            for (tag, kind, count, value) in entries {
                directories.extend(tag.to_le_bytes().into_iter().chain(kind.to_le_bytes()));
                directories.extend(count.to_le_bytes().into_iter().chain(value.to_le_bytes()));
            }
            directories.extend(next.to_le_bytes());
            if count > 1 {
                directories.extend((*first..first + count).flat_map(|n| (first_tile + n * STRIDE).to_le_bytes()));
                directories.extend((0..count).flat_map(|_| (stored as u32).to_le_bytes()));
            } else {
                directories.extend([0; 12]);
            }
        }
        let length = if directories_last { directories_at + directories.len() as u64 } else { end_of_tiles };
        Self { length, first_tile, directories, directories_at, tile }
    }

    fn byte(&self, offset: u64) -> u8 {
        let header = [*b"II\x2b\0\x08\0\0\0", self.directories_at.to_le_bytes()].concat();
        if let Some(byte) = header.get(offset as usize) {
            return *byte;
        }
        let within = offset.checked_sub(self.directories_at).and_then(|at| self.directories.get(at as usize));
        if let Some(byte) = within {
            return *byte;
        }
        let place = offset.saturating_sub(self.first_tile) % STRIDE;
        if self.tile.is_empty() { noise(offset) } else { self.tile.get(place as usize).copied().unwrap_or(0) }
    }

    fn object(&self) -> Object {
        let this = self.clone();
        let fill: Fill = Arc::new(move |offset, buffer| {
            buffer.iter_mut().zip(offset..).for_each(|(byte, at)| *byte = this.byte(at));
        });
        Object { length: self.length, fill, etag: Some("\"1\"".to_owned()), has_ranges: true, refuses_ranges: false }
    }

    /// The pixels of a tile of a level, where all of it is visible.
    fn pixels(&self, level: usize, column: u32, row: u32) -> GrayImage {
        let (_, _, across, first) = levels().0[level];
        let at = self.first_tile + (first + u64::from(row * across + column)) * STRIDE;
        match self.tile.as_slice() {
            [] => GrayImage::from_fn(TILE, TILE, |x, y| Luma([noise(at + u64::from(y * TILE + x))])),
            tile => image::load_from_memory(tile).unwrap().to_luma8(),
        }
    }
}

fn jpeg_tile() -> Vec<u8> {
    let picture = GrayImage::from_fn(TILE, TILE, |x, y| Luma([((x * y) >> 4) as u8 ^ noise(u64::from(x + y))]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn serve(library: &Library, store: &Store) -> Server {
    serve_with(library, &[store], &[])
}

fn serve_with(library: &Library, stores: &[&Store], more: &[&str]) -> Server {
    let urls: Vec<_> = stores.iter().map(|store| format!("\"{}\"", store.url("/"))).collect();
    let prefixes = format!("source.remote.prefixes=[{}]", urls.join(","));
    let mut arguments = vec!["--set", &*prefixes, "--set", "library.look_ahead=false"];
    arguments.extend_from_slice(more);
    library.serve(&arguments)
}

/// The path of an image that lies there.
fn of(store: &Store, path: &str) -> String {
    let url = store.url(path);
    let encoded = percent_encoding::utf8_percent_encode(&url, percent_encoding::NON_ALPHANUMERIC).to_string();
    format!("/iiif/3/{}", encoded.replace("%2E", "."))
}

#[test]
fn d11_a_cold_tile_of_gigabytes_takes_three_requests_and_a_second_one_takes_one() {
    let (store, library) = (Store::new(LATENCY), Library::new());
    let server = serve(&library, &store);
    for (directories_last, tile) in [(false, vec![]), (true, vec![]), (false, jpeg_tile()), (true, jpeg_tile())] {
        let pyramid = Pyramid::new(directories_last, tile);
        let named = format!("directories last: {directories_last}, JPEG: {}", !pyramid.tile.is_empty());
        assert!(pyramid.length > 5 << 30);
        let path = format!("/{directories_last}-{}.tif", pyramid.tile.len());
        store.put(&path, pyramid.object());
        let base = of(&store, &path);
        let tile = |level: usize, column: u32, row: u32| {
            let (side, factor) = (TILE << level, 1 << level);
            let (x, y) = (column * side, row * side);
            let format = if pyramid.tile.is_empty() { "png" } else { "jpg" };
            let size = format!("{},{}", side / factor, side / factor);
            let answer = server.get(&format!("{base}/{x},{y},{side},{side}/{size}/0/default.{format}"));
            assert_eq!(answer.status, 200, "{named}: {}", answer.text());
            let wanted = pyramid.pixels(level, column, row);
            assert!(answer.image().to_luma8() == wanted, "{named}: level {level}, {column},{row} has other pixels");
            let given = store.given();
            (given.len(), given.iter().map(|given| given.bytes).sum::<u64>())
        };
        let (requests, bytes) = tile(2, 5, 7);
        assert!(requests <= 3 && bytes <= MIB, "{named}: the first tile took {requests} requests, {bytes} bytes");
        let stored = if pyramid.tile.is_empty() { TILE_BYTES } else { pyramid.tile.len() as u64 };
        // Beyond 4 GiB, and of other levels.
        for (level, column, row) in [(2, 6, 7), (0, 150, 116), (5, 3, 2)] {
            let (requests, bytes) = tile(level, column, row);
            assert!(requests == 1 && bytes <= 2 * stored, "{named}: a tile took {requests} requests, {bytes} bytes");
        }
        assert_eq!(tile(0, 150, 116), (0, 0), "{named}: what is known is not fetched again");
        let info = server.get(&format!("{base}/info.json")).json();
        assert_eq!((&info["width"], &info["height"]), (&SIZE.0.into(), &SIZE.1.into()));
        assert_eq!(info["tiles"][0]["width"], TILE);
        assert_eq!(store.given(), []);
    }
    server.assert_clean_log();
}

#[test]
fn d11_a_store_without_ranges_is_noticed_and_its_files_are_fetched_whole() {
    let (store, library) = (Store::new(LATENCY), Library::new());
    let server = serve(&library, &store);
    let layout = recto_testkit::tiff::Layout {
        tile: recto_iiif::Dimensions::new(TILE, TILE),
        samples: 1,
        big_endian: false,
        big_tiff: false,
        levels: recto_testkit::tiff::Levels::Chain,
    };
    let size = recto_iiif::Dimensions::new(4608, 4608);
    let rows: Vec<u8> = (0..size.area_px()).map(noise).collect();
    let bytes = recto_testkit::tiff::pyramid(&layout, &[(size, rows.clone())]);
    let length = bytes.len() as u64;
    assert!(length > 16 * MIB, "such as would stay where it is");
    for (path, has_ranges) in [("/with.tif", true), ("/without.tif", false)] {
        store.put(path, Object { has_ranges, ..Object::of(bytes.clone(), "\"1\"") });
        let answer = server.get(&format!("{}/512,1024,256,256/max/0/default.png", of(&store, path)));
        let shown = answer.image().to_luma8();
        let wanted = GrayImage::from_fn(TILE, TILE, |x, y| Luma([rows[((1024 + y) * 4608 + 512 + x) as usize]]));
        assert!(shown == wanted, "{path} has other pixels");
        let fetched: u64 = store.given().iter().map(|given| given.bytes).sum();
        assert_eq!(fetched == length, !has_ranges, "{path}: {fetched} of {length} bytes");
    }
    server.assert_clean_log();
}

#[test]
fn d11_what_is_replaced_in_the_store_is_new_once_it_is_read_again() {
    let (store, library) = (Store::new(Duration::ZERO), Library::new());
    let server = serve(&library, &store);
    let mut pyramid = Pyramid::new(false, jpeg_tile());
    store.put("/a.tif", pyramid.object());
    let base = of(&store, "/a.tif");
    let tile = |x: u32| server.get(&format!("{base}/{x},0,256,256/max/0/default.jpg"));
    assert_eq!(tile(0).image().to_luma8(), pyramid.pixels(0, 0, 0));
    // Other content, of another tag.
    let mut other = std::io::Cursor::new(Vec::new());
    GrayImage::from_pixel(TILE, TILE, Luma([77])).write_to(&mut other, ImageFormat::Jpeg).unwrap();
    pyramid = Pyramid::new(false, other.into_inner());
    store.put("/a.tif", Object { etag: Some("\"2\"".to_owned()), ..pyramid.object() });
    // A tile that was not read is of the new one, or says that there is another one now.
    let answer = tile(256);
    if answer.status != 200 {
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.header("retry-after"), "5");
    }
    for x in [256, 0, 512] {
        let answer = tile(x);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.image().to_luma8(), pyramid.pixels(0, 0, 0), "{x}");
    }
}

#[test]
fn d20_the_first_page_of_a_linearized_document_of_100_mb_comes_without_the_rest() {
    let (store, library) = (Store::new(LATENCY), Library::new());
    let server = serve(&library, &store);
    let page = |rest: &str| format!("<< /Type /Page /Parent 1 0 R /MediaBox [0 0 24 24] {rest} >>").into_bytes();
    // A page whose picture cannot be packed.
    let fill = |color: &str, bytes: u64| {
        let mut content = format!("{color} rg 0 0 24 24 re f %").into_bytes();
        content.extend((0..bytes).map(|at| noise(at).max(b' ')));
        linearized::stream("", &content)
    };
    let document = Linearized {
        first: vec![
            b"<< /Type /Catalog /Pages 1 0 R >>".to_vec(),
            page("/Resources << >> /Contents 24 0 R"),
            fill("0 1 0", 100_000),
        ],
        rest: vec![
            b"<< /Type /Pages /Kids [23 0 R 2 0 R] /Count 2 >>".to_vec(),
            page("/Resources << >> /Contents 3 0 R"),
            fill("0 0 1", 100 << 20),
        ],
        pages: 2,
        ..Linearized::default()
    };
    let bytes = document.bytes();
    assert!(bytes.len() > 100 << 20);
    store.put("/a.pdf", Object::of(bytes, "\"1\""));
    let first = of(&store, "/a.pdf");
    let info = server.get(&format!("{first}/info.json")).json();
    assert_eq!((&info["width"], &info["pageCount"]), (&100.into(), &2.into()));
    let color =
        |path: &str| server.get(&format!("{path}/full/max/0/default.png")).image().to_rgb8().get_pixel(50, 50).0;
    assert_eq!(color(&first), [0, 255, 0]);
    let fetched: u64 = store.given().iter().map(|given| given.bytes).sum();
    assert!(fetched <= MIB, "{fetched} bytes");
    assert_eq!(color(&of(&store, "/a.pdf;2")), [0, 0, 255]);
    let fetched: u64 = store.given().iter().map(|given| given.bytes).sum();
    assert!(fetched > 100 * MIB - (1 << 20), "the second page lies in the rest: {fetched} bytes");
    server.assert_clean_log();
}

#[test]
fn d11_tiles_that_wait_for_slow_stores_hold_up_none_that_lie_here() {
    /// Of each store: together, far more than there are threads.
    const AFAR: usize = 12;
    let (stores, library) = ([Store::new(Duration::ZERO), Store::new(Duration::ZERO)], Library::new());
    library.put_png("here.png", 640, 300);
    let server = serve_with(&library, &[&stores[0], &stores[1]], &["--set", "work.threads=2"]);
    let pyramid = Pyramid::new(false, vec![]);
    let afar = |store: usize, number: usize| {
        let (column, row) = (3 * number as u32, 40 + store as u32);
        let base = of(&stores[store], "/a.tif");
        let region = format!("{},{},{TILE},{TILE}", column * TILE, row * TILE);
        let path = format!("{base}/{region}/{TILE},{TILE}/0/default.png");
        // A store that is held back for long, as by a machine that has much else to do, is asked again later.
        let mut answer = server.get(&path);
        for _ in 0..300 {
            if answer.status != 503 {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
            answer = server.get(&path);
        }
        assert!(answer.image().to_luma8() == pyramid.pixels(0, column, row), "{column},{row} has other pixels");
    };
    for (number, store) in stores.iter().enumerate() {
        store.put("/a.tif", pyramid.object());
        afar(number, AFAR);
    }
    let come = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let held = [stores[0].hold_back(), stores[1].hold_back()];
        for (store, number) in (0..stores.len()).flat_map(|store| (0..AFAR).map(move |number| (store, number))) {
            let (afar, come) = (&afar, &come);
            scope.spawn(move || {
                afar(store, number);
                come.fetch_add(1, Ordering::SeqCst);
            });
        }
        let begun = Instant::now();
        while held.iter().map(HeldBack::count).sum::<usize>() < stores.len() * AFAR {
            assert!(begun.elapsed() < Duration::from_mins(1), "the stores are not asked for all of them at once");
            std::thread::sleep(Duration::from_millis(5));
        }
        for number in 0..50 {
            let (x, y) = (number % 10 * 64, number / 10 * 60);
            let answer = server.get(&format!("/iiif/3/here.png/{x},{y},64,60/max/0/default.png"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            let tile = answer.image().to_rgb8();
            assert_eq!(tile.dimensions(), (64, 60), "{x},{y}");
            let is_right = |(u, v, pixel): (u32, u32, &image::Rgb<u8>)| pixel.0[..2] == [(x + u) as u8, (y + v) as u8];
            assert!(tile.enumerate_pixels().all(is_right), "{x},{y} has other pixels");
        }
        assert_eq!(come.load(Ordering::SeqCst), 0, "none that is afar has come before");
        drop(held);
    });
    assert_eq!(come.load(Ordering::SeqCst), stores.len() * AFAR);
    server.assert_clean_log();
}
