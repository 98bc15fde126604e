//! Looks at a library again whenever files come and go.
//!
//! Changes are learnt from the operating system. Where that cannot be had (network file systems, exhausted watch limits)
//! or something was missed, a rescan from time to time finds them. One thread does all of it and ends with the
//! [`Watcher`].

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::{Finding, Library, Severity, Tree, media};

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchOptions {
    /// Ask the operating system for changes. Off, only rescans find them.
    pub events: bool,
    /// How long it has to be quiet before changes are looked at.
    pub debounce: Duration,
    /// Longest time that changes wait while it never gets quiet.
    pub longest_wait: Duration,
    /// Time between rescans while the operating system reports changes.
    pub rescan: Duration,
    /// Time between rescans while it does not.
    pub rescan_without_events: Duration,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            events: true,
            debounce: Duration::from_millis(200),
            longest_wait: Duration::from_secs(2),
            rescan: Duration::from_mins(10),
            rescan_without_events: Duration::from_mins(1),
        }
    }
}

/// A library that is kept under watch.
#[derive(Debug)]
pub struct Watcher {
    shared: Arc<Shared>,
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// How often the library was looked at, and what was seen was received.
    looks: u64,
    findings: Vec<Finding>,
    missing: Vec<PathBuf>,
}

/// Takes what was seen. It is called on the watcher's own thread, and the next look waits for it.
pub type Receive = Box<dyn FnMut(Tree) + Send>;

enum Message {
    Changed,
    Rescan,
    Stop,
}

impl Watcher {
    /// Looks at the library at once, and again after each change. What is seen goes to `receive`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(library: Library, options: WatchOptions, receive: Receive) -> std::io::Result<Self> {
        let (messages, inbox) = mpsc::channel();
        // Watches stand before the first look, so that no change falls between the two.
        let mut watches = Watches::new(&library, options, &messages);
        watches.renew();
        let state = Mutex::new(State { looks: 0, findings: watches.findings(), missing: missing_folders(&library) });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let keeper = Keeper { library, options, watches, shared: Arc::clone(&shared), receive };
        let thread = std::thread::Builder::new().name("library-watch".into()).spawn(move || keeper.run(&inbox))?;
        Ok(Self { shared, messages, thread: Some(thread) })
    }

    /// Waits until the library was looked at, and what was seen was received, more often than this; gives how often.
    /// `None` when the time is over first.
    pub fn wait_for_look(&self, looks: u64, longest: Duration) -> Option<u64> {
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), longest, |state| state.looks <= looks)
            .unwrap_or_else(PoisonError::into_inner);
        (state.looks > looks).then_some(state.looks)
    }

    /// The folders that cannot be found now.
    pub fn missing_folders(&self) -> Vec<PathBuf> {
        self.shared.lock().missing.clone()
    }

    /// Looks at the library again soon, without waiting for a change to be reported.
    pub fn rescan(&self) {
        // A thread that is gone can no longer be asked; then the watcher is being dropped.
        let _ = self.messages.send(Message::Rescan);
    }

    /// What keeps the watch from noticing changes at once.
    pub fn findings(&self) -> Vec<Finding> {
        self.shared.lock().findings.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Stop);
        // Whoever receives may hold the last handle on what owns the watcher: a thread cannot wait for itself.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is changed half under this lock, so that a poisoned one is as good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down which folders are missing; true when all are there, so that a scan tells the truth. A folder that has gone
    /// away (a mount that was lost) does not empty the library: what was known of it stays until it is back.
    fn note_missing(&self, missing: Vec<PathBuf>) -> bool {
        let mut state = self.lock();
        for folder in missing.iter().filter(|folder| !state.missing.contains(folder)) {
            tracing::warn!(folder = %folder.display(), "a folder of the library is gone; what was last seen in it stays published");
        }
        state.missing = missing;
        state.missing.is_empty()
    }

    /// Takes down that the library was looked at once more.
    fn note_look(&self, findings: Vec<Finding>) {
        let mut state = self.lock();
        state.findings = findings;
        state.looks += 1;
        self.changed.notify_all();
    }
}

/// Time between looks for a folder that has gone away.
const RETRY_MISSING: Duration = Duration::from_secs(1);

fn missing_folders(library: &Library) -> Vec<PathBuf> {
    library.folders().filter(|folder| !folder.is_dir()).map(Path::to_owned).collect()
}

struct Keeper {
    library: Library,
    options: WatchOptions,
    watches: Watches,
    shared: Arc<Shared>,
    receive: Receive,
}

impl Keeper {
    fn run(mut self, inbox: &Receiver<Message>) {
        self.look();
        loop {
            match inbox.recv_timeout(self.until_rescan()) {
                Ok(Message::Changed) if !self.until_quiet(inbox) => return,
                Ok(Message::Changed | Message::Rescan) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            self.watches.renew();
            let missing = missing_folders(&self.library);
            if self.shared.note_missing(missing) {
                self.look();
            }
        }
    }

    fn look(&mut self) {
        (self.receive)(self.library.scan());
        self.shared.note_look(self.watches.findings());
    }

    fn until_rescan(&self) -> Duration {
        if !self.shared.lock().missing.is_empty() {
            return RETRY_MISSING;
        }
        if self.watches.is_complete() { self.options.rescan } else { self.options.rescan_without_events }
    }

    /// Waits until nothing more changes, or has waited long enough; false when it is time to stop.
    fn until_quiet(&self, inbox: &Receiver<Message>) -> bool {
        let deadline = Instant::now() + self.options.longest_wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match inbox.recv_timeout(self.options.debounce.min(left)) {
                Ok(Message::Changed | Message::Rescan) => {}
                Err(RecvTimeoutError::Timeout) => return true,
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            }
            if left.is_zero() {
                return true;
            }
        }
    }
}

/// The operating system's watches on the folders of a library.
struct Watches {
    watcher: Option<RecommendedWatcher>,
    roots: Vec<Watched>,
    /// Why there is no watcher at all.
    failure: Option<String>,
}

struct Watched {
    path: PathBuf,
    /// Which folder stood at the path when the watch was set; `None` while there is no watch.
    folder: Option<FolderIdentity>,
    failure: Option<String>,
}

impl Watches {
    fn new(library: &Library, options: WatchOptions, messages: &Sender<Message>) -> Self {
        let paths: Vec<PathBuf> = library.folders().map(Path::to_owned).collect();
        let roots = paths.iter().map(|path| Watched { path: path.clone(), folder: None, failure: None }).collect();
        if !options.events {
            return Self { watcher: None, roots, failure: None };
        }
        let messages = messages.clone();
        let on_event = move |event: notify::Result<notify::Event>| {
            if event.as_ref().map_or(true, |event| concerns(event, &paths)) {
                // The other end is gone only while the watcher is being dropped.
                let _ = messages.send(Message::Changed);
            }
        };
        // Links may lead anywhere, to `/` too: what is behind them is found by rescans.
        let config = notify::Config::default().with_follow_symlinks(false);
        match RecommendedWatcher::new(on_event, config) {
            Ok(watcher) => Self { watcher: Some(watcher), roots, failure: None },
            Err(error) => Self { watcher: None, roots, failure: Some(error.to_string()) },
        }
    }

    /// Sets watches on folders that have none, or that were replaced by others since.
    fn renew(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        for root in &mut self.roots {
            let now = folder_identity(&root.path);
            if now.is_some() && now == root.folder {
                continue;
            }
            if root.folder.take().is_some() {
                let _ = watcher.unwatch(&root.path);
            }
            root.failure = None;
            if now.is_none() {
                continue;
            }
            match watcher.watch(&root.path, RecursiveMode::Recursive) {
                Ok(()) => root.folder = now,
                Err(error) => {
                    tracing::warn!(folder = %root.path.display(), %error, "changes are found by rescans only");
                    root.failure = Some(error.to_string());
                }
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.watcher.is_some() && self.roots.iter().all(|root| root.folder.is_some())
    }

    fn findings(&self) -> Vec<Finding> {
        let of_roots = self.roots.iter().filter_map(|root| {
            let name = root.path.file_name().map_or_else(|| ".".into(), |name| name.to_string_lossy().into_owned());
            root.failure.as_ref().map(|failure| not_watched(name, failure))
        });
        self.failure.iter().map(|failure| not_watched(".".into(), failure)).chain(of_roots).collect()
    }
}

fn not_watched(place: String, failure: &str) -> Finding {
    Finding::new(
        Severity::Warning,
        "not-watched",
        place,
        format!("changes are noticed only by rescans from time to time ({failure})"),
        "raise the system's limits on file watches (`fs.inotify.max_user_watches`, `max_user_instances`)",
    )
}

/// True when the event may change what is published: not for reading, and not for names that are passed over.
fn concerns(event: &notify::Event, roots: &[PathBuf]) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) => return false,
        _ => {}
    }
    event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(|path| !is_passed_over(path, roots))
}

fn is_passed_over(path: &Path, roots: &[PathBuf]) -> bool {
    roots.iter().filter_map(|root| path.strip_prefix(root).ok()).any(|below| {
        below.components().any(|component| media::is_passed_over(&component.as_os_str().to_string_lossy()))
    })
}

/// Which folder it is, whatever it is called: device and number.
type FolderIdentity = (u64, u64);

#[cfg(unix)]
fn folder_identity(path: &Path) -> Option<FolderIdentity> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.metadata().ok()?;
    metadata.is_dir().then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn folder_identity(path: &Path) -> Option<FolderIdentity> {
    path.is_dir().then_some((0, 0))
}
