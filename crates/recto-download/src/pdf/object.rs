//! Numbered objects, one after the other, and the table of where they lie: PDF 1.7 (ISO 32000-1) §7.3 and §7.5.

use std::fmt::Write as _;
use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha2::{Digest as _, Sha256};

use crate::DownloadError;

/// The number of an object; written as a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(u32);

impl Id {
    /// The name of a font in the resources of pages.
    pub(crate) fn font_name(self) -> String {
        format!("T{}", self.0)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} 0 R", self.0)
    }
}

/// Most objects that readers are known to take: Annex C of PDF 1.7.
const MOST_OBJECTS: u32 = 8_388_607;
/// The classic table has ten digits for an offset.
const MOST_CLASSIC_OFFSET: u64 = 9_999_999_999;

/// Writes objects and remembers their offsets: eight bytes each.
#[derive(Debug)]
pub(crate) struct Objects<W> {
    out: W,
    at: u64,
    /// 0 for an object that was not written: the header stands there.
    offsets: Vec<u64>,
}

impl<W: Write> Objects<W> {
    pub(crate) fn new(out: W) -> io::Result<Self> {
        let mut objects = Self { out, at: 0, offsets: Vec::new() };
        // The comment has bytes over 127, which tells transports that the file is no text.
        objects.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")?;
        Ok(objects)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The number of an object that is written later.
    pub(crate) fn reserve(&mut self) -> Result<Id, DownloadError> {
        let number = self.offsets.len() as u32 + 1;
        if number > MOST_OBJECTS {
            return Err(DownloadError::TooLarge { what: "objects", limit: MOST_OBJECTS.into() });
        }
        self.offsets.push(0);
        Ok(Id(number))
    }

    fn begin(&mut self, id: Id) -> io::Result<()> {
        if let Some(offset) = self.offsets.get_mut(id.0 as usize - 1) {
            *offset = self.at;
        }
        self.write(format!("{} 0 obj\n", id.0).as_bytes())
    }

    pub(crate) fn object(&mut self, id: Id, body: &str) -> io::Result<()> {
        self.begin(id)?;
        self.write(body.as_bytes())?;
        self.write(b"\nendobj\n")
    }

    pub(crate) fn add(&mut self, body: &str) -> Result<Id, DownloadError> {
        let id = self.reserve()?;
        self.object(id, body)?;
        Ok(id)
    }

    /// A stream of bytes as they are; `entries` go into its dictionary.
    pub(crate) fn stream(&mut self, id: Id, entries: &str, parts: &[&[u8]]) -> io::Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.begin(id)?;
        self.write(format!("<<{entries}/Length {length}>>\nstream\n").as_bytes())?;
        for part in parts {
            self.write(part)?;
        }
        self.write(b"\nendstream\nendobj\n")
    }

    /// A stream of bytes that are deflated.
    pub(crate) fn deflated(&mut self, id: Id, entries: &str, data: &[u8]) -> io::Result<()> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data)?;
        self.stream(id, &format!("{entries}/Filter/FlateDecode"), &[&encoder.finish()?])
    }

    /// A stream that is read and deflated as it is written: its length is an object behind it. `Err` of the inner result is a
    /// failure of `data`; the rest is then zeros, so that the file stays whole.
    pub(crate) fn deflated_from(
        &mut self,
        id: Id,
        entries: &str,
        data: &mut dyn Read,
        length: u64,
    ) -> Result<io::Result<()>, DownloadError> {
        let length_id = self.reserve()?;
        self.begin(id)?;
        self.write(format!("<<{entries}/Filter/FlateDecode/Length {length_id}>>\nstream\n").as_bytes())?;
        let start = self.at;
        let mut failure = Ok(());
        let mut encoder = ZlibEncoder::new(&mut *self, Compression::default());
        let mut buffer = vec![0; 64 << 10];
        let mut rest = length;
        while rest > 0 {
            let room = buffer.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
            let filled = if failure.is_err() {
                buffer[..room].fill(0);
                room
            } else {
                match data.read(&mut buffer[..room]) {
                    Ok(0) => {
                        failure = Err(io::ErrorKind::UnexpectedEof.into());
                        continue;
                    }
                    Ok(filled) => filled,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        failure = Err(error);
                        continue;
                    }
                }
            };
            encoder.write_all(&buffer[..filled])?;
            rest -= filled as u64;
        }
        encoder.finish()?;
        let written = self.at - start;
        self.write(b"\nendstream\nendobj\n")?;
        self.object(length_id, &written.to_string())?;
        Ok(failure)
    }

    /// The table, and where it lies. `seed` goes into the identifier of the file.
    pub(crate) fn finish(mut self, catalog: Id, info: Id, seed: &str) -> Result<W, DownloadError> {
        let mut hash = Sha256::new();
        hash.update(seed.as_bytes());
        for offset in &self.offsets {
            hash.update(offset.to_le_bytes());
        }
        let mut identifier = String::new();
        for byte in &hash.finalize()[..16] {
            let _ = write!(identifier, "{byte:02x}");
        }
        let trailer = format!("/Root {catalog}/Info {info}/ID[<{identifier}><{identifier}>]");
        if self.at <= MOST_CLASSIC_OFFSET {
            self.classic_table(&trailer)?;
        } else {
            self.wide_table(&trailer)?;
        }
        self.flush()?;
        Ok(self.out)
    }

    fn classic_table(&mut self, trailer: &str) -> io::Result<()> {
        let table = self.at;
        let size = self.offsets.len() + 1;
        self.write(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes())?;
        let offsets = std::mem::take(&mut self.offsets);
        for rows in offsets.chunks(1024) {
            let mut text = String::with_capacity(rows.len() * 20);
            for offset in rows {
                let _ = match offset {
                    0 => writeln!(text, "0000000000 65535 f "),
                    _ => writeln!(text, "{offset:010} 00000 n "),
                };
            }
            self.write(text.as_bytes())?;
        }
        self.write(format!("trailer\n<</Size {size}{trailer}>>\nstartxref\n{table}\n%%EOF\n").as_bytes())
    }

    /// A table of 64-bit offsets, as a stream (§7.5.8).
    fn wide_table(&mut self, trailer: &str) -> Result<(), DownloadError> {
        let id = self.reserve()?;
        let table = self.at;
        if let Some(own) = self.offsets.last_mut() {
            *own = table;
        }
        let size = self.offsets.len() + 1;
        let length = size * 9;
        let head = format!(
            "{} 0 obj\n<</Type/XRef/Size {size}/W[1 8 0]{trailer}/Length {length}>>\nstream\n\0\0\0\0\0\0\0\0\0",
            id.0
        );
        self.write(head.as_bytes())?;
        let offsets = std::mem::take(&mut self.offsets);
        for rows in offsets.chunks(1024) {
            let mut bytes = Vec::with_capacity(rows.len() * 9);
            for offset in rows {
                bytes.push(u8::from(*offset != 0));
                bytes.extend_from_slice(&offset.to_be_bytes());
            }
            self.write(&bytes)?;
        }
        self.write(format!("\nendstream\nendobj\nstartxref\n{table}\n%%EOF\n").as_bytes())?;
        Ok(())
    }
}

/// What the deflating encoder writes is counted like all else.
impl<W: Write> Write for Objects<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A text string (§7.9.2.2): UTF-16 with its mark, in hexadecimal, which needs no escapes.
pub(crate) fn text_string(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return byte_string(text.as_bytes());
    }
    let mut out = String::from("<FEFF");
    push_utf16(&mut out, text);
    out.push('>');
    out
}

/// UTF-16 in hexadecimal.
pub(crate) fn push_utf16(out: &mut String, text: &str) {
    for unit in text.encode_utf16() {
        let _ = write!(out, "{unit:04X}");
    }
}

/// A string of bytes (§7.3.4).
pub(crate) fn byte_string(bytes: &[u8]) -> String {
    let mut out = String::from("(");
    for byte in bytes {
        match byte {
            b'(' | b')' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push(')');
    out
}

/// A number with at most five digits behind the point (§7.3.3 knows no exponents).
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let mut text = format!("{value:.5}");
    while text.ends_with('0') {
        text.pop();
    }
    if text.ends_with('.') {
        text.pop();
    }
    if text == "-0" { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_numbers_are_written_as_the_format_asks() {
        assert_eq!(text_string("a (b) \\"), "(a \\(b\\) \\\\)");
        assert_eq!(text_string("é𝄞"), "<FEFF00E9D834DD1E>");
        assert_eq!(byte_string(&[0, 200, b'x']), "(\\000\\310x)");
        for (value, text) in
            [(0.0, "0"), (-0.0, "0"), (1.5, "1.5"), (-12.0, "-12"), (0.48, "0.48"), (1e-9, "0"), (f64::NAN, "0")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn offsets_beyond_ten_digits_are_in_a_table_of_64_bits() {
        let mut objects = Objects::new(Vec::new()).unwrap();
        let catalog = objects.add("<</Type/Catalog>>").unwrap();
        objects.at = MOST_CLASSIC_OFFSET + 1;
        let far = objects.add("null").unwrap();
        let bytes = objects.finish(catalog, far, "").unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("/Type/XRef/Size 4/W[1 8 0]/Root 1 0 R"), "{text}");
        let row = [&[1][..], &(MOST_CLASSIC_OFFSET + 1).to_be_bytes()].concat();
        assert!(bytes.windows(9).any(|window| window == row));
    }

    #[test]
    fn a_stream_that_breaks_off_is_filled_up_and_told() {
        let mut objects = Objects::new(Vec::new()).unwrap();
        let id = objects.reserve().unwrap();
        let told = objects.deflated_from(id, "", &mut &b"abc"[..], 1000).unwrap();
        assert_eq!(told.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let bytes = objects.finish(id, id, "").unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("/Length 2 0 R"));
    }
}
