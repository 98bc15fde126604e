//! Which canvases an object has, in order, and what is painted on each.

use std::collections::{HashMap, HashSet};

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::LanguageMap;

use super::parts::{FilePart, ObjectParts};
use super::{PageFacts, page_identifier};
use crate::description::{Content, Location, Page};

/// One canvas before it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct CanvasPlan<'a> {
    /// Its name in URLs, unique in the object; not encoded.
    pub name: String,
    /// Its label.
    pub label: LanguageMap,
    /// What was said about the page, if anything.
    pub page: Option<&'a Page>,
    /// What is painted on it, in order.
    pub painted: Vec<Painted<'a>>,
    /// A picture that is shown while sound is heard, or before a film begins.
    pub beside: Option<Source<'a>>,
    /// Which of the described pages it is, from 0; the number of the file where none are described.
    pub place: usize,
}

/// One thing that is painted on a canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct Painted<'a> {
    /// What it is.
    pub source: Source<'a>,
    /// What was said about it.
    pub content: Option<&'a Content>,
}

/// Where painted content comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source<'a> {
    /// A page of a file of the library, with what is known of it.
    File {
        /// The file.
        file: &'a FilePart,
        /// The identifier of the page.
        image: Identifier,
        /// `None` when nothing is known about it.
        facts: Option<&'a PageFacts>,
    },
    /// A file or image service on the web.
    Web(&'a Location),
    /// A file that is not there.
    Missing(&'a str),
}

impl CanvasPlan<'_> {
    /// True when this image, or page of a file, is painted on it.
    pub fn has(&self, image: &Identifier) -> bool {
        self.painted
            .iter()
            .any(|painted| matches!(&painted.source, Source::File { image: painted, .. } if painted == image))
    }

    /// The facts of the first thing on it that can be shown.
    pub fn facts(&self) -> Option<&PageFacts> {
        self.painted.iter().find_map(|painted| match &painted.source {
            Source::File { facts: Some(facts), .. } if facts.is_readable() => Some(*facts),
            _ => None,
        })
    }
}

/// The canvases of an object. `facts` may come in any order; `prefix` is what paths of the object's files begin with.
pub fn plan<'a>(parts: &'a ObjectParts, prefix: &str, facts: &'a [PageFacts]) -> Vec<CanvasPlan<'a>> {
    let mut by_file: HashMap<&Identifier, Vec<&PageFacts>> = HashMap::with_capacity(parts.files.len());
    for page in facts {
        by_file.entry(&page.file).or_default().push(page);
    }
    for pages in by_file.values_mut() {
        pages.sort_by_key(|page| page.page);
        pages.dedup_by_key(|page| page.page);
    }
    let planning = Planning { parts, prefix, by_file, by_name: by_name(&parts.files) };
    let mut canvases = Vec::with_capacity(facts.len());
    if parts.description.pages.is_empty() {
        for (place, file) in parts.files.iter().enumerate() {
            planning.file(file, None, place, &mut canvases);
        }
    } else {
        for (place, page) in parts.description.pages.iter().enumerate() {
            planning.page(page, place, &mut canvases);
        }
    }
    make_unique(&mut canvases);
    canvases
}

struct Planning<'a, 'p> {
    parts: &'a ObjectParts,
    prefix: &'p str,
    by_file: HashMap<&'a Identifier, Vec<&'a PageFacts>>,
    by_name: HashMap<&'a str, &'a FilePart>,
}

fn by_name(files: &[FilePart]) -> HashMap<&str, &FilePart> {
    files.iter().map(|file| (file.name.as_str(), file)).collect()
}

impl<'a> Planning<'a, '_> {
    fn facts(&self, file: &FilePart) -> &[&'a PageFacts] {
        self.by_file.get(&file.identifier(self.prefix)).map_or(&[], Vec::as_slice)
    }

    /// All pages of a file, each a canvas.
    fn file(&self, file: &'a FilePart, page: Option<&'a Page>, place: usize, canvases: &mut Vec<CanvasPlan<'a>>) {
        let content = page.and_then(|page| page.contents.first());
        let facts = self.facts(file);
        if facts.is_empty() {
            canvases.push(self.file_page(file, (1, 1), None, page, content, place));
        }
        for known in facts {
            canvases.push(self.file_page(file, (known.page, known.pages), Some(known), page, content, place));
        }
    }

    fn file_page(
        &self,
        file: &'a FilePart,
        (number, pages): (u32, u32),
        facts: Option<&'a PageFacts>,
        page: Option<&'a Page>,
        content: Option<&'a Content>,
        place: usize,
    ) -> CanvasPlan<'a> {
        let first = page.and_then(|page| page.canvas.as_deref()).unwrap_or(file.canvas());
        let image = page_identifier(&file.identifier(self.prefix), number);
        CanvasPlan {
            name: if number <= 1 { first.to_owned() } else { format!("{first};{number}") },
            label: self.label(file, page, number, pages),
            page,
            painted: vec![Painted { source: Source::File { file, image, facts }, content }],
            beside: page.filter(|_| number <= 1).and_then(|page| self.beside(page)),
            place,
        }
    }

    fn label(&self, file: &FilePart, page: Option<&Page>, number: u32, pages: u32) -> LanguageMap {
        let said = page.map(|page| &page.label).filter(|label| !label.is_empty());
        match (said, pages) {
            (Some(label), 0 | 1) => label.clone(),
            (Some(label), _) => {
                let mut numbered = LanguageMap::default();
                for (language, texts) in label.iter() {
                    texts.iter().for_each(|text| numbered.push(language, format!("{text}, {number}")));
                }
                numbered
            }
            (None, 0 | 1) => LanguageMap::none(file.label()),
            (None, _) if self.parts.files.len() == 1 => LanguageMap::none(number.to_string()),
            (None, _) => LanguageMap::none(format!("{}, {number}", file.label())),
        }
    }

    /// A described page: one canvas, unless it is nothing but a file of several pages.
    fn page(&self, page: &'a Page, place: usize, canvases: &mut Vec<CanvasPlan<'a>>) {
        if let [Content { location: Location::File(name), .. }] = page.contents.as_slice()
            && let Some(file) = self.by_name.get(name.as_str())
        {
            return self.file(file, Some(page), place, canvases);
        }
        let painted: Vec<Painted<'a>> = page.contents.iter().map(|content| self.painted(content)).collect();
        let first = painted.first().map(|painted| &painted.source);
        let (name, label) = match first {
            Some(Source::File { file, .. }) => (file.canvas().to_owned(), file.label().to_owned()),
            Some(Source::Missing(name)) => (label_of(name), label_of(name)),
            Some(Source::Web(Location::Url(url) | Location::ImageService(url))) => (label_of(url), label_of(url)),
            _ => ((place + 1).to_string(), (place + 1).to_string()),
        };
        let label = if page.label.is_empty() { LanguageMap::none(label) } else { page.label.clone() };
        canvases.push(CanvasPlan {
            name: page.canvas.clone().unwrap_or(name),
            label,
            page: Some(page),
            painted,
            beside: self.beside(page),
            place,
        });
    }

    /// The picture beside a page, where it is there.
    fn beside(&self, page: &'a Page) -> Option<Source<'a>> {
        let (name, number) = match page.beside.as_ref()? {
            Location::File(name) => (name, 1),
            Location::FilePage(name, number) => (name, *number),
            web => return Some(Source::Web(web)),
        };
        let file = *self.by_name.get(name.as_str())?;
        Some(Source::File {
            file,
            image: page_identifier(&file.identifier(self.prefix), number),
            facts: self.facts(file).iter().find(|facts| facts.page == number).copied(),
        })
    }

    fn painted(&self, content: &'a Content) -> Painted<'a> {
        let (name, number) = match &content.location {
            Location::File(name) => (name, 1),
            Location::FilePage(name, number) => (name, *number),
            location => return Painted { source: Source::Web(location), content: Some(content) },
        };
        let source = match self.by_name.get(name.as_str()) {
            Some(file) => Source::File {
                file,
                image: page_identifier(&file.identifier(self.prefix), number),
                facts: self.facts(file).iter().find(|facts| facts.page == number).copied(),
            },
            None => Source::Missing(name),
        };
        Painted { source, content: Some(content) }
    }
}

fn label_of(path: &str) -> String {
    crate::assemble::label(path.trim_end_matches('/')).to_owned()
}

/// No two canvases have one name: whoever comes later gets a number behind it.
fn make_unique(canvases: &mut [CanvasPlan<'_>]) {
    let mut names: HashSet<String> = HashSet::with_capacity(canvases.len());
    for canvas in canvases {
        let mut number = 2;
        while names.contains(&canvas.name) {
            let stem = canvas.name.split_once('~').map_or(canvas.name.as_str(), |(stem, _)| stem);
            canvas.name = format!("{stem}~{number}");
            number += 1;
        }
        names.insert(canvas.name.clone());
    }
}
