//! Content Search API 2.0 and 1.0: requests, answers, completion of terms, and the blocks that announce the services.
//!
//! [`SearchRequest`] is what a query string asks for, [`Found`] what a search gives: the same for both versions. [`answer`] and
//! [`terms`] write them as an `AnnotationPage` and a `TermPage` (2.0), or as an `sc:AnnotationList` and a `search:TermList` (1.0) in the
//! form that all viewers read. [`SearchServices`] puts the services on manifests and collections.
//!
//! ```
//! use recto_iiif::search::{Found, FoundHit, FoundPart, SearchRequest, ServiceUrls, Version, answer};
//! use recto_iiif::Rect;
//!
//! let (request, ignored) = SearchRequest::parse("q=birds", Version::V2).unwrap();
//! let part = FoundPart { area: Some(Rect::new(200, 100, 40, 20)), ..FoundPart::new("7-3", "https://example.org/canvas/7", "birds") };
//! let hit = FoundHit { before: "There are two ".into(), exact: "birds".into(), after: " in the bush".into(), parts: vec![part], annotation: None };
//! let found = Found::page_of(&[hit], 100, request.page);
//!
//! let page = answer(Version::V2, &found, &request, &ignored, &ServiceUrls::new("https://example.org/search/2/book"));
//! assert_eq!(page["items"][0]["target"], "https://example.org/canvas/7#xywh=200,100,40,20");
//! let list = answer(Version::V1, &found, &request, &ignored, &ServiceUrls::new("https://example.org/search/1/book"));
//! assert_eq!(list["resources"][0]["on"], "https://example.org/canvas/7#xywh=200,100,40,20");
//! ```

mod error;
mod filters;
mod found;
mod paging;
mod path;
mod request;
mod services;
mod terms;
mod urls;
mod v1;
mod v2;
mod version;

use serde_json::Value;

pub use error::SearchRequestError;
pub use filters::{DateRange, Motivation};
pub use found::{Container, Found, FoundHit, FoundPart, Total};
pub use paging::{HitShape, PageCut, cut_into_pages, shapes};
pub use path::{Operation, Scope, SearchPath};
pub use request::{Parameter, SearchRequest};
pub use services::{SearchServices, add_context};
pub use terms::Term;
pub use urls::ServiceUrls;
pub use version::Version;

/// The answer to a search, as this version writes it. `urls` are those of the service of this version that was asked.
pub fn answer(
    version: Version,
    found: &Found,
    request: &SearchRequest,
    ignored: &[Parameter],
    urls: &ServiceUrls,
) -> Value {
    match version {
        Version::V1 => v1::answer(found, request, ignored, urls),
        // What is written can be read.
        Version::V2 => serde_json::to_value(v2::answer(found, request, ignored, urls)).unwrap_or_default(),
    }
}

/// The same as JSON: a fraction of the work, for there are many annotations in an answer.
pub fn write_answer(
    version: Version,
    found: &Found,
    request: &SearchRequest,
    ignored: &[Parameter],
    urls: &ServiceUrls,
) -> String {
    match version {
        Version::V1 => v1::answer(found, request, ignored, urls).to_string(),
        // Texts and numbers can always be written.
        Version::V2 => serde_json::to_string(&v2::answer(found, request, ignored, urls)).unwrap_or_default(),
    }
}

/// The answer of the completion of terms, as this version writes it. Terms stand in the order in which they are given.
pub fn terms(
    version: Version,
    terms: &[Term],
    request: &SearchRequest,
    ignored: &[Parameter],
    urls: &ServiceUrls,
) -> Value {
    match version {
        Version::V1 => v1::terms(terms, request, ignored, urls),
        Version::V2 => v2::terms(terms, request, ignored, urls),
    }
}
