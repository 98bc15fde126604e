//! The use cases: give an image or its `info.json`, present objects, explain a URL. HTTP and the command line call this and nothing below.
//!
//! An image request walks through here in a fixed order: access ([`policy`]), facts, exact geometry, canonical key, and only
//! then, if the caller still needs bytes, cache, admission ([`work`]), plan and pixels. What is decided before is free of
//! source input and output wherever the facts are known already.

#![forbid(unsafe_code)]

mod annotations;
mod error;
mod explain;
mod images;
mod known;
mod metrics;
mod objects;
mod options;
pub mod policy;
mod search;
mod shelf;
mod text;
pub mod work;

pub use annotations::{
    Annotation, AnnotationError, AnnotationOptions, AnnotationService, CanvasPage, Created, Desk, ELSEWHERE, Filter,
    New, Seen,
};
pub use error::ServiceError;
pub use explain::Explanation;
pub use images::{
    ImageBody, ImageService, ImageServiceParts, LibraryFile, Origin, Prepared, PreparedInfo, PurgeScope, ReadyImage,
    Standing,
};
pub use known::{KnownImage, ShortFacts};
pub use metrics::{Metrics, WorkReading};
pub use recto_catalog::annotations::Refusal;
pub use recto_catalog::{Brief, Item, ItemKind};
pub use recto_ingest::build::{CanvasPlan, ObjectParts, PageFacts, Proxied, SiteUrls, Urls, plan};
pub use recto_ingest::published_media_type;

/// Captions of any kind as WebVTT. `place` is the path of their file.
pub fn web_vtt(bytes: &[u8], place: &str) -> String {
    recto_ingest::av::captions::parse(bytes, place).0.to_web_vtt()
}

pub use objects::{
    Changes, DocumentKind, DownloadKind, DownloadOptions, ObjectService, ObjectView, Pieces, PreparedDocument, TakenIn,
    USUAL_LONGEST_PX, description, label, take_in,
};
pub use options::{ImageOptions, LibraryOptions, LimitOptions, WorkOptions};
pub use search::{HITS_A_PAGE, HitPlace, SearchService, search_services};
pub use text::{CanvasLayout, TextMaker, make_text_shards};
