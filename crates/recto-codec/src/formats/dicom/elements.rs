//! Elements one after the other: a tag, a kind, a length, a value; sequences hold items, which hold elements.

use super::{corrupt, ended, unsupported};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// Bytes read at a time, where more is wanted close by.
const WINDOW_BYTES: u64 = 64 * 1024;
/// That is what lies no further on than this.
const NEAR_BYTES: u64 = 16 * 1024;
/// Bytes read where nothing was read close by: pixels lie between.
const FAR_BYTES: u64 = 64;
/// Most elements that are looked at: a slide has some twenty for each tile.
const MAX_ELEMENTS: u32 = 8_000_000;
/// Sequences in one another.
const MAX_DEPTH: u32 = 16;
/// A length that is not known: the end is marked.
const UNKNOWN: u32 = u32::MAX;

const ITEM: u32 = 0xfffe_e000;
const ITEM_END: u32 = 0xfffe_e00d;
const SEQUENCE_END: u32 = 0xfffe_e0dd;
pub(super) const PIXELS: u32 = 0x7fe0_0010;

/// How elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) explicit: bool,
    pub(super) big_endian: bool,
}

/// An element on the way through the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'p> {
    pub(super) tag: u32,
    /// Where its value lies; for pixels in items, a length of `u64::MAX`.
    pub(super) value: ByteRange,
    /// The sequences that it lies in, outermost first: their tags, and which item.
    pub(super) path: &'p [(u32, u32)],
}

/// A few bytes here and there, further and further on, read many at a time.
pub(super) struct Window<'a> {
    source: &'a dyn RandomAccess,
    control: &'a Control,
    bytes: Vec<u8>,
    at: u64,
}

impl<'a> Window<'a> {
    pub(super) fn new(source: &'a dyn RandomAccess, control: &'a Control) -> Self {
        Self { source, control, bytes: Vec::new(), at: 0 }
    }

    /// The bytes at a position.
    pub(super) fn get<const N: usize>(&mut self, at: u64) -> Result<[u8; N], DecodeError> {
        if let Some(bytes) = self.known(at) {
            return Ok(bytes);
        }
        self.control.check()?;
        let end = self.at.saturating_add(self.bytes.len() as u64);
        let is_near = (self.at..=end.saturating_add(NEAR_BYTES)).contains(&at);
        let wanted = if is_near { WINDOW_BYTES } else { FAR_BYTES };
        let length = wanted.min(self.source.len().saturating_sub(at));
        self.bytes = self.source.read_range(ByteRange::new(at, length)).map_err(ended("an element"))?;
        self.at = at;
        self.known(at).ok_or_else(|| corrupt("it ends in an element"))
    }

    fn known<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let from = usize::try_from(at.checked_sub(self.at)?).ok()?;
        self.bytes.get(from..)?.first_chunk().copied()
    }
}

/// Reads forward through a window.
pub(super) struct Walker<'a> {
    source: &'a dyn RandomAccess,
    window: Window<'a>,
    at: u64,
    elements: u32,
}

impl<'a> Walker<'a> {
    pub(super) fn new(source: &'a dyn RandomAccess, at: u64, control: &'a Control) -> Self {
        Self { source, window: Window::new(source, control), at, elements: 0 }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.window.get(self.at)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u16(&mut self, syntax: Syntax) -> Result<u16, DecodeError> {
        let bytes = self.bytes()?;
        Ok(if syntax.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&mut self, syntax: Syntax) -> Result<u32, DecodeError> {
        let bytes = self.bytes()?;
        Ok(if syntax.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn tag(&mut self, syntax: Syntax) -> Result<u32, DecodeError> {
        Ok(u32::from(self.u16(syntax)?) << 16 | u32::from(self.u16(syntax)?))
    }

    /// Tag, length (or [`UNKNOWN`]), and whether it is a sequence.
    fn head(&mut self, syntax: Syntax) -> Result<(u32, u32, bool), DecodeError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(unsupported(format!("more than {MAX_ELEMENTS} elements")));
        }
        let tag = self.tag(syntax)?;
        if tag >> 16 == 0xfffe {
            return Ok((tag, self.u32(syntax)?, false));
        }
        if !syntax.explicit {
            let length = self.u32(syntax)?;
            return Ok((tag, length, length == UNKNOWN));
        }
        let kind: [u8; 2] = self.bytes()?;
        if !kind.iter().all(u8::is_ascii_uppercase) {
            return Err(corrupt(format!("the element at byte {} has no kind", self.at - 6)));
        }
        let long = matches!(
            &kind,
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
        );
        let length = if long {
            self.u16(syntax)?;
            self.u32(syntax)?
        } else {
            self.u16(syntax)?.into()
        };
        Ok((tag, length, &kind == b"SQ"))
    }

    fn skip(&mut self, length: u32) -> Result<(), DecodeError> {
        let next = self.at + u64::from(length);
        if next > self.source.len() {
            return Err(corrupt(format!("the element at byte {} reaches beyond its end", self.at)));
        }
        self.at = next;
        Ok(())
    }

    /// Gives every element of the group with this number, and stops before the next group.
    pub(super) fn group(
        &mut self,
        group: u16,
        syntax: Syntax,
        give: &mut dyn FnMut(Element<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        while self.at < self.source.len() {
            // What follows may be written in another syntax: no more than its group is looked at.
            let (at, next) = (self.at, self.u16(syntax)?);
            self.at = at;
            if next != group {
                break;
            }
            let (tag, length, _) = self.head(syntax)?;
            give(Element { tag, value: ByteRange::new(self.at, u64::from(length)), path: &[] })?;
            self.skip(length)?;
        }
        Ok(())
    }

    /// Gives every element up to the pixels, those in sequences too. True when pixels were found; then they were given last.
    pub(super) fn data(
        &mut self,
        syntax: Syntax,
        give: &mut dyn FnMut(Element<'_>) -> Result<(), DecodeError>,
    ) -> Result<bool, DecodeError> {
        self.level(syntax, None, &mut Vec::new(), give)
    }

    /// Elements up to `end`, or up to a mark where it is not known.
    fn level(
        &mut self,
        syntax: Syntax,
        end: Option<u64>,
        path: &mut Vec<(u32, u32)>,
        give: &mut dyn FnMut(Element<'_>) -> Result<(), DecodeError>,
    ) -> Result<bool, DecodeError> {
        while self.at < end.unwrap_or(self.source.len()) {
            let (tag, length, is_sequence) = self.head(syntax)?;
            if matches!(tag, ITEM_END | SEQUENCE_END) {
                break;
            }
            if tag == PIXELS && path.is_empty() {
                let length = if length == UNKNOWN { u64::MAX } else { length.into() };
                give(Element { tag, value: ByteRange::new(self.at, length), path })?;
                return Ok(true);
            }
            if is_sequence || length == UNKNOWN {
                self.sequence(syntax, tag, length, path, give)?;
                continue;
            }
            give(Element { tag, value: ByteRange::new(self.at, length.into()), path })?;
            self.skip(length)?;
        }
        Ok(false)
    }

    fn sequence(
        &mut self,
        syntax: Syntax,
        tag: u32,
        length: u32,
        path: &mut Vec<(u32, u32)>,
        give: &mut dyn FnMut(Element<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        if path.len() as u32 >= MAX_DEPTH {
            return Err(unsupported(format!("sequences that are nested more than {MAX_DEPTH} times")));
        }
        let end = (length != UNKNOWN).then(|| self.at + u64::from(length));
        let mut item = 0;
        while self.at < end.unwrap_or(self.source.len()) {
            let (inner, item_length, _) = self.head(syntax)?;
            match inner {
                SEQUENCE_END => break,
                ITEM => {}
                _ => return Err(corrupt(format!("a sequence holds no items at byte {}", self.at))),
            }
            let item_end = (item_length != UNKNOWN).then(|| self.at + u64::from(item_length));
            path.push((tag, item));
            self.level(syntax, item_end, path, give)?;
            path.pop();
            self.leave(item_end)?;
            item += 1;
        }
        self.leave(end)
    }

    /// Goes on behind what ends there. Never back: what is walked twice at each of many depths has no end.
    fn leave(&mut self, end: Option<u64>) -> Result<(), DecodeError> {
        let Some(end) = end else { return Ok(()) };
        if self.at > end {
            return Err(corrupt(format!("a sequence or its item ends at byte {end}, within what it holds")));
        }
        self.at = end;
        Ok(())
    }

    /// The values of items that begin here, up to the mark of their end or the end of the file.
    pub(super) fn items(&mut self, most: usize) -> Result<Vec<ByteRange>, DecodeError> {
        let syntax = Syntax { explicit: true, big_endian: false };
        let mut items = Vec::new();
        while self.at < self.source.len() {
            let (tag, length, _) = self.head(syntax)?;
            if tag != ITEM || length == UNKNOWN {
                break;
            }
            if items.len() >= most {
                return Err(unsupported(format!("more than {most} pieces of frames")));
            }
            items.push(ByteRange::new(self.at, length.into()));
            self.skip(length)?;
        }
        Ok(items)
    }
}
