//! What each page shows, as plain data.
//!
//! URLs are ready to use: absolute (`https://…`), or beginning with `/` and including any prefix the server is mounted under.
//! Texts are plain text; the pages escape them.

use super::Assets;

/// What all pages of one server share.
#[derive(Debug, Clone)]
pub struct Site {
    /// The name in the masthead and behind every page title.
    pub title: String,
    /// The path this server is mounted under, without a final slash: empty, or for example `/images`.
    pub base_path: String,
    /// Language of the page texts, as in HTML's `lang`.
    pub language: String,
    /// Where styles, scripts and viewers come from.
    pub assets: Assets,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            title: "Recto".to_owned(),
            base_path: String::new(),
            language: "en".to_owned(),
            assets: Assets::embedded(),
        }
    }
}

/// A labelled link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the reader sees.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

/// A small picture of known size, so that the page does not move while it loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// URL of the picture.
    pub src: String,
    /// URL of the picture at twice the size, for dense screens.
    pub src_double: Option<String>,
    /// Width in pixels of `src`.
    pub width_px: u32,
    /// Height in pixels of `src`.
    pub height_px: u32,
}

/// What a card in the gallery stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardKind {
    /// A folder of folders; shown as a stack.
    Collection,
    /// An object of several pages.
    Object,
    /// An object that is one image.
    Image,
}

/// One collection or object in the gallery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What it is.
    pub kind: CardKind,
    /// Its label.
    pub label: String,
    /// Its own page.
    pub href: String,
    /// Its picture, if it has one.
    pub thumbnail: Option<Thumbnail>,
    /// How many objects a collection or pages an object has; absent when not known.
    pub count: Option<u64>,
    /// One more line, for example a date or the size of the image.
    pub note: Option<String>,
}

/// Where the reader is in a folder too large for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// The page shown, from 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
    /// The link to page N is this text with `{page}` replaced by N.
    pub href_template: String,
}

/// A field to search in, for pages about what can be searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchBox {
    /// What is searched, in words: `Search in this book`.
    pub label: String,
    /// The page of results, without a query; the form adds `?q=…`.
    pub action: String,
    /// What was searched for; empty on other pages.
    pub query: String,
}

/// One match on the page of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHit {
    /// Text before the match.
    pub before: String,
    /// What matched.
    pub exact: String,
    /// Text after the match.
    pub after: String,
    /// Language of the text, as in HTML's `lang`.
    pub language: Option<String>,
    /// The viewer at this place.
    pub href: String,
    /// Where it is, in words: the label of the page, or a time.
    pub place: String,
    /// The object that it is in; where several were searched.
    pub object: Option<Link>,
    /// The lines around the match as a picture: a region of the page.
    pub strip: Option<Thumbnail>,
}

/// What was found in an object or a collection.
#[derive(Debug, Clone)]
pub struct SearchView {
    /// The server.
    pub site: Site,
    /// Label of what was searched.
    pub title: String,
    /// The way from the root to what was searched, with itself as the last.
    pub breadcrumbs: Vec<Link>,
    /// The field, with what was searched for.
    pub search: SearchBox,
    /// Why that could not be searched for as it was given, and what was done instead.
    pub notice: Option<String>,
    /// How many matches there are on all pages.
    pub total: u64,
    /// Are there more than `total`?
    pub has_more: bool,
    /// How many matches are on the pages before.
    pub before_this_page: u64,
    /// The matches of this page, in order.
    pub hits: Vec<SearchHit>,
    /// Present when they take more than one page.
    pub paging: Option<Paging>,
    /// Other searches that find something, when this one does not: their terms, and where their results are.
    pub suggestions: Vec<Link>,
}

/// The gallery: one collection and what is in it.
#[derive(Debug, Clone)]
pub struct GalleryView {
    /// The server.
    pub site: Site,
    /// Label of the collection; the library's own name at the root.
    pub title: String,
    /// A sentence or two about it.
    pub summary: Option<String>,
    /// The way from the root to this collection, without the collection itself; empty at the root.
    pub breadcrumbs: Vec<Link>,
    /// The field to search in it; `None` where there is no text.
    pub search: Option<SearchBox>,
    /// Collections in it, in order.
    pub collections: Vec<Card>,
    /// Objects in it, in order; of this page only when there is paging.
    pub objects: Vec<Card>,
    /// How many objects are in it on all pages.
    pub object_count: u64,
    /// Present when the objects take more than one page.
    pub paging: Option<Paging>,
    /// URL of the Collection document, Presentation 3.0.
    pub collection_3: Option<String>,
    /// URL of the Collection document, Presentation 2.1.
    pub collection_2: Option<String>,
}

/// What a viewer is started with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Opening {
    /// The viewer's own options: `windows` for Mirador; `manifest`, `canvasId` and `xywh` for Universal Viewer; `manifest`, `canvas`,
    /// `info` and `xywh` for the others.
    pub options: serde_json::Value,
    /// A document of this server that may be a Manifest or an Annotation with a content state; the page's script looks at it first.
    pub to_resolve: Option<String>,
    /// What of the link could not be read or shown, in sentences.
    pub notes: Vec<String>,
}

/// One page of an object in the strip of thumbnails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageThumb {
    /// Label of the Canvas.
    pub label: String,
    /// The item page at this Canvas.
    pub href: String,
    /// Its picture, if it has one.
    pub thumbnail: Option<Thumbnail>,
    /// Whether it is the page shown.
    pub is_current: bool,
}

/// One size an image can be downloaded in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// For example `Medium` or `Full size`.
    pub label: String,
    /// URL of the image.
    pub href: String,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// The file type as people say it, for example `JPEG`.
    pub format: String,
}

/// A label and a value from an object's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// For example `Date`.
    pub label: String,
    /// One or more values.
    pub values: Vec<String>,
    /// Where the value leads, for example a rights statement.
    pub href: Option<String>,
}

/// An object's or image's own page.
#[derive(Debug, Clone)]
pub struct ItemView {
    /// The server.
    pub site: Site,
    /// Its label.
    pub title: String,
    /// A sentence or two about it.
    pub summary: Option<String>,
    /// The way from the root to it, without itself.
    pub breadcrumbs: Vec<Link>,
    /// The field to search in it; `None` where it has no text.
    pub search: Option<SearchBox>,
    /// The viewer on the page.
    pub viewer: ViewerKind,
    /// What it opens.
    pub opening: Opening,
    /// Where annotations may be written: the URL below which this server's containers are. Absent where nobody may.
    pub annotations: Option<String>,
    /// A still picture for readers without JavaScript.
    pub still: Option<Thumbnail>,
    /// URL of the Manifest, Presentation 3.0.
    pub manifest_3: Option<String>,
    /// URL of the Manifest, Presentation 2.1.
    pub manifest_2: Option<String>,
    /// URL of the image (of the page shown), Image API 3.0.
    pub image_3: Option<String>,
    /// URL of the image (of the page shown), Image API 2.1.
    pub image_2: Option<String>,
    /// Absolute URL `…/viewer/mirador?manifest=…&canvas=…` that other viewers accept when it is dropped on them.
    pub drag_and_drop: Option<String>,
    /// The content state that goes with it as plain text.
    pub drag_text: Option<String>,
    /// Absolute URL of a viewer page to put in a frame on other sites.
    pub embed: Option<String>,
    /// Links to this item in each viewer.
    pub viewers: Vec<Link>,
    /// The pages of an object; empty for a single image.
    pub pages: Vec<PageThumb>,
    /// Sizes to download of the image shown.
    pub downloads: Vec<Download>,
    /// Metadata in order.
    pub facts: Vec<Fact>,
}

/// The viewers that have a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewerKind {
    /// `/viewer/mirador`
    Mirador,
    /// `/viewer/uv`
    UniversalViewer,
    /// `/viewer/openseadragon`
    OpenSeadragon,
    /// `/viewer/leaflet`
    Leaflet,
}

impl ViewerKind {
    /// All viewers, in the order in which pages offer them.
    pub const ALL: [Self; 4] = [Self::Mirador, Self::UniversalViewer, Self::OpenSeadragon, Self::Leaflet];

    /// The last part of the page's path: `mirador`, `uv`, `openseadragon` or `leaflet`.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Mirador => "mirador",
            Self::UniversalViewer => "uv",
            Self::OpenSeadragon => "openseadragon",
            Self::Leaflet => "leaflet",
        }
    }

    /// The viewer's own name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mirador => "Mirador",
            Self::UniversalViewer => "Universal Viewer",
            Self::OpenSeadragon => "OpenSeadragon",
            Self::Leaflet => "Leaflet",
        }
    }

    /// The viewer whose page ends in `slug`.
    pub fn parse_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == slug)
    }

    /// Whether it opens a lone image by its info.json; the others need a Manifest.
    pub fn opens_info(self) -> bool {
        matches!(self, Self::OpenSeadragon | Self::Leaflet)
    }
}

/// `/viewer/{name}?manifest=…&canvas=…&info=…&iiif-content=…`.
#[derive(Debug, Clone)]
pub struct ViewerView {
    /// The server.
    pub site: Site,
    /// Which viewer.
    pub kind: ViewerKind,
    /// The query as it came, without the `?`, still encoded. Links to the other viewers carry it on.
    pub query: String,
    /// What it asks to open; `None` when it names nothing.
    pub opening: Option<Opening>,
    /// Why it cannot be opened, in sentences.
    pub problem: Option<String>,
    /// Where annotations may be written: the URL below which this server's containers are. Absent where nobody may.
    pub annotations: Option<String>,
}

/// What went wrong, for a page in place of `application/problem+json`.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The server.
    pub site: Site,
    /// The HTTP status.
    pub status: u16,
    /// The kind of problem in a few words.
    pub title: String,
    /// What happened, naming the thing and the rule.
    pub detail: Option<String>,
    /// What the reader can do.
    pub hint: Option<String>,
    /// The id under which the log tells more.
    pub request_id: Option<String>,
}
