//! LIDO: museum objects, and the pictures that the record names.

use recto_iiif::presentation::LanguageMap;

use super::xml::{self, Node};
use super::{Context, forms, links, record};
use crate::description::{Content, Description, Page};
use crate::mapping::Format;

pub(super) fn recognise(root: Node<'_>) -> bool {
    const LIDO: &str = "http://www.lido-schema.org";
    let is_named = xml::is(root, "lido") || xml::is(root, "lidoWrap");
    is_named && root.tag_name().namespace().is_none_or(|namespace| namespace == LIDO)
}

pub(super) fn read(context: &Context<'_>, root: Node<'_>) -> Description {
    let object = record::first_record(context, root, "lido");
    let mut description = context.record(Format::Lido, object);
    let mut sets: Vec<Node<'_>> = xml::descendants(object, "resourceSet").collect();
    let order = |set: &Node<'_>| {
        xml::attribute(*set, "sortorder").and_then(|order| order.parse::<u32>().ok()).unwrap_or(u32::MAX)
    };
    sets.sort_by_key(order);
    description.pages = sets.into_iter().filter_map(|set| page(context, set)).collect();
    description
}

/// The best representation of a resource.
fn page(context: &Context<'_>, set: Node<'_>) -> Option<Page> {
    let mut best: Option<(u8, Content)> = None;
    let mut thumbnail = None;
    for representation in xml::children(set, "resourceRepresentation") {
        let kind = xml::attribute(representation, "type").unwrap_or_default().to_ascii_lowercase();
        for link in xml::children(representation, "linkResource") {
            let address = xml::text(link);
            let target = match links::resolve(context, &address) {
                Ok(target) => target,
                Err(why) => {
                    let message = format!("the address `{address}` of a resource {}", why.words());
                    context.warning(
                        link,
                        "unusable-address",
                        message,
                        "write a path relative to the LIDO file, or an http address",
                    );
                    continue;
                }
            };
            if target.exists == Some(false) {
                let message = format!("the file `{}` is not there", target.address);
                context.warning(link, "missing-file", message, "put it there, or write where it is");
            }
            let is_small = kind.contains("thumb") || kind.ends_with("lido00451");
            if is_small {
                thumbnail = Some(target.address.clone());
            }
            let rank = match () {
                () if is_small => 3,
                () if kind.contains("master") || kind.contains("iiif") || links::image_service(&address).is_some() => 0,
                () if kind.contains("overview") => 2,
                () => 1,
            };
            if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                let (width, height) = size(representation);
                let mut content = Content::at(target.location());
                (content.width, content.height) = (width, height);
                content.format =
                    xml::attribute(link, "formatResource").filter(|format| format.contains('/')).map(str::to_owned);
                best = Some((rank, content));
            }
        }
    }
    let (_, content) = best?;
    let mut label = LanguageMap::default();
    for description in xml::children(set, "resourceDescription") {
        let text = xml::text(description);
        if !text.is_empty() {
            label.push(forms::language_of(description).as_deref().unwrap_or(LanguageMap::NONE), text);
        }
    }
    Some(Page { contents: vec![content], label, thumbnail, ..Page::default() })
}

fn size(representation: Node<'_>) -> (Option<u32>, Option<u32>) {
    let mut size = (None, None);
    for set in xml::descendants(representation, "resourceMeasurementsSet") {
        let text = |name| xml::child(set, name).map(xml::text).unwrap_or_default().to_lowercase();
        let is_pixels = text("measurementUnit").starts_with("pi") || text("measurementUnit") == "px";
        let value = text("measurementValue").parse::<u32>().ok().filter(|value| is_pixels && *value > 0);
        match text("measurementType").as_str() {
            "width" | "breite" | "image width" => size.0 = value,
            "height" | "höhe" | "image height" => size.1 = value,
            _ => {}
        }
    }
    if size.0.is_some() && size.1.is_some() { size } else { (None, None) }
}
