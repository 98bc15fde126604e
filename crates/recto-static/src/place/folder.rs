//! A tree in a folder. The files of an original are made in a folder beside, where nobody looks, and get their place when they are complete;
//! what was there before stays until then.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::Current;
use crate::StaticError;
use crate::journal::{Entry, Journal, Opened};

/// Where files are made.
const PART_NAME: &str = ".recto-part";
/// In there: what is being made.
const MARK_NAME: &str = "mark";
/// In there: the tree as it will be.
const TREE_NAME: &str = "tree";
/// In there: what was replaced, until it is removed.
const OLD_NAME: &str = "old";

#[derive(Debug)]
pub(crate) struct FolderPlace {
    root: PathBuf,
    part: PathBuf,
    tree: PathBuf,
    journal: Journal,
    overwrite: bool,
    /// There may be files of an earlier run.
    resumes: bool,
    temporary: AtomicU64,
}

impl FolderPlace {
    pub(crate) fn open(root: &Path, overwrite: bool) -> Result<Self, StaticError> {
        fs::create_dir_all(root).map_err(StaticError::io(root, "created"))?;
        let journal = match Journal::open(root).map_err(StaticError::io(root, "written"))? {
            Opened::Journal(journal) => journal,
            Opened::Busy => return Err(StaticError::Busy { path: root.to_owned() }),
        };
        let part = root.join(PART_NAME);
        Ok(Self {
            root: root.to_owned(),
            tree: part.join(TREE_NAME),
            part,
            journal,
            overwrite,
            resumes: false,
            temporary: AtomicU64::new(0),
        })
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn part(&self) -> &Path {
        &self.part
    }

    /// What the part folder says that it holds.
    fn part_mark(&self) -> Option<String> {
        fs::read_to_string(self.part.join(MARK_NAME)).ok()
    }

    pub(crate) fn is_done(&self, current: &Current<'_>) -> bool {
        let Some(entry) = self.journal.find(&current.job.identifier) else { return false };
        let complete = || entry.folders.iter().all(|folder| self.root.join(folder).join("info.json").is_file());
        entry.mark == text(current.mark)
            && entry.document == text(current.document_mark)
            // Noted, and not yet in its place.
            && self.part_mark().as_deref() != Some(&text(current.document_mark))
            && complete()
    }

    pub(crate) fn begin(&mut self, current: &Current<'_>, folders: &[String]) -> Result<(), StaticError> {
        self.check(current, folders)?;
        let mark = text(current.document_mark);
        self.resumes = self.part_mark().as_deref() == Some(&mark);
        if !self.resumes {
            remove(&self.part)?;
            fs::create_dir_all(&self.tree).map_err(StaticError::io(&self.tree, "created"))?;
            let mark_path = self.part.join(MARK_NAME);
            // Written to another name first, so that it is never half there.
            let new = self.part.join("mark.new");
            fs::write(&new, mark)
                .and_then(|()| fs::rename(&new, &mark_path))
                .map_err(StaticError::io(&mark_path, "written"))?;
        }
        Ok(())
    }

    /// Refuses folders that hold what this did not make.
    fn check(&self, current: &Current<'_>, folders: &[String]) -> Result<(), StaticError> {
        let known = self.journal.find(&current.job.identifier);
        let owned = |folder: &String| known.is_some_and(|entry| entry.folders.contains(folder));
        let foreign =
            folders.iter().find(|folder| !self.overwrite && !owned(folder) && self.root.join(folder).exists());
        foreign.map_or(Ok(()), |folder| Err(StaticError::Exists { path: self.root.join(folder) }))
    }

    /// True when an earlier run made these files.
    pub(crate) fn has(&self, paths: &[String]) -> bool {
        self.resumes && paths.iter().all(|path| self.tree.join(path).is_file())
    }

    pub(crate) fn put(&self, paths: &[String], bytes: &[u8]) -> Result<(), StaticError> {
        let Some((first, others)) = paths.split_first() else { return Ok(()) };
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.part.join(format!("{}-{number}", std::process::id()));
        fs::write(&temporary, bytes).map_err(StaticError::io(&temporary, "written"))?;
        let path = self.tree.join(first);
        with_folder(&path, || fs::rename(&temporary, &path))?;
        for other in others {
            let link = self.tree.join(other);
            with_folder(&link, || match fs::hard_link(&path, &link) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                // Where the file system has no links, or has enough of them.
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, &link))
                }
                other => other,
            })?;
        }
        Ok(())
    }

    pub(crate) fn end(&mut self, current: &Current<'_>, folders: &[String]) -> Result<(), StaticError> {
        let identifier = &current.job.identifier;
        let known = self.journal.find(identifier).cloned();
        self.check(current, folders)?;
        // What the machine may still hold in memory only must not be believed after it stopped.
        let part = fs::File::open(&self.part).map_err(StaticError::io(&self.part, "read"))?;
        rustix::fs::syncfs(&part).map_err(|error| StaticError::io(&self.part, "written")(error.into()))?;
        self.note(current, folders)?;
        let old = self.part.join(OLD_NAME);
        remove(&old)?;
        fs::create_dir_all(&old).map_err(StaticError::io(&old, "created"))?;
        for (number, folder) in folders.iter().enumerate() {
            let (new, place) = (self.tree.join(folder), self.root.join(folder));
            // Moved before an earlier run ended.
            if !new.exists() {
                continue;
            }
            with_folder(&place, || exchange(&new, &place, &old.join(number.to_string())))?;
        }
        for folder in known.into_iter().flat_map(|entry| entry.folders) {
            if !folders.contains(&folder) {
                remove_tree(&self.root, &folder)?;
            }
        }
        remove(&self.part)
    }

    fn note(&mut self, current: &Current<'_>, folders: &[String]) -> Result<(), StaticError> {
        let source = std::path::absolute(&current.job.source).unwrap_or_else(|_| current.job.source.clone());
        self.journal
            .note(Entry {
                identifier: current.job.identifier.clone(),
                source,
                mark: text(current.mark),
                document: text(current.document_mark),
                folders: folders.to_vec(),
            })
            .map_err(StaticError::io(&self.root.join(crate::JOURNAL_NAME), "written"))
    }

    /// True when just `info.json` has to be written anew.
    pub(crate) fn lacks_documents_only(&self, current: &Current<'_>) -> bool {
        self.part_mark().as_deref() != Some(&text(current.document_mark))
            && self.journal.find(&current.job.identifier).is_some_and(|entry| {
                entry.mark == text(current.mark)
                    && entry.folders.iter().all(|folder| self.root.join(folder).join("info.json").is_file())
            })
    }

    /// Writes `info.json` of an original whose pictures are complete.
    pub(crate) fn replace_documents(
        &mut self,
        current: &Current<'_>,
        documents: &[(String, Vec<u8>)],
        folders: &[String],
    ) -> Result<(), StaticError> {
        for (path, bytes) in documents {
            let place = self.root.join(path);
            let new = place.with_file_name(".info.json.new");
            fs::write(&new, bytes)
                .and_then(|()| fs::rename(&new, &place))
                .map_err(StaticError::io(&place, "written"))?;
        }
        self.note(current, folders)
    }

    /// Removes what was made of an original that is gone.
    pub(crate) fn prune(&mut self, identifier: &str) -> Result<(), StaticError> {
        let Some(entry) = self.journal.find(identifier).cloned() else { return Ok(()) };
        for folder in &entry.folders {
            remove_tree(&self.root, folder)?;
        }
        self.journal
            .note(Entry { folders: Vec::new(), ..entry })
            .map_err(StaticError::io(&self.root.join(crate::JOURNAL_NAME), "written"))
    }
}

fn text(mark: u128) -> String {
    format!("{mark:032x}")
}

/// Does it, after the folder above was made if it is not there.
fn with_folder(path: &Path, work: impl Fn() -> io::Result<()>) -> Result<(), StaticError> {
    let done = match work() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(parent).map_err(StaticError::io(parent, "created"))?;
            work()
        }
        done => done,
    };
    done.map_err(StaticError::io(path, "written"))
}

/// Puts `new` to `place`; what was there goes to `old`, in one step where the system has that.
fn exchange(new: &Path, place: &Path, old: &Path) -> io::Result<()> {
    if !place.exists() {
        return fs::rename(new, place);
    }
    match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => fs::rename(new, old),
        Err(_) => fs::rename(place, old).and_then(|()| fs::rename(new, place)),
    }
}

fn remove(folder: &Path) -> Result<(), StaticError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StaticError::io(folder, "removed")(error)),
        _ => Ok(()),
    }
}

/// Removes the files of an image and the folders that are empty then; nothing else that lies there.
fn remove_tree(root: &Path, folder: &str) -> Result<(), StaticError> {
    let place = root.join(folder);
    let is_region = |name: &str| {
        name == "full"
            || (name.split(',').count() == 4 && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b','))
    };
    let info = place.join("info.json");
    match fs::remove_file(&info) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(StaticError::io(&info, "removed")(error)),
        _ => {}
    }
    let entries = match fs::read_dir(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(StaticError::io(&place, "read"))?,
    };
    for entry in entries {
        let entry = entry.map_err(StaticError::io(&place, "read"))?;
        if entry.file_name().to_str().is_some_and(is_region) {
            remove(&entry.path())?;
        }
    }
    let mut empty = place.as_path();
    while empty != root && fs::remove_dir(empty).is_ok() {
        let Some(parent) = empty.parent() else { break };
        empty = parent;
    }
    Ok(())
}
