//! The library at work in a child of the program: it is written in C, and reads what strangers made.

use recto_iiif::Dimensions;

use super::libheif::{self, Decoded};
use crate::formats::contained::{self, Failure};
use crate::{Control, DecodeError, RandomAccess, SourceFormat};

/// Bytes before the file on its way to the child: whether samples have two bytes, and the longest side.
const HEAD_BYTES: usize = 5;
/// Bytes behind the samples on their way back: their bits, whether they have two bytes, width and height, and a letter.
pub(super) const TAIL_BYTES: usize = 11;
/// Room in an answer for what the library says instead.
const MESSAGE_BYTES: u64 = 4096;

/// Decodes the primary picture, not turned and not clipped: of at most this many pixels, with sides of at most `side_px`.
pub(super) fn decode(
    source: &dyn RandomAccess,
    side_px: u32,
    wide: bool,
    most_pixels: u64,
    control: &Control,
) -> Result<Decoded, DecodeError> {
    let mut given = vec![0; HEAD_BYTES + source.len() as usize];
    let (head, file) = given.split_at_mut(HEAD_BYTES);
    let [a, b, c, d] = side_px.to_le_bytes();
    head.copy_from_slice(&[u8::from(wide), a, b, c, d]);
    source.read_at(0, file)?;
    let most_bytes = most_pixels.saturating_mul(if wide { 8 } else { 4 }).saturating_add(MESSAGE_BYTES);
    let most_pixels = u32::try_from(most_pixels).unwrap_or(u32::MAX);
    let decoded = match contained::decode("heic", most_pixels, &given, most_bytes, control) {
        Some(Ok(answer)) => Decoded::from_bytes(answer),
        Some(Err(Failure::Stopped(stopped))) => return Err(stopped),
        Some(Err(Failure::Passing(error))) => return Err(error.into()),
        Some(Err(Failure::Child(what))) => Err(what),
        None => here(&given),
    };
    decoded.map_err(|what| DecodeError::Corrupt { format: SourceFormat::Heic, what })
}

/// What a child answers.
pub(in crate::formats) fn answer(given: &[u8]) -> Vec<u8> {
    match here(given) {
        Ok(decoded) => decoded.into_bytes(),
        Err(what) => [what.as_bytes(), b"E"].concat(),
    }
}

fn here(given: &[u8]) -> Result<Decoded, String> {
    let Some((&[wide, a, b, c, d], file)) = given.split_first_chunk::<HEAD_BYTES>() else {
        return Err("libheif was given nothing".to_owned());
    };
    libheif::decode(file, u32::from_le_bytes([a, b, c, d]), wide != 0)
}

impl Decoded {
    /// The samples, and behind them what is said of them, so that they stay where they are; numbers with the low byte first.
    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.data;
        bytes.extend([self.bits, u8::from(self.wide)]);
        bytes.extend(self.size.width_px.to_le_bytes());
        bytes.extend(self.size.height_px.to_le_bytes());
        bytes.push(b'H');
        bytes
    }

    fn from_bytes(mut bytes: Vec<u8>) -> Result<Self, String> {
        if let Some((b'E', what)) = bytes.split_last() {
            return Err(String::from_utf8_lossy(what).into_owned());
        }
        let odd = || "the HEIC decoder gave no picture".to_owned();
        let (samples, tail) = bytes.split_last_chunk::<TAIL_BYTES>().ok_or_else(odd)?;
        let &[bits, wide, w0, w1, w2, w3, h0, h1, h2, h3, b'H'] = tail else { return Err(odd()) };
        let size = Dimensions::new(u32::from_le_bytes([w0, w1, w2, w3]), u32::from_le_bytes([h0, h1, h2, h3]));
        let (wide, length) = (wide != 0, samples.len());
        let fits = if wide { (9..=16).contains(&bits) } else { bits == 8 };
        if !fits || size.area_px().checked_mul(if wide { 8 } else { 4 }) != Some(length as u64) {
            return Err(odd());
        }
        bytes.truncate(length);
        Ok(Self { size, bits, wide, data: bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_crosses_to_the_parent_unchanged() {
        for (wide, bits) in [(false, 8), (true, 10), (true, 16)] {
            let length = 7 * 5 * if wide { 8 } else { 4 };
            let data: Vec<u8> = (0..length).map(|at| (at * 11) as u8).collect();
            let bytes = Decoded { size: Dimensions::new(7, 5), bits, wide, data: data.clone() }.into_bytes();
            assert_eq!(bytes.len(), data.len() + TAIL_BYTES);
            let again = Decoded::from_bytes(bytes.clone()).unwrap();
            assert_eq!((again.size, again.bits, again.wide), (Dimensions::new(7, 5), bits, wide));
            assert!(again.data == data);
            assert!(Decoded::from_bytes(bytes[1..].to_vec()).is_err(), "one byte less is no picture");
        }
        assert_eq!(Decoded::from_bytes(b"noE".to_vec()).err().as_deref(), Some("no"));
        for odd in [&b""[..], b"H", b"\x09\0\0\0\0\0\0\0\0\0H"] {
            assert!(Decoded::from_bytes(odd.to_vec()).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_child_that_is_given_no_picture_says_so() {
        for given in [&b""[..], b"\0\0\x40\0\0no picture", b"\x01\0\x40\0\0none either"] {
            assert!(Decoded::from_bytes(answer(given)).is_err_and(|what| what.contains("libheif")), "{given:?}");
        }
    }
}
