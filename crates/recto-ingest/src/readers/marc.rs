//! MARC 21 in XML: fields, subfields, punctuation, and fields in the original script (880).

use super::forms::{self, Valued};
use super::path::Marc;
use super::record;
use super::xml::{self, Node};
use super::{Context, Description};
use crate::mapping::{Form, Format, Rule};

const MARC: &str = "http://www.loc.gov/MARC21/slim";

pub(super) fn recognise(root: Node<'_>) -> bool {
    let namespace = root.tag_name().namespace();
    let is_named = xml::is(root, "record") || xml::is(root, "collection");
    is_named
        && (namespace == Some(MARC)
            || namespace.is_none()
                && xml::descendants(root, "controlfield").chain(xml::descendants(root, "datafield")).next().is_some())
}

pub(super) fn read(context: &Context<'_>, root: Node<'_>) -> Description {
    let found = record::first_record(context, root, "record");
    let mut description = context.record(Format::Marc, found);
    if description.label.is_empty() {
        // A record of authority has a heading and no title.
        let heading = xml::children(found, "datafield")
            .find(|field| xml::attribute(*field, "tag").is_some_and(|tag| tag.starts_with('1') && tag.len() == 3));
        if let Some(heading) = heading {
            let text = field_text(heading, "abcdnpqt", " ");
            if let Some(value) = Valued::plain(None, &text) {
                description.label = value.text;
            }
        }
    }
    description
}

/// The values of fields, each with the role that it says.
pub(super) fn values<'a>(record: Node<'a>, wanted: &Marc, rule: &Rule) -> Vec<(Valued, Option<String>, Node<'a>)> {
    let mut values = Vec::new();
    for field in xml::elements(record) {
        let Some(tag) = xml::attribute(field, "tag") else { continue };
        if xml::is(field, "controlfield") {
            if wanted.is_for(tag) {
                let text = field.text().unwrap_or_default();
                let text = control_text(text, wanted.characters, rule.form);
                values.extend(forms::of_text(&text, rule.form, None).map(|value| (value, None, field)));
            }
            continue;
        }
        if !xml::is(field, "datafield") || wanted.characters.is_some() {
            continue;
        }
        // The same in its original script: `$6 245-01/$1`.
        let meant = if tag == "880" {
            subfields(field, "6").next().and_then(|link| link.get(..3)).unwrap_or_default()
        } else {
            tag
        };
        let fits = |name, wanted: Option<char>| {
            wanted.is_none_or(|wanted| {
                field.attribute(name).and_then(|value| value.chars().next()).unwrap_or(' ') == wanted
            })
        };
        if !wanted.is_for(meant) || !fits("ind1", wanted.indicators[0]) || !fits("ind2", wanted.indicators[1]) {
            continue;
        }
        let role = subfields(field, "4")
            .chain(subfields(field, "e"))
            .find(|role| !role.is_empty())
            .map(str::to_owned)
            .filter(|_| rule.label_from.is_some());
        if matches!(rule.form, Form::Language | Form::Link) {
            // Each subfield is a value; old records write several codes as one word (`engger`).
            for text in subfields(field, &wanted.subfields) {
                let is_joined = rule.form == Form::Language
                    && text.len() > 3
                    && text.len() % 3 == 0
                    && text.bytes().all(|b| b.is_ascii_lowercase());
                let texts: Vec<&str> = if is_joined {
                    (0..text.len() / 3).map(|at| &text[at * 3..at * 3 + 3]).collect()
                } else {
                    vec![text]
                };
                values.extend(
                    texts
                        .into_iter()
                        .filter_map(|text| forms::of_text(text, rule.form, None))
                        .map(|value| (value, role.clone(), field)),
                );
            }
            continue;
        }
        let text = field_text(field, &wanted.subfields, rule.join_subfields.as_deref().unwrap_or(" "));
        values.extend(forms::of_text(&text, rule.form, None).map(|value| (value, role, field)));
    }
    values
}

/// Characters of a control field; those that say "no such thing" are nothing.
fn control_text(text: &str, characters: Option<(usize, usize)>, form: Form) -> String {
    let Some((first, last)) = characters else { return text.trim().to_owned() };
    let part: String = text.chars().skip(first).take((last + 1).saturating_sub(first)).collect();
    let is_filled = part.chars().all(|c| matches!(c, ' ' | '|' | '#'));
    // 008/06 tells what the date is: only single and first dates are shown.
    let is_uncertain =
        form == Form::Date && !matches!(text.chars().nth(6), Some('s' | 't' | 'e' | 'r' | 'm' | 'c' | 'd' | 'i' | 'k'));
    if is_filled || is_uncertain { String::new() } else { part.trim().to_owned() }
}

fn subfields<'a>(field: Node<'a>, codes: &str) -> impl Iterator<Item = &'a str> {
    let codes = codes.to_owned();
    xml::children(field, "subfield")
        .filter(move |subfield| {
            xml::attribute(*subfield, "code").is_some_and(|code| {
                codes.is_empty() && code.bytes().all(|b| b.is_ascii_alphabetic()) || codes.contains(code)
            })
        })
        .filter_map(|subfield| subfield.text())
        .map(str::trim)
}

/// Subfields in the order of the field, without the punctuation that stands between areas.
fn field_text(field: Node<'_>, codes: &str, join: &str) -> String {
    let mut out = String::new();
    for text in subfields(field, codes).filter(|text| !text.is_empty()) {
        if join != " " {
            out.truncate(out.trim_end_matches([' ', '.', ',', ';']).len());
        }
        if !out.is_empty() {
            out.push_str(join);
        }
        out.push_str(text);
    }
    let text = out.trim_end_matches([' ', '/', ':', ';', ',', '=']);
    // A full stop ends the area, but belongs to initials and abbreviations, which are short.
    match text.strip_suffix('.') {
        Some(bare) if bare.rsplit([' ', '.']).next().is_some_and(|word| word.chars().count() > 3) => bare.to_owned(),
        _ => text.to_owned(),
    }
}
