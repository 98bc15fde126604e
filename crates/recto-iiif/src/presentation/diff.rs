//! What is different between two documents? Resources are compared with their like, by id and type, wherever they stand in a list.
//!
//! ```
//! use recto_iiif::presentation::diff::{Kind, diff};
//! use serde_json::json;
//!
//! let before = json!({ "items": [{ "id": "https://e.org/1", "type": "Canvas", "height": 10 },
//!     { "id": "https://e.org/2", "type": "Canvas", "height": 10 }] });
//! let after = json!({ "items": [{ "id": "https://e.org/0", "type": "Canvas", "height": 10 },
//!     { "id": "https://e.org/1", "type": "Canvas", "height": 10 }, { "id": "https://e.org/2", "type": "Canvas", "height": 20 }] });
//! let found = diff(&before, &after);
//! assert_eq!(found.iter().map(|it| it.kind).collect::<Vec<_>>(), [Kind::Added, Kind::Changed]);
//! assert_eq!(found[1].to_string(), "changed /items/2/height: 10 is now 20");
//! ```

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;

use serde_json::{Map, Value};

/// What happened to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It is only in the later document.
    Added,
    /// It is only in the earlier document.
    Removed,
    /// It is another value now.
    Changed,
    /// It stands elsewhere among its neighbours.
    Moved,
}

/// One difference. Displays as a line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What happened.
    pub kind: Kind,
    /// Where it stands in the earlier document, as a JSON pointer.
    pub before: Option<String>,
    /// Where it stands in the later document, as a JSON pointer.
    pub after: Option<String>,
    /// What it is, in a few words.
    pub message: String,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Moved => "moved",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.after.as_deref().or(self.before.as_deref()).unwrap_or_default();
        let place = if place.is_empty() { "/" } else { place };
        write!(f, "{} {place}: {}", self.kind, self.message)
    }
}

/// The longest text of a value that a message repeats, in characters.
const LONGEST_TEXT_CHARS: usize = 80;

/// All differences, in the order of the documents: of each object its own properties first, then what is in them. Empty exactly when
/// the documents are equal, where the order of keys does not count and the order of lists does.
pub fn diff(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    // A list of what is still to be compared: documents may be nested deeper than a stack is long.
    let mut open = vec![Pair { places: (String::new(), String::new()), values: (before, after) }];
    while let Some(pair) = open.pop() {
        let first = open.len();
        match pair.values {
            (Value::Object(one), Value::Object(two)) => objects(&pair.places, one, two, &mut found, &mut open),
            (Value::Array(one), Value::Array(two)) => lists(&pair.places, one, two, &mut found, &mut open),
            (one, two) if one == two => {}
            (one, two) => found.push(Difference {
                kind: Kind::Changed,
                before: Some(pair.places.0),
                after: Some(pair.places.1),
                message: format!("{} is now {}", text(one), text(two)),
            }),
        }
        open[first..].reverse();
    }
    found
}

struct Pair<'d> {
    places: (String, String),
    values: (&'d Value, &'d Value),
}

fn objects<'d>(
    places: &(String, String),
    one: &'d Map<String, Value>,
    two: &'d Map<String, Value>,
    found: &mut Vec<Difference>,
    open: &mut Vec<Pair<'d>>,
) {
    let at = |place: &String, name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
    for (name, before) in one {
        match two.get(name) {
            Some(after) => {
                open.push(Pair { places: (at(&places.0, name), at(&places.1, name)), values: (before, after) });
            }
            None => found.push(Difference {
                kind: Kind::Removed,
                before: Some(at(&places.0, name)),
                after: None,
                message: format!("`{name}` was {}", text(before)),
            }),
        }
    }
    for (name, after) in two.iter().filter(|(name, _)| !one.contains_key(*name)) {
        found.push(Difference {
            kind: Kind::Added,
            before: None,
            after: Some(at(&places.1, name)),
            message: format!("`{name}` is {}", text(after)),
        });
    }
}

fn lists<'d>(
    places: &(String, String),
    one: &'d [Value],
    two: &'d [Value],
    found: &mut Vec<Difference>,
    open: &mut Vec<Pair<'d>>,
) {
    let matched = matches(one, two);
    let partners: BTreeMap<usize, usize> = matched.iter().map(|(before, after)| (*after, *before)).collect();
    for (index, value) in one.iter().enumerate() {
        if !matched.contains_key(&index) {
            found.push(Difference {
                kind: Kind::Removed,
                before: Some(format!("{}/{index}", places.0)),
                after: None,
                message: text(value),
            });
        }
    }
    let stays = longest_rise(&partners);
    for (index, value) in two.iter().enumerate() {
        let after = format!("{}/{index}", places.1);
        let Some(partner) = partners.get(&index) else {
            found.push(Difference { kind: Kind::Added, before: None, after: Some(after), message: text(value) });
            continue;
        };
        let before = format!("{}/{partner}", places.0);
        if !stays.contains_key(&index) {
            found.push(Difference {
                kind: Kind::Moved,
                before: Some(before.clone()),
                after: Some(after.clone()),
                message: match index.checked_sub(1) {
                    Some(neighbour) => format!("{} stands after {} now", text(value), text(&two[neighbour])),
                    None => format!("{} is the first now", text(value)),
                },
            });
        }
        open.push(Pair { places: (before, after), values: (&one[*partner], value) });
    }
}

/// Which entry of the one list is which of the other: first those that say who they are, then those that look alike, then the rest as far as
/// they are of one kind and have no names, in their order.
fn matches(one: &[Value], two: &[Value]) -> BTreeMap<usize, usize> {
    let mut matched = BTreeMap::new();
    let mut taken = vec![false; two.len()];
    for key in [identity, likeness, nameless] {
        let mut waiting: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (index, value) in two.iter().enumerate().filter(|(index, _)| !taken[*index]) {
            if let Some(key) = key(value) {
                waiting.entry(key).or_default().push_back(index);
            }
        }
        for (index, value) in one.iter().enumerate() {
            if matched.contains_key(&index) {
                continue;
            }
            let partner = key(value).and_then(|key| waiting.get_mut(&key)?.pop_front());
            if let Some(partner) = partner {
                taken[partner] = true;
                matched.insert(index, partner);
            }
        }
    }
    matched
}

fn word<'v>(object: &'v Map<String, Value>, names: [&str; 2]) -> Option<&'v str> {
    names.iter().find_map(|name| object.get(*name)).and_then(Value::as_str)
}

/// Id and type of a resource; a plain value is itself.
fn identity(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) => {
            let id = word(object, ["id", "@id"])?;
            Some(format!("{}\n{id}", word(object, ["type", "@type"]).unwrap_or_default()))
        }
        Value::Array(_) => None,
        plain => Some(plain.to_string()),
    }
}

/// Type and label: a resource under a new id, an entry of `metadata`, an agent.
fn likeness(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    let label = object.get("label")?;
    Some(format!("{}\n{label}", word(object, ["type", "@type"]).unwrap_or_default()))
}

/// The kind of a value that has neither id nor label, nor is plain: the first of the one list is the first of the other.
fn nameless(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) if identity(value).is_none() && likeness(value).is_none() => {
            Some(word(object, ["type", "@type"]).unwrap_or("object").to_owned())
        }
        Value::Array(_) => Some("\narray".to_owned()),
        _ => None,
    }
}

/// Of `index → number`, the most entries whose numbers rise: what stayed in order, so that as little as may be counts as moved.
fn longest_rise(entries: &BTreeMap<usize, usize>) -> BTreeMap<usize, usize> {
    let list: Vec<(usize, usize)> = entries.iter().map(|(index, number)| (*index, *number)).collect();
    // `ends[n]` is where the rise of n + 1 entries with the smallest last number ends.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(list.len());
    for (position, (_, number)) in list.iter().enumerate() {
        let length = ends.partition_point(|end| list[*end].1 < *number);
        previous.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(position);
        } else {
            ends[length] = position;
        }
    }
    std::iter::successors(ends.last().copied(), |position| previous[*position]).map(|position| list[position]).collect()
}

/// A value in a few words: a resource by its type, id and label, anything else as JSON, cut short.
fn text(value: &Value) -> String {
    let full = match value {
        Value::Object(object) => match (word(object, ["type", "@type"]), word(object, ["id", "@id"])) {
            (None, None) => value.to_string(),
            (class, id) => [class, id].into_iter().flatten().collect::<Vec<_>>().join(" "),
        },
        Value::Array(list) if list.len() > 3 => format!("a list of {}", list.len()),
        other => other.to_string(),
    };
    match full.char_indices().nth(LONGEST_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", &full[..end]),
        None => full,
    }
}
