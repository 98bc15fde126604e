//! The routes: extract, call one use case, answer.

mod admin;
pub(crate) mod annotations;
pub(crate) mod archive;
mod discovery;
mod downloads;
mod files;
pub(crate) mod image;
mod opening;
mod operation;
mod pages;
mod presentation;
mod results;
mod search;

use http::Method;
use recto_iiif::ErrorKind;

use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::Reply;

/// Does this path change the state of the server?
pub(crate) fn is_admin(path: &str) -> bool {
    path.starts_with(admin::PREFIX)
}

/// Most bytes of the body of a request that are read; 0 where the route takes none. Only those who may write make the server hold
/// more than a little.
pub(crate) fn most_body_bytes(app: &App, parts: &http::request::Parts) -> usize {
    let path = parts.uri.path();
    match parts.method {
        Method::POST if is_admin(path) => admin::MOST_BODY_BYTES,
        Method::POST | Method::PUT | Method::PATCH
            if annotations::is_written(path) && app.user(&parts.headers).is_some() =>
        {
            app.annotations().most_batch_bytes()
        }
        _ => 0,
    }
}

/// Everything but the Image API.
pub(crate) async fn other(app: &App, asked: &Asked) -> Reply {
    let path = asked.parts.uri.path();
    match path {
        "/health" => operation::health(app),
        "/metrics" => operation::metrics(app),
        "/explain" => operation::explain(app, asked).await,
        "/robots.txt" => operation::robots(),
        _ if path.starts_with(admin::PREFIX) => admin::answer(app, asked).await,
        _ => {
            if let Some(rest) = path.strip_prefix("/iiif/presentation/") {
                return presentation::answer(app, asked, rest).await;
            }
            if let Some(rest) = path.strip_prefix(search::PREFIX).and_then(|rest| rest.strip_prefix('/')) {
                return search::answer(app, asked, rest).await;
            }
            if annotations::is_here(path) {
                return annotations::answer(app, asked, path).await;
            }
            if let Some(rest) = path.strip_prefix(discovery::PATH) {
                return discovery::answer(app, asked, rest).await;
            }
            if let Some(rest) = path.strip_prefix(files::PREFIX) {
                return files::answer(app, asked, rest).await;
            }
            if let Some(rest) = path.strip_prefix(downloads::PREFIX) {
                return downloads::answer(app, asked, rest).await;
            }
            if let Some(rest) = path.strip_prefix("/static/") {
                return archive::answer(app, asked, rest).await;
            }
            pages::answer(app, asked, path).await
        }
    }
}

/// The answer for a path under which there is nothing.
fn nothing_here(asked: &Asked) -> Reply {
    Problem::new(ErrorKind::NotFound, format!("there is nothing at `{}`", asked.parts.uri.path()))
        .hint("the first page, `/`, lists what there is")
        .reply(Api::Other, &asked.parts.headers)
}

/// A value of the query, decoded; the first of that name.
fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    form_urlencoded::parse(query?.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
