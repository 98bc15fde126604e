//! `objects.csv`: a row for each object of a collection folder.

use std::collections::HashMap;

use recto_iiif::presentation::{LabeledValue, LanguageMap};

use super::columns::{Columns, Known};
use super::listing::Found;
use super::{Listing, Row, Table, TableOptions, values};
use crate::description::{Description, Link};
use crate::words::{At, Report, shown};
use crate::{Finding, dates, fields};

/// What one row says about one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectRow {
    /// The folder or file, relative to the folder of the table; or the object's identifier.
    pub name: String,
    /// Which of them.
    pub named_by: NamedBy,
    /// Its place among the objects of the collection, where the column `order` gives a number.
    pub position: Option<u32>,
    /// What the row says.
    pub description: Description,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The row, from 1.
    pub row: u32,
}

/// How a row names its object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NamedBy {
    /// By the path of its folder, or of a single file.
    #[default]
    Path,
    /// By its identifier.
    Id,
}

/// The columns that have a meaning.
pub(super) static KNOWN: [Known; 23] = [
    Known::one("folder", &["path", "directory", "file", "filename"]),
    Known::one("id", &["objectid", "identifier"]),
    Known::languages("label", &["title"], "title"),
    Known::languages("summary", &["description"], "description"),
    Known::one("date", &[]),
    Known { name: "rights", others: &["license", "licence"], term: "rights", in_languages: false },
    Known::one("rightsStatement", &["rightsstatements"]),
    Known::languages("requiredStatement", &["attribution"], ""),
    Known::languages("homepage", &[], ""),
    Known::languages("seeAlso", &[], ""),
    Known::languages("rendering", &[], ""),
    Known::one("navDate", &[]),
    Known::one("lat", &["latitude"]),
    Known::one("lon", &["longitude", "lng", "long"]),
    Known::languages("navPlace", &[], ""),
    Known::one("thumbnail", &["thumb", "thumbnailurl"]),
    Known::one("behavior", &["behaviour"]),
    Known::one("direction", &["viewingdirection"]),
    Known::one("language", &[]),
    Known::one("access", &[]),
    Known::one("collection", &["collections"]),
    Known::one("order", &[]),
    Known::one("kind", &[]),
];

/// The objects that a table describes, good rows only, with findings on the others. `place` is the table's path relative to
/// the library; `there` lists the folders and files of the collection, where they are known.
pub fn read_objects(
    bytes: &[u8],
    place: &str,
    there: Option<&Listing>,
    options: &TableOptions,
) -> (Vec<ObjectRow>, Vec<Finding>) {
    let mut report = Report::new(place);
    let tables = super::read_into(bytes, place, &mut report);
    let mut objects: Vec<ObjectRow> = Vec::new();
    let mut seen: HashMap<(NamedBy, String), u32> = HashMap::new();
    let several = tables.len() > 1;
    for table in &tables {
        report.sheet(table.sheet.as_deref().filter(|_| several));
        let columns = Columns::read(table, &KNOWN, options, &mut report);
        if !columns.has("folder") && !columns.has("id") {
            no_name(table, &mut report);
            continue;
        }
        for row in &table.rows {
            let Some(object) = object(&columns, row, there, &mut report) else { continue };
            let key = (object.named_by, object.name.clone());
            if let Some(first) = seen.get(&key) {
                let message =
                    format!("`{}` is described in row {first} already; this row was left out", shown(&object.name));
                report.warning(At::line(row.number), "row-twice", message, "put both into one row");
                continue;
            }
            seen.insert(key, row.number);
            objects.push(ObjectRow { sheet: table.sheet.clone(), ..object });
        }
    }
    report.sheet(None);
    (objects, report.into_list())
}

fn no_name(table: &Table, report: &mut Report) {
    let fix = match unique_column(table) {
        Some(name) => format!("`{}` differs in each row: name it `folder` if it names folders, or `id`", shown(name)),
        None => "name the column that holds the folders `folder`, or the one with identifiers `id`".to_owned(),
    };
    let message = "no column says which object a row is about";
    report.error(At::line(table.header_row), "no-name-column", message, fix);
}

/// The first column that is full and has no value twice.
fn unique_column(table: &Table) -> Option<&str> {
    (0..table.header.len()).find_map(|place| {
        let mut values = std::collections::HashSet::new();
        let unique = table.rows.iter().all(|row| !row.text(place).is_empty() && values.insert(row.text(place)));
        (unique && !table.rows.is_empty()).then(|| table.header.get(place).map(String::as_str))?
    })
}

fn object(columns: &Columns, row: &Row, there: Option<&Listing>, report: &mut Report) -> Option<ObjectRow> {
    let id = columns.text(row, "id").map(|(text, _)| text.to_owned());
    let (name, named_by) = match (columns.text(row, "folder"), &id) {
        (Some((text, at)), _) => (folder(text, at, there, report)?, NamedBy::Path),
        (None, Some(id)) => (id.clone(), NamedBy::Id),
        (None, None) => {
            let message = "the row names no object and was left out";
            report.error(At::line(row.number), "no-name", message, "write the folder into the column `folder`");
            return None;
        }
    };
    let mut position = None;
    let mut order = None;
    if let Some((text, at)) = columns.text(row, "order") {
        position = text.parse().ok();
        let is_number = text.trim_start_matches('-').starts_with(|letter: char| letter.is_ascii_digit());
        if position.is_none() && is_number {
            let message = format!("`{}` is no place in the collection", shown(text));
            report.error(at, "bad-number", message, "write a whole number, such as `12`");
        } else if position.is_none() {
            order = fields::order(text, at, report);
        }
    }
    let mut description = Description { id, order, ..describe(columns, row, report) };
    place_of(columns, row, &mut description, report);
    Some(ObjectRow { name, named_by, position, description, sheet: None, row: row.number })
}

fn folder(text: &str, at: At, there: Option<&Listing>, report: &mut Report) -> Option<String> {
    let Some(path) = fields::path(text) else {
        let message = format!("`{}` leads outside the folder of this table; the row was left out", shown(text));
        report.error(at, "path-outside", message, "write the path from the folder of this table, such as `letters`");
        return None;
    };
    let Some(there) = there else { return Some(path) };
    match there.find(&path) {
        Found::Exactly => Some(path),
        Found::As(name) => Some(name.to_owned()),
        Found::Nothing => {
            let fix = report.did_you_mean(&path, there.paths(), "write its name as it is on the disk");
            report.error(at, "missing-folder", format!("there is no `{}`; the row was left out", shown(&path)), fix);
            None
        }
    }
}

fn describe(columns: &Columns, row: &Row, report: &mut Report) -> Description {
    let mut description = Description {
        label: columns.map(row, "label"),
        summary: columns.map(row, "summary"),
        required_statement: required_statement(columns, row),
        homepage: links(columns, row, "homepage", report),
        see_also: links(columns, row, "seeAlso", report),
        rendering: links(columns, row, "rendering", report),
        thumbnail: columns.text(row, "thumbnail").map(|(text, _)| text.to_owned()),
        access: columns.text(row, "access").map(|(text, _)| fields::access(text)),
        collections: columns.values(row, "collection").into_iter().map(|(path, _)| path).collect(),
        ..Description::default()
    };
    // What is no word of a list is still worth reading: it becomes metadata.
    let mut also = vec!["date"];
    description.rights = rights(columns, row, &mut also, report);
    if let Some((text, at)) = columns.text(row, "language") {
        let first = text.split(['|', ';', ',']).next().map(super::trimmed).unwrap_or_default();
        description.language = fields::language(first, at, report);
        if description.language.is_none() {
            also.push("language");
        }
    }
    description.metadata = columns.metadata(row, &also);
    description.nav_date = match columns.text(row, "navDate") {
        Some((text, at)) => fields::nav_date(text, at, report),
        // A date for people serves for navigation too, where it is one for machines and the table has no other.
        None if !columns.has("navDate") => columns.text(row, "date").and_then(|(text, _)| dates::nav_date(text)),
        None => None,
    };
    for (text, at) in columns.values(row, "behavior") {
        let words = text.split([',', ';', ' ']).filter(|word| !word.is_empty());
        let is_one = crate::words::folded(&text);
        let whole = fields::BEHAVIORS.iter().find(|known| crate::words::folded(fields::behavior_word(known)) == is_one);
        match whole {
            Some(known) => description.behavior.push(known.clone()),
            None => description.behavior.extend(words.filter_map(|word| fields::behavior(word, at, report))),
        }
    }
    if let Some((text, at)) = columns.text(row, "direction") {
        description.viewing_direction = fields::direction(text, at, report);
    }
    if let Some((text, at)) = columns.text(row, "kind") {
        description.kind = fields::kind(text, at, report);
    }
    description
}

/// The licence, of the column `rights` or else of `rightsStatement`; a text that is none stays as metadata.
fn rights(columns: &Columns, row: &Row, also: &mut Vec<&'static str>, report: &mut Report) -> Option<String> {
    let known = |text: Option<(&str, At)>| text.and_then(|(text, _)| crate::rights::uri(text).ok());
    let (text, statement) = (columns.text(row, "rights"), columns.text(row, "rightsStatement"));
    if let Some(uri) = known(text) {
        return Some(uri);
    }
    if text.is_some() {
        also.push("rights");
    }
    known(statement).or_else(|| text.or(statement).and_then(|(text, at)| fields::rights(text, at, report)))
}

/// The label of a required statement that has none of its own.
pub(super) fn attribution() -> LanguageMap {
    LanguageMap::one("en", "Attribution")
}

/// `Source: City Archive` is a label and a value; a text without colon has the label `Attribution`.
fn required_statement(columns: &Columns, row: &Row) -> Option<LabeledValue> {
    let mut statement = LabeledValue { label: LanguageMap::default(), value: LanguageMap::default() };
    for (text, language, _) in columns.texts(row, "requiredStatement") {
        let value = match text.split_once(": ") {
            Some((label, value)) if label.chars().count() <= 60 && !super::trimmed(value).is_empty() => {
                statement.label.push(language, super::trimmed(label));
                value
            }
            _ => text,
        };
        statement.value.push(language, super::trimmed(value));
    }
    if statement.label.is_empty() {
        statement.label = attribution();
    }
    (!statement.value.is_empty()).then_some(statement)
}

fn links(columns: &Columns, row: &Row, meaning: &str, report: &mut Report) -> Vec<Link> {
    let mut links = Vec::new();
    for (text, language, at) in columns.texts(row, meaning) {
        for value in values::split(text, columns.separator()) {
            let link = values::link(&value, language);
            if meaning == "homepage" && !fields::is_url(&link.id) {
                let message = format!("`{}` is no address of a page", shown(&value));
                report.warning(at, "bad-link", message, "write an address such as `https://example.org/letters`");
            } else {
                links.push(link);
            }
        }
    }
    links
}

fn place_of(columns: &Columns, row: &Row, description: &mut Description, report: &mut Report) {
    let (lat, lon) = (columns.text(row, "lat"), columns.text(row, "lon"));
    let Some((_, at)) = lat.or(lon) else { return };
    let degrees = |text: Option<(&str, At)>| text.and_then(|(text, _)| values::number(text));
    description.nav_place = fields::place(degrees(lat), degrees(lon), at, report);
    if let Some(place) = &mut description.nav_place {
        place.label = columns.map(row, "navPlace");
    }
}
