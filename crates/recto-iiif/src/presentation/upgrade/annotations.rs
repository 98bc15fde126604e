//! Annotations, lists of them and layers. Presentation API 2.1 §5.5, §5.7, §6; 3.0 §5.5, §5.6, §5.8.

use serde_json::{Map, Value, json};

use super::super::note::{NoteKind, Place};
use super::text::short;
use super::{Class, Upgrade, described::put_list, first_of, list, type_words, uri_of};

/// Where an annotation stands, which decides what it may be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Among `images` of a canvas: it paints.
    Painting,
    /// In a list: it never paints in 3.0.
    Listed,
    /// By itself.
    Other,
}

impl Upgrade {
    /// An entry of `images`: an annotation, or the image alone as some documents have it.
    pub(super) fn painting(&mut self, value: Value, canvas: &str, index: usize, place: &Place<'_>) -> Option<Value> {
        let fields = match value {
            Value::Object(fields) if fields.contains_key("resource") || fields.contains_key("on") => fields,
            Value::Object(fields) if type_words(&fields).iter().any(|word| word == "Annotation") => fields,
            Value::Null => return None,
            image @ (Value::Object(_) | Value::String(_)) => {
                let message = "an image stands where an annotation belongs; one is made around it";
                self.notes.add(NoteKind::Repaired, place, message, "write an oa:Annotation with `resource` and `on`");
                Map::from_iter([("resource".to_owned(), image)])
            }
            other => {
                self.notes.add(
                    NoteKind::Lost,
                    place,
                    format!("an annotation belongs here and not {}", short(&other)),
                    "write an oa:Annotation",
                );
                return None;
            }
        };
        Some(self.annotation(fields, Role::Painting, canvas, index, place))
    }

    /// An annotation; `holder` is the canvas or the list that has it.
    pub(super) fn annotation(
        &mut self,
        mut fields: Map<String, Value>,
        role: Role,
        holder: &str,
        index: usize,
        place: &Place<'_>,
    ) -> Value {
        let mut out = Map::new();
        // 2.1 lets annotations go without a name of their own.
        let id = match first_of(&mut fields, &["@id", "id"]) {
            Some(Value::String(id)) if !id.trim().is_empty() => self.uri(id, place),
            _ => format!("{holder}/annotation/{}", index + 1),
        };
        out.insert("id".to_owned(), id.as_str().into());
        out.insert("type".to_owned(), "Annotation".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let motivation = self.motivation(fields.shift_remove("motivation"), role, place);
        let body = first_of(&mut fields, &["resource", "body"]);
        let target = first_of(&mut fields, &["on", "target"]);
        let stylesheet = fields.shift_remove("stylesheet");
        self.described(Class::Annotation, &mut fields, &mut out, &id, place);
        out.extend(motivation.map(|motivation| ("motivation".to_owned(), motivation)));
        if let Some(sheet) = stylesheet.map(stylesheet_3) {
            out.insert("stylesheet".to_owned(), sheet);
        }
        if let Some(body) = body {
            let usual = if role == Role::Painting { "Image" } else { "Text" };
            let mut bodies = self.contents(body, usual, &id, &place.at("resource"));
            let body = if bodies.len() == 1 { bodies.remove(0) } else { Value::Array(bodies) };
            if body != json!([]) {
                out.insert("body".to_owned(), body);
            }
        }
        let target = target.and_then(|target| self.target(target, &place.at("on")));
        let target = match (role, target) {
            (Role::Painting, target) => Some(self.painting_target(target, holder, place)),
            (_, None) => {
                self.notes.add(NoteKind::Repaired, place, "`on` is missing", "say what the annotation is about");
                None
            }
            (_, target) => target,
        };
        out.extend(target.map(|target| ("target".to_owned(), target)));
        self.rest(fields, &mut out);
        Value::Object(out)
    }

    /// What is painted on a canvas is painted on that canvas.
    fn painting_target(&mut self, target: Option<Value>, canvas: &str, place: &Place<'_>) -> Value {
        let named = target.as_ref().and_then(|target| match target {
            Value::Object(fields) if fields.contains_key("source") => uri_of(&fields["source"]),
            other => uri_of(other),
        });
        match named.map(|uri| uri.split_once('#').unwrap_or((uri, ""))) {
            Some((resource, _)) if resource == canvas => target.unwrap_or_default(),
            Some((resource, fragment)) => {
                let message = format!("`on` is {resource}, which is not the canvas that has the image");
                self.notes.add(NoteKind::Repaired, &place.at("on"), message, "write the `@id` of the canvas");
                if fragment.is_empty() { canvas.into() } else { format!("{canvas}#{fragment}").into() }
            }
            None => canvas.into(),
        }
    }

    fn motivation(&mut self, value: Option<Value>, role: Role, place: &Place<'_>) -> Option<Value> {
        let place = place.at("motivation");
        let mut words: Vec<String> = Vec::new();
        for value in value.map(list).unwrap_or_default() {
            let word = uri_of(&value).unwrap_or_default();
            let word = word.strip_prefix("sc:").or_else(|| word.strip_prefix("oa:")).unwrap_or(word);
            if !word.is_empty() && !words.iter().any(|other| other == word) {
                words.push(word.to_owned());
            }
        }
        match role {
            Role::Painting if words != ["painting"] => {
                let message = format!(
                    "`motivation` of an image is {}",
                    if words.is_empty() { "missing".to_owned() } else { words.join(", ") }
                );
                self.notes.add(NoteKind::Repaired, &place, message, "write `sc:painting`");
                words = vec!["painting".to_owned()];
            }
            Role::Listed => {
                if let Some(painting) = words.iter_mut().find(|word| *word == "painting") {
                    // What is transcribed from a canvas is not painted on it. 3.0 change log §1.2.13.
                    let message = "an annotation of a list is `supplementing` in 3.0 and not `painting`";
                    self.notes.add(NoteKind::Moved, &place, message, "paint images by `images` of the canvas");
                    "supplementing".clone_into(painting);
                }
            }
            _ => {}
        }
        match words.len() {
            0 => None,
            1 => Some(words.remove(0).into()),
            _ => Some(words.into()),
        }
    }

    fn target(&mut self, value: Value, place: &Place<'_>) -> Option<Value> {
        match value {
            Value::String(uri) => Some(self.uri(uri, place).into()),
            Value::Array(values) => {
                let values = values.into_iter().enumerate();
                let mut targets: Vec<Value> =
                    values.filter_map(|(index, value)| self.target(value, &place.index(index))).collect();
                match targets.len() {
                    0 => None,
                    1 => Some(targets.remove(0)),
                    _ => Some(Value::Array(targets)),
                }
            }
            Value::Object(fields) if fields.contains_key("full") || fields.contains_key("selector") => {
                Some(self.specific_resource(fields, "Canvas", "https://example.invalid/target", place))
            }
            Value::Object(fields) => {
                let words = type_words(&fields);
                let class = words.first().map_or("Canvas", String::as_str).to_owned();
                let mention = self.mention(fields, &class, place);
                let is_bare = mention.as_object().is_some_and(|fields| fields.len() == 2);
                if is_bare && class == "Canvas" { mention.get("id").cloned() } else { Some(mention) }
            }
            _ => None,
        }
    }

    /// A list of annotations: with them, or by its URI alone. `made` is its id where it has none.
    pub(super) fn annotation_page(&mut self, value: Value, made: &str, place: &Place<'_>) -> Option<Value> {
        let mut fields = match value {
            Value::Object(fields) => fields,
            Value::String(uri) if !uri.trim().is_empty() => {
                let uri = self.uri(uri, place);
                return Some(json!({ "id": uri, "type": "AnnotationPage" }));
            }
            Value::String(_) | Value::Null => return None,
            other => {
                let message = format!("a list of annotations belongs here and not {}", short(&other));
                self.notes.add(NoteKind::Lost, place, message, "name it by `@id` and `@type`");
                return None;
            }
        };
        if type_words(&fields).iter().any(|word| word == "Annotation") {
            let page =
                Map::from_iter([("@id".to_owned(), Value::from(made)), ("resources".to_owned(), json!([fields]))]);
            let message = "an annotation stands where a list of them belongs; one is made around it";
            self.notes.add(NoteKind::Repaired, place, message, "put it into an sc:AnnotationList");
            return self.annotation_page(Value::Object(page), made, place);
        }
        let mut out = Map::new();
        let id = self.id(&mut fields, || made.to_owned(), place);
        out.insert("id".to_owned(), id.as_str().into());
        out.insert("type".to_owned(), "AnnotationPage".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let resources = first_of(&mut fields, &["resources", "items"]);
        self.pages(&mut fields, &mut out, "AnnotationPage", place);
        self.described(Class::AnnotationPage, &mut fields, &mut out, &id, place);
        if let Some(resources) = resources {
            let place = place.at("resources");
            let mut items = Vec::new();
            for (index, resource) in list(resources).into_iter().enumerate() {
                match resource {
                    Value::Object(fields) => {
                        items.push(self.annotation(fields, Role::Listed, &id, index, &place.index(index)));
                    }
                    other => {
                        let message = format!("an annotation belongs here and not {}", short(&other));
                        self.notes.add(NoteKind::Lost, &place.index(index), message, "write an oa:Annotation");
                    }
                }
            }
            out.insert("items".to_owned(), Value::Array(items));
        }
        if fields.contains_key("hits") {
            let message = "`hits` of Content Search 1.0 stay as they are";
            self.notes.add(NoteKind::Moved, &place.at("hits"), message, "ask the search service of version 2");
        }
        self.rest(fields, &mut out);
        Some(Value::Object(out))
    }

    /// `otherContent` as a list of pages.
    pub(super) fn other_content(&mut self, value: Value, holder: &str, place: &Place<'_>) -> Vec<Value> {
        let values = list(value).into_iter().enumerate();
        let pages = values.map(|(index, value)| {
            self.annotation_page(value, &format!("{holder}/annotations/{}", index + 1), &place.index(index))
        });
        pages.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// A layer as an annotation collection. 3.0 change log §1.4.3.
    pub(super) fn layer(&mut self, mut fields: Map<String, Value>, place: &Place<'_>) -> Value {
        let mut out = Map::new();
        let id = first_of(&mut fields, &["@id", "id"]).and_then(|id| Some(self.uri(id.as_str()?.to_owned(), place)));
        let holder = id.clone().unwrap_or_else(|| "https://example.invalid/layer".to_owned());
        out.extend(id.map(|id| ("id".to_owned(), Value::String(id))));
        out.insert("type".to_owned(), "AnnotationCollection".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let lists = fields.shift_remove("otherContent");
        self.pages(&mut fields, &mut out, "AnnotationPage", place);
        self.described(Class::AnnotationCollection, &mut fields, &mut out, &holder, place);
        if let Some(lists) = lists {
            let pages = self.other_content(lists, &holder, &place.at("otherContent"));
            put_list(&mut out, "items", pages);
        }
        self.rest(fields, &mut out);
        Value::Object(out)
    }

    /// Links between pages as objects. 3.0 change log §1.3.5.
    pub(super) fn pages(
        &mut self,
        fields: &mut Map<String, Value>,
        out: &mut Map<String, Value>,
        class: &str,
        place: &Place<'_>,
    ) {
        for property in ["first", "last", "next", "prev"] {
            match fields.shift_remove(property) {
                Some(Value::String(uri)) if !uri.trim().is_empty() => {
                    let uri = self.uri(uri, place);
                    out.insert(property.to_owned(), json!({ "id": uri, "type": class }));
                }
                Some(Value::Object(page)) => {
                    let page = self.mention(page, class, &place.at(property));
                    out.insert(property.to_owned(), page);
                }
                _ => {}
            }
        }
        for property in ["total", "startIndex"] {
            let value = fields.shift_remove(property).filter(|value| !value.is_null());
            out.extend(value.map(|value| (property.to_owned(), value)));
        }
    }
}

/// A stylesheet in the words of the Web Annotation model.
fn stylesheet_3(sheet: Value) -> Value {
    match sheet {
        Value::Object(mut fields) => {
            let mut out = Map::new();
            out.extend(first_of(&mut fields, &["@id", "id"]).map(|id| ("id".to_owned(), id)));
            out.insert("type".to_owned(), "CssStylesheet".into());
            out.extend(first_of(&mut fields, &["chars", "value"]).map(|value| ("value".to_owned(), value)));
            fields.retain(|property, _| !property.starts_with('@') && property != "type");
            out.extend(fields);
            Value::Object(out)
        }
        other => other,
    }
}
