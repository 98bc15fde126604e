//! What goes wrong with annotations.

use recto_catalog::CatalogError;
use recto_catalog::annotations::Refusal;
use recto_iiif::annotation::Rejected;
use recto_iiif::image::RequestError;

use crate::ServiceError;

/// Why something was not done with annotations.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotationError {
    /// What was sent cannot be taken.
    #[error("{}", .0.faults.first().map(ToString::to_string).unwrap_or_default())]
    Rejected(Rejected),
    /// What was sent is no JSON.
    #[error("the body is no JSON (line {line}, column {column})")]
    NoJson {
        /// Where it ends to be.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// The store did not make the change.
    #[error(transparent)]
    Refused(Refusal),
    /// There is nothing of that name.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// What it would be.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// Nobody may write on this server.
    #[error("nobody may write annotations here: no token for it is configured")]
    WritingIsOff,
    /// The caller did not say who they are.
    #[error("who writes annotations has to say who they are")]
    NeedsToken,
    /// They come from files of the library, and are changed there.
    #[error("these annotations lie in the folder `annotations` beside the object `{object}`; change them there")]
    FromFiles {
        /// Beside which object.
        object: String,
    },
    /// The caller did not say which version they have seen.
    #[error("a change has to name the version that it is a change of")]
    NeedsVersion,
    /// Everything that the rest of the server knows.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<CatalogError> for AnnotationError {
    fn from(error: CatalogError) -> Self {
        Self::Service(error.into())
    }
}

impl From<RequestError> for AnnotationError {
    fn from(error: RequestError) -> Self {
        Self::Service(error.into())
    }
}

impl From<Rejected> for AnnotationError {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<Refusal> for AnnotationError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
