//! P4: properties that may have several values are arrays, also with one.

use serde_json::Value;

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree, kind};

pub(super) const RULE: Rule = Rule {
    id: "P4",
    title: "Properties that may have several values are arrays, also with one",
    section: "Presentation 3.0 §4.3",
    kinds: THREE_AND_FOUR,
    check,
};

/// Arrays of objects.
const OF_OBJECTS: &[&str] = &[
    "metadata",
    "thumbnail",
    "provider",
    "homepage",
    "logo",
    "rendering",
    "seeAlso",
    "service",
    "services",
    "partOf",
    "structures",
    "annotations",
];
const WITH_ITEMS: &[Class] = &[
    Class::Collection,
    Class::Manifest,
    Class::Canvas,
    Class::Timeline,
    Class::Scene,
    Class::Range,
    Class::AnnotationPage,
    Class::Choice,
];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        // What services of older versions hold is as those versions have it.
        let is_older = node.class == Class::Service && node.get("@id").is_some();
        for (property, value) in node.value {
            let of_objects = OF_OBJECTS.contains(&property.as_str()) && !is_older
                || property == "items" && WITH_ITEMS.contains(&node.class);
            let is_array = of_objects || property == "behavior" && !is_older;
            if !is_array {
                continue;
            }
            let Value::Array(values) = value else {
                let message = format!("`{property}` is {} and not an array", kind(value));
                findings.error(node.at(property), message, "put its value into `[` and `]`");
                continue;
            };
            if !of_objects {
                continue;
            }
            for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.is_object()) {
                let message = format!("`{property}` has {} where a resource belongs", kind(value));
                let fix = "write an object with `id` and `type`";
                findings.error(format!("{}/{index}", node.at(property)), message, fix);
            }
        }
    }
}
