//! The URIs within an answer.

use super::SearchRequest;
use super::request::{PAGE, append};
use crate::identifier::Identifier;

/// Where a search service is, and what follows from that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrls {
    search: String,
    annotations: String,
}

impl ServiceUrls {
    /// The service with this URI, which has no query. Annotations are named below it.
    pub fn new(search: impl Into<String>) -> Self {
        let search = search.into();
        Self { annotations: format!("{search}/annotation"), search }
    }

    /// The same, with the annotations that it makes named below another URI: so that both versions can give them the same ones.
    #[must_use]
    pub fn with_annotations(mut self, below: impl Into<String>) -> Self {
        self.annotations = below.into();
        self
    }

    /// The URI of the service.
    pub fn search(&self) -> &str {
        &self.search
    }

    /// The URI of its completion.
    pub fn autocomplete(&self) -> String {
        format!("{}/autocomplete", self.search)
    }

    /// The URI of an annotation; one that has a URI for its name keeps it.
    pub fn annotation(&self, name: &str) -> String {
        if name.starts_with("https://") || name.starts_with("http://") || name.starts_with("urn:") {
            return name.to_owned();
        }
        format!("{}/{}", self.annotations, Identifier::new(name).encoded())
    }

    /// The URI of all that a request finds.
    pub fn all(&self, request: &SearchRequest) -> String {
        with_query(&self.search, &request.to_query())
    }

    /// The URI of one page of what a request finds.
    pub fn page(&self, request: &SearchRequest, page: u64) -> String {
        let mut query = request.to_query();
        append(&mut query, PAGE, &page.to_string());
        with_query(&self.search, &query)
    }

    /// The URI of the completions that a request finds.
    pub(super) fn terms(&self, request: &SearchRequest) -> String {
        with_query(&self.autocomplete(), &request.to_query())
    }

    /// The URI of the search for a term, narrowed as the request for it was.
    pub(super) fn search_for(&self, q: &str, request: &SearchRequest) -> String {
        let request = SearchRequest { q: q.to_owned(), min: 1, page: 1, ..request.clone() };
        self.all(&request)
    }
}

fn with_query(uri: &str, query: &str) -> String {
    if query.is_empty() { uri.to_owned() } else { format!("{uri}?{query}") }
}
