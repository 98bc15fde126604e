//! Tiles as viewers ask for them, of a JPEG pyramid: every one that `info.json` announces is there, exact in size, and as it lies
//! in the file wherever that can be.

use std::collections::HashSet;
use std::fmt;

use image::{RgbImage, imageops};
use recto_iiif::Dimensions;
use recto_testkit::tiff::{Layout, Levels, pyramid};
use serde_json::Value;

use crate::support::{Answer, Library, Server, Session};

const FILE: &str = "isles.tif";

fn example(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    std::fs::read(path).unwrap()
}

fn isles() -> (Library, Server, Vec<Directory>) {
    let bytes = example("Saltmarch Isles.tif");
    let directories = directories(&bytes);
    let library = Library::new();
    library.put(FILE, &bytes);
    let server = library.serve(&[]);
    (library, server, directories)
}

/// One level of a classic, little-endian TIFF: just what this test needs to know.
#[derive(Debug)]
struct Directory {
    width: u32,
    height: u32,
    tile: u32,
    tiles: Vec<Vec<u8>>,
}

fn directories(file: &[u8]) -> Vec<Directory> {
    let u16_at = |at: usize| u16::from_le_bytes(file[at..at + 2].try_into().unwrap());
    let u32_at = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!(&file[..4], b"II\x2a\0");
    let mut todo = vec![u32_at(4) as usize];
    let mut found = Vec::new();
    while let Some(at) = todo.pop() {
        let count = usize::from(u16_at(at));
        let values = |tag: u16| -> Vec<u32> {
            let entry = (0..count).map(|index| at + 2 + index * 12).find(|entry| u16_at(*entry) == tag);
            let Some(entry) = entry else { return Vec::new() };
            let width = if u16_at(entry + 2) == 3 { 2 } else { 4 };
            let length = u32_at(entry + 4) as usize;
            let start = if length * width <= 4 { entry + 8 } else { u32_at(entry + 8) as usize };
            let value = |index: usize| {
                if width == 2 { u32::from(u16_at(start + index * 2)) } else { u32_at(start + index * 4) }
            };
            (0..length).map(value).collect()
        };
        let tiles = values(324).into_iter().zip(values(325));
        found.push(Directory {
            width: values(256)[0],
            height: values(257)[0],
            tile: values(322)[0],
            tiles: tiles.map(|(start, length)| file[start as usize..][..length as usize].to_vec()).collect(),
        });
        todo.extend(values(330).into_iter().map(|offset| offset as usize));
        todo.extend(Some(u32_at(at + 2 + count * 12) as usize).filter(|next| *next != 0));
    }
    found.sort_by_key(|directory| std::cmp::Reverse(directory.width));
    found
}

/// The coded pixels of a baseline JPEG: all between the header of its only scan and the end.
fn scan(jpeg: &[u8]) -> &[u8] {
    let mut at = 2;
    loop {
        assert_eq!(jpeg[at], 0xff, "a marker at {at}");
        let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] == 0xda {
            let end = jpeg.windows(2).rposition(|pair| pair == [0xff, 0xd9]).unwrap();
            return &jpeg[at + 2 + length..end];
        }
        at += 2 + length;
    }
}

/// A tile as a viewer means it, in pixels of the whole and of the answer.
#[derive(Clone, Copy, Debug)]
struct Tile {
    factor: u32,
    column: u32,
    row: u32,
    region: (u32, u32, u32, u32),
    size: (u32, u32),
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile {},{} at 1/{}", self.column, self.row, self.factor)
    }
}

impl Tile {
    fn is_whole(&self, tile: u32) -> bool {
        self.size == (tile, tile)
    }

    fn region_text(&self) -> String {
        let (x, y, w, h) = self.region;
        format!("{x},{y},{w},{h}")
    }

    /// As OpenSeadragon writes it (`IIIFTileSource.getTileUrl`): `full` where the region is the whole.
    fn openseadragon(&self, version: u32, whole: (u32, u32)) -> String {
        self.openseadragon_of(FILE, version, whole)
    }

    fn openseadragon_of(&self, file: &str, version: u32, whole: (u32, u32)) -> String {
        let (w, h) = self.size;
        let region = if self.region == (0, 0, whole.0, whole.1) { "full".to_owned() } else { self.region_text() };
        let size = match version {
            2 if w == whole.0 => "full".to_owned(),
            2 => format!("{w},"),
            _ if (w, h) == whole => "max".to_owned(),
            _ => format!("{w},{h}"),
        };
        format!("/iiif/{version}/{file}/{region}/{size}/0/default.jpg")
    }

    /// As Leaflet-IIIF writes it: always numbers, and in version 2 the width alone.
    fn leaflet(&self, version: u32) -> String {
        self.leaflet_of(FILE, version)
    }

    fn leaflet_of(&self, file: &str, version: u32) -> String {
        let (w, h) = self.size;
        let size = if version == 2 { format!("{w},") } else { format!("{w},{h}") };
        format!("/iiif/{version}/{file}/{}/{size}/0/default.jpg", self.region_text())
    }
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

/// All tiles of one factor that this `info.json` announces.
fn announced(info: &Value, factor: u32) -> Vec<Tile> {
    let (width, height) = (number(&info["width"]), number(&info["height"]));
    let side = number(&info["tiles"][0]["width"]);
    let tall = info["tiles"][0].get("height").map_or(side, number);
    assert!(info["tiles"][0]["scaleFactors"].as_array().unwrap().contains(&factor.into()), "{factor}: {info}");
    let (step_x, step_y) = (side * factor, tall * factor);
    let mut tiles = Vec::new();
    for (row, y) in (0..height).step_by(step_y as usize).enumerate() {
        for (column, x) in (0..width).step_by(step_x as usize).enumerate() {
            let (w, h) = (step_x.min(width - x), step_y.min(height - y));
            let size = (w.div_ceil(factor), h.div_ceil(factor));
            tiles.push(Tile { factor, column: column as u32, row: row as u32, region: (x, y, w, h), size });
        }
    }
    tiles
}

fn counter(server: &Server, name: &str) -> u64 {
    let text = server.get("/metrics").text();
    let line = text.lines().find(|line| line.starts_with(name) && line.as_bytes().get(name.len()) == Some(&b' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

fn jpeg_size(answer: &Answer, url: &str) -> (u32, u32) {
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    let reader = image::ImageReader::with_format(std::io::Cursor::new(&answer.body), image::ImageFormat::Jpeg);
    reader.into_dimensions().unwrap()
}

#[test]
fn d9_every_announced_tile_answers_with_exactly_its_pixels_in_the_urls_of_every_viewer() {
    let (_library, server, directories) = isles();
    let info = server.get(&format!("/iiif/3/{FILE}/info.json")).json();
    let whole = (number(&info["width"]), number(&info["height"]));
    assert_eq!(number(&info["tiles"][0]["width"]), directories[0].tile, "the stored grid is announced");
    let factors: Vec<u32> = info["tiles"][0]["scaleFactors"].as_array().unwrap().iter().map(number).collect();
    for version in [2, 3] {
        let info = server.get(&format!("/iiif/{version}/{FILE}/info.json")).json();
        for factor in &factors {
            let tiles = announced(&info, *factor);
            let last = *tiles.last().unwrap();
            for tile in tiles {
                // Of the large levels the edges and a diagonal, of the others all.
                let is_edge = tile.column == last.column || tile.row == last.row;
                if *factor < 4 && !is_edge && tile.column != tile.row {
                    continue;
                }
                let forms = [tile.openseadragon(version, whole), tile.leaflet(version)];
                let answers = forms.each_ref().map(|url| server.get(url));
                for (answer, url) in answers.iter().zip(&forms) {
                    assert_eq!(jpeg_size(answer, url), tile.size, "{url}: {tile}");
                }
                assert!(answers[0].body == answers[1].body, "{} and {}", forms[0], forms[1]);
            }
        }
    }
    for size in info["sizes"].as_array().unwrap() {
        let (w, h) = (number(&size["width"]), number(&size["height"]));
        if w > 3000 {
            continue;
        }
        for url in [
            format!("/iiif/3/{FILE}/full/{w},{h}/0/default.jpg"),
            format!("/iiif/2/{FILE}/full/{w},/0/default.jpg"),
            format!("/iiif/2/{FILE}/full/{w},{h}/0/default.jpg"),
        ] {
            assert_eq!(jpeg_size(&server.get(&url), &url), (w, h), "{url}");
        }
    }
    server.assert_clean_log();
}

#[test]
fn inner_tiles_leave_as_they_lie_and_edge_tiles_are_cut_without_a_generation() {
    let (_library, server, directories) = isles();
    let info = server.get(&format!("/iiif/3/{FILE}/info.json")).json();
    let whole = (number(&info["width"]), number(&info["height"]));
    let mut cut = 0;
    for (factor, directory) in [1, 2, 4, 8, 16].into_iter().zip(&directories) {
        assert_eq!((directory.width, directory.height), (whole.0.div_ceil(factor), whole.1.div_ceil(factor)));
        let across = directory.width.div_ceil(directory.tile);
        for tile in announced(&info, factor) {
            let is_whole = tile.is_whole(directory.tile);
            if factor < 4 && is_whole && (tile.column + tile.row) % 7 != 0 {
                continue;
            }
            let url = tile.openseadragon(3, whole);
            let answer = server.get(&url);
            assert_eq!(jpeg_size(&answer, &url), tile.size, "{tile}");
            if is_whole {
                let stored = &directory.tiles[(tile.row * across + tile.column) as usize];
                assert!(answer.header("server-timing").starts_with("stored"), "{tile}: {:?}", answer.headers);
                assert!(scan(&answer.body) == scan(stored), "{tile} is coded as it lies in the file");
            } else {
                cut += 1;
            }
        }
    }
    assert_eq!(counter(&server, "recto_tile_cuts_total"), cut, "each edge tile is cut once");
    assert_eq!(counter(&server, "recto_renders_total"), 0, "no tile was decoded and encoded again");
    server.assert_clean_log();
}

/// How far two PNG answers of one original may be apart: nothing is lost on the way, and where pixels are resampled, rounding is all.
const SAME: u8 = 2;

/// How far JPEG of quality 100 with all of its colour may be from what was coded: the rounding of colours and of the transform, by
/// one program that writes and another that reads.
const CODEC: u8 = 8;

/// So that JPEG is that.
const FINE: &[&str] = &["--set", "image.jpeg_quality=100", "--set", "image.jpeg_subsampling=4:4:4"];

#[track_caller]
fn assert_same(one: &RgbImage, other: &RgbImage, what: &str) {
    assert_eq!(one.dimensions(), other.dimensions(), "{what}");
    let (far, _) = recto_testkit::card::distance(one.as_raw(), other.as_raw());
    assert!(far <= SAME, "{what}: {far} levels apart");
}

fn as_png(url: &str) -> String {
    url.replace("default.jpg", "default.png")
}

#[test]
fn d9_tiles_crops_and_the_whole_agree() {
    let (library, server, _) = isles();
    let info = server.get(&format!("/iiif/3/{FILE}/info.json")).json();
    let whole = (number(&info["width"]), number(&info["height"]));
    for factor in [4, 8, 16] {
        let (w, h) = (whole.0.div_ceil(factor), whole.1.div_ceil(factor));
        let level = server.get(&format!("/iiif/3/{FILE}/full/{w},{h}/0/default.png")).image().to_rgb8();
        let mut stitched = RgbImage::new(w, h);
        for tile in announced(&info, factor) {
            let side = number(&info["tiles"][0]["width"]);
            let url = tile.openseadragon(3, whole);
            let (x, y) = (tile.column * side, tile.row * side);
            // Each by itself, so that one wrong tile among many right ones shows.
            let here = imageops::crop_imm(&level, x, y, tile.size.0, tile.size.1).to_image();
            let part = server.get(&as_png(&url)).image().to_rgb8();
            assert_same(&part, &here, &format!("{tile} beside the level"));
            imageops::replace(&mut stitched, &part, x.into(), y.into());
            // What leaves as it lies, by the decoder that read the level, and by another one.
            let stored = server.get(&url);
            let name = format!("tile-{factor}-{}-{}.jpg", tile.column, tile.row);
            library.put(&name, &stored.body);
            let decoded = server.get(&format!("/iiif/3/{name}/full/max/0/default.png")).image().to_rgb8();
            assert_same(&decoded, &here, &format!("{tile} as it is stored, beside the level"));
            let (_, mean) = recto_testkit::card::distance(stored.image().to_rgb8().as_raw(), here.as_raw());
            assert!(mean <= 2.0, "{tile} by another decoder: {mean} levels apart");
        }
        assert_same(&stitched, &level, &format!("the tiles at 1/{factor} beside the level"));
        // A crop off the grid, across several tiles.
        let (x, y, cw, ch) = (w / 3 + 5, h / 3 + 3, w / 2, h / 2);
        let url = format!(
            "/iiif/3/{FILE}/{},{},{},{}/{cw},{ch}/0/default.png",
            x * factor,
            y * factor,
            cw * factor,
            ch * factor
        );
        let crop = server.get(&url).image().to_rgb8();
        assert_same(&crop, &imageops::crop_imm(&level, x, y, cw, ch).to_image(), &url);
    }
}

fn edged((w, h): (u32, u32)) -> RgbImage {
    RgbImage::from_raw(w, h, recto_testkit::edges::rgb8(Dimensions::new(w, h))).unwrap()
}

/// The picture in tiles, with levels of the sizes that `reduced` gives.
fn edged_pyramid(rgb: &RgbImage, reduced: impl Fn(u32) -> Dimensions) -> Vec<u8> {
    let layout = Layout {
        tile: Dimensions::new(256, 256),
        samples: 3,
        big_endian: false,
        big_tiff: false,
        levels: Levels::Chain,
    };
    let level = |factor: u32| {
        let size = reduced(factor);
        let small = imageops::resize(rgb, size.width_px, size.height_px, imageops::FilterType::Triangle);
        (size, small.into_raw())
    };
    let longest = rgb.width().max(rgb.height());
    let factors = [1, 2, 4, 8].into_iter().take_while(|factor| *factor == 1 || longest > 128 * factor);
    pyramid(&layout, &factors.map(level).collect::<Vec<_>>())
}

/// A picture of hard edges, laid into the library as JPEG, PNG, pyramid and JPEG 2000; their names.
fn put_in_every_form(library: &Library, server: &Server, (w, h): (u32, u32)) -> Vec<String> {
    let rgb = edged((w, h));
    for (extension, format) in [("jpg", image::ImageFormat::Jpeg), ("png", image::ImageFormat::Png)] {
        let mut bytes = Vec::new();
        rgb.write_to(&mut std::io::Cursor::new(&mut bytes), format).unwrap();
        library.put(&format!("{w}x{h}.{extension}"), &bytes);
    }
    library.put(&format!("{w}x{h}.tif"), &edged_pyramid(&rgb, |factor| Dimensions::new(w, h).reduced(factor)));
    let url = format!("/iiif/3/{w}x{h}.png/full/max/0/default.jp2");
    let jp2 = server.get(&url);
    assert_eq!(jp2.status, 200, "{url}: {}", jp2.text());
    library.put(&format!("{w}x{h}.jp2"), &jp2.body);
    ["jpg", "png", "tif", "jp2"].iter().map(|extension| format!("{w}x{h}.{extension}")).collect()
}

/// Levels held against their tiles, in the URLs of both viewers.
struct Seams {
    session: Session,
    /// Both viewers may write the same.
    asked: HashSet<String>,
    /// Tiles that have a neighbour before them.
    count: usize,
    problems: Vec<String>,
}

impl Seams {
    fn of(server: &Server) -> Self {
        Self { session: Session::open(server), asked: HashSet::new(), count: 0, problems: Vec::new() }
    }

    fn check(&mut self, file: &str, version: u32, whole: (u32, u32)) {
        let info = self.session.get(&format!("/iiif/{version}/{file}/info.json")).json();
        assert_eq!((number(&info["width"]), number(&info["height"])), whole, "{file}");
        for factor in info["tiles"][0]["scaleFactors"].as_array().unwrap().iter().map(number) {
            let (w, h) = (whole.0.div_ceil(factor), whole.1.div_ceil(factor));
            let url = format!("/iiif/3/{file}/full/{w},{h}/0/default.png");
            let level = self.session.get(&url).image().to_rgb8();
            assert_eq!(level.dimensions(), (w, h), "{url}");
            let mut stitched = RgbImage::new(w, h);
            for tile in announced(&info, factor) {
                let (x, y) = (tile.region.0 / factor, tile.region.1 / factor);
                let here = imageops::crop_imm(&level, x, y, tile.size.0, tile.size.1).to_image();
                for url in [tile.openseadragon_of(file, version, whole), tile.leaflet_of(file, version)] {
                    if !self.asked.insert(url.clone()) {
                        // Also of another level: `1,` of a column of one pixel has no height of its own.
                        imageops::replace(&mut stitched, &here, x.into(), y.into());
                        continue;
                    }
                    let coded = self.session.get(&url);
                    assert_eq!(jpeg_size(&coded, &url), tile.size, "{url}: {tile}");
                    self.compare(&coded.image().to_rgb8(), &here, CODEC, &url);
                    let exact = self.session.get(&as_png(&url)).image().to_rgb8();
                    self.compare(&exact, &here, SAME, &as_png(&url));
                    imageops::replace(&mut stitched, &exact, x.into(), y.into());
                    self.count += usize::from(tile.column + tile.row > 0);
                }
            }
            self.compare(&stitched, &level, SAME, &format!("the tiles of {file} at 1/{factor}, version {version}"));
        }
    }

    fn compare(&mut self, part: &RgbImage, level: &RgbImage, most: u8, what: &str) {
        let (far, _) = recto_testkit::card::distance(part.as_raw(), level.as_raw());
        if part.dimensions() != level.dimensions() || far > most {
            self.problems.push(format!("{what}: {far} levels from the level, which may be {most}"));
        }
    }
}

#[test]
fn d9_stitched_levels_equal_the_level_for_odd_and_even_sizes_in_every_kind_of_file() {
    let library = Library::new();
    let server = library.serve(FINE);
    let mut seams = Seams::of(&server);
    for whole in [
        (2, 1),
        (3, 700),
        (255, 257),
        (256, 256),
        (511, 513),
        (512, 512),
        (513, 100),
        (640, 1281),
        (1000, 2),
        (1023, 1024),
        (1025, 769),
        (2049, 33),
    ] {
        for file in put_in_every_form(&library, &server, whole) {
            for version in [2, 3] {
                seams.check(&file, version, whole);
            }
        }
    }
    assert!(seams.problems.is_empty(), "{} problems:\n{}", seams.problems.len(), seams.problems.join("\n"));
    assert!(seams.count > 200, "{} tiles have a neighbour before them", seams.count);
    server.assert_clean_log();
}

#[test]
fn d9_tiles_of_a_pyramid_whose_levels_were_rounded_down_are_parts_of_the_level() {
    // As libvips writes them: the viewers' levels, which are rounded up, have a pixel more.
    let library = Library::new();
    let server = library.serve(FINE);
    let mut seams = Seams::of(&server);
    for (w, h) in [(511, 513), (641, 1027), (1025, 769)] {
        let file = format!("{w}x{h}.tif");
        let down = |factor: u32| Dimensions::new(w / factor, h / factor);
        library.put(&file, &edged_pyramid(&edged((w, h)), down));
        for version in [2, 3] {
            seams.check(&file, version, (w, h));
        }
    }
    assert!(seams.problems.is_empty(), "{} problems:\n{}", seams.problems.len(), seams.problems.join("\n"));
    server.assert_clean_log();
}
