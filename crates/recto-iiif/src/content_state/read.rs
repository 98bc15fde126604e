//! Reading: every form of §2.2, from a query parameter, from a text, or from the document that a URI led to.

use serde_json::{Map, Value};

use super::{
    Container, ContentState, ContentStateError, Finding, Form, LONGEST_TEXT_BYTES, MOST_TARGETS, MOTIVATION, Target,
    TargetKind, encoding, selector::Part,
};

impl ContentState {
    /// Reads the value of the query parameter `iiif-content`, the query's own escapes already decoded. §3.1.
    ///
    /// A URI stands as it is, JSON is encoded. JSON as it is, an encoded URI and a value that was escaped once too often
    /// are read as well, with a finding.
    ///
    /// # Errors
    ///
    /// [`ContentStateError`] when nothing in it can be shown.
    pub fn parse_parameter(given: &str) -> Result<(Self, Vec<Finding>), ContentStateError> {
        let text = bounded(given)?;
        if is_uri(text) {
            return Ok(Reader::default().uri(text, given));
        }
        if begins_json(text) {
            let mut reader = Reader::default();
            reader.find(
                "C2",
                "3.1",
                "",
                "JSON stands in the parameter as it is",
                "Encode it: encodeURIComponent, then base64url without padding.",
            );
            return reader.json(text, given);
        }
        if text.starts_with('%') || text.contains("%3A") || text.contains("%3a") {
            // Escaped once more than the query needed.
            let inner = encoding::decode_uri_component(text)?;
            if is_uri(inner.trim()) || begins_json(inner.trim()) {
                let mut reader = Reader::default();
                reader.find("C1", "6", "", "the parameter is percent-encoded twice", "Escape it once.");
                let inner = inner.trim();
                return if is_uri(inner) { Ok(reader.uri(inner, given)) } else { reader.json(inner, given) };
            }
        }
        let decoded = encoding::decode(text)?;
        let decoded = decoded.trim();
        let mut reader = Reader::default();
        if is_uri(decoded) {
            reader.find("C2", "6.2", "", "a plain URI is encoded like JSON", "Write the URI as it is.");
            return Ok(reader.uri(decoded, given));
        }
        reader.json(decoded, given)
    }

    /// Reads what was dropped, pasted, posted, uploaded, or stood in `data-iiif-content`: a URI or JSON, never encoded. §3.2 to §3.6.
    ///
    /// An encoded text is read as well, with a finding.
    ///
    /// # Errors
    ///
    /// [`ContentStateError`] when nothing in it can be shown.
    pub fn parse_text(given: &str) -> Result<(Self, Vec<Finding>), ContentStateError> {
        let text = bounded(given)?.trim_start_matches('\u{feff}');
        if is_uri(text) {
            return Ok(Reader::default().uri(text, given));
        }
        if begins_json(text) {
            return Reader::default().json(text, given);
        }
        let decoded = encoding::decode(text)?;
        let decoded = decoded.trim();
        let mut reader = Reader::default();
        let fix = "Encode content states only in query parameters.";
        reader.find("C2", "6.2", "", "the content state is encoded outside a query parameter", fix);
        if is_uri(decoded) { Ok(reader.uri(decoded, given)) } else { reader.json(decoded, given) }
    }

    /// Reads what a URI led to: an Annotation that is a content state, or a resource that is itself to be shown. §4.
    ///
    /// `uri` is where it was fetched; a part that its fragment names is kept.
    ///
    /// # Errors
    ///
    /// [`ContentStateError::NoTarget`] when nothing in it can be shown.
    pub fn read_document(document: &Value, uri: &str) -> Result<(Self, Vec<Finding>), ContentStateError> {
        let mut reader = Reader::default();
        let mut state = reader.value(document, Some(uri))?;
        if state.form == Form::Annotation {
            state.annotation.get_or_insert_with(|| uri.to_owned());
        } else if let [target] = state.targets.as_mut_slice() {
            let mut part = Part::default();
            if target.is_whole()
                && let Some((_, fragment)) = uri.split_once('#')
                && part.add_fragment(fragment)
            {
                (target.region, target.time) = (part.region, part.time);
            }
        }
        Ok((state, reader.findings))
    }
}

fn bounded(given: &str) -> Result<&str, ContentStateError> {
    let text = given.trim();
    if text.is_empty() {
        return Err(ContentStateError::Empty);
    }
    if text.len() > LONGEST_TEXT_BYTES {
        return Err(ContentStateError::TooLong { bytes: text.len() });
    }
    Ok(text)
}

fn is_uri(text: &str) -> bool {
    let has = |scheme: &str| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    (has("http://") || has("https://")) && !text.contains(char::is_whitespace)
}

fn begins_json(text: &str) -> bool {
    text.starts_with(['{', '[', '"'])
}

/// Collects findings on the way.
#[derive(Default)]
struct Reader {
    findings: Vec<Finding>,
}

impl Reader {
    fn find(
        &mut self,
        rule: &'static str,
        section: &'static str,
        pointer: &str,
        message: impl Into<String>,
        fix: &'static str,
    ) {
        self.findings.push(Finding { rule, section, pointer: pointer.to_owned(), message: message.into(), fix });
    }

    fn uri(mut self, uri: &str, given: &str) -> (ContentState, Vec<Finding>) {
        let target = self.target_uri(uri, "", TargetKind::Unknown);
        let state = ContentState { form: Form::Uri, given: given.to_owned(), ..ContentState::new(vec![target]) };
        (state, self.findings)
    }

    fn json(mut self, text: &str, given: &str) -> Result<(ContentState, Vec<Finding>), ContentStateError> {
        let value: Value = serde_json::from_str(text)?;
        let mut state = self.value(&value, None)?;
        given.clone_into(&mut state.given);
        Ok((state, self.findings))
    }

    /// A content state in JSON. `fetched` from where, if it was.
    fn value(&mut self, value: &Value, fetched: Option<&str>) -> Result<ContentState, ContentStateError> {
        match value {
            Value::Object(object) if is_annotation(object) => self.annotation(object, "", fetched),
            Value::String(uri) if is_uri(uri.trim()) => {
                let target = self.target_uri(uri.trim(), "", TargetKind::Unknown);
                Ok(ContentState { form: Form::Uri, ..ContentState::new(vec![target]) })
            }
            _ => Ok(ContentState::new(self.targets(value, "", fetched)?)),
        }
    }

    fn annotation(
        &mut self,
        object: &Map<String, Value>,
        pointer: &str,
        fetched: Option<&str>,
    ) -> Result<ContentState, ContentStateError> {
        let mut motivations = words(object.get("motivation"));
        let id = text(object, "id").or_else(|| text(object, "@id"));
        let before = motivations.len();
        motivations.retain(|word| word != MOTIVATION);
        let is_state = motivations.len() < before;
        if !is_state {
            if let Some(id) = id.or(fetched) {
                // An Annotation without the motivation is itself what is to be shown. §2.2.4.
                let mut target = self.target_uri(id, pointer, TargetKind::Annotation);
                target.part_of = containers(object);
                return Ok(ContentState::new(vec![target]));
            }
            // One without an id can only be meant as a content state.
            let fix = "Write `\"motivation\": [\"contentState\"]`.";
            self.find("C3", "2.2", pointer, "the Annotation has no motivation `contentState` and no id", fix);
        }
        let place = format!("{pointer}/target");
        let Some(target) = object.get("target").or_else(|| object.get("on")) else {
            return Err(ContentStateError::NoTarget { pointer: place, reason: "the Annotation has no target" });
        };
        let targets = self.targets(target, &place, None)?;
        Ok(ContentState {
            form: Form::Annotation,
            annotation: id.map(ToOwned::to_owned),
            motivations,
            ..ContentState::new(targets)
        })
    }

    fn targets(
        &mut self,
        value: &Value,
        pointer: &str,
        fetched: Option<&str>,
    ) -> Result<Vec<Target>, ContentStateError> {
        let Value::Array(list) = value else { return Ok(vec![self.target(value, pointer, fetched)?]) };
        if list.len() > MOST_TARGETS {
            let message = format!("there are {} targets, only the first {MOST_TARGETS} are read", list.len());
            self.find("C3", "5", pointer, message, "Publish a Collection instead.");
        }
        let mut targets = Vec::new();
        for (index, item) in list.iter().take(MOST_TARGETS).enumerate() {
            let place = format!("{pointer}/{index}");
            match item {
                Value::Object(object)
                    if is_annotation(object) && words(object.get("motivation")).iter().any(is_state) =>
                {
                    // Several content states in a list: each brings its own targets.
                    let Some(inner) = object.get("target").filter(|inner| !inner.is_array()) else { continue };
                    targets.push(self.target(inner, &format!("{place}/target"), None)?);
                }
                _ => targets.push(self.target(item, &place, None)?),
            }
        }
        if targets.is_empty() {
            return Err(ContentStateError::NoTarget { pointer: pointer.to_owned(), reason: "the list is empty" });
        }
        Ok(targets)
    }

    fn target(&mut self, value: &Value, pointer: &str, fetched: Option<&str>) -> Result<Target, ContentStateError> {
        let missing = |reason| ContentStateError::NoTarget { pointer: pointer.to_owned(), reason };
        let object = match value {
            Value::String(uri) if is_uri(uri.trim()) => {
                return Ok(self.target_uri(uri.trim(), pointer, TargetKind::Unknown));
            }
            Value::String(_) => return Err(missing("the string is no http or https URI")),
            Value::Object(object) => object,
            _ => return Err(missing("it is neither a URI nor an object")),
        };
        let kind = text(object, "type").or_else(|| text(object, "@type")).unwrap_or_default();
        // Version 2 annotations say `full` for the source.
        let source = object.get("source").or_else(|| object.get("full"));
        let mut target = match source {
            Some(source) => self.source(source, &format!("{pointer}/source"))?,
            None if kind == "SpecificResource" => return Err(missing("the SpecificResource has no source")),
            None => {
                let id = text(object, "id").or_else(|| text(object, "@id")).or(fetched);
                let id = id.ok_or_else(|| missing("the object has no id"))?;
                self.target_uri(id.trim(), pointer, TargetKind::from_word(kind))
            }
        };
        if target.part_of.is_empty() {
            target.part_of = containers(object);
        }
        if let Some(selector) = object.get("selector") {
            let mut part = Part { region: target.region, time: target.time, point: target.point, unread: Vec::new() };
            part.add_selector(selector);
            self.take_part(&mut target, part, &format!("{pointer}/selector"));
        }
        self.check(&target, pointer);
        Ok(target)
    }

    /// The source of a `SpecificResource`: a URI or an object, never another `SpecificResource`.
    fn source(&mut self, source: &Value, pointer: &str) -> Result<Target, ContentStateError> {
        let missing = |reason| ContentStateError::NoTarget { pointer: pointer.to_owned(), reason };
        // Some write a list of one.
        let source = source.as_array().map_or(Some(source), |list| list.first());
        match source {
            Some(Value::String(uri)) if is_uri(uri.trim()) => {
                Ok(self.target_uri(uri.trim(), pointer, TargetKind::Unknown))
            }
            Some(Value::Object(object)) => {
                let id = text(object, "id").or_else(|| text(object, "@id"));
                let id = id.ok_or_else(|| missing("the source has no id"))?;
                let kind = text(object, "type").or_else(|| text(object, "@type")).unwrap_or_default();
                let mut target = self.target_uri(id.trim(), pointer, TargetKind::from_word(kind));
                target.part_of = containers(object);
                Ok(target)
            }
            _ => Err(missing("the source is neither a URI nor an object")),
        }
    }

    fn target_uri(&mut self, uri: &str, pointer: &str, kind: TargetKind) -> Target {
        if !uri.is_ascii() {
            let fix = "Percent-encode the characters that are not ASCII.";
            self.find("C1", "6.2", pointer, format!("`{uri}` is an IRI, not a URI"), fix);
        }
        let mut target = Target::whole(uri, kind);
        if let Some((id, fragment)) = uri.split_once('#') {
            let mut part = Part::default();
            if part.add_fragment(fragment) {
                id.clone_into(&mut target.id);
                self.take_part(&mut target, part, pointer);
            }
        }
        target
    }

    fn take_part(&mut self, target: &mut Target, part: Part, pointer: &str) {
        (target.region, target.time, target.point) = (part.region, part.time, part.point);
        for unread in part.unread {
            let fix = "Write `#xywh=x,y,w,h` or `#t=start,end` behind the id, or a PointSelector.";
            self.find("C5", "5", pointer, format!("{unread} is not understood; the whole is shown"), fix);
        }
    }

    fn check(&mut self, target: &Target, pointer: &str) {
        if matches!(target.kind, TargetKind::Canvas | TargetKind::Range) && target.manifest().is_none() {
            let word = target.kind.word().unwrap_or_default();
            let message = format!("the {word} does not say in which Manifest it is");
            let fix = "Add `\"partOf\": [{\"id\": \"<the Manifest's URI>\", \"type\": \"Manifest\"}]`.";
            self.find("C4", "2.2.4", &format!("{pointer}/partOf"), message, fix);
        }
    }
}

fn containers(object: &Map<String, Value>) -> Vec<Container> {
    let Some(value) = object.get("partOf").or_else(|| object.get("within")) else { return Vec::new() };
    let one = std::slice::from_ref(value);
    let list = value.as_array().map_or(one, Vec::as_slice);
    list.iter().take(MOST_TARGETS).filter_map(container).collect()
}

/// A URI in `partOf` can only be meant as the Manifest.
fn container(value: &Value) -> Option<Container> {
    match value {
        Value::String(uri) => Some(Container { id: uri.trim().to_owned(), kind: TargetKind::Manifest }),
        Value::Object(object) => {
            let id = text(object, "id").or_else(|| text(object, "@id"))?;
            let kind = text(object, "type").or_else(|| text(object, "@type"));
            Some(Container { id: id.to_owned(), kind: kind.map_or(TargetKind::Manifest, TargetKind::from_word) })
        }
        _ => None,
    }
}

fn is_annotation(object: &Map<String, Value>) -> bool {
    let kind = text(object, "type").or_else(|| text(object, "@type"));
    match kind {
        Some(kind) => matches!(kind, "Annotation" | "oa:Annotation"),
        None => object.contains_key("target") || object.contains_key("motivation"),
    }
}

fn is_state(word: &String) -> bool {
    word == MOTIVATION
}

fn text<'v>(object: &'v Map<String, Value>, property: &str) -> Option<&'v str> {
    object.get(property).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A string, or the strings of an array.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        _ => Vec::new(),
    }
}
