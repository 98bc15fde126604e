//! The dialect of Annotot, as its client in Mirador speaks it: annotations as texts in an envelope.
//!
//! | request | answer |
//! |---|---|
//! | `GET pages?uri=CANVAS` | 200, [`pages`] |
//! | `GET lists?uri=CANVAS` | 200, [`lists`] |
//! | `GET ?uri=CANVAS` | 200, [`index`] |
//! | `POST`, `{"annotation": {"canvas", "data", "uuid"}}` read by [`read`] | 200, the annotation |
//! | `PATCH ID` or `PUT ID`, the same without `canvas` | 200, the annotation |
//! | `DELETE ID` | 200, [`destroyed`] |
//! | `GET ID` | 200, the annotation |
//!
//! `ID` is escaped once; it is one of [`super::names`] of the annotation.

use serde_json::{Value, json};

use super::accept::json as parsed;
use super::container::within_page;
pub use super::sas::{Sent, uri_of_query};
use super::words::{is_uri, is_uuid};
use super::{AcceptOptions, Annotation, Rejected, iiif, shape};

const CONTEXT_3: &str = "http://iiif.io/api/presentation/3/context.json";

/// True for the envelope.
pub(super) fn is_wrapped(value: &Value) -> bool {
    value.get("annotation").is_some_and(Value::is_object) && value.get("target").is_none() && value.get("on").is_none()
}

/// Reads what is sent to make or change an annotation.
pub fn read(text: &str, options: &AcceptOptions) -> Result<Sent, Rejected> {
    // The text in the text has its quotes escaped.
    if text.len() > options.max_bytes.saturating_mul(2) {
        return Err(shape::over(options.max_bytes));
    }
    read_value(&parsed(text)?, options)
}

pub(super) fn read_value(value: &Value, options: &AcceptOptions) -> Result<Sent, Rejected> {
    let Some(envelope) = value.get("annotation").filter(|envelope| envelope.is_object()) else {
        let remedy = "send `{\"annotation\": {\"canvas\": …, \"data\": …, \"uuid\": …}}`";
        return Err(Rejected::new("", "`annotation` is missing", remedy));
    };
    let mut data = match envelope.get("data") {
        Some(Value::String(text)) if text.len() <= options.max_bytes => {
            parsed(text).map_err(|rejected| rejected.under("/annotation/data"))?
        }
        Some(Value::String(_)) => return Err(shape::over(options.max_bytes)),
        Some(data @ Value::Object(_)) => data.clone(),
        _ => {
            let remedy = "write the annotation as JSON, in a string";
            return Err(Rejected::new("/annotation/data", "`data` is missing", remedy));
        }
    };
    if is_wrapped(&data) {
        return Err(Rejected::new("/annotation/data", "`data` is another envelope", "write the annotation"));
    }
    let text =
        |name: &str| envelope.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let canvas = text("canvas");
    // Its client calls the annotation what the envelope does, and that need not be a URI.
    if let Some(fields) = data.as_object_mut()
        && fields.get("id").and_then(Value::as_str).is_some_and(|id| !is_uri(id) && !is_uuid(id))
    {
        fields.shift_remove("id");
    }
    if let (Some(fields), Some(canvas)) = (data.as_object_mut(), &canvas)
        && ["target", "on"].iter().all(|name| fields.get(*name).is_none_or(Value::is_null))
    {
        fields.insert("target".to_owned(), canvas.as_str().into());
    }
    let annotation = Annotation::accept(data, options).map_err(|rejected| rejected.under("/annotation/data"))?;
    let name = text("uuid").or_else(|| annotation.id().map(str::to_owned));
    Ok(Sent { annotation, name, canvas })
}

/// The annotations of a canvas as a page of Presentation 3.0; `id` is the address that was asked.
pub fn pages(id: &str, stored: &[Value]) -> Value {
    let items: Vec<Value> = stored.iter().map(within_page).collect();
    json!({ "@context": CONTEXT_3, "id": id, "type": "AnnotationPage", "items": items })
}

/// The same as a list of Presentation 2.1.
pub fn lists(id: &str, stored: &[Value]) -> Value {
    iiif::list_2(id, stored)
}

/// The same as an array.
pub fn index(stored: &[Value]) -> Value {
    stored.iter().map(within_page).collect()
}

/// The answer when an annotation was deleted.
pub fn destroyed() -> Value {
    json!({ "message": "Annotation was successfully destroyed." })
}

/// The answer to what was not taken (400).
pub fn rejected(rejected: &Rejected) -> Value {
    json!({ "message": rejected.to_string(), "status": "bad_request" })
}
