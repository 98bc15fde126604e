//! The `Link` headers that an image service may send.

use super::{Check, Concern, Run};
use crate::{client::ClientError, examination::Examination};

pub(super) const LINKS: Check = Check {
    id: "link-headers",
    concern: Concern::Image,
    title: "Link headers",
    why: "The canonical link tells caches and search engines that two requests mean one image; the profile link tells the level.",
    section: "Image API 3.0 §4.8, §7.1, compliance §4",
    run: Run::Asks(links),
};

fn links(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let size = service.sizes.iter().copied().min_by_key(|size| size.area_px());
    let size = size.unwrap_or_else(|| service.size.reduced(service.size.width_px.div_ceil(200).max(1)));
    let url = service.address(&service.tile_path(service.size.rect(), size));
    let done = format!("GET {url}");
    let answer = examination.client.get(&url)?;
    let header = answer.all("link");
    let seen = format!("{} · Link: {}", answer.status, if header.is_empty() { "none" } else { &header });
    for (name, relation) in [("canonicalLinkHeader", "canonical"), ("profileLinkHeader", "profile")] {
        let target = target(&header, relation);
        examination.set_feature(name, None, Some(target.is_some()));
        match target {
            Some(target) if relation == "canonical" && !target.contains(service.base.path.as_str()) => {
                let remedy = "Name the canonical URI of this very image.";
                examination.error("the canonical link leads elsewhere", &done, &target, remedy);
            }
            Some(target) if relation == "profile" && crate::service::level(&target) != service.level => {
                let remedy = "Name the same level in the header and in the image information.";
                examination.error(
                    "the profile link names another level than the image information",
                    &done,
                    &target,
                    remedy,
                );
            }
            Some(target) => examination.pass(&format!("there is a {relation} link"), &done, &target),
            None if service.extra.contains(name) => {
                let remedy = format!("Send `Link: <…>;rel=\"{relation}\"`, or do not announce `{name}`.");
                examination.error(&format!("`{name}` is announced, and there is none"), &done, &seen, &remedy);
            }
            None => examination.note(&format!("there is no {relation} link; none is required"), &done, &seen),
        }
    }
    Ok(())
}

/// The target of the link with this relation.
fn target(header: &str, relation: &str) -> Option<String> {
    for entry in header.split('<').skip(1) {
        let (target, parameters) = entry.split_once('>')?;
        let parameters: String = parameters.chars().filter(|character| !character.is_whitespace()).collect();
        let ours = parameters.split([';', ',']).any(|parameter| {
            let value = parameter.strip_prefix("rel=").unwrap_or_default();
            value.trim_matches('"') == relation
        });
        if ours {
            return Some(target.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_of_a_relation_is_found() {
        let header = "<http://a/x>;rel=\"canonical\", <http://iiif.io/api/image/2/level2.json>; rel=profile";
        assert_eq!(target(header, "canonical").as_deref(), Some("http://a/x"));
        assert_eq!(target(header, "profile").as_deref(), Some("http://iiif.io/api/image/2/level2.json"));
        assert_eq!(target(header, "next"), None);
        assert_eq!(target("<unfinished", "next"), None);
    }
}
