//! `pages.csv`: a row for each page of an object, or for each file where a page has several.

use std::collections::HashMap;

use super::columns::{Columns, Known};
use super::listing::{Found, is_pattern};
use super::ranges::{Opening, Ranges, openings};
use super::{Listing, Row, Table, TableOptions, values};
use crate::description::{Content, Description, Link, Location, Page, Region};
use crate::words::{At, Report, shown};
use crate::{Finding, fields};

/// The columns that have a meaning.
pub(super) static KNOWN: [Known; 15] = [
    Known::one("file", &["filename", "path", "image"]),
    Known::one("canvas", &[]),
    Known::one("order", &[]),
    Known::languages("label", &["title"], "title"),
    Known::one("width", &[]),
    Known::one("height", &[]),
    Known::languages("choice", &[], ""),
    Known::one("region", &[]),
    Known::one("ocr", &[]),
    Known::one("behavior", &["behaviour"]),
    Known::languages("range", &[], ""),
    Known::one("rotation", &[]),
    Known::one("date", &["navdate"]),
    Known::one("duration", &[]),
    Known::one("access", &[]),
];

/// Most pages that the patterns of one table may name together.
const MOST_PAGES: usize = 200_000;

/// One file of a page, as a row has it.
struct Draft {
    at: At,
    order: Option<(f64, At)>,
    content: Content,
    page: Page,
    opens: Vec<Opening>,
}

/// The pages and ranges of one object, with findings on the rows that are not good. `place` is the table's path relative to
/// the library; `there` lists the files of the object, where they are known: then files that are missing are left out, and
/// patterns such as `*.tif` can be used.
pub fn read_pages(
    bytes: &[u8],
    place: &str,
    there: Option<&Listing>,
    options: &TableOptions,
) -> (Description, Vec<Finding>) {
    let mut report = Report::new(place);
    let tables = super::read_into(bytes, place, &mut report);
    let mut drafts = Vec::new();
    let several = tables.len() > 1;
    for table in &tables {
        report.sheet(table.sheet.as_deref().filter(|_| several));
        let columns = Columns::read(table, &KNOWN, options, &mut report);
        read_sheet(table, &columns, there, &mut drafts, &mut report);
    }
    report.sheet(None);
    let description = assemble(drafts, &mut report);
    (description, report.into_list())
}

fn read_sheet(table: &Table, columns: &Columns, there: Option<&Listing>, drafts: &mut Vec<Draft>, report: &mut Report) {
    if !columns.has("file") {
        let message = "no column `file` says which files the pages are";
        report.error(At::line(table.header_row), "no-file-column", message, "name the column with the files `file`");
        return;
    }
    for row in &table.rows {
        let Some((text, at)) = columns.text(row, "file") else {
            let message = "the row names no file and was left out";
            report.error(At::line(row.number), "no-file", message, "write the file's name into the column `file`");
            continue;
        };
        let locations = locations(text, at, there, report);
        if drafts.len() + locations.len() > MOST_PAGES {
            let message = format!("the table names more than {MOST_PAGES} pages; the rest was left out");
            report.error(at, "table-too-large", message, "divide the object into several");
            return;
        }
        if let [first, rest @ ..] = &locations[..] {
            let draft = draft(columns, row, at, first.clone(), there, report);
            let more: Vec<Draft> = rest.iter().map(|location| draft.next(location.clone())).collect();
            if !more.is_empty() && draft.page.canvas.is_none() && draft.page.width.or(draft.page.height).is_some() {
                let message = format!("`{}` names {} files, which all get this size", shown(text), locations.len());
                report.note(at, "size-of-many", message, "leave width and height blank if they differ");
            }
            drafts.push(draft);
            drafts.extend(more);
        }
    }
}

impl Draft {
    /// The same row for the next file of its pattern; ranges begin with the first alone.
    fn next(&self, location: Location) -> Self {
        Self {
            at: self.at,
            order: self.order,
            content: Content { location, ..self.content.clone() },
            page: self.page.clone(),
            opens: Vec::new(),
        }
    }
}

/// The files that a cell names.
fn locations(text: &str, at: At, there: Option<&Listing>, report: &mut Report) -> Vec<Location> {
    if fields::is_url(text) {
        return vec![match text.strip_suffix("/info.json") {
            Some(base) => Location::ImageService(base.to_owned()),
            None => Location::Url(text.to_owned()),
        }];
    }
    let (text, number) = page_of_file(text);
    let Some(path) = fields::path(text) else {
        let message = format!("`{}` leads outside the folder of the object; the row was left out", shown(text));
        report.error(at, "path-outside", message, "write the path from the folder of the object, such as `001.tif`");
        return Vec::new();
    };
    let located = |path: String| number.map_or(Location::File(path.clone()), |number| Location::FilePage(path, number));
    let Some(there) = there else { return vec![located(path)] };
    match there.find(&path) {
        Found::Exactly => vec![located(path)],
        Found::As(name) => vec![located(name.to_owned())],
        Found::Nothing if is_pattern(&path) => {
            let found: Vec<Location> =
                there.matching(&path).take(MOST_PAGES).map(|path| located(path.to_owned())).collect();
            if found.is_empty() {
                let message = format!("no file fits the pattern `{}`", shown(&path));
                report.error(at, "missing-file", message, "look at the names of the files");
            }
            found
        }
        Found::Nothing => {
            let otherwise = "write its name as it is on the disk, or add the file";
            let fix = report.did_you_mean(&path, there.paths(), otherwise);
            report.error(at, "missing-file", format!("there is no file `{}`; the row was left out", shown(&path)), fix);
            Vec::new()
        }
    }
}

/// `book.tif#page=3` is the third page of a file of several.
fn page_of_file(text: &str) -> (&str, Option<u32>) {
    let parts = text.rsplit_once("#page=");
    let number = parts.and_then(|(path, number)| number.parse().ok().filter(|number| *number > 0).map(|n| (path, n)));
    number.map_or((text, None), |(path, number)| (path, Some(number)))
}

fn draft(
    columns: &Columns,
    row: &Row,
    at: At,
    location: Location,
    there: Option<&Listing>,
    report: &mut Report,
) -> Draft {
    let mut content = Content { choice: columns.map(row, "choice"), ..Content::at(location) };
    content.region =
        parsed(columns, row, "region", "bad-region", "rectangle", "`x,y,w,h` in pixels", values::region, report);
    content.rotation =
        parsed(columns, row, "rotation", "bad-number", "rotation", "`90`, `180` or `270`", rotation, report);
    let access = columns.text(row, "access").map(|(text, _)| fields::access(text));
    let mut page = Page {
        canvas: columns.text(row, "canvas").map(|(text, _)| text.to_owned()),
        label: columns.map(row, "label"),
        metadata: columns.metadata(row, &[]),
        width: size(columns, row, "width", report),
        height: size(columns, row, "height", report),
        texts: texts(columns, row, there, report),
        access,
        ..Page::default()
    };
    page.duration = parsed(
        columns,
        row,
        "duration",
        "bad-number",
        "duration",
        "seconds, or `hours:minutes:seconds`",
        duration,
        report,
    );
    page.nav_date = columns.text(row, "date").and_then(|(text, at)| fields::nav_date(text, at, report));
    for (text, at) in columns.values(row, "behavior") {
        page.behavior.extend(fields::behavior(&text, at, report));
    }
    let order = parsed(columns, row, "order", "bad-number", "number", "a number such as `12`", values::number, report);
    let order = order.zip(columns.text(row, "order").map(|(_, at)| at));
    Draft { at, order, content, page, opens: openings(columns, row, report) }
}

#[expect(clippy::too_many_arguments, reason = "each is one word of the finding")]
fn parsed<T>(
    columns: &Columns,
    row: &Row,
    meaning: &str,
    rule: &'static str,
    what: &str,
    form: &str,
    parse: impl Fn(&str) -> Option<T>,
    report: &mut Report,
) -> Option<T> {
    let (text, at) = columns.text(row, meaning)?;
    let value = parse(text);
    if value.is_none() {
        report.warning(at, rule, format!("`{}` is no {what}", shown(text)), format!("write {form}"));
    }
    value
}

fn rotation(text: &str) -> Option<u16> {
    let number = values::number(text.trim_end_matches('°')).filter(|number| number.fract() == 0.0)?;
    (-360.0..=360.0).contains(&number).then(|| number.rem_euclid(360.0) as u16)
}

fn duration(text: &str) -> Option<f64> {
    values::seconds(text).filter(|seconds| *seconds > 0.0)
}

fn size(columns: &Columns, row: &Row, meaning: &str, report: &mut Report) -> Option<u32> {
    let whole = |text: &str| text.parse().ok().filter(|size| *size > 0);
    parsed(columns, row, meaning, "bad-number", meaning, "a whole number of pixels", whole, report)
}

fn texts(columns: &Columns, row: &Row, there: Option<&Listing>, report: &mut Report) -> Vec<Link> {
    let mut links = Vec::new();
    for (text, at) in columns.values(row, "ocr") {
        let id = if fields::is_url(&text) { Some(text.clone()) } else { fields::path(&text) };
        let found = |id: String| match there.filter(|_| !fields::is_url(&id)).map(|there| there.find(&id)) {
            None | Some(Found::Exactly) => Some(id),
            Some(Found::As(name)) => Some(name.to_owned()),
            Some(Found::Nothing) => None,
        };
        if let Some(id) = id.and_then(found) {
            links.push(Link { id, ..Link::default() });
            continue;
        }
        let known = there.map(Listing::paths).into_iter().flatten();
        let fix = report.did_you_mean(&text, known, "write its path from the folder of the object");
        report.warning(at, "missing-file", format!("there is no text file `{}`", shown(&text)), fix);
    }
    links
}

/// Puts rows of one canvas together, sorts, and opens the ranges.
fn assemble(drafts: Vec<Draft>, report: &mut Report) -> Description {
    let mut joined: Vec<Joined> = Vec::new();
    let mut by_canvas: HashMap<String, usize> = HashMap::new();
    for draft in drafts {
        let place = draft.page.canvas.as_ref().and_then(|canvas| by_canvas.get(canvas).copied());
        if let Some(page) = place.and_then(|place| joined.get_mut(place)) {
            page.add(draft);
            continue;
        }
        if let Some(canvas) = &draft.page.canvas {
            by_canvas.insert(canvas.clone(), joined.len());
        }
        joined.push(Joined::new(draft));
    }
    sort(&mut joined, report);
    let mut ranges = Ranges::default();
    let mut pages = Vec::new();
    for mut page in joined {
        page.check(report);
        ranges.page(pages.len(), page.opens);
        pages.push(page.page);
    }
    Description { pages, ranges: ranges.finish(), ..Description::default() }
}

/// A page with all its rows.
struct Joined {
    page: Page,
    order: Option<(f64, At)>,
    opens: Vec<Opening>,
    rows: Vec<At>,
}

impl Joined {
    fn new(draft: Draft) -> Self {
        let page = Page { contents: vec![draft.content], ..draft.page };
        Self { page, order: draft.order, opens: draft.opens, rows: vec![draft.at] }
    }

    /// The first row that says something about the page counts.
    fn add(&mut self, draft: Draft) {
        let (page, more) = (&mut self.page, draft.page);
        page.contents.push(draft.content);
        if page.label.is_empty() {
            page.label = more.label;
        }
        for pair in more.metadata {
            if !page.metadata.iter().any(|known| known.label == pair.label) {
                page.metadata.push(pair);
            }
        }
        if page.behavior.is_empty() {
            page.behavior = more.behavior;
        }
        page.width = page.width.or(more.width);
        page.height = page.height.or(more.height);
        page.duration = page.duration.or(more.duration);
        page.nav_date = page.nav_date.take().or(more.nav_date);
        page.access = page.access.take().or(more.access);
        for text in more.texts {
            if !page.texts.contains(&text) {
                page.texts.push(text);
            }
        }
        self.order = self.order.or(draft.order);
        self.opens.extend(draft.opens);
        self.rows.push(draft.at);
    }

    fn check(&mut self, report: &mut Report) {
        let several = self.page.contents.len() > 1;
        let canvas = self.page.canvas.clone().unwrap_or_default();
        for (content, at) in self.page.contents.iter_mut().zip(&self.rows) {
            if let (Some(region), Some(width), Some(height)) = (content.region, self.page.width, self.page.height)
                && outside(region, width, height)
            {
                let message = format!("the region goes beyond the canvas of {width} × {height}, and was left out");
                report.warning(At::line(at.line), "region-outside", message, "make it smaller, or the canvas larger");
                content.region = None;
            }
        }
        let alternatives = self.page.contents.iter().filter(|content| !content.choice.is_empty()).count();
        for (content, at) in self.page.contents.iter().zip(&self.rows).filter(|_| several) {
            if content.choice.is_empty() && content.region.is_none() {
                let message = format!(
                    "several files are on the canvas `{}`, and this one has neither choice nor region",
                    shown(&canvas)
                );
                let fix = "name it in `choice` if it is an alternative, or place it by `region`";
                // The first layer of a composed canvas may fill it.
                if alternatives > 0 || self.rows.first() != Some(at) {
                    report.warning(At::line(at.line), "unclear-content", message, fix);
                }
            }
        }
    }
}

fn outside(region: Region, width: u32, height: u32) -> bool {
    let ends = |start: u32, length: u32, most: u32| u64::from(start) + u64::from(length) > u64::from(most);
    ends(region.x, region.w, width) || ends(region.y, region.h, height)
}

/// By number; a page without one stays behind the page before it.
fn sort(pages: &mut [Joined], report: &mut Report) {
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let mut last = f64::NEG_INFINITY;
    let mut keys = Vec::with_capacity(pages.len());
    for page in pages.iter() {
        if let Some((number, at)) = page.order {
            last = number;
            // Files of one pattern share their row.
            let first = *seen.entry(number.to_bits()).or_insert(at.line);
            if first != at.line {
                let message =
                    format!("row {first} has the order {number} too; the rows stay as they follow each other");
                report.warning(at, "order-twice", message, "give each page its own number");
            }
        }
        keys.push(last);
    }
    if pages.iter().all(|page| page.order.is_none()) {
        return;
    }
    let mut places: Vec<usize> = (0..pages.len()).collect();
    places.sort_by(|left, right| keys[*left].total_cmp(&keys[*right]));
    let mut rank = vec![0; pages.len()];
    for (position, place) in places.into_iter().enumerate() {
        rank[place] = position;
    }
    let mut place = 0;
    // Moves each page to its rank in place, one step of a cycle at a time.
    while place < pages.len() {
        if rank[place] == place {
            place += 1;
        } else {
            let target = rank[place];
            pages.swap(place, target);
            rank.swap(place, target);
        }
    }
}
