//! The fonts of the machine, for text that is drawn: the first page of a PDF, and notices in place of pages.
//!
//! Recto brings no fonts. It takes those that are installed, puts the letters that are used into the file, and only where the font
//! allows that. Letters that no font has (all of them, where none is installed) are drawn in Helvetica, which every reader
//! of PDF has, transliterated where need be; what is found and copied is the text itself in any case.

use std::path::Path;

use rustybuzz::ttf_parser::Face;

/// Families that are looked at first, as they have many scripts and go with each other.
const PREFERRED: [&str; 6] = ["Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial", "FreeSans", "Open Sans"];
/// Most fonts that one text is set in.
const MOST_FACES: usize = 8;
/// Files larger than this are not taken.
const MOST_FONT_BYTES: usize = 64 << 20;

/// Fonts to choose from: make it once and share it.
#[derive(Debug, Default)]
pub struct Fonts {
    database: fontdb::Database,
    /// In the order in which they are asked for a letter.
    order: Vec<fontdb::ID>,
}

/// A font that was chosen.
#[derive(Clone, Debug)]
pub(crate) struct ChosenFace {
    pub(crate) data: Vec<u8>,
    pub(crate) index: u32,
    pub(crate) name: String,
}

impl Fonts {
    /// The fonts that are installed on this machine. It reads their headers: some tenths of a second where there are thousands.
    pub fn installed() -> Self {
        let mut database = fontdb::Database::new();
        database.load_system_fonts();
        Self::of(database)
    }

    /// The fonts in a folder and those below it.
    pub fn in_folder(folder: &Path) -> Self {
        let mut database = fontdb::Database::new();
        database.load_fonts_dir(folder);
        Self::of(database)
    }

    /// No fonts at all.
    pub fn none() -> Self {
        Self::default()
    }

    fn of(database: fontdb::Database) -> Self {
        let mut ordered: Vec<_> = database
            .faces()
            .filter(|face| face.style == fontdb::Style::Normal && face.stretch == fontdb::Stretch::Normal)
            .map(|face| {
                let family = face.families.first().map_or("", |(name, _)| name.as_str());
                let preferred = PREFERRED.iter().position(|name| *name == family).unwrap_or(PREFERRED.len());
                let weight = face.weight.0.abs_diff(fontdb::Weight::NORMAL.0);
                (
                    (preferred, weight, face.monospaced, family.to_owned(), face.post_script_name.clone(), face.index),
                    face.id,
                )
            })
            .collect();
        // The order is by what fonts are called, so that it is the same on machines with the same fonts.
        ordered.sort_by(|left, right| left.0.cmp(&right.0));
        Self { order: ordered.into_iter().map(|(_, id)| id).collect(), database }
    }

    /// Fonts that together have the letters of the text, as far as any have: the first for most of it, then those that have most
    /// of what is still missing.
    pub(crate) fn choose(&self, text: &str) -> Vec<ChosenFace> {
        let mut missing: Vec<char> = text.chars().filter(|character| !character.is_whitespace()).collect();
        missing.sort_unstable();
        missing.dedup();
        let mut chosen = Vec::new();
        while !missing.is_empty() && chosen.len() < MOST_FACES {
            let mut best: Option<(usize, fontdb::ID)> = None;
            for id in &self.order {
                let count = self.covered(*id, &missing);
                if count > best.map_or(0, |(count, _)| count) {
                    best = Some((count, *id));
                }
                if count == missing.len() {
                    break;
                }
            }
            let Some(face) = best.and_then(|(_, id)| self.load(id)) else { break };
            let Ok(parsed) = Face::parse(&face.data, face.index) else { break };
            missing.retain(|character| parsed.glyph_index(*character).is_none());
            chosen.push(face);
        }
        chosen
    }

    /// How many of the characters a font has; 0 where it may not be put into a file.
    fn covered(&self, id: fontdb::ID, wanted: &[char]) -> usize {
        let count = self.database.with_face_data(id, |data, index| {
            let face = Face::parse(data, index).ok().filter(|face| is_usable(data, index, face))?;
            Some(wanted.iter().filter(|character| face.glyph_index(**character).is_some()).count())
        });
        count.flatten().unwrap_or(0)
    }

    fn load(&self, id: fontdb::ID) -> Option<ChosenFace> {
        let name = self.database.face(id)?.post_script_name.clone();
        self.database.with_face_data(id, |data, index| ChosenFace { data: data.to_vec(), index, name })
    }
}

/// True for a font with outlines that allows parts of it to be put into a file, and of which parts can be made.
fn is_usable(data: &[u8], index: u32, face: &Face<'_>) -> bool {
    use rustybuzz::ttf_parser::Permissions;
    let allowed = !matches!(face.permissions(), Some(Permissions::Restricted)) && face.is_subsetting_allowed();
    let outlines = face.tables().glyf.is_some() || face.tables().cff.is_some();
    allowed
        && outlines
        && data.len() <= MOST_FONT_BYTES
        && subsetter::subset(data, index, &subsetter::GlyphRemapper::new()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_fonts_none_is_chosen() {
        assert!(Fonts::none().choose("Ω").is_empty());
        assert!(Fonts::in_folder(Path::new("/nowhere")).choose("Ω").is_empty());
    }
}
