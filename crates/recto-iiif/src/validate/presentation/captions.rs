//! P26: captions stand where players look for them: as `WebVTT` among `annotations`, with format and language.

use super::{Class, Findings, Node, Rule, THREE, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P26",
    title: "Captions stand where players look for them: as WebVTT among `annotations`, with format and language",
    section: "Presentation 3.0 §5.6",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Content).filter(|node| is_captions(node)) {
        if matches!(node.property, "rendering" | "seeAlso") {
            let message = format!("`{}` has captions, which players look for among `annotations`", node.property);
            findings.warning(&*node.pointer, message, "name them in an annotation with `motivation` `supplementing`");
            continue;
        }
        let Some(annotation) = tree.above(node).find(|above| above.class == Class::Annotation) else { continue };
        let motivation = annotation.get("motivation");
        let supplements = motivation.is_some_and(|motivation| {
            let mut words =
                motivation.as_array().map_or_else(|| std::slice::from_ref(motivation), Vec::as_slice).iter();
            words.any(|word| word == "supplementing")
        });
        if !supplements {
            let message = "`motivation` of captions is not `supplementing`";
            findings.warning(&*annotation.pointer, message, "write `\"motivation\": \"supplementing\"`");
        }
        if node.text("format") != Some("text/vtt") {
            let message = "`format` of captions is not `text/vtt`, so players do not know them";
            findings.warning(&*node.pointer, message, "write `\"format\": \"text/vtt\"`");
        }
        if node.get("language").is_none() {
            let message = "`language` of captions is missing, so people cannot choose";
            findings.warning(&*node.pointer, message, "name their language, for example `\"language\": \"en\"`");
        }
    }
}

fn is_captions(node: &Node<'_>) -> bool {
    let path = node.text("id").unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
    node.text("format") == Some("text/vtt") || path.to_ascii_lowercase().ends_with(".vtt")
}
