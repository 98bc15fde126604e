//! `/viewer/{name}`: one viewer filling the window, on what the address asks for.

use super::frame::{Frame, missing_viewers};
use super::html::{Href, Html, Text};
use super::stage::{Bundle, Stage, bundle, notes_into};
use super::views::{Opening, ViewerKind, ViewerView};

/// The page of one viewer.
pub fn viewer(view: &ViewerView) -> String {
    let built = view.site.assets.is_built();
    // Mirador has a workspace of its own to begin with.
    let empty = Opening { options: serde_json::json!({ "windows": [] }), ..Opening::default() };
    let workspace = (view.kind == ViewerKind::Mirador && view.problem.is_none()).then_some(&empty);
    let opening = view.opening.as_ref().or(workspace).filter(|_| built);
    let mut main = Html::default();
    if !built {
        main.add(format_args!("<div class=\"open-form\">{}</div>", missing_viewers()));
    } else if let Some(opening) = opening {
        let stage = Stage {
            kind: view.kind,
            opening,
            annotations: view.annotations.as_deref(),
            is_embedded: false,
            heading: Some(view.kind.label()),
            still: None,
        };
        stage.write_into(&mut main);
    } else {
        form_into(&mut main, view.kind, view.problem.as_deref());
    }
    let mut masthead = Html::default();
    if let Some(opening) = opening {
        notes_into(&mut masthead, &opening.notes);
    }
    masthead.raw(&other_viewers(view));
    let Bundle { scripts, modules, styles } = bundle(view.kind);
    let is_running = opening.is_some();
    Frame {
        site: &view.site,
        title: view.kind.label(),
        breadcrumbs: &[],
        scripts: if is_running { scripts } else { &[] },
        modules: if is_running { modules } else { &[] },
        styles: if is_running { styles } else { &[] },
        head: "",
        window_filling: true,
        masthead: &masthead.into_string(),
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

fn form_into(main: &mut Html, kind: ViewerKind, problem: Option<&str>) {
    main.add(format_args!("<form class=\"open-form\" method=\"get\"><h1>{}</h1>", kind.label()));
    if let Some(problem) = problem {
        main.add(format_args!(
            "<div class=\"notice\" role=\"alert\"><strong>This link cannot be opened.</strong><p>{}</p></div>",
            Text(problem)
        ));
    }
    main.raw(
        "<div class=\"copy\"><label for=\"manifest\">Address of a Manifest</label><div class=\"copy-row\">\
         <input id=\"manifest\" name=\"manifest\" type=\"url\" required placeholder=\"https://…/manifest\">\
         <button class=\"button button-strong\">Open</button></div></div></form>",
    );
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
            "viewers/mirador/mirador.js",
            "viewers/openseadragon/openseadragon.min.js",
            "viewers/uv/umd/UV.js",
            "viewers/uv/uv.css",
        ]);
        let opening = names_something(query, kind)
            .then(|| Opening { options: serde_json::json!({ "manifest": "https://a/m" }), ..Opening::default() });
        let site = Site { assets, ..Site::default() };
        ViewerView { site, kind, query: query.to_owned(), opening, problem: None, annotations: None }
    }

    #[test]
    fn each_viewer_loads_its_own_files_in_order() {
        for kind in ViewerKind::ALL {
            let html = viewer(&view(kind, "manifest=https%3A%2F%2Fa%2Fm"));
            assert!(html.contains(&format!("data-viewer=\"{}\"", kind.slug())), "{kind:?}");
            let Bundle { scripts, modules, .. } = bundle(kind);
            let mut from = 0;
            for (script, is_module) in scripts.iter().map(|s| (s, false)).chain(modules.iter().map(|m| (m, true))) {
                let at = html[from..].find(&format!("{script}\"></script>"));
                let at = from + at.unwrap_or_else(|| panic!("{kind:?}: {script} is missing or out of order"));
                assert_eq!(html[from..at].contains("type=\"module\""), is_module, "{kind:?}: {script}");
                from = at + script.len();
            }
            assert!(html[..from].ends_with("ui/viewer.js"), "{kind:?}: what starts it comes last");
        }
    }

    #[test]
    fn options_and_what_is_to_be_looked_at_are_in_attributes() {
        let mut view = view(ViewerKind::OpenSeadragon, "iiif-content=x");
        let opening = Opening {
            options: serde_json::json!({ "manifest": "https://a/'\"<m>" }),
            to_resolve: Some("https://a/state".to_owned()),
            notes: vec!["One & more.".to_owned()],
        };
        view.opening = Some(opening);
        let html = viewer(&view);
        assert!(
            html.contains(" data-options=\"{&quot;manifest&quot;:&quot;https://a/&#39;\\&quot;&lt;m&gt;&quot;}\""),
            "{html}"
        );
        assert!(html.contains(" data-resolve=\"https://a/state\""));
        assert!(html.contains("<summary>1 note on this link</summary><ul><li>One &amp; more.</li></ul>"));
        assert!(!html.contains("data-annotations"), "nobody may write");
        view.annotations = Some("https://a/annotations/".to_owned());
        assert!(viewer(&view).contains(" data-annotations=\"https://a/annotations/\""));
    }

    #[test]
    fn what_cannot_be_opened_is_said_above_the_form() {
        for kind in ViewerKind::ALL {
            let mut view = view(kind, "iiif-content=A");
            (view.opening, view.problem) = (None, Some("The content state is <broken>.".to_owned()));
            let html = viewer(&view);
            assert!(html.contains(
                "role=\"alert\"><strong>This link cannot be opened.</strong><p>The content state is &lt;broken&gt;.</p>"
            ));
            assert!(html.contains("<form") && !html.contains("<script"), "{kind:?}");
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
