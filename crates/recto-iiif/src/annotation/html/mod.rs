//! HTML in annotations: what is safe of it, and its text.
//!
//! The sanitiser writes everything anew. Its output has text in which each `<`, `>` and `&` is escaped, and tags of a short list with quoted
//! attributes of a short list, each closed in order; whatever a browser makes of the input, of the output it can make nothing else. None of
//! the elements on the list changes how a browser reads what stands in it.

mod markdown;
mod markup;
mod references;
mod tokens;

pub use self::markdown::sanitised as sanitised_markdown;
pub use self::markup::{has_markup, runs_in_xml};

use self::references::{decoded, reference};
use self::tokens::{Attribute, Token, Tokens};
use super::words::is_harmful_uri;

/// What is safe of a text, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sanitised {
    /// The text with what is safe.
    pub html: String,
    /// What was taken out, each once: elements as `<script>`, attributes as `onclick`.
    pub removed: Vec<String>,
}

/// Elements that stay.
const KEPT: &[&str] = &[
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
    "var",
    "wbr",
];
/// Elements that have no end.
const VOID: &[&str] = &["br", "hr", "img", "wbr"];
/// Elements that stand on lines of their own, in plain text.
const BLOCKS: &[&str] = &[
    "blockquote",
    "br",
    "caption",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tr",
    "ul",
    "section",
    "article",
    "header",
    "footer",
];
/// More open elements are not opened: browsers have bounds of their own.
const MOST_OPEN: usize = 200;
/// So many different things that were taken out are named.
const MOST_NAMED: usize = 20;

/// What is safe of a text that is to be shown as HTML.
///
/// ```
/// let clean = recto_iiif::annotation::html::sanitised("<p>a<script>alert(1)</script><a href='javascript:x'>b</a></p>");
/// assert_eq!(clean.html, "<p>a<a>b</a></p>");
/// assert_eq!(clean.removed, ["<script>", "href"]);
/// ```
pub fn sanitised(text: &str) -> Sanitised {
    let mut out = Sanitised { html: String::with_capacity(text.len()), removed: Vec::new() };
    let mut open: Vec<&'static str> = Vec::new();
    for token in Tokens::new(text) {
        match token {
            Token::Text(text) => escape_text(text, &mut out.html),
            other => out.tag(other, &mut open),
        }
    }
    for opened in open.into_iter().rev() {
        close(opened, &mut out.html);
    }
    out
}

fn close(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

impl Sanitised {
    /// Writes what is safe of a tag.
    fn tag(&mut self, token: Token<'_>, open: &mut Vec<&'static str>) {
        match token {
            Token::Text(_) => {}
            Token::Start { name, attributes } => {
                let Some(kept) = KEPT.iter().find(|kept| **kept == name) else {
                    self.remove(&format!("<{name}>"));
                    return;
                };
                let is_void = VOID.contains(kept);
                if !is_void && open.len() >= MOST_OPEN {
                    self.remove(&format!("<{name}>"));
                    return;
                }
                let attributes = self.attributes(kept, attributes);
                // An image without an address is nothing.
                if *kept == "img" && !attributes.contains("src=") {
                    self.remove("<img>");
                    return;
                }
                self.html.push('<');
                self.html.push_str(kept);
                self.html.push_str(&attributes);
                self.html.push_str(if is_void { "/>" } else { ">" });
                if !is_void {
                    open.push(kept);
                }
            }
            Token::End { name } => {
                let Some(at) = open.iter().rposition(|opened| *opened == name) else { return };
                for opened in open.drain(at..).rev() {
                    close(opened, &mut self.html);
                }
            }
            Token::Removed { what } => self.remove(&what),
        }
    }

    fn remove(&mut self, what: &str) {
        let what: String = what.chars().take(40).collect();
        if self.removed.len() < MOST_NAMED && !self.removed.contains(&what) {
            self.removed.push(what);
        }
    }

    fn attributes(&mut self, element: &str, given: Vec<Attribute>) -> String {
        let mut out = String::new();
        let mut seen: Vec<String> = Vec::new();
        for Attribute { name, value } in given {
            if seen.contains(&name) {
                continue;
            }
            let value = decoded(&value.unwrap_or_default());
            let is_kept = match (element, name.as_str()) {
                (_, "title" | "lang" | "dir") | ("img", "alt") => true,
                ("a", "href") => is_safe_link(&value, true),
                ("img", "src") | ("blockquote" | "q" | "del" | "ins", "cite") => is_safe_link(&value, false),
                ("img", "width" | "height")
                | ("td" | "th", "colspan" | "rowspan")
                | ("ol", "start")
                | ("li", "value") => {
                    !value.is_empty() && value.len() <= 6 && value.bytes().all(|byte| byte.is_ascii_digit())
                }
                _ => false,
            };
            if is_kept {
                out.push(' ');
                out.push_str(&name);
                out.push_str("=\"");
                escape_value(&value, &mut out);
                out.push('"');
                seen.push(name);
            } else {
                self.remove(&name);
            }
        }
        out
    }
}

/// `http:`, `https:`, `mailto:` where it is a link, or an address on the same page or server.
fn is_safe_link(uri: &str, is_link: bool) -> bool {
    let plain: String = uri.chars().filter(|c| !c.is_control()).collect();
    let plain = plain.trim();
    if is_harmful_uri(uri) || plain.contains('\\') {
        return false;
    }
    let end = plain.find(['/', '?', '#']).unwrap_or(plain.len());
    match plain[..end].split_once(':') {
        // A reference that was not understood could hide a colon.
        None => !plain[..end].contains('&') && is_link,
        Some((scheme, _)) => {
            let scheme = scheme.to_ascii_lowercase();
            matches!(scheme.as_str(), "http" | "https") || (is_link && scheme == "mailto")
        }
    }
}

/// Text as HTML. Character references stay; other `&` become one.
fn escape_text(text: &str, out: &mut String) {
    for (at, c) in text.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if reference(&text[at..]).is_none() => out.push_str("&amp;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

fn escape_value(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

/// The text that a reader sees: no tags, references resolved, blocks on lines of their own, blanks drawn together.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for token in Tokens::new(text) {
        match token {
            Token::Text(text) => {
                for c in decoded(text).chars() {
                    let c = if c.is_whitespace() && c != '\u{a0}' { ' ' } else { c };
                    if c != ' ' || !(out.is_empty() || out.ends_with([' ', '\n'])) {
                        out.push(c);
                    }
                }
            }
            Token::Start { name, .. } | Token::End { name } if BLOCKS.contains(&name.as_str()) => line_break(&mut out),
            Token::Start { name, .. } | Token::End { name }
                if matches!(name.as_str(), "td" | "th") && !(out.is_empty() || out.ends_with([' ', '\n'])) =>
            {
                out.push(' ');
            }
            _ => {}
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn line_break(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}
