//! Words and small questions that many of the modules here share.

use serde_json::{Map, Value};

/// The motivations of the Web Annotation Data Model §3.3.5, which Open Annotation has too.
pub(crate) const SHARED_MOTIVATIONS: [&str; 13] = [
    "assessing",
    "bookmarking",
    "classifying",
    "commenting",
    "describing",
    "editing",
    "highlighting",
    "identifying",
    "linking",
    "moderating",
    "questioning",
    "replying",
    "tagging",
];

/// What IIIF and its extensions name beside them.
pub(crate) const IIIF_MOTIVATIONS: [&str; 8] = [
    "painting",
    "supplementing",
    "contentState",
    "contextualizing",
    "activating",
    "georeferencing",
    "transcribing",
    "translating",
];

/// Those of them that make something else of a canvas or of a document than people who annotate may.
pub(super) const NOT_GIVEN: [&str; 3] = ["painting", "contentState", "activating"];

const OA: &str = "http://www.w3.org/ns/oa#";

/// The items of a list; what stands alone is a list of one, and `null` is none.
pub(super) fn list(value: Option<&Value>) -> &[Value] {
    match value {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
    }
}

/// One value as itself, several as a list, none as nothing.
pub(super) fn unlisted(mut values: Vec<Value>) -> Option<Value> {
    match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Value::Array(values)),
    }
}

/// The texts of a property.
pub(super) fn texts<'v>(value: &'v Value, property: &str) -> Vec<&'v str> {
    list(value.get(property)).iter().filter_map(Value::as_str).collect()
}

/// `type` or `@type` without the prefixes of older documents.
pub(super) fn types(fields: &Map<String, Value>) -> Vec<&str> {
    let given = fields.get("type").or_else(|| fields.get("@type"));
    list(given).iter().filter_map(Value::as_str).map(local).collect()
}

/// A word of a vocabulary without its prefix or namespace.
pub(super) fn local(word: &str) -> &str {
    let word = word.strip_prefix(OA).unwrap_or(word);
    ["oa:", "sc:", "dctypes:", "cnt:", "as:", "iiif:", "dcmitype:"]
        .iter()
        .find_map(|prefix| word.strip_prefix(prefix))
        .unwrap_or(word)
}

/// The URI that a value is or has.
pub(super) fn uri_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(uri) => Some(uri),
        Value::Object(fields) => fields.get("id").or_else(|| fields.get("@id")).and_then(Value::as_str),
        _ => None,
    }
}

/// A name as a step of a JSON pointer.
pub(super) fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A value in a few words for a message.
pub(super) fn short(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => match text.char_indices().nth(80) {
            None => format!("`{text}`"),
            Some((end, _)) => format!("`{}…`", &text[..end]),
        },
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// True for what a browser would run or show as a page when it is followed: `javascript:` and its like, however it is disguised.
pub(super) fn is_harmful_uri(uri: &str) -> bool {
    // Browsers leave out tabs, line breaks and leading control characters before they look at the scheme.
    let plain: String = uri
        .trim_start_matches(|c: char| c <= ' ' || c.is_whitespace() || c == '\u{feff}')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r') && !c.is_control())
        .take(24)
        .collect::<String>()
        .to_ascii_lowercase();
    // Pictures in the address itself run nothing; SVG would.
    if ["png", "jpeg", "gif", "webp", "avif"].iter().any(|kind| plain.starts_with(&format!("data:image/{kind};"))) {
        return false;
    }
    let scheme = plain.split_once(':').map(|(scheme, _)| scheme.trim_end());
    matches!(scheme, Some("javascript" | "vbscript" | "livescript" | "mocha" | "data" | "blob" | "file" | "filesystem"))
}

/// A URI as far as annotations need one: a scheme and something behind it, and no blanks.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && !rest.is_empty()
        && !text.chars().any(is_foreign)
}

/// What no IRI has. RFC 3987 §2.2.
pub(super) fn is_foreign(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '\\' | '^' | '`' | '{' | '|' | '}')
}

/// A text with this percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.trim().chars() {
        if is_foreign(c) {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// A UUID as it stands alone.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text
            .char_indices()
            .all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() })
}
