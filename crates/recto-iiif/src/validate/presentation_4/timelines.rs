//! V2: what has time only is a timeline, and nothing with space is painted on one.

use super::{Class, FOUR, Findings, Rule, Tree, motivations};

pub(super) const RULE: Rule = Rule {
    id: "V2",
    title: "What has time only is a Timeline, and nothing that has space is painted on one",
    section: "Presentation 4.0",
    kinds: FOUR,
    check,
};

const WITH_SPACE: [&str; 5] = ["Image", "Video", "Model", "Canvas", "Scene"];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Canvas) {
        let has_time_only =
            node.get("duration").is_some() && node.get("height").is_none() && node.get("width").is_none();
        if has_time_only && node.property == "items" && node.get("items").is_some() {
            let message = "`height` and `width` of the Canvas are missing; it has `duration` only";
            findings.error(&*node.pointer, message, "write `\"type\": \"Timeline\"`");
        }
    }
    for node in tree.of_class(Class::Timeline) {
        for property in ["height", "width"] {
            if node.get(property).is_some() {
                let message = format!("`{property}` has no place in a Timeline");
                findings.error(node.at(property), message, "take it away, or write `\"type\": \"Canvas\"`");
            }
        }
    }
    for node in tree.of_class(Class::Annotation) {
        let on_timeline =
            tree.above(node).find(|above| matches!(above.class, Class::Timeline | Class::Canvas | Class::Scene));
        let paints = motivations(node.get("motivation")).contains(&"painting");
        if !paints || !on_timeline.is_some_and(|above| above.class == Class::Timeline) {
            continue;
        }
        let Some(part) = node.part(tree) else { continue };
        for body in part.list("body") {
            if body.kind().is_some_and(|kind| WITH_SPACE.contains(&kind)) {
                let message = format!("`body` is a {}, painted on a Timeline", body.name());
                findings.error(body.at("type"), message, "paint it on a Canvas, or take its sound alone");
            }
        }
    }
}
