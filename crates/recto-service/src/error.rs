//! What goes wrong with a use case.

use std::sync::Arc;
use std::time::Duration;

use recto_catalog::CatalogError;
use recto_codec::DecodeError;
use recto_engine::EngineError;
use recto_iiif::ErrorKind;
use recto_iiif::image::RequestError;
use recto_source::SourceError;

/// Why a use case gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The request breaks the specification.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The original cannot be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The original gives no facts.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The original gives no pixels, or they could not be written.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// This server does not write that format.
    #[error("this server does not write `{format}`; it writes {writable}")]
    NoSuchFormat {
        /// What was asked for.
        format: &'static str,
        /// What there is.
        writable: String,
    },
    /// A result larger than its region, and larger than this server blows anything up to.
    #[error(
        "the size would be {wanted_px} pixels, more than the region has; results that are upscaled end at {limit_px} pixels"
    )]
    UpscaledTooFar {
        /// Pixels of the result.
        wanted_px: u64,
        /// Most pixels of an upscaled result.
        limit_px: u64,
    },
    /// There is no object or collection of that identifier.
    #[error("there is no {what} `{identifier}`")]
    NoSuchObject {
        /// `object` or `collection`.
        what: &'static str,
        /// What was asked for.
        identifier: String,
    },
    /// The catalogue gives no answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The library was not looked at yet.
    #[error("the library is being looked at for the first time; try again in a moment")]
    NotReady,
    /// The caller has to say who they are.
    #[error("this is not public; log in first")]
    Unauthorized,
    /// The caller may not.
    #[error("this is not for you")]
    Forbidden,
    /// It can never be done within the memory that this server may use.
    #[error(
        "this would take {needed_bytes} bytes of memory, the server gives {budget_bytes} to one request; ask for a smaller size or region"
    )]
    OverBudget {
        /// What it would take.
        needed_bytes: u64,
        /// What one request can have.
        budget_bytes: u64,
    },
    /// It can never be done within the time that one request may take.
    #[error(
        "this would take about {:.1} s, the server gives {:.1} s to one request; ask for a smaller size or region",
        .needed.as_secs_f64(), .limit.as_secs_f64()
    )]
    OverTime {
        /// What it would take.
        needed: Duration,
        /// What one request can have.
        limit: Duration,
    },
    /// Too much is going on.
    #[error("the server is busy; try again in a moment")]
    Busy {
        /// When.
        retry_after: Duration,
    },
    /// A job panicked: a bug of ours, which was contained.
    #[error("something went wrong inside the server")]
    Panicked,
    /// Another request for the same thing failed, and this one had joined it.
    #[error(transparent)]
    Joined(Arc<ServiceError>),
}

impl ServiceError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Request(error) => error.kind(),
            Self::Source(error) => error.kind(),
            Self::Decode(error) => error.kind(),
            Self::Engine(error) => error.kind(),
            Self::NoSuchFormat { .. } => ErrorKind::Unsupported,
            Self::UpscaledTooFar { .. } => ErrorKind::Malformed,
            Self::NoSuchObject { .. } => ErrorKind::NotFound,
            Self::Catalog(error) => error.kind(),
            Self::NotReady => ErrorKind::Unavailable { retry_after: Duration::from_secs(1) },
            Self::Unauthorized => ErrorKind::Unauthorized,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::OverBudget { .. } | Self::OverTime { .. } => ErrorKind::TooLarge,
            Self::Busy { retry_after } => ErrorKind::Unavailable { retry_after: *retry_after },
            Self::Panicked => ErrorKind::Internal,
            Self::Joined(error) => error.kind(),
        }
    }

    /// The error itself, whoever met it first.
    pub fn root(&self) -> &Self {
        match self {
            Self::Joined(error) => error.root(),
            other => other,
        }
    }
}
