//! One canvas with what is painted on it and what is said about it.

use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::{Annotation, AnnotationPage, Body, Canvas, ContentResource, LanguageMap, Target};
use serde_json::{Value, json};

use super::described::Links;
use super::plan::{CanvasPlan, Painted, Source};
use super::{PageFacts, page_identifier, thumbnails};
use crate::description::{Content, Link, Location, Region};
use crate::{Finding, Severity};

/// Size of a canvas whose picture cannot be shown.
const PLACEHOLDER: Dimensions = Dimensions::new(1000, 1000);

/// One thing to paint, ready.
struct Ready {
    body: Value,
    size: Option<Dimensions>,
    duration: Option<f64>,
    thumbnail: Option<ContentResource>,
    region: Option<Region>,
    choice: LanguageMap,
}

pub(super) fn canvas(
    plan: &CanvasPlan<'_>,
    object: &Identifier,
    language: Option<&str>,
    links: Links<'_>,
    findings: &mut Vec<Finding>,
) -> Canvas {
    let id = links.urls.canvas(object, &plan.name);
    let ready: Vec<Ready> = plan.painted.iter().filter_map(|painted| ready(painted, links, findings)).collect();
    let (size, duration) = extent(plan, &ready);
    let mut canvas = Canvas::new(id, plan.label.clone(), size.unwrap_or(PLACEHOLDER));
    if size.is_none() && duration.is_some() {
        (canvas.width, canvas.height) = (None, None);
    }
    canvas.duration = duration.and_then(serde_json::Number::from_f64);
    if ready.is_empty() {
        canvas.label = Some(unreadable_label(plan));
    }
    canvas.thumbnail = ready.iter().find_map(|ready| ready.thumbnail.clone()).into_iter().collect();
    canvas.items = vec![AnnotationPage::new(format!("{}/painting", canvas.id), paintings(&canvas.id, ready))];
    if let Some(source) = &plan.beside {
        put_beside(&mut canvas, source, links, findings);
    }
    describe(&mut canvas, plan, language, links);
    canvas
}

/// The canvas with the picture that is shown while sound is heard, or before a film begins.
fn put_beside(canvas: &mut Canvas, source: &Source<'_>, links: Links<'_>, findings: &mut Vec<Finding>) {
    let painted = Painted { source: source.clone(), content: None };
    let Some(picture) = ready(&painted, links, findings) else { return };
    let Some(size) = picture.size else { return };
    let (property, word) = if canvas.width.is_some() {
        ("placeholderCanvas", "placeholder")
    } else {
        ("accompanyingCanvas", "accompanying")
    };
    if canvas.thumbnail.is_empty() {
        canvas.thumbnail = picture.thumbnail.clone().into_iter().collect();
    }
    let mut beside = Canvas::new(format!("{}/{word}", canvas.id), LanguageMap::default(), size);
    beside.label = None;
    beside.items = vec![AnnotationPage::new(format!("{}/painting", beside.id), paintings(&beside.id, vec![picture]))];
    canvas.extra.insert(property.into(), json!(beside));
}

/// Why a page has no picture, only the finding tells.
fn unreadable_label(plan: &CanvasPlan<'_>) -> LanguageMap {
    LanguageMap::one("en", format!("{} (this image cannot be read)", plan.label.first().unwrap_or(&plan.name)))
}

/// The size and the length of a canvas: as it was said, else so that everything on it fits.
fn extent(plan: &CanvasPlan<'_>, ready: &[Ready]) -> (Option<Dimensions>, Option<f64>) {
    let said = plan.page;
    let size = match said.map(|page| (page.width, page.height)) {
        Some((Some(width), Some(height))) if width > 0 && height > 0 => Some(Dimensions::new(width, height)),
        _ => ready
            .iter()
            .filter_map(|ready| match ready.region {
                Some(region) => {
                    Some(Dimensions::new(region.x.saturating_add(region.w), region.y.saturating_add(region.h)))
                }
                None => ready.size,
            })
            .reduce(|a, b| Dimensions::new(a.width_px.max(b.width_px), a.height_px.max(b.height_px))),
    };
    let longest = ready
        .iter()
        .filter_map(|ready| ready.duration)
        .fold(None, |longest: Option<f64>, duration| Some(longest.map_or(duration, |longest| longest.max(duration))));
    (size, said.and_then(|page| page.duration).or(longest))
}

/// The painting annotations: one choice of all where each has a name for it, else one a piece.
fn paintings(canvas: &str, ready: Vec<Ready>) -> Vec<Annotation> {
    let is_choice = ready.len() > 1 && ready.iter().all(|ready| !ready.choice.is_empty());
    if is_choice {
        let items: Vec<Value> = ready
            .into_iter()
            .map(|ready| {
                let mut body = ready.body;
                body["label"] = json!(ready.choice);
                body
            })
            .collect();
        return vec![painting(canvas, 1, json!({ "type": "Choice", "items": items }), None)];
    }
    ready.into_iter().zip(1..).map(|(ready, number)| painting(canvas, number, ready.body, ready.region)).collect()
}

fn painting(canvas: &str, number: usize, body: Value, region: Option<Region>) -> Annotation {
    let target = match region {
        Some(Region { x, y, w, h }) => format!("{canvas}#xywh={x},{y},{w},{h}"),
        None => canvas.to_owned(),
    };
    let placeholder = ContentResource::new("", "");
    let mut annotation = Annotation::painting(format!("{canvas}/painting/{number}"), placeholder, target);
    annotation.body = Some(match serde_json::from_value::<ContentResource>(body.clone()) {
        Ok(resource) => Body::Resource(Box::new(resource)),
        Err(_) => Body::Other(body),
    });
    annotation
}

fn ready(painted: &Painted<'_>, links: Links<'_>, findings: &mut Vec<Finding>) -> Option<Ready> {
    let content = painted.content;
    let ready = match &painted.source {
        Source::File { file, image, facts } => match facts {
            Some(facts) if facts.is_readable() => of_file(image, facts, content, links),
            facts => {
                let why = facts.map_or("nothing is known about it", |facts| {
                    facts.problem.as_deref().unwrap_or("it has no pixels")
                });
                let place = facts.map_or_else(
                    || format!("{}{}", links.prefix, file.name),
                    |facts| page_identifier(&facts.file, facts.page).as_str().to_owned(),
                );
                findings.push(unreadable(&place, why));
                return None;
            }
        },
        Source::Web(location) => of_web(location, content, links)?,
        Source::Missing(name) => {
            findings.push(Finding::new(
                Severity::Error,
                "file-missing",
                format!("{}{name}", links.prefix),
                "the file is named in a description but is not there",
                "put the file there, or correct its name; its place is kept by an empty page",
            ));
            return None;
        }
    };
    Some(Ready {
        region: content.and_then(|content| content.region),
        choice: content.map(|content| content.choice.clone()).unwrap_or_default(),
        ..ready
    })
}

fn unreadable(place: &str, problem: &str) -> Finding {
    Finding::new(
        Severity::Error,
        "image-unreadable",
        place,
        format!("the image cannot be shown: {problem}"),
        "replace the file by one that is whole; its place is kept by an empty page",
    )
}

fn of_file(image: &Identifier, facts: &PageFacts, content: Option<&Content>, links: Links<'_>) -> Ready {
    if let Some(recording) = &facts.recording {
        let is_video = !facts.size.is_empty();
        let id = links.urls.file(facts.file.as_str());
        let mut body = ContentResource::new(id, if is_video { "Video" } else { "Sound" });
        body.format = Some(recording.format.clone());
        if is_video {
            (body.width, body.height) = (Some(facts.size.width_px), Some(facts.size.height_px));
        }
        if let Some(seconds) = recording.duration_s {
            body.extra.insert("duration".into(), json!(seconds));
        }
        return Ready {
            body: json!(body),
            size: is_video.then_some(facts.size),
            duration: recording.duration_s,
            thumbnail: None,
            region: None,
            choice: LanguageMap::default(),
        };
    }
    let service = links.urls.image(ApiVersion::V3, image);
    let mut body = ContentResource::jpeg(format!("{service}/full/max/0/default.jpg"), facts.size);
    body.service = thumbnails::services(image, &[], links.urls);
    let (body, size) = match content.and_then(|content| content.rotation).map(|degrees| degrees % 360) {
        None | Some(0) => (json!(body), facts.size),
        Some(degrees) => (turned(&body, degrees), turned_size(facts.size, degrees)),
    };
    Ready {
        body,
        size: Some(size),
        duration: None,
        thumbnail: Some(thumbnails::of_page(image, facts, links.urls)),
        region: None,
        choice: LanguageMap::default(),
    }
}

/// An image that has to be turned: Presentation 3.0 says so by a selector of the Image API.
fn turned(body: &ContentResource, degrees: u16) -> Value {
    json!({
        "id": format!("{}#turned", body.id.as_deref().unwrap_or_default()),
        "type": "SpecificResource",
        "source": body,
        "selector": {
            "type": "ImageApiSelector",
            "@context": "http://iiif.io/api/annex/openannotation/context.json",
            "rotation": degrees.to_string()
        }
    })
}

fn turned_size(size: Dimensions, degrees: u16) -> Dimensions {
    if degrees % 180 == 90 { Dimensions::new(size.height_px, size.width_px) } else { size }
}

fn of_web(location: &Location, content: Option<&Content>, links: Links<'_>) -> Option<Ready> {
    let format = content.and_then(|content| content.format.clone());
    let size = content.and_then(|content| Some(Dimensions::new(content.width?, content.height?)));
    let duration = content.and_then(|content| content.duration);
    let mut body = match location {
        Location::ImageService(service) => {
            let service = service.trim_end_matches('/');
            let mut body = ContentResource::new(format!("{service}/full/max/0/default.jpg"), "Image");
            body.format = Some("image/jpeg".into());
            body.service = vec![recto_iiif::presentation::Service::image_3(service)];
            body
        }
        Location::Url(url) => {
            let kind = match format.as_deref().and_then(|format| format.split_once('/')).map(|(kind, _)| kind) {
                Some("audio") => "Sound",
                Some("video") => "Video",
                Some("text") => "Text",
                _ => "Image",
            };
            let mut body = ContentResource::new(links.url(url), kind);
            body.format = format;
            body
        }
        Location::File(_) | Location::FilePage(..) => return None,
    };
    (body.width, body.height) = (size.map(|size| size.width_px), size.map(|size| size.height_px));
    let image = body.id.as_deref().filter(|_| body.kind == "Image").and_then(|id| links.urls.proxied(id));
    if let Some(image) = &image {
        body.id = Some(format!("{}/full/max/0/default.jpg", links.urls.image(ApiVersion::V3, image)));
        body.format = Some("image/jpeg".into());
        body.service = thumbnails::services(image, &[], links.urls);
    }
    let thumbnail = image.map(|image| thumbnails::of_image(&image, links.urls));
    if let Some(seconds) = duration {
        body.extra.insert("duration".into(), json!(seconds));
    }
    Some(Ready { body: json!(body), size, duration, thumbnail, region: None, choice: LanguageMap::default() })
}

/// Everything that was said about the page.
fn describe(canvas: &mut Canvas, plan: &CanvasPlan<'_>, language: Option<&str>, links: Links<'_>) {
    let Some(page) = plan.page else { return };
    canvas.metadata.clone_from(&page.metadata);
    canvas.behavior.clone_from(&page.behavior);
    if let Some(date) = &page.nav_date {
        canvas.extra.insert("navDate".into(), json!(date));
    }
    if !page.rendering.is_empty() {
        let forms: Vec<_> = page.rendering.iter().map(|link| links.resource(link, "Text", Some("Download"))).collect();
        canvas.extra.insert("rendering".into(), json!(forms));
    }
    if canvas.thumbnail.is_empty() {
        canvas.thumbnail = page.thumbnail.iter().map(|given| links.picture(given)).collect();
    }
    let (captions, others): (Vec<&Link>, Vec<&Link>) = page.texts.iter().partition(|text| caption_type(text).is_some());
    if !others.is_empty() {
        let links: Vec<_> = others.iter().map(|link| links.resource(link, "Dataset", None)).collect();
        canvas.extra.insert("seeAlso".into(), json!(links));
    }
    if !captions.is_empty() {
        let id = format!("{}/captions", canvas.id);
        let items = captions
            .iter()
            .zip(1..)
            .map(|(link, number)| caption(&format!("{id}/{number}"), link, language, &canvas.id, links))
            .collect();
        canvas.annotations = vec![AnnotationPage::new(id, items)];
    }
}

const WEB_VTT: &str = "text/vtt";
const SRT: &str = "application/x-subrip";

/// The media type of captions; `None` for what is none.
fn caption_type(link: &Link) -> Option<&'static str> {
    let is_named = |extension: &str| link.id.to_ascii_lowercase().ends_with(extension);
    match link.format.as_deref() {
        Some(WEB_VTT) => Some(WEB_VTT),
        Some(SRT) => Some(SRT),
        None if is_named(".vtt") => Some(WEB_VTT),
        None if is_named(".srt") => Some(SRT),
        _ => None,
    }
}

/// Captions as both viewers read them: a supplementing body with its language.
fn caption(id: &str, link: &Link, language: Option<&str>, canvas: &str, links: Links<'_>) -> Annotation {
    let mut body = links.resource(link, "Text", Some("Captions"));
    body.format = caption_type(link).map(str::to_owned);
    if body.format.as_deref() == Some(SRT)
        && !link.id.contains("://")
        && let Some(id) = &mut body.id
    {
        // Browsers read nothing but WebVTT: the server gives it out as that.
        id.push_str(".vtt");
        body.format = Some(WEB_VTT.to_owned());
    }
    if link.language.is_empty() {
        body.extra.insert("language".into(), json!([language.unwrap_or("und")]));
    }
    let mut annotation = Annotation::painting(id, body, canvas);
    annotation.motivation = Some("supplementing".into());
    annotation.target = Target::Uri(canvas.to_owned());
    annotation
}
