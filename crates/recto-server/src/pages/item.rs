//! The page of one object or image: the viewer, its pages, and what one can take away.

use super::frame::{Frame, Lazy, asset, missing_viewers, picture_into};
use super::html::{Href, Html, Text, grouped};
use super::search::search_box_into;
use super::stage::{Bundle, Stage, bundle, notes_into};
use super::views::{Fact, ItemView, PageThumb};

/// The page of one object or image.
pub fn item(view: &ItemView) -> String {
    let Bundle { scripts, modules, styles } = bundle(view.viewer);
    let modules = [&["ui/recto.js"], modules].concat();
    let mut main = Html::default();
    main.add(format_args!("<div class=\"lead\"><h1>{}</h1>", Text(&view.title)));
    if let Some(summary) = &view.summary {
        main.add(format_args!("<p>{}</p>", Text(summary)));
    }
    main.raw("</div>");
    if let Some(search) = &view.search {
        search_box_into(&mut main, search);
    }
    notes_into(&mut main, &view.opening.notes);
    stage_into(&mut main, view);
    strip_into(&mut main, &view.pages);
    main.raw("<div class=\"panels\">");
    facts_into(&mut main, &view.facts);
    addresses_into(&mut main, view);
    take_away_into(&mut main, view);
    main.raw("</div>");
    Frame {
        site: &view.site,
        title: &view.title,
        breadcrumbs: &view.breadcrumbs,
        scripts,
        modules: &modules,
        styles,
        head: &head(view),
        window_filling: false,
        masthead: "",
        main: &main.into_string(),
    }
    .render()
}

fn head(view: &ItemView) -> String {
    let mut head = Html::default();
    if let Some(url) = &view.manifest_3 {
        head.add(format_args!(
            "<link rel=\"alternate\" type=\"application/ld+json;profile=&quot;http://iiif.io/api/presentation/3/context.json&quot;\" href=\"{}\">",
            Href(url)
        ));
    }
    head.into_string()
}

fn stage_into(main: &mut Html, view: &ItemView) {
    if !view.site.assets.is_built() {
        main.raw(missing_viewers());
        if let Some(still) = &view.still {
            picture_into(main, still, &view.title, Lazy::No);
        }
        return;
    }
    let stage = Stage {
        kind: view.viewer,
        opening: &view.opening,
        annotations: view.annotations.as_deref(),
        is_embedded: true,
        heading: None,
        still: view.still.as_ref().map(|still| (still, view.title.as_str())),
    };
    stage.write_into(main);
}

fn strip_into(main: &mut Html, pages: &[PageThumb]) {
    if pages.is_empty() {
        return;
    }
    main.raw("<nav aria-label=\"Pages\"><ol class=\"strip\">");
    for page in pages {
        let current = if page.is_current { " aria-current=\"page\"" } else { "" };
        main.add(format_args!("<li><a href=\"{}\"{current}>", Href(&page.href)));
        if let Some(thumbnail) = &page.thumbnail {
            picture_into(main, thumbnail, "", Lazy::Yes);
        }
        main.add(format_args!("<span>{}</span></a></li>", Text(&page.label)));
    }
    main.raw("</ol></nav>");
}

fn facts_into(main: &mut Html, facts: &[Fact]) {
    if facts.is_empty() {
        return;
    }
    main.raw("<section class=\"panel\"><h2>About</h2><dl>");
    for fact in facts {
        main.add(format_args!("<div><dt>{}</dt>", Text(&fact.label)));
        for value in &fact.values {
            match &fact.href {
                Some(href) => main.add(format_args!("<dd><a href=\"{}\">{}</a></dd>", Href(href), Text(value))),
                None => main.add(format_args!("<dd>{}</dd>", Text(value))),
            }
        }
        main.raw("</div>");
    }
    main.raw("</dl></section>");
}

fn addresses_into(main: &mut Html, view: &ItemView) {
    main.raw("<section class=\"panel\"><h2>IIIF addresses</h2>");
    if let Some(drag) = &view.drag_and_drop {
        drag_into(main, view, drag);
    }
    copy_field(main, "manifest-3", "Manifest, Presentation 3.0", view.manifest_3.as_deref());
    copy_field(main, "manifest-2", "Manifest, Presentation 2.1", view.manifest_2.as_deref());
    copy_field(main, "image-3", "Image service, Image API 3.0", view.image_3.as_deref());
    copy_field(main, "image-2", "Image service, Image API 2.1", view.image_2.as_deref());
    main.raw("</section>");
}

/// The picture is not draggable: a dragged picture takes a file along, which some viewers prefer to the link and then open nothing.
fn drag_into(main: &mut Html, view: &ItemView, drag: &str) {
    main.add(format_args!(
        "<div class=\"drag\"><a href=\"{}\" data-drag=\"{}\" title=\"Drag onto an IIIF viewer\">",
        Href(drag),
        Text(view.drag_text.as_deref().unwrap_or_default())
    ));
    match asset(&view.site, "ui/drag.svg") {
        Some(icon) => main.add(format_args!(
            "<img src=\"{}\" alt=\"IIIF: drag and drop\" width=\"44\" height=\"36\" draggable=\"false\">",
            Href(&icon)
        )),
        None => main.raw("IIIF"),
    }
    main.raw("</a><p>Drag this onto the window of another IIIF viewer to open it there, or follow it to open Mirador here.</p></div>");
}

fn take_away_into(main: &mut Html, view: &ItemView) {
    if !view.viewers.is_empty() {
        main.raw("<section class=\"panel\"><h2>Open in another viewer</h2><ul class=\"buttons\">");
        for link in &view.viewers {
            main.add(format_args!(
                "<li><a class=\"button\" href=\"{}\">{}</a></li>",
                Href(&link.href),
                Text(&link.label)
            ));
        }
        main.raw("</ul></section>");
    }
    if !view.downloads.is_empty() {
        main.raw("<section class=\"panel\"><h2>Download</h2><ul class=\"downloads\">");
        for download in &view.downloads {
            main.add(format_args!(
                "<li><a href=\"{}\" download>{} <span>{} × {} · {}</span></a></li>",
                Href(&download.href),
                Text(&download.label),
                grouped(download.width_px.into()),
                grouped(download.height_px.into()),
                Text(&download.format)
            ));
        }
        main.raw("</ul></section>");
    }
    if let Some(embed) = &view.embed {
        let snippet = format!(
            "<iframe src=\"{}\" title=\"{}\" width=\"800\" height=\"600\" allow=\"fullscreen\" loading=\"lazy\"></iframe>",
            Href(embed),
            Text(&view.title)
        );
        main.raw("<section class=\"panel\"><h2>Embed</h2><div class=\"copy\"><label for=\"embed\">HTML for your own page</label><div class=\"copy-row\">");
        main.add(format_args!(
            "<textarea id=\"embed\" readonly spellcheck=\"false\" rows=\"3\">{}</textarea>",
            Text(&snippet)
        ));
        main.raw("<button class=\"button\" type=\"button\" data-copy=\"embed\" aria-label=\"Copy the HTML for embedding\" hidden>Copy</button></div></div></section>");
    }
}

/// A read-only field with a copy button; the button appears only where scripts run. Nothing without a value.
pub(super) fn copy_field(main: &mut Html, id: &str, label: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    main.add(format_args!(
        "<div class=\"copy\"><label for=\"{id}\">{label}</label><div class=\"copy-row\">\
         <input id=\"{id}\" readonly spellcheck=\"false\" value=\"{}\">\
         <button class=\"button\" type=\"button\" data-copy=\"{id}\" aria-label=\"Copy: {label}\" hidden>Copy</button></div></div>",
        Text(value)
    ));
}

#[cfg(test)]
mod tests {
    use super::super::Assets;
    use super::super::views::{Download, Link, Opening, Site, Thumbnail, ViewerKind};
    use super::*;

    fn view(assets: Assets) -> ItemView {
        let manifest = "https://example.org/iiif/presentation/3/book/manifest".to_owned();
        ItemView {
            site: Site { assets, ..Site::default() },
            title: "A \"book\" & more".to_owned(),
            summary: Some("Of maps.".to_owned()),
            breadcrumbs: vec![Link { label: "Library".to_owned(), href: "/".to_owned() }],
            search: None,
            viewer: ViewerKind::Mirador,
            opening: Opening {
                options: serde_json::json!({ "windows": [{ "manifestId": manifest }] }),
                ..Opening::default()
            },
            annotations: None,
            still: Some(Thumbnail { src: "/s.jpg".to_owned(), src_double: None, width_px: 400, height_px: 300 }),
            manifest_3: Some(manifest),
            manifest_2: Some("https://example.org/iiif/presentation/2/book/manifest".to_owned()),
            image_3: Some("https://example.org/iiif/3/book%2F1".to_owned()),
            image_2: Some("https://example.org/iiif/2/book%2F1".to_owned()),
            drag_and_drop: Some(
                "https://example.org/viewer/mirador?manifest=https%3A%2F%2Fexample.org&canvas=c".to_owned(),
            ),
            drag_text: Some("{\"id\":\"c\"}".to_owned()),
            embed: Some("https://example.org/viewer/mirador?manifest=m".to_owned()),
            viewers: vec![Link { label: "Universal Viewer".to_owned(), href: "/viewer/uv?manifest=m".to_owned() }],
            pages: vec![PageThumb {
                label: "1".to_owned(),
                href: "?page=1".to_owned(),
                thumbnail: None,
                is_current: true,
            }],
            downloads: vec![Download {
                label: "Full size".to_owned(),
                href: "/iiif/3/book%2F1/full/max/0/default.jpg".to_owned(),
                width_px: 12000,
                height_px: 9000,
                format: "JPEG".to_owned(),
            }],
            facts: vec![Fact {
                label: "Rights".to_owned(),
                values: vec!["CC0".to_owned()],
                href: Some("javascript:alert(1)".to_owned()),
            }],
        }
    }

    #[test]
    fn all_four_addresses_can_be_copied() {
        let html = item(&view(Assets::none()));
        for (id, url) in [
            ("manifest-3", "https://example.org/iiif/presentation/3/book/manifest"),
            ("manifest-2", "https://example.org/iiif/presentation/2/book/manifest"),
            ("image-3", "https://example.org/iiif/3/book%2F1"),
            ("image-2", "https://example.org/iiif/2/book%2F1"),
        ] {
            assert!(
                html.contains(&format!("<input id=\"{id}\" readonly spellcheck=\"false\" value=\"{url}\">")),
                "{id}"
            );
            assert!(html.contains(&format!("data-copy=\"{id}\"")), "{id}");
        }
    }

    #[test]
    fn a_field_to_search_in_is_there_where_there_is_text() {
        let mut view = view(Assets::none());
        assert!(!item(&view).contains("role=\"search\""));
        view.search = Some(super::super::SearchBox {
            label: "Search in this object".to_owned(),
            action: "/items/book/search".to_owned(),
            query: String::new(),
        });
        let html = item(&view);
        assert!(html.contains("role=\"search\"") && html.contains("action=\"/items/book/search\""));
    }

    #[test]
    fn an_object_opens_in_mirador_and_an_image_in_openseadragon() {
        let assets = Assets::with_paths(&[
            "ui/drag.svg",
            "viewers/mirador/mirador.js",
            "viewers/openseadragon/openseadragon.min.js",
        ]);
        let mut view = view(assets);
        let html = item(&view);
        assert!(html.contains("data-viewer=\"mirador\" data-options=\"{&quot;windows&quot;:[{&quot;manifestId&quot;:&quot;https://example.org/iiif/presentation/3/book/manifest&quot;}]}\" data-embedded>"));
        assert!(html.contains("mirador.js\"></script>"));
        view.viewer = ViewerKind::OpenSeadragon;
        view.opening.options = serde_json::json!({ "info": "https://example.org/iiif/3/a/info.json" });
        let html = item(&view);
        assert!(html.contains("data-viewer=\"openseadragon\" data-options=\"{&quot;info&quot;:"));
        assert!(html.contains("openseadragon.min.js\"></script>") && !html.contains("mirador.js"));
    }

    #[test]
    fn the_drag_link_names_the_manifest_and_its_picture_is_not_draggable() {
        let html = item(&view(Assets::with_paths(&["ui/drag.svg"])));
        assert!(html.contains(
            "<a href=\"https://example.org/viewer/mirador?manifest=https%3A%2F%2Fexample.org&amp;canvas=c\" data-drag=\"{&quot;id&quot;:&quot;c&quot;}\""
        ));
        assert!(html.contains("draggable=\"false\""));
    }

    #[test]
    fn texts_are_escaped_once_and_inside_the_snippet_twice() {
        let html = item(&view(Assets::none()));
        assert!(html.contains("<h1>A &quot;book&quot; &amp; more</h1>"));
        assert!(html.contains("title=&quot;A &amp;quot;book&amp;quot; &amp;amp; more&quot;"));
        assert!(!html.contains("javascript:"));
    }

    #[test]
    fn no_script_or_style_is_inline() {
        let html = item(&view(Assets::with_paths(&["ui/recto.css", "ui/viewer.js", "ui/recto.js"])));
        assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains(" onclick"));
        assert_eq!(
            html.matches("<script").count(),
            html.matches(" src=\"/_recto/assets/").count() - html.matches("<img src=\"/_recto").count()
        );
    }

    #[test]
    fn without_viewers_the_still_picture_and_the_way_to_build_them_are_shown() {
        let html = item(&view(Assets::none()));
        assert!(html.contains("carries no viewers") && html.contains("<img src=\"/s.jpg\""));
        assert!(!html.contains("data-viewer"));
    }
}
