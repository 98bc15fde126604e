//! Annotations: the Web Annotation Protocol at `/annotations/{container}/` and `/annotations/{container}/{name}`, the dialects of
//! `SimpleAnnotationServer` at `/annotation/…` and of Annotot at `/annotot/…`, and the documents that manifests lead to.

mod annotot;
mod container;
mod export;
mod one;
mod sas;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW,
    CONTENT_TYPE, ETAG, IF_MATCH, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use recto_iiif::ErrorKind;
use recto_iiif::annotation::headers::{self, Permission};
use recto_iiif::annotation::{Fault, Rejected};
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::Version;
use recto_service::{Annotation, AnnotationError, Refusal, Seen, ServiceError, SiteUrls};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::nothing_here;
use crate::app::{App, Asked, SentBody};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, Representation, insert_text, plain, preflight, redirect};

const PROTOCOL: &str = "/annotations/";
const SAS: &str = "/annotation/";
const ANNOTOT: &str = "/annotot";

/// What scripts of other sites may read of these answers besides their bodies.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Last-Modified, Content-Length, Location, Content-Location, Allow, Accept-Post, Accept-Patch, \
     Preference-Applied, Vary, Retry-After",
);

/// What everybody has to ask for again each time: who has just written something wants to see it.
const FRESH: HeaderValue = HeaderValue::from_static("no-cache");
/// The same of what depends on who asks.
const FRESH_FOR_ONE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Is this path one of annotations?
pub(super) fn is_here(path: &str) -> bool {
    path.starts_with(PROTOCOL)
        || path == "/annotations"
        || path.starts_with(SAS)
        || path.strip_prefix(ANNOTOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// May something be written under this path?
pub(crate) fn is_written(path: &str) -> bool {
    is_here(path)
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    /// All containers.
    Containers,
    Container(Identifier),
    Annotation(Identifier, Identifier),
}

/// Reads what stands behind `/annotations/`. Slashes of identifiers may be encoded or not.
fn named(rest: &str) -> Option<Named> {
    if rest.is_empty() {
        return Some(Named::Containers);
    }
    let identifier = |text: &str| Identifier::parse_encoded(text).ok();
    match rest.rsplit_once('/')? {
        (container, "") => Some(Named::Container(identifier(container)?)),
        (container, name) => Some(Named::Annotation(identifier(container)?, identifier(name)?)),
    }
}

/// The answer to `OPTIONS`, for paths of annotations.
pub(crate) fn options(app: &App, path: &str) -> Option<Reply> {
    if !is_here(path) {
        return None;
    }
    let allowed = match path.strip_prefix(PROTOCOL).and_then(named) {
        Some(Named::Container(_) | Named::Containers) => headers::container_allow(permission(app)),
        Some(Named::Annotation(..)) => headers::annotation_allow(permission(app)),
        None => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    };
    let mut reply = preflight();
    let fields = reply.headers_mut();
    fields.insert(ALLOW, HeaderValue::from_static(allowed));
    fields
        .insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    fields.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Authorization, Accept, Content-Type, If-Match, If-None-Match, If-Modified-Since, Prefer, Slug",
        ),
    );
    if allowed.contains("POST") {
        fields.insert(ACCEPT_POST, HeaderValue::from_static(headers::ACCEPT_POST));
    }
    if allowed.contains("PATCH") {
        fields.insert(ACCEPT_PATCH, HeaderValue::from_static(headers::ACCEPT_PATCH));
    }
    Some(reply)
}

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

fn permission(app: &App) -> Permission {
    if app.annotations().may_be_written() { Permission::Write } else { Permission::Read }
}

pub(super) async fn answer(app: &App, asked: &Asked, path: &str) -> Reply {
    let outcome = if let Some(rest) = path.strip_prefix(PROTOCOL) {
        match named(rest) {
            Some(Named::Containers) => container::all(app, asked).await,
            Some(Named::Container(name)) => container::answer(app, asked, name).await,
            Some(Named::Annotation(container, name)) => one::answer(app, asked, container, name).await,
            None if asked.parts.method == Method::GET && !rest.contains('/') => Ok(with_slash(asked)),
            None => Ok(nothing_here(asked)),
        }
    } else if let Some(rest) = path.strip_prefix(SAS) {
        sas::answer(app, asked, rest).await
    } else if let Some(rest) = path.strip_prefix(ANNOTOT) {
        annotot::answer(app, asked, rest.strip_prefix('/').unwrap_or(rest)).await
    } else {
        Ok(with_slash(asked))
    };
    let mut reply = outcome.unwrap_or_else(|error| failed(app, asked, &error));
    reply.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    reply
}

/// The URI of a container ends with a slash.
fn with_slash(asked: &Asked) -> Reply {
    let query = asked.parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    redirect(StatusCode::MOVED_PERMANENTLY, &format!("{}{}/{query}", asked.reached.base, asked.parts.uri.path()))
}

/// The annotations of a canvas, in a version of the Presentation API.
pub(super) async fn canvas(
    app: &App,
    asked: &Asked,
    object: &Identifier,
    name: &str,
    version: Version,
) -> Result<Reply, ServiceError> {
    let (object, name) = (object.clone(), Identifier::parse_encoded(name)?);
    let (urls, caller) = (urls(app, asked), asked.caller());
    let page = app.annotations().ask(move |desk| desk.canvas(&object, &name, version, &urls, &caller)).await;
    let page = match page {
        Ok(page) => page,
        Err(AnnotationError::Service(error)) => return Err(error),
        Err(error) => return Ok(failed(app, asked, &error)),
    };
    let representation = Representation {
        etag: page.etag,
        last_modified: None,
        cache_control: FRESH,
        media_type: HeaderValue::from_static(version.content_type(asked.accept())),
        vary: Some(HeaderValue::from_static("Accept")),
        extra: Vec::new(),
    };
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return Ok(reply);
    }
    Ok(representation.with_body(&asked.parts.method, &asked.parts.headers, page.bytes))
}

/// May the caller write? Asked before anything of what they sent is looked at.
async fn may_write(app: &App, asked: &Asked) -> Result<(), AnnotationError> {
    let caller = asked.caller();
    app.annotations().ask(move |desk| desk.may_write(&caller)).await
}

fn urls(app: &App, asked: &Asked) -> SiteUrls {
    app.urls(&asked.reached.base)
}

/// A document of JSON-LD, by its bytes; `links` and what else its headers say.
fn document(
    asked: &Asked,
    json: &Value,
    media_type: &'static str,
    vary: &'static str,
    extra: Vec<(HeaderName, HeaderValue)>,
) -> Reply {
    let bytes = Bytes::from(json.to_string());
    let representation = Representation {
        etag: format!("\"{:032x}\"", xxh3_128(&bytes)),
        last_modified: None,
        cache_control: freshness(asked),
        media_type: HeaderValue::from_static(media_type),
        vary: Some(HeaderValue::from_static(vary)),
        extra,
    };
    match representation.before_body(&asked.parts.headers) {
        Some(reply) => reply,
        None => representation.with_body(&asked.parts.method, &asked.parts.headers, bytes),
    }
}

fn freshness(asked: &Asked) -> HeaderValue {
    if asked.user.is_some() { FRESH_FOR_ONE } else { FRESH }
}

/// What is known of an annotation before its bytes are sent.
fn representation(app: &App, asked: &Asked, annotation: &Annotation) -> Representation {
    let mut extra: Vec<_> =
        headers::ANNOTATION_LINKS.iter().map(|link| (http::header::LINK, HeaderValue::from_static(link))).collect();
    extra.push((ALLOW, HeaderValue::from_static(headers::annotation_allow(permission(app)))));
    if permission(app) == Permission::Write {
        extra.push((ACCEPT_PATCH, HeaderValue::from_static(headers::ACCEPT_PATCH)));
    }
    let modified = u64::try_from(annotation.modified_ms).unwrap_or_default();
    Representation {
        etag: etag(annotation.version),
        last_modified: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(modified)),
        cache_control: if annotation.draft { FRESH_FOR_ONE } else { freshness(asked) },
        media_type: HeaderValue::from_static(headers::MEDIA_TYPE),
        vary: Some(HeaderValue::from_static(headers::VARY)),
        extra,
    }
}

/// The validator of an annotation in a version.
fn etag(version: u64) -> String {
    format!("\"v{version}\"")
}

/// Which versions of an annotation the caller has seen, as `If-Match` says. Proxies that compress make validators weak; a version says
/// just as well then what was seen.
fn seen(asked: &Asked) -> Seen {
    if !asked.parts.headers.contains_key(IF_MATCH) {
        return Seen::Unsaid;
    }
    let lists = asked.parts.headers.get_all(IF_MATCH).iter().filter_map(|value| value.to_str().ok());
    let tags: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    if tags.contains(&"*") {
        return Seen::Any;
    }
    let version = |tag: &&str| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag.strip_prefix("\"v")?.strip_suffix('"')?.parse().ok()
    };
    Seen::Versions(tags.iter().filter_map(version).collect())
}

/// The media type of the body, without its parameters.
fn media_type(asked: &Asked) -> &str {
    let given = asked.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim()
}

/// What the body says, of those who may write.
fn sent<'a>(asked: &'a Asked, media_types: &[&str]) -> Result<&'a str, Problem> {
    let given = media_type(asked);
    if !media_types.iter().any(|known| known.eq_ignore_ascii_case(given)) {
        let mut problem =
            Problem::new(ErrorKind::Unsupported, format!("the body is `{given}`, which is not read here"))
                .hint(format!("send it as `{}`", media_types.join("` or `")));
        problem.status = Some(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        return Err(problem);
    }
    match &asked.body {
        SentBody::Whole(bytes) => std::str::from_utf8(bytes)
            .map_err(|_| Problem::new(ErrorKind::Malformed, "the body is no text in UTF-8").hint("send JSON in UTF-8")),
        SentBody::TooLong => Err(Problem::new(ErrorKind::TooLarge, "the body is longer than what is read here")
            .hint("send fewer annotations at a time")),
        SentBody::Broken => {
            let mut problem = Problem::new(ErrorKind::Malformed, "the body did not come to its end in time");
            problem.status = Some(StatusCode::REQUEST_TIMEOUT);
            Err(problem)
        }
    }
}

/// The media types in which annotations are sent.
const ANNOTATION_TYPES: [&str; 2] = ["application/ld+json", "application/json"];
/// Those in which several are sent.
const TRANSFER_TYPES: [&str; 5] =
    ["application/ld+json", "application/json", "application/x-ndjson", "application/jsonl", "text/csv"];

/// Does the query say yes to this?
fn says(asked: &Asked, name: &str) -> bool {
    matches!(super::query_value(asked.parts.uri.query(), name).as_deref(), Some("" | "1" | "true"))
}

/// The answer for a method that is not done there.
fn not_done(asked: &Asked, allowed: &'static str) -> Reply {
    let mut problem = Problem::new(ErrorKind::Malformed, format!("`{}` is not done here", asked.parts.method))
        .hint(format!("use {allowed}"));
    problem.title = "method not allowed";
    problem.status = Some(StatusCode::METHOD_NOT_ALLOWED);
    let mut reply = problem.reply(Api::Other, &asked.parts.headers);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}

/// What went wrong, as an answer.
fn failed(app: &App, asked: &Asked, error: &AnnotationError) -> Reply {
    if let AnnotationError::Service(error) = error {
        app.note_failure(asked, error);
        return Problem::from(error).reply(Api::Other, &asked.parts.headers);
    }
    if let AnnotationError::Rejected(rejected) = error {
        return refused(rejected);
    }
    let mut problem = Problem::new(ErrorKind::Malformed, error.to_string());
    problem.status = Some(status(error));
    problem.title = title(error);
    problem.hint = Some(hint(error).to_owned());
    let mut reply = problem.reply(Api::Other, &asked.parts.headers);
    match error {
        AnnotationError::NeedsToken => {
            let challenge = HeaderValue::from_static("Bearer realm=\"annotations\"");
            reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        AnnotationError::Refused(Refusal::Conflict { current }) => {
            insert_text(reply.headers_mut(), ETAG, &etag(current.version));
        }
        _ => {}
    }
    reply
}

/// The status of a failure.
fn status(error: &AnnotationError) -> StatusCode {
    match error {
        AnnotationError::Rejected(rejected) if rejected.kind() == ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        AnnotationError::NotFound { .. } => StatusCode::NOT_FOUND,
        AnnotationError::WritingIsOff | AnnotationError::FromFiles { .. } => StatusCode::FORBIDDEN,
        AnnotationError::NeedsToken => StatusCode::UNAUTHORIZED,
        AnnotationError::NeedsVersion => StatusCode::PRECONDITION_REQUIRED,
        AnnotationError::Refused(refusal) => match refusal {
            Refusal::NoContainer { .. } | Refusal::NotFound { .. } => StatusCode::NOT_FOUND,
            Refusal::Gone { .. } => StatusCode::GONE,
            Refusal::Conflict { .. } => StatusCode::PRECONDITION_FAILED,
            _ => StatusCode::CONFLICT,
        },
        AnnotationError::Service(error) => crate::problem::status(Api::Other, error.kind()),
        _ => StatusCode::BAD_REQUEST,
    }
}

fn title(error: &AnnotationError) -> &'static str {
    match status(error) {
        StatusCode::NOT_FOUND => "not found",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::UNAUTHORIZED => "login needed",
        StatusCode::PRECONDITION_REQUIRED => "version needed",
        StatusCode::GONE => "deleted",
        StatusCode::PRECONDITION_FAILED => "changed meanwhile",
        StatusCode::CONFLICT => "not possible now",
        _ => "bad request",
    }
}

fn hint(error: &AnnotationError) -> &'static str {
    match error {
        AnnotationError::NotFound { .. } => "the container lists the annotations that there are",
        AnnotationError::WritingIsOff => {
            "who runs the server sets `server.annotation_tokens`, a token for each who may write"
        }
        AnnotationError::NeedsToken => "send the token that you were given as `Authorization: Bearer TOKEN`",
        AnnotationError::FromFiles { .. } => {
            "to comment, make an annotation of your own in the container of the object"
        }
        AnnotationError::NeedsVersion => "get the annotation, and send its `ETag` as `If-Match`",
        AnnotationError::Refused(Refusal::Gone { .. }) => {
            "`?history` lists its versions; `POST …?restore=NUMBER` brings one of them back"
        }
        AnnotationError::Refused(Refusal::Conflict { .. }) => {
            "get it again, make the change of what it is now, and send its `ETag` as `If-Match`"
        }
        AnnotationError::Refused(Refusal::NameTaken { .. }) => "choose another name; names are never given twice",
        AnnotationError::Refused(Refusal::Full { .. }) => {
            "use another container, or let who runs the server raise `annotations.max_per_container`"
        }
        AnnotationError::NoJson { .. } => "send one JSON object",
        _ => "the first page, `/`, lists what there is",
    }
}

/// The answer to what cannot be taken: everything that is wrong with it.
fn refused(rejected: &Rejected) -> Reply {
    let is_large = rejected.kind() == ErrorKind::TooLarge;
    let status = if is_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
    let body = json!({
        "type": if is_large { "urn:recto:problem:too-large" } else { "urn:recto:problem:malformed" },
        "title": if is_large { "too large" } else { "bad request" },
        "status": status.as_u16(),
        "detail": rejected.faults.first().map(ToString::to_string),
        "faults": faults(&rejected.faults),
    });
    plain(status, "application/problem+json; charset=utf-8", body.to_string())
}

fn faults(faults: &[Fault]) -> Value {
    let of = |fault: &Fault| json!({"pointer": fault.pointer, "message": fault.message, "remedy": fault.remedy});
    faults.iter().map(of).collect()
}

/// True when the client would rather have a table or lines than JSON-LD.
fn accepts(asked: &Asked, media_type: &str) -> bool {
    let accept = asked.parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').next().is_some_and(|first| first.trim().starts_with(media_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_container_or_an_annotation() {
        let identifier = |text: &str| Identifier::new(text);
        for (rest, want) in [
            ("", Some(Named::Containers)),
            ("a/", Some(Named::Container(identifier("a")))),
            ("a%2Fb/", Some(Named::Container(identifier("a/b")))),
            ("a/b/", Some(Named::Container(identifier("a/b")))),
            ("a/1", Some(Named::Annotation(identifier("a"), identifier("1")))),
            ("a/b/1", Some(Named::Annotation(identifier("a/b"), identifier("1")))),
            ("a", None),
            ("/", None),
            ("a/%zz", None),
        ] {
            assert_eq!(named(rest), want, "{rest}");
        }
    }

    #[test]
    fn annotations_have_paths_of_their_own() {
        for (path, want) in [
            ("/annotations", true),
            ("/annotations/a/", true),
            ("/annotation/search", true),
            ("/annotot", true),
            ("/annotot/pages", true),
            ("/annotots", false),
            ("/items/annotations", false),
            ("/", false),
        ] {
            assert_eq!(is_here(path), want, "{path}");
        }
    }
}
