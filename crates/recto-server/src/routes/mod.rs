//! The routes: extract, call one use case, answer.

mod admin;
pub(crate) mod archive;
mod discovery;
mod files;
pub(crate) mod image;
mod operation;
mod pages;
mod presentation;

use recto_iiif::ErrorKind;

use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::Reply;

/// Does this path change the state of the server?
pub(crate) fn is_admin(path: &str) -> bool {
    path.starts_with(admin::PREFIX)
}

pub(crate) use self::admin::MOST_BODY_BYTES;

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
            if let Some(rest) = path.strip_prefix(discovery::PATH) {
                return discovery::answer(app, asked, rest).await;
            }
            if let Some(rest) = path.strip_prefix(files::PREFIX) {
                return files::answer(app, asked, rest).await;
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
