//! Whether the first page is what the whole page tree makes of it.
//!
//! Pages of a linearised file inherit nothing (ISO 32000-1 §F.3.10), so that readers need no page tree. A file whose pages do so
//! nevertheless would be shown without its turn or its crop box, and one that counts its pages wrongly would have others than
//! when it is read whole. So the nodes above the page are looked at: those that lie behind are a few kilobytes.

use std::cell::OnceCell;

use hayro::hayro_syntax::object::{Dict, ObjRef, Rect};
use hayro::hayro_syntax::page::Page;

use super::TREE;
use super::behind::{Behind, Parts};

/// Most levels of a page tree that are looked at.
const MAX_LEVELS: u32 = 12;

/// What matters of a node.
struct Node {
    /// It says something that the page does not say itself.
    adds: bool,
    is_root: bool,
    parent: Option<ObjRef>,
    pages: Option<u32>,
}

/// Whether no node above the page adds anything to it, and the root has so many pages. `false` when not all of them can be seen.
/// `table` is where the cross-reference at the end of the file begins.
pub(super) fn agrees(page: &Page<'_>, pages: u32, parts: &Parts<'_>, table: Option<u64>) -> bool {
    let own = page.raw();
    // Its size and its resources are there, or it would not be shown alone.
    let (has_box, has_turn) = (own.get::<Rect>("CropBox").is_some(), own.get::<i32>("Rotate").is_some());
    let look = |node: &Dict<'_>| Node {
        adds: (!has_box && node.contains_key("CropBox")) || (!has_turn && node.contains_key("Rotate")),
        is_root: !node.contains_key("Parent"),
        parent: node.get_ref("Parent"),
        pages: node.get::<u32>("Count"),
    };
    let behind = OnceCell::new();
    let Some(mut above) = own.get_ref("Parent") else { return false };
    for _ in 0..MAX_LEVELS {
        // The nodes that were added are none of the file's.
        if above.obj_number >= TREE {
            return false;
        }
        let here = page.xref().get::<Dict<'_>>(above.into()).map(|node| look(&node));
        let node = here.or_else(|| behind.get_or_init(|| Behind::of(parts, table?)).as_ref()?.node(above, look));
        match node {
            Some(Node { adds: false, parent: Some(next), .. }) => above = next,
            Some(Node { adds: false, is_root: true, pages: found, .. }) => return found == Some(pages),
            _ => return false,
        }
    }
    false
}
