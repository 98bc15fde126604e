//! Files and folders of originals become pyramids, once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recto_codec::{
    Control, DecodeRequest, Decoder, EncodeHeader, MemoryAccess, Metadata, OpenOptions, Orientation, PixelFormat,
    PyramidCompression, PyramidOptions, PyramidPage, PyramidWriter, Raster, open, read_raster,
};
use recto_convert::{ConvertError, ConvertOptions, Converter, JOURNAL_NAME, Job, Lossless, Outcome, Target, plan};
use recto_iiif::Dimensions;

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

#[test]
fn a_jpeg_original_is_cut_into_tiles_and_loses_nothing_but_at_the_edges() {
    let folders = Folders::new();
    slopes(1400, 1000).save(folders.sources.join("a.jpg")).unwrap();
    let original = read(open_file(&folders.sources.join("a.jpg")).as_ref(), 0);
    for (lossless, compression, tiles) in
        [(Lossless::Auto, None, 2), (Lossless::Never, None, 0), (Lossless::Auto, Some(PyramidCompression::Deflate), 0)]
    {
        let options = ConvertOptions { lossless, compression, quality: 60, ..ConvertOptions::default() };
        let [(_, Ok(Outcome::Written(written)))] = &folders.convert(&options)[..] else { panic!("it is not written") };
        assert_eq!(written.lossless_tiles > 0, tiles > 0, "{lossless:?} {compression:?}: {} tiles", written.tiles);
        let pyramid = open_file(&folders.targets.join("a.tif"));
        let back = read(pyramid.as_ref(), 0);
        // Chroma is smoothed across the sides of tiles only in the original: their inner pixels are equal.
        let inner = |y: usize| (y % 256 > 2 && y % 256 < 253).then_some(y * 1400 * 3);
        let same = (0..250).filter_map(inner).all(|at| {
            let span = at + 9..at + 250 * 3;
            back.data()[span.clone()] == original.data()[span]
        });
        assert_eq!(same, tiles > 0 || compression.is_some(), "{lossless:?} {compression:?}");
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
