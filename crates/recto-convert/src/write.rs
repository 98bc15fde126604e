//! One original becomes one target.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{
    ColorModel, Control, DecodeError, DecodeRequest, Decoder, EncodeHeader, Jp2Error, Jp2Options, Jp2Writer, Metadata,
    OpenFile, OpenOptions, PixelFormat, PyramidCompression, PyramidError, PyramidPage, PyramidWriter, RandomAccess,
    open,
};
use recto_iiif::Dimensions;

use crate::file::Version;
use crate::journal::{Entry, Journal};
use crate::lossless::maker;
use crate::part::Part;
use crate::samples::Samples;
use crate::verify::{Expected, Layout, verify};
use crate::{ConvertError, ConvertOptions, Job, Lossless, Target};

/// Bytes collected before they are written.
const BUFFER: usize = 1 << 20;
/// Longest side of the pieces that are compared, and their usual side where the format chooses its tiles.
const MOST_PIECE_PX: u32 = 512;
const PIECE_PX: u32 = 256;

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
    /// Those of them that were encoded with loss.
    pub lossy_tiles: u64,
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
    /// When there are no such tiles, or the folder's journal cannot be read.
    pub fn new(options: &ConvertOptions, folder: &Path) -> Result<Self, ConvertError> {
        options.check()?;
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
        if self.options.target != Target::Tif && pages > 1 {
            return Err(ConvertError::ManyPages { path: job.source.clone(), pages });
        }
        let part = Part::create(&job.target)?;
        let (expected, mut written) = match self.options.target {
            Target::Tif => self.write_tif(job, &source, first, &part, watch)?,
            Target::Jp2 | Target::Jph => self.write_jp2(job, first.as_ref(), &part, watch)?,
        };
        part.file.sync_all().map_err(ConvertError::io(&part.path, "written"))?;
        written.levels = self.verify(job, &part, &expected)?;
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
        let mut written = Written::of(first.facts().size(), pages);
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
            let metadata = decoder.metadata().map_err(decode_error(job))?;
            let maker = if compression == PyramidCompression::Jpeg && self.options.lossless == Lossless::Auto {
                let (options, tile) = (self.open_options(page), self.options.tif_tile());
                maker(source, &decoder, &options, part.folder(), tile).map_err(decode_error(job))?
            } else {
                None
            };
            writer
                .begin(PyramidPage {
                    header,
                    orientation: facts.orientation,
                    metadata: metadata.clone(),
                    compression: Some(compression),
                    maker,
                })
                .map_err(write_error)?;
            let mut samples = Samples::choose(size, self.piece(), u64::from(page) ^ source.len());
            let mut done = 0;
            while let Some(strip) = rows.next_strip().map_err(decode_error(job))? {
                writer.write(&strip).map_err(write_error)?;
                samples.take(&strip);
                done += strip.height_px();
                watch(Progress { page, pages, rows: done, of_rows: size.height_px });
            }
            let report = writer.end().map_err(write_error)?;
            written.tiles += report.tiles;
            written.lossless_tiles += report.transcoded_tiles;
            written.lossy_tiles += if lossy { report.tiles - report.transcoded_tiles } else { 0 };
            // Of EXIF a TIFF keeps what it has fields for.
            let metadata = Metadata { exif: None, ..metadata };
            expected.push(Expected { facts, pixels, parts: samples.into_parts(), metadata, exact: !lossy });
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
        let metadata = decoder.metadata().map_err(decode_error(job))?;
        let mut rows = decoder.rows(&whole(decoder), &Control::default()).map_err(decode_error(job))?;
        let pixels = rows.geometry().format;
        let header = header(decoder, pixels);
        let size = header.size;
        let write_error = |error: Jp2Error| match error {
            Jp2Error::Io(error) => ConvertError::io(&part.path, "written")(error),
            source => ConvertError::Encode { path: job.source.clone(), source },
        };
        let out = part.file.try_clone().map_err(ConvertError::io(&part.path, "written"))?;
        let out = BufWriter::with_capacity(BUFFER, out);
        let options = Jp2Options {
            quality: self.options.quality,
            tile_px: self.options.tile,
            high_throughput: self.options.target == Target::Jph,
            threads: self.options.threads,
        };
        let mut writer = Jp2Writer::new(out, &header, facts.orientation, &metadata, &options).map_err(write_error)?;
        let exact = self.options.quality >= 100;
        let mut written = Written::of(facts.size(), 1);
        written.tiles = writer.tiles();
        written.lossy_tiles = if exact { 0 } else { written.tiles };
        let mut samples = Samples::choose(size, self.piece(), size.area_px());
        let mut done = 0;
        while let Some(strip) = rows.next_strip().map_err(decode_error(job))? {
            writer.write(&strip).map_err(write_error)?;
            samples.take(&strip);
            done += strip.height_px();
            watch(Progress { page: 1, pages: 1, rows: done, of_rows: size.height_px });
        }
        let out = writer.finish().map_err(write_error)?;
        out.into_inner().map_err(|error| ConvertError::io(&part.path, "written")(error.into_error()))?;
        Ok((vec![Expected { facts, pixels, parts: samples.into_parts(), metadata, exact }], written))
    }

    /// Side of the pieces that are compared.
    fn piece(&self) -> u32 {
        self.options.tile.unwrap_or(PIECE_PX).min(MOST_PIECE_PX)
    }

    /// Compares the target with what was read; gives how many levels its first page has.
    fn verify(&self, job: &Job, part: &Part, expected: &[Expected]) -> Result<usize, ConvertError> {
        let target = File::open(&part.path).and_then(OpenFile::new).map_err(ConvertError::io(&part.path, "read"))?;
        let target: Arc<dyn RandomAccess> = Arc::new(target);
        let tile = (self.options.target == Target::Tif).then(|| self.options.tif_tile());
        let layout = Layout { tile, piece: self.piece() };
        verify(&target, expected, layout, &self.open_options(1))
            .map_err(|what| ConvertError::Verification { path: job.source.clone(), what })
    }
}

impl Written {
    /// Nothing yet, of an original of this size.
    fn of(size: Dimensions, pages: u32) -> Self {
        Self {
            size,
            pages,
            levels: 0,
            source_bytes: 0,
            target_bytes: 0,
            tiles: 0,
            lossless_tiles: 0,
            lossy_tiles: 0,
            took: Duration::ZERO,
        }
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
