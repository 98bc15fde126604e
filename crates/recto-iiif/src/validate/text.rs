//! From a text to findings: is it JSON at all, and where in the text does each finding stand.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::scan::{Fault, FaultKind, Visitor, scan};
use super::{DocumentKind, Finding, Findings, Position, Rule, Tree, step, validate};

/// Longer texts are not read; no viewer loads them.
pub const MOST_BYTES: usize = 100_000_000;

/// The rules for texts. All but the last have found what they find before there is a document.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "J1",
        title: "The text is UTF-8 and has no byte order mark",
        section: "RFC 8259 §8.1",
        kinds: &[],
        check: |_, _| (),
    },
    Rule { id: "J2", title: "The text is JSON", section: "RFC 8259 §4", kinds: &[], check: |_, _| () },
    Rule { id: "J3", title: "No object has a name twice", section: "RFC 8259 §4", kinds: &[], check: |_, _| () },
    Rule {
        id: "J4",
        title: "Nothing is nested too deep to be read",
        section: "RFC 8259 §9",
        kinds: &[],
        check: |_, _| (),
    },
    Rule {
        id: "J5",
        title: "The text is not too long to be read",
        section: "RFC 8259 §9",
        kinds: &[],
        check: |_, _| (),
    },
    Rule {
        id: "J6",
        title: "The document is of a kind that has rules",
        section: "Presentation 3.0 §4.6",
        kinds: &[DocumentKind::Other],
        check: unknown,
    },
];

fn unknown(tree: &Tree<'_>, findings: &mut Findings) {
    let given = tree.root().value.get("@context").map(ToString::to_string).unwrap_or_default();
    let message = format!("`@context` is {given}, which no rule is for; nothing was checked");
    findings.warning("/@context", message, "name the context of a IIIF API, or say `type`");
}

fn findings(index: usize) -> Findings {
    Findings::of(&RULES[index])
}

/// Reads a text and holds the document in it against all rules for its kind. Each finding has its line and column. What is no JSON
/// gives one finding that says where and why; memory is bounded by [`MOST_BYTES`] and by how many values are read.
pub fn validate_text(text: &[u8]) -> Vec<Finding> {
    if text.len() > MOST_BYTES {
        let mut found = findings(4);
        found.error("", format!("the text has {} bytes, more than {MOST_BYTES}", text.len()), "split the document");
        return found.finish();
    }
    let (text, mut found) = decoded(text);
    let Some(text) = text else { return found };
    let mut doubles = Doubles { findings: findings(2), places: Vec::new() };
    if let Err(fault) = scan(&text, &mut doubles) {
        found.append(&mut told(&text, &fault));
        return found;
    }
    let places = doubles.places;
    let starts = lines(&text);
    for (mut double, offset) in doubles.findings.finish().into_iter().zip(places) {
        double.position = Some(position(&text, &starts, offset));
        found.push(double);
    }
    match serde_json::from_str::<Value>(&text) {
        Ok(document) => {
            let mut told = validate(&document);
            drop(document);
            place(&text, &mut told);
            found.append(&mut told);
        }
        Err(error) => {
            let mut other = findings(1);
            other.error("", format!("the text cannot be read: {error}"), "write what JSON has a place for");
            let mut other = other.finish();
            other[0].position = Some(Position { line: error.line(), column: error.column() });
            found.append(&mut other);
        }
    }
    found
}

/// The text as UTF-8, and what is to be said about its bytes; no text where it is of another kind altogether.
fn decoded(bytes: &[u8]) -> (Option<Cow<'_, str>>, Vec<Finding>) {
    let mut found = findings(0);
    if bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.get(..2).is_some_and(|two| two.contains(&0))
    {
        found.error("", "the text is UTF-16 and not UTF-8", "store it as UTF-8");
        return (None, first_place(found));
    }
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf");
    if rest.is_some() {
        let message = "the text begins with a byte order mark, which some clients do not read";
        found.warning("", message, "store it as UTF-8 without BOM");
    }
    let rest = rest.unwrap_or(bytes);
    let text = match std::str::from_utf8(rest) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            let byte = rest.get(error.valid_up_to()).copied().unwrap_or_default();
            let fix = "store it as UTF-8; it may be Latin-1 or Windows-1252";
            found.error("", format!("byte 0x{byte:02x} is not UTF-8"), fix);
            let before = std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default();
            let mut found = first_place(found);
            if let Some(last) = found.last_mut() {
                last.position = Some(position(before, &lines(before), before.len()));
            }
            return (Some(String::from_utf8_lossy(rest)), found);
        }
    };
    (Some(text), first_place(found))
}

fn first_place(found: Findings) -> Vec<Finding> {
    let mut found = found.finish();
    for finding in &mut found {
        finding.position = Some(Position { line: 1, column: 1 });
    }
    found
}

fn told(text: &str, fault: &Fault) -> Vec<Finding> {
    let rule = match fault.kind {
        FaultKind::Syntax => 1,
        FaultKind::Deep => 3,
        FaultKind::Large => 4,
    };
    let Position { line, column } = position(text, &lines(text), fault.offset);
    let mut found = findings(rule);
    let place = format!("line {line}, column {column}: {}", fault.what);
    found.error("", place, fault.fix);
    let mut found = found.finish();
    found[0].position = Some(Position { line, column });
    found
}

struct Doubles {
    findings: Findings,
    places: Vec<usize>,
}

impl Visitor for Doubles {
    fn value(&mut self, _: &str, _: usize) {}

    fn twice(&mut self, pointer: &str, name: &str, offset: usize) {
        let message = format!("`{name}` stands twice in one object; only the last one counts");
        self.findings.error(format!("{pointer}/{}", step(name)), message, "keep one of them");
        if self.places.len() < super::finding::MOST_OF_A_RULE {
            self.places.push(offset);
        }
    }
}

/// Where the values stand that findings point to.
struct Places<'f> {
    wanted: HashMap<&'f str, Option<usize>>,
}

impl Visitor for Places<'_> {
    fn value(&mut self, pointer: &str, offset: usize) {
        if let Some(place) = self.wanted.get_mut(pointer) {
            *place = Some(offset);
        }
    }

    fn twice(&mut self, _: &str, _: &str, _: usize) {}
}

/// Gives each finding its line and column; one that points to what is missing gets those of what it is missing from.
fn place(text: &str, found: &mut [Finding]) {
    if found.is_empty() {
        return;
    }
    let pointers: Vec<String> = found.iter().map(|finding| finding.pointer.clone()).collect();
    let ancestors = |pointer: &'_ str| -> Vec<usize> {
        let mut ends = vec![pointer.len()];
        ends.extend(pointer.rmatch_indices('/').map(|(at, _)| at));
        ends
    };
    let mut places = Places { wanted: HashMap::new() };
    for pointer in &pointers {
        for end in ancestors(pointer) {
            places.wanted.insert(&pointer[..end], None);
        }
    }
    if scan(text, &mut places).is_err() {
        return;
    }
    let lines = lines(text);
    for (finding, pointer) in found.iter_mut().zip(&pointers) {
        let offset =
            ancestors(pointer).into_iter().find_map(|end| places.wanted.get(&pointer[..end]).copied().flatten());
        finding.position = offset.map(|offset| position(text, &lines, offset));
    }
}

/// Where each line begins.
fn lines(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
        .collect()
}

fn position(text: &str, lines: &[usize], offset: usize) -> Position {
    let line = lines.partition_point(|start| *start <= offset).max(1);
    let start = lines.get(line - 1).copied().unwrap_or_default();
    // A whole document may be one line; what is far out is counted in bytes.
    let before = text.get(start..offset).unwrap_or_default();
    let column = if before.len() > 20_000 { before.len() } else { before.chars().count() };
    Position { line, column: column + 1 }
}
