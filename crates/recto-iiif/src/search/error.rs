//! Why a query string is no request.

use crate::ErrorKind;

/// Longest piece of a request that a message repeats, in characters.
const MOST_GIVEN: usize = 120;

/// What is wrong with a request; always the request's own fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchRequestError {
    /// A parameter has to be there and is not, or is empty.
    #[error("`{parameter}` is missing; expected {expected}")]
    Missing {
        /// Its name.
        parameter: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// A part of a parameter cannot be read.
    #[error("`{given}` in `{parameter}` is not understood; expected {expected}")]
    Malformed {
        /// The parameter's name.
        parameter: &'static str,
        /// The part.
        given: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A parameter is longer, or has more parts, than is read.
    #[error("`{parameter}` is too long; expected no more than {most} {unit}")]
    TooLong {
        /// Its name.
        parameter: &'static str,
        /// The most.
        most: usize,
        /// Of what.
        unit: &'static str,
    },
}

impl SearchRequestError {
    pub(super) fn malformed(parameter: &'static str, given: &str, expected: &'static str) -> Self {
        Self::Malformed { parameter, given: given.chars().take(MOST_GIVEN).collect(), expected }
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Malformed
    }

    /// The name of the parameter that is at fault.
    pub const fn parameter(&self) -> &'static str {
        match self {
            Self::Missing { parameter, .. } | Self::Malformed { parameter, .. } | Self::TooLong { parameter, .. } => {
                parameter
            }
        }
    }

    /// The part that is at fault, shortened; empty where there is none.
    pub fn given(&self) -> &str {
        match self {
            Self::Malformed { given, .. } => given,
            Self::Missing { .. } | Self::TooLong { .. } => "",
        }
    }

    /// What would have been understood.
    pub fn expected(&self) -> String {
        match self {
            Self::Missing { expected, .. } | Self::Malformed { expected, .. } => (*expected).to_owned(),
            Self::TooLong { most, unit, .. } => format!("no more than {most} {unit}"),
        }
    }
}
