//! Containers: what is in them, and what is put in them. Web Annotation Protocol §4, §5.1.

use http::header::{ALLOW, CONTENT_LOCATION, LINK, LOCATION};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use recto_iiif::ErrorKind;
use recto_iiif::annotation::headers::{self, Permission};
use recto_iiif::annotation::transfer::Format;
use recto_iiif::annotation::{Container, Preference};
use recto_iiif::identifier::Identifier;
use recto_service::{Annotation, AnnotationError, Created, New};
use serde_json::{Value, json};

use super::{
    ACCEPT_POST, TRANSFER_TYPES, document, export, faults, may_write, media_type, not_done, permission, representation,
    says, sent, status, urls,
};
use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, insert_text, plain};

/// All containers: listed, and made.
pub(super) async fn all(app: &App, asked: &Asked) -> Result<Reply, AnnotationError> {
    let (urls, caller) = (urls(app, asked), asked.caller());
    match asked.parts.method {
        Method::GET | Method::HEAD => {
            let json = app.annotations().ask(move |desk| desk.containers(&urls)).await?;
            Ok(document(asked, &json, "application/ld+json", headers::VARY, extra(app, None)))
        }
        Method::POST => {
            may_write(app, asked).await?;
            let text = match sent(asked, &TRANSFER_TYPES) {
                Ok(text) => text,
                Err(problem) => return Ok(problem.reply(Api::Other, &asked.parts.headers)),
            };
            let Some(label) = label_of(text) else {
                let problem = Problem::new(ErrorKind::Malformed, "the body is no container")
                    .hint("send `{\"label\": \"…\"}`, or a map of languages as its label");
                return Ok(problem.reply(Api::Other, &asked.parts.headers));
            };
            let slug = slug(asked);
            let asked_for = urls.clone();
            let made = app.annotations().ask(move |desk| {
                let name = desk.make_container(slug.as_deref(), &label, &caller)?;
                desk.container(&name, Preference::default(), None, &asked_for, &caller)
            });
            let (json, container) = made.await?;
            let mut reply = plain(StatusCode::CREATED, headers::MEDIA_TYPE, json.to_string());
            insert_text(reply.headers_mut(), LOCATION, container.id());
            Ok(reply)
        }
        _ => Ok(not_done(asked, headers::container_allow(permission(app)))),
    }
}

/// The label of a container that was sent, one text; `None` for what is no container.
fn label_of(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some(String::new());
    }
    let json: Value = serde_json::from_str(text).ok()?;
    match json.as_object()?.get("label") {
        None => Some(String::new()),
        Some(Value::String(label)) => Some(label.clone()),
        Some(Value::Object(languages)) => {
            let first = languages.values().next()?;
            first.as_str().or_else(|| first.get(0)?.as_str()).map(str::to_owned)
        }
        Some(_) => None,
    }
}

pub(super) async fn answer(app: &App, asked: &Asked, name: Identifier) -> Result<Reply, AnnotationError> {
    match asked.parts.method {
        Method::GET | Method::HEAD => match export::wanted(asked) {
            Some(Ok(wanted)) => export::answer(app, asked, name, wanted).await,
            Some(Err(problem)) => Ok(problem.reply(Api::Other, &asked.parts.headers)),
            None => read(app, asked, name).await,
        },
        Method::POST => write(app, asked, name).await,
        _ => Ok(not_done(asked, headers::container_allow(permission(app)))),
    }
}

async fn read(app: &App, asked: &Asked, name: Identifier) -> Result<Reply, AnnotationError> {
    let Some((contents, page)) = Container::parse_query(asked.parts.uri.query().unwrap_or_default()) else {
        let problem = Problem::new(ErrorKind::Malformed, "the query is not understood")
            .hint("`iris` is 0 or 1, `page` a number from 0");
        return Ok(problem.reply(Api::Other, &asked.parts.headers));
    };
    let said = asked.parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preference = Preference::parse(said).or_query(contents);
    let (urls, caller) = (urls(app, asked), asked.caller());
    let answered = app.annotations().ask(move |desk| desk.container(&name, preference, page, &urls, &caller)).await?;
    let (json, container) = answered;
    let mut extra = extra(app, page);
    if page.is_none() {
        let location = HeaderValue::from_str(&container.uri(preference.contents));
        extra.extend(location.ok().map(|location| (CONTENT_LOCATION, location)));
    }
    if let Some(applied) = preference.applied() {
        extra.push((HeaderName::from_static("preference-applied"), HeaderValue::from_static(applied)));
    }
    let vary = if page.is_some() { headers::VARY } else { headers::CONTAINER_VARY };
    Ok(document(asked, &json, headers::MEDIA_TYPE, vary, extra))
}

/// The headers that say what a container is and what can be done with it.
fn extra(app: &App, page: Option<u64>) -> Vec<(HeaderName, HeaderValue)> {
    if page.is_some() {
        return vec![(ALLOW, HeaderValue::from_static(headers::PAGE_ALLOW))];
    }
    let mut extra: Vec<_> =
        headers::CONTAINER_LINKS.iter().map(|link| (LINK, HeaderValue::from_static(link))).collect();
    extra.push((ALLOW, HeaderValue::from_static(headers::container_allow(permission(app)))));
    if permission(app) == Permission::Write {
        extra.push((ACCEPT_POST, HeaderValue::from_static(headers::ACCEPT_POST)));
    }
    extra
}

fn slug(asked: &Asked) -> Option<String> {
    asked.parts.headers.get("slug").and_then(|slug| slug.to_str().ok()).map(str::to_owned)
}

async fn write(app: &App, asked: &Asked, name: Identifier) -> Result<Reply, AnnotationError> {
    let (urls, caller) = (urls(app, asked), asked.caller());
    may_write(app, asked).await?;
    let text = match sent(asked, &TRANSFER_TYPES) {
        Ok(text) => text.to_owned(),
        Err(problem) => return Ok(problem.reply(Api::Other, &asked.parts.headers)),
    };
    let format = Format::of_media_type(media_type(asked)).unwrap_or(Format::Json);
    if format != Format::Json || is_batch(&text) {
        let draft = says(asked, "draft");
        let made =
            app.annotations().ask(move |desk| desk.create_all(Some(&name), (&text, format), draft, &urls, &caller));
        return Ok(told(&made.await?));
    }
    let new = New { slug: slug(asked), draft: says(asked, "draft") };
    let made = app.annotations().ask(move |desk| {
        let annotation = desk.read(&text)?;
        desk.create(&name, &annotation, &new, &urls, &caller)
    });
    Ok(created(app, asked, &made.await?))
}

/// The answer to one that was made.
fn created(app: &App, asked: &Asked, annotation: &Annotation) -> Reply {
    let representation = representation(app, asked, annotation);
    let mut reply =
        representation.with_body(&Method::POST, &asked.parts.headers, bytes::Bytes::from(annotation.json.to_string()));
    *reply.status_mut() = StatusCode::CREATED;
    insert_text(reply.headers_mut(), LOCATION, &annotation.id);
    insert_text(reply.headers_mut(), CONTENT_LOCATION, &annotation.id);
    reply
}

/// Several annotations at once: a page, a list, an array.
fn is_batch(text: &str) -> bool {
    let Ok(json) = serde_json::from_str::<Value>(text) else { return false };
    let kind = json.get("type").or_else(|| json.get("@type"));
    let kinds: Vec<&str> = match kind {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    json.is_array()
        || kinds
            .iter()
            .any(|kind| ["AnnotationPage", "AnnotationCollection", "sc:AnnotationList", "sc:Layer"].contains(kind))
}

/// What became of each annotation of a batch.
pub(super) fn told(created: &[Created]) -> Reply {
    let items: Vec<Value> = created
        .iter()
        .map(|Created { place, outcome }| match outcome {
            Ok(annotation) => {
                json!({"place": place, "status": 201, "id": annotation.id, "etag": super::etag(annotation.version)})
            }
            Err(AnnotationError::Rejected(rejected)) => {
                json!({"place": place, "status": 400, "faults": faults(&rejected.faults)})
            }
            Err(error) => json!({"place": place, "status": status(error).as_u16(), "detail": error.to_string()}),
        })
        .collect();
    let made = created.iter().filter(|created| created.outcome.is_ok()).count();
    let body = json!({"created": made, "total": items.len(), "items": items});
    plain(StatusCode::OK, "application/json; charset=utf-8", body.to_string())
}
