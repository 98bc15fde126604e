//! `recto serve`: publish folders of images.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use recto_cache::DerivativeCache;
use recto_catalog::Catalog;
use recto_catalog::annotations::AnnotationStore;
use recto_catalog::text::TextStore;
use recto_ingest::build::Proxied;
use recto_ingest::{Library, LibraryOptions, Severity, WatchOptions, Whole};
use recto_server::{App, Server};
use recto_service::policy::{AllowAll, Policy};
use recto_service::{AnnotationService, ImageService, ImageServiceParts, Metrics, ObjectService};
use recto_source::{Filesystem, Folder, Remote, Sources, Symlinks};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, ConfigArguments};
use crate::output::say;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto serve ~/scans\n  recto serve maps letters --listen 0.0.0.0:8182\n  recto serve /srv/masters --base-url https://images.example.org --state /var/lib/recto\n  recto serve scans --set image.jpeg_quality=85 --set limits.max_area=50000000\n\nNothing is ever written under a FOLDER. What Recto keeps for itself lies in the state directory and can be deleted."
)]
pub(crate) struct Serve {
    /// Folders of images; without any, the working directory
    #[arg(value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Public URL under which people reach this server
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Directory for what Recto keeps: caches, and later annotations
    #[arg(long, value_name = "DIR", env = "RECTO_STATE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArguments,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        start_log();
        let mut config = self.config.load()?.value;
        if let Some(listen) = self.listen.clone() {
            config.server.listen = listen;
        }
        if let Some(base_url) = self.base_url.clone() {
            config.server.base_url = Some(base_url.trim_end_matches('/').to_owned());
        }
        config.server.check()?;
        raise_open_file_limit();
        let folders = self.folders(&mut config)?;
        let state = self.state_directory(&folders)?;
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("the runtime could not start")?
            .block_on(serve(config, folders, &state))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The folders to serve: those of the command line, else those of the configuration, else the working directory.
    fn folders(&self, config: &mut Config) -> anyhow::Result<Vec<PathBuf>> {
        if !self.folders.is_empty() {
            config.source.folders = self.folders.iter().cloned().map(Folder::from).collect();
        } else if config.source.folders.is_empty() {
            config.source.folders =
                vec![Folder::from(std::env::current_dir().context("there is no working directory")?)];
        }
        let mut absolute = Vec::with_capacity(config.source.folders.len());
        for folder in &mut config.source.folders {
            let given = folder.path().to_owned();
            let place =
                given.canonicalize().with_context(|| format!("the folder `{}` cannot be served", given.display()))?;
            anyhow::ensure!(place.is_dir(), "`{}` is a file; give the folder that it lies in", given.display());
            if let Folder::Path(path) = folder {
                path.clone_from(&place);
            }
            absolute.push(place);
        }
        Ok(absolute)
    }

    /// The state directory: as given, else one of the user's own for just these folders. Never inside a folder that is served.
    fn state_directory(&self, folders: &[PathBuf]) -> anyhow::Result<PathBuf> {
        let directory = match &self.state {
            Some(directory) => directory.clone(),
            None => default_state(folders),
        };
        // Where it would lie is found out before anything is made, so that nothing is ever made under a folder of originals.
        let place = recto_cache::real(&directory);
        if let Some(folder) = folders.iter().find(|folder| place.starts_with(folder) || folder.starts_with(&place)) {
            anyhow::bail!(
                "the state directory `{}` and the folder `{}` overlap; name another directory with --state",
                directory.display(),
                folder.display()
            );
        }
        std::fs::create_dir_all(&place).with_context(|| {
            format!("the state directory `{}` cannot be made; name another with --state", place.display())
        })?;
        Ok(place)
    }
}

fn default_state(folders: &[PathBuf]) -> PathBuf {
    let home = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state")))
        .unwrap_or_else(std::env::temp_dir);
    let name = folders
        .first()
        .and_then(|folder| folder.file_name())
        .map_or_else(|| "root".into(), |name| name.to_string_lossy());
    let mut all = String::new();
    for folder in folders {
        all.push_str(&folder.to_string_lossy());
        all.push('\n');
    }
    home.join("recto").join(format!("{name}-{:016x}", xxhash_rust::xxh3::xxh3_64(all.as_bytes())))
}

fn start_log() {
    let filter = EnvFilter::try_from_env("RECTO_LOG").unwrap_or_else(|_| {
        EnvFilter::new("warn,jxl_frame=error,jxl_render=error,recto=info,recto_server=info,recto_service=info")
    });
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .with_target(false)
        .init();
}

/// Originals are kept open and viewers open many connections: take what the system would give anyway.
fn raise_open_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        // Without it the usual soft limit holds, which is enough for a small site.
        let _raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

async fn serve(config: Config, folders: Vec<PathBuf>, state: &Path) -> anyhow::Result<()> {
    let folders_of_source = Filesystem::new(&config.source)?;
    let cache = open_cache(&config, &folders, state)?;
    let policy: Arc<dyn Policy> = Arc::new(AllowAll);
    let said = Arc::clone(&policy);
    // The names under which the source knows the folders are the ones in the objects' identifiers.
    let names = folders_of_source.folders().map(|(name, path)| (name.to_owned(), path.to_owned())).collect::<Vec<_>>();
    if let Some(identifier) = &config.library.identifier {
        let is_usable =
            !identifier.trim().is_empty() && !identifier.contains(|letter: char| letter.is_control() || letter == '\\');
        anyhow::ensure!(
            is_usable,
            "`library.identifier` is `{}`; write a name, such as `archive`",
            identifier.escape_debug()
        );
    }
    let whole = Whole { identifier: config.library.identifier.clone(), title: config.library.title.clone() };
    let library = Library::named(names, library_options(&config))?.called(whole);
    let elsewhere = &config.source.remote;
    let remote = elsewhere.is_on().then(|| Remote::new(elsewhere, state.join("remote"))).transpose()?;
    let source = Arc::new(Sources::new(folders_of_source, remote));
    let fetched = elsewhere.clone();
    let proxied = Proxied::those(move |url| fetched.admits(url));
    let title = config.library.title.clone().unwrap_or_else(|| "Recto".to_owned());
    let watch = WatchOptions { rescan: config.library.rescan_every.into(), ..WatchOptions::default() };
    let images = ImageService::start(ImageServiceParts {
        source,
        policy: Arc::clone(&policy),
        cache: Arc::clone(&cache),
        metrics: Arc::new(Metrics::new()),
        limits: config.limits,
        options: config.image,
        work: config.work,
        rest: crate::allocator::give_back,
    })
    .context("`image.background` is not a colour; write it like `#ffffff`")?;
    let catalog = open_catalog(state)?;
    let texts = open_texts(state)?;
    let objects = if config.library.watch {
        let started = ObjectService::start(library, watch, catalog, texts, images.clone(), policy);
        let objects = started.context("the library cannot be watched")?;
        let first = objects.clone();
        if !tokio::task::spawn_blocking(move || first.wait_until_taken_in(FIRST_LOOK)).await? {
            say("The library is large: it is still being looked at, and appears bit by bit.");
        }
        objects
    } else {
        ObjectService::without_watching(catalog, texts, images.clone(), policy)
    };
    for finding in objects.findings().iter().take(20) {
        let (place, text) = (&finding.place, format!("{}: {}", finding.message, finding.fix));
        match finding.severity {
            Severity::Error | Severity::Warning => tracing::warn!(%place, "{text}"),
            Severity::Note => tracing::info!(%place, "{text}"),
        }
    }
    if config.library.look_ahead {
        objects.look_ahead();
    }
    if config.library.texts && config.library.watch {
        objects.keep_texts();
    }
    let may_be_written = !config.server.annotation_tokens.is_empty();
    let written = open_annotations(state)?;
    let annotations = AnnotationService::new(written, &objects, said, config.annotations.clone(), may_be_written);
    if config.library.watch {
        annotations.keep_beside(&objects);
    }
    let app = App::new(images, objects, annotations, title, proxied, config.server.clone())?;
    let listen = config.server.listen.clone();
    let server = Server::bind(app).await.with_context(|| {
        format!("`{listen}` cannot be listened on; another program may have it: choose another with --listen")
    })?;
    let address = server.address()?;
    let url = config.server.base_url.clone().unwrap_or_else(|| format!("http://{address}"));
    say(&format!(
        "Recto serves {} at {url}/",
        folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
    ));
    super::cache::Running::tell(state, address);
    say(&format!("listening on {address}"));
    server.run(stop_signal()).await?;
    super::cache::Running::forget(state);
    // What was made last is kept for the next start.
    tokio::task::spawn_blocking(move || cache.flush()).await?;
    say("Recto has stopped.");
    Ok(())
}

/// Longest time that the first look at the library delays the start.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// The catalogue. One that cannot be used is put aside, for the library tells everything but the log of changes again.
fn open_catalog(state: &Path) -> anyhow::Result<Catalog> {
    let path = state.join("catalogue.sqlite");
    match Catalog::open(&path) {
        Err(error) if error.is_corrupt() => {
            let aside = state.join(format!("catalogue-broken-{}.sqlite", std::process::id()));
            tracing::error!(file = %aside.display(), "the catalogue is broken; it is put aside, and a new one is made");
            std::fs::rename(&path, &aside).context("the broken catalogue cannot be put aside")?;
            for suffix in ["-wal", "-shm"] {
                // They belong to the old file; often there are none.
                let _ = std::fs::remove_file(state.join(format!("catalogue.sqlite{suffix}")));
            }
            Ok(Catalog::open(&path)?)
        }
        outcome => Ok(outcome?),
    }
}

/// What people wrote. It is nowhere else: one that cannot be used is a matter for people, and nothing is put in its place.
fn open_annotations(state: &Path) -> anyhow::Result<AnnotationStore> {
    let path = state.join("annotations.sqlite");
    AnnotationStore::open(&path).with_context(|| {
        format!("the annotations in `{}` cannot be opened; restore the file from a copy", path.display())
    })
}

/// The texts. Those that cannot be used are read again.
fn open_texts(state: &Path) -> anyhow::Result<TextStore> {
    let path = state.join("text.sqlite");
    match TextStore::open(&path) {
        Err(error) => {
            tracing::error!("the kept texts cannot be used and are read again: {error}");
            for suffix in ["", "-wal", "-shm"] {
                // Often there is none of them.
                let _ = std::fs::remove_file(state.join(format!("text.sqlite{suffix}")));
            }
            Ok(TextStore::open(&path)?)
        }
        outcome => Ok(outcome?),
    }
}

/// The cache, in the state directory unless the configuration names another; never where originals lie.
fn open_cache(config: &Config, folders: &[PathBuf], state: &Path) -> anyhow::Result<Arc<DerivativeCache>> {
    let mut options = config.cache.clone();
    let directory = options.directory.get_or_insert_with(|| state.join("cache"));
    let place = recto_cache::real(directory);
    if let Some(folder) = folders.iter().find(|folder| place.starts_with(folder) || folder.starts_with(&place)) {
        anyhow::bail!(
            "`cache.directory` is `{}`, which overlaps with the folder `{}`; name another",
            place.display(),
            folder.display()
        );
    }
    Ok(Arc::new(DerivativeCache::open(&options)?))
}

fn library_options(config: &Config) -> LibraryOptions {
    let symlinks = match config.source.symlinks {
        Symlinks::Inside => recto_ingest::Symlinks::Inside,
        Symlinks::Follow => recto_ingest::Symlinks::Follow,
        Symlinks::Ignore => recto_ingest::Symlinks::Ignore,
    };
    LibraryOptions { symlinks, ..LibraryOptions::default() }
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        // Without signals the process ends as the system ends it.
        _ => std::future::pending().await,
    }
}
