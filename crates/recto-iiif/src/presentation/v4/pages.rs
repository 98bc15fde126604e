//! Collections of very many members, divided into pages.

use serde_json::{Map, Value, json};

use super::super::{Collection, DocumentUrls};
use super::text;

/// How the members of a collection are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// How many members there are.
    pub total: usize,
    /// Most members on a page, at least 1.
    pub size: usize,
}

impl Division {
    /// Members on a page where nobody says otherwise.
    pub const USUAL_SIZE: usize = 1000;

    /// So many members, on pages of the usual size.
    pub const fn of(total: usize) -> Self {
        Self { total, size: Self::USUAL_SIZE }
    }

    /// How many pages there are. A collection of one page is not divided: 4.0 demands at least two.
    pub const fn pages(self) -> usize {
        self.total.div_ceil(if self.size == 0 { 1 } else { self.size })
    }

    /// True when the collection has to be divided.
    pub const fn is_needed(self) -> bool {
        self.pages() > 1
    }

    /// The place of the first member of a page, which is numbered from 1; `None` where there is no such page.
    pub const fn start(self, page: usize) -> Option<usize> {
        if page >= 1 && page <= self.pages() { Some((page - 1) * self.size) } else { None }
    }
}

/// The collection as 4.0, with its members on pages. Members that it holds are left out here.
pub fn divided_collection(collection: &Collection, division: Division, urls: &DocumentUrls) -> Value {
    let mut without_members = collection.clone();
    without_members.items.clear();
    let mut document = super::collection(&without_members, urls);
    if let Value::Object(fields) = &mut document {
        fields.shift_remove("items");
        let id = text(fields, "id").to_owned();
        fields.insert("total".to_owned(), division.total.into());
        fields.insert("first".to_owned(), reference(&id, 1));
        fields.insert("last".to_owned(), reference(&id, division.pages()));
    }
    document
}

/// A page of a collection as 4.0, numbered from 1. The collection holds the members of this page and no others. `None` where there
/// is no such page.
pub fn collection_page(collection: &Collection, page: usize, division: Division, urls: &DocumentUrls) -> Option<Value> {
    let start = division.start(page)?;
    let Value::Object(mut whole) = super::collection(collection, urls) else { return None };
    let id = text(&whole, "id").to_owned();
    let mut out = Map::new();
    out.extend(whole.shift_remove("@context").map(|context| ("@context".to_owned(), context)));
    out.insert("id".to_owned(), page_id(&id, page).into());
    out.insert("type".to_owned(), "CollectionPage".into());
    let mut part_of = json!({ "id": id, "type": "Collection" });
    if let Some(label) = whole.shift_remove("label") {
        part_of["label"] = label;
    }
    out.insert("partOf".to_owned(), json!([part_of]));
    out.insert("startIndex".to_owned(), start.into());
    if page > 1 {
        out.insert("prev".to_owned(), reference(&id, page - 1));
    }
    if page < division.pages() {
        out.insert("next".to_owned(), reference(&id, page + 1));
    }
    out.insert("items".to_owned(), whole.shift_remove("items").unwrap_or_else(|| json!([])));
    Some(Value::Object(out))
}

fn page_id(collection: &str, page: usize) -> String {
    format!("{collection}/page/{page}")
}

fn reference(collection: &str, page: usize) -> Value {
    json!({ "id": page_id(collection, page), "type": "CollectionPage" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presentation::{CollectionItem, LanguageMap};
    use crate::validate::validate;

    fn collection(members: std::ops::Range<usize>) -> Collection {
        let mut collection = Collection::new("https://example.org/3/all", LanguageMap::none("All"));
        collection.items = members
            .map(|number| {
                CollectionItem::manifest(
                    format!("https://example.org/3/{number}/manifest"),
                    LanguageMap::none(number.to_string()),
                )
            })
            .collect();
        collection
    }

    fn urls() -> DocumentUrls {
        DocumentUrls::new("https://example.org/3/", "https://example.org/4/")
    }

    #[test]
    fn only_more_than_one_page_is_a_division() {
        for (total, pages, is_needed) in
            [(0, 0, false), (1, 1, false), (1000, 1, false), (1001, 2, true), (2000, 2, true), (2001, 3, true)]
        {
            let division = Division::of(total);
            assert_eq!((division.pages(), division.is_needed()), (pages, is_needed), "{total}");
        }
        let division = Division { total: 5, size: 2 };
        let starts: Vec<_> = (0..5).map(|page| division.start(page)).collect();
        assert_eq!(starts, [None, Some(0), Some(2), Some(4), None]);
        assert_eq!(Division { total: 3, size: 0 }.pages(), 3);
    }

    #[test]
    fn v1_a_divided_collection_names_its_first_and_last_page_and_no_member() {
        let division = Division { total: 5, size: 2 };
        let document = divided_collection(&collection(0..5), division, &urls());
        assert_eq!(
            document,
            json!({
                "@context": "http://iiif.io/api/presentation/4/context.json",
                "id": "https://example.org/4/all", "type": "Collection", "label": {"none": ["All"]}, "total": 5,
                "first": {"id": "https://example.org/4/all/page/1", "type": "CollectionPage"},
                "last": {"id": "https://example.org/4/all/page/3", "type": "CollectionPage"}
            })
        );
        assert_eq!(validate(&document), []);
    }

    #[test]
    fn v1_pages_lead_to_each_other_and_hold_every_member_once() {
        let division = Division { total: 5, size: 2 };
        let pages: Vec<Value> = [(1, 0..2), (2, 2..4), (3, 4..5)]
            .into_iter()
            .map(|(page, members)| collection_page(&collection(members), page, division, &urls()).unwrap())
            .collect();
        assert_eq!(
            pages[1],
            json!({
                "@context": "http://iiif.io/api/presentation/4/context.json",
                "id": "https://example.org/4/all/page/2", "type": "CollectionPage",
                "partOf": [{"id": "https://example.org/4/all", "type": "Collection", "label": {"none": ["All"]}}],
                "startIndex": 2,
                "prev": {"id": "https://example.org/4/all/page/1", "type": "CollectionPage"},
                "next": {"id": "https://example.org/4/all/page/3", "type": "CollectionPage"},
                "items": [
                    {"id": "https://example.org/4/2/manifest", "type": "Manifest", "label": {"none": ["2"]}},
                    {"id": "https://example.org/4/3/manifest", "type": "Manifest", "label": {"none": ["3"]}}
                ]
            })
        );
        assert!(pages[0].get("prev").is_none() && pages[2].get("next").is_none());
        assert_eq!(collection_page(&collection(0..0), 4, division, &urls()), None);
        for page in &pages {
            assert_eq!(validate(page), []);
        }
    }
}
