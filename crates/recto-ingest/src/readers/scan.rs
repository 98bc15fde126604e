//! The pieces of an XML text without its meaning: for limits before it is read, and for reading what is there of a broken one.

/// A piece of markup; what lies between pieces is text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    /// Where its `<` is.
    pub(super) start: usize,
    /// Behind its `>`.
    pub(super) end: usize,
    /// The name of an element, or the whole piece.
    pub(super) name: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Close,
    Empty,
    /// A comment, an instruction, character data, or a document type.
    Other,
}

/// All pieces up to the first that does not end.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + memchr::memchr(b'<', &text.as_bytes()[at..])?;
        let piece = piece(text, start)?;
        at = piece.end;
        Some(piece)
    })
}

fn piece(text: &str, start: usize) -> Option<Piece<'_>> {
    let rest = &text[start..];
    let until = |end: &str| memchr::memmem::find(rest.as_bytes(), end.as_bytes()).map(|at| start + at + end.len());
    let other = |end: usize| Piece { kind: Kind::Other, start, end, name: &text[start..end] };
    if rest.starts_with("<!--") {
        return memchr::memmem::find(&rest.as_bytes()[4..], b"-->").map(|at| other(start + 4 + at + 3));
    }
    if rest.starts_with("<![CDATA[") {
        return until("]]>").map(other);
    }
    if rest.starts_with("<?") {
        return until("?>").map(other);
    }
    if rest.starts_with("<!") {
        return doctype_end(rest).map(|end| other(start + end));
    }
    let end = start + tag_end(rest.as_bytes())?;
    let inner = &text[start + 1..end - 1];
    let (kind, inner) = if let Some(inner) = inner.strip_prefix('/') {
        (Kind::Close, inner)
    } else if let Some(inner) = inner.strip_suffix('/') {
        (Kind::Empty, inner)
    } else {
        (Kind::Open, inner)
    };
    let name = inner.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
    Some(Piece { kind, start, end, name })
}

/// Behind the `>` that is not in quotes.
fn tag_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr3(b'>', b'"', b'\'', &bytes[at..])?;
        match bytes[at] {
            b'>' => return Some(at + 1),
            quote => at += 2 + memchr::memchr(quote, &bytes[at + 1..])?,
        }
    }
}

/// Behind the `>` of `<!DOCTYPE … [ … ]>`.
pub(super) fn doctype_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (2, 0_u32);
    loop {
        match *bytes.get(at)? {
            quote @ (b'"' | b'\'') => at += 1 + memchr::memchr(quote, &bytes[at + 1..])?,
            b'<' if bytes[at..].starts_with(b"<!--") => at += 3 + memchr::memmem::find(&bytes[at + 4..], b"-->")?,
            b'<' if bytes[at..].starts_with(b"<?") => at += memchr::memmem::find(&bytes[at..], b"?>")? + 1,
            b'[' => depth += 1,
            b']' => depth = depth.checked_sub(1)?,
            b'>' if depth == 0 => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

/// The text up to a place, with all elements closed that are open there; `None` where not even the root element begins before it.
pub(super) fn closed_at(text: &str, place: usize) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut end = 0;
    let mut has_root = false;
    for piece in pieces(text).take_while(|piece| piece.end <= place) {
        match piece.kind {
            Kind::Open => {
                has_root = true;
                open.push(piece.name);
            }
            Kind::Empty => has_root = true,
            Kind::Close if open.last() == Some(&piece.name.trim_end()) => {
                open.pop();
            }
            Kind::Close => break,
            Kind::Other => {}
        }
        end = piece.end;
        if has_root && open.is_empty() {
            break;
        }
    }
    if !has_root {
        return None;
    }
    let mut closed = text[..end].to_owned();
    if !open.is_empty() {
        // Text after the last piece is kept as far as it cannot be the fault.
        let rest = &text[end..floor(text, place.max(end))];
        closed.push_str(rest.split(['<', '&']).next().unwrap_or_default().trim_end_matches(']'));
    }
    for name in open.iter().rev() {
        closed.push_str("</");
        closed.push_str(name);
        closed.push('>');
    }
    Some(closed)
}

/// The nearest boundary of characters that is not behind a place.
fn floor(text: &str, place: usize) -> usize {
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

/// Where an XML text goes over a limit, and over which.
pub(super) struct Excess {
    /// Where the piece begins that is too much.
    pub(super) place: usize,
    pub(super) what: String,
}

pub(super) const MOST_DEPTH: usize = 256;
const MOST_PIECES: usize = 4_000_000;
const MOST_ATTRIBUTES: usize = 6_000_000;
const MOST_ATTRIBUTES_OF_ONE: usize = 256;
const MOST_NAMESPACES: usize = 16_000_000;

/// Looks for more than any honest file has, before memory is spent on it.
pub(super) fn excess(text: &str) -> Option<Excess> {
    let (mut pieces_seen, mut attributes, mut namespaces) = (0_usize, 0_usize, 0_usize);
    // For each open element, how many namespaces are declared in and around it.
    let mut open: Vec<usize> = Vec::new();
    for piece in pieces(text) {
        let over = |what: String| Some(Excess { place: piece.start, what });
        pieces_seen += 1;
        if pieces_seen > MOST_PIECES {
            return over(format!("more than {MOST_PIECES} elements and comments"));
        }
        match piece.kind {
            Kind::Close => {
                open.pop();
            }
            Kind::Open | Kind::Empty => {
                let tag = &text[piece.start..piece.end];
                let own = memchr::memchr_iter(b'=', tag.as_bytes()).count();
                attributes += own;
                // A long value may hold many `=` of its own; quotes come in pairs.
                let quoted = memchr::memchr2_iter(b'"', b'\'', tag.as_bytes()).count() / 2;
                if own.min(quoted) > MOST_ATTRIBUTES_OF_ONE {
                    return over(format!("an element with more than {MOST_ATTRIBUTES_OF_ONE} attributes"));
                }
                if attributes > MOST_ATTRIBUTES {
                    return over(format!("more than {MOST_ATTRIBUTES} attributes"));
                }
                let declared = memchr::memmem::find_iter(tag.as_bytes(), b"xmlns").count();
                let around = open.last().copied().unwrap_or_default();
                if declared > 0 {
                    namespaces += declared + around;
                }
                if namespaces > MOST_NAMESPACES {
                    return over("more declarations of namespaces than a document needs".to_owned());
                }
                if piece.kind == Kind::Open {
                    open.push(around + declared);
                    if open.len() > MOST_DEPTH {
                        return over(format!("elements nested more than {MOST_DEPTH} deep"));
                    }
                }
            }
            Kind::Other => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_is_closed() {
        for (given, want) in [
            ("<a><b>one</b><c>tw", "<a><b>one</b><c>tw</c></a>"),
            ("<a><b x='>'/><c", "<a><b x='>'/></a>"),
            ("<a>one & ", "<a>one </a>"),
            ("<a><b></c></b></a>", "<a><b></b></a>"),
            ("<a/><b/>", "<a/>"),
            ("<a><!-- <b> -->é", "<a><!-- <b> -->é</a>"),
        ] {
            assert_eq!(closed_at(given, given.len()).as_deref(), Some(want), "{given}");
        }
        assert_eq!(closed_at("<?xml version='1.0'?><a", 23), None);
    }

    #[test]
    fn limits_name_the_place() {
        let deep = "<a>".repeat(MOST_DEPTH + 1);
        assert_eq!(excess(&deep).map(|excess| excess.place), Some(3 * MOST_DEPTH));
        let wide = format!("<a {}/>", "b='' ".repeat(300));
        assert!(excess(&wide).is_some_and(|excess| excess.what.contains("256 attributes")));
        assert!(excess("<a b='======'><c/></a>").is_none());
    }
}
