//! For those who run the server: health, metrics, and the explanation of an image URL.

use http::StatusCode;
use recto_iiif::ErrorKind;
use recto_iiif::image::{ApiVersion, ImagePath, ImageRequest, parse_path};
use recto_service::ServiceError;

use super::query_value;
use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, plain};

/// 200 while everything that is served can be found; 503 while a folder is gone.
pub(super) fn health(app: &App) -> Reply {
    match app.objects().missing_folders() {
        0 => plain(StatusCode::OK, "application/json", r#"{"status":"ok"}"#),
        missing => plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "application/json",
            format!(r#"{{"status":"degraded","missingFolders":{missing}}}"#),
        ),
    }
}

pub(super) fn metrics(app: &App) -> Reply {
    let images = app.images();
    plain(
        StatusCode::OK,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        images.metrics().text(&images.work(), &images.cache().stats()),
    )
}

pub(super) fn robots() -> Reply {
    // Pages may be found; pixels by the million may not.
    plain(StatusCode::OK, "text/plain; charset=utf-8", "User-agent: *\nDisallow: /iiif/\nAllow: /\n")
}

/// `/explain?url=…`: an image URL of this server, absolute or as a path.
pub(super) async fn explain(app: &App, asked: &Asked) -> Reply {
    match explanation(app, asked).await {
        Ok(reply) => reply,
        Err(problem) => problem.reply(Api::Other, &asked.parts.headers),
    }
}

async fn explanation(app: &App, asked: &Asked) -> Result<Reply, Problem> {
    let malformed = |detail: &str| {
        Problem::new(ErrorKind::Malformed, detail)
            .hint("ask for `/explain?url=` and the whole URL of an image, percent-encoded")
    };
    let url = query_value(asked.parts.uri.query(), "url").ok_or_else(|| malformed("the query has no `url`"))?;
    let path = url.strip_prefix(&asked.reached.base).unwrap_or(&url);
    let (version, rest) = [ApiVersion::V3, ApiVersion::V2]
        .into_iter()
        .find_map(|version| Some((version, path.strip_prefix(app.image_prefix(version))?.strip_prefix('/')?)))
        .ok_or_else(|| malformed("the URL is not one of this server's images"))?;
    let failed = |error: ServiceError| Problem::from(&error);
    match parse_path(rest, app.slashes()).map_err(|error| failed(error.into()))? {
        ImagePath::Image { identifier, region, size, rotation, quality_format } => {
            let request = ImageRequest::parse(version, &region, &size, &rotation, &quality_format)
                .map_err(|error| failed(error.into()))?;
            let explanation = app.images().explain(&identifier, &request, &asked.caller()).await.map_err(failed)?;
            let text = serde_json::to_string_pretty(&explanation).unwrap_or_default();
            Ok(plain(StatusCode::OK, "application/json; charset=utf-8", text))
        }
        _ => Err(malformed("the URL names an image, but no region, size, rotation and quality")),
    }
}
