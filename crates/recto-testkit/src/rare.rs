//! Small files of formats that few programs write, made by hand: uncompressed, 8 bits of red, green and blue (gray in FITS, light
//! in `OpenEXR`).

use std::collections::BTreeMap;

use recto_iiif::Dimensions;

/// A flattened Photoshop document.
pub fn psd(size: Dimensions, rgb: &[u8]) -> Vec<u8> {
    let mut file = b"8BPS\0\x01\0\0\0\0\0\0\0\x03".to_vec();
    file.extend(size.height_px.to_be_bytes());
    file.extend(size.width_px.to_be_bytes());
    // 8 bits, red, green and blue; no palette, no resources, no layers; rows as they are.
    file.extend([0, 8, 0, 3]);
    file.extend([0; 14]);
    file.extend((0..3).flat_map(|sample| plane(rgb, sample)));
    file
}

/// The red of it, rows from the bottom.
pub fn fits(size: Dimensions, rgb: &[u8]) -> Vec<u8> {
    let card = |word: &str, value: &str| {
        let text = format!("{word:8}= {value:>20}");
        format!("{text:80}")
    };
    let cards = [
        card("SIMPLE", "T"),
        card("BITPIX", "8"),
        card("NAXIS", "2"),
        card("NAXIS1", &size.width_px.to_string()),
        card("NAXIS2", &size.height_px.to_string()),
        format!("{:80}", "END"),
    ];
    let mut file = cards.concat().into_bytes();
    file.resize(2880, b' ');
    let red: Vec<u8> = plane(rgb, 0).collect();
    file.extend(red.chunks(size.width_px as usize).rev().flatten());
    file.resize(file.len().next_multiple_of(2880), 0);
    file
}

/// An X pixmap of at most 4096 colours.
///
/// # Panics
/// When there are more.
pub fn xpm(size: Dimensions, rgb: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    let pixels = rgb.as_chunks::<3>().0;
    let mut codes: BTreeMap<[u8; 3], String> = pixels.iter().map(|color| (*color, String::new())).collect();
    assert!(codes.len() <= 4096, "two letters name 4096 colours, not {}", codes.len());
    for (number, code) in codes.values_mut().enumerate() {
        code.extend([LETTERS[number / 64], LETTERS[number % 64]].map(char::from));
    }
    let header = format!("{} {} {} 2", size.width_px, size.height_px, codes.len());
    let colors = codes.iter().map(|([r, g, b], code)| format!("{code} c #{r:02x}{g:02x}{b:02x}"));
    let row = |pixels: &[[u8; 3]]| pixels.iter().map(|color| codes[color].as_str()).collect::<String>();
    let rows = pixels.chunks(size.width_px as usize).map(row);
    let lines: Vec<String> =
        std::iter::once(header).chain(colors).chain(rows).map(|line| format!("\"{line}\"")).collect();
    format!("/* XPM */\nstatic char *picture[] = {{\n{}\n}};\n", lines.join(",\n")).into_bytes()
}

/// A DICOM file in explicit little-endian form.
pub fn dicom(size: Dimensions, rgb: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    let mut element = |tag: (u16, u16), kind: &[u8; 2], value: &[u8]| {
        file.extend([tag.0.to_le_bytes(), tag.1.to_le_bytes(), *kind].concat());
        if kind == b"OW" {
            file.extend([0, 0]);
            file.extend((value.len() as u32).to_le_bytes());
        } else {
            file.extend((value.len() as u16).to_le_bytes());
        }
        file.extend(value);
    };
    element((0x0002, 0x0010), b"UI", b"1.2.840.10008.1.2.1\0");
    element((0x0028, 0x0002), b"US", &3_u16.to_le_bytes());
    element((0x0028, 0x0004), b"CS", b"RGB ");
    let numbers = [
        (0x0006, 0),
        (0x0010, size.height_px as u16),
        (0x0011, size.width_px as u16),
        (0x0100, 8),
        (0x0101, 8),
        (0x0102, 7),
        (0x0103, 0),
    ];
    for (tag, number) in numbers {
        element((0x0028, tag), b"US", &u16::to_le_bytes(number));
    }
    let mut data = rgb.to_vec();
    data.resize(data.len().next_multiple_of(2), 0);
    element((0x7fe0, 0x0010), b"OW", &data);
    file
}

/// `OpenEXR` in rows of 32-bit floating point: the light of these sRGB values.
pub fn exr(size: Dimensions, rgb: &[u8]) -> Vec<u8> {
    let light = |sample: u8| {
        let shade = f64::from(sample) / 255.0;
        (if shade <= 0.040_45 { shade / 12.92 } else { ((shade + 0.055) / 1.055).powf(2.4) }) as f32
    };
    let row = |row: &[u8]| {
        let samples = [2, 1, 0].into_iter().flat_map(|sample| plane(row, sample));
        samples.flat_map(|value| light(value).to_le_bytes()).collect::<Vec<u8>>()
    };
    let rows: Vec<Vec<u8>> = rgb.chunks(size.width_px as usize * 3).map(row).collect();
    let channel = |name| ExrChannel { name, samples: ExrSamples::Float, step: 1 };
    exr_rows(size, &[channel("B"), channel("G"), channel("R")], &rows)
}

/// A channel of an `OpenEXR` file.
#[derive(Clone, Copy, Debug)]
pub struct ExrChannel {
    /// Its name.
    pub name: &'static str,
    /// How its samples lie in the file.
    pub samples: ExrSamples,
    /// It has a sample in every so many columns, and in every so many rows.
    pub step: u32,
}

/// How samples lie in an `OpenEXR` file, with the number that stands for it.
#[derive(Clone, Copy, Debug)]
pub enum ExrSamples {
    /// Floating point of 16 bits.
    Half = 1,
    /// Floating point of 32 bits.
    Float = 2,
}

/// `OpenEXR` in rows: these channels in the order of their names, and for each row the samples of one channel after the other.
pub fn exr_rows(size: Dimensions, channels: &[ExrChannel], rows: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0x76, 0x2f, 0x31, 0x01, 2, 0, 0, 0];
    let mut attribute = |name: &str, kind: &str, value: &[u8]| {
        file.extend([name.as_bytes(), &[0], kind.as_bytes(), &[0]].concat());
        file.extend((value.len() as u32).to_le_bytes());
        file.extend(value);
    };
    let listed = channels.iter().flat_map(|channel| {
        let words = [channel.samples as u32, 0, channel.step, channel.step].map(u32::to_le_bytes).concat();
        [channel.name.as_bytes(), &[0], &words[..]].concat()
    });
    let window = [0, 0, size.width_px - 1, size.height_px - 1].map(u32::to_le_bytes).concat();
    attribute("channels", "chlist", &listed.chain([0]).collect::<Vec<u8>>());
    attribute("compression", "compression", &[0]);
    attribute("dataWindow", "box2i", &window);
    attribute("displayWindow", "box2i", &window);
    attribute("lineOrder", "lineOrder", &[0]);
    attribute("pixelAspectRatio", "float", &1.0_f32.to_le_bytes());
    attribute("screenWindowCenter", "v2f", &[0; 8]);
    attribute("screenWindowWidth", "float", &1.0_f32.to_le_bytes());
    file.push(0);
    let mut at = (file.len() + rows.len() * 8) as u64;
    for row in rows {
        file.extend(at.to_le_bytes());
        at += row.len() as u64 + 8;
    }
    for (y, row) in rows.iter().enumerate() {
        file.extend([y as u32, row.len() as u32].map(u32::to_le_bytes).concat());
        file.extend(row);
    }
    file
}

/// A drawing of some shapes and a little text, with all that a file of a drawing program has: nested groups, a gradient, reuse.
pub fn svg() -> Vec<u8> {
    r##"<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="70" height="50" viewBox="0 0 70 50">
<defs><linearGradient id="g"><stop offset="0" stop-color="#c81414"/><stop offset="1" stop-color="#1414c8"/></linearGradient>
<path id="p" d="M0 0L12 5L3 12Z"/></defs>
<rect width="70" height="50" fill="#fff"/><circle cx="20" cy="20" r="15" fill="url(#g)" stroke="#000"/>
<g transform="translate(40 10) rotate(10)"><use xlink:href="#p" fill="#148c14"/><g opacity="0.5"><use href="#p" x="8"/></g></g>
<text x="5" y="46" font-size="8">Recto</text></svg>
"##
    .as_bytes()
    .to_vec()
}

fn plane(rgb: &[u8], sample: usize) -> impl Iterator<Item = u8> {
    rgb.iter().skip(sample).step_by(3).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_begin_and_end_as_their_formats_say() {
        let size = Dimensions::new(5, 3);
        let rgb = crate::edges::rgb8(size);
        let red: Vec<u8> = plane(&rgb, 0).collect();
        let psd = psd(size, &rgb);
        assert_eq!((psd.len(), &psd[..6], &psd[psd.len() - 45..][..15]), (40 + 45, &b"8BPS\0\x01"[..], &red[..]));
        let fits = fits(size, &rgb);
        assert_eq!((fits.len(), &fits[2880..][..5]), (2 * 2880, &red[10..]));
        assert!(dicom(size, &rgb).ends_with(&[&rgb[..], &[0]].concat()), "an odd number of bytes is padded");
        let exr = exr(size, &rgb);
        // The last row's place is in the table, and the row is as long as it says.
        let row = 8 + 5 * 12;
        let last = (exr.len() - row) as u64;
        let table = exr.len() - 3 * row - 3 * 8;
        assert_eq!(exr[table + 16..][..8], last.to_le_bytes());
        let xpm = String::from_utf8(xpm(size, &rgb)).unwrap();
        assert!(xpm.contains("\"5 3 ") && xpm.ends_with("\"\n};\n"), "{xpm}");
    }
}
