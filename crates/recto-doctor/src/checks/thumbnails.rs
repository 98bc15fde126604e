//! Thumbnails: are there any, and are they cheap?

use super::{Check, Concern, Run};
use crate::{
    address::Address,
    client::ClientError,
    document::{self, Named},
    examination::Examination,
    pixels,
};

pub(super) const THUMBNAILS: Check = Check {
    id: "thumbnails",
    concern: Concern::Document,
    title: "thumbnails",
    why: "A viewer shows the thumbnails of all pages at once: without them it asks the image server for small sizes of each page, which is slow where they are not at hand.",
    section: "Presentation API 3.0 §3.1 (thumbnail)",
    run: Run::Asks(thumbnails),
};

fn thumbnails(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let document = examination.document();
    let done = format!("GET {}", document.url);
    let found: Vec<Named> = document::named(&document.value)
        .into_iter()
        .filter(|named| named.property == "thumbnail" && !named.pointer.contains("/service"))
        .collect();
    let own = found.iter().any(|named| named.pointer.starts_with("/thumbnail"));
    if !own {
        let remedy = "Give the document a `thumbnail`; lists of objects show it.";
        examination.warning(&format!("the {} has no thumbnail", document.kind), &done, "", remedy);
    }
    let items = document::items(&document.value);
    if found.len() < items && document.kind == "Manifest" && items > 20 {
        let message = format!("{} of {items} pages have no thumbnail", items - found.len().min(items));
        examination.note(&message, &done, "viewers then ask the image service for small sizes");
    }
    // The document's own is often that of its first page.
    let mut asked: Vec<&str> = Vec::new();
    for named in &found {
        if asked.len() >= 2 {
            break;
        }
        if asked.contains(&named.id.as_str()) {
            continue;
        }
        asked.push(&named.id);
        let Some(url) = Address::parse(&named.id) else { continue };
        let done = format!("GET {url}");
        let answer = match examination.client.get(&url) {
            Ok(answer) => answer,
            Err(ClientError::Failed { reason, .. }) => {
                examination.error("a thumbnail cannot be reached", &done, &reason, "See whether its address is right.");
                continue;
            }
            Err(error) => return Err(error),
        };
        let size = pixels::size(&answer.body);
        let shown = size.map_or("no picture".to_owned(), |size| format!("{size} px"));
        let seen = format!("{} · {shown} · {} ms", answer.summary(), answer.elapsed.as_millis());
        match size {
            None => examination.error("a thumbnail is no picture", &done, &seen, "Name the address of a picture."),
            Some(size) if size.width_px.max(size.height_px) > 1500 || answer.body.len() > 500_000 => {
                examination.warning("a thumbnail is large", &done, &seen, "Name a picture of 100 to 400 px.");
            }
            Some(_) if answer.elapsed > examination.client.options.slow_image => {
                let remedy = "Make thumbnails beforehand, or name a size that is at hand.";
                examination.warning("a thumbnail is slow", &done, &seen, remedy);
            }
            Some(_) => examination.pass("a thumbnail is small and quick", &done, &seen),
        }
    }
    Ok(())
}
