//! The document of a collection.

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{self as model, CollectionItem, Context, LanguageMap, Reference, Version};

use super::described::{Links, NAV_PLACE_CONTEXT, nav_place};
use super::manifests::Around;
use super::urls::Urls;
use super::{PageFacts, thumbnails};
use crate::description::{Description, Kind, Member};

/// A member of a collection, as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberPart {
    /// What it is.
    pub kind: Kind,
    /// What it is called in URLs.
    pub identifier: Identifier,
    /// Its label.
    pub label: LanguageMap,
    /// The image that stands for it.
    pub picture: Option<Identifier>,
    /// The facts of that image, where they are known. Without them the thumbnail is asked for by the box that it has to
    /// fit into.
    pub facts: Option<PageFacts>,
}

/// What the document of a collection is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectionParts {
    /// What its sources say.
    pub description: Description,
    /// What it holds, in order.
    pub members: Vec<MemberPart>,
}

/// The document of a collection.
pub fn collection(parts: &CollectionParts, around: Around<'_>, urls: &dyn Urls) -> model::Collection {
    let said = &parts.description;
    let links = Links { prefix: around.prefix, urls };
    let mut document = model::Collection::new(urls.collection(Version::V3, around.identifier), said.label.clone());
    document.metadata.clone_from(&said.metadata);
    document.summary = Some(said.summary.clone()).filter(|summary| !summary.is_empty());
    document.thumbnail = said.thumbnail.iter().map(|given| links.picture(given)).collect();
    document.behavior.clone_from(&said.behavior);
    document.nav_date.clone_from(&said.nav_date);
    document.rights.clone_from(&said.rights);
    document.required_statement.clone_from(&said.required_statement);
    document.homepage = said.homepage.iter().map(|link| links.resource(link, "Text", Some("Home page"))).collect();
    document.see_also = said.see_also.iter().map(|link| links.resource(link, "Dataset", None)).collect();
    document.rendering = said.rendering.iter().map(|link| links.resource(link, "Text", Some("Download"))).collect();
    document.part_of = around
        .collections
        .iter()
        .map(|(identifier, label)| Reference::collection(urls.collection(Version::V3, identifier), label.clone()))
        .collect();
    document.items = parts.members.iter().map(|member| item(member, urls)).collect();
    document.items.extend(said.members.iter().filter_map(|member| remote(member, links)));
    if !said.provider.is_empty() {
        document.extra.insert("provider".into(), links.providers(&said.provider));
    }
    if let Some(place) = &said.nav_place {
        document.context = Some(Context::Many(vec![NAV_PLACE_CONTEXT.into(), Version::V3.context().into()]));
        document.extra.insert("navPlace".into(), nav_place(place, &document.id));
    }
    document
}

fn item(member: &MemberPart, urls: &dyn Urls) -> CollectionItem {
    let mut item = match member.kind {
        Kind::Manifest => {
            CollectionItem::manifest(urls.manifest(Version::V3, &member.identifier), member.label.clone())
        }
        Kind::Collection => {
            CollectionItem::collection(urls.collection(Version::V3, &member.identifier), member.label.clone())
        }
    };
    let thumbnail = member.picture.as_ref().and_then(|image| thumbnails::of_member(image, member.facts.clone(), urls));
    item.thumbnail = thumbnail.into_iter().collect();
    item
}

/// A manifest or collection elsewhere. Members that the same source describes are published as items of their own.
fn remote(member: &Member, links: Links<'_>) -> Option<CollectionItem> {
    let Member::Remote { id, kind, label, thumbnail } = member else { return None };
    let label = if label.is_empty() { LanguageMap::none(id.as_str()) } else { label.clone() };
    let mut item = match kind {
        Kind::Manifest => CollectionItem::manifest(id.as_str(), label),
        Kind::Collection => CollectionItem::collection(id.as_str(), label),
    };
    item.thumbnail = thumbnail.iter().map(|given| links.picture(given)).collect();
    Some(item)
}
