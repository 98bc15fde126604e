//! The manifest of an object.

use std::collections::HashMap;

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{
    Behavior, ContentResource, Context, LanguageMap, Manifest, Reference, Version, ViewingDirection,
};
use serde_json::json;

use super::described::{Links, NAV_PLACE_CONTEXT, nav_place};
use super::parts::ObjectParts;
use super::plan::{CanvasPlan, plan};
use super::ranges::Pages;
use super::urls::Urls;
use super::{PageFacts, canvases, made, ranges};
use crate::description::Description;
use crate::{Finding, Severity};

/// What is around an object.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// What the object is called in URLs.
    pub identifier: &'a Identifier,
    /// What the paths of its files begin with: its folder with a slash behind it; nothing at the top of the library.
    pub prefix: &'a str,
    /// Identifier and label of each collection that lists it.
    pub collections: &'a [(Identifier, LanguageMap)],
}

/// The manifest of an object, with a finding for each page that became a placeholder, and for each part of the table of
/// contents that leads nowhere.
///
/// `facts` may come in any order; the order of canvases is that of the object's pages and of the pages in their files.
pub fn manifest(
    parts: &ObjectParts,
    around: Around<'_>,
    facts: &[PageFacts],
    urls: &dyn Urls,
) -> (Manifest, Vec<Finding>) {
    if let Some(manifest) = made::manifest(parts, around, urls) {
        return (manifest, Vec::new());
    }
    let mut findings = left_out(facts);
    let plans = plan(parts, around.prefix, facts);
    let links = Links { prefix: around.prefix, urls };
    let said = &parts.description;
    let mut manifest = Manifest::new(urls.manifest(Version::V3, around.identifier), said.label.clone());
    manifest.items = plans
        .iter()
        .map(|plan| canvases::canvas(plan, around.identifier, said.language.as_deref(), links, &mut findings))
        .collect();
    manifest.metadata.clone_from(&said.metadata);
    manifest.summary = Some(said.summary.clone()).filter(|summary| !summary.is_empty());
    manifest.thumbnail = match &said.thumbnail {
        Some(given) => vec![links.picture(given)],
        None => first_thumbnail(&manifest),
    };
    describe_reading(&mut manifest, parts);
    manifest.nav_date.clone_from(&said.nav_date);
    manifest.rights.clone_from(&said.rights);
    manifest.required_statement.clone_from(&said.required_statement);
    manifest.homepage = said.homepage.iter().map(|link| links.resource(link, "Text", Some("Home page"))).collect();
    if manifest.homepage.is_empty() {
        manifest.homepage = vec![ContentResource::html(urls.item_page(around.identifier), said.label.clone())];
    }
    manifest.see_also = said.see_also.iter().map(|link| links.resource(link, "Dataset", None)).collect();
    manifest.rendering = said.rendering.iter().map(|link| links.resource(link, "Text", Some("Download"))).collect();
    manifest.rendering.extend(downloads(said, around.identifier, &plans, urls));
    manifest.part_of = around
        .collections
        .iter()
        .map(|(identifier, label)| Reference::collection(urls.collection(Version::V3, identifier), label.clone()))
        .collect();
    structure(&mut manifest, parts, &plans, around, urls, &mut findings);
    if !said.provider.is_empty() {
        manifest.extra.insert("provider".into(), links.providers(&said.provider));
    }
    if let Some(place) = &said.nav_place {
        manifest.context = Some(Context::Many(vec![NAV_PLACE_CONTEXT.into(), Version::V3.context().into()]));
        manifest.extra.insert("navPlace".into(), nav_place(place, &manifest.id));
    }
    (manifest, findings)
}

/// Files of which not all pages are known, for there are too many.
fn left_out(facts: &[PageFacts]) -> Vec<Finding> {
    let mut of_file: HashMap<&Identifier, (u32, u32)> = HashMap::new();
    for page in facts.iter().filter(|page| page.problem.is_none()) {
        let (known, all) = of_file.entry(&page.file).or_default();
        *known += 1;
        *all = (*all).max(page.pages);
    }
    let mut findings: Vec<Finding> = of_file
        .into_iter()
        .filter(|(_, (known, all))| known < all)
        .map(|(file, (known, all))| {
            Finding::new(
                Severity::Error,
                "pages-left-out",
                file.as_str(),
                format!("the file has {all} pages, and only the first {known} are published"),
                "divide it into several files",
            )
        })
        .collect();
    findings.sort_by(|left, right| left.place.cmp(&right.place));
    findings
}

/// The whole as one file, where there are pages for it and nobody said otherwise.
fn downloads(
    said: &Description,
    object: &Identifier,
    plans: &[CanvasPlan<'_>],
    urls: &dyn Urls,
) -> Vec<ContentResource> {
    let has_pages = plans.iter().any(|plan| plan.facts().is_some_and(|facts| facts.recording.is_none()));
    let offered = |word: &str, wish: Option<bool>, label: &str, kind: &str, format: &str| {
        (has_pages && wish != Some(false)).then(|| {
            let mut resource = ContentResource::new(urls.download(object, word), kind);
            resource.label = Some(LanguageMap::one("en", label));
            resource.format = Some(format.to_owned());
            resource
        })
    };
    let pdf = offered("pdf", said.downloads.pdf, "All pages as PDF", "Text", "application/pdf");
    let zip = offered("zip", said.downloads.zip, "All images in an archive", "Dataset", "application/zip");
    pdf.into_iter().chain(zip).collect()
}

fn first_thumbnail(manifest: &Manifest) -> Vec<ContentResource> {
    let first = manifest.items.iter().find(|canvas| !canvas.thumbnail.is_empty());
    first.map(|canvas| canvas.thumbnail.clone()).unwrap_or_default()
}

/// Direction and behaviour. Without a word about them, several still pages are those of a book.
fn describe_reading(manifest: &mut Manifest, parts: &ObjectParts) {
    let said = &parts.description;
    let is_timed = manifest.items.iter().any(|canvas| canvas.duration.is_some());
    let has_pages = manifest.items.len() > 1 && !is_timed;
    manifest.viewing_direction = said.viewing_direction.or_else(|| has_pages.then_some(ViewingDirection::LeftToRight));
    manifest.behavior.clone_from(&said.behavior);
    if manifest.behavior.is_empty() && has_pages {
        manifest.behavior = vec![Behavior::Paged];
    }
}

fn structure(
    manifest: &mut Manifest,
    parts: &ObjectParts,
    plans: &[CanvasPlan<'_>],
    around: Around<'_>,
    urls: &dyn Urls,
    findings: &mut Vec<Finding>,
) {
    let said = &parts.description;
    if said.ranges.is_empty() && said.start.is_none() {
        return;
    }
    let ids: Vec<&str> = manifest.items.iter().map(|canvas| canvas.id.as_str()).collect();
    let pages = Pages::new(plans, &ids);
    let place = around.prefix.trim_end_matches('/');
    let start = said.start.as_ref().and_then(|start| pages.find(start).map(str::to_owned));
    let structures =
        ranges::structures(&said.ranges, &pages, &|name| urls.range(around.identifier, name), place, findings);
    manifest.structures = structures;
    manifest.start = start.map(|canvas| json!({ "id": canvas, "type": "Canvas" }));
}

/// Names of things by what they are called, each with the first that has it.
pub(super) fn first_of<'a>(names: impl Iterator<Item = (&'a str, usize)>) -> HashMap<&'a str, usize> {
    let mut places = HashMap::new();
    for (name, place) in names {
        places.entry(name).or_insert(place);
    }
    places
}
