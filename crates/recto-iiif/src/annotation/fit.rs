//! What is taken fits every document that it may stand in: leftovers of Open Annotation become words of today, URIs are URIs, and what
//! IIIF writes in another way than the Web Annotation Data Model is written so. Our own validator has the last word.

use serde_json::{Map, Value, json};

use super::accept::note;
use super::check::Checker;
use super::words::{encoded, is_foreign, is_uri, is_uuid, list, local, short, step, types};
use super::{CONTEXT, iiif, older};
use crate::presentation::Note;
use crate::presentation::NoteKind;
use crate::validate::{DocumentKind, Finding, Severity, validate_as};

/// Words of the vocabularies of Open Annotation, and what they are today.
const WORDS: &[(&str, &str)] = &[
    ("oa:hasBody", "body"),
    ("hasBody", "body"),
    ("oa:hasTarget", "target"),
    ("hasTarget", "target"),
    ("oa:motivatedBy", "motivation"),
    ("motivatedBy", "motivation"),
    ("oa:hasSource", "source"),
    ("hasSource", "source"),
    ("oa:hasSelector", "selector"),
    ("hasSelector", "selector"),
    ("oa:hasPurpose", "purpose"),
    ("oa:start", "start"),
    ("oa:end", "end"),
    ("oa:exact", "exact"),
    ("oa:prefix", "prefix"),
    ("oa:suffix", "suffix"),
    ("rdf:value", "value"),
    ("cnt:chars", "chars"),
    ("dc:format", "format"),
    ("dcterms:format", "format"),
    ("dc:language", "language"),
    ("dcterms:language", "language"),
    ("foaf:name", "name"),
    ("rdfs:label", "label"),
];
/// What else is of these vocabularies says nothing to readers of today.
const OLD_PREFIXES: [&str; 5] = ["oa:", "cnt:", "sc:", "dctypes:", "iiif:"];
/// Members that hold resources, or name them by their URIs.
const RESOURCES: &[&str] = &[
    "body",
    "target",
    "source",
    "selector",
    "refinedBy",
    "startSelector",
    "endSelector",
    "items",
    "creator",
    "generator",
    "seeAlso",
    "homepage",
    "rendering",
    "partOf",
    "thumbnail",
    "canonical",
    "via",
    "renderedVia",
    "cached",
    "conformsTo",
    "scope",
    "audience",
];
/// Members without which an annotation would be another.
const CORE: &[&str] = &[
    "id",
    "type",
    "motivation",
    "body",
    "target",
    "source",
    "selector",
    "refinedBy",
    "startSelector",
    "endSelector",
    "items",
    "value",
    "exact",
];
/// The validator is asked so often: what was left out may show what else is wrong.
const MOST_ROUNDS: usize = 8;

/// Words with prefixes as words, in the whole of it.
pub(super) fn whole_words(fields: &mut Map<String, Value>) {
    for (older, newer) in WORDS {
        if let Some(value) = fields.shift_remove(*older) {
            fields.entry(*newer).or_insert(value);
        }
    }
    // `{"@id": "oa:commenting"}`
    if let Some(motivation) = fields.get_mut("motivation") {
        let word = |word: &mut Value| {
            if let Some(name) = word.get("@id").or_else(|| word.get("id")).filter(|name| name.is_string()) {
                *word = name.clone();
            }
        };
        match motivation {
            Value::Array(words) => words.iter_mut().for_each(word),
            one => word(one),
        }
    }
    for (name, value) in fields.iter_mut() {
        if RESOURCES.contains(&name.as_str()) || ["resource", "on", "full", "default", "item"].contains(&name.as_str())
        {
            each_object(value, &mut whole_words);
        }
    }
}

fn each_object(value: &mut Value, then: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(then),
        Value::Object(fields) => then(fields),
        _ => {}
    }
}

/// What is of Open Annotation in an annotation of the W3C becomes what it is called there, or is left out.
pub(super) fn leftovers(fields: &mut Map<String, Value>, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    for (name, convert) in
        [("body", older::body as fn(Value) -> Option<Value>), ("target", (|value| Some(older::target(value))) as _)]
    {
        let Some(given) = fields.get_mut(name) else { continue };
        match given {
            Value::Array(items) => {
                let converted = std::mem::take(items).into_iter().filter_map(|item| current(item, convert));
                *items = converted.collect();
            }
            one => *one = current(one.take(), convert).unwrap_or_default(),
        }
    }
    words_of_today(fields, "", checker, notes);
}

fn current(value: Value, convert: fn(Value) -> Option<Value>) -> Option<Value> {
    let is_older = value.as_object().is_some_and(|fields| {
        let is_old_word =
            |name: &String| name.starts_with('@') || ["chars", "full", "default"].contains(&name.as_str());
        fields.keys().any(is_old_word)
            || list(fields.get("type")).iter().any(|kind| kind.as_str().is_some_and(|kind| local(kind) != kind))
            || fields.get("source").is_some_and(|source| source.get("@id").is_some())
            || list(fields.get("selector")).iter().any(|selector| selector.get("@type").is_some())
    });
    let is_older = is_older
        || value.as_str().is_some_and(|text| text == "rdf:nil")
        || value.get("items").is_some_and(|items| list(Some(items)).iter().any(|item| item.get("@type").is_some()));
    if !is_older {
        return Some(value);
    }
    if value == "rdf:nil" {
        return None;
    }
    let Value::Object(mut fields) = value else { return convert(value) };
    // What a choice or a list holds is as old as it is.
    if let Some(Value::Array(items)) = fields.get_mut("items") {
        *items = std::mem::take(items).into_iter().filter_map(|item| current(item, convert)).collect();
    }
    convert(Value::Object(fields))
}

fn words_of_today(fields: &mut Map<String, Value>, pointer: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    for (older, newer) in [("@id", "id"), ("@type", "type")] {
        if let Some(value) = fields.shift_remove(older) {
            fields.entry(newer).or_insert(value);
        }
    }
    let is_left = |name: &str| {
        (name.starts_with('@') && !(name == "@context" && pointer.is_empty()))
            || OLD_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    let lost: Vec<String> = fields.keys().filter(|name| is_left(name)).cloned().collect();
    for name in lost {
        fields.shift_remove(&name);
        let message = format!("`{name}` is left out: it is a word of an older model");
        let place = checker.place(&format!("{pointer}/{}", step(&name)));
        note(notes, NoteKind::Lost, &place, message, "say it in the words of the Web Annotation Data Model");
    }
    // A blank node has no name.
    if fields.get("id").and_then(Value::as_str).is_some_and(|id| id.starts_with("_:")) {
        fields.shift_remove("id");
    }
    let kinds = types(fields);
    let is_known = |kind: &&&str| {
        matches!(**kind, "Annotation" | "TextualBody" | "SpecificResource" | "Choice") || kind.ends_with("Selector")
    };
    if let Some(kind) = kinds.iter().find(is_known).or_else(|| kinds.first()).map(|kind| (*kind).to_owned()) {
        fields.insert("type".to_owned(), kind.into());
    }
    for (name, value) in fields.iter_mut() {
        let at = format!("{pointer}/{}", step(name));
        match value {
            // A value of JSON-LD with its language.
            Value::Object(inner) if inner.contains_key("@value") => {
                *value = literal(inner, name);
            }
            _ if !RESOURCES.contains(&name.as_str()) => {}
            Value::Object(inner) => words_of_today(inner, &at, checker, notes),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    if let Value::Object(inner) = item {
                        words_of_today(inner, &format!("{at}/{index}"), checker, notes);
                    }
                }
            }
            _ => {}
        }
    }
}

fn literal(fields: &Map<String, Value>, name: &str) -> Value {
    let text = fields.get("@value").cloned().unwrap_or_default();
    let language = fields.get("@language").and_then(Value::as_str).unwrap_or("none");
    if matches!(name, "label" | "summary") && text.is_string() { json!({ language: [text] }) } else { text }
}

/// Each URI is one, or is mended where that is wanted, or is a fault.
pub(super) fn iris(fields: &mut Map<String, Value>, checker: &mut Checker<'_>, notes: &mut Vec<Note>) {
    if let Some(Value::String(id)) = fields.get_mut("id") {
        if is_uuid(id) {
            id.insert_str(0, "urn:uuid:");
        } else if !id.trim().is_empty() && id.len() <= 2048 && !mended(id, "id", "/id", checker, notes) {
            if checker.options.mends {
                note_lost("id", "/id", id, checker, notes);
                fields.shift_remove("id");
            } else {
                let message = format!("`id` is {}, which is no URI", short(&Value::from(&**id)));
                checker.fault("/id", message, "write a whole URI, or leave it off; the server gives one");
            }
        }
    }
    members(fields, "", checker, notes);
}

fn note_lost(name: &str, pointer: &str, text: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    let message = format!("`{name}` is {}, which is no URI, and is left out", short(&Value::from(text)));
    checker.note(notes, NoteKind::Lost, pointer, message, "write a whole URI");
}

/// Is it a URI, or one now?
fn mended(text: &mut String, name: &str, pointer: &str, checker: &Checker<'_>, notes: &mut Vec<Note>) -> bool {
    if is_uri(text) {
        return true;
    }
    let better = encoded(text);
    if !checker.options.mends || !is_uri(&better) {
        return false;
    }
    let message = format!("`{name}` had characters that are in no URI, and is now `{better}`");
    checker.note(notes, NoteKind::Repaired, pointer, message, "percent-encode them");
    *text = better;
    true
}

fn members(fields: &mut Map<String, Value>, pointer: &str, checker: &mut Checker<'_>, notes: &mut Vec<Note>) {
    let mut lost = Vec::new();
    for (name, value) in fields.iter_mut() {
        let is_id = name == "id" && !pointer.is_empty();
        // These are of bodies and targets; elsewhere they are whatever somebody means by them.
        let is_of_part = CORE.contains(&name.as_str()) && !matches!(name.as_str(), "body" | "target");
        if !is_id && (!RESOURCES.contains(&name.as_str()) || (pointer.is_empty() && is_of_part)) {
            continue;
        }
        let at = format!("{pointer}/{}", step(name));
        match value {
            Value::Array(items) => {
                let mut index = 0;
                items.retain_mut(|item| {
                    let at = format!("{at}/{index}");
                    index += 1;
                    member(item, name, &at, checker, notes)
                });
                if items.is_empty() && !CORE.contains(&name.as_str()) {
                    lost.push(name.clone());
                }
            }
            one => {
                if !member(one, name, &at, checker, notes) {
                    lost.push(name.clone());
                }
            }
        }
    }
    lost.iter().for_each(|name| drop(fields.shift_remove(name)));
}

/// Looks at a value of a member, and says whether it stays.
fn member(value: &mut Value, name: &str, pointer: &str, checker: &mut Checker<'_>, notes: &mut Vec<Note>) -> bool {
    let text = match value {
        Value::Object(fields) => {
            members(fields, pointer, checker, notes);
            return true;
        }
        Value::String(text) => text,
        _ => return true,
    };
    if mended(text, name, pointer, checker, notes) {
        return true;
    }
    if matches!(name, "creator" | "generator") && !text.contains(':') && !text.trim().is_empty() {
        *value = json!({ "type": if name == "creator" { "Person" } else { "Software" }, "name": text.trim() });
        return true;
    }
    // These are looked at with what they are part of, where names of pages may stand too.
    let is_of_target = ["/target", "/body"].iter().any(|of| pointer.starts_with(of))
        && ["id", "source", "target", "body", "items", "selector"].contains(&name);
    if is_of_target || matches!(name, "canonical" | "selector" | "refinedBy" | "startSelector" | "endSelector") {
        let is_name = !pointer.starts_with("/target") || checker.options.relative_targets.is_none();
        if name == "id" && is_name && !pointer.ends_with("/source/id") && !is_target_id(pointer) {
            return refused(text, name, pointer, checker, notes);
        }
        return true;
    }
    refused(text, name, pointer, checker, notes)
}

/// `/target/id`, `/target/0/id`
fn is_target_id(pointer: &str) -> bool {
    let Some(rest) = pointer.strip_prefix("/target") else { return false };
    let rest = rest.strip_suffix("/id").unwrap_or(rest);
    rest.split('/').skip(1).all(|step| step == "items" || step.bytes().all(|byte| byte.is_ascii_digit()))
}

fn refused(text: &str, name: &str, pointer: &str, checker: &mut Checker<'_>, notes: &mut Vec<Note>) -> bool {
    if checker.options.mends {
        note_lost(name, pointer, text, checker, notes);
        return false;
    }
    let message = format!("`{name}` is {}, which is no URI", short(&Value::from(text)));
    let remedy = if text.contains(is_foreign) { "percent-encode what is in no URI" } else { "write a whole URI" };
    checker.fault(pointer, message, remedy);
    true
}

/// What IIIF writes in another way: lists where there may be several, texts with their languages, what each thing is.
pub(super) fn shapes(fields: &mut Map<String, Value>, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    described(fields);
    rights(fields, checker, notes);
    let is_relative = checker.options.relative_targets.is_some();
    for name in ["body", "target"] {
        let Some(value) = fields.get_mut(name) else { continue };
        if unfolded(value) {
            let message = format!("the list in `{name}` has become several");
            checker.note(notes, NoteKind::Moved, &format!("/{name}"), message, "write them into one array");
        }
        each(value, &mut |value| resource(value, name == "target", is_relative));
    }
}

/// A list of bodies or targets that has no name becomes those that are in it: IIIF knows no other way to say several.
fn unfolded(value: &mut Value) -> bool {
    let is_list = |value: &Value| {
        let kinds = value.as_object().map(types).unwrap_or_default();
        value.get("id").is_none()
            && kinds.iter().any(|kind| matches!(*kind, "List" | "Composite" | "Independents"))
            && value.get("items").is_some_and(Value::is_array)
    };
    if !list(Some(value)).iter().any(is_list) {
        return false;
    }
    let mut out = Vec::new();
    // Last in, first out.
    let mut open = match value.take() {
        Value::Array(items) => items,
        one => vec![one],
    };
    open.reverse();
    while let Some(mut value) = open.pop() {
        if is_list(&value)
            && let Some(Value::Array(items)) = value.get_mut("items")
        {
            open.extend(std::mem::take(items).into_iter().rev());
        } else {
            out.push(value);
        }
    }
    *value = Value::Array(out);
    true
}

fn each(value: &mut Value, then: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(then),
        one => then(one),
    }
}

fn resource(value: &mut Value, is_target: bool, is_relative: bool) {
    let Value::Object(fields) = value else { return };
    if let Some(items) = fields.get_mut("items") {
        each(items, &mut |item| resource(item, is_target, is_relative));
    }
    if let Some(source) = fields.get_mut("source") {
        resource(source, is_target, is_relative);
        if !fields.contains_key("type") {
            fields.shift_insert(0, "type".to_owned(), "SpecificResource".into());
        }
        // A list of sources is none that readers know; what it is part of goes with it.
        if let Some(Value::Object(source)) = fields.get_mut("source")
            && types(source) == ["SpecificResource"]
            && source.get("selector").is_none()
        {
            let whole = source.shift_remove("partOf");
            let uri = source.get("source").cloned();
            fields.extend(uri.map(|uri| ("source".to_owned(), uri)));
            fields.extend(whole.map(|whole| ("partOf".to_owned(), whole)));
        }
    }
    described(fields);
    let id = fields.get("id").and_then(Value::as_str).map(str::to_owned);
    if fields.len() == 1
        && let Some(id) = id
    {
        *value = id.into();
        return;
    }
    let kinds: Vec<String> = types(fields).into_iter().map(str::to_owned).collect();
    let is_kind = |kind: &str| kinds.iter().any(|given| given == kind);
    let has_text = fields.get("value").is_some_and(Value::is_string);
    if has_text && id.is_none() && !is_kind("SpecificResource") && !is_kind("TextualBody") && !is_target {
        fields.insert("type".to_owned(), "TextualBody".into());
    } else if kinds.is_empty() && id.is_some() {
        let kind = if is_target { "Canvas" } else { kind_of(fields) };
        fields.insert("type".to_owned(), kind.into());
    }
    let is_web = id.as_deref().is_none_or(|id| id.starts_with("https://") || id.starts_with("http://"));
    let is_whole = ["source", "items", "value"].iter().all(|name| !fields.contains_key(*name));
    if !is_web && !is_relative && is_whole {
        // What is named in another way than IIIF asks is the source of the whole of itself.
        fields.shift_remove("id");
        fields.insert("type".to_owned(), "SpecificResource".into());
        fields.extend(id.map(|id| ("source".to_owned(), id.into())));
    }
}

/// What a resource is, by its media type.
fn kind_of(fields: &Map<String, Value>) -> &'static str {
    let format = fields.get("format").and_then(Value::as_str).unwrap_or_default();
    match format.split('/').next().unwrap_or_default() {
        "image" => "Image",
        "audio" => "Sound",
        "video" => "Video",
        "text" => "Text",
        _ => "Dataset",
    }
}

/// Links as lists of what says what it is, texts as maps of languages.
fn described(fields: &mut Map<String, Value>) {
    for (name, kind) in [
        ("seeAlso", "Dataset"),
        ("homepage", "Text"),
        ("rendering", "Text"),
        ("thumbnail", "Image"),
        ("partOf", "Manifest"),
    ] {
        let Some(value) = fields.get_mut(name) else { continue };
        let mut items = match value.take() {
            Value::Array(items) => items,
            one => vec![one],
        };
        for item in &mut items {
            if let Value::String(uri) = item {
                *item = json!({ "id": uri });
            }
            let Value::Object(link) = item else { continue };
            link.entry("type").or_insert_with(|| kind.into());
            language_maps(link);
            if matches!(name, "homepage" | "rendering")
                && let Some(id) = link.get("id").cloned()
            {
                link.entry("label").or_insert_with(|| json!({ "none": [id] }));
            }
        }
        *value = Value::Array(items);
    }
    if types(fields) != ["TextualBody"] {
        language_maps(fields);
    }
}

fn language_maps(fields: &mut Map<String, Value>) {
    for name in ["label", "summary"] {
        match fields.get_mut(name) {
            Some(text @ Value::String(_)) => *text = json!({ "none": [text.take()] }),
            Some(Value::Array(texts)) if texts.iter().all(Value::is_string) && !texts.is_empty() => {
                let texts = std::mem::take(texts);
                fields.insert(name.to_owned(), json!({ "none": texts }));
            }
            Some(Value::Object(map)) => {
                for text in map.values_mut().filter(|text| text.is_string()) {
                    *text = json!([text.take()]);
                }
            }
            _ => {}
        }
    }
}

/// IIIF takes `rights` of two places only; what else is said there is said in a word that does not mean less.
fn rights(fields: &mut Map<String, Value>, checker: &Checker<'_>, notes: &mut Vec<Note>) {
    let Some(given) = fields.shift_remove("rights") else { return };
    let known = list(Some(&given)).first().and_then(Value::as_str).and_then(|uri| {
        let plain = uri.replacen("https://", "http://", 1).replacen("http://www.", "http://", 1);
        let is_known = ["http://creativecommons.org/", "http://rightsstatements.org/vocab/"]
            .iter()
            .any(|known| plain.starts_with(known));
        is_known.then_some(plain)
    });
    match known {
        Some(known) if list(Some(&given)).len() == 1 => {
            fields.insert("rights".to_owned(), known.into());
        }
        _ => {
            let message = "`rights` has become `dcterms:rights`, for IIIF knows other values only";
            checker.note(
                notes,
                NoteKind::Moved,
                "/rights",
                message,
                "write a URI of creativecommons.org or rightsstatements.org",
            );
            fields.entry("dcterms:rights").or_insert(given);
        }
    }
}

/// The last word is the validator's: what it calls an error is left out where the annotation is the same without it, else a fault.
pub(super) fn validated(fields: &mut Map<String, Value>, checker: &mut Checker<'_>, notes: &mut Vec<Note>) {
    if checker.has_faults() {
        return;
    }
    for round in 1..=MOST_ROUNDS {
        let errors = errors(fields, checker.options.relative_targets.is_some());
        if errors.is_empty() {
            return;
        }
        let mut is_less = false;
        for error in &errors {
            let pointer = error.pointer.strip_prefix("/items/0").unwrap_or_default();
            if round < MOST_ROUNDS && left_out(fields, pointer) {
                is_less = true;
                checker.note(notes, NoteKind::Lost, pointer, format!("left out: {}", error.message), &error.fix);
            }
        }
        if !is_less {
            for error in errors {
                let pointer = error.pointer.strip_prefix("/items/0").unwrap_or_default();
                checker.fault(pointer, error.message, &error.fix);
            }
            return;
        }
    }
}

/// The errors of a page with this annotation, as Presentation and as the W3C have it.
fn errors(fields: &Map<String, Value>, is_relative: bool) -> Vec<Finding> {
    let mut annotation = fields.clone();
    annotation.insert("id".to_owned(), "https://example.org/annotations/1".into());
    let annotation = Value::Object(annotation);
    let page = "https://example.org/annotations/";
    let of_iiif = iiif::page_of_one(page, annotation.clone());
    let of_w3c = json!({ "@context": CONTEXT, "id": page, "type": "AnnotationPage", "items": [annotation] });
    let mut found = validate_as(&of_iiif, DocumentKind::Presentation3);
    found.extend(validate_as(&of_w3c, DocumentKind::Annotation));
    let mut seen = std::collections::HashSet::new();
    found.retain(|finding| seen.insert((finding.pointer.clone(), finding.message.clone())));
    found.retain(|finding| {
        // Names of pages become URIs later.
        let is_of_target = finding.pointer.starts_with("/items/0/target");
        finding.severity == Severity::Error && !(is_relative && is_of_target && finding.rule == "P2")
    });
    found
}

/// Takes away the outermost member on the way to a place that is not what makes the annotation.
fn left_out(fields: &mut Map<String, Value>, pointer: &str) -> bool {
    let mut steps = pointer.split('/').skip(1);
    let Some(mut name) = steps.next() else { return false };
    let mut within = fields;
    loop {
        let plain = name.replace("~1", "/").replace("~0", "~");
        if !CORE.contains(&plain.as_str()) {
            return within.shift_remove(&plain).is_some();
        }
        let mut value = within.get_mut(&plain);
        let Some(mut next) = steps.next() else { return false };
        if let Some(Value::Array(items)) = value {
            value = next.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            let Some(after) = steps.next() else { return false };
            next = after;
        }
        let Some(Value::Object(inner)) = value else { return false };
        (within, name) = (inner, next);
    }
}
