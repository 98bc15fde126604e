//! One annotation: read, replaced, changed, deleted, restored, and what it was before. Web Annotation Protocol §3, §5.2 to §5.4.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LOCATION};
use http::{HeaderValue, Method, StatusCode};
use recto_iiif::ErrorKind;
use recto_iiif::annotation::headers;
use recto_iiif::identifier::Identifier;
use recto_service::{Annotation, AnnotationError};

use super::super::query_value;
use super::{ANNOTATION_TYPES, document, may_write, not_done, permission, representation, says, seen, sent, urls};
use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, insert_text, plain};

pub(super) async fn answer(
    app: &App,
    asked: &Asked,
    container: Identifier,
    name: Identifier,
) -> Result<Reply, AnnotationError> {
    match asked.parts.method {
        Method::GET | Method::HEAD => read(app, asked, container, name).await,
        Method::PUT | Method::PATCH => change(app, asked, container, name).await,
        Method::POST => restore(app, asked, container, name).await,
        Method::DELETE => {
            let (seen, caller) = (seen(asked), asked.caller());
            app.annotations().ask(move |desk| desk.delete((&container, &name), &seen, &caller)).await?;
            Ok(gone())
        }
        _ => Ok(not_done(asked, headers::annotation_allow(permission(app)))),
    }
}

/// The answer to a deletion.
pub(super) fn gone() -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

async fn read(app: &App, asked: &Asked, container: Identifier, name: Identifier) -> Result<Reply, AnnotationError> {
    let (urls, caller) = (urls(app, asked), asked.caller());
    if says(asked, "history") {
        let versions = app.annotations().ask(move |desk| desk.versions(&container, &name, &urls, &caller)).await?;
        return Ok(document(asked, &versions, "application/json; charset=utf-8", headers::VARY, read_only()));
    }
    if query_value(asked.parts.uri.query(), "version").is_some() {
        let Some(number) = number(asked, "version") else { return Ok(no_number(asked, "version")) };
        let ask = move |desk: &recto_service::Desk| desk.version(&container, &name, number, &urls, &caller);
        return Ok(match app.annotations().ask(ask).await? {
            Some(json) => document(asked, &json, headers::MEDIA_TYPE, headers::VARY, read_only()),
            None => deleted(asked, number),
        });
    }
    let annotation = app.annotations().ask(move |desk| desk.annotation(&container, &name, &urls, &caller)).await?;
    let representation = representation(app, asked, &annotation);
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return Ok(reply);
    }
    let bytes = Bytes::from(annotation.json.to_string());
    Ok(representation.with_body(&asked.parts.method, &asked.parts.headers, bytes))
}

fn read_only() -> Vec<(http::HeaderName, HeaderValue)> {
    vec![(ALLOW, HeaderValue::from_static(headers::PAGE_ALLOW))]
}

fn deleted(asked: &Asked, number: u64) -> Reply {
    let mut problem = Problem::new(ErrorKind::NotFound, format!("in version {number} the annotation was deleted"))
        .hint("ask for an earlier version");
    problem.status = Some(StatusCode::GONE);
    problem.title = "deleted";
    problem.reply(Api::Other, &asked.parts.headers)
}

fn number(asked: &Asked, name: &str) -> Option<u64> {
    query_value(asked.parts.uri.query(), name)?.parse().ok()
}

fn no_number(asked: &Asked, name: &str) -> Reply {
    Problem::new(ErrorKind::Malformed, format!("`{name}` is no number of a version"))
        .hint("`?history` lists the versions")
        .reply(Api::Other, &asked.parts.headers)
}

async fn change(app: &App, asked: &Asked, container: Identifier, name: Identifier) -> Result<Reply, AnnotationError> {
    let (urls, caller, seen) = (urls(app, asked), asked.caller(), seen(asked));
    may_write(app, asked).await?;
    let is_patch = asked.parts.method == Method::PATCH;
    let patch_types = [headers::MERGE_PATCH, "application/json"];
    let text = match sent(asked, if is_patch { &patch_types } else { &ANNOTATION_TYPES }) {
        Ok(text) => text.to_owned(),
        Err(problem) => return Ok(problem.reply(Api::Other, &asked.parts.headers)),
    };
    let draft = says(asked, "draft");
    let changed = app.annotations().ask(move |desk| {
        let place = (&container, &name);
        if is_patch {
            return desk.patch(place, &text, &seen, &urls, &caller);
        }
        let annotation = desk.read(&text)?;
        desk.replace(place, &annotation, draft, &seen, &urls, &caller)
    });
    Ok(whole(app, asked, &changed.await?))
}

async fn restore(app: &App, asked: &Asked, container: Identifier, name: Identifier) -> Result<Reply, AnnotationError> {
    if query_value(asked.parts.uri.query(), "restore").is_none() {
        return Ok(not_done(asked, headers::annotation_allow(permission(app))));
    }
    let Some(number) = number(asked, "restore") else { return Ok(no_number(asked, "restore")) };
    let (urls, caller, seen) = (urls(app, asked), asked.caller(), seen(asked));
    let restored =
        app.annotations().ask(move |desk| desk.restore((&container, &name), number, &seen, &urls, &caller)).await?;
    Ok(whole(app, asked, &restored))
}

/// The annotation as it is after a change.
fn whole(app: &App, asked: &Asked, annotation: &Annotation) -> Reply {
    let representation = representation(app, asked, annotation);
    let mut reply =
        representation.with_body(&asked.parts.method, &asked.parts.headers, Bytes::from(annotation.json.to_string()));
    insert_text(reply.headers_mut(), CONTENT_LOCATION, &annotation.id);
    reply
}

/// One annotation in the words of an older server.
pub(super) fn in_words_of(status: StatusCode, media_type: &'static str, json: &serde_json::Value) -> Reply {
    plain(status, media_type, json.to_string())
}
