//! Tags and the text between them.

/// Elements that go with all that stands in them, for it is no text for readers.
pub(super) const SILENT: &[&str] = &[
    "script",
    "style",
    "template",
    "noscript",
    "iframe",
    "object",
    "embed",
    "applet",
    "noembed",
    "noframes",
    "frameset",
    "title",
    "textarea",
    "select",
    "xmp",
    "plaintext",
    "svg",
    "math",
    "audio",
    "video",
    "canvas",
    "head",
];

pub(super) enum Token<'t> {
    Text(&'t str),
    Start { name: String, attributes: Vec<Attribute> },
    End { name: String },
    Removed { what: String },
}

/// An attribute of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    /// Its name in lower case.
    pub(super) name: String,
    /// What stands behind `=`, references as they are written.
    pub(super) value: Option<String>,
}

/// A tag that stands by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// The name in lower case.
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) is_end: bool,
    /// Has it its `>`?
    pub(super) is_closed: bool,
}

impl Tag {
    /// The tag of an element at the beginning of a text, as a browser reads it from there; `None` where it sees none.
    pub(super) fn at(text: &str) -> Option<Self> {
        let after = text.strip_prefix('<')?;
        let (is_end, after) = after.strip_prefix('/').map_or((false, after), |after| (true, after));
        if !after.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return None;
        }
        let length = name_length(after);
        let name = after[..length].to_ascii_lowercase();
        let (attributes, rest) = attributes(&after[length..]);
        Some(Self { name, attributes, is_end, is_closed: rest.is_some() })
    }
}

/// So many attributes of a tag are read.
pub(super) const MOST_ATTRIBUTES: usize = 100;

/// Blanks as HTML knows them: others are letters of names and values.
const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Tags and the text between them, roughly as the HTML standard reads them. What is read otherwise than a browser would is harmless, for
/// nothing of it is written as it was.
pub(super) struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// A tag that begins at the beginning of the rest.
    fn tag(&mut self) -> Token<'t> {
        let rest = self.rest;
        let after = &rest[1..];
        if let Some(comment) = after.strip_prefix("!--") {
            self.rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            return Token::Removed { what: "<!---->".to_owned() };
        }
        if after.starts_with(['!', '?']) {
            self.rest = after.find('>').map_or("", |end| &after[end + 1..]);
            return Token::Removed { what: "<!>".to_owned() };
        }
        if let Some(end_tag) = after.strip_prefix('/') {
            let length = name_length(end_tag);
            let name = end_tag[..length].to_ascii_lowercase();
            self.rest = end_tag.find('>').map_or("", |end| &end_tag[end + 1..]);
            return Token::End { name };
        }
        let length = name_length(after);
        let name = after[..length].to_ascii_lowercase();
        let (attributes, rest) = attributes(&after[length..]);
        let rest = rest.unwrap_or_default();
        self.rest = rest;
        if SILENT.contains(&name.as_str()) {
            self.rest = after_end(rest, &name);
            return Token::Removed { what: format!("<{name}>") };
        }
        Token::Start { name, attributes }
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        if begins_tag(self.rest) {
            return Some(self.tag());
        }
        let from = usize::from(self.rest.starts_with('<'));
        let mut end = from;
        while let Some(at) = self.rest[end..].find('<') {
            end += at;
            if begins_tag(&self.rest[end..]) {
                break;
            }
            end += 1;
        }
        let found = self.rest[end..].starts_with('<') && begins_tag(&self.rest[end..]);
        let (text, rest) = self.rest.split_at(if found { end } else { self.rest.len() });
        self.rest = rest;
        Some(Token::Text(text))
    }
}

fn begins_tag(text: &str) -> bool {
    let mut bytes = text.bytes();
    if bytes.next() != Some(b'<') {
        return false;
    }
    match bytes.next() {
        Some(b'!' | b'?') => true,
        Some(b'/') => bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic()),
        Some(byte) => byte.is_ascii_alphabetic(),
        None => false,
    }
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| is_blank(c) || matches!(c, '/' | '>' | '\0')).unwrap_or(text.len())
}

/// What follows the end tag of this element; nothing where there is none.
fn after_end<'t>(text: &'t str, name: &str) -> &'t str {
    let mut from = 0;
    while let Some(at) = text[from..].find("</") {
        let start = from + at + 2;
        let is_name = text.get(start..start + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        if is_name {
            let rest = &text[start + name.len()..];
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
        from = start;
    }
    ""
}

/// Attributes up to the `>`, and what follows it; nothing where it is missing.
fn attributes(text: &str) -> (Vec<Attribute>, Option<&str>) {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| is_blank(c) || matches!(c, '/' | '\0'));
        if let Some(after) = rest.strip_prefix('>') {
            return (out, Some(after));
        }
        // A name may begin with `=`, and has one character at least.
        let Some(first) = rest.chars().next().map(char::len_utf8) else { return (out, None) };
        let length = rest[first..]
            .find(|c: char| is_blank(c) || matches!(c, '/' | '>' | '='))
            .map_or(rest.len(), |length| length + first);
        let name = rest[..length].to_ascii_lowercase();
        rest = rest[length..].trim_start_matches(is_blank);
        let mut value = None;
        if let Some(after) = rest.strip_prefix('=') {
            let (given, behind) = attribute_value(after.trim_start_matches(is_blank));
            (value, rest) = (Some(given), behind);
        }
        if out.len() < MOST_ATTRIBUTES {
            out.push(Attribute { name: name.chars().take(60).collect(), value: value.map(str::to_owned) });
        }
    }
}

fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(|c: char| is_blank(c) || c == '>').unwrap_or(text.len()))
}
