//! Content: images, texts, downloads, choices of them and parts of them. Presentation API 2.1 §5.5, §6; 3.0 §5.7.

use serde_json::{Map, Value, json};

use super::super::note::{NoteKind, Place};
use super::text::short;
use super::{Class, Upgrade, first_of, list, type_words};

impl Upgrade {
    /// A resource on the web, or a choice, a part or a text within the document; `usual` is its type where nothing says another.
    pub(super) fn content(&mut self, value: Value, usual: &str, holder: &str, place: &Place<'_>) -> Option<Value> {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::String(uri) if uri.trim().is_empty() || uri == "rdf:nil" => return None,
            Value::String(uri) => {
                let uri = self.uri(uri, place);
                let kind = by_ending(&uri).unwrap_or(usual);
                return Some(json!({ "id": uri, "type": kind }));
            }
            Value::Null => return None,
            other => {
                self.notes.add(
                    NoteKind::Lost,
                    place,
                    format!("a resource belongs here and not {}", short(&other)),
                    "name it by `@id` and `@type`",
                );
                return None;
            }
        };
        let words = type_words(&fields);
        let is = |word: &str| words.iter().any(|given| given == word);
        if is("Choice") {
            Some(self.choice(fields, usual, holder, place))
        } else if is("SpecificResource") || fields.contains_key("full") {
            Some(self.specific_resource(fields, usual, holder, place))
        } else if is("ContentAsText") || is("Tag") || is("TextualBody") || fields.contains_key("chars") {
            Some(self.textual_body(fields, &words, place))
        } else if let Some(class) = ["Canvas", "Manifest", "Collection", "Range"].into_iter().find(|class| is(class)) {
            Some(self.mention(fields, class, place))
        } else {
            Some(self.external(fields, &words, usual, holder, place))
        }
    }

    /// All of a list of resources.
    pub(super) fn contents(&mut self, value: Value, usual: &str, holder: &str, place: &Place<'_>) -> Vec<Value> {
        let values = list(value).into_iter().enumerate();
        values.filter_map(|(index, value)| self.content(value, usual, holder, &place.index(index))).collect()
    }

    fn external(
        &mut self,
        mut fields: Map<String, Value>,
        words: &[String],
        usual: &str,
        holder: &str,
        place: &Place<'_>,
    ) -> Value {
        let mut out = Map::new();
        let id = first_of(&mut fields, &["@id", "id"]).and_then(|id| Some(self.uri(id.as_str()?.to_owned(), place)));
        let format = first_of(&mut fields, &["format", "dcterms:format"]);
        let kind = content_type(words, format.as_ref().and_then(Value::as_str), id.as_deref(), usual);
        if id.is_none() {
            let message = format!("this {kind} has no `@id`");
            self.notes.add(NoteKind::Repaired, place, message, "say where it is");
        }
        out.extend(id.map(|id| ("id".to_owned(), Value::String(id))));
        out.insert("type".to_owned(), kind.into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let holder = out.get("id").and_then(Value::as_str).unwrap_or(holder).to_owned();
        let language = fields.shift_remove("language");
        let profile = first_of(&mut fields, &["profile", "dcterms:conformsTo"]);
        let size =
            ["height", "width", "duration"].map(|property| (property, self.number(&mut fields, property, place)));
        self.described(Class::Content, &mut fields, &mut out, &holder, place);
        out.extend(format.filter(Value::is_string).map(|format| ("format".to_owned(), format)));
        out.extend(language.map(|language| ("language".to_owned(), Value::Array(list(language)))));
        out.extend(profile.map(|profile| ("profile".to_owned(), list(profile).into_iter().next().unwrap_or_default())));
        out.extend(size.into_iter().filter_map(|(property, value)| Some((property.to_owned(), value?))));
        self.rest(fields, &mut out);
        self.picture_uri(&mut out, place);
        Value::Object(out)
    }

    /// Old documents name the service where the picture belongs; a client of 3.0 would ask for it and get no picture.
    fn picture_uri(&mut self, out: &mut Map<String, Value>, place: &Place<'_>) {
        if out.get("type").is_none_or(|kind| kind != "Image") {
            return;
        }
        let service = |id: &str| {
            let services = out.get("service")?.as_array()?;
            let service = services.iter().find(|service| {
                ["@id", "id"].iter().any(|key| {
                    service[*key].as_str().is_some_and(|base| base.trim_end_matches('/') == id.trim_end_matches('/'))
                })
            })?;
            ["@type", "type"].iter().find_map(|key| service[*key].as_str()).map(ToOwned::to_owned)
        };
        let Some(id) = out.get("id").and_then(Value::as_str) else { return };
        let parameters = match service(id).as_deref() {
            Some("ImageService1") => "full/full/0/native.jpg",
            Some("ImageService2") => "full/full/0/default.jpg",
            Some("ImageService3") => "full/max/0/default.jpg",
            _ => return,
        };
        let message = format!("`@id` of the image is that of its service: {id}");
        let picture = format!("{}/{parameters}", id.trim_end_matches('/'));
        out.insert("id".to_owned(), picture.into());
        self.notes.add(NoteKind::Repaired, place, message, "write the URI of a picture of it");
    }

    fn choice(&mut self, mut fields: Map<String, Value>, usual: &str, holder: &str, place: &Place<'_>) -> Value {
        let mut out = Map::new();
        let id = first_of(&mut fields, &["@id", "id"]).and_then(|id| Some(self.uri(id.as_str()?.to_owned(), place)));
        out.extend(id.map(|id| ("id".to_owned(), Value::String(id))));
        out.insert("type".to_owned(), "Choice".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let default = fields
            .shift_remove("default")
            .and_then(|default| self.content(default, usual, holder, &place.at("default")));
        let mut items: Vec<Value> = default.into_iter().collect();
        for property in ["item", "items"] {
            let more = fields.shift_remove(property);
            items.extend(more.map(|more| self.contents(more, usual, holder, &place.at(property))).unwrap_or_default());
        }
        self.described(Class::Content, &mut fields, &mut out, holder, place);
        out.insert("items".to_owned(), Value::Array(items));
        self.rest(fields, &mut out);
        Value::Object(out)
    }

    /// A part of a resource: `full` and `selector` of Open Annotation, `source` and `selector` of the Web Annotation model.
    pub(super) fn specific_resource(
        &mut self,
        mut fields: Map<String, Value>,
        usual: &str,
        holder: &str,
        place: &Place<'_>,
    ) -> Value {
        let mut out = Map::new();
        let id = first_of(&mut fields, &["@id", "id"]).and_then(|id| Some(self.uri(id.as_str()?.to_owned(), place)));
        out.extend(id.map(|id| ("id".to_owned(), Value::String(id))));
        out.insert("type".to_owned(), "SpecificResource".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let within = fields.shift_remove("within");
        let source = match first_of(&mut fields, &["full", "source"]) {
            Some(Value::String(uri)) => Some(Value::String(self.uri(uri, place))),
            Some(other) => self.content(other, usual, holder, &place.at("full")),
            None => None,
        };
        let source = self.source_within(source, within, usual, place);
        if source.is_none() {
            self.notes.add(NoteKind::Repaired, place, "`full` of this part is missing", "say what it is a part of");
        }
        out.extend(source.map(|source| ("source".to_owned(), source)));
        let selectors = fields.shift_remove("selector").map(selectors);
        match selectors {
            Some(mut selectors) if selectors.len() == 1 => drop(out.insert("selector".to_owned(), selectors.remove(0))),
            Some(selectors) if !selectors.is_empty() => {
                drop(out.insert("selector".to_owned(), Value::Array(selectors)));
            }
            _ => {}
        }
        out.extend(fields.shift_remove("style").map(|style| ("styleClass".to_owned(), style)));
        self.described(Class::Content, &mut fields, &mut out, holder, place);
        self.rest(fields, &mut out);
        Value::Object(out)
    }

    /// What the source is within, which stands beside it in 2.1 and in it in 3.0.
    fn source_within(
        &mut self,
        source: Option<Value>,
        within: Option<Value>,
        usual: &str,
        place: &Place<'_>,
    ) -> Option<Value> {
        let part_of = within
            .map(|within| self.part_of(within, "Manifest", &place.at("within")))
            .filter(|wholes| !wholes.is_empty());
        let (source, part_of) = match (source, part_of) {
            (Some(source), Some(part_of)) => (source, part_of),
            (source, _) => return source,
        };
        let mut fields = match source {
            Value::Object(fields) => fields,
            uri => Map::from_iter([("id".to_owned(), uri), ("type".to_owned(), usual.into())]),
        };
        fields.insert("partOf".to_owned(), Value::Array(part_of));
        Some(Value::Object(fields))
    }

    fn textual_body(&mut self, mut fields: Map<String, Value>, words: &[String], place: &Place<'_>) -> Value {
        let mut out = Map::new();
        out.extend(first_of(&mut fields, &["@id", "id"]).filter(Value::is_string).map(|id| ("id".to_owned(), id)));
        out.insert("type".to_owned(), "TextualBody".into());
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let text = match first_of(&mut fields, &["chars", "cnt:chars", "value", "@value"]) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => {
                self.notes.add(NoteKind::Repaired, place, "`chars` of this text is missing", "write the text");
                String::new()
            }
        };
        out.insert("value".to_owned(), text.into());
        if words.iter().any(|word| word == "Tag") {
            out.insert("purpose".to_owned(), "tagging".into());
        }
        self.rest(fields, &mut out);
        Value::Object(out)
    }

    /// A resource of the model that is only named here.
    pub(super) fn mention(&mut self, mut fields: Map<String, Value>, class: &str, place: &Place<'_>) -> Value {
        let mut out = Map::new();
        let id = first_of(&mut fields, &["@id", "id"]).and_then(|id| Some(self.uri(id.as_str()?.to_owned(), place)));
        out.extend(id.map(|id| ("id".to_owned(), Value::String(id))));
        out.insert("type".to_owned(), class.into());
        let whole = if class == "Canvas" || class == "Range" { "Manifest" } else { "Collection" };
        let label = fields.shift_remove("label").and_then(|label| self.label(label, &place.at("label")));
        let label = label.filter(|label| !super::text::is_empty(label));
        out.extend(label.map(|label| ("label".to_owned(), Value::Object(label))));
        for property in ["height", "width"] {
            let value = self.number(&mut fields, property, place);
            out.extend(value.map(|value| (property.to_owned(), value)));
        }
        if let Some(within) = fields.shift_remove("within") {
            let part_of = self.part_of(within, whole, &place.at("within"));
            if !part_of.is_empty() {
                out.insert("partOf".to_owned(), Value::Array(part_of));
            }
        }
        fields.shift_remove("@type");
        fields.shift_remove("type");
        self.rest(fields, &mut out);
        Value::Object(out)
    }
}

/// Selectors in the words of the Web Annotation model; a choice of them is a list there.
fn selectors(value: Value) -> Vec<Value> {
    let mut out = Vec::new();
    for value in list(value) {
        let Value::Object(mut fields) = value else {
            out.push(value);
            continue;
        };
        let words = type_words(&fields);
        if words.iter().any(|word| word == "Choice") {
            for property in ["default", "item"] {
                let inner = fields.shift_remove(property).unwrap_or_default();
                out.extend(selectors(inner));
            }
            continue;
        }
        let mut selector = Map::new();
        fields.shift_remove("@context");
        fields.shift_remove("@type");
        fields.shift_remove("type");
        let word =
            words.into_iter().find(|word| word != "ContentAsText").unwrap_or_else(|| "FragmentSelector".to_owned());
        selector.extend(first_of(&mut fields, &["@id", "id"]).map(|id| ("id".to_owned(), id)));
        selector.insert("type".to_owned(), word.into());
        selector.extend(first_of(&mut fields, &["value", "chars"]).map(|value| ("value".to_owned(), value)));
        selector.extend(fields);
        out.push(Value::Object(selector));
    }
    out.retain(|selector| !selector.is_null());
    out
}

/// The `type` of a resource on the web. Presentation API 3.0 §3.2, the table of types.
fn content_type(words: &[String], format: Option<&str>, id: Option<&str>, usual: &str) -> String {
    for word in words {
        let known = match word.as_str() {
            "Image" | "StillImage" => "Image",
            "MovingImage" | "Video" => "Video",
            "Sound" | "Audio" => "Sound",
            "Text" | "Document" => "Text",
            "Dataset" => "Dataset",
            "Model" | "PhysicalObject" => "Model",
            _ => continue,
        };
        return known.to_owned();
    }
    let known = format.and_then(by_format).or_else(|| id.and_then(by_ending));
    known.map(ToOwned::to_owned).or_else(|| words.first().cloned()).unwrap_or_else(|| usual.to_owned())
}

/// What is told of a link by its media type and its ending.
pub(in super::super) fn type_of_link(format: Option<&str>, id: &str, usual: &str) -> String {
    content_type(&[], format, Some(id), usual)
}

fn by_format(format: &str) -> Option<&'static str> {
    let format = format.split(';').next()?.trim();
    Some(match format.split('/').next()? {
        "image" => "Image",
        "audio" => "Sound",
        "video" => "Video",
        "model" => "Model",
        "text" if matches!(format, "text/xml" | "text/csv" | "text/turtle") => "Dataset",
        "text" => "Text",
        "application" if matches!(format, "application/pdf" | "application/epub+zip" | "application/xhtml+xml") => {
            "Text"
        }
        "application" => "Dataset",
        _ => return None,
    })
}

fn by_ending(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next()?;
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" | "png" | "gif" | "tif" | "tiff" | "webp" | "jp2" | "svg" => "Image",
        "pdf" | "epub" | "txt" | "html" | "htm" | "vtt" => "Text",
        "xml" | "json" | "jsonld" | "rdf" | "ttl" | "csv" => "Dataset",
        "mp3" | "wav" | "ogg" | "m4a" | "flac" => "Sound",
        "mp4" | "webm" | "mov" | "m3u8" => "Video",
        "glb" | "gltf" | "obj" | "stl" => "Model",
        _ => return None,
    })
}
