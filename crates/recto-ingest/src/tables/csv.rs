//! Text tables: which character separates the cells, and the cells.

use super::{Limit, MOST_CELL_BYTES, MOST_CELLS, MOST_COLUMNS, MOST_ROWS};
use crate::words::{At, Report};

/// Rows with their numbers as a spreadsheet counts them; blank ones are left out.
pub(super) fn read(text: &str, name: &str, report: &mut Report) -> Vec<(u32, Vec<String>)> {
    let (said, text) = said_separator(text);
    let separator = said.unwrap_or_else(|| detect(text, name));
    let mut rows = Vec::new();
    let mut cells = 0_usize;
    let mut limit = Limit::default();
    let mut records = Records::new(text, separator);
    let mut number = 0_u32;
    while let Some(mut record) = records.next() {
        number = number.saturating_add(1);
        if std::mem::take(&mut records.unclosed) {
            report.warning(
                At::line(number),
                "unclosed-quote",
                "a quotation mark is opened and never closed, so it was read as a letter",
                "close it, or double it where it belongs to the text",
            );
        }
        if record.len() > MOST_COLUMNS {
            record.truncate(MOST_COLUMNS);
            limit.columns.get_or_insert(number);
        }
        while record.last().is_some_and(|cell| cell.trim().is_empty()) {
            record.pop();
        }
        if record.is_empty() {
            continue;
        }
        cells += record.len();
        if rows.len() >= MOST_ROWS || cells > MOST_CELLS {
            limit.rows = Some(number);
            break;
        }
        for cell in &mut record {
            if super::cut(cell, MOST_CELL_BYTES) {
                limit.cell.get_or_insert(number);
            }
            if cell.starts_with('\'') {
                *cell = super::values::unguarded(cell).to_owned();
            }
        }
        rows.push((number, record));
    }
    limit.report(report);
    rows
}

/// The separator that Excel writes into a first line `sep=;`, and the text after that line, which Excel does not show.
fn said_separator(text: &str) -> (Option<char>, &str) {
    let Some(rest) = text.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).and(text.get(4..)) else {
        return (None, text);
    };
    let mut characters = rest.chars();
    let Some(separator) = characters.next().filter(|character| !matches!(character, '\r' | '\n' | '"')) else {
        return (None, text);
    };
    let rest = characters.as_str();
    let line_end = ["\r\n", "\n", "\r"].into_iter().find_map(|end| rest.strip_prefix(end));
    line_end.map_or((None, text), |rest| (Some(separator), rest))
}

/// The separator with which the first rows have most often as many cells as the header.
fn detect(text: &str, name: &str) -> char {
    let tab_first = [',', ';', '\t', '|'];
    let is_tsv = name.rsplit_once('.').is_some_and(|(_, end)| matches!(&*end.to_ascii_lowercase(), "tsv" | "tab"));
    let mut best = (0_usize, if is_tsv { '\t' } else { ',' });
    for separator in tab_first {
        let mut records = Records::new(text, separator);
        let filled = records.by_ref().filter(|record| record.iter().any(|cell| !cell.is_empty()));
        let cells: Vec<usize> = filled.take(21).map(|record| record.len()).collect();
        let Some((header, rows)) = cells.split_first().filter(|(header, _)| **header > 1) else { continue };
        let alike = rows.iter().filter(|cells| *cells == header).count();
        // Where there is nothing but a header, nothing agrees with it either: that may be cells that swallowed the rows.
        let agreement = if rows.is_empty() { 500 } else { 1000 * (alike + 1) / (rows.len() + 1) };
        // A header of many cells counts a little; rows that agree with it count most, unless quotation marks say that they do not.
        let score = 1
            + (*header).min(50)
            + if records.unclosed { agreement / 2 } else { agreement }
            + if is_tsv && separator == '\t' { 500 } else { 0 };
        if score > best.0 {
            best = (score, separator);
        }
    }
    best.1
}

/// The records of a text, with quoted cells of several lines.
struct Records<'a> {
    text: &'a str,
    at: usize,
    separator: char,
    /// How many more opened and never closed quotation marks are looked behind for; then all are letters.
    patience: u32,
    /// Set when such a mark was met.
    unclosed: bool,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, separator: char) -> Self {
        Self { text, at: 0, separator, patience: 3, unclosed: false }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// One cell, and whether it ends its record.
    fn cell(&mut self) -> (String, bool) {
        let rest = self.rest();
        let quoted = rest.trim_start_matches([' ', '\u{a0}']);
        // Spaces before a quotation mark are no part of the cell.
        if self.patience > 0
            && let Some(inside) = quoted.strip_prefix('"')
        {
            let start = self.at + (rest.len() - inside.len());
            if let Some(cell) = self.quoted(start) {
                return cell;
            }
            self.patience -= 1;
            self.unclosed = true;
        }
        self.plain(String::new())
    }

    fn quoted(&mut self, start: usize) -> Option<(String, bool)> {
        let mut cell = String::new();
        let mut at = start;
        loop {
            let inside = self.text.get(at..)?;
            let end = inside.find('"')?;
            cell.push_str(&inside[..end]);
            at += end + 1;
            if !self.text.get(at..)?.starts_with('"') {
                break;
            }
            cell.push('"');
            at += 1;
        }
        self.at = at;
        Some(self.plain(cell))
    }

    /// The rest of a cell, up to the separator or the end of the line.
    fn plain(&mut self, mut cell: String) -> (String, bool) {
        let rest = self.rest();
        let separator = self.separator;
        let end = rest.find([separator, '\n', '\r']).unwrap_or(rest.len());
        cell.push_str(&rest[..end]);
        let after = &rest[end..];
        self.at += end;
        let last = if let Some(after) = after.strip_prefix(separator) {
            self.at = self.text.len() - after.len();
            false
        } else {
            self.at += if after.starts_with("\r\n") { 2 } else { usize::from(!after.is_empty()) };
            true
        };
        (cell, last)
    }
}

impl Iterator for Records<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        if self.rest().is_empty() {
            return None;
        }
        let mut record = Vec::new();
        loop {
            let (cell, last) = self.cell();
            // One more than is allowed is kept, so that the surplus is noticed.
            if record.len() <= MOST_COLUMNS {
                record.push(cell);
            }
            if last {
                return Some(record);
            }
        }
    }
}

/// A table as CSV that every spreadsheet opens with the right letters: UTF-8 with a mark, commas, CRLF.
pub(super) fn write(rows: &[Vec<String>]) -> Vec<u8> {
    let mut text = String::from("\u{feff}");
    for row in rows {
        for (place, cell) in row.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            let cell = super::values::guarded(cell.clone());
            if cell.contains(['"', ',', ';', '\t', '\n', '\r', '|']) || cell.starts_with(' ') || cell.ends_with(' ') {
                text.push('"');
                text.push_str(&cell.replace('"', "\"\""));
                text.push('"');
            } else {
                text.push_str(&cell);
            }
        }
        text.push_str("\r\n");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> (Vec<(u32, Vec<String>)>, Vec<String>) {
        let mut report = Report::new("t.csv");
        let rows = read(text, "t.csv", &mut report);
        (rows, report.into_list().iter().map(ToString::to_string).collect())
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        rows(text).0.into_iter().map(|(_, cells)| cells).collect()
    }

    #[test]
    fn separators_are_found_by_the_header_and_the_rows_that_agree() {
        for (text, separator) in [
            ("a,b\n1,2\n", ','),
            ("a;b\n1,5;2,5\n", ';'),
            ("a\tb\n1,2,3\t4\n", '\t'),
            ("a|b\n1|2\n", '|'),
            ("a,b\nx|y|z,2\n", ','),
            ("file;label[de]\n\"1;2\";x\n", ';'),
            ("one\ntwo\n", ','),
            ("sep=|\na,b|c\n", '|'),
            ("", ','),
            // With `|`, a cell of the header begins with a quotation mark, and goes on to one in the row.
            ("folder,\"a|b|\",link,language\n\"ms 0, \"\"x\"\"\",\"a\"\"|@||\",\"x:|||y\",de\n", ','),
        ] {
            let found = said_separator(text).0.unwrap_or_else(|| detect(text, "t.csv"));
            assert_eq!(found, separator, "{text}");
        }
    }

    #[test]
    fn cells_are_read_as_spreadsheets_write_them() {
        for (text, want) in [
            ("a,b\r\n1,2\r\n", &[&["a", "b"][..], &["1", "2"]][..]),
            ("a,b\r1,2\r", &[&["a", "b"], &["1", "2"]]),
            ("a,b\n1,2", &[&["a", "b"], &["1", "2"]]),
            ("a,b\n\"1\n2\",\"say \"\"yes\"\"\"\n", &[&["a", "b"], &["1\n2", "say \"yes\""]]),
            ("a,b\n 1 , \"2\"\n", &[&["a", "b"], &[" 1 ", "2"]]),
            ("a,b\n1\n1,2,3\n", &[&["a", "b"], &["1"], &["1", "2", "3"]]),
            ("a,b\n,2\n", &[&["a", "b"], &["", "2"]]),
            ("a,b\n5\" disk,\"x\"y\n", &[&["a", "b"], &["5\" disk", "xy"]]),
            ("sep=;\r\na;b\r\n", &[&["a", "b"]]),
        ] {
            assert_eq!(cells(text), want, "{text}");
        }
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_counts_them() {
        let (rows, findings) = rows("sep=,\na,b\n\n,,\n\"x\ny\",1\nz,2\n");
        assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 4, 5]);
        assert!(findings.is_empty());
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_costs_no_other_row() {
        let (rows, findings) = rows("a,b\n\"Faust,1\nx,2\n");
        assert_eq!(rows[1].1, ["\"Faust", "1"]);
        assert_eq!(rows[2].1, ["x", "2"]);
        assert_eq!(
            findings,
            [
                "warning[unclosed-quote] t.csv:2: a quotation mark is opened and never closed, so it was read as a letter; \
              close it, or double it where it belongs to the text"
            ]
        );
    }

    #[test]
    fn too_many_columns_are_cut_with_a_finding() {
        let (rows, findings) = rows(&format!("a,b\n{}\n", "x,".repeat(MOST_COLUMNS + 5)));
        assert_eq!(rows[1].1.len(), MOST_COLUMNS);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("error[table-too-large] t.csv:2: "), "{}", findings[0]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            table in proptest::collection::vec(proptest::collection::vec("[a-c\",;|\n\r äß\t]{0,6}x", 2..5), 2..6),
        ) {
            let bytes = write(&table);
            let text = std::str::from_utf8(&bytes).unwrap().trim_start_matches('\u{feff}');
            let read: Vec<Vec<String>> = Records::new(text, ',').collect();
            prop_assert_eq!(read, table);
        }

        #[test]
        fn any_text_is_a_table(text in "[a\",;|\n\r\t=sep]{0,60}|\\PC{0,60}") {
            rows(&text);
        }
    }
}
