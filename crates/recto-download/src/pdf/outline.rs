//! Bookmarks: §12.3.3.

use std::io::Write;

use super::Bookmark;
use super::object::{Id, Objects, text_string};
use crate::DownloadError;

/// Longer tables of contents are folded to their outermost entries when the file is opened.
const MOST_UNFOLDED: usize = 60;

#[derive(Clone, Copy, Debug, Default)]
struct Links {
    /// Indexes into the list; the parent of an outermost entry is `None`.
    parent: Option<usize>,
    previous: Option<usize>,
    next: Option<usize>,
    first: Option<usize>,
    last: Option<usize>,
    children: usize,
    below: usize,
}

/// Writes the bookmarks and gives their root.
pub(super) fn write<W: Write>(
    bookmarks: &[Bookmark],
    targets: &[Id],
    objects: &mut Objects<W>,
) -> Result<Option<Id>, DownloadError> {
    if bookmarks.is_empty() {
        return Ok(None);
    }
    let (links, outermost) = link(bookmarks);
    let root = objects.reserve()?;
    let ids = bookmarks.iter().map(|_| objects.reserve()).collect::<Result<Vec<_>, _>>()?;
    let unfolded = bookmarks.len() <= MOST_UNFOLDED;
    for (index, (bookmark, own)) in bookmarks.iter().zip(&links).enumerate() {
        let mut body =
            format!("<</Title{}/Parent {}", text_string(&bookmark.label), own.parent.map_or(root, |at| ids[at]));
        for (key, at) in [("Prev", own.previous), ("Next", own.next), ("First", own.first), ("Last", own.last)] {
            if let Some(at) = at {
                body.push_str(&format!("/{key} {}", ids[at]));
            }
        }
        if own.children > 0 {
            // A negative number is that of entries which would be seen if it were unfolded.
            let count = if unfolded { own.below.to_string() } else { format!("-{}", own.children) };
            body.push_str(&format!("/Count {count}"));
        }
        if let Some(page) = bookmark.page.and_then(|page| targets.get(page as usize)) {
            body.push_str(&format!("/Dest[{page}/Fit]"));
        }
        body.push_str(">>");
        objects.object(ids[index], &body)?;
    }
    let seen = if unfolded { bookmarks.len() } else { outermost.len() };
    let (first, last) = (outermost.first().map_or(root, |at| ids[*at]), outermost.last().map_or(root, |at| ids[*at]));
    objects.object(root, &format!("<</Type/Outlines/First {first}/Last {last}/Count {seen}>>"))?;
    Ok(Some(root))
}

/// How the entries hang together, and which are outermost.
fn link(bookmarks: &[Bookmark]) -> (Vec<Links>, Vec<usize>) {
    let mut links = vec![Links::default(); bookmarks.len()];
    let mut outermost: Vec<usize> = Vec::new();
    // The entries that are open: one of each level.
    let mut open: Vec<(u32, usize)> = Vec::new();
    for (index, bookmark) in bookmarks.iter().enumerate() {
        while open.last().is_some_and(|(level, _)| *level >= bookmark.level) {
            open.pop();
        }
        let parent = open.last().map(|(_, at)| *at);
        let previous = match parent {
            Some(parent) => links[parent].last.replace(index),
            None => outermost.last().copied(),
        };
        match parent {
            Some(parent) => {
                links[parent].first.get_or_insert(index);
                links[parent].children += 1;
            }
            None => outermost.push(index),
        }
        if let Some(previous) = previous {
            links[previous].next = Some(index);
        }
        links[index].parent = parent;
        links[index].previous = previous;
        open.push((bookmark.level, index));
    }
    // Children stand behind their parents, so one pass from the end adds them up.
    for index in (0..links.len()).rev() {
        if let Some(parent) = links[index].parent {
            links[parent].below += links[index].below + 1;
        }
    }
    (links, outermost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bookmark(level: u32) -> Bookmark {
        Bookmark { level, label: "x".to_owned(), page: Some(0) }
    }

    #[test]
    fn entries_hang_below_the_last_one_that_is_further_out() {
        let list: Vec<Bookmark> = [0, 1, 2, 1, 0, 5, 5, 3].into_iter().map(bookmark).collect();
        let (links, outermost) = link(&list);
        assert_eq!(outermost, [0, 4]);
        let parents: Vec<Option<usize>> = links.iter().map(|own| own.parent).collect();
        assert_eq!(parents, [None, Some(0), Some(1), Some(0), None, Some(4), Some(4), Some(4)]);
        assert_eq!((links[0].first, links[0].last, links[0].children, links[0].below), (Some(1), Some(3), 2, 3));
        assert_eq!((links[5].next, links[6].previous, links[7].next), (Some(6), Some(5), None));
    }

    #[test]
    fn a_hundred_thousand_levels_are_no_matter() {
        let list: Vec<Bookmark> = (0..100_000).map(bookmark).collect();
        assert_eq!(link(&list).0[0].below, 99_999);
    }
}
