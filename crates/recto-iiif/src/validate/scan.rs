//! JSON as a text: is it well-formed, where does what stand, and what is wrong with it in words that help.

use std::borrow::Cow;

use super::step;

/// Deeper documents are not read; those of IIIF are about 20 deep.
pub(super) const DEEPEST: usize = 120;
/// Documents with more values are not read. One of 5,000 canvases has about 180,000.
pub(super) const MOST_VALUES: usize = 5_000_000;
/// Documents with more objects are not read: each takes about 600 bytes while it is looked at. One of 5,000 canvases has 60,000.
pub(super) const MOST_OBJECTS: usize = 1_500_000;

/// Where and why a text is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) kind: FaultKind,
    pub(super) what: String,
    pub(super) fix: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Syntax,
    Deep,
    Large,
}

/// What a scan tells of: each value by its pointer, and each name that an object has twice.
pub(super) trait Visitor {
    /// A value begins here.
    fn value(&mut self, pointer: &str, offset: usize);
    /// The object has this name twice; here it is again.
    fn twice(&mut self, pointer: &str, name: &str, offset: usize);
}

enum Frame<'t> {
    Object { opened: usize, names: Vec<(Cow<'t, str>, usize)> },
    Array { opened: usize, index: usize },
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    open: Vec<Frame<'t>>,
    /// The pointer of the value at hand, and how long it was before each step.
    pointer: String,
    lengths: Vec<usize>,
    values: usize,
    objects: usize,
}

/// Goes through the text without recursion, in memory that grows with what is open and not with what is read.
pub(super) fn scan(text: &str, visitor: &mut dyn Visitor) -> Result<(), Fault> {
    let mut scan =
        Scan { text, at: 0, open: Vec::new(), pointer: String::new(), lengths: Vec::new(), values: 0, objects: 0 };
    scan.blank();
    loop {
        // A value begins here; containers are opened and their first value is next.
        if scan.begin(visitor)? {
            continue;
        }
        // A value has ended: go up as long as containers end too.
        loop {
            scan.blank();
            if scan.open.is_empty() {
                return match scan.peek() {
                    None => Ok(()),
                    Some(_) => Err(scan.fault("there is more text after the end of the document", "take it away")),
                };
            }
            if scan.next_or_end(visitor)? {
                break;
            }
        }
    }
}

impl<'t> Scan<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fault(&self, what: impl Into<String>, fix: &'static str) -> Fault {
        Fault { offset: self.at, kind: FaultKind::Syntax, what: what.into(), fix }
    }

    /// What stands here, for a message.
    fn here(&self) -> String {
        match self.text[self.at..].chars().next() {
            Some(character) => format!("`{character}`"),
            None => "the end of the text".to_owned(),
        }
    }

    /// Reads a value; true where it is a container that has something in it.
    fn begin(&mut self, visitor: &mut dyn Visitor) -> Result<bool, Fault> {
        self.values += 1;
        self.objects += usize::from(self.peek() == Some(b'{'));
        if self.values > MOST_VALUES || self.objects > MOST_OBJECTS {
            let what = format!("the document has more than {MOST_VALUES} values or {MOST_OBJECTS} objects");
            return Err(Fault { offset: self.at, kind: FaultKind::Large, what, fix: "split it" });
        }
        visitor.value(&self.pointer, self.at);
        match self.peek() {
            Some(opener @ (b'{' | b'[')) => self.container(opener),
            Some(b'"') => self.string().map(|_| false),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
            _ => self.word().map(|()| false),
        }
    }

    fn container(&mut self, opener: u8) -> Result<bool, Fault> {
        if self.open.len() == DEEPEST {
            let what = format!("the document is nested more than {DEEPEST} deep");
            return Err(Fault {
                offset: self.at,
                kind: FaultKind::Deep,
                what,
                fix: "no document of IIIF is; look for what is doubled",
            });
        }
        let opened = self.at;
        self.at += 1;
        self.blank();
        let (closer, frame) = match opener {
            b'{' => (b'}', Frame::Object { opened, names: Vec::new() }),
            _ => (b']', Frame::Array { opened, index: 0 }),
        };
        if self.peek() == Some(closer) {
            self.at += 1;
            return Ok(false);
        }
        self.lengths.push(self.pointer.len());
        self.open.push(frame);
        if opener == b'{' {
            self.name()?;
        } else {
            self.pointer.push_str("/0");
        }
        Ok(true)
    }

    /// Reads a comma and goes to the next value (true), or the end of the container (false).
    fn next_or_end(&mut self, visitor: &mut dyn Visitor) -> Result<bool, Fault> {
        let length = self.lengths.last().copied().unwrap_or_default();
        let closer = if matches!(self.open.last(), Some(Frame::Object { .. })) { b'}' } else { b']' };
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.blank();
                if let Some(end @ (b'}' | b']')) = self.peek() {
                    self.at = comma;
                    let what = format!("a comma stands before `{}`", char::from(end));
                    return Err(self.fault(what, "take the comma away"));
                }
                self.pointer.truncate(length);
                match self.open.last_mut() {
                    Some(Frame::Array { index, .. }) => {
                        *index += 1;
                        let index = *index;
                        self.pointer.push('/');
                        self.pointer.push_str(&index.to_string());
                    }
                    _ => self.name()?,
                }
                Ok(true)
            }
            Some(found) if found == closer => {
                self.at += 1;
                self.pointer.truncate(length);
                self.lengths.pop();
                if let Some(Frame::Object { names, .. }) = self.open.pop() {
                    self.doubles(names, visitor);
                }
                Ok(false)
            }
            Some(b'}' | b']') => {
                let what = format!("{} closes what `{}` opened", self.here(), if closer == b'}' { '{' } else { '[' });
                Err(self.fault(what, "close each bracket by its own kind"))
            }
            Some(b'/' | b'#') => Err(self.fault("there is a comment", "take it away; JSON has no comments")),
            Some(b'"' | b'{' | b'[' | b'-' | b'0'..=b'9') => {
                Err(self.fault(format!("a comma is missing before {}", self.here()), "write a comma between values"))
            }
            Some(b':') => {
                Err(self.fault("`:` stands where a comma or the end belongs", "look whether a `{` is missing"))
            }
            Some(_) => Err(self.fault(
                format!("{} stands where a comma or the end belongs", self.here()),
                "look whether a quotation mark is missing before it",
            )),
            None => {
                let Some(Frame::Object { opened, .. } | Frame::Array { opened, .. }) = self.open.last() else {
                    return Err(self.fault("the text ends too early", "look whether it was cut off"));
                };
                let line = self.text[..*opened].bytes().filter(|byte| *byte == b'\n').count() + 1;
                let what = format!("the text ends, and what was opened in line {line} is not closed");
                Err(self.fault(what, "look whether the file was cut off, or write the missing bracket"))
            }
        }
    }

    /// Reads a name and its colon; the pointer gets its step.
    fn name(&mut self) -> Result<(), Fault> {
        let offset = self.at;
        match self.peek() {
            Some(b'"') => {}
            Some(b'\'') => return Err(self.fault("a name stands in single quotes", "use double quotes, `\"`")),
            Some(b'/' | b'#') => return Err(self.fault("there is a comment", "take it away; JSON has no comments")),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' || byte == b'@' => {
                return Err(self.fault("a name has no quotes", "write it in double quotes"));
            }
            _ => {
                return Err(
                    self.fault(format!("{} stands where a name belongs", self.here()), "write a name in double quotes")
                );
            }
        }
        let raw = self.string()?;
        let name = unescaped(raw);
        self.blank();
        if self.peek() != Some(b':') {
            return Err(
                self.fault(format!("`:` is missing after the name `{name}`"), "write `:` between name and value")
            );
        }
        self.at += 1;
        self.blank();
        self.pointer.push('/');
        if name.contains(['~', '/']) {
            self.pointer.push_str(&step(&name));
        } else {
            self.pointer.push_str(&name);
        }
        if let Some(Frame::Object { names, .. }) = self.open.last_mut() {
            names.push((name, offset));
        }
        Ok(())
    }

    fn doubles(&self, mut names: Vec<(Cow<'t, str>, usize)>, visitor: &mut dyn Visitor) {
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            visitor.twice(&self.pointer, &pair[1].0, pair[1].1);
        }
    }

    /// Reads a string; what stands between its quotes.
    fn string(&mut self) -> Result<&'t str, Fault> {
        let opened = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.text[opened + 1..self.at - 1]);
                }
                Some(b'\\') => self.escape()?,
                Some(b'\n' | b'\r') => {
                    return Err(self.fault(
                        "a line ends within a string",
                        "close the string by `\"`, or write `\\n` for a line break",
                    ));
                }
                Some(0..0x20) => {
                    return Err(self.fault("a string has a control character", "write it as `\\u00…`, a tab as `\\t`"));
                }
                Some(_) => self.at += 1,
                None => {
                    self.at = opened;
                    return Err(self.fault("a string begins here and is not closed", "write the missing `\"`"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u')
                if bytes
                    .get(self.at + 2..self.at + 6)
                    .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) =>
            {
                self.at += 6;
            }
            _ => {
                return Err(
                    self.fault("`\\` stands before what it cannot stand before", "write `\\\\` for a backslash")
                );
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let number = &self.text[start..self.at];
        if is_number(number) {
            return Ok(());
        }
        let digits = number.trim_start_matches('-');
        let has_zero = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        self.at = start;
        let fix = if has_zero { "numbers begin with no needless 0" } else { "write it as 12, -1 or 0.5" };
        Err(self.fault(format!("`{number}` is no number"), fix))
    }

    fn word(&mut self) -> Result<(), Fault> {
        let rest = &self.text[self.at..];
        for word in ["true", "false", "null"] {
            if rest.starts_with(word) && !rest[word.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
                self.at += word.len();
                return Ok(());
            }
        }
        let word: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
        Err(match self.peek() {
            None => self.fault("the text ends where a value belongs", "look whether the file was cut off"),
            Some(b'\'') => self.fault("a string stands in single quotes", "use double quotes, `\"`"),
            Some(b'/' | b'#') => self.fault("there is a comment", "take it away; JSON has no comments"),
            Some(b'<') if self.open.is_empty() => self.fault(
                "the text is HTML or XML and no JSON",
                "look whether an error page was stored in place of the document",
            ),
            Some(b',' | b'}' | b']') => self.fault(
                format!("{} stands where a value belongs", self.here()),
                "write the value, or take the name or comma away",
            ),
            Some(b'.' | b'+') => self.fault("a number begins by a dot or a plus", "write it as 0.5 or 12"),
            Some(_)
                if matches!(
                    word.as_str(),
                    "True" | "False" | "None" | "undefined" | "NaN" | "Infinity" | "TRUE" | "FALSE" | "NULL"
                ) =>
            {
                self.fault(format!("`{word}` is no word of JSON"), "write true, false or null")
            }
            Some(_) if !word.is_empty() => {
                self.fault(format!("`{word}` stands where a value belongs"), "write texts in double quotes")
            }
            Some(_) => self.fault(format!("{} stands where a value belongs", self.here()), "write a value"),
        })
    }
}

/// The form of numbers of RFC 8259.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) =
        mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// The name that is meant.
fn unescaped(raw: &str) -> Cow<'_, str> {
    if raw.contains('\\') {
        return serde_json::from_str(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned);
    }
    Cow::Borrowed(raw)
}
