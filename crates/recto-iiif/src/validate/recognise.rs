//! What kind of document is this? By its context and its type, so that nobody has to say it.

use serde_json::{Map, Value};

/// The kinds of documents that have rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A manifest, collection, canvas, list of annotations … of Presentation 2.x (or 1.0).
    Presentation2,
    /// A manifest, collection, canvas, range, page of annotations … of Presentation 3.0.
    Presentation3,
    /// A manifest, collection … of the draft of Presentation 4.0.
    Presentation4,
    /// Image information, `info.json`, of Image API 1.x, 2.x or 3.0.
    ImageInfo,
    /// An annotation, page or collection of annotations of the Web Annotation Data Model.
    Annotation,
    /// An answer of Content Search 1.0, or its list of terms.
    Search1,
    /// An answer of Content Search 2.0, or its page of terms.
    Search2,
    /// A service or an answer with a token, of Authentication 1.0.
    Auth1,
    /// A service, the result of a probe or a message with a token, of Authorization Flow 2.0.
    Auth2,
    /// A collection or page of activities of Change Discovery 1.0.
    Discovery,
    /// A content state.
    ContentState,
    /// What names a context that no rule is for.
    Other,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Presentation2,
        Self::Presentation3,
        Self::Presentation4,
        Self::ImageInfo,
        Self::Annotation,
        Self::Search1,
        Self::Search2,
        Self::Auth1,
        Self::Auth2,
        Self::Discovery,
        Self::ContentState,
        Self::Other,
    ];

    /// The kind in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Presentation2 => "Presentation 2.x",
            Self::Presentation3 => "Presentation 3.0",
            Self::Presentation4 => "Presentation 4.0 (draft)",
            Self::ImageInfo => "image information",
            Self::Annotation => "Web Annotation",
            Self::Search1 => "Content Search 1.0",
            Self::Search2 => "Content Search 2.0",
            Self::Auth1 => "Authentication 1.0",
            Self::Auth2 => "Authorization Flow 2.0",
            Self::Discovery => "Change Discovery 1.0",
            Self::ContentState => "Content State 1.0",
            Self::Other => "other documents",
        }
    }
}

/// What kind of document this is. What says nothing of itself is taken for Presentation 3.0, whose rules then say what is missing.
pub fn recognise(document: &Value) -> DocumentKind {
    document.as_object().map_or(DocumentKind::Presentation3, kind_of)
}

fn kind_of(document: &Map<String, Value>) -> DocumentKind {
    let names = contexts(document);
    let is_in = |mark: &str| names.iter().any(|name| name.contains(mark));
    let text = |property: &str| document.get(property).and_then(Value::as_str);
    if let Some(kind) = text("type").and_then(|name| by_type(name, document, &is_in)) {
        return kind;
    }
    let old_types: Vec<&str> = match document.get("@type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if let Some(kind) = old_types.iter().find_map(|name| by_old_type(name, document, &is_in)) {
        return kind;
    }
    let profile = text("profile").unwrap_or_default();
    if profile.contains("/api/auth/") {
        return DocumentKind::Auth1;
    }
    if profile.contains("/api/search/") {
        return DocumentKind::Search1;
    }
    if is_image(document, &is_in) {
        return DocumentKind::ImageInfo;
    }
    if document.contains_key("accessToken") || (document.contains_key("error") && !document.contains_key("items")) {
        return DocumentKind::Auth1;
    }
    let by_context = [
        ("api/presentation/4/", DocumentKind::Presentation4),
        ("api/presentation/3/", DocumentKind::Presentation3),
        ("api/auth/2/", DocumentKind::Auth2),
        ("api/auth/1/", DocumentKind::Auth1),
        ("api/auth/0/", DocumentKind::Auth1),
        ("api/search/2/", DocumentKind::Search2),
        ("api/search/1/", DocumentKind::Search1),
        ("api/search/0/", DocumentKind::Search1),
        ("api/discovery/1/", DocumentKind::Discovery),
        ("api/presentation/2/", DocumentKind::Presentation2),
        ("shared-canvas.org", DocumentKind::Presentation2),
        ("w3.org/ns/anno.jsonld", DocumentKind::Annotation),
    ];
    let found = by_context.iter().find(|(mark, _)| is_in(mark)).map(|(_, kind)| *kind);
    if let Some(kind) = found {
        return kind;
    }
    if !names.is_empty() && !document.contains_key("type") {
        return DocumentKind::Other;
    }
    if document.contains_key("@id") && !document.contains_key("id") {
        return DocumentKind::Presentation2;
    }
    DocumentKind::Presentation3
}

/// The names of contexts, also of one that stands alone.
pub(super) fn contexts(document: &Map<String, Value>) -> Vec<&str> {
    match document.get("@context") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn by_type(name: &str, document: &Map<String, Value>, is_in: &dyn Fn(&str) -> bool) -> Option<DocumentKind> {
    let presentation =
        if is_in("api/presentation/4/") { DocumentKind::Presentation4 } else { DocumentKind::Presentation3 };
    Some(match name {
        "Manifest" | "Collection" | "Canvas" | "Range" => presentation,
        "Timeline" | "Scene" | "CollectionPage" => DocumentKind::Presentation4,
        "Annotation" if is_state(document) => DocumentKind::ContentState,
        "Annotation" | "AnnotationPage" | "AnnotationCollection" => {
            if is_in("api/search/2/") {
                DocumentKind::Search2
            } else if is_in("api/presentation/") {
                presentation
            } else if is_in("anno.jsonld") {
                DocumentKind::Annotation
            } else {
                presentation
            }
        }
        "TermPage" | "SearchService2" | "AutoCompleteService2" => DocumentKind::Search2,
        "ImageService1" | "ImageService2" | "ImageService3" => DocumentKind::ImageInfo,
        "OrderedCollection" | "OrderedCollectionPage" => DocumentKind::Discovery,
        _ if name.starts_with("Auth") && name.ends_with('2') => DocumentKind::Auth2,
        _ if name.starts_with("Auth") && name.ends_with('1') => DocumentKind::Auth1,
        "Create" | "Update" | "Delete" | "Move" | "Add" | "Remove" | "Refresh" if is_in("api/discovery/") => {
            DocumentKind::Discovery
        }
        _ => return None,
    })
}

fn by_old_type(name: &str, document: &Map<String, Value>, is_in: &dyn Fn(&str) -> bool) -> Option<DocumentKind> {
    let is_answer = ["hits", "startIndex", "next", "prev"].iter().any(|property| document.contains_key(*property));
    Some(match name {
        "search:TermList" | "SearchService1" | "AutoCompleteService1" => DocumentKind::Search1,
        "sc:AnnotationList" if is_in("api/search/") || document.contains_key("hits") => DocumentKind::Search1,
        // Lists of annotations of Presentation may be pages of a layer as well; answers name what has been ignored.
        "sc:AnnotationList" if is_answer && names_ignored(document) => DocumentKind::Search1,
        "ImageService1" | "ImageService2" | "iiif:Image" | "iiif:ImageProfile" => DocumentKind::ImageInfo,
        _ if name.starts_with("Auth") => DocumentKind::Auth1,
        _ if name.starts_with("sc:") || name.starts_with("oa:") || name.starts_with("dctypes:") => {
            DocumentKind::Presentation2
        }
        _ => return None,
    })
}

fn names_ignored(document: &Map<String, Value>) -> bool {
    document.get("within").is_some_and(|within| within.get("ignored").is_some())
}

fn is_state(document: &Map<String, Value>) -> bool {
    match document.get("motivation") {
        Some(Value::String(motivation)) => motivation == "contentState",
        Some(Value::Array(motivations)) => motivations.iter().any(|motivation| motivation == "contentState"),
        _ => false,
    }
}

fn is_image(document: &Map<String, Value>, is_in: &dyn Fn(&str) -> bool) -> bool {
    let has = |property: &str| document.contains_key(property);
    is_in("api/image/")
        || is_in("image-api/")
        || document.get("protocol").is_some_and(|protocol| protocol == "http://iiif.io/api/image")
        || has("width") && has("height") && (has("tiles") || has("scale_factors") || has("tile_width"))
}
