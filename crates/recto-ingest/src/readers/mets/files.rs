//! The files that METS names, and what each is for.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::super::Context;
use super::super::links::{self, Class, Target, Unresolved};
use super::super::xml::{self, Node};
use crate::mapping::MetsWords;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    Content,
    Text,
    Download,
    Thumbnail,
    Ignored,
}

/// A file of the file section.
pub(super) struct File<'a> {
    pub(super) node: Node<'a>,
    pub(super) id: &'a str,
    pub(super) group: Option<&'a str>,
    pub(super) purpose: Purpose,
    /// Which of several of the same purpose is better: the place of its file group in the mapping.
    pub(super) rank: usize,
    pub(super) media_type: Option<&'a str>,
    pub(super) address: &'a str,
    pub(super) use_name: &'a str,
    target: OnceCell<Result<Target, Unresolved>>,
}

impl File<'_> {
    pub(super) fn target(&self, context: &Context<'_>) -> &Result<Target, Unresolved> {
        self.target.get_or_init(|| {
            let mut addresses =
                xml::children(self.node, "FLocat").filter_map(|location| xml::attribute(location, "href"));
            let first = links::resolve(context, addresses.next().unwrap_or_default());
            if first.as_ref().is_ok_and(|target| target.is_local && target.exists != Some(false)) {
                return first;
            }
            // Another place may be nearer.
            let others: Vec<Target> = addresses.filter_map(|address| links::resolve(context, address).ok()).collect();
            let nearest = others.into_iter().find(|target| target.is_local && target.exists != Some(false));
            nearest.map_or(first, Ok)
        })
    }

    pub(super) fn class(&self) -> Class {
        links::class(self.media_type, self.address)
    }
}

/// All files, by their order and by their identifiers.
pub(super) struct Files<'a> {
    pub(super) list: Vec<File<'a>>,
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Files<'a> {
    pub(super) fn read(context: &Context<'_>, root: Node<'a>) -> Self {
        let mut files = Self { list: Vec::new(), by_id: HashMap::new() };
        for section in xml::children(root, "fileSec") {
            for node in xml::descendants(section, "file") {
                let group = node
                    .ancestors()
                    .skip(1)
                    .take_while(|around| *around != section)
                    .find_map(|group| xml::attribute(group, "USE"));
                let use_name = xml::attribute(node, "USE").or(group).unwrap_or_default();
                let address = xml::child(node, "FLocat")
                    .and_then(|location| xml::attribute(location, "href"))
                    .unwrap_or_default();
                let media_type = xml::attribute(node, "MIMETYPE");
                let (purpose, rank) = purpose(&context.mapping.mets, use_name, media_type, address);
                let id = xml::attribute(node, "ID").unwrap_or_default();
                files.by_id.entry(id).or_insert(files.list.len());
                let group = xml::attribute(node, "GROUPID");
                files.list.push(File {
                    node,
                    id,
                    group,
                    purpose,
                    rank,
                    media_type,
                    address,
                    use_name,
                    target: OnceCell::new(),
                });
            }
        }
        files
    }

    pub(super) fn by_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }
}

fn purpose(words: &MetsWords, use_name: &str, media_type: Option<&str>, address: &str) -> (Purpose, usize) {
    let name = use_name.to_lowercase();
    let lists = [
        (Purpose::Content, &words.images),
        (Purpose::Text, &words.texts),
        (Purpose::Download, &words.downloads),
        (Purpose::Thumbnail, &words.thumbnails),
        (Purpose::Ignored, &words.ignored),
    ];
    // The pattern with the most letters says most about a name.
    let best = lists
        .into_iter()
        .flat_map(|(purpose, list)| list.iter().enumerate().map(move |(rank, pattern)| (purpose, rank, pattern)))
        .filter_map(|(purpose, rank, pattern)| fits(pattern, &name).map(|letters| (letters, purpose, rank)))
        .max_by_key(|(letters, purpose, rank)| (*letters, std::cmp::Reverse((*purpose, *rank))));
    let class = links::class(media_type, address);
    let by_name = class_of_name(address, class);
    match best.map(|(_, purpose, rank)| (purpose, rank)) {
        Some((Purpose::Content, rank)) => match class {
            Class::Pdf => (Purpose::Download, rank),
            Class::Text => (Purpose::Text, rank),
            _ => (Purpose::Content, rank),
        },
        // Some write the type of another file; the name of the file then tells.
        Some((Purpose::Text, rank)) => match by_name {
            Class::Pdf => (Purpose::Download, rank),
            Class::Image => (Purpose::Content, words.images.len() + 1),
            _ => (Purpose::Text, rank),
        },
        Some(found) => found,
        None => match class {
            Class::Image | Class::Sound | Class::Video => (Purpose::Content, words.images.len()),
            Class::Pdf => (Purpose::Download, words.downloads.len()),
            Class::Text
                if media_type.is_some_and(|media_type| media_type != "text/xml" && media_type != "application/xml") =>
            {
                (Purpose::Text, words.texts.len())
            }
            _ => (Purpose::Ignored, 0),
        },
    }
}

fn class_of_name(address: &str, otherwise: Class) -> Class {
    match links::class(None, address) {
        Class::Other => otherwise,
        class => class,
    }
}

/// Does a pattern with `*` fit a name? Then how many letters of it are no `*`; one without any counts more.
fn fits(pattern: &str, name: &str) -> Option<usize> {
    if !pattern.contains('*') {
        return (pattern == name).then_some(1000);
    }
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let mut rest = name.strip_prefix(first)?;
    let parts: Vec<&str> = parts.collect();
    let (last, middle) = parts.split_last()?;
    for part in middle {
        rest = &rest[rest.find(part)? + part.len()..];
    }
    rest.ends_with(last).then(|| pattern.chars().filter(|c| *c != '*').count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;

    #[test]
    fn file_groups_of_every_profile_are_known() {
        let words = &Mapping::built_in().mets;
        let is = |name: &str, media_type: &str, address: &str| {
            purpose(words, name, Some(media_type).filter(|t| !t.is_empty()), address).0
        };
        for (name, media_type, address, want) in [
            ("DEFAULT", "image/jpeg", "a.jpg", Purpose::Content),
            ("DEFAULT", "application/pdf", "a.pdf", Purpose::Download),
            ("FULLTEXT", "application/pdf", "a.xml", Purpose::Text),
            ("FULLTEXT", "text/xml", "a.xml", Purpose::Text),
            ("DOWNLOAD", "application/pdf", "a.pdf", Purpose::Download),
            ("THUMBS", "image/jpeg", "a.jpg", Purpose::Thumbnail),
            ("OCR-D-IMG", "image/tiff", "a.tif", Purpose::Content),
            ("OCR-D-IMG-BIN", "image/tiff", "a.tif", Purpose::Content),
            ("OCR-D-GT-SEG-PAGE", "application/vnd.prima.page+xml", "a.xml", Purpose::Text),
            ("OCR-D-SEG-LINE", "application/vnd.prima.page+xml", "a.xml", Purpose::Ignored),
            ("master", "image/tiff", "a.tif", Purpose::Content),
            ("service", "image/jp2", "a.jp2", Purpose::Content),
            ("derivative", "application/pdf", "a.pdf", Purpose::Download),
            ("ocr", "text/xml", "a.xml", Purpose::Text),
            ("original", "", "objects/a.tif", Purpose::Content),
            ("metadata", "", "objects/metadata/a.csv", Purpose::Ignored),
            ("archive image", "image/tiff", "a.tif", Purpose::Content),
            ("", "image/tiff", "a", Purpose::Content),
            ("something", "application/octet-stream", "a.bin", Purpose::Ignored),
        ] {
            assert_eq!(is(name, media_type, address), want, "{name} {media_type} {address}");
        }
        let rank = |name: &str| purpose(words, name, None, "a.jpg").1;
        assert!(
            rank("MASTER") < rank("DEFAULT")
                && rank("DEFAULT") < rank("MAX")
                && rank("MAX") < rank("MIN")
                && rank("OCR-D-IMG") < rank("OCR-D-IMG-BIN")
        );
    }

    #[test]
    fn patterns_fit_beginnings_ends_and_middles() {
        for (pattern, name, want) in [
            ("a*", "abc", Some(1)),
            ("*c", "abc", Some(1)),
            ("*b*", "abc", Some(1)),
            ("a*c", "abc", Some(2)),
            ("a*b*c", "axbxc", Some(3)),
            ("abc", "abc", Some(1000)),
            ("*", "", Some(0)),
            ("b*", "abc", None),
            ("a*d", "abc", None),
            ("abc", "abcd", None),
            ("*é*", "xéy", Some(1)),
        ] {
            assert_eq!(fits(pattern, name), want, "{pattern} {name}");
        }
    }
}
