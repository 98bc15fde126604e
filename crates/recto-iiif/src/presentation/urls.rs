//! Documents have a URI for each version of the API.

/// How URIs of 3.0 documents become those of another version's documents of the same things: by exchanging their beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentUrls {
    v3_prefix: String,
    other_prefix: String,
}

impl DocumentUrls {
    /// Documents whose URI begins with `v3_prefix` are found in the other version under `other_prefix`; others stay where they are.
    pub fn new(v3_prefix: impl Into<String>, other_prefix: impl Into<String>) -> Self {
        Self { v3_prefix: v3_prefix.into(), other_prefix: other_prefix.into() }
    }

    /// All documents stay where they are: for documents that are converted by themselves.
    pub fn unchanged() -> Self {
        Self::default()
    }

    pub(super) fn of(&self, id: &str) -> String {
        match id.strip_prefix(&self.v3_prefix) {
            Some(rest) => format!("{}{rest}", self.other_prefix),
            None => id.to_owned(),
        }
    }

    /// True for a document that is served in both versions.
    pub(super) fn has(&self, id: &str) -> bool {
        !self.v3_prefix.is_empty() && id.starts_with(&self.v3_prefix)
    }
}
