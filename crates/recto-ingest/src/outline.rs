//! The outline of a PDF as a table of contents.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, MaybeRef, ObjRef, Object, ObjectIdentifier, String as PdfString};
use recto_iiif::presentation::LanguageMap;

use crate::description::{PagePart, PageRef, Range, RangeItem};

/// Entries of one outline that are read.
const MOST_ENTRIES: usize = 10_000;
/// Entries within entries.
const DEEPEST: usize = 16;
/// Named places of one file that are read, and levels of the tree that they stand in.
const MOST_NAMES: usize = 100_000;
const DEEPEST_NAMES: usize = 32;
/// Letters of a title.
const MOST_LETTERS: usize = 1000;

/// What was found in a PDF.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outline {
    /// The parts, outermost first.
    pub(crate) ranges: Vec<Range>,
    /// Entries that lead to no page of the file.
    pub(crate) astray: usize,
    /// True when there were too many entries, or too deep ones.
    pub(crate) is_cut: bool,
}

/// The outline of a PDF; nothing for a file without one, or one that cannot be read. `page_name` names the canvas of a page, from 1.
pub(crate) fn read(bytes: Vec<u8>, page_name: &dyn Fn(usize) -> String) -> Outline {
    // A broken file must not end more than the look into it.
    catch_unwind(AssertUnwindSafe(|| {
        let Ok(pdf) = Pdf::new(bytes) else { return Outline::default() };
        Reading::new(&pdf).map(|reading| reading.outline(page_name)).unwrap_or_default()
    }))
    .unwrap_or_default()
}

struct Entry {
    title: String,
    /// From 0.
    page: Option<usize>,
    inner: Vec<Entry>,
}

struct Reading<'a> {
    outlines: Dict<'a>,
    pages: HashMap<ObjectIdentifier, usize>,
    count: usize,
    /// Places by their names; each an array, or what leads to one.
    names: HashMap<Vec<u8>, usize>,
    seen: HashSet<ObjectIdentifier>,
    entries: usize,
    astray: usize,
    is_cut: bool,
}

impl<'a> Reading<'a> {
    fn new(pdf: &'a Pdf) -> Option<Self> {
        let catalog: Dict<'a> = pdf.xref().get(pdf.xref().root_id())?;
        let outlines: Dict<'a> = catalog.get(b"Outlines")?;
        let pages = pdf.pages();
        let by_id = pages.iter().enumerate().filter_map(|(number, page)| Some((page.raw().obj_id()?, number)));
        let mut reading = Self {
            outlines,
            pages: by_id.collect(),
            count: pages.len(),
            names: HashMap::new(),
            seen: HashSet::new(),
            entries: 0,
            astray: 0,
            is_cut: false,
        };
        reading.read_names(&catalog);
        Some(reading)
    }

    fn outline(mut self, page_name: &dyn Fn(usize) -> String) -> Outline {
        let outlines = self.outlines.clone();
        let entries = self.entries_in(&outlines, 1);
        let ranges = ranges(&entries, self.count, page_name);
        Outline { ranges, astray: self.astray, is_cut: self.is_cut }
    }

    /// The entries in an entry. No deeper than the limit.
    fn entries_in(&mut self, around: &Dict<'a>, depth: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut next = linked(around, b"First");
        if next.is_some() && depth > DEEPEST {
            self.is_cut = true;
            return entries;
        }
        while let Some((id, entry)) = next {
            // Links that lead back would go round for ever.
            if !self.seen.insert(id) {
                break;
            }
            if self.entries >= MOST_ENTRIES {
                self.is_cut = true;
                break;
            }
            self.entries += 1;
            let title = entry.get::<PdfString<'_>>(b"Title").map(|title| text(title.as_bytes())).unwrap_or_default();
            let page = self.page_of(&entry);
            let inner = self.entries_in(&entry, depth + 1);
            if page.is_none() && inner.is_empty() {
                self.astray += 1;
            } else if !title.is_empty() {
                entries.push(Entry { title, page, inner });
            } else {
                entries.extend(inner);
            }
            next = linked(&entry, b"Next");
        }
        entries
    }

    fn page_of(&self, entry: &Dict<'a>) -> Option<usize> {
        let target = entry.get::<Object<'a>>(b"Dest").or_else(|| {
            let action: Dict<'a> = entry.get(b"A")?;
            let is_within =
                action.get::<hayro_syntax::object::Name<'_>>(b"S").is_some_and(|kind| kind.as_str() == "GoTo");
            if is_within { action.get(b"D") } else { None }
        })?;
        match target {
            Object::Array(place) => self.page_at(&place),
            Object::String(name) => self.names.get(name.as_bytes()).copied(),
            Object::Name(name) => self.names.get(name.as_str().as_bytes()).copied(),
            Object::Dict(around) => self.page_at(&around.get::<Array<'a>>(b"D")?),
            _ => None,
        }
    }

    /// A place is an array that begins with the page, or with its number.
    fn page_at(&self, place: &Array<'a>) -> Option<usize> {
        match place.raw_iter().next()? {
            MaybeRef::Ref(page) => self.pages.get(&ObjectIdentifier::from(page)).copied(),
            MaybeRef::NotRef(Object::Number(number)) => {
                usize::try_from(number.as_i64()).ok().filter(|number| *number < self.count)
            }
            MaybeRef::NotRef(_) => None,
        }
    }

    /// Named places: in a tree of strings, or in old files in a dictionary.
    fn read_names(&mut self, catalog: &Dict<'a>) {
        if let Some(old) = catalog.get::<Dict<'a>>(b"Dests") {
            for name in old.keys().take(MOST_NAMES) {
                if let Some(page) = old.get::<Object<'a>>(name.as_str()).and_then(|place| self.page_of_named(place)) {
                    self.names.insert(name.as_str().as_bytes().to_vec(), page);
                }
            }
        }
        let Some(tree) = catalog.get::<Dict<'a>>(b"Names").and_then(|names| names.get::<Dict<'a>>(b"Dests")) else {
            return;
        };
        let mut open = vec![(tree, 1)];
        let mut nodes = 0;
        while let Some((node, depth)) = open.pop() {
            nodes += 1;
            if nodes > MOST_NAMES || self.names.len() > MOST_NAMES {
                self.is_cut = true;
                return;
            }
            if let Some(inner) = node.get::<Array<'a>>(b"Kids").filter(|_| depth < DEEPEST_NAMES) {
                open.extend(inner.iter::<Dict<'a>>().take(MOST_NAMES).map(|inner| (inner, depth + 1)));
            }
            let Some(pairs) = node.get::<Array<'a>>(b"Names") else { continue };
            let mut pairs = pairs.iter::<Object<'a>>().take(2 * MOST_NAMES);
            while let (Some(name), Some(place)) = (pairs.next(), pairs.next()) {
                if let (Object::String(name), Some(page)) = (name, self.page_of_named(place)) {
                    self.names.insert(name.as_bytes().to_vec(), page);
                }
            }
        }
    }

    fn page_of_named(&self, place: Object<'a>) -> Option<usize> {
        match place {
            Object::Array(place) => self.page_at(&place),
            Object::Dict(around) => self.page_at(&around.get::<Array<'a>>(b"D")?),
            _ => None,
        }
    }
}

/// The entry that a reference leads to.
fn linked<'a>(from: &Dict<'a>, key: &[u8]) -> Option<(ObjectIdentifier, Dict<'a>)> {
    let reference: ObjRef = from.get_ref(key)?;
    Some((reference.into(), from.get(key)?))
}

/// A part goes from its page to the page before the next part, and has at least its own.
fn ranges(entries: &[Entry], end: usize, page_name: &dyn Fn(usize) -> String) -> Vec<Range> {
    let begins: Vec<Option<usize>> = entries.iter().map(begin).collect();
    let of_entry = |(place, entry): (usize, &Entry)| {
        let start = begins.get(place).copied().flatten()?;
        let next = begins.iter().skip(place + 1).copied().flatten().next().unwrap_or(end);
        let own_end = entry.inner.iter().find_map(begin).unwrap_or(next);
        let own = match entry.page {
            // A part that begins in the middle of the page of the next one has that page all the same.
            Some(page) if entry.inner.is_empty() => page..next.max(page + 1),
            Some(page) => page..own_end.max(page),
            None => start..start,
        };
        let mut items: Vec<RangeItem> = own.map(|page| page_item(page_name(page + 1))).collect();
        items.extend(ranges(&entry.inner, next.max(start + 1), page_name).into_iter().map(RangeItem::Range));
        Some(Range { label: LanguageMap::none(&*entry.title), items, ..Range::default() })
    };
    entries.iter().enumerate().filter_map(of_entry).collect()
}

fn begin(entry: &Entry) -> Option<usize> {
    entry.page.or_else(|| entry.inner.iter().find_map(begin))
}

fn page_item(name: String) -> RangeItem {
    RangeItem::Page(PagePart { page: PageRef::Name(name), region: None, time: None })
}

/// Text of a PDF: UTF-16 or UTF-8 by its mark, else in the encoding of PDF itself.
fn text(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xff, 0xfe, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => bytes.iter().map(|byte| character(*byte)).collect(),
    };
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MOST_LETTERS).collect()
}

/// PDF's own encoding: Latin 1 but for these.
fn character(byte: u8) -> char {
    const FROM_0X80: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ', 'Ł',
        'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
    ];
    byte.checked_sub(0x80).and_then(|place| FROM_0X80.get(usize::from(place)).copied()).unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PDF of so many empty pages whose objects from number 10 on are these; pages are objects 100 and on.
    fn pdf(pages: usize, catalog: &str, objects: &[(u32, &str)]) -> Vec<u8> {
        let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 100 + page)).collect();
        let mut all = vec![
            (1, format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>")),
            (2, format!("<< /Type /Pages /Count {pages} /Kids [{}] >>", kids.join(" "))),
        ];
        all.extend(objects.iter().map(|(number, object)| (*number, (*object).to_owned())));
        all.extend(
            (0..pages)
                .map(|page| (100 + page as u32, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>".to_owned())),
        );
        let mut bytes = b"%PDF-1.7\n".to_vec();
        let mut table = String::new();
        for (number, object) in &all {
            table.push_str(&format!("{number} 1\n{:010} 00000 n \n", bytes.len()));
            bytes.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
        }
        let at = bytes.len();
        bytes.extend_from_slice(
            format!(
                "xref\n0 1\n0000000000 65535 f \n{table}trailer\n<< /Size 1000 /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n"
            )
            .as_bytes(),
        );
        bytes
    }

    /// One line an entry: its title and its pages.
    fn shown(ranges: &[Range], depth: usize, out: &mut Vec<String>) {
        for range in ranges {
            let pages: Vec<&str> = range
                .items
                .iter()
                .filter_map(|item| match item {
                    RangeItem::Page(PagePart { page: PageRef::Name(name), .. }) => Some(name.as_str()),
                    _ => None,
                })
                .collect();
            out.push(format!("{}{}: {}", "  ".repeat(depth), range.label.first().unwrap_or_default(), pages.join(" ")));
            let inner: Vec<Range> = range
                .items
                .iter()
                .filter_map(|item| match item {
                    RangeItem::Range(range) => Some(range.clone()),
                    RangeItem::Page(_) => None,
                })
                .collect();
            shown(&inner, depth + 1, out);
        }
    }

    fn lines(bytes: Vec<u8>) -> (Vec<String>, usize, bool) {
        let outline = read(bytes, &|page| page.to_string());
        let mut out = Vec::new();
        shown(&outline.ranges, 0, &mut out);
        (out, outline.astray, outline.is_cut)
    }

    #[test]
    fn parts_go_from_their_page_to_the_next_part() {
        let bytes = pdf(
            8,
            "/Outlines 10 0 R /Dests << /two [102 0 R /Fit] >> /Names << /Dests 20 0 R >>",
            &[
                (10, "<< /First 11 0 R /Last 15 0 R >>"),
                (11, "<< /Title (Preface) /Dest [100 0 R /Fit] /Next 12 0 R >>"),
                (12, "<< /Title <FEFF004B0061007000FC> /Dest /two /First 13 0 R /Last 14 0 R /Next 15 0 R >>"),
                (13, "<< /Title (A) /A << /S /GoTo /D (three) >> /Next 14 0 R >>"),
                (14, "<< /Title (B\\205C) /Dest [3 /XYZ 0 0 0] >>"),
                (15, "<< /Title (End) /Dest (last) /Next 16 0 R >>"),
                (16, "<< /Title (Elsewhere) /A << /S /URI /URI (http://example.org) >> >>"),
                (20, "<< /Kids [21 0 R] >>"),
                (21, "<< /Names [(last) << /D [107 0 R /Fit] >> (three) [103 0 R /Fit]] >>"),
            ],
        );
        let wanted = ["Preface: 1 2", "Kapü: 3", "  A: 4", "  B–C: 4 5 6 7", "End: 8"].map(str::to_owned).to_vec();
        assert_eq!(lines(bytes), (wanted, 1, false));
    }

    #[test]
    fn outlines_that_lead_back_or_nowhere_end() {
        let circle = pdf(
            1,
            "/Outlines 10 0 R",
            &[
                (10, "<< /First 11 0 R >>"),
                (11, "<< /Title (A) /Dest [100 0 R] /First 11 0 R /Next 12 0 R >>"),
                (12, "<< /Title (B) /Dest [100 0 R] /Next 11 0 R >>"),
            ],
        );
        assert_eq!(lines(circle), (vec!["A: 1".to_owned(), "B: 1".to_owned()], 0, false));
        assert_eq!(read(pdf(1, "", &[]), &|page| page.to_string()), Outline::default());
        assert_eq!(read(b"%PDF-1.7 nothing".to_vec(), &|page| page.to_string()), Outline::default());
    }

    #[test]
    fn an_outline_is_read_only_so_deep() {
        let mut objects: Vec<(u32, String)> = vec![(10, "<< /First 11 0 R >>".to_owned())];
        objects.extend((11..40).map(|n| (n, format!("<< /Title (T{n}) /Dest [100 0 R] /First {} 0 R >>", n + 1))));
        objects.push((40, "<< /Title (last) /Dest [100 0 R] >>".to_owned()));
        let objects: Vec<(u32, &str)> = objects.iter().map(|(number, text)| (*number, text.as_str())).collect();
        let (lines, astray, is_cut) = lines(pdf(1, "/Outlines 10 0 R", &objects));
        assert_eq!((lines.len(), astray, is_cut), (DEEPEST, 0, true));
    }
}
