//! What the style sheets of a drawing cost, found out before the library applies them: it holds every rule against every
//! element, and copies what the rule declares.

use std::collections::HashMap;

use resvg::usvg::roxmltree::Document;

use super::corrupt;
use super::sheet::{self, Piece, Selector};
use crate::{DecodeError, SourceFormat};

/// Most declarations of all rules.
const MAX_DECLARATIONS: u64 = 1 << 20;
/// Most comparisons of rules with elements, and declarations that may be meant for them.
const MAX_COMPARISONS: u64 = 300_000_000;
/// Most bytes that the library goes over to say where something is that it does not take.
const MAX_RECOUNTED_BYTES: u64 = 10_000_000_000;

/// Bounds what applying the sheets takes, to as many elements as there are once references are followed. Gives the bytes
/// that they may put into each element.
pub(super) fn check(document: &Document<'_>, elements: u64) -> Result<u64, DecodeError> {
    let mut sheets = Sheets::default();
    let mut shape = None;
    for style in document.descendants().filter(|node| node.has_tag_name("style")) {
        if shape.is_none() {
            shape = Some(Shape::of(document)?);
        }
        let recounted = sheet::read(style.text().unwrap_or_default(), &mut |piece| sheets.take(piece, shape));
        sheets.recounted = sheets.recounted.saturating_add(recounted);
        // All rules so far are sorted anew.
        sheets.comparisons = sheets.comparisons.saturating_add(sheets.rules);
    }
    within(sheets.declarations, MAX_DECLARATIONS, "declarations of style rules")?;
    within(sheets.recounted, MAX_RECOUNTED_BYTES, "bytes gone over in its style sheets")?;
    let comparisons = sheets.comparisons.saturating_mul(elements);
    within(comparisons, MAX_COMPARISONS, "comparisons of style rules with elements")?;
    Ok(sheets.longest.values().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes)))
}

fn within(needed: u64, limit: u64, unit: &'static str) -> Result<(), DecodeError> {
    if needed > limit {
        return Err(DecodeError::TooLarge { format: SourceFormat::Svg, needed, limit, unit });
    }
    Ok(())
}

/// What makes it dear to compare selectors with the elements of a document.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    /// Most elements around one.
    depth: u64,
    /// Most comments and texts between two elements.
    gap: u64,
    /// Most attributes of an element.
    attributes: u64,
    /// The longest attribute, and the longest `class`.
    value_bytes: u64,
    class_bytes: u64,
}

impl Shape {
    fn of(document: &Document<'_>) -> Result<Self, DecodeError> {
        let mut shape = Self::default();
        // Of each node, its depth, and how many comments and texts its last element is behind.
        let mut nodes: Vec<(u64, u64)> = Vec::new();
        for node in document.descendants() {
            let mut depth = 0;
            if let Some(parent) = node.parent() {
                let parent =
                    nodes.get_mut(parent.id().get_usize()).ok_or_else(|| corrupt("its elements are tangled"))?;
                depth = parent.0 + 1;
                shape.gap = shape.gap.max(parent.1);
                parent.1 = if node.is_element() { 0 } else { parent.1 + 1 };
            }
            nodes.push((depth, 0));
            shape.depth = shape.depth.max(depth);
            shape.attributes = shape.attributes.max(node.attributes().len() as u64);
            for attribute in node.attributes() {
                let bytes = attribute.value().len() as u64;
                shape.value_bytes = shape.value_bytes.max(bytes);
                if attribute.name() == "class" {
                    shape.class_bytes = shape.class_bytes.max(bytes);
                }
            }
        }
        Ok(shape)
    }

    /// Comparisons of a selector with one element, at most.
    fn comparisons(&self, selector: &Selector) -> u64 {
        // The places of so many parts among the elements around: all ways to choose them.
        let (mut ways, mut all) = (1_u64, 1_u64);
        for part in 1..=selector.descents.min(self.depth) {
            ways = ways.saturating_mul(self.depth - part + 1) / part;
            all = all.saturating_add(ways);
            if all > MAX_COMPARISONS {
                break;
            }
        }
        let beside = if selector.looks_beside { 1 + self.gap / 8 } else { 1 };
        let value_bytes = if selector.looks_inside { self.value_bytes } else { self.class_bytes };
        let inside = 1 + self.attributes / 16 + value_bytes / 64;
        selector.parts.saturating_mul(all).saturating_mul(beside).saturating_mul(inside)
    }
}

/// What is in the sheets.
#[derive(Debug, Default)]
struct Sheets<'a> {
    rules: u64,
    declarations: u64,
    comparisons: u64,
    recounted: u64,
    /// Bytes of the longest value of each property.
    longest: HashMap<&'a str, u64>,
}

impl<'a> Sheets<'a> {
    fn take(&mut self, piece: Piece<'a>, shape: Option<Shape>) {
        match piece {
            Piece::Selector(selector) => {
                self.rules += 1;
                let comparisons = shape.unwrap_or_default().comparisons(&selector);
                self.comparisons = self.comparisons.saturating_add(comparisons);
            }
            Piece::Declaration { name, rules, bytes } => {
                self.declarations = self.declarations.saturating_add(rules);
                self.comparisons = self.comparisons.saturating_add(rules);
                let longest = self.longest.entry(name).or_default();
                // One of the properties stands for three.
                *longest = (*longest).max(if name == "marker" { bytes * 3 } else { bytes });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(inside: &str, elements: u64) -> Result<u64, DecodeError> {
        let text = format!("<svg>{inside}</svg>");
        check(&Document::parse(&text).unwrap(), elements)
    }

    /// A style element of `rules` rules, and so many elements in one another.
    fn sheet(rule: &str, rules: usize, depth: usize) -> String {
        format!("<style>{}</style>{}{}", rule.repeat(rules), "<g>".repeat(depth), "</g>".repeat(depth))
    }

    #[test]
    fn drawings_as_programs_write_them_are_within_the_bounds() {
        let sheet = sheet(".st0, .a > .b{fill:none;stroke:#000000;stroke-width:0.25}\n", 300, 12);
        assert_eq!(checked(&sheet, 50_000).unwrap(), 4 + 7 + 4);
        assert_eq!(checked("<g/>", u64::MAX).unwrap(), 0);
        let font = format!("<style>@font-face{{src:url(data:a;base64,{})}}a{{b:c}}</style>", "A1+/".repeat(250_000));
        assert_eq!(checked(&font, 100_000).unwrap(), 1);
    }

    #[test]
    fn more_than_the_bounds_is_refused_by_name() {
        let gap = format!("<style>{}</style>{}<g/>", "g:first-child{a:b}".repeat(1000), "<!---->".repeat(20_000));
        let class = format!("{}<g class='{}'/>", sheet(".b{a:b}", 1000, 1), "a ".repeat(100_000));
        for (what, inside, elements, unit) in [
            ("rules times elements", sheet("a{b:c}", 20_000, 1), 100_000, "comparisons of style rules with elements"),
            ("ways to go up", sheet("a * * * * * *{b:c}", 1, 200), 1, "comparisons of style rules with elements"),
            ("comments between elements", gap, 1000, "comparisons of style rules with elements"),
            ("words of a class", class, 1000, "comparisons of style rules with elements"),
            (
                "lists times blocks",
                format!("<style>{}a{{{}}}</style>", "a,".repeat(2000), "b:c;".repeat(2000)),
                1,
                "declarations of style rules",
            ),
            ("lines counted again", sheet("a{b:1 2 3 4 5}", 40_000, 1), 1, "bytes gone over in its style sheets"),
        ] {
            match checked(&inside, elements) {
                Err(DecodeError::TooLarge { unit: found, .. }) => assert_eq!(found, unit, "{what}"),
                other => panic!("{what}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_element_takes_the_longest_value_of_each_property() {
        let sheet = "<style>a{fill:red;stroke:#fff}a,b{fill:black}</style><style>a{marker:none}</style>";
        assert_eq!(checked(sheet, 1).unwrap(), 5 + 4 + 12);
    }
}
