//! What is inside an object's files: looked into once, then kept in the catalogue as long as the files are the same.

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};
use recto_catalog::Item;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::{Dimensions, ErrorKind};
use recto_ingest::Media;
use recto_ingest::build::{FilePart, ObjectParts, PageFacts, RecordingFacts};
use recto_ingest::description::{Content, Location, Page};
use serde::{Deserialize, Serialize};

use super::{ObjectService, blocking};
use crate::known::ShortFacts;
use crate::policy::{Action, Caller, Decision};
use crate::work::Client;
use crate::{ServiceError, policy};

/// Files of one object that are looked into at the same time.
const LOOKS_AT_A_TIME: usize = 16;

/// Pages of one file that are listed. A file of more is no book.
const MOST_PAGES: u32 = 100_000;

/// What the catalogue keeps: by the name of the file in the object.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    files: HashMap<String, KeptFile>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptFile {
    #[serde(rename = "b")]
    bytes: u64,
    #[serde(rename = "t")]
    modified_ns: Option<u64>,
    #[serde(rename = "p")]
    content: Result<KeptContent, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum KeptContent {
    #[serde(rename = "i")]
    Pages(Vec<ShortFacts>),
    #[serde(rename = "r")]
    Recording { format: String, duration_s: Option<f64>, size: Option<[u32; 2]> },
}

impl Kept {
    fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// How many pages an object has, as far as is known: a file that was never looked into has one.
    fn count(&self, parts: &ObjectParts) -> u64 {
        let in_file = |name: &str| match self.files.get(name).map(|known| &known.content) {
            Some(Ok(KeptContent::Pages(pages))) => pages.len() as u64,
            _ => 1,
        };
        if parts.made.is_some() {
            return parts.page_count() as u64;
        }
        if parts.description.pages.is_empty() {
            return parts.files.iter().map(|file| in_file(&file.name)).sum();
        }
        let of_page = |page: &Page| match page.contents.as_slice() {
            // A described page that is nothing but a file is every page of the file.
            [Content { location: Location::File(name), .. }] => in_file(name),
            _ => 1,
        };
        parts.description.pages.iter().map(of_page).sum()
    }
}

/// What facts that were kept of an object before are worth for it now.
pub(super) struct Earlier {
    /// How many pages it has by them.
    pub(super) pages: u64,
    /// They are not those of its present files.
    pub(super) is_stale: bool,
}

/// Compares kept facts with an object as it is now.
pub(super) fn earlier(facts: &[u8], parts: &ObjectParts) -> Earlier {
    let kept = Kept::read(facts);
    let is_known = |file: &FilePart| kept.files.get(&file.name).is_some_and(|known| known.is_of(file));
    Earlier { pages: kept.count(parts), is_stale: !parts.files.iter().all(is_known) }
}

/// What a look into a file came to.
enum Looked {
    /// What is true as long as the file is the same.
    Lasting(Result<KeptContent, String>),
    /// The file is not there now, for this reason.
    Gone(String),
}

impl KeptFile {
    fn is_of(&self, file: &FilePart) -> bool {
        self.bytes == file.bytes && self.modified_ns == file.modified_ns
    }
}

impl ObjectService {
    /// The facts of every page of an object's files, in order.
    ///
    /// # Errors
    /// When the server is too busy to look: a manifest with pages missing for that reason would be remembered by viewers.
    pub(super) async fn facts(
        &self,
        item: &Item,
        parts: &ObjectParts,
        caller: &Caller,
    ) -> Result<Vec<PageFacts>, ServiceError> {
        let prefix = parts.prefix.as_str();
        let mut kept: Kept = item.facts.as_deref().map(Kept::read).unwrap_or_default();
        let unknown: Vec<&FilePart> = parts
            .files
            .iter()
            .filter(|file| !kept.files.get(&file.name).is_some_and(|known| known.is_of(file)))
            .collect();
        if !unknown.is_empty() || item.facts.is_none() {
            // Made one by one before the stream: futures that a stream's own closure makes of borrowed files are not `Send`.
            let looks: Vec<_> = unknown.iter().map(|file| self.look(file, prefix, caller)).collect();
            let looked: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_A_TIME).collect().await;
            let mut gone = Vec::new();
            for (file, found) in unknown.iter().zip(looked) {
                let content = match found? {
                    Looked::Lasting(content) => content,
                    Looked::Gone(problem) => {
                        gone.push((file.name.clone(), problem));
                        continue;
                    }
                };
                let known = KeptFile { bytes: file.bytes, modified_ns: file.modified_ns, content };
                kept.files.insert(file.name.clone(), known);
            }
            kept.files.retain(|name, _| parts.files.iter().any(|file| file.name == *name));
            self.keep(item.row, parts, &kept).await;
            // Its folder may just be moved: the next one looks again.
            for (name, problem) in gone {
                kept.files.insert(name, KeptFile { bytes: 0, modified_ns: None, content: Err(problem) });
            }
        }
        let mut pages = Vec::with_capacity(parts.files.len());
        for file in &parts.files {
            if let Some(known) = kept.files.get(&file.name) {
                self.pages_of(file, known, prefix, caller, &mut pages);
            }
        }
        Ok(pages)
    }

    /// Keeps what was found. Without it the next one looks again.
    async fn keep(&self, row: i64, parts: &ObjectParts, kept: &Kept) {
        let Ok(bytes) = serde_json::to_vec(kept) else { return };
        let count = kept.count(parts);
        let catalog = std::sync::Arc::clone(&self.inner.catalog);
        if let Err(error) = blocking(move || Ok(catalog.put_facts(row, &bytes, count)?)).await {
            tracing::warn!(%error, "facts of an object could not be kept");
        }
    }

    /// Looks into one file. What only this moment hinders is an error; what the file hinders, a problem.
    async fn look(&self, file: &FilePart, prefix: &str, caller: &Caller) -> Result<Looked, ServiceError> {
        let identifier = file.identifier(prefix);
        if file.media == Media::Recording {
            return self.look_into_recording(&identifier, caller).await;
        }
        let first = match self.inner.images.look(&identifier, Client::of(caller.address)).await {
            Ok(first) => first,
            Err(error) => return problem(error),
        };
        let pages = first.pages.clamp(1, MOST_PAGES);
        let mut found = vec![first];
        for page in 2..=pages {
            let identifier = Identifier::new(format!("{identifier};{page}"));
            match self.inner.images.look(&identifier, Client::of(caller.address)).await {
                Ok(facts) => found.push(facts),
                Err(error) => {
                    let _ = problem(error)?;
                    // One page that cannot be read: of no size, so that it becomes a placeholder.
                    found.push(ShortFacts { width_px: 0, height_px: 0, levels: Vec::new(), tile: None, pages });
                }
            }
        }
        Ok(Looked::Lasting(Ok(KeptContent::Pages(found))))
    }

    async fn look_into_recording(&self, identifier: &Identifier, caller: &Caller) -> Result<Looked, ServiceError> {
        let file = match self.inner.images.file(identifier, caller).await {
            Ok(file) => file,
            Err(error) => return problem(error),
        };
        let look = move || match recto_ingest::av::read(&mut file.reader()) {
            Ok(facts) => Ok(Looked::Lasting(Ok(KeptContent::Recording {
                format: facts.format.to_owned(),
                duration_s: facts.duration_s,
                size: facts.width_px.zip(facts.height_px).map(|(width, height)| [width, height]),
            }))),
            Err(error) => Ok(Looked::Lasting(Err(error.to_string()))),
        };
        blocking(look).await
    }

    fn pages_of(&self, file: &FilePart, known: &KeptFile, prefix: &str, caller: &Caller, pages: &mut Vec<PageFacts>) {
        let identifier = file.identifier(prefix);
        let unreadable = |problem: &str| PageFacts {
            file: identifier.clone(),
            page: 1,
            pages: 1,
            size: Dimensions::new(0, 0),
            sizes: Vec::new(),
            recording: None,
            problem: Some(problem.to_owned()),
        };
        if let Err(denied) = self.may_read(caller, &identifier) {
            pages.push(unreadable(&denied.to_string()));
            return;
        }
        match &known.content {
            Ok(KeptContent::Recording { format, duration_s, size }) => pages.push(PageFacts {
                file: identifier.clone(),
                page: 1,
                pages: 1,
                size: size.map_or(Dimensions::new(0, 0), |[width, height]| Dimensions::new(width, height)),
                sizes: Vec::new(),
                recording: Some(RecordingFacts { format: format.clone(), duration_s: *duration_s }),
                problem: None,
            }),
            Ok(KeptContent::Pages(found)) => {
                let of_page =
                    |(facts, page): (&ShortFacts, u32)| self.page_facts(&identifier, page, facts, found.len());
                pages.extend(found.iter().zip(1..).map(of_page));
            }
            Err(problem) => pages.push(unreadable(problem)),
        }
    }

    fn may_read(&self, caller: &Caller, image: &Identifier) -> Result<(), ServiceError> {
        decided(self.inner.policy.decide(caller, Action::ReadInfo, image))
    }

    pub(super) fn page_facts(&self, file: &Identifier, page: u32, facts: &ShortFacts, pages: usize) -> PageFacts {
        let subject = self.inner.images.info_subject(facts, "");
        PageFacts {
            file: file.clone(),
            page,
            // More than are known where a file has more than are listed.
            pages: u32::try_from(pages).unwrap_or(u32::MAX).max(facts.pages),
            size: facts.size(),
            sizes: subject.sizes(ApiVersion::V3),
            recording: None,
            problem: None,
        }
    }
}

/// What stands in the way for good, in words; what may pass, as the error that it is.
fn problem(error: ServiceError) -> Result<Looked, ServiceError> {
    match error.kind() {
        ErrorKind::Unavailable { .. } => Err(error),
        ErrorKind::NotFound => Ok(Looked::Gone(error.root().to_string())),
        _ => Ok(Looked::Lasting(Err(error.root().to_string()))),
    }
}

pub(crate) fn decided(decision: policy::Decision) -> Result<(), ServiceError> {
    match decision {
        Decision::Allow => Ok(()),
        Decision::AskWho => Err(ServiceError::Unauthorized),
        Decision::Deny => Err(ServiceError::Forbidden),
    }
}
