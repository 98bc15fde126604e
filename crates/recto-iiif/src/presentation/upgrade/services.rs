//! Services keep the names of their own specifications and get the `@type` by which 3.0 tells them apart. Presentation API 3.0 §3.3
//! `service`, the table of types.

use serde_json::{Map, Value};

use super::super::note::{NoteKind, Place};
use super::text::short;
use super::{Upgrade, list};

/// What a service is and whether it is named by `id` and `type` or by `@id` and `@type`.
struct Kind {
    name: String,
    is_current: bool,
}

impl Kind {
    fn older(name: &str) -> Self {
        Self { name: name.to_owned(), is_current: false }
    }

    fn current(name: &str) -> Self {
        Self { name: name.to_owned(), is_current: true }
    }
}

impl Upgrade {
    /// All services of a resource, as a list.
    pub(super) fn services(&mut self, value: Value, holder: &str, place: &Place<'_>) -> Vec<Value> {
        let values = list(value).into_iter().enumerate();
        values.filter_map(|(index, value)| self.service(value, holder, index, &place.index(index))).collect()
    }

    fn service(&mut self, value: Value, holder: &str, index: usize, place: &Place<'_>) -> Option<Value> {
        let mut fields = match value {
            Value::Object(fields) => fields,
            Value::String(uri) => Map::from_iter([("@id".to_owned(), Value::String(uri))]),
            other => {
                let message = format!("a service is an object and not {}", short(&other));
                self.notes.add(NoteKind::Lost, place, message, "write `@context`, `@id` and `profile`");
                return None;
            }
        };
        let kind = kind(&fields);
        let mut out = Map::new();
        let context = fields.shift_remove("@context").filter(|context| !is_known(context));
        if let Some(context) = context {
            out.insert("@context".to_owned(), context);
        }
        let (id_key, type_key) = if kind.is_current { ("id", "type") } else { ("@id", "@type") };
        let id = ["@id", "id"].iter().find_map(|key| fields.shift_remove(*key)).and_then(|id| match id {
            Value::String(id) => Some(self.uri(id, place)),
            _ => None,
        });
        let id = if let Some(id) = id {
            self.base_uri(id, place)
        } else {
            let message = "a service has no `@id`, which 3.0 demands; one is made for it";
            self.notes.add(NoteKind::Moved, place, message, "give it a URI of your own");
            format!("{holder}/service/{}", index + 1)
        };
        out.insert(id_key.to_owned(), id.as_str().into());
        for key in ["@type", "type"] {
            fields.shift_remove(key);
        }
        out.insert(type_key.to_owned(), kind.name.as_str().into());
        let profile = fields.shift_remove("profile").or_else(|| fields.shift_remove("dcterms:conformsTo"));
        if let Some(profile) = profile.and_then(|profile| self.profile(profile, &kind, place)) {
            out.insert("profile".to_owned(), profile);
        }
        let inner = fields.shift_remove("service").map(|inner| self.services(inner, &id, &place.at("service")));
        for (key, value) in fields {
            out.entry(key).or_insert(value);
        }
        if let Some(inner) = inner.filter(|inner| !inner.is_empty()) {
            out.insert("service".to_owned(), Value::Array(inner));
        }
        Some(Value::Object(out))
    }

    fn base_uri(&mut self, id: String, place: &Place<'_>) -> String {
        match id.strip_suffix("/info.json") {
            Some(base) => {
                let message = "`@id` of a service is the address of its description; `/info.json` is left off";
                self.notes.add(NoteKind::Repaired, place, message, "write the base URI of the service");
                base.to_owned()
            }
            None => id,
        }
    }

    /// One string, as 3.0 has it: what stands behind the level is in the service's own description too.
    fn profile(&mut self, profile: Value, kind: &Kind, place: &Place<'_>) -> Option<Value> {
        let text = match profile {
            Value::Array(profiles) => {
                let count = profiles.len();
                let first = profiles.into_iter().find(Value::is_string)?;
                if count > 1 {
                    let message =
                        "`profile` of a service is one string in 3.0; what stands behind the first is left out";
                    self.notes.add(
                        NoteKind::Lost,
                        &place.at("profile"),
                        message,
                        "clients find it in the service's description",
                    );
                }
                first
            }
            other => other,
        };
        let level = text
            .as_str()
            .filter(|_| kind.name == "ImageService3")
            .and_then(|text| ["level0", "level1", "level2"].into_iter().find(|level| text.contains(level)));
        Some(level.map_or(text, Value::from))
    }
}

/// Contexts that a `type` makes unnecessary within a document.
fn is_known(context: &Value) -> bool {
    let known = |context: &Value| {
        context.as_str().is_some_and(|uri| {
            (uri.contains("iiif.io/api/") && !uri.contains("/annex/"))
                || uri.contains("library.stanford.edu/iiif/image-api")
        })
    };
    match context {
        Value::Array(contexts) => contexts.iter().all(known),
        other => known(other),
    }
}

fn kind(fields: &Map<String, Value>) -> Kind {
    let given = ["@type", "type"].iter().find_map(|key| fields.get(*key)?.as_str());
    let given = given.map(|given| given.rsplit(':').next().unwrap_or(given));
    let mut words: Vec<&str> = Vec::new();
    for key in ["profile", "dcterms:conformsTo", "@context"] {
        match fields.get(key) {
            Some(Value::String(text)) => words.push(text),
            Some(Value::Array(texts)) => words.extend(texts.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    if let Some(name) = given.filter(|given| is_service_type(given)) {
        return if name.ends_with('1') || name == "ImageService2" { Kind::older(name) } else { Kind::current(name) };
    }
    if let Some(kind) = words.iter().find_map(|word| by_word(word)) {
        return kind;
    }
    let name = given.unwrap_or("Service");
    if fields.contains_key("@id") || !fields.contains_key("id") { Kind::older(name) } else { Kind::current(name) }
}

fn is_service_type(name: &str) -> bool {
    let is_family = ["Image", "Search", "AutoComplete", "Auth"].iter().any(|family| name.starts_with(family));
    is_family && name.contains("Service") && name.ends_with(|last: char| last.is_ascii_digit())
}

/// The class of service that a profile or a context means.
fn by_word(word: &str) -> Option<Kind> {
    let last = word.trim_end_matches('/').rsplit(['/', '#']).next().unwrap_or_default();
    if word.contains("iiif.io/api/auth/") {
        return match last {
            "token" => Some(Kind::older("AuthTokenService1")),
            "logout" => Some(Kind::older("AuthLogoutService1")),
            "login" | "clickthrough" | "kiosk" | "external" => Some(Kind::older("AuthCookieService1")),
            _ => None,
        };
    }
    if word.contains("iiif.io/api/search/") {
        let is_current = word.contains("/search/2/");
        return Some(match (last, is_current) {
            ("autocomplete", false) => Kind::older("AutoCompleteService1"),
            ("autocomplete", true) => Kind::current("AutoCompleteService2"),
            (_, false) => Kind::older("SearchService1"),
            (_, true) => Kind::current("SearchService2"),
        });
    }
    let image = |part: &str| word.contains("iiif.io/api/image/") && word.contains(part);
    if image("/image/3/") {
        Some(Kind::current("ImageService3"))
    } else if image("/image/2/") || word.contains("image-api/2") || word.contains("iiif/image/2") {
        Some(Kind::older("ImageService2"))
    } else if image("/image/1") || word.contains("library.stanford.edu/iiif/image-api") {
        Some(Kind::older("ImageService1"))
    } else if word.contains("/physdim") {
        Some(Kind::older("PhysicalDimensions"))
    } else if word.contains("geojson") {
        // GeoJSON names things by `id` and `type`, and has no more to say where it is elsewhere.
        Some(Kind::current("Feature"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_get_their_type_from_profile_or_context_and_keep_their_names() {
        let physdim = "http://iiif.io/api/annex/services/physdim/1/context.json";
        let geojson = "http://geojson.org/geojson-ld/geojson-context.jsonld";
        for (given, wanted) in [
            (
                json!({"@context": "http://iiif.io/api/image/2/context.json", "@id": "https://e.org/i",
                       "profile": "http://iiif.io/api/image/2/level1.json"}),
                json!({"@id": "https://e.org/i", "@type": "ImageService2", "profile": "http://iiif.io/api/image/2/level1.json"}),
            ),
            (
                json!({"@id": "https://e.org/i", "profile": "http://library.stanford.edu/iiif/image-api/1.1/compliance.html#level1"}),
                json!({"@id": "https://e.org/i", "@type": "ImageService1",
                       "profile": "http://library.stanford.edu/iiif/image-api/1.1/compliance.html#level1"}),
            ),
            (
                json!({"@context": "http://iiif.io/api/image/3/context.json", "@id": "https://e.org/i",
                       "profile": "http://iiif.io/api/image/3/level2.json"}),
                json!({"id": "https://e.org/i", "type": "ImageService3", "profile": "level2"}),
            ),
            (
                json!({"@context": "http://iiif.io/api/search/0/context.json", "@id": "https://e.org/s",
                       "profile": "http://iiif.io/api/search/0/search", "label": "Search",
                       "service": {"@id": "https://e.org/a", "profile": "http://iiif.io/api/search/0/autocomplete"}}),
                json!({"@id": "https://e.org/s", "@type": "SearchService1", "profile": "http://iiif.io/api/search/0/search",
                       "label": "Search", "service": [{"@id": "https://e.org/a", "@type": "AutoCompleteService1",
                       "profile": "http://iiif.io/api/search/0/autocomplete"}]}),
            ),
            (
                json!({"@context": "http://iiif.io/api/auth/1/context.json", "@id": "https://e.org/l",
                       "profile": "http://iiif.io/api/auth/1/login", "label": "Log in", "service": [
                           {"@id": "https://e.org/t", "profile": "http://iiif.io/api/auth/0/token"},
                           {"@id": "https://e.org/o", "profile": "http://iiif.io/api/auth/1/logout"}]}),
                json!({"@id": "https://e.org/l", "@type": "AuthCookieService1", "profile": "http://iiif.io/api/auth/1/login",
                       "label": "Log in", "service": [
                           {"@id": "https://e.org/t", "@type": "AuthTokenService1", "profile": "http://iiif.io/api/auth/0/token"},
                           {"@id": "https://e.org/o", "@type": "AuthLogoutService1", "profile": "http://iiif.io/api/auth/1/logout"}]}),
            ),
            (
                json!({"@context": physdim, "profile": "http://iiif.io/api/annex/services/physdim", "physicalScale": 0.5}),
                json!({"@context": physdim, "@id": "https://e.org/m/service/1", "@type": "PhysicalDimensions",
                       "profile": "http://iiif.io/api/annex/services/physdim", "physicalScale": 0.5}),
            ),
            (
                json!({"@context": geojson, "@id": "https://e.org/place", "type": "Feature", "geometry": {"type": "Point"}}),
                json!({"@context": geojson, "id": "https://e.org/place", "type": "Feature", "geometry": {"type": "Point"}}),
            ),
            (
                json!({"@context": "https://e.org/own.json", "@id": "https://e.org/own", "profile": "https://e.org/profile"}),
                json!({"@context": "https://e.org/own.json", "@id": "https://e.org/own", "@type": "Service",
                       "profile": "https://e.org/profile"}),
            ),
            (json!("https://e.org/s"), json!({"@id": "https://e.org/s", "@type": "Service"})),
        ] {
            let written = Upgrade::default().services(given, "https://e.org/m", &Place::DOCUMENT);
            assert_eq!(written, [wanted]);
        }
    }

    #[test]
    fn a_profile_with_more_than_the_level_is_shortened_and_said() {
        let mut upgrade = Upgrade::default();
        let given = json!({"@id": "https://e.org/i/info.json", "profile": ["http://iiif.io/api/image/2/level2.json", {"qualities": ["gray"]}]});
        let written = upgrade.services(given, "https://e.org/m", &Place::DOCUMENT.at("service"));
        assert_eq!(written[0]["profile"], "http://iiif.io/api/image/2/level2.json");
        assert_eq!(written[0]["@id"], "https://e.org/i");
        let notes: Vec<_> = upgrade.notes.into_vec().into_iter().map(|note| (note.kind, note.pointer)).collect();
        assert_eq!(
            notes,
            [(NoteKind::Repaired, "/service/0".to_owned()), (NoteKind::Lost, "/service/0/profile".to_owned())]
        );
    }
}
