//! Is a text without a format HTML, and would anything in a text of another format run?

use super::references::decoded;
use super::tokens::{Attribute, MOST_ATTRIBUTES, SILENT, Tag};
use super::{KEPT, is_harmful_uri};

/// So many places are looked at where a tag may begin; a text that has more is HTML, and takes its chance of running something.
const MOST_PLACES: usize = 200;

/// Elements of HTML that neither stay nor go with all that is in them.
const OTHERS: &[&str] = &[
    "acronym", "address", "area", "article", "aside", "base", "basefont", "bgsound", "big", "blink", "body", "button",
    "center", "col", "colgroup", "data", "datalist", "details", "dialog", "dir", "fieldset", "font", "footer", "form",
    "frame", "header", "hgroup", "html", "image", "input", "keygen", "label", "legend", "link", "main", "map",
    "marquee", "menu", "meta", "meter", "nav", "nobr", "optgroup", "option", "output", "param", "picture", "progress",
    "rb", "rtc", "section", "slot", "source", "strike", "summary", "time", "track", "tt",
];
/// Attributes that have no value.
const BARE: &[&str] = &[
    "allowfullscreen",
    "async",
    "autofocus",
    "autoplay",
    "checked",
    "class",
    "compact",
    "controls",
    "default",
    "defer",
    "disabled",
    "hidden",
    "id",
    "inert",
    "ismap",
    "itemscope",
    "loop",
    "multiple",
    "muted",
    "nohref",
    "noshade",
    "novalidate",
    "nowrap",
    "open",
    "readonly",
    "required",
    "reversed",
    "selected",
];
/// Attributes that load something or cover the page.
const ACTIVE: &[&str] = &[
    "action",
    "background",
    "cite",
    "content",
    "data",
    "dynsrc",
    "formaction",
    "href",
    "http-equiv",
    "lowsrc",
    "manifest",
    "ping",
    "poster",
    "src",
    "srcdoc",
    "srcset",
    "style",
    "xlink:href",
];
/// Elements that run or load something, or make others run, in whatever language of XML they stand.
const RUNNING: &[&str] = &[
    "applet",
    "base",
    "embed",
    "foreignobject",
    "frame",
    "frameset",
    "handler",
    "iframe",
    "meta",
    "object",
    "script",
    "style",
    "svg",
];

/// Is a text HTML that does not say what it is?
///
/// It is, where a whole tag of an element of HTML is in it, such as `<p>`, `<a href="…">`, `</i>`, `<br/>`. `x <y and z>` and `a <b and c>`
/// are not: nothing of them is to be lost. But viewers may show any text as HTML, and a browser makes an element of each `<` before a letter.
/// So a text is also HTML, and has to be made safe, where that element has an attribute that could run or load something, whatever the element
/// is called and even when its tag has no end, and where it is one that swallows what follows, such as `<script>`. What is left as it is can
/// become elements without meaning, nothing more.
pub fn has_markup(text: &str) -> bool {
    places(text, |at| Tag::at(at).is_some_and(|tag| is_markup(&tag)))
}

fn is_markup(tag: &Tag) -> bool {
    let name = tag.name.as_str();
    let is_silent = SILENT.contains(&name);
    let is_known = is_silent || KEPT.contains(&name) || OTHERS.contains(&name);
    if tag.is_end {
        return is_known && tag.is_closed && tag.attributes.is_empty();
    }
    let is_usual = |attribute: &Attribute| attribute.value.is_some() || BARE.contains(&attribute.name.as_str());
    is_silent
        || tag.attributes.len() >= MOST_ATTRIBUTES
        || tag.attributes.iter().any(is_active)
        || (is_known && tag.is_closed && tag.attributes.iter().all(is_usual))
}

/// `onclick="…"`, `href="…"`
fn is_active(attribute: &Attribute) -> bool {
    let name = attribute.name.as_str();
    attribute.value.is_some() && (is_handler(name) || ACTIVE.contains(&name))
}

fn is_handler(name: &str) -> bool {
    name.len() > 2 && name.starts_with("on")
}

/// Would anything run of a text in a language of XML when a browser gets it?
///
/// Elements and attributes of other vocabularies, as of TEI, run nothing. A document type can hide everything, and so is looked upon as harm.
pub fn runs_in_xml(text: &str) -> bool {
    runs(text, &[])
}

/// Would anything run of the tags in a text that a program makes HTML of?
pub(super) fn runs_in_html(text: &str) -> bool {
    runs(text, SILENT)
}

fn runs(text: &str, more: &[&str]) -> bool {
    places(text, |at| {
        let begins = |what: &str| at.get(..what.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(what));
        if ["<?xml-stylesheet", "<!doctype", "<!entity", "<!attlist"].iter().any(|what| begins(what)) {
            return true;
        }
        let Some(tag) = Tag::at(at).filter(|tag| !tag.is_end) else { return false };
        let local = tag.name.rsplit(':').next().unwrap_or_default();
        RUNNING.contains(&local)
            || more.contains(&local)
            || tag.attributes.len() >= MOST_ATTRIBUTES
            || tag.attributes.iter().any(|attribute| {
                let value = attribute.value.as_deref();
                value.is_some_and(|value| is_handler(&attribute.name) || is_harmful_uri(&decoded(value)))
            })
    })
}

/// Does this hold at any `<`? Each is looked at by itself: what is a comment for one reader is none for another.
fn places(text: &str, holds: impl Fn(&str) -> bool) -> bool {
    text.match_indices('<')
        .filter(|(at, _)| text[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next)))
        .enumerate()
        .any(|(number, (at, _))| number >= MOST_PLACES || holds(&text[at..]))
}
