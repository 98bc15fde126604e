//! Where finished files go: into a folder, or into an archive.

mod archive;
mod folder;

use recto_iiif::ErrorKind;

use crate::StaticError;
use crate::plan::Job;

pub(crate) use archive::ArchivePlace;
pub(crate) use folder::FolderPlace;

/// An original at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Current<'a> {
    pub(crate) job: &'a Job,
    /// Original and options.
    pub(crate) mark: u128,
    /// All that, and what makes a difference to `info.json` alone.
    pub(crate) document_mark: u128,
}

/// Where finished files go. Originals come one after the other, and so do their pages.
pub(crate) enum Place {
    Folder(FolderPlace),
    Archive(Box<ArchivePlace>),
}

impl Place {
    /// True when all files of it are there, of this version and by these options. Its first page has these folders.
    pub(crate) fn is_done(&self, current: &Current<'_>, folders: &[String]) -> Result<bool, StaticError> {
        match self {
            Self::Folder(place) => Ok(place.is_done(current)),
            Self::Archive(place) => place.is_done(current.document_mark, folders),
        }
    }

    /// Begins with an original; its first page has these folders.
    pub(crate) fn begin(&mut self, current: &Current<'_>, folders: &[String]) -> Result<(), StaticError> {
        match self {
            Self::Folder(place) => place.begin(current, folders),
            Self::Archive(_) => Ok(()),
        }
    }

    /// True when the picture is there from an earlier run; then it is taken as it is. `number` orders the pictures of a page.
    pub(crate) fn take(&self, current: &Current<'_>, number: usize, paths: &[String]) -> Result<bool, StaticError> {
        match self {
            Self::Folder(place) => Ok(place.has(paths)),
            Self::Archive(place) => place.take(current.mark, number, paths),
        }
    }

    /// Puts a picture.
    pub(crate) fn put(
        &self,
        current: &Current<'_>,
        number: usize,
        paths: &[String],
        bytes: &[u8],
    ) -> Result<(), StaticError> {
        match self {
            Self::Folder(place) => place.put(paths, bytes),
            Self::Archive(place) => place.put(current.mark, number, paths, bytes),
        }
    }

    /// All pictures of a page are there: its documents follow.
    pub(crate) fn end_page(
        &mut self,
        current: &Current<'_>,
        documents: &[(String, Vec<u8>)],
    ) -> Result<(), StaticError> {
        match self {
            Self::Folder(place) => {
                documents.iter().try_for_each(|(path, bytes)| place.put(std::slice::from_ref(path), bytes))
            }
            Self::Archive(place) => place.end_page(current.document_mark, documents),
        }
    }

    /// All pages are there: their folders get their places.
    pub(crate) fn end(&mut self, current: &Current<'_>, folders: &[String]) -> Result<(), StaticError> {
        match self {
            Self::Folder(place) => place.end(current, folders),
            Self::Archive(_) => Ok(()),
        }
    }

    /// A folder without a name of its own, where much can be put for a while.
    pub(crate) fn spool(&self) -> &std::path::Path {
        match self {
            Self::Folder(place) => place.part(),
            Self::Archive(place) => place.folder(),
        }
    }
}

/// True for failures of the place, after which nothing more can be done there.
pub(crate) fn ends_all(error: &StaticError) -> bool {
    matches!(error, StaticError::Io { .. } if error.kind() == ErrorKind::Internal)
}
