//! Which licence or rights statement is meant: every usual spelling becomes the one URI that Presentation API 3.0 §3.2 asks for.

/// The URI that stands for what was written, or `None` where it is not surely one of Creative Commons or RightsStatements.org.
///
/// Known are URIs in any spelling (`https`, `www`, without the last slash, with `deed.de` or `legalcode`), short names such as `CC BY-SA 4.0`,
/// `cc-by-nc`, `CC0`, `pdm`, `public domain`, `InC`, and the names of the statements. A licence without a version is 4.0 when it
/// was written as a short name.
#[must_use]
pub(crate) fn rights_uri(text: &str) -> Option<String> {
    let text = text.trim();
    from_uri(text).or_else(|| from_name(text))
}

/// The first URI of the known ones in a longer text, such as `licensed under https://creativecommons.org/licenses/by/4.0/.`.
#[must_use]
pub(crate) fn rights_uri_within(text: &str) -> Option<String> {
    rights_uri(text).or_else(|| {
        text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '(' | ')' | ',' | ';'))
            .filter(|word| word.contains("://"))
            .find_map(|word| from_uri(word.trim_end_matches(['.', ':'])))
    })
}

const LICENSES: [&str; 6] = ["by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd"];

/// Statements of RightsStatements.org with the texts that stand for them, in lower case.
const STATEMENTS: &[(&str, &[&str])] = &[
    ("InC", &["in copyright", "urheberrechtsschutz", "copyrighted", "rights reserved - free access"]),
    ("InC-OW-EU", &["in copyright - eu orphan work", "eu orphan work", "orphan work"]),
    ("InC-EDU", &["in copyright - educational use permitted"]),
    ("InC-NC", &["in copyright - non-commercial use permitted"]),
    (
        "InC-RUU",
        &[
            "in copyright - rights-holder(s) unlocatable or unidentifiable",
            "in copyright - rightsholder(s) unlocatable or unidentifiable",
        ],
    ),
    ("NoC-CR", &["no copyright - contractual restrictions"]),
    ("NoC-NC", &["no copyright - non-commercial use only", "out of copyright - non commercial re-use"]),
    ("NoC-OKLR", &["no copyright - other known legal restrictions"]),
    ("NoC-US", &["no copyright - united states"]),
    ("CNE", &["copyright not evaluated"]),
    ("UND", &["copyright undetermined"]),
    ("NKC", &["no known copyright", "no known copyright restrictions"]),
];

fn from_uri(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let rest = ["http://", "https://", "//"].iter().find_map(|scheme| lower.strip_prefix(scheme)).unwrap_or(&lower);
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    let path = |host: &str| rest.strip_prefix(host).map(|path| path.split(['?', '#']).next().unwrap_or_default());
    if let Some(path) = path("creativecommons.org/") {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (kind, name, version) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
        return match (kind, name) {
            ("publicdomain", "zero" | "mark") => Some(format!("http://creativecommons.org/publicdomain/{name}/1.0/")),
            ("licenses", "publicdomain") => Some("http://creativecommons.org/publicdomain/mark/1.0/".to_owned()),
            ("licenses", name) if is_version(version) => {
                let country = parts.next().filter(|part| is_country(part));
                license(name, version, country)
            }
            _ => None,
        };
    }
    let path = path("rightsstatements.org/")?;
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    matches!(parts.next(), Some("vocab" | "page" | "data")).then_some(())?;
    statement(parts.next()?)
}

fn is_version(text: &str) -> bool {
    matches!(text, "1.0" | "2.0" | "2.1" | "2.5" | "3.0" | "4.0")
}

/// `de`, `igo`, `us`: the port of a licence before 4.0; `deed.de` and `legalcode` are pages about it.
fn is_country(text: &str) -> bool {
    (2..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase()) && text != "deed" && text != "rdf"
}

fn license(name: &str, version: &str, country: Option<&str>) -> Option<String> {
    let name = match name {
        "by-nd-nc" => "by-nc-nd",
        "by-sa-nc" => "by-nc-sa",
        name => *LICENSES.iter().find(|known| **known == name)?,
    };
    let country = country.filter(|_| version != "4.0").map(|country| format!("{country}/")).unwrap_or_default();
    Some(format!("http://creativecommons.org/licenses/{name}/{version}/{country}"))
}

fn statement(name: &str) -> Option<String> {
    let (name, _) = STATEMENTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(format!("http://rightsstatements.org/vocab/{name}/1.0/"))
}

fn from_name(text: &str) -> Option<String> {
    if text.len() > 120 {
        return None;
    }
    let lower = text.to_lowercase().replace(['–', '—', '_'], "-");
    let spaced = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = spaced.trim_end_matches('.');
    if let Some((name, _)) =
        STATEMENTS.iter().find(|(name, texts)| name.eq_ignore_ascii_case(bare) || texts.contains(&bare))
    {
        return statement(name);
    }
    let words: Vec<&str> =
        bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|w| !w.is_empty()).collect();
    match words.as_slice() {
        ["cc0" | "cco", ..] | ["cc", "0" | "zero", ..] | ["creative", "commons", "zero" | "0" | "cc0", ..] => {
            return Some("http://creativecommons.org/publicdomain/zero/1.0/".to_owned());
        }
        ["pd" | "pdm" | "gemeinfrei" | "gemeinfreiheit" | "publicdomain"]
        | ["pd" | "pdm", "1.0"]
        | ["cc", "pd" | "pdm", ..]
        | ["public", "domain"]
        | ["public", "domain", "mark", ..]
        | ["in", "the", "public", "domain"]
        | ["domaine", "public"]
        | ["dominio", "publico"] => {
            return Some("http://creativecommons.org/publicdomain/mark/1.0/".to_owned());
        }
        _ => {}
    }
    from_license_words(&words)
}

/// `cc by nc sa 4.0 international`, `creative commons attribution sharealike 3.0 de`: all words must be known ones.
fn from_license_words(words: &[&str]) -> Option<String> {
    let words = match words {
        ["cc", rest @ ..] | ["creative", "commons", rest @ ..] => rest,
        ["by", rest @ ..] if !rest.is_empty() => words,
        _ => return None,
    };
    let (mut by, mut nc, mut nd, mut sa) = (false, false, false, false);
    let mut version = None;
    let mut country = None;
    for word in words {
        match *word {
            "by" | "attribution" | "namensnennung" => by = true,
            "nc" | "noncommercial" | "commercial" | "kommerziell" => nc = true,
            "nd" | "noderivs" | "noderivatives" | "derivatives" | "bearbeitung" | "bearbeitungen" => nd = true,
            "sa" | "sharealike" | "alike" | "bedingungen" => sa = true,
            "share" | "non" | "no" | "nicht" | "keine" | "weitergabe" | "unter" | "gleichen" | "license"
            | "licence" | "lizenz" | "international" | "unported" | "generic" | "public" | "cc" => {}
            "1.0" | "2.0" | "2.1" | "2.5" | "3.0" | "4.0" => version = Some(*word),
            "1" | "2" | "3" | "4" => {
                version = Some(["1.0", "2.0", "3.0", "4.0"][usize::from(word.as_bytes()[0] - b'1')]);
            }
            word if word.len() == 2 && version.is_some() => country = Some(word),
            "germany" | "deutschland" => country = Some("de"),
            _ => return None,
        }
    }
    let name = match (by, nc, nd, sa) {
        (true, false, false, false) => "by",
        (true, false, false, true) => "by-sa",
        (true, false, true, false) => "by-nd",
        (true, true, false, false) => "by-nc",
        (true, true, false, true) => "by-nc-sa",
        (true, true, true, false) => "by-nc-nd",
        _ => return None,
    };
    license(name, version.unwrap_or("4.0"), country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_becomes_the_uri_of_the_specification() {
        for (given, want) in [
            ("CC BY 4.0", "http://creativecommons.org/licenses/by/4.0/"),
            ("CC-BY-4.0", "http://creativecommons.org/licenses/by/4.0/"),
            ("cc-by", "http://creativecommons.org/licenses/by/4.0/"),
            ("cc_by_sa_3.0", "http://creativecommons.org/licenses/by-sa/3.0/"),
            ("CC BY-NC-SA 4.0 International", "http://creativecommons.org/licenses/by-nc-sa/4.0/"),
            ("CC BY-SA 3.0 DE", "http://creativecommons.org/licenses/by-sa/3.0/de/"),
            (
                "Creative Commons Attribution-ShareAlike 4.0 International License",
                "http://creativecommons.org/licenses/by-sa/4.0/",
            ),
            (
                "Creative Commons Namensnennung - Nicht kommerziell - Keine Bearbeitungen 4.0",
                "http://creativecommons.org/licenses/by-nc-nd/4.0/",
            ),
            ("https://creativecommons.org/licenses/by/4.0/deed.de", "http://creativecommons.org/licenses/by/4.0/"),
            ("http://www.creativecommons.org/licenses/by-nc/2.5", "http://creativecommons.org/licenses/by-nc/2.5/"),
            (
                "https://creativecommons.org/licenses/by/3.0/de/legalcode",
                "http://creativecommons.org/licenses/by/3.0/de/",
            ),
            ("https://creativecommons.org/licenses/by/4.0/legalcode", "http://creativecommons.org/licenses/by/4.0/"),
            ("CC0", "http://creativecommons.org/publicdomain/zero/1.0/"),
            ("CC0 1.0 Universal", "http://creativecommons.org/publicdomain/zero/1.0/"),
            ("https://creativecommons.org/publicdomain/zero/1.0/", "http://creativecommons.org/publicdomain/zero/1.0/"),
            ("pd", "http://creativecommons.org/publicdomain/mark/1.0/"),
            ("pdm", "http://creativecommons.org/publicdomain/mark/1.0/"),
            ("Public Domain Mark 1.0", "http://creativecommons.org/publicdomain/mark/1.0/"),
            ("Gemeinfrei", "http://creativecommons.org/publicdomain/mark/1.0/"),
            ("InC", "http://rightsstatements.org/vocab/InC/1.0/"),
            ("inc-edu", "http://rightsstatements.org/vocab/InC-EDU/1.0/"),
            ("In Copyright – Educational Use Permitted", "http://rightsstatements.org/vocab/InC-EDU/1.0/"),
            ("No known copyright", "http://rightsstatements.org/vocab/NKC/1.0/"),
            (
                "https://rightsstatements.org/page/NoC-US/1.0/?language=en",
                "http://rightsstatements.org/vocab/NoC-US/1.0/",
            ),
            ("http://rightsstatements.org/vocab/CNE/1.0/", "http://rightsstatements.org/vocab/CNE/1.0/"),
        ] {
            assert_eq!(rights_uri(given).as_deref(), Some(want), "{given}");
        }
    }

    #[test]
    fn a_text_that_is_not_surely_a_licence_is_none() {
        for given in [
            "",
            "All rights reserved",
            "CC",
            "CC BY or something like it",
            "cc-sa",
            "by the author",
            "by",
            "CC BY-ND-SA 4.0",
            "https://creativecommons.org/",
            "https://example.org/licenses/by/4.0/",
            "Bildnachweis: Stadtarchiv",
            "http://rightsstatements.org/vocab/XYZ/1.0/",
            "restricted",
            "Open Access",
            "public domain in the US only",
        ] {
            assert_eq!(rights_uri(given), None, "{given}");
        }
    }

    #[test]
    fn the_uri_is_found_in_a_sentence() {
        let given = "Lizenz: Namensnennung (https://creativecommons.org/licenses/by/4.0/deed.de).";
        assert_eq!(rights_uri_within(given).as_deref(), Some("http://creativecommons.org/licenses/by/4.0/"));
        assert_eq!(rights_uri_within("ask the archive"), None);
    }
}
