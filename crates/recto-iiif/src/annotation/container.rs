//! The container of annotations and its pages. Web Annotation Protocol §4, Data Model §5.

use std::num::NonZeroU64;

use serde_json::{Map, Value, json};

use super::open::further_contexts;
use super::{CONTEXT, LDP_CONTEXT, Preference, Rejected};
use crate::discovery::Timestamp;

/// What pages list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Contents {
    /// The URIs of the annotations.
    Iris,
    /// The annotations.
    #[default]
    Descriptions,
}

/// A container of annotations, which is a collection too.
#[derive(Clone, Debug)]
pub struct Container {
    id: String,
    /// Its name for people: a string or a language map.
    pub label: Option<Value>,
    /// How many annotations it has.
    pub total: u64,
    /// How many are on a page.
    pub page_size: NonZeroU64,
    /// When an annotation was made, changed or taken away last.
    pub modified: Option<Timestamp>,
    /// Further members of the collection, such as `creator`.
    pub extra: Map<String, Value>,
}

/// Pages have so many annotations, if nothing else is said.
const PAGE_SIZE: NonZeroU64 = NonZeroU64::new(100).expect("not 0");

impl Container {
    /// A container; its URI ends with `/` and has neither query nor fragment.
    pub fn new(id: impl Into<String>, total: u64) -> Result<Self, Rejected> {
        let id = id.into();
        if !id.ends_with('/') || id.contains(['?', '#']) {
            let message = format!("`{id}` is no URI of a container");
            return Err(Rejected::new("", message, "end it with `/`, without `?` and `#`"));
        }
        Ok(Self { id, label: None, total, page_size: PAGE_SIZE, modified: None, extra: Map::new() })
    }

    /// Its URI.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The URI of the container whose pages have these contents, which is the answer's `id` and `Content-Location`.
    pub fn uri(&self, contents: Contents) -> String {
        format!("{}?iris={}", self.id, u8::from(contents == Contents::Iris))
    }

    /// The URI of a page, counted from 0.
    pub fn page_uri(&self, contents: Contents, page: u64) -> String {
        format!("{}&page={page}", self.uri(contents))
    }

    /// How many pages there are.
    pub fn page_count(&self) -> u64 {
        self.total.div_ceil(self.page_size.get())
    }

    /// The annotations of a page: how many come before it, and how many it has.
    pub fn page_range(&self, page: u64) -> Option<(u64, u64)> {
        let start = page.checked_mul(self.page_size.get())?;
        (start < self.total || page == 0).then(|| (start, self.page_size.get().min(self.total - start.min(self.total))))
    }

    /// Reads the query of a request: the contents where it names them, and the page. `None` for a number that is none.
    pub fn parse_query(query: &str) -> Option<(Option<Contents>, Option<u64>)> {
        let (mut contents, mut page) = (None, None);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match (name, value) {
                ("iris", "1") => contents = Some(Contents::Iris),
                ("iris", "0") => contents = Some(Contents::Descriptions),
                ("iris", _) => return None,
                ("page", number) => page = Some(number.parse().ok()?),
                _ => {}
            }
        }
        Some((contents, page))
    }

    /// The container. `first` are the annotations of its first page; they are embedded unless a minimal container is preferred.
    pub fn document(&self, preference: Preference, first: &[Value]) -> Value {
        let contents = preference.contents;
        let mut out = Map::new();
        out.insert("@context".to_owned(), json!([CONTEXT, LDP_CONTEXT]));
        out.insert("id".to_owned(), self.uri(contents).into());
        out.insert("type".to_owned(), json!(["BasicContainer", "AnnotationCollection"]));
        out.extend(self.label.clone().map(|label| ("label".to_owned(), label)));
        out.insert("total".to_owned(), self.total.into());
        out.extend(self.modified.map(|modified| ("modified".to_owned(), modified.to_string().into())));
        out.extend(self.extra.clone());
        if self.total > 0 {
            let uri = self.page_uri(contents, 0);
            let first = if preference.is_minimal { uri.into() } else { self.embedded(contents, first) };
            out.insert("first".to_owned(), first);
            out.insert("last".to_owned(), self.page_uri(contents, self.page_count() - 1).into());
        }
        Value::Object(out)
    }

    /// The first page as it stands in the container.
    fn embedded(&self, contents: Contents, items: &[Value]) -> Value {
        let mut out = Map::new();
        out.insert("id".to_owned(), self.page_uri(contents, 0).into());
        out.insert("type".to_owned(), "AnnotationPage".into());
        if self.page_count() > 1 {
            out.insert("next".to_owned(), self.page_uri(contents, 1).into());
        }
        out.insert("startIndex".to_owned(), 0.into());
        out.insert("items".to_owned(), listed(contents, items));
        Value::Object(out)
    }

    /// A page, counted from 0, with its annotations; `None` where there is no such page. The first one is always there.
    pub fn page(&self, contents: Contents, page: u64, items: &[Value]) -> Option<Value> {
        let (start, _) = self.page_range(page)?;
        let mut whole = Map::new();
        whole.insert("id".to_owned(), self.uri(contents).into());
        whole.insert("type".to_owned(), "AnnotationCollection".into());
        whole.extend(self.label.clone().map(|label| ("label".to_owned(), label)));
        whole.insert("total".to_owned(), self.total.into());
        whole.extend(self.modified.map(|modified| ("modified".to_owned(), modified.to_string().into())));
        let mut out = Map::new();
        out.insert("@context".to_owned(), CONTEXT.into());
        out.insert("id".to_owned(), self.page_uri(contents, page).into());
        out.insert("type".to_owned(), "AnnotationPage".into());
        out.insert("partOf".to_owned(), Value::Object(whole));
        out.insert("startIndex".to_owned(), start.into());
        if page > 0 {
            out.insert("prev".to_owned(), self.page_uri(contents, page - 1).into());
        }
        if page + 1 < self.page_count() {
            out.insert("next".to_owned(), self.page_uri(contents, page + 1).into());
        }
        out.insert("items".to_owned(), listed(contents, items));
        Some(Value::Object(out))
    }
}

fn listed(contents: Contents, items: &[Value]) -> Value {
    match contents {
        Contents::Iris => {
            items.iter().filter_map(|item| item.get("id").or(item.is_string().then_some(item)).cloned()).collect()
        }
        Contents::Descriptions => items.iter().map(within_page).collect(),
    }
}

/// An annotation as it stands in a page that has the W3C's context already.
pub(super) fn within_page(annotation: &Value) -> Value {
    let mut out = annotation.clone();
    let is_plain = further_contexts(annotation).is_empty();
    if let Value::Object(fields) = &mut out
        && is_plain
    {
        fields.shift_remove("@context");
    }
    out
}
