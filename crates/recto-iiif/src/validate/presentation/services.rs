//! P18: a service names itself in the way of its version, and in one way only.

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree, is_http, kind};

pub(super) const RULE: Rule = Rule {
    id: "P18",
    title: "A service names itself in the way of its version, and in one way only",
    section: "Presentation 3.0 §3.3.1 service",
    kinds: THREE_AND_FOUR,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service) {
        let new = ["id", "type"].map(|property| node.get(property).is_some());
        let old = ["@id", "@type"].map(|property| node.get(property).is_some());
        let id = node.text("id").or_else(|| node.text("@id"));
        for property in ["id", "@id", "type", "@type"] {
            if let Some(value) = node.get(property).filter(|value| !value.is_string()) {
                let message = format!("`{property}` of a service is {}", kind(value));
                findings.error(node.at(property), message, "write it as a string");
            }
        }
        match (new, old) {
            ([true, true], [false, false]) | ([false, false], [true, true]) => {}
            ([true, _], [true, _]) | ([_, true], [_, true]) => {
                let message = "a service has `id` and `@id`, or `type` and `@type`";
                findings.error(
                    &*node.pointer,
                    message,
                    "keep `id` and `type`, or `@id` and `@type` for versions before 3",
                );
            }
            // Access services of people outside have no address.
            ([false, true], [false, false]) if node.text("profile") == Some("external") => {}
            ([_, true], [true, _]) | ([true, _], [_, true]) => {
                let message = "a service mixes `id` and `type` with `@id` and `@type`";
                findings.error(
                    &*node.pointer,
                    message,
                    "keep `id` and `type`, or `@id` and `@type` for versions before 3",
                );
            }
            ([false, false], [true, false]) => {
                let fix = "write `@type`, for example `\"@type\": \"ImageService2\"`";
                findings.error(&*node.pointer, "`@type` of a service is missing", fix);
            }
            ([true, false], [false, false]) => {
                let fix = "write `type`, for example `\"type\": \"ImageService3\"`";
                findings.error(&*node.pointer, "`type` of a service is missing", fix);
            }
            _ => findings.error(&*node.pointer, "`id` of a service is missing", "say where it is"),
        }
        if let Some(id) = id {
            let at = if node.get("id").is_some() { node.at("id") } else { node.at("@id") };
            if !is_http(id) {
                findings.error(
                    at,
                    format!("`id` of a service is `{id}`, which is no http or https URI"),
                    "write a whole URI",
                );
            } else if id.ends_with("/info.json") {
                let message = format!("`id` of a service is {id}, the address of its description");
                findings.error(at, message, "leave off `/info.json`");
            }
        }
    }
}
