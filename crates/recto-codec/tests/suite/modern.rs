//! AVIF, JPEG XL and HEIC beyond what every format must do: turns and clips of the container, real files, damage in bulk.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{
    ColorModel, Control, DecodeError, DecodeRequest, ImageFacts, MemoryAccess, OpenOptions, Orientation, PixelFormat,
    Raster, SourceFormat, open, read_raster,
};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::{Rng, card, data_dir};

use crate::fixtures::avif::{Parts, boxed, card as avif_card, encode, full, taken_apart};
use crate::fixtures::{self, SIZE};

fn read(bytes: &[u8]) -> Result<(Raster, ImageFacts), DecodeError> {
    let options = OpenOptions { max_pixels: 1 << 26, max_bytes: 1 << 30, ..OpenOptions::default() };
    let decoder = open(Arc::new(MemoryAccess::new(bytes)), &options)?;
    let region = decoder.facts().stored_size().rect();
    let wanted = DecodeRequest { level: 0, region, denominator: 1 };
    let (raster, _) = read_raster(decoder.as_ref(), &wanted, &Control::default())?;
    Ok((raster, decoder.facts().clone()))
}

/// One AVIF picture with further properties.
fn with_properties(properties: Vec<Vec<u8>>) -> Vec<u8> {
    let (stream, config) = taken_apart(&encode(SIZE, PixelFormat::Gray8, avif_card(SIZE, PixelFormat::Gray8), 95));
    Parts { size: SIZE, tile: SIZE, streams: vec![stream], config, grid: None, properties }.write()
}

#[test]
fn turns_and_mirrors_of_the_container_are_the_orientation() {
    for (rotation, mirror, want) in [
        (None, None, Orientation::Normal),
        (Some(1), None, Orientation::Rotate270),
        (Some(2), None, Orientation::Rotate180),
        (Some(3), None, Orientation::Rotate90),
        (None, Some(0), Orientation::MirrorVertical),
        (None, Some(1), Orientation::MirrorHorizontal),
        (Some(1), Some(0), Orientation::Transpose),
        (Some(1), Some(1), Orientation::Transverse),
        (Some(3), Some(0), Orientation::Transverse),
        (Some(3), Some(1), Orientation::Transpose),
        (Some(2), Some(0), Orientation::MirrorHorizontal),
    ] {
        let turn = rotation.map(|quarters: u8| boxed(b"irot", &[quarters]));
        let flip = mirror.map(|axis: u8| boxed(b"imir", &[axis]));
        let file = with_properties(turn.into_iter().chain(flip).collect());
        let (_, facts) = read(&file).unwrap();
        assert_eq!(facts.orientation, want, "{rotation:?} {mirror:?}");
        assert_eq!(facts.size(), want.shown(SIZE), "{rotation:?} {mirror:?}");
    }
}

#[test]
fn a_clip_is_the_image() {
    let (whole, _) = read(&with_properties(Vec::new())).unwrap();
    // 101 by 57 pixels, 20 columns right of and 10 rows above the centre.
    let numbers = [101_u32, 1, 57, 1, 20, 1, 10_u32.wrapping_neg(), 1].map(u32::to_be_bytes).concat();
    let (part, facts) = read(&with_properties(vec![boxed(b"clap", &numbers)])).unwrap();
    assert_eq!(facts.stored_size(), Dimensions::new(101, 57));
    let want: Vec<u8> = (70..127).flat_map(|y| whole.row(y)[120..221].to_vec()).collect();
    assert!(part.data() == want);
    let between = [101_u32, 2, 57, 1, 0, 1, 0, 1].map(u32::to_be_bytes).concat();
    let refused = read(&with_properties(vec![boxed(b"clap", &between)])).err();
    assert!(matches!(refused, Some(DecodeError::Unsupported { .. })), "{refused:?}");
}

#[test]
fn the_range_that_the_container_says_counts() {
    let (full_range, _) = read(&with_properties(Vec::new())).unwrap();
    let limited = boxed(b"colr", b"nclx\0\x01\0\x0d\0\x06\0");
    let (stretched, _) = read(&with_properties(vec![limited])).unwrap();
    let mut seen = 0;
    for (&code, &got) in full_range.data().iter().zip(stretched.data()) {
        let want = ((f64::from(code) - 16.0) / 219.0).clamp(0.0, 1.0) * 255.0;
        assert!((f64::from(got) - want).abs() <= 1.0, "{code} gives {got}, not {want}");
        seen += u32::from(code != got);
    }
    assert!(seen > 1000, "the ranges differ");
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let (stream, config) = taken_apart(&encode(SIZE, PixelFormat::Gray8, avif_card(SIZE, PixelFormat::Gray8), 90));
    let tiles = |count: usize, grid: Vec<u8>| {
        Parts {
            size: SIZE,
            tile: SIZE,
            streams: vec![stream.clone(); count],
            config: config.clone(),
            grid: Some(grid),
            properties: Vec::new(),
        }
        .write()
    };
    let [w, h] = [SIZE.width_px as u16, SIZE.height_px as u16].map(u16::to_be_bytes);
    let header = |rows: u8, columns: u8| [&[0, 0, rows - 1, columns - 1], &w[..], &h].concat();
    assert!(read(&tiles(1, header(1, 1))).is_ok());
    for (what, file) in [
        ("too few tiles", tiles(1, header(2, 1))),
        ("tiles outside", tiles(2, header(1, 2))),
        ("another size", tiles(1, [&[0, 0, 0, 0], &h[..], &w].concat())),
        ("cut off", tiles(1, vec![0, 0, 0])),
    ] {
        assert!(matches!(read(&file), Err(DecodeError::Corrupt { .. })), "{what}");
    }
    let sequence = [boxed(b"ftyp", b"avis\0\0\0\0avif"), boxed(b"moov", &[0; 8])].concat();
    assert!(matches!(read(&sequence), Err(DecodeError::Unsupported { .. })), "a sequence");
    let unknown = full(b"zzzz", 0, &[1, 2, 3]);
    assert!(read(&with_properties(vec![unknown])).is_ok(), "what need not be understood is passed over");
}

fn file(name: &str) -> Option<Vec<u8>> {
    let data = data_dir()?;
    Some(std::fs::read(data.join("images").join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn eight_bits(raster: &Raster) -> Vec<u8> {
    match raster.format().bytes_per_sample() {
        1 => raster.data().to_vec(),
        _ => raster.data().as_chunks::<2>().0.iter().map(|word| (u16::from_ne_bytes(*word) >> 8) as u8).collect(),
    }
}

/// The same picture in every layout and depth, held against the JPEG that they were made from.
#[test]
fn avif_of_every_layout_and_depth_shows_the_same_picture() {
    let Some(reference) = file("avif/fox.jpg") else { return };
    let (reference, _) = read(&reference).unwrap();
    for (name, bits, color) in [
        ("avif/fox.profile0.8bpc.yuv420.avif", 8, ColorModel::Rgb),
        ("avif/fox.profile0.10bpc.yuv420.avif", 10, ColorModel::Rgb),
        ("avif/fox.profile0.8bpc.yuv420.monochrome.avif", 8, ColorModel::Gray),
        ("avif/fox.profile1.8bpc.yuv444.avif", 8, ColorModel::Rgb),
        ("avif/fox.profile2.12bpc.yuv422.avif", 12, ColorModel::Rgb),
    ] {
        let (raster, facts) = read(&file(name).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((facts.bits_per_sample, facts.color), (bits, color), "{name}");
        assert_eq!(raster.size(), reference.size(), "{name}");
        let want: Vec<u8> = if color == ColorModel::Gray {
            let luma = |[r, g, b]: &[u8; 3]| 0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b);
            reference.data().as_chunks::<3>().0.iter().map(|rgb| luma(rgb).round() as u8).collect()
        } else {
            reference.data().to_vec()
        };
        let got = eight_bits(&raster);
        let (_, mean) = card::distance(&got, &want);
        assert!(mean < 5.0, "{name}: {mean:.2} on average");
        let (_, wrong) = card::distance(&got, &want.iter().rev().copied().collect::<Vec<_>>());
        assert!(wrong > 20.0, "{name}: the measure tells pictures apart");
    }
}

#[test]
fn real_avif_files_are_turned_and_broken_ones_refused() {
    let Some(turned) = file("libvips/avif-orientation-6.avif") else { return };
    let (_, facts) = read(&turned).unwrap();
    // Its Exif data say "turned", its container does not: the container counts (ISO/IEC 23000-22, 7.3.6.6).
    assert_eq!((facts.orientation, facts.size()), (Orientation::Normal, Dimensions::new(3024, 4032)));
    let (raster, facts) = read(&file("derived/lossy.avif").unwrap()).unwrap();
    assert_eq!((facts.source_format, raster.size()), (SourceFormat::Avif, facts.stored_size()));
    let started = Instant::now();
    let broken = open(Arc::new(MemoryAccess::new(file("libvips/17000x17000.avif").unwrap())), &OpenOptions::default())
        .and_then(|decoder| {
            let wanted = DecodeRequest { level: 0, region: Rect::new(0, 0, 64, 64), denominator: 1 };
            read_raster(decoder.as_ref(), &wanted, &Control::default()).map(|(raster, _)| raster)
        });
    eprintln_once(&format!("17000x17000.avif: {:?} after {:?}", broken.as_ref().err(), started.elapsed()));
}

#[expect(clippy::print_stderr, reason = "what was seen is part of the result")]
fn eprintln_once(text: &str) {
    eprintln!("{text}");
}

#[test]
fn real_jxl_files_give_their_pictures() {
    if file("jxl/splines.jxl").is_none() {
        return;
    }
    for (name, size) in [
        ("jxl/blending_cropped_traffic_light.jxl", None),
        ("jxl/jpeg_reconstruction_1x1_exif_xmp.jxl", Some(Dimensions::new(1, 1))),
        ("jxl/pq_gradient.jxl", None),
        ("jxl/spline_on_first_frame.jxl", None),
        ("jxl/splines.jxl", None),
        ("derived/lossy.jxl", None),
    ] {
        let (raster, facts) = read(&file(name).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(facts.source_format, SourceFormat::Jxl, "{name}");
        assert!(size.is_none_or(|size| raster.size() == size), "{name}: {}", raster.size());
        let (least, most) = (raster.data().iter().min().unwrap(), raster.data().iter().max().unwrap());
        if size.is_none() {
            assert!(least < most, "{name} is not of one colour");
        }
    }
}

/// Brightness rises from one end of the gradient to the other, from black to white.
#[test]
fn a_picture_for_bright_screens_is_shown_on_ordinary_ones() {
    let Some(bytes) = file("jxl/pq_gradient.jxl") else { return };
    let (raster, facts) = read(&bytes).unwrap();
    let got = eight_bits(&raster);
    let samples = raster.format().samples();
    let middle = raster.height_px() as usize / 2 * raster.width_px() as usize;
    let row: Vec<u8> =
        got.chunks_exact(samples).skip(middle).take(raster.width_px() as usize).map(|pixel| pixel[0]).collect();
    let (first, last) = (row[0], row[row.len() - 1]);
    assert!(first.abs_diff(last) > 200, "{facts:?}: from {first} to {last}");
    let rising = row.windows(2).filter(|pair| (pair[1] >= pair[0]) == (last > first)).count();
    assert!(rising * 100 >= row.len() * 98, "{rising} of {} steps go one way", row.len());
}

#[test]
fn heic_is_read_where_the_library_is_and_refused_with_a_way_out_where_it_is_not() {
    let Some(bytes) = file("derived/lossy.heic") else { return };
    crate::contain();
    match read(&bytes) {
        Ok((raster, facts)) => {
            assert_eq!((facts.source_format, facts.bits_per_sample), (SourceFormat::Heic, 8));
            // The same picture, in the format that a folder beside it has it in.
            let (other, _) = read(&file("derived/lossy.webp").unwrap()).unwrap();
            assert_eq!(raster.size(), other.size());
            let (_, mean) = card::distance(raster.data(), other.data());
            assert!(mean < 8.0, "differs by {mean:.2} on average");
        }
        Err(DecodeError::Unsupported { what, .. }) => {
            assert!(what.contains("libheif1"), "{what}");
            eprintln_once("skipped: there is no libheif here");
        }
        Err(error) => panic!("{error}"),
    }
}

/// Its failure would else be that of the whole program.
#[test]
fn a_child_decodes_heic_too() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_contained-decoder"))
        .args([recto_codec::CONTAINED, "heic", "100"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\0\0\x40\0\0this is no picture").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(answer.contains("libheif") && answer.ends_with('E'), "{answer}");
}

/// Hundreds of damaged files: each an error or pixels, soon.
#[test]
fn damage_in_bulk_is_survived() {
    crate::contain();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for fixture in fixtures::avif::fixtures().into_iter().chain(fixtures::jxl::fixtures()) {
        if fixture.size == SIZE {
            files.push((fixture.name, fixture.bytes));
        }
    }
    if data_dir().is_some() {
        for name in
            ["jxl/splines.jxl", "jxl/pq_gradient.jxl", "jxl/blending_cropped_traffic_light.jxl", "derived/lossy.avif"]
        {
            files.push((name.to_owned(), file(name).unwrap()));
        }
    }
    let mut rng = Rng::new(41);
    let mut outcomes = [0_u32; 2];
    for (name, whole) in files {
        for round in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..=rng.below(6) {
                let end = if round % 4 == 0 { bytes.len().min(400) } else { bytes.len() };
                let at = rng.below(end as u32) as usize;
                bytes[at] = rng.next_u64() as u8;
            }
            let started = Instant::now();
            let result = read(&bytes);
            assert!(started.elapsed() < Duration::from_secs(20), "{name}, round {round}");
            outcomes[usize::from(result.is_ok())] += 1;
        }
    }
    assert!(outcomes.iter().all(|count| *count > 20), "errors and pixels: {outcomes:?}");
}

#[test]
fn the_container_tells_avif_from_heic() {
    let avif = with_properties(Vec::new());
    assert_eq!(read(&avif).unwrap().1.source_format, SourceFormat::Avif);
    let mut renamed = avif;
    renamed[8..12].copy_from_slice(b"heic");
    renamed[16..20].copy_from_slice(b"heic");
    let refused = read(&renamed).err();
    let is_heic = matches!(refused, Some(DecodeError::Unsupported { format: SourceFormat::Heic, .. }));
    assert!(is_heic, "{refused:?}");
}
