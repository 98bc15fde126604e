//! METS: files, pages in their physical order, the logical structure, and descriptions of both. Profiles (DFG and Kitodo, Goobi, NDNP,
//! Veridian, Archivematica, OCR-D) are read by what they have in common; the words in which they differ are in the mapping.

mod administrative;
mod files;
mod pages;
mod structure;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::record::{self, is_dc_namespace};
use super::xml::{self, Node};
use super::{Context, links};
use crate::description::{Description, Kind, Link};
use crate::mapping::Format;
use crate::merge::strictest;
use files::Files;
use pages::Pages;
use recto_iiif::presentation::LanguageMap;

const METS: [&str; 3] = ["http://www.loc.gov/METS/", "http://www.loc.gov/METS/v2", "http://www.loc.gov/METS"];

pub(super) fn recognise(root: Node<'_>) -> bool {
    xml::is(root, "mets") && root.tag_name().namespace().is_none_or(|namespace| METS.contains(&namespace))
}

/// A METS document with what is looked up in it again and again.
struct Mets<'a> {
    context: &'a Context<'a>,
    root: Node<'a>,
    ids: HashMap<&'a str, Node<'a>>,
    files: Files<'a>,
    /// Sections that were looked at for the object, so that their records are read once.
    records: RefCell<HashMap<String, Description>>,
}

pub(super) fn read(context: &Context<'_>, root: Node<'_>) -> Description {
    let ids = identifiers(context, root);
    let files = Files::read(context, root);
    let mets = Mets { context, root, ids, files, records: RefCell::new(HashMap::new()) };
    let maps: Vec<Node<'_>> = xml::children(root, "structMap").collect();
    let physical = pages::physical_map(&maps);
    let logical = structure::logical_map(&maps, physical);
    let pages = Pages::read(&mets, physical);
    let structure = structure::read(&mets, logical, &pages);

    let mut description = mets.object(structure.object, physical);
    if description.label.is_empty() {
        let label = structure.object.and_then(|division| xml::attribute(division, "LABEL"));
        let label = label.or_else(|| xml::attribute(root, "LABEL"));
        description.label = label.map(|label| LanguageMap::none(xml::words(label))).unwrap_or_default();
    }
    if description.nav_date.is_none() {
        description.nav_date = structure.nav_date;
    }
    administrative::apply(&mets, structure.object, &mut description);
    if description.homepage.is_empty() {
        let address = structure.object.and_then(|division| xml::attribute(division, "CONTENTIDS"));
        let address =
            address.and_then(|addresses| addresses.split_whitespace().find(|address| super::forms::is_http(address)));
        description.homepage.extend(address.map(|address| page_link(address, record::website())));
    }
    description.rendering = pages.renderings;
    description.thumbnail = pages.thumbnail;
    description.ranges = structure.ranges;
    description.members = structure.members;
    description.kind = match (pages.pages.is_empty(), description.members.is_empty()) {
        (false, _) => Some(Kind::Manifest),
        (true, false) => Some(Kind::Collection),
        (true, true) => {
            context.warning(
                root,
                "no-pages",
                "the METS file names no file that can be shown".to_owned(),
                "see whether its file groups have one of the names in [mets] of the mapping, and add the name of yours",
            );
            None
        }
    };
    description.pages = pages.pages;
    description
}

/// All elements that have an identifier; of two with the same, the first counts.
fn identifiers<'a>(context: &Context<'_>, root: Node<'a>) -> HashMap<&'a str, Node<'a>> {
    let mut ids: HashMap<&str, Node<'_>> = HashMap::new();
    for node in root.descendants().filter(Node::is_element) {
        let is_of_mets = node.tag_name().namespace() == root.tag_name().namespace();
        let Some(id) = node.attribute("ID").filter(|id| is_of_mets && !id.is_empty()) else { continue };
        if let Some(first) = ids.get(id) {
            let (line, _) = context.document.position(first.range().start);
            context.warning(
                node,
                "duplicate-identifier",
                format!("the identifier `{id}` is that of the <{}> in line {line} already", xml::name(*first)),
                "give each element an identifier of its own; references lead to the first",
            );
        } else {
            ids.insert(id, node);
        }
    }
    ids
}

impl<'a> Mets<'a> {
    /// What is said about the object: by the sections that its division names, else by the first that no page names.
    fn object(&self, division: Option<Node<'a>>, physical: Option<Node<'a>>) -> Description {
        let mut sections = division.map(|division| self.sections(division)).unwrap_or_default();
        if sections.is_empty() {
            let top =
                physical.into_iter().flat_map(|map| map.descendants().filter(|node| xml::is(*node, "div")).take(3));
            sections =
                top.map(|division| self.sections(division)).find(|sections| !sections.is_empty()).unwrap_or_default();
        }
        if sections.is_empty() {
            let named: HashSet<&str> = self
                .root
                .descendants()
                .filter(|node| xml::is(*node, "div"))
                .filter_map(|node| xml::attribute(node, "DMDID"))
                .flat_map(str::split_whitespace)
                .collect();
            let free = xml::children(self.root, "dmdSec")
                .find(|section| !xml::attribute(*section, "ID").is_some_and(|id| named.contains(id)));
            sections.extend(free);
        }
        let mut description = Description::default();
        for section in sections {
            merge(&mut description, self.section(section));
        }
        description
    }

    /// The descriptive sections that a division names.
    fn sections(&self, division: Node<'a>) -> Vec<Node<'a>> {
        let ids = xml::attribute(division, "DMDID").unwrap_or_default();
        let found = ids.split_whitespace().filter_map(|id| {
            let section = self.ids.get(id).copied().filter(|node| xml::is(*node, "dmdSec") || xml::is(*node, "md"));
            if section.is_none() {
                let what = xml::attribute(division, "ID").unwrap_or("without an identifier");
                let message = format!("the division `{what}` names the description `{id}`, which is not there");
                self.context.warning(
                    division,
                    "dangling-reference",
                    message,
                    "add the section, or take the reference away",
                );
            }
            section
        });
        found.collect()
    }

    /// All that is said about a division.
    fn division(&self, division: Node<'a>) -> Description {
        let mut description = Description::default();
        for section in self.sections(division) {
            merge(&mut description, self.section(section));
        }
        description
    }

    /// What a descriptive section says. A record of several parts is read once.
    fn section(&self, section: Node<'a>) -> Description {
        let id = section.range().start.to_string();
        if let Some(known) = self.records.borrow().get(&id) {
            return known.clone();
        }
        let description = self.read_section(section);
        self.records.borrow_mut().insert(id, description.clone());
        description
    }

    fn read_section(&self, section: Node<'a>) -> Description {
        let mut description = Description::default();
        if let Some(reference) = xml::child(section, "mdRef") {
            let address = xml::attribute(reference, "href").unwrap_or_default();
            match links::resolve(self.context, address) {
                Ok(target) => description.see_also.push(Link {
                    format: xml::attribute(reference, "MIMETYPE")
                        .map(str::to_owned)
                        .or_else(|| links::media_type(&target.address).map(str::to_owned)),
                    id: target.address,
                    class: "Dataset".to_owned(),
                    label: LanguageMap::none(
                        xml::attribute(reference, "LABEL")
                            .or_else(|| xml::attribute(reference, "MDTYPE"))
                            .unwrap_or("METS"),
                    ),
                    ..Link::default()
                }),
                Err(why) => {
                    let message = format!("the description at `{address}` {}", why.words());
                    self.context.warning(
                        reference,
                        "unusable-address",
                        message,
                        "put the record beside the METS file and write its name",
                    );
                }
            }
        }
        if let Some(data) = xml::child(section, "mdWrap").and_then(|wrap| xml::child(wrap, "xmlData"))
            && let Some((format, record)) = record_in(data)
        {
            merge(&mut description, self.context.record(format, record));
        }
        description
    }

    /// Elements that an attribute of identifiers leads to.
    fn named(&self, node: Node<'a>, attribute: &str) -> Vec<Node<'a>> {
        let ids = xml::attribute(node, attribute).unwrap_or_default();
        ids.split_whitespace().filter_map(|id| self.ids.get(id).copied()).collect()
    }
}

/// The record in `xmlData`, and what it follows.
fn record_in(data: Node<'_>) -> Option<(Format, Node<'_>)> {
    let first = xml::elements(data).next()?;
    let namespace = first.tag_name().namespace();
    let is_dc = |node: Node<'_>| xml::elements(node).any(|child| is_dc_namespace(child.tag_name().namespace()));
    if is_dc_namespace(namespace) && !is_dc(first) {
        return Some((Format::DublinCore, data));
    }
    match xml::name(first) {
        "mods" => Some((Format::Mods, first)),
        "modsCollection" => xml::child(first, "mods").map(|record| (Format::Mods, record)),
        "kitodo" | "goobi" => Some((Format::Kitodo, first)),
        "lido" => Some((Format::Lido, first)),
        "lidoWrap" => xml::child(first, "lido").map(|record| (Format::Lido, record)),
        "collection" => xml::child(first, "record").map(|record| (Format::Marc, record)),
        "record" if xml::child(first, "datafield").is_some() => Some((Format::Marc, first)),
        "ead" => xml::child(first, "archdesc").map(|record| (Format::Ead, record)),
        "archdesc" | "c" => Some((Format::Ead, first)),
        "TEI" | "TEI.2" | "teiHeader" => Some((Format::Tei, first)),
        _ if is_dc(first) => Some((Format::DublinCore, first)),
        _ => None,
    }
    .map(|(format, record)| match (format, goobi_in(record)) {
        // Kitodo.Production 2 keeps its fields in an extension of an empty MODS record.
        (Format::Mods, Some(goobi)) => (Format::Kitodo, goobi),
        found => (found.0, record),
    })
}

fn goobi_in(record: Node<'_>) -> Option<Node<'_>> {
    let only = xml::elements(record)
        .next()
        .filter(|first| xml::is(*first, "extension") && xml::elements(record).count() == 1)?;
    xml::elements(only).find(|inner| xml::is(*inner, "goobi") || xml::is(*inner, "kitodo"))
}

/// Adds what a further source of the same rank says.
fn merge(description: &mut Description, more: Description) {
    if description.label.is_empty() {
        description.label = more.label;
    }
    if description.summary.is_empty() {
        description.summary = more.summary;
    }
    for pair in more.metadata {
        if !description.metadata.contains(&pair) {
            description.metadata.push(pair);
        }
    }
    description.required_statement = description.required_statement.take().or(more.required_statement);
    description.rights = description.rights.take().or(more.rights);
    description.access = strictest(description.access.iter().chain(&more.access));
    description.nav_date = description.nav_date.take().or(more.nav_date);
    description.language = description.language.take().or(more.language);
    description.viewing_direction = description.viewing_direction.or(more.viewing_direction);
    description.provider.extend(more.provider);
    for link in more.homepage {
        if description.homepage.iter().all(|known| known.id != link.id) {
            description.homepage.push(link);
        }
    }
    description.see_also.extend(more.see_also);
}

/// A page of the web for people.
fn page_link(address: &str, label: LanguageMap) -> Link {
    Link {
        id: address.to_owned(),
        class: "Text".to_owned(),
        label,
        format: Some("text/html".to_owned()),
        ..Link::default()
    }
}
