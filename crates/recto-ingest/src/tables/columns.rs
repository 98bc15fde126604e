//! Which column of a sheet means what.

use recto_iiif::presentation::{LabeledValue, LanguageMap};

use super::header::Header;
use super::{Row, Table, TableOptions, values};
use crate::words::{At, Report, folded, shown};

/// A column that has a meaning.
#[derive(Debug)]
pub(super) struct Known {
    /// Its name.
    pub(super) name: &'static str,
    /// Other names, which count where there is no column of this name; the first of them that is there.
    pub(super) others: &'static [&'static str],
    /// The term of Dublin Core with this meaning.
    pub(super) term: &'static str,
    /// It may be there once for each language.
    pub(super) in_languages: bool,
}

impl Known {
    pub(super) const fn one(name: &'static str, others: &'static [&'static str]) -> Self {
        Self { name, others, term: "", in_languages: false }
    }

    pub(super) const fn languages(name: &'static str, others: &'static [&'static str], term: &'static str) -> Self {
        Self { name, others, term, in_languages: true }
    }
}

/// A column of one sheet.
#[derive(Debug)]
struct Column {
    place: usize,
    header: Header,
    meaning: Option<&'static str>,
}

/// The columns of one sheet.
#[derive(Debug)]
pub(super) struct Columns {
    list: Vec<Column>,
    separator: char,
}

/// True when a header of this name would be read as a column with a meaning.
pub(super) fn is_known(name: &str, known: &[Known]) -> bool {
    let name = folded(name);
    known.iter().any(|column| folded(column.name) == name || column.others.iter().any(|other| folded(other) == name))
}

impl Columns {
    /// What the columns of this sheet mean, with findings on those that look as if they were meant to mean something.
    pub(super) fn read(table: &Table, known: &'static [Known], options: &TableOptions, report: &mut Report) -> Self {
        let mut list: Vec<Column> = table
            .header
            .iter()
            .enumerate()
            .map(|(place, text)| Column { place, header: Header::parse(text), meaning: None })
            .filter(|column| !column.header.hidden)
            .collect();
        for column in known {
            mean(&mut list, column);
        }
        let columns = Self { list, separator: options.value_separator };
        columns.check(table.header_row, known, report);
        columns
    }

    fn check(&self, row: u32, known: &[Known], report: &mut Report) {
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for column in &self.list {
            let at = At::new(row, column.place as u32 + 1);
            let name = &column.header.name;
            if let Some(language) = &column.header.bad_language {
                let message = format!("`{}` in the header `{}` is no language tag", shown(language), shown(name));
                report.warning(at, "bad-language", message, "write it as in `label[de]` or `label[en]`");
                continue;
            }
            let Some(meaning) = column.meaning else {
                if !column.header.is_metadata && column.header.term.is_none() {
                    unknown(name, at, known, report);
                }
                continue;
            };
            let language = column.header.language.as_str();
            if seen.contains(&(meaning, language)) {
                let message =
                    format!("there is a second column `{}`; its values come after those of the first", shown(name));
                report.note(at, "column-twice", message, "put the values of both into one column");
            }
            seen.push((meaning, language));
        }
    }

    /// The character between several values of a cell.
    pub(super) const fn separator(&self) -> char {
        self.separator
    }

    /// True when there is a column of this meaning.
    pub(super) fn has(&self, meaning: &str) -> bool {
        self.list.iter().any(|column| column.meaning == Some(meaning))
    }

    /// The first text of this meaning in a row, and where it stands.
    pub(super) fn text<'r>(&self, row: &'r Row, meaning: &str) -> Option<(&'r str, At)> {
        self.texts(row, meaning).next().map(|(text, _, at)| (text, at))
    }

    /// The texts of this meaning in a row with their languages, and where they stand.
    pub(super) fn texts<'a, 'r: 'a>(
        &'a self,
        row: &'r Row,
        meaning: &'a str,
    ) -> impl Iterator<Item = (&'r str, &'a str, At)> + 'a {
        self.list.iter().filter(move |column| column.meaning == Some(meaning)).filter_map(move |column| {
            let text = row.text(column.place);
            let at = At::new(row.number, column.place as u32 + 1);
            (!text.is_empty()).then_some((text, column.header.language.as_str(), at))
        })
    }

    /// All values of this meaning, without regard to their language.
    pub(super) fn values(&self, row: &Row, meaning: &str) -> Vec<(String, At)> {
        self.texts(row, meaning)
            .flat_map(|(text, _, at)| values::split(text, self.separator).into_iter().map(move |value| (value, at)))
            .collect()
    }

    /// All values of this meaning by language.
    pub(super) fn map(&self, row: &Row, meaning: &str) -> LanguageMap {
        let mut map = LanguageMap::default();
        for (text, language, _) in self.texts(row, meaning) {
            self.push(&mut map, language, text);
        }
        map
    }

    /// Descriptive pairs of all columns without another meaning, in the order of the sheet. Columns of one label are one pair.
    pub(super) fn metadata(&self, row: &Row, also: &[&str]) -> Vec<LabeledValue> {
        let mut pairs: Vec<LabeledValue> = Vec::new();
        for column in &self.list {
            let is_metadata = column.meaning.is_none_or(|meaning| also.contains(&meaning));
            let text = row.text(column.place);
            if !is_metadata || text.is_empty() {
                continue;
            }
            let label = &column.header.label;
            let place = pairs.iter().position(|pair| pair.label == *label).unwrap_or_else(|| {
                pairs.push(LabeledValue { label: label.clone(), value: LanguageMap::default() });
                pairs.len() - 1
            });
            if let Some(pair) = pairs.get_mut(place) {
                self.push(&mut pair.value, &column.header.language, text);
            }
        }
        pairs.retain(|pair| !pair.value.is_empty());
        pairs
    }

    fn push(&self, map: &mut LanguageMap, language: &str, text: &str) {
        for value in values::split(text, self.separator) {
            map.push(language, value);
        }
    }
}

/// Finds the columns of one meaning: by its name, else by the first of its other names that is there.
fn mean(list: &mut [Column], known: &Known) {
    for name in std::iter::once(&known.name).chain(known.others) {
        let name = folded(name);
        if take(list, known, |header| header.term.is_none() && folded(&header.name) == name) {
            return;
        }
    }
    if !known.term.is_empty() {
        take(list, known, |header| header.term == Some(known.term));
    }
}

fn take(list: &mut [Column], known: &Known, is_it: impl Fn(&Header) -> bool) -> bool {
    let mut found = false;
    for column in list.iter_mut() {
        let header = &column.header;
        let language_fits = known.in_languages || header.language == LanguageMap::NONE;
        if column.meaning.is_none()
            && !header.is_metadata
            && header.bad_language.is_none()
            && language_fits
            && is_it(header)
        {
            column.meaning = Some(known.name);
            found = true;
        }
    }
    found
}

/// A column that becomes metadata, though its name is nearly that of a column with a meaning.
fn unknown(name: &str, at: At, known: &[Known], report: &mut Report) {
    if let Some(column) = known.iter().find(|column| column.in_languages && is_language_form(name, column.name)) {
        let message = format!("the column `{}` is not known and became metadata", shown(name));
        let fix = format!("if it is the {} in one language, write it as in `{}[de]`", column.name, column.name);
        report.warning(at, "unknown-column", message, fix);
        return;
    }
    // Short names are near to anything.
    if folded(name).chars().count() < 4 || known.iter().any(|column| folded(column.name) == folded(name)) {
        return;
    }
    if let Some(meant) =
        crate::words::nearest(name, known.iter().map(|column| column.name).filter(|name| name.len() > 3))
    {
        let message = format!("the column `{}` is not known and became metadata", shown(name));
        let fix = format!("did you mean `{meant}`? If not, write `metadata:{}`", shown(name));
        report.warning(at, "unknown-column", message, fix);
    }
}

/// `label_de`, `label (de)`, `label@de`.
fn is_language_form(name: &str, known: &str) -> bool {
    let lower = name.to_lowercase();
    let Some(rest) = lower.strip_prefix(&known.to_lowercase()) else { return false };
    let rest = rest.trim_matches(|c: char| c.is_whitespace() || matches!(c, '_' | '-' | '@' | ':' | '.' | '(' | ')'));
    lower.len() > known.len() + 2 && rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_lowercase())
}
