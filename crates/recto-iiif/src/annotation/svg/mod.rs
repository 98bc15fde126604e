//! Shapes in SVG selectors: what is safe of them, and the rectangle around them.

mod outline;
mod path;

use roxmltree::{Document, Node};

use super::words::is_harmful_uri;
use crate::Rect;

const SVG: &str = "http://www.w3.org/2000/svg";

/// Elements that stay. None loads anything, and none holds HTML.
const KEPT: &[&str] = &[
    "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "title", "desc", "defs",
    "clipPath", "mask", "metadata",
];
/// Elements that have text and nothing else.
const TEXTS: &[&str] = &["title", "desc", "metadata"];
/// Attributes that stay, besides `data-*` and `aria-*`.
const ATTRIBUTES: &[&str] = &[
    "x",
    "y",
    "width",
    "height",
    "d",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "x1",
    "y1",
    "x2",
    "y2",
    "points",
    "transform",
    "viewBox",
    "version",
    "preserveAspectRatio",
    "id",
    "class",
    "fill",
    "fill-opacity",
    "fill-rule",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-dasharray",
    "stroke-dashoffset",
    "opacity",
    "color",
    "visibility",
    "display",
    "style",
    "font-family",
    "font-weight",
    "font-size",
    "text-anchor",
    "vector-effect",
    "pathLength",
    "clip-rule",
    "clip-path",
    "mask",
    "pointer-events",
    "mix-blend-mode",
    "paint-order",
    "overflow",
    "lang",
    "role",
    "test",
];
/// More elements are no outline that somebody drew.
const MOST_ELEMENTS: u32 = 10_000;
/// Deeper groups are not drawn by anybody.
const DEEPEST: usize = 64;

/// A shape that is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The SVG; as it was given where all of it is safe.
    pub svg: String,
    /// What was taken out, each once.
    pub removed: Vec<String>,
}

/// Why a text is no shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SvgError {
    /// It is not well-formed XML, or too large.
    #[error("{0}")]
    Malformed(String),
    /// Its first element is another.
    #[error("it begins with `<{0}>`")]
    OtherElement(String),
    /// Groups in groups in groups.
    #[error("it is nested too deep")]
    Deep,
}

/// What is safe of a text that is to be an SVG.
pub fn checked(text: &str) -> Result<Checked, SvgError> {
    let document = parse(text)?;
    let root = document.root_element();
    // Some examples of the specifications have slips in the namespace; what a browser reads as HTML has none.
    let namespace = root.tag_name().namespace();
    let mut writer = Writer { namespace, out: String::with_capacity(text.len()), removed: Vec::new() };
    writer.element(root, true, 0)?;
    // Comments and their like are read by browsers otherwise than by XML; with them, nothing stays as it was written.
    let is_plain = writer.removed.is_empty() && !text.contains("<!") && !text.contains("<?");
    let svg = if is_plain { text.trim().to_owned() } else { writer.out };
    Ok(Checked { svg, removed: writer.removed })
}

/// The smallest rectangle of whole pixels around all shapes, without what lies left of or above the canvas; `None` where there is no shape,
/// or nothing of it on the canvas.
pub fn bounds(text: &str) -> Option<Rect> {
    let document = parse(text).ok()?;
    outline::bounds(document.root_element())
}

fn parse(text: &str) -> Result<Document<'_>, SvgError> {
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: MOST_ELEMENTS, ..Default::default() };
    let document =
        Document::parse_with_options(text.trim(), options).map_err(|error| SvgError::Malformed(error.to_string()))?;
    let name = document.root_element().tag_name();
    if name.name() != "svg" {
        return Err(SvgError::OtherElement(name.name().chars().take(40).collect()));
    }
    Ok(document)
}

/// True for a style that loads nothing and runs nothing.
pub fn is_plain_style(style: &str) -> bool {
    let lower = style.to_ascii_lowercase();
    // A backslash can spell any of the words.
    ![
        "url",
        "@",
        "expression",
        "javascript",
        "behavior",
        "binding",
        "\\",
        "<",
        "/*",
        "image(",
        "image-set",
        "position",
        "content",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

struct Writer<'d> {
    /// The namespace that is taken for that of SVG, besides it.
    namespace: Option<&'d str>,
    out: String,
    removed: Vec<String>,
}

impl Writer<'_> {
    fn remove(&mut self, what: &str) {
        let what: String = what.chars().take(40).collect();
        if self.removed.len() < 20 && !self.removed.contains(&what) {
            self.removed.push(what);
        }
    }

    fn element(&mut self, node: Node<'_, '_>, is_root: bool, depth: usize) -> Result<(), SvgError> {
        if depth > DEEPEST {
            return Err(SvgError::Deep);
        }
        let name = node.tag_name();
        let is_svg = name.namespace().is_none_or(|namespace| namespace == SVG || self.namespace == Some(namespace));
        let Some(kept) = KEPT.iter().find(|kept| **kept == name.name()).filter(|_| is_svg) else {
            self.remove(&format!("<{}>", name.name()));
            return Ok(());
        };
        self.out.push('<');
        self.out.push_str(kept);
        if is_root {
            self.out.push_str(&format!(" xmlns=\"{SVG}\""));
        }
        // Names with prefixes are written with their namespaces; those of other languages are not needed for a shape.
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if attribute.namespace().is_none() && is_safe_attribute(name, value) {
                self.out.push_str(&format!(" {name}=\""));
                escape(value, &mut self.out);
                self.out.push('"');
            } else {
                self.remove(name);
            }
        }
        let is_text = TEXTS.contains(kept);
        if !node.has_children() {
            self.out.push_str("/>");
            return Ok(());
        }
        self.out.push('>');
        for child in node.children() {
            if child.is_element() {
                if is_text {
                    self.remove(&format!("<{}>", child.tag_name().name()));
                } else {
                    self.element(child, false, depth + 1)?;
                }
            } else if let Some(text) = child.text().filter(|_| child.is_text()) {
                escape(text, &mut self.out);
            }
        }
        self.out.push_str(&format!("</{kept}>"));
        Ok(())
    }
}

fn is_safe_attribute(name: &str, value: &str) -> bool {
    let is_known = ATTRIBUTES.contains(&name) || name.starts_with("data-") || name.starts_with("aria-");
    let lower = value.to_ascii_lowercase();
    // Names of clips and masks are `url(#…)`, within the shape.
    let is_reference = matches!(name, "clip-path" | "mask" | "fill" | "stroke") && lower.trim().starts_with("url(#");
    is_known
        && !is_harmful_uri(value)
        && (name.starts_with("data-") || is_reference || !lower.contains("url"))
        && (name != "style" || is_plain_style(value))
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
}
