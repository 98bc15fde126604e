//! `/items/{id}/search?q=…` and `/search?q=…`: what was found in the text of an object or a collection, as a page for people.

use http::StatusCode;
use recto_iiif::content_state::{CanvasRegion, ContentState, Target, Viewer};
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::Version;
use recto_iiif::search::{Found, FoundHit, Scope, SearchRequest, Total, Version as SearchVersion};
use recto_iiif::{Dimensions, Rect};
use recto_service::{HitPlace, Item, ItemKind, ServiceError, SiteUrls, Urls as _, label};

use super::pages::{breadcrumbs, html, item_path, site, text_of};
use crate::app::{App, Asked};
use crate::pages::{Link, PageKind, Paging, SearchBox, SearchHit, SearchView, Thumbnail, search};
use crate::reply::Reply;

/// Widest picture of a line, in pixels.
const STRIP_PX: u32 = 800;
/// Terms that are offered when nothing was found.
const MOST_SUGGESTIONS: usize = 8;

/// The page of results in an object or collection.
pub(super) async fn page(app: &App, asked: &Asked, identifier: Option<&Identifier>) -> Result<Reply, ServiceError> {
    let (item, scope) = subject(app, asked, identifier).await?;
    let identifier = Identifier::new(&*item.identifier);
    let (urls, caller) = (app.urls(&asked.reached.base), asked.caller());
    let query = asked.parts.uri.query().unwrap_or_default();
    let (request, notice) = match SearchRequest::parse(query, SearchVersion::V2) {
        Ok((request, _)) => (request, None),
        Err(error) => (SearchRequest::default(), Some(error.to_string())),
    };
    let found = app.search().search(&identifier, &scope, &request, &urls, &caller).await?;
    let places = app.search().places(&found.hits, &urls).await?;
    let mut crumbs = match &item.parent {
        Some(parent) => breadcrumbs(app, asked, parent).await?,
        None => Vec::new(),
    };
    let (title, href) = if item.parent.is_none() && scope == Scope::Collection {
        (app.title(), format!("{}/", site(app, asked).base_path))
    } else {
        (text_of(&label(&item.label)), item_path(app, asked, &identifier))
    };
    crumbs.push(Link { label: title.clone(), href });
    let field = search_box(app, asked, item.kind, &identifier, item.parent.is_none(), &request.q);
    let here = format!("{}?q={}", field.action, Identifier::new(&*request.q).encoded());
    let suggestions = if found.hits_total.counted() == 0 && !request.q.is_empty() {
        suggestions(app, &identifier, &scope, &request, &urls, asked, &field.action).await?
    } else {
        Vec::new()
    };
    let pages = found.pages.unwrap_or(found.page);
    let view = SearchView {
        site: site(app, asked),
        title,
        breadcrumbs: crumbs,
        notice,
        total: found.hits_total.counted(),
        has_more: matches!(found.hits_total, Total::AtLeast(_)),
        before_this_page: found.first_hit,
        paging: (pages > 1).then(|| Paging {
            page: request.page.min(pages),
            pages,
            href_template: format!("{here}&page={{page}}"),
        }),
        hits: hits(app, asked, &found, &places, &urls),
        suggestions,
        search: field,
    };
    Ok(html(asked, PageKind::Plain, StatusCode::OK, search(&view)))
}

/// The field to search in an object or collection.
pub(super) fn search_box(
    app: &App,
    asked: &Asked,
    kind: ItemKind,
    identifier: &Identifier,
    is_root: bool,
    query: &str,
) -> SearchBox {
    let (label, action) = match kind {
        ItemKind::Collection if is_root => ("Search in all texts", format!("{}/search", site(app, asked).base_path)),
        ItemKind::Collection => ("Search in this collection", format!("{}/search", item_path(app, asked, identifier))),
        ItemKind::Manifest => ("Search in this object", format!("{}/search", item_path(app, asked, identifier))),
    };
    SearchBox { label: label.to_owned(), action, query: query.to_owned() }
}

async fn subject(app: &App, asked: &Asked, identifier: Option<&Identifier>) -> Result<(Item, Scope), ServiceError> {
    let Some(identifier) = identifier else { return Ok((app.objects().root().await?, Scope::Collection)) };
    app.objects().allow(&asked.caller(), identifier)?;
    match app.objects().item(ItemKind::Manifest, identifier).await {
        Err(ServiceError::NoSuchObject { .. }) => {
            Ok((app.objects().item(ItemKind::Collection, identifier).await?, Scope::Collection))
        }
        item => Ok((item?, Scope::Manifest)),
    }
}

/// Terms that are there and begin as what was searched for, each letter shorter until there are some.
async fn suggestions(
    app: &App,
    identifier: &Identifier,
    scope: &Scope,
    request: &SearchRequest,
    urls: &SiteUrls,
    asked: &Asked,
    action: &str,
) -> Result<Vec<Link>, ServiceError> {
    let Some(word) = request.q.split(|letter: char| !letter.is_alphanumeric()).find(|word| !word.is_empty()) else {
        return Ok(Vec::new());
    };
    let letters: Vec<char> = word.chars().collect();
    for length in (letters.len() / 2..=letters.len()).rev().filter(|length| *length > 1).take(8) {
        let shorter = SearchRequest { q: letters[..length].iter().collect(), page: 1, ..request.clone() };
        let terms = app.search().complete(identifier, scope, &shorter, urls, &asked.caller()).await?;
        if !terms.is_empty() {
            let link = |term: recto_iiif::search::Term| Link {
                href: format!("{action}?q={}", Identifier::new(term.query()).encoded()),
                label: term.value,
            };
            return Ok(terms.into_iter().take(MOST_SUGGESTIONS).map(link).collect());
        }
    }
    Ok(Vec::new())
}

fn hits(app: &App, asked: &Asked, found: &Found, places: &[Option<HitPlace>], urls: &SiteUrls) -> Vec<SearchHit> {
    let hit = |(hit, place): (&FoundHit, &Option<HitPlace>)| {
        let part = hit.parts.first()?;
        let place = place.as_ref()?;
        let manifest = urls.manifest(Version::V3, &place.object);
        let object = part
            .part_of
            .as_ref()
            .map(|container| Link { label: text_of(&container.label), href: item_path(app, asked, &place.object) });
        let time = part.time_s.map(|(from, _)| clock(from));
        Some(SearchHit {
            before: hit.before.clone(),
            exact: hit.exact.clone(),
            after: hit.after.clone(),
            language: None,
            href: viewer_at(app, asked, &part.canvas, &manifest, part.area, part.canvas_size),
            place: time.unwrap_or_else(|| place.label.clone()),
            object,
            strip: part.area.zip(place.picture.as_ref()).map(|(area, (image, size))| strip(area, image, *size, urls)),
        })
    };
    found.hits.iter().zip(places).filter_map(hit).collect()
}

fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// The viewer at a place of a canvas.
fn viewer_at(
    app: &App,
    asked: &Asked,
    canvas: &str,
    manifest: &str,
    area: Option<Rect>,
    size: Option<Dimensions>,
) -> String {
    let mut target = Target::canvas(canvas, manifest);
    target.region = area.map(|area| CanvasRegion::pixels(area.x.into(), area.y.into(), area.w.into(), area.h.into()));
    let page = format!("{}/viewer/{}", site(app, asked).base_path, Viewer::Mirador.slug());
    let link = ContentState::new(vec![target]).link_for(Viewer::Mirador, size);
    link.map_or_else(|| page.clone(), |link| link.url(&page))
}

/// The lines around a match: so wide that some words beside it are seen.
fn strip(area: Rect, image: &Identifier, size: Dimensions, urls: &SiteUrls) -> Thumbnail {
    let region = around(area, size);
    let width = region.w.min(STRIP_PX);
    let scaled = (u64::from(region.h) * u64::from(width) + u64::from(region.w) / 2) / u64::from(region.w.max(1));
    let height = scaled.clamp(1, u64::from(u32::MAX)) as u32;
    let service = urls.image(ApiVersion::V3, image);
    Thumbnail {
        src: format!("{service}/{region}/{width},{height}/0/default.jpg"),
        src_double: None,
        width_px: width,
        height_px: height,
    }
}

fn around(area: Rect, size: Dimensions) -> Rect {
    let high = area.h.saturating_mul(2).min(size.height_px).max(1);
    let wide = area.w.max(area.h.saturating_mul(20)).min(size.width_px).max(1);
    let start = |from: u32, length: u32, wanted: u32, most: u32| {
        let middle = u64::from(from) + u64::from(length) / 2;
        (middle.saturating_sub(u64::from(wanted) / 2) as u32).min(most - wanted)
    };
    Rect {
        x: start(area.x, area.w, wide, size.width_px),
        y: start(area.y, area.h, high, size.height_px),
        w: wide,
        h: high,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_shows_the_words_beside_a_match_and_stays_on_the_page() {
        let size = Dimensions::new(2000, 3000);
        for (area, want) in [
            (Rect { x: 1000, y: 500, w: 100, h: 40 }, Rect { x: 650, y: 480, w: 800, h: 80 }),
            (Rect { x: 0, y: 0, w: 100, h: 40 }, Rect { x: 0, y: 0, w: 800, h: 80 }),
            (Rect { x: 1950, y: 2980, w: 50, h: 20 }, Rect { x: 1600, y: 2960, w: 400, h: 40 }),
            (Rect { x: 10, y: 10, w: 1980, h: 400 }, Rect { x: 0, y: 0, w: 2000, h: 800 }),
        ] {
            assert_eq!(around(area, size), want, "{area:?}");
        }
    }

    #[test]
    fn times_are_those_of_a_clock() {
        assert_eq!((clock(7.9), clock(61.0), clock(3725.0)), ("0:07".into(), "1:01".into(), "1:02:05".into()));
    }
}
