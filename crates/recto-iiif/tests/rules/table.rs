//! The page of rules in the documentation.

use recto_iiif::validate::{rules, rules_as_markdown};

#[test]
fn the_page_of_rules_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/validation.md");
    let page = rules_as_markdown();
    if std::env::var_os("RECTO_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == page, "docs/validation.md is stale; run with RECTO_BLESS=1");
}

#[test]
fn every_rule_says_where_the_specification_says_so() {
    for rule in rules() {
        assert!(
            rule.url().starts_with("https://") && rule.url() != "https://iiif.io/api/",
            "{}: {}",
            rule.id,
            rule.url()
        );
        assert!(!rule.title.ends_with('.') && rule.title.len() > 10, "{}", rule.id);
    }
}
