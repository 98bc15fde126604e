//! YAML. Nothing is guessed from the form of a text that was not quoted: `no` stays `no`, and `1890-05-03` a text.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::tree::{Key, MOST_DEPTH, MOST_NODES, Node, Value, insert};
use crate::words::{At, Report, shown};

/// What the first document of the file says. Where it is broken, the keys that are whole are kept.
pub(super) fn parse(text: &str, report: &mut Report) -> Node {
    let broken = match document(text, report) {
        Ok(node) => return node,
        Err(broken) => broken,
    };
    // A bracket that closes at the margin of its key is wrong in YAML 1.2, yet plain, and common in files for biiif.
    if text.lines().any(|line| line.trim_start().starts_with([']', '}'])) {
        let deeper = |line: &str| {
            let margin = if line.trim_start().starts_with([']', '}']) { 32 } else { 0 };
            format!("{:margin$}{line}\n", "")
        };
        let mended: String = text.lines().map(deeper).collect();
        if let Ok(node) = document(&mended, report) {
            return node;
        }
    }
    let parts = parts(text);
    // What is too large or too deep is not looked at again.
    if parts.len() < 2 || !matches!(broken, Broken::Syntax(_)) {
        broken.report(text, 0, report);
        return Node::nothing(At::FILE);
    }
    let mut entries = Vec::new();
    let mut blamed = false;
    for (line, part) in parts {
        match document(part, report) {
            Ok(Node { value: Value::Map(found), .. }) => {
                for (mut key, mut node) in found {
                    key.at.line += line;
                    moved(&mut node, line);
                    insert(&mut entries, key, node, report);
                }
            }
            Ok(_) => {}
            Err(broken) => {
                broken.report(part, line, report);
                blamed = true;
            }
        }
    }
    if !blamed {
        broken.report(text, 0, report);
    }
    Node { at: At::line(1), value: Value::Map(entries) }
}

fn moved(node: &mut Node, lines: u32) {
    node.at.line += lines;
    match &mut node.value {
        Value::List(list) => list.iter_mut().for_each(|node| moved(node, lines)),
        Value::Map(entries) => entries.iter_mut().for_each(|(key, node)| {
            key.at.line += lines;
            moved(node, lines);
        }),
        Value::Nothing | Value::Text { .. } => {}
    }
}

/// The parts of the file that begin with a key at the margin, each with the number of lines before it.
pub(super) fn parts(text: &str) -> Vec<(u32, &str)> {
    let mut starts = Vec::new();
    let mut byte = 0;
    for (number, line) in (0_u32..).zip(text.split_inclusive('\n')) {
        let at_margin = !line.starts_with([' ', '\t', '#', '-', '}', ']', '\r', '\n', '.', '%']);
        if at_margin && line.contains(':') {
            starts.push((number, byte));
        }
        byte += line.len();
    }
    let ends = starts.iter().skip(1).map(|(_, start)| *start).chain(std::iter::once(text.len()));
    starts.iter().zip(ends).filter_map(|((line, start), end)| Some((*line, text.get(*start..end)?))).collect()
}

enum Broken {
    Syntax(ScanError),
    Large(At),
    Deep(At),
    UnknownAlias(At),
}

impl Broken {
    fn report(&self, text: &str, lines: u32, report: &mut Report) {
        const RULE: &str = "broken-yaml";
        let (at, message, fix) = match self {
            Self::Syntax(error) => {
                let mut at = at(error.marker());
                // What is never closed is noticed at the end; it begins where the part begins.
                if at.line as usize > text.trim_end().lines().count() {
                    at = At::line(1);
                }
                let line = text.lines().nth(at.line.saturating_sub(1) as usize).unwrap_or_default();
                let before =
                    at.line.checked_sub(2).and_then(|line| text.lines().nth(line as usize)).unwrap_or_default();
                let fix = remedy(error.info(), line, before);
                (at, format!("this is not understood ({})", shown(error.info())), fix)
            }
            Self::Large(at) => {
                (*at, format!("the file says more than {MOST_NODES} things"), "is it meant to be a sidecar file?")
            }
            Self::Deep(at) => (
                *at,
                format!("lists and maps lie more than {MOST_DEPTH} deep in each other"),
                "is it meant to be a sidecar file?",
            ),
            Self::UnknownAlias(at) => (
                *at,
                "a text that begins with `*` means another part of the file, and there is none".to_owned(),
                "put the text into quotation marks",
            ),
        };
        report.error(At::new(at.line + lines, at.column), RULE, format!("{message}, and was left out"), fix);
    }
}

/// What people usually did where a parser stops.
fn remedy(info: &str, line: &str, before: &str) -> &'static str {
    let value = line.split_once(':').map_or("", |(_, value)| value.trim_start());
    let indent = |line: &str| line.len() - line.trim_start().len();
    if info.contains("tab")
        || line.trim_start_matches(' ').starts_with('\t')
        || before.trim_start_matches(' ').starts_with('\t')
    {
        "indent with spaces; YAML allows no tabs there"
    } else if value.starts_with(['@', '`', '%', '&', '*', '!', '|', '>'])
        || info.contains("alias")
        || info.contains("anchor")
    {
        "put the text after the colon into quotation marks"
    } else if value.starts_with(['"', '\'']) || info.contains("quoted") {
        "close the quotation mark, and double each one inside the text"
    } else if value.contains(": ") || value.ends_with(':') {
        "put the text after the first colon into quotation marks, since it has a colon itself"
    } else if value.starts_with(['[', '{']) || info.contains("flow") {
        "close the bracket, and put commas between the parts"
    } else if !line.contains(':') {
        "write `key: value`, and put a text of several lines into quotation marks"
    } else if indent(line) > indent(before) && before.contains(": ") {
        "put this line under the one before it, with the same spaces in front"
    } else {
        "look at the spaces in front: keys of one map stand under each other"
    }
}

fn at(marker: &Marker) -> At {
    At::new(marker.line() as u32, marker.col() as u32 + 1)
}

/// A list or map that is not finished.
struct Open {
    at: At,
    anchor: usize,
    nodes_before: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    /// Its entries, and the key that waits for its value.
    Map(Vec<(Key, Node)>, Option<Key>),
}

fn document(text: &str, report: &mut Report) -> Result<Node, Broken> {
    let mut anchors: HashMap<usize, (usize, Node)> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    let mut nodes = 0_usize;
    let mut parser = Parser::new_from_str(text);
    let mut document: Option<Node> = None;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(Broken::Syntax)?;
        let at = at(&span.start);
        nodes += 1;
        let mut size = 1;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => (scalar(text.into_owned(), style, at), anchor),
            Event::Alias(anchor) => {
                let (count, node) = anchors.get(&anchor).ok_or(Broken::UnknownAlias(at))?;
                nodes += count;
                if nodes > MOST_NODES {
                    return Err(Broken::Large(at));
                }
                size = *count;
                (node.clone(), 0)
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open { at, anchor, nodes_before: nodes, kind: OpenKind::List(Vec::new()) });
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open { at, anchor, nodes_before: nodes, kind: OpenKind::Map(Vec::new(), None) });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(done) => {
                    // All that came since it began.
                    size = nodes - done.nodes_before;
                    (Node { at: done.at, value: done.kind.finish() }, done.anchor)
                }
                None => continue,
            },
            Event::DocumentStart(_) if document.is_some() => {
                report.note(at, "more-documents", "only what stands before this `---` is read", "delete the rest");
                break;
            }
            _ => continue,
        };
        if nodes > MOST_NODES {
            return Err(Broken::Large(at));
        }
        if open.len() > MOST_DEPTH {
            return Err(Broken::Deep(at));
        }
        if anchor > 0 {
            anchors.insert(anchor, (size, node.clone()));
        }
        match open.last_mut() {
            Some(parent) => parent.take(node, report),
            None => document = Some(node),
        }
    }
    Ok(document.unwrap_or_else(|| Node::nothing(At::FILE)))
}

fn scalar(text: String, style: ScalarStyle, at: At) -> Node {
    let quoted = style != ScalarStyle::Plain;
    let value = if !quoted && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") {
        Value::Nothing
    } else {
        Value::Text { text, quoted }
    };
    Node { at, value }
}

impl Open {
    fn take(&mut self, node: Node, report: &mut Report) {
        match &mut self.kind {
            OpenKind::List(list) => list.push(node),
            OpenKind::Map(entries, key @ None) => {
                let text = match &node.value {
                    Value::Text { text, .. } => text.clone(),
                    Value::Nothing => "null".to_owned(),
                    Value::List(_) | Value::Map(_) => {
                        report.warning(
                            node.at,
                            "bad-key",
                            "a list or map cannot be a key",
                            "put the text into quotation marks if its brackets belong to it",
                        );
                        format!("\u{0}{}", entries.len())
                    }
                };
                *key = Some(Key { at: node.at, text });
            }
            OpenKind::Map(entries, key) => {
                let Some(key) = key.take() else { return };
                match node.value {
                    Value::Map(merged) if key.text == "<<" => {
                        for (key, node) in merged {
                            if !entries.iter().any(|(known, _)| known.text == key.text) {
                                entries.push((key, node));
                            }
                        }
                    }
                    value if !key.text.starts_with('\u{0}') => {
                        insert(entries, key, Node { at: node.at, value }, report);
                    }
                    _ => {}
                }
            }
        }
    }
}

impl OpenKind {
    fn finish(self) -> Value {
        match self {
            Self::List(list) => Value::List(list),
            Self::Map(entries, _) => Value::Map(entries),
        }
    }
}
