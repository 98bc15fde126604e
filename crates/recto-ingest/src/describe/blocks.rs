//! Where on their pages the articles of a newspaper lie: by the blocks of text that a METS file names in files of ALTO.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use super::Describer;
use crate::description::{Block, Description, PagePart, PageRef, Range, RangeItem, Region};
use crate::{Finding, Object, Severity};

/// Files of text that are read for one object.
const MOST_FILES: usize = 5_000;
/// Longest file of text.
const MOST_BYTES: u64 = 32 << 20;
/// Parts within parts deeper than this are left as they are.
const DEEPEST: usize = 32;

/// The blocks of one file in its order: identifier, and left, top, right and lower edge in its own unit.
struct Blocks {
    places: HashMap<String, usize>,
    boxes: Vec<[f64; 4]>,
    /// Width of the page in the same unit.
    page_width: Option<f64>,
    is_in_pixels: bool,
}

impl Describer<'_> {
    /// Gives the parts of a table of contents that name blocks of text their regions.
    pub(super) fn place_blocks(&self, object: &Object, description: &mut Description, findings: &mut Vec<Finding>) {
        let widths: Vec<Option<u32>> = description
            .pages
            .iter()
            .map(|page| page.width.or_else(|| page.contents.first().and_then(|content| content.width)))
            .collect();
        let mut placing = Placing { describer: self, object, widths, files: HashMap::new(), missing: 0 };
        for range in &mut description.ranges {
            placing.range(range, 1);
        }
        if placing.missing > 0 {
            findings.push(Finding::new(
                Severity::Note,
                "block-missing",
                object.identifier.as_str(),
                format!(
                    "{} blocks of text that the structure names were not found; their whole pages are shown",
                    placing.missing
                ),
                "put the files of text where the structure says, or make it anew with them",
            ));
        }
    }
}

struct Placing<'a, 'd> {
    describer: &'a Describer<'d>,
    object: &'a Object,
    widths: Vec<Option<u32>>,
    files: HashMap<String, Option<Blocks>>,
    missing: usize,
}

impl Placing<'_, '_> {
    fn range(&mut self, range: &mut Range, depth: usize) {
        if !range.blocks.is_empty() {
            let mut regions: Vec<(usize, Region)> = Vec::new();
            for block in std::mem::take(&mut range.blocks) {
                match self.region(&block) {
                    Some((page, region)) => match regions.iter_mut().find(|(other, _)| *other == page) {
                        Some((_, known)) => *known = around(*known, region),
                        None => regions.push((page, region)),
                    },
                    None => self.missing += 1,
                }
            }
            for item in &mut range.items {
                if let RangeItem::Page(PagePart { page: PageRef::Own(page), region, .. }) = item
                    && region.is_none()
                {
                    *region = regions.iter().find(|(other, _)| other == page).map(|(_, region)| *region);
                }
            }
        }
        for item in &mut range.items {
            if let RangeItem::Range(inner) = item
                && depth < DEEPEST
            {
                self.range(inner, depth + 1);
            }
        }
    }

    fn region(&mut self, block: &Block) -> Option<(usize, Region)> {
        let PageRef::Own(page) = block.page else { return None };
        let width = self.widths.get(page).copied().flatten();
        let blocks = self.blocks(&block.file)?;
        let first = *blocks.places.get(&block.begin)?;
        let last = block.end.as_ref().map_or(Some(first), |end| blocks.places.get(end).copied())?;
        let scale = match (blocks.is_in_pixels, width, blocks.page_width) {
            (_, Some(width), Some(page_width)) if page_width > 0.0 => f64::from(width) / page_width,
            (true, _, _) => 1.0,
            // Without the size of the picture, tenths of millimetres say nothing.
            _ => return None,
        };
        let boxes = blocks.boxes.get(first.min(last)..=first.max(last))?;
        let edges =
            boxes.iter().copied().reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])?;
        let [left, top, right, lower] = edges.map(|edge| (edge * scale).round().clamp(0.0, f64::from(i32::MAX)) as u32);
        Some((page, Region { x: left, y: top, w: (right - left).max(1), h: (lower - top).max(1) }))
    }

    fn blocks(&mut self, file: &str) -> Option<&Blocks> {
        if !self.files.contains_key(file) && self.files.len() < MOST_FILES {
            let place = format!("{}{file}", self.object.prefix());
            let is_there = self.object.sides.iter().any(|side| side.name == file);
            let bytes = is_there.then(|| self.describer.library.read_head(&place, MOST_BYTES).ok()).flatten();
            let blocks = bytes.and_then(|bytes| read(&String::from_utf8_lossy(&bytes)));
            self.files.insert(file.to_owned(), blocks);
        }
        self.files.get(file)?.as_ref()
    }
}

fn around(a: Region, b: Region) -> Region {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    let right = a.x.saturating_add(a.w).max(b.x.saturating_add(b.w));
    let lower = a.y.saturating_add(a.h).max(b.y.saturating_add(b.h));
    Region { x, y, w: right - x, h: lower - y }
}

/// The blocks of a file of ALTO; nothing for a file of another kind, or a broken one.
fn read(text: &str) -> Option<Blocks> {
    let text = text.trim_start_matches('\u{feff}');
    let document = Document::parse(text).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "alto" {
        return None;
    }
    let named = |name: &'static str| root.descendants().find(move |node| node.tag_name().name() == name);
    let unit = named("MeasurementUnit").and_then(|node| node.text()).unwrap_or("pixel").trim();
    let number = |node: Node<'_, '_>, name: &str| {
        node.attribute(name).and_then(|text| text.trim().parse::<f64>().ok()).filter(|number| number.is_finite())
    };
    let page_width = named("Page").and_then(|page| number(page, "WIDTH"));
    let mut blocks = Blocks { places: HashMap::new(), boxes: Vec::new(), page_width, is_in_pixels: unit == "pixel" };
    for node in root.descendants().filter(Node::is_element) {
        let edges = (|| {
            let (x, y) = (number(node, "HPOS")?, number(node, "VPOS")?);
            Some([x, y, x + number(node, "WIDTH")?, y + number(node, "HEIGHT")?])
        })();
        // Lines and words have places too, but are never what an article begins with.
        let is_block =
            matches!(node.tag_name().name(), "TextBlock" | "ComposedBlock" | "Illustration" | "GraphicalElement");
        if let (Some(edges), Some(id), true) = (edges, node.attribute("ID"), is_block) {
            blocks.places.entry(id.to_owned()).or_insert(blocks.boxes.len());
            blocks.boxes.push(edges);
        }
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_their_identifiers() {
        let blocks = read(
            "<alto xmlns='http://www.loc.gov/standards/alto/ns-v4#'><Description><MeasurementUnit>mm10</MeasurementUnit></Description>\
             <Layout><Page WIDTH='2000'><PrintSpace><TextBlock ID='a' HPOS='10' VPOS='20' WIDTH='30' HEIGHT='40'>\
             <TextLine ID='l' HPOS='10' VPOS='20' WIDTH='30' HEIGHT='10'/></TextBlock>\
             <TextBlock ID='b' HPOS='100' VPOS='20' WIDTH='5' HEIGHT='5'/></PrintSpace></Page></Layout></alto>",
        )
        .unwrap();
        assert_eq!(blocks.boxes, [[10.0, 20.0, 40.0, 60.0], [100.0, 20.0, 105.0, 25.0]]);
        assert_eq!((blocks.places["b"], blocks.page_width, blocks.is_in_pixels), (1, Some(2000.0), false));
        assert!(read("<mets/>").is_none() && read("<alto").is_none());
    }
}
