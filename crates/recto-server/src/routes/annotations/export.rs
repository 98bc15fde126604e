//! All annotations of a container at once: `?export=json`, `jsonl` or `csv`, with `motivation`, `creator`, `from` and `until`. They leave
//! while they are read.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::try_unfold;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use recto_iiif::ErrorKind;
use recto_iiif::annotation::{CONTEXT, headers, transfer};
use recto_iiif::discovery::Timestamp;
use recto_iiif::identifier::Identifier;
use recto_service::{AnnotationError, Filter};
use serde_json::{Value, json};

use super::super::query_value;
use super::{FRESH, accepts, urls};
use crate::app::{App, Asked};
use crate::problem::Problem;
use crate::reply::Reply;

/// Annotations that are read at a time.
const AT_A_TIME: u64 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Lines,
    Table,
}

#[derive(Clone, Debug)]
pub(super) struct Wanted {
    form: Form,
    filter: Filter,
}

/// What is wanted; `None` for a request that wants the container.
pub(super) fn wanted(asked: &Asked) -> Option<Result<Wanted, Problem>> {
    let query = asked.parts.uri.query();
    let form = match query_value(query, "export").as_deref() {
        Some("json") => Form::Json,
        Some("jsonl") => Form::Lines,
        Some("csv") => Form::Table,
        None if accepts(asked, "text/csv") => Form::Table,
        None if accepts(asked, "application/x-ndjson") => Form::Lines,
        None => return None,
        Some(_) => return Some(Err(malformed("export", "`json`, `jsonl` or `csv`"))),
    };
    let mut filter = Filter {
        motivation: query_value(query, "motivation"),
        creator: query_value(query, "creator"),
        ..Filter::default()
    };
    for (name, place) in [("from", &mut filter.from_ms), ("until", &mut filter.until_ms)] {
        if let Some(given) = query_value(query, name) {
            match milliseconds(&given) {
                Some(at) => *place = Some(at),
                None => return Some(Err(malformed(name, "a time as `2026-01-31T12:00:00Z`"))),
            }
        }
    }
    Some(Ok(Wanted { form, filter }))
}

fn malformed(name: &str, wanted: &str) -> Problem {
    Problem::new(ErrorKind::Malformed, format!("`{name}` is not understood")).hint(format!("write {wanted}"))
}

fn milliseconds(text: &str) -> Option<i64> {
    text.parse().ok().map(|at: Timestamp| at.unix_seconds().saturating_mul(1000))
}

/// Where an export is.
enum State {
    Begin(Vec<Value>),
    Behind(u64),
    End,
}

pub(super) async fn answer(
    app: &App,
    asked: &Asked,
    name: Identifier,
    wanted: Wanted,
) -> Result<Reply, AnnotationError> {
    let (urls, caller) = (urls(app, asked), asked.caller());
    let annotations = app.annotations().clone();
    let id = format!("{}{}", asked.reached.base, asked.parts.uri.path());
    let file = name.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    let form = wanted.form;
    let part = move |offset: u64| {
        let (annotations, name, filter) = (annotations.clone(), name.clone(), wanted.filter.clone());
        let (urls, caller) = (urls.clone(), caller.clone());
        async move { annotations.ask(move |desk| desk.part(&name, &filter, offset, AT_A_TIME, &urls, &caller)).await }
    };
    // The first part is read before the answer begins, so that it can be another one.
    let first = part(0).await?;
    let stream = try_unfold(State::Begin(first), move |state| {
        let (part, id) = (part.clone(), id.clone());
        async move {
            let (items, offset) = match state {
                State::Begin(items) => (items, 0),
                State::Behind(offset) => (part(offset).await.map_err(io::Error::other)?, offset),
                State::End => return Ok::<_, io::Error>(None),
            };
            let is_last = (items.len() as u64) < AT_A_TIME;
            let text = written(form, &id, &items, offset == 0, is_last);
            let next = if is_last { State::End } else { State::Behind(offset + AT_A_TIME) };
            Ok(Some((Bytes::from(text), next)))
        }
    });
    let mut reply = Reply::new(if asked.is_head() { Body::empty() } else { Body::from_stream(stream) });
    let (media_type, end) = match form {
        Form::Json => (headers::MEDIA_TYPE, "json"),
        Form::Lines => ("application/x-ndjson", "jsonl"),
        Form::Table => ("text/csv; charset=utf-8", "csv"),
    };
    let fields = reply.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(CACHE_CONTROL, FRESH);
    let safe: String =
        file.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{safe}-annotations.{end}\"")) {
        fields.insert(CONTENT_DISPOSITION, value);
    }
    Ok(reply)
}

fn written(form: Form, id: &str, items: &[Value], is_first: bool, is_last: bool) -> String {
    match form {
        Form::Lines => transfer::write_json_lines(items),
        Form::Table => {
            let table = transfer::write_csv(items);
            if is_first { table } else { table.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned()) }
        }
        Form::Json => {
            let mut out = String::new();
            if is_first {
                let head = json!({"@context": CONTEXT, "id": format!("{id}?export=json"), "type": "AnnotationPage"});
                out.push_str(head.to_string().trim_end_matches('}'));
                out.push_str(",\"items\":[");
            } else if !items.is_empty() {
                out.push(',');
            }
            let page = transfer::write_json(id, items);
            let list = page["items"].to_string();
            out.push_str(list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or_default());
            if is_last {
                out.push_str("]}");
            }
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_together_are_one_document() {
        let item =
            |number: u64| json!({"id": format!("http://e/{number}"), "type": "Annotation", "target": "http://e/c"});
        let (first, second) = ([item(1), item(2)], [item(3)]);
        let all =
            [written(Form::Json, "http://e/a/", &first, true, false), written(Form::Json, "", &second, false, true)];
        let whole: Value = serde_json::from_str(&all.concat()).unwrap();
        assert_eq!(whole["items"].as_array().unwrap().len(), 3);
        assert_eq!(whole["id"], "http://e/a/?export=json");
        let none: Value = serde_json::from_str(&written(Form::Json, "http://e/a/", &[], true, true)).unwrap();
        assert_eq!(none["items"], json!([]));
        // A part that is full may be the last one there is.
        let ends = [written(Form::Json, "http://e/a/", &first, true, false), written(Form::Json, "", &[], false, true)];
        assert!(serde_json::from_str::<Value>(&ends.concat()).is_ok());
        let table = [written(Form::Table, "", &first, true, false), written(Form::Table, "", &second, false, true)];
        assert_eq!(table.concat(), transfer::write_csv(&[first.to_vec(), second.to_vec()].concat()));
        assert_eq!(written(Form::Lines, "", &second, true, true).lines().count(), 1);
    }
}
