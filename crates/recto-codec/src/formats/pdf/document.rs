//! A parsed file, shared by all of its pages that are open. It holds the whole file in memory, so it is kept in the memory of
//! decoders, within its bound, and read again when it was dropped from there.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::{contained, corrupt, tables, unsupported};
use crate::formats::held::check_held;
use crate::{ByteRange, Control, DecodeError, Memo, MemoKey, OpenOptions, RandomAccess, SourceFormat};

/// Images that [`Memo::image`] never gives: files by what they are instead.
const DOCUMENTS: u64 = u64::MAX;
const SHARES: u64 = u64::MAX - 1;

/// How far from its end a file has its end mark.
const END_BYTES: usize = 4096;

/// How often those who wait look whether their own time is up.
const GLANCE: Duration = Duration::from_millis(50);

/// A file and all that was parsed of it.
pub(super) struct Document {
    pub(super) pdf: Pdf,
}

/// Where the document of one version of one file is, if it is in memory.
pub(super) struct Share {
    identity: Option<u128>,
    memo: Arc<Memo>,
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

/// Ends parsing, however it ends.
struct Parsing<'a>(&'a Share);

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
            return Arc::new(Self::new(None, memo, MemoKey { image: memo.image(), part: 0 }));
        };
        let part = identity as u64 ^ (identity >> 64) as u64;
        let key = MemoKey { image: SHARES, part };
        if let Some(share) = memo.get::<Self>(key).filter(|share| share.identity == Some(identity)) {
            return share;
        }
        let share = Arc::new(Self::new(Some(identity), memo, MemoKey { image: DOCUMENTS, part }));
        memo.insert(key, Arc::clone(&share), 256);
        share
    }

    fn new(identity: Option<u128>, memo: &Arc<Memo>, key: MemoKey) -> Self {
        Self { identity, memo: Arc::clone(memo), key, state: Mutex::default(), parsed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The document, parsed if nobody has it. Others wait meanwhile instead of doing the same, as long as their `control` lets
    /// them.
    pub(super) fn document(
        &self,
        source: &dyn RandomAccess,
        max_bytes: u64,
        control: &Control,
    ) -> Result<Arc<Document>, DecodeError> {
        let mut state = self.state();
        loop {
            if let Some(document) = state.document.upgrade() {
                // Asked for, so that it stays: what was not used for long goes first.
                self.memo.get::<Document>(self.key);
                return Ok(document);
            }
            control.check()?;
            if !state.is_parsing {
                break;
            }
            (state, _) = self.parsed.wait_timeout(state, GLANCE).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_parsing = true;
        drop(state);
        let _parsing = Parsing(self);
        let document = Arc::new(read(source, max_bytes, control)?);
        self.state().document = Arc::downgrade(&document);
        self.memo.insert(self.key, Arc::clone(&document), held_bytes(source.len()));
        Ok(document)
    }
}

/// Bytes that a document of a file this long takes.
pub(super) fn held_bytes(file_bytes: u64) -> u64 {
    file_bytes.saturating_add(file_bytes / 4).saturating_add(64 << 10)
}

/// Opens the share and checks that the file is readable at all.
pub(super) fn open(
    source: &dyn RandomAccess,
    options: &OpenOptions,
) -> Result<(Arc<Share>, Arc<Document>), DecodeError> {
    let share = Share::of(source, &options.memo);
    let document = share.document(source, options.max_bytes, &options.control)?;
    Ok((share, document))
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
    Ok(Document { pdf })
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
            let document = move |control: Control| share.document(slow, 1 << 20, &control);
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
        assert!(matches!(share.document(&file, 1 << 20, &control), Err(DecodeError::Cancelled)));
        assert!(matches!(share.document(&file, 1, &Control::default()), Err(DecodeError::TooLarge { .. })));
        assert!(share.document(&file, 1 << 20, &Control::default()).is_ok());
    }
}
