//! Each check with a server that does right, and one that does the one thing wrong.

mod support;

use recto_doctor::{CHECKS, Concern, Options, Report, Severity, examine};
use support::Server;

const INFO: &str = "/iiif/3/img/info.json";
const INFO_2: &str = "/iiif/2/img/info.json";
const MANIFEST: &str = "/manifest";

fn run(faults: &[&'static str], path: &str, only: &[&str]) -> Report {
    let server = Server::with(faults);
    let only = only.iter().map(|id| (*id).to_owned()).collect();
    let mut options = Options { only, ..patient() };
    if faults.contains(&"slow") {
        options.slow_json = Options::default().slow_json;
    }
    examine(&format!("{}{path}", server.origin), &options, &mut ())
}

/// Nothing is slow, and there is time enough: the machine may be busy with other things.
fn patient() -> Options {
    let hour = std::time::Duration::from_hours(1);
    Options { slow_json: hour, slow_image: hour, most_time: hour, timeout: hour, ..Options::default() }
}

/// What is worse than a note, as lines.
fn complaints(report: &Report) -> Vec<String> {
    let bad = report.findings.iter().filter(|finding| finding.severity < Severity::Note);
    bad.map(|finding| format!("{}: {} · {} · {}", finding.check, finding.message, finding.done, finding.seen)).collect()
}

#[test]
fn a_good_image_service_passes_and_reaches_what_it_claims() {
    for (path, version) in [(INFO, "3.0"), (INFO_2, "2")] {
        let report = run(&[], path, &[]);
        let complaints = complaints(&report);
        assert!(complaints.iter().all(|line| line.starts_with("mixed-content: ")), "{version}: {complaints:#?}");
        let image = report.image.as_ref().unwrap();
        assert_eq!((image.version, image.claimed_level, image.reached_level), (version, Some(2), Some(2)));
        let untried: Vec<_> = image.features.iter().filter(|feature| feature.works != Some(true)).collect();
        assert!(untried.is_empty(), "{untried:#?}");
        assert!(image.tile_median_ms.is_some() && report.requests < 250);
        for check in CHECKS.iter().filter(|check| check.concern == Concern::Image && check.id != "mixed-content") {
            assert!(report.of(check.id).any(|finding| finding.severity == Severity::Pass), "{version}: {}", check.id);
        }
    }
}

#[test]
fn a_good_manifest_passes_and_its_images_are_examined_too() {
    let report = run(&[], MANIFEST, &[]);
    let complaints = complaints(&report);
    let insecure = |line: &String| line.contains("mixed-content: ");
    // The shared prefix of the fixture's ids is http, and the rules of the specification are another's.
    assert!(complaints.iter().all(|line| insecure(line) || line.starts_with("validation: ")), "{complaints:#?}");
    let document = report.document.as_ref().unwrap();
    assert_eq!((document.kind.as_str(), document.version, document.items), ("Manifest", "3.0", 1));
    assert_eq!((document.label.as_str(), document.validation_errors), ("A page", 0), "{complaints:#?}");
    assert_eq!(report.image.as_ref().unwrap().reached_level, Some(2));
    let with_pass = CHECKS.iter().filter(|check| check.concern == Concern::Document);
    for check in with_pass.filter(|check| !matches!(check.id, "document-mixed-content" | "validation")) {
        assert!(report.of(check.id).any(|finding| finding.severity == Severity::Pass), "{}", check.id);
    }
}

#[test]
fn each_fault_is_found_by_its_check() {
    use Severity::{Error, Viewer, Warning};
    for (fault, path, check, severity) in [
        ("no-protocol", INFO, "info-answer", Error),
        ("no-protocol", INFO, "info-validation", Error),
        ("wrong-id", INFO, "info-id", Error),
        ("no-redirect", INFO, "base-redirect", Error),
        ("json-only", INFO, "info-media-type", Error),
        ("", INFO, "mixed-content", Warning),
        ("no-cors", INFO, "cors", Error),
        ("no-preflight", INFO, "preflight", Viewer),
        ("head-405", INFO, "head", Warning),
        ("no-validators", INFO, "caching", Warning),
        ("bad-gzip", INFO, "compression", Error),
        ("no-links", INFO, "link-headers", Error),
        ("narrow", INFO, "region", Error),
        ("square-off", INFO, "region", Error),
        ("short-width", INFO, "size", Error),
        ("anticlockwise", INFO, "rotation", Error),
        ("gray-is-colour", INFO, "quality", Error),
        ("png-is-jpg", INFO, "format", Error),
        ("accepts-nonsense", INFO, "wrong-requests", Error),
        ("factors-3", INFO, "announcement", Viewer),
        ("size-missing", INFO, "sizes", Error),
        ("narrow", INFO, "tiles", Error),
        ("tile-seams", INFO, "seams", Warning),
        ("slow", INFO, "speed", Warning),
        ("text-plain", MANIFEST, "document-answer", Error),
        ("no-label", MANIFEST, "validation", Error),
        ("wrong-manifest-id", MANIFEST, "document-id", Warning),
        ("406", MANIFEST, "negotiation", Error),
        ("no-cors", MANIFEST, "document-cors", Error),
        ("", MANIFEST, "document-mixed-content", Warning),
        ("head-405", MANIFEST, "document-head", Warning),
        ("no-validators", MANIFEST, "document-caching", Warning),
        ("bad-gzip", MANIFEST, "document-compression", Error),
        ("long", MANIFEST, "document-size", Warning),
        ("plain-label", MANIFEST, "languages", Error),
        ("no-thumbnail", MANIFEST, "thumbnails", Warning),
        ("large-thumbnail", MANIFEST, "thumbnails", Warning),
        ("dead-annotations", MANIFEST, "references", Error),
        ("search-shape", MANIFEST, "search", Error),
        ("search-2-only", MANIFEST, "search", Viewer),
        ("search-on-object", MANIFEST, "search", Viewer),
        ("probe-401", MANIFEST, "login", Error),
        ("probe-without-profile", MANIFEST, "login", Viewer),
        ("services-without-profile", MANIFEST, "viewers", Viewer),
    ] {
        let report = run(&[fault], path, &[check]);
        let found: Vec<_> = report.of(check).filter(|finding| finding.severity < Severity::Note).collect();
        assert!(found.iter().any(|finding| finding.severity == severity), "{fault} by {check}: {found:#?}");
        assert!(
            found.iter().all(|finding| !finding.remedy.is_empty() && !finding.seen.is_empty()
                || fault.starts_with("search-2")
                || !finding.done.is_empty()),
            "{fault}: {found:#?}"
        );
    }
}

#[test]
fn the_level_reached_is_that_of_what_works() {
    for (fault, reached) in
        [("anticlockwise", Some(1)), ("square-off", Some(0)), ("png-is-jpg", Some(1)), ("no-cors", Some(0))]
    {
        let report = run(&[fault], INFO, &[]);
        let image = report.image.unwrap();
        assert_eq!((image.claimed_level, image.reached_level), (Some(2), reached), "{fault}");
    }
    // Who claims less is not blamed for what does not work beyond it.
    let report = run(&["level-0", "anticlockwise", "no-redirect"], INFO, &["rotation", "base-redirect"]);
    assert_eq!(complaints(&report), [] as [&str; 0]);
}

#[test]
fn pages_images_and_base_uris_lead_to_what_is_meant() {
    for (path, is_document) in
        [("/page", true), ("/moved", true), ("/iiif/3/img", false), ("/iiif/3/img/full/65,44/0/default.jpg", false)]
    {
        let report = run(&[], path, &["document-answer", "info-answer"]);
        assert_eq!(report.document.is_some(), is_document, "{path}: {:#?}", report.findings);
        assert!(report.image.is_some(), "{path}");
        assert_eq!(report.findings[0].severity, Severity::Pass, "{path}");
    }
    let report = run(&[], "/text", &[]);
    assert_eq!((report.findings.len(), report.findings[0].severity), (1, Severity::Error));
    assert!(report.findings[0].seen.contains("nothing of IIIF here"));
}

#[test]
fn what_cannot_be_reached_is_a_finding() {
    for (url, message) in [
        ("http://127.0.0.1:9/info.json", "the address cannot be reached"),
        ("ftp://example.org/x", "this is no http or https address"),
        ("", "this is no http or https address"),
    ] {
        let report = examine(url, &Options::default(), &mut ());
        assert_eq!(
            (report.findings[0].severity, report.findings[0].message.as_str()),
            (Severity::Error, message),
            "{url}"
        );
    }
}

#[test]
fn a_server_that_does_not_speak_tls_is_a_finding() {
    let server = Server::with(&[]);
    let url = format!("{}{INFO}", server.origin.replace("http:", "https:"));
    let report = examine(&url, &Options::default(), &mut ());
    assert_eq!(report.findings[0].message, "the address cannot be reached");
    assert_eq!((report.requests, report.worst()), (1, Some(Severity::Error)));
}

#[test]
fn control_characters_of_others_do_not_reach_a_terminal() {
    let report = run(&["escape-in-id"], INFO, &["info-id"]);
    let finding = report.of("info-id").find(|finding| finding.severity == Severity::Error).unwrap();
    assert_eq!(finding.seen, "http://example.org/ [31mred");
    assert!(!report.to_text().contains('\u{1b}'));
}

#[test]
fn the_bounds_of_the_options_hold() {
    let server = Server::with(&[]);
    let url = format!("{}{INFO}", server.origin);
    let report = examine(&url, &Options { most_requests: 20, ..patient() }, &mut ());
    assert_eq!(report.requests, 20);
    assert!(report.findings.iter().any(|finding| finding.message.contains("the bound of requests is reached")));
    let report = examine(&url, &Options { most_time: std::time::Duration::ZERO, ..Options::default() }, &mut ());
    assert_eq!(report.requests, 0);
    let manifest = format!("{}{MANIFEST}", server.origin);
    let cut = examine(&manifest, &Options { most_body_bytes: 100, ..Options::default() }, &mut ());
    assert!(cut.document.is_none() && cut.worst() == Some(Severity::Error));
}

#[test]
fn the_report_says_the_same_again_and_holds_no_markup_of_others() {
    let server = Server::with(&["hostile"]);
    let url = format!("{}{MANIFEST}", server.origin);
    let lines = |report: &Report| -> Vec<_> {
        report.findings.iter().map(|it| (it.check, it.severity, it.message.clone(), it.done.clone())).collect()
    };
    let (one, two) = (examine(&url, &patient(), &mut ()), examine(&url, &patient(), &mut ()));
    assert_eq!(lines(&one), lines(&two));

    let html = one.to_html();
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;") && html.contains("&lt;script&gt;"));
    for forbidden in ["<script", "<img", "<link", " src=\"", "href=", "url("] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("Level reached") && html.contains("regionByPct") && html.ends_with("</html>\n"));

    let text = one.to_text();
    assert!(text.contains("level claimed: 2 · level reached: 2"), "{text}");
    let json = serde_json::to_value(&one).unwrap();
    assert_eq!((&json["image"]["reached_level"], &json["findings"][0]["severity"]), (&2.into(), &"pass".into()));
}

struct Steps(Vec<String>, usize);

impl recto_doctor::Progress for Steps {
    fn check(&mut self, title: &str) {
        self.0.push(title.to_owned());
    }

    fn request(&mut self, _: &str, _: &str) {
        self.1 += 1;
    }
}

#[test]
fn progress_is_told_of_each_check_and_request() {
    let server = Server::with(&[]);
    let mut steps = Steps(Vec::new(), 0);
    let only = vec!["head".to_owned()];
    let options = Options { only, ..patient() };
    let report = examine(&format!("{}{INFO}", server.origin), &options, &mut steps);
    assert_eq!(steps.0, ["what is at the address", "HEAD of the image service"]);
    assert_eq!(steps.1, report.requests as usize);
}
