//! The keys of `recto.yml`.

use recto_iiif::presentation::{Behavior, LabeledValue, LanguageMap};

use super::tree::{Key, Node, Value};
use crate::description::{Description, Downloads, Link, NavPlace, PageRef, Provider};
use crate::fields;
use crate::tables::number;
use crate::words::{At, Report, folded, is_language_tag, shown};

/// All keys, and other words for them: those of biiif, of the Presentation API, and what people write.
const KEYS: [(&str, &[&str]); 25] = [
    ("kind", &["type"]),
    ("id", &["identifier"]),
    ("label", &["title"]),
    ("summary", &["description"]),
    ("metadata", &[]),
    ("requiredStatement", &["attribution"]),
    ("rights", &["license", "licence"]),
    ("provider", &[]),
    ("homepage", &[]),
    ("seeAlso", &[]),
    ("rendering", &[]),
    ("downloads", &["download"]),
    ("thumbnail", &["thumb"]),
    ("navDate", &[]),
    ("navPlace", &[]),
    ("viewing", &[]),
    ("viewingDirection", &["direction"]),
    ("behavior", &["behaviour"]),
    ("start", &[]),
    ("language", &[]),
    ("order", &[]),
    ("members", &["manifests"]),
    ("collections", &["collection"]),
    ("access", &[]),
    ("search", &[]),
];

pub(super) fn description(node: &Node, report: &mut Report) -> Description {
    let mut description = Description::default();
    let entries = match &node.value {
        Value::Map(entries) => entries,
        Value::Nothing => return description,
        _ => {
            let message = format!("the file is {}, and not keys with values", node.kind());
            report.error(node.at, "wrong-type", message, "write keys such as `label: Letters`");
            return description;
        }
    };
    let mut reader = Reader { language: LanguageMap::NONE.to_owned(), report };
    let known: Vec<(&str, &Key, &Node)> = entries.iter().filter_map(|(key, node)| reader.key(key, node)).collect();
    // What plain texts are in has to be known first.
    for (name, _, node) in known.iter().filter(|(name, ..)| *name == "language") {
        description.language = reader.text(node, name).and_then(|text| fields::language(text, node.at, reader.report));
    }
    if let Some(language) = &description.language {
        reader.language.clone_from(language);
    }
    let mut seen: Vec<&str> = Vec::new();
    for (name, key, node) in known {
        if seen.contains(&name) {
            let message = format!("`{}` says the same as a key before it, and was left out", shown(&key.text));
            reader.report.warning(key.at, "key-twice", message, "put both into one");
        } else {
            seen.push(name);
            reader.value(&mut description, name, node);
        }
    }
    description
}

/// The members that a list or map of them names.
pub(super) fn members(node: &Node, report: &mut Report) -> Vec<crate::description::Member> {
    let mut reader = Reader { language: LanguageMap::NONE.to_owned(), report };
    reader.members(node)
}

struct Reader<'r> {
    /// The language of texts that do not say theirs.
    language: String,
    report: &'r mut Report,
}

impl Reader<'_> {
    fn key<'n>(&mut self, key: &'n Key, node: &'n Node) -> Option<(&'static str, &'n Key, &'n Node)> {
        let given = folded(&key.text);
        let is_it = |(name, others): &&(&'static str, &[&str])| {
            folded(name) == given || others.iter().any(|other| folded(other) == given)
        };
        if let Some((name, _)) = KEYS.iter().find(is_it) {
            return Some((name, key, node));
        }
        self.unknown(key, &KEYS.map(|(name, _)| name), "put it under `metadata` if it is to be shown");
        None
    }

    fn unknown(&mut self, key: &Key, known: &[&str], otherwise: &str) {
        let fix = self.report.did_you_mean(&key.text, known.iter().copied(), otherwise);
        self.report.warning(key.at, "unknown-key", format!("the key `{}` is not known", shown(&key.text)), fix);
    }

    fn wrong(&mut self, node: &Node, name: &str, fix: &str) {
        if !node.is_nothing() {
            let message = format!("`{name}` is {} here, and was left out", node.kind());
            self.report.warning(node.at, "wrong-type", message, fix);
        }
    }

    fn value(&mut self, to: &mut Description, name: &str, node: &Node) {
        match name {
            "kind" => to.kind = self.word(node, name, fields::kind),
            "id" => to.id = self.text(node, name).map(str::to_owned),
            "label" => to.label = self.map(node, name),
            "summary" => to.summary = self.map(node, name),
            "metadata" => to.metadata = self.metadata(node),
            "requiredStatement" => to.required_statement = self.required_statement(node),
            "rights" => to.rights = self.word(node, name, fields::rights),
            "provider" => to.provider = node.list().iter().filter_map(|node| self.provider(node)).collect(),
            "homepage" => to.homepage = self.links(node, name),
            "seeAlso" => to.see_also = self.links(node, name),
            "rendering" => self.rendering(to, node),
            "downloads" => self.downloads(&mut to.downloads, node),
            "thumbnail" => to.thumbnail = self.address(node, name),
            "navDate" => to.nav_date = self.word(node, name, fields::nav_date),
            "navPlace" => to.nav_place = self.place(node),
            "viewing" => self.viewing(to, node),
            "viewingDirection" => to.viewing_direction = self.word(node, name, fields::direction),
            "behavior" => to.behavior = self.behaviors(node),
            "start" => to.start = self.text(node, name).map(|text| PageRef::Name(text.to_owned())),
            "order" => to.order = self.word(node, name, fields::order),
            "members" => to.members = self.members(node),
            "collections" => to.collections = self.words(node, name),
            "access" => to.access = Some(node.json()).filter(|value| !value.is_null()),
            "search" => to.search = Some(node.json()).filter(|value| !value.is_null()),
            _ => {}
        }
    }

    fn text<'n>(&mut self, node: &'n Node, name: &str) -> Option<&'n str> {
        let text = node.text().filter(|text| !text.is_empty());
        if text.is_none() && !matches!(node.value, Value::Text { .. }) {
            self.wrong(node, name, "write one text");
        }
        text
    }

    fn word<T>(&mut self, node: &Node, name: &str, read: impl Fn(&str, At, &mut Report) -> Option<T>) -> Option<T> {
        let text = self.text(node, name)?;
        read(text, node.at, self.report)
    }

    fn words(&mut self, node: &Node, name: &str) -> Vec<String> {
        node.list().iter().filter_map(|node| self.text(node, name).map(str::to_owned)).collect()
    }

    /// Texts: one, a list, or either by language.
    fn map(&mut self, node: &Node, name: &str) -> LanguageMap {
        let mut map = LanguageMap::default();
        let Value::Map(entries) = &node.value else {
            let language = self.language.clone();
            self.texts(&mut map, &language, node, name);
            return map;
        };
        for (key, node) in entries {
            if is_language_tag(&key.text) {
                self.texts(&mut map, &key.text, node, name);
            } else {
                let message =
                    format!("`{}` is no language tag; its text was taken to be in no known language", shown(&key.text));
                self.report.warning(key.at, "bad-language", message, "write a tag such as `de`, `en` or `zh-Hant`");
                self.texts(&mut map, LanguageMap::NONE, node, name);
            }
        }
        map
    }

    fn texts(&mut self, map: &mut LanguageMap, language: &str, node: &Node, name: &str) {
        for node in node.list() {
            match &node.value {
                Value::Text { text, .. } if !text.trim().is_empty() => map.push(language, text.trim()),
                Value::Text { .. } | Value::Nothing => {}
                Value::Map(_) | Value::List(_) => {
                    let fix = "write a text, or texts by language such as `{de: Briefe, en: Letters}`; put a text with a \
                               colon or bracket into quotation marks";
                    self.wrong(node, name, fix);
                }
            }
        }
    }

    /// A list of pairs, each `Key: value` or with `label` and `value`; or a map, as biiif has it.
    fn metadata(&mut self, node: &Node) -> Vec<LabeledValue> {
        let mut pairs = Vec::new();
        for node in node.list() {
            let Value::Map(entries) = &node.value else {
                self.wrong(
                    node,
                    "metadata",
                    "write pairs such as `- Author: Anna Muster`, with a space behind the colon",
                );
                continue;
            };
            if let Some(pair) = self.labeled(node, entries) {
                pairs.push(pair);
                continue;
            }
            for (key, node) in entries {
                let value = self.map(node, &shown(&key.text));
                if !value.is_empty() {
                    pairs.push(LabeledValue { label: LanguageMap::one(&*self.language, key.text.trim()), value });
                }
            }
        }
        pairs
    }

    /// The pair of a map that has `label` and `value` alone.
    fn labeled(&mut self, node: &Node, entries: &[(Key, Node)]) -> Option<LabeledValue> {
        let find = |name: &str| entries.iter().find(|(key, _)| folded(&key.text) == name).map(|(_, node)| node);
        let (label, value) = (find("label"), find("value"));
        if entries.len() != usize::from(label.is_some()) + usize::from(value.is_some()) || entries.is_empty() {
            return None;
        }
        let pair = LabeledValue {
            label: label.map(|node| self.map(node, "label")).unwrap_or_default(),
            value: value.map(|node| self.map(node, "value")).unwrap_or_default(),
        };
        if pair.label.is_empty() || pair.value.is_empty() {
            let missing = if pair.label.is_empty() { "label" } else { "value" };
            let message = format!("this pair has no `{missing}`");
            self.report.warning(node.at, "half-pair", message, "write both `label` and `value`");
        }
        Some(pair)
    }

    fn required_statement(&mut self, node: &Node) -> Option<LabeledValue> {
        let statement = match &node.value {
            Value::Map(entries) => match (self.labeled(node, entries), &entries[..]) {
                (Some(pair), _) => pair,
                (None, [(key, value)]) if !is_language_tag(&key.text) => LabeledValue {
                    label: LanguageMap::one(&*self.language, key.text.trim()),
                    value: self.map(value, "requiredStatement"),
                },
                (None, _) => LabeledValue { label: attribution(), value: self.map(node, "requiredStatement") },
            },
            _ => LabeledValue { label: attribution(), value: self.map(node, "requiredStatement") },
        };
        (!statement.value.is_empty()).then_some(statement)
    }

    fn provider(&mut self, node: &Node) -> Option<Provider> {
        let mut provider = Provider::default();
        match &node.value {
            Value::Text { text, .. } if fields::is_url(text) => text.clone_into(&mut provider.id),
            Value::Text { .. } => provider.label = self.map(node, "provider"),
            Value::Map(entries) => {
                for (key, node) in entries {
                    match folded(&key.text).as_str() {
                        "id" | "url" => self.text(node, "id").unwrap_or_default().clone_into(&mut provider.id),
                        "label" | "name" => provider.label = self.map(node, "label"),
                        "homepage" => provider.homepage = self.links(node, "homepage"),
                        "logo" => provider.logo = self.address(node, "logo"),
                        "seealso" => provider.see_also = self.links(node, "seeAlso"),
                        "type" => {}
                        _ => self.unknown(key, &["id", "label", "homepage", "logo", "seeAlso"], "delete it"),
                    }
                }
            }
            _ => {
                self.wrong(node, "provider", "write `id`, `label`, `homepage` and `logo` under it");
                return None;
            }
        }
        (provider != Provider::default()).then_some(provider)
    }

    fn links(&mut self, node: &Node, name: &str) -> Vec<Link> {
        node.list().iter().filter_map(|node| self.link(node, name)).collect()
    }

    fn link(&mut self, node: &Node, name: &str) -> Option<Link> {
        let mut link = Link::default();
        match &node.value {
            Value::Text { text, .. } => text.trim().clone_into(&mut link.id),
            Value::Map(entries) => {
                for (key, node) in entries {
                    match folded(&key.text).as_str() {
                        "id" | "@id" | "url" | "href" => {
                            self.text(node, "id").unwrap_or_default().clone_into(&mut link.id);
                        }
                        "type" | "@type" => self.text(node, "type").unwrap_or_default().clone_into(&mut link.class),
                        "label" => link.label = self.map(node, "label"),
                        "format" => link.format = self.text(node, "format").map(str::to_owned),
                        "profile" => link.profile = self.text(node, "profile").map(str::to_owned),
                        "language" => link.language = self.words(node, "language"),
                        _ => self.unknown(key, &["id", "type", "label", "format", "profile", "language"], "delete it"),
                    }
                }
            }
            _ => {}
        }
        let is_bad = link.id.is_empty() || (name == "homepage" && !fields::is_url(&link.id));
        if is_bad {
            let message = format!("`{name}` has no address");
            self.report.warning(node.at, "bad-link", message, "write an address such as `https://example.org/letters`");
        }
        (!is_bad).then_some(link)
    }

    /// A path or URL, also where it is the `id` of something.
    fn address(&mut self, node: &Node, name: &str) -> Option<String> {
        let first = node.list().first()?;
        match &first.value {
            Value::Map(entries) => {
                let id = entries.iter().find(|(key, _)| matches!(folded(&key.text).as_str(), "id" | "@id" | "url"));
                id.and_then(|(_, node)| self.text(node, name)).map(str::to_owned)
            }
            _ => self.text(first, name).map(str::to_owned),
        }
    }

    /// Which downloads are offered, or a list of files.
    fn rendering(&mut self, to: &mut Description, node: &Node) {
        match &node.value {
            Value::Map(entries)
                if !entries.iter().any(|(key, _)| matches!(&*folded(&key.text), "id" | "@id" | "url")) =>
            {
                self.downloads(&mut to.downloads, node);
            }
            Value::Text { text, .. } if truth(text).is_some() => self.downloads(&mut to.downloads, node),
            _ => to.rendering = self.links(node, "rendering"),
        }
    }

    fn downloads(&mut self, to: &mut Downloads, node: &Node) {
        if let Some(all) = node.text().and_then(truth) {
            *to = Downloads { pdf: Some(all), text: Some(all), zip: Some(all) };
            return;
        }
        let Value::Map(entries) = &node.value else {
            return self.wrong(node, "rendering", "write `{pdf: true, text: true, zip: false}`");
        };
        for (key, node) in entries {
            let value = node.text().and_then(truth);
            let slot = match folded(&key.text).as_str() {
                "pdf" => &mut to.pdf,
                "text" | "txt" => &mut to.text,
                "zip" => &mut to.zip,
                _ => {
                    self.unknown(key, &["pdf", "text", "zip"], "write `pdf`, `text` or `zip`");
                    continue;
                }
            };
            if value.is_none() && !node.is_nothing() {
                let message = format!("`{}` is neither `true` nor `false`", shown(node.text().unwrap_or(node.kind())));
                self.report.warning(node.at, "wrong-type", message, "write `true` or `false`");
            }
            *slot = value;
        }
    }

    /// `{lat: 52.52, lon: 13.40, label: Berlin}`, or `52.52, 13.40`, or a list of both.
    fn place(&mut self, node: &Node) -> Option<NavPlace> {
        match &node.value {
            Value::Nothing => None,
            Value::Text { text, .. } => {
                let mut degrees = text.split([',', ' ', ';']).filter(|part| !part.is_empty()).map(number);
                fields::place(degrees.next().flatten(), degrees.next().flatten(), node.at, self.report)
            }
            Value::List(list) => {
                let degrees = |place: usize| list.get(place).and_then(Node::text).and_then(number);
                fields::place(degrees(0), degrees(1), node.at, self.report)
            }
            Value::Map(entries) => {
                let (mut latitude, mut longitude, mut label) = (None, None, LanguageMap::default());
                for (key, node) in entries {
                    match folded(&key.text).as_str() {
                        "lat" | "latitude" => latitude = node.text().and_then(number),
                        "lon" | "lng" | "long" | "longitude" => longitude = node.text().and_then(number),
                        "label" | "name" => label = self.map(node, "label"),
                        _ => self.unknown(key, &["lat", "lon", "label"], "write `lat`, `lon` and `label`"),
                    }
                }
                let place = fields::place(latitude, longitude, node.at, self.report)?;
                Some(NavPlace { label, ..place })
            }
        }
    }

    fn viewing(&mut self, to: &mut Description, node: &Node) {
        let Value::Map(entries) = &node.value else {
            return self.wrong(node, "viewing", "write `{direction: left-to-right, behavior: [paged]}`");
        };
        for (key, node) in entries {
            match folded(&key.text).as_str() {
                "direction" | "viewingdirection" => {
                    to.viewing_direction = self.word(node, "direction", fields::direction);
                }
                "behavior" | "behaviour" => to.behavior = self.behaviors(node),
                _ => self.unknown(key, &["direction", "behavior"], "write `direction` or `behavior`"),
            }
        }
    }

    fn behaviors(&mut self, node: &Node) -> Vec<Behavior> {
        let mut behaviors = Vec::new();
        for node in node.list() {
            let Some(text) = self.text(node, "behavior") else { continue };
            for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                behaviors.extend(fields::behavior(word, node.at, self.report));
            }
        }
        behaviors
    }

    fn members(&mut self, node: &Node) -> Vec<crate::description::Member> {
        node.list().iter().filter_map(|node| self.member(node)).collect()
    }

    fn member(&mut self, node: &Node) -> Option<crate::description::Member> {
        let (mut id, mut kind, mut label, mut thumbnail) = (String::new(), None, LanguageMap::default(), None);
        match &node.value {
            Value::Text { text, .. } => text.trim().clone_into(&mut id),
            Value::Map(entries) => {
                for (key, node) in entries {
                    match folded(&key.text).as_str() {
                        "id" | "@id" | "url" | "path" | "manifest" => {
                            self.text(node, "id").unwrap_or_default().clone_into(&mut id);
                        }
                        "kind" | "type" | "@type" => kind = self.word(node, "kind", fields::kind),
                        "label" => label = self.map(node, "label"),
                        "thumbnail" | "thumb" => thumbnail = self.address(node, "thumbnail"),
                        _ => self.unknown(key, &["id", "kind", "label", "thumbnail"], "delete it"),
                    }
                }
            }
            _ => {}
        }
        if !fields::is_url(&id) {
            let message = "this entry has no address of a manifest or collection, and was left out";
            self.report.error(node.at, "bad-link", message, "write `id: https://…`");
            return None;
        }
        let kind = kind.unwrap_or(crate::description::Kind::Manifest);
        Some(crate::description::Member::Remote { id, kind, label, thumbnail })
    }
}

/// The label of a required statement that has none of its own.
pub(super) fn attribution() -> LanguageMap {
    LanguageMap::one("en", "Attribution")
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "ja" => Some(true),
        "false" | "no" | "off" | "nein" => Some(false),
        _ => None,
    }
}
