//! Licences and rights statements by the names that people write, as the one URI that Presentation API 3.0 §3.2 asks for.

/// Why a text is not the name of a licence or rights statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownRights {
    /// A Creative Commons licence whose version is not said; this is its URI in the newest one.
    NoVersion(String),
    /// Nothing that creativecommons.org or rightsstatements.org define; the known short name nearest to it, if any is near.
    Unknown(Option<&'static str>),
}

/// The URI of a licence or rights statement: of `CC BY-SA 4.0`, `cc-by-sa-4.0`, `pd`, `CC0`, `InC`, `In Copyright`, or of any
/// form of the address itself (`https:`, with `www.`, of a language or of the legal code).
///
/// ```
/// use recto_ingest::rights;
/// assert_eq!(rights::uri("CC BY 4.0").unwrap(), "http://creativecommons.org/licenses/by/4.0/");
/// assert_eq!(rights::uri("https://rightsstatements.org/page/InC/1.0/").unwrap(), "http://rightsstatements.org/vocab/InC/1.0/");
/// ```
pub fn uri(given: &str) -> Result<String, UnknownRights> {
    let given = given.trim().trim_matches(['"', '\'', '<', '>']).trim();
    if let Some(address) = address(given) {
        return from_address(address).ok_or(UnknownRights::Unknown(None));
    }
    if let Some(statement) = statement(given) {
        return Ok(statement_uri(statement));
    }
    creative_commons(given)
}

/// The first of the known URIs in a longer text, such as `licensed under https://creativecommons.org/licenses/by/4.0/.`; or the
/// one that the whole text is a name of.
pub fn uri_within(text: &str) -> Option<String> {
    uri(text).ok().or_else(|| {
        text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '(' | ')' | ',' | ';'))
            .filter(|word| word.contains("://"))
            .find_map(|word| uri(word.trim_end_matches(['.', ':'])).ok())
    })
}

/// The short name of a URI that [`uri`] gives, which [`uri`] reads again: `CC-BY-4.0`, `InC`. The URI itself where there is none.
pub fn short_name(uri: &str) -> String {
    let name = if let Some(path) = uri.strip_prefix(LICENSES) {
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        match parts[..] {
            [licence, version] => Some(format!("CC-{}-{version}", licence.to_uppercase())),
            _ => None,
        }
    } else if uri == CC0 {
        Some("CC0".to_owned())
    } else if uri == PUBLIC_DOMAIN_MARK {
        Some("PDM".to_owned())
    } else {
        STATEMENTS.iter().find(|(short, _)| statement_uri(short) == uri).map(|(short, _)| (*short).to_owned())
    };
    name.unwrap_or_else(|| uri.to_owned())
}

const LICENSES: &str = "http://creativecommons.org/licenses/";
const CC0: &str = "http://creativecommons.org/publicdomain/zero/1.0/";
const PUBLIC_DOMAIN_MARK: &str = "http://creativecommons.org/publicdomain/mark/1.0/";

/// The statements of rightsstatements.org: short name, full name.
const STATEMENTS: [(&str, &str); 12] = [
    ("InC", "In Copyright"),
    ("InC-OW-EU", "In Copyright - EU Orphan Work"),
    ("InC-EDU", "In Copyright - Educational Use Permitted"),
    ("InC-NC", "In Copyright - Non-Commercial Use Permitted"),
    ("InC-RUU", "In Copyright - Rights-holder(s) Unlocatable or Unidentifiable"),
    ("NoC-CR", "No Copyright - Contractual Restrictions"),
    ("NoC-NC", "No Copyright - Non-Commercial Use Only"),
    ("NoC-OKLR", "No Copyright - Other Known Legal Restrictions"),
    ("NoC-US", "No Copyright - United States"),
    ("CNE", "Copyright Not Evaluated"),
    ("UND", "Copyright Undetermined"),
    ("NKC", "No Known Copyright"),
];

fn statement_uri(short: &str) -> String {
    format!("http://rightsstatements.org/vocab/{short}/1.0/")
}

fn statement(given: &str) -> Option<&'static str> {
    let wanted = letters(given);
    // `InC 1.0` is said too.
    let wanted = wanted.strip_suffix("10").unwrap_or(&wanted);
    STATEMENTS.iter().find(|(short, name)| letters(short) == wanted || letters(name) == wanted).map(|(short, _)| *short)
}

/// Letters and digits alone, in lower case: what is left when people differ in spaces, hyphens and case.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Host and path of a web address, without `www.`, query and fragment; also where the scheme was left out.
fn address(given: &str) -> Option<(String, &str)> {
    let lower = given.to_ascii_lowercase();
    let start = ["https://", "http://"].into_iter().find(|scheme| lower.starts_with(scheme)).map_or(0, str::len);
    let rest = given.get(start..)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let known = host == "creativecommons.org" || host == "rightsstatements.org";
    (start > 0 || known).then(|| (host.to_owned(), path.split(['?', '#']).next().unwrap_or_default()))
}

fn from_address((host, path): (String, &str)) -> Option<String> {
    let lower = path.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').filter(|part| !part.is_empty()).collect();
    match (host.as_str(), &parts[..]) {
        ("creativecommons.org", ["publicdomain", "zero", "1.0", ..]) => Some(CC0.to_owned()),
        ("creativecommons.org", ["publicdomain", "mark", "1.0", ..]) => Some(PUBLIC_DOMAIN_MARK.to_owned()),
        ("creativecommons.org", ["licenses", licence, version, rest @ ..]) => {
            let licence = LICENCES.iter().find(|known| *known == licence)?;
            VERSIONS.contains(version).then_some(())?;
            // Licences before 4.0 were made for jurisdictions as well: `by/3.0/de/`.
            let ported = *version != "4.0";
            let jurisdiction = rest.first().filter(|part| ported && is_jurisdiction(part));
            let end = jurisdiction.map(|part| format!("{part}/")).unwrap_or_default();
            Some(format!("{LICENSES}{licence}/{version}/{end}"))
        }
        ("rightsstatements.org", ["vocab" | "page" | "data", name, ..]) => {
            let (short, _) = STATEMENTS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name))?;
            Some(statement_uri(short))
        }
        _ => None,
    }
}

fn is_jurisdiction(part: &str) -> bool {
    matches!(part, "scotland" | "igo") || (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

const VERSIONS: [&str; 5] = ["1.0", "2.0", "2.5", "3.0", "4.0"];
/// The orders of words in which licences are named; `nd-nc` is of version 1.0.
const LICENCES: [&str; 11] =
    ["by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "by-nd-nc", "sa", "nc", "nc-sa", "nd"];

/// Words that name no part of a licence but stand in its names.
const FILLERS: [&str; 14] = [
    "cc",
    "creative",
    "commons",
    "license",
    "licence",
    "lizenz",
    "licensed",
    "under",
    "a",
    "international",
    "unported",
    "generic",
    "universal",
    "deed",
];

fn creative_commons(given: &str) -> Result<String, UnknownRights> {
    let lower = given.to_lowercase().replace("rights reserved", " ");
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '.').map(|word| word.trim_matches('.')).collect();
    let mut parts = Parts::default();
    for word in words.iter().copied().filter(|word| !word.is_empty()) {
        if !parts.take(word) {
            return Err(UnknownRights::Unknown(nearest(given)));
        }
    }
    parts.uri().ok_or(UnknownRights::Unknown(None))?
}

/// The parts of a licence's name, in whatever order and how often they were said.
#[derive(Default)]
struct Parts<'a> {
    by: bool,
    nc: bool,
    nd: bool,
    sa: bool,
    zero: bool,
    public: bool,
    domain: bool,
    mark: bool,
    version: Option<&'a str>,
    versions_differ: bool,
}

impl<'a> Parts<'a> {
    fn take(&mut self, word: &'a str) -> bool {
        match word {
            "by" | "attribution" | "ccby" => self.by = true,
            "nc" | "noncommercial" | "commercial" => self.nc = true,
            "nd" | "noderivatives" | "noderivs" | "derivatives" | "derivs" => self.nd = true,
            "sa" | "sharealike" | "share" | "alike" => self.sa = true,
            "non" | "no" => {}
            "zero" | "cc0" | "0" | "dedication" => self.zero = true,
            "public" => self.public = true,
            "domain" => self.domain = true,
            "publicdomain" | "pd" | "gemeinfrei" => (self.public, self.domain) = (true, true),
            "mark" => self.mark = true,
            "pdm" => (self.public, self.domain, self.mark) = (true, true, true),
            filler if FILLERS.contains(&filler) => {}
            version => {
                let version = version.strip_prefix('v').unwrap_or(version);
                let Some(known) = VERSIONS
                    .iter()
                    .find(|known| **known == version || known.strip_suffix(".0").is_some_and(|short| short == version))
                else {
                    return false;
                };
                self.versions_differ |= self.version.is_some_and(|other| other != *known);
                self.version = Some(known);
            }
        }
        true
    }

    /// `None` where these are parts of no licence.
    fn uri(&self) -> Option<Result<String, UnknownRights>> {
        if self.versions_differ || self.public != self.domain {
            return None;
        }
        let licence = self.by || self.nc || self.nd || self.sa;
        match (licence, self.zero, self.public) {
            (false, true, _) => self.version_is_one().then(|| Ok(CC0.to_owned())),
            (false, false, true) => self.version_is_one().then(|| Ok(PUBLIC_DOMAIN_MARK.to_owned())),
            (true, false, false) if self.by && !(self.sa && self.nd) => {
                let mut name = String::from("by");
                for (part, word) in [(self.nc, "-nc"), (self.sa, "-sa"), (self.nd, "-nd")] {
                    name.push_str(if part { word } else { "" });
                }
                Some(match self.version {
                    Some("1.0") if name == "by-nc-nd" => Ok(format!("{LICENSES}by-nd-nc/1.0/")),
                    Some(version) => Ok(format!("{LICENSES}{name}/{version}/")),
                    None => Err(UnknownRights::NoVersion(format!("{LICENSES}{name}/4.0/"))),
                })
            }
            _ => None,
        }
    }

    fn version_is_one(&self) -> bool {
        self.version.is_none_or(|version| version == "1.0")
    }
}

/// The known short name that was probably meant.
fn nearest(given: &str) -> Option<&'static str> {
    const NAMES: [&str; 20] = [
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "CC-BY-ND-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0",
        "CC-BY-NC-ND-4.0",
        "CC0",
        "PDM",
        "InC",
        "InC-OW-EU",
        "InC-EDU",
        "InC-NC",
        "InC-RUU",
        "NoC-CR",
        "NoC-NC",
        "NoC-OKLR",
        "NoC-US",
        "CNE",
        "UND",
        "NKC",
    ];
    if given.len() > 40 {
        return None;
    }
    let wanted = letters(given);
    NAMES
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted, &letters(name)), *name))
        .min()
        .filter(|(distance, name)| *distance <= letters(name).len() / 3)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn licences_are_known_by_the_names_that_people_write() {
        for (given, want) in [
            ("CC BY 4.0", "http://creativecommons.org/licenses/by/4.0/"),
            ("CC-BY-4.0", "http://creativecommons.org/licenses/by/4.0/"),
            ("cc_by_sa_4.0", "http://creativecommons.org/licenses/by-sa/4.0/"),
            ("CC-BY-NC-SA-3.0", "http://creativecommons.org/licenses/by-nc-sa/3.0/"),
            ("CC BY-NC-ND 4.0 International", "http://creativecommons.org/licenses/by-nc-nd/4.0/"),
            ("CC BY SA 3", "http://creativecommons.org/licenses/by-sa/3.0/"),
            ("by-sa/2.5", "http://creativecommons.org/licenses/by-sa/2.5/"),
            ("CC-BY-ND-NC-1.0", "http://creativecommons.org/licenses/by-nd-nc/1.0/"),
            (
                "Creative Commons Attribution-ShareAlike 4.0 International (CC BY-SA 4.0)",
                "http://creativecommons.org/licenses/by-sa/4.0/",
            ),
            (
                "Creative Commons Attribution-NonCommercial-NoDerivs 3.0 Unported License",
                "http://creativecommons.org/licenses/by-nc-nd/3.0/",
            ),
            ("CC0", CC0),
            ("cc-zero", CC0),
            ("CC0 1.0 Universal", CC0),
            ("CC0-1.0", CC0),
            ("pd", PUBLIC_DOMAIN_MARK),
            ("Public Domain", PUBLIC_DOMAIN_MARK),
            ("public domain mark 1.0", PUBLIC_DOMAIN_MARK),
            ("PDM", PUBLIC_DOMAIN_MARK),
            ("InC", "http://rightsstatements.org/vocab/InC/1.0/"),
            ("inc-edu", "http://rightsstatements.org/vocab/InC-EDU/1.0/"),
            ("In Copyright", "http://rightsstatements.org/vocab/InC/1.0/"),
            ("No Copyright - United States", "http://rightsstatements.org/vocab/NoC-US/1.0/"),
            ("NoC US 1.0", "http://rightsstatements.org/vocab/NoC-US/1.0/"),
            ("UND", "http://rightsstatements.org/vocab/UND/1.0/"),
            ("https://creativecommons.org/licenses/by/4.0/", "http://creativecommons.org/licenses/by/4.0/"),
            ("https://www.creativecommons.org/licenses/by/4.0", "http://creativecommons.org/licenses/by/4.0/"),
            ("creativecommons.org/licenses/by/4.0/deed.de", "http://creativecommons.org/licenses/by/4.0/"),
            ("http://creativecommons.org/licenses/by-sa/3.0/de/", "http://creativecommons.org/licenses/by-sa/3.0/de/"),
            ("https://creativecommons.org/licenses/by/4.0/legalcode", "http://creativecommons.org/licenses/by/4.0/"),
            ("https://creativecommons.org/publicdomain/mark/1.0/?language=en", PUBLIC_DOMAIN_MARK),
            ("HTTPS://CreativeCommons.org/publicdomain/zero/1.0", CC0),
            ("https://rightsstatements.org/page/InC/1.0/?language=en", "http://rightsstatements.org/vocab/InC/1.0/"),
            ("http://rightsstatements.org/vocab/noc-us/1.0/", "http://rightsstatements.org/vocab/NoC-US/1.0/"),
        ] {
            assert_eq!(uri(given).as_deref(), Ok(want), "{given}");
        }
    }

    #[test]
    fn what_names_no_licence_is_not_guessed() {
        let newest = |name: &str| UnknownRights::NoVersion(format!("http://creativecommons.org/licenses/{name}/4.0/"));
        for (given, want) in [
            ("CC BY", newest("by")),
            ("CC-BY-SA", newest("by-sa")),
            ("CC-BY-SA-ND-4.0", UnknownRights::Unknown(None)),
            ("CC BX 4.0", UnknownRights::Unknown(Some("CC-BY-4.0"))),
            ("InC-EUD", UnknownRights::Unknown(Some("InC-EDU"))),
            ("© City Archive", UnknownRights::Unknown(None)),
            ("", UnknownRights::Unknown(None)),
            ("all rights reserved", UnknownRights::Unknown(None)),
            ("CC BY 4.0, CC BY 3.0", UnknownRights::Unknown(None)),
            ("CC BY 7.0", UnknownRights::Unknown(Some("CC-BY-4.0"))),
            ("https://example.org/terms", UnknownRights::Unknown(None)),
            ("http://creativecommons.org/licenses/", UnknownRights::Unknown(None)),
            ("http://rightsstatements.org/vocab/XYZ/1.0/", UnknownRights::Unknown(None)),
        ] {
            assert_eq!(uri(given), Err(want), "{given}");
        }
    }

    #[test]
    fn a_short_name_is_read_as_its_uri_again() {
        for name in ["CC-BY-4.0", "CC-BY-NC-SA-3.0", "CC0", "PDM", "InC", "InC-OW-EU", "NoC-OKLR"] {
            assert_eq!(short_name(&uri(name).unwrap()), name);
        }
        let ported = "http://creativecommons.org/licenses/by/3.0/de/";
        assert_eq!(short_name(ported), ported);
        assert_eq!(uri(ported).unwrap(), ported);
        assert_eq!(short_name("https://example.org/terms"), "https://example.org/terms");
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(given in "\\PC{0,40}") {
            if let Ok(found) = uri(&given) {
                prop_assert_eq!(uri(&found), Ok(found));
            }
        }
    }
}
