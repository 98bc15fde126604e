//! Authorization Flow 2.0.

use super::{Class, Findings, Node, Part, Tree, contexts};

const CONTEXT: &str = "http://iiif.io/api/auth/2/context.json";
const ACCESS: &str = "AuthAccessService2";
const ERRORS: [&str; 6] =
    ["invalidRequest", "invalidOrigin", "missingAspect", "invalidAspect", "expiredAspect", "unavailable"];

fn services<'d>(tree: &Tree<'d>, name: &str) -> Vec<Part<'d>> {
    let is_one = |node: &&Node<'d>| node.text("type") == Some(name);
    tree.of_class(Class::Service).filter(is_one).filter_map(|node| node.part(tree)).collect()
}

/// A note stands with its heading, and both are language maps.
fn heading_and_note(part: &Part<'_>, heading: &str, note: &str, findings: &mut Findings) {
    findings.languages(part, heading);
    findings.languages(part, note);
    if part.has(note) && !part.has(heading) {
        findings.error(part.at(note), format!("`{note}` stands without `{heading}`"), format!("write `{heading}` too"));
    }
}

pub(super) fn probes(tree: &Tree<'_>, findings: &mut Findings) {
    for probe in services(tree, "AuthProbeService2") {
        findings.need(&probe, "id", "say where the probe is");
        heading_and_note(&probe, "errorHeading", "errorNote", findings);
        if findings.need(&probe, "service", "list the access services").is_none() {
            continue;
        }
        let access = findings.array(&probe, "service");
        if access.is_empty() && probe.get("service").is_some_and(|found| found.value.is_array()) {
            findings.error(probe.at("service"), "`service` of the probe is empty", "list the access services");
        }
        for service in access {
            findings.need_one_of(&service, "type", &[ACCESS]);
        }
    }
}

pub(super) fn context(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let names = root.object().map(contexts).unwrap_or_default();
    let is_alone = tree.nodes.first().is_some_and(|node| node.class == Class::Service);
    let is_message = root.kind().is_some_and(|kind| kind.starts_with("Auth"));
    let has_services = tree
        .of_class(Class::Service)
        .any(|node| node.kind().is_some_and(|kind| kind.starts_with("AuthProbe") && kind.ends_with('2')));
    if is_message && !is_alone && !names.contains(&CONTEXT) {
        findings.error(root.at("@context"), format!("`@context` is not `{CONTEXT}`"), "name it");
    }
    let is_older = root.has("@id") && !root.has("id");
    if is_alone || is_message || is_older || !has_services {
        return;
    }
    match names.iter().position(|name| *name == CONTEXT) {
        None => {
            let message = "`@context` lacks that of Authorization Flow 2.0, whose services are in the document";
            findings.error("/@context", message, format!("write `{CONTEXT}` first in the list"));
        }
        Some(at) if at + 1 == names.len() && names.len() > 1 => {
            let message = "`@context` of Authorization Flow 2.0 stands last";
            findings.error("/@context", message, "put it before the context of the document");
        }
        Some(_) => {}
    }
    for node in tree.of_class(Class::Service).filter(|node| node.text("@context") == Some(CONTEXT)) {
        let message = "`@context` of Authorization Flow 2.0 stands within the service";
        findings.warning(node.at("@context"), message, "leave it to the top of the document");
    }
}

pub(super) fn access(tree: &Tree<'_>, findings: &mut Findings) {
    for service in services(tree, ACCESS) {
        findings.need_one_of(&service, "profile", &["active", "kiosk", "external"]);
        let profile = service.text("profile").unwrap_or_default();
        if profile == "external" {
            if service.has("id") {
                let message = "`id` of an external access service is not used";
                findings.warning(service.at("id"), message, "take it away");
            }
        } else {
            findings.need(&service, "id", "say where people are let in");
        }
        if profile == "active" {
            findings.need(&service, "label", "name the institution for people");
        }
        for property in ["label", "confirmLabel", "heading", "note"] {
            findings.languages(&service, property);
        }
        if profile == "active" && !service.has("heading") && !service.has("note") {
            let message = "`heading` and `note` of the access service are missing";
            findings.warning(service.pointer, message, "tell people what happens");
        }
    }
    for service in services(tree, "AuthAccessTokenService2") {
        findings.need(&service, "id", "say where tokens come from");
        heading_and_note(&service, "errorHeading", "errorNote", findings);
    }
    for service in services(tree, "AuthLogoutService2") {
        findings.need(&service, "id", "say where people log out");
        findings.need(&service, "label", "name the institution for people");
        findings.languages(&service, "label");
    }
}

pub(super) fn related(tree: &Tree<'_>, findings: &mut Findings) {
    for service in services(tree, ACCESS) {
        if findings.need(&service, "service", "add the token service").is_none() {
            continue;
        }
        let related = findings.array(&service, "service");
        let count = |name: &str| related.iter().filter(|service| service.kind() == Some(name)).count();
        if count("AuthAccessTokenService2") != 1 {
            let message = format!("`service` has {} token services", count("AuthAccessTokenService2"));
            findings.error(service.at("service"), message, "give it one of type AuthAccessTokenService2");
        }
        if count("AuthLogoutService2") > 1 {
            findings.error(service.at("service"), "`service` has more than one to log out", "keep one of them");
        }
    }
}

pub(super) fn https(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service) {
        let is_one = node.kind().is_some_and(|kind| kind.starts_with("Auth") && kind.ends_with('2'));
        let Some(id) = node.text("id").filter(|_| is_one && node.text("profile") != Some("external")) else { continue };
        let rest = id.strip_prefix("http://").unwrap_or_default();
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        let is_here = matches!(host, "localhost" | "127.0.0.1") || rest.starts_with("[::1]");
        if !id.starts_with("https://") && !is_here {
            findings.error(node.at("id"), format!("`id` is {id}, which is no https URI"), "serve it by https");
        }
    }
}

/// The document, where it is of this type.
fn message<'d>(tree: &Tree<'d>, name: &str) -> Option<Part<'d>> {
    let root = tree.root();
    (root.kind() == Some(name)).then_some(root)
}

fn message_id(root: &Part<'_>, findings: &mut Findings) {
    findings.need(root, "messageId", "send back what the client sent");
    findings.string(root, "messageId");
}

pub(super) fn token(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = message(tree, "AuthAccessToken2") else { return };
    message_id(&root, findings);
    findings.need(&root, "accessToken", "give the token for the probe");
    findings.string(&root, "accessToken");
    findings.whole(&root, "expiresIn", 1);
}

pub(super) fn token_error(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = message(tree, "AuthAccessTokenError2") else { return };
    findings.need_one_of(&root, "profile", &ERRORS);
    message_id(&root, findings);
}

/// The status that a probe says, where there is one.
fn said(root: &Part<'_>) -> Option<u64> {
    root.value.get("status")?.as_u64().filter(|status| (100..600).contains(status))
}

pub(super) fn status(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = message(tree, "AuthProbeResult2") else { return };
    if let Some(found) = findings.need(&root, "status", "give the status of HTTP that the resource would answer")
        && said(&root).is_none()
    {
        findings.wrong(&found, "status", "write a status of HTTP as a number, for example 401");
    }
}

fn is_redirect(status: u64) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

pub(super) fn location(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = message(tree, "AuthProbeResult2") else { return };
    let redirects = said(&root).is_some_and(is_redirect);
    match root.get("location") {
        None if redirects => findings.missing(&root, "location", "say what to ask for instead"),
        None => {}
        Some(found) if !redirects => {
            let message = "`location` is given, yet `status` is no redirect";
            findings.error(&*found.pointer, message, "take it away, or write a status of 30x");
        }
        Some(found) if !found.value.is_object() => {
            findings.wrong(&found, "location", "write an object with `id` and `type`");
        }
        Some(found) => {
            for property in ["id", "type"] {
                findings.need(&found, property, "say what it is and where");
            }
        }
    }
}

pub(super) fn substitute(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = message(tree, "AuthProbeResult2").filter(|root| root.has("substitute")) else { return };
    if said(&root).is_some_and(|status| status < 400) {
        let message = "`substitute` is given, yet `status` lets the client in";
        findings.error("/substitute", message, "take it away");
    }
    for item in findings.array(&root, "substitute") {
        for property in ["id", "type"] {
            findings.need(&item, property, "say what it is and where");
        }
        findings.languages(&item, "label");
    }
}

pub(super) fn texts(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if !matches!(root.kind(), Some("AuthProbeResult2" | "AuthAccessTokenError2")) {
        return;
    }
    heading_and_note(&root, "heading", "note", findings);
    let denies = said(&root).is_some_and(|status| status >= 400);
    if denies && !root.has("heading") {
        findings.warning("", "`heading` is missing", "tell people why they are not let in");
    }
}
