//! `objects.csv`.

use proptest::prelude::*;
use recto_ingest::tables::{Listing, NamedBy, ObjectRow, TableOptions, read_objects};
use serde_json::json;

use super::{json, lines};

fn objects(text: &str) -> (Vec<ObjectRow>, Vec<String>) {
    let (rows, findings) = read_objects(text.as_bytes(), "maps/objects.csv", None, &TableOptions::default());
    (rows, lines(&findings))
}

#[test]
fn every_column_has_its_meaning() {
    let text = "Folder;label[de];Label [en];summary;Date;rights;required_statement;homepage[en];See Also;nav-date;lat;lon;\
                thumbnail;behavior;direction;language;access;collection;order;Verfasser;dcterms:subject[de];-Notiz;#x\r\n\
                berlin;Berlin;Berlin map;A map|of Berlin;um 1890;cc by 4.0;Source: City Archive;\
                https://example.org/b City of Berlin;data.xml|https://example.org/b.json;1890-05;52,52;13.40;t.jpg;\
                paged, unordered;ltr;ger;staff;Maps/Berlin|New;natural;Anna Muster|Max Muster;Karte;geheim;y\r\n";
    let (rows, findings) = objects(text);
    assert_eq!(findings, [""; 0]);
    assert_eq!((rows[0].name.as_str(), rows[0].named_by, rows[0].row), ("berlin", NamedBy::Path, 2));
    assert_eq!(
        json(&rows[0].description),
        json!({
            "label": {"de": ["Berlin"], "en": ["Berlin map"]},
            "summary": {"none": ["A map", "of Berlin"]},
            "metadata": [
                {"label": {"none": ["Date"]}, "value": {"none": ["um 1890"]}},
                {"label": {"none": ["Verfasser"]}, "value": {"none": ["Anna Muster", "Max Muster"]}},
                {"label": {"en": ["Subject"], "de": ["Thema"], "fr": ["Sujet"]}, "value": {"de": ["Karte"]}},
            ],
            "requiredStatement": {"label": {"none": ["Source"]}, "value": {"none": ["City Archive"]}},
            "rights": "http://creativecommons.org/licenses/by/4.0/",
            "homepage": [{"id": "https://example.org/b", "type": "", "label": {"en": ["City of Berlin"]}}],
            "seeAlso": [{"id": "data.xml", "type": ""}, {"id": "https://example.org/b.json", "type": ""}],
            "thumbnail": "t.jpg",
            "navDate": "1890-05-01T00:00:00Z",
            "navPlace": {"latitude": 52.52, "longitude": 13.4},
            "viewingDirection": "left-to-right",
            "behavior": ["paged", "unordered"],
            "language": "de",
            "order": "natural",
            "collections": ["Maps/Berlin", "New"],
            "access": "staff",
        })
    );
}

#[test]
fn a_date_for_machines_serves_navigation_where_no_other_is_given() {
    let (rows, _) = objects("id,date\na,1890\nb,um 1890\n");
    assert_eq!(rows[0].description.nav_date.as_deref(), Some("1890-01-01T00:00:00Z"));
    assert_eq!(rows[1].description.nav_date, None);
    assert_eq!((rows[1].name.as_str(), rows[1].named_by), ("b", NamedBy::Id));
    assert_eq!(rows[1].description.id.as_deref(), Some("b"));
    let (rows, _) = objects("id,date,navDate\na,1890,\n");
    assert_eq!(rows[0].description.nav_date, None);
}

#[test]
fn what_is_wrong_is_said_with_row_and_column_and_the_rest_is_good() {
    let text = "folder,lable,rights,navDate,lat,lon,behavior,direction,language,homepage,kind,order,label_de,title[german]\n\
                a,x,mine,3.5.1890,91,0,pagd,sideways,German,example.org,book,alphabetic,y,z\n\
                ../b,,,,,,,,,,,,,\n\
                ,x,,,,,,,,,,,,\n\
                a,,,,,,,,,,,,,\n\
                c,,,,52,,,,,,,7,,\n";
    let (rows, findings) = objects(text);
    assert_eq!(
        findings,
        [
            "warning[unknown-column] maps/objects.csv:1:2: the column `lable` is not known and became metadata; did you mean \
             `label`? If not, write `metadata:lable`",
            "warning[unknown-column] maps/objects.csv:1:13: the column `label_de` is not known and became metadata; if it is \
             the label in one language, write it as in `label[de]`",
            "warning[bad-language] maps/objects.csv:1:14: `german` in the header `title[german]` is no language tag; write it \
             as in `label[de]` or `label[en]`",
            "warning[bad-order] maps/objects.csv:2:12: `alphabetic` is no order of pages; write one of `natural`, \
             `exif-date`, `csv`, `mets`",
            "warning[bad-link] maps/objects.csv:2:10: `example.org` is no address of a page; write an address such as \
             `https://example.org/letters`",
            "warning[bad-rights] maps/objects.csv:2:3: `mine` is no licence or rights statement that is known; write a name \
             such as `CC-BY-4.0`, `CC0`, `PDM` or `InC`, and put other texts into `requiredStatement`",
            "warning[bad-language] maps/objects.csv:2:9: `German` is no language tag; write a tag such as `de`, `en` or \
             `zh-Hant`",
            "warning[bad-date] maps/objects.csv:2:4: `3.5.1890` is no date that can be sorted; write `1890-05-03`",
            "warning[bad-behavior] maps/objects.csv:2:7: `pagd` is no `behavior` that is known; did you mean `paged`?",
            "warning[bad-direction] maps/objects.csv:2:8: `sideways` is no viewing direction; write one of `left-to-right`, \
             `right-to-left`, `top-to-bottom`, `bottom-to-top`",
            "warning[bad-kind] maps/objects.csv:2:11: `book` is no kind; write one of `manifest`, `collection`",
            "warning[bad-place] maps/objects.csv:2:5: the place needs degrees north from -90 to 90 and degrees east from \
             -180 to 180; write both as decimal degrees, such as `52.52` and `13.40`",
            "error[path-outside] maps/objects.csv:3:1: `../b` leads outside the folder of this table; the row was left out; \
             write the path from the folder of this table, such as `letters`",
            "error[no-name] maps/objects.csv:4: the row names no object and was left out; write the folder into the column \
             `folder`",
            "warning[row-twice] maps/objects.csv:5: `a` is described in row 2 already; this row was left out; put both into \
             one row",
            "warning[bad-place] maps/objects.csv:6:5: the place needs degrees north from -90 to 90 and degrees east from \
             -180 to 180; write both as decimal degrees, such as `52.52` and `13.40`",
        ]
    );
    assert_eq!(rows.iter().map(|row| (&*row.name, row.position)).collect::<Vec<_>>(), [("a", None), ("c", Some(7))]);
    assert_eq!(
        json(&rows[0].description.metadata),
        json!([
            {"label": {"none": ["lable"]}, "value": {"none": ["x"]}},
            {"label": {"none": ["rights"]}, "value": {"none": ["mine"]}},
            {"label": {"none": ["language"]}, "value": {"none": ["German"]}},
            {"label": {"none": ["label_de"]}, "value": {"none": ["y"]}},
            {"label": {"none": ["title[german]"]}, "value": {"none": ["z"]}},
        ])
    );
}

#[test]
fn folders_are_looked_for_where_a_listing_is_given() {
    let there = Listing::new(["letters", "Maps"]);
    let text = b"folder,label\nleters,A\nmaps,B\nletters/,C\n";
    let (rows, findings) = read_objects(text, "objects.csv", Some(&there), &TableOptions::default());
    assert_eq!(rows.iter().map(|row| &*row.name).collect::<Vec<_>>(), ["Maps", "letters"]);
    assert_eq!(
        lines(&findings),
        ["error[missing-folder] objects.csv:2:1: there is no `leters`; the row was left out; did you mean `letters`?"]
    );
}

#[test]
fn a_table_without_names_says_which_column_could_hold_them() {
    let (rows, findings) = objects("Title,Signatur\nA,ms 1\nA,ms 2\n");
    assert_eq!(rows, []);
    assert_eq!(
        findings,
        [
            "error[no-name-column] maps/objects.csv:1: no column says which object a row is about; `Signatur` differs in each \
          row: name it `folder` if it names folders, or `id`"
        ]
    );
}

#[test]
fn another_separator_of_values_can_be_set() {
    let options = TableOptions { value_separator: ';' };
    let (rows, _) = read_objects(b"id,Author\na,\"x;y|z\"\n", "objects.csv", None, &options);
    assert_eq!(json(&rows[0].description.metadata[0].value), json!({"none": ["x", "y|z"]}));
}

#[test]
fn columns_of_one_label_are_one_pair() {
    let (rows, findings) = objects("id,Ort[de],Ort[en],label,label\na,Wien,Vienna,x,y\n");
    assert_eq!(
        json(&rows[0].description),
        json!({
            "id": "a",
            "label": {"none": ["x", "y"]},
            "metadata": [{"label": {"none": ["Ort"]}, "value": {"de": ["Wien"], "en": ["Vienna"]}}],
        })
    );
    assert_eq!(
        findings,
        [
            "note[column-twice] maps/objects.csv:1:5: there is a second column `label`; its values come after those of the \
          first; put the values of both into one column"
        ]
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_objects(&bytes, "objects.csv", None, &TableOptions::default());
    }

    #[test]
    fn any_cells_are_read_without_panic(
        cells in proptest::collection::vec("\\PC{0,12}|[0-9,.:/|\\\\-]{0,10}|CC BY.{0,6}", 23..70),
    ) {
        let header = "folder\tid\tlabel\tsummary\tdate\trights\trightsStatement\trequiredStatement\thomepage\tseeAlso\t\
                      rendering\tnavDate\tlat\tlon\tnavPlace\tthumbnail\tbehavior\tdirection\tlanguage\taccess\tcollection\t\
                      order\tkind\n";
        let rows: Vec<String> = cells.chunks(23).map(|row| row.join("\t")).collect();
        objects(&format!("{header}{}", rows.join("\n")));
    }
}
