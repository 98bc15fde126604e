//! Keeps the texts as the library is: reads those of new and changed objects, one after the other, and forgets those that are gone.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use recto_catalog::Fingerprint;
use recto_catalog::text::{TextObject, TextState};
use recto_ingest::{Finding, Severity};
use xxhash_rust::xxh3::Xxh3;

use super::layout::CanvasLayout;
use super::making::TextMaker;
use super::reading::{self, TextReader};
use crate::objects::{Inner, ObjectService, ObjectView, blocking};
use crate::policy::Caller;
use crate::{Item, ServiceError};

/// Grows when the blobs are made in another way, so that all are made anew.
const SCHEME: u8 = 3;
/// Pause between looks for changes.
const PAUSE: Duration = Duration::from_millis(300);
/// Longest pause, when texts could not be read or kept.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Findings of one object that are told in the log.
const MOST_TOLD: usize = 10;
/// Longest time that texts which were read wait to be written.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// Objects that are written in one transaction.
const AT_ONCE: usize = 32;
/// Bytes that wait to be written.
const WAITING_BYTES: usize = 64 << 20;
/// Objects whose rows are read at once.
const ROWS: u64 = 4096;
/// Findings that are kept for people to read.
const MOST_FINDINGS: usize = 1000;

/// Goes on until the service is gone.
pub(crate) async fn keep(inner: Weak<Inner>) {
    let mut done = None;
    let mut pause = PAUSE;
    loop {
        {
            let Some(inner) = inner.upgrade() else { return };
            let this = ObjectService { inner };
            let generation = this.generation();
            if done != Some(generation) {
                if this.keep_all().await {
                    (done, pause) = (Some(generation), PAUSE);
                } else {
                    // What stands in the way may stand there for long.
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// One object whose text has to be read.
struct Stale {
    row: i64,
    signature: Fingerprint,
}

impl ObjectService {
    /// Reads the texts of all objects that are not as they were when theirs was read. False when it has to be tried again.
    async fn keep_all(&self) -> bool {
        let began = Instant::now();
        let Ok(stale) = self.stale().await else { return false };
        if stale.is_empty() {
            return true;
        }
        let count = stale.len();
        let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
        let mut texts = stream::iter(stale.into_iter().map(|stale| self.clone().read(stale))).buffer_unordered(workers);
        let (mut waiting, mut bytes, mut pages, mut is_whole) = (Vec::new(), 0, 0, true);
        loop {
            // What is ready does not wait for what takes long.
            let next = match tokio::time::timeout(LONGEST_WAIT, texts.next()).await {
                Ok(next) => next,
                Err(_) if waiting.is_empty() => continue,
                Err(_) => {
                    is_whole &= self.write(std::mem::take(&mut waiting)).await;
                    bytes = 0;
                    continue;
                }
            };
            let Some(read) = next else { break };
            if Arc::strong_count(&self.inner) == 1 {
                // Nobody else has the service any more: the server is about to end.
                return false;
            }
            let Some(read) = read else {
                is_whole = false;
                continue;
            };
            bytes += read.index.len() + read.pages.iter().map(|page| page.blob.len()).sum::<usize>();
            pages += read.pages.len();
            waiting.push(read);
            if waiting.len() >= AT_ONCE || bytes >= WAITING_BYTES {
                is_whole &= self.write(std::mem::take(&mut waiting)).await;
                bytes = 0;
            }
        }
        is_whole &= self.write(waiting).await;
        let texts = self.inner.texts.clone();
        is_whole &= blocking(move || Ok(texts.make_shards()?)).await.is_ok();
        tracing::info!(
            objects = count,
            pages,
            seconds = began.elapsed().as_secs_f64(),
            "texts were brought up to date"
        );
        is_whole
    }

    /// The objects whose text is not the one that is kept. What is kept of objects that are gone is deleted.
    async fn stale(&self) -> Result<Vec<Stale>, ServiceError> {
        let (catalog, texts) = (Arc::clone(&self.inner.catalog), self.inner.texts.clone());
        blocking(move || {
            let mut kept: HashMap<i64, TextState> = texts.store().objects()?.into_iter().collect();
            let mut stale = Vec::new();
            let mut behind = 0;
            loop {
                let rows = catalog.object_states(behind, ROWS)?;
                let Some(last) = rows.last() else { break };
                behind = last.row;
                for row in rows {
                    let signature = signature(&row.path, row.signature);
                    if kept.remove(&row.row).is_none_or(|kept| kept.signature != signature) {
                        stale.push(Stale { row: row.row, signature });
                    }
                }
            }
            for row in kept.into_keys() {
                texts.delete(row)?;
            }
            Ok(stale)
        })
        .await
    }

    /// Reads one object; `None` when that is not possible now.
    async fn read(self, stale: Stale) -> Option<TextObject> {
        let catalog = Arc::clone(&self.inner.catalog);
        let item = blocking(move || Ok(catalog.item_of_row(stale.row)?)).await.ok()??;
        let view = self.view(item, &Caller::default()).await.ok()?;
        blocking(move || {
            let (blobs, findings) = make(&self, &view, &stale);
            self.note_text_findings(view.item.path.as_str(), findings);
            Ok(blobs)
        })
        .await
        .ok()
    }

    async fn write(&self, blobs: Vec<TextObject>) -> bool {
        if blobs.is_empty() {
            return true;
        }
        let texts = self.inner.texts.clone();
        let written = blocking(move || Ok(texts.put(&blobs)?)).await;
        if let Err(error) = &written {
            tracing::error!(%error, "texts could not be kept; they are read again");
        }
        // Documents lead to what can be searched.
        self.inner.text_generation.fetch_add(1, Ordering::AcqRel);
        written.is_ok()
    }

    /// What is the matter with the texts of an object, and with the annotations beside it. Nothing is kept.
    ///
    /// # Errors
    /// When its files cannot be looked into now.
    pub async fn check_texts(&self, item: Item) -> Result<Vec<Finding>, ServiceError> {
        let beside = self.annotations_beside(item.clone()).await?.findings;
        let view = self.view(item, &Caller::default()).await?;
        let images = self.inner.images.clone();
        blocking(move || {
            let canvases = reading::canvases(&view);
            let mut reader = TextReader::new(&images);
            reader.read_shared(&canvases.iter().collect::<Vec<_>>());
            for canvas in &canvases {
                let _blob = reader.read(canvas);
            }
            reader.findings.extend(beside);
            Ok(reader.findings)
        })
        .await
    }

    fn note_text_findings(&self, object: &str, findings: Vec<Finding>) {
        if findings.len() > MOST_TOLD {
            tracing::info!(object, "{} findings in its texts; `recto check` tells all of them", findings.len());
        }
        for finding in findings.iter().take(MOST_TOLD) {
            tracing::info!(place = %finding.place, line = finding.line, rule = finding.rule, "{}", finding.message);
        }
        let mut noted = self.inner.text_findings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        noted.remove(object);
        if !findings.is_empty() && noted.len() < MOST_FINDINGS {
            noted.insert(object.to_owned(), findings);
        }
    }
}

fn signature(path: &str, object: Fingerprint) -> Fingerprint {
    let mut hash = Xxh3::new();
    hash.update(&[SCHEME]);
    hash.update(path.as_bytes());
    hash.update(&object.0.to_be_bytes());
    Fingerprint(hash.digest128())
}

/// Makes the blobs of an object; pages whose files are as they were keep theirs.
fn make(service: &ObjectService, view: &ObjectView, stale: &Stale) -> (TextObject, Vec<Finding>) {
    let texts = &service.inner.texts;
    let store = texts.store();
    let canvases = reading::canvases(view);
    let known: HashMap<u32, Fingerprint> = store.page_sources(stale.row).unwrap_or_default().into_iter().collect();
    let before = store.newest_copy(stale.row).ok().flatten();
    let mut reader = TextReader::new(&service.inner.images);
    let said = &view.parts.description;
    let language = said.language.as_deref();
    let stems = said.search.as_ref().and_then(|search| search.get("stem")).and_then(serde_json::Value::as_bool);
    let is_wanted = said.search.as_ref().and_then(|search| search.get("enable")).is_none_or(|enable| enable != false);
    let mut maker = TextMaker::new(language, stems.unwrap_or(true));
    let sources: Vec<Fingerprint> =
        canvases.iter().map(|canvas| Fingerprint(if is_wanted { reader.fingerprint(canvas) } else { 0 })).collect();
    let is_kept = |number: u32, source: Fingerprint| known.get(&number) == Some(&source);
    let unread = canvases.iter().zip(0..).zip(&sources).filter(|((_, number), source)| !is_kept(*number, **source));
    if is_wanted {
        reader.read_shared(&unread.map(|((canvas, _), _)| canvas).collect::<Vec<_>>());
    }
    for ((canvas, number), source) in canvases.iter().zip(0u32..).zip(sources) {
        let kept = before.as_ref().filter(|_| is_kept(number, source)).and_then(|before| before.page(number));
        let blob = match kept {
            Some(blob) => blob.to_vec(),
            None if is_wanted => reader.read(canvas),
            None => Vec::new(),
        };
        let layout = CanvasLayout {
            name: canvas.name.clone(),
            width_px: canvas.size.width_px,
            height_px: canvas.size.height_px,
            has_text: false,
            label: canvas.label.clone(),
            is_picture: canvas.is_picture,
            image: canvas.image.as_ref().map(|image| image.as_str().to_owned()),
        };
        maker.add(layout, source, blob);
    }
    let made = maker.finish(stale.row, stale.signature).unwrap_or_else(|error| {
        reader.findings.push(Finding::new(
            Severity::Error,
            "text-too-long",
            view.item.path.as_str(),
            format!("the text of the object cannot be searched: {error}"),
            "divide the object",
        ));
        let (object, signature) = (stale.row, stale.signature);
        TextObject { object, signature, index: Vec::new(), words: 0, pages: Vec::new() }
    });
    (made, reader.findings)
}
