//! Change Discovery API 1.0: what changed and when, as pages of activities; and the harvester that reads them.
//!
//! [`Stream`] cuts a log into pages that never change again once a further page follows; [`at_level`] makes levels 0 and 1 out of it.
//! [`Harvester`] is the processing algorithm of §3.5 without input or output: it says what to fetch and takes what came.
//!
//! ```
//! use recto_iiif::discovery::{Activity, Fetched, Harvester, Resource, Stream};
//!
//! let stream = Stream::new("https://example.org/activity/all-changes", 100);
//! let created = Activity::create(
//!     Resource::manifest("https://example.org/iiif/1/manifest"), "2017-09-20T00:00:00Z".parse().unwrap());
//!
//! let mut harvester = Harvester::new("https://example.org/activity/all-changes");
//! while let Some(uri) = harvester.next_request().map(ToOwned::to_owned) {
//!     let document = match stream.page_number(&uri) {
//!         Some(number) => stream.page(number, 1, vec![created.clone()]).unwrap().to_json(),
//!         None => stream.collection(1).unwrap().to_json(),
//!     };
//!     harvester.feed(Fetched::Document(&document));
//! }
//! assert_eq!(harvester.live().keys().collect::<Vec<_>>(), ["https://example.org/iiif/1/manifest"]);
//! ```

mod activity;
mod harvester;
mod pages;
mod stream;
mod time;

pub use activity::{Activity, ActivityKind, Reference, Resource};
pub use harvester::{Change, Crawl, Fetched, HarvestError, Harvester, LiveResource, Outcome};
pub use pages::{OrderedCollection, OrderedCollectionPage};
pub use stream::{Level, Stream, at_level, collapse, representations};
pub use time::Timestamp;

/// The URI of the JSON-LD context. §3.4.1.
pub const CONTEXT: &str = "http://iiif.io/api/discovery/1/context.json";

/// Something in a document that is not as the specification has it, though it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name, which stays.
    pub rule: &'static str,
    /// Where the specification says so.
    pub section: &'static str,
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is of another type.
    #[error("expected a document of type `{expected}`, found `{found}`")]
    Type {
        /// What was expected.
        expected: &'static str,
        /// What it says of itself.
        found: String,
    },
    /// Something without which it cannot be processed is missing or of another kind.
    #[error("`{property}` is missing or is not {expected}")]
    Property {
        /// Which property.
        property: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}
