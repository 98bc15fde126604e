//! The Image API 2.1 and 3.0: both versions differ in words, not in ways, and those words are in `recto-iiif`.

use std::time::Duration;

use http::header::{HeaderName, LINK};
use http::{HeaderValue, StatusCode};
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{
    ApiVersion, ComplianceLevel, Format, ImagePath, ImageRequest, MediaType, Quality, negotiate, negotiate_format,
    parse_path,
};
use recto_service::{Origin, Prepared, PreparedInfo, ServiceError};

use crate::app::{App, Asked};
use crate::base::Reached;
use crate::problem::{Api, Problem};
use crate::reply::{Reply, Representation, redirect};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Answers what lies under the prefix of `version`; `rest` is the path behind it, still encoded.
pub(crate) async fn answer(app: &App, asked: &Asked, version: ApiVersion, rest: &str) -> Reply {
    let outcome = match parse_path(rest, app.slashes()) {
        Ok(ImagePath::Base { identifier }) => {
            let service = spelled_service(app, &asked.reached, version, &identifier, rest, 0);
            base(app, asked, &identifier, &service).await
        }
        Ok(ImagePath::Info { identifier }) => {
            let service = spelled_service(app, &asked.reached, version, &identifier, rest, 1);
            info(app, asked, version, &identifier, &service).await
        }
        Ok(ImagePath::Image { identifier, region, size, rotation, quality_format }) => {
            match ImageRequest::parse(version, &region, &size, &rotation, &quality_format) {
                Ok(request) => {
                    let service = spelled_service(app, &asked.reached, version, &identifier, rest, 4);
                    image(app, asked, &identifier, &request, &service).await
                }
                Err(error) => Err(error.into()),
            }
        }
        // A kind of path that a later `recto-iiif` knows and this server does not.
        Ok(_) => Ok(super::nothing_here(asked)),
        Err(error) => Err(error.into()),
    };
    outcome.unwrap_or_else(|error| failure(app, asked, &error))
}

fn failure(app: &App, asked: &Asked, error: &ServiceError) -> Reply {
    app.note_failure(asked, error);
    Problem::from(error).reply(Api::Image, &asked.parts.headers)
}

/// The absolute URL of an image's service, with the identifier as the client spelled it: clients compare `id` with the URL that
/// they asked for, letter by letter. `behind` is the number of segments behind the identifier.
pub(crate) fn spelled_service(
    app: &App,
    reached: &Reached,
    version: ApiVersion,
    identifier: &Identifier,
    rest: &str,
    behind: usize,
) -> String {
    let spelled = (0..behind).try_fold(rest, |rest, _| rest.rsplit_once('/').map(|(before, _)| before));
    let prefix = format!("{}{}", reached.base, app.image_prefix(version));
    match spelled.filter(|spelled| is_plain_in_urls(spelled)) {
        Some(spelled) => format!("{prefix}/{spelled}"),
        None => format!("{prefix}/{}", identifier.encoded()),
    }
}

/// Only characters that RFC 3986 §3.3 allows in a path, so that it can stand in a header and in JSON as it is.
fn is_plain_in_urls(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&byte))
}

/// The service's own URL leads to `info.json` with 303. Image API 3.0 §2, 2.1 §2.
async fn base(app: &App, asked: &Asked, identifier: &Identifier, service: &str) -> Result<Reply, ServiceError> {
    app.images().find(identifier, &asked.caller(), recto_service::policy::Action::ReadInfo).await?;
    Ok(redirect(StatusCode::SEE_OTHER, &format!("{service}/info.json")))
}

async fn info(
    app: &App,
    asked: &Asked,
    version: ApiVersion,
    identifier: &Identifier,
    service: &str,
) -> Result<Reply, ServiceError> {
    let prepared = app.images().info(identifier, version, service, &asked.caller()).await?;
    let bytes = prepared.bytes.clone();
    let representation = info_representation(app, version, asked.accept(), prepared);
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return Ok(reply);
    }
    Ok(representation.with_body(&asked.parts.method, &asked.parts.headers, bytes))
}

async fn image(
    app: &App,
    asked: &Asked,
    identifier: &Identifier,
    request: &ImageRequest,
    service: &str,
) -> Result<Reply, ServiceError> {
    let prepared = app.images().prepare(identifier, request, &asked.caller()).await?;
    let (canonical, offered) = (prepared.canonical(), offered(app, request));
    let prepared = match negotiate_format(asked.accept(), offered) {
        Some(format) => app.images().in_format(prepared, format),
        None => prepared,
    };
    let mut representation = image_representation(app, service, &prepared, &canonical, !offered.is_empty());
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return Ok(reply);
    }
    if asked.is_head() {
        return Ok(representation.without_body());
    }
    let body = app.images().body(&prepared).await?;
    if app.options().server_timing {
        representation.extra.extend(server_timing(body.origin, body.took));
    }
    Ok(representation.with_body(&asked.parts.method, &asked.parts.headers, body.bytes))
}

/// The `info.json` that was prepared, as it leaves for a client with this `Accept`.
pub(crate) fn info_representation(
    app: &App,
    version: ApiVersion,
    accept: Option<&str>,
    prepared: PreparedInfo,
) -> Representation {
    let media = negotiate(accept, version);
    let mut extra = Vec::with_capacity(2);
    push_link(&mut extra, &format!("<{}>;rel=\"profile\"", profile_uri(version)));
    if media == MediaType::Json {
        // Plain JSON says what it means by a link to its context. Image API 3.0 §5.1, 2.1 §5.
        push_link(
            &mut extra,
            &format!(
                "<{}>;rel=\"http://www.w3.org/ns/json-ld#context\";type=\"application/ld+json\"",
                version.context()
            ),
        );
    }
    Representation {
        etag: prepared.etag,
        last_modified: Some(prepared.last_modified),
        cache_control: app.cache_control_documents(),
        media_type: HeaderValue::from_static(media.content_type(version)),
        vary: Some(HeaderValue::from_static("Accept")),
        extra,
    }
}

/// The formats of which a client may get any for this request: one URL, several formats, only where no format and no way of
/// showing it was asked for in particular.
pub(crate) fn offered<'a>(app: &'a App, request: &ImageRequest) -> &'a [Format] {
    let is_plain = request.format == Format::Jpg && request.quality == Quality::Default;
    if is_plain { app.images().negotiable() } else { &[] }
}

/// The image that was prepared, before its bytes are there. `negotiated` says that another client may get another format.
pub(crate) fn image_representation(
    app: &App,
    service: &str,
    prepared: &Prepared,
    canonical: &str,
    negotiated: bool,
) -> Representation {
    let version = prepared.version;
    let mut extra = Vec::with_capacity(3);
    push_link(
        &mut extra,
        &format!("<{}>;rel=\"profile\", <{service}/{canonical}>;rel=\"canonical\"", profile_uri(version)),
    );
    Representation {
        etag: prepared.etag.clone(),
        last_modified: Some(prepared.last_modified),
        cache_control: app.cache_control_images(),
        media_type: HeaderValue::from_static(prepared.resolved.format.media_type()),
        vary: negotiated.then(|| HeaderValue::from_static("Accept")),
        extra,
    }
}

/// Where the bytes came from, and how long that took.
pub(crate) fn server_timing(origin: Origin, took: Duration) -> Option<(HeaderName, HeaderValue)> {
    let value = format!("{};dur={:.3}", origin.word(), took.as_secs_f64() * 1000.0);
    HeaderValue::from_str(&value).ok().map(|value| (SERVER_TIMING, value))
}

/// The level that every image reaches, in the `http:` form that clients compare with. Image API 3.0 §6.
fn profile_uri(version: ApiVersion) -> &'static str {
    ComplianceLevel::Level2.uri(version)
}

fn push_link(extra: &mut Vec<(HeaderName, HeaderValue)>, link: &str) {
    extra.extend(HeaderValue::from_str(link).ok().map(|value| (LINK, value)));
}
