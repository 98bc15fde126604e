//! In what is searched.

use std::collections::{HashMap, HashSet};

use recto_iiif::Rect;
use serde_json::Value;

/// The part of an object that is searched, found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Object,
    /// A canvas, by its name.
    Canvas(String),
    /// Canvases, by their URIs, each with the part of it that is meant.
    Range(Vec<(String, Option<Rect>)>),
    /// All objects of a collection.
    Collection,
}

/// The canvases of a range of a manifest and of the ranges in it, whether they stand in it or are named only.
pub(super) fn range(manifest: &Value, id: &str) -> Option<Part> {
    let mut ranges: HashMap<&str, &Value> = HashMap::new();
    let mut open: Vec<&Value> = manifest["structures"].as_array()?.iter().collect();
    while let Some(range) = open.pop() {
        let Some(items) = range["items"].as_array() else { continue };
        if ranges.insert(range["id"].as_str().unwrap_or_default(), range).is_none() {
            open.extend(items.iter().filter(|item| item["type"] == "Range"));
        }
    }
    let (mut canvases, mut open, mut seen) = (Vec::new(), vec![*ranges.get(id)?], HashSet::new());
    while let Some(item) = open.pop() {
        let id = item["id"].as_str().unwrap_or_default();
        match item["type"].as_str() {
            Some("Range") if seen.insert(id) => {
                open.extend(ranges.get(id).and_then(|range| range["items"].as_array()).into_iter().flatten());
            }
            Some("Canvas") => canvases.push(target(id, None)),
            Some("SpecificResource") => {
                let source = item["source"]["id"].as_str().or_else(|| item["source"].as_str()).unwrap_or_default();
                canvases.push(target(source, item["selector"]["value"].as_str()));
            }
            _ => {}
        }
    }
    Some(Part::Range(canvases))
}

fn target(uri: &str, selector: Option<&str>) -> (String, Option<Rect>) {
    let (canvas, fragment) = uri.split_once('#').map_or((uri, None), |(canvas, fragment)| (canvas, Some(fragment)));
    (canvas.to_owned(), fragment.or(selector).and_then(rectangle))
}

fn rectangle(fragment: &str) -> Option<Rect> {
    let values = fragment.split('&').find_map(|part| part.strip_prefix("xywh="))?;
    let mut numbers = values.strip_prefix("pixel:").unwrap_or(values).split(',').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    Some(Rect { x: next()?, y: next()?, w: next()?, h: next()? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn s2_18_a_range_has_the_canvases_of_its_parts_and_the_parts_of_its_canvases() {
        let manifest = json!({"structures": [
            {"id": "r1", "type": "Range", "items": [
                {"id": "c1", "type": "Canvas"},
                {"id": "r2", "type": "Range", "items": [
                    {"id": "c2#xywh=1,2,3,4", "type": "Canvas"},
                    {"id": "r1", "type": "Range"},
                    {"type": "SpecificResource", "source": {"id": "c3", "type": "Canvas"},
                     "selector": {"type": "FragmentSelector", "value": "xywh=5,6,7,8"}}
                ]}
            ]}
        ]});
        let rect = |x, y, w, h| Some(Rect { x, y, w, h });
        let canvases = |id: &str| -> HashSet<(String, Option<Rect>)> {
            match range(&manifest, id) {
                Some(Part::Range(canvases)) => canvases.into_iter().collect(),
                other => panic!("{other:?}"),
            }
        };
        let inner = [("c2".to_owned(), rect(1, 2, 3, 4)), ("c3".to_owned(), rect(5, 6, 7, 8))];
        let outer = HashSet::from([inner[0].clone(), inner[1].clone(), ("c1".to_owned(), None)]);
        assert_eq!(canvases("r1"), outer);
        assert_eq!(canvases("r2"), outer, "r2 lists r1, which is around it");
        assert_eq!(range(&manifest, "r9"), None);
    }
}
