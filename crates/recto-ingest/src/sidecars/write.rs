//! Descriptions as sidecar files that are read again as they were.

use recto_iiif::presentation::{LabeledValue, LanguageMap};
use serde_json::{Map, Value, json};

use super::SidecarFormat;
use super::schema::attribution;
use crate::description::{Description, Downloads, Link, Member, PageRef, Provider};
use crate::fields;

/// Why no sidecar was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SidecarError {
    /// TOML has no word for nothing, which an access rule may contain.
    #[error("the description cannot be written as TOML; write YAML or JSON")]
    Toml {
        /// What TOML cannot say.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A sidecar file for a description. Pages, ranges and members that are described themselves have files of their own and are
/// left out.
pub fn write_sidecar(description: &Description, format: SidecarFormat) -> Result<String, SidecarError> {
    let entries = entries(description);
    match format {
        SidecarFormat::Yaml => Ok(entries.iter().map(|(key, value)| yaml_entry(key, value)).collect()),
        SidecarFormat::Json => Ok(format!("{:#}\n", Value::Object(entries))),
        SidecarFormat::Toml => {
            toml::to_string_pretty(&entries).map_err(|source| SidecarError::Toml { source: Box::new(source) })
        }
    }
}

/// The keys of `recto.yml` with their values, in the order in which people expect them.
pub(super) fn entries(said: &Description) -> Map<String, Value> {
    let writer = Writer { language: said.language.as_deref().unwrap_or(LanguageMap::NONE) };
    let mut entries = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            entries.insert(key.to_owned(), value);
        }
    };
    put("kind", said.kind.map(|kind| fields::kind_word(kind).into()));
    put("id", said.id.as_deref().map(Value::from));
    put("language", said.language.as_deref().map(Value::from));
    put("label", writer.map(&said.label));
    put("summary", writer.map(&said.summary));
    put("metadata", list(said.metadata.iter().filter_map(|pair| writer.pair(pair))));
    put("requiredStatement", said.required_statement.as_ref().and_then(|pair| writer.statement(pair)));
    put("rights", said.rights.as_deref().map(|uri| crate::rights::short_name(uri).into()));
    put("provider", one_or_list(said.provider.iter().map(|provider| writer.provider(provider))));
    put("homepage", one_or_list(said.homepage.iter().map(|link| writer.link(link))));
    put("seeAlso", one_or_list(said.see_also.iter().map(|link| writer.link(link))));
    put("rendering", list(said.rendering.iter().map(|link| writer.link(link))));
    let downloads = downloads(said.downloads);
    // The short form of the manual, where the key is free.
    put(if said.rendering.is_empty() { "rendering" } else { "downloads" }, downloads);
    put("thumbnail", said.thumbnail.as_deref().map(Value::from));
    put("navDate", said.nav_date.as_deref().map(|date| plain_date(date).into()));
    put(
        "navPlace",
        said.nav_place.as_ref().map(|place| {
            let mut value = json!({"lat": place.latitude, "lon": place.longitude});
            if let (Some(label), Some(object)) = (writer.map(&place.label), value.as_object_mut()) {
                object.insert("label".to_owned(), label);
            }
            value
        }),
    );
    let mut viewing = Map::new();
    if let Some(direction) = said.viewing_direction {
        viewing.insert("direction".to_owned(), fields::direction_word(direction).into());
    }
    if let Some(behaviors) = list(said.behavior.iter().map(|behavior| fields::behavior_word(behavior).into())) {
        viewing.insert("behavior".to_owned(), behaviors);
    }
    put("viewing", Some(Value::Object(viewing)).filter(|value| value != &json!({})));
    put(
        "start",
        said.start.as_ref().and_then(|start| match start {
            PageRef::Name(name) => Some(name.as_str().into()),
            PageRef::Own(_) => None,
        }),
    );
    put("order", said.order.map(|order| fields::order_word(order).into()));
    put("members", list(said.members.iter().filter_map(|member| writer.member(member))));
    put("collections", list(said.collections.iter().map(|path| path.as_str().into())));
    put("access", said.access.clone());
    put("search", said.search.clone());
    entries
}

/// A date without the time that [`crate::dates::nav_date`] adds.
fn plain_date(date: &str) -> &str {
    let short = date.strip_suffix("T00:00:00Z").unwrap_or(date);
    let shorter = short.strip_suffix("-01-01").unwrap_or(short);
    if crate::dates::nav_date(shorter).as_deref() == Some(date) { shorter } else { date }
}

fn list(values: impl Iterator<Item = Value>) -> Option<Value> {
    let values: Vec<Value> = values.collect();
    (!values.is_empty()).then_some(Value::Array(values))
}

fn one_or_list(values: impl Iterator<Item = Value>) -> Option<Value> {
    let mut values: Vec<Value> = values.collect();
    match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Value::Array(values)),
    }
}

fn downloads(downloads: Downloads) -> Option<Value> {
    let known = [("pdf", downloads.pdf), ("text", downloads.text), ("zip", downloads.zip)];
    let map: Map<String, Value> =
        known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

struct Writer<'a> {
    /// The language that plain texts are in.
    language: &'a str,
}

impl Writer<'_> {
    fn map(&self, map: &LanguageMap) -> Option<Value> {
        let texts = |texts: &[String]| match texts {
            [one] => Value::from(one.as_str()),
            several => several.into(),
        };
        let languages: Vec<(&str, &[String])> = map.iter().filter(|(_, texts)| !texts.is_empty()).collect();
        match languages[..] {
            [] => None,
            [(language, list)] if language == self.language => Some(texts(list)),
            _ => Some(languages.into_iter().map(|(language, list)| (language.to_owned(), texts(list))).collect()),
        }
    }

    fn pair(&self, pair: &LabeledValue) -> Option<Value> {
        let value = self.map(&pair.value)?;
        match self.map(&pair.label)? {
            Value::String(label) if !matches!(&*crate::words::folded(&label), "label" | "value" | "<<") => {
                Some(Value::Object(std::iter::once((label, value)).collect()))
            }
            label => Some(json!({"label": label, "value": value})),
        }
    }

    fn statement(&self, pair: &LabeledValue) -> Option<Value> {
        let value = self.map(&pair.value)?;
        if pair.label == attribution() {
            return Some(value);
        }
        Some(json!({"label": self.map(&pair.label)?, "value": value}))
    }

    fn provider(&self, provider: &Provider) -> Value {
        let mut map = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        };
        put("id", Some(provider.id.as_str()).filter(|id| !id.is_empty()).map(Value::from));
        put("label", self.map(&provider.label));
        put("homepage", one_or_list(provider.homepage.iter().map(|link| self.link(link))));
        put("logo", provider.logo.as_deref().map(Value::from));
        put("seeAlso", one_or_list(provider.see_also.iter().map(|link| self.link(link))));
        Value::Object(map)
    }

    fn link(&self, link: &Link) -> Value {
        let mut map = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        };
        put("type", Some(link.class.as_str()).filter(|class| !class.is_empty()).map(Value::from));
        put("label", self.map(&link.label));
        put("format", link.format.as_deref().map(Value::from));
        put("profile", link.profile.as_deref().map(Value::from));
        put("language", one_or_list(link.language.iter().map(|language| language.as_str().into())));
        if map.is_empty() {
            return link.id.as_str().into();
        }
        map.insert("id".to_owned(), link.id.as_str().into());
        Value::Object(map)
    }

    fn member(&self, member: &Member) -> Option<Value> {
        let Member::Remote { id, kind, label, thumbnail } = member else { return None };
        let mut map = Map::new();
        map.insert("id".to_owned(), id.as_str().into());
        map.insert("kind".to_owned(), fields::kind_word(*kind).into());
        if let Some(label) = self.map(label) {
            map.insert("label".to_owned(), label);
        }
        if let Some(thumbnail) = thumbnail {
            map.insert("thumbnail".to_owned(), thumbnail.as_str().into());
        }
        Some(Value::Object(map))
    }
}

/// One key at the margin with its value, and the line break behind it.
pub(super) fn yaml_entry(key: &str, value: &Value) -> String {
    let mut text = String::new();
    entry(&mut text, key, value, 0);
    text
}

fn entry(text: &mut String, key: &str, value: &Value, indent: usize) {
    text.push_str(&scalar(key, false));
    text.push(':');
    below(text, value, indent);
}

/// What stands behind a key: on its line where it is short, else in lines of its own.
fn below(text: &mut String, value: &Value, indent: usize) {
    const WIDTH: usize = 100;
    if let Some(flow) = flow(value).filter(|flow| flow.chars().count() + indent <= WIDTH || !is_nested(value)) {
        text.push(' ');
        text.push_str(&flow);
        text.push('\n');
        return;
    }
    text.push('\n');
    block(text, value, indent + 2, true);
}

const fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

fn block(text: &mut String, value: &Value, indent: usize, at_margin: bool) {
    let margin = " ".repeat(indent);
    let mut first = !at_margin;
    let mut begin = |text: &mut String| {
        if !std::mem::take(&mut first) {
            text.push_str(&margin);
        }
    };
    match value {
        Value::Array(list) => {
            for value in list {
                begin(text);
                text.push_str("- ");
                match flow(value).filter(|flow| flow.chars().count() <= 100 && !matches!(value, Value::Object(_))) {
                    Some(flow) => {
                        text.push_str(&flow);
                        text.push('\n');
                    }
                    None => block(text, value, indent + 2, false),
                }
            }
        }
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                begin(text);
                entry(text, key, value, indent);
            }
        }
        other => {
            begin(text);
            text.push_str(&flow(other).unwrap_or_else(|| other.to_string()));
            text.push('\n');
        }
    }
}

/// In one line: single values, and lists and maps of them.
fn flow(value: &Value) -> Option<String> {
    let single = |value: &Value, inside: bool| match value {
        Value::String(text) => Some(scalar(text, inside)),
        Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    };
    match value {
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(|value| single(value, true)).collect::<Option<_>>()?;
            Some(format!("[{}]", parts.join(", ")))
        }
        Value::Object(map) => {
            let part =
                |(key, value): (&String, &Value)| Some(format!("{}: {}", scalar(key, true), single(value, true)?));
            let parts: Vec<String> = map.iter().map(part).collect::<Option<_>>()?;
            Some(format!("{{{}}}", parts.join(", ")))
        }
        other => single(other, false),
    }
}

/// A text without quotation marks where no reader of YAML could take it for something else.
fn scalar(text: &str, inside: bool) -> String {
    let is_letter = |c: char| c.is_alphanumeric();
    let starts_well = text.chars().next().is_some_and(is_letter);
    let inner = |c: char| {
        is_letter(c)
            || matches!(
                c,
                ' ' | '-'
                    | '_'
                    | '.'
                    | '/'
                    | '('
                    | ')'
                    | '+'
                    | ';'
                    | '\''
                    | '–'
                    | '’'
                    | '©'
                    | '@'
                    | '='
                    | '&'
                    | '?'
                    | '~'
                    | '%'
            )
            || (!inside && matches!(c, ',' | '!'))
    };
    let colons = || text.match_indices(':').all(|(at, _)| text[at + 1..].starts_with(|c: char| !c.is_whitespace()));
    let is_plain = starts_well
        && text.chars().all(|c| inner(c) || (c == ':' && !inside))
        && colons()
        && !text.ends_with(' ')
        && !(inside && (text.ends_with('-') || text.contains(" -")))
        && !looks_typed(text);
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Numbers and the words that some reader takes for truth values or nothing. Dates and numbers with zeros in front are among
/// them: quoted they are the same text to everyone.
fn looks_typed(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(&*lower, "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n" | "nan" | "inf")
        || (text.starts_with(|c: char| c.is_ascii_digit())
            && !text
                .chars()
                .any(|c| c.is_alphabetic() && !matches!(c, 'e' | 'E' | 'x' | 'o' | 'T' | 'Z' | 'a'..='f' | 'A'..='F')))
}

/// In double quotation marks, with escapes for what is not seen.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&format!("\\u{:04X}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
