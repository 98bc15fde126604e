//! What changes the state of the server: for those who run it, and nobody else.
//!
//! With `server.admin_token`, the token decides. Without it, only programs on this machine may ask, directly: not through a proxy,
//! which would make everyone local, and not from a browser, where any page could.

use http::header::{AUTHORIZATION, CONTENT_TYPE, FORWARDED, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_service::PurgeScope;
use serde::Deserialize;
use serde_json::json;

use crate::app::{App, Asked, is_same};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, plain};

/// Where all of it lies.
pub(crate) const PREFIX: &str = "/admin/";

/// Longest body that is read.
pub(crate) const MOST_BODY_BYTES: usize = 64 << 10;

pub(super) async fn answer(app: &App, asked: &Asked) -> Reply {
    let outcome = match may(app, asked) {
        Err(problem) => Err(problem),
        Ok(()) => match (asked.parts.method.clone(), asked.parts.uri.path()) {
            (Method::GET | Method::HEAD, "/admin/cache") => Ok(stats(app)),
            (Method::POST, "/admin/cache/purge") => purge(app, asked).await,
            (_, "/admin/cache" | "/admin/cache/purge") => {
                let mut problem = Problem::new(ErrorKind::Malformed, "that method is not done here")
                    .hint("use GET on `/admin/cache` and POST on `/admin/cache/purge`");
                problem.title = "method not allowed";
                problem.status = Some(StatusCode::METHOD_NOT_ALLOWED);
                Err(problem)
            }
            _ => return super::nothing_here(asked),
        },
    };
    outcome.unwrap_or_else(|problem| problem.reply(Api::Other, &asked.parts.headers))
}

fn may(app: &App, asked: &Asked) -> Result<(), Problem> {
    let headers = &asked.parts.headers;
    if let Some(token) = &app.options().admin_token {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        return if is_same(given.as_bytes(), token.as_bytes()) {
            Ok(())
        } else {
            Err(Problem::new(ErrorKind::Unauthorized, "this needs the token of `server.admin_token`")
                .hint("send it as `Authorization: Bearer TOKEN`"))
        };
    }
    if asked.peer.to_canonical().is_loopback() && !came_through_another(headers) {
        return Ok(());
    }
    Err(Problem::new(ErrorKind::Forbidden, "this is for programs on the server's own machine")
        .hint("set `server.admin_token` and send it as `Authorization: Bearer TOKEN`"))
}

/// Through a proxy or from a page in a browser.
fn came_through_another(headers: &HeaderMap) -> bool {
    const TOLD: [&str; 6] =
        ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via", "sec-fetch-site"];
    headers.contains_key(ORIGIN)
        || headers.contains_key(FORWARDED)
        || TOLD.iter().any(|name| headers.contains_key(*name))
}

fn stats(app: &App) -> Reply {
    let stats = app.images().cache().stats();
    let text = json!({
        "memory": {"entries": stats.memory_entries, "bytes": stats.memory_bytes, "hits": stats.memory_hits},
        "disk": {"entries": stats.disk_entries, "bytes": stats.disk_bytes, "hits": stats.disk_hits},
        "misses": stats.misses,
        "writes": stats.writes,
        "evictions": stats.evictions,
        "damaged": stats.damaged,
        "parts": {"written": stats.parts_written, "opened": stats.parts_opened},
    });
    plain(StatusCode::OK, "application/json", text.to_string())
}

/// What is to be forgotten: one of the three.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    identifier: Option<String>,
    prefix: Option<String>,
    all: bool,
}

async fn purge(app: &App, asked: &Asked) -> Result<Reply, Problem> {
    let malformed = |detail: String| {
        Problem::new(ErrorKind::Malformed, detail).hint(
            "send JSON with one of `{\"identifier\": \"maps/prague.tif\"}`, `{\"prefix\": \"maps/\"}` and `{\"all\": true}`",
        )
    };
    // Not one of the types that a page of another site may send without asking.
    let is_json = asked
        .parts
        .headers
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .is_some_and(|media_type| media_type.to_ascii_lowercase().starts_with(b"application/json"));
    if !is_json {
        return Err(malformed("the body is not `application/json`".to_owned()));
    }
    let wanted: Wanted = serde_json::from_slice(asked.body())
        .map_err(|error| malformed(format!("the body is not understood: {error}")))?;
    let scope = match wanted {
        Wanted { identifier: Some(identifier), prefix: None, all: false } => {
            PurgeScope::Image(Identifier::new(identifier))
        }
        Wanted { identifier: None, prefix: Some(prefix), all: false } => PurgeScope::Prefix(prefix),
        Wanted { identifier: None, prefix: None, all: true } => PurgeScope::All,
        _ => return Err(malformed("the body names none of the three, or several".to_owned())),
    };
    let images = app.images().clone();
    let logged = scope.clone();
    let purged = tokio::task::spawn_blocking(move || images.purge(&scope)).await;
    let files = purged.map_err(|_| Problem::new(ErrorKind::Internal, "the purge failed"))?;
    tracing::info!(client = %asked.peer, scope = ?logged, files, "the cache was purged");
    Ok(plain(StatusCode::OK, "application/json", json!({"purgedFiles": files}).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_same_or_not() {
        for (one, other, want) in
            [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "aa", false), ("ab", "aB", false)]
        {
            assert_eq!(is_same(one.as_bytes(), other.as_bytes()), want, "{one} {other}");
        }
    }

    #[test]
    fn proxies_and_pages_are_noticed() {
        for (name, want) in [
            ("forwarded", true),
            ("x-forwarded-for", true),
            ("via", true),
            ("origin", true),
            ("sec-fetch-site", true),
            ("accept", false),
        ] {
            let headers = [(http::HeaderName::from_static(name), HeaderValue::from_static("x"))].into_iter().collect();
            assert_eq!(came_through_another(&headers), want, "{name}");
        }
    }
}
