//! Which things of the library are meant by what a description lists: the METS files of volumes, folders that a finding aid names.

use std::collections::HashMap;

use super::Describer;
use super::sources::{Role, role};
use crate::assemble::stems;
use crate::description::{Description, Kind, Link, Member};
use crate::tree::Member as Thing;
use crate::{Collection, Finding, Severity};

/// Names that many files have: alone they tell nothing.
const USUAL_NAMES: [&str; 9] = ["mets", "meta", "metadata", "manifest", "export", "index", "tei", "ead", "mods"];

/// What descriptions of the library describe, by their names: the file's alone, and with the folder that it lies in. Nothing
/// where several have the name.
pub(super) type Names = HashMap<String, Option<Here>>;

/// A thing of the library by its path in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Here {
    kind: Kind,
    path: String,
}

impl Describer<'_> {
    /// Puts things of the library in the place of the files by which a description names them. What is not here becomes a link, or
    /// a finding.
    pub(super) fn find_members(
        &self,
        collection: &Collection,
        place: &str,
        description: &mut Description,
        findings: &mut Vec<Finding>,
    ) {
        let own = self.prefix(collection).trim_end_matches('/').to_owned();
        self.find_members_at(&own, place, description, findings);
    }

    /// No deeper than the components of a finding aid, whose reader bounds them.
    fn find_members_at(&self, own: &str, place: &str, description: &mut Description, findings: &mut Vec<Finding>) {
        let members = std::mem::take(&mut description.members);
        for mut member in members {
            match &mut member {
                Member::Described(inner) => self.find_members_at(own, place, inner, findings),
                Member::Source { id, label, .. } => {
                    match self.find(own, id) {
                        // What is around it cannot be in it.
                        Some(here) if here.kind == Kind::Collection && is_around(&here.path, own) => {}
                        Some(Here { kind, path }) => description.members.push(Member::Here { path, kind }),
                        None => {
                            findings.push(not_here(place, id));
                            if id.contains("://") {
                                description.see_also.push(Link {
                                    id: std::mem::take(id),
                                    class: "Dataset".to_owned(),
                                    label: std::mem::take(label),
                                    ..Link::default()
                                });
                            }
                        }
                    }
                    continue;
                }
                Member::Here { .. } | Member::Remote { .. } => {}
            }
            description.members.push(member);
        }
    }

    /// The thing that a path or URL means; a path is relative to the folder `own`.
    fn find(&self, own: &str, id: &str) -> Option<Here> {
        let is_url = id.contains("://");
        let by_path = if is_url { None } else { joined(own, id).and_then(|path| self.tree.thing_of(&path)) };
        if let Some(thing) = by_path {
            return Some(self.here(thing));
        }
        let path = id.split(['?', '#']).next().unwrap_or_default();
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy().to_lowercase();
        let mut parts = decoded.rsplit('/');
        let (name, folder) = (parts.next()?, parts.next().unwrap_or_default());
        let names = self.by_name.get_or_init(|| self.names());
        let found = |name: &str| names.get(name).cloned().flatten();
        found(&format!("{folder}/{name}")).or_else(|| found(name))
    }

    fn here(&self, thing: Thing<'_>) -> Here {
        match thing {
            Thing::Object(object) => Here { kind: Kind::Manifest, path: object.identifier.as_str().to_owned() },
            Thing::Collection(found) => {
                Here { kind: Kind::Collection, path: self.prefix(found).trim_end_matches('/').to_owned() }
            }
        }
    }

    fn names(&self) -> Names {
        let mut names = Names::new();
        for object in self.tree.objects() {
            let is_page = |name: &str| {
                stems(name).any(|stem| object.files.iter().any(|file| object.files.len() > 1 && file.label() == stem))
            };
            let records = object.sides.iter().filter(|side| is_record(&side.name) && !is_page(&side.name));
            for side in records {
                add(&mut names, object.prefix(), &side.name, &self.here(Thing::Object(object)));
            }
        }
        for collection in self.tree.collections() {
            for side in collection.sides.iter().filter(|side| is_record(&side.name)) {
                add(&mut names, &self.prefix(collection), &side.name, &self.here(Thing::Collection(collection)));
            }
        }
        names
    }
}

fn is_record(name: &str) -> bool {
    !name.contains('/') && role(name) == Role::Record
}

fn add(names: &mut Names, prefix: &str, name: &str, here: &Here) {
    let name = name.to_lowercase();
    let folder = prefix.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    let alone = (!USUAL_NAMES.contains(&stem)).then(|| name.clone());
    for key in alone.into_iter().chain((!folder.is_empty()).then(|| format!("{folder}/{name}"))) {
        names
            .entry(key)
            .and_modify(|known| *known = known.take().filter(|known| known == here))
            .or_insert_with(|| Some(here.clone()));
    }
}

/// A relative path from a folder of the library; nothing where it leads out of the library.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Is a collection the one at `own`, or around it?
fn is_around(collection: &str, own: &str) -> bool {
    collection.is_empty() || own.strip_prefix(collection).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn not_here(place: &str, id: &str) -> Finding {
    if id.contains("://") {
        return Finding::new(
            Severity::Note,
            "member-elsewhere",
            place,
            format!(
                "it lists `{id}`, of which the library has nothing; the file is linked to, and not listed as a member"
            ),
            "put the file with its images into the library, or name its manifest in `manifests.yml`",
        );
    }
    Finding::new(
        Severity::Warning,
        "member-missing",
        place,
        format!("it lists `{id}`, and no object or collection of the library is made of that"),
        "put the file with its images there, or correct its name",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Library, LibraryOptions};

    #[test]
    fn things_are_found_by_path_by_folder_and_by_names_that_only_one_has() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        put("work/vol1/mets.xml", b"<mets/>");
        put("work/vol1/1.png", b"");
        put("work/vol2/abc_2.xml", b"<mets/>");
        put("work/vol2/1.png", b"");
        put("work/loose/x.png", b"");
        put("work/loose/x.xml", b"<mods/>");
        put("work/loose/inner/1.png", b"");
        put("work/year/anchor.xml", b"<mets><structMap><div><mptr/></div></structMap></mets>");
        put("work/year/issue/1.png", b"");
        let library = Library::new([folder.path()], LibraryOptions::default()).unwrap();
        let tree = library.scan();
        let describer = Describer::new(&library, &tree);
        for (own, id, wanted) in [
            ("work", "vol1/mets.xml", Some("Manifest work/vol1")),
            ("work", "vol1/", Some("Manifest work/vol1")),
            ("work/year", "../vol1/mets.xml", Some("Manifest work/vol1")),
            ("work", "loose/x.xml", Some("Manifest work/loose/x.png")),
            ("work", "year/anchor.xml", Some("Collection work/year")),
            ("work", "vol3/mets.xml", None),
            ("work", "../../work/vol1", None),
            ("work", "https://example.org/data/abc_2.xml?x=1", Some("Manifest work/vol2")),
            ("work", "https://example.org/vol1/mets.xml", Some("Manifest work/vol1")),
            ("work", "https://example.org/data/mets.xml", None),
        ] {
            assert_eq!(
                describer.find(own, id).map(|here| format!("{:?} {}", here.kind, here.path)).as_deref(),
                wanted,
                "{own} {id}"
            );
        }
    }
}
