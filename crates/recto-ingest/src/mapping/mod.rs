//! What the parts of descriptive records become: an editable table. The built-in one is `default.toml` beside this file; a file of the
//! same form is laid over it.

mod parse;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use recto_iiif::presentation::LanguageMap;

use crate::finding::Finding;
use crate::readers::Path;

/// The formats that have rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Format {
    Mods,
    DublinCore,
    Marc,
    Lido,
    Ead,
    Tei,
    /// Fields of Kitodo.Production and Goobi.
    Kitodo,
}

impl Format {
    const ALL: [(&'static str, Self); 7] = [
        ("mods", Self::Mods),
        ("dc", Self::DublinCore),
        ("marc", Self::Marc),
        ("lido", Self::Lido),
        ("ead", Self::Ead),
        ("tei", Self::Tei),
        ("kitodo", Self::Kitodo),
    ];
}

/// Rules and tables for reading records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    rules: BTreeMap<Format, Vec<Rule>>,
    /// Labels for roles of persons, by code or word in lower case.
    roles: BTreeMap<String, LanguageMap>,
    /// Labels for parts of objects, by their type in lower case.
    types: BTreeMap<String, LanguageMap>,
    pub(crate) mets: MetsWords,
}

/// Words of METS that institutions choose.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MetsWords {
    pub(crate) images: Vec<String>,
    pub(crate) texts: Vec<String>,
    pub(crate) downloads: Vec<String>,
    pub(crate) thumbnails: Vec<String>,
    pub(crate) ignored: Vec<String>,
    pub(crate) pages: Vec<String>,
    pub(crate) uncounted: Vec<String>,
}

/// One rule: where something is, and what it becomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) paths: Vec<Path>,
    pub(crate) first: bool,
    pub(crate) uses: Vec<Use>,
    pub(crate) label: LanguageMap,
    pub(crate) label_from: Option<LabelFrom>,
    pub(crate) form: Form,
    pub(crate) join: Option<String>,
    pub(crate) join_subfields: Option<String>,
    pub(crate) hide: bool,
}

/// What a value becomes besides metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Label,
    Summary,
    Rights,
    RequiredStatement,
    NavDate,
    Language,
    Homepage,
    SeeAlso,
    ViewingDirection,
    Provider,
}

impl Use {
    const ALL: [(&'static str, Self); 10] = [
        ("label", Self::Label),
        ("summary", Self::Summary),
        ("rights", Self::Rights),
        ("required-statement", Self::RequiredStatement),
        ("nav-date", Self::NavDate),
        ("language", Self::Language),
        ("homepage", Self::Homepage),
        ("see-also", Self::SeeAlso),
        ("viewing-direction", Self::ViewingDirection),
        ("provider", Self::Provider),
    ];
}

/// Where the record itself says the label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LabelFrom {
    Role,
    Head,
    Attribute(String),
}

/// How the text of a value is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Text,
    Title,
    Name,
    Date,
    Language,
    Paragraphs,
    Joined,
    Link,
    Container,
}

impl Form {
    const ALL: [(&'static str, Self); 9] = [
        ("text", Self::Text),
        ("title", Self::Title),
        ("name", Self::Name),
        ("date", Self::Date),
        ("language", Self::Language),
        ("paragraphs", Self::Paragraphs),
        ("joined", Self::Joined),
        ("link", Self::Link),
        ("container", Self::Container),
    ];
}

impl Mapping {
    /// The built-in mapping as the text that people may begin with.
    pub const BUILT_IN: &'static str = include_str!("default.toml");

    /// The built-in mapping.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: OnceLock<Mapping> = OnceLock::new();
        BUILT_IN.get_or_init(|| parse::lay_over(&Self::default(), "default.toml", Self::BUILT_IN).0)
    }

    /// This mapping with what a file (`mapping.toml`) says laid over it: rules of the same name change the keys that are written, new
    /// names add rules, and roles, types and lists are replaced by name. What is wrong in the file is left out, with a finding at
    /// its line.
    #[must_use]
    pub fn laid_over(&self, place: &str, text: &str) -> (Self, Vec<Finding>) {
        parse::lay_over(self, place, text)
    }

    pub(crate) fn rules(&self, format: Format) -> impl Iterator<Item = &Rule> {
        self.rules.get(&format).into_iter().flatten().filter(|rule| !rule.hide)
    }

    /// The label for a role: a code of MARC relators, or a word.
    pub(crate) fn role(&self, role: &str) -> Option<&LanguageMap> {
        let role = role.trim().trim_end_matches(['.', ',']);
        let code = role.rsplit('/').next().unwrap_or(role);
        self.roles.get(&code.to_lowercase())
    }

    /// The label for a kind of part.
    pub(crate) fn part_type(&self, name: &str) -> LanguageMap {
        let lower = name.trim().to_lowercase();
        let known = self.types.get(&lower).or_else(|| self.types.get(&lower.replace([' ', '-'], "_")));
        known.cloned().unwrap_or_else(|| LanguageMap::none(prettier(name)))
    }
}

/// `TableOfContents`, `TITLE_PAGE` and `np:issue` as words.
fn prettier(name: &str) -> String {
    let name = name.rsplit(':').next().unwrap_or(name).trim();
    let mut out = String::new();
    let is_shouting = !name.chars().any(char::is_lowercase);
    let mut was_lower = false;
    for c in name.chars() {
        if matches!(c, '_' | '-') || c.is_whitespace() {
            out.push(' ');
        } else if c.is_uppercase() && (was_lower || is_shouting) && !out.is_empty() {
            if was_lower && !out.ends_with(' ') {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        } else if out.is_empty() {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        was_lower = c.is_lowercase();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_mapping_has_no_faults() {
        let (mapping, findings) = parse::lay_over(&Mapping::default(), "default.toml", Mapping::BUILT_IN);
        assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(&mapping, Mapping::built_in());
        for (name, format) in Format::ALL {
            assert!(mapping.rules(format).count() > 8, "{name}");
        }
    }

    #[test]
    fn parts_have_names_for_people() {
        let mapping = Mapping::built_in();
        for (given, want) in [
            ("title_page", "Title page"),
            ("TableOfContents", "Table of contents"),
            ("np:issue", "Issue"),
            ("ILLUSTRATION", "Illustration"),
            ("SomeOwnType", "Some own type"),
            ("LOCAL_THING", "Local thing"),
        ] {
            assert_eq!(mapping.part_type(given).first(), Some(want), "{given}");
        }
    }

    #[test]
    fn roles_have_names_for_people() {
        let mapping = Mapping::built_in();
        for role in ["aut", "AUT", "http://id.loc.gov/vocabulary/relators/aut", "author.", "Author"] {
            assert_eq!(mapping.role(role).and_then(LanguageMap::first), Some("Author"), "{role}");
        }
        assert_eq!(mapping.role("nobody"), None);
    }
}
