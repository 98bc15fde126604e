//! Content negotiation: version and media type by `Accept`.

use recto_iiif::presentation::Version;

use super::{Check, Concern, Run};
use crate::{
    client::{ClientError, Wanted},
    examination::Examination,
    subject,
};

pub(super) const NEGOTIATION: Check = Check {
    id: "negotiation",
    concern: Concern::Document,
    title: "content negotiation",
    why: "Viewers of either version ask at one address; who asks for what is not there needs the default, not an error.",
    section: "Presentation API 3.0 §6.3, 2.1 §7.2",
    run: Run::Asks(negotiation),
};

fn negotiation(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let document = examination.document();
    let plain = examination.document().answer;
    let mut versions = vec![document.version];
    let mut varies = String::new();
    for (what, accept) in [
        ("plain JSON", "application/json".to_owned()),
        ("version 2", format!("application/ld+json;profile=\"{}\"", Version::V2.context())),
        ("version 3", format!("application/ld+json;profile=\"{}\"", Version::V3.context())),
        (
            "a version that there is not",
            "application/ld+json;profile=\"http://iiif.io/api/presentation/99/context.json\"".to_owned(),
        ),
    ] {
        let answer = examination.client.send(&Wanted::get(&document.url).header("Accept", accept.clone()))?;
        let done = format!("GET {} with Accept: {accept}", document.url);
        varies.push_str(&answer.all("vary").to_ascii_lowercase());
        let kind = answer.json().as_ref().and_then(subject::kind);
        let Some((_, version)) = kind.filter(|_| answer.status == 200) else {
            let remedy = "Send the default version to those who ask for something else; 404 and 406 break viewers.";
            examination.error(&format!("who asks for {what} gets no document"), &done, &answer.seen(), remedy);
            continue;
        };
        let seen = format!("{} · Presentation API {version}", answer.summary());
        versions.push(version);
        if what == "plain JSON" && answer.media_type() != "application/json" {
            let remedy = "Send `application/json` to those who ask for it.";
            examination.warning("who asks for plain JSON gets another media type", &done, &seen, remedy);
        } else {
            examination.pass(&format!("who asks for {what} gets a document"), &done, &seen);
        }
    }
    versions.sort_unstable();
    versions.dedup();
    let done = format!("GET {} with several Accept headers", document.url);
    if versions.len() > 1 && !varies.contains("accept") {
        let remedy = "Send `Vary: Accept`.";
        let message = "the version depends on `Accept`, and the answers do not say so; caches mix the versions up";
        examination.error(message, &done, &plain.summary(), remedy);
    }
    Ok(())
}
