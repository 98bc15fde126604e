//! The Presentation API: `/iiif/presentation/{3|2}/{id}/manifest|collection`, `…/canvas/{name}`, and without a version by `Accept`.

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
        name => {
            let identifier = before.strip_suffix("/canvas")?;
            return Some(Wanted { version, identifier, part: Part::Canvas(name) });
        }
    };
    Some(Wanted { version, identifier: before, part })
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
        DocumentKind::Manifest => "manifest",
        DocumentKind::Collection => "collection",
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
            ("3/a/canvas/001", Some((Some(Version::V3), "a", Part::Canvas("001")))),
            ("3/a/b", None),
            ("manifest", None),
            ("", None),
        ] {
            let found = parse(path).map(|wanted| (wanted.version, wanted.identifier, wanted.part));
            assert_eq!(found, want, "{path}");
        }
    }
}
