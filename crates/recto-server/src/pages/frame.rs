//! What surrounds every page: head, masthead with breadcrumbs, foot.

use super::html::{Href, Html, Text};
use super::views::{Link, Site, Thumbnail};

/// What a page puts into the frame.
pub(super) struct Frame<'a> {
    pub(super) site: &'a Site,
    /// Title of the page; the site's title follows it.
    pub(super) title: &'a str,
    pub(super) breadcrumbs: &'a [Link],
    /// Logical names of classic scripts, in order, before the page's own modules.
    pub(super) scripts: &'a [&'a str],
    /// Logical names of module scripts.
    pub(super) modules: &'a [&'a str],
    /// Logical names of style sheets beyond our own.
    pub(super) styles: &'a [&'a str],
    /// More elements for the head, such as links to the IIIF documents.
    pub(super) head: &'a str,
    /// Whether the page fills the window, with `masthead` beside the breadcrumbs and without a foot.
    pub(super) window_filling: bool,
    pub(super) masthead: &'a str,
    pub(super) main: &'a str,
}

impl Frame<'_> {
    pub(super) fn render(&self) -> String {
        let mut html = Html::default();
        self.head_into(&mut html);
        html.add(format_args!(
            "<body{}><a class=\"skip\" href=\"#main\">Skip to the content</a>",
            if self.window_filling { " class=\"viewer-page\"" } else { "" }
        ));
        self.masthead_into(&mut html);
        html.add(format_args!("<main id=\"main\" tabindex=\"-1\">{}</main>", self.main));
        if !self.window_filling {
            html.add(format_args!("<footer class=\"foot\"><div class=\"foot-inner\"><span>Served by Recto over <a href=\"https://iiif.io/\">IIIF</a></span>{}</div></footer>", self.notices()));
        }
        html.raw("<div class=\"visually-hidden\" role=\"status\" data-announce></div></body></html>\n");
        html.into_string()
    }

    fn head_into(&self, html: &mut Html) {
        let Site { title, language, .. } = self.site;
        html.add(format_args!(
            "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            Text(language)
        ));
        if self.title == title {
            html.add(format_args!("<title>{}</title>", Text(title)));
        } else {
            html.add(format_args!("<title>{} · {}</title>", Text(self.title), Text(title)));
        }
        html.raw("<meta name=\"color-scheme\" content=\"light dark\">");
        if let Some(icon) = asset(self.site, "ui/logo.svg") {
            html.add(format_args!("<link rel=\"icon\" type=\"image/svg+xml\" href=\"{}\">", Href(&icon)));
        }
        for name in self.styles.iter().copied().chain(["ui/recto.css"]) {
            if let Some(url) = asset(self.site, name) {
                html.add(format_args!("<link rel=\"stylesheet\" href=\"{}\">", Href(&url)));
            }
        }
        html.raw(self.head);
        for name in self.scripts {
            if let Some(url) = asset(self.site, name) {
                html.add(format_args!("<script defer src=\"{}\"></script>", Href(&url)));
            }
        }
        for name in self.modules {
            if let Some(url) = asset(self.site, name) {
                html.add(format_args!("<script type=\"module\" src=\"{}\"></script>", Href(&url)));
            }
        }
        html.raw("</head>");
    }

    fn masthead_into(&self, html: &mut Html) {
        html.add(format_args!(
            "<header class=\"masthead\"><div class=\"masthead-inner\"><a class=\"brand\" href=\"{}/\">",
            Href(&self.site.base_path)
        ));
        if let Some(logo) = asset(self.site, "ui/logo.svg") {
            html.add(format_args!("<img src=\"{}\" alt=\"\" width=\"30\" height=\"30\">", Href(&logo)));
        }
        html.add(format_args!("{}</a>", Text(&self.site.title)));
        if !self.breadcrumbs.is_empty() {
            html.raw("<nav class=\"crumbs\" aria-label=\"Where this is\"><ol>");
            // The site's name beside them leads to the root already.
            let root = format!("{}/", self.site.base_path);
            for crumb in self.breadcrumbs.iter().filter(|crumb| crumb.href != root) {
                html.add(format_args!("<li><a href=\"{}\">{}</a></li>", Href(&crumb.href), Text(&crumb.label)));
            }
            html.add(format_args!("<li><span aria-current=\"page\">{}</span></li></ol></nav>", Text(self.title)));
        }
        html.raw(self.masthead);
        html.raw("</div></header>");
    }

    fn notices(&self) -> String {
        asset(self.site, "about/NOTICES.txt")
            .map_or_else(String::new, |url| format!("<a href=\"{}\">Licences of the viewers</a>", Href(&url)))
    }
}

/// URL of an asset below the path the server is mounted under.
pub(super) fn asset(site: &Site, logical: &str) -> Option<String> {
    site.assets.url(logical).map(|url| format!("{}{url}", site.base_path))
}

/// Adds a picture; `lazy` pictures load when they come near the window.
pub(super) fn picture_into(html: &mut Html, thumbnail: &Thumbnail, alt: &str, lazy: Lazy) {
    html.add(format_args!("<img src=\"{}\"", Href(&thumbnail.src)));
    if let Some(double) = &thumbnail.src_double {
        // Commas and blanks would split the set; IIIF URLs hold commas, and candidates end at a blank.
        html.add(format_args!(" srcset=\"{} 1x, {} 2x\"", Href(&thumbnail.src), Href(double)));
    }
    html.add(format_args!(
        " alt=\"{}\" width=\"{}\" height=\"{}\" decoding=\"async\"{}>",
        Text(alt),
        thumbnail.width_px,
        thumbnail.height_px,
        match lazy {
            Lazy::Yes => " loading=\"lazy\"",
            Lazy::No => "",
        }
    ));
}

/// Whether a picture may wait until it comes near the window.
#[derive(Clone, Copy)]
pub(super) enum Lazy {
    Yes,
    No,
}

/// What stands in a viewer's place in a build without `web/dist`: that they are missing, and how to build them.
pub fn missing_viewers() -> &'static str {
    "<div class=\"notice\" role=\"note\"><strong>This build of Recto carries no viewers.</strong>\
     <p>Images and manifests are served as usual. To see them here, install Node.js, run <code>npm ci</code> and \
     <code>npm run build</code> in the folder <code>web/</code> of the sources, and build Recto again; \
     <code>make serve</code> does all of it.</p></div>"
}
