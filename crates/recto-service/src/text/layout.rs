//! The canvases of an object beside its index of words: one blob, so that a query needs nothing else of the object.

use bytes::Bytes;
use recto_iiif::Dimensions;
use serde::{Deserialize, Serialize};

/// What a query has to know of a canvas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasLayout {
    /// Its name in URLs, not encoded.
    #[serde(rename = "n")]
    pub name: String,
    /// Width in pixels; 0 for sound.
    #[serde(rename = "w")]
    pub width_px: u32,
    /// Height in pixels; 0 for sound.
    #[serde(rename = "h")]
    pub height_px: u32,
    /// Are there words on it?
    #[serde(rename = "t")]
    pub has_text: bool,
    /// What people call it, where that is not its name.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Is `image` the whole of the canvas, in its size?
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_picture: bool,
    /// The image or recording that its text is of: who may not see it may not read it.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl CanvasLayout {
    pub(crate) fn size(&self) -> Dimensions {
        Dimensions::new(self.width_px, self.height_px)
    }
}

/// The list, the ends of lines, the index; the first two behind their lengths.
pub(super) fn join(canvases: &[CanvasLayout], line_ends: &[u8], index: &[u8]) -> Vec<u8> {
    let list = CanvasList::write(canvases);
    let mut blob = Vec::with_capacity(8 + list.len() + line_ends.len() + index.len());
    for part in [&list, line_ends] {
        blob.extend_from_slice(&(part.len() as u32).to_le_bytes());
        blob.extend_from_slice(part);
    }
    blob.extend_from_slice(index);
    blob
}

/// The three parts, without a copy. `None` where this is no such blob.
pub(super) fn split(blob: &Bytes) -> Option<(CanvasList, Bytes, Bytes)> {
    let (list, rest) = part(blob)?;
    let (line_ends, index) = part(&rest)?;
    Some((CanvasList::open(&list)?, line_ends, index))
}

/// The canvases of an object, each read when it is asked for: their number, where each ends behind the table, each as JSON.
#[derive(Clone, Debug)]
pub(super) struct CanvasList {
    ends: Bytes,
    records: Bytes,
}

impl CanvasList {
    fn write(canvases: &[CanvasLayout]) -> Vec<u8> {
        let mut records = Vec::new();
        let mut table = (canvases.len() as u32).to_le_bytes().to_vec();
        for canvas in canvases {
            // Names and numbers can always be written.
            let _written = serde_json::to_writer(&mut records, canvas);
            table.extend_from_slice(&(records.len() as u32).to_le_bytes());
        }
        table.append(&mut records);
        table
    }

    fn open(list: &Bytes) -> Option<Self> {
        let count = u32::from_le_bytes(*list.first_chunk()?) as usize;
        let end = count.checked_mul(4)?.checked_add(4).filter(|end| *end <= list.len())?;
        Some(Self { ends: list.slice(4..end), records: list.slice(end..) })
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len() / 4
    }

    /// One of them, by its place; `None` where there is none, or it cannot be read.
    pub(super) fn get(&self, place: usize) -> Option<CanvasLayout> {
        let (ends, _) = self.ends.as_chunks::<4>();
        let end = |place: usize| ends.get(place).map(|end| u32::from_le_bytes(*end) as usize);
        let start = place.checked_sub(1).map_or(Some(0), end)?;
        serde_json::from_slice(self.records.get(start..end(place)?)?).ok()
    }
}

fn part(blob: &Bytes) -> Option<(Bytes, Bytes)> {
    let length = u32::from_le_bytes(*blob.first_chunk::<4>()?) as usize;
    let end = length.checked_add(4).filter(|end| *end <= blob.len())?;
    Some((blob.slice(4..end), blob.slice(end..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_split_as_it_was_joined_and_a_broken_one_not_at_all() {
        let canvas = CanvasLayout {
            name: "001".into(),
            width_px: 600,
            height_px: 800,
            has_text: true,
            label: None,
            is_picture: true,
            image: Some("a/001.tif".into()),
        };
        let other = CanvasLayout { name: "002".into(), label: Some("two".into()), image: None, ..canvas.clone() };
        let blob = Bytes::from(join(&[canvas.clone(), other.clone()], b"ends", b"index"));
        let (list, ends, index) = split(&blob).unwrap();
        assert_eq!((list.len(), &ends[..], &index[..]), (2, &b"ends"[..], &b"index"[..]));
        assert_eq!([0, 1, 2].map(|place| list.get(place)), [Some(canvas), Some(other), None]);
        for broken in [&b""[..], b"\x01", b"\xff\xff\xff\xff[]", b"\x02\0\0\0[]", b"\x04\0\0\0\x01\0\0\0\0\0\0\0"] {
            assert!(split(&Bytes::copy_from_slice(broken)).is_none());
        }
        let (empty, ..) = split(&Bytes::from(join(&[], b"", b""))).unwrap();
        assert_eq!((empty.len(), empty.get(0)), (0, None));
    }
}
