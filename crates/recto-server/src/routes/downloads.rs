//! `/downloads/{id}/pdf|zip|txt?pages=1-3,7&size=2400`: a whole object, or some of its pages, as one file.

use axum::body::Body;
use futures_util::stream::unfold;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Response};
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_service::{DownloadKind, DownloadOptions, ItemKind, ServiceError};

use super::{nothing_here, query_value};
use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, insert_text};

/// What the paths begin with.
pub(super) const PREFIX: &str = "/downloads/";

/// Most pages that can be chosen by their numbers.
const MOST_PAGES: usize = 100_000;

pub(super) async fn answer(app: &App, asked: &Asked, rest: &str) -> Reply {
    let Some((identifier, word)) = rest.rsplit_once('/') else { return nothing_here(asked) };
    let Some(kind) = DownloadKind::ALL.into_iter().find(|kind| kind.word() == word) else { return nothing_here(asked) };
    let Ok(identifier) = Identifier::parse_encoded(identifier) else { return nothing_here(asked) };
    let options = match options(asked) {
        Ok(options) => options,
        Err(problem) => return problem.reply(Api::Other, &asked.parts.headers),
    };
    match download(app, asked, kind, &identifier, &options).await {
        Ok(reply) => reply,
        Err(error) => {
            app.note_failure(asked, &error);
            Problem::from(&error).reply(Api::Other, &asked.parts.headers)
        }
    }
}

fn options(asked: &Asked) -> Result<DownloadOptions, Problem> {
    let query = asked.parts.uri.query();
    let mut options = DownloadOptions::default();
    if let Some(pages) = query_value(query, "pages") {
        options.pages = parse_pages(&pages).ok_or_else(|| {
            Problem::new(ErrorKind::Malformed, format!("`pages={pages}` names no pages"))
                .hint("write numbers from 1 and ranges, such as `pages=1-3,7`")
        })?;
    }
    if let Some(size) = query_value(query, "size") {
        let longest = size.parse().ok().filter(|size| (100..=20_000).contains(size));
        options.longest_px = Some(longest.ok_or_else(|| {
            Problem::new(ErrorKind::Malformed, format!("`size={size}` is no length of a page's longer side"))
                .hint("write pixels, from 100 to 20000")
        })?);
    }
    Ok(options)
}

/// `1-3,7` as numbers, in order; `None` for anything else.
fn parse_pages(text: &str) -> Option<Vec<usize>> {
    let mut pages = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (usize, usize) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        if from == 0 || to < from || to - from >= MOST_PAGES || pages.len() > MOST_PAGES {
            return None;
        }
        pages.extend(from..=to);
    }
    Some(pages)
}

async fn download(
    app: &App,
    asked: &Asked,
    kind: DownloadKind,
    identifier: &Identifier,
    options: &DownloadOptions,
) -> Result<Reply, ServiceError> {
    let objects = app.objects();
    objects.allow(&asked.caller(), identifier)?;
    let item = objects.item(ItemKind::Manifest, identifier).await?;
    // A name that it had before opens nothing that its own does not.
    objects.allow(&asked.caller(), &Identifier::new(&*item.identifier))?;
    let name = file_name(&item.identifier, kind);
    let body = if asked.is_head() {
        Body::empty()
    } else {
        let view = objects.view(item, &asked.caller()).await?;
        let pieces = objects.download(kind, &view, options, &app.urls(&asked.reached.base), &asked.caller())?;
        Body::from_stream(unfold(pieces, |mut pieces| async move { pieces.recv().await.map(|piece| (piece, pieces)) }))
    };
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind.media_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    insert_text(headers, CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    Ok(reply)
}

/// A name that every system takes.
fn file_name(identifier: &str, kind: DownloadKind) -> String {
    let last = identifier.rsplit('/').next().unwrap_or(identifier);
    let plain =
        |character: char| if character.is_ascii_alphanumeric() || "._-".contains(character) { character } else { '_' };
    let stem: String = last.chars().map(plain).take(100).collect();
    format!("{}.{}", stem.trim_start_matches('.'), kind.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_numbers_and_ranges() {
        for (text, wanted) in [
            ("1", Some(vec![1])),
            ("1-3,7", Some(vec![1, 2, 3, 7])),
            (" 2 , 1 ", Some(vec![2, 1])),
            ("0", None),
            ("3-1", None),
            ("", None),
            ("a", None),
            ("1-99999999999", None),
        ] {
            assert_eq!(parse_pages(text), wanted, "{text}");
        }
    }

    #[test]
    fn files_have_names_that_every_system_takes() {
        assert_eq!(file_name("maps/Köln \"1\".tif", DownloadKind::Pdf), "K_ln__1_.tif.pdf");
        assert_eq!(file_name("..", DownloadKind::Zip), ".zip");
    }
}
