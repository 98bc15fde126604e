//! Change Discovery 1.0: `/iiif/discovery/1/all-changes` and `…/all-changes/page/{n}`.

use http::HeaderValue;
use recto_iiif::ErrorKind;
use recto_iiif::discovery::{CONTEXT, Stream};
use recto_service::{Changes, ServiceError};
use xxhash_rust::xxh3::xxh3_128;

use super::nothing_here;
use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, Representation};

/// Path of the collection of all changes.
pub(super) const PATH: &str = "/iiif/discovery/1/all-changes";

/// Changes on one page. Pages never change once they are full, so this number must not either.
const PAGE_SIZE: u64 = 500;

pub(super) async fn answer(app: &App, asked: &Asked, rest: &str) -> Reply {
    let stream = Stream::new(format!("{}{PATH}", asked.reached.base), PAGE_SIZE);
    let found = if rest.is_empty() {
        app.objects().all_changes(&stream).await
    } else {
        let Some(number) = stream.page_number(&format!("{}{PATH}{rest}", asked.reached.base)) else {
            return nothing_here(asked);
        };
        app.objects().changes(&stream, number, &app.urls(&asked.reached.base), &asked.caller()).await
    };
    match found {
        Ok(Some(changes)) => document(app, asked, &changes),
        Ok(None) => none(asked),
        Err(error) => failure(app, asked, &error),
    }
}

fn document(app: &App, asked: &Asked, changes: &Changes) -> Reply {
    let text = changes.document.to_string();
    let wants_plain = asked.accept().is_some_and(|accept| accept.contains("application/json"));
    let linked = format!("application/ld+json;profile=\"{CONTEXT}\"");
    let plain = HeaderValue::from_static("application/json");
    let representation = Representation {
        etag: format!("\"{:032x}\"", xxh3_128(text.as_bytes())),
        last_modified: None,
        cache_control: if changes.is_final {
            HeaderValue::from_static("public, max-age=31536000, immutable")
        } else {
            app.cache_control_documents()
        },
        media_type: if wants_plain { plain } else { HeaderValue::from_str(&linked).unwrap_or(plain) },
        vary: Some(HeaderValue::from_static("Accept")),
        extra: Vec::new(),
    };
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return reply;
    }
    representation.with_body(&asked.parts.method, &asked.parts.headers, text.into())
}

/// An empty log has no last page, and a collection without one is not allowed (§3.1).
fn none(asked: &Asked) -> Reply {
    Problem::new(ErrorKind::NotFound, "there is no such page of changes")
        .hint("`/iiif/discovery/1/all-changes` names the last one, as soon as anything was published")
        .reply(Api::Other, &asked.parts.headers)
}

fn failure(app: &App, asked: &Asked, error: &ServiceError) -> Reply {
    app.note_failure(asked, error);
    Problem::from(error).reply(Api::Other, &asked.parts.headers)
}
