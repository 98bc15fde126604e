//! Whole files: facts, limits, damage, cancelling, what is written.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};

use super::super::ffi::Parameters;
use super::super::{encoder, open};
use super::{Kind, picture, stream};
use crate::{
    ColorModel, Control, DecodeError, DecodeRequest, Decoder, EncodeError, EncodeHeader, EncodeOptions, MemoryAccess,
    OpenOptions, Orientation, PixelFormat, RandomAccess, Raster, Subsampling, read_raster,
};

fn opened(file: Vec<u8>) -> Box<dyn Decoder> {
    open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).unwrap()
}

fn whole(decoder: &dyn Decoder, denominator: u32) -> Result<Raster, DecodeError> {
    let region = decoder.facts().stored_size().rect();
    read_raster(decoder, &DecodeRequest { level: 0, region, denominator }, &Control::default())
        .map(|(raster, _)| raster)
}

fn header(width: u32, height: u32, pixels: PixelFormat) -> EncodeHeader {
    EncodeHeader { size: Dimensions::new(width, height), pixels, bitonal: false, icc: None, dpi: None }
}

fn encode(header: &EncodeHeader, options: EncodeOptions, pixels: &[u8]) -> Vec<u8> {
    let mut encoder = encoder(header, &options).unwrap();
    let row = header.size.width_px as usize * header.pixels.bytes_per_pixel();
    for rows in pixels.chunks(row * 7) {
        let size = Dimensions::new(header.size.width_px, (rows.len() / row) as u32);
        encoder.write(&Raster::from_vec(size, header.pixels, rows.to_vec())).unwrap();
    }
    encoder.finish().unwrap()
}

/// Inserts a segment behind the start marker.
fn with_segment(file: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&file[..2], &[0xff, marker], &length, body, &file[2..]].concat()
}

fn plain(width: u32, height: u32) -> Vec<u8> {
    stream(Kind { components: 3, sampling: (2, 2), ..Kind::default() }, width, height)
}

/// An EXIF body: one directory with these entries (tag, type, value as 4 bytes in file order).
fn exif(big_endian: bool, entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let u16 = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let u32 = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut body = b"Exif\0\0".to_vec();
    body.extend_from_slice(if big_endian { b"MM" } else { b"II" });
    body.extend_from_slice(&u16(42));
    body.extend_from_slice(&u32(8));
    body.extend_from_slice(&u16(entries.len() as u16));
    for (tag, kind, value) in entries {
        body.extend_from_slice(&u16(*tag));
        body.extend_from_slice(&u16(*kind));
        body.extend_from_slice(&u32(1));
        if *kind == 3 {
            body.extend_from_slice(&u16(*value as u16));
            body.extend_from_slice(&[0, 0]);
        } else {
            body.extend_from_slice(&u32(*value));
        }
    }
    body.extend_from_slice(&[0; 4]);
    body
}

#[test]
fn facts_come_from_the_headers() {
    for (kind, compression, color) in [
        (Kind { components: 3, sampling: (2, 2), ..Kind::default() }, "JPEG, baseline, 4:2:0", ColorModel::Rgb),
        (Kind { components: 3, sampling: (2, 1), ..Kind::default() }, "JPEG, baseline, 4:2:2", ColorModel::Rgb),
        (Kind { components: 3, sampling: (1, 2), ..Kind::default() }, "JPEG, baseline, 4:4:0", ColorModel::Rgb),
        (Kind { components: 3, sampling: (4, 1), ..Kind::default() }, "JPEG, baseline, 4:1:1", ColorModel::Rgb),
        (
            Kind { components: 3, sampling: (1, 1), progressive: true, ..Kind::default() },
            "JPEG, progressive, 4:4:4",
            ColorModel::Rgb,
        ),
        (
            Kind { components: 1, sampling: (1, 1), arithmetic: true, ..Kind::default() },
            "JPEG, arithmetic, gray",
            ColorModel::Gray,
        ),
        (Kind { components: 4, sampling: (1, 1), ..Kind::default() }, "JPEG, baseline, 4:4:4", ColorModel::Cmyk),
    ] {
        let decoder = opened(stream(kind, 33, 21));
        let facts = decoder.facts();
        assert_eq!(facts.compression, compression);
        assert_eq!((facts.color, facts.size()), (color, Dimensions::new(33, 21)), "{compression}");
        assert_eq!((facts.max_denominator, facts.pages, facts.bits_per_sample), (8, 1, 8));
    }
}

#[test]
fn orientation_is_read_in_both_byte_orders_and_all_integer_types() {
    for (tag, expected) in [(1, Orientation::Normal), (6, Orientation::Rotate90), (8, Orientation::Rotate270)] {
        for big_endian in [false, true] {
            for kind in [3, 4, 9] {
                let file = with_segment(&plain(20, 10), 0xe1, &exif(big_endian, &[(0x0112, kind, tag)]));
                assert_eq!(opened(file).facts().orientation, expected, "{tag} {big_endian} {kind}");
            }
        }
    }
}

#[test]
fn malformed_exif_counts_as_absent() {
    let good = exif(false, &[(0x0112, 3, 6)]);
    for length in 0..good.len() {
        let facts = opened(with_segment(&plain(9, 9), 0xe1, &good[..length])).facts().clone();
        assert!(matches!(facts.orientation, Orientation::Normal | Orientation::Rotate90), "{length}");
    }
    for value in [0, 9, 4_000_000] {
        let file = with_segment(&plain(9, 9), 0xe1, &exif(true, &[(0x0112, 4, value)]));
        assert_eq!(opened(file).facts().orientation, Orientation::Normal, "{value}");
    }
}

#[test]
fn a_profile_in_pieces_is_joined_in_order_and_dropped_when_one_is_missing() {
    let piece = |number: u8, text: &[u8]| [b"ICC_PROFILE\0".as_slice(), &[number, 2], text].concat();
    let second_first = with_segment(&with_segment(&plain(9, 9), 0xe2, &piece(1, b"one")), 0xe2, &piece(2, b"two"));
    assert_eq!(opened(second_first).facts().icc.as_deref(), Some(b"onetwo".as_slice()));
    let half = with_segment(&plain(9, 9), 0xe2, &piece(2, b"two"));
    assert_eq!(opened(half).facts().icc, None);
}

#[test]
fn inks_come_back_as_they_were_given() {
    let given = picture(40, 30, 4);
    let file = encode(
        &header(40, 30, PixelFormat::Cmyk8),
        EncodeOptions { jpeg_quality: 95, ..EncodeOptions::default() },
        &vec![200; given.len()],
    );
    let decoder = opened(file);
    let raster = whole(&*decoder, 1).unwrap();
    assert_eq!((decoder.facts().color, raster.format()), (ColorModel::Cmyk, PixelFormat::Cmyk8));
    assert!(raster.data().iter().all(|ink| ink.abs_diff(200) <= 2));
}

#[test]
fn what_is_written_reads_back() {
    let icc: Arc<[u8]> = (0..150_000_u32).map(|i| (i * 7) as u8).collect::<Vec<_>>().into();
    for pixels in [PixelFormat::Gray8, PixelFormat::Rgb8] {
        for subsampling in [Subsampling::None, Subsampling::Horizontal, Subsampling::Both] {
            for progressive in [false, true] {
                let options = EncodeOptions {
                    jpeg_quality: 95,
                    jpeg_subsampling: subsampling,
                    jpeg_progressive: progressive,
                    ..EncodeOptions::default()
                };
                let mut header = header(75, 53, pixels);
                header.icc = Some(Arc::clone(&icc));
                header.dpi = Some((300.0, 299.6));
                let given = (0..75 * 53 * pixels.samples())
                    .map(|i| (i / pixels.samples() % 75 * 2 + i / (75 * pixels.samples())) as u8)
                    .collect::<Vec<_>>();
                let file = encode(&header, options, &given);
                assert_eq!(file, encode(&header, options, &given), "the same bytes each time");
                let decoder = opened(file);
                assert_eq!(decoder.facts().icc, Some(Arc::clone(&icc)));
                assert_eq!(decoder.facts().dpi, Some((300.0, 300.0)));
                assert_eq!(decoder.facts().compression.contains("progressive"), progressive);
                let back = whole(&*decoder, 1).unwrap();
                let worst = back.data().iter().zip(&given).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                assert!(worst <= 12, "{options:?} differs by {worst}");
            }
        }
    }
}

#[test]
fn what_the_format_cannot_hold_is_refused() {
    let options = EncodeOptions::default();
    for pixels in [PixelFormat::Rgba8, PixelFormat::GrayAlpha8, PixelFormat::Rgb16, PixelFormat::Lab8] {
        assert!(matches!(encoder(&header(4, 4, pixels), &options), Err(EncodeError::PixelFormat { .. })), "{pixels:?}");
    }
    for (width, height) in [(65_501, 4), (4, 70_000)] {
        let refused = encoder(&header(width, height, PixelFormat::Gray8), &options);
        assert!(matches!(refused, Err(EncodeError::SideTooLong { .. })), "{width}x{height}");
    }
    let mut unfinished = encoder(&header(4, 4, PixelFormat::Gray8), &options).unwrap();
    unfinished.write(&Raster::zeroed(Dimensions::new(4, 3), PixelFormat::Gray8)).unwrap();
    assert!(matches!(unfinished.finish(), Err(EncodeError::Failed { .. })));
}

#[test]
fn a_file_that_ends_early_names_the_row_but_a_missing_end_marker_is_harmless() {
    for (progressive, arithmetic) in [(false, false), (true, false), (false, true)] {
        let kind = Kind { components: 3, sampling: (2, 2), progressive, arithmetic, ..Kind::default() };
        let file = stream(kind, 200, 200);
        let error = whole(&*opened(file[..file.len() * 2 / 3].to_vec()), 1).unwrap_err();
        assert!(error.to_string().contains("of 200 is complete"), "{kind:?}: {error}");
        let mut trailing = file.clone();
        trailing.extend_from_slice(&file);
        assert_eq!(whole(&*opened(trailing), 1).unwrap(), whole(&*opened(file.clone()), 1).unwrap());
    }
    let file = plain(200, 200);
    let open_end = file[..file.len() - 2].to_vec();
    assert_eq!(whole(&*opened(open_end), 1).unwrap(), whole(&*opened(file.clone()), 1).unwrap());
    let top = DecodeRequest { level: 0, region: Rect::new(0, 0, 200, 40), denominator: 1 };
    let half = opened(file[..file.len() / 2].to_vec());
    assert!(read_raster(&*half, &top, &Control::default()).is_ok(), "the rows that are there are given");
}

#[test]
fn a_progressive_file_that_ends_between_two_scans_is_damaged() {
    let file = stream(Kind { components: 3, sampling: (2, 2), progressive: true, ..Kind::default() }, 80, 80);
    let scans = memchr::memmem::find_iter(&file, &[0xff, 0xda]).collect::<Vec<_>>();
    for scan in &scans[1..] {
        let tables = memchr::memmem::rfind(&file[..*scan], &[0xff, 0xc4]).unwrap();
        let error = whole(&*opened(file[..tables].to_vec()), 1).unwrap_err();
        assert!(matches!(error, DecodeError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn endless_scans_are_refused() {
    let file = stream(Kind { components: 3, sampling: (1, 1), progressive: true, ..Kind::default() }, 32, 32);
    let last_scan = memchr::memmem::rfind(&file, &[0xff, 0xda]).unwrap();
    let mut bomb = file[..file.len() - 2].to_vec();
    for _ in 0..2_000 {
        bomb.extend_from_slice(&file[last_scan..file.len() - 2]);
    }
    let error = whole(&*opened(bomb), 1).unwrap_err();
    assert!(matches!(error, DecodeError::TooLarge { unit: "scans", .. }), "{error}");
}

#[test]
fn limits_are_checked_before_memory_is_taken() {
    let mut file = stream(Kind { components: 3, sampling: (1, 1), progressive: true, ..Kind::default() }, 32, 32);
    let frame = memchr::memmem::find(&file, &[0xff, 0xc2]).unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    let open = |options: &OpenOptions| open(Arc::new(MemoryAccess::new(file.clone())), options);
    let error = whole(&*open(&OpenOptions::default()).unwrap(), 8).unwrap_err();
    assert!(matches!(error, DecodeError::TooLarge { unit: "bytes of memory", .. }), "{error}");
    let error = open(&OpenOptions { max_pixels: 1_000_000, ..OpenOptions::default() }).err().unwrap();
    assert!(matches!(error, DecodeError::TooLarge { unit: "pixels", .. }), "{error}");
}

#[test]
fn a_height_of_zero_is_refused_in_words() {
    let mut file = plain(32, 32);
    let frame = memchr::memmem::find(&file, &[0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 7].fill(0);
    let error = open(Arc::new(MemoryAccess::new(file)), &OpenOptions::default()).err().unwrap();
    assert!(error.to_string().contains("DNL"), "{error}");
}

#[test]
fn there_is_one_page() {
    let source = Arc::new(MemoryAccess::new(plain(8, 8)));
    let error = open(source, &OpenOptions { page: 2, ..OpenOptions::default() }).err().unwrap();
    assert!(matches!(error, DecodeError::NoSuchPage { page: 2, pages: 1 }));
}

/// Counts the bytes read, and throws a switch when some are.
#[derive(Debug)]
pub(super) struct Watched {
    inner: MemoryAccess,
    pub(super) read: AtomicU64,
    cancel_after: Option<(u64, Control)>,
}

impl RandomAccess for Watched {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let read = self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        if let Some((limit, control)) = &self.cancel_after
            && read > *limit
        {
            control.cancel();
        }
        self.inner.read_at(offset, buffer)
    }
}

pub(super) fn watched(file: Vec<u8>, cancel_after: Option<(u64, Control)>) -> Arc<Watched> {
    Arc::new(Watched { inner: MemoryAccess::new(file), read: AtomicU64::new(0), cancel_after })
}

#[test]
fn the_top_rows_of_a_large_file_are_cheap() {
    let file = stream(Kind { components: 3, sampling: (1, 1), quality: 95, ..Kind::default() }, 1500, 1500);
    let source = watched(file, None);
    let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
    let wanted = DecodeRequest { level: 0, region: Rect::new(0, 0, 256, 64), denominator: 1 };
    read_raster(&*decoder, &wanted, &Control::default()).unwrap();
    let read = source.read.load(Ordering::Relaxed);
    assert!(read < source.len() / 4, "{read} of {} read", source.len());
    assert!(decoder.cost(&wanted).bytes_read < source.len() / 4);
}

#[test]
fn a_cancelled_decode_stops_midway() {
    for progressive in [false, true] {
        let file =
            stream(Kind { components: 3, sampling: (1, 1), quality: 95, progressive, ..Kind::default() }, 1500, 1500);
        let control = Control::default();
        let source = watched(file, Some((400_000, control.clone())));
        let decoder = open(source.clone(), &OpenOptions::default()).unwrap();
        let wanted = DecodeRequest { level: 0, region: Rect::new(0, 0, 1500, 1500), denominator: 1 };
        let error = read_raster(&*decoder, &wanted, &control).err().unwrap();
        assert!(matches!(error, DecodeError::Cancelled), "{error}");
        let read = source.read.load(Ordering::Relaxed);
        assert!(read < source.len() / 2, "{read} of {} read", source.len());
    }
}

#[test]
fn an_original_that_cannot_be_read_says_so() {
    #[derive(Debug)]
    struct Failing(MemoryAccess);
    impl RandomAccess for Failing {
        fn len(&self) -> u64 {
            self.0.len()
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            if offset > 100_000 { Err(io::ErrorKind::ConnectionReset.into()) } else { self.0.read_at(offset, buffer) }
        }
    }
    let file = stream(Kind { components: 3, sampling: (1, 1), quality: 95, ..Kind::default() }, 900, 900);
    let decoder = open(Arc::new(Failing(MemoryAccess::new(file))), &OpenOptions::default()).unwrap();
    assert!(
        matches!(whole(&*decoder, 1), Err(DecodeError::Io(error)) if error.kind() == io::ErrorKind::ConnectionReset)
    );
}

#[test]
fn a_whole_file_leaves_without_its_metadata() {
    let clean = plain(60, 40);
    let mut file = with_segment(&clean, 0xe1, b"http://ns.adobe.com/xap/1.0/\0 secret place");
    file = with_segment(&file, 0xed, b"Photoshop 3.0\0 secret name");
    file = with_segment(&file, 0xfe, b"secret comment");
    file = with_segment(&file, 0xe1, &exif(true, &[(0x0112, 3, 1)]));
    file.extend_from_slice(b"secret second picture");
    let stored = opened(file).stored_whole(Format::Jpg).unwrap().unwrap();
    assert!(memchr::memmem::find(&stored, b"secret").is_none());
    assert!(memchr::memmem::find(&stored, b"Exif").is_none());
    assert_eq!(stored, clean);

    let turned = with_segment(&clean, 0xe1, &exif(true, &[(0x0112, 3, 6)]));
    assert!(opened(turned).stored_whole(Format::Jpg).unwrap().is_none());
    assert!(opened(clean.clone()).stored_whole(Format::Png).unwrap().is_none());
    let inks = stream(Kind { components: 4, sampling: (1, 1), ..Kind::default() }, 16, 16);
    assert!(opened(inks).stored_whole(Format::Jpg).unwrap().is_none());
    let progressive = stream(Kind { components: 3, sampling: (2, 2), progressive: true, ..Kind::default() }, 60, 40);
    assert_eq!(opened(progressive.clone()).stored_whole(Format::Jpg).unwrap(), Some(progressive));
}

#[test]
fn damage_never_panics_and_cost_is_asked_first() {
    let mut random = super::Random::new(3);
    for kind in [
        Kind { components: 3, sampling: (2, 2), progressive: true, ..Kind::default() },
        Kind { components: 3, sampling: (2, 2), arithmetic: true, ..Kind::default() },
        Kind { components: 1, sampling: (1, 1), ..Kind::default() },
    ] {
        let good = stream(kind, 64, 48);
        for round in 0..300 {
            let mut bad = good.clone();
            for _ in 0..=round % 4 {
                bad[2 + random.below(good.len() as u32 - 2) as usize] = random.below(256) as u8;
            }
            if round % 5 == 0 {
                bad.truncate(random.below(good.len() as u32) as usize);
            }
            let options = OpenOptions { max_bytes: 64 << 20, ..OpenOptions::default() };
            if let Ok(decoder) = open(Arc::new(MemoryAccess::new(bad)), &options) {
                let size = decoder.facts().stored_size();
                let region = Rect::new(0, 0, size.width_px.min(64), size.height_px.min(64));
                let _ =
                    read_raster(&*decoder, &DecodeRequest { level: 0, region, denominator: 1 }, &Control::default());
                let _ = decoder.stored_whole(Format::Jpg);
            }
        }
    }
}

/// Samples of two bytes, as wide gradients.
fn wide_picture(width: u32, height: u32, components: u32, bits: u32) -> (Vec<u16>, Vec<u8>) {
    let most = (1_u32 << bits) - 1;
    let sample = |x: u32, y: u32, c: u32| (((x * 37 + y * 11 + c * 500) * most / 9000) & most) as u16;
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let samples = pixels.flat_map(|(x, y)| (0..components).map(move |c| sample(x, y, c))).collect::<Vec<_>>();
    let bytes = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
    (samples, bytes)
}

fn samples(raster: &Raster) -> Vec<u16> {
    raster.data().as_chunks::<2>().0.iter().map(|sample| u16::from_ne_bytes(*sample)).collect()
}

#[test]
fn twelve_bits_are_read_as_sixteen() {
    for (components, format) in [(1, PixelFormat::Gray16), (3, PixelFormat::Rgb16)] {
        for sampling in [1, 2] {
            let (given, bytes) = wide_picture(61, 45, components, 12);
            let parameters = Parameters {
                width: 61,
                height: 45,
                components,
                quality: 98,
                sampling_x: sampling,
                sampling_y: sampling,
                precision: 12,
                ..Parameters::default()
            };
            let file = super::encoded(&parameters, &bytes);
            let decoder = opened(file);
            assert_eq!(decoder.facts().bits_per_sample, 12);
            let whole_picture = whole(&*decoder, 1).unwrap();
            assert_eq!(whole_picture.format(), format);
            if sampling == 1 {
                let worst =
                    samples(&whole_picture).iter().zip(&given).map(|(a, b)| (a >> 4).abs_diff(*b)).max().unwrap();
                assert!(worst < 60, "{components}: {worst} of 4095");
            }
            let region = Rect::new(20, 10, 30, 25);
            let wanted = DecodeRequest { level: 0, region, denominator: 1 };
            let (part, _) = read_raster(&*decoder, &wanted, &Control::default()).unwrap();
            let pixel = format.bytes_per_pixel();
            for y in 0..region.h {
                let row = &whole_picture.row(10 + y)[20 * pixel..50 * pixel];
                assert!(part.row(y) == row, "{components} {sampling} row {y}");
            }
            assert_eq!(whole(&*decoder, 8).unwrap().size(), Dimensions::new(8, 6));
        }
    }
}

#[test]
fn lossless_files_come_back_exactly() {
    for (bits, components) in [(8, 1), (8, 3), (12, 1), (12, 3), (16, 1), (16, 3), (10, 1)] {
        let (given, wide) = wide_picture(61, 45, components, bits);
        let narrow = given.iter().map(|sample| *sample as u8).collect::<Vec<_>>();
        let parameters = Parameters {
            width: 61,
            height: 45,
            components,
            quality: 90,
            sampling_x: 1,
            sampling_y: 1,
            precision: bits,
            lossless: 1,
            ..Parameters::default()
        };
        let file = super::encoded(&parameters, if bits == 8 { &narrow } else { &wide });
        let decoder = opened(file);
        assert!(decoder.facts().compression.contains("lossless"), "{}", decoder.facts().compression);
        let picture = whole(&*decoder, 1).unwrap();
        if bits == 8 {
            assert!(picture.data() == narrow, "{bits} bits, {components} components");
        } else {
            let most = (1_u32 << bits) - 1;
            let expected =
                given.iter().map(|v| ((u32::from(*v) * 65_535 + most / 2) / most) as u16).collect::<Vec<_>>();
            assert!(samples(&picture) == expected, "{bits} bits, {components} components");
        }
    }
}

#[test]
fn arithmetic_coding_is_read_by_the_library() {
    for progressive in [false, true] {
        let kind = Kind { components: 3, sampling: (2, 2), progressive, ..Kind::default() };
        let huffman = whole(&*opened(stream(kind, 203, 167)), 1).unwrap();
        let arithmetic = whole(&*opened(stream(Kind { arithmetic: true, ..kind }, 203, 167)), 1).unwrap();
        assert!(huffman == arithmetic, "the same coefficients: {progressive}");
    }
}
