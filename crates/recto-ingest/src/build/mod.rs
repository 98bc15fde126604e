//! Makes Presentation 3.0 documents of objects and collections. Pure: the same input gives the same bytes.
//!
//! What is in the files is not known here; whoever calls brings it as [`PageFacts`], one for each page. Every page of an
//! object becomes a canvas. One that could not be read becomes a placeholder, so that nobody takes an incomplete object for
//! a complete one, and so that the other pages keep their places.

mod added;
mod canvases;
mod collections;
mod described;
mod made;
mod manifests;
mod parts;
mod pictures;
mod plan;
mod ranges;
mod thumbnails;
mod urls;

use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;

pub use added::{Added, TEXT_GRANULARITY_CONTEXT, add, text_page};
pub use collections::{CollectionParts, MemberPart, collection};
pub use manifests::{Around, manifest};
pub use parts::{FilePart, ObjectParts};
pub use pictures::{PagePicture, Picture, pictures};
pub use plan::{CanvasPlan, Painted, Source, plan};
pub use urls::{Proxied, SiteUrls, Urls};

/// What is known of one page of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct PageFacts {
    /// The identifier of the file: its path relative to the library.
    pub file: Identifier,
    /// Which page of the file, from 1.
    pub page: u32,
    /// How many pages the file has, at least 1.
    pub pages: u32,
    /// Size of the page as it is shown; nothing for sound.
    pub size: Dimensions,
    /// Sizes that are cheap to deliver: the `sizes` of the page's `info.json`.
    pub sizes: Vec<Dimensions>,
    /// What a recording is.
    pub recording: Option<RecordingFacts>,
    /// Why the page cannot be shown; then sizes mean nothing.
    pub problem: Option<String>,
}

/// What is known of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingFacts {
    /// Its media type.
    pub format: String,
    /// Length in seconds.
    pub duration_s: Option<f64>,
}

impl PageFacts {
    /// True when there is something to show.
    pub fn is_readable(&self) -> bool {
        self.problem.is_none()
            && match &self.recording {
                Some(recording) => recording.duration_s.is_some_and(|seconds| seconds > 0.0),
                None => !self.size.is_empty(),
            }
    }

    /// The identifier of the page: the file's own for the first.
    pub fn image(&self) -> Identifier {
        page_identifier(&self.file, self.page)
    }
}

pub(crate) fn page_identifier(file: &Identifier, page: u32) -> Identifier {
    if page <= 1 { file.clone() } else { Identifier::new(format!("{file};{page}")) }
}
