//! Looks at every folder of a library and makes a [`Tree`] of what it finds. Only reads; never writes.
//!
//! A scan is always whole: for 100,000 files that takes a fraction of a second, and nothing can be missed. It is the
//! same for the same files, whatever order a file system lists them in.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, FileType};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::assemble::assemble;
use crate::description::Kind;
use crate::finding::Findings;
use crate::library::Root;
use crate::media::{self, Media, Role};
use crate::natural::NaturalKey;
use crate::tree::{Side, Stamp};
use crate::{Finding, Library, LibraryOptions, Severity, Symlinks, Tree, marks};

/// Files of one folder whose beginning is looked into to find out what the folder is.
const MOST_LOOKED_INTO: usize = 64;

impl Library {
    /// Looks at the whole library as it is now.
    pub fn scan(&self) -> Tree {
        let mut scan = Scan {
            library: self,
            real_roots: self.roots.iter().filter_map(|root| root.path.canonicalize().ok()).collect(),
            open: Vec::new(),
            entries: 0,
            is_full: false,
            unknown: Vec::new(),
            findings: Findings::default(),
        };
        let folders: Vec<FoundFolder> = self.roots.iter().map(|root| scan.root(root)).collect();
        assemble(folders, scan.unknown, scan.findings.into_list())
    }
}

/// A folder with the files and folders in it, in natural order, before it is known what becomes of it.
#[derive(Default)]
pub(crate) struct FoundFolder {
    pub(crate) name: String,
    pub(crate) contents: Vec<FoundFile>,
    /// Files that say something about it, those in folders of texts too.
    pub(crate) sides: Vec<Side>,
    pub(crate) folders: Vec<FoundFolder>,
    /// What the files in it say that it is, against the rules.
    pub(crate) kind: Option<Kind>,
}

impl FoundFolder {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Nothing to publish, and nothing that says what else would be.
    fn is_empty(&self) -> bool {
        self.contents.is_empty() && self.folders.is_empty() && self.kind.is_none()
    }
}

/// A file with content.
pub(crate) struct FoundFile {
    pub(crate) name: String,
    pub(crate) media: Media,
    pub(crate) stamp: Stamp,
}

struct Scan<'a> {
    library: &'a Library,
    real_roots: Vec<PathBuf>,
    /// The real paths of the folders that are being looked at now, outermost first.
    open: Vec<PathBuf>,
    entries: u64,
    is_full: bool,
    /// Folders that could not be listed, or not whole: what was known in them may still be there.
    unknown: Vec<String>,
    findings: Findings,
}

/// What an entry of a folder turned out to be.
enum Entry {
    Folder(PathBuf),
    Content(Media, Stamp),
    Side(Stamp),
}

impl Scan<'_> {
    fn root(&mut self, root: &Root) -> FoundFolder {
        // With several folders, the name of each is the first part of what is in it.
        let place = if self.library.roots.len() > 1 { root.name.as_str() } else { "" };
        match root.path.canonicalize() {
            Ok(real) => self.folder(&root.name, &real, place),
            Err(error) => {
                self.cannot_read(&root.name, &error);
                self.unknown.push(place.to_owned());
                FoundFolder::named(&root.name)
            }
        }
    }

    /// Looks at one folder. `place` is its path relative to the library, empty for the library itself.
    fn folder(&mut self, name: &str, real: &Path, place: &str) -> FoundFolder {
        let mut found = FoundFolder::named(name);
        let shown = if place.is_empty() { name } else { place };
        let max_depth = self.library.options.max_depth.min(LibraryOptions::DEEPEST);
        if self.open.len() > max_depth as usize {
            self.report(
                Severity::Error,
                shown,
                "folder-too-deep",
                format!("it lies more than {max_depth} levels deep"),
                "raise `max_depth`, or move it up",
            );
            return found;
        }
        let (mut entries, is_whole) = self.entries(real, shown, place);
        if !is_whole {
            self.unknown.push(place.to_owned());
        }
        entries.sort_by_cached_key(|(name, _)| {
            (NaturalKey::new(media::content_stem(name).unwrap_or(name)), NaturalKey::new(name))
        });
        self.open.push(real.to_owned());
        for (name, entry) in entries {
            let place = below(place, &name);
            match self.look(&entry, real, &name, &place) {
                Some(Entry::Content(media, stamp)) => found.contents.push(FoundFile { name, media, stamp }),
                Some(Entry::Side(stamp)) => found.sides.push(Side { name, stamp }),
                Some(Entry::Folder(real)) => {
                    let folder = self.folder(&name, &real, &place);
                    if media::is_text_folder(&name) && folder.contents.is_empty() && folder.folders.is_empty() {
                        found.sides.extend(folder.sides.into_iter().map(|side| side.below(&name)));
                    } else if !folder.is_empty() {
                        found.folders.push(folder);
                    }
                }
                None => {}
            }
        }
        self.open.pop();
        found.kind = kind(&found, real);
        found
    }

    /// The names in a folder that may be published, and whether these are all.
    fn entries(&mut self, real: &Path, shown: &str, place: &str) -> (Vec<(String, DirEntry)>, bool) {
        let listing = match fs::read_dir(real) {
            Ok(listing) => listing,
            Err(error) => {
                self.cannot_read(shown, &error);
                // A folder that went away while we were looking is as if it had never been there.
                return (Vec::new(), error.kind() == io::ErrorKind::NotFound);
            }
        };
        let mut entries = Vec::new();
        let mut is_whole = true;
        for entry in listing {
            if !self.has_room(shown) {
                is_whole = false;
                break;
            }
            match entry {
                Ok(entry) => {
                    if let Some(name) = self.usable_name(&entry.file_name(), place) {
                        entries.push((name, entry));
                    }
                }
                Err(error) => {
                    // A listing that fails once may fail for ever.
                    self.cannot_read(shown, &error);
                    is_whole = false;
                    break;
                }
            }
        }
        (entries, is_whole)
    }

    /// Counts one more entry; false once there are too many.
    fn has_room(&mut self, shown: &str) -> bool {
        self.entries += 1;
        let has_room = self.entries <= self.library.options.max_entries;
        if !has_room && !self.is_full {
            self.is_full = true;
            self.report(
                Severity::Error,
                shown,
                "too-many-entries",
                format!("the library has more than {} entries; the rest is left out", self.library.options.max_entries),
                "raise `max_entries`, or publish fewer folders",
            );
        }
        has_room
    }

    fn usable_name(&mut self, name: &OsStr, place: &str) -> Option<String> {
        let Some(text) = name.to_str() else {
            let lossy = name.to_string_lossy();
            if !media::is_passed_over(&lossy) {
                self.report(
                    Severity::Warning,
                    &below(place, &lossy),
                    "name-not-utf-8",
                    "its name is not valid UTF-8, so that no URL can name it".into(),
                    "rename it, for example with `convmv -t utf-8`",
                );
            }
            return None;
        };
        if media::is_passed_over(text) {
            return None;
        }
        if let Some(character) = media::unusable_character(text) {
            self.report(
                Severity::Warning,
                &below(place, text),
                "name-not-usable",
                format!("its name holds {character}, which no identifier may have"),
                "rename it",
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// What stands behind a name: a file, a folder to go into, or nothing to publish.
    fn look(&mut self, entry: &DirEntry, parent: &Path, name: &str, place: &str) -> Option<Entry> {
        let role = media::role(name);
        let kind = self.or_report(entry.file_type(), place)?;
        if kind.is_symlink() {
            return self.look_behind_link(&entry.path(), role, place);
        }
        if kind.is_dir() {
            let real = parent.join(name);
            return self.is_new(&real, place).then_some(Entry::Folder(real));
        }
        let role = role.filter(|role| self.is_regular(kind, *role, place))?;
        let metadata = self.or_report(entry.metadata(), place)?;
        Some(file(role, stamp(&metadata)))
    }

    fn look_behind_link(&mut self, link: &Path, role: Option<Role>, place: &str) -> Option<Entry> {
        let policy = self.library.options.symlinks;
        if policy == Symlinks::Ignore {
            return None;
        }
        let target = match link.canonicalize() {
            Ok(target) => target,
            Err(error) => {
                self.report(
                    Severity::Warning,
                    place,
                    "broken-link",
                    format!("the link leads nowhere ({error})"),
                    "mend the link or remove it",
                );
                return None;
            }
        };
        let metadata = self.or_report(target.metadata(), place)?;
        if !metadata.is_dir() && role.is_none() {
            return None;
        }
        if policy == Symlinks::Inside && !self.real_roots.iter().any(|root| target.starts_with(root)) {
            self.report(
                Severity::Warning,
                place,
                "link-leads-outside",
                "the link leads out of the library and is not followed".into(),
                "publish the folder that it leads to as well, or set `symlinks` to `follow`",
            );
            return None;
        }
        if metadata.is_dir() {
            return self.is_new(&target, place).then_some(Entry::Folder(target));
        }
        let role = role.filter(|role| self.is_regular(metadata.file_type(), *role, place))?;
        Some(file(role, stamp(&metadata)))
    }

    /// False, with a finding, for a folder that is being looked at already: links have made a circle.
    fn is_new(&mut self, real: &Path, place: &str) -> bool {
        let is_new = !self.open.iter().any(|open| open == real);
        if !is_new {
            self.report(
                Severity::Warning,
                place,
                "link-circle",
                "links lead back to a folder around it".into(),
                "remove the link that closes the circle",
            );
        }
        is_new
    }

    fn is_regular(&mut self, kind: FileType, role: Role, place: &str) -> bool {
        if !kind.is_file() && matches!(role, Role::Content(_)) {
            self.report(
                Severity::Warning,
                place,
                "not-a-file",
                "it has the name of an image or recording but is not a regular file".into(),
                "replace it by the file, or rename it",
            );
        }
        kind.is_file()
    }

    fn or_report<T>(&mut self, result: io::Result<T>, place: &str) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            // It went away while we were looking: as if it had never been there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.cannot_read(place, &error);
                None
            }
        }
    }

    fn cannot_read(&mut self, place: &str, error: &io::Error) {
        self.report(
            Severity::Error,
            place,
            "cannot-read",
            format!("it cannot be read ({error})"),
            "check that it exists and that the server may read it",
        );
    }

    fn report(&mut self, severity: Severity, place: &str, rule: &'static str, message: String, fix: &str) {
        // Names are outside data: a line break in one must not begin a line of a log.
        let place = if place.contains(char::is_control) { place.escape_debug().to_string() } else { place.to_owned() };
        self.findings.push(Finding::new(severity, rule, place, message, fix));
    }
}

/// What the files of a folder say that it is.
fn kind(found: &FoundFolder, real: &Path) -> Option<Kind> {
    let own = || found.sides.iter().filter(|side| !side.name.contains('/'));
    let look = |side: &Side| {
        let mut head = Vec::with_capacity(marks::HEAD_BYTES as usize);
        fs::File::open(real.join(&side.name)).ok()?.take(marks::HEAD_BYTES).read_to_end(&mut head).ok()?;
        marks::by_content(&side.name, &head)
    };
    let (records, sidecars): (Vec<&Side>, Vec<&Side>) =
        own().filter(|side| marks::may_say(&side.name)).partition(|side| marks::is_record(&side.name));
    let declared = sidecars.into_iter().find_map(look);
    let declared = declared.or_else(|| own().find_map(|side| marks::by_name(&side.name)));
    // Records are many where each page has its text: they are looked into only where the rules would go another way.
    let is_clear = !found.contents.is_empty() && found.folders.is_empty();
    if declared.is_some() || is_clear {
        return declared;
    }
    let mut points_to_others = false;
    let strong = records.into_iter().take(MOST_LOOKED_INTO).find_map(|side| {
        let kind = look(side)?;
        let is_pointer =
            kind == Kind::Manifest && fs::File::open(real.join(&side.name)).is_ok_and(marks::points_to_others);
        points_to_others |= is_pointer;
        (!is_pointer).then_some(kind)
    });
    // Beside the METS file of the volume itself, that of the whole work says nothing about the folder.
    strong.or(points_to_others.then_some(Kind::Collection))
}

fn file(role: Role, stamp: Stamp) -> Entry {
    match role {
        Role::Content(media) => Entry::Content(media, stamp),
        Role::Side => Entry::Side(stamp),
    }
}

fn below(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") }
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    Stamp { bytes: metadata.len(), modified: metadata.modified().ok() }
}
