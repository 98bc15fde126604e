//! What a page's query asks to open, in whatever way: a content state, a Manifest with a Canvas, or an image.

use std::error::Error;

use recto_iiif::content_state::{CanvasRegion, ContentState, Finding, Target, TargetKind, Viewer, ViewerLink};
use serde_json::{Value, json};

use super::query_value;
use crate::pages::{Opening, ViewerKind};

/// Why a query opens nothing, in words for who followed the link.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable {
    pub(super) message: String,
}

/// A content state and what is to be said about it.
#[derive(Debug, PartialEq)]
pub(super) struct Stated {
    pub(super) state: ContentState,
    pub(super) notes: Vec<String>,
}

/// The content state in `iiif-content`, with our own Canvases and Ranges placed in their Manifests; `None` without the parameter.
pub(super) fn content_state(query: Option<&str>, base: &str) -> Result<Option<Stated>, Unreadable> {
    let Some(given) = query_value(query, "iiif-content").filter(|given| !given.trim().is_empty()) else {
        return Ok(None);
    };
    let (mut state, findings) = ContentState::parse_parameter(&given)
        .map_err(|error| Unreadable { message: format!("{}.", sentence(&in_words(&error))) })?;
    for target in &mut state.targets {
        if target.manifest().is_none()
            && let Some(manifest) = manifest_around(&target.id, base)
        {
            target.part_of = Target::canvas("", manifest).part_of;
        }
    }
    if let Some(target) = state.targets.first()
        && target.manifest().is_none()
    {
        return Err(Unreadable { message: unplaced(target, &findings) });
    }
    let notes = findings.iter().filter(|finding| finding.rule != "C4").map(note).collect();
    Ok(Some(Stated { state, notes }))
}

/// What a viewer's page opens; `None` when the query names nothing that this viewer takes.
pub(super) fn opening(query: Option<&str>, kind: ViewerKind, base: &str) -> Result<Option<Opening>, Unreadable> {
    let named = |name: &str| query_value(query, name).filter(|value| !value.is_empty());
    let manifest = named("manifest");
    let stated = match (content_state(query, base), manifest) {
        (Ok(Some(stated)), _) => stated,
        // Links for many viewers name the Manifest as well; what can be opened is.
        (outcome, Some(manifest)) => {
            let notes = outcome.err().map(|unreadable| unreadable.message).into_iter().collect();
            let target = match named("canvas") {
                Some(canvas) => Target::canvas(canvas, manifest),
                None => Target::whole(manifest, TargetKind::Manifest),
            };
            with_region(Stated { state: ContentState::new(vec![target]), notes }, named("xywh"))
        }
        (Err(unreadable), None) => return Err(unreadable),
        (Ok(None), None) => {
            let info = named("info").filter(|_| kind.opens_info());
            return Ok(info.map(|info| of_image(&info, named("xywh").as_deref())));
        }
    };
    Ok(of_state(&stated, kind, base))
}

/// What a viewer is started with for a content state.
pub(super) fn of_state(stated: &Stated, kind: ViewerKind, base: &str) -> Option<Opening> {
    let link = stated.state.link_for(viewer(kind)?, None)?;
    let mut notes = stated.notes.clone();
    // Only in a content state does it need the Canvas's size; our page names the Canvas in an option.
    let is_lost = |what: &&str| link.config.get("canvasId").is_none() || !what.starts_with("the Canvas");
    let lost: Vec<&str> = link.lost.iter().copied().filter(is_lost).collect();
    if !lost.is_empty() {
        notes.push(format!("{} cannot be told {}.", kind.label(), lost.join(", ")));
    }
    let to_resolve = stated.state.to_fetch().filter(|uri| is_below(uri, base)).map(str::to_owned);
    Some(Opening { options: link.config, to_resolve, notes })
}

/// What OpenSeadragon or Leaflet is started with for one image.
pub(super) fn of_image(info: &str, xywh: Option<&str>) -> Opening {
    let mut options = json!({ "info": info });
    if let Some(region) = xywh.and_then(CanvasRegion::parse) {
        options["xywh"] = Value::String(region.to_string());
    }
    Opening { options, to_resolve: None, notes: Vec::new() }
}

/// Path and query of a viewer's page for a content state. A lone image goes by its info.json to viewers that open one.
pub(super) fn viewer_path(state: &ContentState, kind: ViewerKind, info: Option<&str>) -> String {
    let page = format!("/viewer/{}", kind.slug());
    if let Some(info) = info.filter(|_| kind.opens_info()) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("info", info);
        if let Some(region) = state.targets.first().and_then(|target| target.region) {
            query.append_pair("xywh", &region.to_string());
        }
        return format!("{page}?{}", query.finish());
    }
    // The fragment is for the viewer's own page elsewhere; ours reads the query.
    let link = viewer(kind).and_then(|viewer| state.link_for(viewer, None));
    link.map_or(page.clone(), |link| ViewerLink { fragment: None, ..link }.url(&page))
}

fn viewer(kind: ViewerKind) -> Option<Viewer> {
    Viewer::from_slug(kind.slug())
}

fn with_region(mut stated: Stated, xywh: Option<String>) -> Stated {
    let Some(xywh) = xywh else { return stated };
    match (CanvasRegion::parse(&xywh), stated.state.targets.first_mut()) {
        (Some(region), Some(target)) => target.region = Some(region),
        _ => stated.notes.push(format!("`xywh={xywh}` is no rectangle; the whole is shown.")),
    }
    stated
}

/// The Manifest that one of our own Canvases or Ranges is in, by its URI.
fn manifest_around(id: &str, base: &str) -> Option<String> {
    if !is_below(id, base) {
        return None;
    }
    let rest = id.get(base.len()..)?.strip_prefix("/iiif/presentation/")?;
    let mut parts = rest.split('/');
    let (version, object, word) = (parts.next()?, parts.next()?, parts.next()?);
    let is_in_manifest = matches!(word, "canvas" | "range") && parts.next().is_some();
    is_in_manifest.then(|| format!("{base}/iiif/presentation/{version}/{object}/manifest"))
}

fn is_below(uri: &str, base: &str) -> bool {
    uri.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'))
}

fn unplaced(target: &Target, findings: &[Finding]) -> String {
    match (&target.kind, findings.iter().find(|finding| finding.rule == "C4")) {
        (_, Some(finding)) => note(finding),
        (TargetKind::Annotation, None) => {
            "The link names an Annotation that is itself to be shown, and not the Manifest that it is on.".to_owned()
        }
        (kind, None) => format!(
            "The link names `{}`, which is no Manifest, Collection, Canvas or Range ({}).",
            target.id,
            kind.word().unwrap_or("of unknown type")
        ),
    }
}

fn note(finding: &Finding) -> String {
    format!("{}. {}", sentence(&finding.message), finding.fix)
}

/// An error and its causes as one sentence.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    words
}

/// With a capital letter where it begins with a small one.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use recto_iiif::content_state::encode;

    use super::*;

    const BASE: &str = "https://example.org/images";
    const MANIFEST: &str = "https://example.org/images/iiif/presentation/3/book/manifest";
    const CANVAS: &str = "https://example.org/images/iiif/presentation/3/book/canvas/p4";

    fn query(pairs: &[(&str, &str)]) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn opened(pairs: &[(&str, &str)], kind: ViewerKind) -> Opening {
        opening(Some(&query(pairs)), kind, BASE).unwrap().unwrap()
    }

    fn refused(state: &str) -> String {
        opening(Some(&query(&[("iiif-content", state)])), ViewerKind::Mirador, BASE).unwrap_err().message
    }

    #[test]
    fn every_form_of_one_content_state_gives_each_viewer_its_own_options() {
        let part_of = json!([{ "id": MANIFEST, "type": "Manifest" }]);
        let target = json!({ "id": format!("{CANVAS}#xywh=200,300,600,400"), "type": "Canvas", "partOf": part_of });
        let source = json!({ "id": CANVAS, "type": "Canvas", "partOf": part_of });
        let selector = json!({ "type": "FragmentSelector", "value": "xywh=200,300,600,400" });
        let specific = json!({ "type": "SpecificResource", "source": source, "selector": selector });
        let annotation = |target: &Value| json!({ "id": "https://example.org/state/1", "type": "Annotation", "motivation": ["contentState"], "target": target });
        let states = [target.clone(), annotation(&target), annotation(&json!([target])), annotation(&specific)];
        for state in states {
            let encoded = encode(&state.to_string());
            let pairs = [("iiif-content", encoded.as_str())];
            assert_eq!(
                opened(&pairs, ViewerKind::Mirador),
                Opening {
                    options: json!({ "windows": [{ "manifestId": MANIFEST, "canvasId": CANVAS,
                        "initialViewerConfig": { "x": 500.0, "y": 500.0, "zoom": 1.0 / 600.0 } }] }),
                    to_resolve: None,
                    notes: Vec::new()
                }
            );
            let flat = |name: &str| json!({ "manifest": MANIFEST, name: CANVAS, "xywh": "200,300,600,400" });
            assert_eq!(opened(&pairs, ViewerKind::UniversalViewer).options, flat("canvasId"));
            assert_eq!(opened(&pairs, ViewerKind::OpenSeadragon).options, flat("canvas"));
            assert_eq!(opened(&pairs, ViewerKind::Leaflet).options, flat("canvas"));
        }
    }

    #[test]
    fn several_targets_are_windows_in_mirador_and_the_first_elsewhere() {
        let target = |page: u32| json!({ "id": format!("https://a.example/c{page}"), "type": "Canvas", "partOf": { "id": "https://a.example/m", "type": "Manifest" } });
        let state = json!({ "type": "Annotation", "motivation": "contentState", "target": [target(1), target(2)] });
        let state = encode(&state.to_string());
        let mirador = opened(&[("iiif-content", &state)], ViewerKind::Mirador);
        assert_eq!(mirador.options["windows"].as_array().unwrap().len(), 2);
        let uv = opened(&[("iiif-content", &state)], ViewerKind::UniversalViewer);
        assert_eq!(uv.options["canvasId"], "https://a.example/c1");
        assert_eq!(uv.notes, ["Universal Viewer cannot be told all targets but the first."]);
    }

    #[test]
    fn a_canvas_of_ours_needs_no_manifest_beside_it_and_one_of_others_does() {
        let canvas = |id: &str| encode(&json!({ "id": id, "type": "Canvas" }).to_string());
        let ours = opened(&[("iiif-content", &canvas(CANVAS))], ViewerKind::OpenSeadragon);
        assert_eq!((&ours.options["manifest"], ours.notes.len()), (&json!(MANIFEST), 0));
        for id in ["https://other.example/c", "https://example.org/imagesque/iiif/presentation/3/b/canvas/p"] {
            assert_eq!(
                refused(&canvas(id)),
                "The Canvas does not say in which Manifest it is. \
                 Add `\"partOf\": [{\"id\": \"<the Manifest's URI>\", \"type\": \"Manifest\"}]`."
            );
        }
    }

    #[test]
    fn only_uris_of_ours_are_looked_at_by_the_page_first() {
        let uri = |uri: &str| opened(&[("iiif-content", uri)], ViewerKind::UniversalViewer);
        assert_eq!(uri(MANIFEST).to_resolve.as_deref(), Some(MANIFEST));
        assert_eq!(uri(MANIFEST).options, json!({ "manifest": MANIFEST }));
        let other = uri("https://other.example/manifest");
        assert_eq!((other.to_resolve, &other.options["manifest"]), (None, &json!("https://other.example/manifest")));
    }

    #[test]
    fn what_is_malformed_is_said_with_its_place() {
        for (state, message) in [
            (
                "JTdCJ",
                "The content state is neither a URI nor JSON, and cannot be decoded: 5 letters are no whole number of bytes in base64url; the text was probably cut off.",
            ),
            ("{\"id\":", "The content state is not JSON: EOF while parsing a value at line 1 column 6."),
            (&*encode("{\"type\":\"Canvas\"}"), "The content state names nothing to show at ``: the object has no id."),
            (
                &*encode(
                    r#"{"id":"https://a.example/1","type":"Annotation","motivation":"contentState","target":{"type":"SpecificResource"}}"#,
                ),
                "The content state names nothing to show at `/target`: the SpecificResource has no source.",
            ),
            (
                &*encode(r#"{"id":"https://a.example/1","type":"Annotation","motivation":"commenting"}"#),
                "The link names an Annotation that is itself to be shown, and not the Manifest that it is on.",
            ),
            (
                &*encode(r#"{"id":"https://a.example/1.jpg","type":"Image"}"#),
                "The link names `https://a.example/1.jpg`, which is no Manifest, Collection, Canvas or Range (Image).",
            ),
        ] {
            assert_eq!(refused(state), message);
        }
    }

    #[test]
    fn what_could_be_read_only_in_part_is_opened_with_a_note() {
        let target = json!({ "id": format!("{CANVAS}#xywh=1,2,3"), "type": "Canvas" });
        let opening = opened(&[("iiif-content", &encode(&target.to_string()))], ViewerKind::Mirador);
        assert_eq!(opening.notes.len(), 1);
        assert!(opening.notes[0].starts_with("`xywh=1,2,3` is not understood; the whole is shown."), "{opening:?}");
        let broken = opened(&[("manifest", MANIFEST), ("iiif-content", "A")], ViewerKind::UniversalViewer);
        assert_eq!((&broken.options, broken.notes.len()), (&json!({ "manifest": MANIFEST }), 1));
        let bad = opened(&[("manifest", MANIFEST), ("xywh", "1,2")], ViewerKind::OpenSeadragon);
        assert_eq!(bad.notes, ["`xywh=1,2` is no rectangle; the whole is shown."]);
    }

    #[test]
    fn plain_parameters_open_a_manifest_a_canvas_or_an_image() {
        let pairs = [("manifest", MANIFEST), ("canvas", CANVAS), ("xywh", "percent:0,0,50,50")];
        assert_eq!(
            opened(&pairs, ViewerKind::OpenSeadragon).options,
            json!({ "manifest": MANIFEST, "canvas": CANVAS, "xywh": "percent:0,0,50,50" })
        );
        assert_eq!(opened(&pairs, ViewerKind::Mirador).notes, ["Mirador cannot be told a rectangle in percent."]);
        let image = [("info", "https://a.example/info.json"), ("xywh", "1,2,3,4")];
        assert_eq!(
            opened(&image, ViewerKind::Leaflet).options,
            json!({ "info": "https://a.example/info.json", "xywh": "1,2,3,4" })
        );
        for pairs in [&image[..], &[("manifest", "")], &[("canvas", CANVAS)], &[]] {
            assert_eq!(opening(Some(&query(pairs)), ViewerKind::Mirador, BASE), Ok(None), "{pairs:?}");
        }
        assert_eq!(opening(None, ViewerKind::Leaflet, BASE), Ok(None));
    }

    #[test]
    fn links_to_pages_open_what_they_were_made_of() {
        let mut target = Target::canvas(CANVAS, MANIFEST);
        target.region = CanvasRegion::parse("1,2,3,4");
        let state = ContentState::new(vec![target]);
        for kind in ViewerKind::ALL {
            let path = viewer_path(&state, kind, None);
            let (page, query) = path.split_once('?').unwrap();
            assert_eq!(page, format!("/viewer/{}", kind.slug()));
            let opening = opening(Some(query), kind, BASE).unwrap().unwrap();
            let stated = Stated { state: state.clone(), notes: Vec::new() };
            assert_eq!(Some(opening), of_state(&stated, kind, BASE));
        }
        assert_eq!(
            viewer_path(&state, ViewerKind::OpenSeadragon, Some("https://a.example/info.json")),
            "/viewer/openseadragon?info=https%3A%2F%2Fa.example%2Finfo.json&xywh=1%2C2%2C3%2C4"
        );
    }
}
