//! Activities: one change of one resource. §3.3.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Finding, Timestamp};

/// What happened. §3.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ActivityKind {
    /// The resource was made.
    Create,
    /// It was changed, or made by a system that does not tell the two apart.
    Update,
    /// It is no longer there for the public.
    Delete,
    /// It is at another URI now.
    Move,
    /// It was added to this stream.
    Add,
    /// It was removed from this stream.
    Remove,
    /// An activity for each resource follows anew. Has no object.
    Refresh,
    /// Another type, which is not processed.
    Other(String),
}

impl ActivityKind {
    /// The word in `type`.
    pub fn word(&self) -> &str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
            Self::Move => "Move",
            Self::Add => "Add",
            Self::Remove => "Remove",
            Self::Refresh => "Refresh",
            Self::Other(word) => word,
        }
    }

    /// The kind with this word.
    pub fn from_word(word: &str) -> Self {
        let known = [Self::Create, Self::Update, Self::Delete, Self::Move, Self::Add, Self::Remove, Self::Refresh];
        known.into_iter().find(|kind| kind.word() == word).unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

/// The resource of an activity: `object` or `target`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its URI.
    pub id: String,
    /// Its type, for example `Manifest`.
    pub kind: String,
    /// The URI that names it whatever the version or format.
    pub canonical: Option<String>,
    /// The media type of the representation at `id`, with its profile.
    pub format: Option<String>,
    /// Descriptions of it, as they stand in the document.
    pub see_also: Vec<Value>,
    /// Who publishes it, as it stands in the document.
    pub provider: Vec<Value>,
}

/// A reference by URI and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The URI.
    pub id: String,
    /// The type.
    pub kind: String,
}

/// One change. §3.3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Its URI, if it has one.
    pub id: Option<String>,
    /// What happened.
    pub kind: ActivityKind,
    /// To what; absent only for `Refresh`.
    pub object: Option<Resource>,
    /// Where it is now, for `Move`; the stream, for `Add`.
    pub target: Option<Resource>,
    /// The stream it was removed from, for `Remove`.
    pub origin: Option<Reference>,
    /// When it was done.
    pub end_time: Option<Timestamp>,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// A note for people who look at the data.
    pub summary: Option<String>,
    /// Who did it, as it stands in the document.
    pub actor: Option<Value>,
}

impl Resource {
    /// A resource of this type.
    pub fn new(id: impl Into<String>, kind: impl Into<String>) -> Self {
        let (see_also, provider) = (Vec::new(), Vec::new());
        Self { id: id.into(), kind: kind.into(), canonical: None, format: None, see_also, provider }
    }

    /// A Manifest.
    pub fn manifest(id: impl Into<String>) -> Self {
        Self::new(id, "Manifest")
    }

    /// A Collection.
    pub fn collection(id: impl Into<String>) -> Self {
        Self::new(id, "Collection")
    }

    pub(super) fn to_json(&self) -> Value {
        let mut json = Map::new();
        json.insert("id".to_owned(), self.id.as_str().into());
        json.insert("type".to_owned(), self.kind.as_str().into());
        put(&mut json, "canonical", self.canonical.as_deref());
        put(&mut json, "format", self.format.as_deref());
        for (name, list) in [("seeAlso", &self.see_also), ("provider", &self.provider)] {
            if !list.is_empty() {
                json.insert(name.to_owned(), list.clone().into());
            }
        }
        Value::Object(json)
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let list = |name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let id = text("id").or_else(|| text("@id")).filter(|id| !id.is_empty())?;
        Some(Self {
            id,
            kind: text("type").or_else(|| text("@type")).unwrap_or_default(),
            canonical: text("canonical"),
            format: text("format"),
            see_also: list("seeAlso"),
            provider: list("provider"),
        })
    }
}

impl Activity {
    /// Something of this kind was done to this object at this time.
    pub fn new(kind: ActivityKind, object: Resource, end_time: Timestamp) -> Self {
        Self { object: Some(object), end_time: Some(end_time), ..Self::bare(kind) }
    }

    /// A resource was made.
    pub fn create(object: Resource, end_time: Timestamp) -> Self {
        Self::new(ActivityKind::Create, object, end_time)
    }

    /// A resource was changed.
    pub fn update(object: Resource, end_time: Timestamp) -> Self {
        Self::new(ActivityKind::Update, object, end_time)
    }

    /// A resource went away.
    pub fn delete(object: Resource, end_time: Timestamp) -> Self {
        Self::new(ActivityKind::Delete, object, end_time)
    }

    /// A resource is at another URI now.
    pub fn moved(object: Resource, target: Resource, end_time: Timestamp) -> Self {
        Self { target: Some(target), ..Self::new(ActivityKind::Move, object, end_time) }
    }

    /// Updates of all resources follow. It has a `startTime`, so that it sorts before them. §2.1.5.
    pub fn refresh(start_time: Timestamp) -> Self {
        Self { start_time: Some(start_time), ..Self::bare(ActivityKind::Refresh) }
    }

    pub(super) const fn bare(kind: ActivityKind) -> Self {
        Self {
            id: None,
            kind,
            object: None,
            target: None,
            origin: None,
            end_time: None,
            start_time: None,
            summary: None,
            actor: None,
        }
    }

    /// Where it stands in time: `endTime`, or for a `Refresh` its `startTime`.
    pub fn time(&self) -> Option<Timestamp> {
        self.end_time.or(if self.kind == ActivityKind::Refresh { self.start_time } else { None })
    }

    /// As it stands in `orderedItems`.
    pub fn to_json(&self) -> Value {
        let mut json = Map::new();
        put(&mut json, "id", self.id.as_deref());
        json.insert("type".to_owned(), self.kind.word().into());
        put(&mut json, "summary", self.summary.as_deref());
        for (name, resource) in [("object", &self.object), ("target", &self.target)] {
            if let Some(resource) = resource {
                json.insert(name.to_owned(), resource.to_json());
            }
        }
        if let Some(origin) = &self.origin {
            json.insert("origin".to_owned(), origin.to_json());
        }
        for (name, time) in [("endTime", self.end_time), ("startTime", self.start_time)] {
            put(&mut json, name, time.map(|time| time.to_string()).as_deref());
        }
        if let Some(actor) = &self.actor {
            json.insert("actor".to_owned(), actor.clone());
        }
        Value::Object(json)
    }

    /// Reads one of `orderedItems`; `None` when it cannot be processed. What is wrong is added to the findings.
    pub(super) fn read(value: &Value, pointer: &str, findings: &mut Vec<Finding>) -> Option<Self> {
        let mut find = |rule, property: &str, message: String| {
            let pointer = format!("{pointer}/{property}");
            findings.push(Finding { rule, section: "3.3", pointer, message });
        };
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let Some(word) = text("type") else {
            find("D4", "type", "the activity has no `type`".to_owned());
            return None;
        };
        let kind = ActivityKind::from_word(&word);
        let object = value.get("object").and_then(Resource::read);
        if object.is_none() && kind != ActivityKind::Refresh {
            find("D4", "object", format!("the `{word}` has no `object` with an `id`"));
            return None;
        }
        let target = value.get("target").and_then(Resource::read);
        if kind == ActivityKind::Move {
            let from = object.as_ref().map(|object| &object.id);
            match &target {
                None => find("D4", "target", "the `Move` has no `target` with an `id`".to_owned()),
                Some(to) if Some(&to.id) == from => {
                    find("D4", "target/id", "the `Move` leads to the same URI".to_owned());
                }
                Some(_) => {}
            }
        }
        let mut time = |name: &str| {
            let text = value.get(name)?;
            let parsed = text.as_str().and_then(|text| text.parse().ok());
            if parsed.is_none() {
                find("D4", name, format!("`{name}` is no date and time with a zone: {text}"));
            }
            parsed
        };
        let (end_time, start_time) = (time("endTime"), time("startTime"));
        let origin = value.get("origin").and_then(Reference::read);
        let actor = value.get("actor").cloned();
        Some(Self {
            id: text("id"),
            kind,
            object,
            target,
            origin,
            end_time,
            start_time,
            summary: text("summary"),
            actor,
        })
    }
}

impl Reference {
    /// A reference.
    pub fn new(id: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { id: id.into(), kind: kind.into() }
    }

    pub(super) fn to_json(&self) -> Value {
        serde_json::json!({ "id": self.id, "type": self.kind })
    }

    /// An object with an `id`, or a bare URI.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let id = value.as_str().or_else(|| text("id")).or_else(|| text("@id")).filter(|id| !id.is_empty())?;
        Some(Self::new(id, text("type").unwrap_or_default()))
    }
}

fn put(json: &mut Map<String, Value>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        json.insert(name.to_owned(), text.into());
    }
}
