//! Lines of text as objects and content of a PDF: composite fonts of §9.7 with the glyphs that are used.

use std::collections::BTreeMap;
use std::io::Write;

use subsetter::GlyphRemapper;

use super::{ASCENT, Glyph, Run, Set};
use crate::DownloadError;
use crate::fonts::ChosenFace;
use crate::pdf::object::{Id, Objects, byte_string, number, push_utf16, text_string};
use crate::pdf::to_unicode;

/// What goes into a page.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) content: String,
    pub(crate) fonts: Vec<Id>,
    /// Corners (left, bottom, right, top) and where they lead to.
    pub(crate) links: Vec<([f64; 4], String)>,
}

/// The glyphs of a font that are used: their new numbers, widths and characters.
#[derive(Default)]
struct Used {
    remapper: GlyphRemapper,
    glyphs: BTreeMap<u16, (f64, String)>,
}

impl Set {
    /// Writes its fonts, and gives its content.
    pub(crate) fn write<W: Write>(self, objects: &mut Objects<W>) -> Result<Written, DownloadError> {
        let mut used: BTreeMap<usize, Used> = BTreeMap::new();
        for run in self.lines.iter().flat_map(|line| &line.runs) {
            if let Some(at) = run.face {
                let advances = advances(&self.faces[at]);
                let used = used.entry(at).or_default();
                for glyph in &run.glyphs {
                    let new = used.remapper.remap(glyph.number);
                    let entry = used.glyphs.entry(new).or_insert_with(|| (advances(glyph.number), glyph.text.clone()));
                    if entry.1.is_empty() {
                        entry.1.clone_from(&glyph.text);
                    }
                }
            }
        }
        let mut fonts = Vec::new();
        let mut names: BTreeMap<Option<usize>, String> = BTreeMap::new();
        for (at, used) in &used {
            let font = write_font(&self.faces[*at], used, objects)?;
            names.insert(Some(*at), font.font_name());
            fonts.push(font);
        }
        if self.lines.iter().flat_map(|line| &line.runs).any(|run| run.face.is_none()) {
            let font = objects.add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")?;
            names.insert(None, font.font_name());
            fonts.push(font);
        }
        let mut written = Written { content: String::new(), fonts, links: Vec::new() };
        let mut y = self.top;
        for line in &self.lines {
            y -= line.height();
            let baseline = y + line.size * (super::LEADING - ASCENT);
            let mut x = self.left + line.x;
            if let Some(uri) = &line.link {
                written.links.push(([x, y, x + line.width, y + line.size * super::LEADING], uri.clone()));
            }
            // Bold is the same form with a thin line around it, so that every font has it.
            let mode = if line.is_bold { format!("2 Tr {} w ", number(line.size * 0.03)) } else { "0 Tr ".to_owned() };
            let gray = number(line.gray);
            written.content.push_str(&format!("BT {mode}{gray} g {gray} G\n"));
            for run in &line.runs {
                if let Some(name) = names.get(&run.face) {
                    let font = format!("/{name} {} Tf ", number(line.size));
                    written.content.push_str(&font);
                    match run.face.and_then(|at| used.get(&at)) {
                        Some(used) => show(run, used, line.size, (x, baseline), &mut written.content),
                        None => show_fallback(run, (x, baseline), &mut written.content),
                    }
                }
                x += run.width() * line.size;
            }
            written.content.push_str("ET\n");
        }
        Ok(written)
    }
}

/// Advances of a font's glyphs in ems.
fn advances(face: &ChosenFace) -> impl Fn(u16) -> f64 {
    let parsed = rustybuzz::ttf_parser::Face::parse(&face.data, face.index).ok();
    move |glyph| {
        parsed.as_ref().map_or(0.0, |face| {
            let advance = face.glyph_hor_advance(rustybuzz::ttf_parser::GlyphId(glyph)).unwrap_or(0);
            f64::from(advance) / f64::from(face.units_per_em().max(1))
        })
    }
}

fn show(run: &Run, used: &Used, size: f64, (x, y): (f64, f64), content: &mut String) {
    let mut pen = 0.0;
    let mut open = false;
    for glyph in &run.glyphs {
        let Some(new) = used.remapper.get(glyph.number) else { continue };
        let natural = used.glyphs.get(&new).map_or(0.0, |(advance, _)| *advance);
        if is_shifted(glyph) && open {
            content.push_str("]TJ\n");
            open = false;
        }
        if !open {
            let (x, y) = (x + (pen + glyph.x) * size, y + glyph.y * size);
            content.push_str(&format!("1 0 0 1 {} {} Tm [", number(x), number(y)));
            open = true;
        }
        content.push_str(&format!("<{new:04X}>"));
        pen += glyph.advance;
        if is_shifted(glyph) {
            content.push_str("]TJ\n");
            open = false;
        } else if (natural - glyph.advance).abs() > 5e-4 {
            content.push_str(&number((natural - glyph.advance) * 1000.0));
        }
    }
    if open {
        content.push_str("]TJ\n");
    }
}

fn is_shifted(glyph: &Glyph) -> bool {
    glyph.x != 0.0 || glyph.y != 0.0
}

fn show_fallback(run: &Run, (x, y): (f64, f64), content: &mut String) {
    // What was transliterated is found and copied as it was.
    let is_other = run.text.chars().any(|character| character > '\u{ff}');
    if is_other {
        content.push_str(&format!("/Span<</ActualText{}>>BDC\n", text_string(&run.text)));
    }
    content.push_str(&format!("1 0 0 1 {} {} Tm {} Tj\n", number(x), number(y), byte_string(&run.bytes)));
    if is_other {
        content.push_str("EMC\n");
    }
}

fn write_font<W: Write>(face: &ChosenFace, used: &Used, objects: &mut Objects<W>) -> Result<Id, DownloadError> {
    let name: String = face.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(60).collect();
    // Parts of fonts are marked by six letters (§9.6.4); these are the same for all, as they are not joined.
    let name = format!("RECTOA+{name}");
    let parsed = rustybuzz::ttf_parser::Face::parse(&face.data, face.index).ok();
    let Some((parsed, subset)) = parsed.zip(subsetter::subset(&face.data, face.index, &used.remapper).ok()) else {
        tracing::warn!(font = face.name, "the letters of this font could not be taken");
        return objects.add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>");
    };
    let is_cff = parsed.tables().glyf.is_none();
    let file = objects.reserve()?;
    let (key, kind) = if is_cff { ("FontFile3", "CIDFontType0") } else { ("FontFile2", "CIDFontType2") };
    let entries = if is_cff { "/Subtype/OpenType".to_owned() } else { format!("/Length1 {}", subset.len()) };
    objects.deflated(file, &entries, &subset)?;
    let scaled = |units: i16| number(f64::from(units) * 1000.0 / f64::from(parsed.units_per_em().max(1)));
    let bounds = parsed.global_bounding_box();
    let corners = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|units| scaled(units) + " ").concat();
    let descriptor = objects.add(&format!(
        "<</Type/FontDescriptor/FontName/{name}/Flags 4/FontBBox[{}]/ItalicAngle 0/Ascent {}/Descent {}/CapHeight {}/StemV 80/{key} {file}>>",
        corners.trim_end(),
        scaled(parsed.ascender()),
        scaled(parsed.descender()),
        scaled(parsed.capital_height().unwrap_or(parsed.ascender())),
    ))?;
    let widths: String =
        used.glyphs.iter().map(|(glyph, (advance, _))| format!("{glyph}[{}]", number(advance * 1000.0))).collect();
    let to_glyph = if is_cff { "" } else { "/CIDToGIDMap/Identity" };
    let descendant = objects.add(&format!(
        "<</Type/Font/Subtype/{kind}/BaseFont/{name}/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor {descriptor}/W[{widths}]{to_glyph}>>"
    ))?;
    let singles: Vec<String> = used
        .glyphs
        .iter()
        .filter(|(_, (_, text))| !text.is_empty())
        .map(|(glyph, (_, text))| {
            let mut line = format!("<{glyph:04X}> <");
            push_utf16(&mut line, text);
            line + ">"
        })
        .collect();
    let map = objects.reserve()?;
    objects.deflated(map, "", to_unicode(&[], &singles).as_bytes())?;
    objects.add(&format!(
        "<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H/DescendantFonts[{descendant}]/ToUnicode {map}>>"
    ))
}
