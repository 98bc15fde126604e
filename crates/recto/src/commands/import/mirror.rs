//! Fetches the images of a manifest into its folder.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::output::say;

/// So much of an image tells what it is.
const HEAD_BYTES: u64 = 64;
/// Longer images are not mirrored.
const MOST_IMAGE_BYTES: u64 = 2 << 30;

/// Longest time for one image.
const LONGEST: Duration = Duration::from_hours(1);
/// Longest time until a server begins to answer.
const LONGEST_SILENCE: Duration = Duration::from_mins(1);

/// What came of the images of a manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mirrored {
    pub(super) fetched: usize,
    pub(super) failed: usize,
}

/// Fetches the images that are painted; each is named by its number from then on. What cannot be had stays where it is.
pub(super) fn mirror(document: &mut Value, folder: &Path) -> anyhow::Result<Mirrored> {
    let (mut mirrored, mut number) = (Mirrored::default(), 0);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(LONGEST))
        .timeout_recv_response(Some(LONGEST_SILENCE))
        .user_agent(concat!("recto/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    for canvas in document["items"].as_array_mut().into_iter().flatten() {
        for page in canvas["items"].as_array_mut().into_iter().flatten() {
            for annotation in page["items"].as_array_mut().into_iter().flatten() {
                for body in images_of(&mut annotation["body"]) {
                    number += 1;
                    if fetch_image(&agent, body, number, folder)? {
                        mirrored.fetched += 1;
                    } else {
                        mirrored.failed += 1;
                    }
                }
            }
        }
    }
    Ok(mirrored)
}

/// The images of a body: itself, or the alternatives of a choice.
fn images_of(body: &mut Value) -> Vec<&mut Value> {
    let (mut images, mut open) = (Vec::new(), vec![body]);
    while let Some(body) = open.pop() {
        match body["type"].as_str() {
            Some("Image") => images.push(body),
            Some("Choice") => open.extend(body["items"].as_array_mut().into_iter().flatten()),
            // A part of an image is a part of what is fetched.
            Some("SpecificResource") if body["source"].is_object() => open.push(&mut body["source"]),
            _ => {
                if let Value::Array(bodies) = body {
                    open.extend(bodies);
                }
            }
        }
    }
    images.reverse();
    images
}

/// True when the image lies in the folder from now on.
fn fetch_image(agent: &ureq::Agent, body: &mut Value, number: usize, folder: &Path) -> anyhow::Result<bool> {
    let places = places(body);
    let Some(named) = places.last().cloned() else { return Ok(false) };
    let mut why = None;
    let part = folder.join(format!("{number:04}.part"));
    for url in places {
        match fetch_to(agent, &url, &part) {
            Ok(head) => match extension(&head) {
                Some(extension) => {
                    let name = format!("{number:04}.{extension}");
                    fs::rename(&part, folder.join(&name))?;
                    body["id"] = Value::String(name);
                    if let Some(fields) = body.as_object_mut() {
                        fields.shift_remove("service");
                    }
                    return Ok(true);
                }
                None => why = Some(format!("{url} gives no image")),
            },
            Err(error) => why = Some(format!("{error:#}")),
        }
    }
    // Often there is nothing.
    let _ = fs::remove_file(&part);
    say(&format!("{named} stays where it is: {}", why.unwrap_or_default()));
    Ok(false)
}

/// Writes what is at a URL to a file, as it comes. Gives its first bytes.
fn fetch_to(agent: &ureq::Agent, url: &str, to: &Path) -> anyhow::Result<Vec<u8>> {
    let mut answer = agent.get(url).call().with_context(|| format!("{url} cannot be had"))?;
    let mut body = answer.body_mut().with_config().limit(MOST_IMAGE_BYTES).reader();
    let mut head = Vec::new();
    let read = (&mut body).take(HEAD_BYTES).read_to_end(&mut head).map(drop);
    let mut file = fs::File::create(to).with_context(|| format!("`{}` cannot be written", to.display()))?;
    file.write_all(&head)?;
    let read = read.and_then(|()| io::copy(&mut body, &mut file).map(drop));
    read.with_context(|| format!("{url} broke off, or is longer than {} MiB", MOST_IMAGE_BYTES >> 20))?;
    Ok(head)
}

/// Where an image can be had, the largest first: all of it from its service, else what the manifest shows of it.
fn places(body: &Value) -> Vec<String> {
    let mut places = Vec::new();
    for service in body["service"].as_array().into_iter().flatten() {
        let Some(id) = service["id"].as_str().or(service["@id"].as_str()) else { continue };
        let id = id.trim_end_matches('/');
        match service["type"].as_str().or(service["@type"].as_str()) {
            Some("ImageService3") => places.push(format!("{id}/full/max/0/default.jpg")),
            Some("ImageService2" | "ImageService1") => {
                places.push(format!("{id}/full/full/0/default.jpg"));
                places.push(format!("{id}/full/max/0/default.jpg"));
            }
            _ => {}
        }
    }
    places.extend(body["id"].as_str().map(str::to_owned));
    places.dedup();
    places
}

/// What a file of an image is called, by its first bytes; `None` for what is no image.
fn extension(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [0x89, b'P', b'N', b'G', ..] => "png",
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => "tif",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => "jp2",
        [0xff, 0x4f, 0xff, 0x51, ..] => "j2k",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => "avif",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_whole_image_is_asked_of_its_service_before_the_part_that_is_shown() {
        let body = |class: &str| json!({"id": "https://e.org/i/full/600,/0/default.jpg", "type": "Image", "service": [{"id": "https://e.org/i/", "type": class}]});
        let shown = "https://e.org/i/full/600,/0/default.jpg";
        assert_eq!(places(&body("ImageService3")), ["https://e.org/i/full/max/0/default.jpg", shown]);
        assert_eq!(
            places(&body("ImageService2")),
            ["https://e.org/i/full/full/0/default.jpg", "https://e.org/i/full/max/0/default.jpg", shown]
        );
        assert_eq!(places(&json!({"id": "https://e.org/a.png", "type": "Image"})), ["https://e.org/a.png"]);
    }

    #[test]
    fn images_are_found_in_choices_and_parts_in_their_order() {
        let mut body = json!({"type": "Choice", "items": [
            {"id": "a", "type": "Image"},
            {"type": "SpecificResource", "source": {"id": "b", "type": "Image"}},
            {"id": "c", "type": "Sound"},
        ]});
        let ids: Vec<_> = images_of(&mut body).into_iter().map(|image| image["id"].clone()).collect();
        assert_eq!(ids, ["a", "b"]);
    }

    #[test]
    fn what_is_no_image_is_not_taken_for_one() {
        assert_eq!(extension(b"<!DOCTYPE html>"), None);
        assert_eq!(extension(b""), None);
        assert_eq!(extension(&[0xff, 0xd8, 0xff, 0xe0]), Some("jpg"));
        assert_eq!(extension(b"MM\0\x2a"), Some("tif"));
    }
}
