//! Content State 1.0: what a viewer is to show, as an annotation or as what it targets; in JSON, or encoded for a link.

use serde_json::Value;

use super::annotation::motivations;
use super::{DocumentKind, Finding, Findings, Part, Rule, Tree, is_http, text, validate_as};

const KINDS: &[DocumentKind] = &[DocumentKind::ContentState];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "C1",
        title: "An encoded state is base64url of a URI-encoded text, without padding",
        section: "Content State 1.0 §6",
        kinds: &[],
        check: |_, _| (),
    },
    Rule {
        id: "C2",
        title: "States are encoded in links only, and plain URIs never",
        section: "Content State 1.0 §6.2",
        kinds: &[],
        check: |_, _| (),
    },
    Rule {
        id: "C3",
        title: "A state is an annotation with the motivation `contentState` and a target",
        section: "Content State 1.0 §2.2",
        kinds: KINDS,
        check: form,
    },
    Rule {
        id: "C4",
        title: "A canvas or range says of which manifest it is part",
        section: "Content State 1.0 §2.2.3",
        kinds: KINDS,
        check: containers,
    },
    Rule {
        id: "C5",
        title: "Parts are named by fragments or selectors that viewers know",
        section: "Content State 1.0 §5",
        kinds: KINDS,
        check: selectors,
    },
];

/// C1 and C2 begin with a text; they are found by their names.
fn rule(id: &str) -> &'static Rule {
    RULES.iter().find(|rule| rule.id == id).unwrap_or(&RULES[0])
}

fn form(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if root.kind() == Some("Annotation") {
        if !motivations(root.value.get("motivation")).contains(&"contentState") {
            let fix = "write `\"motivation\": [\"contentState\"]`";
            findings.error(root.at("motivation"), "`motivation` lacks `contentState`", fix);
        }
        if findings.need(&root, "target", "say what is to be shown").is_some() && root.list("target").is_empty() {
            findings.error("/target", "`target` is empty", "say what is to be shown");
        }
        if !root.has("id") {
            let message = "`id` of the state is missing, so it cannot be published";
            findings.warning("", message, "give it a URI, unless it stands in a link");
        }
    }
    for target in targets(&root) {
        if target.value.is_object() {
            findings.need(&target, "type", "say what it is");
            if target.kind() != Some("SpecificResource") {
                findings.need_uri(&target, "id");
            }
        } else if !target.value.as_str().is_some_and(is_http) {
            findings.wrong(&target, "target", "write a URI, or an object with `id` and `type`");
        }
    }
}

/// What is to be shown: the targets of the annotation, or the document itself.
fn targets<'d>(root: &Part<'d>) -> Vec<Part<'d>> {
    if root.kind() == Some("Annotation") { root.list("target") } else { vec![root.clone()] }
}

/// The resource that a target is, or is part of.
fn resource<'d>(target: &Part<'d>) -> Option<Part<'d>> {
    if target.kind() == Some("SpecificResource") { target.get("source") } else { Some(target.clone()) }
}

fn containers(tree: &Tree<'_>, findings: &mut Findings) {
    for target in targets(&tree.root()) {
        let Some(resource) = resource(&target).filter(|resource| resource.value.is_object()) else { continue };
        if !matches!(resource.kind(), Some("Canvas" | "Range")) {
            continue;
        }
        let fix = "write `\"partOf\": [{\"id\": \"https://…\", \"type\": \"Manifest\"}]`";
        if !resource.has("partOf") {
            findings.missing(&resource, "partOf", fix);
        } else if !resource.list("partOf").iter().any(|part| part.kind() == Some("Manifest") && part.id().is_some()) {
            findings.error(resource.at("partOf"), "`partOf` names no Manifest", fix);
        }
    }
}

fn selectors(tree: &Tree<'_>, findings: &mut Findings) {
    for target in targets(&tree.root()) {
        if let Some(source) = resource(&target)
            && let Some(id) = source.value.as_str().or_else(|| source.id())
            && let Some((_, fragment)) = id.split_once('#')
            && !fragment.split('&').any(|part| part.starts_with("xywh=") || part.starts_with("t="))
        {
            let message = format!("`id` has the fragment `{fragment}`, which viewers do not know");
            findings.warning(source.pointer, message, "name a part by `#xywh=` or `#t=`");
        }
        for selector in target.list("selector") {
            let known =
                matches!(selector.kind(), Some("FragmentSelector" | "PointSelector" | "SvgSelector" | "RangeSelector"));
            if !known && selector.value.is_object() {
                let message = format!("`selector` is a {}, which viewers do not know", selector.name());
                findings.warning(selector.pointer, message, "use a PointSelector or a FragmentSelector");
            }
        }
    }
}

/// Holds the value of `iiif-content` in a link against the rules: a plain URI, or a state that is encoded.
pub fn validate_encoded(value: &str) -> Vec<Finding> {
    let value = value.trim();
    if is_http(value) {
        return Vec::new();
    }
    let (mut first, mut second) = (Findings::of(rule("C1")), Findings::of(rule("C2")));
    if value.starts_with(['{', '"', '[']) || value.starts_with("%7B") {
        let fix = "encode it: encodeURIComponent, then base64url, without `=`";
        second.error("", "`iiif-content` holds JSON that is not encoded", fix);
        return second.finish();
    }
    match decode(value) {
        Err(what) => first.error("", format!("`iiif-content` cannot be decoded: {what}"), "encode it anew"),
        Ok(text) if is_http(text.trim()) => {
            second.error("", "`iiif-content` holds a plain URI that is encoded", "write the URI as it is");
        }
        Ok(text) => match serde_json::from_str::<Value>(&text) {
            Ok(document) => return validate_as(&document, DocumentKind::ContentState),
            Err(_) => return text::validate_text(text.as_bytes()),
        },
    }
    let mut found = first.finish();
    found.append(&mut second.finish());
    found
}

/// base64url without padding, then what `decodeURIComponent` does.
fn decode(value: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(value.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for (index, byte) in value.bytes().enumerate() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            b'=' => return Err("it has padding, `=`".to_owned()),
            b'+' | b'/' => return Err("it has `+` or `/`, which are of plain base64".to_owned()),
            _ => return Err(format!("character {} is not of base64url", index + 1)),
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    if value.len() % 4 == 1 {
        return Err("its length cannot be that of base64url".to_owned());
    }
    percent(&bytes)
}

fn percent(text: &[u8]) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            bytes.push(byte.ok_or("a `%` is not followed by two digits")?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
