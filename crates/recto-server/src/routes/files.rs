//! `/files/{path}`: files of the library that manifests name, as they are: recordings, captions, texts, documents. Originals of
//! images and the files that configure the library are not given out.

use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_service::{LibraryFile, ServiceError, published_media_type};

use super::nothing_here;
use crate::app::{App, Asked};
use crate::pieces::send;
use crate::problem::{Api, Problem};
use crate::reply::{Reply, Representation};

/// What the paths begin with.
pub(super) const PREFIX: &str = "/files/";

pub(super) async fn answer(app: &App, asked: &Asked, rest: &str) -> Reply {
    let Ok(identifier) = Identifier::parse_encoded(rest) else { return nothing_here(asked) };
    let Some(media_type) = published_media_type(identifier.as_str()) else { return nothing_here(asked) };
    let file = match app.images().file(&identifier, &asked.caller()).await {
        Ok(file) => file,
        Err(error) => return failure(app, asked, &error),
    };
    let representation = representation(app, &file, media_type);
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return reply;
    }
    let length = file.length;
    match send(asked, &representation, length, move |from, bytes| file.read(from, bytes)).await {
        Ok(reply) => reply,
        Err(error) => {
            tracing::info!(path = asked.parts.uri.path(), "a file could not be read: {error}");
            Problem::new(ErrorKind::CorruptSource, "the file could not be read").reply(Api::Other, &asked.parts.headers)
        }
    }
}

fn representation(app: &App, file: &LibraryFile, media_type: &'static str) -> Representation {
    Representation {
        etag: file.etag.clone(),
        last_modified: Some(file.last_modified),
        cache_control: app.cache_control_documents(),
        media_type: HeaderValue::from_static(media_type),
        vary: None,
        extra: vec![
            // Whatever a file of the library says, it is no page of this site: no script in it runs with the site's rights.
            (
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("sandbox; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"),
            ),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (CONTENT_DISPOSITION, HeaderValue::from_static("inline")),
        ],
    }
}

fn failure(app: &App, asked: &Asked, error: &ServiceError) -> Reply {
    app.note_failure(asked, error);
    Problem::from(error).reply(Api::Other, &asked.parts.headers)
}
