//! `/viewer/{name}`: one viewer filling the window, on what the address asks for.

use super::frame::{Frame, missing_viewers};
use super::html::{Href, Html, Text};
use super::views::{ViewerKind, ViewerView};

/// The files a viewer needs on its page, by logical name.
pub(super) struct Bundle {
    pub(super) scripts: &'static [&'static str],
    pub(super) styles: &'static [&'static str],
}

pub(super) fn bundle(kind: ViewerKind) -> Bundle {
    match kind {
        ViewerKind::OpenSeadragon => Bundle { scripts: &["viewers/openseadragon/openseadragon.min.js"], styles: &[] },
        ViewerKind::Leaflet => Bundle {
            scripts: &["viewers/leaflet/leaflet.js", "viewers/leaflet/leaflet-iiif.js"],
            styles: &["viewers/leaflet/leaflet.css"],
        },
        ViewerKind::Mirador => Bundle { scripts: &["viewers/mirador/mirador.min.js"], styles: &[] },
        ViewerKind::UniversalViewer => Bundle { scripts: &["viewers/uv/umd/UV.js"], styles: &["viewers/uv/uv.css"] },
    }
}

/// The page of one viewer.
pub fn viewer(view: &ViewerView) -> String {
    let bundle = bundle(view.kind);
    let built = view.site.assets.is_built();
    let asked = names_something(&view.query, view.kind) || view.kind == ViewerKind::Mirador;
    let mut main = Html::default();
    if !built {
        main.add(format_args!("<div class=\"open-form\">{}</div>", missing_viewers()));
    } else if asked {
        main.add(format_args!(
            "<section class=\"stage\" aria-label=\"{label}\" data-viewer=\"{slug}\"><h1 class=\"visually-hidden\">{label}</h1>\
             <div class=\"stage-view\" data-view></div><div class=\"stage-message\" data-message hidden></div>\
             <noscript><div class=\"stage-message\">This viewer needs JavaScript.</div></noscript></section>",
            label = view.kind.label(),
            slug = view.kind.slug(),
        ));
    } else {
        form_into(&mut main, view.kind);
    }
    let title = view.kind.label();
    let running = built && asked;
    Frame {
        site: &view.site,
        title,
        breadcrumbs: &[],
        scripts: if running { bundle.scripts } else { &[] },
        modules: if running { &["ui/viewer.js"] } else { &[] },
        styles: if running { bundle.styles } else { &[] },
        head: "",
        window_filling: true,
        masthead: &other_viewers(view),
        main: &main.into_string(),
    }
    .render()
}

/// Whether the query has a parameter that this viewer can open.
fn names_something(query: &str, kind: ViewerKind) -> bool {
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, value)| {
        !value.is_empty() && (matches!(name, "manifest" | "iiif-content") || (name == "info" && kind.opens_info()))
    })
}

fn other_viewers(view: &ViewerView) -> String {
    let mut html = Html::default();
    html.raw("<nav class=\"viewer-links\" aria-label=\"Viewers\">");
    for kind in ViewerKind::ALL {
        // What the reader looks at goes along, unless the other viewer could not open it.
        let takes = view.query.is_empty() || names_something(&view.query, kind);
        let href = format!(
            "{}/viewer/{}{}{}",
            view.site.base_path,
            kind.slug(),
            if takes && !view.query.is_empty() { "?" } else { "" },
            if takes { &view.query } else { "" }
        );
        if kind == view.kind {
            html.add(format_args!("<a href=\"{}\" aria-current=\"page\">{}</a>", Href(&href), Text(kind.label())));
        } else if takes {
            html.add(format_args!("<a href=\"{}\">{}</a>", Href(&href), Text(kind.label())));
        }
    }
    html.raw("</nav>");
    html.into_string()
}

fn form_into(main: &mut Html, kind: ViewerKind) {
    main.add(format_args!(
        "<form class=\"open-form\" method=\"get\"><h1>{}</h1>\
         <div class=\"copy\"><label for=\"manifest\">Address of a Manifest</label><div class=\"copy-row\">\
         <input id=\"manifest\" name=\"manifest\" type=\"url\" required placeholder=\"https://…/manifest\">\
         <button class=\"button button-strong\">Open</button></div></div></form>",
        kind.label()
    ));
}

#[cfg(test)]
mod tests {
    use super::super::Assets;
    use super::super::views::Site;
    use super::*;

    fn view(kind: ViewerKind, query: &str) -> ViewerView {
        let assets = Assets::with_paths(&[
            "ui/viewer.js",
            "viewers/leaflet/leaflet.js",
            "viewers/leaflet/leaflet-iiif.js",
            "viewers/leaflet/leaflet.css",
            "viewers/mirador/mirador.min.js",
            "viewers/openseadragon/openseadragon.min.js",
            "viewers/uv/umd/UV.js",
            "viewers/uv/uv.css",
        ]);
        ViewerView { site: Site { assets, ..Site::default() }, kind, query: query.to_owned() }
    }

    #[test]
    fn each_viewer_loads_its_own_files_in_order() {
        for kind in ViewerKind::ALL {
            let html = viewer(&view(kind, "manifest=https%3A%2F%2Fa%2Fm"));
            assert!(html.contains(&format!("data-viewer=\"{}\"", kind.slug())), "{kind:?}");
            let mut from = 0;
            for script in bundle(kind).scripts {
                let at = html[from..].find(&format!("{script}\"></script>"));
                from += at.unwrap_or_else(|| panic!("{kind:?}: {script} is missing or out of order"));
            }
            assert!(html[from..].contains("type=\"module\""), "{kind:?}");
        }
    }

    #[test]
    fn links_to_the_other_viewers_carry_the_query_on() {
        let html = viewer(&view(ViewerKind::Mirador, "manifest=https%3A%2F%2Fa%2Fm&canvas=c"));
        for kind in ViewerKind::ALL {
            assert!(
                html.contains(&format!("href=\"/viewer/{}?manifest=https%3A%2F%2Fa%2Fm&amp;canvas=c\"", kind.slug()))
            );
        }
    }

    #[test]
    fn a_lone_image_is_offered_only_to_viewers_that_open_one() {
        let html = viewer(&view(ViewerKind::OpenSeadragon, "info=https%3A%2F%2Fa%2Finfo.json"));
        assert!(html.contains("/viewer/leaflet?info="));
        assert!(!html.contains("/viewer/mirador") && !html.contains("/viewer/uv"));
    }

    #[test]
    fn without_anything_to_show_a_form_asks_for_a_manifest() {
        for query in ["", "canvas=x", "manifest=", "info="] {
            let html = viewer(&view(ViewerKind::OpenSeadragon, query));
            assert!(html.contains("<form") && !html.contains("<script"), "{query}");
        }
        assert!(viewer(&view(ViewerKind::Mirador, "")).contains("data-viewer"), "Mirador has a workspace of its own");
    }

    #[test]
    fn a_hostile_query_stays_inside_its_attribute() {
        let html = viewer(&view(ViewerKind::Mirador, "manifest=\"><script>alert(1)</script>"));
        assert!(!html.contains("<script>alert"));
    }

    #[test]
    fn slugs_parse_back() {
        for kind in ViewerKind::ALL {
            assert_eq!(ViewerKind::parse_slug(kind.slug()), Some(kind));
        }
        assert_eq!(ViewerKind::parse_slug("tify"), None);
    }
}
