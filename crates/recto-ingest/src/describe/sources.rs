//! Reads the files that say something: which of them is what, and what each says.

use std::rc::Rc;

use recto_iiif::presentation::LanguageMap;

use super::Describer;
use super::around::Around;
use crate::build::FilePart;
use crate::description::Description;
use crate::mapping::Mapping;
use crate::merge::{Said, Source};
use crate::readers::{self, Input};
use crate::sidecars::{read_members, read_sidecar};
use crate::tables::{Listing, TableOptions, read_pages};
use crate::text::pairing as texts;
use crate::tree::Side;
use crate::{Collection, Finding, Object, Severity};

/// No file that says something about others is read beyond this length.
const MOST_BYTES: u64 = 256 << 20;

/// What a file says, judged by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Sidecar,
    PagesTable,
    ObjectsTable,
    Toc,
    Members,
    Mapping,
    Thumbnail,
    /// A manifest that somebody made.
    Manifest,
    /// XML or MARC, which says what it is by its content.
    Record,
    Nothing,
}

pub(super) fn role(name: &str) -> Role {
    let lower = name.to_lowercase();
    let Some((stem, extension)) = lower.rsplit_once('.') else { return Role::Nothing };
    let is_table = matches!(extension, "csv" | "tsv" | "tab" | "xlsx" | "xls" | "ods");
    match (stem, extension) {
        ("recto", "yml" | "yaml" | "json" | "toml") | ("info", "yml" | "yaml") => Role::Sidecar,
        ("mapping", "toml") => Role::Mapping,
        ("toc", "txt") => Role::Toc,
        ("manifest", "json") => Role::Manifest,
        ("manifests", "yml" | "yaml" | "csv" | "tsv") => Role::Members,
        ("pages", _) if is_table => Role::PagesTable,
        ("objects", _) if is_table => Role::ObjectsTable,
        ("thumb" | "thumbnail", "jpg" | "jpeg" | "png" | "webp" | "gif" | "tif" | "tiff") => Role::Thumbnail,
        (_, "xml") => Role::Record,
        _ => Role::Nothing,
    }
}

impl<'a> Describer<'a> {
    /// The whole of a file; a finding where it cannot be read.
    pub(super) fn read(&self, place: &str, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
        self.read_most(place, MOST_BYTES, findings)
    }

    /// The same of a file that may be no longer than this.
    pub(super) fn read_most(&self, place: &str, most: u64, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
        match self.library.read_head(place, most + 1) {
            Ok(bytes) if bytes.len() as u64 <= most => Some(bytes),
            Ok(_) => {
                findings.push(Finding::new(
                    Severity::Error,
                    "file-too-large",
                    place,
                    format!("the file is larger than {} MB and was not read", most >> 20),
                    "divide it into several, or remove what is not needed",
                ));
                None
            }
            Err(error) => {
                findings.push(Finding::new(
                    Severity::Error,
                    "cannot-read",
                    place,
                    format!("it cannot be read ({error})"),
                    "check that the server may read it",
                ));
                None
            }
        }
    }

    /// What the sidecars among these files say.
    pub(super) fn sidecars(&self, prefix: &str, sides: &[Side], findings: &mut Vec<Finding>) -> Vec<Said> {
        let mut said = Vec::new();
        for side in sides.iter().filter(|side| role(&side.name) == Role::Sidecar) {
            let place = format!("{prefix}{}", side.name);
            let Some(bytes) = self.read(&place, findings) else { continue };
            let (description, noticed) = read_sidecar(&bytes, &place);
            findings.extend(noticed);
            said.push(Said { by: Source::Sidecar, place, description });
        }
        said
    }

    /// The mapping for records: the one around, with that of these files laid over it.
    pub(super) fn mapping(
        &self,
        prefix: &str,
        sides: &[Side],
        outer: Option<&Rc<Mapping>>,
        findings: &mut Vec<Finding>,
    ) -> Rc<Mapping> {
        let mut mapping = outer.cloned();
        for side in sides.iter().filter(|side| role(&side.name) == Role::Mapping) {
            let place = format!("{prefix}{}", side.name);
            let Some(bytes) = self.read(&place, findings) else { continue };
            let below = mapping.as_deref().unwrap_or(Mapping::built_in());
            let (laid, noticed) = below.laid_over(&place, &String::from_utf8_lossy(&bytes));
            findings.extend(noticed);
            mapping = Some(Rc::new(laid));
        }
        mapping.unwrap_or_else(|| Rc::new(Mapping::built_in().clone()))
    }

    /// What all files beside an object say, from the one that counts least.
    pub(super) fn object_sources(
        &self,
        object: &'a Object,
        files: &[FilePart],
        around: &Around,
        findings: &mut Vec<Finding>,
    ) -> Vec<Said> {
        let by_name = Description { label: LanguageMap::none(&*object.label), ..Description::default() };
        let mut said =
            vec![Said { by: Source::FileName, place: object.identifier.as_str().to_owned(), description: by_name }];
        if object.sides.is_empty() {
            return said;
        }
        let prefix = object.prefix();
        let mapping = self.mapping(prefix, &object.sides, Some(&around.mapping), findings);
        let contents = || files.iter().map(|file| file.name.clone());
        let all = || contents().chain(object.sides.iter().map(|side| side.name.clone()));
        for side in &object.sides {
            let place = format!("{prefix}{}", side.name);
            match role(&side.name) {
                Role::PagesTable => {
                    let Some(bytes) = self.read(&place, findings) else { continue };
                    let there = Listing::new(contents());
                    let (description, noticed) = read_pages(&bytes, &place, Some(&there), &TableOptions::default());
                    findings.extend(noticed);
                    said.push(Said { by: Source::PagesTable, place, description });
                }
                Role::Thumbnail => {
                    let description = Description { thumbnail: Some(side.name.clone()), ..Description::default() };
                    said.push(Said { by: Source::FileName, place, description });
                }
                Role::Record if !self.is_text(prefix, &side.name) => {
                    let listing = readers::Listing::new(all());
                    let record = self.record(&side.name, &place, &listing, &mapping, findings);
                    said.extend(record.map(|said| if points_to_others(&said) { of_the_work(said) } else { said }));
                }
                _ => {}
            }
        }
        said.extend(self.sidecars(prefix, &object.sides, findings));
        said
    }

    /// Is an XML file the text of a page? Then it is no record, and is not read here.
    fn is_text(&self, prefix: &str, name: &str) -> bool {
        texts::is_text(&self.library.read_head(&format!("{prefix}{name}"), texts::HEAD_BYTES).unwrap_or_default())
    }

    fn record(
        &self,
        name: &str,
        place: &str,
        listing: &readers::Listing,
        mapping: &Mapping,
        findings: &mut Vec<Finding>,
    ) -> Option<Said> {
        let bytes = self.read(place, findings)?;
        let input = Input { name, place, bytes: &bytes, files: Some(listing) };
        let by = match readers::recognise(&input)?.name {
            "mets" => Source::Mets,
            "tei" => Source::Tei,
            _ => Source::Metadata,
        };
        let reading = readers::read(&input, mapping);
        findings.extend(reading.findings);
        Some(Said { by, place: place.to_owned(), description: reading.description })
    }

    /// What all files in a collection's folder say about it, from the one that counts least.
    pub(super) fn collection_sources(
        &self,
        collection: &'a Collection,
        outer: Option<&Mapping>,
        findings: &mut Vec<Finding>,
    ) -> Vec<Said> {
        let title = self.library.whole.title.as_ref().filter(|_| self.tree.parent(collection).is_none());
        let label = LanguageMap::none(title.unwrap_or(&collection.label));
        let by_name = Description { label, ..Description::default() };
        let place = collection.identifier.as_str().to_owned();
        let mut said = vec![Said { by: Source::FileName, place, description: by_name }];
        if collection.sides.is_empty() {
            return said;
        }
        let prefix = self.prefix(collection);
        // Errors of a mapping are told where it is read for everything in the folder.
        let outer = outer.map(|outer| Rc::new(outer.clone()));
        let mapping = self.mapping(&prefix, &collection.sides, outer.as_ref(), &mut Vec::new());
        let has_records = collection.sides.iter().any(|side| role(&side.name) == Role::Record);
        // A finding aid names files of the folders below it.
        let below = self.tree.objects().iter().filter(|_| has_records).flat_map(|object| &object.files);
        let below = below.filter_map(|file| file.identifier.as_str().strip_prefix(prefix.as_str()).map(str::to_owned));
        let listing = readers::Listing::new(collection.sides.iter().map(|side| side.name.clone()).chain(below));
        for side in &collection.sides {
            let place = format!("{prefix}{}", side.name);
            match role(&side.name) {
                Role::Members => {
                    let Some(bytes) = self.read(&place, findings) else { continue };
                    let (members, noticed) = read_members(&bytes, &place);
                    findings.extend(noticed);
                    let description = Description { members, ..Description::default() };
                    said.push(Said { by: Source::Sidecar, place, description });
                }
                Role::Thumbnail => {
                    let description = Description { thumbnail: Some(side.name.clone()), ..Description::default() };
                    said.push(Said { by: Source::FileName, place, description });
                }
                Role::Record if !self.is_text(&prefix, &side.name) => {
                    let mut record = self.record(&side.name, &place, &listing, &mapping, findings);
                    if let Some(said) = &mut record {
                        self.find_members(collection, &place, &mut said.description, findings);
                    }
                    said.extend(record);
                }
                _ => {}
            }
        }
        said.extend(self.sidecars(&prefix, &collection.sides, findings));
        said
    }
}

/// A METS file of a whole work that lies beside a volume of it.
fn points_to_others(said: &Said) -> bool {
    said.by == Source::Mets && said.description.pages.is_empty() && !said.description.members.is_empty()
}

/// What is said about the work is not said about the volume: only the file itself is linked to.
fn of_the_work(said: Said) -> Said {
    let see_also = said.description.see_also;
    Said { description: Description { see_also, ..Description::default() }, ..said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_by_their_name_what_they_are_for() {
        for (name, wanted) in [
            ("recto.yml", Role::Sidecar),
            ("Recto.TOML", Role::Sidecar),
            ("info.yml", Role::Sidecar),
            ("pages.csv", Role::PagesTable),
            ("objects.xlsx", Role::ObjectsTable),
            ("toc.txt", Role::Toc),
            ("manifests.csv", Role::Members),
            ("mapping.toml", Role::Mapping),
            ("thumb.jpg", Role::Thumbnail),
            ("manifest.json", Role::Manifest),
            ("whatever.xml", Role::Record),
            ("sub/recto.yml", Role::Nothing),
            ("001.txt", Role::Nothing),
        ] {
            assert_eq!(role(name), wanted, "{name}");
        }
    }
}
