//! The gallery: what is in a collection, with pictures.

use super::frame::{Frame, Lazy, missing_viewers, picture_into};
use super::html::{Href, Html, Text, counted, grouped};
use super::search::search_box_into;
use super::views::{Card, CardKind, GalleryView, Paging};

/// How many cards at the top load their pictures at once; the others wait until they come near the window.
const EAGER_CARDS: usize = 8;

/// The page of one collection, or of the library's root.
pub fn gallery(view: &GalleryView) -> String {
    let mut main = Html::default();
    if !view.site.assets.is_built() {
        main.raw(missing_viewers());
    }
    lead_into(&mut main, view);
    if let Some(search) = &view.search {
        search_box_into(&mut main, search);
    }
    if view.collections.is_empty() && view.objects.is_empty() {
        main.raw("<p class=\"empty\">Nothing here yet. Images put into this folder appear by themselves.</p>");
    }
    let both = !view.collections.is_empty() && !view.objects.is_empty();
    if !view.collections.is_empty() {
        section_into(&mut main, both.then_some(("Collections", view.collections.len() as u64)), &view.collections, 0);
    }
    if !view.objects.is_empty() {
        section_into(&mut main, both.then_some(("Objects", view.object_count)), &view.objects, view.collections.len());
    }
    if let Some(paging) = &view.paging {
        paging_into(&mut main, paging);
    }
    links_into(&mut main, view);
    Frame {
        site: &view.site,
        title: &view.title,
        breadcrumbs: &view.breadcrumbs,
        scripts: &[],
        modules: &["ui/recto.js"],
        styles: &[],
        head: &head(view),
        window_filling: false,
        masthead: "",
        main: &main.into_string(),
    }
    .render()
}

fn head(view: &GalleryView) -> String {
    let mut head = Html::default();
    if let Some(url) = &view.collection_3 {
        head.add(format_args!(
            "<link rel=\"alternate\" type=\"application/ld+json;profile=&quot;http://iiif.io/api/presentation/3/context.json&quot;\" href=\"{}\">",
            Href(url)
        ));
    }
    if let Some(paging) = &view.paging {
        neighbours_into(&mut head, paging);
    }
    head.into_string()
}

/// The pages before and after, for the head of a page.
pub(super) fn neighbours_into(head: &mut Html, paging: &Paging) {
    for (rel, page) in [("prev", paging.page.checked_sub(1)), ("next", paging.page.checked_add(1))] {
        if let Some(page) = page.filter(|page| (1..=paging.pages).contains(page)) {
            head.add(format_args!("<link rel=\"{rel}\" href=\"{}\">", Href(&page_href(paging, page))));
        }
    }
}

fn lead_into(main: &mut Html, view: &GalleryView) {
    main.add(format_args!("<div class=\"lead\"><h1>{}</h1>", Text(&view.title)));
    if let Some(summary) = &view.summary {
        main.add(format_args!("<p>{}</p>", Text(summary)));
    }
    let mut counts = Vec::new();
    if !view.collections.is_empty() {
        counts.push(counted(view.collections.len() as u64, "collection", "collections"));
    }
    if view.object_count > 0 {
        counts.push(counted(view.object_count, "object", "objects"));
    }
    if !counts.is_empty() {
        main.add(format_args!("<p class=\"counts\">{}</p>", counts.join(", ")));
    }
    main.raw("</div>");
}

fn section_into(main: &mut Html, title: Option<(&str, u64)>, cards: &[Card], shown_before: usize) {
    main.raw("<section>");
    if let Some((title, count)) = title {
        main.add(format_args!("<h2 class=\"section-title\">{title} <small>{}</small></h2>", grouped(count)));
    }
    main.raw("<ul class=\"cards\">");
    for (index, card) in cards.iter().enumerate() {
        let lazy = if shown_before + index < EAGER_CARDS { Lazy::No } else { Lazy::Yes };
        card_into(main, card, lazy);
    }
    main.raw("</ul></section>");
}

fn card_into(main: &mut Html, card: &Card, lazy: Lazy) {
    let class = match card.kind {
        CardKind::Collection => "card card-collection",
        CardKind::Object => "card card-object",
        CardKind::Image => "card card-image",
    };
    main.add(format_args!("<li class=\"{class}\"><div class=\"card-picture\">"));
    match &card.thumbnail {
        // The label stands right below as the link's text, so the picture needs none of its own.
        Some(thumbnail) => picture_into(main, thumbnail, "", lazy),
        None => main.raw("<div class=\"card-blank\"></div>"),
    }
    main.add(format_args!("</div><div class=\"card-text\"><a href=\"{}\">{}</a>", Href(&card.href), Text(&card.label)));
    let count = card.count.map(|count| match card.kind {
        CardKind::Collection => counted(count, "object", "objects"),
        CardKind::Object | CardKind::Image => counted(count, "page", "pages"),
    });
    let kind = (card.kind == CardKind::Collection).then(|| "Collection".to_owned());
    let notes: Vec<String> = [kind, count, card.note.clone()].into_iter().flatten().collect();
    if !notes.is_empty() {
        main.add(format_args!("<span class=\"card-note\">{}</span>", Text(&notes.join(" · "))));
    }
    main.raw("</div></li>");
}

fn page_href(paging: &Paging, page: u64) -> String {
    paging.href_template.replace("{page}", &page.to_string())
}

/// First, last, and two on each side of the page shown; a gap where numbers are left out.
pub(super) fn paging_into(main: &mut Html, paging: &Paging) {
    main.raw("<nav class=\"paging\" aria-label=\"Pages\">");
    if paging.page > 1 {
        main.add(format_args!("<a rel=\"prev\" href=\"{}\">Previous</a>", Href(&page_href(paging, paging.page - 1))));
    }
    let near = paging.page.saturating_sub(2)..=paging.page.saturating_add(2);
    let shown = [1, paging.pages].into_iter().chain(near).filter(|page| (1..=paging.pages).contains(page));
    let shown: std::collections::BTreeSet<u64> = shown.collect();
    let mut before = 0;
    for page in shown {
        if page > before + 1 {
            main.raw("<span class=\"gap\" aria-hidden=\"true\">…</span>");
        }
        before = page;
        if page == paging.page {
            main.add(format_args!("<span aria-current=\"page\">{}</span>", grouped(page)));
        } else {
            main.add(format_args!(
                "<a href=\"{}\" aria-label=\"Page {page}\">{}</a>",
                Href(&page_href(paging, page)),
                grouped(page)
            ));
        }
    }
    if paging.page < paging.pages {
        main.add(format_args!("<a rel=\"next\" href=\"{}\">Next</a>", Href(&page_href(paging, paging.page + 1))));
    }
    main.raw("</nav>");
}

fn links_into(main: &mut Html, view: &GalleryView) {
    if view.collection_3.is_none() && view.collection_2.is_none() {
        return;
    }
    main.raw(
        "<section class=\"panels\"><div class=\"panel\"><h2>For software</h2><p>This collection as IIIF documents.</p>",
    );
    super::item::copy_field(main, "collection-3", "Collection, Presentation 3.0", view.collection_3.as_deref());
    super::item::copy_field(main, "collection-2", "Collection, Presentation 2.1", view.collection_2.as_deref());
    main.raw("</div></section>");
}

#[cfg(test)]
mod tests {
    use super::super::Assets;
    use super::super::views::{Link, Site, Thumbnail};
    use super::*;

    fn card(kind: CardKind, label: &str) -> Card {
        Card {
            kind,
            label: label.to_owned(),
            href: format!("/items/{label}"),
            thumbnail: Some(Thumbnail {
                src: "/iiif/3/a/full/120,80/0/default.jpg".to_owned(),
                src_double: Some("/iiif/3/a/full/240,160/0/default.jpg".to_owned()),
                width_px: 120,
                height_px: 80,
            }),
            count: Some(8),
            note: None,
        }
    }

    fn view() -> GalleryView {
        GalleryView {
            site: Site { assets: Assets::none(), ..Site::default() },
            title: "Maps".to_owned(),
            summary: None,
            breadcrumbs: vec![Link { label: "Library".to_owned(), href: "/".to_owned() }],
            search: None,
            collections: vec![card(CardKind::Collection, "Old")],
            objects: vec![card(CardKind::Object, "Book"), card(CardKind::Image, "Sheet")],
            object_count: 2,
            paging: None,
            collection_3: Some("https://example.org/iiif/presentation/3/maps/collection".to_owned()),
            collection_2: None,
        }
    }

    #[test]
    fn every_card_links_its_page_and_shows_its_picture_at_its_size() {
        let html = gallery(&view());
        for label in ["Old", "Book", "Sheet"] {
            assert!(html.contains(&format!("<a href=\"/items/{label}\">{label}</a>")), "{label}");
        }
        assert_eq!(html.matches("width=\"120\" height=\"80\"").count(), 3);
        assert_eq!(html.matches("srcset=").count(), 3);
        assert!(html.contains("1 collection, 2 objects"));
        assert!(html.contains("Collection · 8 objects"));
        assert!(html.contains("8 pages"));
    }

    #[test]
    fn a_field_to_search_in_is_there_where_there_is_text() {
        let mut view = view();
        assert!(!gallery(&view).contains("role=\"search\""));
        view.search = Some(super::super::SearchBox {
            label: "Search in this collection".to_owned(),
            action: "/items/maps/search".to_owned(),
            query: String::new(),
        });
        let html = gallery(&view);
        assert!(html.contains("role=\"search\"") && html.contains("action=\"/items/maps/search\""));
    }

    #[test]
    fn labels_from_files_cannot_inject_markup() {
        let mut view = view();
        view.title = "<script>alert(1)</script>".to_owned();
        view.objects[0].label = "\"><img src=x onerror=alert(1)>".to_owned();
        view.objects[0].href = "javascript:alert(1)".to_owned();
        let html = gallery(&view);
        assert!(!html.contains("<script>alert"));
        assert!(!html.contains("<img src=x"));
        assert!(!html.contains("javascript:"));
    }

    #[test]
    fn paging_shows_the_ends_the_neighbours_and_gaps() {
        let mut html = Html::default();
        paging_into(&mut html, &Paging { page: 7, pages: 40, href_template: "?page={page}".to_owned() });
        let html = html.into_string();
        for page in [1, 5, 6, 8, 9, 40] {
            assert!(html.contains(&format!("href=\"?page={page}\" aria-label")), "{page}");
        }
        assert!(!html.contains("?page=4\""));
        assert_eq!(html.matches("class=\"gap\"").count(), 2);
        assert!(html.contains("<span aria-current=\"page\">7</span>"));
        assert!(html.contains("rel=\"prev\" href=\"?page=6\"") && html.contains("rel=\"next\" href=\"?page=8\""));
    }

    #[test]
    fn the_ends_of_paging_have_no_way_further() {
        for (page, absent) in [(1, "rel=\"prev\""), (3, "rel=\"next\"")] {
            let mut html = Html::default();
            paging_into(&mut html, &Paging { page, pages: 3, href_template: "?page={page}".to_owned() });
            assert!(!html.into_string().contains(absent), "{page}");
        }
    }

    #[test]
    fn a_build_without_viewers_says_so_and_how_to_get_them() {
        let html = gallery(&view());
        assert!(html.contains("carries no viewers") && html.contains("make serve"));
    }

    #[test]
    fn an_empty_folder_says_what_to_do() {
        let mut view = view();
        view.collections.clear();
        view.objects.clear();
        view.object_count = 0;
        assert!(gallery(&view).contains("Nothing here yet"));
    }
}
