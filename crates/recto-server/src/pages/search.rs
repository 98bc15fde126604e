//! The page of results: what was found in the text of an object or a collection, with the lines as pictures.

use super::frame::{Frame, Lazy, picture_into};
use super::gallery::{neighbours_into, paging_into};
use super::html::{Href, Html, Text, counted, grouped};
use super::views::{SearchBox, SearchHit, SearchView};

/// How many hits at the top load their pictures at once.
const EAGER_HITS: usize = 4;

/// The page of results of one search.
pub fn search(view: &SearchView) -> String {
    let mut main = Html::default();
    main.add(format_args!("<div class=\"lead\"><h1>Search in {}</h1></div>", Text(&view.title)));
    search_box_into(&mut main, &view.search);
    if let Some(notice) = &view.notice {
        main.add(format_args!("<p class=\"notice\" role=\"note\">{}</p>", Text(notice)));
    }
    if view.search.query.trim().is_empty() {
        main.raw("<div class=\"empty\">");
        advice_into(&mut main);
        main.raw("</div>");
    } else if view.total == 0 {
        nothing_into(&mut main, view);
    } else {
        hits_into(&mut main, view);
    }
    Frame {
        site: &view.site,
        title: &title(view),
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

fn title(view: &SearchView) -> String {
    match view.search.query.trim() {
        "" => "Search".to_owned(),
        query => format!("Search: {query}"),
    }
}

fn head(view: &SearchView) -> String {
    let mut head = Html::default();
    // There are as many pages of results as there are words.
    head.raw("<meta name=\"robots\" content=\"noindex\">");
    if let Some(paging) = &view.paging {
        neighbours_into(&mut head, paging);
    }
    head.into_string()
}

/// The field to search in, as all pages show it.
pub(super) fn search_box_into(main: &mut Html, search: &SearchBox) {
    main.add(format_args!(
        "<form class=\"search\" role=\"search\" method=\"get\" action=\"{}\"><label for=\"search-q\">{}</label>\
         <div class=\"search-row\"><input id=\"search-q\" name=\"q\" type=\"search\" value=\"{}\" maxlength=\"2000\" \
         autocomplete=\"off\" spellcheck=\"false\"><button class=\"button button-strong\">Search</button></div></form>",
        Href(&search.action),
        Text(&search.label),
        Text(&search.query)
    ));
}

fn hits_into(main: &mut Html, view: &SearchView) {
    let many = if view.has_more { "more than " } else { "" };
    main.add(format_args!(
        "<h2 class=\"section-title\" id=\"results\">Results <small>{many}{}</small></h2>\
         <ol class=\"hits\" start=\"{}\" aria-labelledby=\"results\">",
        counted(view.total, "match", "matches"),
        view.before_this_page + 1
    ));
    for (index, hit) in view.hits.iter().enumerate() {
        hit_into(main, hit, if index < EAGER_HITS { Lazy::No } else { Lazy::Yes });
    }
    main.raw("</ol>");
    if view.hits.is_empty() {
        main.add(format_args!(
            "<p class=\"empty\">There is no such page; all {} matches are on the pages before.</p>",
            grouped(view.total)
        ));
    }
    if let Some(paging) = &view.paging {
        paging_into(main, paging);
    }
}

/// The text is the link's name; the picture shows the same, so it has none of its own.
fn hit_into(main: &mut Html, hit: &SearchHit, lazy: Lazy) {
    main.add(format_args!("<li class=\"hit\"><a class=\"hit-link\" href=\"{}\">", Href(&hit.href)));
    if let Some(strip) = &hit.strip {
        main.raw("<span class=\"hit-strip\">");
        picture_into(main, strip, "", lazy);
        main.raw("</span>");
    }
    main.raw("<span class=\"hit-text\" dir=\"auto\"");
    if let Some(language) = &hit.language {
        main.add(format_args!(" lang=\"{}\"", Text(language)));
    }
    main.add(format_args!(">{}<mark>{}</mark>{}</span></a>", Text(&hit.before), Text(&hit.exact), Text(&hit.after)));
    main.add(format_args!("<p class=\"hit-place\">{}", Text(&hit.place)));
    if let Some(object) = &hit.object {
        let separator = if hit.place.is_empty() { "" } else { " · " };
        main.add(format_args!("{separator}<a href=\"{}\">{}</a>", Href(&object.href), Text(&object.label)));
    }
    main.raw("</p></li>");
}

fn nothing_into(main: &mut Html, view: &SearchView) {
    main.add(format_args!(
        "<div class=\"empty\"><p><strong>Nothing was found for “{}”.</strong></p>",
        Text(view.search.query.trim())
    ));
    if !view.suggestions.is_empty() {
        main.raw("<p id=\"suggestions\">These are there:</p><ul class=\"buttons\" aria-labelledby=\"suggestions\">");
        for link in &view.suggestions {
            main.add(format_args!(
                "<li><a class=\"button\" href=\"{}\">{}</a></li>",
                Href(&link.href),
                Text(&link.label)
            ));
        }
        main.raw("</ul>");
    }
    advice_into(main);
    main.raw("</div>");
}

fn advice_into(main: &mut Html) {
    main.raw(
        "<ul class=\"advice\"><li>Fewer words find more.</li>\
         <li><kbd>\"two words\"</kbd> finds them side by side, also over the end of a line.</li>\
         <li><kbd>libr*</kbd> finds all words that begin so.</li>\
         <li><kbd>libary~</kbd> finds words that are almost the same: text that was recognised by a machine has errors.</li>\
         <li><kbd>-word</kbd> leaves out pages that have it.</li></ul>",
    );
}

#[cfg(test)]
mod tests {
    use super::super::Assets;
    use super::super::views::{Link, Paging, Site, Thumbnail};
    use super::*;

    fn hit(number: u32) -> SearchHit {
        SearchHit {
            before: "There are two ".to_owned(),
            exact: "birds".to_owned(),
            after: format!(" in bush {number}"),
            language: Some("en".to_owned()),
            href: format!("/viewer/mirador?manifest=m&canvas=c{number}"),
            place: format!("Page {number}"),
            object: None,
            strip: Some(Thumbnail {
                src: format!("/iiif/3/p{number}/100,100,800,120/800,/0/default.jpg"),
                src_double: None,
                width_px: 800,
                height_px: 120,
            }),
        }
    }

    fn view() -> SearchView {
        SearchView {
            site: Site { assets: Assets::none(), ..Site::default() },
            title: "A book".to_owned(),
            breadcrumbs: vec![Link { label: "A book".to_owned(), href: "/items/book".to_owned() }],
            search: SearchBox {
                label: "Search in this object".to_owned(),
                action: "/items/book/search".to_owned(),
                query: "bird".to_owned(),
            },
            notice: None,
            total: 125,
            has_more: false,
            before_this_page: 20,
            hits: (1..=6).map(hit).collect(),
            paging: Some(Paging {
                page: 2,
                pages: 7,
                href_template: "/items/book/search?q=bird&page={page}".to_owned(),
            }),
            suggestions: Vec::new(),
        }
    }

    #[test]
    fn each_hit_links_the_viewer_and_marks_the_match_in_its_text() {
        let html = search(&view());
        assert!(html.contains("<mark>birds</mark> in bush 3"));
        assert!(html.contains("<a class=\"hit-link\" href=\"/viewer/mirador?manifest=m&amp;canvas=c3\">"));
        assert!(html.contains("<span class=\"hit-text\" dir=\"auto\" lang=\"en\">There are two <mark>"));
        assert!(html.contains("<p class=\"hit-place\">Page 3</p>"));
        assert!(html.contains("125 matches") && html.contains("<ol class=\"hits\" start=\"21\""));
    }

    #[test]
    fn the_lines_are_pictures_of_known_size_and_only_the_first_load_at_once() {
        let html = search(&view());
        assert!(
            html.contains(
                "src=\"/iiif/3/p1/100,100,800,120/800,/0/default.jpg\" alt=\"\" width=\"800\" height=\"120\""
            )
        );
        assert_eq!(html.matches("loading=\"lazy\"").count(), 2);
    }

    #[test]
    fn the_field_keeps_what_was_searched_for_and_has_a_label() {
        let html = search(&view());
        assert!(html.contains("<form class=\"search\" role=\"search\" method=\"get\" action=\"/items/book/search\">"));
        assert!(html.contains("<label for=\"search-q\">Search in this object</label>"));
        assert!(html.contains("name=\"q\" type=\"search\" value=\"bird\""));
        assert!(html.contains("<title>Search: bird · Recto</title>"));
    }

    #[test]
    fn pages_of_results_link_each_other_and_are_not_for_search_engines() {
        let html = search(&view());
        for part in [
            "<link rel=\"prev\" href=\"/items/book/search?q=bird&amp;page=1\">",
            "<link rel=\"next\" href=\"/items/book/search?q=bird&amp;page=3\">",
            "<nav class=\"paging\"",
            "<span aria-current=\"page\">2</span>",
            "content=\"noindex\"",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn results_of_a_collection_name_their_object() {
        let mut view = view();
        view.hits[0].object = Some(Link { label: "Volume <2>".to_owned(), href: "/items/v2".to_owned() });
        view.has_more = true;
        let html = search(&view);
        assert!(html.contains("Page 1 · <a href=\"/items/v2\">Volume &lt;2&gt;</a>"));
        assert!(html.contains("more than 125 matches"));
    }

    #[test]
    fn nothing_found_says_so_with_advice_and_searches_that_find_something() {
        let mut view = view();
        (view.total, view.hits, view.paging) = (0, Vec::new(), None);
        view.suggestions = vec![Link { label: "birth".to_owned(), href: "/items/book/search?q=birth".to_owned() }];
        view.search.query = "birrd".to_owned();
        let html = search(&view);
        assert!(html.contains("Nothing was found for “birrd”.") && html.contains("class=\"advice\""));
        assert!(html.contains("<a class=\"button\" href=\"/items/book/search?q=birth\">birth</a>"));
        assert!(!html.contains("<ol class=\"hits\"") && !html.contains("id=\"results\""));
    }

    #[test]
    fn without_a_query_there_is_only_advice() {
        let mut view = view();
        (view.total, view.hits, view.paging) = (0, Vec::new(), None);
        view.search.query = "  ".to_owned();
        let html = search(&view);
        assert!(html.contains("class=\"advice\"") && !html.contains("Nothing was found"));
        assert!(html.contains("<title>Search · Recto</title>"));
    }

    #[test]
    fn texts_and_queries_cannot_inject_markup() {
        let mut view = view();
        let evil = "\"><script>alert(1)</script>";
        view.search.query = evil.to_owned();
        view.title = evil.to_owned();
        view.notice = Some(evil.to_owned());
        view.hits[0] = SearchHit {
            before: evil.to_owned(),
            exact: evil.to_owned(),
            after: evil.to_owned(),
            language: Some(evil.to_owned()),
            href: "javascript:alert(1)".to_owned(),
            place: evil.to_owned(),
            object: Some(Link { label: evil.to_owned(), href: "javascript:alert(1)".to_owned() }),
            strip: None,
        };
        let html = search(&view);
        assert!(!html.contains("<script>alert") && !html.contains("javascript:"));
        assert!(!html.contains(" style=") && !html.contains(" onclick"));
    }

    #[test]
    fn a_page_after_the_last_says_so() {
        let mut view = view();
        view.hits = Vec::new();
        assert!(search(&view).contains("There is no such page"));
    }
}
