//! Annotations, which tie content to canvases. Presentation API 3.0 §5.5, §5.6.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ContentResource, Extra, class, resources};

/// A list of annotations. §5.5. Without `items` it is a reference that a client fetches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnnotationPage {
    /// Its URI.
    pub id: String,
    #[serde(rename = "type")]
    class: class::AnnotationPage,
    /// The annotations; `None` where they have to be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Annotation>>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AnnotationPage {
    /// A page with these annotations embedded.
    pub fn new(id: impl Into<String>, items: Vec<Annotation>) -> Self {
        Self { id: id.into(), class: class::AnnotationPage, items: Some(items), extra: Extra::new() }
    }
}

/// One statement that content belongs to (or is about) a place. §5.6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Its URI.
    pub id: String,
    #[serde(rename = "type")]
    class: class::Annotation,
    /// Why: `painting` makes the content part of the canvas. A string, or a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motivation: Option<Value>,
    /// The content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The canvas, or a part of it.
    pub target: Target,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Annotation {
    /// This content as the whole view of this canvas.
    pub fn painting(id: impl Into<String>, body: ContentResource, canvas: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            class: class::Annotation,
            motivation: Some("painting".into()),
            body: Some(Body::Resource(Box::new(body))),
            target: Target::Uri(canvas.into()),
            extra: Extra::new(),
        }
    }

    /// True for content that is part of the canvas.
    pub fn is_painting(&self) -> bool {
        match &self.motivation {
            Some(Value::String(motivation)) => motivation == "painting",
            Some(Value::Array(motivations)) => motivations.iter().any(|motivation| motivation == "painting"),
            _ => false,
        }
    }
}

/// What an annotation brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Body {
    /// One resource.
    Resource(Box<ContentResource>),
    /// A list, or a bare URI: kept as it came.
    Other(Value),
}

/// Where an annotation belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A canvas, or a rectangle or time of it by its fragment.
    Uri(String),
    /// A specific resource with selectors, or a list: kept as it came.
    Other(Value),
}

impl Target {
    /// The URI of the canvas, with a fragment where only a part is meant; `None` for a list of targets.
    pub fn canvas_uri(&self) -> Option<String> {
        match self {
            Self::Uri(uri) => Some(uri.clone()),
            Self::Other(mention) => resources::canvas_uri(mention),
        }
    }
}
