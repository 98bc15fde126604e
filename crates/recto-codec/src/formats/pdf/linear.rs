//! The first page of a linearised file that lies far away, without the rest of the file. ISO 32000-1 Annex F.
//!
//! Such a file begins with all that its first page needs, and with a cross-reference of its own for that. This beginning is
//! made a small file: its cross-reference no longer leads on to the one at the end of the file, and a page tree and a
//! catalogue of one page are added, as an update adds them (§7.5.6). Whatever is not as it should be takes the whole file.
//! [`tree`] makes sure that the page tree says nothing else of the page; what of it lies behind is found by [`behind`].

mod behind;
mod parameters;
mod trailer;
mod tree;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Dict, MaybeRef, Name, ObjRef, Object, ObjectIdentifier, Rect};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::xref::XRef;

use self::behind::Parts;
pub(super) use self::parameters::Linearization;
pub(in crate::formats) use self::parameters::is_linearized;
use self::trailer::Trailer;
use super::reach::reach;
use super::{contained, document, tables};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// How far into an object its header ends.
const HEADER_BYTES: usize = 40;

/// The last numbers that objects may have (Annex C), for the page tree and the catalogue that are added.
const TREE: u32 = 8_388_606;
const CATALOG: u32 = 8_388_607;

/// Reads the first page as a document of its own; `None` when the whole file is needed to be sure. `tree_agrees` is for the
/// file: set once its page tree was found to agree, which takes requests of its own.
pub(super) fn read(
    source: &dyn RandomAccess,
    linear: &Linearization,
    tree_agrees: &AtomicBool,
    max_bytes: u64,
    control: &Control,
) -> Result<Option<Pdf>, DecodeError> {
    if document::held_bytes(linear.end) > max_bytes {
        return Ok(None);
    }
    let bytes = beginning(source, linear.end)?;
    let parts = Parts::of(source);
    let pdf = contained(|| Ok(first_page(bytes, &parts, linear, tree_agrees, control)));
    control.check()?;
    if let Some(error) = parts.failure() {
        return Err(error.into());
    }
    // What else was wrong with it is said of the whole file.
    Ok(pdf.ok().flatten())
}

fn beginning(source: &dyn RandomAccess, end: u64) -> io::Result<Vec<u8>> {
    // What came when the file was opened does not come again.
    let near = source.read_ahead().min(end);
    let ranges = [ByteRange::new(0, near), ByteRange::new(near, end - near)];
    let mut bytes = Vec::new();
    for range in ranges.into_iter().filter(|range| range.length > 0) {
        bytes.append(&mut source.read_range(range)?);
    }
    Ok(bytes)
}

fn first_page(
    mut bytes: Vec<u8>,
    parts: &Parts<'_>,
    linear: &Linearization,
    tree_agrees: &AtomicBool,
    control: &Control,
) -> Option<Pdf> {
    tables::check(&bytes, control).ok()?;
    let trailer = Trailer::cut_off(&mut bytes, linear)?;
    let length = bytes.len();
    complete(&mut bytes, linear.object, &trailer, &[]);
    let bytes = Arc::new(bytes);
    let pdf = Pdf::new(Arc::clone(&bytes)).ok()?;
    let page = page_of(&pdf, linear)?;
    let reached = reach(page, control)?;
    if !tree_agrees.load(Ordering::Relaxed) {
        tree::agrees(page, linear.pages, parts, trailer.previous).then_some(())?;
        tree_agrees.store(true, Ordering::Relaxed);
    }
    if !reached.has_layers {
        return Some(pdf);
    }
    let layers = layers(pdf.xref(), trailer.root)?;
    if layers.is_empty() {
        return Some(pdf);
    }
    drop(pdf);
    let mut bytes = Arc::try_unwrap(bytes).ok()?;
    bytes.truncate(length);
    complete(&mut bytes, linear.object, &trailer, &layers);
    Pdf::new(bytes).ok()
}

/// Adds a page tree and a catalogue of one page, and a cross-reference to them that leads on to that of the first page.
fn complete(bytes: &mut Vec<u8>, page: u32, trailer: &Trailer, layers: &[u8]) {
    bytes.push(b'\n');
    let tree = bytes.len();
    bytes.extend(format!("{TREE} 0 obj\n<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>\nendobj\n").bytes());
    let catalog = bytes.len();
    bytes.extend(format!("{CATALOG} 0 obj\n<< /Type /Catalog /Pages {TREE} 0 R ").bytes());
    bytes.extend(layers);
    bytes.extend(b" >>\nendobj\n");
    let table = bytes.len();
    let entries = format!("xref\n{TREE} 2\n{tree:010} 00000 n \n{catalog:010} 00000 n \n");
    let (size, previous) = (CATALOG + 1, trailer.table);
    let end = format!("trailer\n<< /Size {size} /Root {CATALOG} 0 R /Prev {previous} >>\nstartxref\n{table}\n%%EOF\n");
    bytes.extend(entries.bytes().chain(end.bytes()));
}

/// The page, if it is the one that was meant and has all that it must have. §F.3.7.
fn page_of<'a>(pdf: &'a Pdf, linear: &Linearization) -> Option<&'a Page<'a>> {
    let [page] = &pdf.pages()[..] else { return None };
    let dictionary = page.raw();
    let is_page = dictionary.get::<Name<'_>>("Type").is_some_and(|kind| kind.as_ref() == b"Page");
    let is_first = dictionary.obj_id() == Some(ObjectIdentifier::new(linear.object, 0));
    let has_own = dictionary.get::<Rect>("MediaBox").is_some() && dictionary.get::<Dict<'_>>("Resources").is_some();
    (is_page && is_first && has_own).then_some(page)
}

/// The entry of the file's catalogue that says which layers are shown (§8.11.4); `None` when not all of it is there.
fn layers(xref: &XRef, root: ObjRef) -> Option<Vec<u8>> {
    let catalog = xref.get::<Dict<'_>>(root.into())?;
    if !catalog.contains_key("OCProperties") {
        return Some(Vec::new());
    }
    let properties = catalog.get::<Dict<'_>>("OCProperties")?;
    let shown = properties.get::<Dict<'_>>("D")?;
    let is_there = |of: &Dict<'_>, key: &str| !of.contains_key(key) || of.get::<Object<'_>>(key).is_some();
    let is_all_there =
        is_there(&properties, "OCGs") && ["BaseState", "ON", "OFF"].iter().all(|key| is_there(&shown, key));
    is_all_there.then_some(())?;
    match catalog.get_raw::<Object<'_>>("OCProperties")? {
        MaybeRef::Ref(reference) => Some(format!("/OCProperties {reference}").into_bytes()),
        MaybeRef::NotRef(_) => Some([b"/OCProperties ".as_slice(), properties.data()].concat()),
    }
}

#[cfg(test)]
mod tests;
