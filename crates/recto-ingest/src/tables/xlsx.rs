//! Workbooks of Excel and what writes like it. Cells become the text that a person sees: `1890`, `1890-05-03`.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx};

use super::{Limit, MOST_CELL_BYTES, MOST_CELLS, MOST_COLUMNS, MOST_ROWS, Table};
use crate::words::{At, Report, shown};

/// Most bytes that a workbook may hold once it is unpacked.
const MOST_UNPACKED: u64 = 256 << 20;
/// Most bytes of the list of texts, which is held in memory as a whole.
const MOST_TEXTS: u64 = 64 << 20;
/// Most files in a workbook.
const MOST_FILES: usize = 10_000;
/// Most sheets that are read.
const MOST_SHEETS: usize = 100;

pub(super) fn read(bytes: &[u8], report: &mut Report) -> Vec<Table> {
    if let Err(reason) = weigh(bytes) {
        let (rule, fix) = match reason {
            Unusable::Large => ("table-too-large", "divide it into several, or save it as `CSV UTF-8`"),
            Unusable::OpenDocument => ("other-workbook", "save it as XLSX or as CSV"),
            Unusable::Broken(_) => ("broken-workbook", "open it in the spreadsheet program and save it anew"),
        };
        report.error(At::FILE, rule, reason.to_string(), fix);
        return Vec::new();
    }
    match sheets(bytes, report) {
        Ok(tables) => tables,
        Err(error) => {
            let message = format!("the workbook cannot be read ({})", shown(&error.to_string()));
            report.error(At::FILE, "broken-workbook", message, "open it in the spreadsheet program and save it anew");
            Vec::new()
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("the workbook is more than {} MB when unpacked", MOST_UNPACKED >> 20)]
    Large,
    #[error("this is a workbook of the OpenDocument format")]
    OpenDocument,
    #[error("the workbook cannot be unpacked ({0})")]
    Broken(String),
}

/// Unpacks everything once without keeping it: sizes that the file claims are not to be trusted.
fn weigh(bytes: &[u8]) -> Result<(), Unusable> {
    let broken = |error: &dyn std::fmt::Display| Unusable::Broken(shown(&error.to_string()));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    if archive.len() > MOST_FILES {
        return Err(Unusable::Large);
    }
    if archive.file_names().flatten().any(|name| name == "content.xml") {
        return Err(Unusable::OpenDocument);
    }
    let mut total = 0;
    for place in 0..archive.len() {
        let file = archive.by_index(place).map_err(|error| broken(&error))?;
        let is_texts = file.name().is_ok_and(|name| name.ends_with("sharedStrings.xml"));
        let most = if is_texts { MOST_TEXTS } else { MOST_UNPACKED };
        let unpacked = std::io::copy(&mut file.take(most + 1), &mut std::io::sink()).map_err(|error| broken(&error))?;
        total += unpacked;
        if unpacked > most || total > MOST_UNPACKED {
            return Err(Unusable::Large);
        }
    }
    Ok(())
}

fn sheets(bytes: &[u8], report: &mut Report) -> Result<Vec<Table>, calamine::XlsxError> {
    let mut workbook = Xlsx::new(Cursor::new(bytes))?;
    let names: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .take(MOST_SHEETS)
        .collect();
    let mut tables = Vec::new();
    for name in names {
        report.sheet(Some(&name));
        match rows(&mut workbook, &name, report) {
            Ok(rows) => tables.extend(super::table(Some(&name), rows, report)),
            Err(error) => {
                let message = format!("the sheet cannot be read ({})", shown(&error.to_string()));
                report.error(
                    At::FILE,
                    "broken-workbook",
                    message,
                    "open it in the spreadsheet program and save it anew",
                );
            }
        }
        report.sheet(None);
    }
    Ok(tables)
}

/// The cells are read one by one: a single cell in the last corner of a sheet must not make room for all before it.
fn rows(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    report: &mut Report,
) -> Result<Vec<(u32, Vec<String>)>, calamine::XlsxError> {
    let mut reader = workbook.worksheet_cells_reader(name)?;
    let mut rows: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut limit = Limit::default();
    let mut cells = 0_usize;
    loop {
        let cell = match reader.next_cell() {
            Ok(Some(cell)) => cell,
            Ok(None) => break,
            Err(error) => {
                // What was read before the damage is good.
                let row = rows.last_key_value().map_or(0, |(row, _)| *row);
                let message = format!("the sheet is broken after this row ({})", shown(&error.to_string()));
                report.error(
                    At::line(row),
                    "broken-workbook",
                    message,
                    "open it in the spreadsheet program and save it anew",
                );
                break;
            }
        };
        let (row, column) = cell.get_position();
        let (row, column) = (row.saturating_add(1), column as usize);
        let Some(mut text) = text(cell.get_value(), At::new(row, column as u32 + 1), report) else { continue };
        if column >= MOST_COLUMNS {
            limit.columns.get_or_insert(row);
            continue;
        }
        if super::cut(&mut text, MOST_CELL_BYTES) {
            limit.cell.get_or_insert(row);
        }
        let line = rows.entry(row).or_default();
        let missing = (column + 1).saturating_sub(line.len());
        cells += missing;
        if rows.len() > MOST_ROWS || cells > MOST_CELLS {
            rows.remove(&row);
            limit.rows = Some(row);
            break;
        }
        if let Some(line) = rows.get_mut(&row) {
            line.resize(line.len() + missing, String::new());
            line[column] = text;
        }
    }
    limit.report(report);
    Ok(rows.into_iter().collect())
}

/// What a person sees in the cell; `None` where it is blank.
fn text(value: &DataRef<'_>, at: At, report: &mut Report) -> Option<String> {
    let text = match value {
        DataRef::Empty => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(date) => date_text(date),
        DataRef::Error(error) => {
            let message = format!("the formula in this cell gives `{error}`");
            report.warning(at, "formula-error", message, "put the formula right, or write the value");
            return None;
        }
    };
    (!super::trimmed(&text).is_empty()).then_some(text)
}

/// At most 15 digits, as spreadsheets show: `0.3` and not `0.30000000000000004`.
fn number_text(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    if rounded == 0.0 { "0".to_owned() } else { format!("{rounded}") }
}

/// A date as ISO 8601 writes it, without a time where there is none; a time alone or a duration as hours.
fn date_text(date: &ExcelDateTime) -> String {
    let number = date.as_f64();
    if date.is_duration() || (0.0..1.0).contains(&number) {
        let seconds = (number * 86_400.0).round() as i64;
        let (sign, seconds) = (if seconds < 0 { "-" } else { "" }, seconds.unsigned_abs());
        return format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    // The last day of Excel is 9999-12-31; what lies outside is no date.
    if !(0.0..2_958_466.0).contains(&number) {
        return number_text(number);
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    if number.fract() == 0.0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// A workbook of one sheet in which every cell is text, so that no spreadsheet makes dates of signatures.
pub(super) fn write(sheet: &str, rows: &[Vec<String>]) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    // The same table gives the same bytes.
    let created = rust_xlsxwriter::ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&created));
    let bold = rust_xlsxwriter::Format::new().set_bold();
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(sheet)?;
    worksheet.set_freeze_panes(1, 0)?;
    for (row, cells) in (0_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            if row == 0 {
                worksheet.write_string_with_format(row, column, cell, &bold)?;
            } else {
                worksheet.write_string(row, column, cell)?;
            }
        }
    }
    workbook.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

    use super::*;

    fn book(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
        let mut workbook = Workbook::new();
        fill(&mut workbook);
        workbook.save_to_buffer().unwrap()
    }

    fn tables(bytes: &[u8]) -> (Vec<Table>, Vec<String>) {
        let (tables, findings) = super::super::read(bytes, "t.xlsx");
        (tables, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn cells_are_what_people_see() {
        let bytes = book(|workbook| {
            let day = Format::new().set_num_format("dd.mm.yyyy");
            let moment = Format::new().set_num_format("yyyy-mm-dd hh:mm");
            let clock = Format::new().set_num_format("[h]:mm:ss");
            let sheet = workbook.add_worksheet();
            for (column, name) in (0..).zip(["a", "b", "c", "d", "e", "f", "g", "h"]) {
                sheet.write_string(0, column, name).unwrap();
            }
            sheet.write_number(2, 0, 1890.0).unwrap();
            sheet.write_number(2, 1, 0.1 + 0.2).unwrap();
            sheet.write_datetime_with_format(2, 2, ExcelDateTime::from_ymd(1990, 5, 3).unwrap(), &day).unwrap();
            let date = ExcelDateTime::from_ymd(1990, 5, 3).unwrap().and_hms(10, 20, 30).unwrap();
            sheet.write_datetime_with_format(2, 3, date, &moment).unwrap();
            sheet.write_number_with_format(2, 4, 1.5, &clock).unwrap();
            sheet.write_boolean(2, 5, true).unwrap();
            sheet.write_formula(2, 6, Formula::new("=1+1").set_result("2")).unwrap();
            sheet.write_string(2, 7, "two\nlines").unwrap();
        });
        let (tables, findings) = tables(&bytes);
        assert_eq!(tables[0].sheet.as_deref(), Some("Sheet1"));
        assert_eq!(tables[0].rows[0].number, 3);
        assert_eq!(
            tables[0].rows[0].cells,
            ["1890", "0.3", "1990-05-03", "1990-05-03T10:20:30", "36:00:00", "true", "2", "two\nlines"]
        );
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[test]
    fn visible_sheets_with_content_are_tables() {
        let bytes = book(|workbook| {
            workbook.add_worksheet().set_name("Objekte").unwrap().write_string(1, 1, "folder").unwrap();
            workbook.add_worksheet().set_name("leer").unwrap();
            workbook.add_worksheet().set_name("Notizen").unwrap().set_hidden(true).write_string(0, 0, "x").unwrap();
            workbook.add_worksheet().set_name("Seiten").unwrap().write_string(0, 0, "file").unwrap();
        });
        let (tables, findings) = tables(&bytes);
        let names: Vec<_> = tables.iter().map(|table| (table.sheet.as_deref(), table.header_row)).collect();
        assert_eq!(names, [(Some("Objekte"), 2), (Some("Seiten"), 1)]);
        assert_eq!(tables[0].header, ["", "folder"]);
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[test]
    fn a_cell_in_the_last_corner_takes_no_room() {
        let bytes = book(|workbook| {
            let sheet = workbook.add_worksheet();
            sheet.write_string(0, 0, "file").unwrap();
            sheet.write_string(1_048_575, 0, "a.tif").unwrap();
            sheet.write_string(1_048_575, 16_383, "far").unwrap();
        });
        let (tables, findings) = tables(&bytes);
        assert_eq!(tables[0].rows, [super::super::Row { number: 1_048_576, cells: vec!["a.tif".into()] }]);
        assert_eq!(
            findings,
            ["error[table-too-large] t.xlsx:1048576: sheet `Sheet1`: row 1048576 has more than 1000 columns; \
              the rest was left out; look whether the file is a table"]
        );
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_held() {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("xl/sharedStrings.xml", zip::write::SimpleFileOptions::default()).unwrap();
        let zeros = vec![b' '; 1 << 20];
        for _ in 0..=MOST_TEXTS >> 20 {
            std::io::Write::write_all(&mut archive, &zeros).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        assert!(bytes.len() < 1 << 20);
        let (tables, findings) = tables(&bytes);
        assert!(tables.is_empty());
        assert_eq!(
            findings,
            ["error[table-too-large] t.xlsx: the workbook is more than 256 MB when unpacked; \
              divide it into several, or save it as `CSV UTF-8`"]
        );
    }

    #[test]
    fn a_workbook_that_was_cut_or_changed_never_ends_the_program() {
        let rows = vec![vec!["file".to_owned(), "label".to_owned()], vec!["a.tif".to_owned(), "A".to_owned()]];
        let whole = write("pages", &rows).unwrap();
        assert_eq!(tables(&whole).0[0].rows[0].cells, ["a.tif", "A"]);
        for length in (0..whole.len()).step_by(97) {
            tables(&whole[..length]);
        }
        for place in (0..whole.len()).step_by(53) {
            let mut changed = whole.clone();
            changed[place] ^= 0x55;
            tables(&changed);
        }
    }
}
