//! Readers of descriptive and structural XML: METS, MODS, Dublin Core, MARC, LIDO, EAD, TEI. Each gives the common form of
//! [`crate::description`] and findings.
//!
//! [`recognise`] looks at content (the root element and its namespace) and never at file names; [`read`] never fails: what is not
//! well-formed is read as far as it goes, and a finding tells where it stopped. Readers do no input or output: the caller brings the
//! bytes, and may bring a [`Listing`] of the files that exist.

mod access;
mod dates;
mod ead;
mod entities;
mod forms;
mod html;
mod iso2709;
mod lido;
mod links;
mod listing;
mod marc;
mod mets;
mod path;
mod ranges;
mod record;
mod scan;
mod tei;
mod xml;

use std::cell::RefCell;

use crate::description::{Description, Link};
use crate::finding::{Finding, Findings, Severity};
use crate::mapping::{Format, Mapping};
use recto_iiif::presentation::LanguageMap;

pub use listing::Listing;
pub(crate) use path::Path;
pub use tei::{PageText, page_texts};
use xml::{Document, Node};

/// A file to read.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its path relative to the folder of what it describes, such as `mets.xml`.
    pub name: &'a str,
    /// Its path relative to the library, for findings.
    pub place: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
    /// The files that exist below the folder of what it describes, where the caller knows them.
    pub files: Option<&'a Listing>,
}

impl<'a> Input<'a> {
    /// A file of which nothing is known but its content.
    #[must_use]
    pub fn new(name: &'a str, place: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, place, bytes, files: None }
    }
}

/// What a file says, and what was noticed on the way.
#[derive(Debug)]
pub struct Reading {
    /// What it says.
    pub description: Description,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// A format that can be read.
#[derive(Debug)]
pub struct Reader {
    /// Its short name, such as `mets`.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What data in it follow, for `profile` of `seeAlso`: a URI.
    pub profile: &'static str,
    recognise: fn(Node<'_>) -> bool,
    read: fn(&Context<'_>, Node<'_>) -> Description,
}

/// All formats, in the order in which they are tried.
pub const READERS: &[Reader] = &[
    Reader {
        name: "mets",
        title: "METS",
        profile: "http://www.loc.gov/METS/",
        recognise: mets::recognise,
        read: mets::read,
    },
    Reader {
        name: "mods",
        title: "MODS",
        profile: "http://www.loc.gov/mods/v3",
        recognise: record::is_mods,
        read: record::read_mods,
    },
    Reader {
        name: "marc",
        title: "MARC",
        profile: "http://www.loc.gov/MARC21/slim",
        recognise: marc::recognise,
        read: marc::read,
    },
    Reader {
        name: "lido",
        title: "LIDO",
        profile: "http://www.lido-schema.org",
        recognise: lido::recognise,
        read: lido::read,
    },
    Reader { name: "ead", title: "EAD", profile: "urn:isbn:1-931666-22-9", recognise: ead::recognise, read: ead::read },
    Reader {
        name: "tei",
        title: "TEI",
        profile: "http://www.tei-c.org/ns/1.0",
        recognise: tei::recognise,
        read: tei::read,
    },
    Reader {
        name: "dc",
        title: "Dublin Core",
        profile: "http://purl.org/dc/elements/1.1/",
        recognise: record::is_dublin_core,
        read: record::read_dublin_core,
    },
];

/// Which reader a file is for, by its content; `None` where there is none. Only the beginning is looked at.
#[must_use]
pub fn recognise(input: &Input<'_>) -> Option<&'static Reader> {
    if iso2709::is_record(input.bytes) {
        return READERS.iter().find(|reader| reader.name == "marc");
    }
    xml::peek(input.bytes, |root| READERS.iter().find(|reader| (reader.recognise)(root))).flatten()
}

/// Reads a file of any known format. What no reader is for gives an empty description and a finding.
pub fn read(input: &Input<'_>, mapping: &Mapping) -> Reading {
    let findings = RefCell::new(Findings::default());
    let converted = iso2709::is_record(input.bytes).then(|| iso2709::to_xml(input, &findings));
    let bytes = converted.as_ref().map_or(input.bytes, String::as_bytes);
    let description = xml::with_document(input, bytes, &findings, |document| {
        let context = Context { input: *input, mapping, document, findings: &findings };
        let root = document.root();
        let Some(reader) = READERS.iter().find(|reader| (reader.recognise)(root)) else {
            context.warning(
                root,
                "unknown-format",
                format!("no reader is for a file that begins with <{}>", root.tag_name().name()),
                "put METS, MODS, Dublin Core, MARC, LIDO, EAD or TEI here, or leave the file as it is: it is not used",
            );
            return Description::default();
        };
        let mut description = (reader.read)(&context, root);
        description.see_also.push(Link {
            id: input.name.to_owned(),
            class: "Dataset".to_owned(),
            label: LanguageMap::one("en", reader.title),
            format: Some(if converted.is_some() { "application/marc" } else { "application/xml" }.to_owned()),
            profile: Some(reader.profile.to_owned()),
            language: Vec::new(),
        });
        description
    });
    Reading { description: description.unwrap_or_default(), findings: findings.into_inner().into_list() }
}

/// What every reader has at hand.
struct Context<'a> {
    input: Input<'a>,
    mapping: &'a Mapping,
    document: &'a Document<'a>,
    findings: &'a RefCell<Findings>,
}

impl Context<'_> {
    fn find(&self, severity: Severity, at: Node<'_>, rule: &'static str, message: String, fix: &str) {
        let (line, column) = self.document.position(at.range().start);
        let finding = Finding::new(severity, rule, self.input.place, message, fix).at_line(line).at_column(column);
        self.findings.borrow_mut().push(finding);
    }

    fn note(&self, at: Node<'_>, rule: &'static str, message: String, fix: &str) {
        self.find(Severity::Note, at, rule, message, fix);
    }

    fn warning(&self, at: Node<'_>, rule: &'static str, message: String, fix: &str) {
        self.find(Severity::Warning, at, rule, message, fix);
    }

    /// What a record of a format says, by the mapping's rules for it.
    fn record(&self, format: Format, record: Node<'_>) -> Description {
        record::describe(self, format, record)
    }
}
