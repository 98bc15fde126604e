//! How the text of a value is made: titles, names, dates and the like are spread over elements, and each format does it in its way.

use recto_iiif::presentation::LanguageMap;

use super::dates;
use super::html;
use super::path::Found;
use super::xml::{self, Node};
use crate::languages;
use crate::mapping::Form;

/// One value of a record.
#[derive(Debug, Default)]
pub(super) struct Valued {
    /// Its text, in one language or several.
    pub(super) text: LanguageMap,
    /// The moment that it means, where it is a date.
    pub(super) nav_date: Option<String>,
    /// The language that it means: BCP 47.
    pub(super) tag: Option<String>,
    /// URIs that it says, the most telling first.
    pub(super) uris: Vec<String>,
}

impl Valued {
    /// A text in the language of its element.
    pub(super) fn plain(language: Option<&str>, text: &str) -> Option<Self> {
        let text = html::plain(text);
        let language = language.unwrap_or(LanguageMap::NONE);
        (!text.is_empty()).then(|| Self { text: LanguageMap::one(language, text), ..Self::default() })
    }
}

/// The value of what a path has found.
pub(super) fn value(found: Found<'_>, form: Form) -> Option<Valued> {
    match found {
        Found::Attribute(owner, value) => of_text(value, form, language_of(owner).as_deref()),
        Found::Element(node) => of_element(node, form),
    }
}

/// The value of a text without structure.
pub(super) fn of_text(text: &str, form: Form, language: Option<&str>) -> Option<Valued> {
    let text = xml::words(text);
    match form {
        Form::Language => language_value(&text),
        Form::Date => {
            let nav_date = dates::nav_date(&text);
            Valued::plain(language, &text).map(|value| Valued { nav_date, ..value })
        }
        _ => {
            let uris = is_http(&text).then(|| text.clone().into_owned()).into_iter().collect();
            Valued::plain(language, &text).map(|value| Valued { uris, ..value })
        }
    }
}

fn of_element(node: Node<'_>, form: Form) -> Option<Valued> {
    let language = language_of(node);
    let text = match form {
        Form::Title => title(node),
        Form::Name => person(node),
        Form::Date => return date(node, language.as_deref()),
        Form::Language => return language_value(&xml::text(node)),
        Form::Paragraphs => {
            let text = html::paragraphs(&paragraphs(node))?;
            let uris = uris(node);
            return Some(Valued {
                text: LanguageMap::one(language.as_deref().unwrap_or(LanguageMap::NONE), text),
                uris,
                ..Valued::default()
            });
        }
        Form::Joined => joined(node),
        Form::Container => container(node),
        Form::Text | Form::Link => xml::text(node),
    };
    let uris = uris(node);
    match Valued::plain(language.as_deref(), &text) {
        Some(value) => Some(Valued { uris, ..value }),
        None if uris.is_empty() => None,
        None => Some(Valued { uris, ..Valued::default() }),
    }
}

pub(super) fn is_http(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>'))
    })
}

/// URIs in the attributes of an element, and its text if it is one.
fn uris(node: Node<'_>) -> Vec<String> {
    let attributes =
        ["href", "target", "valueURI", "identifier", "url"].into_iter().filter_map(|name| xml::attribute(node, name));
    let text = xml::text(node);
    attributes.chain(std::iter::once(text.as_str())).filter(|text| is_http(text)).map(str::to_owned).collect()
}

/// The language that an element says it is in: `xml:lang` of itself and around it, or its own `lang`.
pub(super) fn language_of(node: Node<'_>) -> Option<String> {
    const XML: &str = "http://www.w3.org/XML/1998/namespace";
    let own = node.attribute("lang").or_else(|| node.attribute("language"));
    let inherited = || node.ancestors().find_map(|ancestor| ancestor.attribute((XML, "lang")));
    languages::language_tag(own.filter(|own| !own.trim().is_empty()).or_else(inherited)?)
}

fn language_value(text: &str) -> Option<Valued> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let tag = languages::language_tag(text);
    let name = tag.as_deref().and_then(languages::language_name).or_else(|| languages::language_name(text));
    let name = name.unwrap_or_else(|| LanguageMap::none(html::plain(text)));
    Some(Valued { text: name, tag, ..Valued::default() })
}

/// `nonSort title : subTitle. partNumber, partName`, or the text of an element that has no such parts.
fn title(node: Node<'_>) -> String {
    let part = |name| xml::children(node, name).map(xml::text).filter(|text| !text.is_empty());
    let Some(main) = part("title").next() else { return without(node, &["unitdate", "subTitle", "nonSort"]) };
    let mut out = String::new();
    if let Some(article) = part("nonSort").next() {
        out.push_str(&article);
        if !article.ends_with(['\'', '’', '-']) {
            out.push(' ');
        }
    }
    out.push_str(&main);
    for subtitle in part("subTitle") {
        out.push_str(" : ");
        out.push_str(&subtitle);
    }
    let parts: Vec<String> = part("partNumber").chain(part("partName")).collect();
    if !parts.is_empty() {
        out.push_str(". ");
        out.push_str(&parts.join(", "));
    }
    out
}

/// The text of an element without that of some elements in it.
pub(super) fn without(node: Node<'_>, unwanted: &[&str]) -> String {
    let mut out = String::new();
    let parts = node.descendants().filter(|part| {
        part.is_text()
            && !part
                .ancestors()
                .take_while(|around| *around != node)
                .any(|around| unwanted.iter().any(|name| xml::is(around, name)))
    });
    for part in parts {
        xml::push_words(&mut out, part.text().unwrap_or_default());
    }
    out.trim().trim_end_matches(',').to_owned()
}

/// A person or body, as people write the name.
fn person(node: Node<'_>) -> String {
    // Kitodo: `<metadata name="displayName">`, Goobi: `<displayName>`.
    let field = |name: &'static str| {
        let named = xml::children(node, "metadata").find(|field| xml::attribute(*field, "name") == Some(name));
        xml::child(node, name).or(named).map(xml::text).filter(|text| !text.is_empty())
    };
    if let Some(display) = field("displayForm").or_else(|| field("displayName")) {
        return display;
    }
    if let Some(last) = field("lastName") {
        return field("firstName").map_or(last.clone(), |first| format!("{last}, {first}"));
    }
    if xml::child(node, "namePart").is_some() {
        return mods_name(node);
    }
    // LIDO.
    if let Some(actor) = xml::child(node, "actor") {
        let name = xml::descendants(actor, "appellationValue")
            .map(xml::text)
            .find(|text| !text.is_empty())
            .unwrap_or_default();
        let dates = xml::child(actor, "vitalDatesActor").map(|dates| {
            let date = |name| xml::child(dates, name).map(xml::text).unwrap_or_default();
            format!("{}–{}", date("earliestDate"), date("latestDate"))
        });
        return match dates.filter(|dates| dates.len() > "–".len()) {
            Some(dates) => format!("{name} ({dates})"),
            None => name,
        };
    }
    // EAD 3.
    let parts: Vec<String> = xml::children(node, "part").map(xml::text).filter(|text| !text.is_empty()).collect();
    if !parts.is_empty() {
        return parts.join(", ");
    }
    // TEI.
    for name in ["persName", "orgName", "name"] {
        let names: Vec<String> = xml::children(node, name).map(person).filter(|text| !text.is_empty()).collect();
        if !names.is_empty() {
            return names.join(", ");
        }
    }
    let (surname, forename) = (xml::child(node, "surname"), xml::child(node, "forename"));
    if let (Some(surname), Some(_)) = (surname, forename) {
        let forenames: Vec<String> = xml::children(node, "forename").map(xml::text).collect();
        return format!("{}, {}", xml::text(surname), forenames.join(" "));
    }
    without(node, &["resp", "head"])
}

fn mods_name(node: Node<'_>) -> String {
    let typed = |wanted: Option<&str>| -> Vec<String> {
        xml::children(node, "namePart")
            .filter(|part| xml::attribute(*part, "type") == wanted)
            .map(xml::text)
            .filter(|text| !text.is_empty())
            .collect()
    };
    let (family, given) = (typed(Some("family")).join(" "), typed(Some("given")).join(" "));
    let mut name = match (family.is_empty(), given.is_empty()) {
        (false, false) => format!("{family}, {given}"),
        _ => format!("{family}{given}"),
    };
    let whole = typed(None).join(". ");
    if name.is_empty() {
        name = whole;
    }
    for terms in typed(Some("termsOfAddress")) {
        name.push_str(", ");
        name.push_str(&terms);
    }
    let dates = typed(Some("date")).join(", ");
    if dates.is_empty() { name } else { format!("{name} ({dates})") }
}

fn date(node: Node<'_>, language: Option<&str>) -> Option<Valued> {
    // MODS writes a span as two elements beside each other.
    if xml::attribute(node, "point") == Some("end") && sibling(node, "start").is_some() {
        return None;
    }
    let mut text = xml::text(node);
    let mut machine: Option<String> = None;
    if let Some(end) = (xml::attribute(node, "point") == Some("start")).then(|| sibling(node, "end")).flatten() {
        machine = Some(text.clone());
        text = format!("{text}–{}", xml::text(end));
    } else if xml::is(node, "unitdatestructured") {
        let ends: Vec<Node<'_>> = node
            .descendants()
            .filter(|part| ["fromdate", "todate", "datesingle"].iter().any(|name| xml::is(*part, name)))
            .collect();
        text = ends.iter().map(|part| xml::text(*part)).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("–");
        machine = ends.first().and_then(|first| xml::attribute(*first, "standarddate")).map(str::to_owned);
    } else if xml::is(node, "eventDate") {
        let part = |name| xml::descendants(node, name).map(xml::text).find(|text| !text.is_empty());
        let (earliest, latest) = (part("earliestDate"), part("latestDate"));
        let span = match (&earliest, &latest) {
            (Some(earliest), Some(latest)) if earliest != latest => format!("{earliest}–{latest}"),
            (earliest, latest) => earliest.clone().or_else(|| latest.clone()).unwrap_or_default(),
        };
        let display = xml::children(node, "displayDate").map(|date| (language_of(date), xml::text(date)));
        let mut value = Valued { nav_date: earliest.as_deref().and_then(dates::nav_date), ..Valued::default() };
        for (language, text) in display {
            value.text.push(language.as_deref().unwrap_or(LanguageMap::NONE), html::plain(&text));
        }
        // The limits of an uncertain date say no beginning.
        if value.text.first().is_some_and(|display| {
            dates::nav_date(display).is_none() && !display.chars().all(|c| c.is_ascii_digit() || !c.is_alphabetic())
        }) {
            value.nav_date = None;
        }
        if value.text.is_empty() && !span.is_empty() {
            value.text = LanguageMap::none(span);
        }
        return (!value.text.is_empty()).then_some(value);
    }
    let attribute = |name| xml::attribute(node, name).map(str::to_owned);
    let machine = machine
        .or_else(|| ["normal", "when", "when-iso", "standarddate", "from", "from-iso"].into_iter().find_map(attribute));
    if text.is_empty() {
        let until = ["to", "notAfter"].into_iter().find_map(attribute);
        let from = machine.clone().or_else(|| attribute("notBefore"));
        text = from.into_iter().chain(until).collect::<Vec<_>>().join("–").replace('/', "–");
    }
    let is_uncertain = ["qualifier", "certainty", "cert", "precision"]
        .into_iter()
        .filter_map(|name| xml::attribute(node, name))
        .any(|value| {
            ["approximate", "approx", "inferred", "questionable", "low", "medium", "ca", "circa"]
                .contains(&value.to_ascii_lowercase().as_str())
        });
    let nav_date =
        machine.as_deref().and_then(dates::nav_date).or_else(|| dates::nav_date(&text)).filter(|_| !is_uncertain);
    Valued::plain(language, &text).map(|value| Valued { nav_date, ..value })
}

/// The element beside one that has the same name and is this end of a span.
fn sibling<'a>(node: Node<'a>, point: &str) -> Option<Node<'a>> {
    let name = node.tag_name().name();
    node.parent()?
        .children()
        .find(|other| *other != node && xml::is(*other, name) && xml::attribute(*other, "point") == Some(point))
}

/// The paragraphs of an element, without its heading.
fn paragraphs(node: Node<'_>) -> Vec<String> {
    let found: Vec<String> = node
        .descendants()
        .skip(1)
        .filter(|part| ["p", "item", "chronitem"].iter().any(|name| xml::is(*part, name)))
        // A paragraph in a paragraph is part of the outer one.
        .filter(|part| {
            !part
                .ancestors()
                .skip(1)
                .take_while(|around| *around != node)
                .any(|around| xml::is(around, "p") || xml::is(around, "item"))
        })
        .map(xml::text)
        .filter(|text| !text.is_empty())
        .collect();
    if found.is_empty() {
        Some(without(node, &["head"])).filter(|text| !text.is_empty()).into_iter().collect()
    } else {
        found
    }
}

fn joined(node: Node<'_>) -> String {
    let parts: Vec<String> = xml::elements(node)
        .flat_map(
            |part| if xml::is(part, "hierarchicalGeographic") { xml::elements(part).collect() } else { vec![part] },
        )
        .map(|part| match () {
            () if xml::is(part, "name") => person(part),
            () if xml::is(part, "titleInfo") => title(part),
            () => xml::text(part),
        })
        .filter(|text| !text.is_empty())
        .collect();
    if parts.is_empty() { xml::text(node) } else { parts.join(" – ") }
}

/// `Box 44`.
fn container(node: Node<'_>) -> String {
    let text = xml::text(node);
    let kind = xml::attribute(node, "type").or_else(|| xml::attribute(node, "localtype")).unwrap_or_default();
    if kind.is_empty() || text.is_empty() {
        return text;
    }
    let mut letters = kind.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{} {text}", letters.as_str())
}
