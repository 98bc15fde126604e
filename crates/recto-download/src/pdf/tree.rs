//! The tree of pages and the tree of their names, written in leaves as they fill up.

use std::io::Write;

use super::object::{Id, Objects, text_string};
use crate::DownloadError;

/// Children of a node.
const WIDTH: usize = 64;

/// Nodes of the tree of pages (§7.7.3.2) whose parent is not written yet, one list for each height.
#[derive(Debug)]
pub(super) struct Pages {
    /// The node that is the parent of the next page.
    leaf: Id,
    kids: Vec<Id>,
    /// Full leaves: the node, its children, how many pages are below it.
    full: Vec<(Id, Vec<Id>, u32)>,
    count: u32,
}

impl Pages {
    pub(super) fn new<W: Write>(objects: &mut Objects<W>) -> Result<Self, DownloadError> {
        Ok(Self { leaf: objects.reserve()?, kids: Vec::new(), full: Vec::new(), count: 0 })
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The parent of the next page.
    pub(super) fn parent(&self) -> Id {
        self.leaf
    }

    pub(super) fn push<W: Write>(&mut self, page: Id, objects: &mut Objects<W>) -> Result<(), DownloadError> {
        self.kids.push(page);
        self.count += 1;
        if self.kids.len() == WIDTH {
            self.full.push((self.leaf, std::mem::take(&mut self.kids), WIDTH as u32));
            self.leaf = objects.reserve()?;
        }
        Ok(())
    }

    /// Joins nodes until one is left, and gives it.
    pub(super) fn finish<W: Write>(mut self, objects: &mut Objects<W>) -> Result<Id, DownloadError> {
        if !self.kids.is_empty() {
            let below = self.kids.len() as u32;
            self.full.push((self.leaf, self.kids, below));
        }
        let mut nodes = self.full;
        while nodes.len() > 1 {
            let mut above = Vec::with_capacity(nodes.len() / WIDTH + 1);
            for group in nodes.chunks(WIDTH) {
                let parent = objects.reserve()?;
                for node in group {
                    write_node(node, Some(parent), objects)?;
                }
                let below = group.iter().map(|(_, _, below)| below).sum();
                above.push((parent, group.iter().map(|(id, ..)| *id).collect(), below));
            }
            nodes = above;
        }
        let Some(root) = nodes.pop() else { return Ok(self.leaf) };
        write_node(&root, None, objects)?;
        Ok(root.0)
    }
}

fn write_node<W: Write>(
    (id, kids, below): &(Id, Vec<Id>, u32),
    parent: Option<Id>,
    objects: &mut Objects<W>,
) -> Result<(), DownloadError> {
    let kids: String = kids.iter().map(|kid| format!("{kid} ")).collect();
    let parent = parent.map(|parent| format!("/Parent {parent}")).unwrap_or_default();
    Ok(objects.object(*id, &format!("<</Type/Pages/Count {below}{parent}/Kids[{}]>>", kids.trim_end()))?)
}

/// The names of pages (§12.4.2): a number tree of which full leaves are written at once.
#[derive(Debug, Default)]
pub(super) struct Labels {
    leaves: Vec<Id>,
    entries: String,
    first: u32,
    next: u32,
}

impl Labels {
    pub(super) fn push<W: Write>(&mut self, label: &str, objects: &mut Objects<W>) -> Result<(), DownloadError> {
        self.entries.push_str(&format!("{}<</P{}>>", self.next, text_string(label)));
        self.next += 1;
        if self.next - self.first == WIDTH as u32 { self.close(objects) } else { Ok(()) }
    }

    fn close<W: Write>(&mut self, objects: &mut Objects<W>) -> Result<(), DownloadError> {
        if self.next > self.first {
            let limits = format!("{} {}", self.first, self.next - 1);
            self.leaves.push(objects.add(&format!("<</Limits[{limits}]/Nums[{}]>>", self.entries))?);
            self.entries.clear();
            self.first = self.next;
        }
        Ok(())
    }

    pub(super) fn finish<W: Write>(mut self, objects: &mut Objects<W>) -> Result<Id, DownloadError> {
        self.close(objects)?;
        let kids: String = self.leaves.iter().map(|leaf| format!("{leaf} ")).collect();
        objects.add(&format!("<</Kids[{}]>>", kids.trim_end()))
    }
}
