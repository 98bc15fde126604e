//! What a deep zoom session over one flat JPEG costs: processor time of opening, the view of the whole, and every tile that a
//! viewer of 1440 x 900 asks for at scales 4, 2 and 1, with two pans at 1.
//!
//! `cargo run --release -p recto-codec --example deep_zoom -- 3500 5000 [progressive]`

#![expect(clippy::print_stdout, reason = "a program that measures says what it found")]

use std::error::Error;
use std::fs;
use std::sync::{Arc, Mutex};

use recto_codec::{
    Control, CutRequest, DecodeRequest, Decoder, EncodeHeader, EncodeOptions, Memo, MemoryAccess, OpenOptions,
    Orientation, PixelFormat, RandomAccess, Raster, Shelf, Subsampling, encoder, open, read_raster,
};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};

const TILE: u32 = 256;

/// Milliseconds of processor time of this thread.
fn spent() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e6
}

/// Paper with lines of something like text, warm and a little noisy.
fn page(size: Dimensions, options: &EncodeOptions) -> Result<Vec<u8>, Box<dyn Error>> {
    let header = EncodeHeader { size, pixels: PixelFormat::Rgb8, bitonal: false, icc: None, dpi: None };
    let mut encoder = encoder(Format::Jpg, &header, options)?;
    let mut noise = 0x1234_5678_u32;
    for y in 0..size.height_px {
        let mut row = Vec::with_capacity(size.width_px as usize * 3);
        for x in 0..size.width_px {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let grain = (noise >> 28) as i32 - 8;
            let line = y % 48 < 26;
            let stroke = (x * 7 / 11 + (y / 48) * 31) % 23 < 7 && (x / 9 + y / 5) % 4 < 2 && x % 400 > 30;
            let base = if line && stroke { [70, 55, 45] } else { [228, 214, 186] };
            let shade = (x / 97 % 5) as i32 - (y / 131 % 7) as i32;
            row.extend(base.map(|value: i32| (value + grain / 2 + shade).clamp(0, 255) as u8));
        }
        encoder.write(&Raster::from_vec(Dimensions::new(size.width_px, 1), PixelFormat::Rgb8, row))?;
    }
    Ok(encoder.finish()?)
}

fn encoded(raster: &Raster) -> Result<usize, Box<dyn Error>> {
    let header = EncodeHeader { size: raster.size(), pixels: raster.format(), bitonal: false, icc: None, dpi: None };
    let mut encoder = encoder(Format::Jpg, &header, &EncodeOptions::default())?;
    encoder.write(raster)?;
    Ok(encoder.finish()?.len())
}

#[derive(Debug, Default)]
struct Board(Mutex<Vec<(String, Vec<u8>)>>);

impl Shelf for Board {
    fn open(&self, name: &str) -> Option<Arc<dyn RandomAccess>> {
        let parts = self.0.lock().ok()?;
        let (_, data) = parts.iter().find(|(other, _)| other == name)?;
        Some(Arc::new(MemoryAccess::new(data.as_slice())))
    }

    fn keep(
        &self,
        name: &str,
        write: &mut dyn FnMut(&mut dyn std::io::Write) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let mut data = Vec::new();
        write(&mut data)?;
        if let Ok(mut parts) = self.0.lock() {
            parts.push((name.to_owned(), data));
        }
        Ok(())
    }

    fn discard(&self, name: &str) {
        if let Ok(mut parts) = self.0.lock() {
            parts.retain(|(other, _)| other != name);
        }
    }
}

struct Session<'a> {
    decoder: &'a dyn Decoder,
    tiles: u32,
    total: f64,
}

impl Session<'_> {
    fn step(
        &mut self,
        name: &str,
        tiles: u32,
        work: impl FnOnce() -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let before = spent();
        work()?;
        let took = spent() - before;
        self.total += took;
        self.tiles += tiles;
        println!("{name:28} {tiles:4} {took:9.2} ms {:8.3} ms each", took / f64::from(tiles.max(1)));
        Ok(())
    }

    /// One tile of the image at 1/`scale`.
    fn tile(&self, scale: u32, column: u32, row: u32) -> Result<(), Box<dyn Error>> {
        let size = self.decoder.facts().stored_size();
        let side = TILE * scale;
        let Some(region) = Rect::new(column * side, row * side, side, side).intersection(size.rect()) else {
            return Ok(());
        };
        let control = Control::default();
        let part = CutRequest { region, turn: Orientation::Normal, gray: false };
        if scale == 1 && self.decoder.can_cut(0, &part) && self.decoder.cut(0, &part, &control)?.is_some() {
            return Ok(());
        }
        let (raster, _) = read_raster(self.decoder, &DecodeRequest { level: 0, region, denominator: scale }, &control)?;
        encoded(&raster)?;
        Ok(())
    }

    /// All tiles that a viewport shows whose middle is at this share of the image.
    fn view(&mut self, name: &str, scale: u32, x: f64, y: f64) -> Result<(), Box<dyn Error>> {
        let size = self.decoder.facts().stored_size();
        let axis = |side: u32, view: u32, at: f64| {
            let side = side.div_ceil(scale);
            let start = (f64::from(side) * at - f64::from(view) / 2.0).max(0.0) as u32;
            let end = (start + view).min(side);
            start / TILE..end.div_ceil(TILE)
        };
        let (columns, rows) = (axis(size.width_px, 1440, x), axis(size.height_px, 900, y));
        let places = rows.flat_map(|row| columns.clone().map(move |column| (column, row))).collect::<Vec<_>>();
        let before = spent();
        for (column, row) in &places {
            self.tile(scale, *column, *row)?;
        }
        let took = spent() - before;
        self.total += took;
        self.tiles += places.len() as u32;
        println!("{name:28} {:4} {took:9.2} ms {:8.3} ms each", places.len(), took / places.len() as f64);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = std::env::args().collect::<Vec<_>>();
    let number = |at: usize, otherwise| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let size = Dimensions::new(number(1, 3500), number(2, 5000));
    let progressive = arguments.iter().any(|argument| argument == "progressive");
    let halved = arguments.iter().any(|argument| argument == "420");
    let subsampling = if halved { Subsampling::Both } else { Subsampling::None };
    let options = EncodeOptions {
        jpeg_quality: 90,
        jpeg_subsampling: subsampling,
        jpeg_progressive: progressive,
        ..EncodeOptions::default()
    };
    let before = spent();
    let file = page(size, &options)?;
    let per_pixel = file.len() as f64 / size.area_px() as f64;
    println!("{size}: {} bytes, {per_pixel:.3} a pixel, made in {:.0} ms", file.len(), spent() - before);
    let source: Arc<dyn RandomAccess> = Arc::new(MemoryAccess::new(file));
    let shelf = Arc::new(Board::default());
    for round in 1..=2 {
        println!("-- round {round}{}", if round == 2 { ": opened again, the shelf is full" } else { "" });
        let memo = Arc::new(Memo::new(512 << 20));
        let options = OpenOptions { shelf: Some(shelf.clone()), memo: Arc::clone(&memo), ..OpenOptions::default() };
        let decoder = open(Arc::clone(&source), &options)?;
        let mut session = Session { decoder: &*decoder, tiles: 0, total: 0.0 };
        let control = Control::default();
        // What a page is reduced from to fit the window; a map goes further down.
        let home = if size.area_px() < 48 << 20 { 4 } else { 8 };
        session.step("home", 1, || {
            let wanted = DecodeRequest { level: 0, region: size.rect(), denominator: home };
            let (raster, _) = read_raster(&*decoder, &wanted, &control)?;
            if raster.size().area_px() < 4_000_000 {
                encoded(&raster)?;
            }
            Ok(())
        })?;
        session.view("scale 4", 4, 0.5, 0.5)?;
        session.view("scale 2", 2, 0.5, 0.5)?;
        session.view("scale 1", 1, 0.5, 0.5)?;
        session.view("scale 1, panned", 1, 0.7, 0.5)?;
        session.view("scale 1, panned again", 1, 0.7, 0.8)?;
        println!("all: {} tiles, {:.1} ms; {} bytes remembered", session.tiles, session.total, memo.held_bytes());
    }
    let parts = shelf.0.lock().map_err(|_| "poisoned")?;
    for (name, data) in parts.iter() {
        println!("{name}: {} bytes", data.len());
    }
    Ok(())
}
