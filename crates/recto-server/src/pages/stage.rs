//! The part of a page that a viewer fills, with all that its script needs to start it.

use super::frame::{Lazy, picture_into};
use super::html::{Href, Html, Text};
use super::views::{Opening, Thumbnail, ViewerKind};

/// A viewer's place on a page.
pub(super) struct Stage<'a> {
    pub(super) kind: ViewerKind,
    pub(super) opening: &'a Opening,
    /// Where annotations may be written.
    pub(super) annotations: Option<&'a str>,
    /// Whether the page is about one object, and the viewer only shows it.
    pub(super) is_embedded: bool,
    /// Heading for readers who cannot see that the viewer is the page.
    pub(super) heading: Option<&'a str>,
    /// A picture and its text in place of the viewer, where no scripts run.
    pub(super) still: Option<(&'a Thumbnail, &'a str)>,
}

/// The files a viewer needs on its page, by logical name.
pub(super) struct Bundle {
    pub(super) scripts: &'static [&'static str],
    pub(super) modules: &'static [&'static str],
    pub(super) styles: &'static [&'static str],
}

pub(super) fn bundle(kind: ViewerKind) -> Bundle {
    match kind {
        ViewerKind::OpenSeadragon => {
            Bundle { scripts: &["viewers/openseadragon/openseadragon.min.js"], modules: &["ui/viewer.js"], styles: &[] }
        }
        ViewerKind::Leaflet => Bundle {
            scripts: &["viewers/leaflet/leaflet.js", "viewers/leaflet/leaflet-iiif.js"],
            modules: &["ui/viewer.js"],
            styles: &["viewers/leaflet/leaflet.css"],
        },
        ViewerKind::Mirador => {
            Bundle { scripts: &[], modules: &["viewers/mirador/mirador.js", "ui/viewer.js"], styles: &[] }
        }
        ViewerKind::UniversalViewer => {
            Bundle { scripts: &["viewers/uv/umd/UV.js"], modules: &["ui/viewer.js"], styles: &["viewers/uv/uv.css"] }
        }
    }
}

impl Stage<'_> {
    pub(super) fn write_into(&self, main: &mut Html) {
        let label = if self.is_embedded { "Viewer" } else { self.kind.label() };
        main.add(format_args!(
            "<section class=\"stage\" aria-label=\"{label}\" data-viewer=\"{}\" data-options=\"{}\"",
            self.kind.slug(),
            Text(&self.opening.options.to_string())
        ));
        if self.is_embedded {
            main.raw(" data-embedded");
        }
        if let Some(uri) = &self.opening.to_resolve {
            main.add(format_args!(" data-resolve=\"{}\"", Href(uri)));
        }
        if let Some(base) = self.annotations {
            main.add(format_args!(" data-annotations=\"{}\"", Href(base)));
        }
        main.raw(">");
        if let Some(heading) = self.heading {
            main.add(format_args!("<h1 class=\"visually-hidden\">{}</h1>", Text(heading)));
        }
        main.raw(
            "<div class=\"stage-view\" data-view></div><div class=\"stage-message\" data-message role=\"alert\" hidden></div>\
             <noscript><div class=\"stage-message\">",
        );
        match self.still {
            Some((still, text)) => picture_into(main, still, text, Lazy::No),
            None => main.raw("This viewer needs JavaScript."),
        }
        main.raw("</div></noscript></section>");
    }
}

/// What of a link could not be read or shown; closed, so that nothing stands before what could.
pub(super) fn notes_into(html: &mut Html, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    let title =
        if notes.len() == 1 { "1 note on this link".to_owned() } else { format!("{} notes on this link", notes.len()) };
    html.add(format_args!("<details class=\"link-notes\"><summary>{title}</summary><ul>"));
    for note in notes {
        html.add(format_args!("<li>{}</li>", Text(note)));
    }
    html.raw("</ul></details>");
}
