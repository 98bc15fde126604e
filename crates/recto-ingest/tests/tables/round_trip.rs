//! What is exported is read as it was.

use proptest::prelude::*;
use recto_iiif::presentation::{Behavior, LabeledValue, LanguageMap, ViewingDirection};
use recto_ingest::description::{
    Content, Description, Kind, Link, Location, NavPlace, Order, Page, PagePart, PageRef, Range, RangeItem, Region,
};
use recto_ingest::tables::{
    NamedBy, ObjectRow, TableOptions, export_objects, export_objects_xlsx, export_pages, export_pages_xlsx,
    read_objects, read_pages,
};

/// Text that cells can hold: without blanks around it, with everything that means something in a table.
fn text() -> impl Strategy<Value = String> {
    "[a-zäß=@'\"|\\\\;,-][a-z \"|\\\\;,:/\n\r\t\\[\\]-]{0,8}[a-zß\"|\\\\.]".prop_map(|text| text)
}

fn map() -> impl Strategy<Value = LanguageMap> {
    proptest::collection::btree_map("none|de|en", proptest::collection::vec(text(), 1..3), 0..3).prop_map(|texts| {
        let mut map = LanguageMap::default();
        for (language, text) in
            texts.iter().flat_map(|(language, texts)| texts.iter().map(move |text| (language, text)))
        {
            map.push(language, text.as_str());
        }
        map
    })
}

/// Labels in an order that all objects share.
fn metadata() -> impl Strategy<Value = Vec<LabeledValue>> {
    let labels = [
        LanguageMap::none("Author"),
        LanguageMap::none("date"),
        LanguageMap::none("Rights"),
        LanguageMap::none("-5 °C"),
        LanguageMap::none("x [de]"),
        LanguageMap::none("a|b\\"),
        LanguageMap::one("de", "Ort"),
        serde_json::from_str(r##"{"en": ["Date", "Time"], "de": ["Datum"], "none": ["#"]}"##).unwrap(),
        serde_json::from_str(r#"{"en": ["Creator"], "de": ["Urheber"], "fr": ["Créateur"]}"#).unwrap(),
    ];
    proptest::collection::vec(proptest::option::of(map()), labels.len()).prop_map(move |values| {
        labels
            .iter()
            .zip(values)
            .filter_map(|(label, value)| Some(LabeledValue { label: label.clone(), value: value? }))
            .filter(|pair| !pair.value.is_empty())
            .collect()
    })
}

fn statement() -> impl Strategy<Value = Option<LabeledValue>> {
    proptest::option::of(("[a-z]{1,5}", "[a-z|]{1,5}", "none|de|en").prop_map(|(label, value, language)| {
        LabeledValue {
            label: LanguageMap::one(language.as_str(), label),
            value: LanguageMap::one(language.as_str(), value),
        }
    }))
}

fn links() -> impl Strategy<Value = Vec<Link>> {
    let link = ("[a-z|]{1,5}", proptest::option::of("[a-z|][a-z ]{0,3}[a-z]")).prop_map(|(id, label)| Link {
        id: format!("https://example.org/{id}"),
        label: label.map_or(LanguageMap::default(), LanguageMap::none),
        ..Link::default()
    });
    proptest::collection::vec(link, 0..3)
}

fn access() -> impl Strategy<Value = Option<serde_json::Value>> {
    proptest::sample::select(vec![
        None,
        Some(serde_json::json!("public")),
        Some(serde_json::json!({"groups": ["staff", "a|b"], "until": "2030-01-01"})),
    ])
}

fn description() -> impl Strategy<Value = Description> {
    let texts = (map(), map(), metadata(), statement(), links(), links(), links());
    let words = (
        proptest::sample::select(vec![
            None,
            Some("http://creativecommons.org/licenses/by/4.0/"),
            Some("http://rightsstatements.org/vocab/InC/1.0/"),
        ]),
        proptest::sample::select(vec![None, Some("1890-01-01T00:00:00Z"), Some("1890-05-03T10:20:30+01:00")]),
        proptest::option::of((-90.0..90.0, -180.0..180.0, map())),
        proptest::sample::subsequence(
            vec![Behavior::Paged, Behavior::Unordered, Behavior::Other("info-open".into())],
            0..3,
        ),
        proptest::option::of(Just(ViewingDirection::RightToLeft)),
        proptest::option::of(Just("de".to_owned())),
        proptest::option::of(Just(Order::ExifDate)),
        proptest::option::of(Just(Kind::Collection)),
        access(),
        proptest::collection::vec("[a-z|/\\\\]{1,5}[a-z]", 0..3),
    );
    (texts, words).prop_map(|(texts, words)| {
        let (label, summary, metadata, required_statement, homepage, see_also, rendering) = texts;
        let (rights, nav_date, place, behavior, viewing_direction, language, order, kind, access, collections) = words;
        Description {
            label,
            summary,
            metadata,
            required_statement,
            homepage,
            see_also,
            rendering,
            rights: rights.map(str::to_owned),
            nav_date: nav_date.map(str::to_owned),
            nav_place: place.map(|(latitude, longitude, label)| NavPlace { latitude, longitude, label }),
            thumbnail: language.as_ref().map(|_| "a, b.jpg".to_owned()),
            behavior,
            viewing_direction,
            language,
            order,
            kind,
            access,
            collections,
            ..Description::default()
        }
    })
}

fn objects() -> impl Strategy<Value = Vec<ObjectRow>> {
    proptest::collection::vec((description(), any::<bool>(), proptest::option::of(1..9_u32)), 0..4).prop_map(|list| {
        (0..)
            .zip(list)
            .map(|(row, (mut description, by_id, position))| {
                let name = format!("ms {row}, \"x\"");
                if by_id {
                    description.id = Some(name.clone());
                }
                let position = position.filter(|_| description.order.is_none());
                let named_by = if by_id { NamedBy::Id } else { NamedBy::Path };
                ObjectRow { name, named_by, position, description, sheet: None, row: row + 2 }
            })
            .collect()
    })
}

fn page(number: usize) -> impl Strategy<Value = Page> {
    let content = (
        proptest::sample::select(vec![
            Location::File("a b,ü.tif".into()),
            Location::FilePage("b.pdf".into(), 3),
            Location::Url("https://example.org/a.jpg".into()),
            Location::ImageService("https://example.org/iiif/a".into()),
        ]),
        map(),
        proptest::option::of((0..9_u32, 0..9_u32, 1..9_u32, 1..9_u32)),
        proptest::option::of(proptest::sample::select(vec![0_u16, 90, 180])),
    )
        .prop_map(|(location, choice, region, rotation)| Content {
            choice,
            region: region.map(|(x, y, w, h)| Region { x, y, w, h }),
            rotation,
            ..Content::at(location)
        });
    let texts = (map(), metadata(), proptest::collection::vec("[a-z|]{1,5}", 0..3), access());
    let numbers = (
        proptest::option::of((100..9999_u32, 100..9999_u32)),
        proptest::option::of(0.5..9999.0_f64),
        proptest::option::of(Just("1890-05-03T00:00:00Z".to_owned())),
        proptest::option::of(Just(Behavior::NonPaged)),
    );
    (proptest::collection::vec(content, 1..3), texts, numbers).prop_map(move |(contents, texts, numbers)| {
        let (label, metadata, texts, access) = texts;
        let (size, duration, nav_date, behavior) = numbers;
        Page {
            canvas: Some(format!("c|{number}")),
            contents,
            label,
            metadata,
            behavior: behavior.into_iter().collect(),
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            duration,
            nav_date,
            texts: texts.iter().map(|id| Link { id: id.trim().to_owned(), ..Link::default() }).collect(),
            access,
            ..Page::default()
        }
    })
}

fn title(text: &str) -> LanguageMap {
    let mut label = LanguageMap::one("de", text);
    label.push("en", format!("{text}/|\\"));
    label
}

fn book() -> impl Strategy<Value = Description> {
    let own = |page| RangeItem::Page(PagePart { page: PageRef::Own(page), region: None, time: None });
    (page(0), page(1), page(2), page(3), any::<bool>()).prop_map(move |(a, b, c, d, with_ranges)| {
        let section = Range { label: title("Teil/2"), items: vec![own(2)], ..Range::default() };
        let chapter = Range {
            label: title("Kapitel | \\ 1"),
            items: vec![own(1), RangeItem::Range(section)],
            ..Range::default()
        };
        let last = Range { label: title("Ende"), items: vec![own(2)], ..Range::default() };
        let mut pages = vec![a, b, c, d];
        for page in &mut pages {
            page.texts.dedup();
            page.texts.sort_by(|left, right| left.id.cmp(&right.id));
            page.texts.dedup();
        }
        Description { pages, ranges: if with_ranges { vec![chapter, last] } else { vec![] }, ..Description::default() }
    })
}

fn only_unclear(findings: &[recto_ingest::Finding]) -> bool {
    findings.iter().all(|finding| finding.rule == "unclear-content")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn objects_are_read_as_they_were_exported(rows in objects()) {
        let (read, findings) = read_objects(&export_objects(&rows), "objects.csv", None, &TableOptions::default());
        prop_assert_eq!(&read, &rows);
        prop_assert!(findings.is_empty(), "{:?}", findings);
    }

    #[test]
    fn pages_are_read_as_they_were_exported(book in book()) {
        let (read, findings) = read_pages(&export_pages(&book), "pages.csv", None, &TableOptions::default());
        prop_assert_eq!(&read, &book);
        prop_assert!(only_unclear(&findings), "{:?}", findings);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn workbooks_are_read_as_they_were_exported(mut rows in objects(), book in book()) {
        let bytes = export_objects_xlsx(&rows).unwrap();
        let (read, _) = read_objects(&bytes, "objects.xlsx", None, &TableOptions::default());
        for row in &mut rows {
            row.sheet = Some("objects".into());
        }
        // Workbooks may change one kind of line end into another.
        let line_ends = |rows: &[ObjectRow]| serde_json::to_string(&rows.iter().map(|row| &row.description).collect::<Vec<_>>()).unwrap().replace("\\r\\n", "\\n").replace("\\r", "\\n");
        prop_assert_eq!(line_ends(&read), line_ends(&rows));
        let (read, _) = read_pages(&export_pages_xlsx(&book).unwrap(), "pages.xlsx", None, &TableOptions::default());
        prop_assert_eq!(read.pages.len(), book.pages.len());
        prop_assert_eq!(read.ranges, book.ranges);
    }
}

#[test]
fn a_separator_within_quotation_marks_separates_nothing() {
    let link = |id: &str| Link { id: format!("https://example.org/{id}"), ..Link::default() };
    let description = Description {
        metadata: vec![LabeledValue { label: LanguageMap::one("de", "Ort"), value: LanguageMap::none("\\\\") }],
        homepage: vec![link("|"), link("|||")],
        see_also: vec![link("a"), link("|")],
        rendering: vec![link("|||")],
        ..Description::default()
    };
    let (name, named_by) = ("ms 0, \"x\"".to_owned(), NamedBy::Path);
    let rows = vec![ObjectRow { name, named_by, position: None, description, sheet: None, row: 2 }];
    let (read, findings) = read_objects(&export_objects(&rows), "objects.csv", None, &TableOptions::default());
    assert_eq!(read, rows);
    assert!(findings.is_empty(), "{findings:?}");
}
