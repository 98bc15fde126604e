//! Q2: a manifest has its first sequence within, with canvases that have a size, and images that are painted on them.

use std::collections::HashSet;

use serde_json::Value;

use super::{Class, Findings, Node, Rule, TWO, Tree, bare, id, is_http, kind, named};

pub(super) const RULE: Rule = Rule {
    id: "Q2",
    title: "A manifest embeds its first sequence, whose canvases have a size and images that are painted on them",
    section: "Presentation 2.1 §5.2",
    kinds: TWO,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        match node.class {
            Class::Manifest if node.property.is_empty() => sequences(node, findings),
            Class::Sequence => canvases(tree, node, findings),
            Class::Canvas if is_whole(node) => canvas(tree, node, findings),
            _ => {}
        }
    }
    unique(tree, findings);
    for node in tree.of_class(Class::Annotation).filter(|node| node.property == "images") {
        image(tree, node, findings);
    }
}

/// Not one that is only named: as a member of a range, or by an annotation.
fn is_whole(node: &Node<'_>) -> bool {
    matches!(node.property, "" | "canvases") || node.get("images").is_some() || node.get("height").is_some()
}

fn sequences(node: &Node<'_>, findings: &mut Findings) {
    match node.get("sequences") {
        None => findings.error(
            &*node.pointer,
            "`sequences` of the manifest is missing",
            "embed one sequence with its canvases",
        ),
        Some(Value::Array(list)) if list.is_empty() => {
            findings.error(node.at("sequences"), "`sequences` is empty", "embed one sequence with its canvases");
        }
        Some(Value::Array(_)) => objects(node, "sequences", "a sequence", findings),
        Some(other) => not_a_list(node, "sequences", other, findings),
    }
}

fn not_a_list(node: &Node<'_>, property: &str, value: &Value, findings: &mut Findings) {
    let message = format!("`{property}` is {} and not an array", kind(value));
    findings.error(node.at(property), message, "put its value into `[` and `]`");
}

/// The items of a list are objects, embedded whole.
fn objects(node: &Node<'_>, property: &str, what: &str, findings: &mut Findings) {
    let items = node.get(property).and_then(Value::as_array).into_iter().flatten().enumerate();
    for (index, item) in items.filter(|(_, item)| !item.is_object()) {
        let message = format!("`{property}` has {} where {what} belongs", kind(item));
        findings.error(format!("{}/{index}", node.at(property)), message, format!("embed the whole of {what}"));
    }
}

fn canvases(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    let is_later = node.property == "sequences" && !node.pointer.ends_with("/0");
    match node.get("canvases") {
        Some(_) if is_later => {
            let message = "`canvases` stands in a sequence that is not the first";
            findings.error(node.at("canvases"), message, "name later sequences by `@id`, `@type` and `label` only");
        }
        None if is_later => {}
        None => {
            findings.error(
                &*node.pointer,
                "`canvases` of the sequence is missing",
                "embed the canvases in their order",
            );
        }
        Some(Value::Array(list)) if list.is_empty() => {
            findings.error(node.at("canvases"), "`canvases` is empty", "give the sequence a canvas");
        }
        Some(Value::Array(_)) => objects(node, "canvases", "a canvas", findings),
        Some(other) => not_a_list(node, "canvases", other, findings),
    }
    let own: HashSet<&str> = tree.children(node).filter(|child| child.class == Class::Canvas).filter_map(id).collect();
    if let Some(start) = node.get("startCanvas")
        && !own.is_empty()
        && !named(start).is_some_and(|start| own.contains(start))
    {
        let message = "`startCanvas` names no canvas of the sequence";
        findings.error(node.at("startCanvas"), message, "write the `@id` of one of its canvases");
    }
}

fn unique(tree: &Tree<'_>, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for node in &tree.nodes {
        let counts = node.class == Class::Canvas && node.property == "canvases"
            || node.class == Class::Sequence
            || node.class == Class::Range && node.property == "structures";
        let Some(id) = id(node).filter(|id| counts && !id.is_empty()) else { continue };
        if !seen.insert(id) {
            let message = format!("`@id` {id} is already that of another resource");
            findings.error(node.at("@id"), message, "give each resource an id of its own");
        }
    }
}

fn canvas(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    for property in ["height", "width"] {
        match node.get(property) {
            None => {
                let message = format!("`{property}` of the canvas is missing");
                findings.error(&*node.pointer, message, "give `height` and `width` as whole numbers");
            }
            Some(value) if value.as_u64().is_some_and(|number| number > 0) => {}
            Some(value) => {
                let what = if value.is_number() { value.to_string() } else { kind(value).to_owned() };
                let message = format!("`{property}` of the canvas is {what}");
                findings.error(node.at(property), message, "write a whole number, more than 0, without quotes");
            }
        }
    }
    for property in ["images", "otherContent"] {
        if let Some(other) = node.get(property).filter(|value| !value.is_array()) {
            not_a_list(node, property, other, findings);
        }
    }
    objects(node, "images", "an annotation", findings);
    if node.get("images").is_none() && tree.nodes.len() > 1 {
        let message = "`images` of the canvas is missing, so viewers show nothing";
        findings.warning(&*node.pointer, message, "paint an image on it; an empty list says that there is none");
    }
}

fn image(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    match node.get("motivation") {
        None => {
            let fix = "write `\"motivation\": \"sc:painting\"`";
            findings.error(&*node.pointer, "`motivation` of the image is missing", fix);
        }
        Some(value) => {
            let paints = value == "sc:painting"
                || value.as_array().is_some_and(|all| all.iter().any(|one| one == "sc:painting"));
            if !paints {
                let message = format!("`motivation` of the image is {value}");
                findings.error(node.at("motivation"), message, "write `sc:painting`");
            }
        }
    }
    match node.get("resource") {
        None => findings.error(&*node.pointer, "`resource` of the image is missing", "name the image"),
        Some(Value::Object(_)) => {}
        Some(other) => {
            let message = format!("`resource` of the image is {}", kind(other));
            findings.error(node.at("resource"), message, "write an object with `@id` and `@type`");
        }
    }
    let canvas = tree.above(node).find(|above| above.class == Class::Canvas).and_then(id);
    match node.get("on") {
        None => findings.error(&*node.pointer, "`on` of the image is missing", "write the `@id` of the canvas"),
        Some(on) => {
            let target = named(on).or_else(|| on.get("full").and_then(named));
            if target.is_none() && !on.is_array() {
                let message = format!("`on` of the image is {}, which names no canvas", kind(on));
                findings.error(node.at("on"), message, "write the `@id` of the canvas");
            }
            if let (Some(target), Some(canvas)) = (target, canvas)
                && bare(target) != bare(canvas)
            {
                let message = format!("`on` of the image is {target}, not the canvas that holds it");
                findings.error(node.at("on"), message, format!("write {canvas}"));
            }
        }
    }
    for resource in tree.children(node).filter(|child| child.property == "resource") {
        is_image(tree, resource, findings);
    }
}

/// An image, a part of one, or several of which one is shown.
fn is_image(tree: &Tree<'_>, node: &Node<'_>, findings: &mut Findings) {
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if matches!(node.class, Class::Choice | Class::SpecificResource) {
            open.extend(tree.children(node).filter(|child| matches!(child.property, "default" | "item" | "full")));
            if node.class == Class::Choice {
                for property in ["default", "item"].into_iter().filter(|property| node.get(property).is_none()) {
                    let fix = "give a Choice one `default` and other images as `item`";
                    findings.error(&*node.pointer, format!("`{property}` of the Choice is missing"), fix);
                }
            }
            if node.class == Class::SpecificResource && node.get("full").is_none() {
                findings.error(&*node.pointer, "`full` of the SpecificResource is missing", "name the whole image");
            }
            continue;
        }
        let has_type = |value: &Value| value == "dctypes:Image" || value == "dcTypes:Image";
        let given = node.get("@type");
        let fits =
            given.is_some_and(|given| has_type(given) || given.as_array().is_some_and(|all| all.iter().any(has_type)));
        if !fits {
            let what = given.map_or_else(|| "missing".to_owned(), Value::to_string);
            let at = if given.is_some() { node.at("@type") } else { node.pointer.clone() };
            let fix = "write `dctypes:Image`; other content belongs into a list of `otherContent`";
            findings.error(at, format!("`@type` of what is in `images` is {what}"), fix);
        }
        match id(node) {
            None | Some("") => {
                findings.error(&*node.pointer, "`@id` of the image is missing", "write the URI at which the image is");
            }
            Some(uri) if !is_http(uri) => {
                let message = format!("`@id` of the image is `{uri}`, which is no http or https URI");
                findings.error(node.at("@id"), message, "write a whole URI");
            }
            Some(_) => {}
        }
        for property in ["height", "width"] {
            if let Some(value) = node.get(property).filter(|value| !value.is_u64()) {
                let message = format!("`{property}` of the image is {}", kind(value));
                findings.error(node.at(property), message, "write a whole number, without quotes");
            }
        }
    }
}
