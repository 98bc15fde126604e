//! Makes Presentation 3.0 documents of objects and collections. Pure: the same input gives the same bytes.
//!
//! What is in the image files is not known here; whoever calls brings it as [`PageFacts`], one for each page. Every file
//! of an object becomes at least one canvas. One that could not be read becomes a placeholder, so that nobody takes an
//! incomplete object for a complete one, and so that the other pages keep their places.

use std::collections::HashMap;

use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::{
    self as model, Annotation, AnnotationPage, Behavior, Canvas, CollectionItem, ContentResource, LanguageMap,
    Manifest, Reference, Service, Version, ViewingDirection, v2,
};

use crate::{Collection, File, Finding, Member, Object, Severity, Tree};

/// What is known about one page of an image file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageFacts {
    /// The identifier of the file, as in [`File::identifier`].
    pub file: Identifier,
    /// Which page of the file, from 1.
    pub page: u32,
    /// How many pages the file has, at least 1.
    pub pages: u32,
    /// Size of the page as it is shown.
    pub size: Dimensions,
    /// Sizes that are cheap to deliver: the `sizes` of the page's `info.json`.
    pub sizes: Vec<Dimensions>,
    /// Why the page cannot be shown; then sizes mean nothing.
    pub problem: Option<String>,
}

/// Where the parts of this server are: absolute URLs, without a slash at the end.
pub trait Urls {
    /// Base URI of an image.
    fn image(&self, version: ApiVersion, image: &Identifier) -> String;
    /// The manifest of an object.
    fn manifest(&self, version: Version, object: &Identifier) -> String;
    /// The document of a collection.
    fn collection(&self, version: Version, collection: &Identifier) -> String;
    /// A canvas of an object; `name` is not encoded yet. The same in every version.
    fn canvas(&self, object: &Identifier, name: &str) -> String;
    /// The page about an object for people.
    fn item_page(&self, object: &Identifier) -> String;
}

/// URLs as a server with its usual paths has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUrls {
    base: String,
    image_prefixes: [String; 2],
}

impl SiteUrls {
    /// URLs below this one, such as `https://example.org` or `https://example.org/scans`.
    pub fn new(base: &str) -> Self {
        let image_prefixes = ["/iiif/2", "/iiif/3"].map(str::to_owned);
        Self { base: base.trim_end_matches('/').to_owned(), image_prefixes }
    }

    /// The same, with images of this version below another path, such as `/images`.
    #[must_use]
    pub fn with_image_prefix(mut self, version: ApiVersion, prefix: &str) -> Self {
        let trimmed = prefix.trim_matches('/');
        let prefix = if trimmed.is_empty() { String::new() } else { format!("/{trimmed}") };
        let [of_2, of_3] = &mut self.image_prefixes;
        *(match version {
            ApiVersion::V2 => of_2,
            ApiVersion::V3 => of_3,
        }) = prefix;
        self
    }

    /// How documents move from 3.0 to 2.1, for [`v2::manifest`] and [`v2::collection`].
    pub fn documents(&self) -> v2::DocumentUrls {
        let prefix = |version: Version| format!("{}/iiif/presentation/{}/", self.base, version.segment());
        v2::DocumentUrls::new(prefix(Version::V3), prefix(Version::V2))
    }

    fn presentation(&self, version: Version, identifier: &Identifier, rest: &str) -> String {
        format!("{}/iiif/presentation/{}/{}/{rest}", self.base, version.segment(), identifier.encoded())
    }
}

impl Urls for SiteUrls {
    fn image(&self, version: ApiVersion, image: &Identifier) -> String {
        let [of_2, of_3] = &self.image_prefixes;
        let prefix = match version {
            ApiVersion::V2 => of_2,
            ApiVersion::V3 => of_3,
        };
        format!("{}{prefix}/{}", self.base, image.encoded())
    }

    fn manifest(&self, version: Version, object: &Identifier) -> String {
        self.presentation(version, object, "manifest")
    }

    fn collection(&self, version: Version, collection: &Identifier) -> String {
        self.presentation(version, collection, "collection")
    }

    fn canvas(&self, object: &Identifier, name: &str) -> String {
        self.presentation(Version::V3, object, &format!("canvas/{}", Identifier::new(name).encoded()))
    }

    fn item_page(&self, object: &Identifier) -> String {
        format!("{}/items/{}", self.base, object.encoded())
    }
}

/// Size of a canvas whose picture cannot be shown.
const PLACEHOLDER: Dimensions = Dimensions::new(1000, 1000);
/// The longer side that a thumbnail has at least, where the image is that large.
const THUMBNAIL_LEAST_PX: u32 = 200;
/// The longer side above which a stored size is not worth its bytes as a thumbnail.
const THUMBNAIL_MOST_PX: u32 = 1024;

/// The manifest of an object of this tree, with a finding for each file that became a placeholder.
///
/// `pages` may come in any order; the order of canvases is that of the object's files and of the pages in them.
pub fn manifest(tree: &Tree, object: &Object, pages: &[PageFacts], urls: &dyn Urls) -> (Manifest, Vec<Finding>) {
    let mut by_file: HashMap<&Identifier, Vec<&PageFacts>> = HashMap::with_capacity(object.files.len());
    for page in pages {
        by_file.entry(&page.file).or_default().push(page);
    }
    let mut findings = Vec::new();
    let mut canvases = Vec::with_capacity(pages.len());
    for file in &object.files {
        let mut pages = by_file.remove(&file.identifier).unwrap_or_default();
        pages.sort_by_key(|page| page.page);
        pages.dedup_by_key(|page| page.page);
        if pages.is_empty() {
            findings.push(unreadable(file, 1, "nothing is known about it"));
            canvases.push(placeholder(object, file, 1, 1, urls));
        }
        for page in pages {
            match &page.problem {
                None if !page.size.is_empty() => canvases.push(canvas(object, file, page, urls)),
                problem => {
                    findings.push(unreadable(file, page.page, problem.as_deref().unwrap_or("it has no pixels")));
                    canvases.push(placeholder(object, file, page.page, page.pages, urls));
                }
            }
        }
    }
    let label = LanguageMap::none(&*object.label);
    let mut manifest = Manifest::new(urls.manifest(Version::V3, &object.identifier), label.clone());
    manifest.thumbnail = canvases
        .iter()
        .find(|canvas| !canvas.thumbnail.is_empty())
        .map(|first| first.thumbnail.clone())
        .unwrap_or_default();
    if canvases.len() > 1 {
        manifest.viewing_direction = Some(ViewingDirection::LeftToRight);
        manifest.behavior = vec![Behavior::Paged];
    }
    manifest.homepage = vec![ContentResource::html(urls.item_page(&object.identifier), label)];
    manifest.part_of = vec![reference(tree.parent_of(object), urls)];
    manifest.items = canvases;
    (manifest, findings)
}

/// The document of a collection of this tree.
///
/// `first_page` gives the facts of a file's first page, for thumbnails. Where it gives none, the thumbnail is asked for
/// by the box that it has to fit into, which every image server understands; it must answer alike for as long as the
/// tree is the same, or the document changes without a cause.
pub fn collection(
    tree: &Tree,
    collection: &Collection,
    first_page: &dyn Fn(&File) -> Option<PageFacts>,
    urls: &dyn Urls,
) -> model::Collection {
    let id = urls.collection(Version::V3, &collection.identifier);
    let mut document = model::Collection::new(id, LanguageMap::none(&*collection.label));
    document.part_of = tree.parent(collection).map(|parent| reference(parent, urls)).into_iter().collect();
    document.items = tree
        .members(collection)
        .map(|member| {
            let (mut item, object) = match member {
                Member::Object(object) => (manifest_item(object, urls), Some(object)),
                Member::Collection(inner) => (collection_item(inner, urls), tree.first_object(inner)),
            };
            let file = object.and_then(|object| object.files.first());
            item.thumbnail = file.and_then(|file| member_thumbnail(file, first_page(file), urls)).into_iter().collect();
            item
        })
        .collect();
    document
}

fn manifest_item(object: &Object, urls: &dyn Urls) -> CollectionItem {
    CollectionItem::manifest(urls.manifest(Version::V3, &object.identifier), LanguageMap::none(&*object.label))
}

fn collection_item(collection: &Collection, urls: &dyn Urls) -> CollectionItem {
    let id = urls.collection(Version::V3, &collection.identifier);
    CollectionItem::collection(id, LanguageMap::none(&*collection.label))
}

fn reference(collection: &Collection, urls: &dyn Urls) -> Reference {
    let id = urls.collection(Version::V3, &collection.identifier);
    Reference::collection(id, LanguageMap::none(&*collection.label))
}

fn canvas(object: &Object, file: &File, page: &PageFacts, urls: &dyn Urls) -> Canvas {
    let image = page_identifier(&file.identifier, page.page);
    let service = urls.image(ApiVersion::V3, &image);
    let label = LanguageMap::none(page_label(object, file, page.page, page.pages));
    let mut canvas = Canvas::new(urls.canvas(&object.identifier, &canvas_name(file, page.page)), label, page.size);
    let mut body = ContentResource::jpeg(format!("{service}/full/max/0/default.jpg"), page.size);
    body.service = services(&image, &[], urls);
    let painting = Annotation::painting(format!("{}/painting/1", canvas.id), body, &*canvas.id);
    canvas.items = vec![AnnotationPage::new(format!("{}/painting", canvas.id), vec![painting])];
    canvas.thumbnail = vec![thumbnail(&image, page, urls)];
    canvas
}

/// A canvas that says that its file cannot be read; why, only the finding tells.
fn placeholder(object: &Object, file: &File, page: u32, pages: u32, urls: &dyn Urls) -> Canvas {
    let label = format!("{} (this image cannot be read)", page_label(object, file, page, pages));
    let id = urls.canvas(&object.identifier, &canvas_name(file, page));
    let mut canvas = Canvas::new(id, LanguageMap::one("en", label), PLACEHOLDER);
    // A canvas without `items` is legal, but validators and viewers expect them.
    canvas.items = vec![AnnotationPage::new(format!("{}/painting", canvas.id), Vec::new())];
    canvas
}

fn unreadable(file: &File, page: u32, problem: &str) -> Finding {
    Finding::new(
        Severity::Error,
        "image-unreadable",
        page_identifier(&file.identifier, page).as_str(),
        format!("the image cannot be shown: {problem}"),
        "replace the file by one that is whole; its place is kept by an empty page",
    )
}

/// The identifier of a page of a file: the file's own for the first.
fn page_identifier(file: &Identifier, page: u32) -> Identifier {
    if page <= 1 { file.clone() } else { Identifier::new(format!("{file};{page}")) }
}

fn canvas_name(file: &File, page: u32) -> String {
    if page <= 1 { file.canvas.clone() } else { format!("{};{page}", file.canvas) }
}

fn page_label(object: &Object, file: &File, page: u32, pages: u32) -> String {
    match (pages, object.files.len()) {
        (0 | 1, _) => file.label.clone(),
        (_, 1) => page.to_string(),
        _ => format!("{}, {page}", file.label),
    }
}

/// Version 3 first; version 2 beside it in its own naming, for viewers that know no other.
fn services(image: &Identifier, sizes: &[Dimensions], urls: &dyn Urls) -> Vec<Service> {
    vec![
        Service::image_3(urls.image(ApiVersion::V3, image)).with_sizes(sizes),
        Service::image_2(urls.image(ApiVersion::V2, image)).with_sizes(sizes),
    ]
}

fn thumbnail(image: &Identifier, page: &PageFacts, urls: &dyn Urls) -> ContentResource {
    let size = thumbnail_size(page.size, &page.sizes);
    let service = urls.image(ApiVersion::V3, image);
    let id = format!("{service}/full/{},{}/0/default.jpg", size.width_px, size.height_px);
    let mut thumbnail = ContentResource::jpeg(id, size);
    thumbnail.service = services(image, &[size], urls);
    thumbnail
}

/// The thumbnail of a member: none for a file that is known to be unreadable.
fn member_thumbnail(file: &File, facts: Option<PageFacts>, urls: &dyn Urls) -> Option<ContentResource> {
    match facts {
        Some(page) if page.problem.is_some() || page.size.is_empty() => None,
        Some(page) => Some(thumbnail(&file.identifier, &page, urls)),
        None => {
            let service = urls.image(ApiVersion::V3, &file.identifier);
            let id = format!("{service}/full/!{THUMBNAIL_LEAST_PX},{THUMBNAIL_LEAST_PX}/0/default.jpg");
            let mut thumbnail = ContentResource::new(id, "Image");
            thumbnail.format = Some("image/jpeg".into());
            thumbnail.service = services(&file.identifier, &[], urls);
            Some(thumbnail)
        }
    }
}

/// The smallest cheap size that is large enough; without one, the image halved until it is small.
fn thumbnail_size(size: Dimensions, cheap: &[Dimensions]) -> Dimensions {
    let longer = |size: &Dimensions| size.width_px.max(size.height_px);
    let fits =
        |size: &&Dimensions| !size.is_empty() && (THUMBNAIL_LEAST_PX..=THUMBNAIL_MOST_PX).contains(&longer(size));
    if let Some(stored) = cheap.iter().filter(fits).min_by_key(|size| size.area_px()) {
        return *stored;
    }
    let mut scale_factor = 1;
    while longer(&size.reduced(scale_factor * 2)) >= THUMBNAIL_LEAST_PX {
        scale_factor *= 2;
    }
    size.reduced(scale_factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use recto_iiif::image::{DEFAULT_TILE, Target, TileGrid, scaled};

    use super::*;

    const fn px(w: u32, h: u32) -> Dimensions {
        Dimensions::new(w, h)
    }

    #[test]
    fn thumbnails_take_the_smallest_stored_size_that_is_large_enough() {
        for (size, cheap, wanted) in [
            (px(3000, 4000), &[px(188, 250), px(375, 500), px(750, 1000)][..], px(188, 250)),
            (px(3000, 4000), &[px(94, 125), px(188, 250), px(375, 500)], px(188, 250)),
            (px(3000, 4000), &[px(75, 100), px(3000, 4000)], px(188, 250)),
            (px(3000, 4000), &[], px(188, 250)),
            (px(100, 80), &[], px(100, 80)),
            (px(200, 1), &[px(200, 1)], px(200, 1)),
            (px(102_400, 1), &[], px(200, 1)),
            (px(102_399, 1), &[], px(200, 1)),
            (px(u32::MAX, u32::MAX), &[], px(256, 256)),
            (px(399, 399), &[px(0, 300)], px(200, 200)),
        ] {
            assert_eq!(thumbnail_size(size, cheap), wanted, "{size} of {cheap:?}");
        }
    }

    #[test]
    fn images_may_be_below_another_path() {
        let image = Identifier::new("a.tif");
        for (prefix, url) in [
            ("/images/", "https://example.org/scans/images/a.tif"),
            ("iiif/v3", "https://example.org/scans/iiif/v3/a.tif"),
            ("/", "https://example.org/scans/a.tif"),
        ] {
            let urls = SiteUrls::new("https://example.org/scans").with_image_prefix(ApiVersion::V3, prefix);
            assert_eq!(urls.image(ApiVersion::V3, &image), url);
            assert_eq!(urls.image(ApiVersion::V2, &image), "https://example.org/scans/iiif/2/a.tif");
        }
    }

    proptest! {
        #[test]
        fn thumbnails_are_what_the_image_service_gives_for_their_width_alone(w in 1_u32..9000, h in 1_u32..9000) {
            let size = px(w, h);
            let thumbnail = thumbnail_size(size, &[]);
            let grid = TileGrid { image: size, tile: DEFAULT_TILE };
            let longer = |size: Dimensions| size.width_px.max(size.height_px);
            prop_assert!(longer(thumbnail) < 400 && longer(thumbnail) >= longer(size).min(200), "{thumbnail}");
            if thumbnail.width_px > 1 {
                prop_assert_eq!(scaled(size.rect(), grid, Target::Width(thumbnail.width_px)), thumbnail);
            }
        }
    }
}
