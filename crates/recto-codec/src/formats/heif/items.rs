//! The picture of a file: one coded item or a grid of them, and its opacity.

use std::collections::BTreeSet;

use recto_iiif::{Dimensions, Rect};

use super::boxes::Bytes;
use super::meta::{Colour, Item, Meta, Property};
use super::transform::Clip;
use crate::{Control, DecodeError, RandomAccess};

/// Longest description of a grid.
const MAX_GRID_BYTES: u64 = 64;
/// Tiles of a grid between two looks at the clock.
const TILES_PER_CHECK: u32 = 1024;

/// One coded item, and where it lies on the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coded {
    pub(crate) id: u32,
    pub(crate) rect: Rect,
}

/// Coded items that together are one picture.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) size: Dimensions,
    /// Size of each coded item. Those at the right and bottom edge of a grid reach beyond the picture.
    pub(crate) tile: Dimensions,
    pub(crate) items: Vec<Coded>,
    /// The first item's configuration, which all share.
    pub(crate) config: Vec<u8>,
}

/// The opacity of a picture.
#[derive(Clone, Debug)]
pub(crate) struct Alpha {
    pub(crate) picture: Picture,
    /// Colours are stored multiplied by it.
    pub(crate) premultiplied: bool,
}

impl Picture {
    pub(crate) fn is_grid(&self) -> bool {
        self.items.len() > 1 || self.tile != self.size
    }

    /// The picture that this item is. `codec` is the kind of coded items and of their configuration.
    pub(crate) fn of(
        meta: &Meta,
        source: &dyn RandomAccess,
        id: u32,
        codec: ([u8; 4], [u8; 4]),
        control: &Control,
    ) -> Result<Self, DecodeError> {
        let item = meta.item(id)?;
        let size = size(meta, item)?;
        match item.kind {
            kind if kind == codec.0 => {
                let config = config(meta, item, codec.1)?.to_vec();
                Ok(Self { size, tile: size, items: vec![Coded { id, rect: size.rect() }], config })
            }
            kind if kind == *b"grid" => Self::grid(meta, source, id, size, codec, control),
            kind => Err(meta.unsupported(format!("a picture of the kind `{}`", kind.escape_ascii()))),
        }
    }

    fn grid(
        meta: &Meta,
        source: &dyn RandomAccess,
        id: u32,
        size: Dimensions,
        codec: ([u8; 4], [u8; 4]),
        control: &Control,
    ) -> Result<Self, DecodeError> {
        let bytes = meta.bytes(source, meta.item(id)?, MAX_GRID_BYTES)?;
        let (rows, columns, said) =
            grid_header(&bytes).ok_or_else(|| meta.corrupt("its grid has no header".to_owned()))?;
        if said != size {
            return Err(meta.corrupt(format!("its grid is {said} pixels, its item {size}")));
        }
        let parts = meta.targets(*b"dimg", id);
        if parts.len() as u64 != u64::from(rows) * u64::from(columns) {
            return Err(meta.corrupt(format!("its grid of {columns}x{rows} has {} tiles", parts.len())));
        }
        let mut tile = None;
        let mut shared: Option<&[u8]> = None;
        let mut items = Vec::with_capacity(parts.len());
        // An item may be the tile of many places.
        let mut known = BTreeSet::new();
        for (index, &part) in (0_u32..).zip(parts) {
            if index.is_multiple_of(TILES_PER_CHECK) {
                control.check()?;
            }
            if known.insert(part) {
                let item = meta.item(part)?;
                if item.kind != codec.0 {
                    return Err(meta.unsupported(format!("a grid of `{}`", item.kind.escape_ascii())));
                }
                let its_size = self::size(meta, item)?;
                let its_config = config(meta, item, codec.1)?;
                if *tile.get_or_insert(its_size) != its_size {
                    return Err(meta.corrupt("the tiles of its grid differ in size".to_owned()));
                }
                // What follows the sample layout may differ from tile to tile.
                if layout(shared.get_or_insert(its_config)) != layout(its_config) {
                    return Err(meta.unsupported("a grid of tiles of different layouts"));
                }
            }
            let its_size = tile.unwrap_or(size);
            let (column, row) = (index % columns, index / columns);
            let x = u64::from(column) * u64::from(its_size.width_px);
            let y = u64::from(row) * u64::from(its_size.height_px);
            let left = u64::from(size.width_px).saturating_sub(x).min(its_size.width_px.into()) as u32;
            let below = u64::from(size.height_px).saturating_sub(y).min(its_size.height_px.into()) as u32;
            if left == 0 || below == 0 {
                return Err(meta.corrupt("a tile of its grid lies outside".to_owned()));
            }
            items.push(Coded { id: part, rect: Rect::new(x as u32, y as u32, left, below) });
        }
        let (Some(tile), Some(config)) = (tile, shared) else {
            return Err(meta.corrupt("its grid has no tiles".to_owned()));
        };
        let covers = |tile: u32, count: u32, side: u32| u64::from(tile) * u64::from(count) >= u64::from(side);
        if !covers(tile.width_px, columns, size.width_px) || !covers(tile.height_px, rows, size.height_px) {
            return Err(meta.corrupt("the tiles of its grid do not cover it".to_owned()));
        }
        Ok(Self { size, tile, items, config: config.to_vec() })
    }

    /// Turns and clips of the item.
    pub(crate) fn clip(&self, meta: &Meta, id: u32) -> Result<Clip, DecodeError> {
        Clip::of(meta, meta.item(id)?, self.size)
    }

    /// The opacity of the item, if it has one.
    pub(crate) fn alpha(
        meta: &Meta,
        source: &dyn RandomAccess,
        id: u32,
        codec: ([u8; 4], [u8; 4]),
        control: &Control,
    ) -> Result<Option<Alpha>, DecodeError> {
        let is_alpha = |item: &Item| {
            meta.properties(item).any(|(property, _)| match property {
                Property::Auxiliary(what) => {
                    what == "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" || what == "urn:mpeg:hevc:2015:auxid:1"
                }
                _ => false,
            })
        };
        let found = meta.referring(*b"auxl", id).find(|aux| meta.item(*aux).is_ok_and(is_alpha));
        let Some(aux) = found else { return Ok(None) };
        let picture = Self::of(meta, source, aux, codec, control)?;
        let premultiplied = meta.targets(*b"prem", id).contains(&aux);
        Ok(Some(Alpha { picture, premultiplied }))
    }
}

/// ISO/IEC 23008-12 §6.6.2.3: rows, columns and size.
fn grid_header(bytes: &[u8]) -> Option<(u32, u32, Dimensions)> {
    let mut bytes = Bytes(bytes);
    let [_version, flags, rows, columns] = bytes.array()?;
    let long = flags & 1 == 1;
    let size = Dimensions::new(bytes.id(long)?, bytes.id(long)?);
    Some((u32::from(rows) + 1, u32::from(columns) + 1, size))
}

fn size(meta: &Meta, item: &Item) -> Result<Dimensions, DecodeError> {
    for (property, essential) in meta.properties(item) {
        if let (Property::Unknown(name), true) = (property, essential) {
            return Err(meta.unsupported(format!("the property `{}`", name.escape_ascii())));
        }
    }
    let size = meta.properties(item).find_map(|(property, _)| match property {
        Property::Size(size) => Some(*size),
        _ => None,
    });
    size.ok_or_else(|| meta.corrupt("a picture has no size".to_owned()))
}

fn config<'a>(meta: &'a Meta, item: &'a Item, name: [u8; 4]) -> Result<&'a [u8], DecodeError> {
    let config = meta.properties(item).find_map(|(property, _)| match property {
        Property::Config(its_name, config) if *its_name == name => Some(config.as_slice()),
        _ => None,
    });
    config.ok_or_else(|| meta.corrupt("a picture says nothing of its coding".to_owned()))
}

/// The part of a configuration that says how samples lie.
fn layout(config: &[u8]) -> Option<u8> {
    config.get(2).map(|byte| byte & 0x7c)
}

impl Meta {
    /// Profile and coded colour of an item.
    pub(crate) fn colours<'a>(&'a self, item: &'a Item) -> (Option<&'a [u8]>, Option<Colour>) {
        let mut found = (None, None);
        for (property, _) in self.properties(item) {
            match property {
                Property::Icc(icc) if found.0.is_none() => found.0 = Some(icc.as_slice()),
                Property::Colour(colour) if found.1.is_none() => found.1 = Some(*colour),
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryAccess, SourceFormat};

    const CODEC: ([u8; 4], [u8; 4]) = (*b"av01", *b"av1C");

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
    }

    fn full(name: &[u8; 4], version: u8, content: &[u8]) -> Vec<u8> {
        boxed(name, &[&[version, 0, 0, 0], content].concat())
    }

    /// A file whose item 2 is a grid of 255 rows and 256 columns, all of them item 1, which is a pixel.
    fn grid_of_one() -> MemoryAccess {
        let entry = |id: u8, kind: &[u8; 4]| full(b"infe", 2, &[&[0, id, 0, 0][..], kind, b"\0"].concat());
        let entries = [&[0, 2][..], &entry(1, b"av01"), &entry(2, b"grid")].concat();
        let header: [u8; 8] = [0, 0, 254, 255, 1, 0, 0, 255];
        // Item 1 is the first byte of `idat`, item 2 what follows.
        let location = |id: u8, at: u8, length: u8| [0, id, 0, 1, 0, 0, 0, 1, 0, 0, 0, at, 0, 0, 0, length];
        let locations = [&[0x44, 0, 0, 2][..], &location(1, 0, 1), &location(2, 1, 8)].concat();
        let tiles = [&[0_u8, 2, 0xff, 0][..], &[0_u8, 1].repeat(65_280)].concat();
        let sides = |w: u32, h: u32| full(b"ispe", 0, &[w, h].map(u32::to_be_bytes).concat());
        let known = [sides(1, 1), sides(256, 255), boxed(b"av1C", &[0x81, 0, 0, 0])].concat();
        let said = [0, 0, 0, 2, 0, 1, 2, 1, 3, 0, 2, 1, 2];
        let properties = [boxed(b"ipco", &known), full(b"ipma", 0, &said)].concat();
        let content = [
            full(b"iinf", 0, &entries),
            full(b"iloc", 1, &locations),
            full(b"iref", 0, &boxed(b"dimg", &tiles)),
            boxed(b"iprp", &properties),
            boxed(b"idat", &[&[0][..], &header].concat()),
        ];
        MemoryAccess::new(full(b"meta", 0, &content.concat()))
    }

    #[test]
    fn one_item_may_be_every_tile_of_a_grid_until_nobody_waits_any_more() {
        let source = grid_of_one();
        let meta = Meta::read(&source, SourceFormat::Avif).unwrap();
        let picture = Picture::of(&meta, &source, 2, CODEC, &Control::default()).unwrap();
        assert_eq!((picture.size, picture.tile), (Dimensions::new(256, 255), Dimensions::new(1, 1)));
        assert_eq!(picture.items.len(), 65_280);
        let last = Coded { id: 1, rect: Rect::new(255, 254, 1, 1) };
        assert_eq!(picture.items.last(), Some(&last));
        let control = Control::default();
        control.cancel();
        let stopped = Picture::of(&meta, &source, 2, CODEC, &control).err();
        assert!(matches!(stopped, Some(DecodeError::Cancelled)), "{stopped:?}");
    }
}
