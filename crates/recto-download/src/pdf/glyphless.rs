//! A font whose letters have a width and no form, for text that is not seen: made here, so that it is nobody's.

/// Units of the em, and the width of the one letter.
const EM: u16 = 1000;
pub(super) const LETTER: u16 = 500;

/// A TrueType font of two empty glyphs, the second of which stands for every letter.
pub(super) fn font() -> Vec<u8> {
    let words = |values: &[u16]| values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
    let mut head = words(&[1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 3, EM]);
    // No time of making: created and modified are zero.
    head.extend([0; 16]);
    head.extend(words(&[0, 0, LETTER, EM, 0, 8, 2, 0, 0]));
    let hhea = words(&[1, 0, EM, 0, 0, LETTER, 0, 0, LETTER, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    let maxp = words(&[1, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    // The advance of all glyphs, and the left bearing of the second.
    let hmtx = words(&[LETTER, 0, 0]);
    let loca = words(&[0, 0, 0]);
    let tables: [(&[u8; 4], Vec<u8>); 6] =
        [(b"glyf", vec![0; 4]), (b"head", head), (b"hhea", hhea), (b"hmtx", hmtx), (b"loca", loca), (b"maxp", maxp)];
    assemble(&tables)
}

fn assemble(tables: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let count = tables.len() as u16;
    let power = count.ilog2() as u16;
    let range = (1 << power) * 16;
    let mut out = vec![0, 1, 0, 0];
    for value in [count, range, power, count * 16 - range] {
        out.extend(value.to_be_bytes());
    }
    let mut at = 12 + 16 * tables.len() as u32;
    let mut body = Vec::new();
    let mut head_at = 0;
    for (tag, content) in tables {
        let mut padded = content.clone();
        padded.resize(content.len().next_multiple_of(4), 0);
        out.extend_from_slice(*tag);
        for value in [checksum(&padded), at, content.len() as u32] {
            out.extend(value.to_be_bytes());
        }
        if *tag == b"head" {
            head_at = at as usize;
        }
        at += padded.len() as u32;
        body.extend(padded);
    }
    out.extend(body);
    let adjustment = 0xb1b0_afba_u32.wrapping_sub(checksum(&out));
    out[head_at + 8..head_at + 12].copy_from_slice(&adjustment.to_be_bytes());
    out
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes
        .chunks_exact(4)
        .fold(0, |sum, four| sum.wrapping_add(u32::from_be_bytes([four[0], four[1], four[2], four[3]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_of_fonts_takes_it() {
        let bytes = font();
        assert_eq!(checksum(&bytes), 0xb1b0_afba);
        let face = rustybuzz::ttf_parser::Face::parse(&bytes, 0).unwrap();
        assert_eq!((face.number_of_glyphs(), face.units_per_em()), (2, EM));
        let glyph = rustybuzz::ttf_parser::GlyphId(1);
        assert_eq!(face.glyph_hor_advance(glyph), Some(LETTER));
        assert_eq!(face.glyph_bounding_box(glyph), None);
        assert_eq!((face.ascender(), face.descender()), (EM as i16, 0));
    }
}
