//! Identifiers: decoded, and as they stand in a URI. Image API 3.0 §3, §9.

use std::fmt;

/// An identifier as it is meant: percent-escapes decoded, valid UTF-8, never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier(pub(crate) String);

impl Identifier {
    /// The identifier that is this very text.
    pub fn new(decoded: impl Into<String>) -> Self {
        Self(decoded.into())
    }

    /// The decoded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
