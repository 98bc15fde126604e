//! Collections: members of three lists, in one order. Presentation API 2.1 §5.8, 3.0 §5.1.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::note::{NoteKind, Place};
use super::text::{none, short};
use super::{Class, Upgrade, list, type_words, uri_of};

/// Lists of members, with the class of what each holds.
const LISTS: [(&str, &str); 4] =
    [("members", "Manifest"), ("items", "Manifest"), ("collections", "Collection"), ("manifests", "Manifest")];

impl Upgrade {
    pub(super) fn collection(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Value {
        let mut out = Map::new();
        let id = self.id(&mut fields, || "https://example.invalid/collection".to_owned(), place);
        out.insert("id".to_owned(), id.as_str().into());
        out.insert("type".to_owned(), "Collection".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        // Paging was taken out of 3.0 and comes back in 4.0; the links stay, as other converters have them.
        let is_paged = ["first", "next", "prev", "last"].iter().any(|property| fields.contains_key(*property));
        let mut pages = Map::new();
        self.pages(&mut fields, &mut pages, "Collection", place);
        if is_paged {
            let message = "3.0 has no pages of collections; the links to them stay, and few clients follow them";
            self.notes.add(NoteKind::Moved, place, message, "list all members, or nest collections");
        }
        let items = self.collection_items(&mut fields, &id, place);
        self.described(Class::Collection, &mut fields, &mut out, &id, place);
        out.extend(pages);
        out.insert("items".to_owned(), Value::Array(items));
        if let Some(lists) = fields.shift_remove("otherContent") {
            let pages = self.other_content(lists, &id, &place.at("otherContent"));
            super::described::put_list(&mut out, "annotations", pages);
        }
        self.rest(fields, &mut out);
        Value::Object(out)
    }

    fn collection_items(&mut self, fields: &mut Map<String, Value>, holder: &str, place: &Place<'_>) -> Vec<Value> {
        let (mut items, mut seen) = (Vec::new(), HashSet::new());
        for (property, class) in LISTS {
            let place = place.at(property);
            for (index, member) in fields.shift_remove(property).map(list).unwrap_or_default().into_iter().enumerate() {
                let place = place.index(index);
                // Some documents list all in `members` and again by class.
                if uri_of(&member).is_some_and(|uri| !seen.insert(uri.trim().to_owned())) {
                    continue;
                }
                items.extend(self.member(member, class, holder, &place));
            }
        }
        items
    }

    fn member(&mut self, value: Value, usual: &str, holder: &str, place: &Place<'_>) -> Option<Value> {
        let mut fields = match value {
            Value::Object(fields) => fields,
            Value::String(uri) if !uri.trim().is_empty() => Map::from_iter([("@id".to_owned(), Value::String(uri))]),
            Value::String(_) | Value::Null => return None,
            other => {
                let message = format!("a manifest or collection belongs here and not {}", short(&other));
                self.notes.add(NoteKind::Lost, place, message, "name it by `@id`, `@type` and `label`");
                return None;
            }
        };
        let words = type_words(&fields);
        let class = words
            .iter()
            .map(String::as_str)
            .find(|word| matches!(*word, "Manifest" | "Collection"))
            .unwrap_or(usual)
            .to_owned();
        if class == "Collection" && LISTS.iter().any(|(property, _)| fields.contains_key(*property)) {
            return Some(self.collection(fields, place));
        }
        for property in ["sequences", "structures"] {
            if fields.shift_remove(property).is_some() {
                let message = format!("`{property}` of a manifest within a collection: manifests are only named there");
                self.notes.add(NoteKind::Lost, &place.at(property), message, "upgrade the manifest by itself");
            }
        }
        let mut out = Map::new();
        let id = self.id(&mut fields, || format!("{holder}/member"), place);
        out.insert("id".to_owned(), id.as_str().into());
        out.insert("type".to_owned(), class.as_str().into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let kind = if class == "Collection" { Class::Collection } else { Class::Manifest };
        let mut pages = Map::new();
        self.pages(&mut fields, &mut pages, "Collection", place);
        self.described(kind, &mut fields, &mut out, &id, place);
        out.extend(pages);
        out.entry("label").or_insert_with(|| none(&id));
        self.rest(fields, &mut out);
        Some(Value::Object(out))
    }
}
