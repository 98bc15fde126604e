//! Q9: what is linked is named by a URI, and content and services have what clients need of them.

use serde_json::Value;

use super::{Class, Findings, Node, Rule, TWO, Tree, is_http, kind};

pub(super) const RULE: Rule = Rule {
    id: "Q9",
    title: "What is linked is named by a URI; content has what its type needs, and services a context and a profile",
    section: "Presentation 2.1 §3.4",
    kinds: TWO,
    check,
};

const LINKS: [&str; 8] = ["thumbnail", "license", "logo", "seeAlso", "within", "related", "rendering", "service"];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        if node.class != Class::Service {
            for property in LINKS {
                links(node, property, findings);
            }
        }
        match node.class {
            Class::Service => service(tree, node, findings),
            Class::Content if matches!(node.property, "resource" | "default" | "item" | "full") => {
                content(node, findings);
            }
            _ => {}
        }
    }
}

fn links(node: &Node<'_>, property: &str, findings: &mut Findings) {
    let Some(value) = node.get(property) else { return };
    let several = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    for (index, value) in several.iter().enumerate() {
        let at = if several.len() > 1 || node.get(property).is_some_and(Value::is_array) {
            format!("{}/{index}", node.at(property))
        } else {
            node.at(property)
        };
        match value {
            Value::String(uri) if is_http(uri) => {}
            // An empty string is what many systems write where nothing is known.
            Value::String(uri) if uri.is_empty() => {
                findings.warning(at, format!("`{property}` is empty"), "take it away");
            }
            Value::String(uri) => {
                let fix = "write a URI, and texts into `attribution`";
                findings.error(at, format!("`{property}` is `{uri}`, which is no http or https URI"), fix);
            }
            Value::Object(object) => {
                // Layers of a search, and services of people outside, have no address.
                let may_lack = property == "service" || property == "within" && object.contains_key("@type");
                match object.get("@id") {
                    None if may_lack => {}
                    None => findings.error(at, format!("`@id` of this `{property}` is missing"), "say where it is"),
                    Some(Value::String(_)) => {}
                    Some(other) => findings.error(
                        at,
                        format!("`@id` of this `{property}` is {}", kind(other)),
                        "write it as a string",
                    ),
                }
            }
            other => {
                findings.error(at, format!("`{property}` is {}", kind(other)), "write a URI, or an object with `@id`");
            }
        }
    }
}

fn service(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    let profile = node.text("profile").unwrap_or_default();
    let is_outside = profile.ends_with("/external");
    match node.text("@id") {
        Some(id) if id.ends_with("/info.json") => {
            let message = format!("`@id` of the service is {id}, the address of its description");
            findings.error(node.at("@id"), message, "leave off `/info.json`");
        }
        Some(id) if is_http(id) => {}
        Some(id) => {
            let message = format!("`@id` of the service is `{id}`, which is no http or https URI");
            findings.error(node.at("@id"), message, "write a whole URI");
        }
        None if is_outside => {}
        // Descriptions that are embedded whole have no address of their own.
        None if node.get("@context").is_some() && node.value.len() > 2 => {
            findings.warning(&*node.pointer, "`@id` of the service is missing", "say where it is");
        }
        None => findings.error(&*node.pointer, "`@id` of the service is missing", "say where it is"),
    }
    let is_inner = tree.parent(node).is_some_and(|above| above.class == Class::Service);
    if !is_inner && node.get("@context").is_none() {
        let message = "`@context` of the service is missing, so clients do not know what it is";
        findings.warning(&*node.pointer, message, "write the context of its API");
    }
    for property in ["@context", "profile"] {
        if let Some(value) =
            node.get(property).filter(|value| !value.is_string() && !value.is_array() && !value.is_object())
        {
            let message = format!("`{property}` of the service is {}", kind(value));
            findings.error(node.at(property), message, "write a URI");
        }
    }
    if node.get("profile").is_none() {
        findings.warning(&*node.pointer, "`profile` of the service is missing", "write the profile of its API");
    }
}

fn content(node: &Node<'_>, findings: &mut Findings) {
    let Some(given) = node.get("@type") else {
        return findings.error(
            &*node.pointer,
            "`@type` of the content is missing",
            "say what it is, for example `dctypes:Text`",
        );
    };
    let names: Vec<&str> = match given {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if names.is_empty() {
        return findings.error(node.at("@type"), format!("`@type` is {}", kind(given)), "write it as a string");
    }
    if !names.iter().any(|name| name.contains(':')) {
        let message = format!("`@type` is {given}, a word without a prefix");
        findings.error(node.at("@type"), message, "write it with its prefix, for example `dctypes:Image`");
    }
    for property in ["format", "chars"] {
        if let Some(value) = node.get(property).filter(|value| !value.is_string()) {
            let message = format!("`{property}` of the content is {}", kind(value));
            findings.error(node.at(property), message, "write it as one string");
        }
    }
    let is_text = names.contains(&"cnt:ContentAsText");
    let needs = if is_text { "chars" } else { "@id" };
    // Tags and the like are told by their `chars` too.
    let has = node.get(needs).is_some() || !is_text && node.get("chars").is_some();
    if !has {
        findings.error(
            &*node.pointer,
            format!("`{needs}` of the content is missing"),
            "write its text, or where it is",
        );
    }
}
