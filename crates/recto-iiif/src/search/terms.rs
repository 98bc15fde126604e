//! What a completion offers. Content Search 2.0 §5.2, §5.3; 1.0 §4.3.

use crate::presentation::LanguageMap;

/// A term that can be searched for.
///
/// Viewers put `value` into `q` as it is, whatever else is said. So a term that needs quotes has them in `value` and goes without them
/// in `label`; `query` is for what no text in `value` could say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Term {
    /// The term as people read it, and as `q` takes it unless `query` says otherwise.
    pub value: String,
    /// What to search for instead of `value`, where that would mean something else, as several words without quotes do.
    pub query: Option<String>,
    /// How often it occurs.
    pub total: Option<u64>,
    /// What to show in its place.
    pub label: Option<LanguageMap>,
    /// Its language, BCP 47.
    pub language: Option<String>,
}

impl Term {
    /// A term that occurs so often.
    pub fn new(value: impl Into<String>, total: u64) -> Self {
        Self { value: value.into(), total: Some(total), ..Self::default() }
    }

    /// What `q` has to be.
    pub fn query(&self) -> &str {
        self.query.as_deref().unwrap_or(&self.value)
    }
}
