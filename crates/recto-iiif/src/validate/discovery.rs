//! Change Discovery 1.0: the collection of all changes, its pages, and activities.

use super::presentation::is_date_time;
use super::recognise::contexts;
use super::{DocumentKind, Findings, Part, Rule, Tree};

const KINDS: &[DocumentKind] = &[DocumentKind::Discovery];
const CONTEXT: &str = "http://iiif.io/api/discovery/1/context.json";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "D1",
        title: "A collection says where its pages end, and how many activities there are",
        section: "Change Discovery 1.0 §3.1",
        kinds: KINDS,
        check: collection,
    },
    Rule {
        id: "D2",
        title: "A page has activities, and links to its neighbours",
        section: "Change Discovery 1.0 §3.2",
        kinds: KINDS,
        check: page,
    },
    Rule {
        id: "D3",
        title: "Activities stand from the earliest to the latest",
        section: "Change Discovery 1.0 §3.2",
        kinds: KINDS,
        check: order,
    },
    Rule {
        id: "D4",
        title: "An activity has a known type, an object and a time in UTC",
        section: "Change Discovery 1.0 §3.3",
        kinds: KINDS,
        check: activities,
    },
    Rule {
        id: "D10",
        title: "A page is never empty",
        section: "Change Discovery 1.0 §3.2",
        kinds: KINDS,
        check: empty,
    },
];

fn is_page(root: &Part<'_>) -> bool {
    root.kind() == Some("OrderedCollectionPage")
}

/// The context stands alone or last.
fn context(root: &Part<'_>, findings: &mut Findings) {
    let names = root.object().map(contexts).unwrap_or_default();
    match names.iter().position(|name| *name == CONTEXT) {
        None => findings.error(root.at("@context"), format!("`@context` lacks `{CONTEXT}`"), "name it"),
        Some(at) if at + 1 < names.len() => {
            let message = "`@context` has that of Change Discovery before others, so theirs would count";
            findings.error(root.at("@context"), message, format!("put `{CONTEXT}` last"));
        }
        Some(_) => {}
    }
}

/// Lists of linked things: `seeAlso`, `partOf` of a collection.
fn linked(root: &Part<'_>, property: &str, findings: &mut Findings) {
    for item in findings.array(root, property) {
        findings.need_uri(&item, "id");
        findings.need(&item, "type", "say what it is");
        findings.string(&item, "format");
        findings.languages(&item, "label");
    }
}

fn collection(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if root.kind() != Some("OrderedCollection") {
        return;
    }
    context(&root, findings);
    findings.need_uri(&root, "id");
    findings.need(&root, "last", "name the last page, which is where clients begin");
    for property in ["first", "last"] {
        findings.link(&root, property, "OrderedCollectionPage");
    }
    if !root.has("first") {
        findings.warning("", "`first` of the collection is missing", "name the first page");
    }
    findings.whole(&root, "totalItems", 0);
    for property in ["seeAlso", "partOf"] {
        linked(&root, property, findings);
    }
    if let Some(rights) = root.get("rights") {
        findings.uri(&rights, "rights");
    }
}

fn page(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if !is_page(&root) {
        return;
    }
    context(&root, findings);
    findings.need_uri(&root, "id");
    findings.need(&root, "orderedItems", "list the activities");
    for item in findings.array(&root, "orderedItems") {
        if !item.value.is_object() {
            findings.wrong(&item, "orderedItems", "write an activity");
        }
    }
    for property in ["prev", "next"] {
        findings.link(&root, property, "OrderedCollectionPage");
    }
    findings.link(&root, "partOf", "OrderedCollection");
    if !root.has("partOf") {
        findings.warning("", "`partOf` of the page is missing", "name the collection");
    }
    let start = findings.whole(&root, "startIndex", 0);
    if start.is_some_and(|start| start > 0) && !root.has("prev") {
        findings.error(
            "",
            "`prev` of the page is missing, and its `startIndex` says that it is not the first",
            "name the page before",
        );
    }
}

/// Moments in UTC as texts that sort as they follow each other.
fn moment(time: &str) -> Option<(String, String)> {
    let time = time.strip_suffix('Z').filter(|_| is_date_time(time))?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    Some((whole.to_owned(), fraction.trim_end_matches('0').to_owned()))
}

fn order(tree: &Tree<'_>, findings: &mut Findings) {
    let mut before: Option<(String, String)> = None;
    for activity in tree.root().list("orderedItems") {
        let Some(now) = activity.text("endTime").and_then(moment) else { continue };
        if before.as_ref().is_some_and(|before| *before > now) {
            let message = "`endTime` is earlier than that of the activity before it";
            findings.error(activity.at("endTime"), message, "order activities from the earliest to the latest");
        }
        before = Some(now);
    }
}

const TYPES: &[&str] = &["Create", "Update", "Delete", "Move", "Add", "Remove", "Refresh"];

fn activities(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let is_one = root.kind().is_some_and(|kind| TYPES.contains(&kind));
    let all = if is_one { vec![root] } else { root.list("orderedItems") };
    for activity in all.into_iter().filter(|activity| activity.value.is_object()) {
        findings.need_one_of(&activity, "type", TYPES);
        if let Some(id) = activity.get("id") {
            findings.uri(&id, "id");
        }
        for property in ["startTime", "endTime"] {
            let Some(found) = activity.get(property) else { continue };
            match found.value.as_str() {
                Some(time) if moment(time).is_some() => {}
                Some(time) if is_date_time(time) => {
                    let message = format!("`{property}` is {time}, which is not in UTC");
                    findings.error(found.pointer, message, "write it with `Z`");
                }
                _ => findings.wrong(&found, property, "write it as `2017-09-20T00:00:00Z`"),
            }
        }
        let kind = activity.kind().unwrap_or_default();
        if kind == "Refresh" {
            if !activity.has("startTime") && !activity.has("endTime") {
                findings.error(activity.pointer, "`startTime` of the Refresh is missing", "say when it began or ended");
            }
            continue;
        }
        if !activity.has("endTime") {
            let message = "`endTime` of the activity is missing, so clients read everything each time";
            findings.warning(&*activity.pointer, message, "say when it was done");
        }
        let object = thing(&activity, "object", findings);
        if kind == "Move" {
            let target = thing(&activity, "target", findings);
            if target.is_some() && target == object {
                let message = "`target` of the Move has the `id` of its `object`";
                findings.error(activity.at("target"), message, "name where it went");
            }
        }
    }
}

/// An object or target: `id` and `type`.
fn thing<'d>(activity: &Part<'d>, property: &str, findings: &mut Findings) -> Option<&'d str> {
    let found = findings.need(activity, property, "say what has changed, by `id` and `type`")?;
    if !found.value.is_object() {
        findings.wrong(&found, property, "write an object with `id` and `type`");
        return None;
    }
    findings.need(&found, "type", "say what it is");
    if let Some(canonical) = found.get("canonical")
        && !canonical.value.as_str().is_some_and(|uri| uri.contains(':'))
    {
        findings.wrong(&canonical, "canonical", "write a URI");
    }
    findings.need_uri(&found, "id")
}

fn empty(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if root.get("orderedItems").is_some_and(|items| items.value.as_array().is_some_and(Vec::is_empty)) {
        let fix = "publish no page before there is something, or begin with a Refresh activity";
        findings.error("/orderedItems", "`orderedItems` is empty", fix);
    }
}
