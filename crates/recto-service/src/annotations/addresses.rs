//! Addresses of this server in annotations: kept without the server's own, so that they stay true when it moves.
//!
//! A canvas, manifest or annotation of this server is kept as `recto:` and its path, in the one form that the path has: of version 3.0,
//! with every escape in its place. Whoever reads gets the address under which they reached the server.

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::Version;
use serde_json::Value;

/// What addresses of this server begin with where they are kept.
pub(super) const OURS: &str = "recto:";

pub(super) const PRESENTATION: &str = "/iiif/presentation/";

/// Members whose texts are never addresses, but what people wrote.
const WRITTEN: [&str; 9] = ["value", "bodyValue", "chars", "label", "name", "exact", "prefix", "suffix", "description"];

/// An address as it is kept.
pub(super) fn kept(uri: &str, base: &str) -> String {
    // The same server may be reached with and without TLS.
    let plain = |uri: &'_ str| uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")).map(str::len);
    let (Some(of_uri), Some(of_base)) = (plain(uri), plain(base)) else { return uri.to_owned() };
    let (uri_end, base_end) = (&uri[uri.len() - of_uri..], &base[base.len() - of_base..]);
    let Some(rest) = uri_end.strip_prefix(base_end).filter(|rest| rest.starts_with('/')) else {
        return uri.to_owned();
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, tail) = rest.split_at(end);
    format!("{OURS}{}{tail}", of_presentation(path).unwrap_or_else(|| path.to_owned()))
}

/// The one form of a path of the Presentation API; `None` for what is none.
fn of_presentation(path: &str) -> Option<String> {
    let rest = path.strip_prefix(PRESENTATION)?;
    let rest = match rest.split_once('/') {
        Some((first, behind)) if Version::from_segment(first).is_some() => behind,
        _ => rest,
    };
    let (before, last) = rest.rsplit_once('/')?;
    let (identifier, part) = match last {
        "manifest" | "collection" => (before, last.to_owned()),
        name => {
            let (identifier, kind) = ["canvas", "range"]
                .into_iter()
                .find_map(|kind| Some((before.strip_suffix(kind)?.strip_suffix('/')?, kind)))?;
            (identifier, format!("{kind}/{}", Identifier::parse_encoded(name).ok()?.encoded()))
        }
    };
    let identifier = Identifier::parse_encoded(identifier).ok()?;
    Some(format!("{PRESENTATION}3/{}/{part}", identifier.encoded()))
}

/// The canvas of an object, as it is kept.
pub(super) fn canvas(object: &Identifier, name: &Identifier) -> String {
    format!("{}canvas/{}", of_object(object), name.encoded())
}

/// What the addresses of an object's parts begin with, as they are kept.
fn of_object(object: &Identifier) -> String {
    format!("{OURS}{PRESENTATION}3/{}/", object.encoded())
}

/// The object to which an address, as it is kept, belongs.
pub(super) fn object(kept: &str) -> Option<Identifier> {
    let rest = kept.strip_prefix(OURS)?.strip_prefix(PRESENTATION)?.strip_prefix("3/")?;
    let (identifier, part) = rest.split_once('/')?;
    let is_part = part.starts_with("canvas/") || part.starts_with("range/") || part.starts_with("manifest");
    if is_part { Identifier::parse_encoded(identifier).ok() } else { None }
}

/// Container and name of an annotation whose address this is, as it is kept.
pub(super) fn annotation(kept: &str) -> Option<(Identifier, Identifier)> {
    let rest = kept.strip_prefix(OURS)?.strip_prefix("/annotations/")?;
    let rest = rest.split(['?', '#']).next()?;
    let (container, name) = rest.rsplit_once('/')?;
    Some((Identifier::parse_encoded(container).ok()?, Identifier::parse_encoded(name).ok()?))
}

/// Changes every address in a document.
pub(super) fn rewrite(document: &mut Value, change: &dyn Fn(&str) -> Option<String>) {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => {
                if let Some(changed) = change(text) {
                    *text = changed;
                }
            }
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                let others = fields.iter_mut().filter(|(name, _)| !WRITTEN.contains(&name.as_str()));
                open.extend(others.map(|(_, value)| value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Brings the addresses of a document that somebody sent to the form in which they are kept.
pub(super) fn keep(document: &mut Value, base: &str) {
    rewrite(document, &|text| text.starts_with(base).then(|| kept(text, base)));
}

/// Names that objects had before, as addresses that are kept have them, and the ones that they have now.
#[derive(Clone, Debug, Default)]
pub(super) struct Renamed(Vec<(String, String)>);

impl Renamed {
    pub(super) fn add(&mut self, before: &Identifier, now: &Identifier) {
        if before != now {
            self.0.push((of_object(before), of_object(now)));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same address under the name of now; `None` where it is none of these objects.
    pub(super) fn apply(&self, kept: &str) -> Option<String> {
        self.0.iter().find_map(|(before, now)| Some(format!("{now}{}", kept.strip_prefix(before.as_str())?)))
    }
}

/// Brings the addresses of a document that was kept to those of one who reached the server under `base`.
pub(super) fn give(document: &mut Value, base: &str, renamed: &Renamed) {
    rewrite(document, &|text| {
        let path = text.strip_prefix(OURS).filter(|rest| rest.starts_with('/'))?;
        let now = renamed.apply(text);
        Some(format!("{base}{}", now.as_deref().map_or(path, |now| &now[OURS.len()..])))
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BASE: &str = "https://example.org/scans";

    #[test]
    fn one_canvas_has_one_address_however_it_is_written() {
        for (given, want) in [
            ("/iiif/presentation/3/a/canvas/1", "recto:/iiif/presentation/3/a/canvas/1"),
            ("/iiif/presentation/2/a/canvas/1#xywh=1,2,3,4", "recto:/iiif/presentation/3/a/canvas/1#xywh=1,2,3,4"),
            ("/iiif/presentation/4/a%2fb/canvas/p%201", "recto:/iiif/presentation/3/a%2Fb/canvas/p%201"),
            ("/iiif/presentation/a/b/canvas/1", "recto:/iiif/presentation/3/a%2Fb/canvas/1"),
            ("/iiif/presentation/2/a/manifest", "recto:/iiif/presentation/3/a/manifest"),
            ("/annotations/a/1", "recto:/annotations/a/1"),
        ] {
            assert_eq!(kept(&format!("{BASE}{given}"), BASE), want, "{given}");
        }
        for other in ["https://example.org/scans2/a", "https://example.org", "urn:x", ""] {
            assert_eq!(kept(other, BASE), other);
        }
    }

    #[test]
    fn documents_are_kept_and_given_with_every_address_but_not_what_people_wrote() {
        let uri = format!("{BASE}/iiif/presentation/2/a/canvas/1");
        let sent = json!({
            "target": [{"source": {"id": uri, "partOf": format!("{BASE}/iiif/presentation/3/a/manifest")}}, "http://other/"],
            "body": {"value": uri},
        });
        let mut document = sent.clone();
        keep(&mut document, BASE);
        assert_eq!(document["target"][0]["source"]["id"], "recto:/iiif/presentation/3/a/canvas/1");
        assert_eq!(document["body"]["value"], uri.as_str());
        let mut renamed = Renamed::default();
        renamed.add(&Identifier::new("a"), &Identifier::new("b/c"));
        give(&mut document, "http://localhost", &renamed);
        assert_eq!(document["target"][0]["source"]["id"], "http://localhost/iiif/presentation/3/b%2Fc/canvas/1");
        assert_eq!(document["target"][1], "http://other/");
        assert_eq!(document["body"]["value"], uri.as_str());
    }

    #[test]
    fn addresses_name_their_objects_and_annotations() {
        let canvas = canvas(&Identifier::new("a/b"), &Identifier::new("p 1"));
        assert_eq!(canvas, "recto:/iiif/presentation/3/a%2Fb/canvas/p%201");
        assert_eq!(object(&canvas), Some(Identifier::new("a/b")));
        assert_eq!(object("recto:/annotations/a/1"), None);
        let found = annotation("recto:/annotations/a%2Fb/x");
        assert_eq!(found, Some((Identifier::new("a/b"), Identifier::new("x"))));
        assert_eq!(annotation(&canvas), None);
    }
}
