//! Authentication 1.0.

use super::{Class, DocumentKind, Findings, Node, Part, Tree, contexts, is_http};

const CONTEXT: &str = "http://iiif.io/api/auth/1/context.json";
const PROFILES: [&str; 4] = ["login", "clickthrough", "kiosk", "external"];
const ERRORS: [&str; 5] =
    ["invalidRequest", "missingCredentials", "invalidCredentials", "invalidOrigin", "unavailable"];

/// The last word of a profile of version 1.
fn word<'d>(node: &Node<'d>) -> Option<&'d str> {
    node.text("profile")?.strip_prefix("http://iiif.io/api/auth/1/")
}

pub(super) fn services(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service) {
        let Some(part) = node.part(tree) else { continue };
        match word(node) {
            Some("token" | "logout" | "probe") => {
                address(&part, findings);
                if word(node) == Some("logout") {
                    label(&part, "of the service to log out", findings);
                }
            }
            Some(profile) if PROFILES.contains(&profile) => access(tree, &part, profile, findings),
            Some(profile) => {
                let fix = "end it with one of login, clickthrough, kiosk, external, token, logout";
                findings.error(node.at("profile"), format!("`profile` ends with `{profile}`, which is unknown"), fix);
            }
            None => {}
        }
    }
}

fn address(part: &Part<'_>, findings: &mut Findings) {
    match part.id() {
        None => findings.missing(part, "@id", "say where the service is"),
        Some(id) if !is_http(id) => {
            findings.error(
                &*part.pointer,
                format!("`@id` is `{id}`, which is no http or https URI"),
                "write a whole URI",
            );
        }
        Some(_) => {}
    }
}

fn label(part: &Part<'_>, of: &str, findings: &mut Findings) {
    if !part.has("label") {
        findings.error(&*part.pointer, format!("`label` {of} is missing"), "name the institution for people");
    }
}

fn access(tree: &Tree<'_>, part: &Part<'_>, profile: &str, findings: &mut Findings) {
    let named = part.text("@context") == Some(CONTEXT);
    let hoisted = tree.root().object().map(contexts).unwrap_or_default().contains(&CONTEXT);
    if !named && !hoisted {
        let fix = format!("write `\"@context\": \"{CONTEXT}\"`");
        let message = "`@context` of the access service is missing or another";
        // Presentation 3.0 §4.6 has such services by their `@type` alone.
        if tree.kind == DocumentKind::Presentation3 && part.has("@type") && !part.has("@context") {
            findings.warning(&*part.pointer, message, fix);
        } else {
            findings.error(part.at("@context"), message, fix);
        }
    }
    if profile != "external" {
        address(part, findings);
    }
    label(part, "of the access service", findings);
    let related = part.list("service");
    let is_token = |service: &&Part<'_>| service.text("profile") == Some("http://iiif.io/api/auth/1/token");
    if related.iter().filter(is_token).count() != 1 {
        let message = "`service` of the access service does not have one token service";
        findings.error(part.at("service"), message, "add one, with `profile` `http://iiif.io/api/auth/1/token`");
    }
    for property in ["confirmLabel", "header", "description"] {
        if !part.has(property) && profile != "external" && profile != "kiosk" {
            findings.warning(
                &*part.pointer,
                format!("`{property}` of the access service is missing"),
                "tell people what happens",
            );
        }
    }
}

pub(super) fn token(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if root.has("accessToken") {
        findings.string(&root, "accessToken");
        findings.whole(&root, "expiresIn", 1);
        findings.string(&root, "messageId");
    } else if root.has("error") {
        findings.need_one_of(&root, "error", &ERRORS);
        if !root.has("description") {
            findings.error("", "`description` of the error is missing", "tell people what went wrong");
        }
    }
}
