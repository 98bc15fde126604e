//! Checks that the crates depend on each other only downwards, as ARCHITECTURE.md draws it.

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each crate of the product and what it may use of the others. Whatever is not here is forbidden.
const ARROWS: &[(&str, &[&str])] = &[
    // Words: the specifications, without any I/O.
    ("recto-iiif", &[]),
    ("recto-search", &["recto-iiif"]),
    // Beside: option machinery.
    ("recto-config", &[]),
    // Pixels.
    ("recto-codec", &["recto-iiif"]),
    ("recto-engine", &["recto-codec", "recto-iiif"]),
    // Adapters do not know each other; the service joins them.
    ("recto-source", &["recto-codec", "recto-config", "recto-iiif"]),
    ("recto-cache", &["recto-config", "recto-iiif"]),
    ("recto-catalog", &["recto-config", "recto-iiif"]),
    ("recto-ingest", &["recto-codec", "recto-config", "recto-iiif"]),
    // Use cases.
    ("recto-download", &["recto-iiif"]),
    (
        "recto-service",
        &[
            "recto-cache",
            "recto-catalog",
            "recto-codec",
            "recto-config",
            "recto-download",
            "recto-engine",
            "recto-iiif",
            "recto-ingest",
            "recto-search",
            "recto-source",
        ],
    ),
    ("recto-convert", &["recto-codec", "recto-engine", "recto-iiif"]),
    ("recto-static", &["recto-codec", "recto-engine", "recto-iiif"]),
    ("recto-doctor", &["recto-iiif"]),
    // Edges.
    ("recto-server", &["recto-config", "recto-iiif", "recto-service", "recto-static"]),
    // The binary builds the adapters that the configuration names and hands them to the service.
    (
        "recto",
        &[
            "recto-cache",
            "recto-catalog",
            "recto-codec",
            "recto-config",
            "recto-convert",
            "recto-doctor",
            "recto-download",
            "recto-engine",
            "recto-iiif",
            "recto-ingest",
            "recto-server",
            "recto-service",
            "recto-source",
            "recto-static",
        ],
    ),
];

/// Crates that only tests and chores use: they may use every crate, and no crate may use them but in its own tests.
const DEVELOPMENT: &[&str] = &["recto-testkit", "recto-e2e", "xtask"];

/// Prints how many arrows were checked; fails naming every one that the table does not have.
pub(crate) fn check() -> Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec().context("reading the workspace with `cargo metadata`")?;
    let mut checked = 0;
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let from = package.name.as_str();
        if DEVELOPMENT.contains(&from) {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == from) else {
            wrong.push(format!("`{from}` has no row in the table of xtask/src/arrows.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            let ours = ARROWS.iter().any(|(name, _)| *name == to) || DEVELOPMENT.contains(&to);
            if !ours {
                continue;
            }
            checked += 1;
            if let Some(problem) = judge(from, to, dependency.kind, allowed) {
                wrong.push(problem);
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    say(&format!("arrows: {checked} checked, all allowed"));
    Ok(())
}

/// What is wrong with one arrow, if anything.
fn judge(from: &str, to: &str, kind: DependencyKind, allowed: &[&str]) -> Option<String> {
    let is_dev = kind == DependencyKind::Development;
    if allowed.contains(&to) || (is_dev && DEVELOPMENT.contains(&to)) {
        return None;
    }
    Some(format!(
        "`{from}` must not depend on `{to}`{}; it may use: {}",
        if is_dev { " in tests" } else { "" },
        if allowed.is_empty() { "none of our crates".to_owned() } else { allowed.join(", ") }
    ))
}

#[expect(clippy::print_stdout, reason = "a chore tells its result")]
fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_down_only() {
        for (index, (name, allowed)) in ARROWS.iter().enumerate() {
            for to in *allowed {
                let at = ARROWS.iter().position(|(other, _)| other == to);
                assert!(at.is_some_and(|at| at < index), "{name} → {to}");
            }
        }
    }

    #[test]
    fn a_forbidden_arrow_is_named_with_what_is_allowed() {
        let problem = judge("recto-engine", "recto-source", DependencyKind::Normal, &["recto-codec"]).unwrap();
        assert!(
            problem.contains("`recto-engine` must not depend on `recto-source`") && problem.contains("recto-codec")
        );
        assert!(judge("recto-engine", "recto-codec", DependencyKind::Normal, &["recto-codec"]).is_none());
    }

    #[test]
    fn the_test_kit_is_for_tests() {
        assert!(judge("recto-codec", "recto-testkit", DependencyKind::Development, &[]).is_none());
        assert!(judge("recto-codec", "recto-testkit", DependencyKind::Normal, &[]).is_some());
    }
}
