//! The trailer of the first page's cross-reference, and how it is cut off from the one at the end of the file.

use hayro::hayro_syntax::object::{Dict, FromBytes, Name, ObjRef};
use memchr::memmem;

use super::HEADER_BYTES;
use super::parameters::{Linearization, gap};

const PREVIOUS: &[u8] = b"/Prev";

/// Places where the entry of this name is looked for in a trailer.
const MAX_PLACES: usize = 8;

/// What is needed of the trailer of the first page's cross-reference.
pub(super) struct Trailer {
    /// Where the cross-reference begins.
    pub(super) table: usize,
    /// The catalogue of the file.
    pub(super) root: ObjRef,
    /// Where the cross-reference at the end of the file begins.
    pub(super) previous: Option<u64>,
}

impl Trailer {
    /// Finds it and takes out where it leads on to.
    pub(super) fn cut_off(bytes: &mut [u8], linear: &Linearization) -> Option<Self> {
        // An object that is cut in two may look like another one.
        bytes.trim_ascii_end().ends_with(b"endobj").then_some(())?;
        let table = linear.behind + gap(bytes.get(linear.behind..)?);
        let section = bytes.get(table..)?;
        let is_stream = !section.starts_with(b"xref");
        let start = if is_stream {
            memmem::find(section.get(..HEADER_BYTES)?, b"obj")? + b"obj".len()
        } else {
            memmem::find(section, b"trailer")? + b"trailer".len()
        };
        let start = table + start + gap(section.get(start..)?);
        let dictionary = Dict::from_bytes(bytes.get(start..)?)?;
        if is_stream && dictionary.get::<Name<'_>>("Type").is_none_or(|kind| kind.as_ref() != b"XRef") {
            return None;
        }
        // The other cross-reference of a hybrid file, §7.5.8.4.
        let other = dictionary.get::<u32>("XRefStm").map(u64::from);
        let is_near = !dictionary.contains_key("XRefStm") || other.is_some_and(|other| other < linear.end);
        let objects = dictionary.get::<u32>("Size")?;
        if dictionary.contains_key("Encrypt") || !is_near || objects <= linear.pages {
            return None;
        }
        let previous = dictionary.get::<i64>("Prev").and_then(|previous| u64::try_from(previous).ok());
        let (root, length) = (dictionary.get_ref("Root")?, dictionary.data().len());
        take_out_previous(bytes.get_mut(start..start + length)?)?;
        Some(Self { table, root, previous })
    }
}

/// Takes out of a trailer where it leads on to, and leaves everything else in its place.
fn take_out_previous(trailer: &mut [u8]) -> Option<()> {
    let dictionary = Dict::from_bytes(trailer)?;
    if !dictionary.contains_key("Prev") {
        return Some(());
    }
    let entries = dictionary.len();
    let places: Vec<usize> = memmem::find_iter(trailer, PREVIOUS).take(MAX_PLACES).collect();
    for place in places {
        let mut tried = trailer.to_vec();
        let value = place + PREVIOUS.len();
        let value = value + gap(tried.get(value..)?);
        let digits = tried.get(value..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        tried.get_mut(place..value + digits)?.fill(b' ');
        // The same letters may stand in a string, or begin a longer name.
        let is_out = Dict::from_bytes(&tried).is_some_and(|left| {
            !left.contains_key("Prev") && left.len() + 1 == entries && left.data().len() == tried.len()
        });
        if is_out {
            trailer.copy_from_slice(&tried);
            return Some(());
        }
    }
    None
}
