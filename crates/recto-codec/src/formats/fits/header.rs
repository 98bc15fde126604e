//! Headers: cards of 80 characters in blocks of 2880 bytes. Only what says where the numbers lie and what they mean is read.

use std::collections::HashMap;

use recto_iiif::Dimensions;

use super::values::{Storage, Values};
use super::{corrupt, ended, unsupported};
use crate::{ByteRange, DecodeError, RandomAccess};

const BLOCK_BYTES: u64 = 2880;
const CARD_BYTES: usize = 80;
/// Most blocks of one header: 36 cards each.
const MAX_HEADER_BLOCKS: u64 = 512;
/// Most parts of a file that are looked at.
const MAX_PARTS: u32 = 1024;
/// Most blocks of headers in all.
const MAX_ALL_BLOCKS: u64 = 4096;
const MAX_AXES: u64 = 999;
/// Most planes of a file: each is a page, and a manifest has a canvas for each.
const MAX_PAGES: u64 = 1 << 16;

/// A plane of an array.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) size: Dimensions,
    pub(super) values: Values,
    /// Least and largest value, where the header says them.
    pub(super) range: Option<(f64, f64)>,
    /// Position of the first number.
    pub(super) at: u64,
}

/// The cards of one part that have a value, as written.
struct Cards(HashMap<String, String>);

impl Cards {
    fn text(&self, keyword: &str) -> Option<&str> {
        self.0.get(keyword).map(String::as_str)
    }

    fn integer(&self, keyword: &str) -> Option<i64> {
        self.text(keyword)?.parse().ok()
    }

    /// Also with `D` for the exponent, as Fortran writes it.
    fn number(&self, keyword: &str) -> Option<f64> {
        let number: f64 = self.text(keyword)?.replace(['D', 'd'], "E").parse().ok()?;
        number.is_finite().then_some(number)
    }

    fn axis(&self, axis: u64) -> Result<u64, DecodeError> {
        let length = self.integer(&format!("NAXIS{axis}")).and_then(|length| u64::try_from(length).ok());
        length.ok_or_else(|| corrupt(format!("it does not say how long axis {axis} is")))
    }
}

/// The value of a card, without its comment; texts without their quotes.
fn value(card: &str) -> Option<String> {
    let value = card.get(8..)?.strip_prefix("= ")?.trim_start();
    if let Some(text) = value.strip_prefix('\'') {
        return Some(text.split('\'').next()?.trim_end().to_owned());
    }
    Some(value.split('/').next()?.trim().to_owned())
}

/// Reads a header; gives its cards and the position behind it.
fn read_cards(source: &dyn RandomAccess, mut at: u64, blocks: &mut u64) -> Result<(Cards, u64), DecodeError> {
    let mut cards = HashMap::new();
    for _ in 0..MAX_HEADER_BLOCKS {
        *blocks += 1;
        if *blocks > MAX_ALL_BLOCKS {
            return Err(unsupported("headers of more than 10 megabytes"));
        }
        let block = source.read_range(ByteRange::new(at, BLOCK_BYTES)).map_err(ended("a header"))?;
        at += BLOCK_BYTES;
        for card in block.chunks_exact(CARD_BYTES) {
            let card = String::from_utf8_lossy(card);
            let keyword = card.get(..8).unwrap_or_default().trim_end();
            if keyword == "END" {
                return Ok((Cards(cards), at));
            }
            if let Some(value) = value(&card) {
                // The first counts.
                cards.entry(keyword.to_owned()).or_insert(value);
            }
        }
    }
    Err(corrupt("a header does not end"))
}

/// Finds a plane of the images of a file, from 1, and counts all planes.
pub(super) fn find_page(source: &dyn RandomAccess, page: u32) -> Result<(Array, u32), DecodeError> {
    let (mut at, mut blocks, mut pages, mut found) = (0, 0, 0_u64, None);
    let mut compressed = false;
    for part in 0..MAX_PARTS {
        // What follows the last part without being one is allowed, and no reason to fail.
        let read = read_cards(source, at, &mut blocks);
        let (cards, data_at) = match read {
            Ok(read) => read,
            Err(_) if part > 0 => break,
            Err(error) => return Err(error),
        };
        let is_first = part == 0;
        if !is_first && cards.text("XTENSION").is_none() {
            break;
        }
        compressed |= cards.text("ZIMAGE") == Some("T");
        let data = match Data::of(&cards) {
            Ok(data) => data,
            Err(_) if !is_first => break,
            Err(error) => return Err(error),
        };
        let is_image = is_first || cards.text("XTENSION") == Some("IMAGE");
        // Pages are planes that are there: a header can say any number of them. A first one that is cut short says so when read.
        let there = source.len().saturating_sub(data_at) / data.plane_bytes.max(1);
        let planes = if is_image { data.planes.min(there.max(1)) } else { 0 };
        let wanted = u64::from(page).checked_sub(pages + 1).filter(|plane| *plane < planes);
        if let Some(plane) = wanted {
            found = Some(array(&cards, &data, data_at, plane)?);
        }
        pages += planes;
        if pages > MAX_PAGES {
            return Err(unsupported(format!("more than {MAX_PAGES} planes")));
        }
        let padded = data.bytes.div_ceil(BLOCK_BYTES).checked_mul(BLOCK_BYTES);
        match padded.and_then(|bytes| bytes.checked_add(data_at)).filter(|next| *next < source.len()) {
            Some(next) => at = next,
            None => break,
        }
    }
    let count = u32::try_from(pages).unwrap_or(u32::MAX);
    match found {
        Some(array) => Ok((array, count)),
        None if pages == 0 && compressed => Err(unsupported("compressed images (ZIMAGE)")),
        None if pages == 0 => Err(unsupported("no image; it holds tables or nothing")),
        None => Err(DecodeError::NoSuchPage { page, pages: count }),
    }
}

/// The size of what follows a header.
struct Data {
    storage: Storage,
    planes: u64,
    bytes: u64,
    plane_bytes: u64,
    axes: u64,
}

impl Data {
    fn of(cards: &Cards) -> Result<Self, DecodeError> {
        let bitpix =
            cards.integer("BITPIX").ok_or_else(|| corrupt("it does not say how numbers are stored (BITPIX)"))?;
        let storage = Storage::from_bitpix(bitpix).ok_or_else(|| unsupported(format!("BITPIX {bitpix}")))?;
        let axes = cards.integer("NAXIS").and_then(|axes| u64::try_from(axes).ok()).filter(|axes| *axes <= MAX_AXES);
        let axes = axes.ok_or_else(|| corrupt("it does not say how many axes it has (NAXIS)"))?;
        let large = || corrupt("its axes are longer than any file");
        let (mut numbers, mut plane, mut planes) = (u64::from(axes > 0), 1_u64, u64::from(axes >= 2));
        for axis in 1..=axes {
            let length = cards.axis(axis)?;
            numbers = numbers.checked_mul(length).ok_or_else(large)?;
            let product = if axis <= 2 { &mut plane } else { &mut planes };
            *product = product.checked_mul(length).ok_or_else(large)?;
        }
        let also = |keyword: &str, default: u64| {
            cards.integer(keyword).and_then(|count| u64::try_from(count).ok()).unwrap_or(default)
        };
        let bytes_each = bitpix.unsigned_abs() / 8;
        let bytes = numbers
            .checked_add(also("PCOUNT", 0))
            .and_then(|count| count.checked_mul(also("GCOUNT", 1)))
            .and_then(|count| count.checked_mul(bytes_each))
            .ok_or_else(large)?;
        let plane_bytes = plane.checked_mul(bytes_each).ok_or_else(large)?;
        // A plane without numbers is no page.
        let planes = if plane == 0 { 0 } else { planes };
        Ok(Self { storage, planes, bytes, plane_bytes, axes })
    }
}

fn array(cards: &Cards, data: &Data, data_at: u64, plane: u64) -> Result<Array, DecodeError> {
    debug_assert!(data.axes >= 2, "fewer have no planes");
    let side = |axis| {
        u32::try_from(cards.axis(axis)?).map_err(|_| corrupt(format!("axis {axis} is longer than an image can be")))
    };
    let integers = !matches!(data.storage, Storage::F32 | Storage::F64);
    let values = Values {
        storage: data.storage,
        zero: cards.number("BZERO").unwrap_or(0.0),
        scale: cards.number("BSCALE").unwrap_or(1.0),
        blank: if integers { cards.integer("BLANK") } else { None },
    };
    let range = cards.number("DATAMIN").zip(cards.number("DATAMAX")).filter(|(least, most)| least < most);
    let at = plane.checked_mul(data.plane_bytes).and_then(|offset| offset.checked_add(data_at));
    let at = at.ok_or_else(|| corrupt("its planes are longer than any file"))?;
    Ok(Array { size: Dimensions::new(side(1)?, side(2)?), values, range, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_have_values_and_comments() {
        for (card, want) in [
            ("NAXIS   =                    2 / number of axes", Some("2")),
            ("BZERO   =  3.2768D4", Some("3.2768D4")),
            ("XTENSION= 'IMAGE   '           / kind", Some("IMAGE")),
            ("COMMENT   no value here", None),
            ("HISTORY = ", Some("")),
            ("X", None),
        ] {
            assert_eq!(value(card).as_deref(), want, "{card}");
        }
    }
}
