//! Collection, Manifest, Canvas and Range: the classes that Presentation API 3.0 §5 defines.
//!
//! Fields stand in the order of the specification's examples, which is the order in which they are written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AnnotationPage, Behavior, ContentResource, Context, Extra, LabeledValue, LanguageMap, Reference, Service,
    ViewingDirection, class,
};
use crate::Dimensions;

/// One object with its pages. Presentation API 3.0 §5.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// `@context`.
    #[serde(rename = "@context", skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Where this document is.
    pub id: String,
    #[serde(rename = "type")]
    class: class::Manifest,
    /// Its name.
    pub label: LanguageMap,
    /// Descriptive pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<LabeledValue>,
    /// A short description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<LanguageMap>,
    /// Small pictures that stand for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbnail: Vec<ContentResource>,
    /// In which direction pages follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewing_direction: Option<ViewingDirection>,
    /// How to show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behavior: Vec<Behavior>,
    /// A date for navigation, with time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nav_date: Option<String>,
    /// The licence or rights statement, one URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<String>,
    /// Text that has to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_statement: Option<LabeledValue>,
    /// Pages about it for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub homepage: Vec<ContentResource>,
    /// Services of the object itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service: Vec<Service>,
    /// Data about it for machines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub see_also: Vec<ContentResource>,
    /// Other forms of it, such as a PDF.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rendering: Vec<ContentResource>,
    /// Collections that hold it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub part_of: Vec<Reference>,
    /// Where to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Value>,
    /// Services that are referred to from within.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// The pages; at least one.
    pub items: Vec<Canvas>,
    /// Tables of contents and other orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub structures: Vec<Range>,
    /// Pages of annotations about the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<AnnotationPage>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Manifest {
    /// A manifest with a name and no pages yet.
    pub fn new(id: impl Into<String>, label: LanguageMap) -> Self {
        Self {
            context: Some(Context::presentation_3()),
            id: id.into(),
            class: class::Manifest,
            label,
            metadata: Vec::new(),
            summary: None,
            thumbnail: Vec::new(),
            viewing_direction: None,
            behavior: Vec::new(),
            nav_date: None,
            rights: None,
            required_statement: None,
            homepage: Vec::new(),
            service: Vec::new(),
            see_also: Vec::new(),
            rendering: Vec::new(),
            part_of: Vec::new(),
            start: None,
            services: Vec::new(),
            items: Vec::new(),
            structures: Vec::new(),
            annotations: Vec::new(),
            extra: Extra::new(),
        }
    }
}

/// A list of manifests and further collections. §5.1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collection {
    /// `@context`.
    #[serde(rename = "@context", skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Where this document is.
    pub id: String,
    #[serde(rename = "type")]
    class: class::Collection,
    /// Its name.
    pub label: LanguageMap,
    /// Descriptive pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<LabeledValue>,
    /// A short description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<LanguageMap>,
    /// Small pictures that stand for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbnail: Vec<ContentResource>,
    /// How to show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behavior: Vec<Behavior>,
    /// A date for navigation, with time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nav_date: Option<String>,
    /// The licence or rights statement, one URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<String>,
    /// Text that has to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_statement: Option<LabeledValue>,
    /// Pages about it for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub homepage: Vec<ContentResource>,
    /// Services of the collection itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service: Vec<Service>,
    /// Data about it for machines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub see_also: Vec<ContentResource>,
    /// Other forms of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rendering: Vec<ContentResource>,
    /// Collections that hold it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub part_of: Vec<Reference>,
    /// What it holds, in order.
    pub items: Vec<CollectionItem>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Collection {
    /// A collection with a name and nothing in it yet.
    pub fn new(id: impl Into<String>, label: LanguageMap) -> Self {
        Self {
            context: Some(Context::presentation_3()),
            id: id.into(),
            class: class::Collection,
            label,
            metadata: Vec::new(),
            summary: None,
            thumbnail: Vec::new(),
            behavior: Vec::new(),
            nav_date: None,
            rights: None,
            required_statement: None,
            homepage: Vec::new(),
            service: Vec::new(),
            see_also: Vec::new(),
            rendering: Vec::new(),
            part_of: Vec::new(),
            items: Vec::new(),
            extra: Extra::new(),
        }
    }
}

/// A member of a collection: enough to list it; the rest is in its own document. §5.1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CollectionItem {
    /// Where its document is.
    pub id: String,
    /// `Manifest` or `Collection`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub label: LanguageMap,
    /// Small pictures that stand for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbnail: Vec<ContentResource>,
    /// Everything else, `items` of an embedded collection too.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CollectionItem {
    /// A mention of a manifest.
    pub fn manifest(id: impl Into<String>, label: LanguageMap) -> Self {
        Self { id: id.into(), kind: "Manifest".into(), label, thumbnail: Vec::new(), extra: Extra::new() }
    }

    /// A mention of a collection.
    pub fn collection(id: impl Into<String>, label: LanguageMap) -> Self {
        Self { kind: "Collection".into(), ..Self::manifest(id, label) }
    }
}

/// One view of an object: a page, a side, a map. §5.3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Canvas {
    /// Its URI, without a fragment.
    pub id: String,
    #[serde(rename = "type")]
    class: class::Canvas,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<LanguageMap>,
    /// Height of the coordinate system; never without `width`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Width of the coordinate system; never without `height`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Length in seconds, of timed content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<serde_json::Number>,
    /// Descriptive pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<LabeledValue>,
    /// A short description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<LanguageMap>,
    /// Small pictures that stand for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbnail: Vec<ContentResource>,
    /// How to show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behavior: Vec<Behavior>,
    /// Pages of painting annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<AnnotationPage>,
    /// Pages of all other annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<AnnotationPage>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Canvas {
    /// An empty canvas of this size.
    pub fn new(id: impl Into<String>, label: LanguageMap, size: Dimensions) -> Self {
        Self {
            id: id.into(),
            class: class::Canvas,
            label: Some(label),
            height: Some(size.height_px),
            width: Some(size.width_px),
            duration: None,
            metadata: Vec::new(),
            summary: None,
            thumbnail: Vec::new(),
            behavior: Vec::new(),
            items: Vec::new(),
            annotations: Vec::new(),
            extra: Extra::new(),
        }
    }

    /// The painting annotations, in the order in which they are painted.
    pub fn paintings(&self) -> impl Iterator<Item = &super::Annotation> {
        self.items.iter().filter_map(|page| page.items.as_ref()).flatten().filter(|item| item.is_painting())
    }
}

/// A part of an object, such as a chapter. §5.4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// Its URI.
    pub id: String,
    #[serde(rename = "type")]
    class: class::Range,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<LanguageMap>,
    /// How to show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behavior: Vec<Behavior>,
    /// Ranges, canvases and parts of canvases, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<RangeItem>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Range {
    /// A part with a name.
    pub fn new(id: impl Into<String>, label: LanguageMap, items: Vec<RangeItem>) -> Self {
        Self {
            id: id.into(),
            class: class::Range,
            label: Some(label),
            behavior: Vec::new(),
            items,
            extra: Extra::new(),
        }
    }
}

/// What a range holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RangeItem {
    /// A part of the part.
    Range(Box<Range>),
    /// A canvas by its URI, or a specific resource whose source is one.
    Other(Value),
}

impl RangeItem {
    /// The whole canvas with this URI.
    pub fn canvas(id: &str) -> Self {
        Self::Other(serde_json::json!({ "id": id, "type": "Canvas" }))
    }

    /// The URI of the canvas, with a fragment where only a part is meant; `None` for a range.
    pub fn canvas_uri(&self) -> Option<String> {
        match self {
            Self::Other(item) => canvas_uri(item),
            Self::Range(_) => None,
        }
    }
}

/// The URI of the canvas that a mention means: with a fragment where it means a part by a `FragmentSelector`.
pub(super) fn canvas_uri(mention: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if mention["type"] != "SpecificResource" {
        return text(&mention["id"]);
    }
    let source = text(&mention["source"]).or_else(|| text(&mention["source"]["id"]))?;
    let selector = match &mention["selector"] {
        Value::Array(selectors) => selectors.first().unwrap_or(&Value::Null),
        selector => selector,
    };
    Some(match selector["value"].as_str() {
        Some(fragment) if selector["type"] == "FragmentSelector" => format!("{source}#{fragment}"),
        _ => source,
    })
}
