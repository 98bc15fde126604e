//! P22: what is painted is painted on the canvas that it stands in, within its bounds.

use serde_json::Value;

use super::{Class, Findings, Node, Rule, THREE, Tree};

pub(super) const RULE: Rule = Rule {
    id: "P22",
    title: "What is painted is painted on the canvas that it stands in, within its bounds",
    section: "Presentation 3.0 §5.6",
    kinds: THREE,
    check,
};

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Annotation) {
        let Some(target) = node.get("target") else {
            findings.error(&*node.pointer, format!("`target` of {} is missing", node.name()), "say what it is about");
            continue;
        };
        let mut above = tree.above(node);
        let (Some(page), Some(canvas)) = (above.next(), above.next()) else { continue };
        if page.property != "items" || canvas.class != Class::Canvas {
            continue;
        }
        let Some(id) = canvas.text("id") else { continue };
        let named = match target {
            Value::String(uri) => Some(uri.as_str()),
            Value::Object(object) => object
                .get("source")
                .and_then(|source| source.as_str().or_else(|| source.get("id")?.as_str()))
                .or_else(|| object.get("id")?.as_str()),
            _ => None,
        };
        let Some(named) = named else {
            findings.error(node.at("target"), "`target` names no canvas", format!("write {id}"));
            continue;
        };
        let (resource, fragment) = named.split_once('#').unwrap_or((named, ""));
        if resource != id {
            findings.error(
                node.at("target"),
                format!("`target` is {named}, not the canvas that holds the annotation"),
                format!("write {id}"),
            );
            continue;
        }
        let selector = target.get("selector").map(|selector| selector.get(0).unwrap_or(selector));
        let value = selector.and_then(|selector| selector.get("value")).and_then(Value::as_str);
        for part in [Some(fragment), value].into_iter().flatten().flat_map(|fragment| fragment.split('&')) {
            bounds(node, canvas, part, findings);
        }
    }
}

fn bounds(node: &Node<'_>, canvas: &Node<'_>, part: &str, findings: &mut Findings) {
    let size = |property: &str| canvas.get(property).and_then(Value::as_f64);
    if let Some(numbers) = part.strip_prefix("xywh=") {
        let numbers = numbers.strip_prefix("pixel:").unwrap_or(numbers);
        let Some(numbers) =
            numbers.split(',').map(|number| number.trim().parse::<f64>().ok()).collect::<Option<Vec<_>>>()
        else {
            return;
        };
        let ([x, y, w, h], Some(width), Some(height)) = (numbers.as_slice(), size("width"), size("height")) else {
            return;
        };
        if x + w > width || y + h > height || *x < 0.0 || *y < 0.0 || *w <= 0.0 || *h <= 0.0 {
            let message = format!("`target` has xywh={x},{y},{w},{h}, outside of its canvas of {width} x {height}");
            findings.error(node.at("target"), message, "keep within the canvas");
        }
    }
    if let Some(times) = part.strip_prefix("t=") {
        let times = times.strip_prefix("npt:").unwrap_or(times);
        let mut ends = times.split(',').map(|time| time.parse::<f64>().ok());
        let (start, end) = (ends.next().flatten().unwrap_or(0.0), ends.next().flatten());
        let Some(duration) = size("duration") else { return };
        if start < 0.0 || start > duration || end.is_some_and(|end| end <= start || end > duration) {
            let message = format!("`target` has t={times}, outside of its canvas of {duration} s");
            findings.error(node.at("target"), message, "keep within the canvas");
        }
    }
}
