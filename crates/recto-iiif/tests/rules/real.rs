//! Documents of institutions and examples of the specifications, where they are present.

use recto_iiif::validate::{DocumentKind, Severity, recognise, validate_text};
use serde_json::Value;

#[test]
fn examples_of_the_specifications_are_recognised_and_without_errors() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    for (name, kind) in [
        ("spec_image_fullResponse", DocumentKind::ImageInfo),
        ("v1Info", DocumentKind::ImageInfo),
        ("spec_auth_imageInfoWithAuth", DocumentKind::ImageInfo),
        ("spec_auth_cookieLogin", DocumentKind::Auth1),
        ("spec_auth_tokenResponse", DocumentKind::Auth1),
        ("spec_auth_errorCondition", DocumentKind::Auth1),
        ("spec_search_fullResponse", DocumentKind::Search1),
        ("spec_search_highlighting", DocumentKind::Search1),
        ("spec_search_multiAnnotationHits", DocumentKind::Search1),
        ("spec_search_autocomplete", DocumentKind::Search1),
        ("spec_presentation_full_response", DocumentKind::Presentation2),
        ("spec_presentation_pagedCollection", DocumentKind::Presentation2),
        ("presiV10Manifest", DocumentKind::Presentation2),
        ("spec_annex_physicalDimensions", DocumentKind::Other),
    ] {
        let text = std::fs::read(folder.join("manifests/dbmdz").join(format!("{name}.json"))).unwrap();
        let document: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(recognise(&document), kind, "{name}");
        let errors: Vec<_> =
            validate_text(&text).into_iter().filter(|finding| finding.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{name}: {:#?}", super::told(&errors));
    }
}

#[test]
fn documents_of_institutions_are_json_and_each_finding_has_its_place() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    let files = recto_testkit::files_below(&folder.join("manifests"));
    assert!(files.len() > 100, "{}", files.len());
    for file in files {
        for finding in validate_text(&std::fs::read(&file).unwrap()) {
            assert!(!matches!(finding.rule, "J2" | "J4" | "J5"), "{}: {}", file.display(), finding.message);
            assert!(finding.position.is_some(), "{}: {finding:?}", file.display());
        }
    }
}
