//! One original becomes one target.

use std::fs::{File, OpenOptions as FileOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{
    ColorModel, Control, DecodeError, DecodeRequest, Decoder, EncodeHeader, EncodeOptions, OpenOptions, PixelFormat,
    PyramidCompression, PyramidError, PyramidPage, PyramidWriter, RandomAccess, encoder, open,
};
use recto_iiif::Dimensions;
use recto_iiif::image::Format;

use crate::file::{OpenFile, Version};
use crate::journal::{Entry, Journal};
use crate::lossless::maker;
use crate::samples::Samples;
use crate::verify::{Expected, verify};
use crate::{ConvertError, ConvertOptions, Job, Lossless, Target};

/// Bytes collected before they are written.
const BUFFER: usize = 1 << 20;

/// How far the conversion of one original has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The page, from 1.
    pub page: u32,
    /// How many there are.
    pub pages: u32,
    /// Rows of it that were read.
    pub rows: u32,
    /// How many there are.
    pub of_rows: u32,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Size of the first page, as shown.
    pub size: Dimensions,
    /// How many pages there are.
    pub pages: u32,
    /// Levels of the first page.
    pub levels: usize,
    /// Bytes of the original.
    pub source_bytes: u64,
    /// Bytes of the target.
    pub target_bytes: u64,
    /// Tiles of the largest levels.
    pub tiles: u64,
    /// Those of them that hold the original's own coefficients.
    pub lossless_tiles: u64,
    /// How long it took.
    pub took: Duration,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target was written.
    Written(Written),
    /// It is there already, of this version of the original and by these options.
    AlreadyDone,
    /// A file found in a folder is no image.
    NotAnImage,
}

/// Converts originals one after the other into one folder.
#[derive(Debug)]
pub struct Converter {
    options: ConvertOptions,
    folder: PathBuf,
    journal: Journal,
}

impl Converter {
    /// Prepares to convert into `folder`, which need not exist yet.
    ///
    /// # Errors
    /// When the folder's journal cannot be read.
    pub fn new(options: &ConvertOptions, folder: &Path) -> Result<Self, ConvertError> {
        let journal = Journal::read(folder).map_err(ConvertError::io(folder, "read"))?;
        Ok(Self { options: *options, folder: folder.to_owned(), journal })
    }

    /// Converts one original. `watch` is told now and then how far it is.
    ///
    /// # Errors
    /// Why it was not converted; then there is no target, or the one that was there before.
    pub fn run(&mut self, job: &Job, watch: &mut dyn FnMut(Progress)) -> Result<Outcome, ConvertError> {
        let started = Instant::now();
        let file = File::open(&job.source).map_err(ConvertError::io(&job.source, "opened"))?;
        let before = Version::of(&file.metadata().map_err(ConvertError::io(&job.source, "read"))?);
        let relative = job.target.strip_prefix(&self.folder).unwrap_or(&job.target).to_owned();
        if self.is_done(job, &relative, before)? {
            return Ok(Outcome::AlreadyDone);
        }
        let source = OpenFile::new(file).map_err(ConvertError::io(&job.source, "read"))?;
        let source: Arc<dyn RandomAccess> = Arc::new(source);
        // Opened before anything is created: what is no image leaves no trace.
        let first = match open(source.clone(), &self.open_options(1)) {
            Err(DecodeError::Unrecognised { .. }) if !job.is_named => return Ok(Outcome::NotAnImage),
            other => other.map_err(decode_error(job))?,
        };
        let pages = first.facts().pages;
        let parent = job.target.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(ConvertError::io(parent, "created"))?;
        let part = Part::create(&job.target)?;
        let (expected, mut written) = match self.options.target {
            Target::Tif => self.write_tif(job, &source, first, &part, watch)?,
            Target::Jp2 if pages > 1 => return Err(ConvertError::ManyPages { path: job.source.clone(), pages }),
            Target::Jp2 => self.write_jp2(job, first.as_ref(), &part, watch)?,
        };
        part.file.sync_all().map_err(ConvertError::io(&part.path, "written"))?;
        self.verify(job, &part, &expected)?;
        let after = std::fs::metadata(&job.source).map_err(ConvertError::io(&job.source, "read"))?;
        if Version::of(&after) != before {
            return Err(ConvertError::Changed { path: job.source.clone() });
        }
        let metadata = part.file.metadata().map_err(ConvertError::io(&part.path, "read"))?;
        // Noted first: a target without a note would not be known as ours, a note without a target does no harm.
        let entry = Entry {
            target: relative,
            source: job.source.clone(),
            source_version: before,
            options: self.options.words(),
            target_version: Version::of(&metadata),
        };
        self.journal.note(entry).map_err(ConvertError::io(&self.folder, "written"))?;
        part.publish(&job.target)?;
        written.source_bytes = before.bytes;
        written.target_bytes = metadata.len();
        written.took = started.elapsed();
        Ok(Outcome::Written(written))
    }

    /// True when the target is there, made by these options of this version of the original.
    fn is_done(&self, job: &Job, relative: &Path, source: Version) -> Result<bool, ConvertError> {
        let target = match std::fs::metadata(&job.target) {
            Ok(metadata) => Version::of(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(ConvertError::io(&job.target, "read")(error)),
        };
        match self.journal.find(relative).filter(|entry| entry.target_version == target) {
            Some(entry) => Ok(entry.source_version == source && entry.options == self.options.words()),
            None if self.options.overwrite => Ok(false),
            None => Err(ConvertError::Exists { target: job.target.clone() }),
        }
    }

    fn open_options(&self, page: u32) -> OpenOptions {
        OpenOptions { page, max_bytes: self.options.max_bytes, ..OpenOptions::default() }
    }

    fn write_tif(
        &self,
        job: &Job,
        source: &Arc<dyn RandomAccess>,
        first: Box<dyn Decoder>,
        part: &Part,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<(Vec<Expected>, Written), ConvertError> {
        let out = part.file.try_clone().map_err(ConvertError::io(&part.path, "written"))?;
        let write_error = |error: PyramidError| match error {
            PyramidError::Io(error) => ConvertError::io(&part.path, "written")(error),
            source => ConvertError::Write { path: job.source.clone(), source },
        };
        let mut writer =
            PyramidWriter::new(BufWriter::with_capacity(BUFFER, out), &self.options.pyramid()).map_err(write_error)?;
        let pages = first.facts().pages;
        let mut written = Written {
            size: first.facts().size(),
            pages,
            levels: 0,
            source_bytes: 0,
            target_bytes: 0,
            tiles: 0,
            lossless_tiles: 0,
            took: Duration::ZERO,
        };
        let mut expected = Vec::new();
        let mut next = Some(first);
        for page in 1..=pages {
            let decoder: Arc<dyn Decoder> = match next.take() {
                Some(first) => first.into(),
                None => open(source.clone(), &self.open_options(page)).map_err(decode_error(job))?.into(),
            };
            let facts = decoder.facts().clone();
            let mut rows = decoder.rows(&whole(decoder.as_ref()), &Control::default()).map_err(decode_error(job))?;
            let pixels = rows.geometry().format;
            let header = header(decoder.as_ref(), pixels);
            let compression = self.options.compression.unwrap_or_else(|| usual_compression(&header));
            let lossy = matches!(compression, PyramidCompression::Jpeg | PyramidCompression::Webp) && !header.bitonal;
            let size = header.size;
            writer
                .begin(PyramidPage {
                    header,
                    orientation: facts.orientation,
                    metadata: decoder.metadata().map_err(decode_error(job))?,
                    compression: Some(compression),
                    maker: Some(&decoder)
                        .filter(|_| compression == PyramidCompression::Jpeg && self.options.lossless == Lossless::Auto)
                        .and_then(|decoder| maker(decoder, self.options.tile)),
                })
                .map_err(write_error)?;
            let mut samples = Samples::choose(size, self.options.tile, u64::from(page) ^ source.len());
            let mut done = 0;
            while let Some(strip) = rows.next_strip().map_err(decode_error(job))? {
                writer.write(&strip).map_err(write_error)?;
                samples.take(&strip);
                done += strip.height_px();
                watch(Progress { page, pages, rows: done, of_rows: size.height_px });
            }
            let report = writer.end().map_err(write_error)?;
            if page == 1 {
                written.levels = report.levels;
            }
            written.tiles += report.tiles;
            written.lossless_tiles += report.transcoded_tiles;
            expected.push(Expected { facts, pixels, parts: samples.into_parts(), exact: !lossy });
        }
        let out = writer.finish().map_err(write_error)?;
        out.into_inner().map_err(|error| ConvertError::io(&part.path, "written")(error.into_error()))?;
        Ok((expected, written))
    }

    fn write_jp2(
        &self,
        job: &Job,
        decoder: &dyn Decoder,
        part: &Part,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<(Vec<Expected>, Written), ConvertError> {
        let facts = decoder.facts().clone();
        let mut rows = decoder.rows(&whole(decoder), &Control::default()).map_err(decode_error(job))?;
        let pixels = rows.geometry().format;
        let header = header(decoder, pixels);
        let size = header.size;
        let encode_error = |source| ConvertError::Encode { path: job.source.clone(), source };
        let options = EncodeOptions { jp2_quality: self.options.quality, ..EncodeOptions::default() };
        let mut encoder = encoder(Format::Jp2, &header, &options).map_err(encode_error)?;
        let mut samples = Samples::choose(size, self.options.tile, facts.stored_size().area_px());
        let mut done = 0;
        while let Some(strip) = rows.next_strip().map_err(decode_error(job))? {
            encoder.write(&strip).map_err(encode_error)?;
            samples.take(&strip);
            done += strip.height_px();
            watch(Progress { page: 1, pages: 1, rows: done, of_rows: size.height_px });
        }
        let bytes = encoder.finish().map_err(encode_error)?;
        (&part.file).write_all(&bytes).map_err(ConvertError::io(&part.path, "written"))?;
        let written = Written {
            size: facts.size(),
            pages: 1,
            levels: 1,
            source_bytes: 0,
            target_bytes: 0,
            tiles: 0,
            lossless_tiles: 0,
            took: Duration::ZERO,
        };
        let exact = self.options.quality == 100;
        Ok((vec![Expected { facts, pixels, parts: samples.into_parts(), exact }], written))
    }

    fn verify(&self, job: &Job, part: &Part, expected: &[Expected]) -> Result<(), ConvertError> {
        let target = File::open(&part.path).and_then(OpenFile::new).map_err(ConvertError::io(&part.path, "read"))?;
        let target: Arc<dyn RandomAccess> = Arc::new(target);
        let tile = (self.options.target == Target::Tif).then_some(self.options.tile);
        verify(&target, expected, tile, &self.open_options(1))
            .map_err(|what| ConvertError::Verification { path: job.source.clone(), what })
    }
}

fn decode_error(job: &Job) -> impl Fn(DecodeError) -> ConvertError {
    let path = job.source.clone();
    move |source| ConvertError::Decode { path: path.clone(), source }
}

fn whole(decoder: &dyn Decoder) -> DecodeRequest {
    DecodeRequest { level: 0, region: decoder.facts().stored_size().rect(), denominator: 1 }
}

fn header(decoder: &dyn Decoder, pixels: PixelFormat) -> EncodeHeader {
    let facts = decoder.facts();
    EncodeHeader {
        size: facts.stored_size(),
        pixels,
        bitonal: facts.color == ColorModel::Bitonal && pixels == PixelFormat::Gray8,
        icc: facts.icc.clone(),
        dpi: facts.dpi,
    }
}

/// JPEG where it fits, else what fits all.
fn usual_compression(header: &EncodeHeader) -> PyramidCompression {
    if header.bitonal || !PyramidCompression::Jpeg.holds(header.pixels) {
        PyramidCompression::Deflate
    } else {
        PyramidCompression::Jpeg
    }
}

/// A target under the name that it has while it is written. Gone when it is dropped before it was published; a left-over of a
/// process that was killed is written over by the next.
struct Part {
    path: PathBuf,
    file: File,
    published: bool,
}

impl Part {
    fn create(target: &Path) -> Result<Self, ConvertError> {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".recto-part");
        let path = target.with_file_name(name);
        let file = FileOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(ConvertError::io(&path, "created"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(ConvertError::Busy { target: target.to_owned() }),
            Err(std::fs::TryLockError::Error(error)) => return Err(ConvertError::io(&path, "locked")(error)),
        }
        file.set_len(0).map_err(ConvertError::io(&path, "written"))?;
        Ok(Self { path, file, published: false })
    }

    /// Gives it its name, on the disk when this returns.
    fn publish(mut self, target: &Path) -> Result<(), ConvertError> {
        std::fs::rename(&self.path, target).map_err(ConvertError::io(target, "written"))?;
        self.published = true;
        let folder = target.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(ConvertError::io(folder, "written"))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.published {
            // It would be written over anyway.
            let _removed = std::fs::remove_file(&self.path);
        }
    }
}
