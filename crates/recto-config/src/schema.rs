//! What the schema of the options says about a key: sections, types, words, bounds.

use schemars::JsonSchema;
use serde_json::{Map, Value};

/// The JSON Schema of an options struct.
pub(crate) struct OptionSchema {
    root: Value,
}

/// The schema of one key, references followed.
#[derive(Clone, Copy)]
pub(crate) struct View<'s> {
    schema: &'s Value,
    /// True when it may be left out for good: an `Option`.
    pub(crate) nullable: bool,
}

/// References and optional wrappers that are followed at most; schemas that we derive need three.
const MOST_STEPS: usize = 16;

impl OptionSchema {
    pub(crate) fn of<T: JsonSchema>() -> Self {
        Self { root: schemars::schema_for!(T).to_value() }
    }

    pub(crate) fn root(&self) -> View<'_> {
        self.view(&self.root)
    }

    pub(crate) fn value(&self) -> &Value {
        &self.root
    }

    /// Follows references and optional wrappers.
    pub(crate) fn view<'s>(&'s self, mut schema: &'s Value) -> View<'s> {
        let mut nullable = false;
        for _ in 0..MOST_STEPS {
            if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#')) {
                let Some(next) = self.root.pointer(target) else { break };
                schema = next;
            } else if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
                let is_null = |branch: &&Value| branch.get("type").and_then(Value::as_str) == Some("null");
                let mut others = branches.iter().filter(|branch| !is_null(branch));
                let (Some(only), None) = (others.next(), others.next()) else { break };
                nullable |= branches.len() == 2;
                schema = only;
            } else {
                break;
            }
        }
        let view = View { schema, nullable };
        View { nullable: nullable || view.raw_types().contains(&"null"), ..view }
    }

    /// Every dotted key of a plain section or option, sections before their options.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        self.collect_keys(self.root(), "", &mut keys, 0);
        keys
    }

    fn collect_keys(&self, view: View<'_>, prefix: &str, keys: &mut Vec<String>, depth: usize) {
        for (name, schema) in view.properties().into_iter().flatten() {
            let key = join(prefix, name);
            keys.push(key.clone());
            if depth < MOST_STEPS {
                self.collect_keys(self.view(schema), &key, keys, depth + 1);
            }
        }
    }
}

/// `section.name`, or `name` at the top.
pub(crate) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

impl<'s> View<'s> {
    fn text(self, name: &str) -> Option<&'s str> {
        self.schema.get(name).and_then(Value::as_str)
    }

    pub(crate) fn description(self) -> Option<&'s str> {
        self.text("description")
    }

    pub(crate) fn format(self) -> Option<&'s str> {
        self.text("format")
    }

    /// The options of a section; `None` when it is none.
    pub(crate) fn properties(self) -> Option<&'s Map<String, Value>> {
        self.schema.get("properties").and_then(Value::as_object)
    }

    /// The schema of the values under names that the user chooses.
    pub(crate) fn additional(self) -> Option<&'s Value> {
        self.schema.get("additionalProperties").filter(|value| value.is_object())
    }

    /// True when any name does.
    pub(crate) fn is_open(self) -> bool {
        self.schema.get("additionalProperties").and_then(Value::as_bool) == Some(true)
    }

    /// The schema of a list's items.
    pub(crate) fn items(self) -> Option<&'s Value> {
        self.schema.get("items")
    }

    fn raw_types(self) -> Vec<&'s str> {
        match self.schema.get("type") {
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if !self.words().is_empty() => vec!["string"],
            _ => Vec::new(),
        }
    }

    /// The JSON types it may have, without `null`; empty when it may have any or is a union.
    pub(crate) fn types(self) -> Vec<&'s str> {
        self.raw_types().into_iter().filter(|name| *name != "null").collect()
    }

    /// The words of an enumeration with their descriptions; empty when it is none.
    pub(crate) fn words(self) -> Vec<(&'s str, Option<&'s str>)> {
        if let Some(words) = self.schema.get("enum").and_then(Value::as_array) {
            return words.iter().filter_map(|word| Some((word.as_str()?, None))).collect();
        }
        let branches = self.schema.get("oneOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut words = Vec::new();
        for branch in branches {
            let description = branch.get("description").and_then(Value::as_str);
            if let Some(word) = branch.get("const").and_then(Value::as_str) {
                words.push((word, description));
            } else if let Some(several) = branch.get("enum").and_then(Value::as_array) {
                words.extend(several.iter().filter_map(|word| Some((word.as_str()?, description))));
            } else {
                return Vec::new();
            }
        }
        words
    }

    /// The least and the most that a number may be.
    pub(crate) fn bounds(self) -> (Option<f64>, Option<f64>) {
        let number = |name: &str| self.schema.get(name).and_then(Value::as_f64);
        let (low, high) = match self.format() {
            Some("uint16") => (Some(0.0), Some(f64::from(u16::MAX))),
            Some("uint32") => (Some(0.0), Some(f64::from(u32::MAX))),
            Some("int32") => (Some(f64::from(i32::MIN)), Some(f64::from(i32::MAX))),
            _ => (None, None),
        };
        (number("minimum").or(low), number("maximum").or(high))
    }
}
