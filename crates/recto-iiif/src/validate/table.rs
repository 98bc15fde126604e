//! The rules as a page of the documentation.

use super::{DocumentKind, rules};

/// All rules as Markdown, one table for a specification.
pub fn rules_as_markdown() -> String {
    let mut page = String::from(
        "# Rules of validation\n\n<!-- Generated from the rules in `recto-iiif`; `RECTO_BLESS=1 cargo test -p recto-iiif --test rules` writes it. -->\n\n\
         `recto validate` holds a document against these rules. Each finding names the rule, the place and what to do. What the\n\
         specification says with \"must\" is an error, what it says with \"should\" a warning; rules that begin with `VW` tell what viewers\n\
         stumble over and never make a document invalid.\n",
    );
    let mut last = "";
    for rule in rules() {
        let group = rule.section.split(" §").next().unwrap_or(rule.section);
        let heading = if rule.id.starts_with('P') { "Presentation 3.0" } else { group };
        let heading = if rule.id.starts_with('I') { "Image API" } else { heading };
        let heading = if rule.id.starts_with('J') { "Text" } else { heading };
        if heading != last {
            page.push_str(&format!("\n## {heading}\n\n| rule | asks | section | documents |\n|---|---|---|---|\n"));
            last = heading;
        }
        let kinds = if rule.kinds.len() == DocumentKind::ALL.len() {
            "all".to_owned()
        } else if rule.kinds.is_empty() {
            "texts".to_owned()
        } else {
            rule.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
        };
        page.push_str(&format!("| {} | {} | [{}]({}) | {kinds} |\n", rule.id, rule.title, rule.section, rule.url()));
    }
    page
}
