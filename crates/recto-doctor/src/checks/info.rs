//! The image information: is it there, is it whole, is it what was asked for?

use recto_iiif::image::{ApiVersion, PROTOCOL};
use serde_json::Value;

use super::{Check, Concern, Run};
use crate::{
    address::Address,
    client::{ClientError, Wanted},
    examination::Examination,
    service::contexts,
};

pub(super) const ANSWER: Check = Check {
    id: "info-answer",
    concern: Concern::Image,
    title: "the image information",
    why: "Viewers decide by these properties what to ask for; without them they show nothing or guess.",
    section: "Image API 3.0 §5, 2.1 §5",
    run: Run::Looks(answer),
};

pub(super) const IDENTITY: Check = Check {
    id: "info-id",
    concern: Concern::Image,
    title: "the id of the image information",
    why: "Viewers build all image requests on the id. Mirador takes an id that differs from the address it asked for as a \
          restricted version and starts a login; others ask a host that may not be there.",
    section: "Image API 3.0 §5.2, §2.1",
    run: Run::Looks(identity),
};

pub(super) const REDIRECT: Check = Check {
    id: "base-redirect",
    concern: Concern::Image,
    title: "the base URI",
    why: "The base URI names the image; people and programs that follow it are to find its information.",
    section: "Image API 3.0 §2.1, compliance §4 (baseUriRedirect)",
    run: Run::Asks(redirect),
};

pub(super) const MEDIA_TYPE: Check = Check {
    id: "info-media-type",
    concern: Concern::Image,
    title: "the media type of the image information",
    why: "Programs that read JSON-LD ask for it by name.",
    section: "Image API 3.0 §5.1, compliance §4 (jsonldMediaType)",
    run: Run::Asks(media_type),
};

fn answer(examination: &mut Examination<'_>) {
    let (service, answer) = (examination.image(), examination.info());
    let done = format!("GET {}/info.json", service.base);
    let seen = answer.seen();
    if answer.status != 200 {
        let remedy = "Answer 200, or 401 with the same document where a login is needed.";
        examination.warning("the image information came with another status than 200", &done, &seen, remedy);
    }
    if !answer.is_json_type() {
        let remedy = "Send `Content-Type: application/ld+json` or `application/json`.";
        examination.warning("the image information is not sent as JSON", &done, &seen, remedy);
    }
    let text = |name: &str| service.document.get(name).and_then(Value::as_str);
    if text("protocol") != Some(PROTOCOL) {
        let remedy = format!("Write `\"protocol\": \"{PROTOCOL}\"`.");
        examination.error("`protocol` is missing or another", &done, text("protocol").unwrap_or("nothing"), &remedy);
    }
    let known = ApiVersion::ALL.map(ApiVersion::context);
    let given = contexts(&service.document);
    if !given.last().is_some_and(|last| known.contains(last)) {
        let remedy = format!("Write `\"@context\": \"{}\"` (last, if there are several).", service.version.context());
        examination.error("`@context` is not that of Image API 2 or 3", &done, &given.join(", "), &remedy);
    }
    if service.level.is_none() {
        let remedy = match service.version {
            ApiVersion::V2 => {
                "Write `\"profile\": [\"http://iiif.io/api/image/2/level2.json\"]` with the level that is kept."
            }
            ApiVersion::V3 => "Write `\"profile\": \"level2\"` with the level that is kept.",
        };
        let profile = service.document.get("profile").map(Value::to_string).unwrap_or_default();
        examination.error("`profile` names no compliance level", &done, &profile, remedy);
    }
    if service.version == ApiVersion::V3 && text("type") != Some("ImageService3") {
        let remedy = "Write `\"type\": \"ImageService3\"`.";
        examination.error("`type` is missing or another", &done, text("type").unwrap_or("nothing"), remedy);
    }
    if examination.is_clean() {
        examination.pass("the image information is whole", &done, &answer.summary());
    }
}

fn identity(examination: &mut Examination<'_>) {
    let service = examination.image();
    let done = format!("GET {}/info.json", service.base);
    let name = match service.version {
        ApiVersion::V2 => "@id",
        ApiVersion::V3 => "id",
    };
    let Some(id) = &service.id else {
        examination.error(
            "the image information has no id",
            &done,
            "",
            &format!("Write `\"{name}\": \"{}\"`.", service.base),
        );
        return;
    };
    let asked = service.base.to_string();
    if *id == asked {
        examination.pass("the id is the address that was asked for", &done, id);
    } else if Address::parse(id).is_some_and(|address| address == service.base) {
        let remedy = format!("Write the id exactly as it is asked for: `{asked}`.");
        examination.viewer("the id is the address that was asked for, spelled otherwise", &done, id, &remedy);
    } else {
        let remedy = format!(
            "Write `{asked}`. Behind a proxy the server has to be told its public address, or read Forwarded or X-Forwarded-* headers."
        );
        examination.error("the id is not the address that was asked for", &done, id, &remedy);
    }
    if id.ends_with('/') || id.ends_with("/info.json") {
        let remedy = "End the id with the identifier.";
        examination.error("the id ends with a slash or with `/info.json`", &done, id, remedy);
    }
}

fn redirect(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let done = format!("GET {}", service.base);
    let answer = examination.client.send(&Wanted::get(&service.base).without_redirects())?;
    let location = answer.header("location").unwrap_or_default().to_owned();
    let seen = format!("{} · Location: {location}", answer.summary());
    let is_redirect = (300..400).contains(&answer.status);
    let leads = service.base.join(&location) == Some(service.address("info.json"));
    let works = is_redirect && leads;
    examination.set_feature("baseUriRedirect", Some(1), Some(works));
    let remedy = "Answer 303 with `Location: …/info.json`.";
    if works && answer.status == 303 {
        examination.pass("the base URI leads to the image information", &done, &seen);
    } else if works {
        let message = "the base URI leads to the image information, with another status than 303";
        examination.note(message, &done, &seen);
    } else if service.is_level_0() {
        examination.note(
            "the base URI does not lead to the image information; level 0 does not ask for it",
            &done,
            &seen,
        );
    } else {
        examination.error("the base URI does not lead to the image information", &done, &seen, remedy);
    }
    if is_redirect && !examination.client.has_cors(&answer) {
        let remedy = "Send `Access-Control-Allow-Origin: *` with redirects too.";
        examination.viewer("the redirect has no CORS header, so scripts cannot follow it", &done, &seen, remedy);
    }
    Ok(())
}

fn media_type(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let url = service.address("info.json");
    let mut works = true;
    for wanted in ["application/ld+json", "application/json"] {
        let answer = examination.client.send(&Wanted::get(&url).header("Accept", wanted))?;
        let done = format!("GET {url} with Accept: {wanted}");
        let seen = answer.summary();
        if answer.media_type() == wanted {
            examination.pass(&format!("`{wanted}` is sent when it is asked for"), &done, &seen);
        } else if wanted == "application/ld+json" {
            works = false;
            let message = "JSON-LD is not sent when it is asked for";
            let remedy = "Send `Content-Type: application/ld+json` to those who ask for it.";
            if service.is_level_0() {
                examination.note(message, &done, &seen);
            } else {
                examination.error(message, &done, &seen, remedy);
            }
        } else if answer.is_success() && answer.is_json_type() {
            examination.note("plain JSON is not sent when it is asked for; JSON-LD comes instead", &done, &seen);
        } else {
            let remedy = "Send `application/json` to those who ask for it, never an error.";
            examination.warning("who asks for plain JSON does not get it", &done, &seen, remedy);
        }
    }
    examination.set_feature("jsonldMediaType", Some(1), Some(works));
    Ok(())
}
