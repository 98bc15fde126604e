//! The logical structure: parts of the object, or the objects of a collection.

use std::collections::HashMap;

use recto_iiif::presentation::LanguageMap;

use super::super::xml::{self, Node};
use super::super::{links, ranges};
use super::pages::{Pages, area_time};
use super::{Mets, administrative};
use crate::description::{Block, Kind, Member, PagePart, PageRef, Range, RangeItem};

/// What the logical structure says.
#[derive(Default)]
pub(super) struct Structure<'a> {
    /// The division that is the object itself.
    pub(super) object: Option<Node<'a>>,
    pub(super) ranges: Vec<Range>,
    pub(super) members: Vec<Member>,
    pub(super) nav_date: Option<String>,
}

/// The structure that says parts: of the type LOGICAL, the one with the most divisions; or the physical one, for its first division.
pub(super) fn logical_map<'a>(maps: &[Node<'a>], physical: Option<Node<'a>>) -> Option<Node<'a>> {
    let is_logical = |map: &&Node<'a>| {
        ["TYPE", "LABEL"]
            .into_iter()
            .filter_map(|name| xml::attribute(**map, name))
            .any(|value| value.to_ascii_lowercase().contains("logical"))
    };
    let logical = maps
        .iter()
        .filter(is_logical)
        .filter(|map| Some(**map) != physical)
        .max_by_key(|map| xml::descendants(**map, "div").count());
    logical.or_else(|| maps.iter().find(|map| Some(**map) != physical)).copied()
}

pub(super) fn read<'a>(mets: &Mets<'a>, map: Option<Node<'a>>, pages: &Pages<'a>) -> Structure<'a> {
    let mut structure = Structure::default();
    let links = Links::read(mets, pages);
    let Some(root) = map.and_then(|map| xml::child(map, "div")) else { return structure };
    let object = object_division(root, &links);
    structure.object = Some(object);
    structure.nav_date = object.ancestors().take_while(|node| xml::is(*node, "div")).find_map(administrative::moment);
    if pages.pages.is_empty() {
        members(mets, object, true, None, &mut structure.members);
        return structure;
    }
    let builder = Builder { mets, pages, links: &links };
    let tops: Vec<Node<'a>> = if structure_is_flat(map, object) {
        map.into_iter().flat_map(|map| xml::children(map, "div")).collect()
    } else {
        xml::children(object, "div").collect()
    };
    structure.ranges = tops.into_iter().map(|division| builder.part(division).range).collect();
    let dropped = ranges::drop_empty(&mut structure.ranges);
    if dropped > 0 {
        mets.context.note(
            object,
            "part-without-pages",
            format!("{dropped} parts of the structure are linked to no page; they are left out"),
            "link each part to its pages with smLink",
        );
    }
    structure
}

/// Several divisions beside each other are parts, and none is the object.
fn structure_is_flat(map: Option<Node<'_>>, object: Node<'_>) -> bool {
    map.is_some_and(|map| xml::children(map, "div").count() > 1 && object.parent() == Some(map))
}

/// The outermost division that is the object: those around it only say to which newspaper, year and day it belongs.
fn object_division<'a>(root: Node<'a>, links: &Links<'a>) -> Node<'a> {
    let mut object = root;
    loop {
        let mut parts = xml::children(object, "div");
        let (Some(part), None) = (parts.next(), parts.next()) else { return object };
        let is_linked = xml::attribute(object, "ID").is_some_and(|id| links.by_division.contains_key(id))
            || xml::child(object, "fptr").is_some();
        let leads_up = xml::child(object, "mptr").is_some();
        let is_between =
            object != root && xml::attribute(object, "DMDID").is_none() && xml::attribute(object, "ADMID").is_none();
        if is_linked || !(leads_up || is_between) {
            return object;
        }
        object = part;
    }
}

/// Which pages are linked to which divisions.
struct Links<'a> {
    by_division: HashMap<&'a str, Vec<PagePart>>,
}

impl<'a> Links<'a> {
    fn read(mets: &Mets<'a>, pages: &Pages<'a>) -> Self {
        let mut links = Self { by_division: HashMap::new() };
        for section in xml::children(mets.root, "structLink") {
            for link in xml::descendants(section, "smLink") {
                if let (Some(from), Some(to)) = (xml::attribute(link, "from"), xml::attribute(link, "to")) {
                    links.add(mets, pages, link, from, to);
                }
            }
            for group in xml::descendants(section, "smLinkGrp") {
                let places: HashMap<&str, &str> = xml::children(group, "smLocatorLink")
                    .filter_map(|place| {
                        Some((xml::attribute(place, "label")?, xml::attribute(place, "href")?.trim_start_matches('#')))
                    })
                    .collect();
                for arc in xml::children(group, "smArcLink") {
                    let place = |name| xml::attribute(arc, name).and_then(|label| places.get(label).copied());
                    if let (Some(from), Some(to)) = (place("from"), place("to")) {
                        links.add(mets, pages, arc, from, to);
                    }
                }
            }
        }
        links
    }

    fn add(&mut self, mets: &Mets<'a>, pages: &Pages<'a>, link: Node<'a>, from: &'a str, to: &'a str) {
        let (from, to) = (from.trim_start_matches('#'), to.trim_start_matches('#'));
        let dangling = |missing: &str, other: &str| {
            let message =
                format!("the link from `{from}` to `{to}` is broken: there is no `{missing}` (for `{other}`)");
            mets.context.warning(
                link,
                "dangling-reference",
                message,
                "put the identifier right, or take the link away",
            );
        };
        let known = |id: &str| mets.ids.contains_key(id);
        // Some write the ends the other way round.
        let (division, page, found) = match (pages.of_division(to), pages.of_division(from)) {
            (None, Some(found)) if known(to) => (to, from, found),
            (Some(found), _) => (from, to, found),
            _ if !known(from) => return dangling(from, to),
            _ if !known(to) => return dangling(to, from),
            _ => {
                // The division of the whole sequence is there and is no page.
                let is_sequence =
                    mets.ids.get(to).is_some_and(|node| xml::child(*node, "div").is_some() || pages.pages.is_empty());
                if !is_sequence {
                    let message = format!("the link from `{from}` leads to `{to}`, which is no page");
                    mets.context.warning(
                        link,
                        "link-to-no-page",
                        message,
                        "let it lead to a division of the physical structure that has files",
                    );
                }
                return;
            }
        };
        if !known(division) {
            return dangling(division, page);
        }
        let parts = found.iter().map(|(page, time)| PagePart { page: PageRef::Own(*page), region: None, time: *time });
        self.by_division.entry(division).or_default().extend(parts);
    }
}

pub(super) fn dangling_file(mets: &Mets<'_>, division: Node<'_>, place: Node<'_>, id: &str) {
    let of =
        xml::attribute(division, "ID").or_else(|| xml::attribute(division, "LABEL")).unwrap_or("without an identifier");
    let message = format!("the division `{of}` names the file `{id}`, which is not there");
    mets.context.warning(
        place,
        "dangling-reference",
        message,
        "add the file to the file section, or take the reference away",
    );
}

struct Builder<'m, 'a> {
    mets: &'m Mets<'a>,
    pages: &'m Pages<'a>,
    links: &'m Links<'a>,
}

/// A part, and whether it is a mere piece of the text of the part around it.
struct Part {
    range: Range,
    is_piece: bool,
}

impl<'a> Builder<'_, 'a> {
    /// A division and all below it. Documents are no deeper than a limit that stacks have room for.
    fn part(&self, division: Node<'a>) -> Part {
        let about = self.mets.division(division);
        let class = xml::attribute(division, "TYPE").map(str::to_owned);
        let own_label = xml::attribute(division, "LABEL").map(|label| LanguageMap::none(xml::words(label)));
        let mut label = own_label.unwrap_or(about.label);
        let (mut own, mut blocks) = self.pointers(division);
        if let Some(linked) = xml::attribute(division, "ID").and_then(|id| self.links.by_division.get(id)) {
            own.extend(linked.iter().cloned());
        }
        let mut parts: Vec<Range> = Vec::new();
        for part in xml::children(division, "div") {
            let Part { range, is_piece } = self.part(part);
            if is_piece {
                // A heading or paragraph without a name is no part of its own, but some text of this one.
                blocks.extend(range.blocks);
                own.extend(range.items.into_iter().filter_map(|item| match item {
                    RangeItem::Page(page) => Some(page),
                    RangeItem::Range(_) => None,
                }));
            } else {
                parts.push(range);
            }
        }
        let is_piece = label.is_empty() && !blocks.is_empty() && parts.is_empty();
        if let Some(class) = class.as_ref().filter(|_| label.is_empty()) {
            label = self.mets.context.mapping.part_type(class);
        }
        let id = xml::attribute(division, "ID").map(str::to_owned);
        let items = ranges::items(own, parts);
        Part {
            range: Range { id, label, metadata: about.metadata, class, items, blocks, ..Range::default() },
            is_piece,
        }
    }

    /// What a division points to itself: pages, regions and times of them, and blocks of their text.
    fn pointers(&self, division: Node<'a>) -> (Vec<PagePart>, Vec<Block>) {
        let (mut parts, mut blocks) = (Vec::new(), Vec::new());
        for pointer in xml::children(division, "fptr") {
            for place in pointer.descendants().filter(|node| xml::is(*node, "fptr") || xml::is(*node, "area")) {
                let Some(id) = xml::attribute(place, "FILEID") else { continue };
                let Some(file) = self.mets.files.by_id(id) else {
                    dangling_file(self.mets, division, place, id);
                    continue;
                };
                let Some(page) = self.pages.of_file(file) else { continue };
                let mut part = ranges::whole(page);
                part.time = area_time(place);
                let coordinates = xml::attribute(place, "COORDS");
                part.region =
                    coordinates.and_then(|coordinates| ranges::region(xml::attribute(place, "SHAPE"), coordinates));
                if let Some(coordinates) = coordinates.filter(|_| part.region.is_none()) {
                    let message = format!(
                        "`{coordinates}` are no coordinates of a {}",
                        xml::attribute(place, "SHAPE").unwrap_or("shape")
                    );
                    self.mets.context.warning(
                        place,
                        "bad-coordinates",
                        message,
                        "write left, top, right and bottom in pixels; the whole page is taken",
                    );
                }
                if xml::attribute(place, "BETYPE").is_some_and(|unit| unit.eq_ignore_ascii_case("IDREF"))
                    && let (Some(begin), Ok(target)) =
                        (xml::attribute(place, "BEGIN"), self.mets.files.list[file].target(self.mets.context))
                {
                    let end = xml::attribute(place, "END").filter(|end| *end != begin).map(str::to_owned);
                    let block =
                        Block { page: PageRef::Own(page), file: target.address.clone(), begin: begin.to_owned(), end };
                    if !blocks.contains(&block) {
                        blocks.push(block);
                    }
                }
                parts.push(part);
            }
        }
        (parts, blocks)
    }
}

/// The objects that a collection points to. `date` is that of a day around the division.
fn members<'a>(mets: &Mets<'a>, division: Node<'a>, is_object: bool, date: Option<&str>, found: &mut Vec<Member>) {
    let has_parts = xml::child(division, "div").is_some();
    // The pointer of the outermost division leads to what the collection itself belongs to.
    for pointer in xml::children(division, "mptr").filter(|_| !is_object || !has_parts) {
        found.extend(member(mets, division, pointer, date));
    }
    let own = xml::attribute(division, "ORDERLABEL").filter(|_| administrative::moment(division).is_some());
    for part in xml::children(division, "div") {
        members(mets, part, false, own.or(date), found);
    }
}

/// Types of divisions that hold further objects.
const COLLECTIONS: [&str; 6] =
    ["newspaper", "year", "newspaperyear", "multivolume_work", "multivolumework", "periodical"];

fn member<'a>(mets: &Mets<'a>, division: Node<'a>, pointer: Node<'a>, date: Option<&str>) -> Option<Member> {
    let address = xml::attribute(pointer, "href").unwrap_or_default();
    let what = xml::attribute(division, "ID").unwrap_or("without an identifier");
    let id = match links::resolve(mets.context, address) {
        Ok(target) if target.address == mets.context.input.name => {
            let message = format!("the division `{what}` points to this file itself");
            mets.context.warning(pointer, "loop", message, "let it point to the METS file of the part");
            return None;
        }
        Ok(target) => target.address,
        Err(why) => {
            if let Some(path) = links::outward(address).filter(|_| why == links::Unresolved::Outside) {
                return Some(source(mets, division, path, date));
            }
            let message = format!("the address `{address}` of the part `{what}` {}", why.words());
            mets.context.warning(pointer, "unusable-address", message, "write the path of the METS file of the part");
            return None;
        }
    };
    Some(source(mets, division, id, date))
}

fn source<'a>(mets: &Mets<'a>, division: Node<'a>, id: String, date: Option<&str>) -> Member {
    let kind = xml::attribute(division, "TYPE").unwrap_or_default();
    let name = xml::attribute(division, "LABEL").or_else(|| xml::attribute(division, "ORDERLABEL")).map(xml::words);
    let name = name.map_or_else(|| mets.division(division).label, LanguageMap::none);
    let name = if name.is_empty() { mets.context.mapping.part_type(kind) } else { name };
    let label = match (date, name.first()) {
        (Some(date), Some(name)) if !name.contains(date) => LanguageMap::none(format!("{date}, {name}")),
        _ => name,
    };
    let is_collection = COLLECTIONS.contains(&kind.to_ascii_lowercase().as_str());
    let kind = if is_collection { Kind::Collection } else { Kind::Manifest };
    Member::Source { id, kind, label }
}
