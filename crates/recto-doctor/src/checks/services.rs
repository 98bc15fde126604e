//! Search and login services, and what viewers in use make of their descriptions.

use serde_json::{Map, Value};

use super::{Check, Concern, Run};
use crate::{
    address::Address,
    client::ClientError,
    document::{self, first_text, text},
    examination::Examination,
};

pub(super) const SEARCH: Check = Check {
    id: "search",
    concern: Concern::Document,
    title: "search services",
    why: "Viewers offer a search where there is a service, and fail in front of the reader when its answer has another shape.",
    section: "Content Search 2.0 §3, 1.0 §3",
    run: Run::Asks(search),
};

pub(super) const LOGIN: Check = Check {
    id: "login",
    concern: Concern::Document,
    title: "login services",
    why: "A probe or login description that is not as viewers read it leaves readers before a blank page.",
    section: "Authorization Flow 2.0 §5, Authorization 1.0 §2",
    run: Run::Asks(login),
};

pub(super) const VIEWERS: Check = Check {
    id: "viewers",
    concern: Concern::Document,
    title: "trouble with viewers in use",
    why: "These forms are allowed, and the viewers that most readers use show nothing or less for them.",
    section: "no specification; Mirador 4.0, Universal Viewer 4.4",
    run: Run::Looks(viewers),
};

/// A service with the place where it stands.
struct Service<'v> {
    pointer: String,
    object: &'v Map<String, Value>,
    class: &'v str,
    profile: &'v str,
}

fn services(document: &Value) -> Vec<Service<'_>> {
    let all = document::objects(document);
    let services = all.into_iter().filter(|(_, property, _)| matches!(*property, "service" | "services"));
    services
        .map(|(pointer, _, object)| Service {
            pointer,
            object,
            class: text(object, &["type", "@type"]).unwrap_or_default(),
            profile: object.get("profile").map(first_text).unwrap_or_default(),
        })
        .collect()
}

/// The version of Content Search that a service is of.
fn search_version(service: &Service<'_>) -> Option<u8> {
    let context = service.object.get("@context").map(first_text).unwrap_or_default();
    let autocomplete = service.class.contains("AutoComplete") || service.profile.contains("autocomplete");
    match () {
        () if autocomplete => None,
        () if service.class == "SearchService2" || service.profile.contains("/search/2/") => Some(2),
        () if service.class == "SearchService1"
            || ["/search/1/", "/search/0/"].iter().any(|part| service.profile.contains(part))
            || context.contains("/search/1/") =>
        {
            Some(1)
        }
        () => None,
    }
}

fn search(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let document = examination.document();
    let mut versions = Vec::new();
    for service in services(&document.value) {
        let Some(version) = search_version(&service) else { continue };
        if versions.contains(&version) {
            continue;
        }
        versions.push(version);
        let place = format!("the service at {}", service.pointer);
        let Some(id) = text(service.object, &["id", "@id"]) else {
            examination.error("a search service has no id", &place, "", "Write its address.");
            continue;
        };
        if id.contains('?') {
            let remedy = "Choose an address without a query; viewers append `?q=` to it.";
            examination.viewer("the address of a search service has a query", &place, id, remedy);
        }
        let Some(url) = Address::parse(id) else {
            examination.error("the id of a search service is no address", &place, id, "Write a whole address.");
            continue;
        };
        let url = url.with_path(format!("{}{}q=a", url.path, if url.path.contains('?') { '&' } else { '?' }));
        let answer = examination.client.get(&url)?;
        let done = format!("GET {url}");
        let value = answer.json();
        let is_there = |name: &str| value.as_ref().and_then(|value| value.get(name)).is_some_and(Value::is_array);
        let shaped = if version == 2 { is_there("items") } else { is_there("resources") };
        let class = value.as_ref().and_then(Value::as_object).and_then(|object| text(object, &["type", "@type"]));
        if !answer.is_success() || value.is_none() {
            let remedy = "Answer any query with JSON, an empty list where nothing is found.";
            examination.error("a search is not answered with JSON", &done, &answer.seen(), remedy);
        } else if !shaped {
            let list =
                if version == 2 { "an AnnotationPage with `items`" } else { "an AnnotationList with `resources`" };
            let seen = format!("{} · type {}", answer.seen(), class.unwrap_or("none"));
            let remedy = format!("Answer with {list}.");
            examination.error(
                &format!("a search of version {version} is answered in another shape"),
                &done,
                &seen,
                &remedy,
            );
        } else if !examination.client.has_cors(&answer) {
            let remedy = "Send `Access-Control-Allow-Origin: *`.";
            examination.error("scripts of other sites may not read search results", &done, &answer.seen(), remedy);
        } else {
            examination.pass(
                &format!("a search of version {version} is answered in its shape"),
                &done,
                &answer.summary(),
            );
            targets(examination, version, value.as_ref(), &done);
        }
    }
    if versions == [2] {
        let remedy = "Offer version 1 beside it: `@context`, `@id` and `profile` `http://iiif.io/api/search/1/search`.";
        examination.viewer(
            "there is a search of version 2 alone, which Mirador and Universal Viewer do not see",
            "",
            "",
            remedy,
        );
    }
    Ok(())
}

/// Both viewers read the target of a hit as a string with whole numbers.
fn targets(examination: &mut Examination<'_>, version: u8, value: Option<&Value>, done: &str) {
    if version != 1 {
        return;
    }
    let resources = value.and_then(|value| value.get("resources")).and_then(Value::as_array);
    let bad = resources.into_iter().flatten().find_map(|resource| {
        let on = resource.get("on")?;
        let whole = on.as_str().is_some_and(|on| {
            on.split_once("#xywh=").is_some_and(|(_, numbers)| {
                numbers.split(',').all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
            })
        });
        (!whole).then(|| on.to_string())
    });
    if let Some(on) = bad {
        let remedy = "Write `on` as a string: the Canvas with `#xywh=` and whole numbers.";
        examination.viewer("the target of a search result is not a string with a whole `#xywh=`", done, &on, remedy);
    }
}

fn login(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let document = examination.document();
    let mut asked = false;
    for service in services(&document.value) {
        let place = format!("the service at {}", service.pointer);
        if service.class != "AuthProbeService2" {
            continue;
        }
        if service.profile.is_empty() && is_within_image_service(&document.value, &service.pointer) {
            let remedy =
                "Give the probe service a `profile` string that begins otherwise than the Authorization 1 URIs.";
            let message = "a probe service within an image service has no `profile`; Mirador 4 shows a blank page";
            examination.viewer(message, &place, service.class, remedy);
        }
        if asked {
            continue;
        }
        let Some(url) = text(service.object, &["id", "@id"]).and_then(Address::parse) else {
            examination.error("a probe service has no address", &place, "", "Write its address as the id.");
            continue;
        };
        asked = true;
        let answer = examination.client.get(&url)?;
        let done = format!("GET {url} without a token");
        let value = answer.json();
        let class = value.as_ref().and_then(|value| value.get("type")).and_then(Value::as_str).unwrap_or_default();
        let status = value.as_ref().and_then(|value| value.get("status")).and_then(Value::as_u64);
        if answer.status == 200 && class == "AuthProbeResult2" && status.is_some() {
            examination.pass("the probe service answers with its verdict", &done, &answer.seen());
        } else {
            let remedy = "Answer 200 with `{\"type\": \"AuthProbeResult2\", \"status\": 401, …}`.";
            examination.error("the probe service does not answer with a verdict", &done, &answer.seen(), remedy);
        }
    }
    Ok(())
}

fn is_within_image_service(document: &Value, pointer: &str) -> bool {
    let mut above = pointer;
    while let Some((up, _)) = above.rsplit_once('/') {
        above = up;
        let object = document.pointer(above).and_then(Value::as_object);
        if object.is_some_and(document::is_image_service) {
            return true;
        }
    }
    false
}

fn viewers(examination: &mut Examination<'_>) {
    let document = examination.document();
    let done = format!("GET {}", document.url);
    for service in services(&document.value) {
        if service.pointer.starts_with("/services") && service.profile.is_empty() {
            let remedy = "Move it to `service`, or give it a `profile` string.";
            let message = "a service in the top-level `services` has no `profile`; Mirador 4 shows blank pages";
            examination.viewer(message, &service.pointer, service.class, remedy);
        }
        if service.class == "SearchService2" && service.profile.contains("/search/2/search") {
            let remedy = "Leave the profile of a SearchService2 away.";
            let message = "a search of version 2 has a profile by which Universal Viewer finds it; it does not understand the answer";
            examination.viewer(message, &service.pointer, service.profile, remedy);
        }
    }
    for (pointer, property, object) in document::objects(&document.value) {
        let empty = object.get("items").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if property == "annotations" && empty {
            let remedy = "Leave `items` away where the page is to be fetched.";
            examination.viewer(
                "a page of annotations has empty `items`; Mirador does not fetch it",
                &pointer,
                "",
                remedy,
            );
            break;
        }
    }
    if document.url.path.contains('?') {
        let remedy = "Give documents addresses without a query.";
        let message = "the address has a query; viewers append `?manifest=` to it when it is dragged";
        examination.viewer(message, &done, &document.url.to_string(), remedy);
    }
    if examination.is_clean() {
        examination.pass("nothing was found that viewers in use trip over", &done, "");
    }
}
