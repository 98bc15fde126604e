//! Cross-origin requests, preflights, and https pages that would load over http.

use super::{Check, Concern, Run};
use crate::{
    client::{Answer, ClientError, Wanted},
    document,
    examination::Examination,
};

const WHY_CORS: &str =
    "Viewers run on other sites; browsers hand them only what allows it, errors and redirects included.";
const WHY_MIXED: &str = "Browsers refuse to load http resources into https pages; viewers then show nothing.";

pub(super) const CORS: Check = Check {
    id: "cors",
    concern: Concern::Image,
    title: "cross-origin requests",
    why: WHY_CORS,
    section: "Image API 3.0 §7.1, compliance §4 (cors)",
    run: Run::Asks(cors),
};

pub(super) const DOCUMENT_CORS: Check = Check {
    id: "document-cors",
    concern: Concern::Document,
    title: "cross-origin requests for the document",
    why: WHY_CORS,
    section: "Presentation API 3.0 §6.3",
    run: Run::Looks(document_cors),
};

pub(super) const PREFLIGHT: Check = Check {
    id: "preflight",
    concern: Concern::Image,
    title: "preflight requests",
    why: "Before a viewer sends a token after a login, the browser asks with OPTIONS whether it may; an error there means that nobody can log in.",
    section: "Fetch standard, CORS-preflight; Authorization Flow 2.0 §5",
    run: Run::Asks(preflight),
};

pub(super) const MIXED_CONTENT: Check = Check {
    id: "mixed-content",
    concern: Concern::Image,
    title: "http within https",
    why: WHY_MIXED,
    section: "W3C Mixed Content",
    run: Run::Looks(mixed_content),
};

pub(super) const DOCUMENT_MIXED_CONTENT: Check = Check {
    id: "document-mixed-content",
    concern: Concern::Document,
    title: "http resources in an https document",
    why: WHY_MIXED,
    section: "W3C Mixed Content",
    run: Run::Looks(document_mixed_content),
};

const REMEDY: &str = "Send `Access-Control-Allow-Origin: *` with every answer, errors and redirects too.";

fn allows(examination: &Examination<'_>, answer: &Answer) -> (bool, String) {
    let header = answer.all("access-control-allow-origin");
    let shown = if header.is_empty() { "no Access-Control-Allow-Origin".to_owned() } else { header };
    (examination.client.has_cors(answer), format!("{} · {shown}", answer.summary()))
}

fn cors(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let region = service.tile_path(service.size.rect(), smallest(&service));
    let mut works = true;
    for (what, path) in [
        ("the image information", "info.json".to_owned()),
        ("images", region),
        ("errors", "full/nonsense/0/default.jpg".to_owned()),
    ] {
        let url = service.address(&path);
        let answer = examination.client.get(&url)?;
        let (allowed, seen) = allows(examination, &answer);
        let done = format!("GET {url} with Origin: {}", examination.client.options.origin);
        if allowed {
            examination.pass(&format!("scripts of other sites may read {what}"), &done, &seen);
        } else if what == "errors" {
            examination.warning("scripts of other sites may not read errors", &done, &seen, REMEDY);
        } else {
            works = false;
            let message = format!("scripts of other sites may not read {what}");
            if service.is_level_0() && what == "images" {
                examination.warning(&message, &done, &seen, REMEDY);
            } else {
                examination.error(&message, &done, &seen, REMEDY);
            }
        }
    }
    examination.set_feature("cors", Some(1), Some(works));
    Ok(())
}

/// The smallest size that is listed, or one that is small.
fn smallest(service: &crate::service::ImageService) -> recto_iiif::Dimensions {
    let listed = service.sizes.iter().copied().min_by_key(|size| size.area_px());
    listed.unwrap_or_else(|| service.size.reduced(service.size.width_px.div_ceil(200).max(1)))
}

fn document_cors(examination: &mut Examination<'_>) {
    let document = examination.document();
    let (allowed, seen) = allows(examination, &document.answer);
    let done = format!("GET {} with Origin: {}", document.url, examination.client.options.origin);
    if allowed {
        examination.pass("scripts of other sites may read the document", &done, &seen);
    } else {
        examination.error("scripts of other sites may not read the document", &done, &seen, REMEDY);
    }
    if let Some(hop) = document.answer.hops.iter().find(|hop| !hop.has_cors) {
        let seen = format!("{} from {} without Access-Control-Allow-Origin", hop.status, hop.from);
        examination.error("a redirect on the way has no CORS header", &done, &seen, REMEDY);
    }
}

fn preflight(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let url = examination.json_url(Concern::Image);
    let wanted = Wanted::method(&url, "OPTIONS")
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "authorization")
        .without_redirects();
    let answer = examination.client.send(&wanted)?;
    let headers = answer.all("access-control-allow-headers").to_ascii_lowercase();
    let names_it = headers.split(',').any(|name| name.trim() == "authorization");
    let (allowed, seen) = allows(examination, &answer);
    let seen = format!("{seen} · Access-Control-Allow-Headers: {headers}");
    let done = format!("OPTIONS {url} with Access-Control-Request-Headers: authorization");
    if answer.is_success() && allowed && names_it {
        examination.pass("the preflight of a request with a token is answered", &done, &seen);
    } else {
        let remedy = "Answer OPTIONS with 204, `Access-Control-Allow-Origin` and `Access-Control-Allow-Headers: Authorization`, without asking for a login.";
        let needs_login = examination.image().document.get("service").is_some();
        let message = "the preflight of a request with a token is refused";
        if needs_login {
            examination.error(message, &done, &seen, remedy);
        } else {
            examination.viewer(message, &done, &seen, remedy);
        }
    }
    Ok(())
}

fn mixed_content(examination: &mut Examination<'_>) {
    let service = examination.image();
    let done = format!("GET {}/info.json", service.base);
    let id = service.id.clone().unwrap_or_default();
    match (service.base.is_secure, id.starts_with("http://")) {
        (false, _) => {
            let remedy = "Serve images over https, and redirect http to it.";
            examination.warning("the image service is reached over http", &done, &service.base.to_string(), remedy);
        }
        (true, true) => {
            let remedy =
                "Write the id with `https:`. Behind a proxy, tell the server the scheme of its public address.";
            examination.error("the image information comes over https, and its id is http", &done, &id, remedy);
        }
        (true, false) => examination.pass("the image service is reached over https and says so", &done, &id),
    }
}

fn document_mixed_content(examination: &mut Examination<'_>) {
    let document = examination.document();
    let done = format!("GET {}", document.url);
    if !document.url.is_secure {
        let remedy = "Serve documents over https.";
        examination.warning("the document is reached over http", &done, &document.url.to_string(), remedy);
        return;
    }
    let insecure = insecure(&document.value);
    match insecure.first() {
        None => examination.pass("all that the document makes viewers load is https", &done, ""),
        Some(first) => {
            let seen = format!("{} resources, the first at {}: {}", insecure.len(), first.pointer, first.id);
            let remedy = "Write these addresses with `https:`.";
            examination.error("the document makes viewers load http resources", &done, &seen, remedy);
        }
    }
}

/// What viewers load over http; ids of canvases and annotations are only names.
fn insecure(document: &serde_json::Value) -> Vec<document::Named> {
    const LOADED: [&str; 7] = ["body", "resource", "service", "thumbnail", "logo", "annotations", "otherContent"];
    let loaded = |named: &document::Named| {
        LOADED.contains(&named.property.as_str())
            && !matches!(named.class.as_str(), "TextualBody" | "Choice" | "SpecificResource")
    };
    let all = document::named(document).into_iter();
    all.filter(|named| loaded(named) && named.id.starts_with("http://")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_loaded_counts_as_insecure() {
        let document = |scheme: &str| {
            json!({ "id": "http://example.org/m", "type": "Manifest", "items": [{ "id": "http://example.org/c", "type": "Canvas",
                "items": [{ "id": "http://example.org/p", "type": "AnnotationPage", "items": [{ "id": "http://example.org/a",
                    "type": "Annotation", "target": "http://example.org/c",
                    "body": { "id": format!("{scheme}://example.org/i.jpg"), "type": "Image" } }] }] }] })
        };
        assert_eq!(insecure(&document("https")), []);
        let found = insecure(&document("http"));
        assert_eq!(
            found.iter().map(|named| named.pointer.as_str()).collect::<Vec<_>>(),
            ["/items/0/items/0/items/0/body"]
        );
    }
}
