//! The dialect of `SimpleAnnotationServer`: `/annotation/search?uri=`, `create`, `update`, `destroy?uri=`, `populate`.

use http::{Method, StatusCode};
use recto_iiif::ErrorKind;
use recto_iiif::annotation::sas;
use recto_iiif::annotation::transfer::Format;
use recto_service::{AnnotationError, New};

use super::one::{gone, in_words_of};
use super::{ANNOTATION_TYPES, container, may_write, not_done, seen, sent, urls};
use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, plain};

/// Its clients send JSON as a form, or as text, too.
const TYPES: [&str; 4] = [ANNOTATION_TYPES[0], ANNOTATION_TYPES[1], "text/plain", "application/x-www-form-urlencoded"];

pub(super) async fn answer(app: &App, asked: &Asked, verb: &str) -> Result<Reply, AnnotationError> {
    let query = asked.parts.uri.query().unwrap_or_default();
    match (&asked.parts.method, verb) {
        (&Method::GET | &Method::HEAD, "search") => {
            let Some(uri) = sas::uri_of_query(query) else { return Ok(no_uri(asked, "a canvas")) };
            let (urls, caller) = (urls(app, asked), asked.caller());
            let found = app.annotations().ask(move |desk| desk.about(&uri, &urls, &caller)).await?;
            Ok(in_words_of(StatusCode::OK, sas::MEDIA_TYPE, &sas::search(&found)))
        }
        (&Method::POST, "create" | "update" | "populate") => write(app, asked, verb).await,
        (&Method::DELETE | &Method::POST, "destroy") => {
            let Some(uri) = sas::uri_of_query(query) else { return Ok(no_uri(asked, "an annotation")) };
            let (urls, caller, seen) = (urls(app, asked), asked.caller(), seen(asked));
            let deleted = app.annotations().ask(move |desk| {
                desk.may_write(&caller)?;
                let (container, name) = desk.called(&uri, &urls, &caller)?;
                desk.delete((&container, &name), &seen, &caller)
            });
            deleted.await?;
            Ok(gone())
        }
        (_, "search") => Ok(not_done(asked, "GET, HEAD, OPTIONS")),
        (_, "destroy") => Ok(not_done(asked, "DELETE, OPTIONS")),
        (_, "create" | "update" | "populate") => Ok(not_done(asked, "POST, OPTIONS")),
        _ => Ok(super::nothing_here(asked)),
    }
}

async fn write(app: &App, asked: &Asked, verb: &str) -> Result<Reply, AnnotationError> {
    let (urls, caller, seen) = (urls(app, asked), asked.caller(), seen(asked));
    may_write(app, asked).await?;
    let text = match sent(asked, &TYPES) {
        Ok(text) => text.to_owned(),
        Err(problem) => return Ok(problem.reply(Api::Other, &asked.parts.headers)),
    };
    if verb == "populate" {
        let created = app
            .annotations()
            .ask(move |desk| desk.create_all(None, (&text, Format::Json), false, &urls, &caller))
            .await?;
        if created.iter().all(|created| created.outcome.is_ok()) {
            return Ok(plain(StatusCode::CREATED, "text/plain; charset=utf-8", sas::POPULATED));
        }
        return Ok(container::told(&created));
    }
    let is_update = verb == "update";
    let written = app.annotations().ask(move |desk| {
        let sent = desk.read_as(&text, sas::read)?;
        if !is_update {
            let container = desk.container_for(&sent.annotation, &urls)?;
            return desk.create(&container, &sent.annotation, &New::default(), &urls, &caller);
        }
        let called = sent.name.unwrap_or_default();
        let (container, name) = desk.called(&called, &urls, &caller)?;
        let now = desk.annotation(&container, &name, &urls, &caller)?;
        let annotation = sent.annotation.with_id(&now.id);
        desk.replace((&container, &name), &annotation, now.draft, &seen, &urls, &caller)
    });
    Ok(in_words_of(StatusCode::CREATED, sas::MEDIA_TYPE, &sas::answer(&written.await?.json)))
}

pub(super) fn no_uri(asked: &Asked, what: &str) -> Reply {
    Problem::new(ErrorKind::Malformed, "the query has no `uri`")
        .hint(format!("write the URI of {what} behind `?uri=`"))
        .reply(Api::Other, &asked.parts.headers)
}
