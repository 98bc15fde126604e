//! What one source says about an object or collection: the common form that every reader, table and sidecar gives.
//!
//! A source says only what it knows; everything else stays empty. Several are joined by precedence, and with the facts of
//! the image files become a manifest. Paths are relative to the folder of the described thing, with `/` between their
//! parts, as the source wrote them once it was decoded; whoever resolves them must refuse those that lead outside.

use recto_iiif::presentation::{Behavior, LabeledValue, LanguageMap, ViewingDirection};
use serde::{Deserialize, Serialize};

/// What a source says about an object or collection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Description {
    /// A stable identifier that takes the place of the folder's path.
    pub id: Option<String>,
    /// What it is meant to become, against the rules of zero configuration.
    pub kind: Option<Kind>,
    /// Its name.
    pub label: LanguageMap,
    /// A short description; plain text unless it is the simple HTML of Presentation API 3.0 §4.5.
    pub summary: LanguageMap,
    /// Descriptive pairs in the order in which they are to be shown.
    pub metadata: Vec<LabeledValue>,
    /// Text that has to be shown.
    pub required_statement: Option<LabeledValue>,
    /// The licence or rights statement: one URI in the form that Presentation API 3.0 §3.2 asks for.
    pub rights: Option<String>,
    /// Who provides it.
    pub provider: Vec<Provider>,
    /// Pages about it for people.
    pub homepage: Vec<Link>,
    /// Data about it for machines.
    pub see_also: Vec<Link>,
    /// Other forms of it, such as a PDF.
    pub rendering: Vec<Link>,
    /// A picture that stands for it: a path or URL.
    pub thumbnail: Option<String>,
    /// A date for navigation: `xsd:dateTime` with time zone.
    pub nav_date: Option<String>,
    /// Where it is, or is about.
    pub nav_place: Option<NavPlace>,
    /// In which direction pages follow.
    pub viewing_direction: Option<ViewingDirection>,
    /// How to show it.
    pub behavior: Vec<Behavior>,
    /// The page to begin with.
    pub start: Option<PageRef>,
    /// The language of its text: BCP 47.
    pub language: Option<String>,
    /// Whose order of pages counts.
    pub order: Option<Order>,
    /// Its pages, where the source knows them, in order.
    pub pages: Vec<Page>,
    /// Its tables of contents, outermost parts first.
    pub ranges: Vec<Range>,
    /// What a collection holds besides what lies in its folder.
    pub members: Vec<Member>,
    /// Paths of collections, by label, in which it is listed as well (`Maps/Berlin`).
    pub collections: Vec<String>,
    /// Which downloads are offered.
    pub downloads: Downloads,
    /// The access rule, as it was written.
    pub access: Option<serde_json::Value>,
    /// How its text is searched, as it was written.
    pub search: Option<serde_json::Value>,
}

/// What a described thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One object.
    Manifest,
    /// A list of objects and collections.
    Collection,
}

/// Whose order of pages counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// By number and name.
    Natural,
    /// By the moment at which the picture was taken.
    ExifDate,
    /// As in `pages.csv`.
    Csv,
    /// As in the physical structure of a METS file.
    Mets,
}

/// Who provides an object: Presentation API 3.0 §3.2 `provider`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Provider {
    /// Its URI.
    pub id: String,
    /// Its name.
    pub label: LanguageMap,
    /// Its pages for people.
    pub homepage: Vec<Link>,
    /// Its logo: a path or URL.
    pub logo: Option<String>,
    /// Data about it for machines.
    pub see_also: Vec<Link>,
}

/// A resource outside the document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Link {
    /// A path or URL.
    pub id: String,
    /// Its class, such as `Text` or `Dataset`; empty where it is not known.
    #[serde(rename = "type")]
    pub class: String,
    /// Its name.
    pub label: LanguageMap,
    /// Its media type.
    pub format: Option<String>,
    /// What its data follow: a URI.
    pub profile: Option<String>,
    /// Its languages: BCP 47.
    pub language: Vec<String>,
}

/// A place on the earth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NavPlace {
    /// Degrees north, -90..=90.
    pub latitude: f64,
    /// Degrees east, -180..=180.
    pub longitude: f64,
    /// Its name.
    #[serde(default)]
    pub label: LanguageMap,
}

/// One page, or one part of a recording: what becomes a canvas.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Page {
    /// What is on it. Several are alternatives where each has a `choice`, else they are placed side by side by `region`.
    pub contents: Vec<Content>,
    /// The name of its canvas in URLs, unique in the object; else it is made of the first file's.
    pub canvas: Option<String>,
    /// Its name; else it is made of the first file's.
    pub label: LanguageMap,
    /// Descriptive pairs.
    pub metadata: Vec<LabeledValue>,
    /// How to show it.
    pub behavior: Vec<Behavior>,
    /// Width of the canvas, where it is not that of the content.
    pub width: Option<u32>,
    /// Height of the canvas, where it is not that of the content.
    pub height: Option<u32>,
    /// Length in seconds, where it is not that of the content.
    pub duration: Option<f64>,
    /// A date for navigation: `xsd:dateTime` with time zone.
    pub nav_date: Option<String>,
    /// Files with its text: ALTO, PAGE, hOCR, `WebVTT`, plain text. Paths or URLs, the preferred one first.
    pub texts: Vec<Link>,
    /// Its text, where the source itself holds it.
    pub transcription: Option<String>,
    /// Other forms of it, such as a PDF of this page.
    pub rendering: Vec<Link>,
    /// A picture that stands for it: a path or URL.
    pub thumbnail: Option<String>,
    /// A picture that is shown while sound is heard, or before a film begins.
    pub beside: Option<Location>,
    /// The access rule, as it was written.
    pub access: Option<serde_json::Value>,
}

/// One piece of content of a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// Where it is.
    pub location: Location,
    /// What it is called among alternatives.
    #[serde(default)]
    pub choice: LanguageMap,
    /// Where it lies on the canvas; all of it when `None`.
    #[serde(default)]
    pub region: Option<Region>,
    /// By how much it is to be turned clockwise, in degrees.
    #[serde(default)]
    pub rotation: Option<u16>,
    /// Width in pixels as the source says; the file itself is believed first.
    #[serde(default)]
    pub width: Option<u32>,
    /// Height in pixels as the source says; the file itself is believed first.
    #[serde(default)]
    pub height: Option<u32>,
    /// Length in seconds as the source says; the file itself is believed first.
    #[serde(default)]
    pub duration: Option<f64>,
    /// Media type as the source says.
    #[serde(default)]
    pub format: Option<String>,
}

impl Content {
    /// The whole of what is there.
    pub fn at(location: Location) -> Self {
        Self {
            location,
            choice: LanguageMap::default(),
            region: None,
            rotation: None,
            width: None,
            height: None,
            duration: None,
            format: None,
        }
    }
}

/// Where a piece of content is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Location {
    /// A file: its path relative to the described folder.
    File(String),
    /// A page of a file of several, from 1.
    FilePage(String, u32),
    /// A file on the web, such as an image.
    Url(String),
    /// The base URI of an image service on the web.
    ImageService(String),
}

/// A rectangle on a canvas, in its coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width, at least 1.
    pub w: u32,
    /// Height, at least 1.
    pub h: u32,
}

/// A part of an object, such as a chapter or an article.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Range {
    /// Its name in URLs, unique in the object; else it is made of its place.
    pub id: Option<String>,
    /// Its name.
    pub label: LanguageMap,
    /// Descriptive pairs.
    pub metadata: Vec<LabeledValue>,
    /// How to show it.
    pub behavior: Vec<Behavior>,
    /// What kind of part it is, in the source's own word, such as `chapter` or `ARTICLE`.
    #[serde(rename = "type")]
    pub class: Option<String>,
    /// What it holds, in order.
    pub items: Vec<RangeItem>,
    /// The blocks of text that it consists of, where the source names them. `items` has their pages; with the files of text at hand,
    /// regions of these pages can be found.
    pub blocks: Vec<Block>,
}

/// A block of text of a page, as a source names it: by identifiers in the page's file of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Which page.
    pub page: PageRef,
    /// The file of text: a path or URL, one of [`Page::texts`].
    pub file: String,
    /// The identifier of the block, or of the first of several.
    pub begin: String,
    /// The identifier of the last block, where there are several.
    #[serde(default)]
    pub end: Option<String>,
}

/// What a range holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RangeItem {
    /// A part of the part.
    Range(Range),
    /// A page, or a part of one.
    Page(PagePart),
}

/// A page, or a part of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PagePart {
    /// Which page.
    pub page: PageRef,
    /// The part of it; all of it when `None`.
    #[serde(default)]
    pub region: Option<Region>,
    /// The time of it in seconds: from, and until where that is known.
    #[serde(default)]
    pub time: Option<(f64, Option<f64>)>,
}

/// How a source names a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PageRef {
    /// One of its own [`Description::pages`], from 0.
    Own(usize),
    /// By what people write: canvas name, label, file name, stem, or number from 1; the first of these that fits.
    Name(String),
}

/// What a collection holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Member {
    /// Something described by the same source, such as a component of a finding aid.
    Described(Box<Description>),
    /// Something of the library: an object or collection that is published anyway, found again by what the source named.
    Here {
        /// Its path in the library; empty for the collection that holds everything.
        path: String,
        /// What it is.
        kind: Kind,
    },
    /// Something that another source describes, such as the METS file of a volume, or that is a folder of files. Which thing of the
    /// library that is, is not known yet.
    Source {
        /// The path or URL of that source. A path may lead out of the folder by `..`: it is compared, and nothing is opened by it.
        id: String,
        /// What it is meant to be.
        kind: Kind,
        /// Its name, where this source says it.
        label: LanguageMap,
    },
    /// A manifest or collection elsewhere.
    Remote {
        /// Its URI.
        id: String,
        /// What it is.
        kind: Kind,
        /// Its name, where the source says it.
        label: LanguageMap,
        /// A picture for it: a URL.
        thumbnail: Option<String>,
    },
}

/// Which downloads are offered; `None` leaves it to the server's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Downloads {
    /// All pages as one PDF.
    pub pdf: Option<bool>,
    /// The text.
    pub text: Option<bool>,
    /// The images in one ZIP archive.
    pub zip: Option<bool>,
}
