//! What a page refers to, followed before any of it is unpacked: how much memory its streams and pictures take.

use std::collections::HashSet;

use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Object, ObjectIdentifier, Stream};
use hayro::hayro_syntax::page::Page;

use super::unpack::Unpacker;
use super::unsupported;
use crate::{DecodeError, SourceFormat};

/// Most objects that a page may refer to.
const MAX_OBJECTS: usize = 200_000;

/// Most dictionaries and arrays in one another, without references between.
const MAX_DEPTH: u32 = 64;

/// Bytes of a pixel of a picture: as decoded, as drawn, and between the two.
const PICTURE_BYTES: u64 = 8;

/// How much streams usually grow.
const USUAL_GROWTH: u64 = 4;

/// The most that deflated bytes can grow.
const MAX_INFLATION: u64 = 1032;

/// The most that LZW can grow: codes of 12 bits for strings of at most 4096 bytes.
const MAX_LZW: u64 = 2731;

/// Entries that lead to other pages, or to what is not drawn.
const LEADS_AWAY: [&[u8]; 14] = [
    b"Parent",
    b"P",
    b"Dest",
    b"A",
    b"AA",
    b"Prev",
    b"Next",
    b"B",
    b"StructParent",
    b"Popup",
    b"IRT",
    b"Metadata",
    b"Thumb",
    b"PieceInfo",
];

/// What a page holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Pixels of all pictures that it refers to.
    pub(super) picture_px: u64,
    /// Bytes of its packed streams.
    pub(super) stored_bytes: u64,
    /// Bytes of its streams when unpacked, pictures excepted.
    pub(super) unpacked_bytes: u64,
}

impl Survey {
    /// The most memory that what the page holds can take while it is drawn.
    pub(super) fn held_bytes(&self) -> u64 {
        self.picture_px.saturating_mul(PICTURE_BYTES).saturating_add(self.unpacked_bytes.saturating_mul(2))
    }
}

/// How well streams are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// What their dictionaries say, and a guess of what they unpack to: enough for what honest files need.
    Dictionaries,
    /// They are unpacked, without keeping it, to see how long they get.
    Contents,
}

/// Follows a page. Ends with an error once more than `max_bytes` would be needed.
pub(super) fn survey(page: &Page<'_>, look: Look, max_bytes: u64) -> Result<Survey, DecodeError> {
    let mut walk = Walk {
        page,
        look,
        seen: HashSet::new(),
        waiting: Vec::new(),
        survey: Survey::default(),
        max_bytes,
        unpacker: None,
    };
    walk.dictionary(page.raw(), 0)?;
    // The resources may be inherited.
    let resources = page.resources();
    for inherited in [
        &resources.x_objects,
        &resources.patterns,
        &resources.fonts,
        &resources.ext_g_states,
        &resources.color_spaces,
        &resources.shadings,
    ] {
        walk.dictionary(inherited, 0)?;
    }
    while let Some(object) = walk.waiting.pop() {
        if let Some(object) = page.xref().get::<Object<'_>>(object) {
            walk.object(object, 0)?;
        }
    }
    Ok(walk.survey)
}

struct Walk<'a, 'b> {
    page: &'b Page<'a>,
    look: Look,
    seen: HashSet<ObjectIdentifier>,
    waiting: Vec<ObjectIdentifier>,
    survey: Survey,
    max_bytes: u64,
    /// Made for the first stream that is unpacked.
    unpacker: Option<Unpacker>,
}

impl<'a> Walk<'a, '_> {
    fn item(&mut self, item: MaybeRef<Object<'a>>, depth: u32) -> Result<(), DecodeError> {
        match item {
            MaybeRef::Ref(reference) => {
                let identifier = ObjectIdentifier::from(reference);
                if self.seen.insert(identifier) {
                    self.waiting.push(identifier);
                }
                if self.seen.len() > MAX_OBJECTS {
                    return Err(unsupported(format!("a page that refers to more than {MAX_OBJECTS} objects")));
                }
                Ok(())
            }
            MaybeRef::NotRef(object) => self.object(object, depth + 1),
        }
    }

    fn object(&mut self, object: Object<'a>, depth: u32) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(unsupported(format!("objects that are nested more than {MAX_DEPTH} times")));
        }
        match object {
            Object::Dict(dictionary) => self.dictionary(&dictionary, depth),
            Object::Array(array) => self.array(&array, depth),
            Object::Stream(stream) => {
                self.dictionary(stream.dict(), depth)?;
                self.stream(&stream)
            }
            _ => Ok(()),
        }
    }

    fn dictionary(&mut self, dictionary: &Dict<'a>, depth: u32) -> Result<(), DecodeError> {
        // A page that is referred to from here is not drawn here.
        let is_page = dictionary.get::<hayro::hayro_syntax::object::Name<'_>>(b"Type");
        let other_page = is_page.is_some_and(|kind| matches!(kind.as_ref(), b"Page" | b"Pages"));
        if other_page && dictionary.obj_id() != self.page.raw().obj_id() {
            return Ok(());
        }
        for (key, value) in dictionary.entries() {
            if !LEADS_AWAY.contains(&key.as_ref()) {
                self.item(value, depth)?;
            }
        }
        Ok(())
    }

    fn array(&mut self, array: &Array<'a>, depth: u32) -> Result<(), DecodeError> {
        array.raw_iter().try_for_each(|item| self.item(item, depth))
    }

    fn stream(&mut self, stream: &Stream<'a>) -> Result<(), DecodeError> {
        let dictionary = stream.dict();
        let side = |long: &str, short: &str| {
            let value = dictionary.get::<i32>(long).or_else(|| dictionary.get::<i32>(short));
            u64::try_from(value.unwrap_or(0)).unwrap_or(0)
        };
        let is_image = dictionary
            .get::<hayro::hayro_syntax::object::Name<'_>>(b"Subtype")
            .is_some_and(|kind| kind.as_ref() == b"Image");
        let packed = stream.raw_data();
        self.survey.stored_bytes += packed.len() as u64;
        if is_image {
            self.survey.picture_px =
                self.survey.picture_px.saturating_add(side("Width", "W").saturating_mul(side("Height", "H")));
        }
        self.check()?;
        if self.look == Look::Dictionaries {
            let guess = if is_image { 0 } else { (packed.len() as u64).saturating_mul(USUAL_GROWTH) };
            self.survey.unpacked_bytes = self.survey.unpacked_bytes.saturating_add(guess);
            return self.check();
        }
        let left = self.max_bytes.saturating_sub(self.survey.held_bytes()) + 1;
        let (mut bytes, mut unpacked_once) = (packed.len() as u64, false);
        for filter in &stream.filters() {
            bytes = match filter {
                Filter::FlateDecode if !unpacked_once && bytes.saturating_mul(MAX_INFLATION) > (1 << 20) => {
                    let found = self.unpacker.get_or_insert_with(Unpacker::new).count(&packed, left);
                    // Where it makes no sense, the library goes on as well as it can.
                    let rest = found.wrong_at.map_or(0, |at| bytes.saturating_sub(at));
                    found.bytes.saturating_add(rest.saturating_mul(MAX_INFLATION))
                }
                Filter::FlateDecode => bytes.saturating_mul(MAX_INFLATION),
                Filter::LzwDecode => bytes.saturating_mul(if bytes < (1 << 20) { 256 } else { MAX_LZW }),
                Filter::RunLengthDecode => bytes.saturating_mul(64),
                Filter::CcittFaxDecode | Filter::Jbig2Decode => {
                    // As large as the picture, a byte a pixel; counted above.
                    bytes
                }
                Filter::JpxDecode => {
                    let pixels = jpx_pixels(&packed);
                    self.survey.picture_px = self.survey.picture_px.saturating_add(pixels.saturating_mul(2));
                    bytes
                }
                _ => bytes,
            };
            unpacked_once = true;
        }
        if bytes > 64 << 10 {
            self.survey.unpacked_bytes = self.survey.unpacked_bytes.saturating_add(bytes);
        }
        self.check()
    }

    fn check(&self) -> Result<(), DecodeError> {
        crate::formats::held::check_held(self.survey.held_bytes(), self.max_bytes, SourceFormat::Pdf)
    }
}

/// The pixels of a JPEG 2000 codestream, times its components; 0 when its header is not found.
fn jpx_pixels(stream: &[u8]) -> u64 {
    let Some(at) = memchr::memmem::find(stream, &[0xff, 0x4f, 0xff, 0x51]) else { return 0 };
    let word = |offset: usize| {
        let bytes = stream.get(at + offset..at + offset + 4).and_then(|bytes| bytes.try_into().ok());
        u64::from(bytes.map_or(0, u32::from_be_bytes))
    };
    let components =
        stream.get(at + 40..at + 42).map_or(1, |bytes| u64::from(u16::from_be_bytes([bytes[0], bytes[1]])));
    let (width, height) = (word(8).saturating_sub(word(16)), word(12).saturating_sub(word(20)));
    width.saturating_mul(height).saturating_mul(components.max(1))
}
