//! P1: the document says by which version it is to be read.

use serde_json::Value;

use super::{Findings, Rule, THREE, Tree, kind};

const PRESENTATION_3: &str = "http://iiif.io/api/presentation/3/context.json";

pub(super) const RULE: Rule = Rule {
    id: "P1",
    title: "The document says by which version it is to be read",
    section: "Presentation 3.0 §4.6",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    let Some(root) = tree.nodes.first() else {
        return findings.error(
            "",
            format!("the document is {}, not an object", kind(tree.document)),
            "begin it with `{`",
        );
    };
    let fix = format!("write `\"@context\": \"{PRESENTATION_3}\"`");
    match root.get("@context") {
        None => findings.error("", "`@context` is missing", fix),
        Some(Value::String(context)) if context == PRESENTATION_3 => {}
        Some(Value::String(context)) => {
            findings.error("/@context", format!("`@context` is `{context}`, not that of Presentation 3.0"), fix);
        }
        Some(Value::Array(contexts)) => match contexts.iter().position(|context| context == PRESENTATION_3) {
            Some(at) if at + 1 == contexts.len() => {}
            Some(_) => findings.error(
                "/@context",
                "`@context` has the context of Presentation 3.0 before others, so theirs would count",
                format!("put `{PRESENTATION_3}` last"),
            ),
            None => findings.error("/@context", "`@context` lacks the context of Presentation 3.0", fix),
        },
        Some(other) => findings.error("/@context", format!("`@context` is {}", kind(other)), fix),
    }
    if root.get("@graph").is_some() {
        findings.error("/@graph", "`@graph` must not be used at the top", "write the resource itself at the top");
    }
    for node in tree.nodes.iter().skip(1) {
        let contexts = match node.get("@context") {
            Some(Value::String(context)) => std::slice::from_ref(context).to_vec(),
            Some(Value::Array(contexts)) => {
                contexts.iter().filter_map(|context| context.as_str().map(ToOwned::to_owned)).collect()
            }
            _ => continue,
        };
        if contexts.iter().any(|context| context == PRESENTATION_3) {
            findings.error(
                node.at("@context"),
                format!("`@context` of Presentation 3.0 stands in an embedded resource ({})", node.name()),
                "leave it to the top of the document",
            );
        }
    }
}
