//! From layers to a value: unknown names, wrong types and wrong values are all found before the first is reported.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::layers::{self, Kind, Node, Place};
use crate::schema::{OptionSchema, View, join};
use crate::{ConfigError, Origin, Problem, Sources, did_you_mean};

/// Options with the place where each one was set.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The options.
    pub value: T,
    /// Dotted key of every option to where its value came from.
    pub origins: BTreeMap<String, Origin>,
}

/// Lays the layers over the defaults: file, then environment, then `--set`.
///
/// `T` should have `#[serde(default)]` on every section, so that a section may be given in part.
///
/// # Errors
/// [`ConfigError::Invalid`] with every unknown key, wrong type and wrong value that could be found.
pub fn load<T>(sources: &Sources) -> Result<Loaded<T>, ConfigError>
where
    T: DeserializeOwned + Serialize + Default + JsonSchema,
{
    let schema = OptionSchema::of::<T>();
    let keys = schema.keys();
    let (mut typed, problems) = layers::merge(sources, &keys);
    let mut checker = Checker { schema: &schema, keys: &keys, problems };
    checker.check(&mut typed, schema.root(), "");
    let mut problems = checker.problems;
    let defaults = serde_json::to_value(T::default()).unwrap_or_default();
    let mut whole = defaults.clone();
    apply(&mut whole, typed.to_value());
    let value = if problems.is_empty() { T::deserialize(&whole).ok() } else { None };
    let Some(value) = value else {
        problems.extend(wrong_values::<T>(defaults, &typed, &schema, &problems));
        problems.sort_by_key(sort_key);
        return Err(ConfigError::Invalid { problems });
    };
    let mut origins = BTreeMap::new();
    let result = serde_json::to_value(&value).unwrap_or_default();
    collect_origins(&result, Some(&typed), &Origin::Default, "", &mut origins);
    Ok(Loaded { value, origins })
}

/// Sets one leaf after the other: the one that makes the whole unreadable is wrong, whatever the reason.
fn wrong_values<T: DeserializeOwned>(
    mut good: Value,
    typed: &Node,
    schema: &OptionSchema,
    known: &[Problem],
) -> Vec<Problem> {
    let mut leaves = Vec::new();
    collect_leaves(typed, schema.root(), schema, &mut Vec::new(), &mut leaves);
    let mut problems = Vec::new();
    for (path, leaf) in leaves {
        let key = path.join(".");
        let covered = |problem: &&Problem| {
            problem.key == key
                || problem.key.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('['))
        };
        if known.iter().any(|problem| covered(&problem)) {
            continue;
        }
        let mut next = good.clone();
        let nested = path
            .iter()
            .rev()
            .fold(leaf.to_value(), |inner, part| Value::Object(std::iter::once((part.clone(), inner)).collect()));
        apply(&mut next, nested);
        match T::deserialize(&next) {
            Ok(_) => good = next,
            Err(error) => problems.push(problem(&leaf.place, &key, format!("`{key}`: {error}"), None)),
        }
    }
    problems
}

/// The values that were set, down to where the schema knows no more sections.
fn collect_leaves<'n>(
    node: &'n Node,
    view: View<'_>,
    schema: &OptionSchema,
    path: &mut Vec<String>,
    leaves: &mut Vec<(Vec<String>, &'n Node)>,
) {
    let Kind::Table(entries) = &node.kind else {
        leaves.push((path.clone(), node));
        return;
    };
    let Some(properties) = view.properties() else {
        leaves.push((path.clone(), node));
        return;
    };
    for (name, entry) in entries {
        path.push(name.clone());
        match properties.get(name) {
            Some(inner) => collect_leaves(entry, schema.view(inner), schema, path, leaves),
            None => leaves.push((path.clone(), entry)),
        }
        path.pop();
    }
}

/// Lays `above` over `below`: tables join, everything else is replaced.
fn apply(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                apply(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

fn collect_origins(
    value: &Value,
    node: Option<&Node>,
    inherited: &Origin,
    key: &str,
    origins: &mut BTreeMap<String, Origin>,
) {
    let origin = node.map_or(inherited, |node| &node.place.origin);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (name, entry) in entries {
                let (inner, inherited) = match node.map(|node| &node.kind) {
                    Some(Kind::Table(typed)) => (typed.get(name), &Origin::Default),
                    _ => (None, origin),
                };
                collect_origins(entry, inner, inherited, &join(key, name), origins);
            }
        }
        _ if key.is_empty() => {}
        _ => {
            origins.insert(key.to_owned(), origin.clone());
        }
    }
}

fn problem(place: &Place, key: &str, message: String, hint: Option<String>) -> Problem {
    Problem { key: key.to_owned(), origin: place.origin.clone(), message, hint, picture: place.picture.clone() }
}

fn sort_key(problem: &Problem) -> (u8, usize, usize, String) {
    let layer = match problem.origin {
        Origin::Default => 0,
        Origin::File { .. } => 1,
        Origin::Environment { .. } => 2,
        Origin::Set => 3,
    };
    let (line, column) = problem.picture.as_ref().map_or((0, 0), |picture| (picture.line, picture.column));
    (layer, line, column, problem.key.clone())
}

struct Checker<'s> {
    schema: &'s OptionSchema,
    keys: &'s [String],
    problems: Vec<Problem>,
}

impl Checker<'_> {
    /// Checks names, types, words and bounds, and gives raw text its type.
    fn check(&mut self, node: &mut Node, view: View<'_>, key: &str) {
        if let Kind::Raw(text) = &node.kind {
            node.kind = typed(text, view, &node.place);
        }
        match &mut node.kind {
            Kind::Table(entries) if view.properties().is_some() || view.additional().is_some() => {
                for (name, entry) in entries {
                    self.check_entry(name, entry, view, key);
                }
            }
            Kind::Array(items) if view.items().is_some() => {
                let inner = view.items().map(|items| self.schema.view(items));
                for (index, item) in items.iter_mut().enumerate() {
                    if let Some(inner) = inner {
                        self.check(item, inner, &format!("{key}[{index}]"));
                    }
                }
            }
            _ => {
                if let Some((message, hint)) = wrong(&node.kind, view, key) {
                    self.problems.push(problem(&node.place, key, message, hint));
                }
            }
        }
    }

    fn check_entry(&mut self, name: &str, entry: &mut Node, view: View<'_>, section: &str) {
        let key = join(section, name);
        let known = view.properties().and_then(|properties| properties.get(name)).or(view.additional());
        if let Some(schema) = known {
            self.check(entry, self.schema.view(schema), &key);
            return;
        }
        if view.is_open() {
            return;
        }
        let siblings = view.properties().into_iter().flatten().map(|(name, _)| name.as_str());
        let nearest = did_you_mean(name, siblings.clone()).map(|name| join(section, name)).or_else(|| {
            // The right name in the wrong section.
            self.keys.iter().find(|known| known.rsplit('.').next() == Some(name)).cloned()
        });
        let hint = match (nearest, &entry.key_place.origin) {
            (Some(nearest), Origin::Environment { .. }) => {
                format!("did you mean `{}`?", layers::variable_name(&nearest))
            }
            (Some(nearest), _) => format!("did you mean `{nearest}`?"),
            (None, _) if section.is_empty() => format!("there are {}", list(siblings)),
            (None, _) => format!("`{section}` has {}", list(siblings)),
        };
        self.problems.push(problem(&entry.key_place, &key, format!("unknown key `{key}`"), Some(hint)));
    }
}

/// The value that a text of the environment or the command line stands for, led by the schema.
fn typed(text: &str, view: View<'_>, place: &Place) -> Kind {
    let types = view.types();
    let trimmed = text.trim();
    if types.contains(&"string") {
        return Kind::Scalar(Value::from(text));
    }
    if types.contains(&"boolean")
        && let Ok(flag) = trimmed.parse::<bool>()
    {
        return Kind::Scalar(Value::from(flag));
    }
    if types.contains(&"integer") {
        if let Ok(number) = trimmed.parse::<i64>() {
            return Kind::Scalar(Value::from(number));
        }
        if let Ok(number) = trimmed.parse::<u64>() {
            return Kind::Scalar(Value::from(number));
        }
    }
    if types.contains(&"number")
        && let Ok(number) = trimmed.parse::<f64>()
    {
        return Kind::Scalar(Value::from(number));
    }
    let inline = || layers::parse_inline(trimmed, place);
    if types.contains(&"array") && !trimmed.starts_with('[') {
        let leaf = |text: &str| Node {
            kind: Kind::Raw(text.trim().to_owned()),
            place: place.clone(),
            key_place: place.clone(),
        };
        return Kind::Array(trimmed.split(',').filter(|item| !item.trim().is_empty()).map(leaf).collect());
    }
    if types.is_empty() || types.contains(&"array") || types.contains(&"object") {
        return inline().unwrap_or_else(|| Kind::Scalar(Value::from(text)));
    }
    Kind::Scalar(Value::from(text))
}

/// `a`, `b` and `c`.
fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "no keys".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// What is wrong with a value, and the way out.
fn wrong(kind: &Kind, view: View<'_>, key: &str) -> Option<(String, Option<String>)> {
    let types = view.types();
    if types.is_empty() {
        return None;
    }
    let (found_type, found) = found(kind);
    if found_type == "null" && view.nullable {
        return None;
    }
    let fits = types.contains(&found_type) || (found_type == "integer" && types.contains(&"number"));
    if !fits {
        let hint = (types.contains(&"object") && !key.is_empty())
            .then(|| format!("write `[{key}]` on a line of its own and its keys below it"));
        let wanted: Vec<&str> = types.iter().map(|name| type_name(name)).collect();
        return Some((format!("`{key}` must be {}, found {found}", wanted.join(" or ")), hint));
    }
    let Kind::Scalar(value) = kind else { return None };
    let words = view.words();
    if let (Some(text), false) = (value.as_str(), words.is_empty())
        && !words.iter().any(|(word, _)| *word == text)
    {
        let hint = did_you_mean(text, words.iter().map(|(word, _)| *word)).map_or_else(
            || list(words.iter().map(|(word, _)| *word)).replace(" and ", " or "),
            |word| format!("did you mean `{word}`?"),
        );
        let hint = if hint.starts_with("did") { hint } else { format!("it may be {hint}") };
        return Some((format!("`{key}` cannot be `{text}`"), Some(hint)));
    }
    if let Some(number) = value.as_f64() {
        let (low, high) = view.bounds();
        if let Some(low) = low.filter(|low| number < *low) {
            return Some((format!("`{key}` must be at least {low}, found {value}"), None));
        }
        if let Some(high) = high.filter(|high| number > *high) {
            return Some((format!("`{key}` must be at most {high}, found {value}"), None));
        }
    }
    None
}

fn type_name(json_type: &str) -> &'static str {
    match json_type {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        _ => "a section",
    }
}

fn found(kind: &Kind) -> (&'static str, String) {
    match kind {
        Kind::Scalar(Value::Bool(flag)) => ("boolean", format!("`{flag}`")),
        Kind::Scalar(Value::Number(number)) if number.is_f64() => ("number", format!("the number `{number}`")),
        Kind::Scalar(Value::Number(number)) => ("integer", format!("the number `{number}`")),
        Kind::Scalar(Value::String(text)) | Kind::Raw(text) => ("string", format!("the text `{text}`")),
        Kind::Scalar(_) => ("null", "nothing".to_owned()),
        Kind::Array(_) => ("array", "a list".to_owned()),
        Kind::Table(_) => ("object", "a section".to_owned()),
    }
}
