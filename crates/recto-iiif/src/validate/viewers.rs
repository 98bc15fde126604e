//! What the specifications allow and viewers stumble over. Each was seen in the version that is named, or read in its source.

use std::collections::HashSet;

use serde_json::Value;

use super::finding::Severity;
use super::{Class, DocumentKind, Findings, Rule, Tree};

use DocumentKind::{ContentState, ImageInfo, Presentation3, Presentation4, Search1};

const MANIFESTS: &[DocumentKind] = &[Presentation3, Presentation4];
const WITH_IMAGES: &[DocumentKind] = &[Presentation3, Presentation4, ImageInfo];
const ANSWERS: &[DocumentKind] = &[Search1];
const STATES: &[DocumentKind] = &[ContentState];

const MIRADOR: &[&str] = &["Mirador 4.0.0"];
const UNIVERSAL: &[&str] = &["Universal Viewer 4.4.0"];
const BOTH: &[&str] = &["Mirador 4.0.0", "Universal Viewer 4.4.0"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "VW1",
        title: "Services in the top-level `services` have a `profile`",
        section: "Viewers",
        kinds: MANIFESTS,
        check: top_services,
    },
    Rule { id: "VW2", title: "Probe services have a `profile`", section: "Viewers", kinds: WITH_IMAGES, check: probes },
    Rule {
        id: "VW3",
        title: "A SearchService2 has no profile that viewers take for their own",
        section: "Viewers",
        kinds: MANIFESTS,
        check: search_profile,
    },
    Rule {
        id: "VW4",
        title: "Beside a SearchService2 stands a service of Content Search 1.0",
        section: "Viewers",
        kinds: MANIFESTS,
        check: search_alone,
    },
    Rule {
        id: "VW5",
        title: "Search services stand on the manifest",
        section: "Viewers",
        kinds: MANIFESTS,
        check: search_place,
    },
    Rule {
        id: "VW6",
        title: "A page of annotations that is elsewhere has no `items`",
        section: "Viewers",
        kinds: MANIFESTS,
        check: empty_pages,
    },
    Rule {
        id: "VW7",
        title: "Annotations that are to be seen stand on canvases",
        section: "Viewers",
        kinds: MANIFESTS,
        check: annotation_place,
    },
    Rule {
        id: "VW8",
        title: "`on` of a found annotation is a string with whole numbers in `#xywh=`",
        section: "Viewers",
        kinds: ANSWERS,
        check: search_on,
    },
    Rule {
        id: "VW9",
        title: "`resource` of a found annotation is one object with `chars`",
        section: "Viewers",
        kinds: ANSWERS,
        check: search_resource,
    },
    Rule {
        id: "VW10",
        title: "Hits name annotations of the same page, and the layer has a `total`",
        section: "Viewers",
        kinds: ANSWERS,
        check: search_hits,
    },
    Rule {
        id: "VW11",
        title: "Services of Authorization Flow 2.0 stand beside those of 1.0",
        section: "Viewers",
        kinds: WITH_IMAGES,
        check: auth_alone,
    },
    Rule {
        id: "VW12",
        title: "Ids of manifests and search services have no query",
        section: "Viewers",
        kinds: MANIFESTS,
        check: queries,
    },
    Rule {
        id: "VW13",
        title: "A state of a canvas names a region",
        section: "Viewers",
        kinds: STATES,
        check: state_region,
    },
];

impl Findings {
    fn viewer(&mut self, viewers: &'static [&'static str], pointer: impl Into<String>, message: &str, fix: &str) {
        let message = format!("{}: {message}", viewers.join(", "));
        self.add(Severity::Viewer, pointer, message, fix, viewers);
    }
}

fn top_services(tree: &Tree<'_>, findings: &mut Findings) {
    for node in
        tree.of_class(Class::Service).filter(|node| node.property == "services" && node.text("profile").is_none())
    {
        let message = "a service without `profile` in the top-level `services` leaves every canvas blank";
        findings.viewer(
            BOTH,
            &*node.pointer,
            message,
            "put it into `service`, or give it a `profile` that is a string",
        );
    }
}

fn probes(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service).filter(|node| node.kind() == Some("AuthProbeService2")) {
        let profile = node.text("profile");
        if profile.is_none()
            && tree.parent(node).is_some_and(|above| matches!(above.class, Class::Service | Class::Other))
        {
            let message = "an AuthProbeService2 without `profile` at an image service leaves the canvas blank";
            findings.viewer(
                MIRADOR,
                &*node.pointer,
                message,
                "give it a `profile`, a string that is none of Authentication 0 or 1",
            );
        }
        if profile.is_some_and(|profile| profile.contains("/api/auth/0") || profile.contains("/api/auth/1")) {
            let message = "`profile` of the AuthProbeService2 is taken for a service of Authentication 1.0";
            findings.viewer(BOTH, node.at("profile"), message, "write another string");
        }
    }
}

fn search_profile(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service).filter(|node| node.kind() == Some("SearchService2")) {
        if node.text("profile").is_some_and(|profile| profile.contains("/api/search/2/search")) {
            let message =
                "`profile` of the SearchService2 is taken for one that is understood; the search never finds anything";
            findings.viewer(
                UNIVERSAL,
                node.at("profile"),
                message,
                "take the `profile` away; the specification has none",
            );
        }
    }
}

fn is_search_1(node: &super::Node<'_>) -> bool {
    node.text("profile")
        .is_some_and(|profile| profile.contains("/api/search/1/search") || profile.contains("/api/search/0/search"))
}

fn search_alone(tree: &Tree<'_>, findings: &mut Findings) {
    let has_old = tree.of_class(Class::Service).any(is_search_1);
    let first = tree.of_class(Class::Service).find(|node| node.kind() == Some("SearchService2"));
    if let Some(node) = first.filter(|_| !has_old) {
        let message = "a SearchService2 alone is not seen, so there is no search";
        findings.viewer(BOTH, &*node.pointer, message, "add a service of Content Search 1.0 beside it");
    }
}

fn search_place(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service).filter(|node| is_search_1(node)) {
        if tree
            .parent(node)
            .is_some_and(|above| matches!(above.class, Class::Canvas | Class::Range | Class::Collection))
        {
            let message = "a search service is used on a manifest only";
            findings.viewer(BOTH, &*node.pointer, message, "put one on the manifest as well");
        }
    }
}

fn empty_pages(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::AnnotationPage).filter(|node| node.property == "annotations") {
        if node.get("items").is_some_and(|items| items.as_array().is_some_and(Vec::is_empty)) {
            let message = "a page with `items: []` counts as embedded and is not fetched";
            findings.viewer(MIRADOR, node.at("items"), message, "take `items` away where the page is elsewhere");
        }
        if node.get("next").is_some() {
            let message = "`next` of a page of annotations is not followed";
            findings.viewer(
                MIRADOR,
                node.at("next"),
                message,
                "name all pages in `annotations`, or make one page of them",
            );
        }
    }
    // Once is enough: books have such a page on each canvas, and nothing is wrong with that.
    let mut all = tree.of_class(Class::AnnotationPage);
    if let Some(node) = all.find(|node| node.property == "annotations" && node.is_reference()) {
        let message = "pages of annotations that are elsewhere, as this first one, are not fetched";
        findings.viewer(
            UNIVERSAL,
            &*node.pointer,
            message,
            "nothing is wrong; people see these annotations in other viewers",
        );
    }
}

fn annotation_place(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::AnnotationPage).filter(|node| node.property == "annotations") {
        if tree
            .parent(node)
            .is_some_and(|above| matches!(above.class, Class::Manifest | Class::Range | Class::Collection))
        {
            let message = "annotations of a manifest, range or collection are not shown";
            findings.viewer(MIRADOR, &*node.pointer, message, "put those that are about a canvas on the canvas");
        }
    }
}

fn search_on(tree: &Tree<'_>, findings: &mut Findings) {
    for item in tree.root().list("resources") {
        let Some(on) = item.get("on") else { continue };
        let Some(uri) = on.value.as_str() else {
            if on.value.is_object() && !on.has("full") {
                let message = "`on` as an object stops the search, so that no result appears";
                findings.viewer(BOTH, on.pointer, message, "write a string: the canvas's URI with `#xywh=`");
            }
            continue;
        };
        // A time may follow, as in `#xywh=0,0,640,480&t=1,2`: four numbers are read, and the rest is passed over.
        let numbers = uri.rsplit_once("#xywh=").map(|(_, numbers)| numbers.split('&').next().unwrap_or_default());
        let is_whole = numbers.is_some_and(|numbers| {
            let parts: Vec<&str> = numbers.split(',').collect();
            parts.len() == 4
                && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        });
        if !is_whole {
            let message = "`on` without whole numbers in `#xywh=` stops the search";
            findings.viewer(UNIVERSAL, on.pointer, message, "end it with `#xywh=` and four whole numbers");
        }
    }
}

fn search_resource(tree: &Tree<'_>, findings: &mut Findings) {
    for item in tree.root().list("resources") {
        let Some(resource) = item.get("resource") else { continue };
        if resource.value.is_array() {
            let message = "`resource` as a list is not read";
            findings.viewer(UNIVERSAL, resource.pointer, message, "write one object");
        } else if !resource.has("chars") {
            let message = "`chars` of the found text is missing, so nothing is listed";
            findings.viewer(BOTH, resource.pointer, message, "write the text into `chars`");
        }
    }
}

fn search_hits(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let own: HashSet<&str> = root.list("resources").iter().filter_map(super::Part::id).collect();
    for named in root.list("hits").iter().flat_map(|hit| hit.list("annotations")) {
        if let Some(id) = named.value.as_str().filter(|id| !own.contains(id)) {
            let message = format!("a hit names {id}, no annotation of this page, and the list of results fails");
            findings.viewer(MIRADOR, named.pointer, &message, "keep a hit and its annotations on one page");
        }
    }
    if root.has("resources") && !root.get("within").is_some_and(|within| within.has("total")) {
        let message = "`total` of the layer is missing, so the number of results is not shown";
        findings.viewer(MIRADOR, "", message, "write `\"within\": {\"@type\": \"sc:Layer\", \"total\": …}`");
    }
}

fn auth_alone(tree: &Tree<'_>, findings: &mut Findings) {
    let has_old = tree
        .of_class(Class::Service)
        .any(|node| node.text("profile").is_some_and(|profile| profile.contains("/api/auth/1/")));
    let first = tree.of_class(Class::Service).find(|node| node.kind() == Some("AuthProbeService2"));
    if let Some(node) = first.filter(|_| !has_old) {
        let message = "Authorization Flow 2.0 alone is not seen, so there is no way to log in";
        findings.viewer(BOTH, &*node.pointer, message, "add services of Authentication 1.0 beside it");
    }
}

fn queries(tree: &Tree<'_>, findings: &mut Findings) {
    if let Some(root) = tree.nodes.first().filter(|root| matches!(root.class, Class::Manifest | Class::Collection))
        && root.text("id").is_some_and(|id| id.contains('?'))
    {
        let message = "`id` has a query, which links for dragging and sharing do not keep";
        findings.viewer(BOTH, root.at("id"), message, "give it a URI without `?`");
    }
    for node in tree.of_class(Class::Service).filter(|node| is_search_1(node)) {
        let id = node.value.get("@id").or_else(|| node.value.get("id")).and_then(Value::as_str);
        if id.is_some_and(|id| id.contains('?')) {
            let message = "`@id` of the search service has a query, and `?q=` is added to it as it is";
            findings.viewer(BOTH, &*node.pointer, message, "give it a URI without `?`");
        }
    }
}

fn state_region(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let targets = if root.kind() == Some("Annotation") { root.list("target") } else { vec![root] };
    if let Some(second) = targets.get(1) {
        let message = "only the first target is shown";
        findings.viewer(UNIVERSAL, &*second.pointer, message, "make a link for each");
    }
    for target in targets.iter().filter(|target| target.kind() == Some("Canvas")) {
        if target.id().is_some_and(|id| !id.contains("#xywh=")) {
            let message = "a canvas without a region opens the manifest at its first canvas";
            findings.viewer(
                UNIVERSAL,
                target.at("id"),
                message,
                "end it with `#xywh=0,0,` and the canvas's width and height",
            );
        }
    }
}
