//! Kernels: planning, decoding a region, resampling, colour, encoding, and cutting a tile. `README.md` says what is what.

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Cursor;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use recto_codec::formats::WRITABLE;
use recto_codec::{
    Control, CutRequest, DecodeRequest, Decoder, EncodeHeader, EncodeOptions, Memo, MemoryAccess, OpenOptions,
    Orientation, PixelFormat, PyramidOptions, PyramidPage, PyramidWriter, Raster, TiffCompression, encoder, open,
    read_raster,
};
use recto_engine::{ColorPolicy, Depth, RenderOptions, plan, stored_request};
use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};
use support::{Halving, Mock, draw, rendered, request, waves};

fn header(image: &Raster) -> EncodeHeader {
    EncodeHeader { size: image.size(), pixels: image.format(), bitonal: false, icc: None, dpi: None }
}

fn encoded(image: &Raster, format: Format, options: &EncodeOptions) -> Vec<u8> {
    let mut encoder = encoder(format, &header(image), options).expect("the format takes these pixels");
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

/// A decoder that remembers at most so many bytes between decodes.
fn opened(file: &MemoryAccess, memo_bytes: u64) -> Box<dyn Decoder> {
    let options = OpenOptions { memo: Arc::new(Memo::new(memo_bytes)), ..OpenOptions::default() };
    open(Arc::new(file.clone()), &options).expect("a file that was just written")
}

fn decoding(criterion: &mut Criterion) {
    let options = EncodeOptions { tiff_compression: TiffCompression::Deflate, ..EncodeOptions::default() };
    let (image, control) = (waves(1024, 1024), Control::default());
    let wanted = DecodeRequest { level: 0, region: Rect::new(300, 300, 256, 256), denominator: 1 };
    let formats =
        [Format::Jpg, Format::Png, Format::Tif, Format::Webp, Format::Jp2, Format::Avif, Format::Jxl, Format::Pdf];
    for format in formats {
        let file = MemoryAccess::new(encoded(&image, format, &options));
        criterion.bench_function(&format!("decode_region/cold/{}", format.extension()), |bench| {
            let decode = |decoder: &mut Box<dyn Decoder>| read_raster(&**decoder, &wanted, &control).expect("pixels");
            // A new one each time: some hold indexes of their own.
            bench.iter_batched_ref(|| opened(&file, 0), decode, BatchSize::PerIteration);
        });
        let decoder = opened(&file, 64 << 20);
        criterion.bench_function(&format!("decode_region/warm/{}", format.extension()), |bench| {
            bench.iter(|| read_raster(&*decoder, &wanted, &control).expect("pixels"));
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

/// A pyramid of JPEG tiles.
fn pyramid(image: &Raster) -> Vec<u8> {
    let page = PyramidPage {
        header: header(image),
        orientation: Orientation::Normal,
        metadata: recto_codec::Metadata::default(),
        compression: None,
        maker: None,
    };
    let options = PyramidOptions::default();
    let mut writer = PyramidWriter::new(Cursor::new(Vec::new()), &options).expect("tiles of the usual size");
    writer.begin(page).expect("JPEG holds these pixels");
    writer.write(image).expect("memory is there");
    writer.end().expect("all rows were written");
    writer.finish().expect("memory is there").into_inner()
}

fn cutting(criterion: &mut Criterion) {
    let decoder = opened(&MemoryAccess::new(pyramid(&waves(1000, 1000))), 64 << 20);
    let control = Control::default();
    // Of the tiles of the last column, 24 pixels are padding.
    let edge = Rect::new(768, 0, 232, 256);
    for (name, region) in [("edge tile", edge), ("mosaic of four tiles", Rect::new(256, 256, 512, 512))] {
        let wanted = CutRequest { region, turn: Orientation::Normal, gray: false };
        assert!(decoder.can_cut(0, &wanted), "{name}: it would be decoded");
        criterion.bench_function(&format!("cut/{name}"), |bench| {
            bench.iter(|| decoder.cut(0, &wanted, &control).expect("whole tiles").expect("it can be cut"));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = planning, decoding, resampling, colors, encoding, cutting
}
criterion_main!(benches);
