//! A parsed file, shared by all of its pages that are open. It holds the whole file in memory, so it is kept in the memory of
//! decoders, within its bound, and read again when it was dropped from there. The first page of a file far away may be a
//! document of its own, which no other page shares.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::linear::{self, Linearization};
use super::{contained, corrupt, tables, unsupported};
use crate::formats::held::check_held;
use crate::{ByteRange, Control, DecodeError, Memo, MemoKey, OpenOptions, RandomAccess, SourceFormat};

/// Images that [`Memo::image`] never gives: files by what they are instead.
const DOCUMENTS: u64 = u64::MAX;
const SHARES: u64 = u64::MAX - 1;
const FIRST_PAGES: u64 = u64::MAX - 2;

/// How far from its end a file has its end mark.
const END_BYTES: usize = 4096;

/// How often those who wait look whether their own time is up.
const GLANCE: Duration = Duration::from_millis(50);

/// A file and all that was parsed of it.
pub(super) struct Document {
    pub(super) pdf: Pdf,
    /// How many pages the file has: more than the document when that is the first one alone.
    pub(super) pages: u32,
    /// How many bytes of the file are in it.
    pub(super) file_bytes: u64,
}

/// How much of a file one of its pages takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extent {
    Whole,
    /// The part with the first page, if all of it is there.
    FirstPage(Linearization),
}

impl Extent {
    fn of(source: &dyn RandomAccess, page: u32) -> io::Result<Self> {
        // What lies at hand is read once for all pages.
        if page != 1 || source.read_ahead() == 0 {
            return Ok(Self::Whole);
        }
        Ok(Linearization::of(source)?.map_or(Self::Whole, Self::FirstPage))
    }
}

/// Where the documents of one version of one file are, if they are in memory.
pub(super) struct Share {
    identity: Option<u128>,
    memo: Arc<Memo>,
    whole: Place,
    first_page: Place,
    /// The first page was found to need more than its part of the file.
    needs_whole: AtomicBool,
    /// The page tree of a file whose first page comes first was found to say nothing else of that page.
    tree_agrees: AtomicBool,
}

/// Where a document is, if it is in memory.
struct Place {
    key: MemoKey,
    state: Mutex<State>,
    /// Somebody was parsing it and is no more.
    parsed: Condvar,
}

#[derive(Default)]
struct State {
    /// Somebody is parsing it.
    is_parsing: bool,
    document: Weak<Document>,
}

/// A document, or the turn to parse it.
enum Turn<'a> {
    Held(Arc<Document>),
    Parsing(Parsing<'a>),
}

/// Ends parsing, however it ends.
struct Parsing<'a>(&'a Place);

impl Parsing<'_> {
    fn keep(self, document: Document, memo: &Memo) -> Arc<Document> {
        let bytes = held_bytes(document.file_bytes);
        let document = Arc::new(document);
        self.0.state().document = Arc::downgrade(&document);
        memo.insert(self.0.key, Arc::clone(&document), bytes);
        document
    }
}

impl Drop for Parsing<'_> {
    fn drop(&mut self) {
        self.0.state().is_parsing = false;
        self.0.parsed.notify_all();
    }
}

impl Share {
    /// The share of this source: the same for all decoders of the same version, where the source can tell.
    pub(super) fn of(source: &dyn RandomAccess, memo: &Arc<Memo>) -> Arc<Self> {
        let Some(identity) = source.identity() else {
            let image = memo.image();
            return Arc::new(Self::new(None, memo, MemoKey { image, part: 0 }, MemoKey { image, part: 1 }));
        };
        let part = identity as u64 ^ (identity >> 64) as u64;
        let key = MemoKey { image: SHARES, part };
        if let Some(share) = memo.get::<Self>(key).filter(|share| share.identity == Some(identity)) {
            return share;
        }
        let (whole, first_page) = (MemoKey { image: DOCUMENTS, part }, MemoKey { image: FIRST_PAGES, part });
        let share = Arc::new(Self::new(Some(identity), memo, whole, first_page));
        memo.insert(key, Arc::clone(&share), 512);
        share
    }

    fn new(identity: Option<u128>, memo: &Arc<Memo>, whole: MemoKey, first_page: MemoKey) -> Self {
        let (whole, first_page) = (Place::new(whole), Place::new(first_page));
        let (needs_whole, tree_agrees) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { identity, memo: Arc::clone(memo), whole, first_page, needs_whole, tree_agrees }
    }

    /// The document, parsed if nobody has it. Others wait meanwhile instead of doing the same, as long as their `control` lets
    /// them.
    pub(super) fn document(
        &self,
        source: &dyn RandomAccess,
        extent: Extent,
        max_bytes: u64,
        control: &Control,
    ) -> Result<Arc<Document>, DecodeError> {
        if let Extent::FirstPage(linear) = extent
            && let Some(document) = self.first_page(source, &linear, max_bytes, control)?
        {
            return Ok(document);
        }
        match self.whole.turn(&self.memo, control)? {
            Turn::Held(document) => Ok(document),
            Turn::Parsing(parsing) => Ok(parsing.keep(read(source, max_bytes, control)?, &self.memo)),
        }
    }

    /// A document with the first page in it; `None` if that takes the whole file.
    fn first_page(
        &self,
        source: &dyn RandomAccess,
        linear: &Linearization,
        max_bytes: u64,
        control: &Control,
    ) -> Result<Option<Arc<Document>>, DecodeError> {
        if let Some(whole) = self.whole.held(&self.memo) {
            return Ok(Some(whole));
        }
        match self.first_page.turn(&self.memo, control)? {
            Turn::Held(document) => Ok(Some(document)),
            // Whoever was waited for may have found that.
            Turn::Parsing(_) if self.needs_whole.load(Ordering::Relaxed) => Ok(None),
            Turn::Parsing(parsing) => {
                let Some(pdf) = linear::read(source, linear, &self.tree_agrees, max_bytes, control)? else {
                    self.needs_whole.store(true, Ordering::Relaxed);
                    return Ok(None);
                };
                let document = Document { pdf, pages: linear.pages, file_bytes: linear.end };
                Ok(Some(parsing.keep(document, &self.memo)))
            }
        }
    }
}

impl Place {
    fn new(key: MemoKey) -> Self {
        Self { key, state: Mutex::default(), parsed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self, memo: &Memo) -> Option<Arc<Document>> {
        let document = self.state().document.upgrade()?;
        // Asked for, so that it stays: what was not used for long goes first.
        memo.get::<Document>(self.key);
        Some(document)
    }

    fn turn(&self, memo: &Memo, control: &Control) -> Result<Turn<'_>, DecodeError> {
        let mut state = self.state();
        loop {
            if let Some(document) = state.document.upgrade() {
                // So that it stays, as above.
                memo.get::<Document>(self.key);
                return Ok(Turn::Held(document));
            }
            control.check()?;
            if !state.is_parsing {
                break;
            }
            (state, _) = self.parsed.wait_timeout(state, GLANCE).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_parsing = true;
        drop(state);
        Ok(Turn::Parsing(Parsing(self)))
    }
}

/// Bytes that a document of a file this long takes.
pub(super) fn held_bytes(file_bytes: u64) -> u64 {
    file_bytes.saturating_add(file_bytes / 4).saturating_add(64 << 10)
}

/// Opens the share and checks that the file is readable at all, or the part of it that the page takes.
pub(super) fn open(
    source: &dyn RandomAccess,
    options: &OpenOptions,
) -> Result<(Arc<Share>, Extent, Arc<Document>), DecodeError> {
    let share = Share::of(source, &options.memo);
    let extent = Extent::of(source, options.page)?;
    let document = share.document(source, extent, options.max_bytes, &options.control)?;
    Ok((share, extent, document))
}

fn read(source: &dyn RandomAccess, max_bytes: u64, control: &Control) -> Result<Document, DecodeError> {
    check_held(held_bytes(source.len()), max_bytes, SourceFormat::Pdf)?;
    let bytes = source.read_range(ByteRange::new(0, source.len()))?;
    // The library puts a cut off file together as well as it can, and pages with it; rather none than half a page.
    let end = &bytes[bytes.len().saturating_sub(END_BYTES)..];
    if memchr::memmem::find(end, b"%%EOF").is_none() {
        return Err(corrupt("it is cut off: its end is not marked"));
    }
    tables::check(&bytes, control)?;
    control.check()?;
    let pdf = contained(|| Pdf::new(bytes).map_err(refused))?;
    let pages = u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX);
    Ok(Document { pdf, pages, file_bytes: source.len() })
}

fn refused(error: LoadPdfError) -> DecodeError {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => unsupported("a password; store it without one"),
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => unsupported("this kind of encryption"),
        LoadPdfError::Decryption(_) => corrupt("its encryption is incomplete"),
        LoadPdfError::Invalid => corrupt("it has no pages that can be found"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc;

    use pdf_writer::{Pdf as Writer, Rect, Ref};

    use super::*;
    use crate::MemoryAccess;

    /// A page of nothing.
    fn page() -> Vec<u8> {
        let mut pdf = Writer::new();
        pdf.catalog(Ref::new(1)).pages(Ref::new(2));
        pdf.pages(Ref::new(2)).kids([Ref::new(3)]).count(1);
        pdf.page(Ref::new(3)).parent(Ref::new(2)).media_box(Rect::new(0.0, 0.0, 9.0, 9.0));
        pdf.finish()
    }

    /// A file that says when it is read, and waits until it may be.
    #[derive(Debug)]
    struct Slow {
        file: MemoryAccess,
        is_read: mpsc::SyncSender<()>,
        may_go_on: Mutex<mpsc::Receiver<()>>,
    }

    impl RandomAccess for Slow {
        fn len(&self) -> u64 {
            self.file.len()
        }

        fn identity(&self) -> Option<u128> {
            Some(3)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            self.is_read.send(()).map_err(io::Error::other)?;
            self.may_go_on.lock().unwrap().recv().map_err(io::Error::other)?;
            self.file.read_at(offset, buffer)
        }
    }

    #[test]
    fn whoever_waits_for_a_slow_file_may_give_up() {
        let (is_read, reads) = mpsc::sync_channel(9);
        let (go_on, may_go_on) = mpsc::channel();
        let slow = Slow { file: MemoryAccess::new(page()), is_read, may_go_on: Mutex::new(may_go_on) };
        let share = Share::of(&slow, &Arc::new(Memo::new(1 << 20)));
        let long = Duration::from_mins(1);
        std::thread::scope(|scope| {
            let (share, slow) = (&share, &slow);
            let document = move |control: Control| share.document(slow, Extent::Whole, 1 << 20, &control);
            let first = scope.spawn(move || document(Control::default()));
            reads.recv_timeout(long).unwrap();
            let (gives_up, gave_up) = mpsc::channel();
            let control = Control::default();
            let impatient = control.clone();
            scope.spawn(move || gives_up.send(document(impatient).err()));
            let patient = scope.spawn(move || document(Control::default()));
            control.cancel();
            let given_up = gave_up.recv_timeout(long);
            // Whatever was found, nobody may be left waiting.
            (0..3).for_each(|_| go_on.send(()).unwrap());
            assert!(matches!(given_up, Ok(Some(DecodeError::Cancelled))), "{given_up:?}");
            let first = first.join().unwrap().unwrap();
            assert_eq!(first.pdf.pages().len(), 1);
            assert!(Arc::ptr_eq(&first, &patient.join().unwrap().unwrap()), "it is parsed once");
        });
        assert!(reads.try_recv().is_err(), "it is read once");
    }

    #[test]
    fn what_one_gives_up_another_takes_over() {
        let file = MemoryAccess::new(page());
        let share = Share::of(&file, &Arc::new(Memo::new(1 << 20)));
        let control = Control::default();
        control.cancel();
        let document = |max_bytes: u64, control: &Control| share.document(&file, Extent::Whole, max_bytes, control);
        assert!(matches!(document(1 << 20, &control), Err(DecodeError::Cancelled)));
        assert!(matches!(document(1, &Control::default()), Err(DecodeError::TooLarge { .. })));
        assert!(document(1 << 20, &Control::default()).is_ok());
    }
}
