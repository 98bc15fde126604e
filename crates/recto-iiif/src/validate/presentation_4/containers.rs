//! V1: containers are timelines, canvases and scenes, each with its dimensions.

use super::{Class, FOUR, Findings, Node, Part, Rule, Tree, contexts, number};

pub(super) const RULE: Rule = Rule {
    id: "V1",
    title: "A manifest holds timelines, canvases and scenes, each with its dimensions and pages of annotations",
    section: "Presentation 4.0",
    kinds: FOUR,
    check,
};

const CONTEXT: &str = "http://iiif.io/api/presentation/4/context.json";
const CONTAINERS: [&str; 3] = ["Canvas", "Timeline", "Scene"];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    context(tree, findings);
    for node in &tree.nodes {
        let Some(part) = node.part(tree) else { continue };
        match node.class {
            Class::Manifest if node.property.is_empty() => manifest(&part, findings),
            Class::Collection => collection(node, &part, findings),
            Class::Canvas | Class::Timeline | Class::Scene if is_whole(tree, node) => container(node, &part, findings),
            _ => {}
        }
        for (old, new) in
            [("placeholderCanvas", "placeholderContainer"), ("accompanyingCanvas", "accompanyingContainer")]
        {
            if part.has(old) {
                let message = format!("`{old}` is of Presentation 3; in 4.0 it is `{new}`");
                findings.warning(part.at(old), message, format!("write `{new}`"));
            }
            if let Some(found) = part.get(new) {
                findings.need_one_of(&found, "type", &CONTAINERS);
                findings.need_uri(&found, "id");
            }
        }
    }
}

fn context(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if tree.nodes.first().is_some_and(|node| {
        matches!(node.class, Class::Annotation | Class::AnnotationPage | Class::AnnotationCollection)
    }) && !root.has("@context")
    {
        return;
    }
    let names = root.object().map(contexts).unwrap_or_default();
    match names.iter().position(|name| *name == CONTEXT) {
        None => findings.error(
            root.at("@context"),
            "`@context` is not that of Presentation 4.0",
            format!("write `{CONTEXT}`"),
        ),
        Some(at) if at + 1 < names.len() => {
            let message = "`@context` has the context of Presentation 4.0 before others, so theirs would count";
            findings.error(root.at("@context"), message, format!("put `{CONTEXT}` last"));
        }
        Some(_) => {}
    }
}

/// Not one that is only named.
fn is_whole(tree: &Tree<'_>, node: &Node<'_>) -> bool {
    let in_manifest = node.property == "items" && tree.parent(node).is_some_and(|above| above.class == Class::Manifest);
    let stands_in =
        matches!(node.property, "placeholderContainer" | "accompanyingContainer") && node.get("items").is_some();
    in_manifest || stands_in || node.get("items").is_some() && matches!(node.property, "body" | "source")
}

fn manifest(part: &Part<'_>, findings: &mut Findings) {
    if findings.need(part, "items", "give it a Canvas, a Timeline or a Scene").is_none() {
        return;
    }
    let items = findings.array(part, "items");
    if items.is_empty() && part.get("items").is_some_and(|found| found.value.is_array()) {
        findings.error(part.at("items"), "`items` of the manifest is empty", "give it a Canvas, a Timeline or a Scene");
    }
    for item in items.iter().filter(|item| item.value.is_object()) {
        findings.need_one_of(item, "type", &CONTAINERS);
    }
}

fn collection(node: &Node<'_>, part: &Part<'_>, findings: &mut Findings) {
    let is_page = node.kind() == Some("CollectionPage");
    if node.parent.is_none() && !part.has("items") && (is_page || !(part.has("first") && part.has("last"))) {
        let fix = "list the members, or name the `first` and `last` of its pages";
        findings.missing(part, "items", fix);
    }
    for item in part.list("items").iter().filter(|item| item.value.is_object()) {
        findings.need_one_of(item, "type", &["Manifest", "Collection"]);
        if item.kind() == Some("Manifest") && item.has("items") {
            let message = "`items` of a manifest stands in a collection";
            findings.error(item.at("items"), message, "name the manifest by `id`, `type` and `label`");
        }
    }
    if is_page {
        findings.need(part, "partOf", "name the collection that it is a page of");
    }
    for property in ["first", "last", "next", "prev"] {
        findings.link(part, property, "CollectionPage");
    }
    for property in ["total", "startIndex"] {
        findings.whole(part, property, 0);
    }
}

fn container(node: &Node<'_>, part: &Part<'_>, findings: &mut Findings) {
    if node.text("id").is_some_and(|id| id.contains('#')) {
        findings.error(part.at("id"), "`id` of the container has a fragment", "name it by a URI without `#`");
    }
    match node.class {
        Class::Canvas => {
            for property in ["height", "width"] {
                if part.has(property) || !part.has("duration") {
                    findings.need(part, property, "give the size of what is shown on it");
                }
                findings.whole(part, property, 1);
            }
        }
        Class::Timeline => {
            findings.need(part, "duration", "give its seconds");
        }
        _ => {}
    }
    number(part, "duration", |seconds| seconds > 0.0, "write seconds, more than 0", findings);
    if node.property == "items"
        && findings.need(part, "items", "list pages of annotations, which may be none").is_none()
    {
        return;
    }
    for page in findings.array(part, "items").iter().filter(|page| page.value.is_object()) {
        findings.need_one_of(page, "type", &["AnnotationPage"]);
        if findings.need(page, "items", "list the annotations").is_some() {
            for item in findings.array(page, "items").iter().filter(|item| item.value.is_object()) {
                findings.need_one_of(item, "type", &["Annotation"]);
            }
        }
    }
}
