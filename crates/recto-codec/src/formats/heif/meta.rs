//! The `meta` box: which items a file has, where they lie and what is said of them.

use std::collections::BTreeMap;

use recto_iiif::Dimensions;

use super::boxes::Bytes;
use crate::{ByteRange, DecodeError, RandomAccess, SourceFormat};

/// A file with more top-level boxes than this before its `meta` box is hostile.
const MAX_BOXES: usize = 1000;
const MAX_META_BYTES: u64 = 16 << 20;
/// Items of a file: phones store a picture as some fifty tiles.
const MAX_ITEMS: usize = 20_000;
/// Most pieces of all items together. A piece can be said in no bytes at all, 65,535 times for each item.
const MAX_EXTENTS: usize = 1 << 18;
/// Most properties of all items together.
const MAX_ASSOCIATIONS: usize = 1 << 18;
/// Most properties of one item: real ones have about ten. They are gone through for every tile of a grid.
const MAX_ITS_PROPERTIES: usize = 64;

/// How colours are coded: ISO/IEC 23091-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    pub(crate) full_range: bool,
}

/// What is said of an item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Property {
    Size(Dimensions),
    Icc(Vec<u8>),
    Colour(Colour),
    /// Quarter turns counter-clockwise.
    Rotation(u8),
    /// Top and bottom change places, or left and right.
    Mirror {
        left_right: bool,
    },
    /// `clap`, as four fractions: width, height, horizontal and vertical offset of the centre.
    Clip([(i64, i64); 4]),
    /// What an auxiliary image is for.
    Auxiliary(String),
    /// The decoder's configuration.
    Config([u8; 4], Vec<u8>),
    /// Says nothing that changes pixels.
    Harmless,
    Unknown([u8; 4]),
}

/// A picture, a grid of pictures, or metadata.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) kind: [u8; 4],
    /// Where its bytes lie in the file; lengths of 0 are replaced by what they stand for.
    pub(crate) extents: Vec<ByteRange>,
    /// Indexes of its properties from 0 and whether they have to be understood, in the order in which they apply.
    pub(crate) properties: Vec<(usize, bool)>,
    /// Its bytes lie in a place that is not supported.
    elsewhere: bool,
}

/// The `meta` box.
#[derive(Debug)]
pub(crate) struct Meta {
    format: SourceFormat,
    pub(crate) primary: u32,
    pub(crate) items: BTreeMap<u32, Item>,
    properties: Vec<Property>,
    /// Kind, from, to.
    references: Vec<([u8; 4], u32, Vec<u32>)>,
}

impl Meta {
    /// Finds and reads the box.
    pub(crate) fn read(source: &dyn RandomAccess, format: SourceFormat) -> Result<Self, DecodeError> {
        let corrupt = |what: &str| DecodeError::Corrupt { format, what: what.to_owned() };
        let mut at = 0;
        for _ in 0..MAX_BOXES {
            let Some((name, payload)) = top_box(source, at)? else { break };
            let end = payload.end().filter(|end| *end <= source.len());
            if name == *b"meta" {
                let end = end.ok_or_else(|| corrupt("it ends in its table of items"))?;
                if payload.length > MAX_META_BYTES {
                    return Err(DecodeError::TooLarge {
                        format,
                        needed: payload.length,
                        limit: MAX_META_BYTES,
                        unit: "bytes of items",
                    });
                }
                debug_assert!(end <= source.len());
                let bytes = source.read_range(payload)?;
                let meta = Self::parse(&bytes, payload.offset, source.len(), format)
                    .ok_or_else(|| corrupt("its table of items is wrong"))?;
                return meta.checked();
            }
            match end {
                Some(end) if end > at => at = end,
                _ => break,
            }
        }
        Err(DecodeError::Unsupported {
            format,
            what: "no still picture in it (only a sequence, or nothing)".to_owned(),
        })
    }

    /// The box itself, unless an item is said to have more properties than any real one.
    fn checked(self) -> Result<Self, DecodeError> {
        let odd = self.items.iter().find(|(_, item)| item.properties.len() > MAX_ITS_PROPERTIES).map(|(id, _)| *id);
        match odd {
            Some(id) => Err(self.unsupported(format!("more than {MAX_ITS_PROPERTIES} properties of item {id}"))),
            None => Ok(self),
        }
    }

    fn parse(bytes: &[u8], offset: u64, file_bytes: u64, format: SourceFormat) -> Option<Self> {
        let mut content = Bytes(bytes);
        content.version_and_flags()?;
        let mut meta =
            Self { format, primary: 0, items: BTreeMap::new(), properties: Vec::new(), references: Vec::new() };
        let mut locations = None;
        let mut data = None;
        for (name, mut content) in content.boxes() {
            match &name {
                b"pitm" => {
                    let (version, _) = content.version_and_flags()?;
                    meta.primary = content.id(version > 0)?;
                }
                b"iinf" => meta.read_items(content)?,
                b"iloc" => locations = Some(content),
                b"iref" => meta.read_references(content)?,
                b"iprp" => meta.read_properties(content)?,
                b"idat" => {
                    // Positions within one slice.
                    let start = (content.0.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)? as u64;
                    data = Some(ByteRange::new(offset + start, content.0.len() as u64));
                }
                _ => {}
            }
        }
        meta.read_locations(locations?, data, file_bytes)?;
        Some(meta)
    }

    fn read_items(&mut self, mut content: Bytes<'_>) -> Option<()> {
        let (version, _) = content.version_and_flags()?;
        content.id(version > 0)?;
        for (name, mut entry) in content.boxes() {
            if name != *b"infe" || self.items.len() >= MAX_ITEMS {
                continue;
            }
            let (version, _) = entry.version_and_flags()?;
            if version < 2 {
                continue;
            }
            let id = entry.id(version > 2)?;
            entry.u16()?;
            let kind = entry.array()?;
            self.items.entry(id).or_default().kind = kind;
        }
        Some(())
    }

    fn read_locations(&mut self, mut content: Bytes<'_>, data: Option<ByteRange>, file_bytes: u64) -> Option<()> {
        let (version, _) = content.version_and_flags()?;
        let [sizes, more] = content.array()?;
        let (offset_bytes, length_bytes) = (sizes >> 4, sizes & 15);
        let (base_bytes, index_bytes) = (more >> 4, if version > 0 { more & 15 } else { 0 });
        let count = content.id(version > 1)?;
        let mut most = MAX_EXTENTS;
        for _ in 0..count {
            let id = content.id(version > 1)?;
            let method = if version > 0 { content.u16()? & 15 } else { 0 };
            let reference = content.u16()?;
            let base = content.number(base_bytes)?;
            let extents = content.u16()?;
            most = most.checked_sub(extents.into())?;
            let mut ranges = Vec::new();
            for _ in 0..extents {
                content.number(index_bytes)?;
                let offset = base.checked_add(content.number(offset_bytes)?)?;
                let length = content.number(length_bytes)?;
                let (offset, end) = match (method, data) {
                    (1, Some(data)) => (data.offset.checked_add(offset)?, data.end()?),
                    _ => (offset, file_bytes),
                };
                // A length of 0 is the rest of what the position is counted in.
                let length = if length == 0 { end.saturating_sub(offset) } else { length };
                ranges.push(ByteRange::new(offset, length));
            }
            if let Some(item) = self.items.get_mut(&id) {
                item.extents = ranges;
                item.elsewhere = reference != 0 || method > 1 || (method == 1 && data.is_none());
            }
        }
        Some(())
    }

    fn read_references(&mut self, mut content: Bytes<'_>) -> Option<()> {
        let (version, _) = content.version_and_flags()?;
        for (kind, mut entry) in content.boxes().take(MAX_ITEMS) {
            let from = entry.id(version > 0)?;
            let count = entry.u16()?;
            let to = (0..count).map(|_| entry.id(version > 0)).collect::<Option<Vec<_>>>()?;
            self.references.push((kind, from, to));
        }
        Some(())
    }

    fn read_properties(&mut self, content: Bytes<'_>) -> Option<()> {
        let mut most = MAX_ASSOCIATIONS;
        for (name, mut content) in content.boxes() {
            match &name {
                b"ipco" => {
                    let properties = content.boxes().take(MAX_ITEMS);
                    self.properties =
                        properties.map(|(name, content)| property(name, content)).collect::<Option<_>>()?;
                }
                b"ipma" => {
                    let (version, flags) = content.version_and_flags()?;
                    let count = content.u32()?;
                    for _ in 0..count {
                        let id = content.id(version > 0)?;
                        let associations = content.u8()?;
                        most = most.checked_sub(associations.into())?;
                        let mut properties = Vec::with_capacity(associations.into());
                        for _ in 0..associations {
                            let (essential, index) = if flags & 1 == 1 {
                                let word = content.u16()?;
                                (word >> 15 == 1, word & 0x7fff)
                            } else {
                                let byte = content.u8()?;
                                (byte >> 7 == 1, u16::from(byte & 0x7f))
                            };
                            if let Some(index) = usize::from(index).checked_sub(1) {
                                properties.push((index, essential));
                            }
                        }
                        if let Some(item) = self.items.get_mut(&id) {
                            item.properties.extend(properties);
                        }
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// The properties of an item, in order.
    pub(crate) fn properties<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = (&'a Property, bool)> {
        item.properties.iter().filter_map(|(index, essential)| Some((self.properties.get(*index)?, *essential)))
    }

    /// The item of this number.
    pub(crate) fn item(&self, id: u32) -> Result<&Item, DecodeError> {
        self.items.get(&id).ok_or_else(|| self.corrupt(format!("item {id} is not there")))
    }

    /// What `id` refers to by this kind of reference.
    pub(crate) fn targets(&self, kind: [u8; 4], id: u32) -> &[u32] {
        let found = self.references.iter().find(|(its_kind, from, _)| *its_kind == kind && *from == id);
        found.map_or(&[], |(_, _, to)| to)
    }

    /// Which items refer to `id` by this kind of reference.
    pub(crate) fn referring(&self, kind: [u8; 4], id: u32) -> impl Iterator<Item = u32> {
        let found = self.references.iter().filter(move |(its_kind, _, to)| *its_kind == kind && to.contains(&id));
        found.map(|(_, from, _)| *from)
    }

    /// The length of an item's bytes, as far as its pieces say; they may lie upon one another.
    pub(crate) fn length(item: &Item) -> u64 {
        item.extents.iter().fold(0, |sum: u64, range| sum.saturating_add(range.length))
    }

    /// The bytes of an item.
    pub(crate) fn bytes(&self, source: &dyn RandomAccess, item: &Item, limit: u64) -> Result<Vec<u8>, DecodeError> {
        if item.elsewhere || item.extents.is_empty() {
            return Err(self.unsupported("pictures whose bytes lie in another place"));
        }
        let needed = Self::length(item);
        if needed > limit.min(source.len()) {
            return Err(self.corrupt("a picture is longer than the file".to_owned()));
        }
        let mut bytes = Vec::with_capacity(needed as usize);
        for range in &item.extents {
            bytes.extend(source.read_range(*range)?);
        }
        Ok(bytes)
    }

    pub(crate) fn corrupt(&self, what: String) -> DecodeError {
        DecodeError::Corrupt { format: self.format, what }
    }

    pub(crate) fn unsupported(&self, what: impl Into<String>) -> DecodeError {
        DecodeError::Unsupported { format: self.format, what: what.into() }
    }
}

/// Name and payload of the box at `at`; `None` at the end.
fn top_box(source: &dyn RandomAccess, at: u64) -> Result<Option<([u8; 4], ByteRange)>, DecodeError> {
    if source.len().saturating_sub(at) < 8 {
        return Ok(None);
    }
    let mut header = [0; 8];
    source.read_at(at, &mut header)?;
    let [s0, s1, s2, s3, name @ ..] = header;
    let (start, length) = match u32::from_be_bytes([s0, s1, s2, s3]) {
        0 => (at + 8, source.len() - at - 8),
        1 if source.len() - at >= 16 => {
            let mut size = [0; 8];
            source.read_at(at + 8, &mut size)?;
            (at + 16, u64::from_be_bytes(size).saturating_sub(16))
        }
        size => (at + 8, u64::from(size).saturating_sub(8)),
    };
    Ok(Some((name, ByteRange::new(start, length))))
}

fn property(name: [u8; 4], mut content: Bytes<'_>) -> Option<Property> {
    Some(match &name {
        b"ispe" => {
            content.version_and_flags()?;
            Property::Size(Dimensions::new(content.u32()?, content.u32()?))
        }
        b"colr" => match &content.array()? {
            b"nclx" => {
                let (primaries, transfer, matrix) = (content.u16()?, content.u16()?, content.u16()?);
                Property::Colour(Colour { primaries, transfer, matrix, full_range: content.u8()? >> 7 == 1 })
            }
            b"prof" | b"rICC" => Property::Icc(content.0.to_vec()),
            _ => Property::Harmless,
        },
        b"irot" => Property::Rotation(content.u8()? & 3),
        b"imir" => Property::Mirror { left_right: content.u8()? & 1 == 1 },
        b"clap" => {
            let mut fractions = [(0, 1); 4];
            for (index, (numerator, denominator)) in fractions.iter_mut().enumerate() {
                let number = content.u32()?;
                // Sizes are unsigned, offsets signed.
                *numerator = if index < 2 { i64::from(number) } else { i64::from(number.cast_signed()) };
                *denominator = i64::from(content.u32()?);
            }
            Property::Clip(fractions)
        }
        b"auxC" => {
            content.version_and_flags()?;
            Property::Auxiliary(String::from_utf8_lossy(content.text()).into_owned())
        }
        b"av1C" | b"hvcC" => Property::Config(name, content.0.to_vec()),
        b"pixi" | b"pasp" | b"clli" | b"mdcv" | b"cclv" | b"amve" | b"rloc" | b"udes" | b"rref" | b"crtt" | b"mdft" => {
            Property::Harmless
        }
        _ => Property::Unknown(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryAccess;

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
    }

    /// A `meta` box's content with one item, and locations that say `extents` pieces of it, so many times.
    fn meta(extents: u16, times: u16) -> Vec<u8> {
        let entry = boxed(b"infe", b"\x02\0\0\0\0\x01\0\0av01\0");
        let items = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1][..], &entry].concat());
        // Neither offset nor length has a byte.
        let location = [&[0, 1, 0, 0][..], &extents.to_be_bytes()].concat().repeat(times.into());
        let locations = [&[0, 0, 0, 0, 0, 0][..], &times.to_be_bytes(), &location].concat();
        [vec![0; 4], items, boxed(b"iloc", &locations)].concat()
    }

    #[test]
    fn pieces_without_bytes_are_bounded() {
        let parsed = |extents, times| Meta::parse(&meta(extents, times), 0, 500, SourceFormat::Avif);
        assert_eq!(parsed(3, 1).unwrap().items[&1].extents, vec![ByteRange::new(0, 500); 3]);
        assert!(parsed(u16::MAX, 4).is_some());
        assert!(parsed(u16::MAX, 5).is_none());
    }

    #[test]
    fn a_length_of_zero_is_the_rest_of_the_file_and_counts_as_such() {
        let read = |extents: u16| {
            let file = [boxed(b"ftyp", b"avif\0\0\0\0avif"), boxed(b"meta", &meta(extents, 1))].concat();
            let source = MemoryAccess::new(file.clone());
            let meta = Meta::read(&source, SourceFormat::Avif).unwrap();
            let item = meta.item(1).unwrap();
            let bytes = meta.bytes(&source, item, 1 << 40);
            (file, Meta::length(item), bytes)
        };
        let (file, length, bytes) = read(1);
        assert_eq!(length, file.len() as u64);
        assert_eq!(bytes.unwrap(), file);
        for extents in [2, u16::MAX] {
            let (file, length, bytes) = read(extents);
            assert_eq!(length, file.len() as u64 * u64::from(extents));
            let refused = bytes.err();
            assert!(matches!(refused, Some(DecodeError::Corrupt { .. })), "{extents} times: {refused:?}");
        }
    }

    #[test]
    fn a_length_of_zero_within_the_box_ends_with_its_data() {
        let entry = boxed(b"infe", b"\x02\0\0\0\0\x01\0\0grid\0");
        let items = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1][..], &entry].concat());
        // In `idat`, from its fourth byte on: lengths have no bytes.
        let locations = boxed(b"iloc", &[1, 0, 0, 0, 0x40, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3]);
        let content = [vec![0; 4], items, locations, boxed(b"idat", b"abcdefgh")].concat();
        let source = MemoryAccess::new([boxed(b"meta", &content), boxed(b"free", &[7; 99])].concat());
        let meta = Meta::read(&source, SourceFormat::Avif).unwrap();
        assert_eq!(meta.bytes(&source, meta.item(1).unwrap(), 64).unwrap(), b"defgh");
    }

    #[test]
    fn an_item_with_more_properties_than_real_ones_have_is_refused() {
        let read = |associations: u8, times: u8| {
            let list = [&[0, 1, associations][..], &vec![1; associations.into()]].concat().repeat(times.into());
            let lists = boxed(b"ipma", &[&[0, 0, 0, 0, 0, 0, 0, times][..], &list].concat());
            let size = boxed(b"ispe", &[0; 12]);
            let properties = boxed(b"iprp", &[boxed(b"ipco", &size), lists].concat());
            let content = boxed(b"meta", &[meta(1, 1), properties].concat());
            Meta::read(&MemoryAccess::new(content), SourceFormat::Avif)
        };
        assert_eq!(read(64, 1).unwrap().items[&1].properties.len(), 64);
        for (associations, times) in [(65, 1), (40, 2), (255, 200)] {
            match read(associations, times) {
                Err(DecodeError::Unsupported { what, .. }) => assert_eq!(what, "more than 64 properties of item 1"),
                other => panic!("{associations} associations {times} times: {other:?}"),
            }
        }
    }
}
