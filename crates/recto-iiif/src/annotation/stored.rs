//! What the server keeps of an annotation: its own name and times, the author whom it knows, and what it was called before.
//! Web Annotation Protocol §5.

use serde_json::{Map, Value};

use super::words::{is_uuid, list, short, uri_of};
use super::{AcceptOptions, Agent, Annotation, Rejected, shape};
use crate::discovery::Timestamp;

/// What the server says of a new annotation.
#[derive(Clone, Debug)]
pub struct StoreAs<'a> {
    /// Its URI: that of the container with a name added.
    pub id: &'a str,
    /// Who made it, as far as the server knows; what the document says does not count.
    pub creator: Option<&'a Agent>,
    /// When it was taken in.
    pub created: Timestamp,
}

/// A new annotation as it is stored. The name that its sender gave it is kept in `via`, `canonical` stays; author and time are the server's.
pub fn store(annotation: &Annotation, id: &str, creator: Option<&Agent>, created: Timestamp) -> Value {
    made(annotation.json().clone(), &StoreAs { id, creator, created }, false)
}

/// The same for what is imported by somebody who may: author and times of the document stay where it has them.
pub fn store_imported(annotation: &Annotation, stored_as: &StoreAs<'_>) -> Value {
    made(annotation.json().clone(), stored_as, true)
}

fn made(mut fields: Map<String, Value>, stored_as: &StoreAs<'_>, keeps_given: bool) -> Value {
    if let Some(Value::String(given)) = fields.shift_remove("id")
        && given != stored_as.id
    {
        add_via(&mut fields, &given);
    }
    let is_moment = |value: &Value| value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok());
    let given = |fields: &mut Map<String, Value>, name: &str| fields.shift_remove(name).filter(|_| keeps_given);
    let creator = given(&mut fields, "creator").or_else(|| stored_as.creator.map(Agent::to_value));
    let created =
        given(&mut fields, "created").filter(is_moment).unwrap_or_else(|| stored_as.created.to_string().into());
    let modified = given(&mut fields, "modified").filter(is_moment);
    fields.insert("id".to_owned(), stored_as.id.into());
    fields.extend(creator.map(|creator| ("creator".to_owned(), creator)));
    fields.insert("created".to_owned(), created);
    fields.extend(modified.map(|modified| ("modified".to_owned(), modified)));
    Value::Object(ordered(fields))
}

/// An annotation that takes the place of a stored one (`PUT`). Its `id` is that of the stored one or missing; author, time of making,
/// `canonical` and `via` stay, and an attempt to change the last two is rejected.
pub fn replace(stored: &Value, annotation: &Annotation, modified: Timestamp) -> Result<Value, Rejected> {
    let mut fields = annotation.json().clone();
    let ours = stored.get("id").and_then(Value::as_str).unwrap_or_default();
    if let Some(given) = annotation.id()
        && given != ours
    {
        let message = format!("`id` is {}, and this annotation is `{ours}`", short(&Value::from(given)));
        return Err(Rejected::new("/id", message, "write the `id` that the server gave, or leave it off"));
    }
    for property in ["canonical", "via"] {
        let (before, after) = (stored.get(property), fields.get(property));
        if before.is_some() && after.is_some_and(|after| !is_same_set(before, Some(after))) {
            let message = format!("`{property}` is another than the one that is stored");
            return Err(Rejected::new(format!("/{property}"), message, "leave it as it was, or leave it off"));
        }
        if let Some(before) = before {
            fields.insert(property.to_owned(), before.clone());
        }
    }
    for property in ["id", "creator", "created"] {
        fields.shift_remove(property);
        fields.extend(stored.get(property).map(|value| (property.to_owned(), value.clone())));
    }
    fields.insert("modified".to_owned(), modified.to_string().into());
    Ok(Value::Object(ordered(fields)))
}

/// A stored annotation with a merge patch (RFC 7386) applied, checked as a new one is (`PATCH`). What [`replace`] rejects is rejected, and
/// so is taking `canonical` or `via` away.
pub fn patched(stored: &Value, patch: &Value, options: &AcceptOptions, modified: Timestamp) -> Result<Value, Rejected> {
    shape::bounded(patch, options.max_depth, options.max_bytes)?;
    let Some(changes) = patch.as_object() else {
        return Err(Rejected::new("", "a merge patch is an object", "write the members that are to change"));
    };
    for property in ["id", "canonical", "via"] {
        let is_taken = changes.get(property).is_some_and(Value::is_null) && stored.get(property).is_some();
        if is_taken {
            let message = format!("`{property}` is taken away");
            return Err(Rejected::new(format!("/{property}"), message, "leave it as it was"));
        }
    }
    let mut changed = stored.clone();
    merge_patch(&mut changed, patch);
    let annotation = Annotation::accept(changed, options)?;
    replace(stored, &annotation, modified)
}

/// Applies a merge patch. RFC 7386 §2.
///
/// ```
/// let mut value = serde_json::json!({"a": 1, "b": {"c": 2, "d": 3}});
/// recto_iiif::annotation::merge_patch(&mut value, &serde_json::json!({"a": null, "b": {"c": 4}}));
/// assert_eq!(value, serde_json::json!({"b": {"c": 4, "d": 3}}));
/// ```
pub fn merge_patch(target: &mut Value, patch: &Value) {
    // Without recursion, so that a deep patch costs memory alone.
    let mut open = vec![(target, patch)];
    while let Some((target, patch)) = open.pop() {
        let Value::Object(changes) = patch else {
            *target = patch.clone();
            continue;
        };
        if !target.is_object() {
            *target = Value::Object(Map::new());
        }
        let Value::Object(fields) = target else { continue };
        for (name, change) in changes {
            if change.is_null() {
                fields.shift_remove(name);
            } else if !fields.contains_key(name) {
                fields.insert(name.clone(), Value::Null);
            }
        }
        for (name, field) in fields.iter_mut() {
            if let Some(change) = changes.get(name) {
                open.push((field, change));
            }
        }
    }
}

/// All names by which clients may ask for a stored annotation: its `id`, what is in `via`, and UUIDs as they were before they became URNs.
pub fn names(stored: &Value) -> Vec<String> {
    let via = list(stored.get("via")).iter().filter_map(uri_of);
    let mut names = Vec::new();
    for name in stored.get("id").and_then(Value::as_str).into_iter().chain(via) {
        names.push(name.to_owned());
        names.extend(name.strip_prefix("urn:uuid:").map(str::to_owned));
    }
    names
}

/// `via` has one name more. A bare UUID, as viewers make them, is written as a URN.
fn add_via(fields: &mut Map<String, Value>, given: &str) {
    let name = if is_uuid(given) { format!("urn:uuid:{given}") } else { given.to_owned() };
    match fields.get_mut("via") {
        None => {
            fields.insert("via".to_owned(), name.into());
        }
        Some(before) => {
            let mut all = list(Some(before)).to_vec();
            if !all.iter().any(|via| uri_of(via) == Some(&name)) {
                all.push(name.into());
            }
            *before = Value::Array(all);
        }
    }
}

fn is_same_set(before: Option<&Value>, after: Option<&Value>) -> bool {
    let set = |value: Option<&Value>| {
        let mut names: Vec<String> =
            list(value).iter().map(|value| uri_of(value).map_or_else(|| value.to_string(), str::to_owned)).collect();
        names.sort();
        names
    };
    set(before) == set(after)
}

/// The order in which people look for members; others follow as they came.
const ORDER: [&str; 11] =
    ["@context", "id", "type", "canonical", "via", "motivation", "creator", "created", "modified", "body", "target"];

pub(super) fn ordered(mut fields: Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for name in ORDER {
        out.extend(fields.shift_remove(name).map(|value| (name.to_owned(), value)));
    }
    out.extend(fields);
    out
}
