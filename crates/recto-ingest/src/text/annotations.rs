//! The text of the body of an annotation.

use super::markup::{Elements, Event, Kind, unescaped};
use super::script;
use crate::words::Report;

/// The words of an annotation's body, without tags; lines stay lines. `format` is its media type; without one, what has tags of
/// HTML is taken for it.
#[must_use]
pub fn annotation_text(html_or_plain: &str, format: Option<&str>) -> String {
    let format = format.map(|format| format.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let is_html = match format.as_deref() {
        Some("text/html" | "application/xhtml+xml" | "application/html") => true,
        Some("text/plain" | "text/markdown") => false,
        _ => recto_iiif::annotation::html::has_markup(html_or_plain),
    };
    if !is_html {
        return tidied(html_or_plain);
    }
    let mut out = String::new();
    let mut hidden = 0_usize;
    let mut report = Report::new("");
    let mut elements = Elements::new(html_or_plain, Kind::Html);
    let is_hidden = |name: &str| ["script", "style", "head"].iter().any(|hidden| name.eq_ignore_ascii_case(hidden));
    while let Some(event) = elements.next(&mut report) {
        match event {
            Event::Open(tag) => {
                hidden += usize::from(is_hidden(tag.name));
                if !is_inline(tag.name) {
                    out.push('\n');
                }
            }
            Event::Close(name) => {
                hidden = hidden.saturating_sub(usize::from(is_hidden(name)));
                if !is_inline(name) {
                    out.push('\n');
                }
            }
            Event::Text(text) if hidden == 0 => {
                // In HTML, a line's end in the source is a space.
                out.extend(unescaped(text).chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }));
            }
            Event::Literal(text) if hidden == 0 => out.push_str(text),
            Event::Text(_) | Event::Literal(_) => {}
        }
    }
    tidied(&out)
}

fn is_inline(name: &str) -> bool {
    [
        "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small",
        "span", "strong", "sub", "sup", "u", "wbr",
    ]
    .iter()
    .any(|inline| name.eq_ignore_ascii_case(inline))
}

fn tidied(text: &str) -> String {
    text.lines()
        .map(|line| line.split(script::is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_read_as_they_are_seen() {
        for (given, format, want) in [
            ("<p>One <b>t</b>wo&nbsp;three</p><p>four<br>five</p>", Some("text/html"), "One two three\nfour\nfive"),
            ("<p>a</p>", None, "a"),
            ("a < b & c", None, "a < b & c"),
            ("x <y and z>", None, "x <y and z>"),
            ("x <i>y</i>", None, "x y"),
            ("<p>a</p>", Some("text/plain"), "<p>a</p>"),
            ("1 < 2 <i>x", Some("text/html; charset=utf-8"), "1 < 2 x"),
            ("<style>p {}</style><script>x()</script>y", Some("text/html"), "y"),
            ("  a \n\n b ", None, "a\nb"),
        ] {
            assert_eq!(annotation_text(given, format), want, "{given}");
        }
    }
}
