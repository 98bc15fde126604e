//! The Presentation API: `/iiif/presentation/{3|2|4}/{id}/manifest|collection`, `…/canvas/{name}`, in 4.0 `…/collection/page/{n}`, and
//! without a version by `Accept`.

use http::HeaderValue;
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{Version, negotiate};
use recto_service::{DocumentKind, ServiceError, SiteUrls};

use super::nothing_here;
use crate::app::{App, Asked};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, Representation, plain, redirect};

/// Which document a path names. The identifier may have its slashes encoded or not.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'path> {
    version: Option<Version>,
    identifier: &'path str,
    part: Part<'path>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'path> {
    Document(DocumentKind),
    Canvas(&'path str),
    /// The text of a canvas, line by line.
    Text(&'path str),
    /// What people wrote about a canvas.
    Annotations(&'path str),
}

fn parse(rest: &str) -> Option<Wanted<'_>> {
    let (version, rest) = match rest.split_once('/') {
        Some((first, behind)) if Version::from_segment(first).is_some() => (Version::from_segment(first), behind),
        _ => (None, rest),
    };
    let (before, last) = rest.rsplit_once('/')?;
    let part = match last {
        "manifest" => Part::Document(DocumentKind::Manifest),
        "collection" => Part::Document(DocumentKind::Collection),
        number if before.ends_with("/collection/page") && version == Some(Version::V4) => {
            let identifier = before.strip_suffix("/collection/page")?;
            // One way of writing a number, so that a page has one URL.
            let page = number.parse().ok().filter(|page: &u32| page.to_string() == number)?;
            return Some(Wanted { version, identifier, part: Part::Document(DocumentKind::CollectionPage(page)) });
        }
        name => {
            return part_of_canvas(version, before, name);
        }
    };
    Some(Wanted { version, identifier: before, part })
}

/// `…/canvas/{name}`, `…/canvas/{name}/text`, or `…/canvas/{name}/annotations`.
fn part_of_canvas<'path>(version: Option<Version>, before: &'path str, last: &'path str) -> Option<Wanted<'path>> {
    if let Some(identifier) = before.strip_suffix("/canvas") {
        return Some(Wanted { version, identifier, part: Part::Canvas(last) });
    }
    let (before, name) = before.rsplit_once('/')?;
    let identifier = before.strip_suffix("/canvas")?;
    let part = match last {
        "text" => Part::Text(name),
        "annotations" => Part::Annotations(name),
        _ => return None,
    };
    Some(Wanted { version, identifier, part })
}

pub(super) async fn answer(app: &App, asked: &Asked, rest: &str) -> Reply {
    let Some(wanted) = parse(rest) else { return nothing_here(asked) };
    let outcome = match Identifier::parse_encoded(wanted.identifier) {
        Ok(identifier) => document(app, asked, &wanted, &identifier).await,
        Err(error) => Err(error.into()),
    };
    outcome.unwrap_or_else(|error| {
        app.note_failure(asked, &error);
        Problem::from(&error).reply(Api::Other, &asked.parts.headers)
    })
}

async fn document(
    app: &App,
    asked: &Asked,
    wanted: &Wanted<'_>,
    identifier: &Identifier,
) -> Result<Reply, ServiceError> {
    let version = wanted.version.unwrap_or_else(|| negotiate(asked.accept()));
    let urls = app.urls(&asked.reached.base);
    let kind = match wanted.part {
        Part::Document(kind) => kind,
        Part::Canvas(name) => return canvas(app, asked, identifier, name, &urls).await,
        Part::Annotations(name) => return super::annotations::canvas(app, asked, identifier, name, version).await,
        Part::Text(name) => return text(app, asked, identifier, name, version, &urls).await,
    };
    let prepared = app.objects().document(kind, identifier, version, &urls, &asked.caller()).await?;
    if prepared.identifier != *identifier {
        return Ok(moved(wanted, kind, &prepared.identifier, &asked.reached.base));
    }
    let representation = Representation {
        etag: prepared.etag,
        last_modified: prepared.last_modified,
        cache_control: app.cache_control_documents(),
        media_type: HeaderValue::from_static(version.content_type(asked.accept())),
        vary: Some(HeaderValue::from_static("Accept")),
        extra: Vec::new(),
    };
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return Ok(reply);
    }
    Ok(representation.with_body(&asked.parts.method, &asked.parts.headers, prepared.bytes))
}

/// Sends on to the documents of a thing that was renamed: the `id` of a document is always the URL that it was asked for.
fn moved(wanted: &Wanted<'_>, kind: DocumentKind, now: &Identifier, base: &str) -> Reply {
    let version = wanted.version.map(|version| format!("{}/", version.segment())).unwrap_or_default();
    let document = match kind {
        DocumentKind::Manifest => "manifest".to_owned(),
        DocumentKind::Collection => "collection".to_owned(),
        DocumentKind::CollectionPage(page) => format!("collection/page/{page}"),
    };
    let url = format!("{base}/iiif/presentation/{version}{}/{document}", now.encoded());
    redirect(http::StatusCode::MOVED_PERMANENTLY, &url)
}

/// A canvas by its own URI: cut out of its manifest.
async fn canvas(
    app: &App,
    asked: &Asked,
    identifier: &Identifier,
    name: &str,
    urls: &SiteUrls,
) -> Result<Reply, ServiceError> {
    let manifest =
        app.objects().document(DocumentKind::Manifest, identifier, Version::V3, urls, &asked.caller()).await?;
    let id = format!("{}/iiif/presentation/3/{}/canvas/{name}", urls.base(), identifier.encoded());
    let document: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
    let found = document["items"].as_array().and_then(|items| items.iter().find(|canvas| canvas["id"] == id.as_str()));
    match found {
        Some(canvas) => {
            let mut canvas = canvas.clone();
            if let Some(fields) = canvas.as_object_mut() {
                fields.shift_insert(0, "@context".to_owned(), Version::V3.context().into());
            }
            Ok(plain(http::StatusCode::OK, Version::V3.content_type(asked.accept()), canvas.to_string()))
        }
        None => Ok(Problem::new(ErrorKind::NotFound, format!("the object `{identifier}` has no canvas `{name}`"))
            .hint("its manifest lists the canvases that there are")
            .reply(Api::Other, &asked.parts.headers)),
    }
}

/// The text of a canvas, line by line.
async fn text(
    app: &App,
    asked: &Asked,
    identifier: &Identifier,
    name: &str,
    version: Version,
    urls: &SiteUrls,
) -> Result<Reply, ServiceError> {
    let name = Identifier::parse_encoded(name)?;
    let document = app.objects().canvas_text(identifier, &name, version, urls, &asked.caller()).await?;
    let bytes = bytes::Bytes::from(document.to_string());
    let representation = Representation {
        etag: format!("\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(&bytes)),
        last_modified: None,
        cache_control: app.cache_control_documents(),
        media_type: HeaderValue::from_static(version.content_type(asked.accept())),
        vary: Some(HeaderValue::from_static("Accept")),
        extra: Vec::new(),
    };
    if let Some(reply) = representation.before_body(&asked.parts.headers) {
        return Ok(reply);
    }
    Ok(representation.with_body(&asked.parts.method, &asked.parts.headers, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_document() {
        let manifest = Part::Document(DocumentKind::Manifest);
        for (path, want) in [
            ("3/a/manifest", Some((Some(Version::V3), "a", manifest))),
            ("2/a%2Fb/collection", Some((Some(Version::V2), "a%2Fb", Part::Document(DocumentKind::Collection)))),
            ("a/b/manifest", Some((None, "a/b", Part::Document(DocumentKind::Manifest)))),
            (
                "4/a/b/collection/page/12",
                Some((Some(Version::V4), "a/b", Part::Document(DocumentKind::CollectionPage(12)))),
            ),
            ("4/a/collection/page/012", None),
            ("3/a/collection/page/12", None),
            ("3/a/canvas/001", Some((Some(Version::V3), "a", Part::Canvas("001")))),
            ("3/a/canvas/001/text", Some((Some(Version::V3), "a", Part::Text("001")))),
            ("2/a/canvas/001/annotations", Some((Some(Version::V2), "a", Part::Annotations("001")))),
            ("3/a/canvas/text", Some((Some(Version::V3), "a", Part::Canvas("text")))),
            ("3/a/b", None),
            ("manifest", None),
            ("", None),
        ] {
            let found = parse(path).map(|wanted| (wanted.version, wanted.identifier, wanted.part));
            assert_eq!(found, want, "{path}");
        }
    }
}
