//! A library as the server would publish it, without a server: for commands that write documents.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use recto_catalog::Catalog;
use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::Version;
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
        let folder = folder.canonicalize().with_context(|| format!("there is no `{}`", folder.display()))?;
        anyhow::ensure!(folder.is_dir(), "`{}` is a file; give the folder that it lies in", folder.display());
        let mut config = Config::default();
        config.source.folders = vec![Folder::from(folder)];
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
        })
        .context("the image service could not start")?;
        let tree = library.scan();
        let catalog = Catalog::in_memory()?;
        let findings = recto_service::take_in(&catalog, &library, &tree)?.findings;
        let objects = ObjectService::without_watching(catalog, images, Arc::new(AllowAll));
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
        self.document(DocumentKind::Collection, &item.identifier, version, base_url).await
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
