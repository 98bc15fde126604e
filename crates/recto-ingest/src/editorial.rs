//! Annotations that lie beside an object, in the folder `annotations/`: files of the W3C's or Open Annotation's JSON, JSON Lines, and tables.
//! They are a layer for reading; nobody changes them but in their files.
//!
//! A target is the URI of a canvas, or the name of a page: `007.tif`, `007`, a label; `#xywh=…` may follow it.

use recto_iiif::annotation::transfer::{self, Format, Place};
use recto_iiif::annotation::{AcceptOptions, targets};
use serde_json::Value;

use crate::Finding;
use crate::finding::Findings;
use crate::finding::Severity;

/// Before the names of pages in targets; what follows is escaped as in a URI.
const PAGE: &str = "page:";
/// Annotations of one file beyond these are not read.
const MOST: usize = 100_000;

/// An annotation from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct EditorialAnnotation {
    /// The annotation, in the form of the W3C, checked and made safe; names of pages stand in its targets until
    /// [`with_canvases`](Self::with_canvases) puts URIs there.
    pub json: Value,
    /// Where it stood in the file, as it is said to people: a JSON pointer or a line.
    pub place: String,
    /// The pages that its targets name, unescaped, in their order.
    pub pages: Vec<String>,
}

/// True for the files beside an object that are read, by their path from its folder on.
pub fn is_annotation_file(path: &str) -> bool {
    let is_there = path.split_once('/').is_some_and(|(folder, _)| folder.eq_ignore_ascii_case("annotations"));
    is_there && Format::of_name(path).is_some()
}

/// Reads one file. `place` is its path for findings, `name` its name, which says the form. Of a file that cannot be read as a whole
/// there are findings alone: [`None`] in the first place.
pub fn read_annotations(name: &str, place: &str, bytes: &[u8]) -> (Option<Vec<EditorialAnnotation>>, Vec<Finding>) {
    let mut findings = Findings::default();
    let mut error = |line: Option<u64>, message: String, fix: &str| {
        let finding = Finding::new(Severity::Error, "annotation", place, message, fix);
        let line = line.and_then(|line| u32::try_from(line).ok());
        findings.push(match line {
            Some(line) => finding.at_line(line),
            None => finding,
        });
    };
    let mut out = Some(Vec::new());
    match std::str::from_utf8(bytes) {
        Err(_) => {
            out = None;
            error(None, "the file is not UTF-8, and was not read".to_owned(), "save it as UTF-8");
        }
        Ok(text) => {
            let options = AcceptOptions { relative_targets: Some(PAGE.to_owned()), ..AcceptOptions::generous() };
            let format = Format::of_name(name).unwrap_or_else(|| Format::of(text));
            match transfer::read(text, format, &options, MOST) {
                Err(rejected) => {
                    out = None;
                    rejected.faults.iter().for_each(|fault| error(None, fault.message.clone(), &fault.remedy));
                }
                Ok(items) => {
                    for item in items {
                        let line = match item.place {
                            Place::Line(line) => Some(line),
                            Place::Pointer(_) => None,
                        };
                        match item.outcome {
                            Ok(annotation) if motivations(&annotation).iter().any(|word| word == "painting") => error(
                                line,
                                "its motivation is `painting`, which would change the page".to_owned(),
                                "write another motivation, such as `commenting`",
                            ),
                            Ok(annotation) => {
                                out.get_or_insert_default()
                                    .push(EditorialAnnotation::new(annotation.into_value(), item.place.to_string()));
                            }
                            Err(rejected) => {
                                for fault in &rejected.faults {
                                    let at = if fault.pointer.is_empty() {
                                        String::new()
                                    } else {
                                        format!("{}: ", fault.pointer)
                                    };
                                    error(line, format!("{at}{}", fault.message), &fault.remedy);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    (out, findings.into_list())
}

/// Why an annotation was made, without the prefixes of older forms.
fn motivations(annotation: &recto_iiif::annotation::Annotation) -> Vec<String> {
    let words = recto_iiif::annotation::motivations(&Value::Object(annotation.json().clone()));
    words.into_iter().map(|word| word.rsplit(':').next().unwrap_or_default().to_owned()).collect()
}

impl EditorialAnnotation {
    fn new(json: Value, place: String) -> Self {
        let on = targets(&json);
        let pages = on.iter().filter_map(|target| page_name(&target.source)).collect();
        Self { json, place, pages }
    }

    /// The annotation with the URIs of canvases in the place of names of pages.
    ///
    /// # Errors
    /// The name of a page that `canvas_of` does not know.
    pub fn with_canvases(&self, canvas_of: &dyn Fn(&str) -> Option<String>) -> Result<Value, UnknownPage> {
        let mut json = self.json.clone();
        if let Some(target) = json.get_mut("target") {
            place(target, canvas_of)?;
        }
        Ok(json)
    }
}

/// No page of the object has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no page is named `{name}`; write the name of its file, or its label")]
pub struct UnknownPage {
    /// The name as it was written.
    pub name: String,
}

/// The name of a page in a target, unescaped and without a fragment.
fn page_name(source: &str) -> Option<String> {
    let name = source.strip_prefix(PAGE)?;
    Some(percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned())
}

/// Goes into targets as deep as they name things; how deep a document is was bounded when it was read.
fn place(target: &mut Value, canvas_of: &dyn Fn(&str) -> Option<String>) -> Result<(), UnknownPage> {
    match target {
        Value::String(uri) => {
            let (source, fragment) =
                uri.split_once('#').map_or((uri.as_str(), None), |(source, rest)| (source, Some(rest)));
            let Some(name) = page_name(source) else { return Ok(()) };
            let canvas = canvas_of(&name).ok_or(UnknownPage { name })?;
            *uri = fragment.map_or_else(|| canvas.clone(), |fragment| format!("{canvas}#{fragment}"));
        }
        Value::Array(targets) => {
            for target in targets {
                place(target, canvas_of)?;
            }
        }
        Value::Object(fields) => {
            for name in ["id", "source", "items"] {
                if let Some(value) = fields.get_mut(name) {
                    place(value, canvas_of)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canvas_of(name: &str) -> Option<String> {
        let stem = name.split('.').next().unwrap_or(name);
        ["007", "f 8"].contains(&stem).then(|| format!("https://example.org/canvas/{}", stem.replace(' ', "-")))
    }

    #[test]
    fn pages_are_named_by_their_files_and_labels() {
        let page = json!({"type": "AnnotationPage", "items": [
            {"id": "https://example.org/note/1", "type": "Annotation", "motivation": "commenting", "body": {"type": "TextualBody", "value": "a"}, "target": "007.tif#xywh=1,2,3,4"},
            {"@type": "oa:Annotation", "resource": {"@type": "cnt:ContentAsText", "chars": "b"}, "on": {"full": "f 8", "selector": {"@type": "oa:FragmentSelector", "value": "xywh=5,6,7,8"}}},
            {"type": "Annotation", "target": ["https://elsewhere.example/canvas/1", "009"]}
        ]});
        let (found, findings) =
            read_annotations("notes.json", "book/annotations/notes.json", page.to_string().as_bytes());
        assert_eq!(findings, []);
        let found = found.unwrap();
        let pages: Vec<&[String]> = found.iter().map(|annotation| annotation.pages.as_slice()).collect();
        assert_eq!(pages, [["007.tif"], ["f 8"], ["009"]]);
        let placed = found[0].with_canvases(&canvas_of).unwrap();
        assert_eq!(
            (&placed["id"], &placed["target"]),
            (&json!("https://example.org/note/1"), &json!("https://example.org/canvas/007#xywh=1,2,3,4"))
        );
        let placed = found[1].with_canvases(&canvas_of).unwrap();
        assert_eq!(
            (&placed["id"], &placed["target"]["source"]),
            (&Value::Null, &json!("https://example.org/canvas/f-8"))
        );
        let unknown = found[2].with_canvases(&canvas_of).unwrap_err();
        assert_eq!(unknown.to_string(), "no page is named `009`; write the name of its file, or its label");
    }

    #[test]
    fn a_table_names_pages_in_its_column_canvas() {
        let table = "canvas;x;y;w;h;body\r\n007;1;2;3;4;Ein Wort\r\n007;1;;3;4;b\r\n;;;;;c\r\n";
        let (found, findings) = read_annotations("notes.csv", "book/annotations/notes.csv", table.as_bytes());
        let found = found.unwrap();
        assert_eq!(
            (found.len(), found[0].place.as_str(), &found[0].json["target"]),
            (1, "line 2", &json!("page:007#xywh=1,2,3,4"))
        );
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "error[annotation] book/annotations/notes.csv:3: y: `y` is empty, and other numbers of the region are not; write all of x, y, w and h, or none",
                "error[annotation] book/annotations/notes.csv:4: canvas: `canvas` is empty; write the URI of the canvas",
            ]
        );
    }

    #[test]
    fn one_bad_annotation_costs_itself_alone_and_a_bad_file_is_said() {
        let lines = "{\"type\": \"Annotation\", \"target\": \"007\"}\n{\"type\": \"Annotation\"}\n";
        let (found, findings) = read_annotations("a.jsonl", "a.jsonl", lines.as_bytes());
        assert_eq!((found.unwrap().len(), findings.len(), findings[0].line), (1, 1, Some(2)));
        for (bytes, is_read) in [(&b"{\"a\""[..], false), (b"\xff\xfe", false), (b"{}", false)] {
            let (found, findings) = read_annotations("a.json", "a.json", bytes);
            assert_eq!(
                (found.is_some(), found.unwrap_or_default().len(), findings.len()),
                (is_read, 0, 1),
                "{bytes:?}"
            );
        }
        let painted = b"{\"type\": \"Annotation\", \"motivation\": \"painting\", \"target\": \"007\"}";
        let (found, findings) = read_annotations("a.json", "a.json", painted);
        assert_eq!((found.unwrap().len(), findings.len()), (0, 1));
        for (path, is_read) in [
            ("annotations/notes.CSV", true),
            ("Annotations/n.jsonld", true),
            ("annotations/readme.txt", false),
            ("notes.csv", false),
            ("alto/notes.json", false),
        ] {
            assert_eq!(is_annotation_file(path), is_read, "{path}");
        }
    }
}
