//! The text of all pages as one plain text.

use std::io::Write;

use crate::DownloadError;

/// Writes the text of pages under their headings, as UTF-8 with line feeds.
#[derive(Debug)]
pub struct TextWriter<W> {
    out: W,
    has_content: bool,
}

impl<W: Write> TextWriter<W> {
    /// Begins with the name of the object, where it is not empty.
    pub fn new(mut out: W, title: &str) -> Result<Self, DownloadError> {
        let title = one_line(title);
        if !title.is_empty() {
            writeln!(out, "{title}")?;
        }
        Ok(Self { out, has_content: !title.is_empty() })
    }

    /// Writes the text of a page. A page without text has its heading alone, so that pages can be counted.
    pub fn page(&mut self, label: &str, text: &str) -> Result<(), DownloadError> {
        if self.has_content {
            self.out.write_all(b"\n")?;
        }
        self.has_content = true;
        writeln!(self.out, "[{}]", one_line(label))?;
        // Lines end in line feeds alone, whatever they ended in before; form feeds are the ends of pages of others.
        let text = text.replace("\r\n", "\n");
        // One empty line stands for any number of them, and one is behind the heading.
        let mut is_behind_empty = true;
        for line in text.split(['\n', '\r', '\u{c}', '\u{2028}', '\u{2029}']).map(str::trim_end) {
            if line.is_empty() {
                is_behind_empty = true;
                continue;
            }
            if std::mem::take(&mut is_behind_empty) {
                self.out.write_all(b"\n")?;
            }
            let line: String = line.chars().filter(|character| *character == '\t' || !character.is_control()).collect();
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// Hands on all that was written.
    pub fn finish(mut self) -> Result<W, DownloadError> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Writes the texts of an object's pages: label and text of each, in order.
pub fn write_text<W: Write, L: AsRef<str>, T: AsRef<str>>(
    out: W,
    title: &str,
    pages: impl IntoIterator<Item = (L, T)>,
) -> Result<W, DownloadError> {
    let mut writer = TextWriter::new(out, title)?;
    for (label, text) in pages {
        writer.page(label.as_ref(), text.as_ref())?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_headings_and_lines_end_alike() {
        let pages = [("f. 1r", "first\r\nsecond\r\n\r\n\r\nthird  \n"), ("f.\n1v", ""), ("٣", "نص\u{0}\u{c}")];
        let bytes = write_text(Vec::new(), "A  title", pages).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "A title\n\n[f. 1r]\n\nfirst\nsecond\n\nthird\n\n[f. 1v]\n\n[٣]\n\nنص\n"
        );
        assert_eq!(write_text(Vec::new(), "", [("1", "x")]).unwrap(), b"[1]\n\nx\n");
    }
}
