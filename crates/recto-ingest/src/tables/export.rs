//! What is known about objects and pages as the tables that are read again: [`super::read_objects`], [`super::read_pages`].

use std::collections::BTreeSet;

use recto_iiif::presentation::{LabeledValue, LanguageMap};

use super::columns::{Known, is_known};
use super::header::Header;
use super::objects::{NamedBy, ObjectRow, attribution};
use super::{csv, objects, pages, ranges, values, xlsx};
use crate::description::{Content, Description, Link, Location, Page};
use crate::fields;

/// Why no workbook was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Excel allows fewer rows, columns or characters than the table has.
    #[error("the table cannot be a workbook; export it as CSV")]
    Workbook {
        /// What Excel does not allow.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// `objects.csv` for these objects: UTF-8 with a mark, commas, CRLF. What the columns cannot say, such as pages, is left out.
pub fn export_objects(rows: &[ObjectRow]) -> Vec<u8> {
    csv::write(&objects_sheet(rows))
}

/// The same as a workbook.
pub fn export_objects_xlsx(rows: &[ObjectRow]) -> Result<Vec<u8>, ExportError> {
    workbook("objects", &objects_sheet(rows))
}

/// `pages.csv` for the pages and ranges of an object. Ranges are written where they name own pages.
pub fn export_pages(description: &Description) -> Vec<u8> {
    csv::write(&pages_sheet(description))
}

/// The same as a workbook.
pub fn export_pages_xlsx(description: &Description) -> Result<Vec<u8>, ExportError> {
    workbook("pages", &pages_sheet(description))
}

fn workbook(name: &str, rows: &[Vec<String>]) -> Result<Vec<u8>, ExportError> {
    xlsx::write(name, rows).map_err(|source| ExportError::Workbook { source: Box::new(source) })
}

const SEPARATOR: char = '|';

/// A sheet that grows column by column; columns without a value are not written.
struct Sheet {
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn new(rows: usize) -> Self {
        Self { rows: vec![Vec::new(); rows + 1] }
    }

    fn column(&mut self, header: impl Into<String>, cells: impl Iterator<Item = String>) {
        let cells: Vec<String> = cells.collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            self.always(header, cells.into_iter());
        }
    }

    fn always(&mut self, header: impl Into<String>, cells: impl Iterator<Item = String>) {
        for (row, cell) in self.rows.iter_mut().zip(std::iter::once(header.into()).chain(cells)) {
            row.push(cell);
        }
    }

    /// A column for each language.
    fn map<'a>(&mut self, name: &str, maps: &(impl Iterator<Item = Option<&'a LanguageMap>> + Clone)) {
        let languages = one_order(maps.clone().flatten().map(|map| map.iter().map(|(language, _)| language).collect()));
        for language in languages {
            self.column(
                in_language(name, language),
                maps.clone().map(|map| map.map_or(String::new(), |map| texts(map, language))),
            );
        }
    }

    /// A column for each label and language of descriptive pairs.
    fn metadata<'a>(&mut self, known: &[Known], lists: &(impl Iterator<Item = &'a [LabeledValue]> + Clone)) {
        let columns = one_order(lists.clone().map(|list| {
            let pair = |pair: &'a LabeledValue| pair.value.iter().map(move |(language, _)| (&pair.label, language));
            list.iter().flat_map(pair).collect()
        }));
        for (label, language) in columns {
            let cell = |list: &[LabeledValue]| {
                let pair = list.iter().find(|pair| pair.label == *label);
                pair.map_or(String::new(), |pair| texts(&pair.value, language))
            };
            let header = Header::print(label, language, |name| is_known(name, known));
            self.column(header, lists.clone().map(cell));
        }
    }
}

/// One order of all items that agrees with each list, where the lists agree with each other.
fn one_order<T: PartialEq>(lists: impl Iterator<Item = Vec<T>>) -> Vec<T> {
    let mut items: Vec<T> = Vec::new();
    // Which items stand directly before an item in some list.
    let mut before: Vec<BTreeSet<usize>> = Vec::new();
    for list in lists {
        let mut last = None;
        for item in list {
            let place = items.iter().position(|known| *known == item).unwrap_or_else(|| {
                items.push(item);
                before.push(BTreeSet::new());
                items.len() - 1
            });
            before[place].extend(last.filter(|last| *last != place));
            last = Some(place);
        }
    }
    let mut order = Vec::new();
    let mut waiting: Vec<usize> = (0..items.len()).collect();
    while !waiting.is_empty() {
        // Lists that contradict each other leave none free: then the one that came first.
        let free = waiting.iter().position(|place| before[*place].iter().all(|other| !waiting.contains(other)));
        order.push(waiting.remove(free.unwrap_or(0)));
    }
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    order.into_iter().filter_map(|place| items.get_mut(place)?.take()).collect()
}

fn in_language(name: &str, language: &str) -> String {
    if language == LanguageMap::NONE { name.to_owned() } else { format!("{name}[{language}]") }
}

fn texts(map: &LanguageMap, language: &str) -> String {
    let texts = map.iter().find(|(tag, _)| *tag == language).map_or(&[][..], |(_, texts)| texts);
    values::join(texts.iter().map(String::as_str), SEPARATOR)
}

fn access(value: Option<&serde_json::Value>) -> String {
    match value {
        Some(serde_json::Value::String(word)) => word.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

fn objects_sheet(rows: &[ObjectRow]) -> Vec<Vec<String>> {
    let mut sheet = Sheet::new(rows.len());
    let descriptions = || rows.iter().map(|row| &row.description);
    let by_path = |row: &&ObjectRow| row.named_by == NamedBy::Path;
    sheet.column("folder", rows.iter().map(|row| if by_path(&row) { row.name.clone() } else { String::new() }));
    sheet.column(
        "id",
        rows.iter()
            .map(|row| if by_path(&row) { row.description.id.clone().unwrap_or_default() } else { row.name.clone() }),
    );
    sheet.column(
        "kind",
        descriptions().map(|said| said.kind.map_or(String::new(), |kind| fields::kind_word(kind).to_owned())),
    );
    sheet.map("label", &descriptions().map(|said| Some(&said.label)));
    sheet.map("summary", &descriptions().map(|said| Some(&said.summary)));
    sheet.metadata(&objects::KNOWN, &descriptions().map(|said| &said.metadata[..]));
    sheet.column("rights", descriptions().map(|said| said.rights.clone().unwrap_or_default()));
    required_statements(&mut sheet, rows);
    links(&mut sheet, "homepage", &descriptions().map(|said| &said.homepage[..]));
    links(&mut sheet, "seeAlso", &descriptions().map(|said| &said.see_also[..]));
    links(&mut sheet, "rendering", &descriptions().map(|said| &said.rendering[..]));
    sheet.column("navDate", descriptions().map(|said| said.nav_date.clone().unwrap_or_default()));
    let places = || descriptions().map(|said| said.nav_place.as_ref());
    sheet.column("lat", places().map(|place| place.map_or(String::new(), |place| place.latitude.to_string())));
    sheet.column("lon", places().map(|place| place.map_or(String::new(), |place| place.longitude.to_string())));
    sheet.map("navPlace", &places().map(|place| place.map(|place| &place.label)));
    sheet.column("thumbnail", descriptions().map(|said| said.thumbnail.clone().unwrap_or_default()));
    sheet.column("behavior", descriptions().map(|said| behaviors(&said.behavior)));
    let direction = |said: &Description| said.viewing_direction.map_or("", fields::direction_word).to_owned();
    sheet.column("direction", descriptions().map(direction));
    sheet.column("language", descriptions().map(|said| said.language.clone().unwrap_or_default()));
    sheet.column("access", descriptions().map(|said| access(said.access.as_ref())));
    sheet.column(
        "collection",
        descriptions().map(|said| values::join(said.collections.iter().map(String::as_str), SEPARATOR)),
    );
    let order = |row: &ObjectRow| match (row.position, row.description.order) {
        (Some(position), _) => position.to_string(),
        (None, order) => order.map_or("", fields::order_word).to_owned(),
    };
    sheet.column("order", rows.iter().map(order));
    sheet.rows
}

fn behaviors(list: &[recto_iiif::presentation::Behavior]) -> String {
    values::join(list.iter().map(fields::behavior_word), SEPARATOR)
}

fn required_statements(sheet: &mut Sheet, rows: &[ObjectRow]) {
    let statements = || rows.iter().map(|row| row.description.required_statement.as_ref());
    let languages =
        one_order(statements().flatten().map(|pair| pair.value.iter().map(|(language, _)| language).collect()));
    for language in languages {
        let cell = |statement: Option<&LabeledValue>| {
            let Some(statement) = statement else { return String::new() };
            let value =
                |map: &LanguageMap| map.iter().find(|(tag, _)| *tag == language).map(|(_, texts)| texts.join(" "));
            let Some(text) = value(&statement.value) else { return String::new() };
            if statement.label == attribution() {
                return text;
            }
            let label = value(&statement.label).or_else(|| statement.label.first().map(str::to_owned));
            label.map_or(text.clone(), |label| format!("{label}: {text}"))
        };
        sheet.column(in_language("requiredStatement", language), statements().map(cell));
    }
}

/// A column for each language of the links' names.
fn links<'a>(sheet: &mut Sheet, name: &str, lists: &(impl Iterator<Item = &'a [Link]> + Clone)) {
    fn language(link: &Link) -> &str {
        link.label.iter().next().map_or(LanguageMap::NONE, |(language, _)| language)
    }
    let languages = one_order(lists.clone().map(|list| list.iter().map(language).collect()));
    for wanted in languages {
        let cell = |list: &[Link]| {
            let written: Vec<String> = list
                .iter()
                .filter(|link| language(link) == wanted)
                .map(|link| format!("{} {}", link.id, link.label.first().unwrap_or_default()).trim_end().to_owned())
                .collect();
            values::join(written.iter().map(String::as_str), SEPARATOR)
        };
        sheet.column(in_language(name, wanted), lists.clone().map(cell));
    }
}

fn pages_sheet(description: &Description) -> Vec<Vec<String>> {
    // A row for each file; what is said of the page stands in the first.
    let rows: Vec<(usize, Option<&Page>, &Content, &Page)> = description
        .pages
        .iter()
        .enumerate()
        .flat_map(|(number, page)| {
            let first = move |place: usize| (place == 0).then_some(page);
            page.contents.iter().enumerate().map(move |(place, content)| (number, first(place), content, page))
        })
        .collect();
    let mut sheet = Sheet::new(rows.len());
    let firsts = || rows.iter().map(|(_, page, _, _)| *page);
    let contents = || rows.iter().map(|(_, _, content, _)| *content);
    let cell = |value: Option<String>| value.unwrap_or_default();
    sheet.always("file", contents().map(|content| location(&content.location)));
    sheet.column("canvas", rows.iter().map(|(_, _, _, page)| cell(page.canvas.clone())));
    sheet.map("label", &firsts().map(|page| page.map(|page| &page.label)));
    sheet.map("choice", &contents().map(|content| Some(&content.choice)));
    let region = |content: &Content| content.region.map(|at| format!("{},{},{},{}", at.x, at.y, at.w, at.h));
    sheet.column("region", contents().map(|content| cell(region(content))));
    sheet.column("rotation", contents().map(|content| cell(content.rotation.map(|degrees| degrees.to_string()))));
    let of_page =
        |value: fn(&Page) -> Option<String>| firsts().map(move |page| page.and_then(value).unwrap_or_default());
    sheet.column("width", of_page(|page| page.width.map(|size| size.to_string())));
    sheet.column("height", of_page(|page| page.height.map(|size| size.to_string())));
    sheet.column("duration", of_page(|page| page.duration.map(|seconds| seconds.to_string())));
    sheet.column("date", of_page(|page| page.nav_date.clone()));
    sheet.column("behavior", of_page(|page| Some(behaviors(&page.behavior))));
    sheet.column("ocr", of_page(|page| Some(values::join(page.texts.iter().map(|link| link.id.as_str()), SEPARATOR))));
    for language in ranges::languages(&description.ranges) {
        let cells = ranges::cells(&description.ranges, description.pages.len(), &language);
        let cell = |(number, page, _, _): &(usize, Option<&Page>, &Content, &Page)| {
            page.and(cells.get(*number)).cloned().unwrap_or_default()
        };
        sheet.column(in_language("range", &language), rows.iter().map(cell));
    }
    sheet.column("access", of_page(|page| Some(access(page.access.as_ref()))));
    sheet.metadata(&pages::KNOWN, &firsts().map(|page| page.map_or(&[][..], |page| &page.metadata[..])));
    sheet.rows
}

fn location(location: &Location) -> String {
    match location {
        Location::File(path) => path.clone(),
        Location::FilePage(path, number) => format!("{path}#page={number}"),
        Location::Url(url) => url.clone(),
        Location::ImageService(base) => format!("{}/info.json", base.trim_end_matches('/')),
    }
}
