//! Text tables: cells between separators and quotes (RFC 4180), and cells that a spreadsheet would run.

/// Rows with the line in which each begins, counted from 1.
pub(super) struct Rows<'t> {
    rest: &'t str,
    separator: char,
    line: u64,
}

/// More cells of a row are left out.
const MOST_COLUMNS: usize = 200;

impl<'t> Rows<'t> {
    /// The separator is the one that the first line has most of: comma, semicolon or tab.
    pub(super) fn new(text: &'t str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let first = text.lines().next().unwrap_or_default();
        let separator = [',', ';', '\t'].into_iter().rev().max_by_key(|separator| first.matches(*separator).count());
        Self { rest: text, separator: separator.unwrap_or(','), line: 1 }
    }
}

impl Iterator for Rows<'_> {
    type Item = (u64, Vec<String>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let begun = self.line;
        let mut row = Vec::new();
        let mut cell = String::new();
        let mut is_quoted = false;
        let mut characters = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' if is_quoted && characters.peek().is_some_and(|(_, next)| *next == '"') => {
                    cell.push('"');
                    characters.next();
                }
                '"' if is_quoted => is_quoted = false,
                '"' if cell.is_empty() => is_quoted = true,
                '\r' if !is_quoted && characters.peek().is_some_and(|(_, next)| *next == '\n') => {}
                '\n' if !is_quoted => {
                    end = at + 1;
                    self.line += 1;
                    break;
                }
                c if c == self.separator && !is_quoted => {
                    let full = std::mem::take(&mut cell);
                    if row.len() < MOST_COLUMNS {
                        row.push(unguarded(&full).to_owned());
                    }
                }
                c => {
                    self.line += u64::from(c == '\n');
                    cell.push(c);
                }
            }
        }
        row.push(unguarded(&cell).to_owned());
        self.rest = &self.rest[end..];
        Some((begun, row))
    }
}

/// A row with its end.
pub(super) fn write_row<'c>(cells: impl IntoIterator<Item = &'c str>, out: &mut String) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let guard = if would_run(cell) { "'" } else { "" };
        if cell.contains([',', ';', '\t', '"', '\n', '\r']) || cell.trim() != cell {
            out.push_str(&format!("\"{guard}{}\"", cell.replace('"', "\"\"")));
        } else {
            out.push_str(guard);
            out.push_str(cell);
        }
    }
    out.push_str("\r\n");
}

/// The cell without the mark that it was given because a spreadsheet would run it.
fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| would_run(rest)).unwrap_or(cell)
}

/// True for what a spreadsheet takes for a formula. A `'` in front makes it text; whether there is one already does not count, so that
/// taking one away brings back what was written.
fn would_run(cell: &str) -> bool {
    let text = cell.trim_start_matches(|c: char| c == '\'' || c.is_whitespace() || c.is_control());
    text.starts_with(['=', '+', '@', '-', '＝', '＋', '＠', '－']) && text.parse::<f64>().is_err() && text != "-"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_written(rows in prop::collection::vec(
            prop::collection::vec("['\"=+@\\-, ;\n\rab1|\t]{0,8}", 2..5), 1..5,
        )) {
            // The header decides on the separator.
            let mut text = "a,b\r\n".to_owned();
            for row in &rows {
                write_row(row.iter().map(String::as_str), &mut text);
            }
            let read: Vec<Vec<String>> = Rows::new(&text).skip(1).map(|(_, row)| row).collect();
            prop_assert_eq!(read, rows);
        }
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_marked_as_text() {
        for (cell, want) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "-2"),
            ("-", "-"),
            ("+49 30 1", "'+49 30 1"),
            ("'=x", "''=x"),
            ("'t Hart", "'t Hart"),
            (" =x", "\"' =x\""),
            ("=HYPERLINK(\"http://a\",\"b\")", "\"'=HYPERLINK(\"\"http://a\"\",\"\"b\"\")\""),
        ] {
            let mut out = String::new();
            write_row([cell], &mut out);
            assert_eq!(out, format!("{want}\r\n"), "{cell}");
        }
    }

    #[test]
    fn lines_are_counted_within_cells_too() {
        let rows: Vec<_> = Rows::new("a;b\n1;\"x\ny\"\n2;z").collect();
        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(rows, [(1, cells(["a", "b"])), (2, cells(["1", "x\ny"])), (4, cells(["2", "z"]))]);
    }
}
