//! What a PDF has to say about a JPEG file that it holds as it is: size, components, inks, profile. ITU-T T.81 Annex B.

use crate::DownloadError;

/// What the headers of a JPEG file say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JpegFacts {
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    pub(super) components: u8,
    /// The inks are stored as their opposite, as Adobe's programs do.
    pub(super) inverted: bool,
    /// Three components that are red, green and blue although no marker says so.
    pub(super) plain_rgb: bool,
    pub(super) profile: Option<Vec<u8>>,
}

/// A profile larger than this is no profile.
const MOST_PROFILE_BYTES: usize = 16 << 20;
const PROFILE_MARK: &[u8] = b"ICC_PROFILE\0";

const fn refused(reason: &'static str) -> DownloadError {
    DownloadError::Image { format: "JPEG", reason }
}

/// Reads the headers up to the first scan.
pub(super) fn read(bytes: &[u8]) -> Result<JpegFacts, DownloadError> {
    const DAMAGED: DownloadError = refused("is damaged");
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(refused("does not begin as JPEG does"));
    }
    let (mut at, mut frame, mut adobe, mut jfif) = (2, None, None, false);
    let mut parts: Vec<(u8, &[u8])> = Vec::new();
    loop {
        let marker = match bytes.get(at..at + 2) {
            Some([0xff, 0xff]) => {
                at += 1;
                continue;
            }
            Some([0xff, marker]) => *marker,
            _ => return Err(DAMAGED),
        };
        at += 2;
        if matches!(marker, 0x01 | 0xd0..=0xd7) {
            continue;
        }
        let length = bytes.get(at..at + 2).map(|pair| usize::from(u16::from_be_bytes([pair[0], pair[1]])));
        let length = length.filter(|length| *length >= 2).ok_or(DAMAGED)?;
        let content = bytes.get(at + 2..at + length).ok_or(DAMAGED)?;
        at += length;
        match marker {
            0xc0..=0xc2 => frame = Some(content),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(refused("is lossless, arithmetic or hierarchical, which PDF does not know"));
            }
            0xda => break,
            0xd9 => return Err(DAMAGED),
            0xe0 => jfif |= content.starts_with(b"JFIF\0"),
            0xee if content.starts_with(b"Adobe") => adobe = content.get(11).copied(),
            0xe2 => {
                if let Some([number, _, data @ ..]) = content.strip_prefix(PROFILE_MARK) {
                    parts.push((*number, data));
                }
            }
            _ => {}
        }
    }
    let Some(&[depth, h1, h0, w1, w0, components, ref rest @ ..]) = frame else { return Err(DAMAGED) };
    if depth != 8 {
        return Err(refused("has more than 8 bits a sample, which PDF does not know"));
    }
    let (width_px, height_px) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    if width_px == 0 || height_px == 0 || !matches!(components, 1 | 3 | 4) {
        return Err(refused("has no height or an unusual number of components"));
    }
    let names: Vec<u8> = rest.chunks_exact(3).map(|component| component[0]).collect();
    Ok(JpegFacts {
        width_px: width_px.into(),
        height_px: height_px.into(),
        components,
        inverted: components == 4 && adobe.is_some(),
        plain_rgb: components == 3 && adobe.is_none() && !jfif && names.starts_with(b"RGB"),
        profile: profile(parts, components),
    })
}

/// The profile, where all its parts are there and it is one for this number of components.
fn profile(mut parts: Vec<(u8, &[u8])>, components: u8) -> Option<Vec<u8>> {
    parts.sort_by_key(|(number, _)| *number);
    let total: usize = parts.iter().map(|(_, data)| data.len()).sum();
    let in_order = parts.iter().enumerate().all(|(index, (number, _))| usize::from(*number) == index + 1);
    if !in_order || total > MOST_PROFILE_BYTES {
        return None;
    }
    let profile: Vec<u8> = parts.into_iter().flat_map(|(_, data)| data).copied().collect();
    fits(&profile, components).then_some(profile)
}

/// True for an ICC profile of a space with this number of components, at least by its header.
pub(super) fn fits(profile: &[u8], components: u8) -> bool {
    let space: &[u8] = match components {
        1 => b"GRAY",
        3 => b"RGB ",
        _ => b"CMYK",
    };
    profile.len() >= 132 && profile.get(16..20) == Some(space) && profile.get(36..40) == Some(b"acsp")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        [&[0xff, marker][..], &(content.len() as u16 + 2).to_be_bytes(), content].concat()
    }

    fn file(segments: &[Vec<u8>]) -> Vec<u8> {
        [&[0xff, 0xd8][..], &segments.concat(), &segment(0xda, &[0])].concat()
    }

    fn frame(components: &[u8]) -> Vec<u8> {
        let mut content = vec![8, 0, 20, 0, 30, components.len() as u8];
        components.iter().for_each(|name| content.extend([*name, 0x11, 0]));
        segment(0xc0, &content)
    }

    #[test]
    fn size_components_and_inks_are_read() {
        let adobe = segment(0xee, b"Adobe\0\x64\0\0\0\0\x02");
        for (segments, components, inverted, plain_rgb) in [
            (vec![frame(&[1])], 1, false, false),
            (vec![frame(&[1, 2, 3])], 3, false, false),
            (vec![frame(b"RGB")], 3, false, true),
            (vec![segment(0xe0, b"JFIF\0"), frame(b"RGB")], 3, false, false),
            (vec![frame(&[1, 2, 3, 4])], 4, false, false),
            (vec![adobe, frame(&[1, 2, 3, 4])], 4, true, false),
        ] {
            let facts = read(&file(&segments)).unwrap();
            assert_eq!((facts.width_px, facts.height_px), (30, 20));
            assert_eq!((facts.components, facts.inverted, facts.plain_rgb), (components, inverted, plain_rgb));
        }
    }

    #[test]
    fn a_profile_in_parts_is_joined_in_their_order_and_must_fit() {
        let mut whole = vec![7; 200];
        whole[16..20].copy_from_slice(b"RGB ");
        whole[36..40].copy_from_slice(b"acsp");
        let part = |number: u8, data: &[u8]| segment(0xe2, &[PROFILE_MARK, &[number, 2], data].concat());
        let swapped = [part(2, &whole[90..]), part(1, &whole[..90])];
        let with = |frame| file(&[swapped[0].clone(), swapped[1].clone(), frame]);
        assert_eq!(read(&with(frame(&[1, 2, 3]))).unwrap().profile, Some(whole.clone()));
        assert_eq!(read(&with(frame(&[1]))).unwrap().profile, None);
        assert_eq!(read(&file(&[part(2, &whole), frame(&[1, 2, 3])])).unwrap().profile, None);
    }

    #[test]
    fn what_pdf_cannot_hold_is_refused_with_the_reason() {
        let deep = segment(0xc1, &[12, 0, 1, 0, 1, 1, 1, 0x11, 0]);
        for (bytes, reason) in [
            (b"GIF89a".to_vec(), "does not begin"),
            (file(&[segment(0xc9, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0])]), "arithmetic"),
            (file(&[deep]), "8 bits"),
            (file(&[]), "damaged"),
            (file(&[frame(&[1, 2])]), "unusual"),
        ] {
            assert!(read(&bytes).unwrap_err().to_string().contains(reason), "{reason}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_or_read() {
        let whole = file(&[segment(0xe0, b"JFIF\0"), frame(&[1, 2, 3])]);
        let read_whole = (0..whole.len()).filter(|length| read(&whole[..*length]).is_ok()).count();
        assert_eq!(read_whole, 0);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let mut bytes = vec![0xff, 0xd8, 0xff];
            bytes.extend(rest);
            let _ = read(&bytes);
        }
    }
}
