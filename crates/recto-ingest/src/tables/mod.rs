//! Tables of every kind that spreadsheets write, and what they say about objects and pages.
//!
//! [`read`] gives sheets of text cells; [`read_objects`] and [`read_pages`] give what they mean; [`export_objects`] and
//! [`export_pages`] write the same columns again.

mod columns;
mod csv;
mod dublin_core;
pub(crate) mod encoding;
mod export;
mod header;
mod listing;
mod member_rows;
mod objects;
mod pages;
mod ranges;
mod values;
mod xlsx;

pub use export::{ExportError, export_objects, export_objects_xlsx, export_pages, export_pages_xlsx};
pub use listing::Listing;
pub(crate) use member_rows::{RowView, member_rows};
pub use objects::{NamedBy, ObjectRow, read_objects};
pub use pages::read_pages;
pub(crate) use ranges::MOST_DEPTH;
pub(crate) use values::{number, region};

use crate::Finding;
use crate::words::{At, Report};

/// One sheet: its header and its rows, all cells as the text that a person sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The name of the sheet, where a workbook has several with content.
    pub sheet: Option<String>,
    /// The names of the columns, from the sheet's first column.
    pub header: Vec<String>,
    /// The number of the header's row, from 1.
    pub header_row: u32,
    /// The rows below it that are not blank.
    pub rows: Vec<Row>,
}

/// One row of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number as the spreadsheet shows it, from 1.
    pub number: u32,
    /// Its cells from the sheet's first column, which has number 1; blank ones at the end are left out.
    pub cells: Vec<String>,
}

impl Row {
    /// The text of a cell without blanks around it, by its place from 0; empty where there is none.
    pub fn text(&self, place: usize) -> &str {
        self.cells.get(place).map_or("", |cell| trimmed(cell))
    }
}

/// How tables are read.
#[derive(Clone, Debug)]
pub struct TableOptions {
    /// The character that stands between several values in one cell; `\` before it makes it a letter.
    pub value_separator: char,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { value_separator: '|' }
    }
}

/// Most bytes of a table file.
const MOST_BYTES: usize = 64 << 20;
/// Most rows of one sheet.
const MOST_ROWS: usize = 200_000;
/// Most columns of one sheet.
const MOST_COLUMNS: usize = 1_000;
/// Most cells of one sheet.
const MOST_CELLS: usize = 4_000_000;
/// Most bytes of one cell; Excel itself allows 32,767 characters.
const MOST_CELL_BYTES: usize = 128 << 10;

/// The sheets of a file of CSV (with whatever separator and encoding), TSV or XLSX. `name` is its path relative to the
/// library. A file that cannot be read gives no sheet and a finding.
pub fn read(bytes: &[u8], name: &str) -> (Vec<Table>, Vec<Finding>) {
    let mut report = Report::new(name);
    let tables = read_into(bytes, name, &mut report);
    (tables, report.into_list())
}

fn read_into(bytes: &[u8], name: &str, report: &mut Report) -> Vec<Table> {
    if bytes.len() > MOST_BYTES {
        let message = format!("the table has {} MB, more than {} MB", bytes.len() >> 20, MOST_BYTES >> 20);
        report.error(At::FILE, "table-too-large", message, "divide it into several");
        return Vec::new();
    }
    if bytes.starts_with(b"PK") {
        return xlsx::read(bytes, report);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        let fix = "open it in the spreadsheet program and save it as XLSX or `CSV UTF-8`";
        report.error(At::FILE, "old-workbook", "this is a workbook in the old XLS format", fix);
        return Vec::new();
    }
    let text = encoding::decode(bytes, report);
    let rows = csv::read(&text, name, report);
    table(None, rows, report).into_iter().collect()
}

/// The first row is the header; where it comes again, as in sheets made for printing, it is left out.
fn table(sheet: Option<&str>, rows: Vec<(u32, Vec<String>)>, report: &mut Report) -> Option<Table> {
    let mut rows = rows.into_iter();
    let (header_row, header) = rows.next()?;
    let header: Vec<String> = header.iter().map(|cell| trimmed(cell).to_owned()).collect();
    let mut table = Table { sheet: sheet.map(str::to_owned), header, header_row, rows: Vec::new() };
    for (number, cells) in rows {
        let again = cells.len() == table.header.len()
            && cells.iter().zip(&table.header).all(|(cell, name)| trimmed(cell).eq_ignore_ascii_case(name));
        if again {
            let message = format!("row {number} is the header once more and was left out");
            report.note(At::line(number), "header-again", message, "delete it");
            continue;
        }
        if cells.len() > table.header.len() {
            let (have, named) = (cells.len(), table.header.len());
            let message = format!("row {number} has {have} cells, and the header names {named}; the rest was left out");
            let fix = "name the column, or put cells that hold the separator into quotation marks";
            report.warning(At::new(number, named as u32 + 1), "unnamed-cells", message, fix);
        }
        table.rows.push(Row { number, cells });
    }
    Some(table)
}

/// Without blanks around it, also those that do not break and those without width.
fn trimmed(cell: &str) -> &str {
    cell.trim_matches(|character: char| character.is_whitespace() || matches!(character, '\u{feff}' | '\u{200b}'))
}

/// Cuts a text at a whole character. True when something was lost.
fn cut(text: &mut String, most: usize) -> bool {
    let too_long = text.len() > most;
    if too_long {
        text.truncate(text.floor_char_boundary(most));
    }
    too_long
}

/// Where a table was first found larger than it may be.
#[derive(Default)]
struct Limit {
    rows: Option<u32>,
    columns: Option<u32>,
    cell: Option<u32>,
}

impl Limit {
    fn report(&self, report: &mut Report) {
        const RULE: &str = "table-too-large";
        if let Some(row) = self.rows {
            let message =
                format!("the table has more than {MOST_ROWS} rows or {MOST_CELLS} cells; the rest was left out");
            report.error(At::line(row), RULE, message, "divide it into several");
        }
        if let Some(row) = self.columns {
            let message = format!("row {row} has more than {MOST_COLUMNS} columns; the rest was left out");
            report.error(At::line(row), RULE, message, "look whether the file is a table");
        }
        if let Some(row) = self.cell {
            let message = format!("row {row} has a cell of more than {} KB, which was cut", MOST_CELL_BYTES >> 10);
            report.error(At::line(row), RULE, message, "put long texts into files of their own");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(bytes: &[u8]) -> (Vec<Table>, Vec<String>) {
        let (tables, findings) = read(bytes, "t.csv");
        (tables, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn blank_rows_and_headers_that_come_again_are_no_rows() {
        let (tables, findings) = messages(b"\n,\nfile,label\na.tif,A\n\nFile,Label\nb.tif,B,surplus\n");
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].header, ["file", "label"]);
        assert_eq!(tables[0].header_row, 3);
        let rows: Vec<(u32, &str)> = tables[0].rows.iter().map(|row| (row.number, row.text(0))).collect();
        assert_eq!(rows, [(4, "a.tif"), (7, "b.tif")]);
        assert_eq!(
            findings,
            [
                "note[header-again] t.csv:6: row 6 is the header once more and was left out; delete it",
                "warning[unnamed-cells] t.csv:7:3: row 7 has 3 cells, and the header names 2; the rest was left out; \
                 name the column, or put cells that hold the separator into quotation marks",
            ]
        );
    }

    #[test]
    fn what_is_no_table_has_a_finding_or_is_empty() {
        assert_eq!(messages(b""), (vec![], vec![]));
        let (tables, findings) = messages(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1]);
        assert!(tables.is_empty());
        assert!(findings[0].starts_with("error[old-workbook] t.csv: "), "{findings:?}");
        let (tables, findings) = messages(b"PK\x03\x04 and no more");
        assert!(tables.is_empty());
        assert!(findings[0].starts_with("error[broken-workbook] t.csv: "), "{findings:?}");
    }
}
