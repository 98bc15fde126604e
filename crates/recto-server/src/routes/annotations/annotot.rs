//! The dialect of Annotot: `/annotot?uri=`, `/annotot/pages?uri=`, `/annotot/lists?uri=`, `POST /annotot`, and `/annotot/{id}`.

use http::{Method, StatusCode};
use recto_iiif::annotation::annotot;
use recto_iiif::identifier::Identifier;
use recto_service::{AnnotationError, New};

use super::one::in_words_of;
use super::sas::no_uri;
use super::{ANNOTATION_TYPES, may_write, not_done, seen, sent, urls};
use crate::app::{App, Asked};
use crate::problem::Api;
use crate::reply::Reply;

const JSON: &str = "application/json; charset=utf-8";

pub(super) async fn answer(app: &App, asked: &Asked, rest: &str) -> Result<Reply, AnnotationError> {
    match (&asked.parts.method, rest) {
        (&Method::GET | &Method::HEAD, "" | "pages" | "lists") => about(app, asked, rest).await,
        (&Method::POST, "") => make(app, asked).await,
        (_, "" | "pages" | "lists") => Ok(not_done(asked, "GET, HEAD, POST, OPTIONS")),
        _ => one(app, asked, rest).await,
    }
}

async fn about(app: &App, asked: &Asked, form: &str) -> Result<Reply, AnnotationError> {
    let query = asked.parts.uri.query().unwrap_or_default();
    let Some(uri) = annotot::uri_of_query(query) else { return Ok(no_uri(asked, "a canvas")) };
    let (urls, caller) = (urls(app, asked), asked.caller());
    let found = app.annotations().ask(move |desk| desk.about(&uri, &urls, &caller)).await?;
    let id = format!("{}{}?{query}", asked.reached.base, asked.parts.uri.path());
    let json = match form {
        "pages" => annotot::pages(&id, &found),
        "lists" => annotot::lists(&id, &found),
        _ => annotot::index(&found),
    };
    Ok(in_words_of(StatusCode::OK, JSON, &json))
}

/// What was sent, or the answer to what cannot be read.
async fn text(app: &App, asked: &Asked) -> Result<Result<String, Reply>, AnnotationError> {
    may_write(app, asked).await?;
    Ok(sent(asked, &ANNOTATION_TYPES)
        .map(str::to_owned)
        .map_err(|problem| problem.reply(Api::Other, &asked.parts.headers)))
}

async fn make(app: &App, asked: &Asked) -> Result<Reply, AnnotationError> {
    let text = match text(app, asked).await? {
        Ok(text) => text,
        Err(reply) => return Ok(reply),
    };
    let (urls, caller) = (urls(app, asked), asked.caller());
    let made = app.annotations().ask(move |desk| {
        let sent = desk.read_as(&text, annotot::read)?;
        // The name by which the client asks for it later is kept as one that it had before.
        let annotation = match &sent.name {
            Some(name) => sent.annotation.with_id(name),
            None => sent.annotation,
        };
        let container = desk.container_for(&annotation, &urls)?;
        desk.create(&container, &annotation, &New::default(), &urls, &caller)
    });
    Ok(in_words_of(StatusCode::OK, JSON, &made.await?.json))
}

async fn one(app: &App, asked: &Asked, encoded: &str) -> Result<Reply, AnnotationError> {
    let called = Identifier::parse_encoded(encoded)?.as_str().to_owned();
    let (urls, caller, seen) = (urls(app, asked), asked.caller(), seen(asked));
    match asked.parts.method {
        Method::GET | Method::HEAD => {
            let found = app.annotations().ask(move |desk| {
                let (container, name) = desk.called(&called, &urls, &caller)?;
                desk.annotation(&container, &name, &urls, &caller)
            });
            Ok(in_words_of(StatusCode::OK, JSON, &found.await?.json))
        }
        Method::PATCH | Method::PUT => {
            let text = match text(app, asked).await? {
                Ok(text) => text,
                Err(reply) => return Ok(reply),
            };
            let changed = app.annotations().ask(move |desk| {
                let sent = desk.read_as(&text, annotot::read)?;
                let (container, name) = desk.called(&called, &urls, &caller)?;
                let now = desk.annotation(&container, &name, &urls, &caller)?;
                let annotation = sent.annotation.with_id(&now.id);
                desk.replace((&container, &name), &annotation, now.draft, &seen, &urls, &caller)
            });
            Ok(in_words_of(StatusCode::OK, JSON, &changed.await?.json))
        }
        Method::DELETE => {
            let deleted = app.annotations().ask(move |desk| {
                desk.may_write(&caller)?;
                let (container, name) = desk.called(&called, &urls, &caller)?;
                desk.delete((&container, &name), &seen, &caller)
            });
            deleted.await?;
            Ok(in_words_of(StatusCode::OK, JSON, &annotot::destroyed()))
        }
        _ => Ok(not_done(asked, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")),
    }
}
