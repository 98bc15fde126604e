//! Administrative sections of METS: owners and licences, links of the DFG viewer, and sizes of images.

use recto_iiif::presentation::{LabeledValue, LanguageMap};

use super::super::xml::{self, Node};
use super::super::{access, forms, html};
use super::{Mets, page_link};
use crate::description::{Description, Link, Provider};
use crate::readers::dates;
use crate::rights;

/// Adds what the sections that the object names say; when it names none, those of the whole document.
pub(super) fn apply(mets: &Mets<'_>, object: Option<Node<'_>>, description: &mut Description) {
    let named: Vec<Node<'_>> = object.map(|object| sections(mets, object)).unwrap_or_default();
    let of_kind = |name: &'static str| -> Vec<Node<'_>> {
        let inside: Vec<Node<'_>> =
            named.iter().flat_map(roxmltree::Node::descendants).filter(|node| xml::is(*node, name)).collect();
        let all = || {
            xml::children(mets.root, "amdSec")
                .flat_map(|section| xml::children(section, name).collect::<Vec<_>>())
                .collect()
        };
        if inside.is_empty() { all() } else { inside }
    };
    for section in of_kind("rightsMD") {
        take_rights(mets, section, description);
        access::of_section(mets.context, section, description);
    }
    for section in of_kind("digiprovMD") {
        take_links(section, description);
    }
}

fn sections<'a>(mets: &Mets<'a>, object: Node<'_>) -> Vec<Node<'a>> {
    let ids = xml::attribute(object, "ADMID").unwrap_or_default();
    let found = ids.split_whitespace().filter_map(|id| {
        let section = mets.ids.get(id).copied();
        if section.is_none() {
            let message = format!("the object names the administrative section `{id}`, which is not there");
            mets.context.warning(object, "dangling-reference", message, "add the section, or take the reference away");
        }
        section
    });
    found.collect()
}

fn labels(english: &str, german: &str) -> LanguageMap {
    let mut label = LanguageMap::one("en", english);
    label.push("de", german);
    label
}

fn take_rights(mets: &Mets<'_>, section: Node<'_>, description: &mut Description) {
    let value = |name: &'static str| xml::descendants(section, name).map(xml::text).find(|text| !text.is_empty());
    if let Some(owner) = value("owner") {
        let site = value("ownerSiteURL").filter(|site| forms::is_http(site));
        let is_new = description.provider.iter().all(|known| Some(&known.id) != site.as_ref());
        match site {
            Some(site) if is_new => description.provider.push(Provider {
                homepage: vec![page_link(&site, LanguageMap::none(owner.clone()))],
                id: site,
                label: LanguageMap::none(owner),
                logo: value("ownerLogo").filter(|logo| forms::is_http(logo)),
                ..Provider::default()
            }),
            Some(_) => {}
            None => show(description, labels("Provided by", "Bereitgestellt von"), &owner),
        }
    }
    if let Some(sponsor) = value("sponsor") {
        show(description, labels("Sponsor", "Förderer"), &sponsor);
    }
    // The DFG viewer's word, those of METSRights and PREMIS, and MODS or Dublin Core used here.
    let said = [
        "license",
        "licenseTerms",
        "RightsDeclaration",
        "accessCondition",
        "rights",
        "copyrightStatus",
        "licenseDocumentationIdentifierValue",
    ];
    for node in section.descendants().filter(|node| said.iter().any(|name| xml::is(*node, name))) {
        let has_parts = xml::elements(node).next().is_some();
        let text = if has_parts { String::new() } else { xml::text(node) };
        let address = xml::attribute(node, "href");
        let found = address.and_then(|address| rights::uri(address).ok()).or_else(|| rights::uri_within(&text));
        if let Some(uri) = found {
            description.rights.get_or_insert(uri);
        } else if !text.is_empty() {
            let label = labels("Rights", "Rechte");
            if description.rights.is_none() && description.required_statement.is_none() {
                let message = format!(
                    "`{}` is no licence or statement of creativecommons.org or rightsstatements.org; it is shown as text",
                    brief(&text)
                );
                mets.context.note(
                    node,
                    "rights-not-known",
                    message,
                    "write the URI of one, or its short name such as CC-BY-4.0",
                );
                description.required_statement =
                    Some(LabeledValue { label, value: LanguageMap::none(html::plain(&text)) });
            } else {
                show(description, label, &text);
            }
        }
    }
}

fn brief(text: &str) -> String {
    if text.chars().count() > 80 { text.chars().take(79).chain(['…']).collect() } else { text.to_owned() }
}

fn show(description: &mut Description, label: LanguageMap, text: &str) {
    let pair = LabeledValue { label, value: LanguageMap::none(html::plain(text)) };
    if !description.metadata.contains(&pair) {
        description.metadata.push(pair);
    }
}

/// `dv:links`: the object in the viewer of its owner, its record in the catalogue, and data.
fn take_links(section: Node<'_>, description: &mut Description) {
    for links in xml::descendants(section, "links") {
        for link in xml::elements(links) {
            let address = xml::text(link);
            if !forms::is_http(&address) {
                continue;
            }
            let is_known = description.homepage.iter().chain(&description.see_also).any(|known| known.id == address);
            if is_known {
                continue;
            }
            let own = xml::attribute(link, "linktext").map(LanguageMap::none);
            match xml::name(link) {
                "presentation" => description
                    .homepage
                    .insert(0, page_link(&address, own.unwrap_or_else(|| labels("Presentation", "Präsentation")))),
                "reference" => description
                    .homepage
                    .push(page_link(&address, own.unwrap_or_else(|| labels("Catalogue record", "Katalogeintrag")))),
                "iiif" => description.see_also.push(Link {
                    id: address,
                    class: "Manifest".to_owned(),
                    label: LanguageMap::none("IIIF"),
                    format: Some("application/ld+json".to_owned()),
                    ..Link::default()
                }),
                _ => {}
            }
        }
    }
}

/// Size and length of a file, as a technical section says them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measures {
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) duration: Option<f64>,
}

/// What the technical sections that an element names say: MIX, NISO, `AudioMD`, `VideoMD`, and what is alike.
pub(super) fn measures(mets: &Mets<'_>, node: Node<'_>) -> Measures {
    let mut measures = Measures::default();
    let sections = mets.named(node, "ADMID");
    let technical = sections.into_iter().flat_map(|section| {
        if xml::is(section, "techMD") { vec![section] } else { xml::children(section, "techMD").take(8).collect() }
    });
    for section in technical {
        // A section that describes many files at once is long, and its first values count.
        for part in section.descendants().filter(Node::is_element).take(4000) {
            let number = || part.text().and_then(|text| text.trim().parse::<u32>().ok()).filter(|number| *number > 0);
            match xml::name(part).to_ascii_lowercase().as_str() {
                "imagewidth" => measures.width = measures.width.or_else(number),
                "imageheight" | "imagelength" => measures.height = measures.height.or_else(number),
                "duration" => measures.duration = measures.duration.or_else(|| part.text().and_then(seconds)),
                _ => {}
            }
        }
    }
    if measures.width.is_none() || measures.height.is_none() {
        (measures.width, measures.height) = (None, None);
    }
    measures
}

/// `00:01:30.07`, `1:30`, `90.07`, `PT1M30S` in seconds.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("PT") {
        let (mut all, mut digits) = (0.0, String::new());
        for c in rest.chars() {
            let unit = match c {
                'H' => 3600.0,
                'M' => 60.0,
                'S' => 1.0,
                c => {
                    digits.push(c);
                    continue;
                }
            };
            all += digits.parse::<f64>().ok()? * unit;
            digits.clear();
        }
        return Some(all).filter(|all| all.is_finite() && *all >= 0.0 && digits.is_empty());
    }
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 4 {
        return None;
    }
    let numbers: Vec<f64> = parts
        .iter()
        .map(|part| part.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0))
        .collect::<Option<_>>()?;
    Some(match numbers.as_slice() {
        [seconds] => *seconds,
        [minutes, seconds] => minutes * 60.0 + seconds,
        [hours, minutes, seconds] => hours * 3600.0 + minutes * 60.0 + seconds,
        // The last are pictures of a second, of which the number is not known; 25 is the most usual.
        [hours, minutes, seconds, pictures] => hours * 3600.0 + minutes * 60.0 + seconds + pictures / 25.0,
        _ => return None,
    })
}

/// The moment of a division such as a day of a newspaper.
pub(super) fn moment(division: Node<'_>) -> Option<String> {
    let label = xml::attribute(division, "ORDERLABEL")?;
    dates::nav_date(label).filter(|_| label.len() >= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_usual_form() {
        for (given, want) in [
            ("00:01:30.07", Some(90.07)),
            ("1:30", Some(90.0)),
            ("90.5", Some(90.5)),
            ("00:00:20:05", Some(20.2)),
            ("PT1M30S", Some(90.0)),
            ("PT1H", Some(3600.0)),
            ("", None),
            ("abc", None),
            ("-5", None),
            ("1:2:3:4:5", None),
            ("inf", None),
            ("PT5", None),
        ] {
            assert_eq!(seconds(given), want, "{given}");
        }
    }
}
