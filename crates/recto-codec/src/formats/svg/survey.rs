//! What a drawing becomes when its references are followed, found out before they are: `use`, patterns, markers, masks and
//! clips can be made of each other, so that a kilobyte grows without end.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Attribute, Document, Node, NodeId};
use resvg::usvg::{self, Tree};

use super::{corrupt, style, unsupported};
use crate::{DecodeError, SourceFormat};

/// Most nodes of a document.
pub(super) const MAX_NODES: u32 = 500_000;
/// Most elements when every reference is followed.
const MAX_WEIGHT: u64 = 1_000_000;
/// Elements in one another, references followed.
const MAX_DEPTH: u32 = 256;
/// Most bytes of links to pictures when every reference is followed: they are unpacked each time.
const MAX_PICTURE_BYTES: u64 = 256 << 20;
/// Attributes of one element: they are compared with each other.
const MAX_ATTRIBUTES: u32 = 4000;
/// About what the library holds for an element, for a byte of its attributes, and for one that is drawn as a letter.
const ELEMENT_BYTES: u64 = 768;
const ATTRIBUTE_GROWTH: u64 = 8;
const LETTER_BYTES: u64 = 400;
/// Elements of one name, where that is referred to from within one of them.
const MAX_OF_A_NAME: u32 = 100;
/// How often the library goes round a circle of uses before it gives up.
const ROUNDS: u64 = 512;
/// Layers and steps of filters that are drawn apart and then joined.
const MAX_LAYERS: u64 = 4096;
/// A step of a filter takes as long as so many layers.
const FILTER_STEP: u64 = 8;

/// Bounds how deep elements are nested and how many attributes they have, by counting signs: parsers descend with the former, and
/// compare the latter.
pub(super) fn check_nesting(text: &str) -> Result<(), DecodeError> {
    let bytes = text.as_bytes();
    let mut depth = 0_u32;
    let mut end = 0;
    for at in memchr::memchr_iter(b'<', bytes) {
        match bytes.get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b'!' | b'?') | None => {}
            Some(_) => {
                // Where several signs stand before the same end, it is looked for once.
                if end <= at {
                    end = memchr::memchr(b'>', &bytes[at..]).map_or(bytes.len(), |length| at + length);
                }
                if bytes.get(end - 1) != Some(&b'/') {
                    depth += 1;
                }
                if attributes(bytes, at) > MAX_ATTRIBUTES {
                    return Err(unsupported(format!("elements of more than {MAX_ATTRIBUTES} attributes")));
                }
            }
        }
        // A `<` in a comment may count wrongly, hence the room.
        if depth > MAX_DEPTH * 4 {
            return Err(unsupported(format!("elements nested more than {MAX_DEPTH} times")));
        }
    }
    Ok(())
}

/// How many values are given between this sign and the next, counted a little further than there may be.
fn attributes(bytes: &[u8], at: usize) -> u32 {
    let mut count = 0;
    for sign in memchr::memchr2_iter(b'=', b'<', bytes.get(at + 1..).unwrap_or_default()) {
        let rest = bytes.get(at + 1 + sign..).unwrap_or_default();
        let Some((b'=', rest)) = rest.split_first() else { break };
        count += u32::from(matches!(rest.trim_ascii_start().first(), Some(b'"' | b'\'')));
        if count > MAX_ATTRIBUTES {
            break;
        }
    }
    count
}

/// What an element weighs of which nothing else is known.
const ONE: Weight = Weight { elements: 1, copies: 1, points: 1, held_bytes: 0, picture_bytes: 0 };

/// What a part of a document becomes when its references are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) elements: u64,
    /// Those that are copied where they are used, and so given their style anew.
    copies: u64,
    /// Points of paths, of which markers are drawn at each; a point takes two letters at least.
    points: u64,
    /// About what the library holds for them, but for the pictures inside.
    pub(super) held_bytes: u64,
    /// Bytes of links to pictures.
    pub(super) picture_bytes: u64,
}

impl Weight {
    fn add(&mut self, other: Self, times: u64) {
        self.elements = self.elements.saturating_add(other.elements.saturating_mul(times));
        self.copies = self.copies.saturating_add(other.copies.saturating_mul(times));
        self.points = self.points.saturating_add(other.points.saturating_mul(times));
        self.held_bytes = self.held_bytes.saturating_add(other.held_bytes.saturating_mul(times));
        self.picture_bytes = self.picture_bytes.saturating_add(other.picture_bytes.saturating_mul(times));
    }

    /// What one element takes by itself. `nodes` is how many the document has.
    fn of(element: Node<'_, '_>, nodes: u64) -> Self {
        let name = element.tag_name().name();
        let points =
            element.attribute("d").or_else(|| element.attribute("points")).map_or(1, |path| path.len() / 2 + 1);
        let mut own = Self { elements: 1, copies: 1, points: points as u64, ..Self::default() };
        let mut bytes = 0;
        for attribute in element.attributes() {
            let value = attribute.value();
            if attribute.name() == "href" && !value.trim_start().starts_with('#') {
                own.picture_bytes += value.len() as u64;
            } else {
                bytes += value.len() as u64;
            }
        }
        let texts = element.children().filter(Node::is_text).filter_map(|text| text.text());
        let letters = texts.fold(0, |sum, text| sum + text.len() as u64);
        match name {
            // Each that is painted with it has stops of its own, and nothing else of it.
            "linearGradient" | "radialGradient" | "stop" => own.held_bytes = bytes,
            "text" | "tspan" | "textPath" | "tref" | "a" => {
                own.held_bytes = ELEMENT_BYTES + bytes * ATTRIBUTE_GROWTH + letters * LETTER_BYTES;
            }
            _ => own.held_bytes = ELEMENT_BYTES + bytes * ATTRIBUTE_GROWTH + letters,
        }
        if name == "tref" {
            // Its text is looked for in the whole document.
            own.elements += nodes / 1000;
        }
        own
    }
}

/// Follows all references of a document.
pub(super) fn check(document: &Document<'_>) -> Result<Weight, DecodeError> {
    let mut by_name: HashMap<&str, Vec<NodeId>> = HashMap::new();
    let (mut elements, mut style_bytes) = (0_u64, 0_u64);
    for node in document.descendants().filter(Node::is_element) {
        elements += 1;
        style_bytes += node.attribute("style").map_or(0, |style| style.len() as u64);
        for attribute in node.attributes().filter(|attribute| attribute.name() == "id") {
            by_name.entry(name_in(attribute.value())).or_default().push(node.id());
        }
    }
    let circle = Weight { held_bytes: style_bytes.saturating_mul(ROUNDS), ..ONE };
    let mut survey = Survey { document, by_name, known: HashMap::new(), names: HashMap::new(), circle };
    let mut weight = survey.weight(document.root(), 0)?;
    let copies = weight.copies;
    // What a style sheet refers to may be meant for every element, and markers for every point.
    let mut by_style = Weight::default();
    let mut times = elements;
    for style in document.descendants().filter(|node| node.tag_name().name() == "style") {
        let text = style.text().unwrap_or_default();
        for target in survey.targets_of_sheet(text) {
            by_style.add(survey.weight_of_name(target, ONE, 0)?, 1);
        }
        if text.contains("marker") {
            times = times.max(weight.points);
        }
    }
    weight.add(by_style, times);
    if weight.elements > MAX_WEIGHT {
        return Err(unsupported(format!("references that make more than {MAX_WEIGHT} elements of it")));
    }
    if weight.picture_bytes > MAX_PICTURE_BYTES {
        return Err(DecodeError::TooLarge {
            format: SourceFormat::Svg,
            needed: weight.picture_bytes,
            limit: MAX_PICTURE_BYTES,
            unit: "bytes of pictures inside, each as often as it is used",
        });
    }
    let styled = Weight { held_bytes: style::check(document, copies)?, ..Weight::default() };
    weight.add(styled, copies);
    Ok(weight)
}

/// The name that a text begins with, up to any sign that may end a reference. Names may have such signs in them; those that are
/// the same up to there are counted together.
fn name_in(text: &str) -> &str {
    text.split([')', '"', '\'', ' ', ';', '#']).next().unwrap_or_default()
}

struct Survey<'a, 'b> {
    document: &'b Document<'a>,
    by_name: HashMap<&'b str, Vec<NodeId>>,
    /// Weights; `None` while one is being found out, which ends circles.
    known: HashMap<NodeId, Option<Weight>>,
    /// Weights of all that have a name, once none of them is being found out.
    names: HashMap<&'b str, Weight>,
    /// What an element becomes that uses one around it.
    circle: Weight,
}

impl<'a, 'b> Survey<'a, 'b> {
    /// The names that a text refers to, as `#name` or `url(#name)`, where there are such.
    fn targets(&self, text: &str) -> Vec<&'b str> {
        let names = text.split('#').skip(1).map(name_in);
        names.filter_map(|name| self.by_name.get_key_value(name)).map(|(name, _)| *name).collect()
    }

    /// The names that a style sheet refers to, as `url(#name)`: in its selectors names are no references.
    fn targets_of_sheet(&self, text: &str) -> Vec<&'b str> {
        let mut before = "";
        let mut names = Vec::new();
        for part in text.split('#') {
            if before.trim_end_matches([' ', '\t', '\n', '\r', '"', '\'']).ends_with("url(") {
                names.extend(self.by_name.get_key_value(name_in(part)).map(|(name, _)| *name));
            }
            before = part;
        }
        names
    }

    /// The weight of all that have this name, of which those that are being found out weigh `unknown`.
    fn weight_of_name(&mut self, name: &'b str, unknown: Weight, depth: u32) -> Result<Weight, DecodeError> {
        if let Some(weight) = self.names.get(name) {
            return Ok(*weight);
        }
        let mut sum = Weight::default();
        let (mut is_known, mut count) = (true, 0);
        for node in self.by_name.get(name).cloned().unwrap_or_default() {
            count += 1;
            let weight = self.weight_of(node, depth)?;
            is_known &= weight.is_some();
            sum.add(weight.unwrap_or(unknown), 1);
        }
        if is_known {
            self.names.insert(name, sum);
        } else if count > MAX_OF_A_NAME {
            return Err(unsupported(format!("references to `{name}`, which is around them and the name of many")));
        }
        Ok(sum)
    }

    /// `None` while it is being found out.
    fn weight_of(&mut self, node: NodeId, depth: u32) -> Result<Option<Weight>, DecodeError> {
        match self.known.get(&node) {
            Some(weight) => return Ok(*weight),
            None => self.known.insert(node, None),
        };
        let node = self.document.get_node(node).ok_or_else(|| corrupt("a reference leads nowhere"))?;
        let weight = self.weight(node, depth)?;
        self.known.insert(node.id(), Some(weight));
        Ok(Some(weight))
    }

    /// What a node becomes.
    fn weight(&mut self, node: Node<'b, 'a>, depth: u32) -> Result<Weight, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(unsupported(format!("elements nested more than {MAX_DEPTH} times")));
        }
        let mut weight = Weight::of(node, self.document.descendants().len() as u64);
        for child in node.children().filter(Node::is_element) {
            weight.add(self.weight_of(child.id(), depth + 1)?.unwrap_or(ONE), 1);
        }
        let (is_use, is_pattern) = (node.has_tag_name("use"), node.has_tag_name("pattern"));
        for attribute in node.attributes().filter(|attribute| !is_marker(attribute)) {
            for target in self.targets(attribute.value()) {
                let mut found = self.weight_of_name(target, if is_use { self.circle } else { ONE }, depth + 1)?;
                if !is_use {
                    (found.copies, found.points) = (0, 0);
                }
                // Patterns are made once; what is inside them counts where they are defined.
                if !is_pattern && self.is_pattern(target) {
                    found.picture_bytes = 0;
                }
                weight.add(found, 1);
            }
        }
        // Markers are drawn at the points of all paths within, or at one end of each.
        let (paths, points) = (weight.elements, weight.points);
        for attribute in node.attributes().filter(is_marker) {
            let times = if matches!(attribute.name(), "marker-start" | "marker-end") { paths } else { points };
            for target in self.targets(attribute.value()) {
                let found = self.weight_of_name(target, ONE, depth + 1)?;
                weight.add(Weight { copies: 0, points: 0, ..found }, times);
            }
        }
        Ok(weight)
    }

    /// True when this is the name of a pattern alone.
    fn is_pattern(&self, name: &str) -> bool {
        match self.by_name.get(name).map(Vec::as_slice) {
            Some([node]) => self.document.get_node(*node).is_some_and(|node| node.has_tag_name("pattern")),
            _ => false,
        }
    }
}

/// True when an attribute says what is drawn at the points of paths.
fn is_marker(attribute: &Attribute<'_, '_>) -> bool {
    let value = attribute.value();
    let marks = |declaration: &str| declaration.contains("marker") && declaration.contains('#');
    // A comment may stand between what is marked and the name.
    let may_mark = || value.split(';').any(marks) || (value.contains("/*") && value.contains("marker"));
    attribute.name().starts_with("marker") || (value.contains('#') && may_mark())
}

/// What is drawn apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layers {
    /// Layers that exist at one time.
    pub(super) most_at_once: u64,
    /// All layers, and steps of filters as what they are worth.
    pub(super) count: u64,
}

impl Layers {
    /// Counts them.
    pub(super) fn of(tree: &Tree) -> Result<Self, DecodeError> {
        let mut layers = Self::default();
        layers.group(tree.root(), 0, 0)?;
        Ok(layers)
    }

    fn group(&mut self, group: &usvg::Group, at_once: u64, depth: u32) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(unsupported(format!("elements nested more than {MAX_DEPTH} times")));
        }
        let mut at_once = at_once;
        if group.should_isolate() {
            at_once += 1;
            self.count += 1;
        }
        let steps: u64 = group.filters().iter().map(|filter| filter.primitives().len() as u64).sum();
        self.count += steps * FILTER_STEP;
        // Results of steps are kept for later ones.
        let mut here = at_once + steps;
        if let Some(mask) = group.mask() {
            here += 1;
            self.group(mask.root(), at_once + 1, depth + 1)?;
        }
        if let Some(clip) = group.clip_path() {
            here += 1;
            self.group(clip.root(), at_once + 1, depth + 1)?;
        }
        self.most_at_once = self.most_at_once.max(here);
        if self.count > MAX_LAYERS {
            return Err(unsupported(format!("more than {MAX_LAYERS} layers and filters")));
        }
        for node in group.children() {
            if let usvg::Node::Group(child) = node {
                self.group(child, at_once, depth + 1)?;
                continue;
            }
            // Patterns and pictures.
            let mut inside = Ok(());
            node.subroots(|root| {
                if inside.is_ok() {
                    inside = self.group(root, at_once + 1, depth + 1);
                }
            });
            inside?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
