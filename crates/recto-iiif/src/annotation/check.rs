//! Is this an annotation that can be stored? The rules of the Web Annotation Data Model, and limits.

use serde_json::{Map, Value};

use super::accept::{AcceptOptions, note};
use super::error::Faults;
use super::targets::region_of_fragment;
use super::words::{is_uri, list, local, short, types};
use super::{CONTEXT, Rejected};
use crate::presentation::{Note, NoteKind};

/// Collects what is wrong.
pub(super) struct Checker<'o> {
    pub(super) options: &'o AcceptOptions,
    /// The document came in the words of Open Annotation, and is spoken of in them.
    is_open: bool,
    faults: Faults,
}

impl<'o> Checker<'o> {
    pub(super) fn new(options: &'o AcceptOptions, is_open: bool) -> Self {
        Self { options, is_open, faults: Faults::default() }
    }

    pub(super) fn finish(self) -> Result<(), Rejected> {
        self.faults.finish()
    }

    pub(super) const fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The place as the sender knows it.
    pub(super) fn place(&self, pointer: &str) -> String {
        if !self.is_open {
            return pointer.to_owned();
        }
        for (newer, older) in [("/body", "/resource"), ("/target", "/on")] {
            if let Some(rest) = pointer.strip_prefix(newer) {
                return format!("{older}{rest}");
            }
        }
        pointer.to_owned()
    }

    pub(super) fn fault(&mut self, pointer: &str, message: impl Into<String>, remedy: &str) {
        let place = self.place(pointer);
        self.faults.add(place, message, remedy);
    }

    pub(super) fn note(
        &self,
        notes: &mut Vec<Note>,
        kind: NoteKind,
        pointer: &str,
        message: impl Into<String>,
        remedy: &str,
    ) {
        note(notes, kind, &self.place(pointer), message, remedy);
    }

    fn word(&self, word: &'static str) -> &'static str {
        match word {
            "target" if self.is_open => "on",
            "body" if self.is_open => "resource",
            word => word,
        }
    }

    pub(super) fn annotation(&mut self, fields: &mut Map<String, Value>, notes: &mut Vec<Note>) {
        self.context(fields, notes);
        self.names(fields, notes);
        self.kind(fields, notes);
        self.motivation(fields);
        self.body_value(fields, notes);
        if fields.get("body").is_some_and(Value::is_null) {
            fields.shift_remove("body");
        }
        let (bodies, targets) = (list(fields.get("body")).len(), list(fields.get("target")).len());
        for (word, count, most) in
            [("body", bodies, self.options.max_bodies), ("target", targets, self.options.max_targets)]
        {
            if count > most {
                let message = format!("`{}` has {count} values, and {most} are allowed", self.word(word));
                self.fault(&format!("/{word}"), message, "make several annotations of it");
            }
        }
        if targets == 0 {
            let message = format!("`{}` is missing", self.word("target"));
            self.fault(
                "",
                message,
                "say what the annotation is about: the URI of a canvas, with `#xywh=…` for a part of it",
            );
        }
        if targets.max(bodies) > 10_000 {
            return;
        }
        if let Some(body) = fields.get_mut("body") {
            self.each(body, "/body", notes, Self::body);
        }
        if let Some(target) = fields.get_mut("target") {
            self.each(target, "/target", notes, Self::target);
        }
    }

    fn each(
        &mut self,
        value: &mut Value,
        pointer: &str,
        notes: &mut Vec<Note>,
        check: fn(&mut Self, &mut Value, &str, &mut Vec<Note>),
    ) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    check(self, item, &format!("{pointer}/{index}"), notes);
                }
            }
            one => check(self, one, pointer, notes),
        }
    }

    fn context(&self, fields: &mut Map<String, Value>, notes: &mut Vec<Note>) {
        let given = list(fields.get("@context")).to_vec();
        let mut all = vec![Value::from(CONTEXT)];
        for context in given {
            match context.as_str() {
                Some(CONTEXT) => {}
                Some(uri) if is_uri(uri) => all.push(context),
                _ => {
                    let message = format!("`@context` has {}, which is left out", short(&context));
                    self.note(notes, NoteKind::Lost, "/@context", message, "name contexts by their URIs");
                }
            }
        }
        let context = if all.len() == 1 { all.remove(0) } else { Value::Array(all) };
        // It comes first, as people expect it.
        fields.shift_remove("@context");
        fields.shift_insert(0, "@context".to_owned(), context);
    }

    fn names(&mut self, fields: &mut Map<String, Value>, notes: &mut Vec<Note>) {
        if let Some(older) = fields.shift_remove("@id") {
            fields.entry("id").or_insert(older);
        }
        match fields.get("id") {
            None => {}
            Some(Value::String(id)) if id.len() > 2048 => {
                self.fault("/id", "`id` has more than 2048 bytes", "leave it off; the server gives one");
            }
            Some(Value::String(id)) if !id.trim().is_empty() => {}
            Some(Value::Null | Value::String(_)) => {
                fields.shift_remove("id");
                self.note(notes, NoteKind::Repaired, "/id", "`id` is empty and left out", "leave it off");
            }
            Some(other) => {
                let message = format!("`id` is {}", short(other));
                self.fault("/id", message, "write one string, or leave it off");
            }
        }
        if let Some(canonical) = fields.get("canonical")
            && !canonical.as_str().is_some_and(is_uri)
        {
            let message = format!("`canonical` is {}", short(canonical));
            self.fault("/canonical", message, "write one URI");
        }
        for (index, via) in list(fields.get("via")).iter().enumerate() {
            if !via.is_string() && !via.get("id").is_some_and(Value::is_string) {
                let message = format!("`via` has {}", short(via));
                self.fault(&format!("/via/{index}"), message, "write URIs");
            }
        }
    }

    fn kind(&mut self, fields: &mut Map<String, Value>, notes: &mut Vec<Note>) {
        if let Some(older) = fields.shift_remove("@type") {
            fields.entry("type").or_insert(older);
        }
        let kinds = types(fields);
        if kinds.is_empty() && fields.get("type").is_none_or(Value::is_null) {
            fields.insert("type".to_owned(), "Annotation".into());
            self.note(notes, NoteKind::Repaired, "/type", "`type` is missing", "write `\"type\": \"Annotation\"`");
        } else if kinds.contains(&"Annotation") {
            // Prefixes and further classes of others are nothing that readers of the W3C's or of IIIF's form know.
            fields.insert("type".to_owned(), "Annotation".into());
        } else {
            let given = fields.get("type").map(short).unwrap_or_default();
            self.fault("/type", format!("`type` is {given}"), "send one thing of type `Annotation`");
        }
    }

    fn motivation(&mut self, fields: &mut Map<String, Value>) {
        let Some(given) = fields.shift_remove("motivation").filter(|given| !given.is_null()) else { return };
        let is_list = given.is_array();
        let mut words: Vec<Value> = Vec::new();
        for (index, item) in list(Some(&given)).iter().enumerate() {
            let pointer = if is_list { format!("/motivation/{index}") } else { "/motivation".to_owned() };
            let Some(word) = item.as_str() else {
                self.fault(
                    &pointer,
                    format!("`motivation` is {}", short(item)),
                    "write a word, for example `commenting`",
                );
                continue;
            };
            let word = local(word);
            let allowed = &self.options.motivations;
            if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == word) {
                let message = format!("`motivation` is `{}`, which is not taken here", short(item).trim_matches('`'));
                let remedy = format!("write one of {}", allowed.join(", "));
                self.fault(&pointer, message, &remedy);
            }
            words.push(word.into());
        }
        let motivation = if is_list { Value::Array(words) } else { words.pop().unwrap_or_default() };
        if !motivation.is_null() && motivation != Value::Array(Vec::new()) {
            fields.insert("motivation".to_owned(), motivation);
        }
    }

    /// `bodyValue` as the body that it stands for. Data Model §3.2.5.
    fn body_value(&mut self, fields: &mut Map<String, Value>, notes: &mut Vec<Note>) {
        let Some(given) = fields.shift_remove("bodyValue").filter(|given| !given.is_null()) else { return };
        if fields.get("body").is_some_and(|body| !body.is_null()) {
            self.fault("/bodyValue", "`bodyValue` stands beside `body`", "keep one of them");
            return;
        }
        let Value::String(text) = given else {
            self.fault("/bodyValue", format!("`bodyValue` is {}", short(&given)), "write one string");
            return;
        };
        let body = serde_json::json!({ "type": "TextualBody", "format": "text/plain", "value": text });
        fields.insert("body".to_owned(), body);
        let message = "`bodyValue` has become a TextualBody, for viewers do not read it";
        self.note(notes, NoteKind::Moved, "/bodyValue", message, "write a TextualBody");
    }

    fn body(&mut self, value: &mut Value, pointer: &str, notes: &mut Vec<Note>) {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::String(uri) if is_uri(uri) => return,
            other => {
                let message = format!("`{}` is {}", self.word("body"), short(other));
                self.fault(
                    pointer,
                    message,
                    "write `{\"type\": \"TextualBody\", \"value\": \"…\"}`, or the URI of a resource",
                );
                return;
            }
        };
        let kinds: Vec<String> = types(fields).iter().map(|kind| (*kind).to_owned()).collect();
        let has = |kind: &str| kinds.iter().any(|given| given == kind);
        if kinds.is_empty() && fields.get("value").is_some_and(Value::is_string) {
            fields.insert("type".to_owned(), "TextualBody".into());
            self.note(notes, NoteKind::Repaired, pointer, "`type` of the body is missing", "write `TextualBody`");
            return;
        }
        if has("TextualBody") {
            match fields.get("value") {
                Some(Value::String(_)) => {}
                Some(other) => {
                    let message = format!("`value` is {}", short(other));
                    self.fault(&format!("{pointer}/value"), message, "write the text as one string");
                }
                None => self.fault(pointer, "`value` of the TextualBody is missing", "write the text"),
            }
            if let Some(format) = fields.get("format").filter(|format| !format.is_string()) {
                let message = format!("`format` is {}", short(format));
                self.fault(&format!("{pointer}/format"), message, "write one media type, for example `text/plain`");
            }
        } else if ["Choice", "Composite", "List", "Independents"].iter().any(|kind| has(kind)) {
            match fields.get_mut("items") {
                Some(Value::Array(items)) if !items.is_empty() => {
                    for (index, item) in items.iter_mut().enumerate() {
                        self.body(item, &format!("{pointer}/items/{index}"), notes);
                    }
                }
                _ => self.fault(
                    pointer,
                    "`items` of the choice is missing or empty",
                    "list what there is to choose from",
                ),
            }
        } else if has("SpecificResource") || fields.contains_key("source") {
            self.specific(fields, pointer, notes);
        } else if !["id", "@id", "value", "items", "service"].iter().any(|name| fields.contains_key(*name)) {
            self.fault(
                pointer,
                "the body has neither `id` nor `value`",
                "write its URI as `id`, or its text as `value`",
            );
        }
    }

    fn target(&mut self, value: &mut Value, pointer: &str, notes: &mut Vec<Note>) {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::String(uri) => {
                self.target_uri(uri, pointer);
                return;
            }
            other => {
                let message = format!("`{}` is {}", self.word("target"), short(other));
                self.fault(pointer, message, "write the URI of a canvas, or an object with `source`");
                return;
            }
        };
        let is_part = ["source", "selector"].iter().any(|name| fields.contains_key(*name));
        if is_part || types(fields).contains(&"SpecificResource") {
            self.specific(fields, pointer, notes);
        } else if let Some(items) = fields.get_mut("items") {
            self.each(items, &format!("{pointer}/items"), notes, Self::target);
        } else {
            let name = if fields.contains_key("id") { "id" } else { "@id" };
            if let Some(Value::String(uri)) = fields.get_mut(name) {
                self.target_uri(uri, &format!("{pointer}/id"));
            } else {
                let message = format!("this `{}` has neither `id` nor `source`", self.word("target"));
                self.fault(pointer, message, "write the URI of the canvas as `source`");
            }
        }
    }

    fn target_uri(&mut self, uri: &mut String, pointer: &str) {
        if let Some(base) = self.options.relative_targets.as_deref().filter(|_| !is_uri(uri) && !uri.trim().is_empty())
        {
            *uri = under(base, uri.trim());
        }
        if !is_uri(uri) {
            let message = format!("`{}` is {}, which is no URI", self.word("target"), short(&Value::from(&**uri)));
            self.fault(pointer, message, "write the whole URI of the canvas");
        } else if let Some((_, fragment)) = uri.split_once('#') {
            self.fragment(fragment, pointer);
        }
    }

    fn fragment(&mut self, fragment: &str, pointer: &str) {
        if region_of_fragment(fragment).is_err() {
            let message = format!("{} names no region", short(&Value::from(fragment)));
            self.fault(pointer, message, "write `xywh=x,y,w,h` with four numbers");
        }
    }

    fn specific(&mut self, fields: &mut Map<String, Value>, pointer: &str, notes: &mut Vec<Note>) {
        let word = if self.is_open { "full" } else { "source" };
        match fields.get_mut("source") {
            Some(Value::String(uri)) => self.target_uri(uri, &format!("{pointer}/{word}")),
            Some(Value::Object(source)) => {
                let is_embedded = source.contains_key("value") || source.contains_key("items");
                match source.get_mut("id") {
                    Some(Value::String(uri)) => self.target_uri(uri, &format!("{pointer}/{word}/id")),
                    None if is_embedded => {}
                    _ => {
                        let message = format!("`{word}` has no `id`");
                        self.fault(&format!("{pointer}/{word}"), message, "write its URI as `id`");
                    }
                }
            }
            Some(other) => {
                let message = format!("`{word}` is {}", short(other));
                self.fault(&format!("{pointer}/{word}"), message, "write one URI");
            }
            None => self.fault(pointer, format!("`{word}` is missing"), "write the URI of what this is a part of"),
        }
        if fields.get("selector").is_some_and(|selector| selector.is_null() || *selector == Value::Array(Vec::new())) {
            fields.shift_remove("selector");
        }
        if let Some(selector) = fields.get_mut("selector") {
            self.each(selector, &format!("{pointer}/selector"), notes, Self::selector);
        }
    }

    fn selector(&mut self, value: &mut Value, pointer: &str, notes: &mut Vec<Note>) {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::String(uri) if is_uri(uri) => return,
            other => {
                let message = format!("`selector` is {}", short(other));
                self.fault(pointer, message, "write an object with `type`");
                return;
            }
        };
        let kind = types(fields).first().map(|kind| (*kind).to_owned());
        let value_at = format!("{pointer}/value");
        match kind.as_deref() {
            None => {
                self.fault(pointer, "`type` of the selector is missing", "write `FragmentSelector` or `SvgSelector`");
            }
            Some("FragmentSelector") => match fields.get_mut("value") {
                Some(Value::String(text)) => {
                    if let Some(plain) = text.strip_prefix('#') {
                        *text = plain.to_owned();
                        let message = "`value` of the FragmentSelector began with `#`";
                        self.note(notes, NoteKind::Repaired, &value_at, message, "leave off the `#`");
                    }
                    let text = text.clone();
                    self.fragment(&text, &value_at);
                }
                _ => self.fault(
                    pointer,
                    "`value` of the FragmentSelector is missing",
                    "write `xywh=x,y,w,h` or `t=start,end`",
                ),
            },
            // What the text says is looked at when it is made safe.
            Some("SvgSelector") if fields.get("value").is_some_and(Value::is_string) => {}
            Some("SvgSelector") if fields.get("id").is_some_and(Value::is_string) => {}
            Some("SvgSelector" | "XPathSelector" | "CssSelector" | "WktSelector") => {
                if !fields.get("value").is_some_and(Value::is_string) {
                    let message = format!("`value` of the {} is missing", kind.unwrap_or_default());
                    self.fault(pointer, message, "say which part it selects");
                }
            }
            Some("TextQuoteSelector") if !fields.get("exact").is_some_and(Value::is_string) => {
                self.fault(pointer, "`exact` of the TextQuoteSelector is missing", "quote the text");
            }
            Some("PointSelector") => {
                for property in ["x", "y", "z", "t", "instant"] {
                    if let Some(other) = fields.get(property).filter(|value| !value.is_number()) {
                        let message = format!("`{property}` is {}", short(other));
                        self.fault(&format!("{pointer}/{property}"), message, "write a number");
                    }
                }
            }
            Some(_) => {}
        }
        for next in ["refinedBy", "startSelector", "endSelector"] {
            if let Some(selector) = fields.get_mut(next) {
                self.each(selector, &format!("{pointer}/{next}"), notes, Self::selector);
            }
        }
    }
}

/// A name as the end of a URI; its media fragment stays one.
fn under(base: &str, name: &str) -> String {
    let (name, fragment) = match name.rsplit_once('#') {
        Some((name, fragment)) if fragment.starts_with("xywh=") || fragment.starts_with("t=") => (name, Some(fragment)),
        _ => (name, None),
    };
    let mut out = base.to_owned();
    for c in name.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '/' | ',' | '(' | ')') {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        }
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out
}
