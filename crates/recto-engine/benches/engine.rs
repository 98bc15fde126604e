//! Kernels: planning, decoding a region, resampling, colour, encoding, and cutting a tile. `README.md` says what is what.

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use recto_codec::formats::WRITABLE;
use recto_codec::{
    Control, CutRequest, DecodeRequest, EncodeHeader, EncodeOptions, MemoryAccess, OpenOptions, Orientation,
    PixelFormat, Raster, TiffCompression, encoder, open, read_raster,
};
use recto_engine::{ColorPolicy, Depth, RenderOptions, plan, stored_request};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};
use support::{Halving, Mock, draw, rendered, request, waves};

fn encoded(image: &Raster, format: Format, options: &EncodeOptions) -> Vec<u8> {
    let header = EncodeHeader { size: image.size(), pixels: image.format(), bitonal: false, icc: None, dpi: None };
    let mut encoder = encoder(format, &header, options).expect("the format takes these pixels");
    encoder.write(image).expect("memory is there");
    encoder.finish().expect("all rows were written")
}

fn planning(criterion: &mut Criterion) {
    let options = RenderOptions::default();
    let tile = request(Rect::new(512, 512, 700, 700), Dimensions::new(256, 256));
    let pyramid = Mock::new(waves(2048, 2048)).with_levels(4, Halving::Up).with_strips(256);
    criterion.bench_function("plan/render", |bench| bench.iter(|| plan(&pyramid, &tile, &options)));
    let mut stored = request(Rect::new(512, 512, 256, 256), Dimensions::new(256, 256));
    stored.format = Format::Jpg;
    let tiled = Mock::new(waves(2048, 2048)).with_levels(4, Halving::Up).with_jpeg_tiles(256);
    criterion.bench_function("plan/stored tile", |bench| bench.iter(|| stored_request(&tiled, &stored, &options)));
    let icc = Arc::from(moxcms::ColorProfile::new_display_p3().encode().expect("a profile"));
    let wide = tiled.with_facts(|facts| facts.icc = Some(icc));
    let keep = RenderOptions { color: ColorPolicy::Keep, ..RenderOptions::default() };
    criterion.bench_function("plan/stored tile with a profile", |bench| {
        bench.iter(|| stored_request(&wide, &stored, &keep));
    });
}

fn decoding(criterion: &mut Criterion) {
    let options = EncodeOptions { tiff_compression: TiffCompression::Deflate, ..EncodeOptions::default() };
    let image = waves(1024, 1024);
    for format in [Format::Jpg, Format::Png, Format::Tif, Format::Webp, Format::Jp2] {
        let file = MemoryAccess::new(encoded(&image, format, &options));
        let decoder = open(Arc::new(file), &OpenOptions::default()).expect("a file that was just written");
        let wanted = DecodeRequest { level: 0, region: Rect::new(300, 300, 256, 256), denominator: 1 };
        criterion.bench_function(&format!("decode_region/{}", format.extension()), |bench| {
            bench.iter(|| read_raster(&*decoder, &wanted, &Control::default()).expect("pixels"));
        });
    }
}

fn resampling(criterion: &mut Criterion) {
    let options = RenderOptions::default();
    let pyramid = Mock::new(waves(2048, 2048)).with_levels(4, Halving::Up).with_strips(256);
    let tile = request(Rect::new(512, 512, 700, 700), Dimensions::new(256, 256));
    criterion.bench_function("resample/tile from 350x350", |bench| bench.iter(|| rendered(&pyramid, &tile, &options)));
    let flat = Mock::new(waves(2048, 2048)).with_strips(16);
    for side in [1300, 300, 50] {
        let asked = request(Rect::new(0, 0, 2048, 2048), Dimensions::new(side, side));
        criterion.bench_function(&format!("resample/2048 to {side}"), |bench| {
            bench.iter(|| rendered(&flat, &asked, &options));
        });
    }
    let asked = request(Rect::new(0, 0, 2048, 2048), Dimensions::new(300, 300));
    let linear = RenderOptions { linear_light: true, ..RenderOptions::default() };
    criterion.bench_function("resample/2048 to 300 in linear light", |bench| {
        bench.iter(|| rendered(&flat, &asked, &linear));
    });
    let wide = Mock::new(draw((1024, 1024), PixelFormat::Rgb16, |x, y| [x as u8, y as u8, 7, 9, y as u8, x as u8]));
    let asked = request(Rect::new(0, 0, 1024, 1024), Dimensions::new(300, 300));
    let deep = RenderOptions { depth: Depth::AsStored, ..RenderOptions::default() };
    criterion.bench_function("resample/1024 of 16 bits to 300", |bench| bench.iter(|| rendered(&wide, &asked, &deep)));
}

fn colors(criterion: &mut Criterion) {
    let options = RenderOptions::default();
    let whole = request(Rect::new(0, 0, 256, 256), Dimensions::new(256, 256));
    let icc: Arc<[u8]> = Arc::from(moxcms::ColorProfile::new_adobe_rgb().encode().expect("a profile"));
    let adobe = Mock::new(waves(256, 256)).with_facts(|facts| facts.icc = Some(icc));
    criterion.bench_function("color/Adobe RGB tile", |bench| bench.iter(|| rendered(&adobe, &whole, &options)));
    let inks = Mock::new(draw((256, 256), PixelFormat::Cmyk8, |x, y| [x as u8, y as u8, 90, 20]));
    criterion.bench_function("color/CMYK tile", |bench| bench.iter(|| rendered(&inks, &whole, &options)));
    let lab = Mock::new(draw((256, 256), PixelFormat::Lab8, |x, y| [x as u8, y as u8, 128]));
    criterion.bench_function("color/Lab tile", |bench| bench.iter(|| rendered(&lab, &whole, &options)));
}

fn encoding(criterion: &mut Criterion) {
    let image = waves(512, 512);
    for format in WRITABLE {
        criterion.bench_function(&format!("encode/{}", format.extension()), |bench| {
            bench.iter(|| encoded(&image, *format, &EncodeOptions::default()));
        });
    }
}

fn cutting(criterion: &mut Criterion) {
    let Some(folder) = recto_testkit::data_dir() else { return };
    let Ok(bytes) = std::fs::read(folder.join("images/derived/page-pyramid-jpeg.tif")) else { return };
    let decoder = open(Arc::new(MemoryAccess::new(bytes)), &OpenOptions::default()).expect("a pyramid");
    let Some(grid) = decoder.facts().levels[0].grid else { return };
    let size = decoder.facts().stored_size();
    let first = size.width_px / grid.tile.width_px * grid.tile.width_px;
    let region = Rect::new(first, 0, size.width_px - first, grid.tile.height_px.min(size.height_px));
    let (edge, control) = (CutRequest { region, turn: Orientation::Normal, gray: false }, Control::default());
    criterion.bench_function("cut/edge tile", |bench| bench.iter(|| decoder.cut(0, &edge, &control).expect("a tile")));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = planning, decoding, resampling, colors, encoding, cutting
}
criterion_main!(benches);
