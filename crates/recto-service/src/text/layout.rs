//! The canvases of an object beside its index of words: one blob, so that a query needs nothing else of the object.

use std::ops::Range;

use bytes::Bytes;
use recto_iiif::Dimensions;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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
    // A list of names and numbers can always be written.
    let list = serde_json::to_vec(canvases).unwrap_or_default();
    let mut blob = Vec::with_capacity(8 + list.len() + line_ends.len() + index.len());
    for part in [&list, line_ends] {
        blob.extend_from_slice(&(part.len() as u32).to_le_bytes());
        blob.extend_from_slice(part);
    }
    blob.extend_from_slice(index);
    blob
}

/// The three parts, without a copy. `None` where this is no such blob.
pub(super) fn split(blob: &Bytes) -> Option<(Bytes, Bytes, Bytes)> {
    let (list, rest) = part(blob)?;
    let (line_ends, index) = part(&rest)?;
    Some((list, line_ends, index))
}

/// Where each canvas stands in the list; `None` where this is no such list. To look for one takes a fraction of reading all.
pub(super) fn places(list: &Bytes) -> Option<Vec<Range<u32>>> {
    let raw: Vec<&RawValue> = serde_json::from_slice(list).ok()?;
    let begin = list.as_ptr() as usize;
    let place = |raw: &&RawValue| {
        let from = (raw.get().as_ptr() as usize - begin) as u32;
        from..from + raw.get().len() as u32
    };
    Some(raw.iter().map(place).collect())
}

/// One canvas of the list.
pub(super) fn read_one(list: &Bytes, place: &Range<u32>) -> Option<CanvasLayout> {
    serde_json::from_slice(list.get(place.start as usize..place.end as usize)?).ok()
}

/// The list of canvases; `None` where this is no such list.
pub(super) fn read(list: &Bytes) -> Option<Vec<CanvasLayout>> {
    serde_json::from_slice(list).ok()
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
        let blob = Bytes::from(join(std::slice::from_ref(&canvas), b"ends", b"index"));
        let (list, ends, index) = split(&blob).unwrap();
        let places = places(&list).unwrap();
        assert_eq!((places.len(), read_one(&list, &places[0])), (1, Some(canvas.clone())));
        assert_eq!((read(&list), &ends[..], &index[..]), (Some(vec![canvas]), &b"ends"[..], &b"index"[..]));
        for broken in [&b""[..], b"\x01", b"\xff\xff\xff\xff[]", b"\x02\0\0\0[]"] {
            assert_eq!(split(&Bytes::copy_from_slice(broken)), None);
        }
        assert_eq!(read(&Bytes::from_static(b"{}")), None);
    }
}
