//! A value with its place, and the questions that many rules ask of one.

use serde_json::{Map, Value};

use super::{Findings, is_http, kind, presentation::language_map, step};

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Part<'d> {
    pub(super) pointer: String,
    pub(super) value: &'d Value,
}

impl<'d> Part<'d> {
    pub(super) const fn new(pointer: String, value: &'d Value) -> Self {
        Self { pointer, value }
    }

    pub(super) fn object(&self) -> Option<&'d Map<String, Value>> {
        self.value.as_object()
    }

    pub(super) fn at(&self, property: &str) -> String {
        format!("{}/{}", self.pointer, step(property))
    }

    pub(super) fn get(&self, property: &str) -> Option<Self> {
        Some(Self { pointer: self.at(property), value: self.value.get(property)? })
    }

    pub(super) fn has(&self, property: &str) -> bool {
        self.value.get(property).is_some()
    }

    pub(super) fn text(&self, property: &str) -> Option<&'d str> {
        self.value.get(property)?.as_str()
    }

    /// `type`, or `@type` as older documents have it.
    pub(super) fn kind(&self) -> Option<&'d str> {
        self.text("type").or_else(|| self.text("@type"))
    }

    /// `id`, or `@id` as older documents have it.
    pub(super) fn id(&self) -> Option<&'d str> {
        self.text("id").or_else(|| self.text("@id"))
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &'d str {
        self.kind().unwrap_or("object")
    }

    /// The items of a list; one that stands alone is a list of one.
    pub(super) fn items(&self) -> Vec<Self> {
        match self.value {
            Value::Array(items) => {
                let part = |(index, value)| Self { pointer: format!("{}/{index}", self.pointer), value };
                items.iter().enumerate().map(part).collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// The items of a property; none where it is missing.
    pub(super) fn list(&self, property: &str) -> Vec<Self> {
        self.get(property).map(|part| part.items()).unwrap_or_default()
    }
}

/// What is asked of properties. Each answers what is there, where it is as it should be.
impl Findings {
    pub(super) fn missing(&mut self, part: &Part<'_>, property: &str, fix: impl Into<String>) {
        self.error(&*part.pointer, format!("`{property}` of this {} is missing", part.name()), fix);
    }

    pub(super) fn wrong(&mut self, part: &Part<'_>, property: &str, fix: impl Into<String>) {
        let what = match part.value {
            Value::String(text) if text.len() < 200 => format!("`{text}`"),
            Value::Number(_) | Value::Bool(_) => part.value.to_string(),
            other => kind(other).to_owned(),
        };
        self.error(&*part.pointer, format!("`{property}` is {what}"), fix);
    }

    /// The property has to be there.
    pub(super) fn need<'d>(&mut self, part: &Part<'d>, property: &str, fix: &str) -> Option<Part<'d>> {
        let found = part.get(property);
        if found.is_none() {
            self.missing(part, property, fix);
        }
        found
    }

    /// The property has to be one of these texts.
    pub(super) fn need_one_of(&mut self, part: &Part<'_>, property: &str, allowed: &[&str]) {
        match part.get(property) {
            None => self.missing(part, property, format!("write `{}`", allowed.join("` or `"))),
            Some(found) => self.one_of(&found, property, allowed),
        }
    }

    pub(super) fn one_of(&mut self, found: &Part<'_>, property: &str, allowed: &[&str]) {
        if !found.value.as_str().is_some_and(|text| allowed.contains(&text)) {
            self.wrong(found, property, format!("write `{}`", allowed.join("` or `")));
        }
    }

    /// The property has to be an http or https URI.
    pub(super) fn need_uri<'d>(&mut self, part: &Part<'d>, property: &str) -> Option<&'d str> {
        let found = self.need(part, property, "give it a URI of its own")?;
        self.uri(&found, property)
    }

    pub(super) fn uri<'d>(&mut self, found: &Part<'d>, property: &str) -> Option<&'d str> {
        let uri = found.value.as_str().filter(|uri| is_http(uri));
        if uri.is_none() {
            self.wrong(found, property, "write a whole URI, beginning with `https://`");
        }
        uri
    }

    /// Where the property is there, it is a whole number, and no less than this.
    pub(super) fn whole(&mut self, part: &Part<'_>, property: &str, least: u64) -> Option<u64> {
        let found = part.get(property)?;
        let number = found.value.as_u64().filter(|number| *number >= least);
        if number.is_none() {
            self.wrong(&found, property, format!("write a whole number, {least} or more, without quotes"));
        }
        number
    }

    /// Where the property is there, it is a text.
    pub(super) fn string<'d>(&mut self, part: &Part<'d>, property: &str) -> Option<&'d str> {
        let found = part.get(property)?;
        let text = found.value.as_str();
        if text.is_none() {
            self.wrong(&found, property, "write it as one string");
        }
        text
    }

    /// Where the property is there, it is a language map.
    pub(super) fn languages(&mut self, part: &Part<'_>, property: &str) {
        if let Some(found) = part.get(property) {
            language_map(property, &found.pointer, found.value, self);
        }
    }

    /// Where the property is there, it is an array.
    pub(super) fn array<'d>(&mut self, part: &Part<'d>, property: &str) -> Vec<Part<'d>> {
        let Some(found) = part.get(property) else { return Vec::new() };
        if found.value.is_array() {
            return found.items();
        }
        let message = format!("`{property}` is {} and not an array", kind(found.value));
        self.error(found.pointer, message, "put its value into `[` and `]`");
        Vec::new()
    }

    /// Where the property is there, it is an array of texts.
    pub(super) fn strings<'d>(&mut self, part: &Part<'d>, property: &str) -> Vec<(String, &'d str)> {
        let mut texts = Vec::new();
        for item in self.array(part, property) {
            match item.value.as_str() {
                Some(text) => texts.push((item.pointer, text)),
                None => self.wrong(&item, property, "write each of its values as a string"),
            }
        }
        texts
    }

    /// Where the property is there, it is an object with `id` and with `type` of this name.
    pub(super) fn link(&mut self, part: &Part<'_>, property: &str, name: &str) {
        let Some(found) = part.get(property) else { return };
        if found.value.is_object() {
            self.need_uri(&found, "id");
            self.need_one_of(&found, "type", &[name]);
        } else {
            let fix = format!("write `{{\"id\": \"https://…\", \"type\": \"{name}\"}}`");
            self.error(found.pointer, format!("`{property}` is {} and not an object", kind(found.value)), fix);
        }
    }
}
