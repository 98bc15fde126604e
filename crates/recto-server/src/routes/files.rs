//! `/files/{path}`: files of the library that manifests name, as they are: recordings, captions, texts, documents. Originals of
//! images and the files that configure the library are not given out. Captions in SubRip are given out as WebVTT too, under their name with
//! `.vtt` behind it.

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

/// Captions are read no further.
const MOST_CAPTION_BYTES: usize = 16 << 20;
/// What the paths begin with.
pub(super) const PREFIX: &str = "/files/";

pub(super) async fn answer(app: &App, asked: &Asked, rest: &str) -> Reply {
    let Ok(identifier) = Identifier::parse_encoded(rest) else { return nothing_here(asked) };
    let Some(media_type) = published_media_type(identifier.as_str()) else { return nothing_here(asked) };
    let file = match app.images().file(&identifier, &asked.caller()).await {
        Ok(file) => file,
        Err(error) => {
            return match as_web_vtt(app, asked, &identifier, media_type).await {
                Some(reply) => reply,
                None => failure(app, asked, &error),
            };
        }
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

/// Captions in SubRip as WebVTT; `None` where the path asks for nothing of that kind.
async fn as_web_vtt(app: &App, asked: &Asked, asked_for: &Identifier, media_type: &'static str) -> Option<Reply> {
    let path = asked_for.as_str().strip_suffix(".vtt")?;
    path.to_ascii_lowercase().ends_with(".srt").then_some(())?;
    let file = app.images().file(&Identifier::new(path), &asked.caller()).await.ok()?;
    let mut representation = representation(app, &file, media_type);
    representation.etag = format!("{}-vtt\"", file.etag.trim_end_matches('"'));
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return Some(reply);
    }
    let place = path.to_owned();
    let text = tokio::task::spawn_blocking(move || {
        let bytes = file.read(0, MOST_CAPTION_BYTES).ok()?;
        Some(recto_service::web_vtt(&bytes, &place))
    });
    let text = text.await.ok()??;
    Some(representation.with_body(&asked.parts.method, &asked.parts.headers, text.into()))
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
