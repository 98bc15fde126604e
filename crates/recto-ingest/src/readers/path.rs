//! Paths to elements and attributes in a record, as mapping files write them: a small part of `XPath`.
//!
//! `titleInfo[!@type]/title`, `originInfo[@eventType='digitization|digitisation']/publisher`, `//idno[@type!='URN']`, `name[role/roleTerm='aut']`,
//! `ptr/@target`, `subject/*`. Names are compared without prefixes. `a[b]` asks for a child, `a[!b]` for none, and alternatives of a value are
//! joined by `|`. MARC is written as cataloguers do: `245$abnp`, `100|700$abcd`, `008/35-37`.

use super::xml::{self, Node};

/// A path, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Path {
    /// Steps through elements.
    Steps(Vec<Step>),
    /// Fields of MARC.
    Marc(Marc),
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// Any depth below, not only the next.
    deep: bool,
    /// `None` for any element.
    name: Option<String>,
    is_attribute: bool,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    /// Names of elements, and perhaps of an attribute at the end.
    subject: Vec<String>,
    is_attribute: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Exists,
    Absent,
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
}

/// Fields of MARC by their tags (`x` for any digit), and which subfields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Marc {
    pub(super) tags: Vec<String>,
    pub(super) subfields: String,
    /// Characters of a control field, from 0, both included.
    pub(super) characters: Option<(usize, usize)>,
    pub(super) indicators: [Option<char>; 2],
}

/// What a path leads to.
#[derive(Clone, Copy)]
pub(super) enum Found<'a> {
    Element(Node<'a>),
    /// An element and the value of its attribute.
    Attribute(Node<'a>, &'a str),
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("a path is empty".to_owned());
        }
        if let Some(marc) = Marc::parse(text) {
            return Ok(Self::Marc(marc));
        }
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            let deep = rest.starts_with("//");
            rest = rest.trim_start_matches('/');
            let (step, behind) = Step::parse(rest, deep).map_err(|what| format!("`{text}`: {what}"))?;
            let is_attribute = step.is_attribute;
            steps.push(step);
            match behind.chars().next() {
                None => break,
                Some('/') if !is_attribute => {
                    rest = behind.strip_prefix('/').filter(|r| !r.starts_with('/')).unwrap_or(behind);
                }
                Some(_) => return Err(format!("`{text}`: `{behind}` is no further step")),
            }
        }
        Ok(Self::Steps(steps))
    }

    /// All that it leads to in a record, in the order of the document.
    pub(super) fn find<'a>(&self, record: Node<'a>) -> Vec<Found<'a>> {
        match self {
            Self::Steps(steps) => {
                let mut found = Vec::new();
                walk(record, steps, &mut found);
                found
            }
            Self::Marc(_) => Vec::new(),
        }
    }
}

/// More than this for one path is no record any more.
const MOST_FOUND: usize = 10_000;

fn walk<'a>(node: Node<'a>, steps: &[Step], found: &mut Vec<Found<'a>>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(Found::Element(node));
        return;
    };
    if found.len() >= MOST_FOUND {
        return;
    }
    if step.is_attribute {
        if let Some(value) = step.name.as_deref().and_then(|name| xml::attribute(node, name)) {
            found.push(Found::Attribute(node, value));
        }
        return;
    }
    let mut visit = |child: Node<'a>| {
        if step.fits(child) {
            walk(child, rest, found);
        }
    };
    if step.deep {
        node.descendants().skip(1).for_each(&mut visit);
    } else {
        node.children().for_each(&mut visit);
    }
}

impl Step {
    fn parse(text: &str, deep: bool) -> Result<(Self, &str), String> {
        let (is_attribute, rest) = text.strip_prefix('@').map_or((false, text), |rest| (true, rest));
        let (name, mut rest) = if let Some(rest) = rest.strip_prefix('*') {
            (None, rest)
        } else {
            let (name, rest) = take_name(rest)?;
            (Some(name.to_owned()), rest)
        };
        let mut conditions = Vec::new();
        while let Some(inner) = rest.strip_prefix('[') {
            let end = condition_end(inner).ok_or("a `[` is not closed")?;
            conditions.push(Condition::parse(&inner[..end])?);
            rest = &inner[end + 1..];
        }
        if is_attribute && !conditions.is_empty() {
            return Err("an attribute has no conditions".to_owned());
        }
        Ok((Self { deep, name, is_attribute, conditions }, rest))
    }

    fn fits(&self, node: Node<'_>) -> bool {
        node.is_element()
            && self.name.as_deref().is_none_or(|name| xml::is(node, name))
            && self.conditions.iter().all(|condition| condition.holds(node))
    }
}

/// Where the `]` is that is not in quotes.
fn condition_end(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(at, c)| {
        is_quoted ^= c == '\'';
        (c == ']' && !is_quoted).then_some(at)
    })
}

fn take_name(text: &str) -> Result<(&str, &str), String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    // A prefix says to people which format is meant; documents may have another.
    let name = name.rsplit(':').next().unwrap_or(name);
    if name.is_empty() { Err(format!("a name should stand before `{rest}`")) } else { Ok((name, rest)) }
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (is_absent, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let (subject, values) = match text.split_once('=') {
            Some((subject, values)) => (subject.trim_end(), Some(values.trim())),
            None => (text, None),
        };
        let (subject, is_unequal) =
            subject.strip_suffix('!').map_or((subject, false), |subject| (subject.trim_end(), true));
        let test = match values {
            None if is_absent => Test::Absent,
            None => Test::Exists,
            Some(values) => {
                let values = values
                    .strip_prefix('\'')
                    .and_then(|values| values.strip_suffix('\''))
                    .ok_or_else(|| format!("`{values}` should be in single quotes"))?;
                let values = values.split('|').map(|value| value.trim().to_lowercase()).collect();
                if is_unequal || is_absent { Test::NoneOf(values) } else { Test::OneOf(values) }
            }
        };
        let mut names = Vec::new();
        let mut is_attribute = false;
        for name in subject.split('/') {
            if is_attribute {
                return Err(format!("nothing comes after the attribute in `{subject}`"));
            }
            let name = name.trim();
            is_attribute = name.starts_with('@');
            if name == "." {
                continue;
            }
            let (name, rest) = take_name(name.trim_start_matches('@'))?;
            if !rest.is_empty() {
                return Err(format!("`{rest}` in `[{text}]` is not understood"));
            }
            names.push(name.to_owned());
        }
        Ok(Self { subject: names, is_attribute, test })
    }

    fn holds(&self, node: Node<'_>) -> bool {
        match &self.test {
            Test::Exists => self.values(node, &mut |_| true),
            Test::Absent => !self.values(node, &mut |_| true),
            Test::OneOf(wanted) => self.values(node, &mut |value| wanted.iter().any(|wanted| wanted == value)),
            Test::NoneOf(unwanted) => {
                !self.values(node, &mut |value| unwanted.iter().any(|unwanted| unwanted == value))
            }
        }
    }

    /// Is one of the subject's values, in lower case, as it should be?
    fn values(&self, node: Node<'_>, is_wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        fn go(node: Node<'_>, names: &[String], is_attribute: bool, is_wanted: &mut dyn FnMut(&str) -> bool) -> bool {
            let Some((name, rest)) = names.split_first() else { return is_wanted(&xml::text(node).to_lowercase()) };
            if rest.is_empty() && is_attribute {
                return xml::attribute(node, name).is_some_and(|value| is_wanted(&value.to_lowercase()));
            }
            node.children().any(|child| xml::is(child, name) && go(child, rest, is_attribute, is_wanted))
        }
        go(node, &self.subject, self.is_attribute, is_wanted)
    }
}

impl Marc {
    fn parse(text: &str) -> Option<Self> {
        let (tags, rest) = match text.find(['$', '/']) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        // Indicators: `856[4,1]`, with `*` for any.
        let (tags, indicators) = match tags.split_once('[') {
            Some((tags, inner)) => {
                let mut chars = inner.strip_suffix(']')?.split(',').map(|part| match part.trim() {
                    "*" => Some(None),
                    "" | "_" | "#" => Some(Some(' ')),
                    one => one.chars().next().filter(|_| one.len() == 1).map(Some),
                });
                (tags, [chars.next()??, chars.next()??])
            }
            None => (tags, [None, None]),
        };
        let tags: Vec<String> = tags.split('|').map(|tag| tag.trim().to_ascii_lowercase()).collect();
        let are_tags = tags.iter().all(|tag| tag.len() == 3 && tag.bytes().all(|b| b.is_ascii_digit() || b == b'x'));
        if !are_tags {
            return None;
        }
        let (mut subfields, mut characters) = (String::new(), None);
        if let Some(codes) = rest.strip_prefix('$') {
            codes.clone_into(&mut subfields);
        } else if let Some(range) = rest.strip_prefix('/') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            characters = Some((first.parse().ok()?, last.parse().ok()?));
        }
        Some(Self { tags, subfields, characters, indicators })
    }

    /// Is a tag one of those that are meant?
    pub(super) fn is_for(&self, tag: &str) -> bool {
        self.tags.iter().any(|wanted| {
            wanted.len() == tag.len() && wanted.bytes().zip(tag.bytes()).all(|(w, t)| w == b'x' || w == t)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(
            r#"<r xmlns:m="urn:m"><m:a t="X">1</m:a><a t="y">2</a><a>3</a><b><a t="x">4</a><c>Five</c></b><b><a>6</a></b></r>"#,
        )
        .unwrap();
        let path = Path::parse(path).unwrap();
        path.find(document.root_element())
            .into_iter()
            .map(|found| match found {
                Found::Element(node) => xml::text(node),
                Found::Attribute(_, value) => format!("@{value}"),
            })
            .collect()
    }

    #[test]
    fn paths_find_elements_and_attributes() {
        for (path, want) in [
            ("a", vec!["1", "2", "3"]),
            ("a[@t]", vec!["1", "2"]),
            ("a[!@t]", vec!["3"]),
            ("a[@t='x|z']", vec!["1"]),
            ("a[@t!='x']", vec!["2", "3"]),
            ("x:a[@t='x'][!b]", vec!["1"]),
            ("//a[@t='x']", vec!["1", "4"]),
            ("b/a", vec!["4", "6"]),
            ("b[c='five']/a", vec!["4"]),
            ("b[a/@t='x']/c", vec!["Five"]),
            ("a[.='2']", vec!["2"]),
            ("a[!.='2|[3]']", vec!["1", "3"]),
            ("b/*", vec!["4", "Five", "6"]),
            ("a/@t", vec!["@X", "@y"]),
            ("b//a", vec!["4", "6"]),
            ("nothing/at/all", vec![]),
        ] {
            assert_eq!(found(path), want, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_told() {
        for (path, want) in [
            ("", "a path is empty"),
            ("a[", "`a[`: a `[` is not closed"),
            ("a[@t=x]", "`a[@t=x]`: `x` should be in single quotes"),
            ("@t/a", "`@t/a`: `/a` is no further step"),
            ("a/", "`a/`: a name should stand before ``"),
            ("a?b", "`a?b`: `?b` is no further step"),
        ] {
            assert_eq!(Path::parse(path).unwrap_err(), want, "{path}");
        }
    }

    #[test]
    fn marc_is_written_as_cataloguers_do() {
        let Path::Marc(marc) = Path::parse("100|7xx$abcd").unwrap() else { panic!("not MARC") };
        assert_eq!(
            (marc.is_for("100"), marc.is_for("710"), marc.is_for("800"), marc.subfields.as_str()),
            (true, true, false, "abcd")
        );
        let Path::Marc(marc) = Path::parse("008/35-37").unwrap() else { panic!("not MARC") };
        assert_eq!(marc.characters, Some((35, 37)));
        let Path::Marc(marc) = Path::parse("856[4,*]$u").unwrap() else { panic!("not MARC") };
        assert_eq!(marc.indicators, [Some('4'), None]);
        assert!(matches!(Path::parse("name").unwrap(), Path::Steps(_)));
    }
}
