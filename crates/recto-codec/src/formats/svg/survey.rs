//! What a drawing becomes when its references are followed, found out before they are: `use`, patterns, markers, masks and
//! clips can be made of each other, so that a kilobyte grows without end.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node, NodeId};
use resvg::usvg::{self, Tree};

use super::{corrupt, unsupported};
use crate::DecodeError;

/// Most nodes of a document.
pub(super) const MAX_NODES: u32 = 500_000;
/// Most elements when every reference is followed.
const MAX_WEIGHT: u64 = 1_000_000;
/// Elements in one another, references followed.
const MAX_DEPTH: u32 = 256;
/// Layers and steps of filters that are drawn apart and then joined.
const MAX_LAYERS: u64 = 4096;
/// A step of a filter takes as long as so many layers.
const FILTER_STEP: u64 = 8;

/// Bounds how deep elements are nested, by counting signs: parsers descend with them.
pub(super) fn check_nesting(text: &str) -> Result<(), DecodeError> {
    let bytes = text.as_bytes();
    let mut depth = 0_u32;
    for at in memchr::memchr_iter(b'<', bytes) {
        match bytes.get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b'!' | b'?') | None => {}
            Some(_) => {
                let end = memchr::memchr(b'>', &bytes[at..]).map_or(bytes.len(), |length| at + length);
                if bytes.get(end - 1) != Some(&b'/') {
                    depth += 1;
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

/// Follows all references of a document.
pub(super) fn check(document: &Document<'_>) -> Result<(), DecodeError> {
    let mut by_name = HashMap::new();
    let mut elements = 0_u64;
    for node in document.descendants().filter(Node::is_element) {
        elements += 1;
        if let Some(name) = node.attribute("id") {
            by_name.entry(name).or_insert(node.id());
        }
    }
    let mut survey = Survey { document, by_name, known: HashMap::new() };
    let weight = survey.weight(document.root(), 0)?;
    // What a style sheet refers to may be meant for every element.
    let mut by_style = 0_u64;
    for style in document.descendants().filter(|node| node.tag_name().name() == "style") {
        let text = style.text().unwrap_or_default();
        for target in survey.targets(text) {
            by_style = by_style.saturating_add(survey.weight_of(target, 0)?);
        }
    }
    if weight.saturating_add(by_style.saturating_mul(elements)) > MAX_WEIGHT {
        return Err(unsupported(format!("references that make more than {MAX_WEIGHT} elements of it")));
    }
    Ok(())
}

struct Survey<'a, 'b> {
    document: &'b Document<'a>,
    by_name: HashMap<&'b str, NodeId>,
    /// Weights; `None` while one is being found out, which ends circles.
    known: HashMap<NodeId, Option<u64>>,
}

impl<'a, 'b> Survey<'a, 'b> {
    /// The elements that a text refers to, as `#name` or `url(#name)`.
    fn targets(&self, text: &str) -> Vec<NodeId> {
        text.split('#')
            .skip(1)
            .filter_map(|rest| {
                let end = rest.find([')', '"', '\'', ' ', ';']).unwrap_or(rest.len());
                self.by_name.get(&rest[..end]).copied()
            })
            .collect()
    }

    fn weight_of(&mut self, node: NodeId, depth: u32) -> Result<u64, DecodeError> {
        match self.known.get(&node) {
            Some(weight) => return Ok(weight.unwrap_or(1)),
            None => self.known.insert(node, None),
        };
        let node = self.document.get_node(node).ok_or_else(|| corrupt("a reference leads nowhere"))?;
        let weight = self.weight(node, depth)?;
        self.known.insert(node.id(), Some(weight));
        Ok(weight)
    }

    /// The elements that a node becomes.
    fn weight(&mut self, node: Node<'b, 'a>, depth: u32) -> Result<u64, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(unsupported(format!("elements nested more than {MAX_DEPTH} times")));
        }
        let mut weight = 1_u64;
        for attribute in node.attributes().filter(|attribute| attribute.value().contains('#')) {
            // Markers are drawn at every point of a path; a point takes two letters at least.
            let is_marker = attribute.name().starts_with("marker") || attribute.value().contains("marker");
            let points = node.attribute("d").or_else(|| node.attribute("points")).map_or(1, |path| path.len() / 2 + 1);
            let times = if is_marker { points as u64 } else { 1 };
            for target in self.targets(attribute.value()) {
                weight = weight.saturating_add(self.weight_of(target, depth + 1)?.saturating_mul(times));
            }
        }
        for child in node.children().filter(Node::is_element) {
            weight = weight.saturating_add(self.weight_of(child.id(), depth + 1)?);
        }
        Ok(weight)
    }
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
