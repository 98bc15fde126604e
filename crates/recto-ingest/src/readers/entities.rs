//! Document types and entities: what a document declares itself is put in its place within a bound, and nothing is ever fetched.

use std::cell::RefCell;
use std::collections::HashMap;

use super::scan;
use crate::finding::{Finding, Findings, Severity};

/// What a document type declares.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// Entities with a text of their own.
    internal: HashMap<String, String>,
    /// Entities that are files: their system identifiers. EAD and old TEI name images so.
    pub(super) external: HashMap<String, String>,
}

/// Takes XML declaration and document type out of a text, leaving blanks, so that nothing moves.
pub(super) fn take_document_type(text: &mut String) -> Declared {
    let mut declared = Declared::default();
    if text.trim_start().starts_with("<?xml ")
        && let Some(end) = text.find("?>")
    {
        blank(text, 0, end + 2);
    }
    let Some(start) = document_type_start(text) else { return declared };
    let Some(length) = scan::doctype_end(&text[start..]) else { return declared };
    let document_type = text[start..start + length].to_owned();
    blank(text, start, start + length);
    if let Some((_, subset)) = document_type.split_once('[') {
        read_subset(subset, &mut declared);
    }
    declared
}

/// Where `<!DOCTYPE` is, if it is before the root element.
fn document_type_start(text: &str) -> Option<usize> {
    scan::pieces(text)
        .take_while(|piece| piece.kind == scan::Kind::Other)
        .find(|piece| piece.name.get(..9).is_some_and(|begin| begin.eq_ignore_ascii_case("<!DOCTYPE")))
        .map(|piece| piece.start)
}

fn blank(text: &mut String, start: usize, end: usize) {
    let blanks: String = text[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    text.replace_range(start..end, &blanks);
}

const MOST_ENTITIES: usize = 10_000;

fn read_subset(mut rest: &str, declared: &mut Declared) {
    while let Some(at) = rest.find("<!") {
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            let Some(end) = rest[4..].find("-->") else { return };
            rest = &rest[4 + end + 3..];
            continue;
        }
        let Some(end) = scan::doctype_end(rest) else { return };
        let declaration = &rest[2..end - 1];
        rest = &rest[end..];
        let Some(declaration) = declaration.strip_prefix("ENTITY") else { continue };
        if declared.internal.len() + declared.external.len() < MOST_ENTITIES {
            read_entity(declaration.trim_start(), declared);
        }
    }
}

/// `name "text"`, `name SYSTEM "file" NDATA jpeg`, `name PUBLIC "id" "file"`; of parameter entities (`% name`) nothing is used.
fn read_entity(declaration: &str, declared: &mut Declared) {
    let Some((name, rest)) = declaration.split_once(char::is_whitespace) else { return };
    if name == "%" {
        return;
    }
    let mut quoted = quoted(rest.trim_start());
    let rest = rest.trim_start();
    if rest.starts_with("SYSTEM") {
        if let Some(file) = quoted.next() {
            declared.external.entry(name.to_owned()).or_insert_with(|| file.to_owned());
        }
    } else if rest.starts_with("PUBLIC") {
        if let Some(file) = quoted.nth(1) {
            declared.external.entry(name.to_owned()).or_insert_with(|| file.to_owned());
        }
    } else if let Some(text) = quoted.next() {
        declared.internal.entry(name.to_owned()).or_insert_with(|| text.replace('\n', " "));
    }
}

fn quoted(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let start = rest.find(['"', '\''])?;
        let quote = rest.get(start..=start)?;
        let (text, behind) = rest[start + 1..].split_once(quote)?;
        rest = behind;
        Some(text)
    })
}

/// Most bytes by which entities may lengthen a document.
const MOST_EXPANSION: usize = 4 << 20;
const MOST_NESTING: u32 = 8;

/// Puts the texts of entities in their places, and `&amp;` in the place of every `&` that stands for itself. Needed texts are copied;
/// `None` where nothing is to be done.
pub(super) fn resolve(text: &str, declared: &Declared, place: &str, findings: &RefCell<Findings>) -> Option<String> {
    memchr::memchr_iter(b'&', text.as_bytes()).find(|at| !is_predefined(&text[*at..]))?;
    let mut resolver = Resolver { declared, left: MOST_EXPANSION, place, findings, line: 1, was_over: false };
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    while let Some(step) = memchr::memchr2(b'&', b'<', &text.as_bytes()[at..]) {
        let here = at + step;
        resolver.pass(&text[at..here]);
        out.push_str(&text[at..here]);
        let rest = &text[here..];
        if let Some(end) = verbatim(rest) {
            resolver.pass(&rest[..end]);
            out.push_str(&rest[..end]);
            at = here + end;
        } else if rest.starts_with('<') {
            out.push('<');
            at = here + 1;
        } else {
            at = here + resolver.reference(rest, &mut out, 0);
        }
    }
    out.push_str(&text[at..]);
    Some(out)
}

/// The end of a comment, of character data or of an instruction, in which `&` has no meaning.
fn verbatim(rest: &str) -> Option<usize> {
    let end = if rest.starts_with("<!--") {
        "-->"
    } else if rest.starts_with("<![CDATA[") {
        "]]>"
    } else if rest.starts_with("<?") {
        "?>"
    } else {
        return None;
    };
    memchr::memmem::find(rest.as_bytes(), end.as_bytes()).map(|at| at + end.len())
}

fn is_predefined(rest: &str) -> bool {
    reference(rest).is_some_and(|name| {
        matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") || name.strip_prefix('#').is_some_and(is_character)
    })
}

/// The number of a character that XML allows.
fn is_character(number: &str) -> bool {
    let value = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    value.ok().and_then(char::from_u32).is_some_and(super::xml::is_allowed)
}

/// The name in `&name;`.
fn reference(rest: &str) -> Option<&str> {
    let body = rest.strip_prefix('&')?;
    let end = body
        .bytes()
        .take(64)
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'.' | b'-' | b'_' | b':')))?;
    (end > 0 && body.as_bytes()[end] == b';').then(|| &body[..end])
}

struct Resolver<'a> {
    declared: &'a Declared,
    left: usize,
    place: &'a str,
    findings: &'a RefCell<Findings>,
    line: u32,
    was_over: bool,
}

impl Resolver<'_> {
    fn pass(&mut self, text: &str) {
        self.line += u32::try_from(memchr::memchr_iter(b'\n', text.as_bytes()).count()).unwrap_or(u32::MAX);
    }

    fn find(&self, severity: Severity, rule: &'static str, message: String, fix: &str) {
        self.findings.borrow_mut().push(Finding::new(severity, rule, self.place, message, fix).at_line(self.line));
    }

    /// Writes what stands for the reference at the beginning of `rest`, and says how long the reference is.
    fn reference(&mut self, rest: &str, out: &mut String, depth: u32) -> usize {
        if is_predefined(rest) {
            let length = reference(rest).map_or(0, str::len) + 2;
            out.push_str(&rest[..length]);
            return length;
        }
        let Some(name) = reference(rest) else {
            self.find(Severity::Note, "bare-ampersand", "`&` stands for itself".to_owned(), "write `&amp;`");
            out.push_str("&amp;");
            return 1;
        };
        let length = name.len() + 2;
        if let Some(text) = self.declared.internal.get(name) {
            self.expand(name, text, out, depth);
        } else if self.declared.external.contains_key(name) {
            let message = format!("the entity `&{name};` is another file, which is not fetched");
            self.find(Severity::Warning, "external-entity", message, "put the content of that file here");
        } else if let Some((_, text)) = KNOWN.iter().find(|(known, _)| *known == name) {
            out.push_str(text);
        } else {
            let message = format!("the entity `&{name};` is not declared");
            self.find(Severity::Warning, "unknown-entity", message, "write the character itself, or `&amp;` for `&`");
            out.push_str("&amp;");
            out.push_str(&rest[1..length]);
        }
        length
    }

    fn expand(&mut self, name: &str, text: &str, out: &mut String, depth: u32) {
        let Some(left) = self.left.checked_sub(text.len().max(1)).filter(|_| depth < MOST_NESTING) else {
            if !self.was_over {
                self.was_over = true;
                let message = format!(
                    "entities make the document longer by more than {} MiB or are nested more than {MOST_NESTING} deep, at `&{name};`; it is left out, and so are all that follow",
                    MOST_EXPANSION >> 20
                );
                self.find(Severity::Error, "entity-expansion", message, "write the texts where they belong");
            }
            self.left = 0;
            return;
        };
        self.left = left;
        let mut at = 0;
        while let Some(step) = memchr::memchr(b'&', &text.as_bytes()[at..]) {
            out.push_str(&text[at..at + step]);
            at += step + self.reference(&text[at + step..], out, depth + 1);
        }
        out.push_str(&text[at..]);
    }
}

/// Entities of HTML that people use where nobody declared them.
#[rustfmt::skip]
const KNOWN: &[(&str, &str)] = &[
    ("nbsp", "\u{a0}"), ("auml", "ä"), ("ouml", "ö"), ("uuml", "ü"), ("Auml", "Ä"), ("Ouml", "Ö"), ("Uuml", "Ü"), ("szlig", "ß"),
    ("eacute", "é"), ("egrave", "è"), ("ecirc", "ê"), ("euml", "ë"), ("aacute", "á"), ("agrave", "à"), ("acirc", "â"), ("aring", "å"),
    ("atilde", "ã"), ("aelig", "æ"), ("ccedil", "ç"), ("iacute", "í"), ("igrave", "ì"), ("icirc", "î"), ("iuml", "ï"), ("ntilde", "ñ"),
    ("oacute", "ó"), ("ograve", "ò"), ("ocirc", "ô"), ("otilde", "õ"), ("oslash", "ø"), ("oelig", "œ"), ("uacute", "ú"), ("ugrave", "ù"),
    ("ucirc", "û"), ("yacute", "ý"), ("Eacute", "É"), ("Egrave", "È"), ("Agrave", "À"), ("Aring", "Å"), ("AElig", "Æ"), ("Ccedil", "Ç"),
    ("Oslash", "Ø"), ("ndash", "–"), ("mdash", "—"), ("lsquo", "‘"), ("rsquo", "’"), ("sbquo", "‚"), ("ldquo", "“"), ("rdquo", "”"),
    ("bdquo", "„"), ("laquo", "«"), ("raquo", "»"), ("hellip", "…"), ("bull", "•"), ("middot", "·"), ("sect", "§"), ("para", "¶"),
    ("copy", "©"), ("reg", "®"), ("trade", "™"), ("deg", "°"), ("plusmn", "±"), ("times", "×"), ("frac12", "½"), ("frac14", "¼"),
    ("euro", "€"), ("pound", "£"), ("dagger", "†"), ("shy", "\u{ad}"), ("thinsp", "\u{2009}"), ("ensp", "\u{2002}"), ("emsp", "\u{2003}"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> (String, Vec<String>) {
        let mut text = text.to_owned();
        let findings = RefCell::new(Findings::default());
        let declared = take_document_type(&mut text);
        let text = resolve(&text, &declared, "a.xml", &findings).unwrap_or(text);
        (text.trim().to_owned(), findings.into_inner().into_list().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn declared_entities_take_their_places() {
        let (text, findings) = resolved(
            r#"<!DOCTYPE a [<!ENTITY inner "one"><!ENTITY outer '&inner; <b>two</b>'>]><a c="&inner;">&outer; &uuml; &amp; &#65;</a>"#,
        );
        assert_eq!(text, r#"<a c="one">one <b>two</b> ü &amp; &#65;</a>"#);
        assert_eq!(findings, Vec::<String>::new());
    }

    #[test]
    fn billions_of_laughs_are_bounded() {
        let mut declarations = r#"<!ENTITY l0 "lol">"#.to_owned();
        for level in 1..30 {
            declarations += &format!(r#"<!ENTITY l{level} "{}">"#, format!("&l{};", level - 1).repeat(10));
        }
        let (text, findings) = resolved(&format!("<!DOCTYPE a [{declarations}]><a>&l29;&l6;</a>"));
        assert!(text.len() < 5 << 20, "{}", text.len());
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0]
                .contains("error[entity-expansion] a.xml:1: entities make the document longer by more than 4 MiB"),
            "{}",
            findings[0]
        );
    }

    #[test]
    fn a_large_entity_used_often_is_bounded() {
        let large = "x".repeat(1 << 20);
        let (text, findings) = resolved(&format!("<!DOCTYPE a [<!ENTITY x '{large}'>]><a>{}</a>", "&x;".repeat(1000)));
        assert!(text.len() < 6 << 20, "{}", text.len());
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn files_are_never_fetched() {
        let (text, findings) =
            resolved("<!DOCTYPE a SYSTEM 'a.dtd' [<!ENTITY secret SYSTEM \"file:///etc/passwd\">]>\n<a>&secret;</a>");
        assert_eq!(text, "<a></a>");
        assert_eq!(
            findings,
            [
                "warning[external-entity] a.xml:2: the entity `&secret;` is another file, which is not fetched; put the content of that file here"
            ]
        );
    }

    #[test]
    fn files_that_entities_stand_for_are_known() {
        let mut text = r#"<!DOCTYPE ead PUBLIC "+//ISBN 1-931666-00-8//DTD ead.dtd//EN" "ead.dtd" [<!NOTATION jpeg SYSTEM "x"> <!ENTITY p1 SYSTEM "scans/1.jpg" NDATA jpeg>]><ead/>"#.to_owned();
        let declared = take_document_type(&mut text);
        assert_eq!(declared.external.get("p1").map(String::as_str), Some("scans/1.jpg"));
        assert_eq!(text.trim(), "<ead/>");
    }

    #[test]
    fn an_ampersand_by_itself_is_kept() {
        let (text, findings) = resolved("<a b=\"x?a=1&b=2\">\nR & B &nosuch; <!-- & --><![CDATA[&]]></a>");
        assert_eq!(text, "<a b=\"x?a=1&amp;b=2\">\nR &amp; B &amp;nosuch; <!-- & --><![CDATA[&]]></a>");
        assert_eq!(findings.len(), 3);
        assert!(findings[2].contains("`&nosuch;` is not declared"));
    }
}
