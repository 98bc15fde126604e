//! `pages.csv`.

use proptest::prelude::*;
use recto_ingest::description::{Description, Location};
use recto_ingest::tables::{Listing, TableOptions, read_pages};
use serde_json::json;

use super::{json, lines};

fn pages(text: &str, there: Option<&[&str]>) -> (Description, Vec<String>) {
    let there = there.map(|paths| Listing::new(paths.iter().copied()));
    let (read, findings) = read_pages(text.as_bytes(), "letters/pages.csv", there.as_ref(), &TableOptions::default());
    (read, lines(&findings))
}

fn files(description: &Description) -> Vec<Vec<String>> {
    let name = |location: &Location| match location {
        Location::File(path) | Location::Url(path) | Location::ImageService(path) => path.clone(),
        Location::FilePage(path, number) => format!("{path}:{number}"),
    };
    description.pages.iter().map(|page| page.contents.iter().map(|content| name(&content.location)).collect()).collect()
}

#[test]
fn every_column_has_its_meaning() {
    let text = "file,canvas,label,label[de],width,height,choice[en],region,ocr,behavior,rotation,date,duration,access,Scribe\n\
                001.tif,c1,p. 1,S. 1,4000,6000,natural light,,alto/001.xml,facing-pages,90,1890-05-03,,staff,Anna|Max\n\
                001_uv.tif,c1,,,,,ultraviolet,,,,,,,,\n\
                a.tif,c2,,,100,100,,\"0,0,50,100\",,,,,,,\n\
                b.tif,c2,,,,,,\"50,0,50,100\",,,,,,,\n\
                interview.mp3,,,,,,,,,,,,1:30,,\n\
                https://example.org/iiif/x/info.json,,,,,,,,,,,,,,\n\
                book.pdf#page=3,,,,,,,,,,,,,,\n";
    let (read, findings) = pages(text, None);
    assert_eq!(findings, [""; 0]);
    let file = |name: &str| json!({"file": name});
    assert_eq!(
        json(&read.pages),
        json!([
            {
                "contents": [
                    {"location": file("001.tif"), "choice": {"en": ["natural light"]}, "rotation": 90},
                    {"location": file("001_uv.tif"), "choice": {"en": ["ultraviolet"]}},
                ],
                "canvas": "c1",
                "label": {"none": ["p. 1"], "de": ["S. 1"]},
                "metadata": [{"label": {"none": ["Scribe"]}, "value": {"none": ["Anna", "Max"]}}],
                "behavior": ["facing-pages"],
                "width": 4000,
                "height": 6000,
                "navDate": "1890-05-03T00:00:00Z",
                "texts": [{"id": "alto/001.xml", "type": ""}],
                "access": "staff",
            },
            {
                "contents": [
                    {"location": file("a.tif"), "region": {"x": 0, "y": 0, "w": 50, "h": 100}},
                    {"location": file("b.tif"), "region": {"x": 50, "y": 0, "w": 50, "h": 100}},
                ],
                "canvas": "c2",
                "width": 100,
                "height": 100,
            },
            {"contents": [{"location": file("interview.mp3")}], "duration": 90.0},
            {"contents": [{"location": {"imageService": "https://example.org/iiif/x"}}]},
            {"contents": [{"location": {"filePage": ["book.pdf", 3]}}]},
        ])
    );
}

#[test]
fn ranges_open_on_a_page_and_last_until_the_next() {
    let text = "file,range,range[de]\n\
                1,,\n2,Part 1,Teil 1\n3,Part 1/A,Teil 1/A\n4,,\n5,Part 1/B|Part 1/C\\/D,Teil 1/B|Teil 1/C\\/D\n6,-,\n7,Part 2,Teil 2\n";
    let (read, findings) = pages(text, None);
    assert_eq!(findings, [""; 0]);
    let page = |place: usize| json!({"page": {"page": {"own": place}}});
    let range =
        |none: &str, de: &str, items: serde_json::Value| json!({"label": {"none": [none], "de": [de]}, "items": items});
    assert_eq!(
        json(&read.ranges),
        json!([
            range(
                "Part 1",
                "Teil 1",
                json!([
                    page(1),
                    {"range": range("A", "A", json!([page(2), page(3)]))},
                    {"range": range("B", "B", json!([page(4)]))},
                    {"range": range("C/D", "C/D", json!([page(4)]))},
                ])
            ),
            range("Part 2", "Teil 2", json!([page(6)])),
        ])
    );
}

#[test]
fn files_are_found_by_listing_and_pattern() {
    let there = ["1.tif", "2.tif", "10.tif", "front.TIF", "ocr/1.xml"];
    let text = "file,label,range,ocr\nfront.tif,Front,,\n*.tif,,Text,\n3.tif,,,\n11.tif,,,\n1,,,ocr/1.xml|ocr/9.xml\nx*,,,\n..\\1.tif,,,\n";
    let (read, findings) = pages(text, Some(&there));
    assert_eq!(files(&read), [["front.TIF"], ["1.tif"], ["2.tif"], ["10.tif"], ["front.TIF"], ["1.tif"]]);
    assert_eq!(
        findings,
        [
            "error[missing-file] letters/pages.csv:4:1: there is no file `3.tif`; the row was left out; did you mean `1.tif`?",
            "error[missing-file] letters/pages.csv:5:1: there is no file `11.tif`; the row was left out; did you mean \
             `1.tif`?",
            "warning[missing-file] letters/pages.csv:6:4: there is no text file `ocr/9.xml`; did you mean `ocr/1.xml`?",
            "error[missing-file] letters/pages.csv:7:1: no file fits the pattern `x*`; look at the names of the files",
            "error[path-outside] letters/pages.csv:8:1: `..\\1.tif` leads outside the folder of the object; the row was left \
             out; write the path from the folder of the object, such as `001.tif`",
        ]
    );
    assert_eq!(json(&read.ranges[0].items).as_array().unwrap().len(), 5);
}

#[test]
fn the_order_column_sorts_and_says_what_is_twice() {
    let text = "file,order\nc,3\nd,\na,1\nb,2\ne,3\nf,x\n";
    let (read, findings) = pages(text, None);
    assert_eq!(files(&read), [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]);
    assert_eq!(
        findings,
        [
            "warning[bad-number] letters/pages.csv:7:2: `x` is no number; write a number such as `12`",
            "warning[order-twice] letters/pages.csv:6:2: row 2 has the order 3 too; the rows stay as they follow each other; \
             give each page its own number",
        ]
    );
}

#[test]
fn what_is_wrong_is_said_with_row_and_column_and_the_rest_is_good() {
    let text = "file,canvas,width,height,region,rotation,duration,date,behavior,range[de],range[en],ocr\n\
                a,c,10x,0,\"1,2,3\",up,-1,gestern,non paged,A/B,A,../x\n\
                ,x,,,,,,,,,,\n\
                b,d,100,100,\"50,0,51,10\",,,,nonpagd,,,\n\
                c,e,,,,,,,,,,\n\
                c,e,,,,,,,,,,\n";
    let (read, findings) = pages(text, None);
    assert_eq!(
        findings,
        [
            "warning[bad-region] letters/pages.csv:2:5: `1,2,3` is no rectangle; write `x,y,w,h` in pixels",
            "warning[bad-number] letters/pages.csv:2:6: `up` is no rotation; write `90`, `180` or `270`",
            "warning[bad-number] letters/pages.csv:2:3: `10x` is no width; write a whole number of pixels",
            "warning[bad-number] letters/pages.csv:2:4: `0` is no height; write a whole number of pixels",
            "warning[missing-file] letters/pages.csv:2:12: there is no text file `../x`; write its path from the folder of \
             the object",
            "warning[bad-number] letters/pages.csv:2:7: `-1` is no duration; write seconds, or `hours:minutes:seconds`",
            "warning[bad-date] letters/pages.csv:2:8: `gestern` is no date that can be sorted; write it as `1890`, `1890-05` \
             or `1890-05-03`",
            "warning[range-languages] letters/pages.csv:2:11: `A` has other levels than the range in the first language; \
             write the same levels in each language",
            "error[no-file] letters/pages.csv:3: the row names no file and was left out; write the file's name into the \
             column `file`",
            "warning[bad-behavior] letters/pages.csv:4:9: `nonpagd` is no `behavior` that is known; did you mean `non-paged`?",
            "warning[region-outside] letters/pages.csv:4: the region goes beyond the canvas of 100 × 100, and was left out; \
             make it smaller, or the canvas larger",
            "warning[unclear-content] letters/pages.csv:6: several files are on the canvas `e`, and this one has neither \
             choice nor region; name it in `choice` if it is an alternative, or place it by `region`",
        ]
    );
    assert_eq!(files(&read), [vec!["a"], vec!["b"], vec!["c", "c"]]);
    assert_eq!(
        json(&read.pages[0]),
        json!({"contents": [{"location": {"file": "a"}}], "canvas": "c", "behavior": ["non-paged"]})
    );
}

#[test]
fn a_table_without_files_has_a_finding() {
    let (read, findings) = pages("label\nx\n", None);
    assert_eq!(read, Description::default());
    assert_eq!(
        findings,
        [
            "error[no-file-column] letters/pages.csv:1: no column `file` says which files the pages are; name the column with \
          the files `file`"
        ]
    );
}

proptest! {
    #[test]
    fn any_cells_are_read_without_panic(
        cells in proptest::collection::vec("\\PC{0,12}|[0-9,.:/|\\\\*-]{0,10}", 15..60),
    ) {
        let header = "file\tcanvas\torder\tlabel\twidth\theight\tchoice\tregion\tocr\tbehavior\trange\trotation\tdate\t\
                      duration\taccess\n";
        let rows: Vec<String> = cells.chunks(15).map(|row| row.join("\t")).collect();
        pages(&format!("{header}{}", rows.join("\n")), Some(&["001.tif", "0/1"]));
    }
}
