//! Descriptions of institutions, where they are present: what is made of each breaks no rule of Presentation 3.0.

use std::path::Path;

use crate::support::Shelf;
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::LanguageMap;
use recto_iiif::validate::{Severity, validate};
use recto_ingest::Describer;
use recto_ingest::build::{self, Around, CollectionParts, MemberPart, ObjectParts, SiteUrls};
use recto_ingest::description::{Description, Kind, Member};
use recto_ingest::mapping::Mapping;
use recto_ingest::readers::{Input, read, recognise};
use recto_testkit::{data_dir, files_below};
use serde_json::{Value, json};

fn urls() -> SiteUrls {
    SiteUrls::new("https://example.org")
}

/// The document of a description, and those of everything described in it. Nothing of its files is there: each page is an
/// empty one.
fn documents(identifier: &str, description: &Description, all: &mut Vec<(String, Value)>) {
    let id = Identifier::new(identifier);
    let parent = [(Identifier::new("library"), LanguageMap::none("Library"))];
    let around = Around { identifier: &id, prefix: "", collections: &parent };
    let is_object = description.kind != Some(Kind::Collection) && !description.pages.is_empty();
    let mut members = Vec::new();
    for (member, number) in description.members.iter().zip(1..) {
        let Member::Described(inner) = member else { continue };
        let name = format!("{identifier}/{number}");
        let kind = if inner.pages.is_empty() { Kind::Collection } else { Kind::Manifest };
        members.push(MemberPart {
            kind,
            identifier: Identifier::new(name.as_str()),
            label: inner.label.clone(),
            picture: None,
            facts: None,
        });
        documents(&name, inner, all);
    }
    let document = if is_object {
        let parts = ObjectParts { description: description.clone(), ..ObjectParts::default() };
        json!(build::manifest(&parts, around, &[], &urls()).0)
    } else {
        json!(build::collection(&CollectionParts { description: description.clone(), members }, around, &urls()))
    };
    all.push((identifier.to_owned(), document));
}

/// Every document is written into this folder when it is named, for validators of others.
fn dump(name: &str, document: &Value) {
    if let Some(folder) = std::env::var_os("RECTO_DUMP") {
        std::fs::create_dir_all(&folder).unwrap();
        let file = Path::new(&folder).join(format!("{}.json", name.replace(['/', '.'], "_")));
        std::fs::write(file, serde_json::to_vec_pretty(document).unwrap()).unwrap();
    }
}

fn errors(document: &Value) -> Vec<String> {
    let found = validate(document).into_iter().filter(|found| found.severity == Severity::Error);
    found.map(|found| format!("{} at {}: {}", found.rule, found.pointer, found.message)).collect()
}

#[test]
fn every_description_of_institutions_becomes_documents_that_break_no_rule() {
    let Some(data) = data_dir() else { return };
    let (mut files, mut made) = (0, 0);
    for folder in ["mets", "metadata", "ocr"] {
        for path in files_below(&data.join(folder)) {
            let name = path.strip_prefix(&data).unwrap().to_str().unwrap().to_owned();
            let bytes = std::fs::read(&path).unwrap();
            let input = Input::new(path.file_name().unwrap().to_str().unwrap(), &name, &bytes);
            if recognise(&input).is_none() {
                continue;
            }
            files += 1;
            let mut description = read(&input, Mapping::built_in()).description;
            if description.label.is_empty() {
                description.label = LanguageMap::none(name.as_str());
            }
            let mut all = Vec::new();
            documents(&name, &description, &mut all);
            for (name, document) in &all {
                dump(name, document);
                assert_eq!(errors(document), [""; 0], "{name}");
                made += 1;
            }
        }
    }
    assert!(files >= 30 && made >= files, "{files} files, {made} documents");
}

#[test]
fn a_small_institution_with_a_spreadsheet_becomes_documents_that_break_no_rule() {
    let Some(data) = data_dir() else { return };
    for table in ["metadata.csv", "metadata.xlsx"] {
        let shelf = Shelf::with(&[]);
        for path in files_below(&data.join("starter")) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_table = name.starts_with("metadata.");
            let to = if is_table { format!("objects.{}", table.rsplit('.').next().unwrap()) } else { name.to_owned() };
            if !is_table || name == table {
                std::fs::copy(&path, shelf.at(&to)).unwrap();
            }
        }
        let (library, tree) = (shelf.library(), shelf.scan());
        assert_eq!((tree.collections().len(), tree.objects().len()), (1, 11), "{table}");
        let mut describer = Describer::new(&library, &tree);
        let described: Vec<_> = tree.objects().iter().map(|object| describer.object(object)).collect();
        let copernicus = described.iter().find(|object| object.identifier.as_str() == "copernicus").unwrap();
        let said = &copernicus.parts.description;
        assert_eq!(said.label.first(), Some("The heliocentric diagram of De revolutionibus (autograph)"), "{table}");
        assert_eq!(said.rights.as_deref(), Some("http://creativecommons.org/publicdomain/mark/1.0/"));
        assert!(said.metadata.iter().any(|pair| pair.value.first() == Some("Nicolaus Copernicus")), "{said:#?}");
        for object in &described {
            let around = Around { identifier: &object.identifier, prefix: "", collections: &[] };
            let document = json!(build::manifest(&object.parts, around, &[], &urls()).0);
            dump(&format!("{table}/{}", object.identifier), &document);
            assert_eq!(errors(&document), [""; 0], "{table} {}", object.identifier);
        }
    }
}
