//! Content outside the document: images, pages, downloads, and the services that deliver them.

use serde::{Deserialize, Serialize};

use super::{Extra, LanguageMap};
use crate::Dimensions;

/// A resource on the web: an image, a home page, a download. Presentation API 3.0 §5.7.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentResource {
    /// Where it can be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `Image`, `Text`, `Dataset`, `Sound`, `Video`, `Model`, or the class of a Web Annotation body.
    #[serde(rename = "type")]
    pub kind: String,
    /// What to call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<LanguageMap>,
    /// Its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Which schema or level it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Services that deliver it in other forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service: Vec<Service>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ContentResource {
    /// A resource of this `type` at this URI, with nothing else said.
    pub fn new(id: impl Into<String>, kind: &str) -> Self {
        Self {
            id: Some(id.into()),
            kind: kind.to_owned(),
            label: None,
            format: None,
            profile: None,
            height: None,
            width: None,
            service: Vec::new(),
            extra: Extra::new(),
        }
    }

    /// A JPEG of this size.
    pub fn jpeg(id: impl Into<String>, size: Dimensions) -> Self {
        Self {
            format: Some("image/jpeg".into()),
            height: Some(size.height_px),
            width: Some(size.width_px),
            ..Self::new(id, "Image")
        }
    }

    /// An HTML page with a name.
    pub fn html(id: impl Into<String>, label: LanguageMap) -> Self {
        Self { label: Some(label), format: Some("text/html".into()), ..Self::new(id, "Text") }
    }
}

/// A service, in the naming of today's specifications or of the older ones, never a mixture. §3.3 `service`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Service {
    /// `id` and `type`.
    Current(CurrentService),
    /// `@id` and `@type`.
    Older(OlderService),
    /// A block that names itself in neither way: kept as it came.
    Other(serde_json::Value),
}

/// A service as Image API 3.0, Content Search 2.0 and later specifications write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurrentService {
    /// The service's base URI.
    pub id: String,
    /// Its class, such as `ImageService3`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its level or profile. Viewers fail on blocks without one; give one wherever the specification allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Widths and heights that are cheap to ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<ImageSize>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A service as Image API 2.1, Content Search 1.0 and Authentication 1.0 write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OlderService {
    /// The service's base URI.
    #[serde(rename = "@id")]
    pub id: String,
    /// Its class in Presentation 3.0 documents, such as `ImageService2`.
    #[serde(rename = "@type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its profile: a URI, or a list that begins with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<serde_json::Value>,
    /// Widths and heights that are cheap to ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<ImageSize>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An entry of `sizes`. Image API 3.0 §5.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSize {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl From<Dimensions> for ImageSize {
    fn from(size: Dimensions) -> Self {
        Self { width: size.width_px, height: size.height_px }
    }
}

impl Service {
    /// `type` of an Image API 3.0 service.
    pub const IMAGE_3: &'static str = "ImageService3";
    /// `@type` of an Image API 2 service.
    pub const IMAGE_2: &'static str = "ImageService2";
    /// Profile of an Image API 2 service of level 2.
    pub const IMAGE_2_LEVEL_2: &'static str = "http://iiif.io/api/image/2/level2.json";

    /// An Image API 3.0 service of level 2 with this base URI.
    pub fn image_3(id: impl Into<String>) -> Self {
        Self::Current(CurrentService {
            id: id.into(),
            kind: Self::IMAGE_3.into(),
            profile: Some("level2".into()),
            sizes: Vec::new(),
            extra: Extra::new(),
        })
    }

    /// An Image API 2.1 service of level 2 with this base URI, in the form that a 3.0 document needs.
    pub fn image_2(id: impl Into<String>) -> Self {
        Self::Older(OlderService {
            id: id.into(),
            kind: Some(Self::IMAGE_2.into()),
            profile: Some(Self::IMAGE_2_LEVEL_2.into()),
            sizes: Vec::new(),
            extra: Extra::new(),
        })
    }

    /// The same service, announcing sizes that are cheap to ask for.
    #[must_use]
    pub fn with_sizes(mut self, announced: &[Dimensions]) -> Self {
        if let Self::Current(CurrentService { sizes, .. }) | Self::Older(OlderService { sizes, .. }) = &mut self {
            *sizes = announced.iter().copied().map(ImageSize::from).collect();
        }
        self
    }

    /// The base URI, whichever naming it has.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Current(service) => Some(&service.id),
            Self::Older(service) => Some(&service.id),
            Self::Other(_) => None,
        }
    }

    /// The class, whichever naming it has.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Current(service) => Some(&service.kind),
            Self::Older(service) => service.kind.as_deref(),
            Self::Other(_) => None,
        }
    }
}

/// A mention of a IIIF resource that is described elsewhere: an entry of `partOf`, or `start`. §3.3.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Its URI.
    pub id: String,
    /// Its class.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<LanguageMap>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Reference {
    /// A mention of the collection at this URI.
    pub fn collection(id: impl Into<String>, label: LanguageMap) -> Self {
        Self { id: id.into(), kind: "Collection".into(), label: Some(label), extra: Extra::new() }
    }
}
