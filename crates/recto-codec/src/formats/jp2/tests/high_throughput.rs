//! High-throughput codestreams, ours and another encoder's: our decoder against the library, and what it reads.

use std::io::{self, Cursor};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openjph_core::codestream::Codestream;
use openjph_core::file::MemOutfile;
use openjph_core::types::{Point, Size};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::Rng;

use super::{coding, difference, open, picture};
use crate::formats::jp2::codestream::block_style;
use crate::formats::jp2::compress::Coding;
use crate::formats::jp2::decode::Jp2Decoder;
use crate::formats::jp2::high_throughput::Compressor;
use crate::{Control, DecodeRequest, Decoder as _, MemoryAccess, OpenOptions, PixelFormat, RandomAccess, read_raster};

const SIZE: Dimensions = Dimensions::new(203, 157);

/// By our encoder.
fn encode(coding: &Coding, format: PixelFormat, pixels: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(coding, format, 1, Cursor::new(Vec::new()))
        .unwrap_or_else(|failure| panic!("{coding:?}: {failure:?}"));
    let stride = coding.size.width_px as usize * format.bytes_per_pixel();
    let (_, rows) = compressor.tiles();
    let mut rest = pixels;
    for _ in 0..rows {
        let (row, below) = rest.split_at(compressor.next_size().height_px as usize * stride);
        compressor.row(row.to_vec()).unwrap_or_else(|failure| panic!("{coding:?}: {failure:?}"));
        rest = below;
    }
    let (place, _) = compressor.finish().unwrap_or_else(|failure| panic!("{coding:?}: {failure:?}"));
    place.into_inner()
}

fn gray(size: Dimensions) -> Coding {
    Coding {
        components: 1,
        color_transform: false,
        progression: 2,
        block_style: block_style::HIGH_THROUGHPUT,
        ..coding(size)
    }
}

#[test]
fn our_codestreams_give_the_librarys_samples() {
    let colors = picture(SIZE, 3);
    let grays = picture(SIZE, 1);
    let wide: Vec<u8> = grays.iter().flat_map(|v| ((u16::from(*v) * 257) ^ 0x35).to_ne_bytes()).collect();
    let rgb = Coding { components: 3, color_transform: true, ..gray(SIZE) };
    let deep = Coding { bits: 16, ..gray(SIZE) };
    let ways =
        [((64, 64), None, 2), ((32, 32), Some(64), 0), ((4, 4), None, 1), ((64, 4), Some(128), 3), ((8, 32), None, 4)];
    for (base, format, pixels) in [
        (gray(SIZE), PixelFormat::Gray8, &grays),
        (rgb, PixelFormat::Rgb8, &colors),
        (deep, PixelFormat::Gray16, &wide),
    ] {
        for tile in [SIZE, Dimensions::new(64, 64)] {
            for quality in [vec![], vec![30.0], vec![44.0]] {
                for (block, precinct, progression) in ways {
                    let name =
                        format!("{format:?} in tiles of {tile}, {quality:?}, blocks {block:?}, order {progression}");
                    let most = i32::from(!quality.is_empty());
                    let quality = quality.clone();
                    let coding = Coding { tile, quality, precinct, block, progression, ..base.clone() };
                    let decoder = open(&encode(&coding, format, pixels));
                    assert_eq!(decoder.needs_library, None, "{name}");
                    assert!(difference(&decoder, 4, &name) <= most, "{name}");
                    if most == 0 {
                        let wanted = DecodeRequest { level: 0, region: SIZE.rect(), denominator: 1 };
                        let (raster, _) = read_raster(&decoder, &wanted, &Control::default()).expect("it is decoded");
                        assert!(raster.data() == *pixels, "{name}: something is lost");
                    }
                }
            }
        }
    }
}

/// By another encoder, whose order of packets is always by resolutions.
fn encode_elsewhere(
    components: usize,
    pixels: &[u8],
    delta: Option<f32>,
    block: (u32, u32),
    tile: Dimensions,
) -> Vec<u8> {
    let mut stream = Codestream::new();
    stream.access_siz_mut().set_image_extent(Point::new(SIZE.width_px, SIZE.height_px));
    stream.access_siz_mut().set_num_components(components as u32);
    for component in 0..components {
        stream.access_siz_mut().set_comp_info(component as u32, Point::new(1, 1), 8, false);
    }
    stream.access_siz_mut().set_tile_size(Size::new(tile.width_px, tile.height_px));
    stream.access_cod_mut().set_num_decomposition(4);
    stream.access_cod_mut().set_reversible(delta.is_none());
    if let Some(delta) = delta {
        stream.access_qcd_mut().set_delta(delta);
    }
    // Of its lossless colours another picture comes out.
    stream.access_cod_mut().set_color_transform(components == 3 && delta.is_some());
    stream.access_cod_mut().set_block_dims(block.0, block.1);
    stream.set_planar(0);
    let mut file = MemOutfile::new();
    stream.write_headers(&mut file, &[]).unwrap();
    for row in pixels.chunks_exact(SIZE.width_px as usize * components) {
        for component in 0..components {
            let line: Vec<i32> = row.iter().skip(component).step_by(components).map(|v| i32::from(*v)).collect();
            stream.exchange(&line, component as u32).unwrap();
        }
    }
    stream.flush(&mut file).unwrap();
    file.get_data().to_vec()
}

#[test]
fn another_encoders_codestreams_give_the_librarys_samples() {
    for components in [1, 3] {
        let pixels = picture(SIZE, components);
        for tile in [SIZE, Dimensions::new(96, 80)] {
            for delta in [None, Some(0.002), Some(0.02)] {
                for block in [(64, 64), (32, 32), (4, 4), (256, 16), (8, 512), (128, 32), (4, 1024)] {
                    let name = format!("{components} components in tiles of {tile}, {delta:?}, blocks {block:?}");
                    let decoder = open(&encode_elsewhere(components, &pixels, delta, block, tile));
                    assert_eq!(decoder.needs_library, None, "{name}");
                    assert!(difference(&decoder, 4, &name) <= i32::from(delta.is_some()), "{name}");
                }
            }
        }
    }
}

#[derive(Debug)]
struct Counted {
    file: MemoryAccess,
    bytes: AtomicU64,
}

impl RandomAccess for Counted {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }
}

#[test]
fn of_an_image_without_tiles_only_the_blocks_of_a_region_are_read() {
    let size = Dimensions::new(1024, 1024);
    let mut rng = Rng::new(8);
    let noise: Vec<u8> = (0..size.area_px()).map(|_| rng.next_u64() as u8).collect();
    let file = encode(&Coding { precinct: Some(256), resolutions: 6, ..gray(size) }, PixelFormat::Gray8, &noise);
    let length = file.len() as u64;
    let source = Arc::new(Counted { file: MemoryAccess::new(file), bytes: AtomicU64::new(0) });
    let decoder = Jp2Decoder::open(source.clone(), &OpenOptions::default()).expect("the file opens");
    let read = |region: Rect| {
        source.bytes.store(0, Ordering::Relaxed);
        let wanted = DecodeRequest { level: 0, region, denominator: 1 };
        let (raster, _) = read_raster(&decoder, &wanted, &Control::default()).expect("it is decoded");
        for y in 0..region.h {
            let start = ((region.y + y) * size.width_px + region.x) as usize;
            assert!(raster.row(y) == &noise[start..start + region.w as usize], "row {y} of {region}");
        }
        source.bytes.load(Ordering::Relaxed)
    };
    // The first one finds out where blocks are.
    read(Rect::new(0, 0, 1, 1));
    let region = Rect::new(660, 540, 64, 64);
    let first = read(region);
    assert!(0 < first && first < length / 8, "{first} of {length} bytes");
    assert_eq!(read(region), 0, "its blocks are remembered");
    let beside = read(Rect::new(664, 544, 64, 64));
    assert!(beside < first / 4, "{beside} bytes of a neighbour, {first} before");
    let held = decoder.cost(&DecodeRequest { level: 0, region, denominator: 1 }).bytes_held;
    assert!(held < 8 << 20, "{held} bytes for a small region");
}

#[test]
fn blocks_of_a_mixed_kind_are_left_to_the_library() {
    let file = encode(&gray(SIZE), PixelFormat::Gray8, &picture(SIZE, 1));
    let at = file.windows(2).position(|marker| marker == [0xff, 0x52]).unwrap();
    assert_eq!(file[at + 12], block_style::HIGH_THROUGHPUT);
    for (style, is_own) in [(64, true), (64 | 8, true), (64 | 128, false), (64 | 1, false), (64 | 4, false), (0, true)]
    {
        let mut changed = file.clone();
        changed[at + 12] = style;
        let decoder = open(&changed);
        assert_eq!(decoder.needs_library.is_none(), is_own, "style {style}");
        assert_eq!(decoder.takes_whole_tiles(), style & block_style::HIGH_THROUGHPUT != 0, "style {style}");
        let is_ht = decoder.facts().compression.starts_with("HTJ2K");
        assert_eq!(is_ht, style & block_style::HIGH_THROUGHPUT != 0, "style {style}");
    }
}
