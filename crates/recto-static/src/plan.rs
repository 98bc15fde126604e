//! Which image gets which identifier?
//!
//! As the live server has it: with one folder the path below it, with several sources the folder's name before. A file that was
//! named itself has its own name. Names that begin with a dot are passed over, links to folders are not followed.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::StaticError;

/// One original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The file.
    pub source: PathBuf,
    /// Its identifier; page N of it, from 2 on, is `identifier;N`.
    pub identifier: String,
    /// It was named itself, and not found in a folder: then it must be an image.
    pub is_named: bool,
}

/// Where the files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Into a folder.
    Folder(PathBuf),
    /// Into one archive.
    Archive(PathBuf),
}

impl Goal {
    /// The path of either.
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive(path) => path,
        }
    }
}

/// What will be done.
#[derive(Debug)]
pub struct Plan {
    /// In order of their names, source by source.
    pub jobs: Vec<Job>,
    /// Files that cannot be served, and why.
    pub refused: Vec<StaticError>,
    /// Where the files go.
    pub goal: Goal,
}

/// Looks for originals and gives each its identifier. Only reads.
///
/// # Errors
/// When a source cannot be read, two have one identifier, or the tree would lie among originals.
pub fn plan(sources: &[PathBuf], to: &Path) -> Result<Plan, StaticError> {
    let mut found = Found::default();
    let mut folders = Vec::new();
    for source in sources {
        let metadata = std::fs::metadata(source).map_err(StaticError::io(source, "read"))?;
        let place = source.canonicalize().map_err(StaticError::io(source, "read"))?;
        let name = place.file_name().map(PathBuf::from).unwrap_or_default();
        if metadata.is_dir() {
            let start = if sources.len() > 1 { name } else { PathBuf::new() };
            found.walk(source, &start)?;
            folders.push(place);
        } else if metadata.is_file() {
            // By the name that was typed, which may be a link's.
            let name = source.file_name().map(PathBuf::from).unwrap_or(name);
            found.add(source.clone(), &name, true);
        } else {
            let neither = io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder");
            return Err(StaticError::Io { path: source.clone(), action: "read", source: neither });
        }
    }
    let is_archive = !to.is_dir() && to.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    let goal = if is_archive { Goal::Archive(to.to_owned()) } else { Goal::Folder(to.to_owned()) };
    let place = real(to).map_err(StaticError::io(to, "found"))?;
    if let Some(source) = folders.iter().find(|source| place.starts_with(source)) {
        return Err(StaticError::GoalInsideSource { goal: to.to_owned(), source_folder: source.clone() });
    }
    let mut taken: HashMap<&str, &Path> = HashMap::new();
    for job in &found.jobs {
        if let Some(first) = taken.insert(&job.identifier, &job.source) {
            return Err(StaticError::SameIdentifier {
                identifier: job.identifier.clone(),
                first: first.to_owned(),
                second: job.source.clone(),
            });
        }
    }
    Ok(Plan { jobs: found.jobs, refused: found.refused, goal })
}

#[derive(Default)]
struct Found {
    jobs: Vec<Job>,
    refused: Vec<StaticError>,
}

impl Found {
    fn add(&mut self, source: PathBuf, relative: &Path, is_named: bool) {
        match identifier(relative) {
            Ok(identifier) => self.jobs.push(Job { source, identifier, is_named }),
            Err(rule) => self.refused.push(StaticError::Name { path: source, rule }),
        }
    }

    /// The files below a folder, in order of their names.
    fn walk(&mut self, folder: &Path, relative: &Path) -> Result<(), StaticError> {
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = entries.map_err(StaticError::io(folder, "read"))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            let kind = entry.file_type().map_err(StaticError::io(&path, "read"))?;
            let relative = relative.join(entry.file_name());
            if kind.is_dir() {
                self.walk(&path, &relative)?;
            } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
                self.add(path, &relative, false);
            }
        }
        Ok(())
    }
}

fn identifier(relative: &Path) -> Result<String, &'static str> {
    let text = relative.to_str().ok_or("it is not UTF-8")?;
    if text.contains(char::is_control) {
        return Err("it holds a control character");
    }
    if text.contains('\\') {
        return Err("it holds a backslash");
    }
    if text.is_empty() || relative.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err("it is no name");
    }
    Ok(text.to_owned())
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> io::Result<PathBuf> {
    let mut missing = Vec::new();
    let absolute = std::path::absolute(path)?;
    let mut existing = absolute.as_path();
    loop {
        match existing.canonicalize() {
            Ok(mut real) => {
                for part in missing.iter().rev() {
                    match part {
                        Component::ParentDir => drop(real.pop()),
                        part => real.push(part),
                    }
                }
                return Ok(real);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let Some(parent) = existing.parent() else { return Err(error) };
                missing.extend(existing.components().next_back());
                existing = parent;
            }
            Err(error) => return Err(error),
        }
    }
}
