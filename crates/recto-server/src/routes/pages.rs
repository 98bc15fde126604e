//! Pages for people: the gallery, items, viewers, and the files that they use.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderName};
use http::{HeaderValue, StatusCode};
use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::Version;
use recto_service::{Collection, Member, Object, PageFacts, PresentationUrls, ServiceError, Tree, Urls as _};

use super::{nothing_here, query_value};
use crate::app::{App, Asked};
use crate::pages::{
    ASSET_PREFIX, Assets, Card, CardKind, Download, Fact, GalleryView, ItemView, Link, PageKind, PageThumb, Paging,
    Problem as ProblemView, Showing, Site, Thumbnail, ViewerKind, ViewerView, content_security_policy, error, gallery,
    item, viewer,
};
use crate::problem::{Api, Problem, status};
use crate::reply::{Reply, Representation, insert_text, plain};

const HTML: &str = "text/html; charset=utf-8";

/// Objects on one page of the gallery.
const OBJECTS_A_PAGE: usize = 60;

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
    } else {
        let Some(encoded) = path.strip_prefix("/items/").filter(|rest| !rest.is_empty()) else {
            return not_found(app, asked);
        };
        match Identifier::parse_encoded(encoded.trim_end_matches('/')) {
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

fn site(app: &App, asked: &Asked) -> Site {
    let base = &asked.reached.base;
    let behind_host = base.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
    Site { title: app.title(), base_path: behind_host.unwrap_or_default(), ..Site::default() }
}

fn html(asked: &Asked, page: PageKind, status: StatusCode, text: String) -> Reply {
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
    let text = viewer(&ViewerView { site: site(app, asked), kind, query });
    html(asked, PageKind::Viewer(kind), StatusCode::OK, text)
}

async fn item_or_collection(app: &App, asked: &Asked, identifier: &Identifier) -> Result<Reply, ServiceError> {
    let library = app.objects().library();
    if library.tree.object(identifier).is_none() && library.tree.collection(identifier).is_some() {
        return collection_page(app, asked, Some(identifier)).await;
    }
    item_page(app, asked, &library.tree, identifier).await
}

async fn collection_page(app: &App, asked: &Asked, identifier: Option<&Identifier>) -> Result<Reply, ServiceError> {
    let library = app.objects().library();
    let tree = &library.tree;
    let collection = match identifier {
        Some(identifier) => tree
            .collection(identifier)
            .ok_or_else(|| ServiceError::NoSuchObject { what: "collection", identifier: identifier.to_string() })?,
        None => tree.root(),
    };
    app.objects().allow(&asked.caller(), &collection.identifier)?;
    let urls = app.presentation_urls(&asked.reached.base);
    let mut collections = Vec::new();
    let mut objects = Vec::new();
    for member in tree.members(collection) {
        match member {
            Member::Collection(inner) => collections.push(inner),
            Member::Object(object) => objects.push(object),
        }
    }
    let pages = objects.len().div_ceil(OBJECTS_A_PAGE).max(1);
    let page = query_value(asked.parts.uri.query(), "page")
        .and_then(|page| page.parse().ok())
        .unwrap_or(1usize)
        .clamp(1, pages);
    let mut collection_cards = Vec::with_capacity(collections.len());
    for inner in collections {
        collection_cards.push(collection_card(app, asked, tree, inner, &urls).await?);
    }
    let mut object_cards = Vec::new();
    for object in objects.iter().skip((page - 1) * OBJECTS_A_PAGE).take(OBJECTS_A_PAGE) {
        object_cards.push(object_card(app, asked, object, &urls).await?);
    }
    let is_root = tree.parent(collection).is_none();
    let here = if is_root {
        format!("{}/", site(app, asked).base_path)
    } else {
        item_path(app, asked, &collection.identifier)
    };
    let view = GalleryView {
        site: site(app, asked),
        title: if is_root { app.title() } else { collection.label.clone() },
        summary: None,
        breadcrumbs: breadcrumbs(app, asked, tree, tree.parent(collection)),
        collections: collection_cards,
        objects: object_cards,
        object_count: objects.len() as u64,
        paging: (pages > 1).then(|| Paging {
            page: page as u64,
            pages: pages as u64,
            href_template: format!("{here}?page={{page}}"),
        }),
        collection_3: Some(urls.collection(Version::V3, &collection.identifier)),
        collection_2: Some(urls.collection(Version::V2, &collection.identifier)),
    };
    Ok(html(asked, PageKind::Plain, StatusCode::OK, gallery(&view)))
}

/// The way from the root to `last`, which is the last link.
fn breadcrumbs(app: &App, asked: &Asked, tree: &Tree, last: Option<&Collection>) -> Vec<Link> {
    let mut links = Vec::new();
    let mut next = last;
    while let Some(collection) = next {
        let parent = tree.parent(collection);
        let (label, href) = match parent {
            Some(_) => (collection.label.clone(), item_path(app, asked, &collection.identifier)),
            None => (app.title(), format!("{}/", site(app, asked).base_path)),
        };
        links.push(Link { label, href });
        next = parent;
    }
    links.reverse();
    links
}

fn item_path(app: &App, asked: &Asked, identifier: &Identifier) -> String {
    format!("{}/items/{}", site(app, asked).base_path, identifier.encoded())
}

async fn collection_card(
    app: &App,
    asked: &Asked,
    tree: &Tree,
    collection: &Collection,
    urls: &PresentationUrls,
) -> Result<Card, ServiceError> {
    let first = tree.first_object(collection).and_then(|object| object.files.first());
    let thumbnail = match first {
        Some(file) => thumbnail(&app.objects().first_page(file, &asked.caller()).await?, urls),
        None => None,
    };
    Ok(Card {
        kind: CardKind::Collection,
        label: collection.label.clone(),
        href: item_path(app, asked, &collection.identifier),
        thumbnail,
        count: Some(tree.members(collection).count() as u64),
        note: None,
    })
}

async fn object_card(app: &App, asked: &Asked, object: &Object, urls: &PresentationUrls) -> Result<Card, ServiceError> {
    let Some(file) = object.files.first() else {
        return Err(ServiceError::NoSuchObject { what: "object", identifier: object.identifier.to_string() });
    };
    let facts = app.objects().first_page(file, &asked.caller()).await?;
    let is_single = object.files.len() == 1 && facts.pages == 1;
    let note = match &facts.problem {
        Some(_) => Some("cannot be read".to_owned()),
        None if is_single => Some(format!("{} × {}", facts.size.width_px, facts.size.height_px)),
        None => None,
    };
    Ok(Card {
        kind: if is_single { CardKind::Image } else { CardKind::Object },
        label: object.label.clone(),
        href: item_path(app, asked, &object.identifier),
        thumbnail: thumbnail(&facts, urls),
        count: (!is_single)
            .then(|| if object.files.len() == 1 { u64::from(facts.pages) } else { object.files.len() as u64 }),
        note,
    })
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

fn page_identifier(facts: &PageFacts) -> Identifier {
    if facts.page > 1 { Identifier::new(format!("{};{}", facts.file, facts.page)) } else { facts.file.clone() }
}

fn thumbnail(facts: &PageFacts, urls: &PresentationUrls) -> Option<Thumbnail> {
    if facts.problem.is_some() || facts.size.is_empty() {
        return None;
    }
    let service = urls.image(ApiVersion::V3, &page_identifier(facts));
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

async fn item_page(app: &App, asked: &Asked, tree: &Tree, identifier: &Identifier) -> Result<Reply, ServiceError> {
    app.objects().allow(&asked.caller(), identifier)?;
    let urls = app.presentation_urls(&asked.reached.base);
    let Some((object, wanted)) = find_item(tree, identifier) else {
        return Err(ServiceError::NoSuchObject { what: "item", identifier: identifier.to_string() });
    };
    let pages = app.objects().pages(object, &asked.caller()).await?;
    let names = canvas_names(object, &pages);
    let asked_canvas = query_value(asked.parts.uri.query(), "canvas");
    let current = pages
        .iter()
        .zip(&names)
        .position(|(page, name)| match (&asked_canvas, wanted) {
            (Some(canvas), _) => urls.canvas(&object.identifier, name) == *canvas || name == canvas,
            (None, Some(file)) => page.file == *file,
            (None, None) => false,
        })
        .unwrap_or(0);
    let Some(page) = pages.get(current) else {
        return Err(ServiceError::NoSuchObject { what: "item", identifier: identifier.to_string() });
    };
    let image = page_identifier(page);
    let is_readable = page.problem.is_none() && !page.size.is_empty();
    let manifest_3 = urls.manifest(Version::V3, &object.identifier);
    let canvas = names.get(current).map(|name| urls.canvas(&object.identifier, name));
    let shows_image = is_readable && (pages.len() == 1 || wanted.is_some());
    let kind = if shows_image { ViewerKind::OpenSeadragon } else { ViewerKind::Mirador };
    let info = format!("{}/info.json", urls.image(ApiVersion::V3, &image));
    let viewer_query = |kind: ViewerKind| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if kind.opens_info() && is_readable {
            query.append_pair("info", &info);
        } else {
            query.append_pair("manifest", &manifest_3);
            if let Some(canvas) = &canvas {
                query.append_pair("canvas", canvas);
            }
        }
        format!("/viewer/{}?{}", kind.slug(), query.finish())
    };
    let base_path = site(app, asked).base_path;
    let view = ItemView {
        site: site(app, asked),
        title: if shows_image && pages.len() > 1 { image.to_string() } else { object.label.clone() },
        summary: None,
        breadcrumbs: breadcrumbs(app, asked, tree, Some(tree.parent_of(object))),
        showing: if shows_image {
            Showing::Image { info: info.clone() }
        } else {
            Showing::Object { manifest: manifest_3.clone(), canvas: canvas.clone() }
        },
        still: thumbnail(page, &urls),
        manifest_2: Some(urls.manifest(Version::V2, &object.identifier)),
        image_3: is_readable.then(|| urls.image(ApiVersion::V3, &image)),
        image_2: is_readable.then(|| urls.image(ApiVersion::V2, &image)),
        drag_and_drop: Some(format!("{}{}", asked.reached.base, viewer_query(ViewerKind::Mirador))),
        embed: Some(format!("{}{}", asked.reached.base, viewer_query(kind))),
        viewers: ViewerKind::ALL
            .into_iter()
            .map(|kind| Link { label: kind.label().to_owned(), href: format!("{base_path}{}", viewer_query(kind)) })
            .collect(),
        pages: if pages.len() > 1 {
            page_strip(app, asked, object, &pages, &names, current, &urls)
        } else {
            Vec::new()
        },
        downloads: if is_readable { downloads(page, &urls) } else { Vec::new() },
        facts: facts_of(object, page, &pages),
        manifest_3: Some(manifest_3),
    };
    Ok(html(asked, PageKind::Item(kind), StatusCode::OK, item(&view)))
}

/// The object of an identifier; or the object that an image file belongs to, with the file.
fn find_item<'tree>(tree: &'tree Tree, identifier: &Identifier) -> Option<(&'tree Object, Option<&'tree Identifier>)> {
    if let Some(object) = tree.object(identifier) {
        return Some((object, None));
    }
    let folder = identifier
        .as_str()
        .rsplit_once('/')
        .map_or_else(|| tree.root().identifier.clone(), |(folder, _)| Identifier::new(folder));
    let object = tree.object(&folder)?;
    let file = object.files.iter().find(|file| file.identifier == *identifier)?;
    Some((object, Some(&file.identifier)))
}

/// The canvas name of each page: the file's own for its first page, with `;N` for the others.
fn canvas_names(object: &Object, pages: &[PageFacts]) -> Vec<String> {
    let of_file: std::collections::HashMap<_, _> =
        object.files.iter().map(|file| (&file.identifier, &file.canvas)).collect();
    pages
        .iter()
        .map(|page| {
            let name = of_file.get(&page.file).map_or("", |name| name.as_str());
            if page.page > 1 { format!("{name};{}", page.page) } else { name.to_owned() }
        })
        .collect()
}

fn page_strip(
    app: &App,
    asked: &Asked,
    object: &Object,
    pages: &[PageFacts],
    names: &[String],
    current: usize,
    urls: &PresentationUrls,
) -> Vec<PageThumb> {
    let here = item_path(app, asked, &object.identifier);
    pages
        .iter()
        .zip(names)
        .enumerate()
        .map(|(index, (page, name))| {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("canvas", name).finish();
            PageThumb {
                label: name.clone(),
                href: format!("{here}?{query}"),
                thumbnail: thumbnail(page, urls),
                is_current: index == current,
            }
        })
        .collect()
}

fn downloads(page: &PageFacts, urls: &PresentationUrls) -> Vec<Download> {
    let service = urls.image(ApiVersion::V3, &page_identifier(page));
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

fn facts_of(object: &Object, page: &PageFacts, pages: &[PageFacts]) -> Vec<Fact> {
    let fact = |label: &str, value: String| Fact { label: label.to_owned(), values: vec![value], href: None };
    let mut facts = vec![fact("Identifier", object.identifier.to_string())];
    if pages.len() > 1 {
        facts.push(fact("Pages", pages.len().to_string()));
    }
    if page.problem.is_none() {
        facts.push(fact("Size", format!("{} × {} pixels", page.size.width_px, page.size.height_px)));
    }
    facts
}
