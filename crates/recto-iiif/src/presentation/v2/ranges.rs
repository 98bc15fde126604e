//! Ranges as the flat list of 2.1, parents before children, where each names its children by URI. Presentation API 2.1 §5.6.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::super::note::{NoteKind, Place};
use super::super::resources::canvas_uri;
use super::{Downgrade, list, take_text};

impl Downgrade<'_> {
    pub(super) fn ranges(&mut self, structures: Vec<Value>, place: &Place<'_>) -> Vec<Value> {
        let defined = defined(&structures);
        let mut out = Vec::new();
        let tops = structures.into_iter().enumerate();
        let mut waiting: Vec<(Value, bool, String)> =
            tops.map(|(index, range)| (range, true, place.index(index).pointer())).collect();
        waiting.reverse();
        while let Some((range, is_top, pointer)) = waiting.pop() {
            let Value::Object(fields) = range else { continue };
            let is_mention = !is_top && !fields.contains_key("items");
            if is_mention && fields.get("id").and_then(Value::as_str).is_some_and(|id| defined.contains(id)) {
                continue;
            }
            let (range, children) = self.range(fields, is_top, &pointer);
            out.push(Value::Object(range));
            let children = children.into_iter().rev();
            waiting.extend(children.map(|(child, index)| (child, false, format!("{pointer}/items/{index}"))));
        }
        out
    }

    pub(super) fn range_document(&mut self, fields: Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let (range, children) = self.range(fields, false, &place.pointer());
        if !children.is_empty() {
            let message = "ranges within this one are only named: 2.1 has them in the manifest";
            self.notes.add(NoteKind::Moved, &place.at("items"), message, "downgrade the manifest");
        }
        range
    }

    fn range(
        &mut self,
        mut fields: Map<String, Value>,
        is_top: bool,
        pointer: &str,
    ) -> (Map<String, Value>, Vec<(Value, usize)>) {
        let place = Place::DOCUMENT;
        let place = if pointer.is_empty() { place } else { place.path(pointer.trim_start_matches('/')) };
        let mut out = super::named(&take_text(&mut fields, "id").unwrap_or_default(), "sc:Range");
        fields.shift_remove("type");
        let is_other_order = fields
            .get("behavior")
            .is_some_and(|names| names.as_array().is_some_and(|names| names.iter().any(|name| name == "sequence")));
        fields.entry("label").or_insert_with(|| json!({}));
        let label = fields.shift_remove("label").map(|label| super::described::text(&label)).unwrap_or_default();
        out.insert("label".to_owned(), label);
        let items = list(fields.shift_remove("items").unwrap_or_default());
        let start = fields.shift_remove("start").and_then(|start| self.start(&start, &place.at("start")));
        let layer = fields.shift_remove("supplementary").and_then(|layer| super::uri_of(&layer).map(ToOwned::to_owned));
        self.described(&mut fields, &mut out, &place);
        if is_top && !is_other_order {
            let hints = list(out.shift_remove("viewingHint").unwrap_or_default());
            let mut all = vec![Value::from("top")];
            all.extend(hints);
            let behind_label = out.keys().position(|key| key == "label").map_or(out.len(), |index| index + 1);
            let hints = if all.len() == 1 { all.remove(0) } else { Value::Array(all) };
            out.shift_insert(behind_label, "viewingHint".to_owned(), hints);
        }
        out.extend(start.map(|start| ("startCanvas".to_owned(), start)));
        out.extend(layer.map(|layer| ("contentLayer".to_owned(), layer.into())));
        let children = self.range_members(items, &mut out, &place.at("items"));
        self.other_content(&mut fields, &mut out, false, &place);
        self.rest(fields, &mut out, &place);
        (out, children)
    }

    /// `ranges` and `canvases`; `members` where canvases stand before ranges or between them.
    fn range_members(
        &mut self,
        items: Vec<Value>,
        out: &mut Map<String, Value>,
        place: &Place<'_>,
    ) -> Vec<(Value, usize)> {
        let (mut ranges, mut canvases, mut members, mut children) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut is_mixed = false;
        for (index, item) in items.into_iter().enumerate() {
            let text = |property: &str| item.get(property).cloned().map(|label| super::described::text(&label));
            let label = text("label").unwrap_or_else(|| "".into());
            if item["type"] == "Range" {
                is_mixed |= !canvases.is_empty();
                let id = item["id"].clone();
                members.push(json!({ "@id": id, "@type": "sc:Range", "label": label }));
                ranges.push(id);
                children.push((item, index));
                continue;
            }
            self.note_selectors(&item, &place.index(index));
            match canvas_uri(&item) {
                Some(uri) => {
                    members.push(json!({ "@id": uri, "@type": "sc:Canvas", "label": label }));
                    canvases.push(uri.into());
                }
                None => self.lost(&place.index(index), "a canvas or a range belongs here", "name one by its `id`"),
            }
        }
        if is_mixed {
            out.insert("members".to_owned(), Value::Array(members));
            return children;
        }
        for (property, values) in [("ranges", ranges), ("canvases", canvases)] {
            if !values.is_empty() {
                out.insert(property.to_owned(), Value::Array(values));
            }
        }
        children
    }
}

/// The ids of ranges that have items somewhere.
fn defined(structures: &[Value]) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut open: Vec<&Value> = structures.iter().collect();
    while let Some(range) = open.pop() {
        if let Some(items) = range["items"].as_array() {
            found.extend(range["id"].as_str().map(ToOwned::to_owned));
            open.extend(items.iter().filter(|item| item["type"] == "Range"));
        }
    }
    found
}
