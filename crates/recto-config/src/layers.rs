//! The layers as they were typed: file, environment and `--set`, each value with its place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use serde::{Serialize, Serializer};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{ConfigError, Picture, Problem};

/// The prefix of environment variables: `RECTO_CACHE__MAX_SIZE` is `cache.max_size`.
pub(crate) const PREFIX: &str = "RECTO_";

/// Which layer a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// A `--set key=value` on the command line.
    Set,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } => write!(f, "environment variable `{name}`"),
            Self::Set => f.write_str("--set"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A configuration file that has been read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Where it lies, for messages.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Everything that may set a value, weakest first. The defaults are below all of it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The configuration file.
    pub file: Option<ConfigFile>,
    /// Environment variables; those without the prefix `RECTO_` are passed over.
    pub environment: Vec<(String, String)>,
    /// `section.key=value`, later ones win.
    pub sets: Vec<String>,
}

impl Sources {
    /// What this process was given: the named file (or `recto.toml` in the working directory, if there is one), its
    /// environment, and the given `--set` arguments.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] when the named file cannot be read, or is not UTF-8.
    pub fn of_process(file: Option<&Path>, sets: Vec<String>) -> Result<Self, ConfigError> {
        let file = match file {
            Some(path) => {
                Some(read_file(path).map_err(|source| ConfigError::Unreadable { path: path.into(), source })?)
            }
            None => match read_file(Path::new("recto.toml")) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(source) => return Err(ConfigError::Unreadable { path: "recto.toml".into(), source }),
            },
        };
        let mut environment: Vec<(String, String)> = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        environment.sort();
        Ok(Self { file, environment, sets })
    }
}

fn read_file(path: &Path) -> io::Result<ConfigFile> {
    let text = fs::read_to_string(path)?;
    Ok(ConfigFile { path: path.to_owned(), text })
}

/// A typed value and where its key and it stand.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    /// Where the key stands; the same as `place` outside files.
    pub(crate) key_place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Scalar(Value),
    /// Text from the environment or `--set`, whose type only the schema knows.
    Raw(String),
    Array(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) origin: Origin,
    pub(crate) picture: Option<Picture>,
}

impl Node {
    /// The value without its places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Raw(text) => Value::String(text.clone()),
            Kind::Array(items) => items.iter().map(Self::to_value).collect(),
            Kind::Table(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.clone(), node.to_value())).collect())
            }
        }
    }

    /// Lays `above` over this one: tables join, everything else is replaced.
    fn overlay(&mut self, above: Node) {
        match (&mut self.kind, above.kind) {
            (Kind::Table(below), Kind::Table(above)) => {
                for (key, node) in above {
                    match below.get_mut(&key) {
                        Some(present) => present.overlay(node),
                        None => {
                            below.insert(key, node);
                        }
                    }
                }
            }
            (_, kind) => *self = Node { kind, place: above.place, key_place: above.key_place },
        }
    }
}

/// All layers in one table, and what could not be understood of them. `known` is every dotted key that the schema names.
pub(crate) fn merge(sources: &Sources, known: &[String]) -> (Node, Vec<Problem>) {
    let mut problems = Vec::new();
    let nowhere = Place { origin: Origin::Default, picture: None };
    let mut merged = Node { kind: Kind::Table(BTreeMap::new()), place: nowhere.clone(), key_place: nowhere };
    if let Some(file) = &sources.file {
        match DeTable::parse(&file.text) {
            Ok(table) => {
                let range = table.span();
                merged.overlay(from_table(table.get_ref(), &place(file, &range), &|range| place(file, &range)));
            }
            Err(error) => {
                let place = place(file, &error.span().unwrap_or(0..0));
                problems.push(Problem {
                    key: String::new(),
                    origin: place.origin,
                    message: format!("this is not TOML: {}", error.message().replace('\n', ", ")),
                    hint: None,
                    picture: place.picture,
                });
            }
        }
    }
    for (name, value) in &sources.environment {
        match environment_key(name, known) {
            Ok(Some(key)) => merged.overlay(raw(&key, value, &Origin::Environment { name: name.clone() })),
            Ok(None) => {}
            Err(problem) => problems.push(*problem),
        }
    }
    for set in &sources.sets {
        match set.split_once('=') {
            Some((key, value)) if key.split('.').all(|part| !part.trim().is_empty()) => {
                let key: Vec<String> = key.split('.').map(|part| part.trim().to_owned()).collect();
                merged.overlay(raw(&key, value.trim(), &Origin::Set));
            }
            _ => problems.push(Problem {
                key: String::new(),
                origin: Origin::Set,
                message: format!("`{set}` is not of the form `section.key=value`"),
                hint: Some("write it like `--set cache.max_disk=20GiB`".to_owned()),
                picture: None,
            }),
        }
    }
    (merged, problems)
}

/// The key that a variable sets; `None` when it is not one of ours.
///
/// Names with `__` are ours. A name without may be a top-level key, or belong to something else (`RECTO_LOG`), so it is
/// an error only if it is a known key with the sections marked by a single `_`.
fn environment_key(name: &str, known: &[String]) -> Result<Option<Vec<String>>, Box<Problem>> {
    let Some(rest) = name.strip_prefix(PREFIX) else { return Ok(None) };
    let rest = rest.to_lowercase();
    let parts: Vec<String> = rest.split("__").map(str::to_owned).collect();
    if parts.len() > 1 {
        if parts.iter().all(|part| !part.is_empty()) {
            return Ok(Some(parts));
        }
        return Err(Box::new(Problem {
            key: String::new(),
            origin: Origin::Environment { name: name.to_owned() },
            message: "a name between the `__` is missing".to_owned(),
            hint: Some(format!("write it like `{PREFIX}CACHE__MAX_DISK`")),
            picture: None,
        }));
    }
    if known.contains(&rest) {
        return Ok(Some(parts));
    }
    match known.iter().find(|key| key.contains('.') && key.replace('.', "_") == rest) {
        None => Ok(None),
        Some(key) => Err(Box::new(Problem {
            key: key.clone(),
            origin: Origin::Environment { name: name.to_owned() },
            message: "sections are set off by two underscores".to_owned(),
            hint: Some(format!("did you mean `{}`?", variable_name(key))),
            picture: None,
        })),
    }
}

/// The environment variable that sets a dotted key.
pub(crate) fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn raw(key: &[String], value: &str, origin: &Origin) -> Node {
    let place = Place { origin: origin.clone(), picture: None };
    let leaf = Node { kind: Kind::Raw(value.to_owned()), place: place.clone(), key_place: place.clone() };
    key.iter().rev().fold(leaf, |inner, part| Node {
        kind: Kind::Table(BTreeMap::from([(part.clone(), inner)])),
        place: place.clone(),
        key_place: place.clone(),
    })
}

fn from_table(table: &DeTable<'_>, at: &Place, locate: &dyn Fn(Range<usize>) -> Place) -> Node {
    let entries = table
        .iter()
        .map(|(key, value)| {
            let mut node = from_value(value, locate);
            node.key_place = locate(key.span());
            (key.get_ref().to_string(), node)
        })
        .collect();
    Node { kind: Kind::Table(entries), place: at.clone(), key_place: at.clone() }
}

fn from_value(value: &Spanned<DeValue<'_>>, locate: &dyn Fn(Range<usize>) -> Place) -> Node {
    let at = locate(value.span());
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Scalar(Value::from(text.as_ref())),
        DeValue::Boolean(flag) => Kind::Scalar(Value::from(*flag)),
        DeValue::Integer(number) => Kind::Scalar(integer(number.as_str(), number.radix())),
        DeValue::Float(number) => Kind::Scalar(number.as_str().parse::<f64>().map_or(Value::Null, Value::from)),
        DeValue::Datetime(time) => Kind::Scalar(Value::from(time.to_string())),
        DeValue::Array(items) => Kind::Array(items.iter().map(|item| from_value(item, locate)).collect()),
        DeValue::Table(table) => return from_table(table, &at, locate),
    };
    Node { kind, key_place: at.clone(), place: at }
}

/// A value that was written in TOML outside the file: `["a", "b"]`, `{ x = 1 }`.
pub(crate) fn parse_inline(text: &str, place: &Place) -> Option<Kind> {
    let value = DeValue::parse(text).ok()?;
    Some(from_value(&value, &|_| place.clone()).kind)
}

/// A whole number; as the text that it is if it has more than 64 bits, so that the message can show it.
fn integer(digits: &str, radix: u32) -> Value {
    i64::from_str_radix(digits, radix)
        .map(Value::from)
        .or_else(|_| u64::from_str_radix(digits, radix).map(Value::from))
        .unwrap_or_else(|_| Value::from(digits))
}

/// Line, column and picture of a range of the file.
fn place(file: &ConfigFile, range: &Range<usize>) -> Place {
    let text = &file.text;
    let start = floor_boundary(text, range.start);
    let end = floor_boundary(text, range.end).max(start);
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line_end = text.get(start..).and_then(|after| after.find('\n')).map_or(text.len(), |at| start + at);
    let line_text = text.get(line_start..line_end).unwrap_or_default();
    let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    let column = text.get(line_start..start).unwrap_or_default().chars().count() + 1;
    let width = text.get(start..end.min(line_end)).unwrap_or_default().chars().count().max(1);
    let picture = Picture { line, column, width, text: line_text.trim_end().to_owned() };
    Place { origin: Origin::File { path: file.path.clone(), line }, picture: Some(picture) }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
