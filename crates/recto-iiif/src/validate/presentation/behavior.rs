//! P11: behaviors are known, belong to the class, and do not contradict each other.

use serde_json::Value;

use super::{Class, Findings, Rule, THREE_AND_FOUR, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P11",
    title: "Behaviors are known, belong to the class, and do not contradict each other",
    section: "Presentation 3.0 §3.2 behavior",
    kinds: THREE_AND_FOUR,
    check,
};

use Class::{Canvas, Collection, Manifest, Range};

/// Each behavior, the classes it is for, and the others that it does not go with.
const BEHAVIORS: &[(&str, &[Class], &[&str])] = &[
    ("auto-advance", &[Collection, Manifest, Canvas, Range], &["no-auto-advance"]),
    ("no-auto-advance", &[Collection, Manifest, Canvas, Range], &["auto-advance"]),
    ("repeat", &[Collection, Manifest], &["no-repeat"]),
    ("no-repeat", &[Collection, Manifest], &["repeat"]),
    ("unordered", &[Collection, Manifest, Range], &["individuals", "continuous", "paged"]),
    ("individuals", &[Collection, Manifest, Range], &["unordered", "continuous", "paged"]),
    ("continuous", &[Collection, Manifest, Range], &["unordered", "individuals", "paged"]),
    ("paged", &[Collection, Manifest, Range], &["unordered", "individuals", "continuous"]),
    ("facing-pages", &[Canvas], &["non-paged"]),
    ("non-paged", &[Canvas], &["facing-pages"]),
    ("multi-part", &[Collection], &["together"]),
    ("together", &[Collection], &["multi-part"]),
    ("sequence", &[Range], &["thumbnail-nav", "no-nav"]),
    ("thumbnail-nav", &[Range], &["sequence", "no-nav"]),
    ("no-nav", &[Range], &["sequence", "thumbnail-nav"]),
    (
        "hidden",
        &[
            Class::AnnotationPage,
            Class::AnnotationCollection,
            Class::Annotation,
            Class::SpecificResource,
            Class::Choice,
        ],
        &[],
    ),
];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in &tree.nodes {
        let Some(behaviors) = node.get("behavior").and_then(Value::as_array) else { continue };
        let names: Vec<&str> = behaviors.iter().filter_map(Value::as_str).collect();
        for (index, behavior) in behaviors.iter().enumerate() {
            let at = format!("{}/{index}", node.at("behavior"));
            let Some(name) = behavior.as_str() else {
                findings.error(at, format!("`behavior` has {behavior} where a name belongs"), "write it as a string");
                continue;
            };
            let Some((_, classes, others)) = BEHAVIORS.iter().find(|(known, ..)| *known == name) else {
                // Extensions name theirs by URIs.
                if !name.contains(':') {
                    let known: Vec<&str> = BEHAVIORS.iter().map(|(known, ..)| *known).collect();
                    findings.error(
                        at,
                        format!("`behavior` has `{name}`, which is unknown"),
                        format!("write one of {}", known.join(", ")),
                    );
                }
                continue;
            };
            if !classes.contains(&node.class) {
                let message = format!("`behavior` `{name}` is not for a {:?}", node.class);
                findings.error(&*at, message, "take it away");
            }
            if let Some(other) = others.iter().find(|other| names[..index].contains(other)) {
                findings.error(at, format!("`behavior` `{name}` contradicts `{other}`"), "keep one of them");
            }
        }
    }
}
