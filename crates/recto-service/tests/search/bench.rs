//! A library that is served and changed.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_cache::{CacheOptions, DerivativeCache};
use recto_catalog::Catalog;
use recto_catalog::annotations::AnnotationStore;
use recto_catalog::text::TextStore;
use recto_config::ByteSize;
use recto_iiif::identifier::Identifier;
use recto_iiif::search::{Scope, SearchRequest, Term};
use recto_ingest::build::Urls as _;
use recto_ingest::{Library, LibraryOptions, WatchOptions};
use recto_service::policy::{Action, Caller, Decision, Policy};
use recto_service::{
    AnnotationOptions, AnnotationService, ImageOptions, ImageService, ImageServiceParts, LimitOptions, Metrics, New,
    ObjectService, SearchService, Seen, SiteUrls, WorkOptions,
};
use recto_source::{Filesystem, Folder, SourceOptions};

use crate::QUERIES;
use crate::model::{Chance, Model, Note, write_object};
use crate::scan::{Part, Plain, Question, difference, is_hidden, plain, put_notes_in_order, scan_all};

#[derive(Debug)]
struct Seeing;

impl Policy for Seeing {
    fn decide(&self, caller: &Caller, _action: Action, identifier: &Identifier) -> Decision {
        let is_restricted = caller.address == Some([10, 0, 0, 1].into());
        if is_restricted && is_hidden(identifier.as_str()) { Decision::Deny } else { Decision::Allow }
    }
}

pub(crate) fn caller(is_restricted: bool) -> Caller {
    Caller { address: is_restricted.then(|| [10, 0, 0, 1].into()), ..Caller::default() }
}

pub(crate) struct Bench {
    folder: tempfile::TempDir,
    _state: tempfile::TempDir,
    search: SearchService,
    annotations: AnnotationService,
    /// The names of notes, for each in the model.
    written: Vec<(String, Identifier)>,
    pub(crate) model: Model,
}

impl Bench {
    pub(crate) fn new(objects: usize) -> Self {
        let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut chance = Chance(7);
        let mut model = Model::default();
        for number in 0..objects {
            model.objects.insert(format!("o{number:03}"), chance.object());
        }
        for (name, object) in &model.objects {
            write_object(folder.path(), name, object);
        }
        let options =
            SourceOptions { folders: vec![Folder::from(folder.path().to_owned())], ..SourceOptions::default() };
        let source = Arc::new(Filesystem::new(&options).unwrap());
        let names = source.folders().map(|(name, path)| (name.to_owned(), path.to_owned())).collect::<Vec<_>>();
        let library = Library::named(names, LibraryOptions::default()).unwrap();
        let cache = CacheOptions { max_disk: ByteSize::from_bytes(0), ..CacheOptions::default() };
        let policy: Arc<dyn Policy> = Arc::new(Seeing);
        let images = ImageService::start(ImageServiceParts {
            source,
            policy: Arc::clone(&policy),
            cache: Arc::new(DerivativeCache::open(&cache).unwrap()),
            metrics: Arc::new(Metrics::new()),
            limits: LimitOptions::default(),
            options: ImageOptions::default(),
            work: WorkOptions::default(),
            rest: || {},
        })
        .unwrap();
        let texts = TextStore::open(&state.path().join("text.sqlite")).unwrap();
        let catalog = Catalog::open(&state.path().join("catalogue.sqlite")).unwrap();
        let watch = WatchOptions { rescan: Duration::from_millis(200), ..WatchOptions::default() };
        let objects = ObjectService::start(library, watch, catalog, texts, images, Arc::clone(&policy)).unwrap();
        objects.keep_texts();
        let store = AnnotationStore::open(&state.path().join("annotations.sqlite")).unwrap();
        let annotations = AnnotationService::new(store, &objects, policy, AnnotationOptions::default(), true);
        let search = SearchService::new(objects).with_annotations(&annotations);
        Self { folder, _state: state, search, annotations, written: Vec::new(), model }
    }

    fn root(&self) -> Identifier {
        Identifier::new(self.folder.path().file_name().unwrap().to_str().unwrap())
    }

    /// All pages of an answer about a collection or an object, with its total.
    async fn ask_of(
        &self,
        identifier: &Identifier,
        scope: &Scope,
        question: Question<'_>,
    ) -> Option<(usize, Vec<Plain>)> {
        let (urls, caller) = (SiteUrls::new("http://x"), caller(question.is_restricted));
        let (mut page, mut all) = (1, Vec::new());
        loop {
            let request = SearchRequest { q: question.query.to_owned(), page, ..SearchRequest::default() };
            let found = self.search.search(identifier, scope, &request, &urls, &caller).await.ok()?;
            all.extend(plain(&found));
            if !found.has_next {
                let total = found.hits_total.exact().map_or(all.len(), |total| total as usize);
                return Some((total, put_notes_in_order(all)));
            }
            page += 1;
        }
    }

    pub(crate) async fn ask(&self, question: Question<'_>) -> Option<(usize, Vec<Plain>)> {
        self.ask_of(&self.root(), &Scope::Collection, question).await
    }

    pub(crate) async fn ask_object(&self, name: &str, question: Question<'_>) -> Option<(usize, Vec<Plain>)> {
        let scope = match question.part {
            Part::Whole => Scope::Manifest,
            Part::Canvas(page) => Scope::Canvas(Identifier::new(page.to_string())),
            Part::Range(range) => Scope::Range(Identifier::new(range)),
        };
        self.ask_of(&Identifier::new(name), &scope, question).await
    }

    pub(crate) async fn complete(&self, beginning: &str, is_restricted: bool) -> Vec<Term> {
        let request = SearchRequest { q: beginning.to_owned(), ..SearchRequest::default() };
        let (urls, caller) = (SiteUrls::new("http://x"), caller(is_restricted));
        self.search.complete(&self.root(), &Scope::Collection, &request, &urls, &caller).await.unwrap()
    }

    /// Waits until the answers are those of the model.
    pub(crate) async fn settle(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let mut is_same = true;
            for query in QUERIES {
                let question = Question::of(query, false);
                let want = scan_all(&self.model, question);
                is_same &= self.ask(question).await.is_some_and(|(_, found)| found == want);
            }
            if is_same {
                return;
            }
            if Instant::now() > deadline {
                for query in QUERIES {
                    let question = Question::of(query, false);
                    let want = scan_all(&self.model, question);
                    let found = self.ask(question).await.unwrap_or_default();
                    assert_eq!(difference(&found, &want), None, "{query}");
                }
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Makes an object something else, or takes it away.
    pub(crate) fn change_object(&mut self, name: &str, chance: &mut Chance) {
        let place = self.folder.path().join(name);
        if place.exists() {
            fs::remove_dir_all(&place).unwrap();
        }
        self.model.objects.remove(name);
        if chance.below(3) > 0 {
            let object = chance.object();
            write_object(self.folder.path(), name, &object);
            self.model.objects.insert(name.to_owned(), object);
        }
    }

    /// Writes about an object, or takes back what was written last. The catalogue has to know the object.
    pub(crate) async fn change_notes(&mut self, name: &str, chance: &mut Chance) {
        let author = Caller { user: Some("Anna".to_owned()), ..Caller::default() };
        let container = Identifier::new(name);
        if chance.below(4) == 0
            && let Some(at) = self.written.iter().rposition(|(object, _)| object == name)
        {
            let (_, note) = self.written.remove(at);
            self.model.notes.get_mut(name).unwrap().pop();
            let delete = move |desk: &recto_service::Desk| desk.delete((&container, &note), &Seen::Any, &author);
            return self.annotations.ask(delete).await.unwrap();
        }
        let note = chance.note(self.model.objects[name].len());
        let urls = SiteUrls::new("http://x");
        let text = body(&note, &urls.canvas(&container, &note.page.to_string()));
        let create = move |desk: &recto_service::Desk| {
            desk.create(&container, &desk.read(&text)?, &New::default(), &urls, &author)
        };
        let made = self.annotations.ask(create).await.unwrap();
        let id = made.id.rsplit('/').next().unwrap().to_owned();
        self.written.push((name.to_owned(), Identifier::new(id)));
        self.model.notes.entry(name.to_owned()).or_default().push(note);
    }
}

fn body(note: &Note, canvas: &str) -> String {
    let ([x, y, w, h], words) = (note.area, note.words.join(" "));
    format!(
        r#"{{"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "motivation": "commenting",
        "body": {{"type": "TextualBody", "value": "{words}", "format": "text/plain"}}, "target": "{canvas}#xywh={x},{y},{w},{h}"}}"#
    )
}
