//! A sample of what the document refers to: is it there, and may scripts read it?

use std::collections::BTreeSet;

use super::{Check, Concern, Run};
use crate::{
    address::Address,
    client::{ClientError, Wanted},
    document::{self, Named},
    examination::Examination,
};

pub(super) const REFERENCES: Check = Check {
    id: "references",
    concern: Concern::Document,
    title: "what the document refers to",
    why: "A dead reference shows as an empty page, a missing text, or a link into nothing.",
    section: "Presentation API 3.0 §3.2 (id), §6.1",
    run: Run::Asks(references),
};

/// What a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Image,
    ImageService,
    Annotations,
    SeeAlso,
    Rendering,
    Homepage,
    Logo,
    Document,
}

fn kind(document: &Named) -> Option<Kind> {
    let class = document.class.trim_start_matches("sc:").trim_start_matches("dctypes:");
    Some(match (document.property.as_str(), class) {
        ("body" | "resource", "Image") => Kind::Image,
        ("service", class) if class.starts_with("ImageService") => Kind::ImageService,
        ("annotations" | "otherContent", _) => Kind::Annotations,
        ("seeAlso", _) => Kind::SeeAlso,
        ("rendering", _) => Kind::Rendering,
        ("homepage" | "related", _) => Kind::Homepage,
        ("logo", _) => Kind::Logo,
        ("items" | "manifests" | "collections" | "members", "Manifest" | "Collection") => Kind::Document,
        _ => return None,
    })
}

/// First, middle and last of each kind, so that the sample is not of one corner.
fn sample(all: &[(Kind, Named)], most: usize) -> Vec<(Kind, Named)> {
    let kinds: BTreeSet<Kind> = all.iter().map(|(kind, _)| *kind).collect();
    let each = most.div_ceil(kinds.len().max(1)).max(1);
    let mut chosen = Vec::new();
    for kind in kinds {
        let of_kind: Vec<_> = all.iter().filter(|(other, _)| *other == kind).collect();
        let take = each.min(of_kind.len());
        for number in 0..take {
            let at = if take == 1 { 0 } else { number * (of_kind.len() - 1) / (take - 1) };
            chosen.push(of_kind[at].clone());
        }
    }
    chosen.truncate(most);
    chosen
}

fn references(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let document = examination.document();
    let mut seen = BTreeSet::new();
    let objects = document::objects(&document.value);
    // A page that has its annotations with it need not be anywhere else.
    let embedded: BTreeSet<&str> = objects
        .iter()
        .filter(|(_, _, object)| object.contains_key("items") || object.contains_key("resources"))
        .map(|(pointer, _, _)| pointer.as_str())
        .collect();
    let all: Vec<(Kind, Named)> = document::named(&document.value)
        .into_iter()
        .filter_map(|named| Some((kind(&named)?, named)))
        .filter(|(kind, named)| {
            let is_embedded = embedded.contains(named.pointer.as_str());
            !(matches!(kind, Kind::Annotations | Kind::Document) && is_embedded)
        })
        .filter(|(_, named)| seen.insert(named.id.clone()))
        .collect();
    let chosen = sample(&all, examination.client.options.sample);
    let mut right = 0;
    for (kind, named) in &chosen {
        right += usize::from(is_there(examination, *kind, named)?);
    }
    if right > 0 {
        let message = format!("{right} of {} references that were followed lead where they say", chosen.len());
        examination.pass(&message, "", &format!("{} references in all", all.len()));
    }
    Ok(())
}

fn is_there(examination: &mut Examination<'_>, kind: Kind, named: &Named) -> Result<bool, ClientError> {
    let Some(address) = Address::parse(&named.id) else {
        examination.error(
            "a reference is no address",
            &named.id,
            &named.pointer,
            "Write a whole http or https address.",
        );
        return Ok(false);
    };
    let is_json = matches!(kind, Kind::ImageService | Kind::Annotations | Kind::Document);
    let url = match kind {
        Kind::ImageService => address.with_path(format!("{}/info.json", address.path.trim_end_matches('/'))),
        _ => address,
    };
    // Pictures and files may be large; whether they are there is told by their headers.
    let method = if is_json { "GET" } else { "HEAD" };
    let answer = match examination.client.send(&Wanted::method(&url, method)) {
        Ok(answer) if method == "HEAD" && matches!(answer.status, 403 | 405 | 501) => examination.client.get(&url)?,
        Ok(answer) => answer,
        Err(ClientError::Failed { reason, .. }) => {
            let message = format!("a reference ({kind:?}) cannot be reached");
            let done = format!("{method} {url}, from {}", named.pointer);
            examination.error(&message, &done, &reason, "See whether the address is right and the server up.");
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let done = format!("{method} {url}, from {}", named.pointer);
    let seen = answer.seen();
    if matches!(answer.status, 401 | 403) {
        examination.note(&format!("a reference ({kind:?}) needs a login"), &done, &seen);
        return Ok(true);
    }
    if !answer.is_success() {
        let remedy = "Mend the reference, or leave it out.";
        let message = format!("a reference ({kind:?}) is answered with status {}", answer.status);
        if matches!(kind, Kind::Homepage | Kind::Rendering | Kind::SeeAlso) {
            examination.warning(&message, &done, &seen, remedy);
        } else {
            examination.error(&message, &done, &seen, remedy);
        }
        return Ok(false);
    }
    if is_json && answer.json().is_none() {
        examination.error(
            &format!("a reference ({kind:?}) leads to no JSON"),
            &done,
            &seen,
            "Answer with the document.",
        );
        return Ok(false);
    }
    if is_json && !examination.client.has_cors(&answer) {
        let remedy = "Send `Access-Control-Allow-Origin: *`.";
        let message = format!("scripts of other sites may not read a reference ({kind:?})");
        examination.error(&message, &done, &seen, remedy);
        return Ok(false);
    }
    if let Some(format) = named.format.as_deref() {
        let given = format.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let came = answer.media_type();
        let json = |kind: &str| matches!(kind, "application/json" | "application/ld+json");
        if !came.is_empty() && given != came && !(json(&given) && json(&came)) {
            let remedy = "Write the `format` in which the resource is sent.";
            let message = format!("a reference ({kind:?}) comes as `{came}`, the document says `{given}`");
            examination.warning(&message, &done, &seen, remedy);
            return Ok(false);
        }
    }
    Ok(true)
}
