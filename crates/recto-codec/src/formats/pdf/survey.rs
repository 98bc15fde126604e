//! What a page refers to, followed before any of it is unpacked: how much memory its streams and pictures take.

use std::collections::HashSet;

use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::object::{Dict, MaybeRef, Name, Object, ObjectIdentifier, Stream};
use hayro::hayro_syntax::page::Page;

use super::drawn::{MAX_DEPTH, MAX_OBJECTS, Role};
use super::unpack::Unpacker;
use super::unsupported;
use crate::{DecodeError, SourceFormat};

/// Bytes of a pixel of a picture: as decoded, as drawn, and between the two.
const PICTURE_BYTES: u64 = 8;

/// How much streams usually grow.
const USUAL_GROWTH: u64 = 4;

/// The most that deflated bytes can grow.
const MAX_INFLATION: u64 = 1032;

/// The most that LZW can grow: codes of 12 bits for strings of at most 4096 bytes.
const MAX_LZW: u64 = 2731;

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
    let mut walk =
        Walk { look, seen: HashSet::new(), waiting: Vec::new(), survey: Survey::default(), max_bytes, unpacker: None };
    walk.dictionary(page.raw(), Role::Page, 0)?;
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
        walk.dictionary(inherited, Role::Other, 0)?;
    }
    while let Some((identifier, role)) = walk.waiting.pop() {
        if let Some(object) = page.xref().get::<Object<'_>>(identifier) {
            walk.object(object, role, 0)?;
        }
    }
    Ok(walk.survey)
}

struct Walk {
    look: Look,
    seen: HashSet<(ObjectIdentifier, Role)>,
    waiting: Vec<(ObjectIdentifier, Role)>,
    survey: Survey,
    max_bytes: u64,
    /// Made for the first stream that is unpacked.
    unpacker: Option<Unpacker>,
}

impl Walk {
    fn item(&mut self, item: MaybeRef<Object<'_>>, role: Role, depth: u32) -> Result<(), DecodeError> {
        match item {
            MaybeRef::Ref(reference) => {
                let next = (ObjectIdentifier::from(reference), role);
                if self.seen.insert(next) {
                    self.waiting.push(next);
                }
                if self.seen.len() > MAX_OBJECTS {
                    return Err(unsupported(format!("a page that refers to more than {MAX_OBJECTS} objects")));
                }
                Ok(())
            }
            MaybeRef::NotRef(object) => self.object(object, role, depth + 1),
        }
    }

    fn object(&mut self, object: Object<'_>, role: Role, depth: u32) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(unsupported(format!("objects that are nested more than {MAX_DEPTH} times")));
        }
        match object {
            Object::Dict(dictionary) => self.dictionary(&dictionary, role, depth),
            Object::Array(array) => array.raw_iter().try_for_each(|item| self.item(item, role.of_items(), depth)),
            Object::Stream(stream) => {
                self.dictionary(stream.dict(), Role::Stream, depth)?;
                self.stream(&stream)
            }
            _ => Ok(()),
        }
    }

    /// Whatever a dictionary says that it is: resources are drawn, also when they say that they are another page.
    fn dictionary(&mut self, dictionary: &Dict<'_>, role: Role, depth: u32) -> Result<(), DecodeError> {
        role.entries(dictionary).try_for_each(|(_, value, role)| self.item(value, role, depth))
    }

    fn stream(&mut self, stream: &Stream<'_>) -> Result<(), DecodeError> {
        let dictionary = stream.dict();
        let side = |long: &str, short: &str| {
            let value = dictionary.get::<i32>(long).or_else(|| dictionary.get::<i32>(short));
            u64::try_from(value.unwrap_or(0)).unwrap_or(0)
        };
        let is_image = dictionary.get::<Name<'_>>(b"Subtype").is_some_and(|kind| kind.as_ref() == b"Image");
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

#[cfg(test)]
mod tests {
    use hayro::hayro_syntax::Pdf;

    use super::*;

    const CATALOG: &str = "<< /Type /Catalog /Pages 2 0 R >>";
    const PICTURE: &str = "<< /Subtype /Image /Width 30 /Height 20 /Length 0 >>\nstream\n\nendstream";

    /// How many pixels the pictures of the first page have, in a file of these objects, numbered from 1.
    fn picture_px(objects: &[&str]) -> u64 {
        let mut file = "%PDF-1.7\n".to_owned();
        let size = objects.len() + 1;
        let mut table = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for (index, object) in objects.iter().enumerate() {
            table.push_str(&format!("{:010} 00000 n \n", file.len()));
            file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
        }
        let at = file.len();
        file.push_str(&format!("{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n"));
        let pdf = Pdf::new(file.into_bytes()).unwrap();
        survey(&pdf.pages()[0], Look::Dictionaries, u64::MAX).unwrap().picture_px
    }

    #[test]
    fn what_a_page_draws_counts_whatever_the_page_calls_it() {
        let pages = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>";
        let page = |entries: &str| format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] {entries} >>");
        let form = |resources: &str| {
            format!("<< /Subtype /Form /BBox [0 0 9 9] /Resources {resources} /Length 0 >>\nstream\n\nendstream")
        };
        for name in [
            "Im0",
            "P",
            "A",
            "AA",
            "B",
            "Dest",
            "Parent",
            "Prev",
            "Next",
            "Popup",
            "IRT",
            "Metadata",
            "Thumb",
            "OPI",
            "PieceInfo",
            "StructParent",
            "Kids",
            "Annots",
        ] {
            let resources = format!("<< /XObject << /{name} 4 0 R >> >>");
            let of_page = page(&format!("/Resources {resources}"));
            assert_eq!(picture_px(&[CATALOG, pages, &of_page, PICTURE]), 600, "{name}");
            let (of_form, by_form) = (form(&resources), page("/Resources << /XObject << /F 5 0 R >> >>"));
            assert_eq!(picture_px(&[CATALOG, pages, &by_form, PICTURE, &of_form]), 600, "{name} in a form");
        }
        // Resources that say that they are another page.
        for kind in ["Page", "Pages", "Catalog"] {
            let resources = format!("<< /Type /{kind} /XObject << /Im0 4 0 R >> >>");
            let (of_form, by_form) = (form("6 0 R"), page("/Resources << /XObject << /F 5 0 R >> >>"));
            let objects = [CATALOG, pages, &by_form, PICTURE, &of_form, &resources];
            assert_eq!(picture_px(&objects), 600, "{kind}");
        }
    }

    #[test]
    fn what_leads_to_another_page_does_not_count() {
        let pages = "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>";
        let away = "/P 4 0 R /Parent 4 0 R /Dest [4 0 R /Fit] /A << /S /GoTo /D [4 0 R /Fit] >>";
        let first = format!(
            "<< /Type /Page /Parent 2 0 R /B [4 0 R] /Thumb 5 0 R /Annots [<< {away} /AP << /N 6 0 R >> >>] \
             /Resources << >> >>"
        );
        let second = "<< /Type /Page /Parent 2 0 R /Resources << /XObject << /Im0 5 0 R >> >> >>";
        let appearance = |resources: &str| {
            format!("<< /Subtype /Form /Parent 2 0 R /Resources << {resources} >> /Length 0 >>\nstream\n\nendstream")
        };
        for (resources, px) in [("", 0), ("/XObject << /Im0 5 0 R >>", 600)] {
            let objects = [CATALOG, pages, &first, second, PICTURE, &appearance(resources)];
            assert_eq!(picture_px(&objects), px, "an annotation with {resources}");
        }
    }
}
