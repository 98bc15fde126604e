//! Single values that tables and sidecars share, with a finding for each that is not understood.

use recto_iiif::presentation::{Behavior, ViewingDirection};

use crate::description::{Kind, NavPlace, Order};
use crate::rights::UnknownRights;
use crate::words::{At, Report, folded, is_language_tag, shown};
use crate::{dates, rights};

/// The URI of a licence or rights statement.
pub(crate) fn rights(text: &str, at: At, report: &mut Report) -> Option<String> {
    const RULE: &str = "bad-rights";
    let otherwise =
        "write a name such as `CC-BY-4.0`, `CC0`, `PDM` or `InC`, and put other texts into `requiredStatement`";
    match rights::uri(text) {
        Ok(uri) => return Some(uri),
        Err(UnknownRights::NoVersion(uri)) => {
            let fix = format!("write `{}` if the newest is meant", rights::short_name(&uri));
            report.warning(at, RULE, format!("`{}` does not say which version of the licence", shown(text)), fix);
        }
        Err(UnknownRights::Unknown(nearest)) => {
            let fix = nearest.map_or_else(|| otherwise.to_owned(), |name| format!("did you mean `{name}`?"));
            report.warning(at, RULE, format!("`{}` is no licence or rights statement that is known", shown(text)), fix);
        }
    }
    None
}

/// A moment for navigation.
pub(crate) fn nav_date(text: &str, at: At, report: &mut Report) -> Option<String> {
    let date = dates::nav_date(text);
    if date.is_none() {
        let fix = match dates::approximate(text) {
            Some(date) => format!("write `{}`", date.split('T').next().unwrap_or_default()),
            None => "write it as `1890`, `1890-05` or `1890-05-03`".to_owned(),
        };
        report.warning(at, "bad-date", format!("`{}` is no date that can be sorted", shown(text)), fix);
    }
    date
}

/// A language tag. The codes of library catalogues become the shorter ones that BCP 47 wants.
pub(crate) fn language(text: &str, at: At, report: &mut Report) -> Option<String> {
    const CODES: [(&str, &str); 30] = [
        ("ger", "de"),
        ("deu", "de"),
        ("eng", "en"),
        ("fre", "fr"),
        ("fra", "fr"),
        ("ita", "it"),
        ("spa", "es"),
        ("lat", "la"),
        ("dut", "nl"),
        ("nld", "nl"),
        ("por", "pt"),
        ("rus", "ru"),
        ("pol", "pl"),
        ("cze", "cs"),
        ("ces", "cs"),
        ("hun", "hu"),
        ("swe", "sv"),
        ("dan", "da"),
        ("nor", "no"),
        ("fin", "fi"),
        ("gre", "el"),
        ("ell", "el"),
        ("heb", "he"),
        ("ara", "ar"),
        ("chi", "zh"),
        ("zho", "zh"),
        ("jpn", "ja"),
        ("ukr", "uk"),
        ("per", "fa"),
        ("tur", "tr"),
    ];
    if text != "none" && is_language_tag(text) {
        return Some(CODES.iter().find(|(long, _)| *long == text).map_or(text, |(_, short)| short).to_owned());
    }
    report.warning(
        at,
        "bad-language",
        format!("`{}` is no language tag", shown(text)),
        "write a tag such as `de`, `en` or `zh-Hant`",
    );
    None
}

/// All values of the specification for `behavior`.
pub(crate) const BEHAVIORS: [Behavior; 16] = [
    Behavior::AutoAdvance,
    Behavior::NoAutoAdvance,
    Behavior::Repeat,
    Behavior::NoRepeat,
    Behavior::Unordered,
    Behavior::Individuals,
    Behavior::Continuous,
    Behavior::Paged,
    Behavior::FacingPages,
    Behavior::NonPaged,
    Behavior::MultiPart,
    Behavior::Together,
    Behavior::Sequence,
    Behavior::ThumbnailNav,
    Behavior::NoNav,
    Behavior::Hidden,
];

/// The specification's word for a behavior.
pub(crate) fn behavior_word(behavior: &Behavior) -> &str {
    match behavior {
        Behavior::AutoAdvance => "auto-advance",
        Behavior::NoAutoAdvance => "no-auto-advance",
        Behavior::Repeat => "repeat",
        Behavior::NoRepeat => "no-repeat",
        Behavior::Unordered => "unordered",
        Behavior::Individuals => "individuals",
        Behavior::Continuous => "continuous",
        Behavior::Paged => "paged",
        Behavior::FacingPages => "facing-pages",
        Behavior::NonPaged => "non-paged",
        Behavior::MultiPart => "multi-part",
        Behavior::Together => "together",
        Behavior::Sequence => "sequence",
        Behavior::ThumbnailNav => "thumbnail-nav",
        Behavior::NoNav => "no-nav",
        Behavior::Hidden => "hidden",
        Behavior::Other(word) => word,
    }
}

/// One behavior. A word that is nearly one of the specification's is left out; others belong to extensions and stay.
pub(crate) fn behavior(text: &str, at: At, report: &mut Report) -> Option<Behavior> {
    if let Some(known) = BEHAVIORS.iter().find(|known| folded(behavior_word(known)) == folded(text)) {
        return Some(known.clone());
    }
    if let Some(meant) = crate::words::nearest(text, BEHAVIORS.iter().map(behavior_word)) {
        let message = format!("`{}` is no `behavior` that is known", shown(text));
        report.warning(at, "bad-behavior", message, format!("did you mean `{meant}`?"));
        return None;
    }
    Some(Behavior::Other(text.to_owned()))
}

const DIRECTIONS: [(&str, ViewingDirection); 4] = [
    ("left-to-right", ViewingDirection::LeftToRight),
    ("right-to-left", ViewingDirection::RightToLeft),
    ("top-to-bottom", ViewingDirection::TopToBottom),
    ("bottom-to-top", ViewingDirection::BottomToTop),
];

/// The specification's word for a direction.
pub(crate) fn direction_word(direction: ViewingDirection) -> &'static str {
    DIRECTIONS.iter().find(|(_, known)| *known == direction).map_or("left-to-right", |(word, _)| word)
}

/// A viewing direction; `ltr` and `rtl` are words for it too.
pub(crate) fn direction(text: &str, at: At, report: &mut Report) -> Option<ViewingDirection> {
    let given = folded(text);
    let short = |word: &str| word.split('-').filter_map(|part| part.chars().next()).collect::<String>();
    if let Some((_, direction)) = DIRECTIONS.iter().find(|(word, _)| folded(word) == given || short(word) == given) {
        return Some(*direction);
    }
    one_of("bad-direction", "viewing direction", text, DIRECTIONS.map(|(word, _)| word), at, report);
    None
}

/// Whose order of pages counts.
pub(crate) fn order(text: &str, at: At, report: &mut Report) -> Option<Order> {
    const ORDERS: [(&str, Order); 4] =
        [("natural", Order::Natural), ("exif-date", Order::ExifDate), ("csv", Order::Csv), ("mets", Order::Mets)];
    let found = ORDERS.iter().find(|(word, _)| folded(word) == folded(text)).map(|(_, order)| *order);
    if found.is_none() {
        one_of("bad-order", "order of pages", text, ORDERS.map(|(word, _)| word), at, report);
    }
    found
}

/// The word for an order of pages.
pub(crate) fn order_word(order: Order) -> &'static str {
    match order {
        Order::Natural => "natural",
        Order::ExifDate => "exif-date",
        Order::Csv => "csv",
        Order::Mets => "mets",
    }
}

/// Manifest or collection; `object` is a word for the first.
pub(crate) fn kind(text: &str, at: At, report: &mut Report) -> Option<Kind> {
    match folded(text).as_str() {
        "manifest" | "object" | "sc:manifest" => Some(Kind::Manifest),
        "collection" | "sc:collection" => Some(Kind::Collection),
        _ => {
            one_of("bad-kind", "kind", text, ["manifest", "collection"], at, report);
            None
        }
    }
}

/// The word for a kind.
pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Manifest => "manifest",
        Kind::Collection => "collection",
    }
}

fn one_of<const N: usize>(
    rule: &'static str,
    what: &str,
    text: &str,
    words: [&'static str; N],
    at: At,
    report: &mut Report,
) {
    let listed = words.map(|word| format!("`{word}`")).join(", ");
    let fix = report.did_you_mean(text, words, &format!("write one of {listed}"));
    report.warning(at, rule, format!("`{}` is no {what}", shown(text)), fix);
}

/// A place on the earth; `None` with a finding where the numbers are none of degrees.
pub(crate) fn place(latitude: Option<f64>, longitude: Option<f64>, at: At, report: &mut Report) -> Option<NavPlace> {
    let inside = |number: Option<f64>, most: f64| number.filter(|degrees| (-most..=most).contains(degrees));
    if let (Some(latitude), Some(longitude)) = (inside(latitude, 90.0), inside(longitude, 180.0)) {
        return Some(NavPlace { latitude, longitude, label: recto_iiif::presentation::LanguageMap::default() });
    }
    let message = "the place needs degrees north from -90 to 90 and degrees east from -180 to 180";
    report.warning(at, "bad-place", message, "write both as decimal degrees, such as `52.52` and `13.40`");
    None
}

/// A URL, for what cannot be a file of the library.
pub(crate) fn is_url(text: &str) -> bool {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    (lower.starts_with("http://") || lower.starts_with("https://")) && !text.contains(char::is_whitespace)
}

/// An access rule as it was written: a word, or the JSON of a rule.
pub(crate) fn access(text: &str) -> serde_json::Value {
    let is_json = text.starts_with(['{', '[']);
    let json = is_json.then(|| serde_json::from_str(text).ok()).flatten();
    json.unwrap_or_else(|| serde_json::Value::String(text.to_owned()))
}

/// A path with `/` between its parts, also where it was written with `\`. `None` for one that leads outside its folder.
pub(crate) fn path(text: &str) -> Option<String> {
    let text = text.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in text.trim_start_matches("./").split('/') {
        match part {
            ".." => {
                parts.pop()?;
            }
            "." => {}
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    let path = path.trim_end_matches('/');
    let has_drive = path.get(1..2) == Some(":");
    (!path.is_empty() && !path.starts_with('/') && !has_drive && !path.contains('\0')).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_their_folder() {
        for (given, want) in [
            ("a/b.tif", Some("a/b.tif")),
            ("./a.tif", Some("a.tif")),
            ("scans\\a.tif", Some("scans/a.tif")),
            ("a/../b.tif", Some("b.tif")),
            ("a/", Some("a")),
            ("../a.tif", None),
            ("a/../../b", None),
            ("/etc/passwd", None),
            ("C:\\a.tif", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(path(given).as_deref(), want, "{given}");
        }
    }

    #[test]
    fn words_are_found_whatever_their_spelling_and_others_have_a_remedy() {
        let mut report = Report::new("recto.yml");
        let at = At::new(3, 5);
        assert_eq!(behavior("Facing pages", at, &mut report), Some(Behavior::FacingPages));
        assert_eq!(behavior("info-open", at, &mut report), Some(Behavior::Other("info-open".into())));
        assert_eq!(direction("rtl", at, &mut report), Some(ViewingDirection::RightToLeft));
        assert_eq!(direction("Left to Right", at, &mut report), Some(ViewingDirection::LeftToRight));
        assert_eq!(order("EXIF date", at, &mut report), Some(Order::ExifDate));
        assert_eq!(kind("Collection", at, &mut report), Some(Kind::Collection));
        assert_eq!(language("ger", at, &mut report).as_deref(), Some("de"));
        assert_eq!(behavior("pagd", at, &mut report), None);
        assert_eq!(direction("sideways", at, &mut report), None);
        assert_eq!(language("German", at, &mut report), None);
        assert_eq!(rights("CC BY", at, &mut report), None);
        assert_eq!(nav_date("3.5.1890", at, &mut report), None);
        assert_eq!(nav_date("früher", at, &mut report), None);
        assert_eq!(place(Some(91.0), Some(0.0), at, &mut report), None);
        let findings: Vec<String> = report.into_list().iter().map(ToString::to_string).collect();
        assert_eq!(
            findings,
            [
                "warning[bad-behavior] recto.yml:3:5: `pagd` is no `behavior` that is known; did you mean `paged`?",
                "warning[bad-direction] recto.yml:3:5: `sideways` is no viewing direction; write one of `left-to-right`, \
                 `right-to-left`, `top-to-bottom`, `bottom-to-top`",
                "warning[bad-language] recto.yml:3:5: `German` is no language tag; write a tag such as `de`, `en` or `zh-Hant`",
                "warning[bad-rights] recto.yml:3:5: `CC BY` does not say which version of the licence; write `CC-BY-4.0` if \
                 the newest is meant",
                "warning[bad-date] recto.yml:3:5: `3.5.1890` is no date that can be sorted; write `1890-05-03`",
                "warning[bad-date] recto.yml:3:5: `früher` is no date that can be sorted; write it as `1890`, `1890-05` or \
                 `1890-05-03`",
                "warning[bad-place] recto.yml:3:5: the place needs degrees north from -90 to 90 and degrees east from -180 \
                 to 180; write both as decimal degrees, such as `52.52` and `13.40`",
            ]
        );
    }
}
