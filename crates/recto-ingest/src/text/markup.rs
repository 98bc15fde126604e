//! XML and HTML as pieces, one after the other, as far as they can be read: names without prefixes, tags in pairs whatever the file
//! does, and a finding with a line where it is damaged.
//!
//! This is no parser of XML: those end at the first fault, and a page of text with one fault in it is still a page of text. It is
//! as fast as searching for `<`, holds nothing but the names of open elements, and expands no entity that a file declares.

use std::borrow::Cow;

use crate::words::{At, Report, shown};

/// Most elements that are open at once.
const MOST_DEPTH: usize = 1000;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// An element begins. Its [`Event::Close`] always follows, if it is empty at once.
    Open(Tag<'a>),
    /// The element with this name ends.
    Close(&'a str),
    /// Text with references in it as they are written ([`unescaped`]).
    Text(&'a str),
    /// Text that is written as it is.
    Literal(&'a str),
}

/// The beginning of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// The name without its prefix.
    pub(super) name: &'a str,
    inner: &'a str,
    is_empty: bool,
}

impl<'a> Tag<'a> {
    /// Names without prefixes, and values as they are written.
    pub(super) fn attributes(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.inner;
        std::iter::from_fn(move || {
            // What has no value, as HTML allows, is passed over.
            let equal = memchr::memchr(b'=', rest.as_bytes())?;
            let name = rest[..equal].trim_ascii_end();
            let begin = name.bytes().rposition(|byte| byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
            let name = local(&name[begin..]);
            let value = rest[equal + 1..].trim_ascii_start();
            let quote = value.as_bytes().first().copied().filter(|byte| matches!(byte, b'"' | b'\''));
            let (start, end) = match quote {
                Some(quote) => (1, memchr::memchr(quote, &value.as_bytes()[1..]).map_or(value.len(), |at| at + 1)),
                None => (0, value.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(value.len())),
            };
            rest = value.get(end + usize::from(quote.is_some())..).unwrap_or_default();
            Some((name, &value[start..end]))
        })
    }

    /// The value of an attribute, as it is written.
    pub(super) fn raw(self, name: &str) -> Option<&'a str> {
        self.attributes().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of an attribute; `None` where it is empty.
    pub(super) fn value(self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).map(unescaped).filter(|value| !value.trim().is_empty())
    }

    /// The number that an attribute holds.
    pub(super) fn number(self, name: &str) -> Option<f64> {
        self.raw(name).and_then(number)
    }
}

/// A number as it is written in files with text: finite, perhaps with a unit of pixels or a comma.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = text.strip_suffix("px").unwrap_or(text);
    text.parse::<f64>().or_else(|_| text.replace(',', ".").parse()).ok().filter(|number| number.is_finite())
}

fn local(name: &str) -> &str {
    memchr::memrchr(b':', name.as_bytes()).map_or(name, |at| &name[at + 1..])
}

/// How strictly a file is meant to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each fault is told.
    Xml,
    /// Elements need not be closed, and what is no tag is text.
    Html,
}

/// Where the next of something is; searched for once, not from each place again.
struct Ahead {
    wanted: &'static str,
    next: Option<usize>,
    is_known: bool,
}

impl Ahead {
    const fn new(wanted: &'static str) -> Self {
        Self { wanted, next: None, is_known: false }
    }

    fn find(&mut self, text: &str, at: usize) -> Option<usize> {
        if !self.is_known || self.next.is_some_and(|next| next < at) {
            let found = memchr::memmem::find(text.get(at..)?.as_bytes(), self.wanted.as_bytes());
            (self.next, self.is_known) = (found.map(|found| at + found), true);
        }
        self.next
    }
}

/// The pieces of a file.
pub(super) struct Elements<'a> {
    text: &'a str,
    at: usize,
    kind: Kind,
    open: Vec<&'a str>,
    to_close: usize,
    has_ended: bool,
    /// Bytes and lines counted so far.
    counted: (usize, u32),
    comment_end: Ahead,
    instruction_end: Ahead,
    literal_end: Ahead,
    element_end: Ahead,
    is_damaged: bool,
    /// A document type has been there, or was looked for in vain: there is one at most.
    had_document_type: bool,
}

impl<'a> Elements<'a> {
    pub(super) fn new(text: &'a str, kind: Kind) -> Self {
        Self {
            text,
            at: 0,
            kind,
            open: Vec::new(),
            to_close: 0,
            has_ended: false,
            counted: (0, 1),
            comment_end: Ahead::new("-->"),
            instruction_end: Ahead::new("?>"),
            literal_end: Ahead::new("]]>"),
            element_end: Ahead::new("</"),
            is_damaged: false,
            had_document_type: false,
        }
    }

    /// The line that is read now, from 1.
    pub(super) fn line(&mut self) -> u32 {
        let (counted, lines) = self.counted;
        let at = self.at.clamp(counted, self.text.len());
        let more = memchr::memchr_iter(b'\n', &self.text.as_bytes()[counted..at]).count();
        self.counted = (at, lines.saturating_add(u32::try_from(more).unwrap_or(u32::MAX)));
        self.counted.1
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self, report: &mut Report) -> Option<Event<'a>> {
        loop {
            if self.to_close > 0 {
                self.to_close -= 1;
                return self.open.pop().map(Event::Close);
            }
            if self.has_ended {
                return None;
            }
            let rest = &self.text[self.at..];
            let Some(start) = memchr::memchr(b'<', rest.as_bytes()) else {
                self.at = self.text.len();
                if let Some(unclosed) = self.open.last() {
                    let message = format!("the file ends within <{}>", shown(unclosed));
                    self.damage(report, &message);
                }
                self.end();
                if rest.is_empty() {
                    continue;
                }
                return Some(Event::Text(rest));
            };
            if start > 0 {
                self.at += start;
                return Some(Event::Text(&rest[..start]));
            }
            if let Some(event) = self.piece(report) {
                return Some(event);
            }
        }
    }

    fn end(&mut self) {
        self.has_ended = true;
        self.to_close = self.open.len();
    }

    /// Only the first is told: what follows from it is no news.
    fn damage(&mut self, report: &mut Report, message: &str) {
        if self.kind == Kind::Html || self.is_damaged {
            return;
        }
        self.is_damaged = true;
        let line = self.line();
        report.error(
            At::line(line),
            "text-damaged",
            format!("{message}; the words up to here are read, and what can be read of the rest"),
            "make or copy the file again",
        );
    }

    /// A `<` that begins nothing is a character.
    fn stray(&mut self, report: &mut Report) -> Event<'a> {
        self.damage(report, "a `<` begins no tag");
        let end = self.at + 1;
        let text = &self.text[self.at..end];
        self.at = end;
        Event::Literal(text)
    }

    /// What the `<` at this place begins; `None` for what has no meaning here.
    fn piece(&mut self, report: &mut Report) -> Option<Event<'a>> {
        let rest = &self.text.as_bytes()[self.at..];
        match rest.get(1) {
            Some(b'/') => self.close(report),
            Some(b'!') if rest.starts_with(b"<!--") => {
                let end = self.comment_end.find(self.text, self.at + 4);
                // Recognisers write what they see: a comment that hides the end of a word is none.
                let hides = self.kind == Kind::Html
                    && end.is_some_and(|end| self.element_end.find(self.text, self.at).is_some_and(|next| next < end));
                match end {
                    Some(end) if !hides => self.skip(end + 3),
                    _ => Some(self.stray(report)),
                }
            }
            Some(b'!') if rest.starts_with(b"<![CDATA[") => match self.literal_end.find(self.text, self.at + 9) {
                Some(end) => {
                    let text = &self.text[self.at + 9..end];
                    self.at = end + 3;
                    Some(Event::Literal(text))
                }
                None => Some(self.stray(report)),
            },
            Some(b'!')
                if !self.had_document_type
                    && rest.get(..9).is_some_and(|begin| begin.eq_ignore_ascii_case(b"<!DOCTYPE")) =>
            {
                self.had_document_type = true;
                match document_type_end(rest) {
                    Some(length) => {
                        self.document_type(&rest[..length], report);
                        self.skip(self.at + length)
                    }
                    None => Some(self.stray(report)),
                }
            }
            Some(b'?') if self.kind == Kind::Xml || rest.get(2).is_some_and(u8::is_ascii_alphabetic) => {
                match self.instruction_end.find(self.text, self.at + 2) {
                    Some(end) => self.skip(end + 2),
                    None => Some(self.stray(report)),
                }
            }
            Some(byte) if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || !byte.is_ascii() => {
                self.tag(report)
            }
            _ => Some(self.stray(report)),
        }
    }

    fn skip(&mut self, to: usize) -> Option<Event<'a>> {
        self.at = to;
        None
    }

    fn document_type(&mut self, declared: &[u8], report: &mut Report) {
        if memchr::memmem::find(declared, b"<!ENTITY").is_some() {
            let line = self.line();
            report.warning(
                At::line(line),
                "entities-not-read",
                "the file declares entities; they are not put in their places",
                "write the text itself instead of `&name;`",
            );
        }
    }

    fn close(&mut self, report: &mut Report) -> Option<Event<'a>> {
        let rest = &self.text[self.at..];
        let Some(end) =
            memchr::memchr2(b'>', b'<', &rest.as_bytes()[1..]).filter(|end| rest.as_bytes()[end + 1] == b'>')
        else {
            return Some(self.stray(report));
        };
        let name = local(rest[2..=end].trim_ascii());
        match self.open.iter().rposition(|open| is_same(open, name, self.kind)) {
            Some(depth) => {
                self.to_close = self.open.len() - depth;
                if self.to_close > 1 {
                    let inner = self.open.last().copied().unwrap_or_default();
                    let message = format!("</{}> stands where <{}> is not closed", shown(name), shown(inner));
                    self.damage(report, &message);
                }
            }
            None => self.damage(report, &format!("</{}> closes nothing", shown(name))),
        }
        self.skip(self.at + end + 2)
    }

    fn tag(&mut self, report: &mut Report) -> Option<Event<'a>> {
        let rest = &self.text[self.at..];
        let Some(end) = tag_end(rest.as_bytes(), self.kind) else {
            return Some(self.stray(report));
        };
        let inner = &rest[1..end];
        let (inner, is_closed) = inner.strip_suffix('/').map_or((inner, false), |inner| (inner, true));
        let length = inner.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(inner.len());
        let (name, inner) = inner.split_at(length);
        let name = local(name);
        let is_empty = is_closed || self.kind == Kind::Html && is_void(name);
        self.at += end + 1;
        if self.open.len() >= MOST_DEPTH {
            let line = self.line();
            report.error(
                At::line(line),
                "text-too-deep",
                format!("more than {MOST_DEPTH} elements are within each other; what follows is not read"),
                "make the file again",
            );
            self.end();
            return None;
        }
        self.open.push(name);
        self.to_close = usize::from(is_empty);
        Some(Event::Open(Tag { name, inner, is_empty }))
    }
}

fn is_same(open: &str, name: &str, kind: Kind) -> bool {
    open == name || kind == Kind::Html && open.eq_ignore_ascii_case(name)
}

/// Elements of HTML that are never closed.
fn is_void(name: &str) -> bool {
    ["br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr", "source", "embed", "param", "track"]
        .iter()
        .any(|void| name.eq_ignore_ascii_case(void))
}

/// Where the `>` of a tag is. None where another `<` comes before it, which no tag has outside of HTML's values.
fn tag_end(bytes: &[u8], kind: Kind) -> Option<usize> {
    let mut at = 1;
    loop {
        let found = bytes[at..].iter().position(|byte| matches!(byte, b'>' | b'"' | b'\'' | b'<'))?;
        at += found;
        match bytes[at] {
            b'>' => return Some(at),
            b'<' => return None,
            quote => {
                let length = match kind {
                    Kind::Html => memchr::memchr(quote, &bytes[at + 1..])?,
                    Kind::Xml => memchr::memchr2(quote, b'<', &bytes[at + 1..])
                        .filter(|length| bytes[at + 1 + length] == quote)?,
                };
                at += length + 2;
            }
        }
    }
}

/// How long `<!DOCTYPE … [ … ]>` is.
fn document_type_end(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (9, 0_u32);
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => at += 1 + memchr::memchr(quote, &bytes[at + 1..])?,
            b'<' if bytes[at..].starts_with(b"<!--") => at += 6 + memchr::memmem::find(&bytes[at + 4..], b"-->")?,
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b'>' if depth == 0 => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Text with its references replaced by what they stand for; those that are not known stay as they are written.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'&', text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(behind) = rest.strip_prefix('&') {
        let end = behind.bytes().take(32).position(|byte| !byte.is_ascii_alphanumeric() && byte != b'#');
        let known =
            end.filter(|end| behind.as_bytes()[*end] == b';').and_then(|end| Some((referred(&behind[..end])?, end)));
        let after = if let Some((character, end)) = known {
            out.push(character);
            &behind[end + 1..]
        } else {
            out.push('&');
            behind
        };
        let next = memchr::memchr(b'&', after.as_bytes()).unwrap_or(after.len());
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
    Cow::Owned(out)
}

fn referred(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?).filter(|character| *character != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '‘',
        "rsquo" => '’',
        "sbquo" => '‚',
        "ldquo" => '“',
        "rdquo" => '”',
        "bdquo" => '„',
        "bull" => '•',
        "hellip" => '…',
        "dagger" => '†',
        "Dagger" => '‡',
        "permil" => '‰',
        "lsaquo" => '‹',
        "rsaquo" => '›',
        "euro" => '€',
        "trade" => '™',
        "OElig" => 'Œ',
        "oelig" => 'œ',
        "Scaron" => 'Š',
        "scaron" => 'š',
        "Yuml" => 'Ÿ',
        "fnof" => 'ƒ',
        "ensp" => '\u{2002}',
        "emsp" => '\u{2003}',
        "thinsp" => '\u{2009}',
        "zwnj" => '\u{200c}',
        "zwj" => '\u{200d}',
        _ => {
            return LATIN
                .split_ascii_whitespace()
                .position(|known| known == name)
                .and_then(|at| char::from_u32(160 + at as u32));
        }
    })
}

/// The names of U+00A0 to U+00FF in HTML.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute \
    micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave \
    Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml \
    Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth \
    ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, kind: Kind) -> (String, Vec<Option<u32>>) {
        let (mut report, mut elements, mut out) = (Report::new("a.xml"), Elements::new(text, kind), String::new());
        while let Some(event) = elements.next(&mut report) {
            match event {
                Event::Open(tag) => {
                    out.push_str(&format!("<{}", tag.name));
                    tag.attributes().for_each(|(name, value)| out.push_str(&format!(" {name}={}", unescaped(value))));
                    out.push('>');
                }
                Event::Close(name) => out.push_str(&format!("</{name}>")),
                Event::Text(text) => out.push_str(&unescaped(text)),
                Event::Literal(text) => out.push_str(text),
            }
        }
        (out, report.into_list().iter().map(|finding| finding.line).collect())
    }

    #[test]
    fn whole_files_are_read_as_they_are() {
        let text = "<?xml version='1.0'?><!DOCTYPE a [<!-- ]> --><!ELEMENT a (b)>]><x:a y:k = \"1 &amp; 2\" l='>'>\n<b/>t&#228;&auml;&no;<![CDATA[<&]]><!-- <c> --></x:a>";
        assert_eq!(read(text, Kind::Xml), ("<a k=1 & 2 l=>>\n<b></b>tää&no;<&</a>".into(), vec![]));
    }

    #[test]
    fn damage_is_told_once_and_tags_stay_in_pairs() {
        for (text, want, line) in [
            ("<a>\n<b>t</a>", "<a>\n<b>t</b></a>", 2),
            ("<a>\n<b k='1\n<c>t", "<a>\n<b k='1\n<c>t</c></a>", 2),
            ("<a>t</b>\n</a></c>", "<a>t\n</a>", 1),
            ("<a>\n\n<b k=\"1", "<a>\n\n<b k=\"1</a>", 3),
            ("<a>1 < 2</a>", "<a>1 < 2</a>", 1),
        ] {
            assert_eq!(read(text, Kind::Xml), (want.to_owned(), vec![Some(line)]), "{text}");
        }
    }

    #[test]
    fn html_of_recognisers_is_text_where_it_is_no_tag() {
        for (text, want) in [
            ("<p>a<br>b</p>", "<p>a<br></br>b</p>"),
            ("<span>!'<!--,,,></span><b>x</b><!-- c --><i/>", "<span>!'<!--,,,></span><b>x</b><i></i>"),
            ("<span><?«»«?>i<5t»<?».</span>", "<span><?«»«?>i<5t»<?».</span>"),
            ("<P>a</p><div>b", "<P>a</P><div>b</div>"),
        ] {
            assert_eq!(read(text, Kind::Html), (want.to_owned(), vec![]), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_and_unclosed_things_take_linear_time() {
        let (_, lines) = read(&"<a>".repeat(5000), Kind::Xml);
        assert_eq!(lines, [Some(1)]);
        for piece in ["<!--", "<![CDATA[", "<?x ", "<a '", "</", "<!DOCTYPE ["] {
            read(&piece.repeat(200_000), Kind::Xml);
            read(&piece.repeat(200_000), Kind::Html);
        }
    }
}
