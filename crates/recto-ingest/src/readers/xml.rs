//! Bytes as a tree of elements: encodings, limits, mending of what is broken, and small helpers for looking into elements.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use super::{Input, entities, scan};
use crate::finding::{Finding, Findings, Severity};

pub(super) type Node<'a> = roxmltree::Node<'a, 'a>;

/// Most bytes of a file that is read. Memory is several times that in the worst case.
const MOST_BYTES: usize = 64 << 20;

/// A document, with the lines of its text.
pub(super) struct Document<'a> {
    tree: &'a roxmltree::Document<'a>,
    text: &'a str,
    line_starts: Vec<usize>,
    /// Files that entities stand for.
    pub(super) external_entities: &'a HashMap<String, String>,
}

impl<'a> Document<'a> {
    pub(super) fn root(&self) -> Node<'a> {
        self.tree.root_element()
    }

    /// Line and column, both from 1.
    pub(super) fn position(&self, offset: usize) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.line_starts.get(line)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |text| text.chars().count()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect()
}

/// Looks at the root element of what is perhaps XML; reads no more than its beginning.
pub(super) fn peek<R>(bytes: &[u8], look: impl FnOnce(Node<'_>) -> R) -> Option<R> {
    const BEGINNING: usize = 64 << 10;
    let nowhere = RefCell::new(Findings::default());
    let beginning = &bytes[..bytes.len().min(BEGINNING)];
    let mut text = decode(beginning, "", &nowhere);
    entities::take_document_type(&mut text);
    let text = clean(text, "", &nowhere);
    // The root and its first children are enough to tell formats apart.
    let mut opened = 0;
    let end = scan::pieces(&text).find_map(|piece| {
        opened += usize::from(matches!(piece.kind, scan::Kind::Open | scan::Kind::Empty));
        (opened >= 8 && piece.kind != scan::Kind::Other).then_some(piece.end)
    });
    let text = scan::closed_at(&text, end.unwrap_or(text.len()))?;
    if scan::excess(&text).is_some() {
        return None;
    }
    let declared = entities::Declared::default();
    let text = entities::resolve(&text, &declared, "", &nowhere).unwrap_or(text);
    let text = mend(text, "", &nowhere)?;
    let tree = parse(&text).ok()?;
    Some(look(tree.root_element()))
}

/// Reads all that can be read, and gives it to `use_it`. `None` where there is nothing at all.
pub(super) fn with_document<R>(
    input: &Input<'_>,
    bytes: &[u8],
    findings: &RefCell<Findings>,
    use_it: impl FnOnce(&Document<'_>) -> R,
) -> Option<R> {
    let tell = |rule, message: String, fix: &str| {
        findings.borrow_mut().push(Finding::new(Severity::Error, rule, input.place, message, fix));
    };
    if bytes.len() > MOST_BYTES {
        let message = format!("the file has {} MiB; up to {} MiB are read", bytes.len() >> 20, MOST_BYTES >> 20);
        tell("file-too-large", message, "split it into one file for each object");
        return None;
    }
    let mut text = decode(bytes, input.place, findings);
    let declared = entities::take_document_type(&mut text);
    let mut text = clean(text, input.place, findings);
    if let Some(resolved) = entities::resolve(&text, &declared, input.place, findings) {
        text = resolved;
    }
    if let Some(excess) = scan::excess(&text) {
        let line = scan_line(&text, excess.place);
        let message = format!("there are {}; what follows is not read", excess.what);
        let finding =
            Finding::new(Severity::Error, "document-too-complex", input.place, message, "make it simpler, or split it");
        findings.borrow_mut().push(finding.at_line(line));
        text = scan::closed_at(&text, excess.place)?;
    }
    let text = mend(text, input.place, findings)?;
    let tree = parse(&text).ok()?;
    let document =
        Document { tree: &tree, text: &text, line_starts: line_starts(&text), external_entities: &declared.external };
    Some(use_it(&document))
}

fn scan_line(text: &str, place: usize) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', &text.as_bytes()[..place]).count() + 1).unwrap_or(u32::MAX)
}

fn parse(text: &str) -> Result<roxmltree::Document<'_>, roxmltree::Error> {
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: 12_000_000, ..Default::default() };
    roxmltree::Document::parse_with_options(text, options)
}

/// Most times that a text is mended and read again.
const MOST_MENDINGS: usize = 24;

/// A text that can be read: undeclared prefixes are declared, and from the first fault of another kind on it is cut off.
fn mend(mut text: String, place: &str, findings: &RefCell<Findings>) -> Option<String> {
    let tell = |severity, at: roxmltree::TextPos, rule, message: String, fix: &str| {
        let finding = Finding::new(severity, rule, place, message, fix).at_line(at.row).at_column(at.col);
        findings.borrow_mut().push(finding);
    };
    let mut was_cut = false;
    for _ in 0..MOST_MENDINGS {
        let Err(error) = parse(&text) else { return Some(text) };
        // Faults at the end of the text have no place of their own.
        let is_at_end = matches!(
            error,
            roxmltree::Error::UnclosedRootNode | roxmltree::Error::UnexpectedEndOfStream | roxmltree::Error::NoRootNode
        );
        let at = if is_at_end { end_of(&text) } else { error.pos() };
        if let roxmltree::Error::UnknownNamespace(prefix, _) = &error
            && let Some(declared) = declare(&text, prefix)
        {
            let message = format!("the prefix `{prefix}` is used and not declared");
            tell(Severity::Warning, at, "undeclared-prefix", message, "declare it at the root element with `xmlns:`");
            text = declared;
            continue;
        }
        let end = if is_at_end { text.len() } else { offset_of(&text, at) };
        let closed = scan::closed_at(&text, end).filter(|closed| *closed != text).or_else(|| {
            // Cutting there was no help: the piece before is at fault.
            let before = scan::pieces(&text).map(|piece| piece.start).take_while(|start| *start < end).last()?;
            scan::closed_at(&text, before).filter(|closed| *closed != text)
        });
        if !was_cut {
            let (message, fix) = explain(&error);
            let rest = if closed.is_some() { "what is before it is used" } else { "nothing of it is used" };
            tell(
                Severity::Error,
                at,
                "not-well-formed",
                format!("this is not well-formed XML: {message}; {rest}"),
                &fix,
            );
        }
        was_cut = true;
        text = closed?;
    }
    None
}

/// What is wrong, and what to do about it.
fn explain(error: &roxmltree::Error) -> (String, String) {
    use roxmltree::Error;
    match error {
        Error::UnexpectedCloseTag(expected, actual, _) => (
            format!("`</{actual}>` stands where `</{expected}>` should"),
            format!("close `<{expected}>` with `</{expected}>`, or take `</{actual}>` away"),
        ),
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => {
            ("it ends before all elements are closed".to_owned(), "copy the file again: its end is missing".to_owned())
        }
        Error::DuplicatedAttribute(name, _) => {
            (format!("the attribute `{name}` is there twice"), format!("keep one `{name}`"))
        }
        Error::NoRootNode => ("there is no element in it".to_owned(), "look whether it is the right file".to_owned()),
        error => {
            let text = error.to_string();
            let text = text.rsplit_once(" at ").map_or(text.as_str(), |(text, _)| text);
            (text.to_owned(), "open it in an XML editor and put this place right".to_owned())
        }
    }
}

fn end_of(text: &str) -> roxmltree::TextPos {
    let row = u32::try_from(memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1).unwrap_or(u32::MAX);
    let last = text.rsplit('\n').next().unwrap_or_default();
    roxmltree::TextPos::new(row, u32::try_from(last.chars().count() + 1).unwrap_or(u32::MAX))
}

fn offset_of(text: &str, at: roxmltree::TextPos) -> usize {
    let row = usize::try_from(at.row).unwrap_or(usize::MAX).saturating_sub(1);
    let start =
        if row == 0 { Some(0) } else { memchr::memchr_iter(b'\n', text.as_bytes()).nth(row - 1).map(|at| at + 1) };
    let Some(start) = start else { return text.len() };
    let column = usize::try_from(at.col).unwrap_or(usize::MAX).saturating_sub(1);
    text[start..].char_indices().nth(column).map_or(text.len(), |(offset, _)| start + offset)
}

/// Prefixes that everybody uses for the same.
const PREFIXES: &[(&str, &str)] = &[
    ("mets", "http://www.loc.gov/METS/"),
    ("mods", "http://www.loc.gov/mods/v3"),
    ("xlink", "http://www.w3.org/1999/xlink"),
    ("xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc/"),
    ("marc", "http://www.loc.gov/MARC21/slim"),
    ("lido", "http://www.lido-schema.org"),
    ("tei", "http://www.tei-c.org/ns/1.0"),
    ("ead", "urn:isbn:1-931666-22-9"),
    ("dv", "http://dfg-viewer.de/"),
    ("mix", "http://www.loc.gov/mix/v20"),
];

/// The text with a prefix declared at its root element.
fn declare(text: &str, prefix: &str) -> Option<String> {
    let root = scan::pieces(text).find(|piece| piece.kind != scan::Kind::Other)?;
    let at = root.start + 1 + root.name.len();
    let is_name = !prefix.is_empty() && prefix.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let declared = format!("xmlns:{prefix}=");
    if !is_name || text[root.start..root.end].contains(&declared) {
        return None;
    }
    let known = PREFIXES.iter().find(|(known, _)| *known == prefix).map(|(_, uri)| (*uri).to_owned());
    let uri = known.unwrap_or_else(|| format!("urn:x-undeclared:{prefix}"));
    Some(format!("{} {declared}\"{uri}\"{}", &text[..at], &text[at..]))
}

/// Bytes as text: a mark at the beginning counts, then the declaration, then UTF-8; what is not that is read as Windows-1252.
fn decode(bytes: &[u8], place: &str, findings: &RefCell<Findings>) -> String {
    let tell = |message: String, fix: &str| {
        findings.borrow_mut().push(Finding::new(Severity::Warning, "encoding", place, message, fix));
    };
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, has_errors) = encoding.decode_without_bom_handling(&bytes[mark..]);
        if has_errors {
            tell(format!("some bytes are not {}", encoding.name()), "save the file again in that encoding");
        }
        return text.into_owned();
    }
    let utf_16 = match bytes {
        [b'<', 0, ..] => Some(encoding_rs::UTF_16LE),
        [0, b'<', ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    };
    if let Some(encoding) = utf_16 {
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    let declared = declared_encoding(bytes);
    let known = declared.as_deref().map(|name| (name, encoding_rs::Encoding::for_label(name.as_bytes())));
    let encoding = match known {
        Some((_, Some(encoding))) if encoding.is_ascii_compatible() => encoding,
        Some((name, None)) => {
            tell(
                format!("the encoding `{name}` is not known; UTF-8 is taken"),
                "save the file in UTF-8 and declare that",
            );
            encoding_rs::UTF_8
        }
        // A declaration that could be read is not in UTF-16, whatever it says.
        None | Some((_, Some(_))) => encoding_rs::UTF_8,
    };
    if encoding != encoding_rs::UTF_8 {
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // A file that ends within a character was cut off.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned()
        }
        Err(error) => {
            let line = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count() + 1;
            let finding = Finding::new(
                Severity::Warning,
                "encoding",
                place,
                "this is not UTF-8, which the file says or does not deny; Windows-1252 is taken",
                "save the file in UTF-8, or declare its encoding in the first line",
            );
            findings.borrow_mut().push(finding.at_line(u32::try_from(line).unwrap_or(u32::MAX)));
            encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
        }
    }
}

/// The encoding of `<?xml version="1.0" encoding="…"?>`.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let beginning = &bytes[..bytes.len().min(200)];
    let beginning = String::from_utf8_lossy(beginning);
    let declaration = beginning.strip_prefix("<?xml")?.split("?>").next()?;
    let (_, rest) = declaration.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    rest[1..].split(quote).next().map(str::to_owned)
}

/// May this character be in XML 1.0? §2.2.
pub(super) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The text without leading blanks that would hide its beginning, and with a sign in place of characters that XML forbids.
fn clean(text: String, place: &str, findings: &RefCell<Findings>) -> String {
    let Some(first) = text.char_indices().find(|(_, c)| !is_allowed(*c)) else { return text };
    let line = scan_line(&text, first.0);
    let message = format!("the character U+{:04X} is not allowed in XML", u32::from(first.1));
    let finding = Finding::new(Severity::Warning, "forbidden-character", place, message, "take it away");
    findings.borrow_mut().push(finding.at_line(line));
    text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect()
}

/// The name of an element without its prefix.
pub(super) fn name(node: Node<'_>) -> &str {
    node.tag_name().name()
}

/// Is it an element of this name, whatever its namespace?
pub(super) fn is(node: Node<'_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name().eq_ignore_ascii_case(name)
}

/// The elements within an element.
pub(super) fn elements(node: Node<'_>) -> impl Iterator<Item = Node<'_>> + Clone {
    node.children().filter(Node::is_element)
}

/// The elements of a name within an element.
pub(super) fn children<'a>(node: Node<'a>, name: &'static str) -> impl Iterator<Item = Node<'a>> + Clone {
    node.children().filter(move |child| is(*child, name))
}

/// The first element of a name within an element.
pub(super) fn child<'a>(node: Node<'a>, name: &'static str) -> Option<Node<'a>> {
    children(node, name).next()
}

/// All elements of a name below an element.
pub(super) fn descendants<'a>(node: Node<'a>, name: &'static str) -> impl Iterator<Item = Node<'a>> {
    node.descendants().filter(move |child| is(*child, name))
}

/// The trimmed value of an attribute, whatever its namespace; `None` when there is nothing in it.
pub(super) fn attribute<'a>(node: Node<'a>, name: &str) -> Option<&'a str> {
    node.attributes()
        .find(|attribute| attribute.name().eq_ignore_ascii_case(name))
        .map(|attribute| attribute.value().trim())
        .filter(|value| !value.is_empty())
}

/// All text in an element, with single blanks.
pub(super) fn text(node: Node<'_>) -> String {
    let mut out = String::new();
    for part in node.descendants().filter(Node::is_text).filter_map(|part| part.text()) {
        push_words(&mut out, part);
    }
    out.truncate(out.trim_end().len());
    out
}

/// Adds a text, with single blanks for all white space.
pub(super) fn push_words(out: &mut String, text: &str) {
    for c in text.chars() {
        if !c.is_whitespace() || c == '\u{a0}' {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
    }
}

/// A text with single blanks.
pub(super) fn words(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.contains("  ") && !text.contains(['\n', '\t', '\r']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    push_words(&mut out, text);
    Cow::Owned(out)
}
