//! The physical structure: which pages there are, in which order, and which files show them.

use std::collections::HashMap;

use recto_iiif::presentation::LanguageMap;

use super::super::links::{Class, media_type};
use super::super::xml::{self, Node};
use super::administrative::{measures, seconds};
use super::files::{File, Purpose};
use super::{Mets, structure};
use crate::description::{Content, Link, Location, Page};

/// A time in a recording: from, and until where that is known.
pub(super) type Time = (f64, Option<f64>);

/// Pages, and what leads to them.
#[derive(Default)]
pub(super) struct Pages<'a> {
    pub(super) pages: Vec<Page>,
    /// Pages by the identifiers of physical divisions; a division of a recording is a time of its page.
    by_division: HashMap<&'a str, Vec<(usize, Option<Time>)>>,
    by_file: HashMap<usize, usize>,
    /// Downloads of the whole object.
    pub(super) renderings: Vec<Link>,
    pub(super) thumbnail: Option<String>,
}

/// A page before its files are chosen.
struct Draft<'a> {
    division: Option<Node<'a>>,
    files: Vec<usize>,
    time: Option<Time>,
    order: Option<f64>,
}

/// The structure that says the order of pages: of the type PHYSICAL, else one without a type.
pub(super) fn physical_map<'a>(maps: &[Node<'a>]) -> Option<Node<'a>> {
    let is_of = |map: &Node<'a>, word: &str| {
        ["TYPE", "LABEL"]
            .into_iter()
            .filter_map(|name| xml::attribute(*map, name))
            .any(|value| value.to_ascii_lowercase().contains(word))
    };
    let physical =
        maps.iter().find(|map| xml::attribute(**map, "TYPE").is_some_and(|kind| kind.eq_ignore_ascii_case("physical")));
    let physical = physical.or_else(|| maps.iter().find(|map| is_of(map, "physical")));
    physical.or_else(|| maps.iter().find(|map| !is_of(map, "logical"))).copied()
}

impl<'a> Pages<'a> {
    pub(super) fn read(mets: &Mets<'a>, map: Option<Node<'a>>) -> Self {
        let mut pages = Self::default();
        let mut drafts = Vec::new();
        for root in map.into_iter().flat_map(|map| xml::children(map, "div")) {
            pages.draft(mets, root, true, &mut drafts);
        }
        if drafts.is_empty() {
            drafts = from_files(mets);
        }
        drafts = joined_by_group(mets, drafts);
        let has_order = !drafts.is_empty() && drafts.iter().all(|draft| draft.order.is_some());
        if has_order {
            drafts.sort_by(|a, b| a.order.partial_cmp(&b.order).unwrap_or(std::cmp::Ordering::Equal));
            note_equal_orders(mets, &drafts);
        }
        for draft in drafts {
            pages.add(mets, &draft);
        }
        pages.add_free_downloads(mets);
        pages
    }

    pub(super) fn of_division(&self, id: &str) -> Option<&[(usize, Option<Time>)]> {
        self.by_division.get(id).map(Vec::as_slice)
    }

    pub(super) fn of_file(&self, file: usize) -> Option<usize> {
        self.by_file.get(&file).copied()
    }

    /// Collects the pages in and below a division.
    fn draft(&mut self, mets: &Mets<'a>, division: Node<'a>, is_root: bool, drafts: &mut Vec<Draft<'a>>) {
        let kind = xml::attribute(division, "TYPE").unwrap_or_default().to_lowercase();
        let parts: Vec<Node<'a>> = xml::children(division, "div").collect();
        let (own, time) = own_files(mets, division);
        let has_content = |files: &[usize]| files.iter().any(|file| mets.files.list[*file].purpose == Purpose::Content);
        let is_named = mets.context.mapping.mets.pages.contains(&kind);
        let is_leaf = parts.is_empty() && has_content(&own);
        if is_named && (parts.is_empty() || !own.is_empty() || !parts.iter().any(|part| is_page_like(mets, *part)))
            || is_leaf
        {
            let mut files = own;
            if !has_content(&files) {
                files.extend(
                    division
                        .descendants()
                        .skip(1)
                        .filter(|part| xml::is(*part, "div"))
                        .flat_map(|part| own_files(mets, part).0),
                );
            }
            let order = xml::attribute(division, "ORDER")
                .and_then(|order| order.parse::<f64>().ok())
                .filter(|order| order.is_finite());
            drafts.push(Draft { division: Some(division), files, time, order });
            return;
        }
        // Files of a division that is no page are files of the whole.
        for file in own {
            self.take_whole(mets, &mets.files.list[file], is_root);
        }
        for part in parts {
            self.draft(mets, part, false, drafts);
        }
    }

    fn take_whole(&mut self, mets: &Mets<'a>, file: &File<'a>, is_root: bool) {
        let Ok(target) = file.target(mets.context) else { return };
        match file.purpose {
            Purpose::Download => {
                let link = rendering(file, &target.address);
                if self.renderings.iter().all(|known| known.id != link.id) {
                    self.renderings.push(link);
                }
            }
            Purpose::Thumbnail if is_root => {
                self.thumbnail = self.thumbnail.take().or_else(|| Some(target.address.clone()));
            }
            _ => {}
        }
    }

    /// A PDF that nothing refers to is the whole object when there is but one.
    fn add_free_downloads(&mut self, mets: &Mets<'a>) {
        let named: std::collections::HashSet<&str> =
            mets.root.descendants().filter_map(|node| node.attribute("FILEID")).collect();
        let mut free =
            mets.files.list.iter().filter(|file| file.purpose == Purpose::Download && !named.contains(file.id));
        if let (Some(file), None) = (free.next(), free.next())
            && self.renderings.is_empty()
        {
            self.take_whole(mets, file, true);
        }
    }

    fn add(&mut self, mets: &Mets<'a>, draft: &Draft<'a>) {
        let contents = contents(mets, draft);
        let id = draft.division.and_then(|division| xml::attribute(division, "ID"));
        // Times of one recording after each other are parts of one page.
        if let (Some(time), Some(first)) = (draft.time, contents.first()) {
            let same = self
                .pages
                .iter()
                .rposition(|page| page.contents.first().is_some_and(|known| known.location == first.location));
            if let Some(page) = same {
                self.refer(id, page, Some(time), draft);
                return;
            }
        }
        let number = self.pages.len();
        let mut page = Page { contents, ..Page::default() };
        if draft.time.is_none() {
            page.label = label(mets, draft, number);
        }
        if let Some(division) = draft.division {
            let about = mets.division(division);
            page.metadata = about.metadata;
            if page.label.is_empty() || is_only_number(&page.label) && !about.label.is_empty() {
                page.label = if about.label.is_empty() { page.label } else { about.label };
            }
        }
        Self::take_files(mets, draft, &mut page);
        let are_ignored = draft.files.iter().all(|file| mets.files.list[*file].purpose == Purpose::Ignored);
        if page.contents.is_empty() && are_ignored && !draft.files.is_empty() {
            return;
        }
        if page.contents.is_empty() && page.texts.is_empty() {
            let what = id.unwrap_or("without an identifier");
            if let Some(division) = draft.division {
                let message = format!("the page `{what}` has no file that can be shown; it is left out");
                mets.context.warning(
                    division,
                    "page-without-file",
                    message,
                    "give it a file, or add its file group to [mets] in the mapping",
                );
            }
            return;
        }
        self.pages.push(page);
        self.refer(id, number, draft.time, draft);
    }

    fn refer(&mut self, id: Option<&'a str>, page: usize, time: Option<Time>, draft: &Draft<'a>) {
        if let Some(id) = id {
            self.by_division.entry(id).or_default().push((page, time));
        }
        // A link to a part of a page is a link to the page.
        let inside = draft
            .division
            .into_iter()
            .flat_map(|division| division.descendants().skip(1))
            .filter(|part| xml::is(*part, "div"));
        for id in inside.filter_map(|part| xml::attribute(part, "ID")) {
            self.by_division.entry(id).or_insert_with(|| vec![(page, None)]);
        }
        for file in &draft.files {
            self.by_file.entry(*file).or_insert(page);
        }
    }

    fn take_files(mets: &Mets<'a>, draft: &Draft<'a>, page: &mut Page) {
        let mut texts: Vec<(usize, Link)> = Vec::new();
        for file in draft.files.iter().map(|file| &mets.files.list[*file]) {
            let Ok(target) = file.target(mets.context) else { continue };
            match file.purpose {
                Purpose::Text => {
                    let format = file.media_type.filter(|format| *format != "application/pdf").map(str::to_owned);
                    let format = format.or_else(|| media_type(&target.address).map(str::to_owned));
                    let link = Link { id: target.address.clone(), class: "Text".to_owned(), format, ..Link::default() };
                    if texts.iter().all(|(_, known)| known.id != link.id) {
                        texts.push((text_rank(file), link));
                    }
                }
                Purpose::Download => page.rendering.push(rendering(file, &target.address)),
                Purpose::Thumbnail => page.thumbnail = page.thumbnail.take().or_else(|| Some(target.address.clone())),
                Purpose::Content | Purpose::Ignored => {}
            }
        }
        texts.sort_by_key(|(rank, _)| *rank);
        page.texts = texts.into_iter().map(|(_, link)| link).collect();
    }
}

/// Text with more about its place comes first: PAGE, ALTO, hOCR, plain text; within one format, by the order of the mapping.
fn text_rank(file: &File<'_>) -> usize {
    let format = match file.media_type.unwrap_or_default() {
        "application/vnd.prima.page+xml" => 0,
        "application/alto+xml" | "text/xml" | "application/xml" => 1,
        "text/html" => 2,
        "text/plain" => 3,
        _ if media_type(file.address) == Some("text/plain") => 3,
        _ => 1,
    };
    format * 1000 + file.rank
}

fn is_page_like(mets: &Mets<'_>, division: Node<'_>) -> bool {
    let kind = xml::attribute(division, "TYPE").unwrap_or_default().to_lowercase();
    mets.context.mapping.mets.pages.contains(&kind)
}

/// The files that a division points to itself, and the time in them.
fn own_files(mets: &Mets<'_>, division: Node<'_>) -> (Vec<usize>, Option<Time>) {
    let mut files = Vec::new();
    let mut time = None;
    for pointer in xml::children(division, "fptr") {
        for place in pointer.descendants().filter(|node| xml::is(*node, "fptr") || xml::is(*node, "area")) {
            let Some(id) = xml::attribute(place, "FILEID") else { continue };
            match mets.files.by_id(id) {
                Some(file) if !files.contains(&file) => files.push(file),
                Some(_) => {}
                None => structure::dangling_file(mets, division, place, id),
            }
            time = time.or_else(|| area_time(place));
        }
    }
    (files, time)
}

/// `BEGIN`, `END` and `EXTENT` of an area that is a time.
pub(super) fn area_time(area: Node<'_>) -> Option<Time> {
    let unit = xml::attribute(area, "BETYPE")?.to_ascii_uppercase();
    if !(unit == "TIME" || unit.starts_with("SMPTE") || unit == "MIDI" || unit == "TCF") {
        return None;
    }
    let begin = seconds(xml::attribute(area, "BEGIN").unwrap_or("0"))?;
    let end = xml::attribute(area, "END").and_then(seconds);
    let end = end.or_else(|| xml::attribute(area, "EXTENT").and_then(seconds).map(|extent| begin + extent));
    Some((begin, end.filter(|end| *end > begin)))
}

/// Where no structure tells pages: one for each file of the best group, with the files of the same group identifier or name.
fn from_files<'a>(mets: &Mets<'a>) -> Vec<Draft<'a>> {
    let list = &mets.files.list;
    let best = list.iter().filter(|file| file.purpose == Purpose::Content).map(|file| (file.rank, file.use_name)).min();
    let Some((rank, use_name)) = best else { return Vec::new() };
    let stem = |file: &File<'_>| {
        let name = file.address.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
        name.split_once('.').map_or(name.clone(), |(stem, _)| stem.to_owned())
    };
    let mut by_stem: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, file) in list.iter().enumerate() {
        by_stem.entry(stem(file)).or_default().push(at);
    }
    let is_best = |file: &File<'_>| file.purpose == Purpose::Content && file.rank == rank && file.use_name == use_name;
    let drafts = list.iter().enumerate().filter(|(_, file)| is_best(file)).map(|(at, file)| {
        let mut files = vec![at];
        let beside = by_stem.get(&stem(file)).into_iter().flatten();
        files.extend(beside.copied().filter(|other| !is_best(&list[*other])));
        let order = xml::attribute(file.node, "SEQ").and_then(|order| order.parse().ok());
        Draft { division: None, files, time: None, order }
    });
    let mut drafts: Vec<Draft<'_>> = drafts.collect();
    // Files of other groups belong to a page by their group identifier.
    let mut by_group: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, file) in list.iter().enumerate() {
        by_group.entry(file.group.unwrap_or_default()).or_default().push(at);
    }
    for draft in &mut drafts {
        let group = draft.files.first().and_then(|file| list[*file].group);
        for file in group.and_then(|group| by_group.get(group)).into_iter().flatten() {
            if !draft.files.contains(file) {
                draft.files.push(*file);
            }
        }
    }
    drafts
}

/// Divisions whose files are of one group are one page: Archivematica has a division for each form of a file.
fn joined_by_group<'a>(mets: &Mets<'a>, drafts: Vec<Draft<'a>>) -> Vec<Draft<'a>> {
    let mut joined: Vec<Draft<'a>> = Vec::with_capacity(drafts.len());
    let mut by_group: HashMap<&str, usize> = HashMap::new();
    for draft in drafts {
        let single = match draft.files.as_slice() {
            [file] if draft.time.is_none() => mets.files.list[*file].group,
            _ => None,
        };
        let Some(group) = single else {
            joined.push(draft);
            continue;
        };
        if let Some(at) = by_group.get(group) {
            joined[*at].files.extend(draft.files);
        } else {
            by_group.insert(group, joined.len());
            joined.push(draft);
        }
    }
    joined
}

fn note_equal_orders(mets: &Mets<'_>, drafts: &[Draft<'_>]) {
    for pair in drafts.windows(2) {
        let [first, second] = pair else { continue };
        if let (true, Some(a), Some(b)) = (first.order == second.order, first.division, second.division) {
            let of = |division: Node<'_>| xml::attribute(division, "ID").unwrap_or("without an identifier").to_owned();
            let (line, _) = mets.context.document.position(a.range().start);
            let message = format!(
                "the page `{}` has the ORDER of the page `{}` in line {line}; they follow each other as they are written",
                of(b),
                of(a)
            );
            mets.context.warning(b, "duplicate-order", message, "number the pages from 1 on, each once");
        }
    }
}

/// The best picture, recording or both of a page.
fn contents(mets: &Mets<'_>, draft: &Draft<'_>) -> Vec<Content> {
    let mut candidates: Vec<&File<'_>> = draft
        .files
        .iter()
        .map(|file| &mets.files.list[*file])
        .filter(|file| file.purpose == Purpose::Content)
        .collect();
    // What exists is better than what does not, what is here better than what is far; then the group decides, then the format.
    let distance = |file: &File<'_>| match file.target(mets.context) {
        Ok(target) if target.exists == Some(true) => 0,
        Ok(target) if mets.context.input.files.is_none() || !target.is_local => 1,
        Ok(_) => 2,
        Err(_) => 3,
    };
    candidates.sort_by_key(|file| (distance(file), file.rank, format_rank(file)));
    let mut contents: Vec<Content> = Vec::new();
    let mut classes: Vec<Class> = Vec::new();
    for file in candidates {
        let class = match file.class() {
            Class::Other => Class::Image,
            class => class,
        };
        // A picture and a recording of the same page are shown together; two pictures are not.
        if classes.contains(&class) || class == Class::Video && !classes.is_empty() || classes.contains(&Class::Video) {
            continue;
        }
        match file.target(mets.context) {
            Ok(target) => {
                if target.exists == Some(false) {
                    let message = format!("the file `{}` is not there (METS calls it `{}`)", target.address, file.id);
                    mets.context.warning(file.node, "missing-file", message, "put it there, or write where it is");
                }
                let mut measured = measures(mets, file.node);
                if let Some(division) = draft.division.filter(|_| measured.width.is_none()) {
                    let of_page = measures(mets, division);
                    (measured.width, measured.height) = (of_page.width, of_page.height);
                }
                classes.push(class);
                contents.push(Content {
                    width: measured.width.filter(|_| class != Class::Sound),
                    height: measured.height.filter(|_| class != Class::Sound),
                    duration: measured.duration.filter(|_| class != Class::Image),
                    format: file.media_type.map(str::to_owned),
                    ..Content::at(target.location())
                });
            }
            Err(why) if contents.is_empty() => {
                let message = format!("the address `{}` of the file `{}` {}", file.address, file.id, why.words());
                mets.context.warning(
                    file.node,
                    "unusable-address",
                    message,
                    "write a path relative to the METS file, or an http address",
                );
            }
            Err(_) => {}
        }
    }
    contents
        .sort_by_key(|content| !matches!(content.location, Location::ImageService(_)) && content.duration.is_some());
    contents
}

/// What browsers play comes before what they do not.
fn format_rank(file: &File<'_>) -> u8 {
    match file.media_type.unwrap_or_default() {
        "video/mp4" | "audio/mpeg" | "audio/mp3" | "audio/mp4" => 0,
        "video/webm" | "audio/ogg" | "video/ogg" => 1,
        kind if kind.starts_with("video/") || kind.starts_with("audio/") => 3,
        _ => 2,
    }
}

fn rendering(file: &File<'_>, address: &str) -> Link {
    let format = file.media_type.map(str::to_owned).or_else(|| media_type(address).map(str::to_owned));
    let name = match format.as_deref() {
        Some("application/pdf") => "PDF",
        Some("application/epub+zip") => "EPUB",
        _ => "Download",
    };
    Link { id: address.to_owned(), class: "Text".to_owned(), label: LanguageMap::none(name), format, ..Link::default() }
}

/// What is printed on the page, else what it is called, else its number in brackets.
fn label(mets: &Mets<'_>, draft: &Draft<'_>, number: usize) -> LanguageMap {
    let attribute = |name| draft.division.and_then(|division| xml::attribute(division, name)).map(xml::words);
    let uncounted = &mets.context.mapping.mets.uncounted;
    let printed = attribute("ORDERLABEL").filter(|label| !uncounted.contains(&label.to_lowercase()));
    // Archivematica calls each by the name of its file.
    let is_file = |name: &str| draft.files.iter().any(|file| mets.files.list[*file].address.ends_with(name));
    let named = attribute("LABEL");
    if printed.is_none() && named.as_deref().is_some_and(|name| name.contains('.') && is_file(name)) {
        return LanguageMap::default();
    }
    if let Some(text) = printed.or(named) {
        return LanguageMap::none(text);
    }
    match (attribute("ORDER"), draft.division) {
        (Some(order), _) => LanguageMap::none(format!("[{order}]")),
        (None, Some(_)) => LanguageMap::none(format!("[{}]", number + 1)),
        // Whoever builds the object names pages by their files.
        (None, None) => LanguageMap::default(),
    }
}

fn is_only_number(label: &LanguageMap) -> bool {
    label.first().is_some_and(|label| label.starts_with('[') && label.ends_with(']'))
}
