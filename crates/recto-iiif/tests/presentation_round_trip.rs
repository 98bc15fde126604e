//! Real 3.0 documents read into the model and written again: byte for byte the same, once keys are sorted and empty lists are gone.

#![cfg(test)]
#![expect(clippy::print_stderr, reason = "a test that cannot run here says so aloud")]

use std::fs;
use std::path::{Path, PathBuf};

use recto_iiif::presentation::{
    Annotation, AnnotationPage, Collection, Manifest, Version, convert, read_collection, read_manifest,
};
use serde_json::{Map, Value, json};

/// Keys in alphabetical order, and no empty lists: the model does not tell an empty list from none.
fn normal(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> =
                fields.into_iter().map(|(key, value)| (key, normal(value))).collect();
            fields.retain(|(_, value)| *value != json!([]));
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(fields))
        }
        other => other,
    }
}

fn written(given: &Value) -> Option<Result<Value, serde_json::Error>> {
    let given = given.clone();
    Some(match given["type"].as_str()? {
        "Manifest" => serde_json::from_value::<Manifest>(given).map(|read| json!(read)),
        "Collection" => serde_json::from_value::<Collection>(given).map(|read| json!(read)),
        "AnnotationPage" => serde_json::from_value::<AnnotationPage>(given).map(|read| json!(read)),
        "Annotation" => serde_json::from_value::<Annotation>(given).map(|read| json!(read)),
        _ => return None,
    })
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let files = recto_testkit::files_below(folder);
    files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")).collect()
}

/// How many documents of this folder came back the same.
fn round_trip(folder: &Path) -> usize {
    let mut same = 0;
    for path in &json_files(folder) {
        let given: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let Some(written) = written(&given) else { continue };
        let written = written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(normal(written).to_string(), normal(given).to_string(), "{}", path.display());
        same += 1;
    }
    same
}

#[test]
fn every_recipe_of_the_cookbook_reads_and_writes_the_same() {
    let Some(cookbook) = std::env::var_os("RECTO_COOKBOOK").map(PathBuf::from) else {
        eprintln!("skipped: RECTO_COOKBOOK names no unpacked cookbook");
        return;
    };
    let same = round_trip(&cookbook);
    eprintln!("{same} documents of the cookbook came back the same");
    assert!(same > 80, "only {same} documents in {}", cookbook.display());
}

#[test]
fn documents_of_institutions_of_every_version_read_into_the_model() {
    let Some(data) = recto_testkit::data_dir() else { return };
    let (mut read, mut repaired) = (0, 0);
    for path in json_files(&data.join("manifests")) {
        let given: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(version) = Version::of(&given) else { continue };
        let (upgraded, _) =
            if version == Version::V2 { convert(given.clone(), Version::V3) } else { (given.clone(), Vec::new()) };
        let Some(outcome) = written(&upgraded) else { continue };
        if let Ok(written) = outcome {
            assert_eq!(normal(written).to_string(), normal(upgraded).to_string(), "{name}");
            read += 1;
            continue;
        }
        // What is illegal is repaired, and the property named.
        let before = given.clone();
        let (is_read, notes) = match upgraded["type"].as_str() {
            Some("Manifest") => {
                let (manifest, notes) = read_manifest(given);
                (manifest.is_some(), notes)
            }
            Some("Collection") => {
                let (collection, notes) = read_collection(given);
                (collection.is_some(), notes)
            }
            _ => continue,
        };
        assert!(is_read, "{name}: {notes:?}");
        let named = notes.iter().filter(|note| note.pointer.is_empty() || before.pointer(&note.pointer).is_some());
        assert!(named.count() > 0, "{name}: {notes:?}");
        repaired += 1;
    }
    eprintln!("{read} documents came back the same, {repaired} were repaired first");
    assert!(read > 80, "only {read}");
}

/// One small manifest for each thing that the recipes of the cookbook show.
fn features() -> Vec<(&'static str, Value)> {
    let canvas = |more: Value| {
        let mut canvas = json!({"id": "https://e.org/c", "type": "Canvas", "height": 40, "width": 30});
        canvas.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        canvas
    };
    let painted = |body: Value, target: Value| {
        json!([{"id": "https://e.org/p", "type": "AnnotationPage", "items": [
            {"id": "https://e.org/a", "type": "Annotation", "motivation": "painting", "body": body, "target": target}]}])
    };
    let noted = |body: Value, target: Value| {
        json!({"annotations": [{"id": "https://e.org/n", "type": "AnnotationPage", "items": [
            {"id": "https://e.org/n/1", "type": "Annotation", "motivation": ["commenting", "tagging"], "body": body, "target": target}]}]})
    };
    let image = json!({"id": "https://e.org/i.png", "type": "Image", "format": "image/png", "height": 40, "width": 30});
    let on = || json!("https://e.org/c");
    let film = json!({"id": "https://e.org/f.mp4", "type": "Video", "format": "video/mp4", "height": 4, "width": 3, "duration": 572.034});
    let sound = json!({"id": "https://e.org/s.mp4", "type": "Sound", "format": "audio/mp4", "duration": 1985.024});
    let part = |selector: Value| json!({"type": "SpecificResource", "source": "https://e.org/c", "selector": selector});
    let of_canvas = |more: Value| json!({ "items": [canvas(more)] });
    vec![
        ("image", of_canvas(json!({"items": painted(image.clone(), on())}))),
        (
            "image service",
            of_canvas(
                json!({"items": painted(json!({"id": "https://e.org/i/full/max/0/default.jpg", "type": "Image", "service": [
            {"id": "https://e.org/i", "type": "ImageService3", "profile": "level1", "service": [{"@id": "https://e.org/l", "@type": "AuthCookieService1"}]}]}), on())}),
            ),
        ),
        (
            "sound",
            json!({"items": [{"id": "https://e.org/c", "type": "Canvas", "duration": 1985.024, "items": painted(sound.clone(), on())}]}),
        ),
        (
            "film with captions",
            of_canvas(json!({"duration": 572.034, "items": painted(film.clone(), on()), "annotations": [
            {"id": "https://e.org/n", "type": "AnnotationPage", "items": [{"id": "https://e.org/v", "type": "Annotation", "motivation": "supplementing",
             "body": {"id": "https://e.org/v.vtt", "type": "Text", "format": "text/vtt", "label": {"en": ["Captions"]}, "language": "en"}, "target": on()}]}]})),
        ),
        (
            "text formats",
            json!({"summary": {"en": ["<p>Written by <i>hand</i></p>"]}, "requiredStatement": {"label": {"en": ["A"]}, "value": {"en": ["B"]}}}),
        ),
        (
            "rights",
            json!({"rights": "http://creativecommons.org/licenses/by-sa/3.0/", "services": [{"@id": "https://e.org/l", "@type": "AuthCookieService1"}]}),
        ),
        (
            "placeholder",
            of_canvas(json!({"placeholderCanvas": canvas(json!({"items": painted(image.clone(), on())}))})),
        ),
        (
            "accompanying",
            json!({"accompanyingCanvas": canvas(json!({})), "items": [{"id": "https://e.org/c", "type": "Canvas", "duration": 9}]}),
        ),
        (
            "start",
            json!({"start": {"id": "https://e.org/st", "type": "SpecificResource", "source": "https://e.org/c", "selector": {"type": "PointSelector", "t": 120.5}}}),
        ),
        (
            "many values",
            json!({"metadata": [{"label": {"en": ["Creators"], "fr": ["Auteurs"]}, "value": {"none": ["A", "B"]}}]}),
        ),
        (
            "html in annotations",
            of_canvas(noted(
                json!({"type": "TextualBody", "language": "de", "format": "text/html", "value": "<p>Hof</p>"}),
                on(),
            )),
        ),
        (
            "several bodies",
            of_canvas(noted(
                json!([{"type": "TextualBody", "value": "a", "purpose": "tagging"}, {"id": "https://e.org/x", "type": "Image"}]),
                on(),
            )),
        ),
        ("a body by its URI", of_canvas(noted(json!("https://e.org/thing"), on()))),
        (
            "a point",
            of_canvas(noted(
                json!({"type": "TextualBody", "value": "here"}),
                part(json!({"type": "PointSelector", "x": 3, "y": 4})),
            )),
        ),
        (
            "a polygon",
            of_canvas(noted(
                json!({"type": "TextualBody", "value": "this"}),
                part(json!({"type": "SvgSelector", "value": "<svg/>"})),
            )),
        ),
        (
            "several targets",
            of_canvas(noted(
                json!({"type": "TextualBody", "value": "both"}),
                json!(["https://e.org/c#xywh=0,0,1,1", "https://e.org/c"]),
            )),
        ),
        (
            "a hot spot",
            of_canvas(noted(
                json!({"id": "https://e.org/c2#xywh=0,0,9,9", "type": "Canvas", "partOf": [{"id": "https://e.org/m", "type": "Manifest"}]}),
                on(),
            )),
        ),
        (
            "lists elsewhere",
            of_canvas(json!({"annotations": [{"id": "https://e.org/list", "type": "AnnotationPage"}]})),
        ),
        (
            "a rotated image with styles",
            of_canvas(
                json!({"items": painted(json!({"id": "https://e.org/r", "type": "SpecificResource", "styleClass": "left",
            "source": image.clone(), "selector": {"type": "ImageApiSelector", "rotation": "180"}}), on())}),
            ),
        ),
        (
            "a choice",
            of_canvas(
                json!({"items": painted(json!({"type": "Choice", "items": [image.clone(), {"id": "https://e.org/x.jpg", "type": "Image", "label": {"en": ["X"]}}]}), on())}),
            ),
        ),
        (
            "a composition",
            of_canvas(json!({"items": [{"id": "https://e.org/p", "type": "AnnotationPage", "items": [
            {"id": "https://e.org/1", "type": "Annotation", "motivation": "painting", "body": image.clone(), "target": "https://e.org/c"},
            {"id": "https://e.org/2", "type": "Annotation", "motivation": "painting", "body": film, "target": "https://e.org/c#xywh=1,2,3,4&t=1,2"}]}]})),
        ),
        (
            "text on an image",
            of_canvas(
                json!({"items": painted(json!({"type": "TextualBody", "value": "Koto"}), json!("https://e.org/c#xywh=1,2,3,4"))}),
            ),
        ),
        (
            "a table of contents",
            json!({"structures": [{"id": "https://e.org/r0", "type": "Range", "label": {"en": ["All"]}, "items": [
            {"id": "https://e.org/r1", "type": "Range", "label": {"it": ["Atto"]}, "supplementary": {"id": "https://e.org/ac", "type": "AnnotationCollection"},
             "items": [{"id": "https://e.org/c#t=0,302.05", "type": "Canvas"}, part(json!({"type": "FragmentSelector", "value": "xywh=0,0,1,1"}))]}]}]}),
        ),
        (
            "other orders",
            json!({"structures": [{"id": "https://e.org/s", "type": "Range", "behavior": ["sequence"], "items": [{"id": "https://e.org/c", "type": "Canvas"}]},
            {"id": "https://e.org/t", "type": "Range", "behavior": ["thumbnail-nav", "no-nav"], "thumbnail": [image.clone()], "items": [{"id": "https://e.org/c", "type": "Canvas"}]}]}),
        ),
        (
            "a provider",
            json!({"provider": [{"id": "https://e.org/about", "type": "Agent", "label": {"en": ["Library"]}, "logo": [image.clone()],
            "homepage": [{"id": "https://e.org/", "type": "Text", "label": {"en": ["Home"]}, "format": "text/html", "language": ["en"]}]}]}),
        ),
        (
            "links",
            json!({"homepage": [{"id": "https://e.org/h", "type": "Text", "label": {"en": ["H"]}, "format": "text/html", "language": ["en"]}],
            "rendering": [{"id": "https://e.org/p.pdf", "type": "Text", "label": {"en": ["PDF"]}, "format": "application/pdf"}],
            "seeAlso": [{"id": "https://e.org/x.xml", "type": "Dataset", "format": "application/xml", "profile": "https://e.org/profile"}]}),
        ),
        (
            "places and dates",
            json!({"navDate": "1986-01-01T00:00:00+00:00", "navPlace": {"id": "https://e.org/f", "type": "FeatureCollection", "features": [
            {"id": "https://e.org/f/1", "type": "Feature", "properties": {"label": {"en": ["Castle"]}}, "geometry": {"type": "Point", "coordinates": [9.938, 51.533]}}]}}),
        ),
        (
            "behaviors",
            json!({"behavior": ["paged", "auto-advance"], "viewingDirection": "top-to-bottom", "items": [canvas(json!({"behavior": ["non-paged"]}))]}),
        ),
        ("an empty page", of_canvas(json!({"label": {"none": ["No image"]}}))),
        (
            "a time line of images",
            json!({"items": [{"id": "https://e.org/c", "type": "Canvas", "height": 4, "width": 3, "duration": 180, "thumbnail": [sound],
            "items": painted(image, json!("https://e.org/c#t=0,30"))}]}),
        ),
        (
            "part of a whole",
            json!({"partOf": [{"id": "https://e.org/all", "type": "Collection", "label": {"en": ["All"]}}]}),
        ),
    ]
}

#[test]
fn every_feature_of_the_cookbook_reads_writes_and_goes_to_4_0_and_back() {
    for (feature, more) in features() {
        let mut given = json!({"@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://e.org/m", "type": "Manifest",
            "label": {"en": [feature]}, "items": [{"id": "https://e.org/c", "type": "Canvas", "height": 40, "width": 30}]});
        given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let same = written(&given).unwrap().unwrap_or_else(|error| panic!("{feature}: {error}"));
        assert_eq!(normal(same).to_string(), normal(given.clone()).to_string(), "{feature}");
        let (read, notes) = read_manifest(given.clone());
        assert_eq!((read.is_some(), notes), (true, vec![]), "{feature}");
        let (newer, _) = convert(given.clone(), Version::V4);
        let (back, notes) = convert(newer, Version::V3);
        assert_eq!(notes, [], "{feature}");
        let (read, notes) = read_manifest(back);
        assert_eq!(notes, [], "{feature}");
        assert_eq!(read.unwrap().items.len(), 1, "{feature}");
    }
}

#[test]
fn a_collection_of_every_kind_of_member_reads_and_writes_the_same() {
    let given = json!({"@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://e.org/all", "type": "Collection",
        "label": {"en": ["All"]}, "behavior": ["multi-part"], "viewingDirection": "left-to-right",
        "items": [{"id": "https://e.org/m", "type": "Manifest", "label": {"en": ["M"]}, "navDate": "1986-01-01T00:00:00Z",
                   "thumbnail": [{"id": "https://e.org/t.jpg", "type": "Image"}]},
                  {"id": "https://e.org/sub", "type": "Collection", "label": {"en": ["Sub"]}, "items": [
                      {"id": "https://e.org/m2", "type": "Manifest", "label": {"en": ["M2"]}}]}]});
    assert_eq!(normal(written(&given).unwrap().unwrap()).to_string(), normal(given).to_string());
}
