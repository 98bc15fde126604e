//! Which file becomes which?
//!
//! Files of a folder keep their place and name below the target folder, with the extension of the target's format; where two
//! would get the same name (`a.jpg`, `a.png`), they keep their own extensions as well (`a.jpg.tif`). Names that begin with a dot
//! are passed over, links to folders are not followed.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::{ConvertError, Target};

/// One original and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The original.
    pub source: PathBuf,
    /// Where its target will lie.
    pub target: PathBuf,
    /// It was named itself, and not found in a folder: then it must be an image.
    pub is_named: bool,
}

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In order of their names, source by source.
    pub jobs: Vec<Job>,
    /// The folder that holds all targets, and the journal.
    pub folder: PathBuf,
}

/// Looks for originals and gives each its target. Only reads.
///
/// # Errors
/// When a source cannot be read, or targets would lie among originals or on each other.
pub fn plan(sources: &[PathBuf], to: &Path, target: Target) -> Result<Plan, ConvertError> {
    let mut found = Vec::new();
    let mut folders = Vec::new();
    for source in sources {
        let metadata = std::fs::metadata(source).map_err(ConvertError::io(source, "read"))?;
        if metadata.is_dir() {
            folders.push(real(source).map_err(ConvertError::io(source, "read"))?);
            walk(source, Path::new(""), &mut found)?;
        } else if metadata.is_file() {
            let name = source.file_name().map(PathBuf::from).unwrap_or_default();
            found.push((source.clone(), name, true));
        } else {
            let neither = io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder");
            return Err(ConvertError::Io { path: source.clone(), action: "read", source: neither });
        }
    }
    let is_file = !to.is_dir()
        && folders.is_empty()
        && to.extension().and_then(|extension| extension.to_str()).is_some_and(|e| target.has_extension(e));
    let (folder, jobs) = if is_file {
        let [(source, _, is_named)] = &found[..] else {
            return Err(ConvertError::ManyIntoFile { target: to.to_owned(), count: found.len() });
        };
        let folder = match to.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let target = folder.join(to.file_name().unwrap_or_default());
        (folder, vec![Job { source: source.clone(), target, is_named: *is_named }])
    } else {
        (to.to_owned(), named(found, to, target)?)
    };
    check(&folders, &folder, &jobs)?;
    Ok(Plan { jobs, folder })
}

/// The files below a folder, in order of their names.
fn walk(folder: &Path, relative: &Path, found: &mut Vec<(PathBuf, PathBuf, bool)>) -> Result<(), ConvertError> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = entries.map_err(ConvertError::io(folder, "read"))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        let kind = entry.file_type().map_err(ConvertError::io(&path, "read"))?;
        let relative = relative.join(entry.file_name());
        if kind.is_dir() {
            walk(&path, &relative, found)?;
        } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
            found.push((path, relative, false));
        }
    }
    Ok(())
}

/// Gives every original a target of its own.
fn named(found: Vec<(PathBuf, PathBuf, bool)>, to: &Path, target: Target) -> Result<Vec<Job>, ConvertError> {
    let mut users: HashMap<PathBuf, usize> = HashMap::new();
    for (_, relative, _) in &found {
        *users.entry(relative.with_extension(target.extension())).or_default() += 1;
    }
    let mut taken: HashMap<PathBuf, PathBuf> = HashMap::new();
    let mut jobs = Vec::with_capacity(found.len());
    for (source, relative, is_named) in found {
        let mut name = relative.with_extension(target.extension());
        if users.get(&name).is_some_and(|users| *users > 1) {
            name = relative;
            let mut whole = name.file_name().unwrap_or_default().to_owned();
            whole.push(".");
            whole.push(target.extension());
            name.set_file_name(whole);
        }
        if let Some(first) = taken.insert(name.clone(), source.clone()) {
            return Err(ConvertError::SameTarget { target: to.join(name), first, second: source });
        }
        jobs.push(Job { source, target: to.join(name), is_named });
    }
    Ok(jobs)
}

/// No target may be an original, or lie among them.
fn check(folders: &[PathBuf], folder: &Path, jobs: &[Job]) -> Result<(), ConvertError> {
    let place = real(folder).map_err(ConvertError::io(folder, "found"))?;
    if let Some(source) = folders.iter().find(|source| place.starts_with(source)) {
        return Err(ConvertError::TargetInsideSource { target: folder.to_owned(), source_folder: source.clone() });
    }
    let mut originals = std::collections::HashSet::new();
    for job in jobs {
        originals.insert(std::fs::canonicalize(&job.source).map_err(ConvertError::io(&job.source, "read"))?);
    }
    for job in jobs {
        let target = real(&job.target).map_err(ConvertError::io(&job.target, "found"))?;
        if originals.contains(&target) {
            return Err(ConvertError::TargetIsSource { target: job.target.clone() });
        }
        if let Some(source) = folders.iter().find(|source| target.starts_with(source)) {
            return Err(ConvertError::TargetInsideSource { target: job.target.clone(), source_folder: source.clone() });
        }
    }
    Ok(())
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> io::Result<PathBuf> {
    let mut missing = Vec::new();
    let absolute = std::path::absolute(path)?;
    let mut existing = absolute.as_path();
    loop {
        match existing.canonicalize() {
            Ok(real) => {
                let mut real = real;
                for part in missing.iter().rev() {
                    match part {
                        Component::ParentDir => {
                            real.pop();
                        }
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
