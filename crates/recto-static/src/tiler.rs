//! One original after the other: what is there already, what has to be made, what it was made of.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use recto_codec::{
    Control, DecodeError, Decoder, OpenFile, OpenOptions, RandomAccess, ScratchShelf, SourceFormat, open,
};
use recto_iiif::Dimensions;
use recto_iiif::image::ApiVersion;
use xxhash_rust::xxh3::xxh3_128;

use crate::file::Version;
use crate::outputs::Outputs;
use crate::place::{ArchivePlace, Current, FolderPlace, Place, ends_all};
use crate::plan::{Goal, Job, Plan};
use crate::render::{Parts, Work};
use crate::{StaticError, TileOptions};

/// How far the work on an original is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which page, from 1.
    pub page: u32,
    /// Of how many.
    pub pages: u32,
    /// Pictures of the page that are there.
    pub done: usize,
    /// Of how many.
    pub of: usize,
}

/// What was made of an original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Size of the first page, as shown.
    pub size: Dimensions,
    /// Pages.
    pub pages: u32,
    /// Files, `info.json` not counted.
    pub files: u64,
    /// Pictures that were decoded and encoded.
    pub rendered: u64,
    /// Pictures that left the original as they lay.
    pub stored: u64,
    /// Pictures that an earlier run had made.
    pub reused: u64,
    /// Time spent.
    pub took: Duration,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Files were made.
    Made(Made),
    /// All was there, of this version of the original and by these options.
    AlreadyDone,
    /// A file found in a folder is no image.
    NotAnImage,
}

/// An image that is there, and its original is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remains {
    /// Its identifier; in an archive with the version's folder before it.
    pub identifier: String,
    /// It was removed.
    pub pruned: bool,
}

/// Makes the files of one original after the other, in one place.
pub struct Tiler {
    options: TileOptions,
    place: Place,
    identifiers: HashSet<String>,
    ended: bool,
    failed: bool,
}

impl std::fmt::Debug for Tiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tiler").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Tiler {
    /// Opens the place and keeps others from it.
    ///
    /// # Errors
    /// When it cannot be written, another is writing there, or something else is there.
    pub fn new(options: TileOptions, plan: &Plan) -> Result<Self, StaticError> {
        let identifiers = plan.jobs.iter().map(|job| job.identifier.clone()).collect();
        let place = match &plan.goal {
            Goal::Folder(folder) => Place::Folder(FolderPlace::open(folder, options.overwrite)?),
            Goal::Archive(path) => {
                // What an unfinished archive holds of originals as they are now is gone on with.
                let mut wanted = HashSet::new();
                for job in &plan.jobs {
                    if let Ok(metadata) = std::fs::metadata(&job.source) {
                        let (mark, document) = marks(job, Version::of(&metadata), &options);
                        wanted.extend([mark, document]);
                    }
                }
                let place = ArchivePlace::open(path, options.overwrite, &|mark| wanted.contains(&mark))?;
                Place::Archive(Box::new(place))
            }
        };
        Ok(Self { options, place, identifiers, ended: false, failed: false })
    }

    /// Makes the files of an original, or finds them made.
    ///
    /// # Errors
    /// Why not; others can be gone on with.
    pub fn run(&mut self, job: &Job, watch: &mut dyn FnMut(Progress)) -> Result<Outcome, StaticError> {
        let outcome = self.run_one(job, watch);
        if let Err(error) = &outcome {
            self.failed = true;
            self.ended |= ends_all(error);
            if let Place::Archive(place) = &self.place {
                place.forget_page();
            }
        }
        outcome
    }

    /// True after a failure of the place itself, such as a full disk: no further original will do better.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    fn run_one(&mut self, job: &Job, watch: &mut dyn FnMut(Progress)) -> Result<Outcome, StaticError> {
        let began = Instant::now();
        // Asked by name first: opening a pipe would wait for someone to write into it.
        let metadata = std::fs::metadata(&job.source).map_err(StaticError::io(&job.source, "read"))?;
        if !metadata.is_file() {
            let not_a_file = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no file");
            return Err(StaticError::io(&job.source, "read")(not_a_file));
        }
        let file = File::open(&job.source).map_err(StaticError::io(&job.source, "read"))?;
        let version = Version::of(&file.metadata().map_err(StaticError::io(&job.source, "read"))?);
        let (mark, document_mark) = marks(job, version, &self.options);
        let current = Current { job, mark, document_mark };
        let folder = |version: &ApiVersion| format!("{}{}", self.options.prefix(*version), job.identifier);
        let first_folders: Vec<String> = self.options.versions.iter().map(folder).collect();
        if self.place.is_done(&current, &first_folders)? {
            return Ok(Outcome::AlreadyDone);
        }
        let source: Arc<dyn RandomAccess> =
            Arc::new(OpenFile::new(file).map_err(StaticError::io(&job.source, "read"))?);
        // Opened before anything is created: what is no image leaves no trace.
        let first = match self.decoder(&source, 1) {
            Err(DecodeError::Unrecognised { .. }) if !job.is_named => return Ok(Outcome::NotAnImage),
            other => other.map_err(undecoded(&job.source))?,
        };
        let pages = first.facts().pages;
        let mut made = Made {
            size: first.facts().size(),
            pages,
            files: 0,
            rendered: 0,
            stored: 0,
            reused: 0,
            took: Duration::ZERO,
        };
        let documents_only = matches!(&self.place, Place::Folder(place) if place.lacks_documents_only(&current));
        if !documents_only {
            self.place.begin(&current, &first_folders)?;
        }
        let mut folders = Vec::new();
        let mut documents = Vec::new();
        let mut next = Some(first);
        for page in 1..=pages {
            let decoder = match next.take() {
                Some(first) => first,
                None => self.decoder(&source, page).map_err(undecoded(&job.source))?,
            };
            let identifier = if page == 1 { job.identifier.clone() } else { format!("{};{page}", job.identifier) };
            let outputs = Outputs::of(decoder.facts(), &identifier, &self.options, &job.source)?;
            if documents_only {
                documents.extend(outputs.documents);
            } else {
                self.make_page(&current, (&*decoder, &*source), &outputs, &mut made, &mut |done| {
                    watch(Progress { page, pages, done, of: outputs.pictures.len() });
                })?;
                self.place.end_page(&current, &outputs.documents)?;
            }
            folders.extend(outputs.folders);
        }
        let now = std::fs::metadata(&job.source).map_err(StaticError::io(&job.source, "read"))?;
        if Version::of(&now) != version {
            return Err(StaticError::Changed { path: job.source.clone() });
        }
        match &mut self.place {
            Place::Folder(place) if documents_only => place.replace_documents(&current, &documents, &folders)?,
            place => place.end(&current, &folders)?,
        }
        made.took = began.elapsed();
        Ok(Outcome::Made(made))
    }

    fn decoder(&self, source: &Arc<dyn RandomAccess>, page: u32) -> Result<Box<dyn Decoder>, DecodeError> {
        let mut options = OpenOptions {
            page,
            max_bytes: self.options.max_bytes,
            pyramid_from_px: self.options.pyramid_from_px,
            ..OpenOptions::default()
        };
        let decoder = open(Arc::clone(source), &options)?;
        let facts = decoder.facts();
        if facts.max_denominator == 1 || facts.source_format == SourceFormat::Jpeg {
            return Ok(decoder);
        }
        options.shelf = Some(Arc::new(ScratchShelf::new(self.place.spool())));
        open(Arc::clone(source), &options)
    }

    fn make_page(
        &self,
        current: &Current<'_>,
        (decoder, source): (&dyn Decoder, &dyn RandomAccess),
        outputs: &Outputs,
        made: &mut Made,
        watch: &mut dyn FnMut(usize),
    ) -> Result<(), StaticError> {
        let place = &self.place;
        let mut wanted = Vec::new();
        for (number, output) in outputs.pictures.iter().enumerate() {
            if !place.take(current, number, &output.paths)? {
                wanted.push(number);
            }
            made.files += output.paths.len() as u64;
        }
        made.reused += (outputs.pictures.len() - wanted.len()) as u64;
        watch(outputs.pictures.len() - wanted.len());
        let put = |number: usize, bytes: Vec<u8>| match outputs.pictures.get(number) {
            Some(output) => place.put(current, number, &output.paths, &bytes),
            None => Ok(()),
        };
        if !wanted.is_empty() && decoder.facts().source_format != SourceFormat::Jpeg {
            // All reductions are wanted: they are made at one go, if they have to be made.
            decoder.prepare(&Control::default()).map_err(undecoded(&current.job.source))?;
        }
        let (rendered, stored) = (AtomicU64::new(0), AtomicU64::new(0));
        let parts = Parts {
            path: &current.job.source,
            decoder,
            source,
            render: &self.options.render,
            threads: self.options.threads,
            spool: place.spool(),
        };
        Work::new(&parts, &outputs.pictures, &put, (&rendered, &stored)).run(&wanted)?;
        made.rendered += rendered.into_inner();
        made.stored += stored.load(Ordering::Relaxed);
        watch(outputs.pictures.len());
        Ok(())
    }

    /// Ends: an archive gets its name. Gives what is there of originals that are gone.
    ///
    /// # Errors
    /// When the place cannot be written.
    pub fn finish(self) -> Result<Vec<Remains>, StaticError> {
        let pruned = self.options.prune;
        match self.place {
            Place::Folder(mut place) => {
                let gone: Vec<String> = place
                    .journal()
                    .entries()
                    .filter(|entry| !self.identifiers.contains(&entry.identifier) && is_gone(&entry.source))
                    .map(|entry| entry.identifier.clone())
                    .collect();
                let mut remains = Vec::new();
                for identifier in gone {
                    if pruned {
                        place.prune(&identifier)?;
                    }
                    remains.push(Remains { identifier, pruned });
                }
                Ok(remains)
            }
            Place::Archive(place) => {
                let documents = place.remains()?;
                // An image that failed in this run stays as it was; so does the unfinished archive, to be gone on with.
                let is_ours = |document: &String| {
                    let folder = document.strip_suffix("/info.json").unwrap_or(document);
                    let folder = folder.strip_prefix("3/").or(folder.strip_prefix("2/")).unwrap_or(folder);
                    let file = folder.rsplit_once(';').map_or(folder, |(file, _)| file);
                    self.identifiers.contains(folder) || self.identifiers.contains(file)
                };
                let (failed, gone): (Vec<String>, Vec<String>) = documents.into_iter().partition(is_ours);
                let mut kept = place.done();
                if self.failed {
                    kept.extend(failed);
                }
                if !pruned {
                    kept.extend(gone.iter().cloned());
                }
                place.finish(&kept, pruned && !gone.is_empty())?;
                let identifier = |document: String| document.strip_suffix("/info.json").unwrap_or(&document).to_owned();
                Ok(gone.into_iter().map(|document| Remains { identifier: identifier(document), pruned }).collect())
            }
        }
    }
}

/// True when there is no such file any more; one that cannot be looked at may be.
fn is_gone(source: &Path) -> bool {
    std::fs::symlink_metadata(source)
        .is_err_and(|error| matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory))
}

/// The mark of pictures (of this version of this original by these options), and that of `info.json`.
fn marks(job: &Job, version: Version, options: &TileOptions) -> (u128, u128) {
    let pictures = format!("{}\n{}\n{}", job.identifier, version.words(), options.words());
    let documents = format!("{pictures}\n{}", options.document_words());
    (xxh3_128(pictures.as_bytes()), xxh3_128(documents.as_bytes()))
}

fn undecoded(path: &Path) -> impl Fn(DecodeError) -> StaticError {
    let path: PathBuf = path.to_owned();
    move |source| StaticError::Decode { path: path.clone(), source }
}
