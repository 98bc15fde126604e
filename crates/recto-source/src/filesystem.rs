//! Originals in folders of this machine.

mod access;
mod beneath;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use recto_codec::RandomAccess;
use recto_iiif::identifier::Identifier;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, open, statat};
use rustix::io::Errno;

pub(crate) use self::access::Direct;
pub use self::access::FileAccess;
use self::beneath::{Purpose, Reached};
use crate::identifier::{check, segment_rule, split_page};
use crate::{FolderError, Located, ObjectKey, Source, SourceError, SourceOptions, SourceVersion, Symlinks};

/// Originals in one or several folders.
///
/// An identifier is the path relative to the folder; with several folders, the folder's name comes first. The extension
/// may be left off where that leaves one choice, and `;N` names page N. A file that really is named so wins over both.
///
/// No identifier reaches a file outside: paths are resolved by the kernel beneath the open folder, and whatever a link
/// reaches is opened by its own path in a folder of ours, without links.
#[derive(Debug)]
pub struct Filesystem {
    roots: Vec<Root>,
    symlinks: Symlinks,
    /// Extensions that may be left off, in each case that cameras and people write.
    extensions: Vec<String>,
}

/// A served folder.
#[derive(Debug)]
struct Root {
    name: String,
    path: PathBuf,
    opened: RwLock<Arc<OpenFolder>>,
}

/// A folder as it was when it was opened.
#[derive(Debug)]
pub(crate) struct OpenFolder {
    directory: OwnedFd,
    /// Its path without links.
    canonical: PathBuf,
    device: u64,
    inode: u64,
}

impl OpenFolder {
    fn open(path: &Path) -> io::Result<Self> {
        let canonical = fs::canonicalize(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(&canonical, flags, Mode::empty())?;
        let stat = fstat(&directory)?;
        Ok(Self { directory, canonical, device: stat.st_dev, inode: stat.st_ino })
    }
}

impl Root {
    fn opened(&self) -> Arc<OpenFolder> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the folder anew if another one has come to its path: mounted over, restored, renamed into place.
    fn reopen_if_replaced(&self) -> bool {
        let current = self.opened();
        let replaced = rustix::fs::stat(&self.path)
            .is_ok_and(|stat| (stat.st_dev, stat.st_ino) != (current.device, current.inode));
        if !replaced {
            return false;
        }
        let Ok(folder) = OpenFolder::open(&self.path) else { return false };
        tracing::info!(folder = %self.path.display(), "the folder was replaced and is read anew");
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(folder);
        true
    }
}

impl Filesystem {
    /// Opens the folders.
    ///
    /// # Errors
    /// [`FolderError`] when one is not there, or two have the same name.
    pub fn new(options: &SourceOptions) -> Result<Self, FolderError> {
        if options.folders.is_empty() {
            return Err(FolderError::None);
        }
        if options.folders.len() > usize::from(u16::MAX) {
            return Err(FolderError::TooMany { count: options.folders.len() });
        }
        let mut roots: Vec<Root> = Vec::new();
        for folder in &options.folders {
            let path = folder.path().to_owned();
            let opened =
                OpenFolder::open(&path).map_err(|source| FolderError::Unreadable { path: path.clone(), source })?;
            let name = match folder {
                crate::Folder::Named { name, .. } => name.clone(),
                crate::Folder::Path(_) => {
                    opened.canonical.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
                }
            };
            if options.folders.len() > 1 {
                check_name(&name, &path)?;
                if let Some(first) = roots.iter().find(|root| root.name == name) {
                    return Err(FolderError::SameName { name, first: first.path.clone(), second: path });
                }
            }
            roots.push(Root { name, path, opened: RwLock::new(Arc::new(opened)) });
        }
        Ok(Self { roots, symlinks: options.symlinks, extensions: spellings(&options.extensions) })
    }

    /// Name and path of each folder; the names stand in identifiers when there are several.
    pub fn folders(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.roots.iter().map(|root| (root.name.as_str(), root.path.as_path()))
    }

    /// The folder that an identifier leads into, and the path there.
    fn root_of<'t>(&self, text: &'t str) -> Option<(u16, &Root, &'t str)> {
        if let [only] = self.roots.as_slice() {
            return Some((0, only, text));
        }
        let (name, path) = text.split_once('/')?;
        let index = self.roots.iter().position(|root| root.name == name)?;
        Some((u16::try_from(index).ok()?, self.roots.get(index)?, path))
    }

    fn root(&self, key: &ObjectKey) -> Option<&Root> {
        self.roots.get(usize::from(key.store()))
    }

    /// What is at this very path; `None` when that is nothing to serve: nothing at all, or a folder.
    fn look(&self, root: &Root, path: &str, identifier: &str) -> Result<Option<Stat>, SourceError> {
        match self.reach(root, path, Purpose::Look) {
            Ok(reached) => match fstat(&reached.file) {
                Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => Ok(Some(stat)),
                    FileType::Directory => Ok(None),
                    _ => Err(SourceError::NotAFile { identifier: identifier.to_owned() }),
                },
                Err(errno) => Err(self.explain(errno, identifier)),
            },
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => Ok(None),
            Err(errno) => Err(self.explain(errno, identifier)),
        }
    }

    fn reach(&self, root: &Root, path: &str, purpose: Purpose) -> Result<Reached, Errno> {
        let folder = root.opened();
        match beneath::reach(&folder.directory, path, self.symlinks, purpose) {
            // A link out of this folder, or one that starts at the top: its goal may still be in a folder of ours.
            Err(Errno::XDEV) if self.symlinks == Symlinks::Inside => self.reach_by_link(&folder, path, purpose),
            reached => reached,
        }
    }

    /// Follows links to a path without links, and opens that beneath the folder of ours that it lies in.
    fn reach_by_link(&self, folder: &OpenFolder, path: &str, purpose: Purpose) -> Result<Reached, Errno> {
        // Why a goal outside cannot be reached is nobody's business.
        let goal = fs::canonicalize(folder.canonical.join(path)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Errno::NOENT,
            _ => Errno::XDEV,
        })?;
        for root in &self.roots {
            let folder = root.opened();
            if let Some(inner) = goal.strip_prefix(&folder.canonical).ok().and_then(Path::to_str)
                && !inner.is_empty()
            {
                return beneath::reach(&folder.directory, inner, Symlinks::Ignore, purpose);
            }
        }
        Err(Errno::XDEV)
    }

    /// The file at `path`, with the extension that was left off if need be.
    fn find(&self, root: &Root, path: &str, identifier: &str) -> Result<Option<(String, Stat)>, SourceError> {
        if let Some(stat) = self.look(root, path, identifier)? {
            return Ok(Some((path.to_owned(), stat)));
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if !parent.is_empty() && self.reach(root, parent, Purpose::Look).is_err() {
            return Ok(None);
        }
        let mut found: Vec<(String, Stat)> = Vec::new();
        for extension in &self.extensions {
            let candidate = format!("{path}.{extension}");
            // A pipe or a bad link beside it is no choice.
            if let Ok(Some(stat)) = self.look(root, &candidate, identifier)
                // On a file system that ignores case, `x.tif` and `x.TIF` are one file.
                && !found.iter().any(|(_, other)| (other.st_dev, other.st_ino) == (stat.st_dev, stat.st_ino))
            {
                found.push((candidate, stat));
            }
        }
        if found.len() > 1 {
            let prefix = identifier.strip_suffix(path).unwrap_or_default();
            let mut choices: Vec<String> = found.iter().map(|(path, _)| format!("{prefix}{path}")).collect();
            choices.sort();
            return Err(SourceError::Ambiguous { identifier: identifier.to_owned(), choices });
        }
        Ok(found.pop())
    }

    fn locate_once(&self, identifier: &Identifier) -> Result<Option<Located>, SourceError> {
        let text = identifier.as_str();
        let Some((store, root, path)) = self.root_of(text) else { return Ok(None) };
        let (found, page) = match self.find(root, path, text)? {
            Some(found) => (Some(found), 1),
            None => match split_page(path) {
                Some((name, page)) => {
                    let shown = text.strip_suffix(path).map_or(name.to_owned(), |prefix| format!("{prefix}{name}"));
                    (self.find(root, name, &shown)?, page)
                }
                None => (None, 1),
            },
        };
        let Some((path, stat)) = found else { return Ok(None) };
        let mut normal = if self.roots.len() > 1 { format!("{}/{path}", root.name) } else { path.clone() };
        if page > 1 {
            normal = format!("{normal};{page}");
        }
        Ok(Some(Located {
            key: ObjectKey::new(store, path),
            page,
            version: version(&stat),
            length: u64::try_from(stat.st_size).unwrap_or(0),
            last_modified: modified(&stat),
            identifier: Identifier::new(normal),
        }))
    }

    /// What the system's answer means for the one who asked.
    fn explain(&self, errno: Errno, identifier: &str) -> SourceError {
        let identifier = identifier.to_owned();
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::ISDIR => SourceError::NotFound { identifier },
            Errno::XDEV | Errno::LOOP => SourceError::Link { identifier, policy: self.symlinks.as_str() },
            Errno::NXIO | Errno::NODEV => SourceError::NotAFile { identifier },
            Errno::MFILE | Errno::NFILE | Errno::STALE | Errno::AGAIN | Errno::TIMEDOUT | Errno::HOSTDOWN => {
                SourceError::Unavailable { identifier, source: errno.into() }
            }
            _ => SourceError::Io { identifier, source: errno.into() },
        }
    }
}

impl Source for Filesystem {
    fn locate(&self, identifier: &Identifier) -> Result<Located, SourceError> {
        check(identifier)?;
        if let Some(located) = self.locate_once(identifier)? {
            return Ok(located);
        }
        let root = self.root_of(identifier.as_str()).map(|(_, root, _)| root);
        if root.is_some_and(Root::reopen_if_replaced)
            && let Some(located) = self.locate_once(identifier)?
        {
            return Ok(located);
        }
        Err(SourceError::NotFound { identifier: identifier.to_string() })
    }

    fn open(&self, located: &Located) -> Result<Arc<dyn RandomAccess>, SourceError> {
        let identifier = located.identifier.as_str();
        let gone = || SourceError::NotFound { identifier: identifier.to_owned() };
        let root = self.root(&located.key).ok_or_else(gone)?;
        let reached =
            self.reach(root, located.key.path(), Purpose::Read).map_err(|errno| self.explain(errno, identifier))?;
        let stat = fstat(&reached.file).map_err(|errno| self.explain(errno, identifier))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || version(&stat) != located.version {
            return Err(SourceError::Changed { identifier: identifier.to_owned() });
        }
        Ok(Arc::new(FileAccess::new(reached.file.into(), located.version, located.length)))
    }

    fn revalidate(&self, located: &Located) -> Result<Option<SourceVersion>, SourceError> {
        let Some(root) = self.root(&located.key) else { return Ok(None) };
        let folder = root.opened();
        // This follows links wherever they lead. Nothing but a hash of the answer gets out, and any change of it sends
        // the caller back to `locate`, which decides.
        match statat(&folder.directory, located.key.path(), AtFlags::empty()) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Ok(Some(version(&stat))),
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(self.explain(errno, located.identifier.as_str())),
        }
    }
}

fn check_name(name: &str, path: &Path) -> Result<(), FolderError> {
    let rule = segment_rule(name).or_else(|| {
        let odd = |c: char| c.is_control() || c == '/' || c == '\\';
        name.contains(odd).then_some("a name holds no `/`, no backslash and no control character")
    });
    rule.map_or(Ok(()), |rule| Err(FolderError::Name { path: path.to_owned(), rule }))
}

/// Each extension as `tif`, `TIF` and `Tif`.
fn spellings(extensions: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for extension in extensions {
        let lower = extension.trim_start_matches('.').to_lowercase();
        let upper = lower.to_uppercase();
        let mut letters = lower.chars();
        let title = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
        for spelling in [Some(lower.clone()), Some(upper), title].into_iter().flatten() {
            if !spelling.is_empty() && !spelling.contains('/') && !all.contains(&spelling) {
                all.push(spelling);
            }
        }
    }
    all
}

pub(crate) fn version(stat: &Stat) -> SourceVersion {
    SourceVersion::of_file(modified_ns(stat), u64::try_from(stat.st_size).unwrap_or(0), stat.st_ino)
}

#[expect(clippy::unnecessary_cast, reason = "the field types differ between systems")]
fn modified_ns(stat: &Stat) -> i128 {
    i128::from(stat.st_mtime as i64) * 1_000_000_000 + i128::from(stat.st_mtime_nsec as i64)
}

fn modified(stat: &Stat) -> SystemTime {
    let nanoseconds = modified_ns(stat);
    let span = Duration::from_nanos(u64::try_from(nanoseconds.unsigned_abs()).unwrap_or(u64::MAX));
    let time = if nanoseconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}
