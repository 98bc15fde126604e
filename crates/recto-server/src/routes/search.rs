//! Content Search 2.0 and 1.0: `/iiif/search/{2|1}/{id}/manifest|collection`, `…/canvas/{name}`, `…/range/{name}`, and `…/autocomplete`
//! below each. [`SearchPath`] has the grammar.

use http::{HeaderMap, HeaderValue, Method};
use recto_iiif::search::{
    self, Found, Operation, Parameter, Scope, SearchPath, SearchRequest, SearchRequestError, ServiceUrls, Term,
};
use recto_service::ServiceError;
use xxhash_rust::xxh3::xxh3_128;

use super::nothing_here;
use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, Representation};

/// Where all services lie, below the public URL.
pub(super) const PREFIX: &str = "/iiif/search";

/// Answers what lies under [`PREFIX`]; `rest` is the path behind it and a slash, still encoded.
pub(super) async fn answer(app: &App, asked: &Asked, rest: &str) -> Reply {
    let path = match SearchPath::parse(rest) {
        Ok(Some(path)) => path,
        Ok(None) => return nothing_here(asked),
        Err(error) => return Problem::from(&error).reply(Api::Other, &asked.parts.headers),
    };
    let query = asked.parts.uri.query().unwrap_or_default();
    let prefix = format!("{}{PREFIX}", asked.reached.base);
    let urls = ServiceUrls::at(&prefix, path.version, &path.identifier, &path.scope);
    let (request, ignored) = match read(query, &path) {
        Ok(read) => read,
        Err(error) => return refused(&error).reply(Api::Other, &asked.parts.headers),
    };
    let outcome = match path.operation {
        Operation::Search => found(app, asked, &path, &request)
            .await
            .map(|found| search::write_answer(path.version, &capped(found, path.version), &request, &ignored, &urls)),
        Operation::Autocomplete => terms(app, asked, &path, &request)
            .await
            .map(|terms| search::terms(path.version, &terms, &request, &ignored, &urls).to_string()),
    };
    match outcome {
        Ok(document) => {
            let (method, headers) = (&asked.parts.method, &asked.parts.headers);
            // What was deleted is not found any more, by nobody.
            let cache_control = HeaderValue::from_static("no-cache");
            reply(document, path.version, asked.accept(), cache_control, method, headers)
        }
        Err(error) => {
            app.note_failure(asked, &error);
            Problem::from(&error).reply(Api::Other, &asked.parts.headers)
        }
    }
}

/// Pages of 1.0 that name a next one: Universal Viewer follows all of them before it shows anything.
const MOST_PAGES_1: u64 = 20;

/// An answer of 1.0 ends after so many pages; its total says how many there are.
fn capped(mut found: Found, version: search::Version) -> Found {
    if version == search::Version::V1 {
        found.has_next &= found.page < MOST_PAGES_1;
        found.pages = found.pages.map(|pages| pages.min(MOST_PAGES_1.max(found.page)));
    }
    found
}

/// What was found in the scope of a path. An identifier that no object has may be that of a collection.
async fn found(app: &App, asked: &Asked, path: &SearchPath, request: &SearchRequest) -> Result<Found, ServiceError> {
    let (urls, caller) = (app.urls(&asked.reached.base), asked.caller());
    match app.search().search(&path.identifier, &path.scope, request, &urls, &caller).await {
        Err(ServiceError::NoSuchObject { .. }) if path.scope == Scope::Manifest => {
            app.search().search(&path.identifier, &Scope::Collection, request, &urls, &caller).await
        }
        outcome => outcome,
    }
}

/// Terms of the scope of a path that begin as asked.
async fn terms(
    app: &App,
    asked: &Asked,
    path: &SearchPath,
    request: &SearchRequest,
) -> Result<Vec<Term>, ServiceError> {
    let (urls, caller) = (app.urls(&asked.reached.base), asked.caller());
    match app.search().complete(&path.identifier, &path.scope, request, &urls, &caller).await {
        Err(ServiceError::NoSuchObject { .. }) if path.scope == Scope::Manifest => {
            app.search().complete(&path.identifier, &Scope::Collection, request, &urls, &caller).await
        }
        outcome => outcome,
    }
}

/// The request, and what of it has no effect.
fn read(query: &str, path: &SearchPath) -> Result<(SearchRequest, Vec<Parameter>), SearchRequestError> {
    match path.operation {
        Operation::Search => SearchRequest::parse(query, path.version),
        Operation::Autocomplete => SearchRequest::parse_autocomplete(query, path.version),
    }
}

fn reply(
    text: String,
    version: search::Version,
    accept: Option<&str>,
    cache_control: HeaderValue,
    method: &Method,
    headers: &HeaderMap,
) -> Reply {
    let representation = Representation {
        etag: format!("\"{:032x}\"", xxh3_128(text.as_bytes())),
        last_modified: None,
        cache_control,
        media_type: HeaderValue::from_static(version.content_type(accept)),
        vary: Some(HeaderValue::from_static("Accept")),
        extra: Vec::new(),
    };
    let early = representation.before_body(headers);
    early.unwrap_or_else(|| representation.with_body(method, headers, text.into()))
}

fn refused(error: &SearchRequestError) -> Problem {
    Problem {
        parameter: Some(error.parameter()),
        given: Some(error.given().to_owned()).filter(|given| !given.is_empty()),
        expected: Some(error.expected()),
        ..Problem::new(error.kind(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
    use recto_iiif::search::Version;

    use super::*;

    fn path(text: &str) -> SearchPath {
        SearchPath::parse(text).unwrap().unwrap()
    }

    fn answered(version: Version, accept: Option<&str>, headers: &HeaderMap) -> Reply {
        let urls = ServiceUrls::new("https://example.org/iiif/search/2/book/manifest");
        let document = search::write_answer(version, &Found::nothing(), &SearchRequest::default(), &[], &urls);
        reply(document, version, accept, HeaderValue::from_static("no-cache"), &Method::GET, headers)
    }

    #[test]
    fn answers_have_the_media_type_of_their_version_and_a_validator() {
        for (version, accept, want) in [
            (Version::V2, None, "application/ld+json;profile=\"http://iiif.io/api/search/2/context.json\""),
            (Version::V2, Some("application/json"), "application/json"),
            (Version::V1, Some("*/*"), "application/json"),
        ] {
            let reply = answered(version, accept, &HeaderMap::new());
            let media_type = reply.headers()[CONTENT_TYPE].to_str().unwrap();
            assert_eq!((reply.status(), media_type), (StatusCode::OK, want), "{version:?}");
            assert_eq!(reply.headers()[VARY], "Accept");
            let known = [(IF_NONE_MATCH, reply.headers()[ETAG].clone())].into_iter().collect();
            assert_eq!(answered(version, accept, &known).status(), StatusCode::NOT_MODIFIED);
        }
    }

    #[test]
    fn s2_6_a_request_that_cannot_be_read_names_the_parameter_and_what_it_should_be() {
        let error = read("q=a&date=yesterday", &path("2/book/manifest")).unwrap_err();
        let problem = refused(&error);
        assert_eq!((problem.parameter, problem.given.as_deref()), (Some("date"), Some("yesterday")));
        assert!(problem.expected.is_some_and(|expected| expected.contains("`YYYY-MM-DDThh:mm:ssZ`")));
        let reply = refused(&error).reply(Api::Other, &HeaderMap::new());
        assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn s2_15_completions_need_q_and_everything_narrows_them() {
        let completion = path("2/book/manifest/autocomplete");
        assert_eq!(read("min=1", &completion).unwrap_err().parameter(), "q");
        let (request, ignored) = read("q=bir&user=urn:a&min=2", &completion).unwrap();
        assert_eq!((request.min, request.users, ignored), (2, vec!["urn:a".to_owned()], vec![]));
    }
}
