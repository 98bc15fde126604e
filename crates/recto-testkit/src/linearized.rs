//! PDF files whose first page comes first, with a cross-reference of its own. ISO 32000-1 Annex F.

/// A stream with these entries.
pub fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {entries} /Length {} >>\nstream\n", data.len()).into_bytes();
    object.extend(data);
    object.extend(b"\nendstream");
    object
}

/// The first number of the objects that the first page needs: the linearization parameter dictionary. The next is the first
/// cross-reference if that is a stream, the hints else. The catalogue follows, and the page.
pub const FIRST: usize = 20;
/// The catalogue.
pub const CATALOG: usize = FIRST + 2;
/// The first page.
pub const PAGE: usize = FIRST + 3;

/// What such a file is made of.
#[derive(Clone, Debug, Default)]
pub struct Linearized {
    /// The catalogue, the page, and what else it needs.
    pub first: Vec<Vec<u8>>,
    /// Objects from 1, fewer than 19, that lie behind.
    pub rest: Vec<Vec<u8>>,
    /// How many pages there are, as it says.
    pub pages: u32,
    /// Whether the cross-references are streams.
    pub has_streams: bool,
    /// Further entries of the first trailer.
    pub trailer: String,
    /// By how many bytes too early the first page ends, as it says.
    pub short_by: usize,
}

/// Where things are, found when it is written once and said when it is written again.
#[derive(Default)]
struct Places {
    first: Vec<usize>,
    rest: Vec<usize>,
    first_table: usize,
    end: usize,
    main_table: usize,
    length: usize,
}

impl Linearized {
    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let (_, places) = self.write(&Places::default());
        self.write(&places).0
    }

    fn write(&self, known: &Places) -> (Vec<u8>, Places) {
        let (mut file, mut found) = (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), Places::default());
        let hints = known.first.get(1).copied().unwrap_or(0);
        let end = known.end.saturating_sub(self.short_by);
        let (length, pages, main) = (known.length, self.pages, known.main_table);
        let size = FIRST + 2 + self.first.len();
        let head = format!(
            "<< /Linearized 1 /L {length:010} /H [{hints:010} 2] /O {PAGE} /E {end:010} /N {pages} /T {main:010} >>"
        );
        object(&mut file, &mut found.first, FIRST, head.as_bytes());
        // Room for a longer one, as writers leave it.
        file.extend(b"        \n");
        let trailer = format!("/Size {size} /Root {CATALOG} 0 R /Prev {main:010} {}", self.trailer);
        found.first_table = file.len();
        if self.has_streams {
            let table = table_stream(FIRST, size, &known.first, &trailer);
            object(&mut file, &mut found.first, FIRST + 1, &table);
        } else {
            file.extend(table(FIRST, size, &known.first, &trailer, 0));
            object(&mut file, &mut found.first, FIRST + 1, &stream("/S 0", b"xx"));
        }
        for (number, content) in (CATALOG..).zip(&self.first) {
            object(&mut file, &mut found.first, number, content);
        }
        found.end = file.len();
        for number in 1..FIRST - 1 {
            let content = self.rest.get(number - 1).map_or(b"null".as_slice(), Vec::as_slice);
            object(&mut file, &mut found.rest, number, content);
        }
        found.main_table = file.len();
        // Object 0 is free.
        let entries = [&[0][..], &known.rest].concat();
        if self.has_streams {
            let table = table_stream(0, FIRST, &entries, &format!("/Size {FIRST}"));
            object(&mut file, &mut found.rest, FIRST - 1, &table);
            file.extend(format!("startxref\n{}\n%%EOF\n", found.first_table).bytes());
        } else {
            object(&mut file, &mut found.rest, FIRST - 1, b"null");
            found.main_table = file.len();
            file.extend(table(0, FIRST, &entries, &format!("/Size {FIRST}"), found.first_table));
        }
        found.length = file.len();
        (file, found)
    }
}

fn object(file: &mut Vec<u8>, places: &mut Vec<usize>, number: usize, content: &[u8]) {
    places.push(file.len());
    file.extend(format!("{number} 0 obj\n").bytes());
    file.extend(content);
    file.extend(b"\nendobj\n");
}

/// The places of the objects `start..end`, of which those at 0 are free, with the trailer.
fn table(start: usize, end: usize, places: &[usize], trailer: &str, last: usize) -> Vec<u8> {
    let mut table = format!("xref\n{start} {}\n", end - start);
    for number in 0..end - start {
        let place = places.get(number).copied().unwrap_or(0);
        let state = if place == 0 { "65535 f" } else { "00000 n" };
        table.push_str(&format!("{place:010} {state} \n"));
    }
    table.push_str(&format!("trailer\n<< {trailer} >>\nstartxref\n{last}\n%%EOF\n"));
    table.into_bytes()
}

/// The same as a stream.
fn table_stream(start: usize, end: usize, places: &[usize], trailer: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for number in 0..end - start {
        let place = places.get(number).copied().unwrap_or(0) as u32;
        data.push(u8::from(place != 0));
        data.extend(place.to_be_bytes());
        data.push(0);
    }
    stream(&format!("/Type /XRef /W [1 4 1] /Index [{start} {}] {trailer}", end - start), &data)
}

/// The file with another object of this number added to it, as an update does. §7.5.6.
pub fn updated(file: &[u8], number: usize, content: &[u8]) -> Vec<u8> {
    let word = b"startxref\n";
    let last = file.windows(word.len()).rposition(|found| found == word).map_or(0, |at| at + word.len());
    let digits: String = file[last..].iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
    let previous: usize = digits.parse().unwrap_or(0);
    let (mut file, mut places) = (file.to_vec(), Vec::new());
    object(&mut file, &mut places, number, content);
    let at = file.len();
    let trailer = format!("/Size 50 /Root {CATALOG} 0 R /Prev {previous}");
    file.extend(table(number, number + 1, &places, &trailer, at));
    file
}
