//! The objects of a collection in the order in which their hits are listed.

use std::collections::HashSet;

use recto_catalog::{Brief, Catalog, CatalogError, ItemKind};

/// Objects of a collection and of all collections in it, each at the first place where it is listed.
pub(crate) fn objects_below(catalog: &Catalog, path: &str) -> Result<Vec<Brief>, CatalogError> {
    let (mut objects, mut seen, mut opened) = (Vec::new(), HashSet::new(), HashSet::new());
    opened.insert(path.to_owned());
    let mut open = vec![catalog.members(path, None, 0, u64::MAX >> 1)?.into_iter()];
    while let Some(members) = open.last_mut() {
        let Some(member) = members.next() else {
            open.pop();
            continue;
        };
        match member.kind {
            ItemKind::Manifest if seen.insert(member.row) => objects.push(member),
            // A collection that lists itself, or one around it, is gone through once.
            ItemKind::Collection if opened.insert(member.path.clone()) => {
                open.push(catalog.members(&member.path, None, 0, u64::MAX >> 1)?.into_iter());
            }
            ItemKind::Manifest | ItemKind::Collection => {}
        }
    }
    Ok(objects)
}
