//! Files and folders of originals become pyramids, once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recto_codec::{
    Control, DecodeRequest, Decoder, EncodeHeader, EncodeOptions, MemoryAccess, Metadata, OpenOptions, Orientation,
    PixelFormat, PyramidCompression, PyramidOptions, PyramidPage, PyramidWriter, Raster, Subsampling, encoder, open,
    read_raster,
};
use recto_convert::{
    ConvertError, ConvertOptions, Converter, JOURNAL_NAME, Job, Lossless, Outcome, Target, Written, plan,
};
use recto_iiif::Dimensions;
use recto_iiif::image::Format;

/// Pixels in which a place can be told from another.
fn slopes(width: u32, height: u32) -> image::RgbImage {
    image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, ((x / 7 + y / 5) % 256) as u8])
    })
}

struct Folders {
    _root: tempfile::TempDir,
    sources: PathBuf,
    targets: PathBuf,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (sources, targets) = (root.path().join("masters"), root.path().join("out"));
        fs::create_dir_all(sources.join("deep/er")).unwrap();
        Self { _root: root, sources, targets }
    }

    fn convert(&self, options: &ConvertOptions) -> Vec<(Job, Result<Outcome, ConvertError>)> {
        let plan = plan(std::slice::from_ref(&self.sources), &self.targets, options.target).unwrap();
        let mut converter = Converter::new(options, &plan.folder).unwrap();
        plan.jobs.into_iter().map(|job| (job.clone(), converter.run(&job, &mut |_| {}))).collect()
    }

    /// Names of everything below the targets, in order.
    fn written(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.targets.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(&self.targets).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        names.sort();
        names
    }
}

fn open_file(path: &Path) -> Box<dyn Decoder> {
    open(Arc::new(MemoryAccess::new(fs::read(path).unwrap())), &OpenOptions::default()).unwrap()
}

fn read(decoder: &dyn Decoder, level: usize) -> Raster {
    let region = decoder.facts().levels[level].size.rect();
    read_raster(decoder, &DecodeRequest { level, region, denominator: 1 }, &Control::default()).unwrap().0
}

/// The only one.
fn written(outcomes: &[(Job, Result<Outcome, ConvertError>)]) -> &Written {
    let [(_, Ok(Outcome::Written(written)))] = outcomes else { panic!("one is written: {outcomes:?}") };
    written
}

fn words(outcomes: &[(Job, Result<Outcome, ConvertError>)]) -> Vec<(String, &'static str)> {
    outcomes
        .iter()
        .map(|(job, outcome)| {
            let word = match outcome {
                Ok(Outcome::Written(_)) => "written",
                Ok(Outcome::AlreadyDone) => "done",
                Ok(Outcome::NotAnImage) => "no image",
                Err(_) => "failed",
            };
            (job.source.file_name().unwrap().to_str().unwrap().to_owned(), word)
        })
        .collect()
}

fn fill(folders: &Folders) {
    slopes(700, 500).save(folders.sources.join("a.png")).unwrap();
    slopes(300, 900).save(folders.sources.join("deep/er/b.jpg")).unwrap();
    slopes(64, 64).save(folders.sources.join("deep/same.bmp")).unwrap();
    slopes(65, 64).save(folders.sources.join("deep/same.png")).unwrap();
    fs::write(folders.sources.join("notes.txt"), "no image at all").unwrap();
    let whole = fs::read(folders.sources.join("a.png")).unwrap();
    fs::write(folders.sources.join("cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folders.sources.join(".hidden.png"), &whole).unwrap();
}

#[test]
fn a_folder_keeps_its_places_and_names_and_a_bad_file_costs_only_itself() {
    let folders = Folders::new();
    fill(&folders);
    let before: Vec<Vec<u8>> = ["a.png", "cut.png"].map(|name| fs::read(folders.sources.join(name)).unwrap()).into();
    let options = ConvertOptions { compression: Some(PyramidCompression::Deflate), ..ConvertOptions::default() };
    let outcomes = folders.convert(&options);
    let expected = [
        ("a.png", "written"),
        ("cut.png", "failed"),
        ("b.jpg", "written"),
        ("same.bmp", "written"),
        ("same.png", "written"),
        ("notes.txt", "no image"),
    ];
    assert_eq!(words(&outcomes), expected.map(|(name, word)| (name.to_owned(), word)));
    assert_eq!(folders.written(), [JOURNAL_NAME, "a.tif", "deep/er/b.tif", "deep/same.bmp.tif", "deep/same.png.tif"]);
    let a = open_file(&folders.targets.join("a.tif"));
    let sizes: Vec<Dimensions> = a.facts().levels.iter().map(|level| level.size).collect();
    assert_eq!(sizes, [(700, 500), (350, 250), (175, 125)].map(|(w, h)| Dimensions::new(w, h)));
    assert!(read(a.as_ref(), 0).data() == slopes(700, 500).as_raw().as_slice());
    let after: Vec<Vec<u8>> = ["a.png", "cut.png"].map(|name| fs::read(folders.sources.join(name)).unwrap()).into();
    assert!(before == after, "originals are only read");
}

#[test]
fn what_is_done_is_left_alone_until_original_options_or_target_change() {
    let folders = Folders::new();
    slopes(300, 200).save(folders.sources.join("a.png")).unwrap();
    slopes(200, 300).save(folders.sources.join("b.png")).unwrap();
    let options = ConvertOptions::default();
    let word = |options: &ConvertOptions| {
        words(&folders.convert(options)).into_iter().map(|(_, word)| word).collect::<Vec<_>>()
    };
    assert_eq!(word(&options), ["written", "written"]);
    assert_eq!(word(&options), ["done", "done"]);
    // Another version of the original.
    slopes(310, 200).save(folders.sources.join("a.png")).unwrap();
    assert_eq!(word(&options), ["written", "done"]);
    assert_eq!(open_file(&folders.targets.join("a.tif")).facts().size(), Dimensions::new(310, 200));
    // Other options.
    let finer = ConvertOptions { quality: 95, ..options };
    assert_eq!(word(&finer), ["written", "written"]);
    // A target that somebody else put there is not replaced unasked.
    fs::write(folders.targets.join("b.tif"), "somebody's own").unwrap();
    assert_eq!(word(&finer), ["done", "failed"]);
    assert_eq!(fs::read(folders.targets.join("b.tif")).unwrap(), b"somebody's own");
    assert_eq!(word(&ConvertOptions { overwrite: true, ..finer }), ["done", "written"]);
    // A target that went away is made again; the left-over of a run that was killed is in nobody's way.
    fs::remove_file(folders.targets.join("a.tif")).unwrap();
    fs::write(folders.targets.join(".a.tif.recto-part"), vec![7; 1 << 20]).unwrap();
    assert_eq!(word(&finer), ["written", "done"]);
    assert_eq!(folders.written(), [JOURNAL_NAME, "a.tif", "b.tif"]);
}

#[test]
fn targets_never_lie_among_originals_or_on_each_other() {
    let folders = Folders::new();
    slopes(30, 20).save(folders.sources.join("a.png")).unwrap();
    slopes(30, 20).save(folders.sources.join("deep/a.tif")).unwrap();
    let a = folders.sources.join("a.png");
    let tif = folders.sources.join("deep/a.tif");
    let plan = |sources: &[&Path], to: PathBuf| {
        let sources: Vec<PathBuf> = sources.iter().map(|source| source.to_path_buf()).collect();
        plan(&sources, &to, Target::Tif).map(|plan| plan.jobs).map_err(|error| error.to_string())
    };
    let root = folders.sources.parent().unwrap().to_owned();
    for (sources, to, expected) in [
        (&[folders.sources.as_path()][..], folders.sources.clone(), "whose files are never changed"),
        (&[folders.sources.as_path()], folders.sources.join("new/er"), "whose files are never changed"),
        (&[folders.sources.as_path()], root.join("out/../masters/x"), "whose files are never changed"),
        (&[folders.sources.join("deep").as_path()], root.join("masters"), ""),
        (&[tif.as_path()], tif.clone(), "is an original"),
        (&[tif.as_path()], folders.sources.join("deep"), "is an original"),
        (&[a.as_path(), tif.as_path()], root.join("one.tif"), "there are 2 originals; give a folder"),
        (&[a.as_path(), a.as_path()], root.join("out"), "would be made of"),
        (&[a.as_path()], root.join("x.tif"), ""),
    ] {
        match plan(sources, to.clone()) {
            Ok(_) => assert_eq!(expected, "", "{sources:?} to {}", to.display()),
            Err(error) => {
                assert!(!expected.is_empty() && error.contains(expected), "{sources:?} to {}: {error}", to.display());
            }
        }
    }
}

#[test]
fn pages_stay_pages_and_depth_transparency_and_profiles_are_kept() {
    let folders = Folders::new();
    let gray =
        image::ImageBuffer::<image::Luma<u16>, Vec<u16>>::from_fn(300, 200, |x, y| image::Luma([(x * 200 + y) as u16]));
    gray.save(folders.sources.join("deep.png")).unwrap();
    let glass = image::RgbaImage::from_fn(300, 200, |x, y| image::Rgba([x as u8, y as u8, 9, (x + y) as u8]));
    glass.save(folders.sources.join("glass.png")).unwrap();
    let pages = PyramidOptions { compression: PyramidCompression::None, ..PyramidOptions::default() };
    let mut writer = PyramidWriter::new(std::io::Cursor::new(Vec::new()), &pages).unwrap();
    for shade in [0_u8, 80, 255] {
        let size = Dimensions::new(40, 30);
        let header = EncodeHeader { size, pixels: PixelFormat::Gray8, bitonal: false, icc: None, dpi: None };
        let (orientation, metadata) = (Orientation::Normal, Metadata::default());
        writer.begin(PyramidPage { header, orientation, metadata, compression: None, maker: None }).unwrap();
        writer.write(&Raster::from_vec(size, PixelFormat::Gray8, vec![shade; 40 * 30])).unwrap();
        writer.end().unwrap();
    }
    fs::write(folders.sources.join("pages.tiff"), writer.finish().unwrap().into_inner()).unwrap();
    for (job, outcome) in folders.convert(&ConvertOptions { threads: 3, ..ConvertOptions::default() }) {
        assert!(matches!(outcome, Ok(Outcome::Written(_))), "{job:?}: {outcome:?}");
    }
    let deep = read(open_file(&folders.targets.join("deep.tif")).as_ref(), 0);
    assert_eq!(deep.format(), PixelFormat::Gray16);
    assert!(deep.data() == gray.as_raw().iter().flat_map(|sample| sample.to_ne_bytes()).collect::<Vec<u8>>());
    let clear = read(open_file(&folders.targets.join("glass.tif")).as_ref(), 0);
    assert_eq!(clear.format(), PixelFormat::Rgba8);
    assert!(clear.data() == glass.as_raw().as_slice());
    let bytes = fs::read(folders.targets.join("pages.tif")).unwrap();
    for (page, shade) in [(1, 0_u8), (2, 80), (3, 255)] {
        let options = OpenOptions { page, ..OpenOptions::default() };
        let decoder = open(Arc::new(MemoryAccess::new(bytes.clone())), &options).unwrap();
        assert_eq!(decoder.facts().pages, 3);
        let first = read(decoder.as_ref(), 0).data()[0];
        assert!(first.abs_diff(shade) <= 2, "page {page}: {first}");
    }
}

/// True when all pixels are the same that are not at a side of a tile, or of the picture. Chroma is smoothed across the sides of tiles
/// only in the original.
fn are_same_within_tiles(before: &Raster, after: &Raster) -> bool {
    let size = before.size();
    let is_inner = |at: u32, side: u32| (3..253).contains(&(at % 256)) && at + 3 < side;
    let pixel = before.format().bytes_per_pixel();
    before.format() == after.format()
        && (0..size.height_px).filter(|y| is_inner(*y, size.height_px)).all(|y| {
            (0..size.width_px as usize).filter(|x| is_inner(*x as u32, size.width_px)).all(|x| {
                let place = x * pixel..(x + 1) * pixel;
                before.row(y)[place.clone()] == after.row(y)[place]
            })
        })
}

#[test]
fn a_jpeg_original_is_cut_into_tiles_and_loses_nothing() {
    let folders = Folders::new();
    slopes(1400, 1000).save(folders.sources.join("a.jpg")).unwrap();
    let original = read(open_file(&folders.sources.join("a.jpg")).as_ref(), 0);
    for (lossless, compression, expected) in [
        (Lossless::Auto, None, (24, 24, 0)),
        (Lossless::Never, None, (24, 0, 24)),
        (Lossless::Auto, Some(PyramidCompression::Deflate), (24, 0, 0)),
    ] {
        let options = ConvertOptions { lossless, compression, quality: 60, ..ConvertOptions::default() };
        let outcomes = folders.convert(&options);
        let written = written(&outcomes);
        let tiles = (written.tiles, written.lossless_tiles, written.lossy_tiles);
        assert_eq!(tiles, expected, "{lossless:?} {compression:?}");
        let back = read(open_file(&folders.targets.join("a.tif")).as_ref(), 0);
        assert_eq!(are_same_within_tiles(&original, &back), written.lossy_tiles == 0, "{lossless:?} {compression:?}");
    }
}

/// A JPEG file of slopes and some noise; gray where it has one sample a pixel.
fn jpeg(
    size: Dimensions,
    pixels: PixelFormat,
    (quality, progressive, subsampling): (u8, bool, Subsampling),
) -> Vec<u8> {
    let mut rng = recto_testkit::Rng::new(3);
    let noise = if quality > 90 { 0x3f } else { 3 };
    let slopes = slopes(size.width_px, size.height_px);
    let samples = slopes.pixels().flat_map(|pixel| &pixel.0[..pixels.samples()]);
    let data = samples.map(|sample| sample.wrapping_add((rng.next_u64() & noise) as u8)).collect();
    let options = EncodeOptions {
        jpeg_quality: quality,
        jpeg_progressive: progressive,
        jpeg_subsampling: subsampling,
        ..EncodeOptions::default()
    };
    let header = EncodeHeader { size, pixels, bitonal: false, icc: None, dpi: None };
    let mut encoder = encoder(Format::Jpg, &header, &options).unwrap();
    encoder.write(&Raster::from_vec(size, pixels, data)).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn jpeg_originals_of_any_size_and_quality_and_of_several_scans_keep_their_coefficients() {
    use PixelFormat::{Gray8, Rgb8};
    use Subsampling::{Both, Horizontal, None};
    for (name, (width, height), pixels, form) in [
        ("many bytes a pixel", (1100, 1000), Rgb8, (98, false, None)),
        ("several scans", (900, 700), Rgb8, (85, true, Both)),
        ("several scans of many bytes", (300, 300), Rgb8, (98, true, None)),
        ("a small picture", (512, 400), Rgb8, (85, false, Both)),
        ("smaller than a tile", (90, 61), Rgb8, (85, false, Horizontal)),
        ("gray", (300, 260), Gray8, (85, true, None)),
    ] {
        let folders = Folders::new();
        let size = Dimensions::new(width, height);
        let file = jpeg(size, pixels, form);
        assert_eq!(file.len() as u64 > size.area_px(), form.0 > 90, "{name}: {} bytes", file.len());
        fs::write(folders.sources.join("a.jpg"), &file).unwrap();
        // What was encoded anew with this would not be the same.
        let outcomes = folders.convert(&ConvertOptions { quality: 20, threads: 2, ..ConvertOptions::default() });
        let written = written(&outcomes);
        assert_eq!((written.lossless_tiles, written.lossy_tiles), (written.tiles, 0), "{name}");
        let original = read(open_file(&folders.sources.join("a.jpg")).as_ref(), 0);
        let back = read(open_file(&folders.targets.join("a.tif")).as_ref(), 0);
        assert!(are_same_within_tiles(&original, &back), "{name}");
        if form.2 == None {
            assert!(original == back, "{name}: without smoothed chroma all pixels are the same");
        }
        assert_eq!(folders.written(), [JOURNAL_NAME, "a.tif"], "{name}: nothing is left behind");
    }
}

#[test]
fn jpeg_originals_that_cannot_be_cut_are_encoded_and_counted() {
    let folders = Folders::new();
    let size = Dimensions::new(300, 200);
    let inks: Vec<u8> = slopes(300, 200).pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 0]).collect();
    let header = EncodeHeader { size, pixels: PixelFormat::Cmyk8, bitonal: false, icc: None, dpi: None };
    let mut encoder = encoder(Format::Jpg, &header, &EncodeOptions::default()).unwrap();
    encoder.write(&Raster::from_vec(size, PixelFormat::Cmyk8, inks)).unwrap();
    fs::write(folders.sources.join("a.jpg"), encoder.finish().unwrap()).unwrap();
    let outcomes = folders.convert(&ConvertOptions::default());
    let written = written(&outcomes);
    assert_eq!((written.tiles, written.lossless_tiles, written.lossy_tiles), (2, 0, 2));
}

const IPTC: &[u8] = b"\x1c\x02\x05\0\x01x";
const XMP: &[u8] = b"<x:xmpmeta/>";

/// Puts EXIF with this orientation, XMP and IPTC into a JPEG file.
fn described(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let segment = |marker: u8, parts: &[&[u8]]| {
        let body = parts.concat();
        [&[0xff, marker], &(body.len() as u16 + 2).to_be_bytes()[..], &body].concat()
    };
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x04abc\0\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let segments = [
        segment(0xe1, &[&exif]),
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP]),
        segment(0xed, &[b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0", &[IPTC.len() as u8], IPTC]),
    ];
    [&jpeg[..2], &segments.concat(), &jpeg[2..]].concat()
}

#[test]
fn every_orientation_and_what_is_beside_the_pixels_come_into_every_format() {
    let size = Dimensions::new(96, 64);
    let file = jpeg(size, PixelFormat::Rgb8, (90, false, Subsampling::None));
    let folders = Folders::new();
    for number in 1..=8 {
        fs::write(folders.sources.join(format!("{number}.jpg")), described(&file, number)).unwrap();
    }
    for target in [Target::Jp2, Target::Jph, Target::Tif] {
        let compression = (target == Target::Tif).then_some(PyramidCompression::Deflate);
        let options = ConvertOptions { target, compression, quality: 100, ..ConvertOptions::default() };
        for (number, (job, outcome)) in (1..).zip(folders.convert(&options)) {
            let name = format!("{number} as {target:?}");
            let Ok(Outcome::Written(written)) = outcome else { panic!("{name}: {outcome:?}") };
            let (before, after) = (open_file(&job.source), open_file(&job.target));
            let facts = after.facts();
            assert_eq!(facts.orientation, Orientation::from_tag(number), "{name}");
            assert_eq!(facts.size(), facts.orientation.shown(size), "{name}");
            assert_eq!((written.size, written.levels), (facts.size(), facts.levels.len()), "{name}");
            assert_eq!((written.lossless_tiles, written.lossy_tiles), (0, 0), "{name}");
            assert!(read(after.as_ref(), 0) == read(before.as_ref(), 0), "{name}: the pixels as they were stored");
            let found = after.metadata().unwrap();
            assert_eq!((found.xmp.as_deref(), found.iptc.as_deref()), (Some(XMP), Some(IPTC)), "{name}");
            assert!(found.exif.unwrap().windows(4).any(|window| window == b"abc\0"), "{name}");
        }
    }
}

#[test]
fn jpeg_2000_has_the_tiles_that_were_asked_for() {
    let folders = Folders::new();
    slopes(700, 500).save(folders.sources.join("a.png")).unwrap();
    for (target, tile, quality, side, tiles) in [
        (Target::Jp2, None, 85, None, 1),
        (Target::Jp2, Some(128), 85, Some(128), 24),
        (Target::Jp2, Some(256), 100, Some(256), 6),
        (Target::Jph, None, 85, Some(512), 2),
        (Target::Jph, Some(128), 85, Some(128), 24),
        (Target::Jph, Some(256), 100, Some(256), 6),
    ] {
        let name = format!("{target:?} in {tile:?}");
        let options = ConvertOptions { target, tile, quality, threads: 2, ..ConvertOptions::default() };
        let outcomes = folders.convert(&options);
        let written = written(&outcomes);
        let file = open_file(&folders.targets.join("a").with_extension(target.extension()));
        let found = file.facts().levels[0].grid.map(|grid| grid.tile);
        assert_eq!(found, side.map(|side| Dimensions::new(side, side)), "{name}");
        assert_eq!((written.levels, file.facts().levels.len()), (6, 6), "{name}");
        assert_eq!((written.tiles, written.lossy_tiles), (tiles, if quality < 100 { tiles } else { 0 }), "{name}");
        assert_eq!(file.facts().compression.starts_with("HTJ2K"), target == Target::Jph, "{name}");
    }
}

#[test]
fn high_throughput_files_keep_every_pixel_and_are_done_once_whatever_threads_there_are() {
    let folders = Folders::new();
    let deep = image::ImageBuffer::from_fn(700, 300, |x, y| image::Luma([(x * 90 + y * 7) as u16]));
    deep.save(folders.sources.join("gray.png")).unwrap();
    slopes(600, 700).save(folders.sources.join("deep/color.png")).unwrap();
    let options = |threads| ConvertOptions { target: Target::Jph, quality: 100, threads, ..ConvertOptions::default() };
    let word =
        |threads| words(&folders.convert(&options(threads))).into_iter().map(|(_, word)| word).collect::<Vec<_>>();
    assert_eq!(word(1), ["written", "written"]);
    assert_eq!(word(3), ["done", "done"]);
    assert_eq!(folders.written(), [JOURNAL_NAME, "deep/color.jph", "gray.jph"]);
    let pairs = [("gray.png", "gray.jph"), ("deep/color.png", "deep/color.jph")];
    let bytes = pairs.map(|(original, target)| {
        let (before, after) = (open_file(&folders.sources.join(original)), open_file(&folders.targets.join(target)));
        assert!(read(before.as_ref(), 0) == read(after.as_ref(), 0), "{target}");
        fs::read(folders.targets.join(target)).unwrap()
    });
    fs::remove_dir_all(&folders.targets).unwrap();
    assert_eq!(word(3), ["written", "written"]);
    let again = pairs.map(|(_, target)| fs::read(folders.targets.join(target)).unwrap());
    assert!(bytes == again, "the same file comes of any number of threads");
}

#[test]
fn tiles_that_a_format_does_not_have_are_refused_before_anything_is_read() {
    for (target, side, expected) in [
        (Target::Jp2, 96, "tiles of 96 pixels are not possible in `jp2`; give a power of two of at least 64"),
        (Target::Jp2, 32, "tiles of 32 pixels are not possible in `jp2`; give a power of two of at least 64"),
        (Target::Jph, 80, "tiles of 80 pixels are not possible in `jph`; give a power of two of at least 64"),
        (Target::Tif, 100, "tiles of 100 pixels are not possible in `tif`; give a multiple of 16 up to 4096"),
        (Target::Tif, 0, "tiles of 0 pixels are not possible in `tif`; give a multiple of 16 up to 4096"),
    ] {
        let options = ConvertOptions { target, tile: Some(side), ..ConvertOptions::default() };
        let error = Converter::new(&options, Path::new("nowhere")).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), recto_iiif::ErrorKind::Malformed);
    }
}

#[test]
fn files_of_several_pages_are_refused_for_jpeg_2000_and_leave_no_trace() {
    let folders = Folders::new();
    let mut writer = PyramidWriter::new(std::io::Cursor::new(Vec::new()), &PyramidOptions::default()).unwrap();
    let size = Dimensions::new(40, 30);
    for _ in 0..2 {
        let header = EncodeHeader { size, pixels: PixelFormat::Gray8, bitonal: false, icc: None, dpi: None };
        let (orientation, metadata) = (Orientation::Normal, Metadata::default());
        writer.begin(PyramidPage { header, orientation, metadata, compression: None, maker: None }).unwrap();
        writer.write(&Raster::zeroed(size, PixelFormat::Gray8)).unwrap();
        writer.end().unwrap();
    }
    fs::write(folders.sources.join("pages.tif"), writer.finish().unwrap().into_inner()).unwrap();
    for target in [Target::Jp2, Target::Jph] {
        let outcomes = folders.convert(&ConvertOptions { target, ..ConvertOptions::default() });
        let error = outcomes[0].1.as_ref().unwrap_err().to_string();
        assert!(error.ends_with("has 2 pages, a JPEG 2000 file holds one; `--as tif` keeps them all"), "{error}");
        assert!(!folders.targets.exists());
    }
}

#[test]
fn an_original_larger_than_the_limit_is_refused_and_leaves_no_trace() {
    let folders = Folders::new();
    slopes(700, 500).save(folders.sources.join("a.png")).unwrap();
    let outcomes = folders.convert(&ConvertOptions { max_bytes: 1000, ..ConvertOptions::default() });
    let error = outcomes[0].1.as_ref().unwrap_err();
    assert_eq!(error.kind(), recto_iiif::ErrorKind::TooLarge, "{error}");
    assert_eq!(folders.written(), Vec::<String>::new());
}
