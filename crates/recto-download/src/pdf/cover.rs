//! The first page: what the object is, who provides it, and what may be done with it.

use std::io::Write;

use recto_iiif::Dimensions;

use super::{PageFacts, PdfWriter, Resolution};
use crate::DownloadError;
use crate::fonts::Fonts;
use crate::setting::{self, Paragraph};

/// Most pages that it takes; what follows is left out.
const MOST_PAGES: usize = 8;
const MARGIN_PT: f64 = 56.0;

/// The paper of the first page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paper {
    /// 210 by 297 millimetres.
    #[default]
    A4,
    /// 8.5 by 11 inches.
    Letter,
}

impl Paper {
    const fn points(self) -> Dimensions {
        match self {
            Self::A4 => Dimensions::new(595, 842),
            Self::Letter => Dimensions::new(612, 792),
        }
    }
}

/// What stands on the first page. All of it may be text in any script; values may hold the simple HTML of the Presentation API,
/// of which the text is shown.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    /// Its paper.
    pub paper: Paper,
    /// Name of the object.
    pub label: String,
    /// A short description.
    pub summary: Option<String>,
    /// Descriptive pairs.
    pub metadata: Vec<(String, String)>,
    /// Text that has to be shown, with what it is.
    pub required_statement: Option<(String, String)>,
    /// The licence or rights statement: what it is called here, such as "Rights", and the URI or text.
    pub rights: Option<(String, String)>,
    /// Where the object is on the web: what that is called here, and the URI.
    pub link: Option<(String, String)>,
    /// A last line, such as which pages these are.
    pub note: Option<String>,
}

impl<W: Write> PdfWriter<W> {
    /// Writes a first page that says what the object is, or several where it has much to say. Bookmarks do not count them.
    pub fn cover(&mut self, cover: &Cover, fonts: &Fonts) -> Result<(), DownloadError> {
        let size = cover.paper.points();
        let (width, height) = (f64::from(size.width_px), f64::from(size.height_px));
        let set = setting::set(&paragraphs(cover), width - 2.0 * MARGIN_PT, fonts);
        for mut part in set.split(height - 2.0 * MARGIN_PT).into_iter().take(MOST_PAGES) {
            part.place(MARGIN_PT, height - MARGIN_PT);
            let facts = PageFacts {
                size: Some(size),
                resolution: Some(Resolution::PixelsPerInch(72.0)),
                ..PageFacts::default()
            };
            let mut page = self.page(facts);
            page.is_cover = true;
            page.draw(part)?;
            page.finish()?;
        }
        Ok(())
    }
}

fn paragraphs(cover: &Cover) -> Vec<Paragraph> {
    let mut list = vec![Paragraph::plain(&plain(&cover.label), 20.0).bold()];
    if let Some(summary) = &cover.summary {
        list.push(Paragraph::plain(&plain(summary), 11.0).after(10.0));
    }
    let pairs = cover.metadata.iter().chain(&cover.required_statement);
    for (label, value) in pairs {
        list.push(Paragraph::plain(&plain(label), 9.0).gray(0.4).after(8.0));
        list.push(Paragraph::plain(&plain(value), 11.0));
    }
    for (label, value) in cover.rights.iter().chain(&cover.link) {
        list.push(Paragraph::plain(&plain(label), 9.0).gray(0.4).after(8.0));
        let is_uri = value.starts_with("http://") || value.starts_with("https://");
        let text = Paragraph::plain(&if is_uri { value.clone() } else { plain(value) }, 11.0);
        list.push(if is_uri { text.leading_to(value) } else { text });
    }
    if let Some(note) = &cover.note {
        list.push(Paragraph::plain(&plain(note), 9.0).gray(0.4).after(16.0));
    }
    list
}

/// The text of simple HTML: Presentation API 3.0 §4.5. Text that is no HTML stays as it is.
fn plain(value: &str) -> String {
    if !(value.starts_with('<') && value.ends_with('>')) {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(if rest.starts_with('<') { '>' } else { ';' });
        let Some(end) = end.filter(|end| rest.starts_with('<') || *end < 12) else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
            continue;
        };
        let inner = &rest[1..end];
        if rest.starts_with('&') {
            out.push_str(&entity(inner).map_or_else(|| rest[..=end].to_owned(), String::from));
        } else {
            let name = inner.trim_matches('/').split([' ', '\t', '\n']).next().unwrap_or_default().to_ascii_lowercase();
            if name == "br" || inner.starts_with('/') && matches!(name.as_str(), "p" | "div" | "li") {
                out.push('\n');
            }
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_html_is_shown_as_its_text() {
        for (given, want) in [
            ("a < b & c > d", "a < b & c > d"),
            ("<p>One<br/>two &amp; <a href=\"http://x.org/?a>\">three</a></p>", "One\ntwo & \">three\n"),
            ("<span>&#228;&#xe4;&unknown; & <", "<span>&#228;&#xe4;&unknown; & <"),
            ("<i>&#228;&#xe4;&unknown; & x</i>", "ää&unknown; & x"),
            ("<>", ""),
        ] {
            assert_eq!(plain(given), want, "{given}");
        }
    }
}
