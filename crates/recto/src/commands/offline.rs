//! A library as the server would publish it, without a server: for commands that write documents.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use recto_catalog::Catalog;
use recto_catalog::text::TextStore;
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{Version, v4};
use recto_ingest::{Finding, Library, LibraryOptions, Tree};
use recto_service::policy::{AllowAll, Caller};
use recto_service::{DocumentKind, ImageService, ImageServiceParts, ItemKind, Metrics, ObjectService, SiteUrls};
use recto_source::{Filesystem, Folder};
use serde_json::Value;

use crate::config::Config;

/// A library that was looked at once.
pub(super) struct Offline {
    pub(super) library: Library,
    pub(super) tree: Tree,
    pub(super) findings: Vec<Finding>,
    objects: ObjectService,
    /// What is kept while the command runs.
    _state: tempfile::TempDir,
}

impl Offline {
    /// Looks at a folder. Needs a runtime around it.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        Self::open_all(&[folder.to_owned()])
    }

    /// Looks at folders that are published as one. Needs a runtime around it.
    pub(super) fn open_all(folders: &[PathBuf]) -> anyhow::Result<Self> {
        let mut config = Config::default();
        for folder in folders {
            let place = folder.canonicalize().with_context(|| format!("there is no `{}`", folder.display()))?;
            anyhow::ensure!(place.is_dir(), "`{}` is a file; give the folder that it lies in", folder.display());
            config.source.folders.push(Folder::from(place));
        }
        let state = tempfile::tempdir().context("there is no place for temporary files")?;
        config.cache.directory = Some(state.path().join("cache"));
        let source = Arc::new(Filesystem::new(&config.source)?);
        let names: Vec<_> = source.folders().map(|(name, path)| (name.to_owned(), path.to_owned())).collect();
        let library = Library::named(names, LibraryOptions::default())?;
        let images = ImageService::start(ImageServiceParts {
            source,
            policy: Arc::new(AllowAll),
            cache: Arc::new(recto_cache::DerivativeCache::open(&config.cache)?),
            metrics: Arc::new(Metrics::new()),
            limits: config.limits,
            options: config.image,
            work: config.work,
            rest: crate::allocator::give_back,
        })
        .context("the image service could not start")?;
        let tree = library.scan();
        let catalog = Catalog::in_memory()?;
        let findings = recto_service::take_in(&catalog, &library, &tree)?.findings;
        let objects = ObjectService::without_watching(catalog, TextStore::in_memory()?, images, Arc::new(AllowAll));
        Ok(Self { library, tree, findings, objects, _state: state })
    }

    /// The manifest of the object at this path of the library.
    pub(super) async fn manifest(&self, path: &str, version: Version, base_url: &str) -> anyhow::Result<Value> {
        let item = self.objects.catalog().item_at(path, ItemKind::Manifest)?.context("the object was not taken in")?;
        self.document(DocumentKind::Manifest, &item.identifier, version, base_url).await
    }

    /// The document of the collection at this path of the library; the root's is empty.
    pub(super) async fn collection(&self, path: &str, version: Version, base_url: &str) -> anyhow::Result<Value> {
        let item =
            self.objects.catalog().item_at(path, ItemKind::Collection)?.context("the folder was not taken in")?;
        if version == Version::V4 {
            // In one piece however many members there are: no file can lie below another.
            let document = self.document(DocumentKind::Collection, &item.identifier, Version::V3, base_url).await?;
            return Ok(v4::write(document, &SiteUrls::new(base_url).documents(version)).0);
        }
        self.document(DocumentKind::Collection, &item.identifier, version, base_url).await
    }

    /// Where a file of the library lies; `None` for what none of its documents may name.
    pub(super) fn file(&self, path: &str) -> Option<PathBuf> {
        recto_service::published_media_type(path)?;
        self.library.place(path).filter(|place| place.is_file())
    }

    /// What is the matter with the texts of all objects.
    pub(super) async fn text_findings(&self) -> anyhow::Result<Vec<Finding>> {
        let (mut findings, mut behind) = (Vec::new(), 0);
        loop {
            let seen = self.objects.catalog().object_states(behind, 256)?;
            let Some(last) = seen.last() else { return Ok(findings) };
            behind = last.row;
            for object in seen {
                if let Some(item) = self.objects.catalog().item_of_row(object.row)? {
                    findings.extend(self.objects.check_texts(item).await?);
                }
            }
        }
    }

    async fn document(
        &self,
        kind: DocumentKind,
        identifier: &str,
        version: Version,
        base_url: &str,
    ) -> anyhow::Result<Value> {
        let urls = SiteUrls::new(base_url);
        let document =
            self.objects.document(kind, &Identifier::new(identifier), version, &urls, &Caller::default()).await?;
        Ok(serde_json::from_slice(&document.bytes)?)
    }
}
