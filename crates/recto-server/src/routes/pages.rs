//! Pages for people: the gallery, items, viewers, and the files that they use.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderName};
use http::{HeaderValue, StatusCode};
use recto_iiif::Dimensions;
use recto_iiif::content_state::{ContentState, Target, TargetKind};
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::{LanguageMap, Version};
use recto_service::{
    Brief, CanvasPlan, Item, ItemKind, ObjectView, PageFacts, ServiceError, SiteUrls, Urls as _, description, label,
    plan,
};

use super::opening::{self, Stated, of_image, of_state, viewer_path};
use super::{nothing_here, query_value, results};
use crate::app::{App, Asked};
use crate::pages::{
    ASSET_PREFIX, Assets, Card, CardKind, Download, Fact, GalleryView, ItemView, Link, Opening, PageKind, PageThumb,
    Paging, Problem as ProblemView, Site, Thumbnail, ViewerKind, ViewerView, content_security_policy, error, gallery,
    item, viewer,
};
use crate::problem::{Api, Problem, status};
use crate::reply::{Reply, Representation, insert_text, plain};

const HTML: &str = "text/html; charset=utf-8";

/// Objects on one page of the gallery.
const OBJECTS_A_PAGE: u64 = 60;

/// Collections on one page of the gallery.
const MOST_COLLECTIONS: u64 = 1000;

/// Side of the box that thumbnails fit into, in CSS pixels.
const THUMBNAIL_PX: u32 = 240;

pub(super) async fn answer(app: &App, asked: &Asked, path: &str) -> Reply {
    if let Some(file) = path.strip_prefix(ASSET_PREFIX).and_then(|rest| rest.strip_prefix('/')) {
        return asset(asked, file);
    }
    if let Some(slug) = path.strip_prefix("/viewer/") {
        return viewer_page(app, asked, slug);
    }
    let outcome = if path == "/" {
        collection_page(app, asked, None).await
    } else if path == "/search" {
        results::page(app, asked, None).await
    } else {
        let Some(encoded) = path.strip_prefix("/items/").filter(|rest| !rest.is_empty()) else {
            return not_found(app, asked);
        };
        let (encoded, is_search) = match encoded.strip_suffix("/search") {
            Some(before) if !before.is_empty() => (before, true),
            _ => (encoded, false),
        };
        match Identifier::parse_encoded(encoded.trim_end_matches('/')) {
            Ok(identifier) if is_search => results::page(app, asked, Some(&identifier)).await,
            Ok(identifier) => item_or_collection(app, asked, &identifier).await,
            Err(error) => Err(error.into()),
        }
    };
    outcome.unwrap_or_else(|failure| failure_page(app, asked, &failure))
}

/// One of our own files. Its name changes with its content, so it may be kept for ever.
fn asset(asked: &Asked, file: &str) -> Reply {
    let accepts = asked.parts.headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let accepts_brotli =
        accepts.is_some_and(|list| list.split(',').any(|coding| coding.trim().split(';').next() == Some("br")));
    let Some(asset) = Assets::embedded().get(file, accepts_brotli) else { return nothing_here(asked) };
    let encoding = asset.encoding.map(|encoding| (CONTENT_ENCODING, HeaderValue::from_static(encoding)));
    let representation = Representation {
        etag: asset.etag,
        last_modified: None,
        cache_control: HeaderValue::from_static("public, max-age=31536000, immutable"),
        media_type: HeaderValue::from_str(&asset.media_type)
            .unwrap_or(HeaderValue::from_static("application/octet-stream")),
        vary: Some(HeaderValue::from_static("Accept-Encoding")),
        extra: encoding.into_iter().collect(),
    };
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return reply;
    }
    let bytes = match asset.bytes {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    representation.with_body(&asked.parts.method, &asked.parts.headers, bytes)
}

pub(super) fn site(app: &App, asked: &Asked) -> Site {
    let base = &asked.reached.base;
    let behind_host = base.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
    Site { title: app.title(), base_path: behind_host.unwrap_or_default(), ..Site::default() }
}

pub(super) fn html(asked: &Asked, page: PageKind, status: StatusCode, text: String) -> Reply {
    let mut reply = plain(status, HTML, text);
    let origin = asked.reached.base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    insert_text(reply.headers_mut(), CONTENT_SECURITY_POLICY, &content_security_policy(page, Some(&origin)));
    reply
        .headers_mut()
        .insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer-when-downgrade"));
    reply.headers_mut().insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    reply
}

fn wants_html(asked: &Asked) -> bool {
    asked
        .parts
        .headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

fn not_found(app: &App, asked: &Asked) -> Reply {
    if wants_html(asked) {
        let text = crate::pages::not_found(&site(app, asked), asked.parts.uri.path());
        return html(asked, PageKind::Plain, StatusCode::NOT_FOUND, text);
    }
    nothing_here(asked)
}

fn failure_page(app: &App, asked: &Asked, failure: &ServiceError) -> Reply {
    app.note_failure(asked, failure);
    let problem = Problem::from(failure);
    if !wants_html(asked) {
        return problem.reply(Api::Other, &asked.parts.headers);
    }
    let status = status(Api::Other, failure.kind());
    let view = ProblemView {
        site: site(app, asked),
        status: status.as_u16(),
        title: problem.title.to_owned(),
        detail: Some(problem.detail),
        hint: problem.hint,
        request_id: None,
    };
    html(asked, PageKind::Plain, status, error(&view))
}

fn viewer_page(app: &App, asked: &Asked, slug: &str) -> Reply {
    let Some(kind) = ViewerKind::parse_slug(slug) else { return not_found(app, asked) };
    let query = asked.parts.uri.query().unwrap_or_default().to_owned();
    let (status, opening, problem) = match opening::opening(Some(&query), kind, &asked.reached.base) {
        Ok(opening) => (StatusCode::OK, opening, None),
        Err(unreadable) => (StatusCode::BAD_REQUEST, None, Some(unreadable.message)),
    };
    let annotations = annotations_base(app, asked);
    let view = ViewerView { site: site(app, asked), kind, query, opening, problem, annotations };
    html(asked, PageKind::Viewer(kind), status, viewer(&view))
}

async fn item_or_collection(app: &App, asked: &Asked, identifier: &Identifier) -> Result<Reply, ServiceError> {
    if let Some((item, file)) = find_object(app, asked, identifier).await? {
        return item_page(app, asked, item, file.as_ref()).await;
    }
    collection_page(app, asked, Some(identifier)).await
}

/// The item; `None` where there is none of that kind.
async fn find(app: &App, kind: ItemKind, identifier: &Identifier) -> Result<Option<Item>, ServiceError> {
    match app.objects().item(kind, identifier).await {
        Ok(item) => Ok(Some(item)),
        Err(ServiceError::NoSuchObject { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The object of an identifier; or the object that a file belongs to, with the file.
async fn find_object(
    app: &App,
    asked: &Asked,
    identifier: &Identifier,
) -> Result<Option<(Item, Option<Identifier>)>, ServiceError> {
    app.objects().allow(&asked.caller(), identifier)?;
    if let Some(item) = find(app, ItemKind::Manifest, identifier).await? {
        return Ok(Some((item, None)));
    }
    if find(app, ItemKind::Collection, identifier).await?.is_some() {
        return Ok(None);
    }
    let mut around = identifier.as_str();
    while let Some((folder, _)) = around.rsplit_once('/') {
        if let Some(item) = find(app, ItemKind::Manifest, &Identifier::new(folder)).await? {
            return Ok(Some((item, Some(identifier.clone()))));
        }
        around = folder;
    }
    // A library of nothing but images is one object, called as the library is.
    let root = app.objects().root().await?;
    let item = find(app, ItemKind::Manifest, &Identifier::new(&*root.identifier)).await?;
    Ok(item.map(|item| (item, Some(identifier.clone()))))
}

async fn collection_page(app: &App, asked: &Asked, identifier: Option<&Identifier>) -> Result<Reply, ServiceError> {
    let objects = app.objects();
    let collection = match identifier {
        Some(identifier) => objects.item(ItemKind::Collection, identifier).await?,
        None => objects.root().await?,
    };
    let identifier = Identifier::new(&*collection.identifier);
    objects.allow(&asked.caller(), &identifier)?;
    let urls = app.urls(&asked.reached.base);
    let count = objects.count_members_at(&collection.path, ItemKind::Manifest).await?;
    let pages = count.div_ceil(OBJECTS_A_PAGE).max(1);
    let page =
        query_value(asked.parts.uri.query(), "page").and_then(|page| page.parse().ok()).unwrap_or(1u64).clamp(1, pages);
    let inner = objects.members_at(&collection.path, Some(ItemKind::Collection), 0, MOST_COLLECTIONS).await?;
    let shown = objects
        .members_at(&collection.path, Some(ItemKind::Manifest), (page - 1) * OBJECTS_A_PAGE, OBJECTS_A_PAGE)
        .await?;
    let pictures: Vec<Identifier> =
        inner.iter().chain(&shown).filter_map(|brief| brief.picture.as_deref().map(Identifier::new)).collect();
    let facts = objects.pictures(&pictures, &asked.caller()).await;
    let card = |brief: &Brief| {
        let facts = brief.picture.as_deref().and_then(|picture| facts.get(&Identifier::new(picture)));
        card(app, asked, brief, facts, &urls)
    };
    let is_root = collection.parent.is_none();
    let here = if is_root { format!("{}/", site(app, asked).base_path) } else { item_path(app, asked, &identifier) };
    let said = description(&collection);
    let view = GalleryView {
        site: site(app, asked),
        title: if is_root { app.title() } else { text_of(&label(&collection.label)) },
        summary: said.summary.first().map(str::to_owned),
        breadcrumbs: match &collection.parent {
            Some(parent) => breadcrumbs(app, asked, parent).await?,
            None => Vec::new(),
        },
        search: app
            .objects()
            .has_text(&collection)
            .await?
            .then(|| results::search_box(app, asked, ItemKind::Collection, &identifier, is_root, "")),
        collections: inner.iter().map(card).collect(),
        objects: shown.iter().map(card).collect(),
        object_count: count,
        paging: (pages > 1).then(|| Paging { page, pages, href_template: format!("{here}?page={{page}}") }),
        collection_3: Some(urls.collection(Version::V3, &identifier)),
        collection_2: Some(urls.collection(Version::V2, &identifier)),
    };
    Ok(html(asked, PageKind::Plain, StatusCode::OK, gallery(&view)))
}

/// Below which URL annotations are written; `None` where nobody may.
fn annotations_base(app: &App, asked: &Asked) -> Option<String> {
    app.annotations().may_be_written().then(|| format!("{}/annotations/", asked.reached.base))
}

/// A text for people who read this server's pages, in English where there is one.
pub(super) fn text_of(text: &LanguageMap) -> String {
    let of = |wanted: &str| text.iter().find(|(language, _)| *language == wanted).and_then(|(_, texts)| texts.first());
    of("en").or_else(|| of(LanguageMap::NONE)).map(String::as_str).or(text.first()).unwrap_or_default().to_owned()
}

/// The way from the root to the collection at this path, which is the last link.
pub(super) async fn breadcrumbs(app: &App, asked: &Asked, path: &str) -> Result<Vec<Link>, ServiceError> {
    let around = app.objects().collections_to(path).await?;
    let link = |collection: &Brief| {
        if collection.path.is_empty() {
            return Link { label: app.title(), href: format!("{}/", site(app, asked).base_path) };
        }
        Link {
            label: text_of(&label(&collection.label)),
            href: item_path(app, asked, &Identifier::new(&*collection.identifier)),
        }
    };
    Ok(around.iter().map(link).collect())
}

pub(super) fn item_path(app: &App, asked: &Asked, identifier: &Identifier) -> String {
    format!("{}/items/{}", site(app, asked).base_path, identifier.encoded())
}

fn card(app: &App, asked: &Asked, brief: &Brief, facts: Option<&PageFacts>, urls: &SiteUrls) -> Card {
    let identifier = Identifier::new(&*brief.identifier);
    let is_image = brief.kind == ItemKind::Manifest
        && brief.pages == 1
        && facts.is_some_and(|facts| facts.pages == 1 && facts.recording.is_none());
    let pages = match facts {
        // A file of several pages whose object was not opened yet.
        Some(facts) if brief.pages == 1 => u64::from(facts.pages),
        _ => brief.pages,
    };
    Card {
        kind: match brief.kind {
            ItemKind::Collection => CardKind::Collection,
            ItemKind::Manifest if is_image => CardKind::Image,
            ItemKind::Manifest => CardKind::Object,
        },
        label: text_of(&label(&brief.label)),
        href: item_path(app, asked, &identifier),
        thumbnail: facts.and_then(|facts| thumbnail(facts, urls)),
        count: (!is_image).then_some(pages),
        note: match facts.filter(|_| brief.kind == ItemKind::Manifest) {
            Some(facts) if facts.problem.is_some() => Some("cannot be read".to_owned()),
            Some(facts) if is_image => Some(format!("{} × {}", facts.size.width_px, facts.size.height_px)),
            _ => None,
        },
    }
}

/// The size of a page that fits into a box.
fn fitted(size: Dimensions, side_px: u32) -> Dimensions {
    let longer = size.width_px.max(size.height_px).max(1);
    if longer <= side_px {
        return size;
    }
    let scaled = |length: u32| {
        ((u64::from(length) * u64::from(side_px) + u64::from(longer) / 2) / u64::from(longer)).max(1) as u32
    };
    Dimensions::new(scaled(size.width_px), scaled(size.height_px))
}

fn thumbnail(facts: &PageFacts, urls: &SiteUrls) -> Option<Thumbnail> {
    if !facts.is_readable() || facts.recording.is_some() {
        return None;
    }
    let service = urls.image(ApiVersion::V3, &facts.image());
    let url = |size: Dimensions| format!("{service}/full/{},{}/0/default.jpg", size.width_px, size.height_px);
    let size = fitted(facts.size, THUMBNAIL_PX);
    let double = fitted(facts.size, THUMBNAIL_PX * 2);
    Some(Thumbnail {
        src: url(size),
        src_double: (double != size).then(|| url(double)),
        width_px: size.width_px,
        height_px: size.height_px,
    })
}

async fn item_page(app: &App, asked: &Asked, object: Item, wanted: Option<&Identifier>) -> Result<Reply, ServiceError> {
    let identifier = Identifier::new(&*object.identifier);
    app.objects().allow(&asked.caller(), &identifier)?;
    let urls = app.urls(&asked.reached.base);
    let object = app.objects().view(object, &asked.caller()).await?;
    if object.parts.made.is_some() && wanted.is_none() {
        return made_page(app, asked, &object, &identifier).await;
    }
    let canvases = plan(&object.parts, &object.parts.prefix, &object.facts);
    let mut wish = wish(asked, &urls, &identifier);
    let asked_canvas = wish.canvas.take();
    let current = canvases.iter().position(|canvas| match (&asked_canvas, wanted) {
        (Some(asked), _) => urls.canvas(&identifier, &canvas.name) == *asked || canvas.name == *asked,
        (None, Some(file)) => canvas.has(file),
        (None, None) => false,
    });
    if current.is_none() && asked_canvas.is_some() && wish.part.take().is_some() {
        wish.notes.push("The link is about a page that this object does not have.".to_owned());
    }
    let Some(canvas) = canvases.get(current.unwrap_or(0)).filter(|_| current.is_some() || wanted.is_none()) else {
        let missing = wanted.map_or_else(|| identifier.to_string(), ToString::to_string);
        return Err(ServiceError::NoSuchObject { what: "item", identifier: missing });
    };
    let current = current.unwrap_or(0);
    let page = canvas.facts().filter(|page| page.recording.is_none());
    let image = page.map(PageFacts::image);
    let manifest_3 = urls.manifest(Version::V3, &identifier);
    let canvas_url = urls.canvas(&identifier, &canvas.name);
    let shows_image = image.is_some() && (canvases.len() == 1 || wanted.is_some());
    let kind = if shows_image { ViewerKind::OpenSeadragon } else { ViewerKind::Mirador };
    let info = image.as_ref().map(|image| format!("{}/info.json", urls.image(ApiVersion::V3, image)));
    let stated = wish.stated(Target::canvas(canvas_url, &manifest_3));
    let links = Links::new(app, asked, &stated.state, info.as_deref(), kind);
    let opening = match &info {
        Some(info) if shows_image => Opening { notes: stated.notes.clone(), ..of_image(info, wish.xywh().as_deref()) },
        _ => of_state(&stated, kind, &asked.reached.base).unwrap_or_default(),
    };
    let title = text_of(&label(&object.item.label));
    let view = ItemView {
        site: site(app, asked),
        title: match &image {
            Some(image) if shows_image && canvases.len() > 1 => image.to_string(),
            _ => title,
        },
        summary: object.parts.description.summary.first().map(str::to_owned),
        breadcrumbs: breadcrumbs(app, asked, object.item.parent.as_deref().unwrap_or_default()).await?,
        search: app
            .objects()
            .has_text(&object.item)
            .await?
            .then(|| results::search_box(app, asked, ItemKind::Manifest, &identifier, false, "")),
        viewer: kind,
        opening,
        annotations: annotations_base(app, asked),
        still: page.and_then(|page| thumbnail(page, &urls)),
        manifest_2: Some(urls.manifest(Version::V2, &identifier)),
        image_3: image.as_ref().map(|image| urls.image(ApiVersion::V3, image)),
        image_2: image.as_ref().map(|image| urls.image(ApiVersion::V2, image)),
        drag_and_drop: links.drag_and_drop,
        drag_text: Some(links.drag_text),
        embed: Some(links.embed),
        viewers: links.viewers,
        pages: if canvases.len() > 1 {
            page_strip(&item_path(app, asked, &identifier), &canvases, current, &urls)
        } else {
            Vec::new()
        },
        downloads: page.map(|page| downloads(page, &urls)).unwrap_or_default(),
        facts: facts_of(&object, page, canvases.len()),
        manifest_3: Some(manifest_3),
    };
    Ok(html(asked, PageKind::Item(kind), StatusCode::OK, item(&view)))
}

/// The page of an object whose manifest somebody made: what is on its canvases only the viewer knows.
async fn made_page(
    app: &App,
    asked: &Asked,
    object: &ObjectView,
    identifier: &Identifier,
) -> Result<Reply, ServiceError> {
    let urls = app.urls(&asked.reached.base);
    let manifest = urls.manifest(Version::V3, identifier);
    let mut wish = wish(asked, &urls, identifier);
    let target = match wish.canvas.take() {
        Some(canvas) => Target::canvas(canvas, &manifest),
        None => Target::whole(&manifest, TargetKind::Manifest),
    };
    let stated = wish.stated(target);
    let links = Links::new(app, asked, &stated.state, None, ViewerKind::Mirador);
    let view = ItemView {
        site: site(app, asked),
        title: text_of(&label(&object.item.label)),
        summary: object.parts.description.summary.first().map(str::to_owned),
        breadcrumbs: breadcrumbs(app, asked, object.item.parent.as_deref().unwrap_or_default()).await?,
        search: None,
        viewer: ViewerKind::Mirador,
        opening: of_state(&stated, ViewerKind::Mirador, &asked.reached.base).unwrap_or_default(),
        annotations: annotations_base(app, asked),
        still: None,
        manifest_2: Some(urls.manifest(Version::V2, identifier)),
        image_3: None,
        image_2: None,
        drag_and_drop: links.drag_and_drop,
        drag_text: Some(links.drag_text),
        embed: Some(links.embed),
        viewers: links.viewers,
        pages: Vec::new(),
        downloads: Vec::new(),
        facts: facts_of(object, None, object.parts.page_count()),
        manifest_3: Some(manifest),
    };
    Ok(html(asked, PageKind::Item(ViewerKind::Mirador), StatusCode::OK, item(&view)))
}

/// What a link to an object's page wishes to see of it.
struct Wish {
    /// By name or URL.
    canvas: Option<String>,
    /// As the content state has it, if there is one: its part.
    part: Option<Target>,
    notes: Vec<String>,
}

impl Wish {
    /// The part it wishes of this Canvas or Manifest, as a content state.
    fn stated(&self, mut target: Target) -> Stated {
        if let Some(part) = &self.part {
            (target.region, target.time, target.point) = (part.region, part.time, part.point);
        }
        Stated { state: ContentState::new(vec![target]), notes: self.notes.clone() }
    }

    fn xywh(&self) -> Option<String> {
        self.part.as_ref()?.region.map(|region| region.to_string())
    }
}

/// A content state about another object, or one that cannot be read, leaves the object as it is and is told about.
fn wish(asked: &Asked, urls: &SiteUrls, identifier: &Identifier) -> Wish {
    let query = asked.parts.uri.query();
    let plain = |notes| Wish { canvas: query_value(query, "canvas"), part: None, notes };
    let stated = match opening::content_state(query, &asked.reached.base) {
        Ok(None) => return plain(Vec::new()),
        Ok(Some(stated)) => stated,
        Err(unreadable) => return plain(vec![format!("The link cannot be read. {}", unreadable.message)]),
    };
    let Stated { state, mut notes } = stated;
    let ours = [Version::V3, Version::V2].map(|version| urls.manifest(version, identifier));
    let of_this = |target: &Target| target.manifest().is_some_and(|manifest| ours.iter().any(|own| own == manifest));
    let several = state.targets.len() > 1;
    let Some(target) = state.targets.into_iter().find(of_this) else {
        notes.push("The link is about another object than this.".to_owned());
        return plain(notes);
    };
    if several {
        notes.push("The link compares several things; a viewer's own page opens them beside each other.".to_owned());
    }
    Wish { canvas: target.canvas_id().map(str::to_owned), part: Some(target), notes }
}

/// The links that open an object elsewhere.
struct Links {
    drag_and_drop: Option<String>,
    drag_text: String,
    embed: String,
    viewers: Vec<Link>,
}

impl Links {
    fn new(app: &App, asked: &Asked, state: &ContentState, info: Option<&str>, kind: ViewerKind) -> Self {
        let base = &asked.reached.base;
        let base_path = site(app, asked).base_path;
        let link = |kind: ViewerKind| Link {
            label: kind.label().to_owned(),
            href: format!("{base_path}{}", viewer_path(state, kind, info)),
        };
        Self {
            drag_and_drop: state.to_drag_and_drop(&format!("{base}/viewer/{}", ViewerKind::Mirador.slug())),
            drag_text: state.to_text(),
            embed: format!("{base}{}", viewer_path(state, kind, info)),
            viewers: ViewerKind::ALL.into_iter().map(link).collect(),
        }
    }
}

fn page_strip(here: &str, canvases: &[CanvasPlan<'_>], current: usize, urls: &SiteUrls) -> Vec<PageThumb> {
    let thumb = |(index, canvas): (usize, &CanvasPlan<'_>)| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("canvas", &canvas.name).finish();
        PageThumb {
            label: text_of(&canvas.label),
            href: format!("{here}?{query}"),
            thumbnail: canvas.facts().and_then(|facts| thumbnail(facts, urls)),
            is_current: index == current,
        }
    };
    canvases.iter().enumerate().map(thumb).collect()
}

fn downloads(page: &PageFacts, urls: &SiteUrls) -> Vec<Download> {
    let service = urls.image(ApiVersion::V3, &page.image());
    let mut sizes: Vec<(&str, Dimensions)> = Vec::new();
    for (label, side_px) in [("Small", 800), ("Medium", 2000)] {
        if page.size.width_px.max(page.size.height_px) > side_px {
            sizes.push((label, fitted(page.size, side_px)));
        }
    }
    let link = |label: &str, size: Dimensions, request: String| Download {
        label: label.to_owned(),
        href: format!("{service}/full/{request}/0/default.jpg"),
        width_px: size.width_px,
        height_px: size.height_px,
        format: "JPEG".to_owned(),
    };
    let mut downloads: Vec<Download> = sizes
        .into_iter()
        .map(|(label, size)| link(label, size, format!("{},{}", size.width_px, size.height_px)))
        .collect();
    downloads.push(link("Full size", page.size, "max".to_owned()));
    downloads
}

fn facts_of(object: &ObjectView, page: Option<&PageFacts>, pages: usize) -> Vec<Fact> {
    let fact = |label: &str, value: String| Fact { label: label.to_owned(), values: vec![value], href: None };
    let said = &object.parts.description;
    let mut facts: Vec<Fact> = said
        .metadata
        .iter()
        .chain(&said.required_statement)
        .map(|pair| Fact { label: text_of(&pair.label), values: texts_of(&pair.value), href: None })
        .collect();
    if let Some(rights) = &said.rights {
        facts.push(Fact { label: "Rights".to_owned(), values: vec![rights.clone()], href: Some(rights.clone()) });
    }
    facts.push(fact("Identifier", object.item.identifier.clone()));
    if pages > 1 {
        facts.push(fact("Pages", pages.to_string()));
    }
    if let Some(page) = page {
        facts.push(fact("Size", format!("{} × {} pixels", page.size.width_px, page.size.height_px)));
    }
    facts
}

/// All texts in the language of the pages, without the simple markup that they may have.
fn texts_of(text: &LanguageMap) -> Vec<String> {
    let first = text_of(text);
    let of_language = text.iter().find(|(_, texts)| texts.first() == Some(&first)).map(|(_, texts)| texts.to_vec());
    of_language.unwrap_or_default().iter().map(|text| without_markup(text)).collect()
}

fn without_markup(text: &str) -> String {
    if !(text.starts_with('<') && text.ends_with('>')) {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut is_inside = false;
    for character in text.chars() {
        match character {
            '<' => is_inside = true,
            '>' if is_inside => is_inside = false,
            character if !is_inside => plain.push(character),
            _ => {}
        }
    }
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
