//! One descriptive record by the rules of a mapping, whatever its format.

use recto_iiif::presentation::{LabeledValue, LanguageMap, ViewingDirection};

use super::forms::{self, Valued};
use super::path::{Found, Path};
use super::xml::{self, Node};
use super::{Context, access, marc};
use crate::description::{Description, Link, Provider};
use crate::mapping::{Form, Format, LabelFrom, Rule, Use};
use crate::rights;

/// A value with the label that the record itself has for it.
struct Piece<'a> {
    value: Valued,
    label: Option<LanguageMap>,
    at: Node<'a>,
}

pub(super) fn describe(context: &Context<'_>, format: Format, record: Node<'_>) -> Description {
    let mut description = Description::default();
    for rule in context.mapping.rules(format) {
        let pieces = pieces(context, rule, record);
        if !pieces.is_empty() {
            apply(context, rule, pieces, &mut description);
        }
    }
    access::of_record(context, format, record, &mut description);
    description
}

fn pieces<'a>(context: &Context<'_>, rule: &Rule, record: Node<'a>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for path in &rule.paths {
        match path {
            Path::Marc(fields) => {
                pieces.extend(marc::values(record, fields, rule).into_iter().map(|(value, role, at)| {
                    let label = role.map(|role| role_label(context, &role));
                    Piece { value, label, at }
                }));
            }
            Path::Steps(_) => {
                let found = path.find(record);
                if rule.form == Form::Paragraphs
                    && found.iter().all(|found| matches!(found, Found::Element(node) if xml::is(*node, "p")))
                {
                    pieces.extend(one_of_paragraphs(&found));
                    continue;
                }
                pieces.extend(found.into_iter().filter_map(|found| {
                    let (Found::Element(at) | Found::Attribute(at, _)) = found;
                    Some(Piece { value: forms::value(found, rule.form)?, label: own_label(context, rule, at), at })
                }));
            }
        }
        if rule.first && !pieces.is_empty() {
            break;
        }
    }
    pieces
}

/// Several `p` beside each other are one text.
fn one_of_paragraphs<'a>(found: &[Found<'a>]) -> Option<Piece<'a>> {
    let nodes: Vec<Node<'a>> = found
        .iter()
        .map(|found| match found {
            Found::Element(node) | Found::Attribute(node, _) => *node,
        })
        .collect();
    let at = *nodes.first()?;
    let texts: Vec<String> = nodes.iter().map(|node| xml::text(*node)).filter(|text| !text.is_empty()).collect();
    let text = super::html::paragraphs(&texts)?;
    let language = forms::language_of(at);
    let text = LanguageMap::one(language.as_deref().unwrap_or(LanguageMap::NONE), text);
    Some(Piece { value: Valued { text, ..Valued::default() }, label: None, at })
}

fn own_label(context: &Context<'_>, rule: &Rule, at: Node<'_>) -> Option<LanguageMap> {
    match rule.label_from.as_ref()? {
        LabelFrom::Attribute(name) => xml::attribute(at, name).map(LanguageMap::none),
        LabelFrom::Head => {
            let head = xml::child(at, "head").map(xml::text).filter(|text| !text.is_empty() && text.len() <= 80)?;
            let language = forms::language_of(at);
            Some(LanguageMap::one(language.as_deref().unwrap_or(LanguageMap::NONE), head.trim_end_matches(':')))
        }
        LabelFrom::Role => role(context, at),
    }
}

/// What a person did, as the record says it.
fn role(context: &Context<'_>, at: Node<'_>) -> Option<LanguageMap> {
    // MODS: codes before words; TEI `resp`; LIDO `roleActor/term`; Kitodo and Goobi `role`; attributes of EAD and TEI.
    let elements = |name| xml::children(at, name).flat_map(|role: Node<'_>| xml::elements(role).collect::<Vec<_>>());
    let mut words: Vec<String> = elements("role").chain(elements("roleActor")).map(xml::text).collect();
    words.extend(
        ["resp", "role"]
            .into_iter()
            .flat_map(|name| xml::children(at, name))
            .filter(|role| !role.has_children() || role.children().all(|c| c.is_text()))
            .map(xml::text),
    );
    words.extend(
        xml::children(at, "metadata").filter(|field| xml::attribute(*field, "name") == Some("role")).map(xml::text),
    );
    words.extend(["relator", "role"].into_iter().filter_map(|name| xml::attribute(at, name)).map(str::to_owned));
    if xml::is(at, "metadata") {
        words.extend(xml::attribute(at, "name").map(str::to_owned));
    }
    words.retain(|word| !word.is_empty() && !word.contains("://") || context.mapping.role(word).is_some());
    let known = words.iter().find_map(|word| context.mapping.role(word).cloned());
    // `oth` says less than the word beside it.
    let is_vague = words.iter().any(|word| word == "oth") && words.len() > 1;
    let first_word =
        || words.iter().find(|word| word.len() > 3).or(words.first()).map(|word| role_label(context, word));
    if is_vague { first_word() } else { known.or_else(first_word) }
}

fn role_label(context: &Context<'_>, role: &str) -> LanguageMap {
    context.mapping.role(role).cloned().unwrap_or_else(|| {
        let role = role.trim().trim_end_matches(['.', ',', ':']);
        let mut letters = role.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        LanguageMap::none(format!("{first}{}", letters.as_str()))
    })
}

fn apply(context: &Context<'_>, rule: &Rule, pieces: Vec<Piece<'_>>, description: &mut Description) {
    let mut is_shown = !rule.label.is_empty() || rule.label_from.is_some();
    for meaning in &rule.uses {
        match meaning {
            Use::Label => {
                if description.label.is_empty() {
                    description.label = first_of_each(&pieces);
                }
            }
            Use::Summary => {
                if description.summary.is_empty() {
                    description.summary = merged(&pieces, rule.join.as_deref());
                }
            }
            Use::NavDate => {
                if description.nav_date.is_none() {
                    description.nav_date = pieces.first().and_then(|piece| piece.value.nav_date.clone());
                }
            }
            Use::Language => {
                if description.language.is_none() {
                    description.language = pieces.iter().find_map(|piece| piece.value.tag.clone());
                }
            }
            Use::Homepage => description.homepage.extend(links(rule, &pieces, "Text", "text/html")),
            Use::SeeAlso => description.see_also.extend(links(rule, &pieces, "Dataset", "")),
            Use::ViewingDirection => {
                let words = pieces.iter().find_map(|piece| piece.value.text.first()).unwrap_or_default();
                description.viewing_direction = direction(words).or(description.viewing_direction);
            }
            Use::Provider => description.provider.extend(pieces.iter().filter_map(|piece| {
                let id = piece.value.uris.first()?.clone();
                Some(Provider { id, label: piece.value.text.clone(), ..Provider::default() })
            })),
            Use::RequiredStatement => {
                is_shown = false;
                if description.required_statement.is_none() {
                    let value = merged(&pieces, rule.join.as_deref());
                    description.required_statement =
                        Some(LabeledValue { label: label_of(rule, pieces.first()), value });
                }
            }
            Use::Rights => {
                is_shown = false;
                take_rights(context, rule, &pieces, description);
            }
        }
    }
    if is_shown {
        show(rule, pieces, &mut description.metadata);
    }
}

fn label_of(rule: &Rule, piece: Option<&Piece<'_>>) -> LanguageMap {
    let own = piece.and_then(|piece| piece.label.clone()).filter(|label| !label.is_empty());
    own.unwrap_or_else(|| if rule.label.is_empty() { LanguageMap::none(rule.name.clone()) } else { rule.label.clone() })
}

/// Adds pairs to the metadata: one for each label, values of the same text once.
fn show(rule: &Rule, pieces: Vec<Piece<'_>>, metadata: &mut Vec<LabeledValue>) {
    let mut groups: Vec<(LanguageMap, Vec<Piece<'_>>)> = Vec::new();
    for piece in pieces {
        let label = label_of(rule, Some(&piece));
        match groups.iter_mut().find(|(known, _)| *known == label) {
            Some((_, pieces)) => pieces.push(piece),
            None => groups.push((label, vec![piece])),
        }
    }
    for (label, pieces) in groups {
        let value = merged(&pieces, rule.join.as_deref());
        if !value.is_empty() {
            metadata.push(LabeledValue { label, value });
        }
    }
}

fn merged(pieces: &[Piece<'_>], join: Option<&str>) -> LanguageMap {
    let mut all = LanguageMap::default();
    for piece in pieces {
        for (language, texts) in piece.value.text.iter() {
            for text in texts {
                let is_known = all.iter().any(|(known, texts)| known == language && texts.contains(text));
                if !is_known {
                    all.push(language, text.clone());
                }
            }
        }
    }
    let Some(join) = join else { return all };
    let mut joined = LanguageMap::default();
    for (language, texts) in all.iter() {
        joined.push(language, texts.join(join));
    }
    joined
}

/// The first text in each language: a name, not all names.
fn first_of_each(pieces: &[Piece<'_>]) -> LanguageMap {
    let mut label = LanguageMap::default();
    for (language, texts) in pieces.iter().flat_map(|piece| piece.value.text.iter()) {
        let is_new = label.iter().all(|(known, _)| known != language);
        if let Some(text) = texts.first().filter(|_| is_new) {
            // A label is never HTML, and so nothing in it is escaped.
            label.push(language, plain_label(text));
        }
    }
    label
}

fn plain_label(text: &str) -> String {
    match text.strip_prefix("<span>").and_then(|text| text.strip_suffix("</span>")) {
        Some(inner) => inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"),
        None => text.to_owned(),
    }
}

fn links(rule: &Rule, pieces: &[Piece<'_>], class: &str, format: &str) -> Vec<Link> {
    let label = if rule.label.is_empty() && class == "Text" { website() } else { rule.label.clone() };
    let mut links: Vec<Link> = Vec::new();
    for uri in pieces.iter().filter_map(|piece| piece.value.uris.first()) {
        if links.iter().all(|link| link.id != *uri) {
            links.push(Link {
                id: uri.clone(),
                class: class.to_owned(),
                label: label.clone(),
                format: Some(format.to_owned()).filter(|format| !format.is_empty()),
                ..Link::default()
            });
        }
    }
    links
}

/// What a page is called of which nothing is known but its address.
pub(super) fn website() -> LanguageMap {
    let mut label = LanguageMap::one("en", "Website");
    label.push("de", "Webseite");
    label
}

fn direction(text: &str) -> Option<ViewingDirection> {
    match text.trim().to_ascii_lowercase().as_str() {
        "left-to-right" | "ltr" | "l2r" => Some(ViewingDirection::LeftToRight),
        "right-to-left" | "rtl" | "r2l" => Some(ViewingDirection::RightToLeft),
        "top-to-bottom" | "ttb" => Some(ViewingDirection::TopToBottom),
        "bottom-to-top" | "btt" => Some(ViewingDirection::BottomToTop),
        _ => None,
    }
}

/// A known licence becomes `rights`; other texts are shown, as the required statement where there is no licence.
fn take_rights(context: &Context<'_>, rule: &Rule, pieces: &[Piece<'_>], description: &mut Description) {
    let mut texts: Vec<&Piece<'_>> = Vec::new();
    for piece in pieces {
        let found = piece.value.uris.iter().find_map(|uri| rights::uri(uri).ok());
        let found = found
            .or_else(|| piece.value.text.iter().flat_map(|(_, texts)| texts).find_map(|text| rights::uri_within(text)));
        match found {
            Some(uri) => {
                description.rights.get_or_insert(uri);
            }
            None => texts.push(piece),
        }
    }
    let mut value = LanguageMap::default();
    for (language, text) in
        texts.iter().flat_map(|piece| piece.value.text.iter()).flat_map(|(l, t)| t.iter().map(move |t| (l, t)))
    {
        value.push(language, text.clone());
    }
    for uri in texts.iter().filter(|piece| piece.value.text.is_empty()).filter_map(|piece| piece.value.uris.first()) {
        value.push(LanguageMap::NONE, uri.clone());
    }
    let Some(first) = texts.first().filter(|_| !value.is_empty()) else { return };
    let pair = LabeledValue { label: label_of(rule, Some(first)), value };
    if description.rights.is_none() {
        let said = pair.value.first().unwrap_or_default();
        let said: String =
            if said.chars().count() > 80 { said.chars().take(79).chain(['…']).collect() } else { said.to_owned() };
        context.note(
            first.at,
            "rights-not-known",
            format!("`{said}` is no licence or statement of creativecommons.org or rightsstatements.org; it is shown as text"),
            "write the URI of one, or its short name such as CC-BY-4.0",
        );
    }
    if description.rights.is_none() && description.required_statement.is_none() {
        description.required_statement = Some(pair);
    } else {
        description.metadata.push(pair);
    }
}

pub(super) fn is_mods(root: Node<'_>) -> bool {
    const MODS: &str = "http://www.loc.gov/mods/v3";
    let is_named = |name| xml::is(root, name) && root.tag_name().namespace().is_none_or(|namespace| namespace == MODS);
    is_named("mods") || is_named("modsCollection")
}

pub(super) fn read_mods(context: &Context<'_>, root: Node<'_>) -> Description {
    let record = first_record(context, root, "mods");
    context.record(Format::Mods, record)
}

/// The record itself, or the first of a collection of records.
pub(super) fn first_record<'a>(context: &Context<'_>, root: Node<'a>, name: &'static str) -> Node<'a> {
    if xml::is(root, name) {
        return root;
    }
    let mut records = xml::descendants(root, name);
    let first = records.next();
    if let Some(second) = records.next() {
        let message = format!("the file has several records; the first <{name}> describes this object");
        context.note(second, "several-records", message, "put each record beside the images that it describes");
    }
    first.unwrap_or(root)
}

const DC: [&str; 2] = ["http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/"];

pub(super) fn is_dc_namespace(namespace: Option<&str>) -> bool {
    namespace.is_some_and(|namespace| {
        DC.contains(&namespace)
            || namespace.starts_with("http://purl.org/dc/")
            || namespace.starts_with("http://purl.org/DC/")
    })
}

pub(super) fn is_dublin_core(root: Node<'_>) -> bool {
    const OAI_DC: &str = "http://www.openarchives.org/OAI/2.0/oai_dc/";
    root.tag_name().namespace() == Some(OAI_DC)
        || dublin_core_record(root).is_some()
        || matches!(xml::name(root), "dublin_core" | "dublincore" | "dcx")
}

/// The element whose children are of Dublin Core: the root, or one or two levels below (`rdf:Description`, `metadata/oai_dc:dc`).
fn dublin_core_record(root: Node<'_>) -> Option<Node<'_>> {
    let has_terms = |node: &Node<'_>| xml::elements(*node).any(|child| is_dc_namespace(child.tag_name().namespace()));
    let below = xml::elements(root).take(20);
    std::iter::once(root)
        .chain(below.clone())
        .chain(below.flat_map(|child| xml::elements(child).take(20)))
        .find(has_terms)
}

pub(super) fn read_dublin_core(context: &Context<'_>, root: Node<'_>) -> Description {
    context.record(Format::DublinCore, dublin_core_record(root).unwrap_or(root))
}
