//! V3: annotations, parts of resources, quantities and what else 4.0 has are written as its schemas have them.

use serde_json::Value;

use super::{Class, FOUR, Findings, Part, Rule, Tree, is_http, kind, number};

pub(super) const RULE: Rule = Rule {
    id: "V3",
    title: "Annotations, parts of resources, quantities, transforms, lights and cameras are written as 4.0 has them",
    section: "Presentation 4.0",
    kinds: FOUR,
    check,
};

const ROOTS: [&str; 6] =
    ["Manifest", "Collection", "CollectionPage", "AnnotationCollection", "AnnotationPage", "Annotation"];

fn check(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    findings.need_one_of(&root, "type", &ROOTS);
    for node in &tree.nodes {
        let Some(part) = node.part(tree) else { continue };
        match node.class {
            Class::Annotation => annotation(&part, findings),
            Class::AnnotationPage if node.parent.is_none() || node.property == "items" => {
                findings.need(&part, "items", "list the annotations");
            }
            Class::AnnotationCollection if node.parent.is_none() => {
                findings.need_uri(&part, "id");
                findings.whole(&part, "total", 1);
                for property in ["first", "last"] {
                    findings.link(&part, property, "AnnotationPage");
                }
            }
            Class::Service if node.text("id").is_some() => {
                findings.string(&part, "profile");
            }
            _ => {}
        }
        // These may do without an `id`.
        if matches!(node.class, Class::TextualBody | Class::Choice)
            && let Some(id) = part.get("id")
        {
            findings.uri(&id, "id");
        }
        common(&part, findings);
    }
}

fn annotation(part: &Part<'_>, findings: &mut Findings) {
    findings.strings(part, "motivation");
    if !part.has("motivation") {
        findings.missing(part, "motivation", "write `\"motivation\": [\"painting\"]` or another");
    }
    if part.has("bodyValue") {
        let fix = "write `\"body\": {\"type\": \"TextualBody\", \"value\": …}`";
        findings.error(part.at("bodyValue"), "`bodyValue` is not used in IIIF", fix);
    }
    for property in ["body", "target"] {
        let Some(found) = part.get(property) else { continue };
        if !found.value.is_object() {
            let message = format!("`{property}` is {} and not an object", kind(found.value));
            let fix = if property == "body" {
                "write one object; a Choice, Composite, List or Independents holds several"
            } else {
                "write an object with `id` and `type`"
            };
            findings.error(found.pointer, message, fix);
        } else if property == "target" {
            target(&found, findings);
        } else {
            body(found, findings);
        }
    }
    if !part.has("target") {
        findings.missing(part, "target", "say what it is about");
    }
}

/// What an annotation may be about, besides parts and aggregates.
const TARGETS: [&str; 15] = [
    "Manifest",
    "Collection",
    "AnnotationCollection",
    "AnnotationPage",
    "Annotation",
    "Canvas",
    "Timeline",
    "Scene",
    "Range",
    "Image",
    "Audio",
    "Video",
    "Model",
    "Dataset",
    "Text",
];

const AGGREGATES: [&str; 4] = ["Choice", "Composite", "List", "Independents"];

fn target(found: &Part<'_>, findings: &mut Findings) {
    if findings.need(found, "type", "say what it is").is_none() {
        return;
    }
    let given = found.kind().unwrap_or_default();
    if AGGREGATES.contains(&given) {
        findings.need(found, "items", "list what it holds");
    } else if given == "SpecificResource" {
        specific(found, findings);
    } else {
        if !TARGETS.contains(&given) && !given.contains(':') && !given.ends_with("Light") && !given.ends_with("Camera")
        {
            let message = format!("`type` of the target is `{given}`, which is unknown");
            findings.error(found.at("type"), message, "write a class of the specification");
        }
        findings.need_uri(found, "id");
        if found.has("items") && matches!(given, "Canvas" | "Timeline" | "Scene") {
            let message = "`items` of a container stands in a `target`";
            findings.error(found.at("items"), message, "name it by `id` and `type`");
        }
    }
}

fn body(found: Part<'_>, findings: &mut Findings) {
    // A list of what is still to be looked at: bodies may be nested.
    let mut open = vec![found];
    while let Some(body) = open.pop() {
        if !body.value.is_object() {
            findings.wrong(&body, "body", "write an object with `type`");
            continue;
        }
        let given = body.kind().unwrap_or_default();
        match given {
            "" => findings.missing(&body, "type", "say what it is"),
            "SpecificResource" => {
                specific(&body, findings);
                open.extend(body.get("source").filter(|source| source.value.is_object()));
            }
            _ if AGGREGATES.contains(&given) => {
                findings.need(&body, "items", "list what it holds");
                open.extend(findings.array(&body, "items"));
            }
            "TextualBody" => {}
            _ if given.ends_with("Camera") => camera(&body, findings),
            _ if given.ends_with("Light") => light(&body, findings),
            _ if given.ends_with("Audio") && given != "Audio" => {
                findings.need(&body, "source", "name the sound");
                quantity(&body, "volume", findings);
            }
            _ => {
                findings.need_uri(&body, "id");
                for property in ["height", "width"] {
                    findings.whole(&body, property, 1);
                }
                number(&body, "duration", |seconds| seconds > 0.0, "write seconds, more than 0", findings);
                if let Some(format) = body.get("format")
                    && !format.value.as_str().is_some_and(|format| format.contains('/'))
                {
                    findings.wrong(&format, "format", "write a media type, for example `image/jpeg`");
                }
            }
        }
    }
}

fn specific(part: &Part<'_>, findings: &mut Findings) {
    findings.need_uri(part, "id");
    if let Some(source) = findings.need(part, "source", "say of what it is a part")
        && !source.value.is_object()
        && !source.value.as_str().is_some_and(is_http)
    {
        findings.wrong(&source, "source", "write an object with `id` and `type`");
    }
    for transform in findings.array(part, "transform") {
        findings.need_one_of(&transform, "type", &["RotateTransform", "TranslateTransform", "ScaleTransform"]);
        for property in ["x", "y", "z"] {
            number(&transform, property, |_| true, "write a number", findings);
        }
    }
    for selector in part.list("selector").iter().filter(|selector| selector.kind() == Some("PointSelector")) {
        number(selector, "instant", |moment| moment >= 0.0, "write seconds, 0 or more", findings);
        if selector.has("t") {
            let message = "`t` of a PointSelector is of Presentation 3";
            findings.warning(selector.at("t"), message, "write `instant`");
        }
    }
}

fn camera(part: &Part<'_>, findings: &mut Findings) {
    for property in ["near", "far"] {
        number(part, property, |distance| distance >= 0.0, "write a number, 0 or more", findings);
    }
    let far = part.value.get("far").and_then(Value::as_f64);
    let near = part.value.get("near").and_then(Value::as_f64);
    if let (Some(near), Some(far)) = (near, far)
        && far <= near
    {
        findings.error(part.at("far"), "`far` is not more than `near`", "put the far plane behind the near one");
    }
    number(
        part,
        "fieldOfView",
        |angle| angle > 0.0 && angle < 180.0,
        "write degrees, more than 0 and less than 180",
        findings,
    );
}

fn light(part: &Part<'_>, findings: &mut Findings) {
    number(
        part,
        "angle",
        |angle| angle > 0.0 && angle <= 90.0,
        "write degrees, more than 0 and no more than 90",
        findings,
    );
    quantity(part, "intensity", findings);
    if let Some(intensity) = part.get("intensity").filter(|intensity| intensity.value.is_object()) {
        findings.need_one_of(&intensity, "unit", &["relative"]);
        number(
            &intensity,
            "quantityValue",
            |value| (0.0..=1.0).contains(&value),
            "write a number from 0 to 1",
            findings,
        );
    }
    if let Some(color) = part.get("color") {
        is_color(&color, "color", findings);
    }
    if part.kind() == Some("ImageBasedLight") {
        findings.need(part, "environmentMap", "name the image that gives light");
    }
}

fn is_color(found: &Part<'_>, property: &str, findings: &mut Findings) {
    let fits = found.value.as_str().is_some_and(|color| {
        color
            .strip_prefix('#')
            .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    });
    if !fits {
        findings.wrong(found, property, "write it as `#FF8000`");
    }
}

fn quantity(part: &Part<'_>, property: &str, findings: &mut Findings) {
    let Some(found) = part.get(property) else { return };
    if !found.value.is_object() {
        return findings.wrong(&found, property, "write `{\"type\": \"Quantity\", \"quantityValue\": …, \"unit\": …}`");
    }
    findings.need_one_of(&found, "type", &["Quantity"]);
    if findings.need(&found, "quantityValue", "give the number").is_some() {
        number(&found, "quantityValue", |_| true, "write a number", findings);
    }
    findings.need(&found, "unit", "say of what, for example `m`");
    findings.string(&found, "unit");
}

const MODES: [&str; 5] = ["locked", "orbit", "hemisphere-orbit", "free", "free-direction"];
const DIRECTIONS: [&str; 4] = ["left-to-right", "right-to-left", "top-to-bottom", "bottom-to-top"];

/// What may stand in many classes.
fn common(part: &Part<'_>, findings: &mut Findings) {
    for property in ["spatialScale", "temporalScale"] {
        quantity(part, property, findings);
    }
    if let Some(color) = part.get("backgroundColor") {
        is_color(&color, "backgroundColor", findings);
    }
    if let Some(direction) = part.get("viewingDirection") {
        findings.one_of(&direction, "viewingDirection", &DIRECTIONS);
    }
    for (at, mode) in findings.strings(part, "interactionMode") {
        if !mode.contains(':') && !MODES.contains(&mode) {
            let message = format!("`interactionMode` has `{mode}`, which is unknown");
            findings.error(at, message, format!("write one of {}", MODES.join(", ")));
        }
    }
    if let Some(place) = part.get("navPlace") {
        findings.need(&place, "id", "give the features a URI");
        findings.need(&place, "type", "write `\"type\": \"FeatureCollection\"`");
        findings.array(&place, "features");
    }
}
