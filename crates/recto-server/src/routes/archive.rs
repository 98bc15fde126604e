//! Trees of `recto tile` in archives, served from where they lie: `/static/{archive}/{image}/…`.
//!
//! A tree knows under which URL it was meant to be served, and an archive can come to lie anywhere. So the `id` in each `info.json` is
//! the URL that it was asked for under.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::{fs, io};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use recto_iiif::ErrorKind;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{ApiVersion, Format, negotiate};
use recto_static::{Archive, ArchiveEntry};
use serde_json::Value;

use crate::app::{App, Asked};
use crate::options::OptionError;
use crate::pieces::send;
use crate::problem::{Api, Problem};
use crate::reply::{Reply, Representation, redirect};

/// No `info.json` is longer.
const MOST_DOCUMENT_BYTES: u32 = 1 << 20;

/// The archives that are served.
#[derive(Debug)]
pub(crate) struct Archives {
    mounted: Vec<Arc<Mounted>>,
}

/// An archive and the name that it is served under.
#[derive(Debug)]
struct Mounted {
    name: String,
    path: PathBuf,
    open: RwLock<Arc<Archive>>,
}

impl Archives {
    /// Opens these archives, and all of these folders.
    ///
    /// # Errors
    /// The first that cannot be read, and two of one name.
    pub(crate) fn open(given: &[PathBuf]) -> Result<Self, OptionError> {
        let mut mounted: Vec<Arc<Mounted>> = Vec::new();
        for path in given {
            let failed =
                |source: io::Error| OptionError::Archive { given: path.clone(), source: Box::new(source.into()) };
            let mut paths = vec![path.clone()];
            if path.is_dir() {
                let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
                paths = entries.into_iter().map(|entry| entry.path()).filter(|path| is_archive(path)).collect();
                paths.sort();
            }
            for path in paths {
                let open = Archive::open(&path)
                    .map_err(|source| OptionError::Archive { given: path.clone(), source: Box::new(source) })?;
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                if let Some(first) = mounted.iter().find(|mounted| mounted.name == name) {
                    return Err(OptionError::SameArchive { name, first: first.path.clone(), second: path });
                }
                tracing::info!(archive = %path.display(), files = open.len(), "served under /static/{name}/");
                mounted.push(Arc::new(Mounted { name, path, open: RwLock::new(Arc::new(open)) }));
            }
        }
        Ok(Self { mounted })
    }
}

fn is_archive(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) && !is_hidden
}

impl Mounted {
    /// The archive as it is now: one that was replaced is opened anew. Blocks.
    fn current(&self) -> Arc<Archive> {
        let known = Arc::clone(&self.open.read().unwrap_or_else(PoisonError::into_inner));
        if known.is_current(&self.path) {
            return known;
        }
        match Archive::open(&self.path) {
            Ok(new) => {
                let new = Arc::new(new);
                *self.open.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
                new
            }
            Err(error) => {
                tracing::info!(archive = %self.path.display(), "it was replaced and {error}; the former one is served");
                known
            }
        }
    }

    fn look(&self, name: &str, service: &str) -> io::Result<Found> {
        let archive = self.current();
        let Some(entry) = archive.find(name)? else {
            let is_image = archive.find(&format!("{name}/info.json"))?.is_some();
            return Ok(if is_image { Found::Base } else { Found::Nothing });
        };
        if name.ends_with("/info.json") && entry.length <= MOST_DOCUMENT_BYTES {
            let bytes = archive.read(&entry, 0, entry.length as usize)?;
            if let Some((version, bytes)) = readdressed(&bytes, service) {
                return Ok(Found::Document { version, bytes, archive });
            }
        }
        Ok(Found::File { archive, entry })
    }
}

/// What is at a path.
enum Found {
    Nothing,
    /// The image itself, whose document is one step further.
    Base,
    Document {
        version: ApiVersion,
        bytes: Bytes,
        archive: Arc<Archive>,
    },
    File {
        archive: Arc<Archive>,
        entry: ArchiveEntry,
    },
}

/// The document with this URL as its own.
fn readdressed(bytes: &[u8], service: &str) -> Option<(ApiVersion, Bytes)> {
    let mut document: Value = serde_json::from_slice(bytes).ok()?;
    let members = document.as_object_mut()?;
    let (version, key) = if members.contains_key("@id") { (ApiVersion::V2, "@id") } else { (ApiVersion::V3, "id") };
    *members.get_mut(key)? = service.into();
    Some((version, Bytes::from(document.to_string())))
}

/// Answers what lies under `/static/`; `rest` is the path behind it, still encoded.
pub(super) async fn answer(app: &App, asked: &Asked, rest: &str) -> Reply {
    match found(app, asked, rest).await {
        Ok(Some(reply)) => reply,
        Ok(None) => super::nothing_here(asked),
        Err(error) => {
            tracing::info!(path = asked.parts.uri.path(), "an archive could not be read: {error}");
            Problem::new(ErrorKind::Internal, "the archive could not be read").reply(Api::Other, &asked.parts.headers)
        }
    }
}

async fn found(app: &App, asked: &Asked, rest: &str) -> io::Result<Option<Reply>> {
    let Some((Ok(name), Ok(inner))) =
        rest.split_once('/').map(|(name, inner)| (Identifier::parse_encoded(name), Identifier::parse_encoded(inner)))
    else {
        return Ok(None);
    };
    let mounted = app.archives().mounted.iter().find(|mounted| mounted.name == name.as_str());
    let Some(mounted) = mounted.map(Arc::clone) else { return Ok(None) };
    let url = format!("{}/static/{rest}", asked.reached.base);
    let service = url.strip_suffix("/info.json").unwrap_or(&url).to_owned();
    let path = inner.as_str().to_owned();
    let found =
        tokio::task::spawn_blocking(move || mounted.look(&path, &service)).await.map_err(io::Error::other)??;
    Ok(match found {
        Found::Nothing => None,
        Found::Base => Some(redirect(StatusCode::SEE_OTHER, &format!("{url}/info.json"))),
        Found::Document { version, bytes, archive } => {
            let media = negotiate(asked.accept(), version);
            let representation = Representation {
                etag: etag(crc32fast::hash(&bytes), bytes.len() as u64),
                last_modified: Some(archive.modified()),
                cache_control: app.cache_control_documents(),
                media_type: HeaderValue::from_static(media.content_type(version)),
                vary: Some(HeaderValue::from_static("Accept")),
                extra: Vec::new(),
            };
            let early = representation.before_body(&asked.parts.headers);
            Some(early.unwrap_or_else(|| representation.with_body(&asked.parts.method, &asked.parts.headers, bytes)))
        }
        Found::File { archive, entry } => {
            let representation = Representation {
                etag: etag(entry.crc, entry.length.into()),
                last_modified: Some(archive.modified()),
                cache_control: app.cache_control_images(),
                media_type: HeaderValue::from_static(media_type(inner.as_str())),
                vary: None,
                extra: Vec::new(),
            };
            if let Some(reply) = representation.before_body(&asked.parts.headers) {
                return Ok(Some(reply));
            }
            let length = u64::from(entry.length);
            let read = move |from, bytes| archive.read(&entry, from, bytes).map(Bytes::from);
            Some(send(asked, &representation, length, read).await?)
        }
    })
}

fn etag(crc: u32, length: u64) -> String {
    format!("\"{crc:08x}-{length:x}\"")
}

fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match Format::from_extension(extension) {
        Some(format) => format.media_type(),
        None if extension == "json" => "application/json",
        None => "application/octet-stream",
    }
}
