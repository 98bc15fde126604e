//! HEAD, caching and compression.

use std::io::Read;

use super::{Check, Concern, Run};
use crate::{
    address::Address,
    client::{ClientError, Wanted},
    examination::Examination,
};

const WHY_HEAD: &str = "Programs that look whether something is there ask with HEAD.";
const WHY_CACHING: &str = "Without validators and lifetimes, browsers fetch again what they have, and caches in front of the server are idle.";
const WHY_COMPRESSION: &str = "JSON shrinks to a tenth; documents of large objects are slow without.";

macro_rules! both {
    ($image:ident, $document:ident, $id:literal, $document_id:literal, $title:literal, $why:expr, $section:literal, $run:ident) => {
        pub(super) const $image: Check = Check {
            id: $id,
            concern: Concern::Image,
            title: concat!($title, " of the image service"),
            why: $why,
            section: $section,
            run: Run::Asks(|examination| $run(examination, Concern::Image)),
        };
        pub(super) const $document: Check = Check {
            id: $document_id,
            concern: Concern::Document,
            title: concat!($title, " of the document"),
            why: $why,
            section: $section,
            run: Run::Asks(|examination| $run(examination, Concern::Document)),
        };
    };
}

both!(HEAD, DOCUMENT_HEAD, "head", "document-head", "HEAD", WHY_HEAD, "RFC 9110 §9.3.2", head);
both!(
    CACHING,
    DOCUMENT_CACHING,
    "caching",
    "document-caching",
    "caching",
    WHY_CACHING,
    "RFC 9110 §8.8, RFC 9111 §5.2",
    caching
);
both!(
    COMPRESSION,
    DOCUMENT_COMPRESSION,
    "compression",
    "document-compression",
    "compression",
    WHY_COMPRESSION,
    "RFC 9110 §8.4, §12.5.3",
    compression
);

fn head(examination: &mut Examination<'_>, concern: Concern) -> Result<(), ClientError> {
    let url = examination.json_url(concern);
    let done = format!("HEAD {url}");
    let whole = examination.client.get(&url)?;
    let answer = examination.client.send(&Wanted::method(&url, "HEAD"))?;
    let length = answer.header("content-length").map(ToOwned::to_owned);
    let seen = format!("{} · Content-Length: {}", answer.summary(), length.as_deref().unwrap_or("none"));
    if answer.status != whole.status {
        let remedy = "Answer HEAD like GET, without the body.";
        let message = format!("HEAD answers {}, GET answers {}", answer.status, whole.status);
        examination.warning(&message, &done, &seen, remedy);
    } else if answer.media_type() != whole.media_type() {
        examination.warning(
            "HEAD names another media type than GET",
            &done,
            &seen,
            "Send the same headers as for GET.",
        );
    } else if length.is_some_and(|length| length != whole.body.len().to_string()) && !whole.is_cut {
        let remedy = "Send the length of the body that GET would send, or none.";
        examination.warning("HEAD names another length than GET has", &done, &seen, remedy);
    } else {
        examination.pass("HEAD answers like GET", &done, &seen);
    }
    Ok(())
}

fn caching(examination: &mut Examination<'_>, concern: Concern) -> Result<(), ClientError> {
    let mut urls = vec![("documents", examination.json_url(concern))];
    if concern == Concern::Image {
        let service = examination.image();
        let size = service.size.reduced(service.size.width_px.div_ceil(200).max(1));
        let size = service.sizes.iter().copied().min_by_key(|size| size.area_px()).unwrap_or(size);
        urls.push(("images", service.address(&service.tile_path(service.size.rect(), size))));
    }
    for (what, url) in urls {
        cached(examination, what, &url)?;
    }
    Ok(())
}

fn cached(examination: &mut Examination<'_>, what: &str, url: &Address) -> Result<(), ClientError> {
    let done = format!("GET {url}");
    let answer = examination.client.get(url)?;
    if !answer.is_success() {
        examination.note(&format!("{what} could not be fetched, so caching was not tried"), &done, &answer.summary());
        return Ok(());
    }
    let validator = match (answer.header("etag"), answer.header("last-modified")) {
        (Some(tag), _) => Some(("If-None-Match", tag.to_owned())),
        (None, Some(date)) => Some(("If-Modified-Since", date.to_owned())),
        (None, None) => None,
    };
    let lifetime = answer.all("cache-control");
    let seen = |name: &str, value: &str| format!("{name}: {}", if value.is_empty() { "none" } else { value });
    if lifetime.is_empty() && answer.header("expires").is_none() {
        let remedy =
            "Send `Cache-Control: public, max-age=…`; images may live long, documents as long as changes may wait.";
        examination.warning(
            &format!("{what} come without a lifetime"),
            &done,
            &seen("Cache-Control", &lifetime),
            remedy,
        );
    } else if lifetime.contains("no-store") {
        let remedy = "Say `no-store` only of what must not be kept, such as restricted images.";
        examination.warning(&format!("{what} must not be kept"), &done, &seen("Cache-Control", &lifetime), remedy);
    }
    let Some((header, value)) = validator else {
        let remedy = "Send an `ETag`, or `Last-Modified`, and answer 304 to those who have it.";
        examination.warning(&format!("{what} come without ETag and Last-Modified"), &done, &answer.summary(), remedy);
        return Ok(());
    };
    let again = examination.client.send(&Wanted::get(url).header(header, value.clone()))?;
    let done = format!("GET {url} with {header}: {value}");
    if again.status == 304 {
        examination.pass(&format!("{what} are not sent again to those who have them"), &done, &again.summary());
    } else {
        let remedy = format!("Answer 304 when `{header}` still holds.");
        let message = format!("{what} are sent again to those who have them");
        examination.warning(&message, &done, &again.summary(), &remedy);
    }
    Ok(())
}

fn compression(examination: &mut Examination<'_>, concern: Concern) -> Result<(), ClientError> {
    let url = examination.json_url(concern);
    let done = format!("GET {url} with Accept-Encoding: gzip");
    let plain = examination.client.get(&url)?;
    let answer = examination.client.send(&Wanted::get(&url).header("Accept-Encoding", "gzip"))?;
    let encoding = answer.all("content-encoding").to_ascii_lowercase();
    let seen = format!("{} · Content-Encoding: {encoding} · plain: {} bytes", answer.summary(), plain.body.len());
    let most = examination.client.options.most_body_bytes as u64;
    if encoding == "gzip" {
        let mut body = Vec::new();
        let decoded = flate2::read::GzDecoder::new(answer.body.as_slice()).take(most).read_to_end(&mut body);
        if decoded.is_err() || body != plain.body {
            let remedy = "Send the same document, whether compressed or not.";
            examination.error("the compressed document is not the plain one", &done, &seen, remedy);
        } else if !answer.all("vary").to_ascii_lowercase().contains("accept-encoding") {
            let remedy = "Send `Vary: Accept-Encoding`, so that caches keep both apart.";
            examination.warning("compressed answers do not say that they vary", &done, &seen, remedy);
        } else {
            examination.pass("the document is sent compressed to those who ask for it", &done, &seen);
        }
    } else if plain.body.len() < 2000 {
        examination.note("the document is not compressed; it is small", &done, &seen);
    } else {
        let remedy = "Compress JSON with gzip, brotli or zstd for those who ask for it.";
        let message = "the document is not sent compressed to those who ask for it";
        if plain.body.len() > 100_000 {
            examination.warning(message, &done, &seen, remedy);
        } else {
            examination.note(message, &done, &seen);
        }
    }
    Ok(())
}
