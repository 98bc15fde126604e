//! What remains to be done when all sources are joined: the table of contents that people type, the files that the sources
//! name, the texts of pages, documents beside pages.

use std::collections::{HashMap, HashSet};

use recto_iiif::presentation::LanguageMap;

use super::Describer;
use super::sources::{Role, role};
use crate::assemble::label;
use crate::build::FilePart;
use crate::description::{Content, Description, Link, Location, Page};
use crate::sidecars::{PageNames, read_toc};
use crate::text::pairing as texts;
use crate::{Finding, Media, Object, Severity, outline};

/// No PDF is read for its outline beyond this length.
const MOST_OUTLINE_BYTES: u64 = 256 << 20;

impl Describer<'_> {
    pub(super) fn finish(
        &self,
        object: &Object,
        files: &[FilePart],
        description: &mut Description,
        findings: &mut Vec<Finding>,
    ) {
        take_documents_as_renderings(files, description);
        take_pictures_of_recordings(files, description);
        self.read_outline(object, files, description, findings);
        resolve(object, files, description, findings);
        self.order_by_date(object, files, description, findings);
        if object.sides.is_empty() {
            return;
        }
        self.place_blocks(object, description, findings);
        self.read_contents(object, files, description, findings);
        self.pair_texts(object, files, description);
    }

    /// Reads `toc.txt`, which names pages by everything that they are called.
    fn read_contents(
        &self,
        object: &Object,
        files: &[FilePart],
        description: &mut Description,
        findings: &mut Vec<Finding>,
    ) {
        for side in object.sides.iter().filter(|side| role(&side.name) == Role::Toc) {
            let place = format!("{}{}", object.prefix(), side.name);
            let Some(bytes) = self.read(&place, findings) else { continue };
            let names = PageNames::new(page_names(files, description));
            let (ranges, noticed) = read_toc(&bytes, &place, &names, description.language.as_deref());
            findings.extend(noticed);
            if !ranges.is_empty() {
                description.ranges = ranges;
            }
        }
    }

    /// An object that is one PDF has its outline as table of contents.
    fn read_outline(
        &self,
        object: &Object,
        files: &[FilePart],
        description: &mut Description,
        findings: &mut Vec<Finding>,
    ) {
        let [file] = files else { return };
        if !is_document(file) || !description.pages.is_empty() || !description.ranges.is_empty() {
            return;
        }
        let place = format!("{}{}", object.prefix(), file.name);
        let mut report = |message: String, fix: &str| {
            findings.push(Finding::new(Severity::Note, "outline-not-whole", place.as_str(), message, fix));
        };
        if file.bytes > MOST_OUTLINE_BYTES {
            let message =
                format!("the file is larger than {} MB; its outline was not looked for", MOST_OUTLINE_BYTES >> 20);
            return report(message, "write the table of contents into `toc.txt`");
        }
        // A file that cannot be read is told of where its pages are looked at.
        let Ok(bytes) = self.library.read_head(&place, MOST_OUTLINE_BYTES) else { return };
        let canvas = file.canvas();
        let name = |page: usize| if page <= 1 { canvas.to_owned() } else { format!("{canvas};{page}") };
        let outline = outline::read(bytes, &name);
        if outline.astray > 0 {
            let message = format!("{} entries of its outline lead to no page of it; they are left out", outline.astray);
            report(message, "mend the outline, or write the table of contents into `toc.txt`");
        }
        if outline.is_cut {
            report(
                "its outline is longer or deeper than is read; the rest is left out".to_owned(),
                "write the table of contents into `toc.txt`",
            );
        }
        description.ranges = outline.ranges;
    }

    /// Finds the files with the text of each page.
    fn pair_texts(&self, object: &Object, files: &[FilePart], description: &mut Description) {
        let head = |name: &str| {
            // A file that cannot be read says nothing.
            self.library.read_head(&format!("{}{name}", object.prefix()), texts::HEAD_BYTES).unwrap_or_default()
        };
        let there: HashSet<&str> = object.sides.iter().map(|side| side.name.as_str()).collect();
        let named = description.pages.iter_mut().flat_map(|page| &mut page.texts);
        for link in named.filter(|link| link.profile.is_none() && there.contains(link.id.as_str())) {
            texts::complete(link, &head(&link.id));
        }
        let names: Vec<String> = match description.pages.as_slice() {
            [] => files.iter().map(|file| file.label().to_owned()).collect(),
            pages => pages.iter().map(|page| first_file(page).map_or("", label).to_owned()).collect(),
        };
        let sides = object.sides.iter().filter(|side| role(&side.name) != Role::Toc).map(|side| side.name.as_str());
        let mut found = texts::pair(names.iter().map(String::as_str), sides, &head);
        if found.is_empty() {
            return;
        }
        if description.pages.is_empty() {
            description.pages = files.iter().map(page_of).collect();
        }
        for (page, name) in description.pages.iter_mut().zip(&names) {
            if page.texts.is_empty()
                && let Some(links) = found.remove(name.as_str())
            {
                page.texts = links;
            }
        }
    }
}

pub(super) fn page_of(file: &FilePart) -> Page {
    Page { contents: vec![Content::at(Location::File(file.name.clone()))], ..Page::default() }
}

/// All names of each page, the most exact first: canvas, label, file, stem.
fn page_names(files: &[FilePart], description: &Description) -> Vec<Vec<String>> {
    let of_file = |file: &FilePart| vec![file.canvas().to_owned(), file.name.clone(), file.label().to_owned()];
    if description.pages.is_empty() {
        return files.iter().map(of_file).collect();
    }
    let by_name: HashMap<&str, &FilePart> = files.iter().map(|file| (file.name.as_str(), file)).collect();
    description
        .pages
        .iter()
        .map(|page| {
            let labels = page.label.iter().flat_map(|(_, texts)| texts.iter().cloned());
            let file = first_file(page).and_then(|name| by_name.get(name)).map(|file| of_file(file));
            page.canvas.iter().cloned().chain(labels).chain(file.into_iter().flatten()).collect()
        })
        .collect()
}

pub(super) fn first_file(page: &Page) -> Option<&str> {
    page.contents.iter().find_map(|content| match &content.location {
        Location::File(name) | Location::FilePage(name, _) => Some(name.as_str()),
        Location::Url(_) | Location::ImageService(_) => None,
    })
}

fn is_document(file: &FilePart) -> bool {
    file.name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("pdf"))
}

/// One PDF beside page images is another form of the whole, not more pages of it.
fn take_documents_as_renderings(files: &[FilePart], description: &mut Description) {
    let (documents, others): (Vec<&FilePart>, Vec<&FilePart>) = files.iter().partition(|file| is_document(file));
    let [document] = documents.as_slice() else { return };
    // Beside a few pictures of other things, a document may well be one of the things.
    if !description.pages.is_empty() || others.len() < 2 {
        return;
    }
    description.pages = others.into_iter().map(page_of).collect();
    if !description.rendering.iter().any(|link| link.id == document.name) {
        description.rendering.push(Link {
            id: document.name.clone(),
            class: "Text".to_owned(),
            label: LanguageMap::one("en", "PDF"),
            format: Some("application/pdf".to_owned()),
            ..Link::default()
        });
    }
}

/// A picture that has the name of a recording is shown with it, and is no page of its own.
fn take_pictures_of_recordings(files: &[FilePart], description: &mut Description) {
    let recordings: HashSet<&str> =
        files.iter().filter(|file| file.media == Media::Recording).map(|file| stem(&file.name)).collect();
    let mut pictures: HashMap<&str, &FilePart> = HashMap::new();
    for file in files.iter().filter(|file| file.media == Media::Image && !is_document(file)) {
        if recordings.contains(stem(&file.name)) {
            pictures.entry(stem(&file.name)).or_insert(file);
        }
    }
    if pictures.is_empty() {
        return;
    }
    if description.pages.is_empty() {
        let is_beside =
            |file: &&FilePart| pictures.get(stem(&file.name)).is_some_and(|picture| picture.name == file.name);
        description.pages = files.iter().filter(|file| !is_beside(file)).map(page_of).collect();
    }
    let named: HashSet<String> = description.pages.iter().flat_map(|page| &page.contents).filter_map(file_of).collect();
    for page in description.pages.iter_mut().filter(|page| page.beside.is_none()) {
        let recording = first_file(page).filter(|name| recordings.contains(stem(name)));
        let picture =
            recording.and_then(|name| pictures.get(stem(name))).filter(|picture| !named.contains(&picture.name));
        page.beside = picture.map(|picture| Location::File(picture.name.clone()));
    }
}

fn file_of(content: &Content) -> Option<String> {
    match &content.location {
        Location::File(name) | Location::FilePage(name, _) => Some(name.clone()),
        Location::Url(_) | Location::ImageService(_) => None,
    }
}

/// Finds the file that each description of a page means, whatever the case or extension that it was written with; tells of
/// those that are not there, and of those that are there and that no page names.
fn resolve(object: &Object, files: &[FilePart], description: &mut Description, findings: &mut Vec<Finding>) {
    if description.pages.is_empty() {
        return;
    }
    let known: HashSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let mut alike: HashMap<String, Option<&str>> = HashMap::new();
    for file in files {
        for key in [file.name.to_lowercase(), stem(&file.name).to_lowercase(), file.label().to_lowercase()] {
            alike
                .entry(key)
                .and_modify(|other| *other = other.filter(|other| *other == file.name))
                .or_insert(Some(&file.name));
        }
    }
    let mut missing = 0_usize;
    let mut named: HashSet<String> = HashSet::new();
    for content in description.pages.iter_mut().flat_map(|page| &mut page.contents) {
        let (Location::File(name) | Location::FilePage(name, _)) = &mut content.location else { continue };
        if !known.contains(name.as_str()) {
            let candidates = [name.to_lowercase(), stem(name).to_lowercase(), label(name).to_lowercase()];
            match candidates.iter().find_map(|key| alike.get(key.as_str()).copied().flatten()) {
                Some(found) => found.clone_into(name),
                None => missing += 1,
            }
        }
        named.insert(name.clone());
    }
    let beside = description.pages.iter().filter_map(|page| page.beside.as_ref());
    named.extend(beside.filter_map(|location| file_of(&Content::at(location.clone()))));
    let place = object.identifier.as_str();
    if missing > 0 {
        findings.push(Finding::new(
            Severity::Error,
            "file-missing",
            place,
            format!("{missing} files that a description names are not there; their places are kept by empty pages"),
            "put the files there, or correct their names in the description",
        ));
    }
    let unnamed = files.iter().filter(|file| !named.contains(&file.name) && !is_document(file)).count();
    if unnamed > 0 && !named.is_empty() {
        findings.push(Finding::new(
            Severity::Note,
            "file-unnamed",
            place,
            format!("{unnamed} files lie there that the description of its pages does not name; they are not shown"),
            "name them in the description, or move them elsewhere",
        ));
    }
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
