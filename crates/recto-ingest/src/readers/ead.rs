//! EAD 2002 and EAD 3: finding aids become trees of collections, and components with digital objects become their manifests.

use recto_iiif::presentation::LanguageMap;

use super::links::{self, Class, Target};
use super::xml::{self, Node};
use super::{Context, forms};
use crate::description::{Content, Description, Kind, Link, Location, Member, Page};
use crate::mapping::Format;

const EAD: [&str; 2] = ["urn:isbn:1-931666-22-9", "http://ead3.archivists.org/schema/"];

pub(super) fn recognise(root: Node<'_>) -> bool {
    xml::is(root, "ead")
        && root.tag_name().namespace().is_none_or(|namespace| EAD.contains(&namespace) || namespace.contains("ead"))
}

pub(super) fn read(context: &Context<'_>, root: Node<'_>) -> Description {
    let Some(archive) = xml::child(root, "archdesc") else {
        context.warning(root, "no-description", "there is no <archdesc>".to_owned(), "export the finding aid again");
        return Description::default();
    };
    // Some leave the outermost description empty and have all of it in one component.
    let mut parts = components(archive).into_iter();
    let only = parts.next().filter(|_| parts.next().is_none() && xml::child(archive, "did").is_none());
    let mut description = component(context, only.unwrap_or(archive));
    if description.label.is_empty() {
        let title =
            xml::descendants(root, "titleproper").find(|title| xml::attribute(*title, "type") != Some("filing"));
        let title = title.map(|title| forms::without(title, &["num", "date"])).filter(|title| !title.is_empty());
        description.label = title.map(LanguageMap::none).unwrap_or_default();
    }
    description
}

/// A component with the components in it. Documents are no deeper than a limit that stacks have room for.
fn component(context: &Context<'_>, node: Node<'_>) -> Description {
    let mut description = context.record(Format::Ead, node);
    if description.label.is_empty() {
        let did = xml::child(node, "did");
        let other = ["unitid", "unitdate", "container"]
            .into_iter()
            .filter_map(|name| did.and_then(|did| xml::child(did, name)).map(xml::text));
        let mut other = other;
        let other = other.find(|text| !text.is_empty());
        description.label = other.map(LanguageMap::none).unwrap_or_default();
    }
    let mut members = Vec::new();
    for part in components(node) {
        let part = component(context, part);
        // What leads to nothing that can be shown would be an empty collection.
        if part.kind.is_some() {
            members.push(Member::Described(Box::new(part)));
        }
    }
    let objects = Objects::of(context, node);
    description.homepage.extend(objects.homepages);
    description.thumbnail = objects.thumbnail;
    let has_pages = !objects.pages.is_empty();
    if members.is_empty() && objects.members.is_empty() {
        description.pages = objects.pages;
        description.kind = has_pages.then_some(Kind::Manifest);
        return description;
    }
    description.kind = Some(Kind::Collection);
    if has_pages {
        let own = Description {
            label: description.label.clone(),
            kind: Some(Kind::Manifest),
            pages: objects.pages,
            ..Description::default()
        };
        description.members.push(Member::Described(Box::new(own)));
    }
    description.members.extend(objects.members);
    description.members.extend(members);
    description
}

/// The components directly below one: `c`, `c01` to `c12`, in `dsc` or not.
fn components(node: Node<'_>) -> Vec<Node<'_>> {
    let is_component = |node: &Node<'_>| {
        let name = xml::name(*node);
        name == "c" || name.len() == 3 && name.starts_with('c') && name[1..].bytes().all(|b| b.is_ascii_digit())
    };
    let mut found = Vec::new();
    for child in xml::elements(node) {
        if is_component(&child) {
            found.push(child);
        } else if xml::is(child, "dsc") {
            found.extend(xml::elements(child).filter(is_component));
        }
    }
    found
}

/// The digital objects of a component.
#[derive(Default)]
struct Objects {
    pages: Vec<Page>,
    members: Vec<Member>,
    homepages: Vec<Link>,
    thumbnail: Option<String>,
}

impl Objects {
    fn of(context: &Context<'_>, component: Node<'_>) -> Self {
        let mut objects = Self::default();
        let did = xml::child(component, "did");
        for around in std::iter::once(component).chain(did) {
            for child in xml::elements(around) {
                objects.take(context, child);
            }
        }
        objects
    }

    fn take(&mut self, context: &Context<'_>, node: Node<'_>) {
        match xml::name(node).to_ascii_lowercase().as_str() {
            "dao" => self.object(context, node),
            "daogrp" | "daoset" => {
                for part in xml::elements(node).filter(|part| xml::is(*part, "daoloc") || xml::is(*part, "dao")) {
                    self.object(context, part);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, context: &Context<'_>, node: Node<'_>) {
        let entity =
            xml::attribute(node, "entityref").and_then(|entity| context.document.external_entities.get(entity));
        let Some(address) = xml::attribute(node, "href").or(entity.map(String::as_str)) else {
            let message = "a digital object has no address".to_owned();
            context.warning(node, "unusable-address", message, "write it as `href`");
            return;
        };
        let target = match links::resolve(context, address) {
            Ok(target) => target,
            Err(why) => {
                if let Some(id) = links::outward(address).filter(|_| why == links::Unresolved::Outside) {
                    self.members.push(Member::Source { id, kind: Kind::Manifest, label: title(node) });
                    return;
                }
                let message = format!("the address `{address}` of a digital object {}", why.words());
                context.warning(
                    node,
                    "unusable-address",
                    message,
                    "write a path relative to the finding aid, or an http address",
                );
                return;
            }
        };
        let label = title(node);
        let role = ["role", "daotype", "localtype", "linkrole", "type"]
            .into_iter()
            .filter_map(|name| xml::attribute(node, name))
            .collect::<Vec<_>>()
            .join(" ")
            .to_ascii_lowercase();
        if role.contains("thumb") {
            self.thumbnail = Some(target.address);
            return;
        }
        if is_manifest(&target.address, &role) && !target.is_local {
            let kind = if target.address.contains("collection") { Kind::Collection } else { Kind::Manifest };
            self.members.push(Member::Remote { id: target.address, kind, label, thumbnail: None });
            return;
        }
        let media_type = role.split(' ').find(|role| role.contains('/') && !role.contains("://"));
        match links::class(media_type, &target.address) {
            Class::Image | Class::Sound | Class::Video => self.page(context, node, &target, media_type, label),
            _ if matches!(target.location(), Location::ImageService(_)) => {
                self.page(context, node, &target, media_type, label);
            }
            Class::Pdf if target.is_local => self.page(context, node, &target, media_type, label),
            Class::Other | Class::Text if target.is_local => {
                self.members.push(Member::Source { id: target.address, kind: Kind::Manifest, label });
            }
            _ if links::media_type(&target.address) == Some("application/xml") || role.contains("mets") => {
                self.members.push(Member::Source { id: target.address, kind: Kind::Manifest, label });
            }
            _ => {
                let message = format!(
                    "the digital object `{}` is neither a picture nor a recording nor a manifest; it is linked to",
                    target.address
                );
                context.note(
                    node,
                    "unknown-object",
                    message,
                    "write its media type or `IIIF` as its role, if it is one",
                );
                let label = if label.is_empty() { super::record::website() } else { label };
                let format = links::media_type(&target.address).map(str::to_owned);
                self.homepages.push(Link {
                    id: target.address,
                    class: "Text".to_owned(),
                    label,
                    format,
                    ..Link::default()
                });
            }
        }
    }

    fn page(
        &mut self,
        context: &Context<'_>,
        node: Node<'_>,
        target: &Target,
        media_type: Option<&str>,
        label: LanguageMap,
    ) {
        if target.exists == Some(false) {
            let message = format!("the file `{}` is not there", target.address);
            context.warning(node, "missing-file", message, "put it there, or write where it is");
        }
        let mut content = Content::at(target.location());
        content.format = media_type.map(str::to_owned);
        self.pages.push(Page { contents: vec![content], label, ..Page::default() });
    }
}

fn is_manifest(address: &str, role: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    role.contains("iiif") && links::image_service(address).is_none()
        || path.ends_with("/manifest")
        || path.ends_with("manifest.json")
        || path.contains("/iiif/")
            && links::media_type(path) == Some("application/json")
            && !path.ends_with("info.json")
}

fn title(node: Node<'_>) -> LanguageMap {
    let text = ["title", "linktitle", "label"]
        .into_iter()
        .filter(|name| *name != "label" || xml::is(node, "dao"))
        .find_map(|name| xml::attribute(node, name))
        .map(|text| xml::words(text).into_owned());
    let text = text
        .or_else(|| ["daodesc", "descriptivenote"].into_iter().find_map(|name| xml::child(node, name)).map(xml::text))
        .filter(|text| !text.is_empty());
    text.map(LanguageMap::none).unwrap_or_default()
}
