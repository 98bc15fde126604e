//! Image information of Image API 1.x, 2.x and 3.0, and image services that stand in other documents.

use std::collections::HashSet;

use serde_json::Value;

use super::recognise::contexts;
use super::{ALL, Class, DocumentKind, Findings, Part, Rule, Tree, is_http, kind};

const INFO: &[DocumentKind] = &[DocumentKind::ImageInfo];
const PROTOCOL: &str = "http://iiif.io/api/image";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "I1",
        title: "`@context` says the version of the Image API",
        section: "Image API 3.0 §5.2",
        kinds: INFO,
        check: context,
    },
    Rule {
        id: "I2",
        title: "`id` is the base URI of the image",
        section: "Image API 3.0 §5.2",
        kinds: INFO,
        check: id,
    },
    Rule {
        id: "I3",
        title: "`type` and `protocol` say that it is an image service",
        section: "Image API 3.0 §5.2",
        kinds: INFO,
        check: names,
    },
    Rule {
        id: "I4",
        title: "`profile` names a compliance level in the way of the version",
        section: "Image API 3.0 §6",
        kinds: INFO,
        check: profile,
    },
    Rule {
        id: "I5",
        title: "`width` and `height` are those of the whole image",
        section: "Image API 3.0 §5.2",
        kinds: INFO,
        check: dimensions,
    },
    Rule {
        id: "I6",
        title: "`sizes` are smaller versions of the whole image",
        section: "Image API 3.0 §5.3",
        kinds: INFO,
        check: sizes,
    },
    Rule {
        id: "I7",
        title: "`tiles` have a width and scale factors, and each shape once",
        section: "Image API 3.0 §5.4",
        kinds: INFO,
        check: tiles,
    },
    Rule {
        id: "I8",
        title: "`maxWidth`, `maxHeight` and `maxArea` are limits that fit each other",
        section: "Image API 3.0 §5.2",
        kinds: INFO,
        check: limits,
    },
    Rule {
        id: "I9",
        title: "Formats, qualities and features are lists of known words",
        section: "Image API 3.0 §5.7",
        kinds: INFO,
        check: extras,
    },
    Rule {
        id: "I10",
        title: "Rights and links are written as the version has them",
        section: "Image API 3.0 §5.8",
        kinds: INFO,
        check: links,
    },
    Rule {
        id: "I11",
        title: "An image service in another document says its level in the way of its version",
        section: "Image API 3.0 §5.8",
        kinds: ALL,
        check: embedded,
    },
];

/// The version that the information is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
    Three,
}

fn version(info: &Part<'_>) -> Version {
    let names = info.object().map(contexts).unwrap_or_default();
    let is_in = |mark: &str| names.iter().any(|name| name.contains(mark));
    let kind = info.kind().unwrap_or_default();
    if is_in("api/image/3/") || kind == "ImageService3" {
        Version::Three
    } else if is_in("api/image/2/") || kind == "ImageService2" || kind == "iiif:Image" {
        Version::Two
    } else if is_in("image-api/") || is_in("api/image/1") || info.has("scale_factors") || info.has("tile_width") {
        Version::One
    } else if info.has("id") || info.has("type") {
        Version::Three
    } else {
        Version::Two
    }
}

fn context(tree: &Tree<'_>, findings: &mut Findings) {
    const OLD: [&str; 3] = [
        "http://library.stanford.edu/iiif/image-api/1.1/context.json",
        "http://library.stanford.edu/iiif/image-api/context.json",
        "http://iiif.io/api/image/1/context.json",
    ];
    let root = tree.root();
    let (wanted, is_must): (&[&str], bool) = match version(&root) {
        Version::Three => (&["http://iiif.io/api/image/3/context.json"], true),
        Version::Two => (&["http://iiif.io/api/image/2/context.json"], true),
        Version::One => (&OLD, false),
    };
    let fix = format!("write `\"@context\": \"{}\"`", wanted[0]);
    let Some(found) = root.get("@context") else {
        // Image API 1.0 had none.
        return if is_must {
            findings.missing(&root, "@context", fix);
        };
    };
    let names: Vec<Option<&str>> = found.items().iter().map(|item| item.value.as_str()).collect();
    let at = names.iter().position(|name| name.is_some_and(|name| wanted.contains(&name)));
    match at {
        None => findings.wrong(&found, "@context", fix),
        Some(at) if at + 1 < names.len() => {
            let message = "`@context` has the context of the Image API before others, so theirs would count";
            findings.error(found.pointer, message, format!("put `{}` last", wanted[0]));
        }
        Some(_) => {}
    }
}

fn id(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let (property, other) = if version(&root) == Version::Three { ("id", "@id") } else { ("@id", "id") };
    if !root.has(property) && root.has("identifier") && version(&root) == Version::One {
        return;
    }
    if root.has(other) && !root.has(property) {
        let message = format!("`{property}` is missing; `{other}` is of another version of the Image API");
        return findings.error(root.at(other), message, format!("write `{property}`"));
    }
    let Some(id) = findings.need_uri(&root, property) else { return };
    let fix = "write the URI up to the identifier of the image";
    if id.ends_with("/info.json") {
        findings.error(root.at(property), format!("`{property}` is {id}, the address of this document"), fix);
    } else if id.ends_with('/') {
        findings.error(root.at(property), format!("`{property}` ends with a slash: {id}"), fix);
    } else if id.contains(['?', '#']) {
        findings.warning(root.at(property), format!("`{property}` has a query or a fragment: {id}"), fix);
    }
}

fn names(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    match version(&root) {
        Version::Three => {
            findings.need_one_of(&root, "type", &["ImageService3"]);
            findings.need_one_of(&root, "protocol", &[PROTOCOL]);
        }
        Version::Two => {
            if let Some(found) = root.get("@type") {
                findings.one_of(&found, "@type", &["iiif:Image", "ImageService2"]);
            }
            findings.need_one_of(&root, "protocol", &[PROTOCOL]);
        }
        Version::One => {}
    }
}

const LEVELS: [&str; 3] = ["level0", "level1", "level2"];
const LEVELS_2: [&str; 3] = [
    "http://iiif.io/api/image/2/level0.json",
    "http://iiif.io/api/image/2/level1.json",
    "http://iiif.io/api/image/2/level2.json",
];

fn profile(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    match version(&root) {
        Version::Three => findings.need_one_of(&root, "profile", &LEVELS),
        Version::Two => {
            let fix = "write `[\"http://iiif.io/api/image/2/level2.json\"]`, with the level that is supported";
            let Some(found) = findings.need(&root, "profile", fix) else { return };
            if !found.value.is_array() {
                let message = format!("`profile` is {} and not a list", kind(found.value));
                return findings.error(found.pointer, message, fix);
            }
            for (index, item) in found.items().into_iter().enumerate() {
                match item.value {
                    Value::String(name) if index == 0 && !LEVELS_2.contains(&name.as_str()) => {
                        findings.wrong(&item, "profile", format!("begin with one of {}", LEVELS_2.join(", ")));
                    }
                    Value::String(_) => {}
                    Value::Object(_) if index > 0 => {}
                    _ => {
                        findings.wrong(&item, "profile", "write the level's URI first, then objects with what is more");
                    }
                }
            }
            if found.items().is_empty() {
                findings.error(found.pointer, "`profile` is empty", fix);
            }
        }
        Version::One => {
            if let Some(found) = root.get("profile")
                && !found.value.as_str().is_some_and(|name| is_http(name) && name.contains("level"))
            {
                findings.wrong(&found, "profile", "write the URI of a compliance level as one string");
            }
        }
    }
}

fn dimensions(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    for property in ["width", "height"] {
        if findings.need(&root, property, "give the pixels of the whole image").is_some() {
            findings.whole(&root, property, 1);
        }
    }
}

/// Width and height of the whole image.
fn whole(root: &Part<'_>) -> Option<(u64, u64)> {
    let number = |property: &str| root.value.get(property).and_then(Value::as_u64);
    Some((number("width")?, number("height")?))
}

fn sizes(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let mut seen = HashSet::new();
    for size in findings.array(&root, "sizes") {
        if !size.value.is_object() {
            findings.wrong(&size, "sizes", "write `{\"width\": …, \"height\": …}`");
            continue;
        }
        for property in ["width", "height"] {
            findings.need(&size, property, "give both `width` and `height`");
        }
        let numbers = (findings.whole(&size, "width", 1), findings.whole(&size, "height", 1));
        let (Some(width), Some(height)) = numbers else { continue };
        if !seen.insert((width, height)) {
            findings.warning(&*size.pointer, format!("`sizes` has {width} x {height} twice"), "name each once");
        }
        let Some((whole_width, whole_height)) = whole(&root) else { continue };
        if width > whole_width || height > whole_height {
            let message =
                format!("`sizes` has {width} x {height}, larger than the image of {whole_width} x {whole_height}");
            findings.warning(&*size.pointer, message, "name sizes no larger than the image");
        } else if is_distorted((width, height), (whole_width, whole_height)) {
            let message = format!("`sizes` has {width} x {height}, which distorts {whole_width} x {whole_height}");
            findings.warning(&*size.pointer, message, "keep the proportions of the image");
        }
    }
}

/// Is one side further than a pixel from what the other asks for? Servers round in different ways.
fn is_distorted((width, height): (u64, u64), (whole_width, whole_height): (u64, u64)) -> bool {
    let far = |side: u64, other: u64, whole_side: u64, whole_other: u64| {
        let exact = u128::from(other) * u128::from(whole_side);
        let given = u128::from(side) * u128::from(whole_other);
        exact.abs_diff(given) > u128::from(whole_other)
    };
    far(width, height, whole_width, whole_height) && far(height, width, whole_height, whole_width)
}

fn tiles(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if version(&root) == Version::One {
        for property in ["tile_width", "tile_height"] {
            findings.whole(&root, property, 1);
        }
        return factors(&root, "scale_factors", &mut HashSet::new(), findings);
    }
    let (mut shapes, mut seen) = (HashSet::new(), HashSet::new());
    for tile in findings.array(&root, "tiles") {
        if !tile.value.is_object() {
            findings.wrong(&tile, "tiles", "write `{\"width\": …, \"scaleFactors\": […]}`");
            continue;
        }
        findings.need(&tile, "width", "give the pixels of a tile");
        let width = findings.whole(&tile, "width", 1);
        let height = findings.whole(&tile, "height", 1).or(width);
        if width.is_some() && !shapes.insert((width, height)) {
            let message = "`tiles` has two objects with the same `width` and `height`";
            findings.error(&*tile.pointer, message, "join their `scaleFactors` in one");
        }
        if findings.need(&tile, "scaleFactors", "list the factors, for example `[1, 2, 4]`").is_some() {
            factors(&tile, "scaleFactors", &mut seen, findings);
        }
    }
}

fn factors(part: &Part<'_>, property: &str, seen: &mut HashSet<u64>, findings: &mut Findings) {
    let list = findings.array(part, property);
    if list.is_empty() && part.get(property).is_some_and(|found| found.value.is_array()) {
        findings.error(
            part.at(property),
            format!("`{property}` is empty"),
            "list the factors, for example `[1, 2, 4]`",
        );
    }
    for factor in list {
        match factor.value.as_u64().filter(|factor| *factor > 0) {
            None => findings.wrong(&factor, property, "write whole numbers, 1 or more"),
            Some(number) if !seen.insert(number) => {
                findings.warning(factor.pointer, format!("`{property}` has {number} twice"), "name each factor once");
            }
            Some(_) => {}
        }
    }
}

fn limits(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    let holders = match version(&root) {
        Version::Three => vec![root.clone()],
        Version::Two => root.list("profile").into_iter().filter(|part| part.value.is_object()).collect(),
        Version::One => Vec::new(),
    };
    for holder in holders {
        let [width, height, area] =
            ["maxWidth", "maxHeight", "maxArea"].map(|property| findings.whole(&holder, property, 1));
        if height.is_some() && !holder.has("maxWidth") {
            let message = "`maxHeight` is given without `maxWidth`";
            findings.error(holder.at("maxHeight"), message, "give `maxWidth` too");
        }
        for size in root.list("sizes") {
            let Some((w, h)) = whole(&size) else { continue };
            let is_over = width.is_some_and(|most| w > most)
                || height.or(width).is_some_and(|most| h > most)
                || area.is_some_and(|most| w.saturating_mul(h) > most);
            if is_over {
                let message = format!("`sizes` has {w} x {h}, over the limits of `maxWidth`, `maxHeight` or `maxArea`");
                findings.warning(size.pointer, message, "take it away, or raise the limit");
            }
        }
    }
    let upscales = root.list("extraFeatures").iter().any(|feature| feature.value == "sizeUpscaling");
    if upscales && !root.has("maxWidth") && !root.has("maxArea") {
        let message = "`extraFeatures` has `sizeUpscaling`, yet neither `maxWidth` nor `maxArea` is given";
        findings.error(root.at("extraFeatures"), message, "say how large is allowed");
    }
}

const FORMATS: &[&str] = &["jpg", "tif", "png", "gif", "jp2", "pdf", "webp"];
const QUALITIES: &[&str] = &["color", "gray", "bitonal", "default"];
const FEATURES: &[&str] = &[
    "baseUriRedirect",
    "canonicalLinkHeader",
    "cors",
    "jsonldMediaType",
    "mirroring",
    "profileLinkHeader",
    "regionByPct",
    "regionByPx",
    "regionSquare",
    "rotationArbitrary",
    "rotationBy90s",
    "sizeByConfinedWh",
    "sizeByH",
    "sizeByPct",
    "sizeByW",
    "sizeByWh",
    "sizeUpscaling",
];
const FEATURES_2: &[&str] = &["sizeAboveFull", "sizeByDistortedWh", "sizeByForcedWh", "sizeByWhListed"];

fn extras(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    match version(&root) {
        Version::Three => {
            words(&root, "extraFormats", FORMATS, &[], findings);
            words(&root, "extraQualities", QUALITIES, &[], findings);
            words(&root, "extraFeatures", FEATURES, &[], findings);
            let extra: Vec<&str> = root.list("extraFormats").iter().filter_map(|item| item.value.as_str()).collect();
            // Level 2 has PNG beside JPEG; the other levels have JPEG alone.
            let has_png = root.text("profile") == Some("level2");
            for (at, format) in findings.strings(&root, "preferredFormats") {
                if !(format == "jpg" || format == "png" && has_png || extra.contains(&format)) {
                    let message =
                        format!("`preferredFormats` has `{format}`, which neither `profile` nor `extraFormats` has");
                    findings.error(at, message, "name it in `extraFormats`, or take it away");
                }
            }
        }
        Version::Two => {
            for holder in root.list("profile").into_iter().filter(|part| part.value.is_object()) {
                words(&holder, "formats", FORMATS, &[], findings);
                words(&holder, "qualities", QUALITIES, &[], findings);
                words(&holder, "supports", FEATURES, FEATURES_2, findings);
            }
        }
        Version::One => {
            words(&root, "formats", FORMATS, &[], findings);
            words(&root, "qualities", QUALITIES, &["native", "grey"], findings);
        }
    }
}

fn words(part: &Part<'_>, property: &str, known: &[&str], more: &[&str], findings: &mut Findings) {
    for (at, word) in findings.strings(part, property) {
        // Extensions name theirs by URIs or registered words.
        if !word.contains(':') && !known.contains(&word) && !more.contains(&word) {
            let message = format!("`{property}` has `{word}`, which the specification does not name");
            findings.warning(at, message, "clients may not know it; check how it is written");
        }
    }
}

fn links(tree: &Tree<'_>, findings: &mut Findings) {
    let root = tree.root();
    if version(&root) != Version::Three {
        return;
    }
    if let Some(rights) = root.get("rights") {
        findings.uri(&rights, "rights");
    }
    for property in ["partOf", "seeAlso", "service"] {
        for item in findings.array(&root, property) {
            if property == "service" && (item.has("@id") || item.text("profile") == Some("external")) {
                continue;
            }
            if item.value.is_object() {
                findings.need(&item, "id", "say where it is");
                findings.need(&item, "type", "say what it is");
            } else {
                findings.wrong(&item, property, "write an object with `id` and `type`");
            }
        }
    }
    for (old, new) in [
        ("attribution", "a manifest's `requiredStatement`"),
        ("license", "`rights`"),
        ("logo", "a manifest's `provider`"),
    ] {
        if root.has(old) {
            let message = format!("`{old}` is of Image API 2; clients of 3.0 do not look at it");
            findings.warning(root.at(old), message, format!("use {new}"));
        }
    }
}

fn embedded(tree: &Tree<'_>, findings: &mut Findings) {
    for node in tree.of_class(Class::Service) {
        let context = node.text("@context").unwrap_or_default();
        let is_three = node.kind() == Some("ImageService3");
        let is_two = node.kind() == Some("ImageService2") || node.kind().is_none() && context.contains("api/image/2/");
        if !is_three && !is_two {
            continue;
        }
        let fix = if is_three { "write `level0`, `level1` or `level2`" } else { "write the URI of the level" };
        let Some(found) = node.get("profile") else {
            findings.warning(&*node.pointer, "`profile` of the image service is missing", fix);
            continue;
        };
        let name = found.as_str().or_else(|| found.get(0)?.as_str());
        let fits = match name {
            Some(name) if is_three => LEVELS.contains(&name),
            Some(name) => LEVELS_2.contains(&name) || LEVELS.contains(&name),
            None => false,
        };
        if !fits {
            let message = format!(
                "`profile` of the image service is {}",
                name.map_or(kind(found).to_owned(), |name| format!("`{name}`"))
            );
            findings.warning(node.at("profile"), message, fix);
        }
    }
}
