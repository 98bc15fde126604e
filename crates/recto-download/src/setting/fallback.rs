//! Helvetica, which every reader of PDF has: `WinAnsiEncoding`, with other letters transliterated.

/// Advances of the letters from the space to the tilde, in thousandths of the em.
#[rustfmt::skip]
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// A text in the encoding of the font.
pub(super) fn encoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' | '\u{a1}'..='\u{ff}' => out.push(character as u32 as u8),
            '\u{20ac}' => out.push(0x80),
            '\u{2018}' => out.push(0x91),
            '\u{2019}' => out.push(0x92),
            '\u{201c}' => out.push(0x93),
            '\u{201d}' => out.push(0x94),
            '\u{2022}' => out.push(0x95),
            '\u{2013}' => out.push(0x96),
            '\u{2014}' => out.push(0x97),
            '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => {}
            _ => out.extend(
                deunicode::deunicode_char(character).unwrap_or("?").bytes().filter(|byte| (b' '..=b'~').contains(byte)),
            ),
        }
    }
    out
}

/// The width of encoded text in ems.
pub(super) fn width(bytes: &[u8]) -> f64 {
    bytes.iter().map(|byte| f64::from(advance(*byte)) / 1000.0).sum()
}

/// Letters with marks are as wide as those without.
fn advance(byte: u8) -> u16 {
    let plain = match byte {
        b' '..=b'~' => byte,
        0xc6 | 0x97 => return 1000,
        0x91 | 0x92 => return 222,
        0x93 | 0x94 => return 333,
        0x95 => return 350,
        _ => deunicode::deunicode_char(char::from(byte)).and_then(|text| text.bytes().next()).unwrap_or(b'n'),
    };
    WIDTHS.get(usize::from(plain.wrapping_sub(b' '))).copied().unwrap_or(556)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_the_font_has_stay_and_others_are_transliterated() {
        assert_eq!(encoded("Ä–“x”"), b"\xc4\x96\x93x\x94");
        assert_eq!(encoded("Достоевский"), b"Dostoevskii");
        assert_eq!(encoded("e\u{301}"), b"e");
        assert_eq!(encoded("\u{10ffff}"), b"?");
    }

    #[test]
    fn widths_are_those_of_the_font() {
        assert!((width(b"Hi~") - (0.722 + 0.222 + 0.584)).abs() < 1e-9);
        assert!((width(&encoded("Ä")) - 0.667).abs() < 1e-9);
    }
}
