//! What a sidecar file says, whatever its format: texts, lists and maps, each with its place in the file.

use crate::words::{At, Report, shown};

/// Most texts, lists and maps of one file; references to other parts of it count each time.
pub(super) const MOST_NODES: usize = 100_000;
/// How deep lists and maps may lie in each other.
pub(super) const MOST_DEPTH: usize = 64;

/// A part of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing, or a key without value.
    Nothing,
    /// A text. Numbers and words such as `true` are texts that were not quoted: what they mean depends on who asks.
    Text {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) at: At,
    pub(super) text: String,
}

impl Node {
    pub(super) const fn nothing(at: At) -> Self {
        Self { at, value: Value::Nothing }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, .. } => Some(text.trim()),
            _ => None,
        }
    }

    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self.value, Value::Nothing)
    }

    /// What it is, for a message.
    pub(super) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Nothing => "empty",
            Value::Text { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map of keys",
        }
    }

    /// The list's parts; a single thing is a list of one.
    pub(super) fn list(&self) -> &[Node] {
        match &self.value {
            Value::List(list) => list,
            Value::Nothing => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// As JSON, where texts that were not quoted are numbers and truth values if they look like one.
    pub(super) fn json(&self) -> serde_json::Value {
        match &self.value {
            Value::Nothing => serde_json::Value::Null,
            Value::Text { text, quoted: true } => text.as_str().into(),
            Value::Text { text, quoted: false } => match serde_json::from_str(text) {
                Ok(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_) | serde_json::Value::Null)) => {
                    value
                }
                _ => text.as_str().into(),
            },
            Value::List(list) => list.iter().map(Self::json).collect(),
            Value::Map(entries) => entries.iter().map(|(key, node)| (key.text.clone(), node.json())).collect(),
        }
    }
}

/// Adds an entry to a map; of two with the same key the first counts.
pub(super) fn insert(entries: &mut Vec<(Key, Node)>, key: Key, node: Node, report: &mut Report) {
    match entries.iter().find(|(known, _)| known.text == key.text) {
        Some((first, _)) => {
            let message =
                format!("`{}` stands in line {} already; this one was left out", shown(&key.text), first.at.line);
            report.warning(key.at, "key-twice", message, "put both into one, or delete one");
        }
        None => entries.push((key, node)),
    }
}

/// Lines and columns of places in a text.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, starts: std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect() }
    }

    pub(super) fn at(&self, byte: usize) -> At {
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..byte).map_or(0, |before| before.chars().count());
        At::new(line as u32, column as u32 + 1)
    }
}
