//! What is written is read as it was, and what someone typed stays.

use proptest::prelude::*;
use recto_iiif::presentation::{Behavior, LabeledValue, LanguageMap, ViewingDirection};
use recto_ingest::description::{Description, Downloads, Kind, Link, Member, NavPlace, Order, PageRef, Provider};
use recto_ingest::sidecars::{SidecarFormat, edit_sidecar, read_sidecar, write_sidecar};

use super::lines;

fn text() -> impl Strategy<Value = String> {
    proptest::prop_oneof![
        "[a-zäß:#&*!|>'\"%@`{}\\[\\],?~=0-9-][a-z :#\\\\\"'\\n\\t\u{85}\u{2028}{}\\[\\],-]{0,8}[a-zß\"'\\]}:0-9-]",
        proptest::sample::select(vec![
            "no",
            "true",
            "1890",
            "007",
            "~",
            "null",
            "1e5",
            "12:30",
            "2030-01-01",
            "-",
            "label",
            "Müller, Anna"
        ])
        .prop_map(str::to_owned),
    ]
}

fn map() -> impl Strategy<Value = LanguageMap> {
    proptest::collection::vec(("none|de|en|no", proptest::collection::vec(text(), 1..3)), 0..3).prop_map(|texts| {
        let mut map = LanguageMap::default();
        for (language, text) in
            texts.iter().flat_map(|(language, texts)| texts.iter().map(move |text| (language, text)))
        {
            map.push(language, text.as_str());
        }
        map
    })
}

fn pair() -> impl Strategy<Value = LabeledValue> {
    (map(), map())
        .prop_map(|(label, value)| LabeledValue { label, value })
        .prop_filter("both are said", |pair| !pair.label.is_empty() && !pair.value.is_empty())
}

fn link() -> impl Strategy<Value = Link> {
    (
        text(),
        proptest::option::of("[A-Z][a-z]{2}"),
        map(),
        proptest::option::of(text()),
        proptest::collection::vec("de|en", 0..3),
    )
        .prop_map(|(id, class, label, format, language)| Link {
            id: format!("https://example.org/{}", id.replace(char::is_whitespace, "_")),
            class: class.unwrap_or_default(),
            label,
            profile: format.clone(),
            format,
            language,
        })
}

fn provider() -> impl Strategy<Value = Provider> {
    (map(), proptest::collection::vec(link(), 0..3), proptest::option::of(text())).prop_map(
        |(label, homepage, logo)| Provider {
            id: "https://example.org/archive".into(),
            label,
            see_also: homepage.clone(),
            homepage,
            logo,
        },
    )
}

fn rule() -> impl Strategy<Value = Option<serde_json::Value>> {
    let leaf = proptest::prop_oneof![
        text().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
    ];
    let tree = leaf.prop_recursive(3, 12, 3, |inner| {
        proptest::prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
            proptest::collection::btree_map(text(), inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::option::of(tree)
}

fn description() -> impl Strategy<Value = Description> {
    let texts = (
        proptest::option::of(text()),
        map(),
        map(),
        proptest::collection::vec(pair(), 0..3),
        proptest::option::of(pair()),
        proptest::collection::vec(provider(), 0..3),
        proptest::collection::vec(link(), 0..3),
        proptest::collection::vec(link(), 0..2),
        proptest::option::of(text()),
    );
    let words = (
        proptest::option::of(proptest::sample::select(vec!["CC-BY-4.0", "InC", "CC0"])),
        proptest::option::of(proptest::sample::select(vec!["1890", "1890-05", "1890-05-03T10:20:30+01:00"])),
        proptest::option::of((-90.0..90.0, -180.0..180.0, map())),
        proptest::sample::subsequence(vec![Behavior::Paged, Behavior::Other("info-open".into())], 0..3),
        proptest::option::of(Just(ViewingDirection::RightToLeft)),
        proptest::option::of("de|no"),
        proptest::option::of(Just(Order::ExifDate)),
        proptest::option::of(Just(Kind::Collection)),
        (proptest::option::of(any::<bool>()), proptest::option::of(any::<bool>())),
        (rule(), rule()),
    );
    (texts, words).prop_map(|(texts, words)| {
        let (id, label, summary, metadata, required_statement, provider, see_also, rendering, start) = texts;
        let (rights, nav_date, place, behavior, viewing_direction, language, order, kind, (pdf, zip), (access, search)) = words;
        Description {
            members: see_also
                .iter()
                .map(|link| Member::Remote {
                    id: link.id.clone(),
                    kind: Kind::Manifest,
                    label: link.label.clone(),
                    thumbnail: link.format.clone(),
                })
                .collect(),
            collections: id.iter().cloned().collect(),
            thumbnail: start.clone(),
            start: start.map(PageRef::Name),
            id,
            label,
            summary,
            metadata,
            required_statement,
            provider,
            homepage: see_also.clone(),
            see_also,
            rendering,
            rights: rights.map(|name| recto_ingest::rights::uri(name).unwrap()),
            nav_date: nav_date.map(|date| recto_ingest::dates::nav_date(date).unwrap()),
            nav_place: place.map(|(latitude, longitude, label)| NavPlace { latitude, longitude, label }),
            behavior,
            viewing_direction,
            language,
            order,
            kind,
            downloads: Downloads { pdf, text: None, zip },
            access,
            search,
            ..Description::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_description_is_read_as_it_was_written(said in description()) {
        for (format, name) in [
            (SidecarFormat::Yaml, "recto.yml"), (SidecarFormat::Json, "recto.json"), (SidecarFormat::Toml, "recto.toml"),
        ] {
            let written = write_sidecar(&said, format).unwrap();
            let (read, findings) = read_sidecar(written.as_bytes(), name);
            prop_assert_eq!(&read, &said, "{}", written);
            prop_assert!(findings.is_empty(), "{}{:?}", written, findings);
        }
    }

    #[test]
    fn an_edited_file_says_what_was_wanted(before in description(), after in description()) {
        for (format, name) in [(SidecarFormat::Yaml, "recto.yml"), (SidecarFormat::Json, "recto.json")] {
            let existing = write_sidecar(&before, format).unwrap();
            let edited = edit_sidecar(&existing, format, &after).unwrap();
            prop_assert_eq!(&read_sidecar(edited.as_bytes(), name).0, &after, "{}", edited);
        }
    }

    #[test]
    fn any_text_can_be_edited(text in "((label|id|# x|viewing|behavior)?[ \\n:\\[{\"-]{0,4}(de|1)?){0,12}", after in description()) {
        let edited = edit_sidecar(&text, SidecarFormat::Yaml, &after).unwrap();
        prop_assert_eq!(&read_sidecar(edited.as_bytes(), "recto.yml").0, &after, "{}", edited);
    }
}

#[test]
fn what_did_not_change_stays_as_it_was_typed() {
    let existing = "# Letters of Anna Muster\n\nlabel:   {de: 'Briefe', en: Letters}   # both\nid: ms-1\n# to be found out\n\
                    rights: CC BY 4.0\nfoo: kept\nmetadata:\n  # the writer\n  - Author: Anna\n";
    let (mut said, findings) = read_sidecar(existing.as_bytes(), "recto.yml");
    assert_eq!(findings.len(), 1, "{:?}", lines(&findings));
    assert_eq!(edit_sidecar(existing, SidecarFormat::Yaml, &said).unwrap(), existing);
    said.id = Some("ms-2".into());
    said.summary = LanguageMap::none("Forty: letters");
    said.rights = None;
    assert_eq!(
        edit_sidecar(existing, SidecarFormat::Yaml, &said).unwrap(),
        "# Letters of Anna Muster\n\nlabel:   {de: 'Briefe', en: Letters}   # both\nid: ms-2\n# to be found out\n\
         foo: kept\nmetadata:\n  # the writer\n  - Author: Anna\nsummary: \"Forty: letters\"\n"
    );
}

#[test]
fn a_written_file_is_as_people_write_it() {
    let said = Description {
        label: serde_json::from_str(r#"{"de": ["Briefe"], "en": ["Letters"]}"#).unwrap(),
        language: Some("de".into()),
        metadata: vec![
            LabeledValue { label: LanguageMap::one("de", "Verfasser"), value: LanguageMap::one("de", "Anna Muster") },
            LabeledValue {
                label: serde_json::from_str(r#"{"en": ["Date"], "de": ["Datum"]}"#).unwrap(),
                value: LanguageMap::none("1890"),
            },
        ],
        rights: Some("http://creativecommons.org/licenses/by/4.0/".into()),
        nav_date: Some("1890-01-01T00:00:00Z".into()),
        behavior: vec![Behavior::Paged],
        ..Description::default()
    };
    assert_eq!(
        write_sidecar(&said, SidecarFormat::Yaml).unwrap(),
        "language: de\nlabel: {de: Briefe, en: Letters}\nmetadata:\n  - Verfasser: Anna Muster\n  - label: {en: Date, de: Datum}\n    \
         value: {none: \"1890\"}\nrights: CC-BY-4.0\nnavDate: \"1890\"\nviewing:\n  behavior: [paged]\n"
    );
}
