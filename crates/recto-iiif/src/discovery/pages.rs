//! The documents: a collection, which is the way in, and its pages. §3.1, §3.2.

use serde_json::{Map, Value};

use super::{Activity, CONTEXT, DocumentError, Finding, Reference};

/// The way in: where the last page is. §3.1.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderedCollection {
    /// Its URI.
    pub id: String,
    /// The page with the oldest activities.
    pub first: Option<String>,
    /// The page with the newest activities.
    pub last: String,
    /// How many activities there are.
    pub total_items: Option<u64>,
    /// The URI of a licence or rights statement.
    pub rights: Option<String>,
    /// Descriptions of the set of resources, as they stand in the document.
    pub see_also: Vec<Value>,
    /// Larger collections that this one is part of.
    pub part_of: Vec<Reference>,
}

/// Some activities in the order in which they happened. §3.2.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderedCollectionPage {
    /// Its URI.
    pub id: String,
    /// The collection.
    pub part_of: Option<String>,
    /// How many activities are on the pages before.
    pub start_index: Option<u64>,
    /// The page with older activities.
    pub prev: Option<String>,
    /// The page with newer activities.
    pub next: Option<String>,
    /// The activities, the newest last.
    pub ordered_items: Vec<Activity>,
}

const COLLECTION: &str = "OrderedCollection";
const PAGE: &str = "OrderedCollectionPage";

impl OrderedCollection {
    /// The document.
    pub fn to_json(&self) -> Value {
        let mut json = head(&self.id, COLLECTION);
        if let Some(total) = self.total_items {
            json.insert("totalItems".to_owned(), total.into());
        }
        if let Some(rights) = &self.rights {
            json.insert("rights".to_owned(), rights.as_str().into());
        }
        if !self.see_also.is_empty() {
            json.insert("seeAlso".to_owned(), self.see_also.clone().into());
        }
        if !self.part_of.is_empty() {
            json.insert("partOf".to_owned(), self.part_of.iter().map(Reference::to_json).collect());
        }
        put_link(&mut json, "first", self.first.as_deref(), PAGE);
        put_link(&mut json, "last", Some(&self.last), PAGE);
        Value::Object(json)
    }

    /// Reads the document.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] when it is something else or has no `last`.
    pub fn read(document: &Value) -> Result<(Self, Vec<Finding>), DocumentError> {
        let mut findings = check_head(document, COLLECTION)?;
        let link = |name: &str| document.get(name).and_then(Reference::read).map(|reference| reference.id);
        let missing = DocumentError::Property { property: "last", expected: "an object with the `id` of a page" };
        let last = link("last").ok_or(missing)?;
        if link("first").is_none() {
            find(&mut findings, "D1", "3.1", "/first", "the collection has no `first`");
        }
        let total_items = document.get("totalItems").and_then(Value::as_u64);
        if document.get("totalItems").is_some() && total_items.is_none() {
            find(&mut findings, "D1", "3.1", "/totalItems", "`totalItems` is no integer of at least 0");
        }
        let list = |name: &str| match document.get(name) {
            Some(Value::Array(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        let collection = Self {
            id: id_of(document),
            first: link("first"),
            last,
            total_items,
            rights: document.get("rights").and_then(Value::as_str).map(ToOwned::to_owned),
            see_also: list("seeAlso"),
            part_of: list("partOf").iter().filter_map(Reference::read).collect(),
        };
        Ok((collection, findings))
    }
}

impl OrderedCollectionPage {
    /// The document.
    pub fn to_json(&self) -> Value {
        let mut json = head(&self.id, PAGE);
        if let Some(start) = self.start_index {
            json.insert("startIndex".to_owned(), start.into());
        }
        put_link(&mut json, "partOf", self.part_of.as_deref(), COLLECTION);
        put_link(&mut json, "prev", self.prev.as_deref(), PAGE);
        put_link(&mut json, "next", self.next.as_deref(), PAGE);
        json.insert("orderedItems".to_owned(), self.ordered_items.iter().map(Activity::to_json).collect());
        Value::Object(json)
    }

    /// Reads the document. Activities that cannot be processed are left out, with a finding.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] when it is something else or has no list of activities.
    pub fn read(document: &Value) -> Result<(Self, Vec<Finding>), DocumentError> {
        let mut findings = check_head(document, PAGE)?;
        let missing = DocumentError::Property { property: "orderedItems", expected: "an array" };
        let items = document.get("orderedItems").and_then(Value::as_array).ok_or(missing)?;
        if items.is_empty() {
            find(&mut findings, "D2", "3.2", "/orderedItems", "the page has no activities");
        }
        let link = |name: &str| document.get(name).and_then(Reference::read).map(|reference| reference.id);
        if link("partOf").is_none() {
            find(&mut findings, "D2", "3.2", "/partOf", "the page does not name its collection");
        }
        let mut ordered_items = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            ordered_items.extend(Activity::read(item, &format!("/orderedItems/{index}"), &mut findings));
        }
        let times = ordered_items.iter().filter_map(Activity::time);
        if !times.is_sorted() {
            find(&mut findings, "D3", "3.2", "/orderedItems", "the activities are not in the order of their `endTime`");
        }
        let start_index = document.get("startIndex").and_then(Value::as_u64);
        let page = Self {
            id: id_of(document),
            part_of: link("partOf"),
            start_index,
            prev: link("prev"),
            next: link("next"),
            ordered_items,
        };
        Ok((page, findings))
    }
}

fn head(id: &str, class: &str) -> Map<String, Value> {
    let mut json = Map::new();
    json.insert("@context".to_owned(), CONTEXT.into());
    json.insert("id".to_owned(), id.into());
    json.insert("type".to_owned(), class.into());
    json
}

fn put_link(json: &mut Map<String, Value>, name: &str, id: Option<&str>, class: &str) {
    if let Some(id) = id {
        json.insert(name.to_owned(), serde_json::json!({ "id": id, "type": class }));
    }
}

fn id_of(document: &Value) -> String {
    document.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn find(findings: &mut Vec<Finding>, rule: &'static str, section: &'static str, pointer: &str, message: &str) {
    findings.push(Finding { rule, section, pointer: pointer.to_owned(), message: message.to_owned() });
}

fn check_head(document: &Value, class: &'static str) -> Result<Vec<Finding>, DocumentError> {
    let found = document.get("type").and_then(Value::as_str).unwrap_or_default();
    if found != class {
        return Err(DocumentError::Type { expected: class, found: found.chars().take(60).collect() });
    }
    let mut findings = Vec::new();
    let context = match document.get("@context") {
        Some(Value::Array(contexts)) => contexts.last(),
        other => other,
    };
    if context.and_then(Value::as_str) != Some(CONTEXT) {
        let message = "the last or only `@context` is not that of Change Discovery 1.0";
        find(&mut findings, "D1", "3.4.1", "/@context", message);
    }
    if id_of(document).is_empty() {
        find(&mut findings, if class == PAGE { "D2" } else { "D1" }, "3.1", "/id", "the document has no `id`");
    }
    Ok(findings)
}
