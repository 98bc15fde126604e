//! Content State API 1.0: a pointer to a resource, or to a part of one, that any viewer can be opened with.
//!
//! [`ContentState::parse_parameter`] reads what stands in `iiif-content=…`, [`ContentState::parse_text`] what was dropped, pasted,
//! posted or uploaded, and [`ContentState::read_document`] what a URI led to; all forms of §2.2 become one value. It is written as
//! short as may be ([`ContentState::to_parameter`], [`ContentState::to_text`]), in full for publishing
//! ([`ContentState::to_annotation`]), and as what each viewer needs ([`ContentState::link_for`]).
//!
//! ```
//! use recto_iiif::content_state::ContentState;
//!
//! let body = r#"{"id":"https://example.org/canvas7#xywh=10,20,30,40","type":"Canvas",
//!     "partOf":[{"id":"https://example.org/manifest","type":"Manifest"}]}"#;
//! let (state, findings) = ContentState::parse_text(body).unwrap();
//! assert!(findings.is_empty());
//! assert_eq!(state.targets[0].manifest(), Some("https://example.org/manifest"));
//! assert_eq!(state.targets[0].region.unwrap().to_string(), "10,20,30,40");
//! let (again, _) = ContentState::parse_parameter(&state.to_parameter()).unwrap();
//! assert_eq!(again.targets, state.targets);
//! ```

mod encoding;
mod links;
mod read;
mod selector;
mod write;

pub use encoding::{EncodingError, decode, encode, encode_uri_component};
pub use links::{Viewer, ViewerLink};
pub use selector::{CanvasRegion, Point, TimeSpan, Unit};

/// The motivation that makes an Annotation a content state. §2.2.
pub const MOTIVATION: &str = "contentState";

/// The longest text that is read, in bytes. Content states travel in URLs; no honest one comes near.
pub const LONGEST_TEXT_BYTES: usize = 1 << 20;

/// The most targets that are read of one content state.
pub const MOST_TARGETS: usize = 1000;

/// What is to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentState {
    /// What is to be shown, in order; several are to be compared. Never empty.
    pub targets: Vec<Target>,
    /// The form it came in.
    pub form: Form,
    /// The URI of the Annotation, where it has one.
    pub annotation: Option<String>,
    /// The Annotation's motivations besides `contentState`, for example `bookmarking`.
    pub motivations: Vec<String>,
    /// The text as it was given; empty when it was made here or read from a document.
    pub given: String,
}

/// The forms of §2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A full Annotation with the motivation `contentState`. §2.2.1.
    Annotation,
    /// The value of the `target` of an implied Annotation. §2.2.3.
    TargetBody,
    /// A URI: of an Annotation (§2.2.2) or of the target (§2.2.4). Only who fetches it can tell, see
    /// [`ContentState::read_document`].
    Uri,
}

/// One resource, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its URI, without the fragment that says which part.
    pub id: String,
    /// What it is.
    pub kind: TargetKind,
    /// What it is part of, nearest first as given. A Canvas or Range has to name its Manifest here. §2.2.4.
    pub part_of: Vec<Container>,
    /// The rectangle of it.
    pub region: Option<CanvasRegion>,
    /// The stretch of time of it.
    pub time: Option<TimeSpan>,
    /// The point on it or in it.
    pub point: Option<Point>,
}

/// What a target is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// A Collection.
    Collection,
    /// A Manifest.
    Manifest,
    /// A Canvas.
    Canvas,
    /// A Range.
    Range,
    /// An Annotation that is itself what is to be shown.
    Annotation,
    /// Another type, by its own name.
    Other(String),
    /// It was given by its URI alone.
    Unknown,
}

/// A resource that a target is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its URI.
    pub id: String,
    /// What it is.
    pub kind: TargetKind,
}

/// Something in a content state that is not as the specification has it, though it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name, which stays.
    pub rule: &'static str,
    /// Where the specification says so.
    pub section: &'static str,
    /// The place, as a JSON pointer; empty for the whole.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: &'static str,
}

/// Why a content state cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentStateError {
    /// There is nothing.
    #[error("the content state is empty")]
    Empty,
    /// It is longer than any honest one.
    #[error("the content state has {bytes} bytes, the most is {LONGEST_TEXT_BYTES}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is neither a URI nor JSON, and not encoded as §6 says.
    #[error("the content state is neither a URI nor JSON, and cannot be decoded")]
    Encoding {
        /// Where and why.
        #[from]
        source: EncodingError,
    },
    /// It is not JSON, though it begins like it, or decodes to something else.
    #[error("the content state is not JSON")]
    Json {
        /// Line, column and reason.
        #[from]
        source: serde_json::Error,
    },
    /// It is JSON, but nothing in it names a resource.
    #[error("the content state names nothing to show at `{pointer}`: {reason}")]
    NoTarget {
        /// The place, as a JSON pointer.
        pointer: String,
        /// What stands there.
        reason: &'static str,
    },
}

impl ContentStateError {
    /// Always [`ErrorKind::Malformed`](crate::ErrorKind::Malformed).
    pub const fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::Malformed
    }
}

impl ContentState {
    /// These targets, with nothing else said.
    pub fn new(targets: Vec<Target>) -> Self {
        Self { targets, form: Form::TargetBody, annotation: None, motivations: Vec::new(), given: String::new() }
    }

    /// The URI to fetch before it is known what is to be shown; `None` when that is known already.
    pub fn to_fetch(&self) -> Option<&str> {
        match (self.form, self.targets.as_slice()) {
            (Form::Uri, [only]) if only.kind == TargetKind::Unknown => Some(&only.id),
            _ => None,
        }
    }
}

impl Target {
    /// All of a resource.
    pub fn whole(id: impl Into<String>, kind: TargetKind) -> Self {
        Self { id: id.into(), kind, part_of: Vec::new(), region: None, time: None, point: None }
    }

    /// A Canvas of a Manifest.
    pub fn canvas(id: impl Into<String>, manifest: impl Into<String>) -> Self {
        let manifest = Container { id: manifest.into(), kind: TargetKind::Manifest };
        Self { part_of: vec![manifest], ..Self::whole(id, TargetKind::Canvas) }
    }

    /// True when no part of it is meant, but all of it.
    pub const fn is_whole(&self) -> bool {
        self.region.is_none() && self.time.is_none() && self.point.is_none()
    }

    /// The document that a viewer has to load: the target itself, or the Manifest that it is part of.
    pub fn manifest(&self) -> Option<&str> {
        match self.kind {
            TargetKind::Manifest | TargetKind::Collection | TargetKind::Unknown => Some(&self.id),
            _ => self.part_of.iter().find(|container| container.kind == TargetKind::Manifest).map(|it| it.id.as_str()),
        }
    }

    /// The Canvas that it names.
    pub fn canvas_id(&self) -> Option<&str> {
        (self.kind == TargetKind::Canvas).then_some(self.id.as_str())
    }
}

impl TargetKind {
    /// The word in `type`; `None` when it is not known.
    pub fn word(&self) -> Option<&str> {
        Some(match self {
            Self::Collection => "Collection",
            Self::Manifest => "Manifest",
            Self::Canvas => "Canvas",
            Self::Range => "Range",
            Self::Annotation => "Annotation",
            Self::Other(word) => word,
            Self::Unknown => return None,
        })
    }

    /// The kind with this `type`, or `@type` of version 2 with its prefix.
    pub fn from_word(word: &str) -> Self {
        match word.strip_prefix("sc:").or_else(|| word.strip_prefix("oa:")).unwrap_or(word) {
            "Collection" => Self::Collection,
            "Manifest" => Self::Manifest,
            "Canvas" => Self::Canvas,
            "Range" => Self::Range,
            "Annotation" => Self::Annotation,
            "" => Self::Unknown,
            other => Self::Other(other.to_owned()),
        }
    }
}
