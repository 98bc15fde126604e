//! Real tables, where they are present.

use recto_ingest::tables::{Listing, Table, TableOptions, read, read_objects, read_pages};
use recto_testkit::data_dir;
use serde_json::json;

use super::{json, lines};

fn file(path: &str) -> Option<Vec<u8>> {
    data_dir().map(|data| std::fs::read(data.join(path)).unwrap())
}

fn table(path: &str) -> Option<Table> {
    let (mut tables, findings) = read(&file(path)?, path);
    assert_eq!(lines(&findings), [""; 0], "{path}");
    assert_eq!(tables.len(), 1, "{path}");
    tables.pop()
}

#[test]
fn every_real_table_has_its_columns_and_rows() {
    for (path, columns, rows, first, last) in [
        ("tables/collectionbuilder-demo-compoundobjects-metadata.csv", 24, 34, "demo_001", "demo_034"),
        ("tables/collectionbuilder-demo-metadata.csv", 22, 7, "demo_001", "demo_007"),
        ("tables/nga-media-300.csv", 15, 300, "111", ""),
        ("tables/nypl-collections-300.csv", 33, 300, "5cd94760-c52a-012f-bcd4-3c075448cc4b", ""),
        ("tables/tate-100-semicolon-latin1.csv", 2, 100, "A00001", ""),
        ("tables/tate-artists-300.csv", 9, 300, "10093", ""),
        ("tables/tate-artworks-200.xlsx", 2, 200, "A00001", ""),
        ("tables/tate-artworks-500.csv", 2, 500, "A00001", ""),
        ("starter/metadata.csv", 9, 11, "copernicus", ""),
        ("starter/metadata.xlsx", 9, 11, "copernicus", ""),
    ] {
        let Some(table) = table(path) else { return };
        assert_eq!((table.header.len(), table.rows.len()), (columns, rows), "{path}");
        assert_eq!(table.rows[0].text(0), first, "{path}");
        assert_eq!(table.rows[0].number, 2, "{path}");
        if !last.is_empty() {
            assert_eq!(table.rows[rows - 1].text(0), last, "{path}");
        }
        assert!(table.rows.iter().all(|row| row.cells.len() <= columns), "{path}");
    }
}

#[test]
fn the_starter_collection_is_read_alike_from_both_files() {
    let Some(csv) = file("starter/metadata.csv") else { return };
    let names = std::fs::read_dir(data_dir().unwrap().join("starter")).unwrap();
    let there = Listing::new(names.map(|entry| entry.unwrap().file_name().into_string().unwrap()));
    let (rows, findings) = read_objects(&csv, "metadata.csv", Some(&there), &TableOptions::default());
    assert_eq!(lines(&findings), [""; 0]);
    assert_eq!(rows.len(), 11);
    assert_eq!(rows[0].name, "copernicus-heliocentric.png");
    assert_eq!(
        json(&rows[0].description),
        json!({
            "id": "copernicus",
            "label": {"none": ["The heliocentric diagram of De revolutionibus (autograph)"]},
            "metadata": [
                {"label": {"none": ["creator"]}, "value": {"none": ["Nicolaus Copernicus"]}},
                {"label": {"none": ["date"]}, "value": {"none": ["c. 1520-1541"]}},
                {"label": {"none": ["type"]}, "value": {"none": ["manuscript"]}},
                {"label": {"none": ["source"]}, "value": {"none": ["Debian source package leptonlib 1.82.0: prog/copernicus.png"]}},
            ],
            "rights": "http://creativecommons.org/publicdomain/mark/1.0/",
            "language": "la",
        })
    );
    let (book, _) =
        read_objects(&file("starter/metadata.xlsx").unwrap(), "metadata.xlsx", Some(&there), &TableOptions::default());
    let said = |rows: &[recto_ingest::tables::ObjectRow]| {
        rows.iter().map(|row| (row.name.clone(), row.description.clone())).collect::<Vec<_>>()
    };
    assert_eq!(said(&book), said(&rows));
}

#[test]
fn collectionbuilder_metadata_describes_objects() {
    let Some(bytes) = file("tables/collectionbuilder-demo-metadata.csv") else { return };
    let (rows, findings) = read_objects(&bytes, "metadata.csv", None, &TableOptions::default());
    assert_eq!(
        lines(&findings),
        [
            "warning[bad-rights] metadata.csv:8:15: `metadata-only record, please check publication for rights` is no licence or \
          rights statement that is known; write a name such as `CC-BY-4.0`, `CC0`, `PDM` or `InC`, and put other texts into \
          `requiredStatement`"
        ]
    );
    assert_eq!(rows.len(), 7);
    let first = &rows[0].description;
    assert_eq!(first.id.as_deref(), Some("demo_001"));
    assert_eq!(first.label.first(), Some("Administration Building, University of Idaho, No. 30"));
    assert!(first.summary.first().unwrap().starts_with("Example locally hosted image item."));
    assert_eq!(first.rights.as_deref(), Some("http://rightsstatements.org/vocab/NoC-US/1.0/"));
    assert_eq!(first.nav_date.as_deref(), Some("1910-01-01T00:00:00Z"));
    assert_eq!(first.language.as_deref(), Some("en"));
    let place = first.nav_place.as_ref().unwrap();
    assert_eq!((place.latitude, place.longitude), (46.725_562, -117.009_633));
    assert_eq!(first.metadata[0].label.first(), Some("creator"));
    assert_eq!(first.metadata[0].value.first(), Some("Pacific Photo Co."));
}

#[test]
fn a_catalogue_without_folders_says_which_column_could_name_them() {
    let Some(bytes) = file("tables/nypl-collections-300.csv") else { return };
    let (rows, findings) = read_objects(&bytes, "nypl.csv", None, &TableOptions::default());
    assert!(rows.is_empty());
    assert!(
        lines(&findings).iter().any(|line| line
            == "error[no-name-column] nypl.csv:1: no column says which object a row is about; `UUID` differs in each row: \
                name it `folder` if it names folders, or `id`"),
        "{:?}",
        lines(&findings)
    );
}

#[test]
fn real_tables_that_were_cut_are_still_read() {
    for path in
        ["starter/metadata.csv", "starter/metadata.xlsx", "tables/tate-artworks-200.xlsx", "tables/nga-media-300.csv"]
    {
        let Some(bytes) = file(path) else { return };
        for length in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            read_objects(&bytes[..length], path, None, &TableOptions::default());
            read_pages(&bytes[..length], path, None, &TableOptions::default());
        }
    }
}
