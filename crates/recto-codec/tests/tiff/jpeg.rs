//! JPEG strips and planes: what their samples mean, what several scans may take, and streams in pieces as files of old have them.

use std::sync::Arc;

use recto_codec::{
    Cost, DecodeError, DecodeRequest, EncodeHeader, EncodeOptions, MemoryAccess, OpenOptions, PixelFormat, Raster,
    Subsampling, encoder, open,
};
use recto_iiif::Dimensions;
use recto_iiif::image::Format;
use recto_testkit::card;

use crate::builder::{Builder, Entry, LONG, SHORT};
use crate::{open_bytes, read, read_all};

const SIZE: Dimensions = Dimensions::new(96, 80);
const STRIP: Dimensions = Dimensions::new(1200, 1000);

fn jpeg(size: Dimensions, pixels: PixelFormat, rows: &[u8], jpeg_progressive: bool) -> Vec<u8> {
    let header = EncodeHeader { size, pixels, bitonal: false, icc: None, dpi: None };
    let options = EncodeOptions {
        jpeg_quality: 95,
        jpeg_subsampling: Subsampling::None,
        jpeg_progressive,
        ..EncodeOptions::default()
    };
    let mut encoder = encoder(Format::Jpg, &header, &options).unwrap();
    encoder.write(&Raster::from_vec(size, pixels, rows.to_vec())).unwrap();
    encoder.finish().unwrap()
}

fn entries(size: Dimensions, compression: u64, photometric: u64, rows_per_strip: u32) -> Vec<Entry> {
    vec![
        (256, LONG, vec![size.width_px.into()]),
        (257, LONG, vec![size.height_px.into()]),
        (258, SHORT, vec![8, 8, 8]),
        (259, SHORT, vec![compression]),
        (262, SHORT, vec![photometric]),
        (277, SHORT, vec![3]),
        (278, LONG, vec![rows_per_strip.into()]),
    ]
}

fn cost(bytes: &[u8], region: Dimensions) -> Cost {
    open_bytes(bytes).unwrap().cost(&DecodeRequest { level: 0, region: region.rect(), denominator: 1 })
}

/// Three samples of each pixel as planes: as they are, or as luma and chroma of full range.
fn planes(rows: &[u8], luma_chroma: bool) -> [Vec<u8>; 3] {
    let weights = if luma_chroma {
        [[0.299, 0.587, 0.114, 0.0], [-0.168_736, -0.331_264, 0.5, 128.0], [0.5, -0.418_688, -0.081_312, 128.0]]
    } else {
        [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    };
    weights.map(|[red, green, blue, zero]: [f64; 4]| {
        let sample = |[r, g, b]: &[u8; 3]| {
            (red * f64::from(*r) + green * f64::from(*g) + blue * f64::from(*b) + zero).round().clamp(0.0, 255.0) as u8
        };
        rows.as_chunks::<3>().0.iter().map(sample).collect()
    })
}

/// Each plane of the card is a JPEG stream of its own.
fn planar(photometric: u64, subsampling: &[u64]) -> Vec<u8> {
    let mut builder = Builder::new(false, false);
    let streams = planes(&card::rgb8(SIZE), photometric == 6);
    let streams = streams.map(|plane| jpeg(SIZE, PixelFormat::Gray8, &plane, false));
    let (offsets, counts) = builder.chunks(&streams);
    let mut entries = entries(SIZE, 7, photometric, SIZE.height_px);
    entries.extend([(273, LONG, offsets), (279, LONG, counts), (284, SHORT, vec![2])]);
    if !subsampling.is_empty() {
        entries.push((530, SHORT, subsampling.to_vec()));
    }
    builder.directory(&entries);
    builder.bytes
}

#[test]
fn luma_and_chroma_in_jpeg_planes_of_their_own_become_colours() {
    for (photometric, subsampling) in [(6, &[1, 1][..]), (2, &[][..])] {
        let decoder = open_bytes(&planar(photometric, subsampling)).unwrap();
        let raster = read_all(decoder.as_ref(), 0).unwrap();
        assert_eq!(raster.format(), PixelFormat::Rgb8);
        let (_, mean) = card::distance(raster.data(), &card::rgb8(SIZE));
        assert!(mean < 3.0, "photometric {photometric}: {mean}");
    }
    // Halved chroma is the default.
    for subsampling in [&[2, 2][..], &[][..]] {
        let error = open_bytes(&planar(6, subsampling)).err().unwrap();
        assert!(matches!(error, DecodeError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("subsampled YCbCr in separate planes"), "{error}");
    }
}

/// Strips of 1200 × 1000 pixels.
fn strips(streams: &[&[u8]]) -> Vec<u8> {
    let mut builder = Builder::new(false, false);
    let streams: Vec<Vec<u8>> = streams.iter().map(|stream| stream.to_vec()).collect();
    let (offsets, counts) = builder.chunks(&streams);
    let size = Dimensions::new(STRIP.width_px, STRIP.height_px * streams.len() as u32);
    let mut entries = entries(size, 7, 6, STRIP.height_px);
    entries.extend([(273, LONG, offsets), (279, LONG, counts)]);
    builder.directory(&entries);
    builder.bytes
}

#[test]
fn coefficients_of_strips_of_several_scans_are_announced_and_bounded() {
    let rows: Vec<u8> = (0..3 * STRIP.area_px()).map(|i| (i / 14_400) as u8).collect();
    let [single, several] = [false, true].map(|progressive| jpeg(STRIP, PixelFormat::Rgb8, &rows, progressive));
    let (single, several) = (single.as_slice(), several.as_slice());
    let held = |streams: &[&[u8]]| cost(&strips(streams), STRIP).bytes_held;
    let (less, more) = (held(&[single, several]), held(&[several, single]));
    assert!(more > less + 3_000_000, "{less} for a single scan, {more} for several");

    let expected = read_all(open_bytes(&strips(&[single, single])).unwrap().as_ref(), 0).unwrap();
    for streams in [[several, several], [several, single]] {
        let raster = read_all(open_bytes(&strips(&streams)).unwrap().as_ref(), 0).unwrap();
        assert!(raster.data() == expected.data());
    }
    // The first strip is what the others are taken for.
    let mixed = open_bytes(&strips(&[single, several])).unwrap();
    assert!(read(mixed.as_ref(), 0, STRIP.rect(), 1).is_ok());
    let error = read_all(mixed.as_ref(), 0).unwrap_err();
    assert!(matches!(error, DecodeError::TooLarge { limit: 4_194_304, .. }), "{error}");
    assert!(error.to_string().contains("several scans"), "{error}");
}

/// An old file whose stream begins in one place and goes on in its strips: where each lies, and how long it is.
fn old_file(builder: &mut Builder, stream: (u64, u64), offsets: Vec<u64>, counts: Vec<u64>) -> Vec<u8> {
    let mut entries = entries(SIZE, 6, 6, SIZE.height_px / offsets.len() as u32);
    entries.extend([(273, LONG, offsets), (279, LONG, counts)]);
    entries.extend([(513, LONG, vec![stream.0]), (514, LONG, vec![stream.1])]);
    builder.directory(&entries);
    builder.bytes.clone()
}

#[test]
fn an_old_stream_in_pieces_is_put_together_and_its_pieces_are_announced() {
    let stream = jpeg(SIZE, PixelFormat::Rgb8, &card::rgb8(SIZE), false);
    let expected = read_all(open_bytes(&stream).unwrap().as_ref(), 0).unwrap();
    let mut builder = Builder::new(false, false);
    let half = stream.len() / 2;
    let pieces = [&stream[..200], &stream[200..half], &stream[half..]].map(<[u8]>::to_vec);
    let (offsets, counts) = builder.chunks(&pieces);
    let file = old_file(&mut builder, (offsets[0], counts[0]), offsets[1..].to_vec(), counts[1..].to_vec());
    let raster = read_all(open_bytes(&file).unwrap().as_ref(), 0).unwrap();
    assert!(raster.data() == expected.data());
    let cost = cost(&file, SIZE);
    assert!(cost.bytes_read >= stream.len() as u64, "{cost:?} for {} bytes", stream.len());

    let max_bytes = 2 * (counts[1] + counts[2]) - 1;
    let options = OpenOptions { max_bytes, ..OpenOptions::default() };
    let error = open(Arc::new(MemoryAccess::new(file)), &options).err().unwrap();
    assert!(matches!(error, DecodeError::TooLarge { unit: "bytes of memory for its JPEG scans", .. }), "{error}");
}

#[test]
fn pieces_of_an_old_stream_that_overlap_or_lie_outside_are_refused() {
    let stream = jpeg(SIZE, PixelFormat::Rgb8, &card::rgb8(SIZE), false);
    let filler = vec![0x55; 4000];
    for (pieces, count, expected) in [(80, 4000, "overlap"), (2, 2001, "overlap"), (1, 1 << 20, "outside")] {
        let mut builder = Builder::new(false, false);
        let (offsets, counts) = builder.chunks(&[stream.clone(), filler.clone()]);
        let place = |piece: u64| if pieces == 2 { offsets[1] + 2000 * piece } else { offsets[1] };
        let file = old_file(
            &mut builder,
            (offsets[0], counts[0]),
            (0..pieces).map(place).collect(),
            vec![count; pieces as usize],
        );
        let error = open_bytes(&file).err().unwrap();
        assert!(matches!(error, DecodeError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{pieces} of {count}: {error}");
    }
}
