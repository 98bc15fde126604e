//! Pages that say what went wrong and what to do.

use super::frame::Frame;
use super::html::{Href, Html, Text};
use super::views::{Problem, Site};

/// The page for a request that failed.
pub fn error(view: &Problem) -> String {
    let mut main = Html::default();
    main.add(format_args!(
        "<div class=\"problem\"><p class=\"status\">{}</p><h1>{}</h1>",
        view.status,
        Text(&view.title)
    ));
    if let Some(detail) = &view.detail {
        main.add(format_args!("<p>{}</p>", Text(detail)));
    }
    if let Some(hint) = &view.hint {
        main.add(format_args!("<p>{}</p>", Text(hint)));
    }
    if let Some(id) = &view.request_id {
        main.add(format_args!("<dl><dt>Request</dt><dd><code>{}</code></dd></dl>", Text(id)));
    }
    main.add(format_args!(
        "<p><a class=\"button\" href=\"{}/\">To the gallery</a></p></div>",
        Href(&view.site.base_path)
    ));
    Frame {
        site: &view.site,
        title: &view.title,
        breadcrumbs: &[],
        scripts: &[],
        modules: &[],
        styles: &[],
        head: "<meta name=\"robots\" content=\"noindex\">",
        window_filling: false,
        masthead: "",
        main: &main.into_string(),
    }
    .render()
}

/// The page for an address under which there is nothing. `path` is the one that was asked for.
pub fn not_found(site: &Site, path: &str) -> String {
    error(&Problem {
        site: site.clone(),
        status: 404,
        title: "There is nothing here".to_owned(),
        detail: Some(format!("No page, object or image has the address {path}")),
        hint: Some("It may have been moved or renamed. The gallery lists what is here now.".to_owned()),
        request_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Assets;
    use super::*;

    #[test]
    fn a_problem_names_status_detail_hint_and_request() {
        let html = error(&Problem {
            site: Site { assets: Assets::none(), base_path: "/images".to_owned(), ..Site::default() },
            status: 503,
            title: "Busy".to_owned(),
            detail: Some("the budget of 1 GiB is in use".to_owned()),
            hint: Some("Try again in a minute.".to_owned()),
            request_id: Some("abc<".to_owned()),
        });
        for part in ["503", "<h1>Busy</h1>", "1 GiB", "Try again", "<code>abc&lt;</code>", "href=\"/images/\""] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn the_address_of_a_missing_page_is_shown_but_not_run() {
        let html = not_found(&Site { assets: Assets::none(), ..Site::default() }, "/<script>alert(1)</script>");
        assert!(html.contains("&lt;script&gt;alert") && !html.contains("<script>alert"));
    }
}
