//! What could run in a reader's browser is taken out of an annotation, wherever it stands.

use serde_json::{Map, Value};

use super::accept::note;
use super::check::Checker;
use super::words::{is_harmful_uri, short, step, types};
use super::{html, svg};
use crate::presentation::{Note, NoteKind};

/// Names of members that are or hold URIs.
const LINKS: &[&str] = &[
    "id",
    "@id",
    "source",
    "full",
    "on",
    "via",
    "canonical",
    "target",
    "body",
    "resource",
    "homepage",
    "seeAlso",
    "rendering",
    "service",
    "profile",
    "rights",
    "related",
    "logo",
    "thumbnail",
    "partOf",
    "within",
    "stylesheet",
    "creator",
    "generator",
    "renderedVia",
    "cached",
    "conformsTo",
    "scope",
    "state",
    "items",
    "url",
    "href",
    "src",
    "license",
    "attribution",
    "accessibility",
    "audience",
];
/// Names that JavaScript has a meaning for: a client that copies members one by one would change its own objects.
const HARMFUL_NAMES: &[&str] = &["__proto__", "constructor", "prototype"];
/// Names whose texts quote something and are never shown as HTML.
const QUOTES: &[&str] = &["exact", "prefix", "suffix"];

/// Goes through all of it. The depth was looked at before.
pub(super) fn clean(fields: &mut Map<String, Value>, checker: &mut Checker<'_>, notes: &mut Vec<Note>) {
    object(fields, "", checker, notes);
}

fn object(fields: &mut Map<String, Value>, pointer: &str, checker: &mut Checker<'_>, notes: &mut Vec<Note>) {
    for name in HARMFUL_NAMES {
        if fields.shift_remove(*name).is_some() {
            let message = format!("`{name}` is left out: scripts have a meaning for it");
            note(notes, NoteKind::Lost, &checker.place(&format!("{pointer}/{name}")), message, "choose another name");
        }
    }
    unreadable_shapes(fields, pointer, checker, notes);
    let kinds: Vec<String> = types(fields).iter().map(|kind| (*kind).to_owned()).collect();
    let is_selector = kinds.iter().any(|kind| kind.ends_with("Selector"));
    let is_svg_selector = kinds.iter().any(|kind| kind == "SvgSelector");
    let is_style = kinds.iter().any(|kind| kind.contains("Css") && kind != "CssSelector");
    let format = fields.get("format").and_then(Value::as_str).map(str::to_ascii_lowercase);
    if is_style || fields.contains_key("stylesheet") {
        styles(fields, pointer, checker, notes);
    }
    for (name, value) in fields.iter_mut() {
        let at = format!("{pointer}/{}", step(name));
        match value {
            Value::Object(inner) => object(inner, &at, checker, notes),
            Value::Array(items) => array(items, name, &at, checker, notes),
            Value::String(text) if is_svg_selector && name == "value" => svg_selector(text, &at, checker, notes),
            Value::String(_) if (is_selector && name == "value") || QUOTES.contains(&name.as_str()) => {}
            Value::String(text) if !is_style && matches!(name.as_str(), "value" | "chars") => {
                body_text(text, format.as_deref(), &at, checker, notes);
            }
            Value::String(text) => plain_text(text, name, &at, checker, notes),
            _ => {}
        }
    }
}

/// A shape that cannot be read is left out where another selector says the place too: the annotation is worth more than its outline.
fn unreadable_shapes(fields: &mut Map<String, Value>, pointer: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    let Some(Value::Array(selectors)) = fields.get_mut("selector") else { return };
    let is_readable = |selector: &Value| {
        let is_shape = selector.as_object().is_some_and(|fields| types(fields).contains(&"SvgSelector"));
        let text = selector.get("value").and_then(Value::as_str).filter(|_| is_shape);
        text.is_none_or(|text| svg::checked(text).is_ok())
    };
    let before = selectors.len();
    if before < 2 || !selectors.iter().any(is_readable) {
        return;
    }
    selectors.retain(is_readable);
    if selectors.len() < before {
        let message = "an SvgSelector is left out, for its SVG cannot be read";
        note(notes, NoteKind::Lost, &checker.place(&format!("{pointer}/selector")), message, "write well-formed SVG");
    }
    if selectors.len() == 1 {
        let one = selectors.pop();
        fields.extend(one.map(|one| ("selector".to_owned(), one)));
    }
}

fn array(items: &mut [Value], name: &str, pointer: &str, checker: &mut Checker<'_>, notes: &mut Vec<Note>) {
    for (index, item) in items.iter_mut().enumerate() {
        let at = format!("{pointer}/{index}");
        match item {
            Value::Object(inner) => object(inner, &at, checker, notes),
            Value::Array(inner) => array(inner, name, &at, checker, notes),
            Value::String(text) => plain_text(text, name, &at, checker, notes),
            _ => {}
        }
    }
}

/// The text of a body. It is HTML where its format says so; where it says nothing, where there are tags in it ([`html::has_markup`]).
/// Plain text, and what no viewer shows as anything else, stays letter by letter.
fn body_text(text: &mut String, format: Option<&str>, at: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    match format {
        None if html::has_markup(text) => as_html(text, at, checker, notes),
        Some(format) if format.contains("html") => as_html(text, at, checker, notes),
        Some(format) if format.contains("svg") => match svg::checked(text) {
            Ok(checked) => as_svg(text, checked, at, checker, notes),
            Err(_) => as_html(text, at, checker, notes),
        },
        Some(format) if format.contains("xml") && html::runs_in_xml(text) => as_html(text, at, checker, notes),
        Some(format) if format.contains("markdown") => as_markdown(text, at, checker, notes),
        _ => {}
    }
}

fn as_html(text: &mut String, at: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    let cleaned = html::sanitised(text);
    if !cleaned.removed.is_empty() {
        let message = format!("taken out of the HTML: {}", cleaned.removed.join(", "));
        note(notes, NoteKind::Lost, &checker.place(at), message, "keep to simple HTML without scripts and styles");
    }
    *text = cleaned.html;
}

fn as_markdown(text: &mut String, at: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    let cleaned = html::sanitised_markdown(text);
    if !cleaned.removed.is_empty() {
        let message = format!("taken out of the Markdown: {}", cleaned.removed.join(", "));
        note(notes, NoteKind::Lost, &checker.place(at), message, "keep to Markdown and simple HTML, without scripts");
    }
    *text = cleaned.html;
}

fn as_svg(text: &mut String, checked: svg::Checked, at: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    if !checked.removed.is_empty() {
        let message = format!("taken out of the SVG: {}", checked.removed.join(", "));
        note(notes, NoteKind::Lost, &checker.place(at), message, "keep to shapes, without scripts and links");
    }
    *text = checked.svg;
}

fn svg_selector(text: &mut String, at: &str, checker: &mut Checker<'_>, notes: &mut Vec<Note>) {
    match svg::checked(text) {
        Ok(checked) => as_svg(text, checked, at, checker, notes),
        Err(error) => {
            checker.fault(
                at,
                format!("`value` of the SvgSelector is no SVG: {error}"),
                "write one `<svg>` element with a shape",
            );
        }
    }
}

fn plain_text(text: &mut String, name: &str, at: &str, checker: &mut Checker<'_>, notes: &mut Vec<Note>) {
    if LINKS.contains(&name) && is_harmful_uri(text) {
        let message = format!("`{name}` is {}, which a browser would run", short(&Value::from(&**text)));
        checker.fault(at, message, "write an address that begins with `https://`");
        return;
    }
    // Presentation 3.0 §4.5: a text that begins with `<` and ends with `>` is HTML.
    let trimmed = text.trim();
    if trimmed.len() > 2 && trimmed.starts_with('<') && trimmed.ends_with('>') {
        if trimmed.starts_with("<svg")
            && let Ok(checked) = svg::checked(text)
        {
            as_svg(text, checked, at, checker, notes);
        } else {
            as_html(text, at, checker, notes);
        }
    }
}

/// Style sheets can load addresses and cover the page; only plain colours and lines are left.
fn styles(fields: &mut Map<String, Value>, pointer: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    for name in ["value", "chars", "stylesheet"] {
        let is_harmful = fields
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| !svg::is_plain_style(text) && !super::words::is_uri(text));
        if is_harmful {
            fields.shift_remove(name);
            let message = format!("`{name}` of the style is left out: it loads or runs something");
            note(
                notes,
                NoteKind::Lost,
                &checker.place(&format!("{pointer}/{name}")),
                message,
                "keep to colours and lines",
            );
        }
    }
}
