//! What a server has of an object besides its files: text that is searched, and annotations.

use std::collections::HashSet;

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{
    Annotation, AnnotationPage, Body, ContentResource, LanguageMap, Manifest, Range, RangeItem, Target,
};
use recto_iiif::search::{Scope, SearchServices};
use recto_iiif::text::{Area, PageText, TextLine, WordPart};
use serde_json::json;

use super::urls::Urls;

/// The context of the text granularity extension.
pub const TEXT_GRANULARITY_CONTEXT: &str = "http://iiif.io/api/extension/text-granularity/context.json";

/// What is added to a manifest.
#[derive(Clone, Debug, Default)]
pub struct Added {
    /// URIs of the canvases that have text.
    pub texts: HashSet<String>,
    /// Where it is searched, if there is anything to find.
    pub search: Option<SearchServices>,
    /// What the addresses of search services begin with, for those of ranges.
    pub search_prefix: String,
    /// May the text be taken as a file?
    pub offers_text: bool,
    /// Has every canvas a page of annotations that people made?
    pub has_annotations: bool,
}

/// Adds to a manifest what the server has of its object.
pub fn add(manifest: &mut Manifest, object: &Identifier, added: &Added, urls: &dyn Urls) {
    for canvas in &mut manifest.items {
        if added.texts.contains(&canvas.id) {
            canvas.annotations.push(reference(format!("{}/text", canvas.id), "Text"));
        }
        if added.has_annotations {
            canvas.annotations.push(reference(format!("{}/annotations", canvas.id), "Annotations"));
        }
    }
    if let Some(search) = &added.search {
        search.add_to_manifest(manifest);
        let searched = SearchedRanges { object, added, urls };
        for range in &mut manifest.structures {
            searched.announce(range, DEEPEST);
        }
    }
    if added.offers_text && !added.texts.is_empty() {
        let mut text = ContentResource::new(urls.download(object, "txt"), "Text");
        text.label = Some(LanguageMap::one("en", "Text of all pages"));
        text.format = Some("text/plain".to_owned());
        manifest.rendering.push(text);
    }
}

/// Ranges in ranges are looked into so far.
const DEEPEST: u32 = 64;

/// The ranges of an object that can be searched by themselves.
struct SearchedRanges<'a> {
    object: &'a Identifier,
    added: &'a Added,
    urls: &'a dyn Urls,
}

impl SearchedRanges<'_> {
    /// Announces a service on a range that has text, and on those in it. True when there is text.
    fn announce(&self, range: &mut Range, depth: u32) -> bool {
        let mut has_text = false;
        for item in &mut range.items {
            has_text |= match item {
                RangeItem::Range(inner) => depth > 0 && self.announce(inner, depth - 1),
                RangeItem::Other(_) => item
                    .canvas_uri()
                    .is_some_and(|uri| self.added.texts.contains(uri.split('#').next().unwrap_or_default())),
            };
        }
        let start = self.urls.range(self.object, "");
        let name = range.id.strip_prefix(start.as_str()).and_then(|name| Identifier::parse_encoded(name).ok());
        // A reference to a range is no place for it.
        if let Some(name) = name.filter(|_| has_text && !range.items.is_empty()) {
            let services = SearchServices::at(&self.added.search_prefix, self.object, &Scope::Range(name));
            services.add_to_extra(&mut range.extra);
        }
        has_text
    }
}

/// A page that is fetched when it is wanted.
fn reference(id: String, label: &str) -> AnnotationPage {
    let mut page = AnnotationPage::new(id, Vec::new());
    page.items = None;
    page.extra.insert("label".to_owned(), json!(LanguageMap::one("en", label)));
    page
}

/// The text of a canvas, line by line, as `supplementing` annotations with the granularity `line` of the extension.
pub fn text_page(canvas: &str, manifest: &str, text: &PageText) -> AnnotationPage {
    let id = format!("{canvas}/text");
    let lines = text.lines().filter(|line| !line.words.is_empty()).zip(1..);
    let items = lines.map(|(line, number)| annotation(&format!("{id}/{number}"), canvas, line, text)).collect();
    let mut page = AnnotationPage::new(id, items);
    page.extra.insert(
        "@context".to_owned(),
        json!([TEXT_GRANULARITY_CONTEXT, recto_iiif::presentation::Version::V3.context()]),
    );
    page.extra.insert("partOf".to_owned(), json!([{ "id": manifest, "type": "Manifest" }]));
    page.extra.insert("textGranularity".to_owned(), json!("line"));
    page
}

fn annotation(id: &str, canvas: &str, line: &TextLine, text: &PageText) -> Annotation {
    let language = line.language.as_ref().or(text.language.as_ref());
    let mut body = json!({ "type": "TextualBody", "value": words(line), "format": "text/plain" });
    if let Some(language) = language {
        body["language"] = json!(language);
    }
    let mut annotation = Annotation::painting(id, ContentResource::new("", ""), canvas);
    annotation.body = Some(Body::Other(body));
    annotation.motivation = Some("supplementing".into());
    annotation.target = Target::Uri(target(canvas, line));
    if line.time_s.is_none() {
        annotation.extra.insert("textGranularity".to_owned(), json!("line"));
    }
    annotation
}

/// The words of a line as they are printed there: a word that is broken keeps its hyphen.
fn words(line: &TextLine) -> String {
    let mut out = String::new();
    for word in &line.words {
        out.push_str(&word.text);
        match word.part {
            Some(WordPart::First { .. }) => out.push('-'),
            _ if word.joined_to_next => {}
            _ => out.push(' '),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn target(canvas: &str, line: &TextLine) -> String {
    if let Some((from, until)) = line.time_s {
        return format!("{canvas}#t={from},{until}");
    }
    let words = line.words.iter().filter_map(|word| word.area).reduce(Area::around);
    match line.area.or(words) {
        Some(Area { x, y, w, h }) => format!("{canvas}#xywh={x:.0},{y:.0},{w:.0},{h:.0}"),
        None => canvas.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use recto_iiif::text::{TextBlock, TextWord};

    use super::*;

    #[test]
    fn lines_become_supplementing_annotations_at_their_place() {
        let word = |text: &str, x: f64, part: Option<WordPart>| TextWord {
            text: text.into(),
            area: Some(Area { x, y: 20.0, w: 30.0, h: 10.0 }),
            part,
            ..TextWord::default()
        };
        let whole = Some(WordPart::First { whole: "Wörter".into() });
        let first =
            TextLine { words: vec![word("viele", 10.0, None), word("Wör", 50.0, whole)], ..TextLine::default() };
        let heard = TextLine { time_s: Some((1.5, 2.0)), words: vec![word("ter", 0.0, None)], ..TextLine::default() };
        let block = TextBlock { lines: vec![first, heard, TextLine::default()], ..TextBlock::default() };
        let text = PageText { size: None, language: Some("de".into()), blocks: vec![block] };
        let page = serde_json::to_value(text_page("http://x/c", "http://x/manifest", &text)).unwrap();
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        assert_eq!(page["items"][0]["id"], "http://x/c/text/1");
        assert_eq!(page["items"][0]["motivation"], "supplementing");
        assert_eq!(page["items"][0]["target"], "http://x/c#xywh=10,20,70,10");
        assert_eq!(
            page["items"][0]["body"],
            json!({"type": "TextualBody", "value": "viele Wör-", "format": "text/plain", "language": "de"})
        );
        assert_eq!(page["items"][1]["target"], "http://x/c#t=1.5,2");
    }
}
