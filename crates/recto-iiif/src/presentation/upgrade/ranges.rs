//! Ranges: a flat list whose members name each other becomes a tree. Presentation API 2.1 §5.6, 3.0 §5.4.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use super::super::note::{NoteKind, Place};
use super::text::short;
use super::{Class, Upgrade, described::put_list, list, type_words, uri_of};

/// How deep ranges are nested; a document with more could not be read again by most programs.
const DEEPEST: usize = 40;

/// A range whose members are still names.
struct Flat {
    id: String,
    out: Map<String, Value>,
    members: Vec<Member>,
    is_top: bool,
    /// Where it was in the list.
    pointer: String,
}

enum Member {
    Range { id: String, mention: Value },
    Item(Value),
}

/// A range on the way from a top one to the one that is being built.
struct Open {
    index: usize,
    pointer: String,
    out: Map<String, Value>,
    members: std::vec::IntoIter<Member>,
    items: Vec<Value>,
}

impl Upgrade {
    /// `structures` as nested ranges.
    pub(super) fn structures(&mut self, value: Value, manifest: &str, place: &Place<'_>) -> Vec<Value> {
        let mut flat = Vec::new();
        let mut within: Vec<(String, String)> = Vec::new();
        let mut waiting: Vec<(Value, String)> = Vec::new();
        for (index, range) in list(value).into_iter().enumerate() {
            waiting.push((range, place.index(index).pointer()));
        }
        waiting.reverse();
        while let Some((range, pointer)) = waiting.pop() {
            let fields = match range {
                Value::Object(fields) => fields,
                Value::String(uri) => Map::from_iter([("@id".to_owned(), Value::String(uri))]),
                Value::Null => continue,
                other => {
                    let message = format!("a range belongs here and not {}", short(&other));
                    self.notes.add_at(NoteKind::Lost, pointer, message, "write an sc:Range");
                    continue;
                }
            };
            let made = format!("{manifest}/range/{}", flat.len() + 1);
            let (range, inner) = self.flat(fields, made, pointer, manifest, &mut within);
            waiting.extend(inner.into_iter().rev());
            flat.push(range);
        }
        add_within(&mut flat, within);
        self.nested(flat)
    }

    /// A range that is a document of its own.
    pub(super) fn range_document(&mut self, fields: Map<String, Value>, place: &Place<'_>) -> Value {
        let mut within = Vec::new();
        let made = "https://example.invalid/range".to_owned();
        let (range, inner) = self.flat(fields, made, place.pointer(), "", &mut within);
        let mut flat = vec![range];
        flat.extend(inner.into_iter().filter_map(|(value, pointer)| {
            let Value::Object(fields) = value else { return None };
            Some(self.flat(fields, "https://example.invalid/range/1".to_owned(), pointer, "", &mut within).0)
        }));
        let mut out = self.nested(flat).into_iter().next().unwrap_or_default();
        let part_of: Vec<Value> =
            within.iter().take(1).map(|(_, whole)| json!({ "id": whole, "type": "Manifest" })).collect();
        if let Some(out) = out.as_object_mut() {
            put_list(out, "partOf", part_of);
        }
        out
    }

    /// A range without its place, and the ranges that were embedded in it.
    fn flat(
        &mut self,
        mut fields: Map<String, Value>,
        made: String,
        pointer: String,
        manifest: &str,
        within: &mut Vec<(String, String)>,
    ) -> (Flat, Vec<(Value, String)>) {
        let place = Place::DOCUMENT;
        let path = pointer.trim_start_matches('/').to_owned();
        let place = if path.is_empty() { &place } else { &place.path(&path) };
        let mut out = Map::new();
        let id = self.id(&mut fields, || made, place);
        out.insert("id".to_owned(), id.as_str().into());
        out.insert("type".to_owned(), "Range".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let is_top = fields.get("viewingHint").is_some_and(|hint| list(hint.clone()).iter().any(|hint| hint == "top"));
        if let Some(whole) = fields.get("within").and_then(uri_of).filter(|whole| *whole != manifest) {
            within.push((id.clone(), whole.to_owned()));
            fields.shift_remove("within");
        } else if fields.get("within").and_then(uri_of) == Some(manifest) {
            fields.shift_remove("within");
        }
        let (members, inner) = self.members(&mut fields, &pointer, place);
        let start = fields.shift_remove("startCanvas").and_then(|start| self.start(start, &place.at("startCanvas")));
        let layer = fields.shift_remove("contentLayer").and_then(|layer| {
            self.part_of(layer, "AnnotationCollection", &place.at("contentLayer")).into_iter().next()
        });
        self.described(Class::Range, &mut fields, &mut out, &id, place);
        out.extend(start.map(|start| ("start".to_owned(), start)));
        out.extend(layer.map(|layer| ("supplementary".to_owned(), layer)));
        self.rest(fields, &mut out);
        (Flat { id, out, members, is_top, pointer }, inner)
    }

    /// `members`, `ranges` and `canvases` in order, and those ranges that stand here with members of their own.
    fn members(
        &mut self,
        fields: &mut Map<String, Value>,
        pointer: &str,
        place: &Place<'_>,
    ) -> (Vec<Member>, Vec<(Value, String)>) {
        let (mut members, mut inner, mut named) = (Vec::new(), Vec::new(), HashSet::new());
        for property in ["members", "items", "ranges", "canvases"] {
            let values = fields.shift_remove(property).map(list).unwrap_or_default();
            let place = place.at(property);
            let has_before = !members.is_empty();
            for (index, value) in values.into_iter().enumerate() {
                let place = place.index(index);
                let Some(uri) = uri_of(&value).map(ToOwned::to_owned) else {
                    if !value.is_null() {
                        let message = format!("`{property}` has {}, which names nothing", short(&value));
                        self.notes.add(NoteKind::Lost, &place, message, "name a canvas or a range by its URI");
                    }
                    continue;
                };
                let uri = self.uri(uri, &place);
                // The same members may be listed in `members` and again by their classes.
                if !named.insert(uri.clone()) && has_before {
                    continue;
                }
                let words = value.as_object().map(type_words).unwrap_or_default();
                let has_members =
                    ["members", "items", "ranges", "canvases"].iter().any(|key| value.get(*key).is_some());
                if property == "ranges" || has_members || words.iter().any(|word| word == "Range") {
                    let label = value.get("label").cloned().and_then(|label| self.label(label, &place.at("label")));
                    let mut mention = json!({ "id": uri, "type": "Range" });
                    if let Some(label) = label.filter(|label| !super::text::is_empty(label)) {
                        mention["label"] = Value::Object(label);
                    }
                    if has_members {
                        inner.push((value, format!("{pointer}/{property}/{index}")));
                    }
                    members.push(Member::Range { id: uri, mention });
                } else {
                    members.push(Member::Item(self.range_item(value, &uri, &place)));
                }
            }
        }
        (members, inner)
    }

    fn range_item(&mut self, value: Value, uri: &str, place: &Place<'_>) -> Value {
        match value {
            Value::Object(fields) if fields.contains_key("full") || fields.contains_key("source") => {
                self.specific_resource(fields, "Canvas", uri, place)
            }
            Value::Object(fields) => self.mention(fields, "Canvas", place),
            _ => json!({ "id": uri, "type": "Canvas" }),
        }
    }

    fn nested(&mut self, flat: Vec<Flat>) -> Vec<Value> {
        let mut by_id: HashMap<String, usize> = HashMap::new();
        for (index, range) in flat.iter().enumerate() {
            by_id.entry(range.id.clone()).or_insert(index);
        }
        let mut is_member = vec![false; flat.len()];
        for range in &flat {
            for member in &range.members {
                if let Member::Range { id, .. } = member
                    && let Some(index) = by_id.get(id)
                {
                    is_member[*index] = true;
                }
            }
        }
        let roots = (0..flat.len()).filter(|index| !is_member[*index]);
        // In a circle nobody is outside: the ranges that call themselves the top, then any, are where it is cut.
        let tops = (0..flat.len()).filter(|index| is_member[*index] && flat[*index].is_top);
        let others = (0..flat.len()).filter(|index| is_member[*index] && !flat[*index].is_top);
        let order = roots.chain(tops).chain(others).collect();
        let mut list = List { by_id: &by_id, order, waiting: flat.into_iter().map(Some).collect() };
        let mut out = Vec::new();
        while let Some(index) = list.order.pop_front() {
            if let Some(range) = list.waiting[index].take() {
                out.push(self.tree(range, index, &mut list));
            }
        }
        out
    }

    /// A range with all that is in it, depth first.
    fn tree(&mut self, root: Flat, index: usize, list: &mut List<'_>) -> Value {
        let mut path = vec![open(root, index)];
        loop {
            let Some(member) = path.last_mut().map(|last| last.members.next()) else { return Value::Null };
            match member {
                Some(Member::Item(item)) => {
                    if let Some(last) = path.last_mut() {
                        last.items.push(item);
                    }
                }
                Some(Member::Range { id, mention }) => self.join(&id, mention, &mut path, list),
                None => {
                    let Some(done) = path.pop() else { return Value::Null };
                    let range = self.closed(done);
                    match path.last_mut() {
                        Some(parent) => parent.items.push(range),
                        None => return range,
                    }
                }
            }
        }
    }

    /// A range that is named as a member: goes into it, or leaves it at the mention.
    fn join(&mut self, id: &str, mention: Value, path: &mut Vec<Open>, list: &mut List<'_>) {
        let child = list.by_id.get(id).copied();
        let is_above = child.is_some_and(|child| path.iter().any(|range| range.index == child));
        let depth = path.len();
        let Some(last) = path.last_mut() else { return };
        let pointer = last.pointer.as_str();
        match child {
            None => {
                let message = format!("the range {id} is named but nowhere in `structures`");
                self.notes.add_at(NoteKind::Repaired, pointer, message, "add it, or do not name it");
            }
            Some(_) if is_above => {
                let message = format!("the range {id} is within itself; it is left out here");
                self.notes.add_at(NoteKind::Lost, pointer, message, "take it out of its own members");
                return;
            }
            Some(child) if depth < DEEPEST => {
                if let Some(range) = list.waiting[child].take() {
                    path.push(open(range, child));
                    return;
                }
            }
            Some(child) => {
                list.order.push_front(child);
                let message = format!("ranges are nested deeper than {DEEPEST} levels; {id} is only named here");
                self.notes.add_at(NoteKind::Moved, pointer, message, "make the structure flatter");
            }
        }
        last.items.push(mention);
    }

    fn closed(&mut self, mut done: Open) -> Value {
        if done.items.is_empty() {
            let message = "the range has nothing in it";
            self.notes.add_at(NoteKind::Repaired, done.pointer, message, "give it canvases or ranges");
        }
        done.out.insert("items".to_owned(), Value::Array(done.items));
        Value::Object(done.out)
    }
}

/// Ranges that say themselves what they are in join it, where it does not name them.
fn add_within(flat: &mut [Flat], within: Vec<(String, String)>) {
    let by_id: HashMap<String, usize> =
        flat.iter().enumerate().rev().map(|(index, range)| (range.id.clone(), index)).collect();
    // The ranges that a parent names already; looked up once, for there may be thousands of children.
    let mut named: HashMap<usize, HashSet<String>> = HashMap::new();
    for (id, whole) in within {
        let Some(parent) = by_id.get(&whole).copied() else {
            let part_of = json!([{ "id": whole, "type": "Manifest" }]);
            if let Some(range) = by_id.get(&id).and_then(|index| flat.get_mut(*index)) {
                range.out.insert("partOf".to_owned(), part_of);
            }
            continue;
        };
        let members = &mut flat[parent].members;
        let named = named.entry(parent).or_insert_with(|| {
            let ids = members.iter().filter_map(|member| match member {
                Member::Range { id, .. } => Some(id.clone()),
                Member::Item(_) => None,
            });
            ids.collect()
        });
        if named.insert(id.clone()) {
            members.push(Member::Range { mention: json!({ "id": id, "type": "Range" }), id });
        }
    }
}

/// The ranges that have no place yet, and in which order they are looked at.
struct List<'l> {
    by_id: &'l HashMap<String, usize>,
    waiting: Vec<Option<Flat>>,
    order: VecDeque<usize>,
}

fn open(range: Flat, index: usize) -> Open {
    Open { index, pointer: range.pointer, out: range.out, members: range.members.into_iter(), items: Vec::new() }
}
